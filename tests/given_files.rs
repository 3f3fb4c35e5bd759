//! Files that a user gives to `collect`: each is read once, judged, and put into the bundle, even if it is a
//! pipe.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod local;
#[path = "given_files/offline.rs"]
mod offline;

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use local::{Home, forbidding, unpacked};
use serde_json::Value;

const RECORDS: &str = include_str!("access_log/envoy-sorted.log");
const OVERRIDES: &str =
    "org: myorg\nvirtualhosts:\n- name: north\n  hostAliases: [api.example.com]\naxHashSalt: SENTINEL-1\n";

fn collect(home: &Home, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = home.command(&["collect", "--probe", "none", "--logs", "full"]);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("it was asked for").write_all(input).expect("it is read");
    child.wait_with_output().expect("it ends")
}

/// Reads the bundle that was written: its files and its evidence.
fn written(home: &Home, output: &Output) -> (std::collections::BTreeMap<String, String>, Value) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let bundles = home.bundles();
    assert_eq!(bundles.len(), 1);
    let files = unpacked(&bundles[0]);
    let evidence = serde_json::from_str(&files["evidence.json"]).expect("evidence is JSON");
    (files, evidence)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Returns the number of records that `diagnose` counts in the same log.
fn counted_alone(home: &Home) -> Value {
    fs::write(home.path("alone.log"), RECORDS).expect("the log is written");
    home.run(&["diagnose", "--offline", "--access-log", "alone.log", "--write-evidence", "alone.json"]);
    let text = fs::read_to_string(home.path("alone.json")).expect("the evidence is written");
    let evidence: Value = serde_json::from_str(&text).expect("evidence is JSON");
    evidence["accessLogs"][0]["log"]["seen"].clone()
}

#[test]
fn judges_and_redacts_overrides_from_standard_input() {
    let home = Home::new(&[("a", forbidding())]);
    let output = collect(&home, &["--context", "a", "-f", "-"], OVERRIDES.as_bytes());
    let (files, evidence) = written(&home, &output);
    let kept = &files["01-overrides/overrides.yaml"];
    assert!(kept.contains("name: north") && !kept.contains("SENTINEL"), "{kept}");
    assert_eq!(evidence["overrides"][0]["content"]["seen"]["virtualHosts"][0]["name"]["value"], "north");
}

#[test]
fn writes_a_bundle_with_text_that_looks_like_a_secret() {
    let home = Home::new(&[("a", forbidding())]);
    let odd = "virtualhosts:\n- name: 'token: [SENTINEL-2'\n  sslSecret: \"password='SENTINEL-3\"\n- name: '<password>SENTINEL-4'\n";
    let output = collect(&home, &["--context", "a", "-f", "-"], odd.as_bytes());
    let (files, _) = written(&home, &output);
    let leak = files.iter().find(|(_, text)| text.contains("SENTINEL"));
    assert!(leak.is_none(), "{leak:?}");
    let bundle = home.bundles()[0].to_str().expect("its name is text").to_owned();
    let again = home.run(&["diagnose", "--from", &bundle, "-o", "wide"]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), files["report.txt"]);
    // The page differs from that of the bundle by the links to its files alone.
    let again = home.run(&["diagnose", "--from", &bundle, "-o", "html"]);
    let rows = |text: &str| text.lines().filter(|line| line.starts_with("<tr")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&String::from_utf8_lossy(&again.stdout)), rows(&files["report.html"]));
    let links = files["report.html"].split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let links: Vec<&str> = links.filter(|link| !link.starts_with('#') && !link.contains("://")).collect();
    assert!(links.contains(&"manifest.json") && links.contains(&"05-logs/"), "{links:?}");
    assert!(links.iter().filter(|link| !link.ends_with('/')).all(|link| files.contains_key(*link)), "{links:?}");
}

#[test]
fn rejects_one_path_for_bundle_and_list_of_pseudonyms() {
    let home = Home::new(&[("a", forbidding())]);
    let flags = ["--context", "a", "--redact", "hosts", "--redact-map", "x.tar.gz", "--to", "x.tar.gz"];
    let output = collect(&home, &flags, b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(!home.path("x.tar.gz").exists());
}

#[test]
fn judges_and_keeps_a_log_from_standard_input() {
    let home = Home::new(&[("a", forbidding())]);
    let output = collect(&home, &["--context", "a", "--access-log", "-"], &gzip(RECORDS.as_bytes()));
    let (files, evidence) = written(&home, &output);
    assert_eq!(files["05-logs/given/standard-input.log"].lines().count(), RECORDS.lines().count());
    let counted = &evidence["accessLogs"][0];
    assert_eq!(counted["origin"]["file"], "-");
    assert_eq!(counted["log"]["seen"], counted_alone(&home));
}

#[test]
fn reads_files_and_pipes_together() {
    let home = Home::new(&[("a", forbidding())]);
    fs::write(home.path("gateway.log"), RECORDS).expect("the log is written");
    let made = Command::new("mkfifo").arg(home.path("pipe.yaml")).status().expect("mkfifo is there");
    assert!(made.success());
    let pipe = home.path("pipe.yaml");
    let writer = std::thread::spawn(move || fs::write(pipe, OVERRIDES));
    let output = collect(
        &home,
        &["--context", "a", "-f", "pipe.yaml", "-f", "-", "--access-log", "gateway.log"],
        b"org: other\n",
    );
    writer.join().expect("it ends").expect("the pipe is read");
    let (files, evidence) = written(&home, &output);
    assert!(files["01-overrides/overrides.yaml"].contains("name: north"));
    assert!(files["01-overrides/overrides-2.yaml"].contains("org: other"));
    assert_eq!(files["05-logs/given/gateway.log.log"].lines().count(), RECORDS.lines().count());
    assert_eq!(evidence["accessLogs"][0]["log"]["seen"], counted_alone(&home));
    assert_eq!(evidence["overrides"].as_array().map(Vec::len), Some(2));
}

#[test]
fn loses_only_the_rest_of_an_endless_pipe() {
    let home = Home::new(&[("a", forbidding())]);
    let begun = Instant::now();
    let mut command =
        home.command(&["collect", "--probe", "none", "--context", "a", "--timeout", "2s", "--access-log", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it was asked for");
    input.write_all(RECORDS.as_bytes()).expect("it is read");
    let output = child.wait_with_output().expect("it ends while the pipe is open");
    drop(input);
    assert!(begun.elapsed() < Duration::from_secs(30));
    let (files, evidence) = written(&home, &output);
    let manifest: Value = serde_json::from_str(&files["manifest.json"]).expect("the manifest is JSON");
    assert!(manifest["partial"].as_str().is_some_and(|why| why.contains("2.0 s")), "{}", manifest["partial"]);
    let log = manifest["files"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|file| file["path"] == "05-logs/given/standard-input.log");
    assert_eq!(log.map(|log| &log["truncated"]["kept"]), Some(&Value::from("beginning")));
    let stream = &evidence["accessLogs"][0];
    assert_eq!(stream["log"]["seen"]["records"], counted_alone(&home)["records"]);
    assert!(stream["cut"]["reason"]["timedOut"].is_object(), "{stream}");
}

#[test]
fn counts_records_that_two_files_have_once() {
    let home = Home::new(&[("a", forbidding())]);
    for name in ["one.log", "two.log"] {
        fs::write(home.path(name), RECORDS).expect("the log is written");
    }
    let alone = counted_alone(&home);
    let files = ["--access-log", "one.log", "--access-log", "two.log"];
    let run = home.run(&[&["diagnose", "--offline", "--write-evidence", "both.json"], &files[..]].concat());
    let text = fs::read_to_string(home.path("both.json")).expect("the evidence is written");
    let evidence: Value = serde_json::from_str(&text).expect("evidence is JSON");
    let log = |i: usize| &evidence["accessLogs"][i]["log"]["seen"];
    assert_eq!(log(0)["resetWithoutName"], alone["resetWithoutName"]);
    assert_eq!((&log(1)["resetWithoutName"]["count"], &log(1)["records"]), (&Value::from(0), &alone["records"]));
    let one_line = |text: &[u8]| String::from_utf8_lossy(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let report = one_line(&run.stdout);
    assert!(report.contains("two.log: it repeats the log of one.log: "), "{report}");
    // Earlier evidence has no records any more, only counts.
    home.run(&["diagnose", "--offline", "--access-log", "one.log", "--write-evidence", "one.json"]);
    let again = home.run(&["diagnose", "--from", "one.json", "--access-log", "two.log"]);
    assert!(one_line(&again.stdout).contains("two.log: it repeats the log of one.log: "));
}

#[test]
fn rejects_standard_input_twice() {
    let home = Home::new(&[("a", forbidding())]);
    let output = collect(&home, &["--context", "a", "-f", "-", "--access-log", "-"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input can be read only once"));
    assert!(home.bundles().is_empty());
}

#[test]
fn lists_a_hundred_findings_of_a_check_and_counts_the_others() {
    let home = Home::new(&[("a", forbidding())]);
    let report = |hosts: usize| -> (Option<i32>, Value) {
        let host = |number| format!("- name: vh-{number}\n  hostAliases: [h{number}.example.com]\n");
        let file = format!("virtualhosts:\n{}", (0..hosts).map(host).collect::<String>());
        std::fs::write(home.path("many.yaml"), file).unwrap();
        let output = home.run(&["diagnose", "--offline", "-f", "many.yaml", "-o", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["code"] == "AT311").unwrap().clone();
        (output.status.code(), check)
    };
    let (few_code, few) = report(100);
    assert_eq!((few["findings"].as_array().map(Vec::len), &few["leftOut"]), (Some(100), &Value::Null), "{few}");
    let (many_code, many) = report(250);
    assert_eq!(many_code, few_code);
    assert_eq!((many["findings"].as_array().map(Vec::len), &many["leftOut"]), (Some(101), &150.into()), "{many}");
    let rest = &many["findings"][100];
    assert_eq!(rest["message"], "150 findings of this check more, which are not listed", "{rest}");
}
