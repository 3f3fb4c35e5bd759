//! `diagnose`: collects evidence from the cluster, from files or from an earlier run; judges it; prints the
//! report.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::captures::{self, Given};
use super::{Error, contexts, fail_on, log_stores, sources};
use crate::bundle::{self, evidence_file};
use crate::checks;
use crate::cli::DiagnoseArgs;
use crate::evidence::Evidence;
use crate::gather::files::file_kind::FileKind;
use crate::judgement::{self, Report, Selection};
use crate::report::Format;
use crate::run::{Progress, Stop};
use crate::terminal::Console;
use crate::text::visible;

/// Maximum size of the report of `--baseline`: several times that of 500 routes.
const MAX_BASELINE_BYTES: u64 = 64 << 20;

pub(super) fn run(args: &DiagnoseArgs, console: &Console) -> Result<u8, Error> {
    check_combination(args)?;
    if let Some(names) = contexts::chosen(&args.evidence)? {
        return several(args, &names, console);
    }
    // A file that cannot be used is reported before the run, which may take minutes.
    let baseline = args.baseline.as_deref().map(baseline).transpose()?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let evidence = runtime.block_on(async {
        let stop = Stop::on_signal(sources::timeout(&args.evidence), bundle::abandon).map_err(Error::Runtime)?;
        obtain_evidence(args, &stop, console).await
    });
    let outcome = evidence.and_then(|evidence| report_evidence(args, &evidence, baseline.as_ref(), console));
    // Signals are handled up to here. A hanging blocking call must not delay the exit.
    runtime.shutdown_background();
    outcome
}

/// Diagnoses each context in parallel and prints one combined report.
fn several(args: &DiagnoseArgs, names: &[String], console: &Console) -> Result<u8, Error> {
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let stop = runtime.block_on(async { Stop::on_signal(None, || {}) }).map_err(Error::Runtime)?;
    let progress = console.progress();
    let outcomes = contexts::each(names, &stop, |context| {
        let args_alone = contexts::with_context(&args.evidence, context);
        let stop = stop.part(sources::timeout(&args.evidence));
        let labelled = Arc::new(progress.labelled(context));
        let evidence = runtime.block_on(async {
            let ledger = Arc::default();
            let labelled: Arc<dyn Progress> = labelled;
            let mut evidence = sources::gathered(&args_alone, &stop, Arc::clone(&labelled), &ledger).await?;
            log_stores::add(&args_alone, &mut evidence, &stop, &labelled, None, &ledger).await?;
            Ok::<_, Error>(evidence)
        })?;
        Ok(judge(args, &sources::clean(&evidence, args.evidence.keep_random_tokens)?, None))
    });
    progress.finish();
    // Nothing is left to interrupt: from here on Ctrl-C ends the program.
    drop(stop);
    let outcomes = outcomes.into_iter().map(|outcome| outcome.map_err(|error| contexts::failure(&error)));
    let report = judgement::contexts::build(names.iter().cloned().zip(outcomes));
    let printed = super::print_result(console, args.output, &report).map(|()| report.exit_code);
    // Ctrl-C is handled up to here.
    runtime.shutdown_background();
    printed
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

/// Reads the report of `--baseline`.
fn baseline(path: &Path) -> Result<Report, Error> {
    let name = path.display().to_string();
    let unreadable = |source| Error::Input { name: name.clone(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_BASELINE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let refused = |why: String| Error::Baseline { name: name.clone(), why };
    if bytes.len() as u64 > MAX_BASELINE_BYTES {
        return Err(refused(format!("it has more than {MAX_BASELINE_BYTES} bytes")));
    }
    let report: Report = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    if report.schema == judgement::SCHEMA {
        Ok(report)
    } else {
        Err(refused(format!("its schema is {}", report.schema)))
    }
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
