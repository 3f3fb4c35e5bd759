//! Distinguished names and hostnames of certificates, as different programs write them.

use std::net::IpAddr;

use crate::evidence::certificate::Certificate;

/// Splits a name such as `CN=a, O="Example, Inc.", C=US` into its parts, in its order.
pub(crate) fn parts(name: &str) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for character in name.chars() {
        match character {
            _ if escaped => {
                part.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' | '+' if !quoted => parts.extend(pair(&std::mem::take(&mut part))),
            _ => part.push(character),
        }
    }
    parts.extend(pair(&part));
    parts
}

fn pair(part: &str) -> Option<(String, String)> {
    let (key, value) = part.split_once('=')?;
    let key = match key.trim().to_ascii_uppercase().as_str() {
        "S" => "ST".to_owned(),
        "E" | "EMAIL" => "EMAILADDRESS".to_owned(),
        key => key.to_owned(),
    };
    Some((key, value.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// Compares two names without regard to order, case and spaces (RFC 5280 §7.1).
pub(crate) fn same(one: &str, other: &str) -> bool {
    let sorted = |name: &str| {
        let mut parts = parts(&name.to_lowercase());
        parts.sort();
        parts
    };
    let (one, other) = (sorted(one), sorted(other));
    !one.is_empty() && one == other
}

/// Returns a part of a name: `CN`, `O`.
pub(crate) fn part(name: &str, key: &str) -> Option<String> {
    parts(name).into_iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

/// Returns whether a text has this hostname or address as a word of its own.
pub(crate) fn mentions(text: &str, host: &str) -> bool {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let bytes = text.as_bytes();
    !host.is_empty()
        && text.match_indices(host).any(|(begin, _)| {
            let (before, after) = (bytes.get(..begin).unwrap_or_default(), &bytes[begin + host.len()..]);
            let continues = match after {
                [b'.', next, ..] | [next, ..] => is_of_name(next),
                [] => false,
            };
            !continues && !before.last().is_some_and(|byte| is_of_name(byte) || *byte == b'.')
        })
}

/// Returns the common name, or the whole name without one.
pub(crate) fn short(name: &str) -> String {
    part(name, "CN").unwrap_or_else(|| name.to_owned())
}

/// Returns whether the names of a certificate cover a host, as current clients and Java compare them: the
/// common name counts only if there is no subjectAltName.
pub(crate) fn covers(certificate: &Certificate, host: &str) -> bool {
    if certificate.covers(host) {
        return true;
    }
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let has_names = !certificate.dns_names.is_empty() || !certificate.ip_addresses.is_empty();
    if is_address || has_names {
        return false;
    }
    let Some(name) = part(&certificate.subject, "CN") else { return false };
    matches(&name, host)
}

/// Returns whether a name with an optional wildcard as its first label matches a host.
pub(crate) fn matches(name: &str, host: &str) -> bool {
    let (name, host) =
        (name.trim_end_matches('.').to_ascii_lowercase(), host.trim_end_matches('.').to_ascii_lowercase());
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => name == host,
    }
}

/// Returns the names of a certificate for people: those of subjectAltName, else the common name.
pub(crate) fn of(certificate: &Certificate) -> String {
    let addresses = certificate.ip_addresses.iter().map(ToString::to_string);
    let names: Vec<String> = certificate.dns_names.iter().cloned().chain(addresses).collect();
    if names.is_empty() {
        return format!("CN={} without subjectAltName", short(&certificate.subject));
    }
    crate::text::at_most(&names, 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_leaf::leaf;

    #[test]
    fn names_are_equal_in_any_order_and_quoting() {
        assert!(same("CN=A, O=\"X, Inc.\", C=US", "C=us,O=X\\, Inc.,CN=a"));
        assert!(!same("CN=A", "CN=B") && !same("", ""));
        assert_eq!(part("CN=Root, O=\"Harbor & Sons, Inc.\"", "O").as_deref(), Some("Harbor & Sons, Inc."));
    }

    #[test]
    fn a_text_mentions_a_host_as_a_word() {
        for text in ["matching a.example found.", "a.example", "to a.example:443", "name a.example."] {
            assert!(mentions(text, "a.example"), "{text}");
        }
        for text in ["matching b.a.example found", "a.example.org", "xa.example", "a.example2"] {
            assert!(!mentions(text, "a.example"), "{text}");
        }
        assert!(!mentions("10.0.0.15", "10.0.0.1") && !mentions("anything", ""));
    }

    #[test]
    fn the_common_name_counts_only_without_other_names() {
        let named = Certificate { subject: "CN=api.example".into(), ..leaf(&[]) };
        assert!(covers(&named, "api.example") && !covers(&named, "other.example"));
        let other = Certificate { subject: "CN=api.example".into(), ..leaf(&["other.example"]) };
        assert!(!covers(&other, "api.example"));
        let wild = Certificate { subject: "CN=*.example".into(), ..leaf(&[]) };
        assert!(covers(&wild, "a.example") && !covers(&wild, "a.b.example") && !covers(&wild, "10.0.0.1"));
    }
}
