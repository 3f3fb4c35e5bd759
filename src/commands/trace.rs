//! `trace`: collects evidence as `diagnose` does, or reads it, and follows one server name through it.

use std::sync::Arc;

use tokio::runtime::Runtime;

use super::{Error, contexts, log_stores, sources};
use crate::bundle;
use crate::cli::TraceArgs;
use crate::evidence::Evidence;
use crate::gather::files::file_kind::FileKind;
use crate::gather::probe;
use crate::judgement::trace;
use crate::run::{Progress, Silent, Stop};
use crate::terminal::Console;

pub(super) fn run(args: &TraceArgs, console: &Console) -> Result<u8, Error> {
    let host = args.host.as_deref().map(server_name).transpose()?;
    check_combination(args)?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let evidence = runtime.block_on(async {
        let stop = Stop::on_signal(sources::timeout(&args.evidence), bundle::abandon).map_err(Error::Runtime)?;
        obtain_evidence(args, host.as_deref(), &stop, console).await
    });
    let outcome = evidence.and_then(|evidence| {
        let trace = trace::build(&evidence, host.as_deref());
        super::print_result(console, args.output, &trace)?;
        Ok(trace.exit_code)
    });
    // Signals are handled up to here. A hanging blocking call must not delay the exit.
    runtime.shutdown_background();
    outcome
}

async fn obtain_evidence(
    args: &TraceArgs,
    host: Option<&str>,
    stop: &Stop,
    console: &Console,
) -> Result<Evidence, Error> {
    let ledger = Arc::default();
    let mut evidence = if let Some(name) = &args.from {
        sources::of_cluster(name, sources::saved(name, stop).await?)?
    } else {
        let mut asked = args.evidence.clone();
        asked.probing.probe_host.extend(host.map(str::to_owned));
        let progress = console.progress();
        let gathered = sources::gathered(&asked, stop, progress.clone(), &ledger).await;
        progress.finish();
        gathered?
    };
    sources::add_files(&args.evidence, &mut evidence, stop, None, &ledger).await?;
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    log_stores::add(&args.evidence, &mut evidence, stop, &progress, None, &ledger).await?;
    sources::clean(&evidence, args.evidence.keep_random_tokens)
}

/// Takes what `probe` takes: the port of an endpoint and the rest of a URL are no part of the name.
fn server_name(text: &str) -> Result<String, Error> {
    probe::target(text).and_then(|target| probe::server_name(&target.host)).map_err(|why| Error::Argument {
        what: format!("HOST {:?}: {why}", probe::shown(text)),
        hint: "expected a DNS name, HOST:PORT or a URL, or --no-sni for clients without SNI".into(),
    })
}

fn check_combination(args: &TraceArgs) -> Result<(), Error> {
    let files = args.evidence.overrides.iter().chain(&args.evidence.access_logs).chain(&args.from);
    let inputs = files.chain(log_stores::inputs(&args.evidence));
    sources::check_standard_input(inputs)?;
    sources::check_kinds(&args.evidence, &[])?;
    super::check_files(&[("--from", args.from.as_slice(), &[FileKind::Bundle, FileKind::Evidence, FileKind::Report])])?;
    if contexts::are_several(&args.evidence.cluster) {
        return Err(Error::Usage {
            what: "trace with --contexts or --all-contexts: it follows a name in one cluster".into(),
            hint: "give one --context".into(),
        });
    }
    Ok(())
}
