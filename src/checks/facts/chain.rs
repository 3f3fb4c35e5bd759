//! What checks ask of a list of certificates, served or stored: dates, order, the end of the path, strength.

use jiff::{SignedDuration, Timestamp};

use super::words;
use crate::evidence::certificate::{Certificate, path};
use crate::evidence::handshake::Verification;
use crate::evidence::{Reason, Unavailable};
use crate::text::days;

/// What would tell which authorities count.
pub(crate) const WHICH_AUTHORITIES: &str = "--ca-file says which authorities clients trust";

/// A certificate that ends within this time is told. Source: ApigeeIssue of an expiring ingress certificate, 14 days.
const EXPIRING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is wrong with one certificate, or with one list.
pub(crate) struct Wrong {
    /// The sentence after the place where it was seen.
    pub(crate) what: String,
    pub(crate) observed: String,
    pub(crate) expected: String,
}

/// The certificates whose dates clients check: the leaf and the intermediates on its path. A root comes from the
/// client's own store, so the date of one that is sent harms nobody.
pub(crate) fn dated(list: &[Certificate]) -> impl Iterator<Item = (usize, &Certificate)> {
    path(list)
        .into_iter()
        .filter_map(|i| Some((i, list.get(i)?)))
        .filter(|(i, certificate)| *i == 0 || !certificate.is_self_signed(*i))
}

/// It has expired.
pub(crate) fn expired(certificate: &Certificate, at: Timestamp) -> Option<Wrong> {
    if certificate.has_no_dates() {
        return Some(Wrong {
            what: format!("{} has dates that cannot be read", called(certificate)),
            observed: "notBefore or notAfter that is no time".into(),
            expected: "both as RFC 5280 §4.1.2.5 has them".into(),
        });
    }
    is_expired(certificate, at).then(|| Wrong {
        what: format!(
            "{} expired {} ago, on {}",
            called(certificate),
            days(at.duration_since(certificate.not_after)),
            words::moment(certificate.not_after)
        ),
        observed: format!("notAfter {}", words::moment(certificate.not_after)),
        expected: format!("a date after {}", words::moment(at)),
    })
}

/// It is not valid yet.
pub(crate) fn early(certificate: &Certificate, at: Timestamp) -> Option<Wrong> {
    is_early(certificate, at).then(|| Wrong {
        what: format!(
            "{} is not valid before {}, in {}",
            called(certificate),
            words::moment(certificate.not_before),
            days(certificate.not_before.duration_since(at))
        ),
        observed: format!("notBefore {}", words::moment(certificate.not_before)),
        expected: format!("a date before {}", words::moment(at)),
    })
}

/// It is valid, and not for long.
pub(crate) fn expiring(certificate: &Certificate, at: Timestamp) -> Option<Wrong> {
    is_expiring(certificate, at).then(|| Wrong {
        what: format!(
            "{} expires in {}, on {}",
            called(certificate),
            days(certificate.not_after.duration_since(at)),
            words::moment(certificate.not_after)
        ),
        observed: format!("notAfter {}", words::moment(certificate.not_after)),
        expected: "more than 14 days".into(),
    })
}

/// Its time is over.
fn is_expired(certificate: &Certificate, at: Timestamp) -> bool {
    at > certificate.not_after
}

/// Its time is to come.
fn is_early(certificate: &Certificate, at: Timestamp) -> bool {
    at < certificate.not_before
}

/// Valid still, and not for long.
fn is_expiring(certificate: &Certificate, at: Timestamp) -> bool {
    !is_expired(certificate, at) && certificate.not_after.duration_since(at) <= EXPIRING
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

/// Its names are too many for this program to know whether a host is among them.
pub(crate) fn untold_names(certificate: &Certificate) -> Unavailable {
    let known = certificate.dns_names.len() + certificate.ip_addresses.len();
    let reason = Reason::Broken(format!("it has more names than the {known} that were read"));
    Unavailable::new(format!("which names {} covers", called(certificate)), reason)
}

/// Its names, as far as they fit in a sentence.
pub(crate) fn names(certificate: &Certificate) -> String {
    let addresses: Vec<String> = certificate.ip_addresses.iter().map(ToString::to_string).collect();
    let names: Vec<&str> =
        certificate.dns_names.iter().map(String::as_str).chain(addresses.iter().map(String::as_str)).collect();
    if names.is_empty() { "no subjectAltName at all".into() } else { words::some_of(&names) }
}

/// The leaf, where its issuer is not in the list and it is not its own: an intermediate is missing, or the issuer is a
/// root. Only the authorities that clients trust tell which.
pub(crate) fn leaf_without_issuer(list: &[Certificate]) -> Option<&Certificate> {
    list.first().filter(|leaf| path(list).len() == 1 && !leaf.is_self_signed(0))
}

/// `; it can be had at http://…`, where the certificate says where its issuer's can be had; else nothing.
pub(crate) fn issuer_url(certificate: &Certificate) -> String {
    certificate.issuer_urls.first().map_or_else(String::new, |url| format!("; it can be had at {url}"))
}

/// Who signed the leaf may be a root of the clients, and what they trust is not known.
pub(crate) fn untold_root(leaf: &Certificate) -> Unavailable {
    let what = format!("whether {}, which signed {}, is a root of the clients", leaf.issuer, subject(leaf));
    Unavailable::new(what, Reason::NotRequested(WHICH_AUTHORITIES.into()))
}

/// A verification failed because nobody in the list or among the authorities has signed the leaf. Source: OpenSSL's codes.
pub(crate) fn lacks_issuer(verification: &Verification) -> bool {
    matches!(verification.code, 2 | 20 | 21)
}

/// The certificates of a list of authorities, without those whose subject another one has that is valid, and for longer:
/// whoever verifies finds that one.
pub(crate) fn without_successor(list: &[Certificate], at: Timestamp) -> impl Iterator<Item = &Certificate> {
    let is_followed = move |one: &Certificate| {
        list.iter().any(|other| {
            other.subject == one.subject
                && other.not_after > one.not_after
                && !is_early(other, at)
                && !is_expired(other, at)
        })
    };
    list.iter().filter(move |one| !is_followed(one))
}

/// The subjects of a list, in its order.
pub(crate) fn subjects(list: &[Certificate]) -> String {
    list.iter().map(subject).collect::<Vec<&str>>().join(", ")
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
