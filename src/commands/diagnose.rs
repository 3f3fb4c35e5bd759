//! `diagnose`: gather from the cluster, from files, or read what was gathered before; judge; report.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::{Error, fail_on};
use crate::bundle::evidence_file;
use crate::checks;
use crate::cli::{ClusterArgs, DiagnoseArgs, Expectation, LogArgs, Output, ProbePlace};
use crate::evidence::overrides::OverridesFile;
use crate::evidence::stored::StoredCertificate;
use crate::evidence::{Evidence, LogLimits, LogOrigin, LogStream, Question, Reason, SCHEMA, Seen, Unavailable};
use crate::gather::probe::{self, GatewayProbe, Places, ProbeOptions, Prober};
use crate::gather::{self, ConnectionOptions, GatherOptions, Stop};
use crate::report::styles::Styles;
use crate::report::{self, Selection, machine, text};
use crate::terminal::Console;
use crate::wire::access_log::AccessLogScanner;

/// For one handshake of `diagnose`; what takes longer is as good as broken.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

pub(super) fn run(args: &DiagnoseArgs, console: &Console) -> Result<u8, Error> {
    check_combination(args)?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let seen = runtime.block_on(async {
        let stop = Stop::on_ctrl_c((args.timeout > Duration::ZERO).then_some(args.timeout));
        seen(args, &stop, console).await
    });
    // What hangs in a blocking call must not keep the report waiting.
    runtime.shutdown_background();
    let evidence = seen?;
    // The report of a run that took minutes is not lost because its evidence finds no room.
    let written = args.write_evidence.as_ref().map_or(Ok(()), |path| evidence_file::write(path, &evidence));
    let exit_code = show(args, &evidence, console)?;
    written?;
    Ok(exit_code)
}

async fn seen(args: &DiagnoseArgs, stop: &Stop, console: &Console) -> Result<Evidence, Error> {
    let mut evidence = match &args.from {
        Some(name) => {
            let file = name.clone();
            in_time(stop, move || evidence_file::read(&file)).await.map_err(|reason| unfinished(name, &reason))??
        }
        None => gathered(args, stop, console).await?,
    };
    add_files(args, &mut evidence, stop).await?;
    evidence.question.expect_non_sni |= args.expect == Some(Expectation::NonSni);
    Ok(evidence)
}

fn show(args: &DiagnoseArgs, evidence: &Evidence, console: &Console) -> Result<u8, Error> {
    let report = report::build(evidence, &selection(args), fail_on(args.fail_on));
    let styles = if console.colors() { Styles::colorize() } else { Styles::default() };
    let options = |wide| text::TextOptions { styles, width: console.width(), wide };
    let shown = match args.output {
        Output::Text => text::text(&report, options(false)),
        Output::Wide => text::text(&report, options(true)),
        Output::Json => machine::json(&report).map_err(|error| Error::Rendering(error.to_string()))?,
        Output::Yaml => machine::yaml(&report).map_err(|error| Error::Rendering(error.to_string()))?,
    };
    console.result(&shown).map_err(Error::Output)?;
    Ok(report.exit_code)
}

fn selection(args: &DiagnoseArgs) -> Selection {
    Selection { only: args.only.clone(), skip: args.skip.clone() }
}

fn check_combination(args: &DiagnoseArgs) -> Result<(), Error> {
    let usage = |what: &str, hint: &str| Err(Error::Usage { what: what.to_owned(), hint: hint.to_owned() });
    if args.offline && args.overrides.is_empty() && args.access_logs.is_empty() {
        return usage(
            "--offline without any file leaves nothing to judge",
            "give -f overrides.yaml, --access-log FILE, or both",
        );
    }
    let inputs: Vec<&String> = args.overrides.iter().chain(&args.access_logs).chain(&args.from).collect();
    if inputs.iter().filter(|name| **name == "-").count() > 1 {
        return usage(
            "standard input can be read once, and - stands more than once",
            "save one of the inputs to a file",
        );
    }
    if let Some(path) = args.write_evidence.as_ref().and_then(|path| path.to_str()) {
        if path == "-" {
            return usage("standard output is for the report", "give --write-evidence the name of a file");
        }
        if inputs.iter().any(|name| *name == path) {
            return usage("--write-evidence would replace an input", "give --write-evidence another name");
        }
    }
    let selection = selection(args);
    if !checks::all().any(|(family, check)| selection.lets_through(family, check)) {
        return usage("--only and --skip leave no check", "`kubectl apigee-tls explain` lists them");
    }
    Ok(())
}

/// The files that the user adds, whatever the rest comes from. What could not be read in time is evidence of that.
async fn add_files(args: &DiagnoseArgs, evidence: &mut Evidence, stop: &Stop) -> Result<(), Error> {
    // Evidence that was written before has the certificates of its own files.
    let known = evidence.overrides.len();
    for name in &args.overrides {
        let file = name.clone();
        let read = in_time(stop, move || gather::overrides::overrides_file(&file)).await;
        let file = match read {
            Ok(read) => read.map_err(|source| Error::Input { name: name.clone(), source })?,
            Err(reason) => {
                OverridesFile { name: name.clone(), content: Seen::Unavailable(not_read(evidence, name, reason)) }
            }
        };
        evidence.overrides.push(file);
    }
    let files = evidence.overrides[known..].to_vec();
    match in_time(stop, move || gather::local_certificates(&files)).await {
        Ok(found) => add_certificates(evidence, found),
        Err(reason) => drop(not_read(evidence, "the certificate files", reason)),
    }
    for name in &args.access_logs {
        let since = evidence.question.log_limits.since;
        let origin = LogOrigin::File(name.clone());
        let file = name.clone();
        let stream = match in_time(stop, move || gather::log_file::read(&file, since)).await {
            Ok(read) => {
                let read = read?;
                LogStream { origin, log: Seen::Seen(read.log), cut: read.cut }
            }
            Err(reason) => LogStream { origin, log: Seen::Unavailable(not_read(evidence, name, reason)), cut: None },
        };
        evidence.access_logs.push(stream);
    }
    Ok(())
}

/// Files beside the cluster's Secrets, or alone where these were not seen: without routes nobody knows which Secrets to read, and
/// no check takes files for them.
fn add_certificates(evidence: &mut Evidence, found: Vec<StoredCertificate>) {
    match &mut evidence.stored_certificates {
        Seen::Seen(known) => known.extend(found),
        Seen::Unavailable(_) if !found.is_empty() => evidence.stored_certificates = Seen::Seen(found),
        Seen::Unavailable(_) => {}
    }
}

/// Runs what blocks beside the run's end, so that a pipe without a writer does not outlast it.
async fn in_time<T: Send + 'static>(stop: &Stop, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Reason> {
    let done = stop.bound(tokio::task::spawn_blocking(work)).await?;
    done.map_err(|_| Reason::Broken("reading it failed by a fault of this program; please report it".into()))
}

/// Notes that the run ended early, and returns why this file is missing.
fn not_read(evidence: &mut Evidence, name: &str, reason: Reason) -> Unavailable {
    evidence.interrupted.get_or_insert_with(|| Unavailable::new("the files", reason.clone()));
    Unavailable::new(name, reason)
}

/// Without the evidence file there is nothing to report.
fn unfinished(name: &str, reason: &Reason) -> Error {
    match reason {
        Reason::Interrupted => Error::Cluster(gather::Error::Interrupted),
        reason => {
            let source = io::Error::new(io::ErrorKind::TimedOut, reason.to_string());
            Error::Input { name: name.to_owned(), source }
        }
    }
}

async fn gathered(args: &DiagnoseArgs, stop: &Stop, console: &Console) -> Result<Evidence, Error> {
    #[expect(clippy::disallowed_methods, reason = "the one clock of every judgement of this run")]
    let collected_at = Timestamp::now();
    let question = Question {
        namespace: args.cluster.namespace.clone(),
        selector: args.cluster.selector.clone(),
        container: args.logs.container.clone(),
        expect_non_sni: false,
        offline: args.offline,
        log_limits: log_limits(&args.logs, collected_at),
    };
    if args.offline {
        return Ok(Evidence::unasked(question, collected_at, "--offline judges the files alone"));
    }
    let options = GatherOptions {
        connection: connection_options(&args.cluster),
        namespace: question.namespace.clone(),
        selector: question.selector.clone(),
        container: question.container.clone(),
        log_limits: question.log_limits.clone(),
        probe: gateway_probe(args)?,
    };
    let since = question.log_limits.since;
    let progress = console.progress();
    let told: Arc<dyn gather::Progress> = progress.clone();
    let seen = gather::cluster(&options, stop.clone(), told, || AccessLogScanner::new().since(since)).await;
    progress.finish();
    let seen = seen?;
    console.verbose(&format!("{} API requests", seen.requests));
    Ok(Evidence {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        collected_at,
        question,
        connection: Seen::Seen(seen.connection),
        pods: seen.pods,
        access_logs: seen.access_logs,
        mesh_logging: seen.mesh_logging,
        routes: seen.routes,
        route_configs: seen.route_configs,
        secrets: seen.secrets,
        services: seen.services,
        issues: seen.issues,
        overrides: Vec::new(),
        stored_certificates: seen.stored_certificates,
        gateways: seen.gateways,
        probes: seen.probes,
        interrupted: seen.interrupted,
    })
}

/// The handshakes to make; none with `--probe none`.
fn gateway_probe(args: &DiagnoseArgs) -> Result<Option<GatewayProbe>, Error> {
    let places = Places {
        pods: args.probe.contains(&ProbePlace::Pods),
        services: args.probe.contains(&ProbePlace::Services),
        dns: args.probe.contains(&ProbePlace::Dns),
    };
    if args.probe.contains(&ProbePlace::None) {
        if places.any() {
            let hint = "give --probe none alone, or the places to probe";
            return Err(Error::Usage { what: "--probe none and --probe PLACE".into(), hint: hint.into() });
        }
        return Ok(None);
    }
    let mut hosts = Vec::new();
    for name in &args.probe_host {
        hosts.push(probe::server_name(name).map_err(|why| Error::Argument {
            what: format!("--probe-host {name:?}: {why}"),
            hint: "expected a name as DNS has it".into(),
        })?);
    }
    let options = ProbeOptions {
        min_version: None,
        max_version: None,
        ciphers: None,
        alpn: ["h2", "http/1.1"].map(str::to_owned).to_vec(),
        ca_file: args.ca_file.clone(),
        identity: None,
        proxy_protocol: false,
        timeout: HANDSHAKE_TIME,
    };
    let expect_nameless = args.expect == Some(Expectation::NonSni);
    Ok(Some(GatewayProbe { prober: Arc::new(Prober::new(options)?), places, hosts, expect_nameless }))
}

fn log_limits(args: &LogArgs, now: Timestamp) -> LogLimits {
    let since = args.since.map(|length| {
        let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
        now.checked_sub(length).unwrap_or(Timestamp::MIN)
    });
    LogLimits {
        since: since.or(args.since_time),
        // kubectl's -1 is all.
        tail: args.tail.and_then(|lines| u64::try_from(lines).ok()),
        limit_bytes: args.limit_bytes,
    }
}

fn connection_options(args: &ClusterArgs) -> ConnectionOptions {
    ConnectionOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        server: args.server.clone(),
        tls_server_name: args.tls_server_name.clone(),
        insecure_skip_tls_verify: args.insecure_skip_tls_verify,
        as_user: args.as_user.clone(),
        as_uid: args.as_uid.clone(),
        as_groups: args.as_groups.clone(),
        request_timeout: args.request_timeout,
    }
}
