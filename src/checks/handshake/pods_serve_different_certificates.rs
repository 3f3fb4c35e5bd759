//! AT531: pods of one gateway serve different certificates.
//!
//! Other checks report faults of the certificates themselves, such as their dates or names.

use crate::checks::facts::{answers, probed};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT531"),
    name: "pods-serve-different-certificates",
    level: Level::Warning,
    summary: "Ingress pods serve different certificates for the same ClientHello",
    explanation: Explanation {
        looks_for: "The same ClientHello at pods with the same labels app, ingress_name and org: the \
            handshakes ended in the same way, but with different certificates. The finding names the pods in \
            the minority.",
        matters: "While both certificates are valid, no client fails. But one pod has missed the last change \
            and serves the old certificate until it expires. Clients that pin one certificate fail now and \
            then.",
        fix: "Delete the diverging pod so that it is recreated. If the replacement diverges too, check \
            apigee-ingressgateway-manager, which distributes configuration and certificates.",
    },
    reference: "Istio: the control plane pushes a changed Secret to the gateways that name it (SDS)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let compared = answers::between_pods(evidence, probes);
    let faults = compared
        .iter()
        .flat_map(|same| {
            answers::by_end(probes, same)
                .into_iter()
                .flat_map(|alike| answers::outnumbered(&answers::by_answer(probes, &alike)))
                .collect::<Vec<_>>()
        })
        .collect();
    let nothing =
        if compared.is_empty() { Some("no gateway has two pods that answered the same ClientHello") } else { None };
    probed::judgement_if_seen(
        probes,
        probed::by_sentence(faults),
        "the pods of a gateway serve the same certificates",
        nothing,
    )
}
