//! `collect`: what `diagnose` does, and the support bundle of it.
//!
//! ```text
//! cluster ─┬ logs ─ Tee ┬ evidence ─ report ─ pages ─┐
//!          │            └ redacted ───────────────────┤
//!          └ objects ─ redacted ──────────────────────┴─ BundleWriter
//! ```

mod keep;
mod pages;
mod unseen;

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use flate2::read::MultiGzDecoder;
use tokio::runtime::Runtime;

use self::keep::{Keep, Tee};
use super::{Error, sources};
use crate::bundle::manifest::PlannedItem;
use crate::bundle::redact::self_test;
use crate::bundle::redact::{Pseudonyms, Redactions, Redactor};
use crate::bundle::{self, BundleName, BundleWriter, Destination, Head, ReadError, Written, evidence_file, layout};
use crate::cli::{CollectArgs, Expectation};
use crate::evidence::{Evidence, LogOrigin, Reason, Seen};
use crate::gather::plan::{Item, PLAN, Source};
use crate::gather::{self, Stop};
use crate::terminal::Console;
use crate::wire::access_log::AccessLogScanner;

/// An overrides file is not larger; the reader of it has the same limit.
const MAX_OVERRIDES: u64 = 16 << 20;
const CHUNK: usize = 64 << 10;

pub(super) fn run(args: &CollectArgs, console: &Console) -> Result<u8, Error> {
    if args.list {
        console.result(&plan()).map_err(Error::Output)?;
        return Ok(0);
    }
    if args.self_test {
        return tested(console);
    }
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let collected = runtime.block_on(async {
        let stop = sources::stop(args.evidence.timeout, bundle::abandon)?;
        let (keep, evidence) = gathered(args, &stop, console).await?;
        // Asked to end from here on, it writes what it has.
        written(args, &stop, keep, &evidence, console)
    });
    // It listens for signals until now. What hangs in a blocking call must not keep the end waiting.
    runtime.shutdown_background();
    collected
}

/// Everything that goes into the bundle, but for the pages that are made of it.
async fn gathered(args: &CollectArgs, stop: &Stop, console: &Console) -> Result<(Keep, Evidence), Error> {
    let context = gather::context_name(&sources::connection_options(&args.evidence.cluster))?;
    let collected_at = sources::now();
    let name = BundleName::new(context.as_deref(), &args.evidence.cluster.namespace, collected_at);
    let destination = Destination::from_argument(&args.to);
    let keep = Keep {
        writer: Arc::new(BundleWriter::create(&destination, &name)?),
        redactor: Arc::new(Redactor::new(Pseudonyms::None)),
        logs: args.kept_logs,
        log_limit: args.log_limit,
        read: Arc::new(Mutex::new(Vec::new())),
    };
    let begun = Instant::now();
    let sinks = |origin: &LogOrigin| Tee { scanner: AccessLogScanner::new(), file: keep.log_file(origin, "") };
    let mut evidence = sources::gathered_with(&args.evidence, collected_at, stop, console, &sinks, Some(&keep)).await?;
    sources::add_files(&args.evidence, &mut evidence, stop).await?;
    evidence.question.expect_non_sni |= args.evidence.expect == Some(Expectation::NonSni);
    console.verbose(&format!("gathered in {:.1} s", begun.elapsed().as_secs_f32()));
    Ok((keep, evidence))
}

/// The bundle of it. Nothing here waits for anybody.
fn written(args: &CollectArgs, stop: &Stop, keep: Keep, evidence: &Evidence, console: &Console) -> Result<u8, Error> {
    let stopped = stop.reason();
    add_given_files(args, &keep);
    let evidence = clean_evidence(&keep, evidence)?;
    let partial = evidence.interrupted.as_ref().map(ToString::to_string);
    let partial = partial.or_else(|| stopped.as_ref().map(ToString::to_string));
    pages::add(&keep, args, &evidence, partial.as_deref())?;
    for (item, why) in unseen::unseen(&evidence) {
        keep.unavailable(item, &format!("diagnose: {}", why.what), why);
    }
    let Keep { writer, .. } = keep;
    let writer = Arc::try_unwrap(writer).map_err(|_| Error::Rendering("a log is still being written".into()))?;
    let written = writer.finish(Head {
        case: args.case.clone(),
        note: args.note.clone(),
        partial,
        plan: PLAN.iter().map(planned).collect(),
        timings: std::collections::BTreeMap::new(),
    })?;
    told(&written, console)?;
    Ok(if stopped == Some(Reason::Interrupted) { 130 } else { 0 })
}

/// The path is the last line on standard output; the rest is for the person.
fn told(written: &Written, console: &Console) -> Result<(), Error> {
    let manifest = &written.manifest;
    console.error(&format!(
        "{} files, {} missing, {} bytes",
        manifest.files.len(),
        manifest.skipped.len(),
        written.bytes
    ));
    if let Some(why) = &manifest.partial {
        console.error(&format!("partial: {why}"));
    }
    if let Some(path) = &written.path {
        console.result(&format!("{}\n", path.display())).map_err(Error::Output)?;
    }
    Ok(())
}

/// What would be asked for, why, and by which right.
fn plan() -> String {
    let mut text = String::new();
    for item in PLAN {
        let planned = planned(item);
        let needs: Vec<String> =
            item.needs().iter().map(|right| format!("{} {}", right.verb, right.resource)).collect();
        text += &format!("{:22} {}\n{:22} needs {}; {}/\n", item.name, item.why, "", needs.join(", "), item.folder);
        text += &format!("{:22} {}\n", "", planned.origin);
    }
    text += &format!(
        "{:22} values of Secrets, private keys, tokens, passwords, environment values that look secret\n",
        "never"
    );
    text
}

fn planned(item: &Item) -> PlannedItem {
    let origin = match item.source {
        Source::Objects(objects) => match objects.name {
            Some(name) => format!("GET {}/{name}", objects.resource),
            None => format!("GET {}", objects.resource),
        },
        Source::Logs => "GET pods/log".into(),
        Source::Secrets => "GET secrets that routes name".into(),
        Source::PortForward => "pods/portforward: handshakes, Envoy's admin interface".into(),
    };
    PlannedItem { item: item.name.into(), origin, why: item.why.into() }
}

fn tested(console: &Console) -> Result<u8, Error> {
    let results = self_test::self_test();
    let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
    let mut text: String = failed
        .iter()
        .map(|result| format!("FAILED {} in {:?}: {}\n", result.kind, result.container, result.why))
        .collect();
    text += &format!(
        "{} of {} secrets were planted and none of them came out\n",
        results.len() - failed.len(),
        results.len()
    );
    console.result(&text).map_err(Error::Output)?;
    Ok(u8::from(!failed.is_empty()))
}

/// The evidence as the bundle holds it: through the same redaction as the rest, so that the report is made of what is there.
fn clean_evidence(keep: &Keep, evidence: &Evidence) -> Result<Evidence, Error> {
    let json = serde_json::to_string_pretty(evidence).map_err(|error| Error::Rendering(error.to_string()))?;
    let mut redactions = Redactions::default();
    let clean = keep.redactor.text(&json, &mut redactions);
    let evidence = evidence_file::parse(layout::EVIDENCE, clean.as_bytes()).map_err(ReadError::from)?;
    let why = "what was seen, for `kubectl apigee-tls diagnose --from`";
    keep.whole(layout::EVIDENCE, "diagnose", why, clean.as_bytes(), redactions);
    Ok(evidence)
}

/// The files that the user gave, as they are, less their secrets.
fn add_given_files(args: &CollectArgs, keep: &Keep) {
    for (number, name) in (1..).zip(&args.evidence.overrides) {
        let origin = format!("-f {}", base(name));
        let item = "overrides.yaml";
        if name == "-" {
            keep.skip(item, &origin, "standard input is read once; give the file by its name", None);
            continue;
        }
        let mut text = String::new();
        let read = opened(name).and_then(|file| file.take(MAX_OVERRIDES).read_to_string(&mut text));
        if let Err(error) = read {
            keep.skip(item, &origin, &error.to_string(), None);
            continue;
        }
        let mut redactions = Redactions::default();
        match keep.redactor.overrides(&text, &mut redactions) {
            Ok(clean) => {
                let path = if number == 1 {
                    format!("{}/overrides.yaml", layout::folder::OVERRIDES)
                } else {
                    format!("{}/overrides-{number}.yaml", layout::folder::OVERRIDES)
                };
                keep.whole(&path, &origin, "what the virtual hosts are to be", clean.as_bytes(), redactions);
            }
            Err(withheld) => keep.skip(item, &origin, &withheld.to_string(), None),
        }
    }
    if args.evidence.overrides.is_empty() {
        let why = "not given: -f overrides.yaml; the file that helm upgrade was run with, one for each cluster";
        keep.skip("overrides.yaml", "-f", why, None);
    }
    for name in args.evidence.access_logs.iter().filter(|name| *name != "-") {
        if let Err(error) = add_log(keep, name) {
            keep.skip("logs", &format!("--access-log {}", base(name)), &error.to_string(), None);
        }
    }
}

fn add_log(keep: &Keep, name: &str) -> std::io::Result<()> {
    let Some(mut log) = keep.log_file(&LogOrigin::File(name.to_owned()), "") else { return Ok(()) };
    let mut head = [0; 2];
    let is_gzip = opened(name)?.read(&mut head)? == 2 && head == [0x1f, 0x8b];
    let file = opened(name)?;
    let mut source: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            log.finish(None);
            return Ok(());
        }
        log.feed(&buffer[..count]);
    }
}

/// A file that can be read a second time: a pipe gave what it had to the judgement, and would wait for ever for more.
fn opened(name: &str) -> std::io::Result<std::fs::File> {
    if std::fs::metadata(name)?.is_file() {
        return std::fs::File::open(name);
    }
    Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no file that can be read twice"))
}

fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// What the pages say of a source that was not seen.
fn why_not<T>(seen: &Seen<T>) -> String {
    match seen {
        Seen::Seen(_) => "none".into(),
        Seen::Unavailable(why) => why.to_string(),
    }
}
