//! AT214: wildcard routes select some ingress pods and not the others.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::{IngressPod, selects};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT214"),
    name: "ingress-pod-without-wildcard",
    level: Level::Notice,
    summary: "No wildcard route selects some of the ingress pods",
    explanation: Explanation {
        looks_for: "Ingress pods that no wildcard route selects, if at least one wildcard route selects \
            other ingress pods.",
        matters: "Clients without SNI are served by one ingress gateway and reset by another. This may be \
            intended.",
        fix: "If clients without SNI use the other gateways too, widen the selector of the wildcard route. \
            The selector app: apigee-ingressgateway selects all ingress pods.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", step 1: selector app: apigee-ingressgateway",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    let pods = facts::pods(evidence)?;
    let (with, without): (Vec<&IngressPod>, Vec<&IngressPod>) =
        pods.into_iter().partition(|pod| wildcards.iter().any(|route| selects(&route.selector, &pod.labels)));
    if with.is_empty() {
        return Ok(Outcome::NotApplicable("no wildcard route selects an ingress pod".into()));
    }
    let findings = without
        .iter()
        .map(|pod| {
            Finding::new(
                Object::new(Kind::Pod, &pod.name),
                Location::field("metadata.labels"),
                format!("no wildcard route selects pod {}", pod.name),
                facts::labels(&facts::known_labels(&pod.labels)),
                format!("a pod that {} selects", facts::labels(&wildcards[0].selector)),
            )
        })
        .collect();
    Ok(Outcome::of(findings, "a wildcard route selects every ingress pod"))
}
