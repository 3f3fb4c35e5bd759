//! Formats for pipelines and tickets: what other programs read is read here as they read it.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::Path;
use std::process::Command;

use apigee_tls::evidence::Evidence;
use apigee_tls::judgement::probe::{self, ProbeReport};
use apigee_tls::judgement::{FailOn, OutcomeWord, Report, Selection, build, build_beside, contexts};
use apigee_tls::report::styles::Styles;
use apigee_tls::report::{Document, Format, TextOptions, render};
use quick_junit::TestCaseStatus;
use serde::Deserialize;
use serde_json::Value;
use support::Setting;

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    setting: Setting,
}

fn evidence(stem: &str) -> Evidence {
    let path = support::root().join(format!("tests/verdicts/{stem}.yaml"));
    let mut case: Value = support::read(&path).expect("the case reads");
    for key in ["about", "exitCode"] {
        case.as_object_mut().expect("a case is a map").remove(key);
    }
    let case: Case = serde_json::from_value(case).expect("the case has a setting");
    case.setting.evidence().expect("the evidence fits")
}

fn report(stem: &str) -> Report {
    build(&evidence(stem), &Selection::default(), FailOn::default())
}

fn beside(stem: &str, selection: &Selection, earlier: &Report) -> Report {
    build_beside(&evidence(stem), selection, FailOn::Warning, earlier)
}

fn rendered(document: &impl Document, format: Format) -> String {
    let options = TextOptions { styles: Styles::default(), width: 100, wide: false };
    render(document, format, options).expect("it has this format")
}

fn sarif(document: &impl Document) -> Value {
    serde_json::from_str(&rendered(document, Format::Sarif)).expect("it is JSON")
}

/// The schema that OASIS publishes, from the package that carries it.
fn published_schema() -> Value {
    let cargo = std::env::var_os("CARGO").expect("cargo runs tests");
    let arguments = ["metadata", "--locked", "--format-version", "1"];
    let answer = Command::new(cargo).args(arguments).current_dir(support::root()).output().expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&answer.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").expect("it is a dependency");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let mut schema: Value =
        support::read(&manifest.with_file_name("src").join("schema.json")).expect("the schema reads");
    // Its pattern for languages is no valid regular expression; no language is written.
    for owner in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{owner}/properties/language"));
        let language = language.and_then(Value::as_object_mut).expect("it has a language");
        assert!(language.remove("pattern").is_some());
    }
    schema
}

#[test]
fn sarif_fits_the_published_schema() {
    let validator = jsonschema::options().build(&published_schema()).expect("it is a schema");
    for path in support::yaml_files("tests/verdicts") {
        let stem = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let report = report(&stem);
        let log = sarif(&report);
        let faults: Vec<String> =
            validator.iter_errors(&log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{stem}: {faults:#?}");
        let results = log["runs"][0]["results"].as_array().expect("results");
        assert_eq!(results.len(), report.findings().len(), "{stem}");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("it is small");
            assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn findings_in_files_have_a_region() {
    let report = report("upgrade-pending");
    let log = sarif(&report);
    let results = log["runs"][0]["results"].as_array().expect("results");
    let region = results.iter().find_map(|result| result.pointer("/locations/0/physicalLocation"));
    let region = region.expect("the overrides file has a finding");
    assert_eq!(region["artifactLocation"]["uri"], "overrides.yaml");
    assert!(region["region"]["startLine"].as_u64() > Some(0) && region["region"]["startColumn"].as_u64() > Some(0));
}

/// A finding keeps its fingerprint when its line moves and when its pods are replaced.
#[test]
fn fingerprints_are_stable() {
    let fingerprints = |evidence: &Evidence| -> Vec<String> {
        let log = sarif(&build(evidence, &Selection::default(), FailOn::default()));
        let results = log["runs"][0]["results"].as_array().cloned().expect("results");
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect()
    };
    let before = evidence("upgrade-pending");
    let text = serde_json::to_string(&before).expect("evidence serialises");
    let renamed = text.replace("-1150-aaaaa", "-2260-ccccc").replace("\"line\":12", "\"line\":13");
    assert_ne!(renamed, text);
    let after: Evidence = serde_json::from_str(&renamed).expect("evidence reads");
    assert_eq!(fingerprints(&before), fingerprints(&after));
}

/// No two findings of a document share a fingerprint, be it for two pods, two hosts or two contexts.
#[test]
fn fingerprints_are_unique() {
    for path in support::yaml_files("tests/verdicts") {
        let stem = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let log = sarif(&report(&stem));
        let results = log["runs"][0]["results"].as_array().cloned().expect("results");
        let all: Vec<String> = results.iter().map(|result| result["partialFingerprints"].to_string()).collect();
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{stem}: {all:#?}");
    }
}

#[test]
fn junit_has_a_case_for_each_check() {
    let report = report("reproduced-no-wildcard");
    let text = rendered(&report, Format::Junit);
    let junit = quick_junit::Report::deserialize_from_str(&text).expect("it is JUnit");
    let cases: Vec<_> = junit.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    assert_eq!(cases.len(), report.checks.len());
    for (case, check) in cases.iter().zip(&report.checks) {
        let failed = matches!(case.status, TestCaseStatus::NonSuccess { .. });
        let skipped = matches!(case.status, TestCaseStatus::Skipped { .. });
        assert!(case.name.as_str().starts_with(check.code.as_str()));
        assert_eq!(failed, check.findings.iter().any(|_| check.level.as_str() != "notice"), "{}", check.code);
        let is_open = matches!(check.outcome, OutcomeWord::NotApplicable | OutcomeWord::Unknown);
        assert_eq!(skipped, is_open, "{}", check.code);
        if check.outcome == OutcomeWord::Unknown {
            assert!(text.contains("unknown: "));
        }
    }
    let both = contexts::build([("east".to_owned(), Ok(report.clone())), ("west".to_owned(), Ok(report))]);
    let junit = quick_junit::Report::deserialize_from_str(&rendered(&both, Format::Junit)).expect("it is JUnit");
    let names: Vec<&str> = junit.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["east", "west"]);
}

#[test]
fn annotations_and_tickets_read_as_recorded() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for stem in ["reproduced-no-wildcard", "upgrade-pending"] {
            let report = report(stem);
            let both = format!(
                "{}\n---- markdown ----\n{}",
                rendered(&report, Format::Github),
                rendered(&report, Format::Markdown)
            );
            insta::assert_snapshot!(format!("formats-{stem}"), both);
        }
    });
}

/// What the baseline has fails nothing, in any format; what is new fails.
#[test]
fn only_what_the_baseline_lacks_fails() {
    let earlier = report("upgrade-pending");
    assert_eq!(earlier.exit_code, 1);
    let same = beside("upgrade-pending", &Selection::default(), &earlier);
    assert_eq!(same.exit_code, if same.summary.checks.unknown > 0 { 3 } else { 0 });
    assert!(!rendered(&same, Format::Junit).contains("<failure"));
    assert!(rendered(&same, Format::Github).lines().all(|line| line.starts_with("::notice ")));
    let log = sarif(&same);
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert!(results.iter().all(|result| result["baselineState"] == "unchanged"));
    let short = rendered(&same, Format::Short);
    assert!(!short.is_empty() && short.lines().all(|line| line.starts_with("known ")), "{short}");
    assert!(rendered(&same, Format::Text).contains("0 findings new, "));

    assert!(same.verdict.headline.ends_with("; no finding is new"), "{}", same.verdict.headline);

    let worse = beside("reproduced-no-wildcard", &Selection::default(), &earlier);
    assert_eq!(worse.exit_code, 1);
    let counts = worse.baseline.clone().expect("it was compared");
    assert!(counts.new > 0 && counts.gone > 0, "{counts:?}");
    assert!(rendered(&worse, Format::Junit).contains("<failure"));
}

/// A target that is good has the checks that judged it as test cases, and nothing to annotate.
#[test]
fn a_good_endpoint_has_a_test_case_for_each_check_that_judged_it() {
    let judged = probe::build(&evidence("cured"), FailOn::default());
    let good = judged.targets.iter().find(|target| target.checks.is_empty()).expect("a target without findings");
    let good = ProbeReport { targets: vec![good.clone()], ..judged.clone() };
    let suites = quick_junit::Report::deserialize_from_str(&rendered(&good, Format::Junit)).expect("it is JUnit");
    assert!(suites.tests > 10 && suites.failures == 0, "{suites:?}");
    let cases = &suites.test_suites[0].test_cases;
    assert!(cases.iter().any(|case| case.name.as_str() == "AT514 served-certificate-expired"), "{cases:?}");
    assert_eq!(rendered(&good, Format::Github), "");
}

/// A symptom that was seen is unknown where its check was left out, whatever the baseline has.
#[test]
fn a_baseline_does_not_hide_a_symptom_that_was_left_out() {
    let selection = Selection { skip: vec!["AT101".to_owned()], ..Selection::default() };
    let earlier = report("no-wildcard");
    let skipped = beside("no-wildcard", &selection, &earlier);
    assert_eq!((skipped.exit_code, build(&evidence("no-wildcard"), &selection, FailOn::Error).exit_code), (3, 3));
}

/// A pipeline: the report of the main branch, and a pull request with one more fault.
#[test]
fn the_program_reads_its_own_report_as_baseline() {
    let folder = tempfile::tempdir().expect("a folder");
    let overrides = |text: &str| std::fs::write(folder.path().join("overrides.yaml"), text).expect("it is written");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        command.args(["diagnose", "--offline", "-f", "overrides.yaml"]).args(arguments);
        command.current_dir(folder.path()).output().expect("the program runs")
    };
    let old = "virtualhosts:\n- name: shop\n  sslCertPath: a.pem\n";
    overrides(old);
    let before = run(&["-o", "json"]);
    assert_eq!(before.status.code(), Some(1), "{}", String::from_utf8_lossy(&before.stderr));
    std::fs::write(folder.path().join("main.json"), &before.stdout).expect("it is written");
    let known = run(&["--baseline", "main.json"]);
    assert_ne!(known.status.code(), Some(1), "{}", String::from_utf8_lossy(&known.stdout));
    overrides(&format!("# a line more\n{old}  additionalGateway: [\"non-sni\"]\n"));
    assert_eq!(run(&["--baseline", "main.json"]).status.code(), Some(1));
    std::fs::write(folder.path().join("main.json"), "{}").expect("it is written");
    let refused = run(&["--baseline", "main.json"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("main.json") && told.contains("diagnose -o json"), "{told}");
}
