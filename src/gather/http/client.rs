//! Requests with credentials, limits and repetitions, to one server.
//!
//! A secret never leaves it but in the header: what a server returns is searched for it. Redirects to another
//! host or scheme are not followed.

use std::sync::Mutex;
use std::time::Duration;

use data_encoding::BASE64;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;

use crate::evidence::Reason;
use crate::gather::probe::Proxy;
use crate::gather::probe::lookup::{self, Family};
use crate::gather::probe::transport::Transport;
use crate::gather::trust;
use crate::wire::x509;

/// Maximum number of bytes of an answer.
pub const MAX_ANSWER: usize = 8 << 20;
/// Number of requests at the same time.
pub const PARALLEL: usize = 8;
/// Longest time that a server may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Longest time for a connection and its handshake.
const CONNECT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: u32 = 3;

/// Who asks.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    #[default]
    None,
    /// `Authorization: ApiKey`, as Elasticsearch takes it: the encoded key.
    ApiKey(SecretString),
    Token(SecretString),
    Basic {
        user: String,
        password: SecretString,
    },
}

impl Credentials {
    fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::None => return None,
            Self::ApiKey(key) => format!("ApiKey {}", key.expose_secret()),
            Self::Token(token) => format!("Bearer {}", token.expose_secret()),
            Self::Basic { user, password } => {
                format!("Basic {}", BASE64.encode(format!("{user}:{}", password.expose_secret()).as_bytes()))
            }
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Returns the text without the secret, in every form in which it was sent.
    fn hide(&self, text: &str) -> String {
        let secret = match self {
            Self::None => return text.to_owned(),
            Self::ApiKey(secret) | Self::Token(secret) => secret.expose_secret(),
            Self::Basic { password, .. } => password.expose_secret(),
        };
        let sent = self.header().and_then(|value| value.to_str().ok().map(str::to_owned)).unwrap_or_default();
        let encoded = sent.split(' ').nth(1).unwrap_or_default();
        let forms = [encoded, secret].into_iter().filter(|form| !form.is_empty());
        forms.fold(text.to_owned(), |text, form| text.replace(form, "<redacted>"))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The status of the response; absent if there was none.
    pub status: Option<u16>,
    pub reason: Reason,
}

/// A stream in both directions.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What differs from server to server.
#[derive(Clone, Copy)]
pub struct Peer {
    /// Its name in messages, such as `the Management API`.
    pub name: &'static str,
    /// The flag that names its CAs.
    pub ca_flag: &'static str,
    /// Reads the message of an answer that reports an error.
    pub explain: fn(&[u8]) -> Option<String>,
    /// How often a request is repeated after a fault that may pass, and the pause before the first time; each
    /// pause is twice the one before.
    pub repetitions: u32,
    pub first_wait: Duration,
}

/// A certificate with its key, by which a server knows this client; as PEM.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    pub certificate: &'a [u8],
    pub key: &'a [u8],
}

/// A client of one server.
pub struct Client {
    base: Uri,
    peer: Peer,
    credentials: Credentials,
    /// A header that every request needs besides, such as `Metadata-Flavor`.
    header: Option<(HeaderName, HeaderValue)>,
    proxy: Option<Proxy>,
    /// Absent for `http`.
    tls: Option<SslContext>,
    allowed: Duration,
    turns: Semaphore,
    /// Connections that wait for the next request.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// One request.
#[derive(Clone, Copy)]
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    /// Media type and content.
    body: Option<(&'static str, &'a [u8])>,
    /// Maximum number of bytes of the answer.
    most: usize,
}

/// Why a request did not yield an answer, and whether it may be repeated.
struct Failed {
    fault: Fault,
    again: Option<Duration>,
}

impl Client {
    /// Creates a client. `authorities` are those of the peer's flag, as PEM; without, this machine's are
    /// trusted. `identity` is for servers that request a client certificate.
    ///
    /// # Errors
    /// OpenSSL cannot be set up, or cannot read certificate or key.
    pub fn new(
        base: Uri,
        peer: Peer,
        credentials: Credentials,
        proxy: Option<Proxy>,
        (authorities, identity): (Option<&[u8]>, Option<Identity<'_>>),
        allowed: Duration,
    ) -> Result<Self, ErrorStack> {
        let tls = (base.scheme_str() == Some("https")).then(|| context(authorities, identity)).transpose()?;
        let turns = Semaphore::new(PARALLEL);
        Ok(Self { base, peer, credentials, header: None, proxy, tls, allowed, turns, idle: Mutex::default() })
    }

    /// Sends this header with every request.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// Requests a path below the base URL, percent-encoded as it is, and returns a body of at most `most`
    /// bytes.
    ///
    /// # Errors
    /// Why there is none: a status, a fault of the network, a limit.
    pub async fn get(&self, path: &str, most: usize) -> Result<Vec<u8>, Fault> {
        self.request(Asked { method: &Method::GET, path, body: None, most }).await
    }

    /// Sends a request that only reads, with a body of this media type. It may be repeated.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn post(&self, path: &str, media_type: &'static str, body: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
        self.request(Asked { method: &Method::POST, path, body: Some((media_type, body)), most }).await
    }

    /// Ends something that a request began, such as a point in time.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn delete(&self, path: &str, media_type: &'static str, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let body = Some((media_type, body));
        self.request(Asked { method: &Method::DELETE, path, body, most: MAX_ANSWER }).await
    }

    async fn request(&self, asked: Asked<'_>) -> Result<Vec<u8>, Fault> {
        // Nobody closes the semaphore.
        let _turn = self.turns.acquire().await;
        let mut wait = self.peer.first_wait;
        let mut left = self.peer.repetitions;
        loop {
            let once = tokio::time::timeout(self.allowed, Box::pin(self.once(asked))).await;
            let failed = match once {
                Ok(Ok(body)) => return Ok(body),
                Ok(Err(failed)) => failed,
                Err(_) => {
                    let milliseconds = u64::try_from(self.allowed.as_millis()).unwrap_or(u64::MAX);
                    return Err(Fault { status: None, reason: Reason::TimedOut { milliseconds } });
                }
            };
            match failed.again {
                Some(pause) if left > 0 => {
                    left -= 1;
                    tokio::time::sleep(pause.max(wait)).await;
                    wait *= 2;
                }
                _ => return Err(failed.fault),
            }
        }
    }

    async fn once(&self, asked: Asked<'_>) -> Result<Vec<u8>, Failed> {
        let base = self.base.path().trim_end_matches('/');
        let mut target = format!("{base}/{}", asked.path);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&target, asked).await?;
            let status = response.status();
            if status.is_redirection() {
                target = self.redirected(&response)?;
                continue;
            }
            return self.body(response, asked.most).await;
        }
        Err(final_fault(None, Reason::Broken(format!("more than {MAX_REDIRECTS} redirects"))))
    }

    async fn send(&self, target: &str, asked: Asked<'_>) -> Result<Response<Incoming>, Failed> {
        let reused = self.take_idle();
        let is_reused = reused.is_some();
        let mut sender = match reused {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let result = sender.send_request(self.message(target, asked)?).await;
        let result = match result {
            // The server may close an idle connection at the moment it is used again.
            Err(_) if is_reused => {
                sender = self.connect().await?;
                sender.send_request(self.message(target, asked)?).await
            }
            result => result,
        };
        let response = result.map_err(|error| {
            let why = format!("the connection ended before the answer: {error}");
            Failed { fault: Fault { status: None, reason: Reason::Unreachable(why) }, again: Some(Duration::ZERO) }
        })?;
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(sender);
        }
        Ok(response)
    }

    /// A connection whose last answer has been read whole.
    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().ok()?;
        idle.retain(|sender| !sender.is_closed());
        let position = idle.iter().position(SendRequest::is_ready)?;
        Some(idle.swap_remove(position))
    }

    fn message(&self, target: &str, asked: Asked<'_>) -> Result<Request<Full<Bytes>>, Failed> {
        let mut request = Request::builder()
            .method(asked.method)
            .uri(target)
            .header(HOST, self.base.authority().map_or("", http::uri::Authority::as_str))
            .header("Accept", "application/json, */*")
            .header("User-Agent", concat!("kubectl-apigee-tls/", env!("CARGO_PKG_VERSION")));
        if let Some(value) = self.credentials.header() {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        let mut content = Bytes::new();
        if let Some((media_type, body)) = asked.body {
            request = request.header(CONTENT_TYPE, media_type);
            content = Bytes::copy_from_slice(body);
        }
        request.body(Full::new(content)).map_err(|_| final_fault(None, Reason::Broken("the path is no URL".into())))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failed> {
        let connected = tokio::time::timeout(CONNECT.min(self.allowed), self.stream()).await;
        let unreachable = |why: String| final_fault(None, Reason::Unreachable(why));
        let stream = connected.map_err(|_| unreachable("no connection in time".into()))?.map_err(unreachable)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(error.to_string()))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn stream(&self) -> Result<Box<dyn Duplex>, String> {
        let host = self.base.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.base.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = if let Some(proxy) = &self.proxy {
            let tunnel = Transport::Tunnel { proxy: proxy.clone(), host: host.to_owned(), port };
            tunnel.open(CONNECT, false).await.map_err(|failure| failure.to_string())?
        } else {
            let addresses =
                lookup::addresses(host, Family::Any, CONNECT).await.map_err(|failure| failure.to_string())?;
            let mut last = "no address".to_owned();
            let mut open = None;
            for address in addresses {
                match Transport::Tcp((address, port).into()).open(CONNECT, false).await {
                    Ok(stream) => {
                        open = Some(stream);
                        break;
                    }
                    Err(failure) => last = failure.to_string(),
                }
            }
            open.ok_or(last)?
        };
        let Some(context) = &self.tls else { return Ok(Box::new(stream)) };
        let set_up = || -> Result<Ssl, ErrorStack> {
            let mut ssl = Ssl::new(context)?;
            if let Ok(address) = host.parse() {
                ssl.param_mut().set_ip(address)?;
            } else {
                ssl.set_hostname(host)?;
                ssl.param_mut().set_host(host)?;
            }
            Ok(ssl)
        };
        let ssl = set_up().map_err(|error| error.to_string())?;
        let mut stream = tokio_openssl::SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
        if let Err(error) = std::pin::Pin::new(&mut stream).connect().await {
            let verified = stream.ssl().verify_result();
            let Peer { name, ca_flag, .. } = self.peer;
            return Err(match verified.as_raw() {
                0 => format!("the TLS handshake with {name} failed: {error}"),
                code => format!(
                    "the certificate of {name} is not trusted: {} (code {code}); give {ca_flag}",
                    verified.error_string()
                ),
            });
        }
        Ok(Box::new(stream))
    }

    fn redirected(&self, response: &Response<Incoming>) -> Result<String, Failed> {
        let status = Some(response.status().as_u16());
        let refuse = |why: &str| final_fault(status, Reason::Broken(why.to_owned()));
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let uri: Uri = location.and_then(|text| text.parse().ok()).ok_or_else(|| refuse("a redirect to nowhere"))?;
        let is_same = |own: Option<&str>, other: Option<&str>| other.is_none() || own == other;
        let authority = |uri: &Uri| uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
        if !is_same(self.base.scheme_str(), uri.scheme_str())
            || !is_same(authority(&self.base).as_deref(), authority(&uri).as_deref())
        {
            return Err(refuse("a redirect to another host or scheme, which is not followed"));
        }
        Ok(uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string))
    }

    async fn body(&self, response: Response<Incoming>, most: usize) -> Result<Vec<u8>, Failed> {
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let asked = asked.map_or(Duration::ZERO, Duration::from_secs);
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                let why = format!("the answer was cut short: {error}");
                Failed {
                    fault: Fault { status: Some(status.as_u16()), reason: Reason::Broken(why) },
                    again: Some(Duration::ZERO),
                }
            })?;
            if let Ok(data) = frame.into_data() {
                if bytes.len() + data.len() > most {
                    let why = format!("an answer of more than {} MiB", most >> 20);
                    return Err(final_fault(Some(status.as_u16()), Reason::Broken(why)));
                }
                bytes.extend_from_slice(&data);
            }
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let reported =
            (self.peer.explain)(&bytes).map(|text| format!(": {}", self.credentials.hide(&text))).unwrap_or_default();
        let why = format!("HTTP {}{reported}", status.as_u16());
        let reason = if status == StatusCode::NOT_FOUND { Reason::Missing(why) } else { Reason::Unreachable(why) };
        let passes = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let again = (passes && asked <= LONGEST_WAIT).then_some(asked);
        Err(Failed { fault: Fault { status: Some(status.as_u16()), reason }, again })
    }
}

fn final_fault(status: Option<u16>, reason: Reason) -> Failed {
    Failed { fault: Fault { status, reason }, again: None }
}

fn context(authorities: Option<&[u8]>, identity: Option<Identity<'_>>) -> Result<SslContext, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_verify(SslVerifyMode::PEER);
    if let Some(identity) = identity {
        identify(&mut context, identity)?;
    }
    let known = match authorities {
        Some(pem) => Some(x509::certificates(pem)),
        None => trust::system_authorities(),
    };
    match known {
        Some(list) => {
            let mut store = X509StoreBuilder::new()?;
            for der in list {
                if let Ok(authority) = X509::from_der(&der) {
                    store.add_cert(authority)?;
                }
            }
            context.set_cert_store(store.build());
        }
        None => context.set_default_verify_paths()?,
    }
    Ok(context.build())
}

/// Sets the client certificate with its intermediates.
fn identify(context: &mut SslContextBuilder, identity: Identity<'_>) -> Result<(), ErrorStack> {
    let mut list = X509::stack_from_pem(identity.certificate)?.into_iter();
    if let Some(leaf) = list.next() {
        context.set_certificate(&leaf)?;
    }
    for intermediate in list {
        context.add_extra_chain_cert(intermediate)?;
    }
    // Without a callback, OpenSSL would ask on the terminal for the password of an encrypted key.
    context.set_private_key(&*PKey::private_key_from_pem_callback(identity.key, |_| Ok(0))?)?;
    context.check_private_key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_a_secret_in_the_form_in_which_it_was_sent() {
        let token = Credentials::Token("tok-1234567".to_owned().into());
        assert_eq!(token.hide("Invalid: Bearer tok-1234567"), "Invalid: Bearer <redacted>");
        let basic = Credentials::Basic { user: "u".into(), password: "p:w".to_owned().into() };
        let sent = BASE64.encode(b"u:p:w");
        assert_eq!(basic.hide(&format!("Basic {sent} and p:w")), "Basic <redacted> and <redacted>");
        assert!(!format!("{token:?}{basic:?}").contains("tok-1234567"));
    }
}
