//! `diagnose`: gather from the cluster, from files, or read what was gathered before; judge; report.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::Error;
use crate::bundle::evidence_file;
use crate::cli::{ClusterArgs, DiagnoseArgs, Expectation, FailOn, LogArgs, Output};
use crate::evidence::{Evidence, LogLimits, LogOrigin, LogStream, Question, Reason, SCHEMA, Seen, Unavailable};
use crate::gather::{self, ConnectionOptions, GatherOptions, Stop};
use crate::report::styles::Styles;
use crate::report::{self, Selection, machine, text};
use crate::terminal::Console;
use crate::wire::access_log::AccessLogScanner;

pub(super) fn run(args: DiagnoseArgs, console: &Console) -> Result<u8, Error> {
    check_combination(&args)?;
    let mut evidence = match &args.from {
        Some(name) => evidence_file::read(name)?,
        None => gathered(&args, console)?,
    };
    add_files(&args, &mut evidence)?;
    evidence.question.expect_non_sni |= args.expect == Some(Expectation::NonSni);
    if let Some(path) = &args.write_evidence {
        evidence_file::write(path, &evidence)?;
        console.verbose(&format!("evidence written to {}", path.display()));
    }
    let selection = Selection { only: args.only, skip: args.skip };
    let fail_on = match args.fail_on {
        FailOn::Error => report::FailOn::Error,
        FailOn::Warning => report::FailOn::Warning,
        FailOn::Never => report::FailOn::Never,
    };
    let report = report::build(&evidence, &selection, fail_on);
    let options = |wide| text::TextOptions {
        styles: if console.colors() { Styles::colorize() } else { Styles::default() },
        width: console.width(),
        wide,
    };
    let shown = match args.output {
        Output::Text => text::text(&report, options(false)),
        Output::Wide => text::text(&report, options(true)),
        Output::Json => machine::json(&report).map_err(|error| Error::Rendering(error.to_string()))?,
        Output::Yaml => machine::yaml(&report).map_err(|error| Error::Rendering(error.to_string()))?,
    };
    console.result(&shown).map_err(Error::Output)?;
    Ok(report.exit_code)
}

fn check_combination(args: &DiagnoseArgs) -> Result<(), Error> {
    if args.offline && args.overrides.is_empty() && args.access_logs.is_empty() {
        return Err(Error::Usage {
            what: "--offline without any file leaves nothing to judge".into(),
            hint: "give -f overrides.yaml, --access-log FILE, or both".into(),
        });
    }
    let inputs = args.overrides.iter().chain(&args.access_logs).chain(&args.from);
    if inputs.filter(|name| *name == "-").count() > 1 {
        return Err(Error::Usage {
            what: "standard input can be read once, and - stands more than once".into(),
            hint: "save one of the inputs to a file".into(),
        });
    }
    Ok(())
}

/// The files that the user adds, whatever the rest comes from.
fn add_files(args: &DiagnoseArgs, evidence: &mut Evidence) -> Result<(), Error> {
    for name in &args.overrides {
        let file =
            gather::overrides::overrides_file(name).map_err(|source| Error::Input { name: name.clone(), source })?;
        evidence.overrides.push(file);
    }
    for name in &args.access_logs {
        let since = evidence.question.log_limits.since;
        let file = gather::log_file::read(name, since)?;
        let origin = LogOrigin::File(name.clone());
        evidence.access_logs.push(LogStream { origin, log: Seen::Seen(file.log), cut: file.cut });
    }
    Ok(())
}

fn gathered(args: &DiagnoseArgs, console: &Console) -> Result<Evidence, Error> {
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
        return Ok(offline(question, collected_at));
    }
    let options = GatherOptions {
        connection: connection_options(&args.cluster),
        namespace: question.namespace.clone(),
        selector: question.selector.clone(),
        container: question.container.clone(),
        log_limits: question.log_limits.clone(),
    };
    let since = question.log_limits.since;
    let progress = console.progress();
    let told: Arc<dyn gather::Progress> = progress.clone();
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let seen = runtime.block_on(async move {
        let stop = Stop::on_ctrl_c((args.timeout > Duration::ZERO).then_some(args.timeout));
        gather::cluster(&options, stop, told, || AccessLogScanner::new().since(since)).await
    });
    progress.finish();
    // What hangs in a blocking call must not keep the report waiting.
    runtime.shutdown_background();
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
        interrupted: seen.interrupted,
    })
}

/// Evidence without a cluster: every source of it was not asked for.
fn offline(question: Question, collected_at: Timestamp) -> Evidence {
    fn not_asked<T>(what: &str) -> Seen<T> {
        Seen::Unavailable(Unavailable::new(what, Reason::NotRequested("--offline judges the files alone".into())))
    }
    Evidence {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        collected_at,
        question,
        connection: not_asked("the cluster"),
        pods: not_asked("ingress pods"),
        access_logs: Vec::new(),
        mesh_logging: not_asked("the mesh settings"),
        routes: not_asked("ApigeeRoutes"),
        route_configs: not_asked("ApigeeRouteConfigs"),
        secrets: not_asked("names of Secrets"),
        services: not_asked("Services"),
        issues: not_asked("ApigeeIssues"),
        overrides: Vec::new(),
        interrupted: None,
    }
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
