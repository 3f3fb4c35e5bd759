//! Whole reports: `tests/verdicts/<case>.yaml` patches the healthy base; the snapshot beside it holds the
//! report as text and the verdict as data.
//!
//! Each case is also checked against the published schema (JSON), a shell (a YAML parser
//! (manifests), and hostile names with control characters (text).

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use apigee_tls::evidence::Evidence;
use apigee_tls::judgement::{FailOn, Report, Selection, build, contexts, diff, probe};
use apigee_tls::report::styles::Styles;
use apigee_tls::report::{Document, Format, TextOptions, render, write};
use apigee_tls::verdict::VerdictKind;
use serde::Deserialize;
use serde_json::Value;
use support::Setting;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    /// Description of the case; not used.
    #[serde(rename = "about")]
    _about: String,
    exit_code: u8,
    #[serde(flatten)]
    setting: Setting,
}

const OPTIONS: fn() -> TextOptions = || TextOptions { styles: Styles::default(), width: 100, wide: false };

fn each_case(look: impl Fn(&str, &Case, &Evidence, &Report)) {
    let mut failed = Vec::new();
    for path in support::yaml_files("tests/verdicts") {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let run = || {
            let case: Case = support::read(&path).expect("the case reads");
            let evidence = case.setting.evidence().unwrap_or_else(|error| panic!("{stem}: {error}"));
            let report = build(&evidence, &Selection::default(), FailOn::default());
            look(&stem, &case, &evidence, &report);
        };
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            failed.push(stem);
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

#[test]
fn reports_read_as_recorded() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("verdicts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        each_case(|stem, case, _, report| {
            assert_eq!(report.exit_code, case.exit_code, "{stem}: exit code");
            let verdict = serde_yaml::to_string(&report.verdict).expect("a verdict serialises");
            let wide = report.text(TextOptions { wide: true, ..OPTIONS() });
            let steps = &wide[wide.find("STEPS\n").expect("the steps are in the wide report")..];
            let shown = format!(
                "{}\n---- wide ----\n{steps}\n---- verdict, exit code {} ----\n{verdict}",
                report.text(OPTIONS()),
                report.exit_code
            );
            insta::assert_snapshot!(stem, shown);
        });
    });
}

/// The screen of every scenario in narrow and wide terminals, and in colour.
#[test]
fn screens_look_as_recorded() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let screens: [(&str, usize, Styles); 5] = [
        ("screens-80", 80, Styles::default()),
        ("screens-160", 160, Styles::default()),
        ("screens-80-coloured", 80, Styles::colorize()),
        ("screens-100-coloured", 100, Styles::colorize()),
        ("screens-160-coloured", 160, Styles::colorize()),
    ];
    for (name, width, styles) in screens {
        let all: Mutex<BTreeMap<String, String>> = Mutex::default();
        each_case(|stem, _, _, report| {
            let text = report.text(TextOptions { styles, width, wide: false });
            all.lock().expect("no case panicked with the lock").insert(stem.to_owned(), text);
        });
        let all = all.into_inner().expect("no case panicked with the lock");
        // Escapes are written out, so that a reviewer sees them.
        let shown: String =
            all.iter().map(|(stem, text)| format!("==== {stem}\n{}\n", text.replace('\u{1b}', "\\e"))).collect();
        settings.bind(|| insta::assert_snapshot!(name, shown));
    }
}

/// The last line explains the headline, not another cause.
#[test]
fn the_check_to_explain_is_that_of_the_headline() {
    each_case(|stem, _, _, report| {
        let text = report.text(OPTIONS());
        let Some((_, rest)) = text.split_once("why: explain ") else { return };
        let first = report.verdict.causes.first().expect("something is to be explained");
        let code = rest.split_whitespace().next().unwrap_or_default();
        let of_first = first.codes.iter().chain(&first.symptom).any(|known| known.as_str() == code);
        assert!(of_first, "{stem}: {code} is not of {first:?}");
    });
}

/// Lines fit the terminal. Only what is pasted, and names that are longer, may be wider.
#[test]
fn lines_fit_the_width() {
    for width in [80, 100, 160] {
        each_case(|stem, _, _, report| {
            let text = report.text(TextOptions { styles: Styles::default(), width, wide: false });
            let steps = report.remedy.steps.iter().flat_map(|step| step.paste.iter());
            let pasted: Vec<&str> = steps
                .chain(report.verdict.next_measurement.iter().map(|next| &next.command))
                .flat_map(|text| text.lines())
                .collect();
            let is_pasted = |line: &str| pasted.contains(&line) || pasted.contains(&line.trim_start());
            let broad = |line: &&str| line.chars().count() > width && !is_pasted(line);
            let breakable = |line: &&str| line.trim_start().split(' ').count() > 3;
            let too_wide: Vec<&str> = text.lines().filter(broad).filter(breakable).collect();
            assert!(too_wide.is_empty(), "{stem} at {width} columns: {too_wide:#?}");
        });
    }
}

/// The cause, what was seen and proved, and the whole fix are read without scrolling.
#[test]
fn the_usual_cause_fits_a_screen() {
    let path = support::root().join("tests/verdicts/reproduced-no-wildcard.yaml");
    let case: Case = support::read(&path).expect("the case reads");
    let mut evidence = case.setting.evidence().expect("the evidence fits");
    evidence.overrides.clear();
    let report = build(&evidence, &Selection::default(), FailOn::default());
    let text = report.text(OPTIONS());
    assert!(text.lines().count() <= 40, "{} lines:\n{text}", text.lines().count());
    assert!(text.contains("helm upgrade dev-grp") && text.contains("kubectl --context prod apply"), "{text}");
}

/// A headline names the cause, so that reports, tickets and tables of several clusters can be told apart by
/// it.
#[test]
fn different_causes_have_different_headlines() {
    let causes: Mutex<BTreeMap<String, BTreeMap<Vec<String>, String>>> = Mutex::default();
    each_case(|stem, _, _, report| {
        let codes = report.verdict.causes.first().map_or(Vec::new(), |cause| cause.codes.clone());
        let codes = codes.iter().map(ToString::to_string).collect();
        let mut causes = causes.lock().expect("no case panicked with the lock");
        causes.entry(report.verdict.headline.clone()).or_default().insert(codes, stem.to_owned());
    });
    let causes = causes.into_inner().expect("no case panicked with the lock");
    let shared: Vec<_> = causes.iter().filter(|(_, by_codes)| by_codes.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:#?}");
}

/// A verdict on some checks is not one on the gateway.
#[test]
fn a_selection_is_never_healthy() {
    let case = |stem: &str| -> Evidence {
        let path = support::root().join(format!("tests/verdicts/{stem}.yaml"));
        let case: Case = support::read(&path).expect("the case reads");
        case.setting.evidence().expect("the evidence fits")
    };
    let only = |code: &str| Selection { only: vec![code.to_owned()], skip: Vec::new() };
    let without = |code: &str| Selection { only: Vec::new(), skip: vec![code.to_owned()] };
    let passed = build(&case("healthy"), &only("AT201"), FailOn::default());
    assert_eq!((passed.verdict.kind, passed.exit_code), (VerdictKind::Passed, 0), "{}", passed.verdict.headline);
    assert!(passed.verdict.headline.starts_with("1 of "), "{}", passed.verdict.headline);
    for selection in [only("AT405"), without("AT101")] {
        let left_out = build(&case("no-wildcard"), &selection, FailOn::Error);
        assert_ne!(left_out.verdict.kind, VerdictKind::Healthy);
        assert_eq!(left_out.exit_code, 3, "{}", left_out.verdict.headline);
        assert!(left_out.verdict.headline.contains("AT101"), "{}", left_out.verdict.headline);
    }
}

#[test]
fn reports_fit_the_published_schema() {
    let schema = std::fs::read_to_string(support::root().join("docs/report.schema.json")).expect("the schema is there");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    each_case(|stem, _, _, report| {
        let value = serde_json::to_value(report).expect("a report serialises");
        let faults: Vec<String> =
            validator.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{stem}: {faults:#?}");
        let back: Report = serde_json::from_value(value).expect("a report reads back");
        assert_eq!(&back, report, "{stem}");
    });
}

/// A manifest must be one object with the right names.
#[test]
fn manifests_to_paste_are_valid() {
    each_case(|stem, _, evidence, report| {
        for paste in report.remedy.steps.iter().filter_map(|step| step.paste.as_deref()) {
            let Some(manifest) = paste.strip_prefix("echo '\napiVersion: ") else { continue };
            let (manifest, command) = manifest.split_once("' | ").expect("it is piped");
            assert!(command.starts_with("kubectl ") && command.ends_with(" apply -f -"), "{stem}: {command}");
            let manifest: Value = serde_yaml::from_str(&format!("apiVersion: {manifest}")).expect("it is YAML");
            assert_eq!(manifest["kind"], "ApigeeRoute");
            assert_eq!(manifest["metadata"]["namespace"], evidence.question.namespace());
            assert_eq!(manifest["spec"]["enableNonSniClient"], true);
        }
    });
}

/// Whatever the format, a document is complete, and programs can tell its shape by its schema.
#[test]
fn every_document_has_every_format_its_schema_and_its_findings() {
    let case: Case =
        support::read(&support::root().join("tests/verdicts/reproduced-no-wildcard.yaml")).expect("it reads");
    let evidence = case.setting.evidence().expect("the evidence fits");
    let report = build(&evidence, &Selection::default(), FailOn::default());
    let found = report.checks.iter().map(|check| check.findings.len()).sum::<usize>();
    assert!(found > 0);
    assert_eq!(rendered(&report), vec![None; found]);
    let contexts = contexts::build([("east".to_owned(), Ok(report))]);
    assert_eq!(rendered(&contexts), vec![Some("east".to_owned()); found]);
    let healthy: Setting = serde_yaml::from_str("{}").expect("an empty patch");
    let before = healthy.evidence().expect("the evidence fits");
    let earlier = build(&before, &Selection::default(), FailOn::default());
    let earlier = contexts::build([("east".to_owned(), Ok(earlier))]);
    let fleet = diff::fleet::compare(&earlier, &contexts, FailOn::default()).expect("the reports unpack");
    assert_eq!(rendered(&fleet), vec![Some("east".to_owned()); found]);
    let difference = diff::compare(&before, &evidence, FailOn::default());
    assert_eq!(rendered(&difference).len(), difference.new.len() + difference.still.len());
    let probe = probe::build(&evidence, FailOn::default());
    let targets: BTreeSet<Option<String>> = rendered(&probe).into_iter().collect();
    assert!(!targets.is_empty());
    assert!(targets.iter().flatten().all(|name| probe.targets.iter().any(|target| target.name == *name)));
}

/// Renders the document in every format, and returns what its findings are of.
fn rendered<D: Document>(document: &D) -> Vec<Option<String>> {
    for &format in Format::ALL {
        let shown = render(document, format, OPTIONS()).expect("it has this format");
        assert!(shown.ends_with('\n'), "{}: {shown}", format.name());
    }
    let json = render(document, Format::Json, OPTIONS()).expect("it has JSON");
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["schema"], D::SCHEMA);
    let yaml = render(document, Format::Yaml, OPTIONS()).expect("it has YAML");
    assert_eq!(serde_yaml::from_str::<Value>(&yaml).expect("it is YAML"), json);
    assert_eq!(render(document, Format::Text, OPTIONS()).expect("it has text"), document.text(OPTIONS()));
    for &format in Format::ALL {
        let mut written = Vec::new();
        write(document, format, OPTIONS(), &mut written).expect("it can be written");
        assert!(written == render(document, format, OPTIONS()).expect("it has this format").into_bytes());
    }
    document.findings().iter().map(|finding| finding.subject.map(str::to_owned)).collect()
}

fn is_diff(text: &str) -> bool {
    text.starts_with("--- ") || text.starts_with("diff ")
}

#[test]
fn evidence_reads_back_and_gives_the_same_report() {
    each_case(|stem, _, evidence, report| {
        let written = serde_json::to_string(evidence).expect("evidence serialises");
        let read: Evidence = serde_json::from_str(&written).expect("evidence reads back");
        assert_eq!(&build(&read, &Selection::default(), FailOn::default()), report, "{stem}");
    });
}

/// Adds escape sequences, line ends, direction overrides and a heredoc end to every string of the evidence.
/// None of them may reach the terminal, or leave the quotes of a command.
#[test]
fn escapes_hostile_names_in_terminal_and_commands() {
    let escape = "\u{1b}[2J\r\n\u{202e}\u{7}EOF\nEOF\n";
    let quoted = format!("{escape}'; touch owned; $(touch owned) `touch owned`");
    let bare = format!("{escape};touch owned;$(touch owned)`touch owned`#");
    for hostile in [quoted, bare] {
        no_harm_by(&hostile);
    }
}

fn no_harm_by(hostile: &str) {
    each_case(|stem, _, evidence, _| {
        let mut value = serde_json::to_value(evidence).expect("evidence serialises");
        let mut captures = value["captures"].take();
        spoil(&mut value, hostile, "");
        captures
            .as_array_mut()
            .expect("captures are a list")
            .iter_mut()
            .for_each(|capture| spoil_capture(capture, hostile));
        value["captures"] = captures;
        let evidence: Evidence = serde_json::from_value(value).expect("only names were changed");
        let report = build(&evidence, &Selection::default(), FailOn::default());
        let wide = TextOptions { wide: true, ..OPTIONS() };
        for options in [OPTIONS(), wide] {
            let shown = report.text(options);
            let bad = shown.chars().find(|letter| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}');
            assert_eq!(bad, None, "{stem}: {shown}");
        }
        let folder = tempfile::tempdir().expect("a folder to be harmed in");
        for step in &report.remedy.steps {
            let Some(command) = step.paste.as_deref().filter(|paste| !is_diff(paste) && !paste.starts_with("  "))
            else {
                continue;
            };
            harmless(Path::new(folder.path()), command);
        }
        for next in
            report.verdict.next_measurement.iter().chain(report.not_seen.iter().filter_map(|n| n.measurement.as_ref()))
        {
            harmless(Path::new(folder.path()), &next.command);
        }
        assert!(!folder.path().join("owned").exists(), "{stem}");
    });
}

/// Runs the command where only the shell's builtins are found.
fn harmless(folder: &Path, command: &str) {
    let touch =
        "touch() { : > owned; }; kubectl() { :; }; helm() { :; }; openssl() { :; }; tcpdump() { :; }; cat() { :; };";
    let ran = Command::new("/bin/sh")
        .args(["-c", &format!("{touch}\n{command}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/nonexistent")
        .output()
        .expect("sh is there");
    assert!(!folder.join("owned").exists(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// Adds the text to what a capture holds of names and bytes.
fn spoil_capture(capture: &mut Value, hostile: &str) {
    let spoil_text = |text: &mut Value| {
        if let Value::String(text) = text {
            text.push_str(hostile);
        }
    };
    let files = capture["files"].as_array_mut().expect("files are a list");
    for file in files {
        spoil_text(&mut file["name"]);
    }
    for group in capture["summary"]["groups"].as_array_mut().expect("groups are a list") {
        spoil_text(&mut group["filter"]);
        group["sample"] = hostile.into();
        let names = group["serverNames"].as_object_mut().expect("names are keys");
        *names = std::mem::take(names).into_iter().map(|(name, count)| (name + hostile, count)).collect();
    }
}

/// Adds the text to names and labels from the cluster, from logs and from files.
fn spoil(value: &mut Value, hostile: &str, key: &str) {
    match value {
        Value::String(text) => {
            let free = [
                "name",
                "namespace",
                "node",
                "waiting",
                "secretName",
                "credentialName",
                "owner",
                "helmRelease",
                "file",
            ];
            let placed = key == "value" || key == "hostnames[]" || key == "additionalGateways[]" || key == "errors[]";
            if (free.contains(&key) || placed) && text != "*" {
                text.push_str(hostile);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, hostile, &format!("{key}[]"))),
        Value::Object(entries) => {
            if matches!(key, "clients" | "serverNames") {
                *entries = std::mem::take(entries).into_iter().map(|(name, span)| (name + hostile, span)).collect();
            }
            for (key, entry) in entries.iter_mut() {
                spoil(entry, hostile, key);
            }
        }
        _ => {}
    }
}
