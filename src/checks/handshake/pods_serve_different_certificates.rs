//! AT531: pods of one gateway serve different certificates.
//!
//! Other checks report faults of the certificates themselves, such as their dates or names.

use crate::checks::facts::{answers, probed};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT531"),
    name: "pods-serve-different-certificates",
    level: Level::Warning,
    step: Step::Probe,
    summary: "Ingress pods serve different certificates for the same hello",
    explanation: Explanation {
        looks_for: "The same hello at pods with the same labels app, ingress_name and org: handshakes that ended alike, and \
            in which different certificates came. The pods that the others outnumber are named.",
        matters: "As long as both certificates are good, no client fails. But one pod has missed the last change: it goes on \
            to serve the old certificate until that expires, and clients that pin one certificate fail now and then.",
        fix: "Delete the odd pod, so that a new one takes its place; if that one is odd too, look at \
            apigee-ingressgateway-manager, which hands the configuration and the Secrets to all of them.",
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
    let nothing = if compared.is_empty() { Some("no gateway has two pods that answered the same hello") } else { None };
    probed::judgement_if_seen(
        probes,
        probed::by_sentence(faults),
        "the pods of a gateway serve the same certificates",
        nothing,
    )
}
