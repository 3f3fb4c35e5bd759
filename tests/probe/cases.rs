//! The servers, and what `probe` must report of each: exit code, codes found, and the results of the
//! handshakes.

use std::collections::BTreeSet;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use serde::Deserialize;
use serde_json::Value;

use crate::run::Bench;
use crate::shell::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    server: String,
    #[serde(default)]
    arguments: Vec<String>,
    exit: i32,
    /// Codes of the checks with findings.
    #[serde(default)]
    found: BTreeSet<String>,
    /// A part of the deciding finding, or the sentence of a target without findings.
    #[serde(default)]
    verdict: String,
    /// Result of the requested handshake as in the JSON report: `stage/how`, or `ok`.
    ended: String,
}

pub fn trials(bench: Option<&Arc<Bench>>) -> Vec<Trial> {
    let mut trials = match cases() {
        Ok(cases) => cases.into_iter().map(|case| trial(bench, &case.name(), move |bench| run(bench, &case))).collect(),
        Err(why) => vec![Trial::test("cases.yaml reads", move || Err(why.into()))],
    };
    trials.extend(SCANS.iter().map(|(name, test)| trial(bench, name, test)));
    trials
}

fn trial(bench: Option<&Arc<Bench>>, name: &str, test: impl FnOnce(&Bench) -> Result<()> + Send + 'static) -> Trial {
    let bench = bench.cloned();
    Trial::test(name, move || match bench {
        Some(bench) => test(&bench).map_err(Failed::from),
        None => Err("the servers were not started".into()),
    })
}

fn cases() -> Result<Vec<Case>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/probe/cases.yaml");
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    serde_yaml::from_str(&text).map_err(|error| format!("{file}: {error}"))
}

impl Case {
    fn name(&self) -> String {
        format!("{} {}", self.server, self.arguments.join(" ")).trim().to_owned()
    }
}

fn run(bench: &Bench, case: &Case) -> Result<()> {
    let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).collect();
    let (exit, report) = bench.report(&case.server, &arguments)?;
    let target = &report["targets"][0];
    let found: BTreeSet<String> = list(&target["checks"])
        .filter(|check| check["outcome"] == "found")
        .filter_map(|check| Some(check["code"].as_str()?.to_owned()))
        .collect();
    let asked = list(&target["endpoints"][0]["handshakes"]).find(|handshake| handshake["asked"] == true);
    let ended = ended(asked.ok_or("no handshake was asked for")?);
    let verdict = target["verdict"].as_str().unwrap_or_default();
    let mut wrong = Vec::new();
    if exit != Some(case.exit) {
        wrong.push(format!("exit code {exit:?}, expected {}", case.exit));
    }
    if found != case.found {
        wrong.push(format!("found {found:?}, expected {:?}", case.found));
    }
    if ended != case.ended {
        wrong.push(format!("ended {ended}, expected {}", case.ended));
    }
    if !verdict.contains(&case.verdict) {
        wrong.push(format!("the verdict has no \"{}\"", case.verdict));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\nverdict: {verdict}", wrong.join("\n"))) }
}

/// Returns `stage/how`, with the number of the alert or the protocol of the peer.
fn ended(handshake: &Value) -> String {
    let failure = &handshake["failure"];
    let Some(stage) = failure["stage"].as_str() else { return "ok".into() };
    let how = match &failure["how"] {
        Value::String(how) => how.clone(),
        Value::Object(how) => how.iter().next().map_or_else(String::new, |(kind, more)| match kind.as_str() {
            "alert" => format!("alert {}", more["number"]),
            "notTls" => format!("notTls {}", more["speaks"].as_str().unwrap_or_default()),
            kind => kind.to_owned(),
        }),
        _ => String::new(),
    };
    format!("{stage}/{how}")
}

type Test = fn(&Bench) -> Result<()>;

const SCANS: &[(&str, Test)] = &[
    ("a full scan finds every suite with one connection more than there are", |bench| {
        let (_, report) = bench.report("envoy-tls10", &["--full"])?;
        let scan = &report["targets"][0]["endpoints"][0]["scan"]["seen"];
        let suites = |version: &str| {
            list(&scan["versions"])
                .find(|found| found["version"] == version)
                .map_or(0, |found| list(&found["suites"]).count())
        };
        let counts = ["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"].map(suites);
        same(&counts, &[0, 4, 4, 9, 3])?;
        same(&scan["connections"], &Value::from(1 + 5 + 5 + 10 + 4))
    }),
    ("a full scan of an ordinary gateway takes at most 16 connections", |bench| {
        let (_, report) = bench.report("envoy", &["--full"])?;
        let endpoint = &report["targets"][0]["endpoints"][0];
        let connections = endpoint["scan"]["seen"]["connections"].as_u64().unwrap_or(u64::MAX);
        let all = connections + list(&endpoint["handshakes"]).count() as u64;
        if all <= 16 { Ok(()) } else { Err(format!("{all} connections")) }
    }),
    ("a scan of what speaks no TLS says so and ends", |bench| {
        let (exit, report) = bench.report("odd-http", &["--full"])?;
        same(&exit, &Some(1))?;
        let versions = &report["targets"][0]["endpoints"][0]["scan"]["seen"]["versions"];
        let offered = list(versions).filter(|version| list(&version["suites"]).count() > 0).count();
        same(&offered, &0)
    }),
    ("a server that asks for a certificate tells of whom, also in TLS 1.3", |bench| {
        let (_, report) = bench.report("envoy-mutual", &[])?;
        let asked = &report["targets"][0]["endpoints"][0]["handshakes"][0]["clientCertificate"]["asked"];
        same(asked, &serde_json::json!(["CN=Test Root CA"]))
    }),
    ("the repeated line gives what the report says", |bench| {
        let (_, report) = bench.report("envoy", &["--no-sni"])?;
        let line = report["targets"][0]["commands"][0][0].as_str().unwrap_or_default();
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", line]);
        let finished = crate::shell::finish(&mut shell, b"", std::time::Duration::from_secs(10))?;
        let said = format!("{}{}", String::from_utf8_lossy(&finished.stdout), finished.stderr);
        if said.contains("errno=104") && said.contains("no peer certificate available") {
            Ok(())
        } else {
            Err(format!("{line}\n{said}"))
        }
    }),
];

fn same<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T) -> Result<()> {
    if got == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {got:?}")) }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
