//! `collect`: what `diagnose` does, and the support bundle of it.
//!
//! ```text
//! cluster ─┬ logs ─ Tee ┬ evidence ─ report ─ pages ─┐
//!          │            └ redacted ───────────────────┤
//!          └ objects ─ redacted ──────────────────────┴─ BundleWriter
//! ```

mod captures;
mod keep;
mod naming;
mod pages;

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use tokio::runtime::Runtime;

use self::keep::{Keep, Tee};
use self::pages::Front;
use super::{Error, sources};
use crate::bundle::manifest::PlannedItem;
use crate::bundle::redact::Redactions;
use crate::bundle::redact::self_test;
use crate::bundle::{BundleName, BundleWriter, Destination, Head, ReadError, Written, evidence_file, layout};
use crate::cli::{CollectArgs, Expectation};
use crate::evidence::{Evidence, LogOrigin, Seen};
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
    let captures = captures::open(&args.captures)?;
    let redactor = naming::redactor(args)?;
    let context = gather::context_name(&sources::connection_options(&args.evidence.cluster))?;
    let collected_at = sources::now();
    let context = context.map(|context| redactor.context(&context));
    let namespace = redactor.text(&args.evidence.cluster.namespace, &mut Redactions::default());
    let name = BundleName::new(context.as_deref(), &namespace, collected_at);
    let destination = Destination::from_argument(&args.to);
    let keep = Keep {
        writer: Arc::new(BundleWriter::create(&destination, &name)?),
        redactor: Arc::new(redactor),
        logs: args.kept_logs,
        log_limit: args.log_limit,
        read: Arc::new(Mutex::new(Vec::new())),
    };
    let names = naming::file(args, &keep.writer)?;
    let begun = Instant::now();
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let gathered = runtime.block_on(async {
        let timeout = args.evidence.timeout;
        let stop = Stop::on_ctrl_c((timeout > Duration::ZERO).then_some(timeout));
        let since = None;
        let sinks =
            |origin: &LogOrigin| Tee { scanner: AccessLogScanner::new().since(since), file: keep.log_file(origin, "") };
        let mut evidence =
            sources::gathered_with(&args.evidence, collected_at, &stop, console, &sinks, Some(&keep)).await?;
        sources::add_files(&args.evidence, &mut evidence, &stop).await?;
        Ok::<_, Error>((evidence, stop.reason()))
    });
    runtime.shutdown_background();
    let (mut evidence, stopped) = gathered?;
    evidence.question.expect_non_sni |= args.evidence.expect == Some(Expectation::NonSni);
    add_given_files(args, &keep);
    let has_captures = !captures.is_empty();
    captures::add(captures, naming::kinds(args), &keep);
    let evidence = clean_evidence(&keep, &evidence)?;
    let partial = evidence.interrupted.as_ref().map(ToString::to_string).or(stopped.map(|reason| reason.to_string()));
    let front = Front {
        case: args.case.as_deref().map(|case| keep.plain(case)),
        note: args.note.as_deref().map(|note| keep.plain(note)),
        partial,
        pseudonyms: naming::kinds(args),
        has_captures,
    };
    pages::add(&keep, &front, &evidence)?;
    let Keep { writer, redactor, .. } = keep;
    let writer = Arc::try_unwrap(writer).map_err(|_| Error::Rendering("a log is still being written".into()))?;
    if let Some(file) = &names {
        file.fill(name.as_str(), redactor.names())?;
    }
    let Front { case, note, partial, pseudonyms, .. } = front;
    let written = writer.finish(Head {
        case,
        note,
        pseudonyms: naming::words(pseudonyms),
        partial,
        plan: PLAN.iter().map(planned).collect(),
        timings: std::collections::BTreeMap::new(),
    })?;
    console.verbose(&format!("collected in {:.1} s", begun.elapsed().as_secs_f32()));
    if let Some(file) = names {
        naming::publish(file, written.path.as_deref(), console)?;
    }
    told(&written, &evidence, console)
}

/// The path is the last line on standard output; the rest is for the person.
fn told(written: &Written, evidence: &Evidence, console: &Console) -> Result<u8, Error> {
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
    let interrupted =
        evidence.interrupted.as_ref().is_some_and(|why| why.reason == crate::evidence::Reason::Interrupted);
    Ok(if interrupted { 130 } else { 0 })
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
        "{} of {} secrets and names were planted and none of them came out\n",
        results.len() - failed.len(),
        results.len()
    );
    console.result(&text).map_err(Error::Output)?;
    Ok(u8::from(!failed.is_empty()))
}

/// The evidence as the bundle holds it, less secrets and with its pseudonyms, so that the report is made of what is there.
fn clean_evidence(keep: &Keep, evidence: &Evidence) -> Result<Evidence, Error> {
    let json = serde_json::to_string_pretty(evidence).map_err(|error| Error::Rendering(error.to_string()))?;
    let mut redactions = Redactions::default();
    let clean = keep.redactor.derived(&json, &mut redactions);
    let mut evidence = evidence_file::parse(layout::EVIDENCE, clean.as_bytes()).map_err(ReadError::from)?;
    keep.redactor.evidence(&mut evidence, &mut redactions);
    let json = serde_json::to_string_pretty(&evidence).map_err(|error| Error::Rendering(error.to_string()))?;
    let why = "what was seen, for `kubectl apigee-tls diagnose --from`";
    keep.whole(layout::EVIDENCE, "diagnose", why, json.as_bytes(), redactions);
    Ok(evidence)
}

/// The files that the user gave, as they are, less their secrets.
fn add_given_files(args: &CollectArgs, keep: &Keep) {
    for (number, name) in (1..).zip(&args.evidence.overrides) {
        let origin = format!("-f {}", keep.plain(base(name)));
        let item = "overrides.yaml";
        if name == "-" {
            keep.skip(item, &origin, "standard input is read once; give the file by its name", None);
            continue;
        }
        let mut text = String::new();
        let read = opened(name).and_then(|file| file.take(MAX_OVERRIDES).read_to_string(&mut text));
        if let Err(error) = read {
            keep.skip(item, &origin, &keep.plain(&error.to_string()), None);
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
            let origin = format!("--access-log {}", keep.plain(base(name)));
            keep.skip("logs", &origin, &keep.plain(&error.to_string()), None);
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
