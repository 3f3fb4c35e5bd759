//! The same pseudonym for the same hostname or address, over the whole bundle, in the order of first sight.
//!
//! What is a hostname in free text is a matter of form: at least two labels, the last one of letters. Names of the platform itself
//! (API groups, registries, Services of the cluster) stay, because they name no one and support cannot read a bundle without them; so
//! do loopback and unspecified addresses. A name of a single label is not recognised.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Redactions;
use super::rules::{Rule, Rules};

/// Pseudonyms of one kind; what comes after shares one.
const MAX_NAMES: usize = 65_536;
const MAX_HOST: usize = 253;

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
    pub(super) fn hosts(self) -> bool {
        matches!(self, Self::Hosts | Self::Both)
    }

    fn addresses(self) -> bool {
        matches!(self, Self::Addresses | Self::Both)
    }
}

/// Domains of the platform.
const KNOWN: &[&str] = &[
    "apigee.com",
    "apigee-tls.invalid",
    "apigee.net",
    "cert-manager.io",
    "cluster.local",
    "cncf.io",
    "docker.io",
    "envoyproxy.io",
    "gcr.io",
    "google.com",
    "googleapis.com",
    "istio.io",
    "k8s.io",
    "kubernetes.io",
    "letsencrypt.org",
    "pkg.dev",
    "quay.io",
    "w3.org",
    "x-k8s.io",
];

/// Last labels that are no domain: endings of files, parts of the cluster's names, fields of objects.
const NO_DOMAIN: &[&str] = &[
    "bak", "cfg", "class", "conf", "crt", "csr", "csv", "default", "der", "env", "exe", "go", "gz", "html", "jar",
    "java", "js", "json", "key", "local", "log", "md", "pem", "pfx", "pid", "proto", "py", "rs", "sh", "so", "sock",
    "spec", "status", "svc", "tar", "tgz", "toml", "ts", "txt", "xml", "yaml", "yml", "zip",
];

/// First labels of what is a path of fields or a Java package.
const NO_HOST: &[&str] =
    &["annotations", "data", "io.grpc", "java", "javax", "labels", "metadata", "org.apache", "spec", "status", "sun"];

pub(super) struct Table {
    kinds: Pseudonyms,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    hosts: HashMap<String, usize>,
    addresses: HashMap<IpAddr, usize>,
}

impl Table {
    pub(super) fn new(kinds: Pseudonyms) -> Self {
        Self { kinds, names: Mutex::default() }
    }

    /// Whether anything was replaced; then `out` is the line.
    pub(super) fn replace(&self, line: &[u8], rules: Rules, out: &mut Vec<u8>, redactions: &mut Redactions) -> bool {
        if self.kinds == Pseudonyms::None {
            return false;
        }
        let mut copied = 0;
        let mut at = 0;
        while let Some(run) = run(line, at) {
            at = run.end;
            let mut put = |range: Range<usize>, rule, name: String| {
                out.extend_from_slice(&line[copied..range.start]);
                out.extend_from_slice(name.as_bytes());
                copied = range.end;
                redactions.count(rule);
            };
            if let Some((length, address)) = address(line, &run) {
                at = run.start + length;
                if self.kinds.addresses()
                    && rules.on(Rule::Address)
                    && !address.is_loopback()
                    && !address.is_unspecified()
                {
                    put(run.start..at, Rule::Address, self.address(address));
                }
            } else if self.kinds.hosts() && rules.on(Rule::Host) {
                let range = host(line, &run);
                if let Some(name) =
                    line.get(range.clone()).and_then(|name| str::from_utf8(name).ok()).filter(|name| is_host(name))
                {
                    put(range, Rule::Host, self.host(name));
                }
            }
        }
        if copied > 0 {
            out.extend_from_slice(&line[copied..]);
        }
        copied > 0
    }

    /// Pseudonym → original.
    pub(super) fn map(&self) -> BTreeMap<String, String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = names.hosts.iter().map(|(name, number)| (host_name(*number), name.clone()));
        hosts.chain(names.addresses.iter().map(|(name, number)| (address_name(*number), name.to_string()))).collect()
    }

    fn host(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let next = names.hosts.len() + 1;
        match names.hosts.get(&name) {
            Some(number) => host_name(*number),
            None if next > MAX_NAMES => "host-other.example".to_owned(),
            None => {
                names.hosts.insert(name, next);
                host_name(next)
            }
        }
    }

    fn address(&self, address: IpAddr) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let next = names.addresses.len() + 1;
        match names.addresses.get(&address.to_canonical()) {
            Some(number) => address_name(*number),
            None if next > MAX_NAMES => "ip-other".to_owned(),
            None => {
                names.addresses.insert(address.to_canonical(), next);
                address_name(next)
            }
        }
    }
}

fn host_name(number: usize) -> String {
    format!("host-{number}.example")
}

fn address_name(number: usize) -> String {
    format!("ip-{number}")
}

/// The next run of letters, digits, dots, colons and hyphens that has a dot or a colon in it.
fn run(line: &[u8], from: usize) -> Option<Range<usize>> {
    let mut from = from;
    loop {
        let sign = from + memchr::memchr2(b'.', b':', line.get(from..)?)?;
        let begin = from + line[from..sign].iter().rposition(|byte| !is_part(*byte)).map_or(0, |at| at + 1);
        let end = sign + line[sign..].iter().take_while(|byte| is_part(**byte)).count();
        // Behind an escape (`\n`) its letter is no part of the name.
        let begin = if line[..begin].ends_with(b"\\") && begin < sign { begin + 1 } else { begin };
        if end - begin > 3 {
            return Some(begin..end);
        }
        from = end;
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_')
}

/// An address at the beginning of a run, without its port, and its length.
fn address(line: &[u8], run: &Range<usize>) -> Option<(usize, IpAddr)> {
    let text = str::from_utf8(&line[run.clone()]).ok()?;
    let before = line[..run.start].last();
    let four = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let quad = text[..four].trim_end_matches('.');
    let rest = &text[four..];
    let ended = rest.is_empty() || rest.starts_with(':');
    if ended && let Ok(address) = quad.parse::<std::net::Ipv4Addr>() {
        return (before != Some(&b'/') || text.contains(':') || line[..run.start].ends_with(b"//"))
            .then_some((quad.len(), IpAddr::V4(address)));
    }
    let six =
        text.find(|letter: char| !letter.is_ascii_hexdigit() && letter != ':' && letter != '.').unwrap_or(text.len());
    let six = text[..six].trim_end_matches('.');
    let six = if six.ends_with("::") { six } else { six.trim_end_matches(':') };
    // A serial number or a fingerprint is written in pairs.
    let pairs = six.split(':').all(|group| group.len() == 2);
    if six.bytes().filter(|byte| *byte == b':').count() < 2 || pairs {
        return None;
    }
    let address = six.parse::<std::net::Ipv6Addr>().ok()?;
    Some((six.len(), IpAddr::V6(address)))
}

/// The part of a run that may be a hostname: without a port and without what is glued to it.
fn host(line: &[u8], run: &Range<usize>) -> Range<usize> {
    let bytes = &line[run.clone()];
    let end = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
    let signs = |byte: &&u8| matches!(**byte, b'.' | b'-' | b'_');
    let begin = bytes[..end].iter().take_while(signs).count();
    let end = end - bytes[begin..end].iter().rev().take_while(signs).count();
    run.start + begin..run.start + end
}

fn is_host(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some((first, last)) = lower.split_once('.').and_then(|(first, rest)| Some((first, rest.rsplit('.').next()?)))
    else {
        return false;
    };
    let known = KNOWN
        .iter()
        .any(|domain| lower.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let ours = lower.ends_with(".example") && lower.strip_suffix(".example").is_some_and(is_pseudonym);
    lower.len() <= MAX_HOST
        && lower.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && (2..=24).contains(&last.len())
        && (last.bytes().all(|byte| byte.is_ascii_alphabetic()) || last.starts_with("xn--"))
        && !known
        && !ours
        && !NO_DOMAIN.contains(&last)
        && !NO_HOST
            .iter()
            .any(|start| lower.strip_prefix(start).is_some_and(|rest| rest.starts_with('.')) || first == *start)
        && !is_java(name)
}

fn is_pseudonym(label: &str) -> bool {
    label.strip_prefix("host-").is_some_and(|rest| rest == "other" || rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `com.google.apigee.Handler`: a package in front, a capital behind.
fn is_java(name: &str) -> bool {
    let package = ["com.", "org.", "net.", "io."].iter().any(|start| name.starts_with(start));
    let class =
        name.rsplit('.').next().is_some_and(|last| last.starts_with(|letter: char| letter.is_ascii_uppercase()));
    package && class && !name.bytes().all(|byte| !byte.is_ascii_lowercase())
}
