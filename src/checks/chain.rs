//! What checks ask of a list of certificates, served or stored: dates, order, the end of the path, strength.

use jiff::{SignedDuration, Timestamp};

use super::facts;
use crate::evidence::certificate::{Certificate, path};

/// A certificate that ends within this time is told. Source: ApigeeIssue of an expiring ingress certificate, 14 days.
const EXPIRING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The certificates whose dates clients check: the leaf and the intermediates on its path. A root comes from the
/// client's own store, so the date of one that is sent harms nobody.
pub(crate) fn dated(list: &[Certificate]) -> impl Iterator<Item = (usize, &Certificate)> {
    path(list)
        .into_iter()
        .filter_map(|i| Some((i, list.get(i)?)))
        .filter(|(i, certificate)| *i == 0 || !certificate.is_self_signed(*i))
}

/// Its time is over.
pub(crate) fn is_expired(certificate: &Certificate, at: Timestamp) -> bool {
    at > certificate.not_after
}

/// Its time is to come.
pub(crate) fn is_early(certificate: &Certificate, at: Timestamp) -> bool {
    at < certificate.not_before
}

/// Valid still, and not for long.
pub(crate) fn is_expiring(certificate: &Certificate, at: Timestamp) -> bool {
    !is_expired(certificate, at) && certificate.not_after.duration_since(at) <= EXPIRING
}

/// `12 days`; below two days in hours and minutes.
pub(crate) fn days(length: SignedDuration) -> String {
    match length.as_hours() / 24 {
        0 | 1 => facts::duration(length),
        days => format!("{days} days"),
    }
}

/// `CN=api.example.com (serial 1f)`, for a reader who looks for it.
pub(crate) fn called(certificate: &Certificate) -> String {
    format!("{} (serial {})", subject(certificate), certificate.serial)
}

/// The subject, or the first name where there is none.
pub(crate) fn subject(certificate: &Certificate) -> &str {
    match (certificate.subject.as_str(), certificate.dns_names.first()) {
        ("", Some(name)) => name,
        ("", None) => "a certificate without a subject",
        (subject, _) => subject,
    }
}

/// Its names, as far as they fit in a sentence.
pub(crate) fn names(certificate: &Certificate) -> String {
    let addresses: Vec<String> = certificate.ip_addresses.iter().map(ToString::to_string).collect();
    let names: Vec<&str> =
        certificate.dns_names.iter().map(String::as_str).chain(addresses.iter().map(String::as_str)).collect();
    if names.is_empty() { "no subjectAltName at all".into() } else { facts::some_of(&names) }
}

/// The leaf, where its issuer is not in the list and it is not its own: an intermediate is missing, or the issuer is a
/// root. Only the authorities that clients trust tell which.
pub(crate) fn leaf_without_issuer(list: &[Certificate]) -> Option<&Certificate> {
    list.first().filter(|leaf| path(list).len() == 1 && !leaf.is_self_signed(0))
}

/// The order in which the list stands, where it is not leaf, issuer, issuer's issuer. RFC 8446 §4.4.2 asks for each
/// certificate to certify the one before; what follows after the end of the path, as an extra root, harms nobody.
pub(crate) fn disorder(list: &[Certificate]) -> Option<String> {
    let path = path(list);
    let later_leaf = list
        .iter()
        .enumerate()
        .position(|(i, certificate)| i > 0 && !certificate.authority && certificate.signer == Some(0));
    if let Some(i) = later_leaf {
        return Some(format!("the leaf {} stands at position {}", subject(&list[i]), i + 1));
    }
    let in_order = path.iter().enumerate().all(|(i, position)| i == *position);
    let numbers: Vec<String> = path.iter().map(|position| (position + 1).to_string()).collect();
    (!in_order).then(|| format!("the path from the leaf goes by positions {}", numbers.join(", ")))
}

/// What makes a certificate weak, where something does. Source: NIST SP 800-131A revision 2, less than 112 bits of
/// security are disallowed: RSA below 2048 bits, curves below 224, DSA, signatures over SHA-1 or MD5.
pub(crate) fn weakness(certificate: &Certificate, position: usize) -> Option<String> {
    let key = &certificate.key;
    let short = match key.algorithm.to_ascii_uppercase().as_str() {
        "RSA" | "RSA-PSS" => key.bits < 2048,
        "EC" => key.bits < 224,
        "DSA" => true,
        _ => false,
    };
    if short {
        return Some(format!("a key of {} with {} bits", key.algorithm, key.bits));
    }
    let signature = certificate.signature_algorithm.to_ascii_lowercase();
    let old = ["sha1", "md5", "md4", "md2"].iter().any(|hash| signature.contains(hash));
    // Nobody verifies the signature of a root.
    (old && !certificate.is_self_signed(position)).then(|| format!("a signature {}", certificate.signature_algorithm))
}
