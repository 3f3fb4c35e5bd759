//! `collect`: runs `diagnose` and writes the support bundle.
//!
//! ```text
//! cluster ─┬ logs ─ Tee ┬ evidence ─ report ─ bundle::pages ─┐
//!          │            └ redacted ──────────────────────────┤
//!          └ objects ─ redacted ─────────────────────────────┴─ BundleWriter
//! ```

mod bundle_sink;
pub(in crate::commands) mod captures;
mod list;
mod logs;
mod objects;
pub(in crate::commands) mod pseudonyms;
pub(in crate::commands) mod redacting_writer;
mod timings;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::runtime::{Handle, Runtime};

use self::captures::Capture;
use self::logs::{LogFile, Tee};
use self::redacting_writer::RedactingWriter;
use self::timings::Timings;
use super::captures::Given;
use super::contexts::{Chosen, Turns};
use super::sources::Wanted;
use super::{Error, contexts, sources};
use crate::bundle::manifest::{Absence, PlannedItem};
use crate::bundle::objects::RoutesAndEvents;
use crate::bundle::pages::{self, Request};
use crate::bundle::unseen::unseen;
use crate::bundle::{self, BundleName, BundleWriter, Destination, Head, Written, layout};
use crate::cli::CollectArgs;
use crate::evidence::{Evidence, LogOrigin, Reason};
use crate::gather::{self, KubeconfigFiles};
use crate::judgement::contexts::{Summary, harm, worst};
use crate::judgement::{FailOn, Report, Selection, build};
use crate::plan::PLAN;
use crate::redact::self_test;
use crate::redact::{Pseudonyms, Redactions, Redactor};
use crate::report::TextOptions;
use crate::report::documents::contexts::table;
use crate::report::styles::Styles;
use crate::run::{self, Stop};
use crate::terminal::Console;
use crate::text::{joined, json, seconds, visible};

/// Maximum number of bundles written at the same time. Each needs half a MiB for each open log.
const MAX_BUNDLES: usize = 8;

pub(super) fn run(args: &CollectArgs, console: &Console) -> Result<u8, Error> {
    if args.list {
        console.result(&list::list(args)).map_err(Error::Output)?;
        return Ok(0);
    }
    if args.self_test {
        return run_self_test(console);
    }
    super::captures::check(&args.captures)?;
    let inputs = args.evidence.overrides.iter().chain(&args.evidence.access_logs);
    sources::check_standard_input(inputs.chain(super::log_stores::inputs(&args.evidence)))?;
    sources::check_kinds(&args.evidence, &args.captures)?;
    super::log_stores::validate(&args.evidence)?;
    let chosen = contexts::chosen(&args.evidence)?;
    let runtime = if chosen.is_some() { contexts::runtime() } else { Runtime::new() }.map_err(Error::Runtime)?;
    // Held until the end: a signal ends the gathering, and a bundle of what was collected is still written.
    let stop = runtime.block_on(async { Stop::on_signal(None, bundle::abandon) }).map_err(Error::Runtime)?;
    let outcome = match chosen {
        Some(chosen) => several(args, &chosen, &runtime, &stop, console),
        None => single(args, &runtime, &stop, console),
    };
    runtime.shutdown_background();
    outcome
}

fn single(args: &CollectArgs, runtime: &Runtime, stop: &Stop, console: &Console) -> Result<u8, Error> {
    let begun = Instant::now();
    let captures = captures::open(&args.captures)?;
    let redactor = pseudonyms::redactor(&args.pseudonyms, args.evidence.keep_random_tokens)?;
    let context = gather::context_name(&sources::connection_options(&args.evidence.cluster))?;
    let subject = Subject { context: context.as_deref(), files: None, number: None, redactor, captures };
    let progress = console.progress();
    let collected = collected(args, subject, runtime.handle(), stop, progress.clone());
    progress.finish();
    let collected = collected?;
    console.verbose(&format!("collected in {}", seconds(begun.elapsed(), 1)));
    console.conclusion(&collected.verdict());
    if let Some(names) = &collected.names {
        console.error(&pseudonyms::map_notice(names));
    }
    console.error(&collected.contents());
    if let Some(path) = &collected.written.path {
        console.result(&format!("{}\n", path.display())).map_err(Error::Output)?;
    }
    Ok(collected.exit_code())
}

/// Writes a bundle for each context into the folder. Clusters are contacted at the same time; the bundles of
/// those that answer take turns. The table on standard error is for the person; the paths on standard output
/// are the result.
fn several(
    args: &CollectArgs,
    chosen: &Chosen,
    runtime: &Runtime,
    stop: &Stop,
    console: &Console,
) -> Result<u8, Error> {
    if !matches!(Destination::from_argument(&args.to), Destination::Folder(_)) {
        return Err(Error::Usage {
            what: format!("--to {} with --contexts or --all-contexts: they write several bundles", args.to),
            hint: "give --to a folder, such as --to bundles/; each bundle gets its own name there".into(),
        });
    }
    if !args.captures.is_empty() || args.pseudonyms.redact_map.is_some() {
        return Err(Error::Usage {
            what: "--pcap or --redact-map with --contexts or --all-contexts: they belong to one cluster".into(),
            hint: "run them for their own cluster: --context NAME".into(),
        });
    }
    let numbers = numbers(&chosen.names, &args.evidence.cluster.namespace);
    let progress = console.progress();
    let (reaching, turns) = (Turns::to_reach(), Turns::new(MAX_BUNDLES));
    let outcomes = contexts::each(runtime, &chosen.names, stop, |context| {
        let args = CollectArgs { evidence: contexts::with_context(&args.evidence, &context), ..args.clone() };
        let (number, files) = (numbers.get(&context).copied(), chosen.files.clone());
        let (stop, runtime) = (stop.clone(), runtime.handle().clone());
        let (reaching, turns) = (reaching.clone(), turns.clone());
        let progress = Arc::new(progress.labelled(&context));
        async move {
            contexts::reach(&args.evidence, &files, &stop, &reaching).await?;
            let bundle = move || {
                let redactor = pseudonyms::redactor(&args.pseudonyms, args.evidence.keep_random_tokens)?;
                let (name, files) = (Some(context.as_str()), Some(&files));
                let subject = Subject { context: name, files, number, redactor, captures: Vec::new() };
                collected(&args, subject, &runtime, &stop, progress).map(|collected| Kept::of(&context, collected))
            };
            turns.run(bundle).await?
        }
    });
    progress.finish();
    let by_context = chosen.names.iter().zip(outcomes);
    let mut kept: Vec<Kept> =
        by_context.map(|(context, outcome)| outcome.unwrap_or_else(|error| Kept::failed(context, &error))).collect();
    let paths = kept.iter().filter_map(|bundle| bundle.path.as_ref());
    let paths: String = paths.map(|path| format!("{}\n", path.display())).collect();
    let codes: Vec<u8> = kept.iter().map(|bundle| bundle.exit_code).collect();
    kept.sort_by_key(|bundle| harm(&bundle.summary));
    let last: Vec<String> = kept.iter().map(|bundle| bundle.contents.clone()).collect();
    let maps: Vec<String> =
        kept.iter().filter_map(|bundle| bundle.names.as_deref()).map(pseudonyms::map_notice).collect();
    let lines: Vec<Summary> = kept.into_iter().map(|bundle| bundle.summary).collect();
    let options = TextOptions { styles: Styles::default(), width: console.width(), wide: false };
    console.error(table(&lines, "BUNDLE", &last, options).trim_end());
    for notice in maps {
        console.error(&notice);
    }
    console.result(&paths).map_err(Error::Output)?;
    Ok(worst(&codes))
}

/// What is kept of one of several bundles after it was written.
struct Kept {
    summary: Summary,
    contents: String,
    path: Option<PathBuf>,
    /// Path of the list of pseudonyms, where there is one.
    names: Option<PathBuf>,
    exit_code: u8,
}

impl Kept {
    fn of(context: &str, collected: Collected) -> Self {
        Self {
            summary: Summary::new(context, Ok(&collected.report)),
            contents: collected.contents(),
            exit_code: collected.exit_code(),
            path: collected.written.path,
            names: collected.names,
        }
    }

    fn failed(context: &str, error: &Error) -> Self {
        let failure = contexts::failure(error);
        Self {
            summary: Summary::new(context, Err(&failure)),
            contents: String::new(),
            path: None,
            names: None,
            exit_code: failure.exit_code,
        }
    }
}

/// Returns the numbers that tell bundles apart whose contexts have the same name after sanitising. The first
/// of such contexts gets no number.
fn numbers(names: &[String], namespace: &str) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let numbers = names.iter().map(|context| {
        let alike = BundleName::new(Some(context), namespace, Timestamp::UNIX_EPOCH).as_str().to_lowercase();
        let number = counts.entry(alike).and_modify(|count| *count += 1).or_insert(1);
        (context.clone(), *number)
    });
    numbers.filter(|(_, number)| *number > 1).collect()
}

/// The input of one bundle.
struct Subject<'a> {
    context: Option<&'a str>,
    /// The kubeconfig, if it was read already.
    files: Option<&'a KubeconfigFiles>,
    /// Number in the name, where several bundles would have the same one.
    number: Option<usize>,
    redactor: Redactor,
    captures: Vec<Capture>,
}

/// A written bundle with its report.
struct Collected {
    written: Written,
    report: Report,
    /// Path of the list of pseudonyms, where there is one.
    names: Option<PathBuf>,
    has_overrides: bool,
    /// Names of `--env-group` that this one of several clusters does not have.
    unknown_groups: Vec<String>,
    interrupted: bool,
}

impl Collected {
    fn verdict(&self) -> String {
        let verdict = &self.report.verdict;
        visible(&format!("{} {}", verdict.kind.word(), verdict.headline))
    }

    /// Returns one line: what the bundle lacks that support requests first, and what it holds.
    fn contents(&self) -> String {
        let Written { manifest, bytes, .. } = &self.written;
        let partial = manifest.partial.as_ref().map_or_else(String::new, |why| format!("; partial: {why}"));
        let groups = match self.unknown_groups.join(", ") {
            names if names.is_empty() => String::new(),
            names => {
                format!("; --env-group {names}: not found, {} in the bundle lists the groups found", layout::README)
            }
        };
        // Empty lists and what was not requested are not missing.
        let lost = manifest.skipped.iter().filter(|skipped| skipped.absence == Absence::Lost).count();
        let forbidden = manifest.skipped.iter().filter(|skipped| skipped.needs.is_some()).count();
        let rights = match forbidden {
            0 => String::new(),
            _ => format!(
                "; {forbidden} of them forbidden: `kubectl apigee-tls rbac collect -n {}` prints the Role to apply",
                manifest.namespace
            ),
        };
        let lacks = if self.has_overrides {
            ""
        } else {
            "overrides.yaml is not in it, and support asks for it first: -f overrides.yaml; "
        };
        let files = manifest.files.len();
        visible(&format!("{lacks}{files} files, {bytes} bytes, {lost} not collected{rights}{partial}{groups}"))
    }

    /// Findings do not change the exit code: they are for the reader of the bundle.
    fn exit_code(&self) -> u8 {
        if self.interrupted { 130 } else { 0 }
    }
}

/// Gathers, judges, and writes the bundle.
fn collected(
    args: &CollectArgs,
    subject: Subject<'_>,
    runtime: &Handle,
    stop: &Stop,
    progress: Arc<dyn run::Progress>,
) -> Result<Collected, Error> {
    let Subject { context, files, number, redactor, captures } = subject;
    let collected_at = sources::now();
    let context = context.map(|context| redactor.context(context));
    let namespace = redactor.text(&args.evidence.cluster.namespace, &mut Redactions::default());
    let name = BundleName::new(context.as_deref(), &namespace, collected_at);
    let name = match number {
        Some(number) => name.numbered(number),
        None => name,
    };
    let sink = RedactingWriter {
        writer: Arc::new(BundleWriter::create(&Destination::from_argument(&args.to), &name)?),
        redactor: Arc::new(redactor),
        logs: args.kept_logs,
        log_limit: args.log_limit,
        objects: Arc::new(Mutex::new(RoutesAndEvents::default())),
    };
    let names = pseudonyms::file(&args.pseudonyms, &args.to, &sink.writer)?;
    let stop = stop.part(sources::timeout(&args.evidence));
    let timings = Arc::new(Timings::new(progress));
    let (evidence, read) = runtime.block_on(async {
        let ledger = Arc::default();
        let wanted = Wanted { args: &args.evidence, files };
        let sinks = |origin: &LogOrigin, scanner| Tee { scanner, file: LogFile::new(&sink, origin, "") };
        let mut evidence =
            sources::gathered_with(wanted, collected_at, &stop, timings.clone(), &sinks, Some(&sink), &ledger).await?;
        sources::add_files(&args.evidence, &mut evidence, &stop, Some(&sink), &ledger).await?;
        let progress: Arc<dyn run::Progress> = timings.clone();
        super::log_stores::add(&args.evidence, &mut evidence, &stop, &progress, Some(&sink), &ledger).await?;
        let given = Given { names: &args.captures, key_log: args.key_log.as_deref(), keeps: true };
        let read = super::captures::add(given, &mut evidence, &stop, timings.clone()).await;
        Ok::<_, Error>((evidence, read))
    })?;
    // The bundle is worth more than one capture that could not be judged.
    let handshakes = read.unwrap_or_else(|error| {
        sink.lost("the judgement of the captures", "--pcap", &sink.redact_text(&super::message(&error)));
        None
    });
    // Of several clusters, each has its own groups.
    if !contexts::are_several(&args.evidence.cluster) {
        check_groups(&args.env_groups, &evidence)?;
    }
    if args.evidence.overrides.is_empty() {
        let why = "not given: add -f with the overrides file of the last helm upgrade of this cluster";
        sink.absent(Absence::NotAsked, bundle_sink::OVERRIDES, "-f", why);
    }
    let has_captures = !captures.is_empty();
    let is_cut = captures.iter().any(Capture::is_too_large);
    captures::add(captures, pseudonyms::kinds(&args.pseudonyms), &stop, &sink);
    // Packets hold names and addresses that pseudonyms cannot replace.
    if let Some(handshakes) = handshakes.filter(|_| is_cut && pseudonyms::kinds(&args.pseudonyms) == Pseudonyms::None) {
        captures::add_handshakes(handshakes, &stop, &sink);
    }
    // An interruption after this point no longer affects what is written.
    let stopped = stop.reason();
    let evidence = clean_evidence(&sink, &evidence)?;
    for (source, why) in unseen(&evidence) {
        sink.unavailable(source.name(), &format!("diagnose: {}", why.what), why);
    }
    let partial = evidence.interrupted.as_ref().map(ToString::to_string);
    let request = Request {
        case: args.case.as_deref().filter(|case| !case.trim().is_empty()).map(|case| sink.redact_text(case)),
        note: args.note.as_deref().map(|note| sink.redact_text(note)),
        groups: args.env_groups.iter().map(|name| sink.redact_text(name)).collect(),
        partial: partial.or_else(|| stopped.as_ref().map(ToString::to_string)),
        pseudonyms: pseudonyms::kinds(&args.pseudonyms),
        has_captures,
    };
    let report = build(&evidence, &Selection::default(), FailOn::default());
    add_pages(&sink, &request, &evidence, &report);
    let timings = timings.milliseconds().into_iter().map(|(task, took)| (sink.redact_text(&task), took)).collect();
    let RedactingWriter { writer, redactor, .. } = sink;
    let writer = Arc::try_unwrap(writer).map_err(|_| Error::Internal)?;
    if let Some(file) = &names {
        file.fill(name.as_str(), redactor.names())?;
    }
    let Request { case, note, groups, partial, pseudonyms, .. } = request;
    let written = writer.finish(Head {
        case,
        note,
        pseudonyms: pseudonyms::kind_names(pseudonyms),
        partial,
        plan: PLAN.iter().map(PlannedItem::from).collect(),
        timings,
    })?;
    let unknown_groups = pages::unknown_groups(&groups, &evidence).into_iter().map(str::to_owned).collect();
    let names = names.map(|file| file.publish(written.path.as_deref())).transpose()?;
    let has_overrides = !args.evidence.overrides.is_empty();
    let interrupted = stopped == Some(Reason::Interrupted);
    Ok(Collected { written, report, names, has_overrides, unknown_groups, interrupted })
}

/// Rejects names of `--env-group` that match no group, with the groups that exist.
fn check_groups(named: &[String], evidence: &Evidence) -> Result<(), Error> {
    let unknown = pages::unknown_groups(named, evidence);
    if unknown.is_empty() {
        return Ok(());
    }
    let what = format!("--env-group {}: the cluster has no such environment group", unknown.join(", "));
    let hint = format!("the environment groups are: {}", joined(&pages::group_names(evidence), ", ", "none"));
    Err(Error::Argument { what, hint })
}

fn run_self_test(console: &Console) -> Result<u8, Error> {
    let results = self_test::self_test();
    let passed = results.iter().filter(|result| result.passed).count();
    let mut text = String::new();
    for self_test::SelfTestResult { kind, container, passed, why } in &results {
        let planted = format!("{kind} in {container:?}");
        if *passed {
            console.verbose(&format!("passed {planted}"));
        } else {
            text += &format!("FAILED {planted}: {why}\n");
        }
    }
    text += &format!("{passed} of {} planted secrets and names were redacted\n", results.len());
    console.result(&text).map_err(Error::Output)?;
    Ok(u8::from(passed < results.len()))
}

/// Redacts the evidence and writes it into the bundle. Returns the redacted value, so that the report is made
/// of what the bundle holds.
fn clean_evidence(sink: &RedactingWriter, evidence: &Evidence) -> Result<Evidence, Error> {
    let mut redactions = Redactions::default();
    let evidence = sink.redactor.clean(evidence, &mut redactions)?;
    let json = json(&evidence)?;
    let why = "the evidence, for `kubectl apigee-tls diagnose --from`";
    sink.write_clean(layout::EVIDENCE, "diagnose", why, &json, redactions);
    Ok(evidence)
}

/// Writes the pages that are made of the evidence and the report.
fn add_pages(sink: &RedactingWriter, request: &Request, evidence: &Evidence, report: &Report) {
    let objects = sink.objects.lock().unwrap_or_else(PoisonError::into_inner);
    let skipped = sink.writer.skipped();
    let input = pages::Input { evidence, report, request, objects: &objects, skipped: &skipped };
    for page in pages::all(&input) {
        sink.page(&page);
    }
}
