//! Parses endpoints that the user names: `HOST`, `HOST:PORT`, an address, or a URL with one of them.
//!
//! Drops scheme, user and path where the rest is unambiguous, because people paste URLs. Rejects everything
//! else with a reason, before any connection.

use std::net::{IpAddr, Ipv6Addr};

/// Default port of HTTPS.
const DEFAULT_PORT: u16 = 443;
/// Maximum length of a name without the final dot. Source: RFC 1035 §2.3.4.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// An endpoint as the user named it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    /// A name in lower case without a final dot, or an address without brackets.
    pub host: String,
    pub port: u16,
}

impl Target {
    /// Returns the host as an address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// Why a text is not an endpoint or a server name. The message follows the text in question and a colon, and
/// never contains the user and password of a URL.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TargetError {
    #[error("an address cannot be sent as SNI (RFC 6066 §3); use --no-sni to send none")]
    AddressAsServerName,
    #[error("unexpected {0} after the bracket; expected :PORT")]
    BehindBracket(String),
    #[error("a host name has no {0:?}; expected HOST or HOST:PORT")]
    Character(char),
    #[error("it is empty; expected HOST or HOST:PORT")]
    Empty,
    #[error("the host is empty; expected HOST or HOST:PORT")]
    EmptyHost,
    #[error("a part between two dots is empty")]
    EmptyLabel,
    #[error("a part of a host name neither begins nor ends with a hyphen")]
    Hyphen,
    #[error("a part of a host name has at most {max} characters, and one has {0}", max = MAX_LABEL)]
    LabelLength(usize),
    #[error("a host name has at most {max} characters, and this one has {0}", max = MAX_NAME)]
    NameLength(usize),
    #[error("it has letters outside ASCII; give the name as DNS has it (xn--…), which `idn2 NAME` prints")]
    NotAscii,
    #[error("{0} is no IPv6 address; brackets are for these alone")]
    NotIpv6(String),
    #[error("the port \"{0}\" is no number from 1 to 65535")]
    PortNotNumber(String),
    #[error("port {0} does not exist; expected 1 to 65535")]
    PortTooLarge(u32),
    #[error("port 0 cannot be connected to; expected 1 to 65535")]
    PortZero,
    #[error("it is a path; expected HOST or HOST:PORT")]
    Path,
    /// `http` or `ws`.
    #[error("{0}:// is not TLS; give the host and the port that speaks TLS")]
    PlainScheme(String),
    #[error("it has several colons and is no IPv6 address; write [ADDRESS]:PORT")]
    SeveralColons,
    #[error("the bracket [ is not closed")]
    UnclosedBracket,
    #[error("the scheme {0}:// is not known; expected HOST or HOST:PORT")]
    UnknownScheme(String),
    /// The user or password contains a character that ends the authority of a URL.
    #[error("the part before the @ cannot be distinguished from a host; expected HOST or HOST:PORT")]
    UserUnclear,
    #[error("a wildcard cannot be connected to; give a name that it covers")]
    Wildcard,
}

/// Parses an endpoint.
///
/// # Errors
/// Returns why `text` is not an endpoint.
pub fn target(text: &str) -> Result<Target, TargetError> {
    // If a password may have been split, its parts could appear in the reason.
    read(text).map_err(|why| match text.rsplit_once('@') {
        Some((before, _)) if user_part(before).1.contains(['/', '?', '#']) => TargetError::UserUnclear,
        _ => why,
    })
}

/// Returns an endpoint for display: without user and password.
#[must_use]
pub fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, host)) => format!("{}…@{host}", user_part(before).0),
        None => text.to_owned(),
    }
}

/// Splits off the text before an @, as scheme and user.
fn user_part(before: &str) -> (&str, &str) {
    let length =
        before.find("://").filter(|length| before[..*length].chars().all(|letter| letter.is_ascii_alphanumeric()));
    before.split_at(length.map_or(0, |length| length + "://".len()))
}

fn read(text: &str) -> Result<Target, TargetError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TargetError::Empty);
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    let default_port = match scheme.as_deref() {
        None | Some("https" | "wss" | "grpcs" | "tls" | "tcp" | "ssl") => DEFAULT_PORT,
        Some(scheme @ ("http" | "ws")) => {
            return Err(TargetError::PlainScheme(scheme.to_owned()));
        }
        Some(scheme) => return Err(TargetError::UnknownScheme(scheme.to_owned())),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme.is_none() && authority.is_empty() {
        return Err(TargetError::Path);
    }
    // The user and password of a URL are not part of the endpoint, and are never shown.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split(authority)?;
    let port = match port {
        None => default_port,
        Some(port) => port_number(port)?,
    };
    Ok(Target { host: host_name(host)?, port })
}

/// Parses a server name to send: a name, not an address.
///
/// # Errors
/// Returns why `text` is not a name.
pub fn server_name(text: &str) -> Result<String, TargetError> {
    let name = host_name(text.trim())?;
    if name.parse::<IpAddr>().is_ok() {
        return Err(TargetError::AddressAsServerName);
    }
    Ok(name)
}

/// Splits off the port; a bare IPv6 address has none.
fn split(authority: &str) -> Result<(&str, Option<&str>), TargetError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return Err(TargetError::UnclosedBracket);
        };
        if address.parse::<Ipv6Addr>().is_err() {
            return Err(TargetError::NotIpv6(address.to_owned()));
        }
        return match after {
            "" => Ok((address, None)),
            after => match after.strip_prefix(':') {
                Some(port) => Ok((address, Some(port))),
                None => Err(TargetError::BehindBracket(after.to_owned())),
            },
        };
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Ok((authority, None));
    }
    match authority.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Err(TargetError::SeveralColons),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn port_number(text: &str) -> Result<u16, TargetError> {
    match text.parse::<u32>() {
        Ok(0) => Err(TargetError::PortZero),
        Ok(number) => u16::try_from(number).map_err(|_| TargetError::PortTooLarge(number)),
        Err(_) => Err(TargetError::PortNotNumber(text.to_owned())),
    }
}

fn host_name(text: &str) -> Result<String, TargetError> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.is_empty() {
        return Err(TargetError::EmptyHost);
    }
    if name.parse::<IpAddr>().is_ok() {
        return Ok(name);
    }
    if !name.is_ascii() {
        return Err(TargetError::NotAscii);
    }
    if name.starts_with('*') {
        return Err(TargetError::Wildcard);
    }
    if let Some(letter) = name.chars().find(|letter| !letter.is_ascii_alphanumeric() && !"-._".contains(*letter)) {
        return Err(TargetError::Character(letter));
    }
    if name.len() > MAX_NAME {
        return Err(TargetError::NameLength(name.len()));
    }
    if name.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Err(TargetError::Hyphen);
    }
    match name.split('.').find(|label| label.is_empty() || label.len() > MAX_LABEL) {
        Some("") => Err(TargetError::EmptyLabel),
        Some(label) => Err(TargetError::LabelLength(label.len())),
        None => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_urls_and_pasted_addresses() {
        for (text, host, port) in [
            ("api.example.com", "api.example.com", 443),
            (" API.Example.com.:8443 ", "api.example.com", 8443),
            ("https://api.example.com/v1/x?y#z", "api.example.com", 443),
            ("https://me:sesame@api.example.com:9443/", "api.example.com", 9443),
            ("api.example.com/path", "api.example.com", 443),
            ("10.0.0.1", "10.0.0.1", 443),
            ("10.0.0.1:8443", "10.0.0.1", 8443),
            ("::1", "::1", 443),
            ("[::1]", "::1", 443),
            ("[2001:db8::1]:8443", "2001:db8::1", 8443),
            ("https://[::1]:8443/", "::1", 8443),
            ("my_host", "my_host", 443),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example", 443),
        ] {
            assert_eq!(target(text), Ok(Target { host: host.into(), port }), "{text}");
        }
    }

    #[test]
    fn rejects_other_texts_with_a_reason() {
        let long = format!("{}example.com", "a.".repeat(150));
        let label = format!("{}.example.com", "a".repeat(64));
        for (text, reason) in [
            ("", "empty"),
            (":443", "the host is empty"),
            ("https://", "the host is empty"),
            ("/etc/passwd", "a path"),
            ("http://api.example.com", "not TLS"),
            ("ftp://api.example.com", "ftp://"),
            ("api.example.com:0", "port 0"),
            ("api.example.com:65536", "port 65536"),
            ("api.example.com:99999999999999", "no number"),
            ("api.example.com:https", "no number"),
            ("api.example.com:", "no number"),
            ("a b", "' '"),
            ("-", "hyphen"),
            ("api..example.com", "between two dots"),
            ("m\u{fc}nchen.example", "xn--"),
            ("*.example.com", "wildcard"),
            ("1:2:3", "several colons"),
            ("[::1", "not closed"),
            ("[api.example.com]:443", "no IPv6"),
            ("[::1]443", "after the bracket"),
            (long.as_str(), "253"),
            (label.as_str(), "63"),
        ] {
            let message = target(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text}: {message}");
        }
    }

    #[test]
    fn a_reason_never_contains_a_password() {
        for text in [
            "https://me:sesame@b..example",
            "https://me:ses/ame@b.example:0",
            "me:sesame@b.example:99999",
            "me:ses://ame@b.example",
            "http://me:sesame@b.example",
        ] {
            let message = format!("{} {}", shown(text), target(text).unwrap_err());
            assert!(
                !message.contains("ses") && !message.contains("ame@") && !message.contains("me:"),
                "{text}: {message}"
            );
        }
        assert_eq!(shown("api.example.com:0"), "api.example.com:0");
        assert_eq!(shown("https://me:sesame@b.example:0"), "https://…@b.example:0");
    }

    #[test]
    fn an_address_is_no_server_name() {
        assert_eq!(server_name("Api.Example.com"), Ok("api.example.com".to_owned()));
        assert_eq!(server_name("10.0.0.1"), Err(TargetError::AddressAsServerName));
        assert_eq!(server_name(""), Err(TargetError::EmptyHost));
    }
}
