//! AT537: the endpoint accepts cipher suites that do not encrypt, or that authenticate nobody.

use crate::checks::facts::scanned;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::VersionScan;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT537"),
    name: "unprotected-suite-offered",
    level: Level::Warning,
    summary: "The endpoint accepts cipher suites without encryption or without authentication",
    explanation: Explanation {
        looks_for: "Cipher suites that a scan (probe --full) found to be accepted, and that do not encrypt (NULL in \
            the name) or do not authenticate the server (anonymous Diffie-Hellman: ADH, AECDH, anon).",
        matters: "Without encryption, everybody on the way reads the traffic. Without authentication, everybody on \
            the way can be the server. Clients do not offer such suites unless they are configured to.",
        fix: "Remove the suites with NULL, ADH, AECDH or anon in their names from the list of the server. For Apigee \
            hybrid, correct cipherSuites of the virtual host, and run helm upgrade.",
    },
    reference: "RFC 9325 §4.1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    scanned::judge(probes, "every accepted cipher suite encrypts and authenticates the server", |scan| {
        let of_all = |select: fn(&VersionScan) -> Vec<&str>| {
            let mut suites: Vec<&str> = scan.versions.iter().flat_map(select).collect();
            suites.sort_unstable();
            suites.dedup();
            suites.join(", ")
        };
        let kinds = [
            ("without encryption", of_all(scanned::without_encryption)),
            ("without authentication of the server", of_all(scanned::without_authentication)),
        ];
        let found: Vec<String> = kinds
            .into_iter()
            .filter(|(_, suites)| !suites.is_empty())
            .map(|(what, suites)| format!("cipher suites {what} are offered: {suites}"))
            .collect();
        let message = found.join("; ");
        (!found.is_empty()).then(|| (message.clone(), message, "suites that encrypt and authenticate".into()))
    })
}
