//! Faults of a certificate list, served or stored: dates, order, incomplete path, weak keys.

use jiff::{SignedDuration, Timestamp};

use super::phrases;
use crate::evidence::certificate::{Certificate, path};
use crate::evidence::stored::StoredContent;
use crate::evidence::{Evidence, Reason, Seen, Unavailable};
use crate::text::days;

/// Hint for judgements that depend on which CAs the clients trust.
pub(crate) const CA_FILE_HINT: &str = "--ca-file gives the CAs that clients trust";

/// Certificates that expire within this time are reported. Source: the ApigeeIssue of an expiring ingress
/// certificate is raised 14 days before.
const EXPIRING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Deviation of one certificate or of one list, without its location.
pub(crate) struct Deviation {
    /// The part of the message after the location.
    pub(crate) what: String,
    pub(crate) observed: String,
    pub(crate) expected: String,
}

/// Returns the certificates whose dates clients check, with their positions: the leaf and the intermediates
/// on its path. Clients use the root of their own store, so the dates of a root in the list do not matter.
pub(crate) fn dated(list: &[Certificate]) -> impl Iterator<Item = (usize, &Certificate)> {
    path(list)
        .into_iter()
        .filter_map(|i| Some((i, list.get(i)?)))
        .filter(|(i, certificate)| *i == 0 || !certificate.is_self_signed(*i))
}

/// Returns a deviation if the certificate has expired at `at`, or if its dates cannot be read.
pub(crate) fn expired(certificate: &Certificate, at: Timestamp) -> Option<Deviation> {
    if certificate.has_no_dates() {
        return Some(Deviation {
            what: format!("{} has dates that cannot be read", subject_and_serial(certificate)),
            observed: "notBefore or notAfter is not a valid time".into(),
            expected: "both as in RFC 5280 §4.1.2.5".into(),
        });
    }
    is_expired(certificate, at).then(|| Deviation {
        what: format!(
            "{} expired {} ago, on {}",
            subject_and_serial(certificate),
            days(at.duration_since(certificate.not_after)),
            phrases::moment(certificate.not_after)
        ),
        observed: format!("notAfter {}", phrases::moment(certificate.not_after)),
        expected: format!("a date after {}", phrases::moment(at)),
    })
}

/// Returns a deviation if the certificate is not valid yet at `at`.
pub(crate) fn not_yet_valid(certificate: &Certificate, at: Timestamp) -> Option<Deviation> {
    is_early(certificate, at).then(|| Deviation {
        what: format!(
            "{} is not valid before {}, in {}",
            subject_and_serial(certificate),
            phrases::moment(certificate.not_before),
            days(certificate.not_before.duration_since(at))
        ),
        observed: format!("notBefore {}", phrases::moment(certificate.not_before)),
        expected: format!("a date before {}", phrases::moment(at)),
    })
}

/// Returns a deviation if the certificate is valid at `at` and expires within [`EXPIRING`].
pub(crate) fn expiring(certificate: &Certificate, at: Timestamp) -> Option<Deviation> {
    is_expiring(certificate, at).then(|| Deviation {
        what: format!(
            "{} expires in {}, on {}",
            subject_and_serial(certificate),
            days(certificate.not_after.duration_since(at)),
            phrases::moment(certificate.not_after)
        ),
        observed: format!("notAfter {}", phrases::moment(certificate.not_after)),
        expected: "more than 14 days".into(),
    })
}

fn is_expired(certificate: &Certificate, at: Timestamp) -> bool {
    at > certificate.not_after
}

fn is_early(certificate: &Certificate, at: Timestamp) -> bool {
    at < certificate.not_before
}

fn is_expiring(certificate: &Certificate, at: Timestamp) -> bool {
    !is_expired(certificate, at) && certificate.not_after.duration_since(at) <= EXPIRING
}

/// Formats a certificate as `CN=api.example.com (serial 1f)`, so that readers can find it.
pub(crate) fn subject_and_serial(certificate: &Certificate) -> String {
    format!("{} (serial {})", subject(certificate), certificate.serial)
}

/// Returns the subject, or the first DNS name if the subject is empty.
pub(crate) fn subject(certificate: &Certificate) -> &str {
    match (certificate.subject.as_str(), certificate.dns_names.first()) {
        ("", Some(name)) => name,
        ("", None) => "a certificate without a subject",
        (subject, _) => subject,
    }
}

/// The certificate has more names than were read, so whether it covers a host is unknown.
pub(crate) fn unknown_names(certificate: &Certificate) -> Unavailable {
    let known = certificate.dns_names.len() + certificate.ip_addresses.len();
    let reason = Reason::Broken(format!("it has more names than the {known} that were read"));
    Unavailable::new(format!("which names {} covers", subject_and_serial(certificate)), reason)
}

/// Lists the first names of the certificate, short enough for a sentence.
pub(crate) fn names(certificate: &Certificate) -> String {
    let addresses: Vec<String> = certificate.ip_addresses.iter().map(ToString::to_string).collect();
    let names: Vec<&str> =
        certificate.dns_names.iter().map(String::as_str).chain(addresses.iter().map(String::as_str)).collect();
    if names.is_empty() { "no subjectAltName".into() } else { phrases::some_of(&names) }
}

/// Returns the leaf if it is not self-signed and its issuer is not in the list: either an intermediate is
/// missing, or the issuer is a root. Only the CAs that clients trust can decide which.
pub(crate) fn leaf_without_issuer(list: &[Certificate]) -> Option<&Certificate> {
    list.first().filter(|leaf| path(list).len() == 1 && !leaf.is_self_signed(0))
}

/// What is known of the issuer of a leaf that came without it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Issuer {
    /// A CA below another one. It has to be sent.
    Intermediate,
    /// A CA that signed itself. Nothing is missing; clients must trust it.
    Root,
    /// Either of the two.
    Unknown,
}

/// Returns what is known of the issuer of `leaf`, by another list of the evidence that has its certificate.
///
/// Otherwise three signs tell an intermediate: the leaf says where the certificate of its issuer is (CAs of
/// their own publish none), the trusted CAs have one of the issuer's organization (`related`), or the issuer
/// calls itself one.
pub(crate) fn issuer<'a>(evidence: &'a Evidence, leaf: &Certificate, related: &[String]) -> Issuer {
    let probes = evidence.probes.seen().ok();
    let served = probes.into_iter().flat_map(|probes| &probes.endpoints).flat_map(|endpoint| &endpoint.handshakes);
    let stored = evidence.stored_certificates.seen().ok().into_iter().flatten();
    let stored = stored.filter_map(|stored| stored.content.seen().ok());
    let of_clients = |content: &'a StoredContent| match &content.client_cas {
        Some(Seen::Seen(cas)) => cas.certificates.as_slice(),
        _ => &[],
    };
    let lists = served.map(|made| made.certificates.as_slice());
    let lists = lists.chain(stored.flat_map(|content| [content.certificates.as_slice(), of_clients(content)]));
    for list in lists {
        let known = list.iter().enumerate().find(|(_, one)| one.is_ca && one.subject == leaf.issuer);
        if let Some((position, known)) = known {
            return if known.is_self_signed(position) { Issuer::Root } else { Issuer::Intermediate };
        }
    }
    let name = leaf.issuer.to_ascii_lowercase();
    let calls_itself = ["intermediate", "subordinate", "issuing"].iter().any(|word| name.contains(word));
    let is_below = !leaf.issuer_urls.is_empty() || !related.is_empty() || calls_itself;
    if is_below { Issuer::Intermediate } else { Issuer::Unknown }
}

/// Returns the download URL of the issuer's certificate as the end of a sentence, or an empty string if the
/// certificate contains none (authorityInfoAccess).
pub(crate) fn issuer_url(certificate: &Certificate) -> String {
    certificate.issuer_urls.first().map_or_else(String::new, |url| format!("; it can be downloaded from {url}"))
}

/// The issuer of the leaf may be a root that clients trust, but their trusted CAs are unknown.
pub(crate) fn unknown_root(leaf: &Certificate) -> Unavailable {
    let what = format!("whether clients trust {}, which signed {}", leaf.issuer, subject(leaf));
    Unavailable::new(what, Reason::NotRequested(CA_FILE_HINT.into()))
}

/// Returns the CA certificates that have no successor in the list. A successor has the same subject, is valid
/// at `at` and expires later: verification finds it.
pub(crate) fn without_successor(list: &[Certificate], at: Timestamp) -> impl Iterator<Item = &Certificate> {
    let has_successor = move |one: &Certificate| {
        list.iter().any(|other| {
            other.subject == one.subject
                && other.not_after > one.not_after
                && !is_early(other, at)
                && !is_expired(other, at)
        })
    };
    list.iter().filter(move |one| !has_successor(one))
}

/// Lists the subjects of all certificates, in order.
pub(crate) fn subjects(list: &[Certificate]) -> String {
    list.iter().map(subject).collect::<Vec<&str>>().join(", ")
}

/// Describes the order of the list if it is not leaf, issuer, issuer's issuer. RFC 8446 §4.4.2: each
/// certificate should certify the one before it. Certificates after the end of the path, such as an extra
/// root, are tolerated.
pub(crate) fn wrong_order(list: &[Certificate]) -> Option<String> {
    let path = path(list);
    let later_leaf = list
        .iter()
        .enumerate()
        .position(|(i, certificate)| i > 0 && !certificate.is_ca && certificate.signer == Some(0));
    if let Some(i) = later_leaf {
        return Some(format!("the leaf {} is at position {}", subject(&list[i]), i + 1));
    }
    let in_order = path.iter().enumerate().all(|(i, position)| i == *position);
    let numbers: Vec<String> = path.iter().map(|position| (position + 1).to_string()).collect();
    (!in_order).then(|| format!("the path from the leaf is at positions {}", numbers.join(", ")))
}

/// Certificates of a list that no client needs.
pub(crate) struct Superfluous<'a> {
    /// Certificates that were sent before already.
    pub(crate) duplicates: Vec<&'a Certificate>,
    /// Certificates that neither belong to the path of the leaf nor are another version of a CA on it.
    pub(crate) unrelated: Vec<&'a Certificate>,
}

/// Finds the certificates of a list that no client needs.
pub(crate) fn superfluous(list: &[Certificate]) -> Superfluous<'_> {
    let path = path(list);
    let on_path = || path.iter().filter_map(|i| list.get(*i));
    let is_version_of_issuer =
        |one: &Certificate| on_path().any(|member| member.subject == one.subject || member.issuer == one.subject);
    let mut found = Superfluous { duplicates: Vec::new(), unrelated: Vec::new() };
    for (i, one) in list.iter().enumerate() {
        if list[..i].iter().any(|other| other.fingerprint == one.fingerprint) {
            found.duplicates.push(one);
        } else if !(path.contains(&i) || one.is_ca && is_version_of_issuer(one)) {
            found.unrelated.push(one);
        }
    }
    found
}

/// Returns why clients refuse a certificate for its use; `None` if it is for servers.
pub(crate) fn not_for_servers(leaf: &Certificate) -> Option<Deviation> {
    let clients = if leaf.client_use == Some(true) { ", only for clients" } else { "" };
    (leaf.server_use == Some(false)).then(|| Deviation {
        what: format!("the certificate {} is not for servers{clients}", subject_and_serial(leaf)),
        observed: "extendedKeyUsage without serverAuth".into(),
        expected: "extendedKeyUsage with serverAuth, or none".into(),
    })
}

/// How strong a certificate is, where its public key cannot be read.
pub(crate) fn unknown_strength(certificate: &Certificate) -> Option<Unavailable> {
    let reason = || Reason::Broken("its public key cannot be read".into());
    (certificate.key.bits == 0)
        .then(|| Unavailable::new(format!("how strong the key of {} is", subject_and_serial(certificate)), reason()))
}

/// What makes a certificate weak, where something does. Source: NIST SP 800-131A revision 2, less than 112
/// bits of security are disallowed: RSA below 2048 bits, curves below 224, DSA, signatures over SHA-1 or MD5.
pub(crate) fn weakness(certificate: &Certificate, position: usize) -> Option<String> {
    let key = &certificate.key;
    let is_weak_key = match key.algorithm.to_ascii_uppercase().as_str() {
        "RSA" | "RSA-PSS" => key.bits < 2048,
        "EC" => key.bits < 224,
        "DSA" => true,
        _ => false,
    };
    if is_weak_key {
        return Some(format!("a {}-bit {} key", key.bits, key.algorithm));
    }
    let signature = certificate.signature_algorithm.to_ascii_lowercase();
    let old = ["sha1", "md5", "md4", "md2"].iter().any(|hash| signature.contains(hash));
    // The signature of a root is never verified.
    (old && !certificate.is_self_signed(position))
        .then(|| format!("the signature algorithm {}", certificate.signature_algorithm))
}
