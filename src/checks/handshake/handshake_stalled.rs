//! AT512: the server stops responding during the handshake.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::Stage;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT512"),
    name: "handshake-stalled",
    level: Level::Error,
    summary: "The server stops responding during the handshake",
    explanation: Explanation {
        looks_for: "A connection that was accepted, but no answer to the ClientHello or to a later flight \
            within the time allowed (--timeout).",
        matters: "Clients hang until their own timeout. A firewall that inspects TLS and drops packets has \
            this effect. So does a path with a smaller MTU than the sender assumes, because a ClientHello \
            with a post-quantum key share needs more than one packet.",
        fix: "Capture packets at both ends and compare. To test the MTU, probe with a smaller ClientHello \
            (--tls-max TLSv1.2, or an older --client) and see whether it is answered.",
    },
    reference: "Apigee Edge \"TLS/SSL handshake failures\": a ClientHello without any answer; RFC 2923 (path \
        MTU discovery)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::ended(probes, Ending::Stalled)
        .map(|(probe, failure)| Fault {
            probe,
            what: match failure.stage {
                Stage::ClientHello => {
                    format!(
                        "{failure}. Silence does not tell why: a firewall may drop the ClientHello, the path may lose \
                         one of more than one packet, or the server waits for something else first"
                    )
                }
                _ => failure.to_string(),
            },
            observed: failure.to_string(),
            expected: "an answer".into(),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "every flight was answered in time")
}
