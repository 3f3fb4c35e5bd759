//! Runs over several clusters: the report of each, the effect of one on the others, and the exit code.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[path = "local/api_server.rs"]
mod api_server;
mod local;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use api_server::Stub;
use apigee_tls::judgement::contexts::{Failure, PackedReport, build, worst};
use apigee_tls::judgement::{ClientResets, FailOn, Report, Selection};
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
    assert_eq!(lines[0], "No failing clients were seen at 3 clusters; 2 not seen, 1 not reached.");
    assert!(
        lines[2].starts_with("CONTEXT  VERDICT      RESETS  ERRORS  WARNINGS  NOTICES  UNKNOWN  EXIT CODE"),
        "{told}"
    );
    assert!(lines[3].starts_with("west     NO ACCESS         -       0         0        0 "), "{told}");
    assert!(lines[3].ends_with("  3"), "{told}");
    assert!(lines[4].starts_with("    This user may read nothing that the checks need in namespace apigee"), "{told}");
    let gone = "\nFAILED  gone: could not reach the API server at http://127.0.0.1:";
    assert!(told.contains(gone) && told.contains("\n        hint: is the cluster up"), "{told}");
    let headers: Vec<&str> = lines.iter().filter(|line| line.starts_with("==>")).copied().collect();
    assert_eq!(headers, ["==> context west <==", "==> context east <=="]);
    assert!(told.contains("| kubectl --context west apply -f -\n"), "{told}");
    assert_eq!(stderr(&output), "");
}

/// 40 clusters of which each answers after two seconds or never, and others that refuse in every way: the run
/// takes about as long as the slowest one. One after the other, or four at a time, it would take minutes.
#[test]
fn slow_and_dead_clusters_do_not_hold_up_the_others() {
    let slow = Stub { resets: 2, delay: Duration::from_secs(2), ..Stub::default() }.start();
    let (silent, unauthorized) = (silent(), Stub { refuses: Some(401), ..Stub::default() }.start());
    let (fast, forbids) =
        (Stub { resets: 70, ..Stub::default() }.start(), Stub { refuses: Some(403), ..Stub::default() }.start());
    let mut contexts: Vec<(String, String)> = Vec::new();
    let mut add = |kind: &str, count: usize, server: &str| {
        contexts.extend((0..count).map(|number| (format!("{kind}-{number}"), server.to_owned())));
    };
    add("silent", 20, &format!("http://127.0.0.1:{silent}"));
    add("slow", 20, &format!("http://127.0.0.1:{slow}"));
    add("closed", 4, &format!("http://127.0.0.1:{}", closed()));
    add("no-tls", 3, &format!("https://127.0.0.1:{fast}"));
    add("unauthorized", 1, &format!("http://127.0.0.1:{unauthorized}"));
    add("forbids", 1, &format!("http://127.0.0.1:{forbids}"));
    add("fast", 1, &format!("http://127.0.0.1:{fast}"));
    let contexts: Vec<(&str, String)> = contexts.iter().map(|(name, server)| (name.as_str(), server.clone())).collect();
    let home = Home::with_servers(&contexts);
    let begun = Instant::now();
    let output = home.run(&["diagnose", "--probe", "none", "--all-contexts", "--timeout", "30s", "-o", "json"]);
    let taken = begun.elapsed();
    assert!((Duration::from_secs(8)..Duration::from_secs(75)).contains(&taken), "{taken:?}: {}", stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = json(&output);
    let order = names(&report, "summary");
    assert_eq!(order, names(&report, "contexts"));
    // Clients fail: most resets first, then in the order of the kubeconfig. Then what was not seen.
    assert_eq!(order[..3], ["fast-0", "slow-0", "slow-1"]);
    assert_eq!(order[21..24], ["forbids-0", "silent-0", "silent-1"]);
    let headline = report["headline"].as_str().expect("a headline");
    assert!(
        headline.starts_with("Clients fail at 21 of 50 clusters: fast-0 (70 resets), slow-0 (2 resets), "),
        "{headline}"
    );
    assert!(headline.ends_with("1 not seen, 28 not reached"), "{headline}");
    let reasons: Vec<&str> =
        report["summary"].as_array().expect("a list").iter().filter_map(|line| line["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 28);
    assert_eq!(reasons.iter().filter(|reason| **reason == "connection refused").count(), 4, "{reasons:?}");
}

/// Many that fail alike are one group, with all their names and one hint.
#[test]
fn clusters_that_fail_alike_are_one_line() {
    let closed = closed();
    let unauthorized = Stub { refuses: Some(401), ..Stub::default() }.start();
    let dead: Vec<String> = (0..5).map(|number| format!("dead-{number}")).collect();
    let mut contexts: Vec<(&str, u16)> = dead.iter().map(|name| (name.as_str(), closed)).collect();
    contexts.insert(2, ("who", unauthorized));
    let home = Home::new(&contexts);
    let output = home.run(&["diagnose", "--probe", "none", "--all-contexts"]);
    let told = stdout(&output);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "No cluster of 6 could be judged; 6 not reached.");
    assert_eq!(lines[2], "FAILED  5 contexts: connection refused: dead-0, dead-1, dead-2, dead-3, dead-4");
    assert!(lines[3].starts_with("        hint: is the cluster up"), "{told}");
    assert!(lines[4].starts_with("FAILED  who: could not authenticate to the API server at"), "{told}");
    assert_eq!((lines.len(), output.status.code()), (6, Some(2)), "{told}");
}

/// Every format has the answer for all clusters, and the findings in the order of harm.
#[test]
fn every_format_has_the_answer_for_all_clusters() {
    let few = Stub { resets: 2, ..Stub::default() }.start();
    let many = Stub { resets: 70, ..Stub::default() }.start();
    let home = Home::new(&[("gone", closed()), ("few", few), ("many", many)]);
    let answer = "Clients fail at 2 of 3 clusters: many (70 resets), few (2 resets); 1 not reached";
    for format in ["text", "wide", "json", "yaml", "markdown", "html", "sarif", "junit", "github", "short", "jsonl"] {
        let output = home.run(&["diagnose", "--probe", "none", "--all-contexts", "-o", format]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let told = stdout(&output);
        match format {
            "jsonl" => {}
            "short" => assert!(stderr(&output).contains(answer), "{}", stderr(&output)),
            "markdown" => assert!(told.contains("Clients fail at 2 of 3 clusters: many (70 resets)"), "{told}"),
            _ => assert!(told.contains(answer), "{format}: {told}"),
        }
        let (first, second) = (told.find("many").expect("a name"), told.find("few").expect("a name"));
        assert!(first < second, "{format}: {told}");
    }
}

/// The report of several contexts is a baseline for each of them, and for one alone.
#[test]
fn a_report_of_several_contexts_is_a_baseline() {
    let few = Stub { resets: 2, ..Stub::default() }.start();
    let home = Home::new(&[("east", few), ("west", few), ("gone", closed())]);
    let run = |arguments: &[&str]| home.run(&[&["diagnose", "--probe", "none"], arguments].concat());
    let save = |name: &str, output: &Output| fs::write(home.path(name), &output.stdout).expect("it is written");
    save("all.json", &run(&["--all-contexts", "-o", "json"]));
    save("east.json", &run(&["--context", "east", "-o", "json"]));
    save("gone.json", &run(&["--contexts", "gone", "-o", "json"]));

    // Nothing is new; a cluster that was not reached is not a finding.
    let again = run(&["--all-contexts", "--baseline", "all.json", "-o", "json"]);
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    let report = json(&again);
    let known = &report["contexts"][0]["report"]["baseline"];
    assert!(known["known"].as_u64() > Some(0) && known["new"] == 0 && known["gone"] == 0, "{known}");
    let alone = json(&run(&["--context", "west", "--baseline", "all.json", "-o", "json"]));
    assert_eq!(&alone["baseline"], known);
    // A cluster without a baseline has only new findings.
    let unknown = run(&["--contexts", "east,west", "--baseline", "gone.json"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", stderr(&unknown));

    for (arguments, why) in [
        (
            &["--all-contexts", "--baseline", "east.json"][..],
            "it is the report of one context (east), and this run has several",
        ),
        (
            &["--context", "gone", "--baseline", "all.json"],
            "it is a report of several contexts, and it has no report of gone",
        ),
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
}

/// Two runs over several clusters are compared by their reports, or by the folders of their bundles.
#[test]
fn runs_over_several_clusters_are_compared() {
    let (few, none) = (Stub { resets: 2, ..Stub::default() }.start(), Stub::default().start());
    let before = Home::new(&[("cured", few), ("same", none), ("worse", none), ("lost", none), ("removed", none)]);
    let after = Home::new(&[("cured", none), ("same", none), ("worse", few), ("lost", closed()), ("added", none)]);
    for home in [&before, &after] {
        let output = home.run(&["diagnose", "--probe", "none", "--all-contexts", "-o", "json"]);
        fs::write(home.path("all.json"), &output.stdout).expect("it is written");
        fs::create_dir(home.path("bundles")).expect("a folder");
        home.run(&["collect", "--probe", "none", "--all-contexts", "--to", "bundles"]);
    }
    for (name, lost) in [("all.json", "notSeen"), ("bundles", "gone")] {
        let (old, new) = (before.path(name).display().to_string(), after.path(name).display().to_string());
        let output = before.run(&["diff", &old, &new, "-o", "json"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let difference = json(&output);
        let clusters = difference["clusters"].as_array().expect("a list");
        let mut changes: Vec<(&str, &str)> = clusters
            .iter()
            .map(|cluster| (cluster["context"].as_str().expect("a name"), cluster["change"].as_str().expect("a word")))
            .collect();
        assert_eq!(changes.remove(0), ("worse", "worse"));
        for expected in [("lost", lost), ("added", "new"), ("removed", "gone"), ("same", "same")] {
            assert!(changes.contains(&expected), "{expected:?} is not in {changes:?}");
        }
        assert_eq!((&clusters[0]["resetsBefore"], &clusters[0]["resetsAfter"]), (&Value::from(0), &Value::from(2)));
        let reversed = before.run(&["diff", &new, &old]);
        assert!(stdout(&reversed).starts_with("WORSE"), "{}", stdout(&reversed));
        let same = before.run(&["diff", &old, &old]);
        assert_eq!(same.status.code(), Some(0), "{}", stdout(&same));
        assert!(stdout(&same).ends_with("Nothing changed for clients.\n"), "{}", stdout(&same));
    }
    let (one, several) = (after.path("bundles"), after.path("all.json").display().to_string());
    let one = fs::read_dir(one).expect("a folder").flatten().next().expect("a bundle").path().display().to_string();
    let mixed = before.run(&["diff", &one, &several]);
    assert_eq!(mixed.status.code(), Some(2));
    assert!(stderr(&mixed).contains("the first is of one cluster, the second of several"), "{}", stderr(&mixed));
}

/// A report that contradicts itself, or shows no cluster, does not prove that nothing changed.
#[test]
fn a_report_without_clusters_proves_nothing() {
    let home = Home::new(&[("gone", closed())]);
    let gone = home.run(&["diagnose", "--probe", "none", "--contexts", "gone", "-o", "json"]).stdout;
    let difference = |name: &str, bytes: &[u8]| {
        fs::write(home.path(name), bytes).expect("it is written");
        home.run(&["diff", name, name])
    };
    let unseen = difference("gone.json", &gone);
    assert_eq!(unseen.status.code(), Some(3), "{}", stdout(&unseen));
    let first = stdout(&unseen).lines().next().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(first.as_deref(), Some("UNKNOWN 1 cluster not seen (gone)"));
    let marked = difference("marked.json", &[b"\xEF\xBB\xBF", &gone[..]].concat());
    assert_eq!(marked.status.code(), Some(3), "{}", stderr(&marked));

    let changed = |change: fn(&mut Value)| {
        let mut report: Value = serde_json::from_slice(&gone).expect("a report");
        change(&mut report);
        report.to_string().into_bytes()
    };
    let twice = |list: &mut Value| {
        let first = list[0].clone();
        list.as_array_mut().expect("a list").push(first);
    };
    let of_none =
        changed(|report| (report["summary"], report["contexts"]) = (Value::Array(vec![]), Value::Array(vec![])));
    let of_rows = changed(|report| report["contexts"] = Value::Array(vec![]));
    let of_two = changed(|report| report["summary"][0]["context"] = "other".into());
    let mut repeated: Value = serde_json::from_slice(&gone).expect("a report");
    twice(&mut repeated["summary"]);
    twice(&mut repeated["contexts"]);
    let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(gone.iter().flat_map(|byte| [*byte, 0])).collect();
    for (name, bytes, why) in [
        ("none.json", of_none, "it has no context"),
        ("rows.json", of_rows, "are not of the same contexts in the same order"),
        ("other.json", of_two, "are not of the same contexts in the same order"),
        ("twice.json", repeated.to_string().into_bytes(), "has the context \"gone\" twice"),
        ("wide.json", wide, "it is UTF-16"),
    ] {
        let refused = difference(name, &bytes);
        assert_eq!(refused.status.code(), Some(2), "{name}: {}", stdout(&refused));
        assert!(stderr(&refused).contains(why), "{name}: {}", stderr(&refused));
    }
}

#[test]
fn all_contexts_are_one_document_that_follows_its_schema() {
    let home = Home::new(&[("west", forbidding()), ("gone", closed()), ("a b/c", forbidding())]);
    let output = home.run(&["diagnose", "--probe", "none", "--all-contexts", "-o", "json"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["exitCode"]), (Some(2), &Value::from(2)));
    // Those that failed are last.
    for list in ["summary", "contexts"] {
        assert_eq!(names(&report, list), ["west", "a b/c", "gone"]);
    }
    let path = support::root().join("docs/contexts.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).expect("the schema is there")).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let faults: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());

    let failed = &report["contexts"][2];
    assert!(failed["error"]["message"].as_str().is_some_and(|why| why.ends_with("connection refused")), "{failed}");
    assert_eq!((&report["summary"][2]["verdict"], &report["summary"][2]["checks"]), (&Value::Null, &Value::Null));

    // The report of a context equals that of a run with only that context.
    let alone = home.run(&["diagnose", "--probe", "none", "--context", "a b/c", "-o", "json"]);
    let (mut alone, mut among) = (json(&alone), report["contexts"][1]["report"].clone());
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
        (&["diagnose", "--all-contexts", "--baseline", "missing.json"], &["read missing.json"]),
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
    assert!((Duration::from_secs(1)..Duration::from_secs(20)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
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
    assert!(
        stderr(&output).contains("FAILED  5 contexts: could not finish: interrupted: b, c, d, e, f"),
        "{}",
        stderr(&output)
    );
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
        told.starts_with(
            "CONTEXT  VERDICT      RESETS  ERRORS  WARNINGS  NOTICES  UNKNOWN  BUNDLE\np/x      NO ACCESS "
        ),
        "{told}"
    );
    assert!(told.contains("\nFAILED  gone: could not reach"), "{told}");
    assert!(told.contains("\n        hint: is the cluster up"), "{told}");

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

#[test]
fn a_packed_report_loses_nothing() {
    for path in support::yaml_files("tests/verdicts") {
        let stem = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let report = report(&stem);
        let packed = PackedReport::new(report.clone()).expect("it packs");
        assert!(packed.unpack().expect("it unpacks") == report, "{stem}");
    }
}

#[test]
fn a_large_report_is_cut_and_reports_what_is_left_out() {
    let mut large = report("reproduced-no-wildcard");
    let check = large.checks.iter_mut().find(|check| !check.findings.is_empty()).expect("a finding");
    let code = check.code;
    check.findings = vec![check.findings[0].clone(); 150];
    let resets = large.summary.resets.as_mut().expect("logs were read");
    let client = resets.clients[0].clone();
    let address = |number: u64| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    resets.clients = (0..5_000).map(|number| ClientResets { address: address(number), ..client.clone() }).collect();
    let cut = PackedReport::new(large).expect("it packs").unpack().expect("it unpacks");
    let found = cut.checks.iter().find(|check| check.code == code).expect("the check");
    let resets = cut.summary.resets.expect("logs were read");
    assert_eq!((found.findings.len(), resets.clients.len()), (100, 100));
    assert_eq!((resets.other_clients.entries, resets.other_clients.resets), (4_900, 4_900 * client.count));
    let gap = cut.not_seen.last().expect("a gap");
    let why = format!("left out of a report of several contexts: 50 findings of {code}, 4900 clients");
    assert_eq!((gap.what.as_str(), gap.why.as_str()), ("parts of this report", why.as_str()));
}

fn failure() -> Failure {
    let message = "could not reach the API server at https://203.0.113.7: connection refused\u{1b}[2J";
    Failure { message: message.into(), reason: "connection refused".into(), hint: None, exit_code: 2 }
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
        let table: Vec<&str> = told.lines().take_while(|line| !line.contains("==> ")).collect();
        let table = table.join("\n").trim_end().replace('\u{1b}', "␛");
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
