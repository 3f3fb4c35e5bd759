//! Captures as evidence, as a user gives them: `diagnose --pcap`, with saved evidence and alone, and
//! `collect --pcap`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "../src/wire/capture/tests/builder.rs"]
#[expect(dead_code, unreachable_pub, reason = "the builder serves other tests too")]
mod builder;
mod local;
#[path = "../src/wire/capture/tests/sealed.rs"]
#[expect(unreachable_pub, reason = "the records serve other tests too")]
mod sealed;
#[expect(dead_code, reason = "the settings of cases serve other tests too")]
mod support;

use std::fs;
use std::process::Output;

use apigee_tls::bundle::evidence_file;
use builder::{ACK, FIN, HelloBuilder, Packet, RST, Talk, alert, framed, good13, hello, merged, pcap, pcapng};
use local::{Home, forbidding, unpacked};
use serde_json::Value;
use support::Setting;

const POD: &str = "10.4.0.11:8443";
/// Seconds from 2026-11-22 09:05:00 to the time at which the builder starts.
const EARLIER: u64 = 2 * 86_400 + 2 * 3600 + 55 * 60;

/// At a pod of the saved evidence, in the minutes of its log: a client without SNI that is reset, one whose
/// version is refused, one that is served, a probe of this program, and a connection with another server.
fn node() -> Vec<Packet> {
    let mut talks = vec![good13("10.1.0.1:40001", POD, Some("api-test.mydomain.com"))];
    for port in [41000, 41001] {
        let mut reset = Talk::open(&format!("10.138.0.28:{port}"), POD);
        reset.client_says(&hello(None));
        reset.server_sends(ACK | RST, b"");
        talks.push(reset);
    }
    let mut probe = Talk::open("10.138.0.4:41002", POD);
    probe.client_says(&hello(Some("x.apigee-tls.invalid")));
    probe.server_sends(ACK | RST, b"");
    talks.push(probe);
    let mut refused = Talk::open("10.1.0.4:40005", POD);
    refused.client_says(&HelloBuilder { tls13: false, ..Default::default() }.record());
    refused.server_says(&alert(2, 70));
    refused.server_sends(ACK | FIN, b"");
    talks.push(refused);
    let mut elsewhere = Talk::open("10.4.0.11:50000", "10.96.0.1:443");
    elsewhere.client_says(&hello(None));
    elsewhere.server_sends(ACK | RST, b"");
    talks.push(elsewhere);
    for (number, talk) in (0_u64..).zip(&mut talks) {
        for (time, _) in &mut talk.packets {
            *time = *time + number * 1_000_000_000 - EARLIER * 1_000_000_000;
        }
    }
    framed(&merged(&talks))
}

/// A folder with the evidence of a verdict's case and the capture.
fn home(case: &str) -> Home {
    let home = Home::new(&[("a", forbidding())]);
    let setting: Setting = support::read(&support::root().join(format!("tests/verdicts/{case}.yaml"))).unwrap();
    evidence_file::write(&home.path("evidence.json"), &setting.evidence().unwrap()).unwrap();
    fs::write(home.path("node.pcap"), pcap(1, &node())).unwrap();
    home
}

fn text(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn report(home: &Home, arguments: &[&str]) -> Value {
    let output = home.run(&[&["diagnose", "-o", "json"], arguments].concat());
    serde_json::from_str(&text(&output)).unwrap()
}

#[test]
fn saved_evidence_and_a_capture_are_one_report() {
    let home = home("no-wildcard");
    let output = home.run(&["diagnose", "--from", "evidence.json", "--pcap", "node.pcap"]);
    assert_eq!(output.status.code(), Some(1));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("captured", text(&output)));
}

#[test]
fn evidence_keeps_the_capture_and_counts_it_once() {
    let home = home("no-wildcard");
    let both = ["--from", "evidence.json", "--pcap", "node.pcap", "--write-evidence", "both.json"];
    let first = report(&home, &both);
    assert_eq!(report(&home, &["--from", "both.json"]), first);
    assert_eq!(report(&home, &["--from", "both.json", "--pcap", "node.pcap"]), first);
    let written: Value = serde_json::from_str(&fs::read_to_string(home.path("both.json")).unwrap()).unwrap();
    let capture = &written["captures"][0];
    // Neither the probe of this program nor the connection with another server.
    assert_eq!((&capture["summary"]["flows"], &capture["elsewhere"]), (&Value::from(4), &Value::from(1)));
    let codes: Vec<&str> = first["summary"]["captured"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["AT601", "AT605"]);
}

#[test]
fn a_capture_alone_is_judged() {
    let home = home("healthy");
    for (name, bytes) in [("form.pcapng", pcapng(true, 1, &node())), ("cut.pcap", pcap(1, &node()))] {
        fs::write(home.path(name), &bytes[..bytes.len() - 7]).unwrap();
        let report = report(&home, &["--offline", "--pcap", name]);
        assert_eq!(report["exitCode"], 1);
        assert_eq!(report["verdict"]["causes"][0]["symptom"], "AT601", "{}", report["verdict"]);
        let missed = report["notSeen"].as_array().unwrap().iter().map(|missed| missed["what"].as_str().unwrap());
        assert!(missed.clone().any(|what| what == format!("the rest of {name}")), "{}", report["notSeen"]);
        assert!(!missed.clone().any(|what| what == "packet capture"), "{}", report["notSeen"]);
    }
    let good = framed(&good13("10.1.0.1:40001", POD, Some("api.example.com")).packets);
    fs::write(home.path("good.pcap"), pcap(1, &good)).unwrap();
    let output = home.run(&["diagnose", "--offline", "--pcap", "good.pcap", "--only", "capture"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (flags, what) in [
        (&["--pcap", "nowhere.pcap"][..], "could not read nowhere.pcap"),
        (&["--pcap", "evidence.json"], "it is the evidence of an earlier run"),
        (&["--pcap", "good.pcap", "--pcap", "good.pcap"], "a capture more than once"),
        (&["--pcap", "-", "--access-log", "-"], "standard input can be read only once"),
    ] {
        let output = home.run(&[&["diagnose", "--offline"], flags].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(what), "{error}");
    }
}

/// Resets that do not depend on SNI are not blamed on it, unless the routes say that the names are unknown.
#[test]
fn a_server_that_resets_every_hello_does_not_miss_the_name() {
    let home = home("healthy");
    let reset = |port: u16, name: Option<&str>| {
        let mut talk = Talk::open(&format!("10.1.0.9:{port}"), POD);
        talk.client_says(&hello(name));
        talk.server_sends(ACK | RST, b"");
        talk
    };
    let symptoms = |file: &str, talks: &[Talk]| {
        fs::write(home.path(file), pcap(1, &framed(&merged(talks)))).unwrap();
        let report = report(&home, &["--offline", "--pcap", file]);
        let causes = report["verdict"]["causes"].as_array().unwrap();
        let symptoms = causes.iter().map(|cause| cause["symptom"].as_str().unwrap_or_default().to_owned());
        (symptoms.collect::<Vec<_>>(), report["verdict"].to_string())
    };
    let without = || vec![reset(42000, None), reset(42001, None)];
    let (only, _) = symptoms("without.pcap", &without());
    assert_eq!(only.first().map(String::as_str), Some("AT601"));
    let every = [without(), vec![reset(42002, Some("api.example.com"))]].concat();
    let served = [without(), vec![good13("10.1.0.9:42003", POD, None)]].concat();
    for (file, talks) in [("every.pcap", every), ("served.pcap", served)] {
        let (symptoms, verdict) = symptoms(file, &talks);
        assert!(!symptoms.iter().any(|symptom| symptom == "AT601" || symptom == "AT602"), "{verdict}");
        assert!(verdict.contains("missing SNI is not the cause"), "{verdict}");
    }
    let named = [without(), vec![good13("10.1.0.9:42003", POD, Some("api.example.com"))]].concat();
    assert_eq!(symptoms("named.pcap", &named).0.first().map(String::as_str), Some("AT601"));
}

/// A capture in which no client speaks TLS shows why there is no handshake: another one is not asked for.
#[test]
fn clients_without_tls_are_looked_for_and_not_captured_again() {
    let home = home("healthy");
    let mut http = Talk::open("10.138.0.28:41000", POD);
    http.client_says(b"GET /v1/orders HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
    http.server_sends(ACK | RST, b"");
    fs::write(home.path("http.pcap"), pcap(1, &framed(&http.packets))).unwrap();
    let mut idle = Talk::open("10.138.0.28:41000", POD);
    idle.client_sends(ACK | FIN, b"");
    fs::write(home.path("idle.pcap"), pcap(1, &framed(&idle.packets))).unwrap();
    let next = |capture: &str| {
        let report = report(&home, &["--from", "evidence.json", "--pcap", capture]);
        assert_eq!(report["exitCode"], 3, "{}", report["verdict"]);
        report["verdict"]["nextMeasurement"].to_string()
    };
    let looked_for = next("http.pcap");
    assert!(looked_for.contains("clients in the captures do not speak TLS (10.138.0.28)"), "{looked_for}");
    assert!(looked_for.contains("get 'pods,nodes,services' --all-namespaces"), "{looked_for}");
    // Nothing is known of a client that sent nothing.
    assert!(next("idle.pcap").contains("a handshake without SNI"));
}

#[test]
fn a_bundle_has_the_capture_judged_and_without_names() {
    let home = home("healthy");
    let output = home.run(&[
        "collect",
        "--context",
        "a",
        "--probe",
        "none",
        "--pcap",
        "node.pcap",
        "--redact",
        "hosts,addresses",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let files = unpacked(&home.bundles()[0]);
    let evidence: Value = serde_json::from_str(&files["evidence.json"]).unwrap();
    let groups = evidence["captures"][0]["summary"]["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 3, "{groups:?}");
    for (path, text) in files.iter().filter(|(path, _)| !path.starts_with("09-captures")) {
        for name in ["mydomain", "10.138.0.28", "10.1.0.4"] {
            assert!(!text.contains(name), "{path} has {name}");
        }
    }
    let bundle = home.bundles()[0].to_str().unwrap().to_owned();
    let codes = report(&home, &["--from", &bundle, "--only", "capture"])["summary"]["captured"].to_string();
    assert!(codes.contains("AT601") && codes.contains("AT605"), "{codes}");
}

/// The checks and the summary judge by one rule.
#[test]
fn the_summary_names_the_check_that_reports_the_connections() {
    let home = home("healthy");
    let reset = |client: &str, name: Option<&str>| {
        let mut talk = Talk::open(client, POD);
        talk.client_says(&hello(name));
        talk.server_sends(ACK | RST, b"");
        talk
    };
    let talks = [reset("10.1.0.1:40001", Some("api.example.com")), reset("10.1.0.2:40002", None)];
    fs::write(home.path("every.pcap"), pcap(1, &framed(&merged(&talks)))).unwrap();
    let report = report(&home, &["--offline", "--pcap", "every.pcap", "--only", "capture"]);
    let captured = report["summary"]["captured"].as_array().unwrap();
    let codes: Vec<&Value> = captured.iter().map(|failure| &failure["code"]).collect();
    assert_eq!(codes, ["AT617"], "{report}");
    let found = report["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "found");
    assert_eq!(found.map(|check| &check["code"]).collect::<Vec<_>>(), ["AT617"], "{report}");
}

#[test]
fn a_key_log_shows_what_tls13_encrypts() {
    let home = home("healthy");
    let refused = sealed::refused("10.1.0.1:40001", POD);
    fs::write(home.path("refused.pcap"), pcap(1, &framed(&refused.packets))).unwrap();
    fs::write(home.path("keys.log"), sealed::key_log()).unwrap();
    let judge = ["--offline", "--pcap", "refused.pcap", "--only", "capture"];
    let codes = |flags: &[&str]| report(&home, &[&judge, flags].concat())["summary"]["captured"][0]["code"].clone();
    assert_eq!(codes(&[]), "AT616");
    assert_eq!(codes(&["--keylog", "keys.log"]), "AT608");
    for (flags, what) in [
        (&["--pcap", "refused.pcap", "--keylog", "nowhere.log"][..], "could not read nowhere.log"),
        (&["-f", "x.yaml", "--keylog", "keys.log"], "--pcap"),
    ] {
        let output = home.run(&[&["diagnose", "--offline"], flags].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(what), "{error}");
    }
    // The bundle is judged with the secrets, and holds none.
    let collect = ["collect", "--context", "a", "--probe", "none", "--pcap", "refused.pcap", "--keylog", "keys.log"];
    let output = home.run(&[&collect[..], &["--redact", "hosts,addresses"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let bundle = home.bundles()[0].to_str().unwrap().to_owned();
    assert_eq!(report(&home, &["--from", &bundle, "--only", "capture"])["summary"]["captured"][0]["code"], "AT608");
    for (path, text) in unpacked(&home.bundles()[0]) {
        assert!(!text.contains("TRAFFIC_SECRET"), "{path}");
    }
}
