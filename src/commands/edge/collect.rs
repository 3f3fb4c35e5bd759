//! `edge collect`: the support bundle of an environment, in the format of `collect`.
//!
//! Report, evidence and every file pass the redaction. `--from` prints the report of the bundle byte for
//! byte, because both are made of the evidence in it.

use std::collections::BTreeMap;

use tokio::runtime::Runtime;

use super::super::Error;
use super::Run;
use crate::bundle::manifest::{Absence, Skipped};
use crate::bundle::{self, BundleName, BundleWriter, Destination, Head, layout};
use crate::cli::EdgeCollectArgs;
use crate::evidence::{Evidence, Reason, Seen};
use crate::gather::edge::files;
use crate::judgement::FailOn;
use crate::judgement::edge::{self as judgement, EdgeReport};
use crate::redact::{Redactions, Redactor};
use crate::report::styles::Styles;
use crate::report::{Format, TextOptions, render};
use crate::run::Stop;
use crate::terminal::Console;
use crate::text::visible;
use crate::wire::certificate;

/// Folder of the answers of the Management API, with the paths of their URLs.
const API: &str = "api";
/// Folder of the files that the user gave.
const FILES: &str = "files";
/// Width of the report in the bundle, in columns.
const WIDTH: usize = 110;
/// Maximum number of bytes of a file that goes into the bundle.
const MAX_FILE: usize = 4 << 20;

pub(super) fn run(args: &EdgeCollectArgs, console: &Console) -> Result<u8, Error> {
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let gathered = runtime.block_on(async {
        let stop = Stop::on_signal(Some(args.edge.timeout), bundle::abandon).map_err(Error::Runtime)?;
        Box::pin(super::gathered(&args.edge, true, &stop, console)).await
    });
    let written = gathered.and_then(|run| write(args, run, console));
    // Signals are handled up to here. A hanging blocking call must not delay the exit.
    runtime.shutdown_background();
    written
}

fn write(args: &EdgeCollectArgs, run: Run, console: &Console) -> Result<u8, Error> {
    let Run { evidence, refused, answers } = run;
    if let Some(fault) = refused {
        let hint = fault.hint().unwrap_or_default();
        return Err(Error::Argument { what: format!("the Management API: {}", fault.reason), hint });
    }
    let redactor = Redactor::secrets_only().keep_random_tokens(args.edge.keep_random_tokens);
    let mut redactions = Redactions::default();
    let evidence = redactor.clean(&evidence, &mut redactions)?;
    let report = judgement::build(&evidence, FailOn::default(), false);
    let subject = &report.subject;
    let name = BundleName::new(Some(&subject.organization), &subject.environment, evidence.collected_at);
    let packing = Packing { writer: BundleWriter::create(&Destination::from_argument(&args.to), &name)?, redactor };
    packing.pages(&evidence, &report, redactions)?;
    packing.answers(answers);
    packing.files(args);
    for missing in &report.not_seen {
        packing.skip(&missing.what, &missing.why);
    }
    let partial = evidence.interrupted.as_ref().map(ToString::to_string);
    let written = packing.writer.finish(Head { partial, ..Head::default() })?;
    let verdict = &report.verdict;
    console.conclusion(&visible(&format!("{} {}: {}", verdict.kind.word(), verdict.leg.word(), verdict.headline)));
    console.error(&format!("{} files, {} bytes", written.manifest.files.len(), written.bytes));
    if let Some(path) = &written.path {
        console.result(&format!("{}\n", path.display())).map_err(Error::Output)?;
    }
    let interrupted = evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted);
    Ok(if interrupted { 130 } else { 0 })
}

/// A bundle that is being written.
struct Packing {
    writer: BundleWriter,
    redactor: Redactor,
}

impl Packing {
    fn pages(&self, evidence: &Evidence, report: &EdgeReport, redactions: Redactions) -> Result<(), Error> {
        let options = TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
        let none = Redactions::default;
        let text = render(report, Format::Wide, options)?;
        self.entry(
            layout::REPORT_TEXT,
            "report",
            "the answer and the playbook step by step, for a person",
            text.as_bytes(),
            none(),
        );
        let json = render(report, Format::Json, options)?;
        self.entry(layout::REPORT_JSON, "report", "the answer, for a program", json.as_bytes(), none());
        let json = serde_json::to_string_pretty(evidence)?;
        let why = "the evidence, for `kubectl apigee-tls edge diagnose --from`";
        self.entry(layout::EVIDENCE, "edge diagnose", why, json.as_bytes(), redactions);
        self.entry(layout::README, "report", "what is in the bundle", readme(report).as_bytes(), none());
        Ok(())
    }

    /// Writes the answers of the Management API. Certificates are re-encoded, so that nothing else can be
    /// among them.
    fn answers(&self, answers: BTreeMap<String, Vec<u8>>) {
        for (path, bytes) in answers {
            let parts: Vec<String> = path.split('/').map(layout::segment).collect();
            let path = format!("{API}/{}", parts.join("/"));
            let origin = format!("GET {path}");
            if std::path::Path::new(&path).extension().is_some_and(|extension| extension == "pem") {
                let (public, _) = certificate::public_part(&bytes);
                self.entry(&path, &origin, "a certificate of a keystore", public.as_bytes(), Redactions::default());
            } else {
                self.text(&path, &origin, "an object of the environment", &bytes);
            }
        }
    }

    /// Writes the settings that the user gave, as they were judged.
    fn files(&self, args: &EdgeCollectArgs) {
        let edge = &args.edge;
        let lists = [
            ("--router-conf", &edge.router_confs),
            ("--router-properties", &edge.router_properties),
            ("--mp-properties", &edge.mp_properties),
            ("--system-properties", &edge.system_properties),
        ];
        let mut number = 0;
        for (flag, names) in lists {
            for name in names {
                number += 1;
                let file = std::path::Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned());
                let path = format!("{FILES}/{number:02}-{}", layout::segment(&file.unwrap_or_default()));
                let origin = format!("{flag} {name}");
                match files::bounded(name, MAX_FILE) {
                    Ok(bytes) => self.text(&path, &origin, "settings of a host", &bytes),
                    Err(error) => self.skip(&origin, &error.to_string()),
                }
            }
        }
    }

    /// Writes a text from outside, without its secrets.
    fn text(&self, path: &str, origin: &str, why: &str, bytes: &[u8]) {
        let mut redactions = Redactions::default();
        let text = self.redactor.text(&String::from_utf8_lossy(bytes), &mut redactions);
        self.entry(path, origin, why, text.as_bytes(), redactions);
    }

    fn entry(&self, path: &str, origin: &str, why: &str, bytes: &[u8], redactions: Redactions) {
        let origin = self.redactor.text(origin, &mut Redactions::default());
        if let Err(why) = self.writer.write(path, &origin, why, bytes, redactions.counts()) {
            self.skip(path, &why);
        }
    }

    fn skip(&self, item: &str, why: &str) {
        let text = |text: &str| self.redactor.text(text, &mut Redactions::default());
        self.writer.skip(Skipped {
            item: text(item),
            origin: "edge diagnose".into(),
            absence: Absence::Lost,
            why: text(why),
            needs: None,
        });
    }
}

/// The page to read first.
fn readme(report: &EdgeReport) -> String {
    let verdict = &report.verdict;
    let subject = &report.subject;
    format!(
        "# Apigee Edge: {} / {}\n\n{} ({}): {}\n\n- `report.txt`: the answer and the playbook, step by step\n- \
         `report.json`: the same for a program\n- `evidence.json`: `kubectl apigee-tls edge diagnose --from` judges it \
         again\n- `api/`: answers of the Management API; `files/`: settings of hosts\n\nPrivate keys, tokens and \
         passwords are not in it.\n",
        visible(&subject.organization),
        visible(&subject.environment),
        verdict.kind.word(),
        verdict.leg.word(),
        visible(&verdict.headline)
    )
}

/// Returns whether the evidence is of Edge.
pub(super) fn is_of_edge(evidence: &Evidence) -> bool {
    matches!(evidence.edge, Seen::Seen(_))
}
