//! Runs over several clusters: the report of each, the effect of one on the others, and the exit code.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod local;
#[expect(dead_code, reason = "the cases of checks need more of it")]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use apigee_tls::judgement::contexts::{Failure, build, worst};
use apigee_tls::judgement::{FailOn, Report, Selection};
use apigee_tls::report::styles::Styles;
use apigee_tls::report::{Document, TextOptions};
use local::{Home, forbidding, unpacked};
use serde_json::Value;
use support::Setting;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

fn names(report: &Value, list: &str) -> Vec<String> {
    let entries = report[list].as_array().expect("a list");
    entries.iter().map(|entry| entry["context"].as_str().expect("a name").to_owned()).collect()
}

/// Returns a server that accepts connections and never responds.
fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it listens").port();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    port
}

/// Returns a port where nothing listens.
fn closed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it listens").port()
}

#[test]
fn a_table_comes_first_and_then_each_context() {
    let home = Home::new(&[("east", forbidding()), ("gone", closed()), ("west", forbidding())]);
    let output = home.run(&["diagnose", "--probe", "none", "--contexts", "west,gone", "--contexts", "east"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let told = stdout(&output);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("CONTEXT  VERDICT    ERRORS  WARNINGS  NOTICES  UNKNOWN  EXIT CODE"), "{told}");
    assert!(
        lines[1].starts_with("west     NO ACCESS       0         0        0 ") && lines[1].ends_with("  3"),
        "{told}"
    );
    assert!(lines[2].starts_with("    This user may read nothing that the checks need in namespace apigee"), "{told}");
    let gone = lines.iter().position(|line| *line == "gone     FAILED          -         -        -        -  2");
    let why = gone.and_then(|at| lines.get(at + 1)).expect("the table has a line for each context");
    assert!(why.starts_with("    could not reach the API server at http://127.0.0.1:"), "{told}");
    let headers: Vec<&str> = lines.iter().filter(|line| line.starts_with("==>")).copied().collect();
    assert_eq!(headers, ["==> context west <==", "==> context gone <==", "==> context east <=="]);
    assert!(
        told.contains("==> context gone <==\nerror: could not reach the API server at http://127.0.0.1:"),
        "{told}"
    );
    assert!(told.contains("hint: is the cluster up"), "{told}");
    assert!(told.contains("| kubectl --context west apply -f -\n"), "{told}");
    assert_eq!(stderr(&output), "");
}

#[test]
fn all_contexts_are_one_document_that_follows_its_schema() {
    let home = Home::new(&[("west", forbidding()), ("gone", closed()), ("a b/c", forbidding())]);
    let output = home.run(&["diagnose", "--probe", "none", "--all-contexts", "-o", "json"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["exitCode"]), (Some(2), &Value::from(2)));
    for list in ["summary", "contexts"] {
        assert_eq!(names(&report, list), ["west", "gone", "a b/c"]);
    }
    let path = support::root().join("docs/contexts.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).expect("the schema is there")).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let faults: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());

    let failed = &report["contexts"][1];
    assert!(failed["error"]["message"].as_str().is_some_and(|why| why.ends_with("connection refused")), "{failed}");
    assert_eq!((&report["summary"][1]["verdict"], &report["summary"][1]["checks"]), (&Value::Null, &Value::Null));

    // The report of a context equals that of a run with only that context.
    let alone = home.run(&["diagnose", "--probe", "none", "--context", "a b/c", "-o", "json"]);
    let (mut alone, mut among) = (json(&alone), report["contexts"][2]["report"].clone());
    for report in [&mut alone, &mut among] {
        report["subject"]["collectedAt"] = Value::Null;
        report["summary"]["requests"]["milliseconds"] = Value::Null;
    }
    assert_eq!(alone, among);

    let yaml = home.run(&["diagnose", "--probe", "none", "--all-contexts", "-o", "yaml"]);
    let yaml: Value = serde_yaml::from_slice(&yaml.stdout).expect("it is YAML");
    assert_eq!(yaml["summary"], report["summary"]);
}

#[test]
fn rejects_contradictory_arguments_before_any_request() {
    let home = Home::new(&[("east", silent()), ("west", silent())]);
    fs::write(home.path("none"), "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n").expect("written");
    fs::write(home.path("o.yaml"), "org: o\n").expect("written");
    let several = ["--contexts", "east,west"];
    for (arguments, parts) in [
        (
            &["diagnose", "--contexts", "east,north,south"][..],
            &["no such context", "\"north\", \"south\"", "the contexts are: east, west"][..],
        ),
        (&["diagnose", "--contexts", "east,east"], &["\"east\" is given twice"]),
        (&["diagnose", "--contexts", ""], &["a value is required for '--contexts"]),
        (&["diagnose", "--contexts", "east,,west"], &["a value is required for '--contexts"]),
        (&["diagnose", "--all-contexts", "--kubeconfig", "none"], &["has no contexts", "--cluster"]),
        (&["diagnose", "--contexts", "a", "--kubeconfig", "none"], &["has no contexts"]),
        (&["diagnose", "--all-contexts", "--kubeconfig", "missing"], &["read the kubeconfig missing"]),
        (&["diagnose", "--all-contexts", "--contexts", "east"], &["cannot be used with"]),
        (&["diagnose", "--all-contexts", "--context", "east"], &["cannot be used with"]),
        (&["diagnose", "--contexts", "east", "--cluster", "c0"], &["cannot be used with"]),
        (&["diagnose", "--contexts", "east", "--server", "http://x"], &["cannot be used with"]),
        (&["diagnose", "--contexts", "east", "--from", "x"], &["cannot be used with"]),
        (&["diagnose", "--contexts", "east", "--offline", "-f", "o.yaml"], &["cannot be used with"]),
        (&["diagnose", "--all-contexts", "-f", "o.yaml"], &["belong to one cluster", "--context NAME -f"]),
        (&["diagnose", "--all-contexts", "--access-log", "-"], &["belong to one cluster"]),
        (&["diagnose", "--all-contexts", "--write-evidence", "x"], &["a single file", "`collect` with the same flags"]),
        (&["diagnose", "--all-contexts", "-l", "a in"], &["understand the label selector"]),
        (&["diagnose", "--all-contexts", "--ca-file", "missing.pem"], &["missing.pem"]),
        (
            &["collect", several[0], several[1], "--to", "x.tar.gz"],
            &["--to x.tar.gz", "a folder, such as --to bundles/"],
        ),
        (&["collect", several[0], several[1], "--to", "-"], &["--to -", "a folder, such as --to bundles/"]),
        (&["collect", "--all-contexts", "-f", "o.yaml"], &["belong to one cluster"]),
        (&["collect", "--contexts", "north"], &["no such context"]),
    ] {
        let output = home.run(arguments);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        for part in parts {
            assert!(told.contains(part), "{arguments:?}: {part} is not in:\n{told}");
        }
        assert!(output.stdout.is_empty() && home.bundles().is_empty());
    }
}

#[test]
fn each_context_has_its_own_time() {
    let silent = silent();
    let contexts: Vec<(String, u16)> = (0..6).map(|number| (number.to_string(), silent)).collect();
    let contexts: Vec<(&str, u16)> = contexts.iter().map(|(name, port)| (name.as_str(), *port)).collect();
    let home = Home::new(&contexts);
    let begun = Instant::now();
    let output = home.run(&["diagnose", "--all-contexts", "--timeout", "1s", "-o", "json"]);
    // Four at a time, in two rounds.
    assert!((Duration::from_secs(2)..Duration::from_secs(20)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(2));
    let report = json(&output);
    for context in report["contexts"].as_array().expect("a list") {
        assert!(context["error"]["message"].as_str().is_some_and(|why| why.contains("1.0 s")), "{context}");
    }
}

/// Runs a command over one reachable context and five that never respond, and presses Ctrl-C when the first
/// is finished.
fn interrupted(arguments: &[&str]) -> (Home, Output) {
    let silent = silent();
    let names = ["b", "c", "d", "e", "f"].map(|name| (name, silent));
    let home = Home::new(&[&[("seen", forbidding())], &names[..]].concat());
    let mut command = home.command(arguments);
    command.args(["--probe", "none", "--all-contexts", "-v"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut errors = BufReader::new(child.stderr.take().expect("it was asked for"));
    // The first context is finished when its requests are counted.
    let mut line = String::new();
    while !line.starts_with("seen: API requests: ") {
        line.clear();
        assert!(errors.read_line(&mut line).expect("lines are text") > 0, "it ended before");
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there").success());
    let mut output = child.wait_with_output().expect("it ends");
    errors.read_to_end(&mut output.stderr).expect("it can be read");
    (home, output)
}

#[test]
fn reports_what_was_seen_after_ctrl_c() {
    let (_, output) = interrupted(&["diagnose", "-o", "json"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["exitCode"]), (Some(130), &Value::from(130)));
    assert_eq!(report["contexts"][0]["report"]["exitCode"], 3);
    for context in &report["contexts"].as_array().expect("a list")[1..] {
        assert_eq!(context["error"]["message"], "could not finish: interrupted");
    }

    let (home, output) = interrupted(&["collect"]);
    assert_eq!(output.status.code(), Some(130));
    let path = stdout(&output);
    assert_eq!(home.bundles(), [home.path(path.trim())]);
    assert_eq!(home.run(&["diagnose", "--from", path.trim()]).status.code(), Some(3));
    assert_eq!(stderr(&output).matches("    could not finish: interrupted").count(), 5, "{}", stderr(&output));
}

#[test]
fn collects_a_bundle_of_each_reachable_context() {
    let home = Home::new(&[("p/x", forbidding()), ("gone", closed()), ("p:X", forbidding()), ("p x", forbidding())]);
    let output = home.run(&["collect", "--probe", "none", "--all-contexts"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let paths: Vec<String> = stdout(&output).lines().map(str::to_owned).collect();
    assert_eq!(paths.len(), 3);
    assert_eq!(home.bundles().len(), 3);
    for (path, context) in paths.iter().zip(["p/x", "p:X", "p x"]) {
        let files = unpacked(&home.path(path));
        let manifest: Value = serde_json::from_str(&files["manifest.json"]).expect("the manifest is JSON");
        assert_eq!(manifest["context"], context);
        assert!(path.contains(manifest["name"].as_str().expect("a name")), "{path}");
        let again = home.run(&["diagnose", "--from", path, "-o", "wide"]);
        assert_eq!((again.status.code(), stdout(&again)), (Some(3), files["report.txt"].clone()));
    }
    // The second and third would unpack into the folder of the first.
    assert!(paths[1].ends_with("Z-2.tar.gz") && paths[2].ends_with("Z-3.tar.gz"), "{paths:?}");
    let told = stderr(&output);
    assert!(
        told.starts_with("CONTEXT  VERDICT    ERRORS  WARNINGS  NOTICES  UNKNOWN  BUNDLE\np/x      NO ACCESS "),
        "{told}"
    );
    assert!(
        told.contains("\ngone     FAILED          -         -        -        -  none\n    could not reach"),
        "{told}"
    );
    assert!(told.contains("hint for gone: is the cluster up"), "{told}");

    fs::create_dir(home.path("bundles")).expect("a folder");
    let output = home.run(&["collect", "--probe", "none", "--contexts", "p/x,p x", "--to", "bundles"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).lines().all(|path| path.starts_with("bundles/") && home.path(path).is_file()));
}

fn report(case: &str) -> Report {
    let setting: Setting = match case {
        "base" => serde_yaml::from_str("{}").expect("an empty patch"),
        case => support::read(&support::root().join(format!("tests/verdicts/{case}.yaml"))).expect("the case reads"),
    };
    apigee_tls::judgement::build(
        &setting.evidence().expect("the evidence fits"),
        &Selection::default(),
        FailOn::default(),
    )
}

fn failure() -> Failure {
    let message = "could not reach the API server at https://203.0.113.7: connection refused\u{1b}[2J";
    Failure { message: message.into(), hint: None, exit_code: 2 }
}

#[test]
fn the_table_reads_as_recorded() {
    let long = "arn:aws:eks:eu-west-1:123456789012:cluster/prod";
    let report = build([
        ("east".to_owned(), Ok(report("reproduced-no-wildcard"))),
        (long.to_owned(), Ok(report("base"))),
        ("west".to_owned(), Ok(report("logs-forbidden"))),
        ("north\u{202e}".to_owned(), Err(failure())),
    ]);
    let mut shown = String::new();
    for (styles, width) in [(Styles::default(), 110), (Styles::default(), 60), (Styles::colorize(), 110)] {
        let told = report.text(TextOptions { styles, width, wide: false });
        let table = told.split("\n\n").next().unwrap_or_default().replace('\u{1b}', "␛");
        shown += &format!("==== {width} columns\n{table}\n");
    }
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("contexts", shown);
    });
}

#[test]
fn the_exit_code_is_the_worst() {
    for (codes, code) in [(&[0, 0][..], 0), (&[0, 3], 3), (&[3, 2], 2), (&[2, 1, 3], 1), (&[1, 130, 2], 130)] {
        assert_eq!(worst(codes), code, "{codes:?}");
    }
    let both = build([("a".to_owned(), Err(failure())), ("b".to_owned(), Ok(report("reproduced-no-wildcard")))]);
    assert_eq!(both.exit_code, 1);
    let healthy = build([("a".to_owned(), Err(failure())), ("b".to_owned(), Ok(report("base")))]);
    assert_eq!(healthy.exit_code, 2);
}
