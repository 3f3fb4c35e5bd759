//! `diagnose`: collects evidence from the cluster, from files or from an earlier run; judges it; prints the
//! report.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::captures::{self, Given};
use super::contexts::{Chosen, Turns};
use super::earlier::Baseline;
use super::sources::Wanted;
use super::{Error, contexts, fail_on, log_stores, sources};
use crate::bundle::{self, evidence_file};
use crate::checks;
use crate::cli::DiagnoseArgs;
use crate::evidence::Evidence;
use crate::gather::files::file_kind::FileKind;
use crate::gather::{self, KubeconfigFiles};
use crate::judgement::contexts::{Entry, PackedReport};
use crate::judgement::{self, Report, Selection};
use crate::report::Format;
use crate::run::{Progress, Stop};
use crate::terminal::Console;
use crate::text::visible;

/// Maximum number of clusters whose evidence is gathered at the same time, of those that have answered. Each
/// needs up to two megabytes.
const MAX_GATHERED: usize = 16;

pub(super) fn run(args: &DiagnoseArgs, console: &Console) -> Result<u8, Error> {
    check_combination(args)?;
    if let Some(chosen) = contexts::chosen(&args.evidence)? {
        return several(args, &chosen, console);
    }
    // A file that cannot be used is reported before the run, which may take minutes.
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    if let Some(baseline) = &baseline
        && baseline.is_of_several()
        && args.from.is_none()
        && !args.offline
    {
        let context = gather::context_name(&sources::connection_options(&args.evidence.cluster))?;
        baseline.of_context(context.as_deref())?;
    }
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let evidence = runtime.block_on(async {
        let stop = Stop::on_signal(sources::timeout(&args.evidence), bundle::abandon).map_err(Error::Runtime)?;
        obtain_evidence(args, &stop, console).await
    });
    let outcome = evidence.and_then(|evidence| {
        let context = evidence.connection.seen().ok().and_then(|known| known.context.as_deref());
        let earlier = baseline.map(|baseline| baseline.of_context(context)).transpose()?;
        report_evidence(args, &evidence, earlier.as_ref(), console)
    });
    // Signals are handled up to here. A hanging blocking call must not delay the exit.
    runtime.shutdown_background();
    outcome
}

/// Diagnoses all contexts at the same time and prints one combined report.
fn several(args: &DiagnoseArgs, chosen: &Chosen, console: &Console) -> Result<u8, Error> {
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let baseline = baseline.map(Baseline::into_contexts).transpose()?;
    let runtime = contexts::runtime().map_err(Error::Runtime)?;
    let stop = runtime.block_on(async { Stop::on_signal(None, || {}) }).map_err(Error::Runtime)?;
    let progress = console.progress();
    let (files, baseline) = (chosen.files.clone(), baseline.unwrap_or_default());
    let shared = Arc::new(Shared { args: args.clone(), files, baseline });
    let turns = [Turns::to_reach(), Turns::new(MAX_GATHERED), Turns::of_processors()];
    let outcomes = contexts::each(&runtime, &chosen.names, &stop, |context| {
        let labelled = Arc::new(progress.labelled(&context));
        entry(&shared, context, &stop, labelled, &turns)
    });
    progress.finish();
    // Nothing is left to interrupt: from here on Ctrl-C ends the program.
    drop(stop);
    let entries =
        chosen.names.iter().zip(outcomes).map(|(context, outcome)| {
            outcome.unwrap_or_else(|error| Entry::new(context, Err(contexts::failure(&error))))
        });
    let report = judgement::contexts::combine(entries.collect());
    let printed = super::print_result(console, args.output, &report).map(|()| report.exit_code);
    if printed.is_ok() && args.output == Format::Short {
        // The lines are the findings alone.
        console.conclusion(&visible(&report.headline));
    }
    // Ctrl-C is handled up to here.
    runtime.shutdown_background();
    printed
}

/// What the runs over several contexts share.
struct Shared {
    args: DiagnoseArgs,
    files: KubeconfigFiles,
    baseline: BTreeMap<String, PackedReport>,
}

/// Diagnoses one of several contexts, and keeps of it what is reported.
async fn entry(
    shared: &Arc<Shared>,
    context: String,
    stop: &Stop,
    progress: Arc<dyn Progress>,
    [reaching, gathering, judging]: &[Turns; 3],
) -> Result<Entry, Error> {
    let args = contexts::with_context(&shared.args.evidence, &context);
    contexts::reach(&args, &shared.files, stop, reaching).await?;
    // Held until the evidence is judged and dropped. The time limit of the context begins with its turn.
    let _turn = gathering.turn().await?;
    let stop = stop.part(sources::timeout(&args));
    let ledger = Arc::default();
    let wanted = Wanted { args: &args, files: Some(&shared.files) };
    let mut evidence = sources::gathered(wanted, &stop, Arc::clone(&progress), &ledger).await?;
    log_stores::add(&args, &mut evidence, &stop, &progress, None, &ledger).await?;
    let shared = Arc::clone(shared);
    let judged = move || {
        let earlier = shared.baseline.get(&context).map(PackedReport::unpack).transpose()?;
        let evidence = sources::clean(&evidence, shared.args.evidence.keep_random_tokens)?;
        Ok(Entry::new(&context, Ok(judge(&shared.args, &evidence, earlier.as_ref()))))
    };
    judging.run(judged).await?
}

fn report_evidence(
    args: &DiagnoseArgs,
    evidence: &Evidence,
    baseline: Option<&Report>,
    console: &Console,
) -> Result<u8, Error> {
    // Print the report even if the evidence file cannot be written: the run may have taken minutes.
    let written = args.write_evidence.as_ref().map_or(Ok(()), |path| evidence_file::write(path, evidence));
    let report = judge(args, evidence, baseline);
    print_report(args, &report, console)?;
    written.map_err(bundle::ReadError::from)?;
    Ok(report.exit_code)
}

async fn obtain_evidence(args: &DiagnoseArgs, stop: &Stop, console: &Console) -> Result<Evidence, Error> {
    let ledger = Arc::default();
    let mut evidence = match &args.from {
        Some(name) => sources::of_cluster(name, sources::saved(name, stop).await?)?,
        None if args.offline => sources::of_files(&args.evidence),
        None => {
            let progress = console.progress();
            let gathered = sources::gathered(&args.evidence, stop, progress.clone(), &ledger).await;
            progress.finish();
            gathered?
        }
    };
    sources::add_files(&args.evidence, &mut evidence, stop, None, &ledger).await?;
    let progress = console.progress();
    let waiting: Arc<dyn Progress> = progress.clone();
    let asked = log_stores::add(&args.evidence, &mut evidence, stop, &waiting, None, &ledger).await;
    let given = Given { names: &args.captures, key_log: args.key_log.as_deref(), keeps: false };
    let added = captures::add(given, &mut evidence, stop, progress.clone()).await;
    progress.finish();
    asked?;
    added?;
    // Evidence of an earlier run may be judged with a different --expect.
    if sources::expects_non_sni(&args.evidence) {
        evidence.question.expect_non_sni();
    }
    sources::clean(&evidence, args.evidence.keep_random_tokens)
}

fn print_report(args: &DiagnoseArgs, report: &Report, console: &Console) -> Result<(), Error> {
    super::print_result(console, args.output, report)?;
    if args.output == Format::Short {
        // The lines are the findings alone.
        console.conclusion(&visible(&format!("{} {}", report.verdict.kind.word(), report.verdict.headline)));
    }
    Ok(())
}

fn judge(args: &DiagnoseArgs, evidence: &Evidence, baseline: Option<&Report>) -> Report {
    let selection = selection(args);
    let rehearsal = args.what_if.then(|| judgement::rehearse(evidence, &selection)).flatten();
    let fail_on = fail_on(args.fail_on);
    let report = match baseline {
        Some(earlier) => judgement::build_beside(evidence, &selection, fail_on, earlier),
        None => judgement::build(evidence, &selection, fail_on),
    };
    Report { rehearsal, ..report }
}

fn selection(args: &DiagnoseArgs) -> Selection {
    Selection { only: args.only.clone(), skip: args.skip.clone() }
}

fn check_combination(args: &DiagnoseArgs) -> Result<(), Error> {
    let usage = |what: &str, hint: &str| Err(Error::Usage { what: what.to_owned(), hint: hint.to_owned() });
    let files = || args.evidence.overrides.iter().chain(&args.evidence.access_logs).chain(&args.captures);
    if args.offline && files().next().is_none() && args.evidence.stores.log_stores.is_empty() {
        return usage(
            "--offline without a file: nothing to judge",
            "give -f overrides.yaml, --access-log FILE, --log-store STORE or --pcap FILE, or several",
        );
    }
    log_stores::validate(&args.evidence)?;
    let logs = &args.evidence.logs;
    let has_window = logs.since.is_some() || logs.since_time.is_some() || logs.until.is_some();
    if args.from.is_some() && has_window && args.evidence.stores.log_stores.is_empty() {
        return usage(
            "--from with --since, --since-time or --until: the logs of saved evidence are counted already",
            "give them to the run that saves the evidence, or add --log-store",
        );
    }
    let inputs: Vec<&String> = files().chain(&args.from).chain(log_stores::inputs(&args.evidence)).collect();
    sources::check_standard_input(inputs.iter().copied())?;
    sources::check_kinds(&args.evidence, &args.captures)?;
    super::check_files(&[("--from", args.from.as_slice(), &[FileKind::Bundle, FileKind::Evidence, FileKind::Report])])?;
    if let Some(name) = args.baseline.as_ref().and_then(|path| path.to_str()) {
        super::check_file("--baseline", name, &[FileKind::Report])?;
    }
    captures::check(&args.captures)?;
    if !args.captures.is_empty() && contexts::are_several(&args.evidence.cluster) {
        return usage(
            "--pcap with --contexts or --all-contexts: a capture belongs to one cluster",
            "run it for its own cluster: --context NAME --pcap FILE",
        );
    }
    if args.write_evidence.is_some() && contexts::are_several(&args.evidence.cluster) {
        return usage(
            "--write-evidence with --contexts or --all-contexts: it writes a single file",
            "use `collect` with the same flags: it writes one bundle per context, which `diagnose --from` reads",
        );
    }
    if let Some(path) = args.write_evidence.as_ref().and_then(|path| path.to_str()) {
        if path == "-" {
            return usage("--write-evidence -: standard output is for the report", "give --write-evidence a file name");
        }
        if inputs.iter().any(|name| *name == path) {
            return usage("--write-evidence would replace an input file", "give --write-evidence another file name");
        }
        // Before the run, which may take minutes. A device or a pipe is written to, and not replaced.
        if std::fs::metadata(path).is_ok_and(|known| known.is_file()) {
            return Err(Error::Exists { flag: "--write-evidence", name: path.to_owned() });
        }
    }
    let selection = selection(args);
    if !checks::all().any(|(family, check)| selection.lets_through(family, check)) {
        return usage("--only and --skip: they leave no check to run", "`kubectl apigee-tls explain` lists them");
    }
    Ok(())
}
