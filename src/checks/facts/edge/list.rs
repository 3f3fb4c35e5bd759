//! Faults of a list of certificates that a server presents.

use jiff::{SignedDuration, Timestamp};

use super::model::{EdgeCause, VALID_NOW};
use super::names;
use crate::checks::facts::chain;
use crate::evidence::certificate::{Certificate, path};
use crate::evidence::edge::{Edge, Keystore};
use crate::evidence::handshake::Verification;
use crate::text::{date, days};

/// How long before its end a certificate is reported.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
const WEAK_RSA: u32 = 2048;

/// A fault of a list.
#[derive(Clone, Debug)]
pub(crate) struct ListFault {
    pub(crate) cause: EdgeCause,
    /// A sentence about the certificate, to follow the name of the object and a colon.
    pub(crate) what: String,
    pub(crate) expected: String,
    /// Nothing else explains it.
    pub(crate) is_certain: bool,
    /// The CA that is not trusted, with its fingerprint if it was in the list.
    pub(crate) authority: Option<(String, String)>,
}

impl ListFault {
    fn new(cause: EdgeCause, what: String, expected: impl Into<String>) -> Self {
        Self { cause, what, expected: expected.into(), is_certain: true, authority: None }
    }
}

/// Returns the faults of the dates of the certificates that count: those of the path, without a root.
pub(crate) fn of_dates(list: &[Certificate], now: Timestamp) -> Vec<ListFault> {
    let mut faults = Vec::new();
    for (index, certificate) in chain::dated(list) {
        let who = who(index, certificate);
        let (begins, ends) = (certificate.not_before, certificate.not_after);
        // What cannot be read is neither over nor near: see `undated`.
        let has_end = !certificate.has_no_dates();
        if has_end && ends < now {
            let what = format!("{who} expired on {} ({} ago)", date(ends), days(now.duration_since(ends)));
            faults.push(ListFault::new(EdgeCause::CertificateExpired, what, VALID_NOW));
        } else if begins > now {
            let what = format!("{who} is not valid before {} (in {})", date(begins), days(begins.duration_since(now)));
            faults.push(ListFault::new(EdgeCause::CertificateNotYetValid, what, VALID_NOW));
        } else if has_end && ends.duration_since(now) < SOON {
            let what = format!("{who} expires on {} (in {})", date(ends), days(ends.duration_since(now)));
            faults.push(ListFault::new(EdgeCause::CertificateExpiring, what, "a certificate for more than 30 days"));
        }
    }
    faults
}

/// Returns the certificates of the path, without a root, that have a date that cannot be read, in words.
pub(crate) fn undated(list: &[Certificate]) -> impl Iterator<Item = String> {
    chain::dated(list).filter_map(|(index, certificate)| {
        let which = match (certificate.not_before == Timestamp::MIN, certificate.has_no_dates()) {
            (_, true) => "the end",
            (true, false) => "the beginning",
            (false, false) => return None,
        };
        Some(format!("{which} of {} cannot be read as a date", who(index, certificate)))
    })
}

/// Returns whether the certificate and its key are too weak, or not for servers.
pub(crate) fn of_strength(list: &[Certificate]) -> Vec<ListFault> {
    let mut faults = Vec::new();
    let Some(leaf) = list.first() else { return faults };
    if leaf.server_use == Some(false) {
        let what = format!("{} is not for servers: its extendedKeyUsage lacks serverAuth", who(0, leaf));
        faults.push(ListFault::new(EdgeCause::CertificateNotForServers, what, "extendedKeyUsage with serverAuth"));
    }
    for (index, certificate) in chain::dated(list) {
        let who = who(index, certificate);
        let signature = certificate.signature_algorithm.to_ascii_lowercase();
        let is_weak = ["sha1", "md5", "md2"].iter().any(|weak| signature.contains(weak));
        let key = &certificate.key;
        if is_weak {
            let what = format!("{who} is signed with {}", certificate.signature_algorithm);
            faults.push(ListFault::new(EdgeCause::CertificateWeak, what, "a signature with SHA-256 or better"));
        } else if matches!(key.algorithm.as_str(), "RSA" | "RSA-PSS") && (1..WEAK_RSA).contains(&key.bits) {
            let what = format!("{who} has an RSA key of {} bits", key.bits);
            faults.push(ListFault::new(EdgeCause::CertificateWeak, what, "an RSA key of 2048 bits"));
        }
    }
    faults
}

/// Returns the fault of the names for this host.
pub(crate) fn of_name(list: &[Certificate], host: &str) -> Option<ListFault> {
    let leaf = list.first().filter(|leaf| !leaf.names_cut && !names::covers(leaf, host))?;
    let what = format!("the certificate is for {}, not for {host}", names::of(leaf));
    Some(ListFault::new(EdgeCause::HostnameMismatch, what, format!("a certificate that covers {host}")))
}

/// Returns whether a CA is in front of its leaf.
pub(crate) fn is_misplaced(list: &[Certificate]) -> bool {
    list.first().is_some_and(|first| first.is_ca) && list.iter().skip(1).any(|other| !other.is_ca)
}

/// Returns what is wrong with the chain for client apps. Without a verification, only its order is judged,
/// and whether there is more than a leaf.
pub(crate) fn of_chain(
    list: &[Certificate],
    verification: Option<&Verification>,
    trusts_are_given: bool,
) -> Option<ListFault> {
    let leaf = list.first()?;
    let order = path(list);
    let is_trusted = verification.is_some_and(|verification| verification.code == 0);
    if order.len() == list.len() && order.iter().enumerate().any(|(place, index)| place != *index) {
        return Some(wrong_order(list));
    }
    if is_misplaced(list) {
        return Some(wrong_order(list));
    }
    if is_trusted {
        return None;
    }
    let top_index = *order.last()?;
    let top = list.get(top_index)?;
    if top.is_self_signed(top_index) {
        if top_index == 0 {
            let what = format!("{} is self-signed, and nobody trusts it", who(0, leaf));
            let fault =
                ListFault::new(EdgeCause::CertificateSelfSigned, what, "a certificate of a CA that clients trust");
            return verification.map(|_| ListFault { is_certain: trusts_are_given, ..fault });
        }
        return verification.map(|_| untrusted(&top.subject, Some(&top.fingerprint), trusts_are_given));
    }
    if let Some(next) = superfluous(list, &order) {
        // A root after a leaf leaves a gap between them.
        let is_root = list[next].is_self_signed(next);
        return Some(if is_root { incomplete(top, &[]) } else { wrong_issuer(top, &list[next]) });
    }
    let related = verification.map(|verification| verification.related.as_slice()).unwrap_or_default();
    if order.len() == 1 {
        let fault = incomplete(top, related);
        return Some(ListFault { is_certain: verification.is_some() && !related.is_empty(), ..fault });
    }
    let verification = verification?;
    if verification.lacks_issuer() && !related.is_empty() && !is_root_name(&top.issuer) {
        return Some(ListFault { is_certain: false, ..incomplete(top, related) });
    }
    Some(untrusted(&top.issuer, None, trusts_are_given))
}

/// Returns the fault of a list that is a self-signed certificate alone, where nothing says what is trusted.
pub(crate) fn self_signed(list: &[Certificate]) -> Option<ListFault> {
    let leaf = list.first().filter(|leaf| leaf.is_self_signed(0))?;
    let what = format!("{} is self-signed", who(0, leaf));
    Some(ListFault::new(EdgeCause::CertificateSelfSigned, what, "a certificate of a CA that is trusted"))
}

/// The result of following a list to a truststore, as JSSE does.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Leads to an entry; the indices of the certificates whose dates count.
    Anchored(Vec<usize>),
    Broken(ListFault),
}

/// Follows a backend's list to the entries of a truststore. JSSE sorts the list, and takes any entry as an
/// anchor, also an intermediate or the leaf itself, whose dates it does not check then.
pub(crate) fn follow(edge: &Edge, list: &[Certificate], store: &Keystore) -> Option<Trust> {
    let leaf = list.first()?;
    // Keystores of entries without certificates were not seen.
    let entries: Vec<&Certificate> = store.contents().filter_map(|alias| alias.certificates.first()).collect();
    if entries.is_empty() && store.contents().any(|alias| alias.unseen.is_some()) {
        return None;
    }
    let mut checked = Vec::new();
    let mut current = 0;
    loop {
        let certificate = list.get(current)?;
        if entries.iter().any(|entry| is_same(entry, certificate)) {
            return Some(Trust::Anchored(checked));
        }
        checked.push(current);
        if entries.iter().any(|entry| signed(edge, certificate, entry)) {
            return Some(Trust::Anchored(checked));
        }
        let next =
            (0..list.len()).find(|index| is_new(list, *index, &checked) && signed(edge, certificate, &list[*index]));
        match next {
            Some(next) => current = next,
            None => break,
        }
    }
    // The anchor may be among what was not seen.
    if store.contents().any(|alias| alias.unseen.is_some()) {
        return None;
    }
    let top = list.get(current)?;
    let is_self_signed = signed(edge, top, top);
    let fault = if is_self_signed && current == 0 {
        let what = format!("{} is self-signed, and not in the truststore", who(0, leaf));
        ListFault {
            authority: Some((leaf.subject.clone(), leaf.fingerprint.clone())),
            ..ListFault::new(EdgeCause::CertificateSelfSigned, what, "a certificate of a CA in the truststore")
        }
    } else if is_self_signed {
        untrusted_by_store(&top.subject, Some(&top.fingerprint), true)
    } else {
        let organization = names::part(&top.issuer, "O");
        let of_organization = |entry: &&&Certificate| {
            organization.is_some()
                && names::part(&entry.subject, "O").map(|name| name.to_lowercase())
                    == organization.as_ref().map(|name| name.to_lowercase())
        };
        let related: Vec<String> = entries.iter().filter(of_organization).map(|entry| entry.subject.clone()).collect();
        match superfluous(list, &checked) {
            Some(other) if !list[other].is_self_signed(other) => wrong_issuer(top, &list[other]),
            _ if checked.len() == 1 => ListFault { is_certain: !related.is_empty(), ..incomplete(top, &related) },
            _ if !related.is_empty() && !is_root_name(&top.issuer) => {
                ListFault { is_certain: false, ..incomplete(top, &related) }
            }
            _ => untrusted_by_store(&top.issuer, None, true),
        }
    };
    Some(Trust::Broken(fault))
}

/// Returns the first certificate outside a path that is not a duplicate: those are harmless.
fn superfluous(list: &[Certificate], path: &[usize]) -> Option<usize> {
    (0..list.len()).find(|index| is_new(list, *index, path))
}

fn is_new(list: &[Certificate], index: usize, known: &[usize]) -> bool {
    !known.iter().any(|other| *other == index || is_same(&list[*other], &list[index]))
}

/// Returns whether a certificate was signed by another, by its signature if both encodings are known, else by
/// the names.
pub(crate) fn signed(edge: &Edge, certificate: &Certificate, by: &Certificate) -> bool {
    match (edge.signatures.get(&certificate.fingerprint), edge.signatures.contains_key(&by.fingerprint)) {
        (Some(signers), true) => signers.contains(&by.fingerprint),
        _ => names::same(&certificate.issuer, &by.subject),
    }
}

/// Returns whether two descriptions are of one certificate.
pub(crate) fn is_same(one: &Certificate, other: &Certificate) -> bool {
    if !one.fingerprint.is_empty() && !other.fingerprint.is_empty() {
        return one.fingerprint == other.fingerprint;
    }
    one.serial == other.serial && names::same(&one.subject, &other.subject) && names::same(&one.issuer, &other.issuer)
}

/// `the leaf CN=a`, `the intermediate CN=b`
pub(crate) fn who(index: usize, certificate: &Certificate) -> String {
    let kind = if index == 0 { "the certificate" } else { "the intermediate" };
    let serial =
        if certificate.serial.is_empty() { String::new() } else { format!(" (serial {})", certificate.serial) };
    let subject = if certificate.subject.is_empty() { "with an empty subject" } else { &certificate.subject };
    format!("{kind} {subject}{serial}")
}

fn is_root_name(name: &str) -> bool {
    names::short(name).to_lowercase().split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "root")
}

fn wrong_order(list: &[Certificate]) -> ListFault {
    let order: Vec<String> = list.iter().map(|certificate| names::short(&certificate.subject)).collect();
    let what = format!("the certificates are in the wrong order: {}", order.join(", "));
    ListFault::new(EdgeCause::ChainWrongOrder, what, "the leaf first, then each issuer")
}

fn wrong_issuer(top: &Certificate, next: &Certificate) -> ListFault {
    let same_name = names::same(&top.issuer, &next.subject);
    let what = if same_name {
        format!("{} follows {}, but another key of that name signed it", next.subject, top.subject)
    } else {
        format!("{} follows {}, which {} issued", next.subject, top.subject, top.issuer)
    };
    ListFault::new(EdgeCause::ChainWrongIssuer, what, format!("the certificate of {}", top.issuer))
}

fn incomplete(top: &Certificate, related: &[String]) -> ListFault {
    let known = match related {
        [] => String::new(),
        names => format!("; {} is trusted", crate::text::at_most(names, 2)),
    };
    let what = format!("the chain ends with {}: its issuer {} is missing{known}", top.subject, top.issuer);
    ListFault::new(EdgeCause::ChainIncomplete, what, format!("the certificate of {} after it", top.issuer))
}

fn untrusted(authority: &str, fingerprint: Option<&str>, is_certain: bool) -> ListFault {
    let what = format!("the chain is whole, and clients do not trust its CA {authority}");
    ListFault {
        is_certain,
        authority: Some((authority.to_owned(), fingerprint.unwrap_or_default().to_owned())),
        ..ListFault::new(EdgeCause::TruststoreMismatch, what, "a CA that clients trust")
    }
}

fn untrusted_by_store(authority: &str, fingerprint: Option<&str>, is_certain: bool) -> ListFault {
    let what = format!("the chain is whole, and the truststore does not hold its CA {authority}");
    ListFault {
        is_certain,
        authority: Some((authority.to_owned(), fingerprint.unwrap_or_default().to_owned())),
        ..ListFault::new(EdgeCause::TruststoreMismatch, what, format!("{authority} in the truststore"))
    }
}
