//! AT508: the server accepts none of the protocols offered by ALPN.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT508"),
    name: "protocol-by-alpn-refused",
    level: Level::Error,
    summary: "The server accepts none of the protocols offered by ALPN",
    explanation: Explanation {
        looks_for: "The alert no_application_protocol (120).",
        matters: "Clients that offer the same protocols fail. Clients that offer h2 or http/1.1, or send no \
            ALPN, may succeed.",
        fix: "Offer h2 or http/1.1 by ALPN, or send no ALPN extension.",
    },
    reference: "RFC 7301 §3.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let offered = probes.question.alpn.join(", ");
    let faults = probed::ended(probes, Ending::AlpnRefused)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("the protocols offered by ALPN ({offered}) are refused, {failure}"),
            observed: failure.to_string(),
            expected: "one of the protocols offered, or no alert".into(),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "no protocol offered by ALPN is refused")
}
