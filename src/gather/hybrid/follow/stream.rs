//! Follows the log of one container of one pod until the pod is gone: opens the stream again when it breaks
//! off, and goes on after the last line that was read.
//!
//! A stream that lost its place belongs to a later run of the container, or its file was rotated. Then the
//! rest of the previous run is read first; what is in neither is reported as a gap.

use std::time::Duration;

use futures::FutureExt;
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::StreamState;
use super::followed::Sink;
use super::position::{Arrival, Position, stamped};
use crate::evidence::hybrid::IngressPod;
use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::{Access, Fault};

/// Interval at which counts are passed on.
const TICK: Duration = Duration::from_millis(200);
/// Pauses before the next try, doubled from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// A stream that is silent for so long is opened again: a connection that died unnoticed is silent too.
const SILENT: Duration = Duration::from_mins(2);
/// Longest time to read the rest of a log whose pod is gone, and the rest of a previous run.
const REST: Duration = Duration::from_secs(30);
/// Number of pieces taken without a look at the clock.
const BATCH: usize = 64;
/// Why lines may be missing between two streams.
const LOST_PLACE: &str = "the log was rotated, or its container restarted more than once, while it could not be read";
/// Maximum number of bytes of a line. Envoy limits the headers of a request to 60 KiB.
const MAX_LINE: usize = 128 << 10;

/// What the cluster says about a container.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PodState {
    /// The pod was deleted.
    Gone,
    Running,
    /// It ran, and does not run now.
    Stopped,
    /// It did not start yet.
    Waiting,
}

impl PodState {
    pub(super) fn of(pod: &IngressPod, container: &str) -> Self {
        let Some(status) = pod.containers.iter().find(|status| status.name == container) else { return Self::Waiting };
        let ran = status.restarts > 0 || status.last_termination.is_some() || pod.phase != "Pending";
        match (status.started_at, ran) {
            (Some(_), _) => Self::Running,
            (None, true) => Self::Stopped,
            (None, false) => Self::Waiting,
        }
    }
}

pub(super) struct Stream {
    api: Api,
    namespace: String,
    pod: String,
    container: String,
    since: Timestamp,
    state: watch::Receiver<PodState>,
    sink: Sink,
    position: Position,
    carry: Vec<u8>,
    /// The line in `carry` is longer than is read.
    is_cut: bool,
}

/// How a stream ended.
enum End {
    /// The server sent all there is.
    Complete,
    /// It broke off, or could not be opened.
    Failed,
    /// It was silent, and is opened again.
    Silent,
    Stopped,
}

impl Stream {
    pub(super) fn new(
        api: Api,
        namespace: String,
        (pod, container): (String, String),
        since: Timestamp,
        state: watch::Receiver<PodState>,
        sink: Sink,
    ) -> Self {
        let (position, carry) = (Position::default(), Vec::new());
        Self { api, namespace, pod, container, since, state, sink, position, carry, is_cut: false }
    }

    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        // Whether the latest stream was read to its end, which is the end of the log if the pod is gone.
        let mut is_complete = false;
        let mut broke_off = false;
        loop {
            let read_before = self.position.last();
            let end = match self.open(false).await {
                Ok(body) => {
                    if std::mem::take(&mut broke_off) {
                        self.sink.reconnected();
                    }
                    self.sink.state(StreamState::Followed).await;
                    self.carry.clear();
                    self.is_cut = false;
                    let end = self.read(body).await;
                    self.sink.flush().await;
                    broke_off = matches!(end, End::Failed);
                    is_complete = matches!(end, End::Complete);
                    end
                }
                Err(fault) => self.not_opened(fault).await,
            };
            if matches!(end, End::Stopped) {
                return;
            }
            if *self.state.borrow() == PodState::Gone {
                break;
            }
            if matches!(end, End::Silent) || self.position.last() > read_before {
                pause = FIRST_PAUSE;
            }
            if !matches!(end, End::Silent) && !self.wait(pause, is_complete).await {
                return;
            }
            // A request by name would now find another pod.
            if *self.state.borrow() == PodState::Gone {
                break;
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
        if is_complete {
            self.last_line().await;
            self.sink.flush().await;
        } else {
            let why = "the pod was deleted before the rest of its log could be read";
            self.sink.gap(self.position.last(), None, why).await;
        }
        self.sink.state(StreamState::Ended).await;
    }

    /// Waits for the next try, or until the container changes. Returns whether the run goes on.
    async fn wait(&mut self, pause: Duration, is_complete: bool) -> bool {
        let state = *self.state.borrow_and_update();
        let pause = match state {
            PodState::Running => pause,
            // A log that was read to its end grows only when its container starts again.
            PodState::Stopped if is_complete => SILENT,
            _ => LAST_PAUSE,
        };
        let change = async {
            if self.state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        self.api.stop().bound(timeout(pause, change)).await.is_ok()
    }

    async fn open(&self, is_previous: bool) -> Result<Body, Fault> {
        self.api.stream(&self.path(is_previous)).await
    }

    fn path(&self, is_previous: bool) -> String {
        let since = self.position.since().unwrap_or(self.since);
        // The API has whole seconds; rounded down so that no line is lost.
        let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
        let which = if is_previous { "previous=true" } else { "follow=true" };
        format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true&sinceTime={}&{which}",
            self.namespace,
            encode(&self.pod),
            encode(&self.container),
            encode(&since.to_string())
        )
    }

    /// Reports that the stream could not be opened.
    async fn not_opened(&mut self, fault: Fault) -> End {
        let why = match fault {
            Fault::Stopped(_) => return End::Stopped,
            // "container … is waiting to start", or the pod is gone: the list of pods says more.
            Fault::Refused { code: 400 | 404, by_kubernetes: true, .. } => return End::Failed,
            fault => {
                let access = Access { verb: "get", resource: "pods/log", group: "", namespace: &self.namespace };
                fault.reason(access).to_string()
            }
        };
        if *self.state.borrow() != PodState::Gone {
            self.sink.state(StreamState::Lost(why.clone())).await;
        }
        End::Failed
    }

    async fn read(&mut self, mut body: Body) -> End {
        self.position.reopen();
        let (mut flushed, mut spoke, mut gone) = (Instant::now(), Instant::now(), None);
        loop {
            let mut next = match self.api.stop().bound(timeout(TICK, body.frame())).await {
                Err(_) => return End::Stopped,
                Ok(Ok(next)) => Some(next),
                Ok(Err(_)) => None,
            };
            if next.is_some() {
                spoke = Instant::now();
            }
            // A polled frame is gone from the body, so the batch ends before another is requested.
            for taken in 1.. {
                match next {
                    None => break,
                    Some(None) => return End::Complete,
                    Some(Some(Err(_))) => return End::Failed,
                    Some(Some(Ok(frame))) => {
                        let piece = frame.into_data().unwrap_or_default();
                        if let Err(reason) = self.piece(&piece).await {
                            return reason;
                        }
                    }
                }
                next = if taken < BATCH { body.frame().now_or_never() } else { None };
            }
            if flushed.elapsed() >= TICK {
                self.sink.flush().await;
                flushed = Instant::now();
            }
            if *self.state.borrow() == PodState::Gone && gone.get_or_insert_with(Instant::now).elapsed() > REST {
                return End::Failed;
            }
            if spoke.elapsed() > SILENT {
                return End::Silent;
            }
        }
    }

    /// Reads the lines of a piece; the rest of it is kept until more comes.
    async fn piece(&mut self, piece: &[u8]) -> Result<(), End> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if self.carry.is_empty() {
                self.line(line).await?;
            } else {
                self.add(line);
                if self.carry.last() != Some(&b'\n') {
                    self.carry.push(b'\n');
                }
                let mut carry = std::mem::take(&mut self.carry);
                self.line(&carry).await?;
                carry.clear();
                self.carry = carry;
            }
            self.is_cut = false;
        }
        self.add(rest);
        Ok(())
    }

    /// Adds to the line that is kept, up to the limit.
    fn add(&mut self, part: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.carry.len());
        if part.len() > room && !std::mem::replace(&mut self.is_cut, true) {
            self.sink.cut();
        }
        self.carry.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    /// Reads a last line without a line end.
    async fn last_line(&mut self) {
        if self.carry.is_empty() {
            return;
        }
        self.carry.push(b'\n');
        let carry = std::mem::take(&mut self.carry);
        // The log has ended, and so does the stream.
        let _ = self.line(&carry).await;
    }

    /// Counts a line, with its line end, unless it was read before.
    async fn line(&mut self, line: &[u8]) -> Result<(), End> {
        let Some((at, content)) = stamped(line) else {
            self.sink.unreadable();
            return Ok(());
        };
        let mut arrival = self.position.arrive(at, content);
        if arrival == Arrival::AfterGap {
            self.previous(at).await?;
            self.position.go_on();
            arrival = self.position.arrive(at, content);
        }
        if arrival == Arrival::New {
            self.sink.line(content);
        }
        Ok(())
    }

    /// Reads the rest of the container's previous run; if that does not go on where reading stopped, lines
    /// are missing until `until`.
    async fn previous(&mut self, until: Timestamp) -> Result<(), End> {
        let from = self.position.last();
        let body = match self.open(true).await {
            Ok(body) => body,
            Err(Fault::Stopped(_)) => return Err(End::Stopped),
            // There is none: the file was rotated.
            Err(Fault::Refused { code: 400 | 404, .. }) => {
                self.sink.gap(from, Some(until), LOST_PLACE).await;
                return Ok(());
            }
            // It must be read before the line that waits for it.
            Err(fault) => return Err(self.not_opened(fault).await),
        };
        let held = std::mem::take(&mut self.carry);
        self.position.reopen();
        let outcome = match timeout(REST, self.read_previous(body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(End::Failed),
        };
        self.carry = held;
        if let Ok(false) = outcome {
            self.sink.gap(from, Some(until), LOST_PLACE).await;
        }
        outcome.map(drop)
    }

    /// Returns whether it goes on where reading stopped.
    async fn read_previous(&mut self, mut body: Body) -> Result<bool, End> {
        let (mut is_lost, mut carry) = (false, Vec::new());
        while let Some(frame) = self.api.stop().bound(body.frame()).await.map_err(|_| End::Stopped)? {
            let frame = frame.map_err(|_| End::Failed)?;
            let piece = frame.into_data().unwrap_or_default();
            carry.extend_from_slice(&piece);
            let mut start = 0;
            while let Some(end) = carry.get(start..).and_then(|rest| memchr::memchr(b'\n', rest)) {
                let line = carry.get(start..=start + end).unwrap_or_default();
                start += end + 1;
                let Some((at, content)) = stamped(line) else { continue };
                let arrival = self.position.arrive(at, content);
                if arrival == Arrival::AfterGap {
                    // Neither run has the anchor.
                    is_lost = true;
                    self.position.go_on();
                    self.position.arrive(at, content);
                }
                if arrival != Arrival::Read {
                    self.sink.line(content);
                }
            }
            carry.drain(..start);
            if carry.len() > MAX_LINE {
                carry.truncate(MAX_LINE);
            }
        }
        Ok(!is_lost && self.position.is_found())
    }
}
