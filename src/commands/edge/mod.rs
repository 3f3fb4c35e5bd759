//! `edge diagnose` and `edge collect`: gather what is known of an environment, judge it, and print or pack
//! it.

mod collect;
mod credentials;
mod flags;
mod options;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::captures::Handshakes;
use super::{Error, fail_on, sources};
use crate::bundle;
use crate::checks::facts::edge::sentence_of_java;
use crate::cli::{EdgeArgs, EdgeCommand, EdgeDiagnoseArgs, EdgeOptions as EdgeFlags};
use crate::evidence::capture::Flow;
use crate::evidence::edge::{Edge, Leg, MessageProcessorLog, RouterSettings, Unseen};
use crate::evidence::{Evidence, HybridQuestion, Reason, Seen, Unavailable};
use crate::gather::edge::files::{self, Logs, Settings};
use crate::gather::edge::{self, Captured, Gathered};
use crate::gather::files::captures::CaptureError;
use crate::gather::files::file_kind::FileKind;
use crate::gather::http::client::Fault;
use crate::judgement::edge as judgement;
use crate::run::{Progress, Stop};
use crate::terminal::Console;
use crate::text::visible;
use crate::wire::capture::KeptPacket;
use crate::wire::edge::mp_log::Excerpt;
use crate::wire::tls::KeyLog;

pub(super) use self::options::profile;

/// Time in which files that end with the run by themselves have to do so.
const GRACE: Duration = Duration::from_millis(500);

pub(super) fn run(args: &EdgeArgs, console: &Console) -> Result<u8, Error> {
    match &args.command {
        EdgeCommand::Diagnose(args) => diagnose(args, console),
        EdgeCommand::Collect(args) => collect::run(args, console),
    }
}

fn diagnose(args: &EdgeDiagnoseArgs, console: &Console) -> Result<u8, Error> {
    if args.from.is_some()
        && let Some(flag) = flags::beside_a_bundle(&args.edge)
    {
        return Err(Error::Usage {
            what: format!("--from with {flag}: a bundle is judged by what is in it"),
            hint: format!("leave {flag} out, or leave --from out and give the files of the bundle"),
        });
    }
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let outcome = runtime.block_on(async {
        let stop = Stop::on_signal(Some(args.edge.timeout), bundle::abandon).map_err(Error::Runtime)?;
        if let Some(name) = &args.from {
            return Ok((sources::saved(name, &stop).await?, None));
        }
        let run = Box::pin(gathered(&args.edge, false, &stop, console)).await?;
        Ok((run.evidence, run.refused))
    });
    let printed = outcome.and_then(|(evidence, refused): (Evidence, Option<Fault>)| {
        if !collect::is_of_edge(&evidence) {
            return Err(Error::Argument {
                what: "a bundle of a cluster with `edge`".into(),
                hint: "judge it with `kubectl apigee-tls diagnose --from`".into(),
            });
        }
        let evidence = sources::clean(&evidence, args.edge.keep_random_tokens)?;
        let report = judgement::build(&evidence, fail_on(args.fail_on), refused.is_some());
        super::print_result(console, args.output, &report)?;
        if let Some(fault) = refused {
            console.error(&visible(&format!("error: could not use the Management API: {}", fault.reason)));
            if let Some(hint) = fault.hint() {
                console.error(&format!("\nhint: {hint}"));
            }
        }
        Ok(report.exit_code)
    });
    // Signals are handled up to here. A hanging blocking call must not delay the exit.
    runtime.shutdown_background();
    printed
}

/// What one run gathered.
struct Run {
    evidence: Evidence,
    /// Why the Management API could not be used, where nothing else was given to judge.
    refused: Option<Fault>,
    /// What a bundle has beside the evidence; empty unless it is wanted.
    kept: Kept,
}

/// What was read once, and is kept for a bundle.
#[derive(Default)]
struct Kept {
    /// Answers of the Management API by their path in a bundle.
    answers: BTreeMap<String, Vec<u8>>,
    settings: Vec<GivenFile>,
    /// Lines of failed handshakes in logs.
    lines: Option<Excerpt>,
    /// Packets of failed handshakes in captures.
    handshakes: Option<Handshakes>,
}

/// Reads what a file says of Routers.
type ReadRouter = fn(&str, &[u8]) -> Settings<RouterSettings>;

/// A file of settings, as the user gave it.
struct GivenFile {
    flag: &'static str,
    name: String,
    bytes: Vec<u8>,
}

/// Gathers everything that the flags name.
async fn gathered(args: &EdgeFlags, keeps: bool, stop: &Stop, console: &Console) -> Result<Run, Error> {
    check_files(args)?;
    sources::check_standard_input(inputs(args))?;
    super::captures::check(&args.captures)?;
    let (own, ends) = (args.clone(), stop.clone());
    let read = sources::in_time_or_soon(stop, GRACE, move || options::of(&own, keeps, process_env, &ends)).await;
    let options = read.map_err(|reason| sources::unfinished("the files of the flags", &reason))??;
    let progress = console.progress();
    let collected_at = sources::now();
    let mut kept = Kept::default();
    let mut edge = of_hosts(args, keeps.then_some(&mut kept), stop).await?;
    let (symptoms, missing) = options::symptoms(args, stop)?;
    edge.symptoms = symptoms;
    edge.unseen.extend(missing);
    edge.client_certificates = options::certificates("--client-cert", args.client_cert.as_deref(), stop)?;
    edge.own_certificates = options::certificates("--mp-cert", args.mp_cert.as_deref(), stop)?;
    if !args.captures.is_empty() {
        let name = args.key_log.clone();
        let keys = sources::in_time(stop, move || super::captures::key_log(name.as_deref())).await;
        let keys =
            keys.map_err(|reason| sources::unfinished(args.key_log.as_deref().unwrap_or_default(), &reason))??;
        let (names, ends, shown) = (args.captures.clone(), stop.clone(), progress.clone());
        let read = sources::in_time(stop, move || of_captures(&names, keys, keeps, &ends, &*shown)).await;
        match read {
            Ok(read) => {
                let (captured, handshakes) =
                    read.map_err(|CaptureError { name, source }| Error::Input { name, source })?;
                edge.captured = captured.handshakes;
                edge.unseen.extend(captured.unseen);
                kept.handshakes = handshakes;
            }
            Err(reason) => edge.unseen.push(edge::unseen("the captures", reason)),
        }
    }
    if options.question.management_url.as_deref().is_some_and(|url| url.starts_with("http://")) {
        edge.notes
            .push("the Management API was requested without TLS (http): credentials are sent in clear".to_owned());
    }
    progress.started("the environment");
    let gathered = Box::pin(edge::gather(&options, edge, stop)).await;
    progress.finished("the environment", "");
    progress.finish();
    let Gathered { edge, answers, refused, interrupted } = gathered?;
    kept.answers = answers;
    let has_other = has_other_evidence(args);
    let mut evidence = Evidence::not_gathered(
        HybridQuestion { offline: true, ..HybridQuestion::default() },
        collected_at,
        "`kubectl apigee-tls diagnose` queries the cluster",
    );
    evidence.edge = Seen::Seen(edge);
    evidence.interrupted = interrupted.map(|reason| Unavailable::new("the environment", reason));
    Ok(Run { evidence, refused: refused.filter(|_| !has_other), kept })
}

/// Refuses files that are known to be of another kind, and a run without anything to judge.
fn check_files(args: &EdgeFlags) -> Result<(), Error> {
    if args.offline && !has_other_evidence(args) {
        return Err(Error::Usage {
            what: "--offline without a file: nothing to judge".into(),
            hint: "give --api-dump DIR, --mp-log FILE, --pcap FILE or another file".into(),
        });
    }
    // Lines of a log may look like other text.
    let log: &[FileKind] = &[FileKind::AccessLog, FileKind::Objects, FileKind::Overrides];
    super::check_files(&[
        ("--mp-log", &args.mp_logs, log),
        ("--pcap", &args.captures, &[FileKind::Capture]),
        ("--router-conf", &args.router_confs, log),
        ("--router-properties", &args.router_properties, log),
        ("--mp-properties", &args.mp_properties, log),
        ("--system-properties", &args.system_properties, log),
    ])
}

/// Every input that may be standard input, which can be read only once.
fn inputs(args: &EdgeFlags) -> impl Iterator<Item = &String> {
    let secrets = [&args.token_file, &args.user_file, &args.netrc_file, &args.keystore_password_file];
    let lists = [
        &args.mp_logs,
        &args.captures,
        &args.router_confs,
        &args.router_properties,
        &args.mp_properties,
        &args.system_properties,
    ];
    secrets.into_iter().flatten().chain(lists.into_iter().flatten())
}

/// Reads captures with the secrets of their handshakes, and the packets of failed ones if `keeps` is true.
fn of_captures(
    names: &[String],
    keys: Option<KeyLog>,
    keeps: bool,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<(Captured, Option<Handshakes>), CaptureError> {
    if !keeps {
        return Ok((edge::captures(names, keys, None, stop, progress)?, None));
    }
    let mut failing = super::captures::Kept::new();
    let mut sink = |flow: &Flow, packets: &[KeptPacket]| failing.add_failure(flow, packets);
    let captured = edge::captures(names, keys, Some(&mut sink), stop, progress)?;
    let handshakes = failing.finish(captured.packets_left_out);
    Ok((captured, handshakes))
}

/// Reads the files of Routers and Message Processors, each once: standard input is then empty.
async fn of_hosts(args: &EdgeFlags, mut kept: Option<&mut Kept>, stop: &Stop) -> Result<Edge, Error> {
    let mut edge = Edge::default();
    let mut missing = Vec::new();
    let mut read = |flag: &'static str, name: &String| {
        let read = files::settings(name, stop).map_err(|source| Error::Input { name: name.clone(), source })?;
        if let (Some(kept), Ok(bytes)) = (&mut kept, &read) {
            kept.settings.push(GivenFile { flag, name: name.clone(), bytes: bytes.clone() });
        }
        Ok::<_, Error>(read)
    };
    let routers: [(_, _, ReadRouter); 2] = [
        ("--router-conf", &args.router_confs, files::router_conf),
        ("--router-properties", &args.router_properties, files::router_properties),
    ];
    for (flag, names, settings) in routers {
        for name in names {
            let given = read(flag, name)?.map(|bytes| settings(name, &bytes));
            missing.extend(nothing(name, Leg::Northbound, &given));
            edge.routers.extend(given.ok().map(|given| given.settings));
        }
    }
    let processors =
        [("--system-properties", &args.system_properties, true), ("--mp-properties", &args.mp_properties, false)];
    for (flag, names, is_effective) in processors {
        for name in names {
            let given = read(flag, name)?.map(|bytes| files::message_processor(name, &bytes, is_effective));
            missing.extend(nothing(name, Leg::Southbound, &given));
            edge.message_processors.extend(given.ok().map(|given| given.settings));
        }
    }
    edge.unseen = missing;
    if !args.mp_logs.is_empty() {
        let (names, ends) = (args.mp_logs.clone(), stop.clone());
        let (org, env) = (args.org.clone().unwrap_or_default(), args.env.clone().unwrap_or_default());
        let keeps = kept.is_some();
        let read =
            sources::in_time(stop, move || files::logs(&names, &org, &env, keeps, sentence_of_java, &ends)).await;
        edge.log = Some(match read {
            Ok(read) => {
                let Logs { log, lines, cut } = read.map_err(|(name, source)| Error::Input { name, source })?;
                edge.unseen.extend(cut.into_iter().map(|(name, why)| edge::unseen(&name, Reason::Broken(why))));
                if let Some(kept) = kept {
                    kept.lines = lines;
                }
                log
            }
            Err(reason) => {
                edge.unseen.push(edge::unseen("the Message Processor log", reason));
                MessageProcessorLog { files: args.mp_logs.clone(), ..MessageProcessorLog::default() }
            }
        });
    }
    Ok(edge)
}

/// Returns why nothing was learnt from a file. One of another kind must not support a healthy verdict.
fn nothing<T>(name: &str, leg: Leg, given: &Result<Settings<T>, Reason>) -> Option<Unseen> {
    let reason = match given {
        Ok(given) => Reason::Broken(given.nothing.clone()?),
        Err(reason) => reason.clone(),
    };
    Some(Unseen { why: Unavailable::new(name, reason), leg: Some(leg) })
}

/// Returns whether something can be judged without the Management API.
fn has_other_evidence(args: &EdgeFlags) -> bool {
    [
        &args.router_confs,
        &args.router_properties,
        &args.mp_properties,
        &args.system_properties,
        &args.mp_logs,
        &args.proxy_bundles,
        &args.captures,
        &args.keystore_files,
        &args.symptoms,
    ]
    .iter()
    .any(|files| !files.is_empty())
        || args.api_dump.is_some()
}

fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
