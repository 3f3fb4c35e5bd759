//! A tunnel through an HTTP proxy (CONNECT, RFC 9110 §9.3.6).
//!
//! The URL may hold a user and a password: they are sent in one header and never shown.

use std::error::Error as _;
use std::fmt;
use std::pin::pin;

use data_encoding::BASE64;
use futures::future::{Either, select};
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;

use super::tcp::{not_connected, plain};
use crate::evidence::handshake::{Failure, How, Party, Stage, socket};
use crate::gather::kubernetes::no_proxy;

/// Maximum number of bytes of the head of the proxy's response.
const MAX_HEAD: usize = 16 << 10;
/// Maximum number of characters that are kept of the proxy's reason to refuse.
const MAX_REASON: usize = 100;

/// A stream through a proxy.
pub(super) type Tunnel = TokioIo<Upgraded>;

/// Why a text is not a proxy URL. The message does not repeat the text, which may hold a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProxyError {
    #[error("the proxy has no host")]
    NoHost,
    #[error("the proxy has no scheme; expected http://HOST:PORT")]
    NoScheme,
    #[error("the proxy is no URL")]
    NotUrl,
    #[error("the proxy's URL has a space")]
    Space,
    #[error("the proxy's port does not exist; expected 1 to 65535")]
    Port,
    #[error("a proxy of scheme {0} is not known here; expected http://HOST:PORT")]
    UnknownScheme(String),
}

/// An HTTP proxy.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    /// Parses the proxy URL of `--via-proxy` or of an environment variable.
    ///
    /// # Errors
    /// Returns why `url` is not a proxy URL.
    pub fn parse(url: &str) -> Result<Self, ProxyError> {
        if url.contains(char::is_whitespace) {
            return Err(ProxyError::Space);
        }
        let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = whole.parse().map_err(|_| ProxyError::NotUrl)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(scheme) => return Err(ProxyError::UnknownScheme(scheme.to_owned())),
            None => return Err(ProxyError::NoScheme),
        }
        let authority = uri.authority().ok_or(ProxyError::NoHost)?;
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| percent_decode_str(user).collect::<Vec<u8>>());
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(ProxyError::NoHost);
        }
        let place = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, place)| place);
        let port = match place.strip_prefix(authority.host()) {
            Some("") => 80,
            // A port that is not between 1 and 65535 must not become the default port.
            _ => authority.port_u16().filter(|port| *port > 0).ok_or(ProxyError::Port)?,
        };
        Ok(Self { host, port, authorization: user.map(|user| format!("Basic {}", BASE64.encode(&user))) })
    }

    /// Returns the proxy that the environment names for an endpoint, unless `NO_PROXY` excludes it.
    ///
    /// # Errors
    /// Returns why the value of the variable is not a proxy URL.
    pub fn of_environment(
        host: &str,
        port: u16,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ProxyError> {
        let Ok(uri) = format!("https://{}", socket(host, port)).parse::<Uri>() else { return Ok(None) };
        no_proxy::proxy_for(&uri, None, env).map(|url| Self::parse(&url)).transpose()
    }

    /// Whether the environment names a proxy, regardless of `NO_PROXY`.
    #[must_use]
    pub fn is_in_environment(env: impl Fn(&str) -> Option<String>) -> bool {
        ["HTTPS_PROXY", "https_proxy"].iter().any(|name| env(name).is_some_and(|value| !value.is_empty()))
    }

    /// Returns the proxy for display, without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        socket(&self.host, self.port)
    }

    /// Opens a connection to the endpoint through the proxy. Bytes that the endpoint sends together with the
    /// proxy's response are the beginning of the stream.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> Result<Tunnel, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| {
            let failure = not_connected(&error);
            let why = match failure.how {
                How::Refused => "connection refused".to_owned(),
                _ => plain(&error),
            };
            failed(How::Other(format!("the proxy {} cannot be reached: {why}", self.address())))
        })?;
        stream.set_nodelay(true).map_err(|error| failed(How::Other(plain(&error))))?;
        let request = self.request(&socket(host, port)).map_err(|error| failed(How::Other(error.to_string())))?;
        let (mut sender, connection) = http1::Builder::new()
            // The same headers as other clients send.
            .title_case_headers(true)
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(unanswered(&error)))?;
        let connect = pin!(async {
            let response = sender.send_request(request).await.map_err(|error| failed(unanswered(&error)))?;
            if !response.status().is_success() {
                return Err(failed(refused(&response)));
            }
            hyper::upgrade::on(response).await.map(TokioIo::new).map_err(|error| failed(unanswered(&error)))
        });
        match select(connect, pin!(connection.with_upgrades())).await {
            Either::Left((tunnel, _)) => tunnel,
            // The connection task ends by handing over its stream, or with an error that the request reports
            // too.
            Either::Right((_, connect)) => connect.await,
        }
    }

    fn request(&self, endpoint: &str) -> http::Result<Request<Empty<Bytes>>> {
        let mut request = Request::connect(endpoint).header(HOST, endpoint);
        if let Some(authorization) = &self.authorization {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        request.body(Empty::new())
    }
}

fn failed(how: How) -> Failure {
    Failure { stage: Stage::Proxy, by: Party::Proxy, how }
}

/// Describes an unsuccessful response, with the proxy's own reason.
fn refused(response: &Response<Incoming>) -> How {
    let status = response.status();
    // hyper keeps a reason phrase only if it differs from the standard one.
    let own = response.extensions().get::<ReasonPhrase>().map(|own| String::from_utf8_lossy(own.as_bytes()));
    let reason = own.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().into());
    How::ProxyRefused { status: status.as_u16(), reason: reason.chars().take(MAX_REASON).collect() }
}

/// Describes why there is no response.
fn unanswered(error: &hyper::Error) -> How {
    // hyper has a method for this kind of error only for servers.
    let is_too_large = error.to_string() == "message head is too large";
    How::Other(if error.is_parse() && is_too_large {
        "the proxy did not answer: the answer's head does not end".into()
    } else if error.is_parse() {
        "the proxy's answer is no HTTP".into()
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        "the proxy closed the connection without an answer".into()
    } else {
        match error.source().and_then(|source| source.downcast_ref()) {
            Some(source) => format!("the proxy did not answer: {}", plain(source)),
            None => format!("the proxy did not answer: {error}"),
        }
    })
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.address()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown;
    use std::thread;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let proxy = Proxy::parse("http://me:open%20sesame@proxy.example:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(\"proxy.example:3128\")");
        assert_eq!(proxy.authorization.unwrap(), "Basic bWU6b3BlbiBzZXNhbWU=");
        assert_eq!(Proxy::parse("proxy.example").unwrap().address(), "proxy.example:80");
        let authorization = |url: &str| Proxy::parse(url).unwrap().authorization.unwrap();
        // A percent sign without two digits after it is literal.
        assert_eq!(authorization("http://me:100%@p"), format!("Basic {}", BASE64.encode(b"me:100%")));
        assert_eq!(authorization("http://me:a%2Bb%ff@p"), format!("Basic {}", BASE64.encode(b"me:a+b\xff")));
    }

    #[test]
    fn a_port_that_does_not_exist_is_not_the_default() {
        for url in ["http://127.0.0.1:99999", "http://me:sesame@127.0.0.1:0", "127.0.0.1:", "[::1]:70000"] {
            assert_eq!(Proxy::parse(url), Err(ProxyError::Port), "{url}");
        }
        assert_eq!(Proxy::parse("http://me:1@[::1]:3128").unwrap().address(), "[::1]:3128");
        assert_eq!(Proxy::parse("http://me:1@[::1]").unwrap().address(), "[::1]:80");
    }

    #[test]
    fn rejects_other_proxies_without_repeating_the_text() {
        for (url, why) in [
            ("socks5://me:sesame@p", ProxyError::UnknownScheme("socks5".to_owned())),
            ("https://me:sesame@p", ProxyError::UnknownScheme("https".to_owned())),
            ("http://me:sesame@", ProxyError::NotUrl),
            ("http://me:sesame@a b", ProxyError::Space),
        ] {
            assert_eq!(Proxy::parse(url), Err(why), "{url}");
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

    /// Runs a proxy that sends `response` and closes its direction. Returns the result and the request that
    /// it received.
    async fn tunnel(response: &'static [u8]) -> (Result<Tunnel, Failure>, String) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
                request.extend(byte);
            }
            // The client may have closed already, if it read enough.
            let _ = std::io::Write::write_all(&mut stream, response);
            let _ = stream.shutdown(Shutdown::Write);
            // Reading the rest avoids a reset, which could overtake the response.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
            String::from_utf8(request).unwrap()
        });
        let proxy_url = format!("http://me:open%20sesame@127.0.0.1:{port}");
        let tunnel = Proxy::parse(&proxy_url).unwrap().tunnel("api.example.com", 8443).await;
        match tunnel {
            Err(failure) => (Err(failure), proxy.join().unwrap()),
            Ok(mut tunnel) => {
                let mut behind = Vec::new();
                tunnel.read_to_end(&mut behind).await.unwrap();
                assert_eq!(behind, b"220 ready\r\n");
                tunnel.shutdown().await.unwrap();
                (Ok(tunnel), proxy.join().unwrap())
            }
        }
    }

    #[tokio::test]
    async fn a_tunnel_begins_with_the_bytes_after_the_response() {
        let (tunnel, request) = tunnel(b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n220 ready\r\n").await;
        assert!(tunnel.is_ok());
        let expected = "CONNECT api.example.com:8443 HTTP/1.1\r\nHost: api.example.com:8443\r\n\
                        Proxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n\r\n";
        assert_eq!(request, expected);
    }

    #[tokio::test]
    async fn refusals_contain_the_proxys_own_reason() {
        for (response, status, reason) in [
            (&b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"[..], 403, "Forbidden"),
            (b"HTTP/1.0 503 No way out\r\n\r\n<html>", 503, "No way out"),
            (b"HTTP/1.1 302 \r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n", 302, ""),
        ] {
            let (failure, _) = tunnel(response).await;
            let how = How::ProxyRefused { status, reason: reason.to_owned() };
            assert_eq!(failure.err(), Some(Failure { stage: Stage::Proxy, by: Party::Proxy, how }));
        }
    }

    #[tokio::test]
    async fn invalid_responses_are_distinguished() {
        let endless = Vec::leak([&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'x'; 2 * MAX_HEAD]].concat());
        for (response, words) in [
            (&b""[..], "the proxy closed the connection without an answer"),
            (b"HTTP/1.1 200 OK\r\n", "the proxy closed the connection without an answer"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "the proxy's answer is no HTTP"),
            (b"\x15\x03\x01\x00\x02\x02\x46", "the proxy's answer is no HTTP"),
            (endless, "the proxy did not answer: the answer's head does not end"),
        ] {
            let (failure, _) = tunnel(response).await;
            assert_eq!(failure.err(), Some(failed(How::Other(words.to_owned()))), "{words}");
        }
    }
}
