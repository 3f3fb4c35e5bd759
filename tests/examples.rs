//! The examples of the README: the recorded example, the four exit codes that need no cluster, and usage
//! errors.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::process::{Command, Output};

use apigee_tls::bundle::manifest::SCHEMA_VERSION;
use apigee_tls::judgement::Report;
use serde_json::Value;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/no-wildcard-route.tar.gz");
const FIXED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/after-the-fix.tar.gz");
const RESETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/access_log/envoy-sorted.log");

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent")
        // The width of the report in a bundle.
        .env("COLUMNS", "110")
        .output()
        .expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("reports are text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("messages are text")
}

#[test]
fn the_recorded_example_names_the_cause_and_the_fix() {
    let output = run(&["diagnose", "--from", EXAMPLE]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    for part in [
        "CAUSE    Clients without SNI are reset, because no ApigeeRoute accepts them.",
        "AT201\n",
        "kind: ApigeeRoute",
        "helm upgrade dev-grp",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

/// The answer in README is the one that the program gives.
#[test]
fn the_report_in_readme_is_a_real_one() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README is there");
    let (_, block) = readme.split_once("diagnose -f overrides.yaml\n").expect("README shows a report");
    let (block, _) = block.split_once("```").expect("the block ends");
    let report = stdout(&run(&["diagnose", "--from", EXAMPLE]));
    assert!(report.contains(block.trim_end()), "not in the report:\n{block}");
}

/// A recorded report must equal the one judged now. When reports change, the examples are recorded again. A
/// JSON report may have gained fields; all recorded fields must be unchanged.
#[test]
fn the_report_of_an_example_is_the_one_in_it() {
    for example in [EXAMPLE, FIXED] {
        let text = stdout(&run(&["diagnose", "--from", example, "-o", "wide"]));
        assert_eq!(text, recorded(example, "report.txt"), "{example}");
        let old = recorded(example, "report.json");
        let new = stdout(&run(&["diagnose", "--from", example, "-o", "json"]));
        for report in [&old, &new] {
            serde_json::from_str::<Report>(report).expect("a report reads back");
        }
        let [old, new] = [old, new].map(|text| serde_json::from_str(&text).expect("a report is JSON"));
        assert_kept(&old, &new, example);
    }
}

fn recorded(example: &str, file: &str) -> String {
    let pattern = format!("*/{file}");
    let packed = Command::new("tar").args(["-xzOf", example, "--wildcards", &pattern]).output().expect("tar starts");
    assert!(packed.status.success() && !packed.stdout.is_empty(), "{example}");
    stdout(&packed)
}

/// Returns whether `new` holds everything of `old`: objects may have more fields, and nothing else may
/// differ.
fn assert_kept(old: &Value, new: &Value, place: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                assert_kept(value, new.get(key).unwrap_or(&Value::Null), &format!("{place}/{key}"));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len(), "{place}");
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                assert_kept(old, new, &format!("{place}/{i}"));
            }
        }
        _ => assert_eq!(old, new, "{place}"),
    }
}

/// The two bundles are of one cluster, before and after applying the fix of the report.
#[test]
fn shows_the_cure_and_what_it_changed() {
    let output = run(&["diagnose", "--from", FIXED]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let difference = run(&["diff", EXAMPLE, FIXED]);
    assert_eq!(difference.status.code(), Some(0));
    let text = stdout(&difference);
    for part in ["GONE      AT101", "ApigeeRoute non-sni is new", "nothing got worse."] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(run(&["diff", FIXED, EXAMPLE]).status.code(), Some(1));
}

/// A new version of the format needs a recorded bundle here; all older ones must still be read.
#[test]
fn bundles_of_every_version_keep_their_verdict() {
    for version in 1..=SCHEMA_VERSION {
        let bundle = format!("tests/bundles/v{version}.tar.gz");
        let output = run(&["diagnose", "--from", &bundle, "-o", "json"]);
        assert_eq!(output.status.code(), Some(1), "{bundle}: {}", stderr(&output));
        let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("the report is JSON");
        assert_eq!(report["verdict"]["kind"], "cause", "{bundle}");
        let text = stdout(&run(&["diagnose", "--from", &bundle, "-o", "wide"]));
        for part in ["Clients without SNI are reset", "AT101", "AT201", "AT501"] {
            assert!(text.contains(part), "{bundle}: {part} is not in:\n{text}");
        }
    }
}

#[test]
fn every_format_ends_with_the_same_code() {
    for format in ["text", "wide", "json", "yaml"] {
        assert_eq!(run(&["diagnose", "--from", EXAMPLE, "-o", format]).status.code(), Some(1), "{format}");
    }
}

#[test]
fn written_evidence_gives_the_same_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("evidence.json");
    let kept = kept.to_str().expect("a plain path");
    let first = run(&["diagnose", "--offline", "--access-log", RESETS, "--write-evidence", kept]);
    let again = run(&["diagnose", "--from", kept]);
    assert_eq!(stdout(&first), stdout(&again));
    assert_eq!(first.status.code(), again.status.code());
    // What an earlier run wrote is not replaced.
    let before = std::fs::read(kept).expect("evidence was written");
    let third = run(&["diagnose", "--from", EXAMPLE, "--write-evidence", kept]);
    assert_eq!((third.status.code(), stdout(&third).as_str()), (Some(2), ""));
    assert!(stderr(&third).contains("it exists; nothing is replaced"), "{}", stderr(&third));
    assert!(stderr(&third).contains("hint: give --write-evidence the name of a new file"), "{}", stderr(&third));
    assert_eq!(std::fs::read(kept).expect("it is still there"), before);
}

#[test]
fn prints_the_report_if_the_evidence_cannot_be_written() {
    let output = run(&["diagnose", "--from", EXAMPLE, "--write-evidence", "/nonexistent/evidence.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("CAUSE"));
    assert!(stderr(&output).contains("could not write the evidence"), "{}", stderr(&output));
}

#[test]
fn exits_with_2_and_an_error() {
    for (arguments, text) in [
        (&["diagnose"][..], "could not find a kubeconfig"),
        (&["diagnose", "--offline"], "nothing to judge"),
        (&["diagnose", "--offline", "-f", "/nonexistent.yaml"], "could not read /nonexistent.yaml"),
        (&["diagnose", "--from", EXAMPLE, "--tail", "5"], "cannot be used with"),
        (&["diagnose", "--from", EXAMPLE, "--only", "AT201", "--skip", "route"], "leave no check to run"),
        (&["diagnose", "--from", EXAMPLE, "--write-evidence", EXAMPLE], "would replace an input"),
        (&["collect", "--pcap", RESETS], "it is an access log"),
        (&["collect", "--pcap", EXAMPLE], "it is a support bundle"),
        (&["collect", "--pcap", "/"], "could not read /: it is not a regular file"),
        (&["collect", "--pcap", "/nonexistent.pcap"], "could not read /nonexistent.pcap"),
        (&["collect", "--pcap", "-"], "standard input is not supported"),
        (&["collect", "--redact", "names"], "invalid value 'names'"),
        (&["collect", "--redact-map", "x"], "--redact <KINDS>"),
        (&["collect", "--redact", "hosts", "--redact-as", RESETS], "could not parse the list of pseudonyms"),
        (&["collect", "--redact", "hosts", "--redact-as", "/nonexistent"], "could not read the list of pseudonyms"),
        (&["explain", "AT999"], "no check has this code"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(text), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[cfg(unix)]
fn pipe_in(folder: &tempfile::TempDir) -> String {
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts").success());
    pipe.to_str().expect("a plain path").to_owned()
}

#[test]
#[cfg(unix)]
fn a_pipe_without_a_writer_does_not_outlast_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&["diagnose", "--offline", "--access-log", &pipe_in(&folder), "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).contains("no answer within 1.0 s"), "{}", stdout(&output));
}

#[test]
#[cfg(unix)]
fn gives_up_on_a_pipe_without_a_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&["diagnose", "--from", EXAMPLE, "--write-evidence", &pipe_in(&folder)]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("nobody opened the pipe for reading"), "{}", stderr(&output));
}

#[test]
fn rejects_impossible_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let forged = folder.path().join("forged.json");
    let forged = forged.to_str().expect("a plain path");
    run(&["diagnose", "--from", EXAMPLE, "--write-evidence", forged]);
    let text = std::fs::read_to_string(forged).expect("evidence was written");
    assert!(text.contains("\"count\": 6"), "the example has counts");
    std::fs::write(forged, text.replacen("\"count\": 6", "\"count\": 9223372036854775808", 1))
        .expect("it can be written");
    let output = run(&["diagnose", "--from", forged]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("a count is larger than any log could give"), "{}", stderr(&output));
}

/// Tokens and passwords in reported texts: statuses of routes, issues, messages of pods, errors of the API
/// server.
#[test]
fn redacts_what_the_cluster_reported_in_every_output() {
    const SECRETS: [&str; 4] = ["told-by-route-7", "told-by-issue-7", "told-by-pod-7", "told-by-server-7"];
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let (old, new) = (path("old.json"), path("new.json"));
    run(&["diagnose", "--from", EXAMPLE, "--write-evidence", &old]);
    let text = std::fs::read_to_string(&old).expect("evidence was written");
    let mut evidence: serde_json::Value = serde_json::from_str(&text).expect("evidence is JSON");
    let token = |secret: &str| format!("apply failed: Authorization: Bearer {secret}-0123456789abcdef");
    let status = &mut evidence["routes"]["seen"]["items"][0]["status"];
    status["state"] = "failed".into();
    status["errors"] = serde_json::json!([token(SECRETS[0])]);
    evidence["issues"]["seen"] = serde_json::json!([{
        "name": "issue-1", "severity": "error", "reason": "AUTH", "documentation": null,
        "details": format!("-----BEGIN PRIVATE KEY-----\n{}\n", SECRETS[1]),
    }]);
    let container = &mut evidence["pods"]["seen"][0]["containers"][0];
    container["waiting"] = format!("pull https://bob:{}@registry.test/x", SECRETS[2]).into();
    container["ready"] = false.into();
    let why = serde_json::json!({ "what": "Services", "reason": { "broken": format!("password={}", SECRETS[3]) } });
    evidence["services"] = serde_json::json!({ "unavailable": why });
    std::fs::write(&old, evidence.to_string()).expect("it can be written");

    let mut outputs = Vec::new();
    for format in ["text", "wide", "json", "yaml"] {
        drop(std::fs::remove_file(&new));
        let output = run(&["diagnose", "--from", &old, "-o", format, "--write-evidence", &new]);
        assert!(matches!(output.status.code(), Some(1 | 3)), "{format}: {}", stderr(&output));
        outputs.push(stdout(&output));
        outputs.push(stdout(&run(&["diff", EXAMPLE, &old, "-o", format])));
        // Redacting twice changes nothing.
        assert_eq!(stdout(&run(&["diagnose", "--from", &new, "-o", format])), stdout(&output), "{format}");
    }
    let written = std::fs::read_to_string(&new).expect("evidence was written");
    // The label of the key and its line count as two.
    assert_eq!(written.matches("<redacted>").count(), SECRETS.len() + 1, "{written}");
    outputs.push(written);
    for (output, secret) in outputs.iter().flat_map(|output| SECRETS.map(|secret| (output, secret))) {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

#[test]
fn checks_without_their_source_are_not_nothing_found() {
    let output = run(&["diagnose", "--offline", "--access-log", RESETS, "--only", "AT201"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("UNKNOWN"));
}

/// The scenario `least-role` shows on a real cluster that these rights are sufficient.
#[test]
fn the_printed_role_is_the_one_that_is_tried() {
    let printed = run(&["rbac"]);
    assert_eq!(printed.status.code(), Some(0));
    let role: serde_yaml::Value = serde_yaml::from_str(&stdout(&printed)).expect("a Role");
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/scenarios/least-role.yaml");
    let scenario = std::fs::read_to_string(scenario).expect("the scenario is there");
    let scenario: serde_yaml::Value = serde_yaml::from_str(&scenario).expect("the scenario is YAML");
    assert_eq!(rights(&role["rules"]), rights(&scenario["user"]));
}

/// Returns each group, resource and verb separately.
fn rights(rules: &serde_yaml::Value) -> std::collections::BTreeSet<[String; 3]> {
    let texts = |rule: &serde_yaml::Value, key: &str| -> Vec<String> {
        let list = rule[key].as_sequence().expect("a list");
        list.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let mut rights = std::collections::BTreeSet::new();
    for rule in rules.as_sequence().expect("rules") {
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                rights.extend(texts(rule, "verbs").into_iter().map(|verb| [group.clone(), resource.clone(), verb]));
            }
        }
    }
    rights
}
