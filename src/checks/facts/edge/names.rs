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

/// Returns whether two texts are one hostname or one address.
pub(crate) fn same_host(one: &str, other: &str) -> bool {
    let plain = |host: &str| host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let (one, other) = (plain(one), plain(other));
    let address = |host: &str| host.parse::<IpAddr>().ok();
    one == other || address(&one).is_some() && address(&one) == address(&other)
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

/// What precedes the name of the server that was called, in texts of Java, curl, Node.js, Go and OpenSSL.
const BEFORE_CALLED: &[&str] = &[
    "DNS name matching ",
    "No name matching ",
    "names matching IP address ",
    "didn't match: <",
    "target host name '",
    "requested host name '",
    "resolve host: ",
    "Failed to connect to ",
    "in connection to ",
    "ENOTFOUND ",
];

/// Returns the hostname or address of the server that a text says was called.
pub(crate) fn called(text: &str) -> Option<&str> {
    let rest = BEFORE_CALLED.iter().find_map(|before| text.split_once(before).map(|(_, rest)| rest))?;
    let is_of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '[' | ']');
    let name = &rest[..rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len())];
    // At the end of a sentence, and in `HOST:PORT`.
    let name = name.trim_end_matches(['.', ':']);
    let name = match name.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host,
        _ => name,
    };
    Some(name.trim_matches(['[', ']'])).filter(|name| !name.is_empty())
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
    fn a_text_says_which_server_was_called() {
        for (text, expected) in [
            ("No subject alternative DNS name matching a.example found.", Some("a.example")),
            ("No name matching a.example found", Some("a.example")),
            (
                "No subject alternative names matching IP address 2001:db8:0:0:0:0:0:1 found",
                Some("2001:db8:0:0:0:0:0:1"),
            ),
            ("hostname in certificate didn't match: <a.example> != <b.example>", Some("a.example")),
            ("curl: (6) Could not resolve host: a.example", Some("a.example")),
            ("curl: (7) Failed to connect to a.example port 443: Connection refused", Some("a.example")),
            ("SSL_ERROR_SYSCALL in connection to a.example:443", Some("a.example")),
            ("no alternative certificate subject name matches target host name 'a.example'", Some("a.example")),
            ("No subject alternative names present", None),
            ("Received fatal alert: handshake_failure", None),
        ] {
            assert_eq!(called(text), expected, "{text}");
        }
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
