//! Sends requests to the API server: counted, bounded in time and size, and repeated if the server asks for
//! it.
//!
//! kube sends them. Its own retries are disabled (15 tries, up to 1000 s apart, which would exceed every
//! deadline). It has no read timeout, and it hides status and headers of an error. So requests go through
//! [`Client::send`] and are handled here.

use std::error::Error as StdError;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::Client;
use kube::client::{Body, Connection};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::gather::error::{ConnectFailure, Error};
use crate::gather::kubernetes::clock::ServerClock;
use crate::gather::kubernetes::credential::{Credential, Plugin};
use crate::gather::kubernetes::fault::{Fault, connect_failure, connect_timeout, innermost, too_large};
use crate::gather::kubernetes::json;
use crate::run::stop::Stop;

/// `Accept` value for plain JSON documents.
pub(in crate::gather) const JSON: &str = "application/json";

/// Maximum number of bytes of a document after decompression; a larger page of a list is requested again in
/// smaller pages. Parsed, a document takes several times that memory, and several are read at once.
const MAX_DOCUMENT: usize = 8 << 20;
/// Maximum number of bytes of a Secret: etcd takes a MiB and a half, base64 adds a third, and an annotation
/// may hold it once more.
const MAX_SECRET: usize = 4 << 20;
/// Initial capacity: enough for the certificates and the key of most Secrets.
const FIRST_ROOM: usize = 32 << 10;
/// Maximum number of bytes read from an error response.
const MAX_ERROR: usize = 64 << 10;
/// Maximum number of tries of a request.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// All but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An API server, with one identity during one run.
#[derive(Clone)]
pub(in crate::gather) struct Api {
    inner: Arc<Inner>,
    stop: Stop,
}

pub(in crate::gather) struct Inner {
    pub client: Client,
    pub plugin: Option<Plugin>,
    /// Time limit of one try, from sending to the end of the response; for a stream, to the end of its head.
    pub request_timeout: Option<Duration>,
    /// Time limit of all tries of one request together, with the waits between them.
    pub patience: Option<Duration>,
    /// For display: without a user or a path.
    pub address: String,
    /// Address of the proxy that requests go through.
    pub proxy: Option<String>,
    /// Whether responses may be compressed.
    pub compress: bool,
    /// End of validity of the client certificate in the kubeconfig.
    pub certificate_ends: Option<Timestamp>,
    pub requests: AtomicU64,
    pub clock: ServerClock,
}

impl Api {
    pub(in crate::gather) fn new(inner: Inner, stop: Stop) -> Self {
        Self { inner: Arc::new(inner), stop }
    }

    /// Returns the same connection for a part of the run that ends by itself.
    #[must_use]
    pub(in crate::gather) fn until(&self, stop: Stop) -> Self {
        Self { inner: Arc::clone(&self.inner), stop }
    }

    /// Returns the server's address, for messages.
    #[must_use]
    pub(in crate::gather) fn address(&self) -> &str {
        &self.inner.address
    }

    /// Returns the number of requests sent so far, each try counted.
    #[must_use]
    pub(in crate::gather) fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Returns the seconds by which the API server's clock is ahead of this machine's; absent if no response
    /// had the time.
    pub(in crate::gather) fn clock_ahead_seconds(&self) -> Option<i64> {
        self.inner.clock.ahead_seconds()
    }

    pub(in crate::gather) fn stop(&self) -> &Stop {
        &self.stop
    }

    pub(in crate::gather) fn request_timeout(&self) -> Option<Duration> {
        self.inner.request_timeout
    }

    /// Requests one JSON document.
    pub(in crate::gather) async fn document(&self, path: &str, accept: &str) -> Result<Value, Fault> {
        let body = self.patiently(move || self.in_time(self.whole(path, accept))).await?;
        serde_json::from_slice(&body).map_err(|error| Fault::Broken(format!("the answer is not JSON: {error}")))
    }

    /// Returns the body of a response that holds a secret, in a buffer that is overwritten on drop.
    ///
    /// It is uncompressed, so that no decompressor retains parts of it. The buffers of TLS and HTTP below
    /// cannot be overwritten from here.
    pub(in crate::gather) async fn secret(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.patiently(move || self.in_time(self.overwritten(path))).await
    }

    /// Returns the body of a response as a stream. The caller limits the time between its pieces.
    pub(in crate::gather) async fn stream(&self, path: &str) -> Result<Body, Fault> {
        self.stream_as(path, "*/*").await
    }

    /// Like [`Api::stream`], with an `Accept` value.
    pub(in crate::gather) async fn stream_as(&self, path: &str, accept: &str) -> Result<Body, Fault> {
        let response = self.patiently(move || self.in_time(self.successful(path, accept, false))).await?;
        plain(response.headers())?;
        Ok(response.into_body())
    }

    /// Merges a change into an object by its keys (strategic merge), and returns the object.
    pub(in crate::gather) async fn patch(&self, path: &str, change: &Value) -> Result<Value, Fault> {
        let change = change.to_string();
        let change = change.as_str();
        let ask = move |credential: Option<Arc<Credential>>| async move {
            let request = request(path, credential.as_deref()).method(Method::PATCH).header(ACCEPT, JSON);
            let request = request.header(CONTENT_TYPE, "application/strategic-merge-patch+json");
            let response = self.sent(request, Body::from(change.as_bytes().to_vec())).await?;
            if response.status().is_success() {
                read(response, MAX_DOCUMENT).await
            } else {
                Err(refusal(response).await)
            }
        };
        let body = self.patiently(move || self.in_time(self.authorized(ask))).await?;
        serde_json::from_slice(&body).map_err(|error| Fault::Broken(format!("the answer is not JSON: {error}")))
    }

    /// Opens a WebSocket. The caller limits the time from then on.
    pub(in crate::gather) async fn upgrade(&self, path: &str) -> Result<Connection, Fault> {
        let switch = move |credential: Option<Arc<Credential>>| self.switch(path, credential);
        self.patiently(move || self.in_time(self.authorized(switch))).await
    }

    /// Returns what an error of the first request means for the run.
    pub(in crate::gather) fn failure(&self, fault: Fault) -> Error {
        let mut address = self.inner.address.clone();
        // Only the proxy could report which of the two does not respond.
        let may_be_proxy = match &fault {
            Fault::Connect(_) | Fault::TimedOut(_) | Fault::Broken(_) | Fault::TooLarge(_) => true,
            Fault::Refused { code: 502..=504, by_kubernetes, .. } => !by_kubernetes,
            _ => false,
        };
        if let Some(proxy) = self.inner.proxy.as_ref().filter(|_| may_be_proxy) {
            address = format!("{address} through the proxy {proxy}");
        }
        let is_internal = fault.is_internal_error();
        match fault {
            Fault::Connect(source) => Error::Unreachable { address, source },
            Fault::Plugin(error) => *error,
            Fault::Refused { code: 401, message, .. } => self.unauthorized(message),
            // The API server's own text is plain too. Source: `tooManyRequests` of
            // `k8s.io/apiserver/pkg/server/filters`.
            Fault::Refused { code: 429, message, .. } => Error::Busy { address, what: format!("429 {message}") },
            Fault::Stopped(crate::evidence::Reason::Interrupted) => Error::Interrupted,
            Fault::Stopped(crate::evidence::Reason::TimedOut { milliseconds }) => {
                Error::Unreachable { address, source: ConnectFailure::TimedOut(Duration::from_millis(milliseconds)) }
            }
            Fault::TimedOut(allowed) => Error::Unreachable { address, source: ConnectFailure::Slow(allowed) },
            Fault::Broken(what) => Error::NotAnApiServer { address, what },
            Fault::Refused { code: code @ 502..=504, message, by_kubernetes: false, .. } => {
                Error::NoApiServerBehind { address, what: format!("{code} {message}") }
            }
            Fault::Refused { code, message, .. } if is_internal => {
                Error::Failing { address, what: format!("{code} {message}") }
            }
            Fault::Refused { code, message, .. } => {
                Error::NotAnApiServer { address, what: format!("{code} {message}") }
            }
            Fault::Stopped(reason) => Error::NotAnApiServer { address, what: reason.to_string() },
            Fault::TooLarge(limit) => Error::NotAnApiServer { address, what: too_large(limit) },
        }
    }

    fn unauthorized(&self, message: String) -> Error {
        let address = self.inner.address.clone();
        // An API server requests client certificates but accepts any in the handshake, so an expired one ends
        // as a 401.
        let now = now();
        if let Some(not_after) = self.inner.certificate_ends.filter(|ends| *ends < now) {
            return Error::ExpiredClientCertificate { address, not_after };
        }
        Error::Unauthorized {
            address,
            message,
            plugin: self.inner.plugin.as_ref().map(|plugin| plugin.command().to_owned()),
        }
    }

    /// Repeats a request if the server asks for it, and once more if it was lost with its connection, within
    /// the time limit of one request.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let work = self.until_answered(attempt);
        match self.inner.patience {
            Some(allowed) => tokio::time::timeout(allowed, work).await.unwrap_or(Err(Fault::TimedOut(allowed))),
            None => work.await,
        }
    }

    async fn until_answered<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let stop = &self.stop;
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut tried = 0;
        loop {
            tried += 1;
            let fault = match stop.bound(attempt()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(fault)) => fault,
                Err(reason) => return Err(Fault::Stopped(reason)),
            };
            let Some(wait) = wait_before_next_try(&fault, tried, pause) else { return Err(fault) };
            // Waiting until a deadline only to miss it would hide the server's response.
            let patience = self.inner.patience.map(|patience| patience.saturating_sub(began.elapsed()));
            if [stop.remaining(), patience].into_iter().flatten().any(|remaining| remaining <= wait) {
                return Err(fault);
            }
            stop.bound(tokio::time::sleep(wait)).await.map_err(Fault::Stopped)?;
            pause *= 2;
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match self.inner.request_timeout {
            Some(allowed) => tokio::time::timeout(allowed, work).await.unwrap_or(Err(Fault::TimedOut(allowed))),
            None => work.await,
        }
    }

    async fn whole(&self, path: &str, accept: &str) -> Result<Vec<u8>, Fault> {
        let response = self.successful(path, accept, self.inner.compress).await?;
        read(response, MAX_DOCUMENT).await
    }

    async fn overwritten(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let response = self.successful(path, JSON, false).await?;
        plain(response.headers())?;
        let mut body = response.into_body();
        let mut whole = Zeroizing::new(Vec::with_capacity(FIRST_ROOM));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broke_off(&error))?;
            let Some(piece) = frame.data_ref() else { continue };
            let needed = whole.len() + piece.len();
            if needed > MAX_SECRET {
                return Err(Fault::TooLarge(MAX_SECRET));
            }
            // Growing in place would leave a copy behind.
            if needed > whole.capacity() {
                let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * whole.capacity())));
                larger.extend_from_slice(&whole);
                whole = larger;
            }
            whole.extend_from_slice(piece);
        }
        Ok(whole)
    }

    async fn successful(&self, path: &str, accept: &str, compress: bool) -> Result<Response<Body>, Fault> {
        self.authorized(move |credential| async move {
            let sent = now();
            let response = self.send(path, accept, compress, credential.as_deref()).await?;
            let (answered, headers) = (now(), response.headers().clone());
            let outcome = if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) };
            // An intermediary has a clock of its own.
            if matches!(&outcome, Ok(_) | Err(Fault::Refused { by_kubernetes: true, .. })) {
                self.inner.clock.note(&headers, sent, answered);
            }
            outcome
        })
        .await
    }

    /// Sends with the plugin's credential, if there is a plugin; once more with a new one if the first is
    /// rejected.
    async fn authorized<T, F>(&self, ask: impl Fn(Option<Arc<Credential>>) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut refused = None;
        loop {
            let credential = match &self.inner.plugin {
                Some(plugin) => Some(plugin.credential(refused.as_ref(), &self.stop).await?),
                None => None,
            };
            let fault = match ask(credential.clone()).await {
                Err(fault @ Fault::Refused { code: 401, .. }) => fault,
                outcome => return outcome,
            };
            // The plugin's token may have been revoked or rotated meanwhile; a new one is worth one more try.
            let renewable = credential.filter(|credential| credential.authorization.is_some());
            if refused.is_some() || renewable.is_none() {
                return Err(fault);
            }
            refused = renewable;
        }
    }

    async fn send(
        &self,
        path: &str,
        accept: &str,
        compress: bool,
        credential: Option<&Credential>,
    ) -> Result<Response<Body>, Fault> {
        let mut request = request(path, credential).header(ACCEPT, accept);
        if compress {
            request = request.header(ACCEPT_ENCODING, "gzip");
        }
        self.sent(request, Body::empty()).await
    }

    async fn sent(&self, request: http::request::Builder, body: Body) -> Result<Response<Body>, Fault> {
        let request = request.body(body).map_err(|error| Fault::Broken(error.to_string()))?;
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.client.send(request).await.map_err(|error| self.not_connected(&error))
    }

    fn not_connected(&self, error: &kube::Error) -> Fault {
        connect_failure(error, connect_timeout(self.inner.request_timeout)).into()
    }

    /// Returns why there is no WebSocket. Unlike [`Client::send`], [`Client::connect`] has already read the
    /// response.
    fn not_switched(&self, error: kube::Error) -> Fault {
        switching_refused(error).unwrap_or_else(|error| self.not_connected(&error))
    }

    async fn switch(&self, path: &str, credential: Option<Arc<Credential>>) -> Result<Connection, Fault> {
        let request = request(path, credential.as_deref()).body(Vec::new());
        let request = request.map_err(|error| Fault::Broken(error.to_string()))?;
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.client.connect(request).await.map_err(|error| self.not_switched(error))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this machine's clock is compared with the server's, and with a certificate"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

fn request(path: &str, credential: Option<&Credential>) -> http::request::Builder {
    let request = Request::get(path);
    match credential.and_then(|credential| credential.authorization.as_ref()) {
        Some(authorization) => request.header(AUTHORIZATION, authorization),
        None => request,
    }
}

/// Percent-encodes a path segment or a value of a query.
pub(in crate::gather) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn wait_before_next_try(fault: &Fault, tried: u32, pause: Duration) -> Option<Duration> {
    if tried >= TRIES {
        return None;
    }
    match fault {
        Fault::Refused { retry_after: Some(wait), code: 429 | 500..=599, .. } => Some(*wait),
        Fault::Refused { code: 429 | 502..=504, .. } => Some(pause),
        // The connection was lost, perhaps an idle one. Repeating is safe: all requests are GETs, or merge by
        // keys what may have been merged already.
        Fault::Connect(ConnectFailure::Closed) if tried == 1 => Some(Duration::ZERO),
        _ => None,
    }
}

/// Returns the error of a response in place of a WebSocket; the original error, if none came.
fn switching_refused(error: kube::Error) -> Result<Fault, kube::Error> {
    Ok(match error {
        kube::Error::Api(status) => {
            let status = *status;
            // kube makes a Status of any response, and marks those that were none.
            let by_kubernetes = status.code != 0 && status.reason != "Failed to parse error data";
            let wait = status.details.map_or(0, |details| details.retry_after_seconds);
            let message = if by_kubernetes {
                Some(status.message).filter(|message| !message.is_empty())
            } else {
                status.message.lines().find(|line| !line.trim().is_empty()).map(brief)
            };
            Fault::Refused {
                code: status.code,
                message: message.unwrap_or_else(|| response_reason(status.code)),
                by_kubernetes,
                retry_after: (wait > 0).then(|| Duration::from_secs(wait.into())),
            }
        }
        kube::Error::UpgradeConnection(why) => {
            Fault::Broken(format!("the server, or a proxy before it, opens no WebSocket: {}", innermost(&why)))
        }
        error => return Err(error),
    })
}

async fn refusal(response: Response<Body>) -> Fault {
    let code = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let fallback = || response_reason(code);
    let body = read(response, MAX_ERROR).await.unwrap_or_default();
    let status: Option<Value> = serde_json::from_slice(&body).ok();
    let status = status.filter(|status| json::text(status, &["kind"]).as_deref() == Some("Status"));
    let message = match &status {
        Some(status) => json::text(status, &["message"]),
        // Proxies and load balancers respond with text or HTML; its first line is enough.
        None => String::from_utf8_lossy(&body).lines().find(|line| !line.trim().is_empty()).map(brief),
    };
    Fault::Refused { code, message: message.unwrap_or_else(fallback), by_kubernetes: status.is_some(), retry_after }
}

fn response_reason(code: u16) -> String {
    let status = StatusCode::from_u16(code).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("unknown status").to_owned()
}

/// Shortens a foreign text to what a message may quote.
pub(in crate::gather) fn brief(line: &str) -> String {
    const MAX: usize = 200;
    let line = line.trim();
    match line.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Returns at most so many bytes of the body, decompressed if it came as gzip, whether or not that was
/// requested.
async fn read(response: Response<Body>, limit: usize) -> Result<Vec<u8>, Fault> {
    let is_gzip = match encoding(response.headers()) {
        None => false,
        Some(encoding) if matches!(encoding.as_str(), "gzip" | "x-gzip") => true,
        Some(encoding) => return Err(compressed(&encoding)),
    };
    let body = collect(response.into_body(), limit).await?;
    if !is_gzip {
        return Ok(body);
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(body.as_slice())
        .take(limit as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| Fault::Broken(format!("the compressed answer is broken: {error}")))?;
    if plain.len() > limit { Err(Fault::TooLarge(limit)) } else { Ok(plain) }
}

/// `None`, if the body is not compressed.
fn plain(headers: &HeaderMap) -> Result<(), Fault> {
    encoding(headers).map_or(Ok(()), |encoding| Err(compressed(&encoding)))
}

/// Returns how the body is compressed; absent if it is not.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?;
    let encoding = brief(&String::from_utf8_lossy(encoding.as_bytes()).to_ascii_lowercase());
    (!matches!(encoding.as_str(), "" | "identity")).then_some(encoding)
}

fn compressed(encoding: &str) -> Fault {
    let why = "which was not requested: a proxy may have done it";
    Fault::Broken(format!("the answer is compressed ({encoding}), {why}"))
}

async fn collect(mut body: Body, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broke_off(&error))?;
        let Some(piece) = frame.data_ref() else { continue };
        if whole.len() + piece.len() > limit {
            return Err(Fault::TooLarge(limit));
        }
        whole.extend_from_slice(piece);
    }
    Ok(whole)
}

fn broke_off(error: &(dyn StdError + 'static)) -> Fault {
    Fault::Broken(format!("the answer broke off: {}", innermost(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        assert_eq!(encode("app in (a, b),!c~1"), "app%20in%20%28a%2C%20b%29%2C%21c~1");
        assert_eq!(encode("\u{e9}/?&="), "%C3%A9%2F%3F%26%3D");
    }

    #[test]
    fn only_transient_errors_are_retried() {
        let refused =
            |code, retry_after| Fault::Refused { code, message: String::new(), by_kubernetes: true, retry_after };
        let second = Duration::from_secs(1);
        for (fault, tried, expected) in [
            (refused(429, Some(second)), 1, Some(second)),
            (refused(429, None), 2, Some(FIRST_PAUSE)),
            (refused(502, None), 1, Some(FIRST_PAUSE)),
            (refused(504, None), TRIES, None),
            (refused(500, None), 1, None),
            (refused(500, Some(second)), 1, Some(second)),
            (refused(403, Some(second)), 1, None),
            (Fault::Connect(ConnectFailure::Closed), 1, Some(Duration::ZERO)),
            (Fault::Connect(ConnectFailure::Closed), 2, None),
            (Fault::Connect(ConnectFailure::Refused), 1, None),
            (Fault::TimedOut(second), 1, None),
        ] {
            assert_eq!(wait_before_next_try(&fault, tried, FIRST_PAUSE), expected, "{fault:?} after {tried}");
        }
    }

    #[test]
    fn a_page_of_html_is_cut_short() {
        assert_eq!(brief("  <html> "), "<html>");
        assert_eq!(brief(&"\u{e9}".repeat(300)).chars().count(), 201);
    }
}
