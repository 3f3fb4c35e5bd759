//! A tunnel through an HTTP proxy (CONNECT, RFC 9110 §9.3.6).
//!
//! The URL may hold a user and a password: they go into one header and are shown nowhere.

use std::fmt;
use std::io::ErrorKind;

use http::Uri;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::super::no_proxy;
use super::tcp::{head, not_connected, plain};
use crate::evidence::handshake::{Failure, How, Party, Stage, socket};

/// Of the head of the proxy's answer, no more is read.
const MAX_HEAD: usize = 16 << 10;

/// An HTTP proxy.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    /// The proxy of a URL as `--via-proxy` or an environment variable gives it.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = whole.parse().map_err(|_| "the proxy is no URL".to_owned())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(scheme) => {
                return Err(format!("a proxy of scheme {scheme} is not known here; expected http://HOST:PORT"));
            }
            None => return Err("the proxy has no scheme; expected http://HOST:PORT".into()),
        }
        let authority = uri.authority().ok_or("the proxy has no host")?;
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| decoded(user));
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("the proxy has no host".into());
        }
        let place = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, place)| place);
        let port = match place.strip_prefix(authority.host()) {
            Some("") => 80,
            // What is no number between 1 and 65535 must not become the default.
            _ => authority
                .port_u16()
                .filter(|port| *port > 0)
                .ok_or("the proxy's port does not exist; expected 1 to 65535")?,
        };
        Ok(Self {
            host,
            port,
            authorization: user.map(|user| format!("Basic {}", openssl::base64::encode_block(&user))),
        })
    }

    /// The proxy that the environment names for an endpoint, unless `NO_PROXY` excepts it.
    ///
    /// # Errors
    /// What is wrong with the variable.
    pub fn of_environment(host: &str, port: u16, env: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let Ok(uri) = format!("https://{}", socket(host, port)).parse::<Uri>() else { return Ok(None) };
        no_proxy::proxy_for(&uri, None, env).map(|url| Self::parse(&url)).transpose()
    }

    /// The environment names a proxy, whatever `NO_PROXY` excepts.
    #[must_use]
    pub fn is_in_environment(env: impl Fn(&str) -> Option<String>) -> bool {
        ["HTTPS_PROXY", "https_proxy"].iter().any(|name| env(name).is_some_and(|value| !value.is_empty()))
    }

    /// As it may be shown.
    #[must_use]
    pub fn address(&self) -> String {
        socket(&self.host, self.port)
    }

    /// A connection to the endpoint, through the proxy.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> Result<TcpStream, Failure> {
        let failed = |how| Failure { stage: Stage::Proxy, by: Party::Proxy, how };
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| {
            let failure = not_connected(&error);
            let why = match failure.how {
                How::Refused => "connection refused".to_owned(),
                _ => plain(&error),
            };
            failed(How::Other(format!("the proxy {} cannot be reached: {why}", self.address())))
        })?;
        let endpoint = socket(host, port);
        let mut request = format!("CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n");
        if let Some(authorization) = &self.authorization {
            request += &format!("Proxy-Authorization: {authorization}\r\n");
        }
        request += "\r\n";
        let answered = async {
            stream.set_nodelay(true)?;
            stream.write_all(request.as_bytes()).await?;
            head(&mut stream, MAX_HEAD).await
        };
        let head = answered.await.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => failed(How::Other("the proxy closed the connection without an answer".into())),
            _ => failed(How::Other(format!("the proxy did not answer: {}", plain(&error)))),
        })?;
        let line = String::from_utf8_lossy(&head);
        let line = line.lines().next().unwrap_or_default();
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next().and_then(|status| status.parse::<u16>().ok())) {
            (Some("HTTP/1.1" | "HTTP/1.0"), Some(200..=299)) => Ok(stream),
            (Some("HTTP/1.1" | "HTTP/1.0"), Some(status)) => {
                let reason = words.next().unwrap_or_default().chars().take(100).collect();
                Err(failed(How::ProxyRefused { status, reason }))
            }
            _ => Err(failed(How::Other("the proxy's answer is no HTTP".into()))),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.address()).finish()
    }
}

/// Percent-decoded bytes of the user part of a URL.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(value)) = (byte, digits) {
            plain.push(value);
            at += 3;
        } else {
            plain.push(*byte);
            at += 1;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let proxy = Proxy::parse("http://me:open%20sesame@proxy.example:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(\"proxy.example:3128\")");
        assert_eq!(proxy.authorization.unwrap(), "Basic bWU6b3BlbiBzZXNhbWU=");
        assert_eq!(Proxy::parse("proxy.example").unwrap().address(), "proxy.example:80");
    }

    #[test]
    fn a_port_that_does_not_exist_is_not_the_default() {
        for url in ["http://127.0.0.1:99999", "http://me:sesame@127.0.0.1:0", "127.0.0.1:", "[::1]:70000"] {
            assert!(Proxy::parse(url).is_err(), "{url}");
        }
        assert_eq!(Proxy::parse("http://me:1@[::1]:3128").unwrap().address(), "[::1]:3128");
        assert_eq!(Proxy::parse("http://me:1@[::1]").unwrap().address(), "[::1]:80");
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_without_repeating_it() {
        for url in ["socks5://me:sesame@p", "https://me:sesame@p", "http://me:sesame@", "http://me:sesame@a b"] {
            let said = Proxy::parse(url).unwrap_err();
            assert!(!said.contains("sesame"), "{said}");
        }
    }

    #[test]
    fn the_environment_is_read_as_go_does() {
        let env = |name: &str| match name {
            "HTTPS_PROXY" => Some("proxy.example:3128".to_owned()),
            "NO_PROXY" => Some("internal.example".to_owned()),
            _ => None,
        };
        let of = |host| Proxy::of_environment(host, 443, env).unwrap().map(|proxy| proxy.address());
        assert_eq!(of("api.example").as_deref(), Some("proxy.example:3128"));
        assert_eq!(of("internal.example"), None);
        assert_eq!(of("localhost"), None);
    }
}
