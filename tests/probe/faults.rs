//! The nine faults by which scanners were compared: each must be named, and each must give exit code 1.
//!
//! None of the usual tools names all nine, and none signals half of them by its exit code.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::certificates::HOST;
use crate::run::Bench;
use crate::shell::Result;

struct Fault {
    name: &'static str,
    /// Arguments; `{…}` is the port of a server.
    arguments: &'static [&'static str],
    /// The check that reports the fault.
    code: &'static str,
    /// The text that a person must see.
    words: &'static str,
}

const FAULTS: [Fault; 9] = [
    Fault {
        name: "the gateway is asked by its address",
        arguments: &["127.0.0.1:{envoy}"],
        code: "AT505",
        words: "without SNI is refused",
    },
    Fault {
        name: "clients without SNI are not served",
        arguments: &["api-test.mydomain.com:{envoy}", "--no-sni"],
        code: "AT505",
        words: "server name api-test.mydomain.com is served",
    },
    Fault {
        name: "a client certificate is demanded",
        arguments: &["api-test.mydomain.com:{envoy-mutual}"],
        code: "AT509",
        words: "a client certificate is required",
    },
    Fault {
        name: "the chain is incomplete",
        arguments: &["api-test.mydomain.com:{envoy-no-intermediate}"],
        code: "AT518",
        words: "is not sent",
    },
    Fault {
        name: "the chain is misordered",
        arguments: &["api-test.mydomain.com:{envoy-misordered}"],
        code: "AT519",
        words: "positions 1, 3, 2",
    },
    Fault {
        name: "the certificate has expired",
        arguments: &["api-test.mydomain.com:{envoy-expired}"],
        code: "AT514",
        words: "expired",
    },
    Fault {
        name: "the certificate expires within days",
        arguments: &["api-test.mydomain.com:{envoy-expiring}"],
        code: "AT516",
        words: "days",
    },
    Fault {
        name: "the certificate is another host's",
        arguments: &["other.example.org:{envoy-other-host}"],
        code: "AT517",
        words: "does not cover other.example.org",
    },
    Fault {
        name: "the certificate is self-signed",
        arguments: &["api-test.mydomain.com:{envoy-self-signed}"],
        code: "AT521",
        words: "self-signed",
    },
];

pub fn trials(bench: Option<&Arc<Bench>>) -> Vec<Trial> {
    FAULTS
        .iter()
        .map(|fault| {
            let bench = bench.cloned();
            Trial::test(format!("fault: {}", fault.name), move || match bench {
                Some(bench) => run(&bench, fault).map_err(Failed::from),
                None => Err("the servers were not started".into()),
            })
        })
        .collect()
}

fn run(bench: &Bench, fault: &Fault) -> Result<()> {
    let mut arguments = fault.arguments.to_vec();
    arguments.extend(["--ca-file", "@root.pem", "--connect-to", "127.0.0.1"]);
    let text = bench.probe(&arguments, &[], b"")?;
    arguments.extend(["-o", "json"]);
    let json = bench.probe(&arguments, &[], b"")?;
    if text.status.code() != Some(1) || json.status.code() != Some(1) {
        return Err(format!("exit codes {} and {}: {}", text.status, json.status, text.stderr));
    }
    let report: Value = serde_json::from_slice(&json.stdout).map_err(|error| error.to_string())?;
    let checks = report["targets"][0]["checks"].as_array().into_iter().flatten();
    if !checks.clone().any(|check| check["code"] == fault.code && check["outcome"] == "found") {
        return Err(format!("{} found nothing", fault.code));
    }
    // Long lines are wrapped at the width of the terminal.
    let said = String::from_utf8_lossy(&text.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    if !said.contains(fault.words) || !said.contains(fault.code) {
        return Err(format!("{} and {:?} are not both in: {said}", fault.code, fault.words));
    }
    if said.contains(HOST) || said.contains("127.0.0.1") { Ok(()) } else { Err("it does not say of what".into()) }
}
