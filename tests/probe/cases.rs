//! What each server is, and what `probe` has to say of it: exit code, the codes found, and how the handshakes ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::run::Bench;
use crate::shell::Result;

struct Case {
    server: &'static str,
    arguments: &'static [&'static str],
    exit: i32,
    /// Codes of the checks that found something.
    found: &'static [&'static str],
    /// What the finding that decides says, in part; or the sentence of a target without one.
    verdict: &'static str,
    /// How the handshake that was asked for ended, as the report's JSON has it: `stage/how`, or `ok`.
    ended: &'static str,
}

const CASES: &[Case] = &[
    // The set-ups of an ingress.
    Case {
        server: "envoy",
        arguments: &[],
        exit: 0,
        found: &["AT501"],
        verdict: "clients that send none are refused",
        ended: "ok",
    },
    Case {
        server: "envoy",
        arguments: &["--no-sni"],
        exit: 1,
        found: &["AT505"],
        verdict: "server name",
        ended: "clientHello/reset",
    },
    Case {
        server: "envoy",
        arguments: &["--sni", "nope.example.org"],
        exit: 1,
        found: &["AT504"],
        verdict: "nope.example.org",
        ended: "clientHello/reset",
    },
    Case {
        server: "envoy",
        arguments: &["--tls-max", "1.1"],
        exit: 1,
        found: &["AT506"],
        verdict: "protocol_version",
        ended: "clientHello/alert 70",
    },
    Case {
        server: "envoy-wildcard",
        arguments: &[],
        exit: 0,
        found: &[],
        verdict: "those that send another are served",
        ended: "ok",
    },
    Case { server: "envoy-wildcard", arguments: &["--no-sni"], exit: 0, found: &[], verdict: "", ended: "ok" },
    Case { server: "envoy-tls12", arguments: &[], exit: 0, found: &["AT501"], verdict: "", ended: "ok" },
    Case {
        server: "envoy-tls12",
        arguments: &["--tls-min", "1.3"],
        exit: 1,
        found: &["AT506"],
        verdict: "",
        ended: "clientHello/alert 70",
    },
    Case {
        server: "envoy-tls12",
        arguments: &["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"],
        exit: 1,
        found: &["AT507"],
        verdict: "",
        ended: "clientHello/alert 40",
    },
    Case { server: "envoy-tls13", arguments: &[], exit: 0, found: &["AT501"], verdict: "", ended: "ok" },
    Case {
        server: "envoy-tls13",
        arguments: &["--tls-max", "1.2"],
        exit: 1,
        found: &["AT506"],
        verdict: "",
        ended: "clientHello/alert 70",
    },
    Case {
        server: "envoy-tls10",
        arguments: &["--tls-max", "1.0"],
        exit: 0,
        found: &["AT501"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy-mutual",
        arguments: &[],
        exit: 1,
        found: &["AT509"],
        verdict: "certificate",
        ended: "established/alert 116",
    },
    Case {
        server: "envoy-mutual",
        arguments: &["--tls-max", "1.2"],
        exit: 1,
        found: &["AT509"],
        verdict: "certificate",
        ended: "clientFlight/alert 40",
    },
    Case {
        server: "envoy-mutual",
        arguments: &["--cert", "@client.pem", "--key", "@client.key"],
        exit: 0,
        found: &["AT501"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy-mutual",
        arguments: &["--cert", "@stranger.pem", "--key", "@stranger.key"],
        exit: 1,
        found: &["AT511"],
        verdict: "",
        ended: "established/alert 48",
    },
    Case {
        server: "envoy-no-intermediate",
        arguments: &[],
        exit: 1,
        found: &["AT501", "AT518"],
        verdict: "Test Intermediate CA",
        ended: "ok",
    },
    Case { server: "envoy-misordered", arguments: &[], exit: 1, found: &["AT501", "AT519"], verdict: "", ended: "ok" },
    Case { server: "envoy-with-root", arguments: &[], exit: 0, found: &["AT501"], verdict: "", ended: "ok" },
    Case {
        server: "envoy-expired",
        arguments: &[],
        exit: 1,
        found: &["AT501", "AT514"],
        verdict: "expired",
        ended: "ok",
    },
    Case { server: "envoy-not-yet", arguments: &[], exit: 1, found: &["AT501", "AT515"], verdict: "", ended: "ok" },
    Case { server: "envoy-expiring", arguments: &[], exit: 1, found: &["AT501", "AT516"], verdict: "", ended: "ok" },
    Case {
        server: "envoy-expiring",
        arguments: &["--fail-on", "error"],
        exit: 0,
        found: &["AT501", "AT516"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy-other-host",
        arguments: &["--sni", "other.example.org"],
        exit: 1,
        found: &["AT501", "AT517"],
        verdict: "other.example.org",
        ended: "ok",
    },
    Case { server: "envoy-self-signed", arguments: &[], exit: 1, found: &["AT501", "AT521"], verdict: "", ended: "ok" },
    Case {
        server: "envoy",
        arguments: &["--ca-file", "@other-root.pem"],
        exit: 1,
        found: &["AT501", "AT520"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy-proxy-protocol",
        arguments: &["--proxy-protocol"],
        exit: 0,
        found: &["AT501"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy-proxy-protocol",
        arguments: &[],
        exit: 1,
        found: &["AT504"],
        verdict: "",
        ended: "clientHello/reset",
    },
    Case {
        server: "envoy",
        arguments: &["--proxy-protocol"],
        exit: 1,
        found: &["AT504"],
        verdict: "",
        ended: "clientHello/reset",
    },
    // OpenSSL and Java.
    Case {
        server: "openssl",
        arguments: &[],
        exit: 0,
        found: &[],
        verdict: "those that send another are served",
        ended: "ok",
    },
    Case { server: "openssl-tls10", arguments: &[], exit: 0, found: &[], verdict: "", ended: "ok" },
    Case {
        server: "openssl-mutual",
        arguments: &[],
        exit: 1,
        found: &["AT509"],
        verdict: "certificate",
        ended: "established/alert 116",
    },
    Case {
        server: "openssl-mutual",
        arguments: &["--tls-max", "1.2"],
        exit: 1,
        found: &["AT509"],
        verdict: "certificate",
        ended: "clientFlight/alert 40",
    },
    Case {
        server: "openssl-mutual",
        arguments: &["--cert", "@client.pem", "--key", "@client.key"],
        exit: 0,
        found: &[],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "openssl-mutual",
        arguments: &["--cert", "@stranger.pem", "--key", "@stranger.key"],
        exit: 1,
        found: &["AT511"],
        verdict: "",
        ended: "established/alert 48",
    },
    Case {
        server: "openssl-alpn",
        arguments: &[],
        exit: 1,
        found: &["AT508"],
        verdict: "",
        ended: "clientHello/alert 120",
    },
    Case {
        server: "openssl-alpn",
        arguments: &["--alpn", "acme-tls/1"],
        exit: 0,
        found: &[],
        verdict: "",
        ended: "ok",
    },
    Case { server: "openssl-weak", arguments: &[], exit: 1, found: &["AT522"], verdict: "", ended: "ok" },
    Case { server: "java", arguments: &[], exit: 0, found: &[], verdict: "", ended: "ok" },
    Case {
        server: "java-mutual",
        arguments: &[],
        exit: 1,
        found: &["AT509"],
        verdict: "certificate",
        ended: "established/alert 42",
    },
    Case {
        server: "java-mutual",
        arguments: &["--cert", "@stranger.pem", "--key", "@stranger.key"],
        exit: 1,
        found: &["AT511"],
        verdict: "",
        ended: "established/alert 46",
    },
    Case {
        server: "java-mutual",
        arguments: &["--cert", "@client.pem", "--key", "@client.key"],
        exit: 0,
        found: &[],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "java",
        arguments: &["--tls-max", "1.1"],
        exit: 1,
        found: &["AT506"],
        verdict: "",
        ended: "clientHello/alert 70",
    },
    // Peers that misbehave.
    Case {
        server: "refused",
        arguments: &[],
        exit: 1,
        found: &["AT502"],
        verdict: "refused",
        ended: "connect/refused",
    },
    Case {
        server: "odd-close",
        arguments: &[],
        exit: 1,
        found: &["AT504"],
        verdict: "closed",
        ended: "clientHello/closed",
    },
    Case {
        server: "odd-reset",
        arguments: &[],
        exit: 1,
        found: &["AT504"],
        verdict: "reset",
        ended: "clientHello/reset",
    },
    Case {
        server: "odd-silent",
        arguments: &["--timeout", "500ms"],
        exit: 1,
        found: &["AT512"],
        verdict: "0.5 s",
        ended: "clientHello/timedOut",
    },
    Case {
        server: "odd-half-record",
        arguments: &[],
        exit: 1,
        found: &["AT513"],
        verdict: "",
        ended: "serverFlight/closed",
    },
    Case {
        server: "odd-half-record-stall",
        arguments: &["--timeout", "500ms"],
        exit: 1,
        found: &["AT512"],
        verdict: "",
        ended: "serverFlight/timedOut",
    },
    Case {
        server: "odd-endless",
        arguments: &["--timeout", "5s"],
        exit: 1,
        found: &["AT513"],
        verdict: "",
        ended: "serverFlight/malformed",
    },
    Case {
        server: "odd-warnings",
        arguments: &["--timeout", "5s"],
        exit: 1,
        found: &["AT513"],
        verdict: "",
        ended: "clientHello/local",
    },
    Case {
        server: "odd-garbage",
        arguments: &[],
        exit: 1,
        found: &["AT513"],
        verdict: "",
        ended: "serverFlight/malformed",
    },
    Case {
        server: "odd-zeros",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "",
        ended: "clientHello/notTls unknown",
    },
    Case {
        server: "odd-http",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "HTTP",
        ended: "clientHello/notTls http",
    },
    Case {
        server: "odd-ssh",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "SSH",
        ended: "clientHello/notTls ssh",
    },
    Case {
        server: "odd-smtp",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "SMTP",
        ended: "clientHello/notTls smtp",
    },
    Case {
        server: "odd-ftp",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "FTP",
        ended: "clientHello/notTls ftp",
    },
    Case {
        server: "odd-imap",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "IMAP",
        ended: "clientHello/notTls imap",
    },
    Case {
        server: "odd-pop3",
        arguments: &[],
        exit: 1,
        found: &["AT503"],
        verdict: "POP3",
        ended: "clientHello/notTls pop3",
    },
    Case {
        server: "odd-alert-40",
        arguments: &[],
        exit: 1,
        found: &["AT507"],
        verdict: "handshake_failure",
        ended: "clientHello/alert 40",
    },
    Case {
        server: "odd-alert-80",
        arguments: &[],
        exit: 1,
        found: &["AT513"],
        verdict: "internal_error",
        ended: "clientHello/alert 80",
    },
    Case {
        server: "odd-alert-112",
        arguments: &[],
        exit: 1,
        found: &["AT504"],
        verdict: "unrecognized_name",
        ended: "clientHello/alert 112",
    },
    Case {
        server: "odd-alert-120",
        arguments: &[],
        exit: 1,
        found: &["AT508"],
        verdict: "",
        ended: "clientHello/alert 120",
    },
    Case {
        server: "odd-alert-255",
        arguments: &[],
        exit: 1,
        found: &["AT513"],
        verdict: "unknown alert",
        ended: "clientHello/alert 255",
    },
    Case {
        server: "odd-close-notify",
        arguments: &[],
        exit: 1,
        found: &["AT513"],
        verdict: "close_notify",
        ended: "clientHello/alert 0",
    },
    Case {
        server: "odd-huge-certificates",
        arguments: &["--tls-max", "1.2"],
        exit: 1,
        found: &["AT513"],
        verdict: "",
        ended: "serverFlight/local",
    },
    Case {
        server: "odd-one-byte-a-second",
        arguments: &["--timeout", "2500ms"],
        exit: 1,
        found: &["AT512"],
        verdict: "2.5 s",
        ended: "serverFlight/timedOut",
    },
    Case { server: "odd-slow", arguments: &[], exit: 0, found: &[], verdict: "", ended: "ok" },
    // Through a proxy.
    Case {
        server: "envoy",
        arguments: &["--via-proxy=http://127.0.0.1:{proxy}"],
        exit: 0,
        found: &["AT501"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy",
        arguments: &["--via-proxy=http://me:open%20sesame@127.0.0.1:{proxy-asks}"],
        exit: 0,
        found: &["AT501"],
        verdict: "",
        ended: "ok",
    },
    Case {
        server: "envoy",
        arguments: &["--via-proxy=http://127.0.0.1:{proxy-asks}"],
        exit: 1,
        found: &["AT502"],
        verdict: "407",
        ended: "proxy/proxyRefused",
    },
    Case {
        server: "envoy",
        arguments: &["--via-proxy=http://127.0.0.1:{proxy-forbids}"],
        exit: 1,
        found: &["AT502"],
        verdict: "403",
        ended: "proxy/proxyRefused",
    },
    Case {
        server: "envoy",
        arguments: &["--via-proxy=http://127.0.0.1:{refused}"],
        exit: 1,
        found: &["AT502"],
        verdict: "proxy",
        ended: "proxy/other",
    },
];

pub fn trials(bench: Option<&Arc<Bench>>) -> Vec<Trial> {
    let mut trials: Vec<Trial> = CASES
        .iter()
        .map(|case| {
            let bench = bench.cloned();
            let name = format!("{} {}", case.server, case.arguments.join(" "));
            Trial::test(name.trim().to_owned(), move || match bench {
                Some(bench) => run(&bench, case).map_err(Into::into),
                None => Err("the servers were not started".into()),
            })
        })
        .collect();
    for (name, test) in SCANS {
        let bench = bench.cloned();
        trials.push(Trial::test(*name, move || match bench {
            Some(bench) => test(&bench).map_err(Into::into),
            None => Err("the servers were not started".into()),
        }));
    }
    trials
}

fn run(bench: &Bench, case: &Case) -> Result<()> {
    let (exit, report) = bench.report(case.server, case.arguments)?;
    let target = &report["targets"][0];
    let found: BTreeSet<&str> = list(&target["checks"])
        .filter(|check| check["outcome"] == "found")
        .filter_map(|check| check["code"].as_str())
        .collect();
    let asked = list(&target["endpoints"][0]["handshakes"]).find(|handshake| handshake["asked"] == true);
    let ended = ended(asked.ok_or("no handshake was asked for")?);
    let verdict = target["verdict"].as_str().unwrap_or_default();
    let mut wrong = Vec::new();
    if exit != Some(case.exit) {
        wrong.push(format!("exit code {exit:?}, expected {}", case.exit));
    }
    if found != case.found.iter().copied().collect() {
        wrong.push(format!("found {found:?}, expected {:?}", case.found));
    }
    if ended != case.ended {
        wrong.push(format!("ended {ended}, expected {}", case.ended));
    }
    if !verdict.contains(case.verdict) {
        wrong.push(format!("the verdict has no \"{}\"", case.verdict));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\nverdict: {verdict}", wrong.join("\n"))) }
}

/// `stage/how`, with the alert's number or what a peer speaks.
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
