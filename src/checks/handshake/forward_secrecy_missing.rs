//! AT533: the endpoint accepts cipher suites without forward secrecy.

use crate::checks::facts::scanned;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::text::count;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT533"),
    name: "forward-secrecy-missing",
    level: Level::Warning,
    summary: "The endpoint accepts cipher suites without forward secrecy",
    explanation: Explanation {
        looks_for: "Cipher suites that a scan (probe --full) found to be accepted, and whose key exchange is not \
            ephemeral: static RSA, static Diffie-Hellman, or a shared secret alone. All suites of TLS 1.3 have \
            forward secrecy.",
        matters: "Whoever records the traffic, and later gets the private key of the server, can decrypt it. \
            Clients that offer better suites are usually not affected, because the server chooses those.",
        fix: "Leave only suites that begin with ECDHE, and have no NULL in the name, in the list of the server. For \
            Apigee hybrid, set cipherSuites of the virtual host, and run helm upgrade.",
    },
    reference: "RFC 9325 §4.1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    scanned::judge(probes, "every accepted cipher suite has forward secrecy", |scan| {
        let mut suites: Vec<&str> = scan.versions.iter().flat_map(scanned::without_forward_secrecy).collect();
        suites.sort_unstable();
        suites.dedup();
        let verb = if suites.len() == 1 { "is" } else { "are" };
        let number = count(u64::try_from(suites.len()).unwrap_or(u64::MAX), "cipher suite");
        let message = format!("{number} without forward secrecy {verb} offered (RFC 9325)");
        (!suites.is_empty()).then(|| (message, suites.join(", "), "suites with an ephemeral key exchange".into()))
    })
}
