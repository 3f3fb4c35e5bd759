//! AT501: the endpoint serves a handshake with SNI and refuses one without SNI.
//!
//! If the handshake without SNI was requested, AT505 reports its refusal.

use crate::checks::facts::probed::{self, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::ClientHelloKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT501"),
    name: "server-name-required",
    level: Level::Notice,
    summary: "A handshake succeeds with SNI and is refused without SNI",
    explanation: Explanation {
        looks_for: "At one endpoint, a handshake with SNI succeeded, and one without SNI, made only for \
            comparison, was ended in answer to the ClientHello.",
        matters: "This is correct for a gateway whose clients all send SNI. Clients that send none fail \
            there: old Java versions, some load balancers and health checks, and all clients that connect to \
            an IP address.",
        fix: "If every client sends SNI, do nothing. Otherwise create a wildcard ApigeeRoute with \
            enableNonSniClient, and list it in additionalGateways.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 3; Istio's filter \
        chains: without * among the hosts a chain requires SNI",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut faults = Vec::new();
    for (endpoint, named) in probed::requested(probes) {
        if named.kind != ClientHelloKind::Named || !named.succeeded() {
            continue;
        }
        let Some(without_sni) = probed::other_handshake(probes, endpoint, ClientHelloKind::WithoutSni) else {
            continue;
        };
        let (false, true, Some(failure)) = (without_sni.requested, without_sni.was_refused(), &without_sni.failure)
        else {
            continue;
        };
        faults.push(Fault {
            probe: (endpoint, named),
            what: format!("{} is served, but a handshake without SNI is refused", probed::describe_sni(named)),
            observed: format!("without SNI: {failure}{}", probed::resets_confirmed(evidence, endpoint)),
            expected: "the same, if every client sends SNI".into(),
        });
    }
    probed::judgement(
        probes,
        probed::by_host(faults),
        "no endpoint that serves a server name was seen to refuse handshakes without SNI",
    )
}
