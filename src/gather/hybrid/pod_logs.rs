//! Reads the logs of the ingress pods: every container of every pod, several at once, each piece handed on as
//! it comes.
//!
//! Reads only the log of a container's current run, and of that only the file that the kubelet has not
//! rotated away. The previous run (`previous`) is skipped: its window ended with the restart, so it would mix
//! two states of the configuration.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::evidence::hybrid::IngressPod;
use crate::evidence::{AccessLog, LogLimits, LogOrigin, LogStream, Reason, Seen, Unavailable};
use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::{Access, Fault, innermost};
use crate::run::progress::Progress;
use crate::run::stop::timed_out;
use crate::wire::access_log::{AccessLogScanner, Format};

/// Maximum number of open streams. Each is a connection of its own, because kube speaks HTTP/1.1, where none
/// waits for another.
const IN_FLIGHT: usize = 16;
/// Longest pause of a kubelet that has begun to send, unless something is wrong.
const IDLE: Duration = Duration::from_secs(15);
/// The kubelet may have to skip a whole file before it finds the first requested line.
const FIRST_PIECE: Duration = Duration::from_secs(30);
/// The container that serves clients. Source: configuration property reference, `hub`.
const GATEWAY_CONTAINER: &str = "apigee-ingressgateway";
/// Envoy flushes its log every second as Istio starts it, and every ten by default.
pub(super) const FLUSH: Duration = Duration::from_secs(12);
/// A followed log that pauses for so long has been read to its current end.
const CAUGHT_UP: Duration = Duration::from_millis(200);
/// Number of pieces taken without checking the clock. The kubelet flushes every line, so pieces may be small
/// and many.
const BATCH: usize = 64;
/// The text that the kubelet sends as the log, with status 200, if it has none.
const NOTICES: [&str; 2] = ["unable to retrieve container logs for ", "failed to try resolving symlinks in path "];
const MAX_NOTICE: usize = 1024;

/// Receives a log piece by piece, and returns its content at the end.
pub trait LogSink: Send + 'static {
    /// Takes the next piece; pieces may end anywhere.
    fn feed(&mut self, piece: &[u8]);
    /// Ends the log, with the reason why it may be incomplete, if there is one.
    fn finish(self, cut: Option<&Unavailable>) -> AccessLog;
    /// Whether a record with this server name has come.
    fn saw(&self, server_name: &str) -> bool;
    /// Also parses records of this format; called before the first piece. A sink that parses no records
    /// ignores it.
    fn read_as(&mut self, _format: &Arc<Format>) {}
}

impl LogSink for AccessLogScanner {
    fn feed(&mut self, piece: &[u8]) {
        AccessLogScanner::feed(self, piece);
    }

    fn finish(self, _cut: Option<&Unavailable>) -> AccessLog {
        AccessLogScanner::finish(self)
    }

    fn saw(&self, server_name: &str) -> bool {
        AccessLogScanner::saw(self, server_name)
    }

    fn read_as(&mut self, format: &Arc<Format>) {
        AccessLogScanner::read_as(self, Arc::clone(format));
    }
}

/// Which logs to read, and how much of each.
pub(in crate::gather) struct LogRequest<'a> {
    pub namespace: &'a str,
    pub container: Option<&'a str>,
    pub limits: &'a LogLimits,
    /// Pods whose gateway received a marker probe, so that a record with this server name must come.
    pub marked_pods: &'a [String],
    pub marker: &'a str,
    /// The format that the mesh settings configure.
    pub format: &'a Arc<Format>,
}

/// Reads the logs of all pods, in the order of the pods and their containers.
pub(in crate::gather) async fn logs<S: LogSink>(
    api: &Api,
    request: LogRequest<'_>,
    pods: &[IngressPod],
    progress: &Arc<dyn Progress>,
    new_sink: &(impl Fn(&LogOrigin) -> S + Sync),
) -> Vec<LogStream> {
    let mut streams = Vec::new();
    let mut readers = JoinSet::new();
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    for pod in pods {
        for name in wanted(pod, request.container) {
            let origin = LogOrigin::Container { pod: pod.name.clone(), container: name.to_owned() };
            let what = format!("the log of {origin}");
            let found = pod.containers.iter().any(|container| container.name == name);
            let pending = if found { Reason::Broken("its reader failed".into()) } else { no_such_container(pod, name) };
            let index = streams.len();
            streams.push(LogStream {
                origin,
                log: Seen::Unavailable(Unavailable::new(&what, pending)),
                cut: None,
                store: None,
            });
            if !found {
                continue;
            }
            let follows = request.marked_pods.contains(&pod.name) && is_gateway(pod, name);
            let reader = Reader {
                api: api.clone(),
                path: path(&request, &pod.name, name, follows),
                until: follows.then(|| Until {
                    name: request.marker.to_owned(),
                    given_up: Instant::now() + FLUSH,
                    may_end: request.limits.limit_bytes.is_some(),
                }),
                namespace: request.namespace.to_owned(),
                what,
                progress: Arc::clone(progress),
            };
            let (permits, mut sink) = (Arc::clone(&permits), new_sink(&streams[index].origin));
            sink.read_as(request.format);
            readers.spawn(async move { (index, reader.run(permits, sink).await) });
        }
    }
    while let Some(ended) = readers.join_next().await {
        // If a reader panicked, its stream keeps the state set above: failed.
        if let Ok((index, (log, cut))) = ended {
            streams[index].log = log;
            streams[index].cut = cut;
        }
    }
    streams
}

/// Returns the requested container, or all of them.
fn wanted<'a>(pod: &'a IngressPod, container: Option<&'a str>) -> Vec<&'a str> {
    match container {
        Some(name) => vec![name],
        None => pod.containers.iter().map(|container| container.name.as_str()).collect(),
    }
}

/// Returns the requested container, or those that serve clients.
pub(super) fn wanted_gateways<'a>(pod: &'a IngressPod, container: Option<&str>) -> Vec<&'a str> {
    let names = pod.containers.iter().map(|container| container.name.as_str());
    match container {
        Some(wanted) => names.filter(|name| *name == wanted).collect(),
        None => names.filter(|name| is_gateway(pod, name)).collect(),
    }
}

fn no_such_container(pod: &IngressPod, name: &str) -> Reason {
    let names: Vec<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
    Reason::Missing(format!("the pod has no container \"{name}\" (it has {})", names.join(", ")))
}

/// Whether this container serves clients: it has the gateway's name, or is the only one.
fn is_gateway(pod: &IngressPod, container: &str) -> bool {
    container == GATEWAY_CONTAINER || pod.containers.len() == 1
}

fn path(request: &LogRequest<'_>, pod: &str, container: &str, follows: bool) -> String {
    let mut path =
        format!("/api/v1/namespaces/{}/pods/{}/log?container={}", request.namespace, encode(pod), encode(container));
    let LogLimits { since, until: _, tail, limit_bytes } = request.limits;
    if let Some(since) = since {
        // The API has whole seconds; rounded so that nothing requested is lost.
        let whole = jiff::Timestamp::from_second(since.as_second()).unwrap_or(*since);
        path.push_str(&format!("&sinceTime={}", encode(&whole.to_string())));
    }
    if let Some(tail) = tail {
        path.push_str(&format!("&tailLines={tail}"));
    }
    if let Some(limit_bytes) = limit_bytes {
        path.push_str(&format!("&limitBytes={limit_bytes}"));
    }
    if follows {
        path.push_str("&follow=true");
    }
    path
}

/// A followed log ends with the record of the marker probe, or when that record is no longer expected.
struct Until {
    name: String,
    given_up: Instant,
    /// Cut off by the requested limit of bytes.
    may_end: bool,
}

struct Reader {
    api: Api,
    path: String,
    until: Option<Until>,
    namespace: String,
    what: String,
    progress: Arc<dyn Progress>,
}

/// How reading ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// At the end of the log, or at the record up to which it was followed.
    Reached,
    /// It was followed, and that record did not come.
    Unheard,
}

type Outcome = (Seen<AccessLog>, Option<Unavailable>);

impl Reader {
    async fn run<S: LogSink>(self, permits: Arc<Semaphore>, sink: S) -> Outcome {
        let outcome = match self.api.stop().bound(permits.acquire_owned()).await {
            Ok(_permit) => {
                self.progress.started(&self.what);
                if self.until.is_some() {
                    self.progress.waiting(&self.what, "the line of this run's handshake");
                }
                self.read(sink).await
            }
            Err(reason) => (self.unavailable(reason), None),
        };
        let outcome_text = match &outcome {
            (Seen::Seen(log), None) => format!("{} bytes", log.bytes),
            (Seen::Seen(log), Some(cut)) => format!("{} bytes, then {}", log.bytes, cut.reason),
            (Seen::Unavailable(why), _) => why.reason.to_string(),
        };
        self.progress.finished(&self.what, &outcome_text);
        outcome
    }

    async fn read<S: LogSink>(&self, mut sink: S) -> Outcome {
        let mut body = match self.api.stream(&self.path).await {
            Ok(body) => body,
            Err(fault) => return (self.unavailable(self.reason(fault)), None),
        };
        let mut pieces = Pieces::default();
        let end = self.feed(&mut body, &mut sink, &mut pieces).await;
        match end {
            // Nothing came and nothing will: that differs from an empty log.
            Err(reason) if pieces.bytes == 0 => (self.unavailable(reason), None),
            Err(reason) => {
                let cut = Unavailable::new(&self.what, reason);
                (Seen::Seen(sink.finish(Some(&cut))), Some(cut))
            }
            Ok(end) => match pieces.notice() {
                Some(notice) => (self.unavailable(Reason::Missing(notice)), None),
                None => (Seen::Seen(sink.finish(self.doubt(end).as_ref())), None),
            },
        }
    }

    /// Returns why the log may be incomplete. It counts as read to its end all the same: a missing record is
    /// a finding.
    fn doubt(&self, end: End) -> Option<Unavailable> {
        let why = "the line that this run's own handshake leaves did not come, so there may be more";
        (end == End::Unheard).then(|| Unavailable::new(&self.what, Reason::Missing(why.to_owned())))
    }

    async fn feed<S: LogSink>(&self, body: &mut Body, sink: &mut S, pieces: &mut Pieces) -> Result<End, Reason> {
        loop {
            let allowed = longest_pause(&self.api, pieces.bytes);
            let mut next = match &self.until {
                None => {
                    let next = self.api.stop().bound(tokio::time::timeout(allowed, body.frame())).await?;
                    next.map_err(|_| timed_out(allowed))?
                }
                Some(until) if sink.saw(&until.name) => return Ok(End::Reached),
                // Bytes that are available are read to their end; further ones are awaited until then.
                Some(until) => {
                    let wait = until.given_up.saturating_duration_since(Instant::now()).max(CAUGHT_UP);
                    match self.api.stop().bound(tokio::time::timeout(wait, body.frame())).await? {
                        Ok(next) => next,
                        Err(_) => return Ok(End::Unheard),
                    }
                }
            };
            let before = pieces.bytes;
            // Available pieces are taken without a timer for each. A polled frame is gone from the body, so
            // the batch ends before another is requested.
            for taken in 1.. {
                match next {
                    None => return self.ended(sink),
                    Some(Err(error)) => return Err(broken_off(&error, pieces.bytes)),
                    Some(Ok(frame)) => {
                        if let Some(piece) = frame.data_ref() {
                            pieces.note(piece);
                            sink.feed(piece);
                        }
                    }
                }
                if taken == BATCH {
                    break;
                }
                match body.frame().now_or_never() {
                    Some(ready) => next = ready,
                    None => break,
                }
            }
            self.progress.bytes(pieces.bytes - before);
        }
    }

    /// The server sends no more. A followed log lasts as long as its container, so one that ends was cut off.
    fn ended<S: LogSink>(&self, sink: &S) -> Result<End, Reason> {
        match &self.until {
            Some(until) if !until.may_end && !sink.saw(&until.name) => {
                let why = "the stream ended before the line that this run's own handshake leaves";
                Err(Reason::Broken(why.to_owned()))
            }
            _ => Ok(End::Reached),
        }
    }

    fn reason(&self, fault: Fault) -> Reason {
        match fault {
            // "container … is waiting to start: ImagePullBackOff": there is no log to read.
            Fault::Refused { code: 400, message, .. } => Reason::Missing(message),
            fault => fault.reason(Access { verb: "get", resource: "pods/log", group: "", namespace: &self.namespace }),
        }
    }

    fn unavailable(&self, reason: Reason) -> Seen<AccessLog> {
        Seen::Unavailable(Unavailable::new(&self.what, reason))
    }
}

/// Returns how long a log may pause after so many bytes. A log without pauses may last as long as the run.
pub(in crate::gather) fn longest_pause(api: &Api, bytes: u64) -> Duration {
    if bytes > 0 { IDLE } else { api.request_timeout().unwrap_or(FIRST_PIECE).max(IDLE) }
}

pub(in crate::gather) fn broken_off(error: &kube::Error, bytes: u64) -> Reason {
    Reason::Broken(format!("the stream broke off after {bytes} bytes: {}", innermost(error)))
}

/// The number of bytes received, and the first of them.
#[derive(Default)]
struct Pieces {
    bytes: u64,
    head: Vec<u8>,
}

impl Pieces {
    fn note(&mut self, piece: &[u8]) {
        if self.head.len() <= MAX_NOTICE {
            let room = (MAX_NOTICE + 1 - self.head.len()).min(piece.len());
            self.head.extend_from_slice(&piece[..room]);
        }
        self.bytes += piece.len() as u64;
    }

    /// Returns the kubelet's notice that there is no log, if nothing else came.
    fn notice(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.head).ok().filter(|text| text.len() <= MAX_NOTICE)?.trim();
        (NOTICES.iter().any(|notice| text.starts_with(notice)) && !text.contains('\n')).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_become_query_parameters() {
        let limits = LogLimits {
            since: Some("2025-05-19T04:46:20.917Z".parse().unwrap()),
            until: None,
            tail: Some(100),
            limit_bytes: Some(4096),
        };
        let request = LogRequest {
            namespace: "apigee",
            container: None,
            limits: &limits,
            marked_pods: &[],
            marker: "",
            format: &Arc::default(),
        };
        assert_eq!(
            path(&request, "gw-1", "log", false),
            "/api/v1/namespaces/apigee/pods/gw-1/log?container=log&sinceTime=2025-05-19T04%3A46%3A20Z&tailLines=100&limitBytes=4096"
        );
    }

    #[test]
    fn a_kubelet_notice_is_not_a_log() {
        let mut pieces = Pieces::default();
        pieces.note(b"unable to retrieve container ");
        pieces.note(b"logs for containerd://4f2a\n");
        assert_eq!(pieces.notice().as_deref(), Some("unable to retrieve container logs for containerd://4f2a"));
        pieces.note(b"{\"sni_host\":null}\n");
        assert_eq!(pieces.notice(), None);
        let mut long = Pieces::default();
        long.note(b"unable to retrieve container logs for x ");
        long.note(&[b'x'; 5000]);
        assert_eq!((long.notice(), long.bytes, long.head.len()), (None, 5040, MAX_NOTICE + 1));
    }
}
