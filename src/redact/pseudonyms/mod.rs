//! Pseudonyms for hostnames and addresses: the same one for the same name in the whole bundle.
//!
//! A pseudonym is derived from the original and a random key, so it does not depend on which log comes first.
//! A hostname is replaced label by label, each derived from the name up to that label: `api.acme.com` and
//! `*.acme.com` still share their ending, which is what checks compare. Names end in `.example` (RFC 2606).
//! Addresses are of `198.18.0.0/15` (RFC 2544) and `2001:db8::/32` (RFC 3849).
//!
//! Order matters in two cases only. If two of 131,070 addresses collide, the later one gets another one.
//! Beyond the limits below, names are not listed, and addresses share [`SHARED`].

mod addresses;
mod components;
mod hostnames;
mod reveal;
mod runs;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use self::components::Components;
use self::hostnames::Recognised;
pub use self::reveal::Revealer;
use super::Redactions;
use super::rules::{Rule, Rules};
use super::unescape::Unescaped;
use crate::checks::facts::{is_azure_probe, is_google_front_end};

/// Maximum number of labels that are listed. Further labels get pseudonyms that are not listed.
const MAX_LABELS: usize = 131_072;
/// Maximum number of IPv4 addresses taken from text; further ones share [`SHARED`].
const MAX_OF_TEXT: usize = 98_304;
/// Maximum number of IPv4 addresses including those of evidence, which comes last and is judged.
const MAX_OF_EVIDENCE: usize = 122_880;
/// The last address of the range, shared by all addresses beyond the limits.
const SHARED: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 255);
/// Number of addresses of 198.18.0.0/15 without the first and the last.
const ADDRESSES: u32 = (1 << 17) - 2;
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 1]);
/// Domain of all pseudonyms of hostnames.
const ROOT: &str = "example";
/// Special-use top-level domains (RFC 6761). They are kept, because names below them are judged differently.
const SPECIAL: [&str; 2] = ["invalid", "localhost"];
/// The label below a wildcard in the SNI of this program's own handshakes.
const OWN_LABEL: &str = "apigee-tls";
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Minimum number of digits of a certificate number, so that two do not collide.
const SHORTEST_NUMBER: usize = 16;

/// The kinds replaced by pseudonyms.
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

/// The key and the originals of pseudonyms: the content of the file that stays outside the bundle.
#[derive(Clone, Eq, PartialEq)]
pub struct Names {
    /// Random key. Whoever has it can test guesses of a name.
    pub key: [u8; 32],
    /// Pseudonym → original.
    pub originals: BTreeMap<String, String>,
    /// Whether some pseudonyms are not listed, because there were too many.
    pub incomplete: bool,
}

impl Names {
    /// Returns an empty list with this key.
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

/// Pseudonyms given out so far.
#[derive(Default)]
struct Known {
    /// Pseudonym of the first label of each name, by the name.
    labels: HashMap<String, String>,
    /// Pseudonym by address; addresses that are kept map to themselves.
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

    /// Returns a table that replaces nothing.
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

    /// Returns the line with pseudonyms; `None` if nothing was replaced.
    pub(super) fn replace(&self, line: &[u8], rules: Rules, redactions: &mut Redactions) -> Option<Vec<u8>> {
        self.replace_of(self.kinds, line, rules, redactions)
    }

    /// Replaces addresses only, in names of counters.
    pub(super) fn replace_addresses(&self, line: &[u8], rules: Rules, redactions: &mut Redactions) -> Option<Vec<u8>> {
        let kinds = if self.kinds.addresses() { Pseudonyms::Addresses } else { Pseudonyms::None };
        self.replace_of(kinds, line, rules, redactions)
    }

    fn replace_of(&self, kinds: Pseudonyms, line: &[u8], rules: Rules, redactions: &mut Redactions) -> Option<Vec<u8>> {
        if kinds == Pseudonyms::None {
            return None;
        }
        let unescaped = Unescaped::deepest(line);
        let text = unescaped.as_ref().map_or(line, |unescaped| &unescaped.bytes);
        let mut names = Vec::new();
        let mut at = 0;
        while let Some((place, part, end)) = hostnames::next(text, at) {
            at = end;
            let (rule, name) = match part {
                Recognised::Address(address) if kinds.addresses() => {
                    let other = self.address(address, MAX_OF_TEXT);
                    (Rule::Address, (other != address).then(|| other.to_string()))
                }
                Recognised::Host(name) if kinds.hosts() => (Rule::Host, Some(self.host(name))),
                Recognised::Address(_) | Recognised::Host(_) => continue,
            };
            let Some(name) = name.filter(|_| rules.on(rule)) else { continue };
            names.push((unescaped.as_ref().map_or(place.clone(), |unescaped| unescaped.source_range(&place)), name));
            redactions.count(rule);
        }
        let mut renamed = with_names(line, &names);
        if kinds.hosts() && rules.on(Rule::Host) {
            renamed = self.other_forms(renamed.as_deref().unwrap_or(line), redactions).or(renamed);
        }
        if !kinds.addresses() || !rules.on(Rule::Address) {
            return renamed;
        }
        self.hyphenated(renamed.as_deref().unwrap_or(line), redactions).or(renamed)
    }

    /// Replaces hostnames in components (`DC=acme,DC=com`), and of one label under a key that says host.
    fn other_forms(&self, line: &[u8], redactions: &mut Redactions) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = 0;
        while let Some(components) = Components::next(line, at) {
            at = components.place.end;
            let (name, is_reversed) = components.name();
            if !self.is_pseudonym(&name) {
                names.push((components.place.clone(), components.written(&self.host(&name), is_reversed)));
            }
        }
        at = 0;
        while let Some(place) = hostnames::single_label(line, at) {
            at = place.end;
            let label = String::from_utf8_lossy(&line[place.clone()]).into_owned();
            let is_covered = names.iter().any(|(known, _)| known.start < place.end && place.start < known.end);
            if !is_covered && !self.is_pseudonym(&label) {
                names.push((place, self.host(&label)));
            }
        }
        names.sort_by_key(|(place, _)| place.start);
        for _ in &names {
            redactions.count(Rule::Host);
        }
        with_names(line, &names)
    }

    /// Returns whether a name was given by this table.
    fn is_pseudonym(&self, name: &str) -> bool {
        name.ends_with(".example") || self.known().originals.contains_key(name)
    }

    /// Replaces addresses in machine names (`ip-10-0-0-1`) that were not replaced as a whole.
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

    /// Returns the pseudonym of a known hostname or address; `None` if it is kept.
    pub(super) fn host_or_address(&self, name: &str) -> Option<(Rule, String)> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let other = self.evidence_address(address)?;
            return Some((Rule::Address, name.replace(bare, &other.to_string())));
        }
        let is_kept = !self.kinds.hosts() || hostnames::is_of_platform(&name.to_lowercase());
        let other = if is_kept { name.to_owned() } else { self.host(name) };
        (other != name).then_some((Rule::Host, other))
    }

    /// Returns the pseudonym of an address in evidence; `None` if it is kept.
    pub(super) fn evidence_address(&self, address: IpAddr) -> Option<IpAddr> {
        let other = self.kinds.addresses().then(|| self.address(address, MAX_OF_EVIDENCE));
        other.filter(|other| *other != address)
    }

    /// Returns the pseudonym of a serial number or fingerprint. Either one finds a public certificate, and so
    /// its names, in certificate transparency logs.
    pub(super) fn number(&self, number: &str) -> String {
        if number.is_empty() {
            return String::new();
        }
        let hash = HEXLOWER.encode(&hash(&self.key, "number", number, 0));
        // Serial numbers have no leading zero.
        let digits = hash.trim_start_matches('0');
        let digits = digits.get(..number.len().clamp(SHORTEST_NUMBER, digits.len())).unwrap_or(digits).to_owned();
        let mut known = self.known();
        known.note(digits.clone(), number);
        digits
    }

    /// Returns the pseudonym of a context name that holds an address, a user or an account; `None` for a
    /// plain word.
    pub(super) fn context(&self, context: &str) -> Option<String> {
        if self.kinds == Pseudonyms::None || !context.contains(['.', ':', '/', '@']) {
            return None;
        }
        let name = format!("context-{}", base32(&hash(&self.key, "context", context, 0)));
        self.known().note(name.clone(), context);
        Some(name)
    }

    /// Replaces a hostname from its last label on: each label is derived from the name behind it.
    fn host(&self, name: &str) -> String {
        let bare = name.trim_end_matches('.');
        let lower = bare.to_lowercase();
        let mut known = self.known();
        let mut labels: Vec<String> = Vec::new();
        let (mut behind, mut begin) = (String::new(), lower.len());
        for (original, label) in bare.rsplit('.').zip(lower.rsplit('.')) {
            begin -= label.len();
            let last = labels.is_empty();
            let is_kept = matches!(label, "" | "*" | OWN_LABEL) || last && SPECIAL.contains(&label);
            let mut mapped = label.to_owned();
            if !is_kept {
                mapped = known.label(&self.key, &lower[begin..], if last { ROOT } else { &behind });
                if last {
                    mapped = format!("{mapped}.{ROOT}");
                }
            }
            behind = if last { mapped.clone() } else { format!("{mapped}.{behind}") };
            // Checks distinguish upper from lower case, DNS does not.
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

    /// No invariant spans several operations under this lock, so poisoning is harmless.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Adds a pseudonym of an earlier run.
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
            label = format!("h{}", base32(&hash(key, "host", name, attempt)));
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
        let is_known = is_google_front_end(&text) || is_azure_probe(&text);
        if address.is_loopback() || address.is_unspecified() || is_no_machine(address) || is_known {
            return address;
        }
        if address.is_ipv4() && self.version_four >= most || self.addresses.len() >= MAX_LABELS + most {
            self.incomplete = true;
            return if address.is_ipv4() { SHARED.into() } else { SHARED.to_ipv6_mapped().into() };
        }
        // At least a sixteenth of the range is free, so the search ends.
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

/// Returns whether an address names no single machine: a netmask, link-local (`169.254.0.0/16`, `fe80::/10`)
/// or multicast.
fn is_no_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.octets()[0] == 255,
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_multicast(),
    }
}

/// Returns the line with names in place of ascending ranges; `None` without any.
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

/// Returns SHA-256 of key, attempt, kind and name. Only a few bits of it are used, which rules out length
/// extension.
fn hash(key: &[u8; 32], kind: &str, name: &str, attempt: u8) -> [u8; 32] {
    let hash = Sha256::new().chain_update(key).chain_update([attempt]).chain_update(kind).chain_update([0]);
    hash.chain_update(name).finalize().into()
}

/// Returns six base32 characters: 30 bits.
fn base32(hash: &[u8; 32]) -> String {
    hash.iter().take(6).map(|byte| char::from(BASE32[usize::from(byte % 32)])).collect()
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
