//! `collect`: what `diagnose` does, and the support bundle of it.
//!
//! ```text
//! cluster ─┬ logs ─ Tee ┬ evidence ─ report ─ pages ─┐
//!          │            └ redacted ───────────────────┤
//!          └ objects ─ redacted ──────────────────────┴─ BundleWriter
//! ```

mod keep;
mod pages;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use self::keep::{Keep, Tee};
use super::{Error, sources};
use crate::bundle::manifest::PlannedItem;
use crate::bundle::redact::self_test;
use crate::bundle::redact::{Pseudonyms, Redactions, Redactor};
use crate::bundle::{BundleName, BundleWriter, Destination, Head, ReadError, Written, evidence_file, layout};
use crate::cli::{CollectArgs, Expectation};
use crate::evidence::{Evidence, LogOrigin, Seen};
use crate::gather::plan::{Item, PLAN, Source};
use crate::gather::{self, Stop};
use crate::terminal::Console;

pub(super) fn run(args: &CollectArgs, console: &Console) -> Result<u8, Error> {
    if args.list {
        console.result(&plan()).map_err(Error::Output)?;
        return Ok(0);
    }
    if args.self_test {
        return tested(console);
    }
    sources::check_standard_input(args.evidence.overrides.iter().chain(&args.evidence.access_logs))?;
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
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let gathered = runtime.block_on(async {
        let timeout = args.evidence.timeout;
        let stop = Stop::on_ctrl_c((timeout > Duration::ZERO).then_some(timeout));
        let sinks = |origin: &LogOrigin, scanner| Tee { scanner, file: keep.log_file(origin, "") };
        let mut evidence =
            sources::gathered_with(&args.evidence, collected_at, &stop, console, &sinks, Some(&keep)).await?;
        sources::add_files(&args.evidence, &mut evidence, &stop, Some(&keep)).await?;
        Ok::<_, Error>((evidence, stop.reason()))
    });
    runtime.shutdown_background();
    let (mut evidence, stopped) = gathered?;
    evidence.question.expect_non_sni |= args.evidence.expect == Some(Expectation::NonSni);
    if args.evidence.overrides.is_empty() {
        let why = "not given: -f overrides.yaml; the file that helm upgrade was run with, one for each cluster";
        keep.skip("overrides.yaml", "-f", why, None);
    }
    let evidence = clean_evidence(&keep, &evidence)?;
    let partial = evidence.interrupted.as_ref().map(ToString::to_string).or(stopped.map(|reason| reason.to_string()));
    pages::add(&keep, args, &evidence, partial.as_deref())?;
    let Keep { writer, .. } = keep;
    let writer = Arc::try_unwrap(writer).map_err(|_| Error::Rendering("a log is still being written".into()))?;
    let written = writer.finish(Head {
        case: args.case.clone(),
        note: args.note.clone(),
        partial,
        plan: PLAN.iter().map(planned).collect(),
        timings: std::collections::BTreeMap::new(),
    })?;
    console.verbose(&format!("collected in {:.1} s", begun.elapsed().as_secs_f32()));
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

/// What the pages say of a source that was not seen.
fn why_not<T>(seen: &Seen<T>) -> String {
    match seen {
        Seen::Seen(_) => "none".into(),
        Seen::Unavailable(why) => why.to_string(),
    }
}
