//! AT524: pods of one gateway end the same handshake differently.

use crate::checks::facts::{answers, probed};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT524"),
    name: "pods-differ",
    level: Level::Error,
    summary: "Ingress pods end the same handshake differently",
    explanation: Explanation {
        looks_for: "The same ClientHello at pods with the same labels app, ingress_name and org: one pod \
            serves it, and another refuses it or fails in another way. The finding names the pods in the \
            minority. If only the certificates differ, AT531 reports it.",
        matters: "Clients fail now and then, depending on the pod that the load balancer chooses. One pod \
            has an old configuration.",
        fix: "Delete the diverging pod so that it is recreated. If the replacement diverges too, check \
            apigee-ingressgateway-manager, which distributes configuration and certificates.",
    },
    reference: "Istio: every pod of a gateway gets the same listeners and secrets from its control plane",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let compared = answers::between_pods(evidence, probes);
    let faults = compared.iter().flat_map(|same| answers::outnumbered(&answers::by_end(probes, same))).collect();
    let nothing =
        if compared.is_empty() { Some("no gateway has two pods that answered the same ClientHello") } else { None };
    probed::judgement_if_seen(
        probes,
        probed::by_sentence(faults),
        "the pods of a gateway end handshakes in the same way",
        nothing,
    )
}
