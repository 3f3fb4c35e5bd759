//! `capture`: records packets at ingress pods, judges them while they come, and reports as `pcap` does.
//!
//! ```text
//! pod ─ Recorder ─ pieces ─ thread: packets ┐
//! pod ─ Recorder ─ pieces ─ thread: packets ┴─ Judge ─ Analysis ─ a line for each failing client; the report
//! ```
//!
//! What is created in the cluster is printed before, and what remains of it after.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::flow_redactor::FlowRedactor;
use super::pcap::{Counted, Session};
use super::{Error, contexts, fail_on, pcap, sources};
use crate::bundle;
use crate::checks::captured;
use crate::cli::CaptureArgs;
use crate::evidence::capture::{Capture, CaptureFile, Damage, Flow, PacketPlace, Signature};
use crate::gather;
use crate::gather::files::captures;
use crate::gather::hybrid::recorder::{Bytes, RecordOptions, Recorded, Recorder, RecorderError, recorders};
use crate::judgement::capture::{self as judgement, Question};
use crate::redact::Redactor;
use crate::report::formats::yaml;
use crate::run::{Progress, Stop};
use crate::terminal::{Console, Reporter};
use crate::wire::capture::{Analysis, KeptPacket, Packet};

/// Maximum number of pieces of one pod that wait to be read. The kubelet sends at most 32 KiB at once.
const MAX_PIECES: usize = 32;
/// Interval at which connections that have ended are judged while no packet comes.
const LOOK: Duration = Duration::from_secs(1);
/// Maximum number of lines for failing clients.
const MAX_LINES: usize = 200;

pub(super) fn run(args: &CaptureArgs, console: &Console) -> Result<u8, Error> {
    if contexts::are_several(&args.cluster) {
        return Err(Error::Usage {
            what: "capture with --contexts or --all-contexts: it records in one cluster".into(),
            hint: "give one --context".into(),
        });
    }
    gather::check_selector(&args.cluster.selector)?;
    pcap::check_target(args.write.as_deref())?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let code = runtime.block_on(async {
        let stop = Stop::on_signal(None, bundle::abandon).map_err(Error::Runtime)?;
        let options = options(args);
        let recorders = match stop.bound(Box::pin(recorders(&options))).await {
            Ok(recorders) => recorders?,
            Err(_) => return Err(Error::Cluster(gather::Error::Interrupted)),
        };
        if args.print {
            return print(&recorders, console);
        }
        record(args, recorders, &stop, console).await
    });
    // Signals are handled up to here.
    runtime.shutdown_background();
    code
}

fn options(args: &CaptureArgs) -> RecordOptions {
    RecordOptions {
        connection: sources::connection_options(&args.cluster),
        namespace: args.cluster.namespace.clone(),
        selector: args.cluster.selector.clone(),
        pods: args.pods.clone(),
        image: args.image.clone(),
        pull_policy: args.image_pull_policy.name(),
        ports: args.ports.clone(),
        clients: args.clients.clone(),
        duration: args.duration,
        count: args.count,
    }
}

/// Prints what would be created.
fn print(recorders: &[Recorder], console: &Console) -> Result<u8, Error> {
    let mut text = String::new();
    for recorder in recorders {
        text += &format!("---\n# PATCH {}\n{}", recorder.path(), yaml::of(recorder.change())?);
    }
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}

async fn record(args: &CaptureArgs, recorders: Vec<Recorder>, stop: &Stop, console: &Console) -> Result<u8, Error> {
    let reporter = console.progress();
    let judge = Arc::new(Mutex::new(Judge::new(args, &recorders, Arc::clone(&reporter))?));
    let pods: Vec<&str> = recorders.iter().map(Recorder::pod).collect();
    reporter.say(&format!(
        "adding an ephemeral container with tcpdump ({}) to {} in namespace {}; it cannot be removed, only ended",
        args.image,
        pods.join(", "),
        args.cluster.namespace
    ));
    let recordings =
        recorders.iter().zip(0..).map(|(recorder, file)| one(args, recorder, file, stop, &judge, &reporter));
    let recorded = while_judging(Box::pin(join_all(recordings)), &judge).await;
    reporter.finish();
    let remains = join_all(recorders.iter().map(Recorder::remains)).await;
    for (recorder, remains) in recorders.iter().zip(remains) {
        if let Some(remains) = remains {
            reporter.say(&format!("container {} of pod {} {remains}", recorder.container(), recorder.pod()));
        }
    }
    let judge = Arc::into_inner(judge).ok_or(Error::Internal)?;
    judge.into_inner().unwrap_or_else(PoisonError::into_inner).report(args, recorded, console)
}

/// Waits for the recordings. Meanwhile judges connections that have ended, also while no packet comes.
async fn while_judging<T>(mut recordings: impl Future<Output = T> + Unpin, judge: &Mutex<Judge>) -> T {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            recorded = &mut recordings => return recorded,
            _ = looks.tick() => lock(judge).look(),
        }
    }
}

/// Records at one pod. Nothing that happens there ends the others.
async fn one(
    args: &CaptureArgs,
    recorder: &Recorder,
    file: u32,
    stop: &Stop,
    judge: &Arc<Mutex<Judge>>,
    reporter: &Reporter,
) -> Result<CaptureFile, RecorderError> {
    let (pieces, received) = mpsc::channel(MAX_PIECES);
    let task = format!("pod {}", recorder.pod());
    reporter.started(&task);
    let (name, reading) = (task.clone(), Arc::clone(judge));
    let reading = tokio::task::spawn_blocking(move || {
        let pieces = Pieces { received, current: Bytes::new() };
        captures::follow(&name, file, Box::new(pieces), &mut |packet, place| lock(&reading).packet(packet, place))
    });
    let begun = || {
        reporter.waiting(&task, "packets");
        reporter.say(&format!("recording at {task} for {} s; Ctrl-C ends it", args.duration.as_secs()));
    };
    let ended = recorder.record(stop, pieces, &begun).await;
    let read = reading.await;
    let empty = || CaptureFile { name: task.clone(), ..CaptureFile::default() };
    let result = ended.map(|recorded| match read {
        Ok(Ok(read)) => with_losses(read, &recorded),
        Ok(Err(error)) => with_losses(
            empty(),
            &Recorded { lost: recorded.lost.clone().or_else(|| Some(error.to_string())), ..recorded },
        ),
        Err(_) => with_losses(empty(), &Recorded { lost: Some("internal error while reading".into()), ..recorded }),
    });
    let outcome = match &result {
        Ok(file) => format!("{} packets", file.packets),
        Err(error) => error.to_string(),
    };
    reporter.finished(&task, &outcome);
    result
}

/// Adds what is missing in a recording.
fn with_losses(mut file: CaptureFile, recorded: &Recorded) -> CaptureFile {
    let dropped = (recorded.dropped > 0)
        .then(|| format!("the kernel dropped {} packets that tcpdump did not read in time", recorded.dropped));
    if let Some(what) = recorded.lost.clone().or(dropped) {
        let offset = file.damage.as_ref().map_or(0, |damage| damage.offset);
        file.damage = Some(Damage { offset, packets: file.packets, cut: true, what });
    }
    file
}

/// Judges the packets of all pods.
struct Judge {
    analysis: Analysis,
    session: Session,
    redactor: FlowRedactor,
    failed_only: bool,
    /// All packets are written, and not only those of failing handshakes.
    writes_all: bool,
    /// Latest time of a packet, in nanoseconds, and when it came: pods and this machine have other clocks.
    latest: Option<(i64, Instant)>,
    pods: BTreeMap<IpAddr, String>,
    /// Clients with their kinds of failure that have a line.
    shown: BTreeSet<(IpAddr, String)>,
    reporter: Arc<Reporter>,
}

impl Judge {
    fn new(args: &CaptureArgs, recorders: &[Recorder], reporter: Arc<Reporter>) -> Result<Self, Error> {
        let pods = recorders.iter().flat_map(|recorder| {
            recorder.addresses().iter().map(|address| (address.to_canonical(), recorder.pod().to_owned()))
        });
        Ok(Self {
            analysis: Analysis::new(args.write.is_some() && args.failed_only),
            session: Session::new(args.output, args.write.as_deref())?,
            redactor: FlowRedactor::new(Redactor::secrets_only().keep_random_tokens(args.keep_random_tokens)),
            failed_only: args.failed_only,
            writes_all: args.write.is_some() && !args.failed_only,
            latest: None,
            pods: pods.collect(),
            shown: BTreeSet::new(),
            reporter,
        })
    }

    fn packet(&mut self, packet: &Packet<'_>, place: PacketPlace) {
        if self.writes_all
            && let Some(link) = packet.link
        {
            let Packet { time, data, wire, .. } = *packet;
            self.session.write(vec![KeptPacket { place, time, link, data: data.into(), wire }]);
        }
        if self.latest.is_none_or(|(time, _)| time <= packet.time) {
            self.latest = Some((packet.time, Instant::now()));
        }
        let mut over = Vec::new();
        self.analysis.packet(packet, place, &mut |flow, packets| over.push((flow, packets)));
        self.flows(over);
    }

    fn look(&mut self) {
        let Some((time, came)) = self.latest else { return };
        let now = time.saturating_add(i64::try_from(came.elapsed().as_nanos()).unwrap_or(i64::MAX));
        let mut over = Vec::new();
        self.analysis.until(now, &mut |flow, packets| over.push((flow, packets)));
        self.flows(over);
    }

    fn flows(&mut self, over: Vec<(Flow, Vec<KeptPacket>)>) {
        for (flow, packets) in over {
            self.flow(flow, packets);
        }
    }

    fn flow(&mut self, flow: Flow, packets: Vec<KeptPacket>) {
        let flow = self.redactor.flow(flow);
        let kind = captured::judge(&Signature::of(&flow));
        let is_failure = kind.standing.is_failure();
        if is_failure {
            self.say(&flow, &kind);
        }
        if is_failure || !self.failed_only {
            self.session.count(&flow);
        } else {
            self.session.leave_out(&flow);
        }
        if is_failure && !self.writes_all {
            self.session.write(packets);
        }
    }

    /// Prints a line for a client that fails in a way in which it has not failed yet.
    fn say(&mut self, flow: &Flow, kind: &captured::Kind) {
        let client = flow.client.ip().to_canonical();
        if self.shown.len() >= MAX_LINES || !self.shown.insert((client, kind.name.clone())) {
            return;
        }
        let server = flow.server.ip().to_canonical();
        let server = self.pods.get(&server).map_or_else(|| server.to_string(), |pod| format!("pod {pod}"));
        let code = kind.code.map(|code| format!(" ({code})")).unwrap_or_default();
        self.reporter.say(&format!("client {client} at {server}: {}{code}", kind.sentence));
    }

    fn report(
        mut self,
        args: &CaptureArgs,
        recorded: Vec<Result<CaptureFile, RecorderError>>,
        console: &Console,
    ) -> Result<u8, Error> {
        let analysis = std::mem::take(&mut self.analysis);
        let rest = analysis.finish(&mut |flow, packets| self.flow(flow, packets));
        let is_recorded = recorded.iter().any(Result::is_ok);
        let mut files = Vec::new();
        for recorded in recorded {
            match recorded {
                Ok(file) => files.push(file),
                Err(error) if is_recorded => files.push(not_recorded(error)),
                Err(error) => return Err(error.into()),
            }
        }
        let Counted { summary, left_out, written } = self.session.finish()?;
        let capture = Capture {
            files,
            traffic: rest.traffic,
            unread: rest.unread,
            limits: rest.limits,
            summary,
            ..Capture::default()
        };
        let report = judgement::build(
            capture,
            &left_out,
            Question { filters: filters(args), written, ..Question::default() },
            fail_on(args.fail_on),
        );
        pcap::print(console, args.output, &report)
    }
}

/// The place of a pod in the report at which nothing was recorded, while there is something of others.
fn not_recorded(error: RecorderError) -> CaptureFile {
    let (name, what) = match error {
        RecorderError::Pod { pod, why, .. } => (format!("pod {pod}"), why),
        other => ("a pod".to_owned(), other.to_string()),
    };
    CaptureFile { name, damage: Some(Damage { offset: 0, packets: 0, cut: true, what }), ..CaptureFile::default() }
}

fn lock(judge: &Mutex<Judge>) -> MutexGuard<'_, Judge> {
    judge.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The filters as they were typed.
fn filters(args: &CaptureArgs) -> Vec<String> {
    let mut filters: Vec<String> = args.clients.iter().map(|client| format!("--client {client}")).collect();
    filters.extend(args.ports.iter().map(|port| format!("--port {port}")));
    if args.failed_only {
        filters.push("--failed-only".to_owned());
    }
    filters
}

/// The pieces of a recording as a source that blocks until more come.
struct Pieces {
    received: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.received.blocking_recv() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}
