//! One watch: takes the news of the logs and the judgements as they come, until its end.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::display::Display;
use crate::cli::{EvidenceArgs, WatchArgs};
use crate::commands::{Error, fail_on, message, sources};
use crate::evidence::access_log::{FailingClient, FailingClients};
use crate::evidence::{LogOrigin, Reason};
use crate::gather::hybrid::follow::{Follow, News, StreamState};
use crate::judgement::watch::{Change, Measures, Snapshot, StreamWord, Watch, WatchCoverage, WatchEvent};
use crate::judgement::{self, FailOn, Report, Selection};
use crate::redact::{Redactions, Redactor};
use crate::report::metrics;
use crate::run::Stop;
use crate::serve::{Answer, Page, Question};
use crate::terminal::Console;

const TICK: Duration = Duration::from_secs(1);
/// Time limit of one judgement.
const JUDGEMENT: Duration = Duration::from_mins(2);
/// Shortest time between the beginnings of two judgements.
const SPACING: Duration = Duration::from_secs(5);
/// Longest time until the reason of a new failing client is looked for.
const SOON: Duration = Duration::from_secs(10);
/// Clocks that differ by less are taken for equal: responses have whole seconds.
const SAME_CLOCK: i64 = 5;

pub(super) struct Session<'a> {
    args: &'a WatchArgs,
    evidence_args: EvidenceArgs,
    follow: Follow,
    stop: Stop,
    redactor: Redactor,
    watch: Watch,
    display: Display<'a>,
    /// Seconds by which the cluster's clock is ahead.
    ahead: i64,
    next_judgement: Instant,
    /// When the latest judgement began.
    judgement_begun: Instant,
    /// When the judgement that was completed last began, by the cluster's clock.
    judged: Option<Timestamp>,
    failed_judgements: u64,
    /// Of the judgement that was completed last.
    measures: Measures,
}

/// A judgement that is over.
struct Judged {
    begun: Timestamp,
    outcome: Result<(Report, Measures), Error>,
}

type Judging<'a> = Pin<Box<dyn Future<Output = Judged> + 'a>>;

/// Why the session ends.
enum End {
    Healthy,
    /// Nobody reads the output any more.
    Unread,
    Stopped(Reason),
}

impl<'a> Session<'a> {
    pub(super) fn new(args: &'a WatchArgs, follow: Follow, stop: Stop, console: &'a Console) -> Self {
        let ahead = follow.clock_ahead_seconds().filter(|ahead| ahead.abs() >= SAME_CLOCK).unwrap_or(0);
        Self {
            args,
            evidence_args: args.evidence(),
            follow,
            stop,
            redactor: Redactor::secrets_only().keep_random_tokens(args.keep_random_tokens),
            watch: Watch::new(now(ahead)),
            display: Display::new(args.output, console),
            ahead,
            next_judgement: Instant::now(),
            judgement_begun: Instant::now(),
            judged: None,
            failed_judgements: 0,
            measures: Measures::default(),
        }
    }

    /// Watches to the end, and returns the exit code. `questions` are the requests of monitoring.
    pub(super) async fn run(mut self, mut questions: mpsc::Receiver<Question>) -> Result<u8, Error> {
        let mut news = self.follow.start();
        let end = self.until_end(&mut news, &mut questions).await?;
        let code = self.exit_code(&end);
        if let End::Unread = end {
            return Ok(code);
        }
        let at = self.now();
        let summary = self.watch.summary(self.coverage(), at, code);
        self.display.finish(&summary, at)?;
        Ok(code)
    }

    async fn until_end(
        &mut self,
        news: &mut mpsc::Receiver<News>,
        questions: &mut mpsc::Receiver<Question>,
    ) -> Result<End, Error> {
        let (follow, evidence_args, stop) = (self.follow.clone(), self.evidence_args.clone(), self.stop.clone());
        let (ahead, fail_on) = (self.ahead, fail_on(self.args.fail_on));
        let judge = || -> Judging<'_> { Box::pin(judge(&evidence_args, &follow, &stop, ahead, fail_on)) };
        let mut judging: Option<Judging<'_>> = None;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if judging.is_none() && Instant::now() >= self.next_judgement {
                judging = Some(judge());
                self.judgement_begun = Instant::now();
                self.next_judgement = self.judgement_begun + self.args.every.max(SPACING);
            }
            tokio::select! {
                reason = stop.bound(pending::<()>()) => return Ok(End::Stopped(reason.err().unwrap_or(Reason::Interrupted))),
                Some(news) = news.recv() => self.news(news)?,
                judged = completed(&mut judging), if judging.is_some() => {
                    judging = None;
                    self.take_judgement(judged)?;
                }
                Some((page, answer)) = questions.recv() => self.answer(page, answer),
                _ = ticks.tick() => self.tick()?,
            }
            if self.display.is_closed() {
                return Ok(End::Unread);
            }
            if self.is_healthy() {
                return Ok(End::Healthy);
            }
        }
    }

    fn news(&mut self, news: News) -> Result<(), Error> {
        let now = self.now();
        let changes = match news {
            News::Failing(failing) => {
                let failing = self.clean(failing);
                self.watch.failing(failing, now)
            }
            News::Gap { origin, from, until, why } => {
                let (pod, container) = names(origin);
                vec![Change::Gap { pod, container, from, until, why: self.clean_text(&why) }]
            }
            News::Stream { origin, state } => {
                let (pod, container) = names(origin);
                let (state, why) = match state {
                    StreamState::Ended => (StreamWord::Ended, None),
                    StreamState::Followed => (StreamWord::Followed, None),
                    StreamState::Lost(why) => (StreamWord::Lost, Some(self.clean_text(&why))),
                };
                vec![Change::Stream { pod, container, state, why }]
            }
            News::RoutesChanged => {
                self.judge_within(SPACING);
                Vec::new()
            }
            News::Source { what, failed } => {
                let failed = failed.map(|reason| self.clean_text(&reason.to_string()));
                vec![Change::Source { what: what.to_owned(), failed }]
            }
        };
        if changes.iter().any(|change| matches!(change, Change::Client(row) if row.codes.is_empty())) {
            self.judge_within(SOON);
        }
        self.show(changes)
    }

    fn take_judgement(&mut self, judged: Judged) -> Result<(), Error> {
        let now = self.now();
        let changes = match judged.outcome {
            Ok((report, measures)) => {
                self.measures = measures;
                self.judged = Some(judged.begun);
                self.watch.judged(&report, now)
            }
            // The run is over, and says so itself.
            Err(Error::Cluster(crate::gather::Error::Interrupted)) => return Ok(()),
            Err(error) => {
                self.failed_judgements += 1;
                let failed = Some(self.clean_text(&message(&error)));
                vec![Change::Source { what: "the judgement".to_owned(), failed }]
            }
        };
        self.show(changes)
    }

    fn answer(&self, page: Page, answer: oneshot::Sender<Answer>) {
        let plain =
            |is_good, text: &str| Answer { is_good, content_type: "text/plain; charset=utf-8", body: text.to_owned() };
        let value = match page {
            Page::Health => plain(true, "ok\n"),
            Page::Metrics => {
                let coverage = self.coverage();
                let snapshot =
                    Snapshot { watch: &self.watch, measures: &self.measures, coverage: &coverage, now: self.now() };
                Answer { is_good: true, content_type: metrics::CONTENT_TYPE, body: metrics::text(&snapshot) }
            }
            Page::Readiness if self.judged.is_some() => plain(true, "ok\n"),
            Page::Readiness => plain(false, "the first judgement is not completed\n"),
        };
        // Who asked may be gone.
        let _ = answer.send(value);
    }

    fn tick(&mut self) -> Result<(), Error> {
        let now = self.now();
        let changes = self.watch.tick(now);
        self.show(changes)?;
        if self.args.until_healthy && self.is_quiet(now) && self.judged.is_none_or(|at| at < self.watch.quiet_since()) {
            self.judge_within(SPACING);
        } else if self.args.until_healthy && self.is_quiet(now) {
            self.judge_within(SOON);
        }
        self.display.table(&self.watch, &self.coverage(), now);
        Ok(())
    }

    /// Whether the watch has reached what `--until-healthy` waits for.
    fn is_healthy(&self) -> bool {
        let is_clean = self.watch.verdict().is_some_and(|verdict| verdict.exit_code == 0);
        self.args.until_healthy
            && is_clean
            && self.is_quiet(self.now())
            && self.judged.is_some_and(|at| at >= self.watch.quiet_since())
            && self.coverage().read.lost == 0
    }

    /// Whether no client has failed for the time of `--for`.
    fn is_quiet(&self, now: Timestamp) -> bool {
        let length = SignedDuration::try_from(self.args.quiet).unwrap_or(SignedDuration::MAX);
        now.duration_since(self.watch.quiet_since()) >= length
    }

    fn exit_code(&self, end: &End) -> u8 {
        let of_verdict = self.watch.verdict().map(|verdict| verdict.exit_code);
        match (end, of_verdict) {
            (End::Healthy, _) => 0,
            (End::Stopped(Reason::Interrupted), None) => 130,
            (End::Stopped(Reason::Interrupted), _) if self.args.until_healthy => 130,
            (_, Some(1)) => 1,
            (End::Stopped(_), _) if self.args.until_healthy => {
                if self.is_quiet(self.now()) || self.watch.failures().0 == 0 { 3 } else { 1 }
            }
            (_, code) => code.unwrap_or(3),
        }
    }

    /// Has the next judgement begin this time after the beginning of the latest, if that is earlier.
    fn judge_within(&mut self, time: Duration) {
        self.next_judgement = self.next_judgement.min(self.judgement_begun + time);
    }

    fn show(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        let at = self.now();
        changes.into_iter().try_for_each(|change| self.display.change(&WatchEvent::new(at, change)))
    }

    /// Removes secrets from what clients sent.
    fn clean(&self, failing: FailingClients) -> FailingClients {
        let text = |text: String| match text.parse::<std::net::IpAddr>() {
            Ok(_) => text,
            Err(_) => self.clean_text(&text),
        };
        let clients = failing.clients.into_iter().map(|(client, span)| {
            let FailingClient { client, server_name, failure } = client;
            (FailingClient { client: client.map(text), server_name: server_name.map(text), failure }, span)
        });
        let mut clean = FailingClients { beyond: failing.beyond, ..FailingClients::default() };
        for (client, span) in clients {
            clean.clients.entry(client).or_default().merge(&span);
        }
        clean
    }

    /// Removes secrets from a text of the cluster, which may repeat what it rejects.
    fn clean_text(&self, text: &str) -> String {
        self.redactor.text(text, &mut Redactions::default())
    }

    fn coverage(&self) -> WatchCoverage {
        WatchCoverage { read: self.follow.followed().coverage(), failed_judgements: self.failed_judgements }
    }

    fn now(&self) -> Timestamp {
        now(self.ahead)
    }
}

/// Returns the time by the cluster's clock.
fn now(ahead: i64) -> Timestamp {
    let now = sources::now();
    now.checked_add(SignedDuration::from_secs(ahead)).unwrap_or(now)
}

async fn completed(judging: &mut Option<Judging<'_>>) -> Judged {
    match judging {
        Some(judging) => judging.await,
        None => pending().await,
    }
}

async fn judge(args: &EvidenceArgs, follow: &Follow, stop: &Stop, ahead: i64, fail_on: FailOn) -> Judged {
    let begun = now(ahead);
    let outcome = async {
        let evidence = Box::pin(sources::followed(args, follow, &stop.part(Some(JUDGEMENT)))).await?;
        let judge = move || (judgement::build(&evidence, &Selection::default(), fail_on), Measures::of(&evidence));
        match sources::in_time(stop, judge).await {
            Ok(judged) => Ok(judged),
            Err(Reason::Interrupted | Reason::TimedOut { .. }) => {
                Err(Error::Cluster(crate::gather::Error::Interrupted))
            }
            Err(_) => Err(Error::Internal),
        }
    };
    Judged { begun, outcome: outcome.await }
}

/// Returns the names of pod and container.
fn names(origin: LogOrigin) -> (String, String) {
    match origin {
        LogOrigin::Container { pod, container } => (pod, container),
        LogOrigin::File(name) | LogOrigin::Store(name) => (name, String::new()),
    }
}
