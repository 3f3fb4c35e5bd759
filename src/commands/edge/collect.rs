//! `edge collect`: the support bundle of an environment, in the format of `collect`.
//!
//! Report, evidence and every file pass the redaction. `--from` prints the report of the bundle byte for
//! byte, because both are made of the evidence in it. What was read from standard input is written from
//! memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;

use super::super::Error;
use super::super::collect::redacting_writer::{RedactingWriter, base};
use super::super::collect::{captures, pseudonyms};
use super::{GivenFile, Kept, Run};
use crate::bundle::manifest::Absence;
use crate::bundle::objects::RoutesAndEvents;
use crate::bundle::{self, BundleName, BundleWriter, Destination, Head, Written, layout};
use crate::cli::{EdgeCollectArgs, KeptLogs};
use crate::evidence::{Evidence, Reason, Seen};
use crate::judgement::FailOn;
use crate::judgement::edge::{self as judgement, EdgeReport};
use crate::plan::folder;
use crate::redact::{Pseudonyms, Redactions, Redactor};
use crate::report::styles::Styles;
use crate::report::{Format, TextOptions, render};
use crate::run::Stop;
use crate::terminal::Console;
use crate::text::{json, visible};
use crate::wire::certificate;
use crate::wire::edge::mp_log::Excerpt;

/// Folder of the answers of the Management API, with the paths of their URLs.
const API: &str = "api";
/// Folder of the files that the user gave.
const FILES: &str = "files";
/// Width of the report in the bundle, in columns.
const WIDTH: usize = 110;

pub(super) fn run(args: &EdgeCollectArgs, console: &Console) -> Result<u8, Error> {
    let redactor = pseudonyms::redactor(&args.pseudonyms, args.edge.keep_random_tokens)?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let gathered = runtime.block_on(async {
        let stop = Stop::on_signal(Some(args.edge.timeout), bundle::abandon).map_err(Error::Runtime)?;
        Box::pin(super::gathered(&args.edge, true, &stop, console)).await
    });
    let written = gathered.and_then(|run| write(args, run, redactor, console));
    // Signals are handled up to here. A hanging blocking call must not delay the exit.
    runtime.shutdown_background();
    written
}

fn write(args: &EdgeCollectArgs, run: Run, redactor: Redactor, console: &Console) -> Result<u8, Error> {
    let Run { evidence, refused, kept } = run;
    if let Some(fault) = refused {
        let hint = fault.hint().unwrap_or_default();
        return Err(Error::Argument { what: format!("the Management API: {}", fault.reason), hint });
    }
    let mut redactions = Redactions::default();
    let evidence = redactor.clean(&evidence, &mut redactions)?;
    let report = judgement::build(&evidence, FailOn::default(), false);
    let subject = &report.subject;
    let name = BundleName::new(Some(&subject.organization), &subject.environment, evidence.collected_at);
    let sink = RedactingWriter {
        writer: Arc::new(BundleWriter::create(&Destination::from_argument(&args.to), &name)?),
        redactor: Arc::new(redactor),
        logs: KeptLogs::Window,
        log_limit: 0,
        objects: Arc::new(Mutex::new(RoutesAndEvents::default())),
    };
    let names = pseudonyms::file(&args.pseudonyms, &args.to, &sink.writer)?;
    let contents = contents(&kept, sink.redactor.kinds() != Pseudonyms::None);
    add_pages(&sink, &evidence, &report, &contents, redactions)?;
    add_absent(&sink, args, &kept);
    add_kept(&sink, kept);
    for missing in &report.not_seen {
        // Redacted with the evidence that they are made of.
        sink.lost(&missing.what, "edge diagnose", &missing.why);
    }
    let partial = evidence.interrupted.as_ref().map(ToString::to_string);
    let RedactingWriter { writer, redactor, .. } = sink;
    let writer = Arc::try_unwrap(writer).map_err(|_| Error::Internal)?;
    if let Some(file) = &names {
        file.fill(name.as_str(), redactor.names())?;
    }
    let kinds = pseudonyms::kind_names(redactor.kinds());
    let written = writer.finish(Head { partial, pseudonyms: kinds, ..Head::default() })?;
    let names = names.map(|file| file.publish(written.path.as_deref())).transpose()?;
    announce(&report, &written, names.as_deref(), console)?;
    let interrupted = evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted);
    Ok(if interrupted { 130 } else { 0 })
}

/// Prints the verdict and where the bundle is.
fn announce(report: &EdgeReport, written: &Written, names: Option<&Path>, console: &Console) -> Result<(), Error> {
    let verdict = &report.verdict;
    console.conclusion(&visible(&verdict.line()));
    if let Some(names) = names {
        console.error(&pseudonyms::map_notice(names));
    }
    console.error(&format!("{} files, {} bytes", written.manifest.files.len(), written.bytes));
    if let Some(path) = &written.path {
        console.result(&format!("{}\n", path.display())).map_err(Error::Output)?;
    }
    Ok(())
}

fn add_pages(
    sink: &RedactingWriter,
    evidence: &Evidence,
    report: &EdgeReport,
    contents: &str,
    redactions: Redactions,
) -> Result<(), Error> {
    let options = TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
    let page = |path: &str, origin: &str, why: &str, text: &str, redactions: Redactions| {
        sink.write_clean(path, origin, why, text.as_bytes(), redactions);
    };
    for (path, format, why) in [
        (layout::REPORT_TEXT, Format::Wide, "the answer and the playbook step by step, for a person"),
        (layout::REPORT_HTML, Format::Html, "the same, for a browser"),
        (layout::REPORT_JSON, Format::Json, "the answer, for a program"),
    ] {
        page(path, "report", why, &render(report, format, options)?, Redactions::default());
    }
    let why = "the evidence, for `kubectl apigee-tls edge diagnose --from`";
    page(layout::EVIDENCE, "edge diagnose", why, &String::from_utf8_lossy(&json(evidence)?), redactions);
    page(layout::README, "report", "what is in the bundle", &readme(report, contents), Redactions::default());
    Ok(())
}

/// Lists the inputs of which nothing but the evidence is in the bundle.
fn add_absent(sink: &RedactingWriter, args: &EdgeCollectArgs, kept: &Kept) {
    let absent = |names: &[String], flag: &str, why: &str| {
        for name in names {
            sink.absent(Absence::Empty, &sink.redact_text(base(name)), flag, why);
        }
    };
    if kept.lines.as_ref().is_none_or(|lines| lines.text.is_empty()) {
        absent(&args.edge.mp_logs, "--mp-log", "it has no line of a failed handshake of this environment");
    }
    if kept.handshakes.is_none() {
        absent(&args.edge.captures, "--pcap", "it has no failed handshake");
    }
    absent(&args.edge.proxy_bundles, "--proxy-bundle", "the evidence has where it connects to");
    let stores: Vec<String> = args
        .edge
        .keystore_files
        .iter()
        .map(|given| given.split_once('=').map_or(given.as_str(), |(_, file)| file).to_owned())
        .collect();
    absent(&stores, "--keystore-file", "the evidence has its certificates");
}

/// Writes what was read beside the evidence: each text without its secrets.
fn add_kept(sink: &RedactingWriter, kept: Kept) {
    let Kept { answers, settings, lines, handshakes } = kept;
    add_answers(sink, answers);
    add_settings(sink, settings);
    if let Some(Excerpt { text, left_out }) = lines.filter(|lines| !lines.text.is_empty()) {
        let path = format!("{}/message-processor.log", folder::LOGS);
        let why = "lines of failed handshakes of this environment, the first of each failure";
        add_text(sink, &path, "--mp-log", why, &text);
        if left_out > 0 {
            sink.lost(&path, "--mp-log", &format!("{left_out} lines of failed handshakes like these"));
        }
    }
    match handshakes {
        Some(_) if sink.redactor.kinds() != Pseudonyms::None => {
            let why = "withheld: --redact cannot replace hostnames and addresses in packets";
            sink.lost("the packets of failing handshakes", "--pcap", why);
        }
        // What was read is written, also after the end of the run.
        Some(handshakes) => captures::add_handshakes(handshakes, &Stop::never(), sink),
        None => {}
    }
}

/// Writes the answers of the Management API. Certificates are re-encoded, so that nothing else can be among
/// them.
fn add_answers(sink: &RedactingWriter, answers: BTreeMap<String, Vec<u8>>) {
    for (path, bytes) in answers {
        let parts: Vec<String> = path.split('/').map(|part| layout::segment(&sink.redact_text(part))).collect();
        let path = format!("{API}/{}", parts.join("/"));
        let origin = format!("GET {path}");
        let mut redactions = Redactions::default();
        let (why, text) = match Path::new(&path).extension().and_then(|extension| extension.to_str()) {
            Some("pem") if sink.redactor.kinds() != Pseudonyms::None => {
                sink.lost(&path, &origin, "withheld: --redact cannot replace names within a certificate");
                continue;
            }
            Some("pem") => ("a certificate of a keystore", Ok(certificate::public_part(&bytes).0)),
            Some("xml") => {
                let text = sink.redactor.proxy_file(&String::from_utf8_lossy(&bytes), &mut redactions);
                ("where a proxy connects to", Ok(text))
            }
            _ => {
                let text = sink.redactor.answer(&String::from_utf8_lossy(&bytes), &mut redactions);
                ("an object of the environment", text)
            }
        };
        match text {
            Ok(text) => sink.write_clean(&path, &origin, why, text.as_bytes(), redactions),
            Err(withheld) => sink.lost(&path, &origin, &withheld.to_string()),
        }
    }
}

/// Writes the settings that the user gave, as they were judged.
fn add_settings(sink: &RedactingWriter, settings: Vec<GivenFile>) {
    for (number, GivenFile { flag, name, bytes }) in (1..).zip(settings) {
        let name = sink.redact_text(base(&name));
        let path = format!("{FILES}/{number:02}-{}", layout::segment(&name));
        let mut redactions = Redactions::default();
        let text = String::from_utf8_lossy(&bytes);
        let text = match flag {
            "--router-conf" => sink.redactor.router_configuration(&text, &mut redactions),
            _ => sink.redactor.properties(&text, &mut redactions),
        };
        sink.write_clean(&path, &format!("{flag} {name}"), "settings of a host", text.as_bytes(), redactions);
    }
}

fn add_text(sink: &RedactingWriter, path: &str, origin: &str, why: &str, bytes: &[u8]) {
    let mut redactions = Redactions::default();
    let text = sink.redactor.text(&String::from_utf8_lossy(bytes), &mut redactions);
    sink.write_clean(path, origin, why, text.as_bytes(), redactions);
}

/// The lines of the page to read first about what is there beside the report.
fn contents(kept: &Kept, has_pseudonyms: bool) -> String {
    let has_lines = kept.lines.as_ref().is_some_and(|lines| !lines.text.is_empty());
    [
        (!kept.answers.is_empty(), API, "answers of the Management API"),
        (!kept.settings.is_empty(), FILES, "settings of hosts"),
        (has_lines, folder::LOGS, "lines of failed handshakes"),
        (kept.handshakes.is_some() && !has_pseudonyms, folder::CAPTURES, "packets of failed handshakes"),
    ]
    .into_iter()
    .filter(|(is_there, _, _)| *is_there)
    .map(|(_, folder, what)| format!("- `{folder}/`: {what}\n"))
    .collect()
}

/// The page to read first.
fn readme(report: &EdgeReport, contents: &str) -> String {
    let verdict = &report.verdict;
    let subject = &report.subject;
    format!(
        "# Apigee Edge: {} / {}\n\n{}\n\n- `report.txt`, `report.html`: the answer and the playbook, step by \
         step\n- `report.json`: the same for a program\n- `evidence.json`: `kubectl apigee-tls edge diagnose --from` \
         judges it again\n{contents}\nPrivate keys, tokens and passwords are not in it.\n",
        visible(&subject.organization),
        visible(&subject.environment),
        visible(&verdict.line()),
    )
}

/// Returns whether the evidence is of Edge.
pub(super) fn is_of_edge(evidence: &Evidence) -> bool {
    matches!(evidence.edge, Seen::Seen(_))
}
