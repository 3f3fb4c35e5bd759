//! The same pseudonym for the same hostname or address, over the whole bundle, whichever file shows it first.
//!
//! A pseudonym follows from what it stands for and a random key, so that it does not depend on which log comes first. A hostname is
//! replaced label by label, each by what stands behind it: `api.acme.com` and `*.acme.com` still end alike, which is what checks
//! compare. The names end in `.example` (RFC 2606), the addresses are of `198.18.0.0/15` (RFC 2544) and `2001:db8::/32` (RFC 3849).
//!
//! What remains of order: where two of 131,070 addresses meet, the later one moves on; what comes after the limits below has a name
//! that no list knows, or shares one address.

mod addresses;
mod hostnames;
mod runs;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use self::hostnames::Part;
use super::Redactions;
use super::rules::{Rule, Rules};
use super::unescape::Plain;
use crate::checks::facts::is_google_front_end;

/// Labels that are remembered; those after them have a pseudonym as well, which no list knows.
const MAX_LABELS: usize = 131_072;
/// Addresses of version 4 that text may take; what comes after them shares [`SHARED`].
const MAX_OF_TEXT: usize = 98_304;
/// The same for evidence, which comes last and is what is judged.
const MAX_OF_EVIDENCE: usize = 122_880;
/// The last one of the range, which stands for all that found no place.
const SHARED: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 255);
/// 198.18.0.0/15 without its first and its last address.
const ADDRESSES: u32 = (1 << 17) - 2;
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 1]);
/// What names of servers end in that have no domain.
const ROOT: &str = "example";
/// Last labels that no domain can have (RFC 6761): what is below them is judged apart, so they stay.
const SPECIAL: [&str; 2] = ["invalid", "localhost"];
/// The label that this program puts below a wildcard to have a name for its handshake.
const OWN_LABEL: &str = "apigee-tls";
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// No number of a certificate is shorter, so that two are not taken for one.
const SHORTEST_NUMBER: usize = 16;

/// What is replaced by pseudonyms.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Pseudonyms {
    #[default]
    None,
    Hosts,
    Addresses,
    Both,
}

impl Pseudonyms {
    #[must_use]
    pub fn hosts(self) -> bool {
        matches!(self, Self::Hosts | Self::Both)
    }

    #[must_use]
    pub fn addresses(self) -> bool {
        matches!(self, Self::Addresses | Self::Both)
    }
}

/// What pseudonyms are made with, and what they stand for: the content of the file that stays outside the bundle.
#[derive(Clone, Eq, PartialEq)]
pub struct Names {
    /// Random. Who has it can try names until one fits.
    pub key: [u8; 32],
    /// Pseudonym → original.
    pub originals: BTreeMap<String, String>,
    /// Some pseudonyms are not listed: there were too many.
    pub incomplete: bool,
}

impl Names {
    /// None yet.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, originals: BTreeMap::new(), incomplete: false }
    }
}

pub(super) struct Table {
    kinds: Pseudonyms,
    key: [u8; 32],
    known: Mutex<Known>,
}

/// What was given out.
#[derive(Default)]
struct Known {
    /// The pseudonym of the first label of each name, by the name.
    labels: HashMap<String, String>,
    /// Those that stay stand for themselves.
    addresses: HashMap<IpAddr, IpAddr>,
    version_four: usize,
    originals: BTreeMap<String, String>,
    incomplete: bool,
}

impl Table {
    pub(super) fn new(kinds: Pseudonyms, names: Names) -> Self {
        let mut known = Known { incomplete: names.incomplete, ..Known::default() };
        for (pseudonym, original) in names.originals {
            known.load(pseudonym, original);
        }
        Self { kinds, key: names.key, known: Mutex::new(known) }
    }

    /// Gives out nothing.
    pub(super) fn none() -> Self {
        Self::new(Pseudonyms::None, Names::new([0; 32]))
    }

    pub(super) fn kinds(&self) -> Pseudonyms {
        self.kinds
    }

    pub(super) fn names(&self) -> Names {
        let known = self.known();
        Names { key: self.key, originals: known.originals.clone(), incomplete: known.incomplete }
    }

    /// The line with its pseudonyms, where it has any.
    pub(super) fn replace(&self, line: &[u8], rules: Rules, redactions: &mut Redactions) -> Option<Vec<u8>> {
        self.replace_of(self.kinds, line, rules, redactions)
    }

    /// The same for addresses alone, in what is no text.
    pub(super) fn replace_addresses(&self, line: &[u8], rules: Rules, redactions: &mut Redactions) -> Option<Vec<u8>> {
        let kinds = if self.kinds.addresses() { Pseudonyms::Addresses } else { Pseudonyms::None };
        self.replace_of(kinds, line, rules, redactions)
    }

    fn replace_of(&self, kinds: Pseudonyms, line: &[u8], rules: Rules, redactions: &mut Redactions) -> Option<Vec<u8>> {
        if kinds == Pseudonyms::None {
            return None;
        }
        let plain = Plain::deepest(line);
        let text = plain.as_ref().map_or(line, |plain| &plain.bytes);
        let mut names = Vec::new();
        let mut at = 0;
        while let Some((place, part, end)) = hostnames::next(text, at) {
            at = end;
            let (rule, name) = match part {
                Part::Address(address) if kinds.addresses() => {
                    let other = self.address(address, MAX_OF_TEXT);
                    (Rule::Address, (other != address).then(|| other.to_string()))
                }
                Part::Host(name) if kinds.hosts() => (Rule::Host, Some(self.host(name))),
                Part::Address(_) | Part::Host(_) => continue,
            };
            let Some(name) = name.filter(|_| rules.on(rule)) else { continue };
            names.push((plain.as_ref().map_or(place.clone(), |plain| plain.written(&place)), name));
            redactions.count(rule);
        }
        let renamed = with_names(line, &names);
        if !kinds.addresses() || !rules.on(Rule::Address) {
            return renamed;
        }
        self.hyphenated(renamed.as_deref().unwrap_or(line), redactions).or(renamed)
    }

    /// Addresses in the names of machines, where these are not replaced as a whole.
    fn hyphenated(&self, line: &[u8], redactions: &mut Redactions) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = 0;
        while let Some((place, address)) = addresses::hyphenated(line, at) {
            at = place.end;
            names.push((place, self.address(address.into(), MAX_OF_TEXT).to_string().replace('.', "-")));
            redactions.count(Rule::Address);
        }
        with_names(line, &names)
    }

    /// What is known to be a hostname or an address, whatever it looks like; nothing where it stays.
    pub(super) fn host_or_address(&self, name: &str) -> Option<(Rule, String)> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let other = self.evidence_address(address)?;
            return Some((Rule::Address, name.replace(bare, &other.to_string())));
        }
        let stays = !self.kinds.hosts() || hostnames::is_of_platform(&name.to_lowercase());
        let other = if stays { name.to_owned() } else { self.host(name) };
        (other != name).then_some((Rule::Host, other))
    }

    /// Nothing where the address stays.
    pub(super) fn evidence_address(&self, address: IpAddr) -> Option<IpAddr> {
        let other = self.kinds.addresses().then(|| self.address(address, MAX_OF_EVIDENCE));
        other.filter(|other| *other != address)
    }

    /// A serial number or a fingerprint: who has one finds the names of a public certificate in the logs of all certificates.
    pub(super) fn number(&self, number: &str) -> String {
        if number.is_empty() {
            return String::new();
        }
        let hash = HEXLOWER.encode(&hash(&self.key, "number", number, 0));
        // Serial numbers have no zero in front.
        let digits = hash.trim_start_matches('0');
        let digits = digits.get(..number.len().clamp(SHORTEST_NUMBER, digits.len())).unwrap_or(digits).to_owned();
        let mut known = self.known();
        known.note(digits.clone(), number);
        digits
    }

    /// The name of a context that is more than a word: the address of a cluster, a user, an account.
    pub(super) fn context(&self, context: &str) -> Option<String> {
        if self.kinds == Pseudonyms::None || !context.contains(['.', ':', '/', '@']) {
            return None;
        }
        let name = format!("context-{}", letters(&hash(&self.key, "context", context, 0)));
        self.known().note(name.clone(), context);
        Some(name)
    }

    /// From the last label on: what stands behind a label is part of what it is.
    fn host(&self, name: &str) -> String {
        let bare = name.trim_end_matches('.');
        let lower = bare.to_lowercase();
        let mut known = self.known();
        let mut labels: Vec<String> = Vec::new();
        let (mut behind, mut begin) = (String::new(), lower.len());
        for (original, label) in bare.rsplit('.').zip(lower.rsplit('.')) {
            begin -= label.len();
            let last = labels.is_empty();
            let stays = matches!(label, "" | "*" | OWN_LABEL) || last && SPECIAL.contains(&label);
            let mut mapped = label.to_owned();
            if !stays {
                mapped = known.label(&self.key, &lower[begin..], if last { ROOT } else { &behind });
                if last {
                    mapped = format!("{mapped}.{ROOT}");
                }
            }
            behind = if last { mapped.clone() } else { format!("{mapped}.{behind}") };
            // Checks tell upper case from lower case where DNS does not.
            labels.push(if original == label { mapped } else { mapped.to_ascii_uppercase() });
            begin = begin.saturating_sub(1);
        }
        labels.reverse();
        labels.join(".") + &name[bare.len()..]
    }

    fn address(&self, address: IpAddr, most: usize) -> IpAddr {
        let canonical = address.to_canonical();
        let other = self.known().address(&self.key, canonical, most);
        match (address, other) {
            (IpAddr::V6(_), IpAddr::V4(other)) => other.to_ipv6_mapped().into(),
            _ => other,
        }
    }

    /// Nothing is left half done under this lock, so that a panic elsewhere does not matter.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// One of an earlier run.
    fn load(&mut self, pseudonym: String, original: String) {
        if let (Ok(pseudonym), Ok(original)) = (pseudonym.parse::<IpAddr>(), original.parse::<IpAddr>()) {
            self.version_four += usize::from(original.is_ipv4());
            self.addresses.insert(original, pseudonym);
        } else if let Some((label, _)) = pseudonym.split_once('.') {
            self.labels.insert(original.clone(), label.to_owned());
        }
        self.originals.insert(pseudonym, original);
    }

    fn note(&mut self, pseudonym: String, original: &str) {
        if self.originals.len() < MAX_LABELS + MAX_OF_EVIDENCE {
            self.originals.insert(pseudonym, original.to_owned());
        } else {
            self.incomplete |= !self.originals.contains_key(&pseudonym);
        }
    }

    fn label(&mut self, key: &[u8; 32], name: &str, parent: &str) -> String {
        if let Some(known) = self.labels.get(name) {
            return known.clone();
        }
        let mut label = String::new();
        for attempt in 0..=u8::MAX {
            label = format!("h{}", letters(&hash(key, "host", name, attempt)));
            if !self.originals.contains_key(&format!("{label}.{parent}")) {
                break;
            }
        }
        if self.labels.len() < MAX_LABELS {
            self.labels.insert(name.to_owned(), label.clone());
            self.originals.insert(format!("{label}.{parent}"), name.to_owned());
        } else {
            self.incomplete = true;
        }
        label
    }

    fn address(&mut self, key: &[u8; 32], address: IpAddr, most: usize) -> IpAddr {
        if let Some(known) = self.addresses.get(&address) {
            return *known;
        }
        let text = address.to_string();
        if address.is_loopback() || address.is_unspecified() || is_no_machine(address) || is_google_front_end(&text) {
            return address;
        }
        if address.is_ipv4() && self.version_four >= most || self.addresses.len() >= MAX_LABELS + most {
            self.incomplete = true;
            return if address.is_ipv4() { SHARED.into() } else { SHARED.to_ipv6_mapped().into() };
        }
        // At least a sixteenth of the range is free, so that it ends.
        let mut other = address;
        for attempt in 0..=u8::MAX {
            other = address_of(&hash(key, "address", &text, attempt), address.is_ipv4());
            if other != address && !self.originals.contains_key(&other.to_string()) {
                break;
            }
        }
        self.version_four += usize::from(address.is_ipv4());
        self.addresses.insert(address, other);
        self.originals.insert(other.to_string(), text);
        other
    }
}

/// A mask of a network, what every machine calls its own (`169.254.0.0/16`, `fe80::/10`), or many machines.
fn is_no_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.octets()[0] == 255,
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_multicast(),
    }
}

/// The line with these names in these places, which ascend; nothing where there is none.
fn with_names(line: &[u8], names: &[(Range<usize>, String)]) -> Option<Vec<u8>> {
    let (last, _) = names.last()?;
    let mut out = Vec::with_capacity(line.len());
    let mut copied = 0;
    for (place, name) in names {
        out.extend_from_slice(&line[copied..place.start]);
        out.extend_from_slice(name.as_bytes());
        copied = place.end;
    }
    out.extend_from_slice(&line[last.end..]);
    Some(out)
}

/// SHA-256 of key, kind and name. Only a few bits of it are shown, so that nothing can be added to a name.
fn hash(key: &[u8; 32], kind: &str, name: &str, attempt: u8) -> [u8; 32] {
    let hash = Sha256::new().chain_update(key).chain_update([attempt]).chain_update(kind).chain_update([0]);
    hash.chain_update(name).finalize().into()
}

/// Six letters and digits, which are 30 bits.
fn letters(hash: &[u8; 32]) -> String {
    hash.iter().take(6).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

fn address_of(hash: &[u8; 32], version_four: bool) -> IpAddr {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    if version_four {
        let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % ADDRESSES;
        return Ipv4Addr::from(FIRST_ADDRESS + number).into();
    }
    bytes[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    Ipv6Addr::from(bytes).into()
}
