//! What was read of the logs that are followed: the counts of the last minutes, for judgements, and how much
//! was read and missed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{News, StreamState, not_followed};
use crate::evidence::access_log::Coverage;
use crate::evidence::hybrid::IngressPod;
use crate::evidence::{AccessLog, LogOrigin, LogStream, Reason, Seen, Unavailable};
use crate::gather::hybrid::pod_logs::{FLUSH, wanted_gateways};
use crate::run::stop::Stop;
use crate::wire::access_log::AccessLogScanner;

/// Number of parts of the window that are kept. The oldest is dropped as a whole.
const PARTS: u32 = 6;
/// Maximum number of clients, of server names and of minutes of one class in one part.
const MAX_KEYS: usize = 256;
/// Time in which the first lines are read where no marker probe shows that they were.
const FIRST_LINES: Duration = Duration::from_secs(3);
/// Interval at which a judgement looks for the record of its marker probe.
const LOOK: Duration = Duration::from_millis(50);

/// The logs that are followed; cheap to clone.
#[derive(Clone, Debug)]
pub struct Followed {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    window: Duration,
    begun: Instant,
    logs: BTreeMap<LogOrigin, Log>,
    coverage: Coverage,
}

/// The log of one container.
#[derive(Debug, Default)]
struct Log {
    parts: VecDeque<(Instant, AccessLog)>,
    state: Option<StreamState>,
    gap: Option<(Instant, String)>,
}

impl Followed {
    pub(super) fn new(window: Duration) -> Self {
        let shared = Shared { window, begun: Instant::now(), logs: BTreeMap::new(), coverage: Coverage::default() };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Returns how much was read.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let shared = self.lock();
        let mut pods: Vec<&str> = Vec::new();
        let mut lost = 0;
        for (origin, log) in &shared.logs {
            match log.state {
                Some(StreamState::Followed) => pods.push(origin.source()),
                Some(StreamState::Lost(_)) => lost += 1,
                Some(StreamState::Ended) | None => {}
            }
        }
        pods.dedup();
        Coverage { pods: pods.len() as u64, lost, ..shared.coverage.clone() }
    }

    /// Returns the logs of these pods, when they hold the marker probe of the judgement or it is no longer
    /// expected.
    pub(in crate::gather::hybrid) async fn logs(
        &self,
        stop: &Stop,
        pods: &[IngressPod],
        container: Option<&str>,
        marked_pods: &[String],
        marker: &str,
    ) -> Vec<LogStream> {
        let given_up = Instant::now() + if marked_pods.is_empty() { FIRST_LINES } else { FLUSH };
        while Instant::now() < given_up && !self.have(marked_pods, marker) {
            if stop.bound(tokio::time::sleep(LOOK)).await.is_err() {
                break;
            }
        }
        let mut shared = self.lock();
        let window = shared.window;
        let origins = pods.iter().flat_map(|pod| {
            wanted_gateways(pod, container)
                .into_iter()
                .map(|name| LogOrigin::Container { pod: pod.name.clone(), container: name.to_owned() })
        });
        origins
            .map(|origin| match shared.logs.get_mut(&origin) {
                Some(log) => log.stream(origin, window),
                None => LogStream { log: Seen::Unavailable(not_followed(&origin)), origin, cut: None, store: None },
            })
            .collect()
    }

    fn have(&self, pods: &[String], marker: &str) -> bool {
        let shared = self.lock();
        if pods.is_empty() {
            return shared.begun.elapsed() > FIRST_LINES;
        }
        pods.iter().all(|pod| {
            let mut logs = shared.logs.iter().filter(|(origin, _)| origin.source() == pod);
            logs.any(|(_, log)| log.parts.iter().any(|(_, part)| part.own.names.contains_key(marker)))
        })
    }

    /// Adds counts to the log of a container.
    fn add(&self, origin: &LogOrigin, counts: AccessLog, read: &Coverage) {
        let now = Instant::now();
        let mut shared = self.lock();
        let length = shared.window / PARTS;
        let coverage = &mut shared.coverage;
        coverage.lines += read.lines;
        coverage.bytes += read.bytes;
        coverage.records += counts.records;
        coverage.unreadable += read.unreadable;
        coverage.cut += read.cut;
        let window = shared.window;
        let log = shared.logs.entry(origin.clone()).or_default();
        log.forget(now, window);
        match log.parts.back_mut().filter(|(begun, _)| now.duration_since(*begun) < length) {
            Some((_, part)) => {
                part.merge(counts);
                part.limit_keys(MAX_KEYS);
            }
            None => log.parts.push_back((now, counts)),
        }
    }

    fn set(&self, origin: &LogOrigin, state: StreamState) {
        let mut shared = self.lock();
        if state == StreamState::Ended {
            shared.logs.remove(origin);
        } else {
            shared.logs.entry(origin.clone()).or_default().state = Some(state);
        }
    }

    fn gap(&self, origin: &LogOrigin, why: &str) {
        let mut shared = self.lock();
        shared.coverage.gaps += 1;
        shared.logs.entry(origin.clone()).or_default().gap = Some((Instant::now(), why.to_owned()));
    }

    fn reconnected(&self) {
        self.lock().coverage.reconnects += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Drops what is older than the window.
    fn forget(&mut self, now: Instant, window: Duration) {
        let kept = window + window / PARTS;
        while self.parts.front().is_some_and(|(begun, _)| now.duration_since(*begun) > kept) {
            self.parts.pop_front();
        }
        self.gap.take_if(|(at, _)| now.duration_since(*at) > kept);
    }

    fn stream(&mut self, origin: LogOrigin, window: Duration) -> LogStream {
        self.forget(Instant::now(), window);
        let what = format!("the log of {origin}");
        let lost = match &self.state {
            Some(StreamState::Lost(why)) => Some(Unavailable::new(&what, Reason::Unreachable(why.clone()))),
            _ => None,
        };
        let gap = self.gap.as_ref().map(|(_, why)| Unavailable::new(&what, Reason::Broken(why.clone())));
        let mut sum = AccessLog::default();
        for (_, part) in &self.parts {
            sum.merge(part.clone());
        }
        match lost {
            Some(why) if sum.lines == 0 => LogStream { origin, log: Seen::Unavailable(why), cut: None, store: None },
            lost => LogStream { origin, log: Seen::Seen(sum), cut: lost.or(gap), store: None },
        }
    }
}

/// Counts the lines of one container, and passes the counts on from time to time.
pub(super) struct Sink {
    origin: LogOrigin,
    scanner: AccessLogScanner,
    followed: Followed,
    news: mpsc::Sender<News>,
    read: Coverage,
    state: Option<StreamState>,
}

impl Sink {
    pub(super) fn new(
        origin: LogOrigin,
        scanner: AccessLogScanner,
        followed: Followed,
        news: mpsc::Sender<News>,
    ) -> Self {
        Self { origin, scanner, followed, news, read: Coverage::default(), state: None }
    }

    /// Counts a line, with its line end.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.read.lines += 1;
        self.read.bytes += line.len() as u64;
        self.scanner.feed(line);
    }

    /// Counts a message of the kubelet.
    pub(super) fn unreadable(&mut self) {
        self.read.unreadable += 1;
    }

    /// Counts a line that is longer than is read.
    pub(super) fn cut(&mut self) {
        self.read.cut += 1;
    }

    pub(super) fn reconnected(&self) {
        self.followed.reconnected();
    }

    /// Passes on what was counted since the last call.
    pub(super) async fn flush(&mut self) {
        if self.read == Coverage::default() {
            return;
        }
        let (counts, failing) = self.scanner.take();
        self.followed.add(&self.origin, counts, &std::mem::take(&mut self.read));
        if !failing.is_empty() {
            self.tell(News::Failing(failing)).await;
        }
    }

    pub(super) async fn state(&mut self, state: StreamState) {
        if self.state.as_ref() == Some(&state) {
            return;
        }
        self.followed.set(&self.origin, state.clone());
        self.state = Some(state.clone());
        self.tell(News::Stream { origin: self.origin.clone(), state }).await;
    }

    pub(super) async fn gap(&mut self, from: Option<Timestamp>, until: Option<Timestamp>, why: &str) {
        self.followed.gap(&self.origin, why);
        self.tell(News::Gap { origin: self.origin.clone(), from, until, why: why.to_owned() }).await;
    }

    async fn tell(&self, news: News) {
        // The receiver is gone when the run ends.
        let _ = self.news.send(news).await;
    }
}
