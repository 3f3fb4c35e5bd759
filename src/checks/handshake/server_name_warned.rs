//! AT536: the server answers a server name with the warning `unrecognized_name`.

use crate::checks::facts::probed::{self, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, alert_name};

/// Number of the alert `unrecognized_name`.
const UNRECOGNIZED_NAME: u8 = 112;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT536"),
    name: "server-name-warned",
    level: Level::Notice,
    summary: "The server warns that it does not know the server name, and continues",
    explanation: Explanation {
        looks_for: "The alert unrecognized_name (112) as a warning in answer to the server name that was \
            requested, followed by a handshake.",
        matters: "The server has no configuration for this name and serves its default certificate. OpenSSL \
            and browsers ignore the warning; Java 7 ends the handshake with it. An Envoy never sends it: \
            another server answers here.",
        fix: "Add the name to the server, such as to ServerName or ServerAlias of Apache httpd, or correct \
            the address.",
    },
    reference: "RFC 6066 §3: sending a warning-level unrecognized_name is not recommended",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::requested(probes)
        .filter(|(_, made)| made.kind == ClientHelloKind::Named && made.warning == Some(UNRECOGNIZED_NAME))
        .map(|probe| Fault {
            probe,
            what: format!(
                "warns that it does not know {} (alert {}, {UNRECOGNIZED_NAME}), and continues",
                probed::describe_sni(probe.1),
                alert_name(UNRECOGNIZED_NAME)
            ),
            observed: format!("warning alert {} ({UNRECOGNIZED_NAME})", alert_name(UNRECOGNIZED_NAME)),
            expected: "no alert".into(),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "no requested server name is answered with a warning")
}
