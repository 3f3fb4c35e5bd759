//! Requests to the API server: counted, bounded in time and size, tried again where that is what the server asks for.
//!
//! kube sends them. Its own retries are switched off (15 tries, up to 1000 s apart, which no deadline survives), it has no read
//! timeout, and it hides status and headers of an error; so requests go through [`Client::send`] and are handled here.

use std::error::Error as StdError;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use kube::Client;
use kube::client::{Body, Connection};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::gather::error::{ConnectFailure, Error};
use crate::gather::kubernetes::credential::{Credential, Plugin};
use crate::gather::kubernetes::fault::{Fault, connect_failure, innermost};
use crate::gather::kubernetes::json;
use crate::run::stop::Stop;

/// What a document is asked for as.
pub(in crate::gather) const JSON: &str = "application/json";

/// No page of a list is larger, after decompression.
const MAX_DOCUMENT: usize = 64 << 20;
/// No Secret is larger: etcd takes a MiB and a half, base64 adds a third, and an annotation may hold it once more.
const MAX_SECRET: usize = 4 << 20;
/// Enough for the certificates and the key of most Secrets at once.
const FIRST_ROOM: usize = 32 << 10;
/// Of an answer that is an error, no more is read.
const MAX_ERROR: usize = 64 << 10;
/// How often a request is sent before its error counts.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// All but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An API server, asked with one identity during one run.
#[derive(Clone)]
pub(in crate::gather) struct Api {
    inner: Arc<Inner>,
}

pub(in crate::gather) struct Inner {
    pub client: Client,
    pub plugin: Option<Plugin>,
    /// For one try, from sending to the end of the answer; for a stream, to the end of its head.
    pub request_timeout: Option<Duration>,
    /// For all tries of one request together, with the waits between them.
    pub patience: Option<Duration>,
    pub stop: Stop,
    /// As it may be shown: without a user or a path.
    pub address: String,
    /// Address of the proxy that requests go through.
    pub proxy: Option<String>,
    /// Whether answers may come compressed.
    pub compress: bool,
    /// Of the client certificate in the kubeconfig.
    pub certificate_ends: Option<Timestamp>,
    pub requests: AtomicU64,
}

impl Api {
    pub(in crate::gather) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The server's address, for messages.
    #[must_use]
    pub(in crate::gather) fn address(&self) -> &str {
        &self.inner.address
    }

    /// Requests sent so far, each try counted.
    #[must_use]
    pub(in crate::gather) fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    pub(in crate::gather) fn stop(&self) -> &Stop {
        &self.inner.stop
    }

    pub(in crate::gather) fn request_timeout(&self) -> Option<Duration> {
        self.inner.request_timeout
    }

    /// One JSON document.
    pub(in crate::gather) async fn document(&self, path: &str, accept: &str) -> Result<Value, Fault> {
        let body = self.patiently(move || self.in_time(self.whole(path, accept))).await?;
        serde_json::from_slice(&body).map_err(|error| Fault::Broken(format!("the answer is not JSON: {error}")))
    }

    /// The body of an answer that holds a secret, in a buffer that is overwritten when it is dropped.
    ///
    /// It comes uncompressed, so that no decompressor keeps a window of it. The buffers of TLS and HTTP below are not within reach.
    pub(in crate::gather) async fn secret(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.patiently(move || self.in_time(self.overwritten(path))).await
    }

    /// The body of an answer as it comes. The caller guards the time between its pieces.
    pub(in crate::gather) async fn stream(&self, path: &str) -> Result<Body, Fault> {
        Ok(self.patiently(move || self.in_time(self.successful(path, "*/*", false))).await?.into_body())
    }

    /// A WebSocket in place of an answer. The caller guards the time from then on.
    pub(in crate::gather) async fn upgrade(&self, path: &str) -> Result<Connection, Fault> {
        let switch = move |credential: Option<Arc<Credential>>| self.switch(path, credential);
        self.patiently(move || self.in_time(self.authorized(switch))).await
    }

    /// What an error of the first contact means for the run.
    pub(in crate::gather) fn failure(&self, fault: Fault) -> Error {
        let mut address = self.inner.address.clone();
        // Which of the two does not answer only the proxy could say.
        if let (Some(proxy), Fault::Connect(_) | Fault::TimedOut(_) | Fault::Broken(_)) = (&self.inner.proxy, &fault) {
            address = format!("{address} through the proxy {proxy}");
        }
        match fault {
            Fault::Connect(source) => Error::Unreachable { address, source },
            Fault::Plugin(error) => *error,
            Fault::Refused { code: 401, message, .. } => self.unauthorized(message),
            Fault::Stopped(crate::evidence::Reason::Interrupted) => Error::Interrupted,
            Fault::Stopped(crate::evidence::Reason::TimedOut { milliseconds }) => {
                Error::Unreachable { address, source: ConnectFailure::TimedOut(Duration::from_millis(milliseconds)) }
            }
            Fault::TimedOut(allowed) => Error::Unreachable { address, source: ConnectFailure::TimedOut(allowed) },
            Fault::Broken(what) => Error::NotAnApiServer { address, what },
            Fault::Refused { code, message, .. } => {
                Error::NotAnApiServer { address, what: format!("{code} {message}") }
            }
            Fault::Stopped(reason) => Error::NotAnApiServer { address, what: reason.to_string() },
        }
    }

    fn unauthorized(&self, message: String) -> Error {
        let address = self.inner.address.clone();
        // An API server asks for client certificates but takes any in the handshake, so an expired one ends as a 401.
        #[expect(clippy::disallowed_methods, reason = "whether the client certificate is of use is asked now")]
        let now = Timestamp::now();
        if let Some(not_after) = self.inner.certificate_ends.filter(|ends| *ends < now) {
            return Error::ExpiredClientCertificate { address, not_after };
        }
        Error::Unauthorized {
            address,
            message,
            plugin: self.inner.plugin.as_ref().map(|plugin| plugin.command().to_owned()),
        }
    }

    /// Sends again what the server asks to send again, and once more what was lost with its connection, as long as the patience
    /// for one request lasts.
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
        let stop = &self.inner.stop;
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
            // Waiting until a deadline only to miss it would hide what the server said.
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
        let compressed = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let body = collect(response.into_body(), MAX_DOCUMENT).await?;
        if !compressed {
            return Ok(body);
        }
        let mut plain = Vec::new();
        let limit = MAX_DOCUMENT as u64;
        flate2::read::MultiGzDecoder::new(body.as_slice())
            .take(limit + 1)
            .read_to_end(&mut plain)
            .map_err(|error| Fault::Broken(format!("the compressed answer is broken: {error}")))?;
        if plain.len() > MAX_DOCUMENT { Err(too_large(MAX_DOCUMENT)) } else { Ok(plain) }
    }

    async fn overwritten(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let mut body = self.successful(path, JSON, false).await?.into_body();
        let mut whole = Zeroizing::new(Vec::with_capacity(FIRST_ROOM));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broke_off(&error))?;
            let Some(piece) = frame.data_ref() else { continue };
            let needed = whole.len() + piece.len();
            if needed > MAX_SECRET {
                return Err(too_large(MAX_SECRET));
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
            let response = self.send(path, accept, compress, credential.as_deref()).await?;
            if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
        })
        .await
    }

    /// Asks with the plugin's credential, where there is a plugin; once more with a new one where the first is not accepted.
    async fn authorized<T, F>(&self, ask: impl Fn(Option<Arc<Credential>>) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut refused = None;
        loop {
            let credential = match &self.inner.plugin {
                Some(plugin) => Some(plugin.credential(refused.as_ref(), &self.inner.stop).await?),
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
        let request = request.body(Body::empty()).map_err(|error| Fault::Broken(error.to_string()))?;
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.client.send(request).await.map_err(|error| connect_failure(&error).into())
    }

    async fn switch(&self, path: &str, credential: Option<Arc<Credential>>) -> Result<Connection, Fault> {
        let request = request(path, credential.as_deref()).body(Vec::new());
        let request = request.map_err(|error| Fault::Broken(error.to_string()))?;
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.client.connect(request).await.map_err(not_switched)
    }
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
        Fault::Refused { code: 429 | 503 | 504, .. } => Some(pause),
        // The connection was lost, perhaps one that had been idle; all requests are GETs, so this is safe.
        Fault::Connect(ConnectFailure::Closed) if tried == 1 => Some(Duration::ZERO),
        _ => None,
    }
}

/// Why there is no WebSocket. Unlike [`Client::send`], [`Client::connect`] has read the answer already.
fn not_switched(error: kube::Error) -> Fault {
    match error {
        kube::Error::Api(status) => {
            let status = *status;
            // kube makes a Status of any answer, and marks those that were none.
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
        error => connect_failure(&error).into(),
    }
}

async fn refusal(response: Response<Body>) -> Fault {
    let code = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let fallback = || response_reason(code);
    let body = collect(response.into_body(), MAX_ERROR).await.unwrap_or_default();
    let status: Option<Value> = serde_json::from_slice(&body).ok();
    let status = status.filter(|status| json::text(status, &["kind"]).as_deref() == Some("Status"));
    let message = match &status {
        Some(status) => json::text(status, &["message"]),
        // Proxies and load balancers answer in text or HTML; its first line says enough.
        None => String::from_utf8_lossy(&body).lines().find(|line| !line.trim().is_empty()).map(brief),
    };
    Fault::Refused { code, message: message.unwrap_or_else(fallback), by_kubernetes: status.is_some(), retry_after }
}

fn response_reason(code: u16) -> String {
    let status = StatusCode::from_u16(code).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("unknown status").to_owned()
}

/// At most so much of a foreign text as a message may quote.
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

async fn collect(body: Body, limit: usize) -> Result<Vec<u8>, Fault> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(error) => Err(broke_off(error.as_ref())),
    }
}

fn broke_off(error: &(dyn StdError + 'static)) -> Fault {
    Fault::Broken(format!("the answer broke off: {}", innermost(error)))
}

fn too_large(limit: usize) -> Fault {
    Fault::Broken(format!("the answer is larger than {} MiB", limit >> 20))
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
    fn only_what_may_pass_is_tried_again() {
        let refused =
            |code, retry_after| Fault::Refused { code, message: String::new(), by_kubernetes: true, retry_after };
        let second = Duration::from_secs(1);
        for (fault, tried, expected) in [
            (refused(429, Some(second)), 1, Some(second)),
            (refused(429, None), 2, Some(FIRST_PAUSE)),
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
