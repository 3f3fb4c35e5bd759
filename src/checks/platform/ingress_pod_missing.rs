//! AT801: no ingress pod matches the selector.

use crate::checks::facts;
use crate::checks::{Check, Explanation, Finding, Judgement, Level, Outcome, Step};
use crate::evidence::Evidence;

pub(super) const CHECK: Check = Check {
    code: "AT801",
    name: "ingress-pod-missing",
    level: Level::Error,
    step: Step::Pods,
    summary: "No ingress pod matches the selector",
    explanation: Explanation {
        looks_for: "Pods of the namespace with the label app=apigee-ingressgateway, or what -l says; internal-chaining pods \
            do not count.",
        matters: "Nobody answers at the ingress. Clients get a refused connection or a timeout, not a reset in the handshake.",
        fix: "Check the namespace (-n) and the selector (-l). If they are right, look at the ApigeeDeployment and the \
            ReplicaSet of the ingress gateway.",
    },
    reference: "Apigee hybrid playbook, step 1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let pods = facts::pods(evidence)?;
    if !pods.is_empty() {
        return Ok(Outcome::Passed(facts::count(pods.len() as u64, "ingress pod")));
    }
    Ok(Outcome::Found(vec![Finding::new(
        format!("namespace {}", evidence.question.namespace),
        "pods",
        format!("no pod of namespace {} matches {}", evidence.question.namespace, evidence.question.selector),
        "0 pods",
        "at least one ingress pod",
    )]))
}
