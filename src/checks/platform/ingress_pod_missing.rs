//! AT801: no ingress pod is running.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT801"),
    name: "ingress-pod-missing",
    level: Level::Error,
    summary: "No ingress pod is running",
    explanation: Explanation {
        looks_for: "Pods of the namespace with the label app=apigee-ingressgateway, or those that -l \
            selects: there are none, or none is running and ready. Internal-chaining pods are ignored.",
        matters: "No pod answers at the ingress. Clients get a refused connection or a timeout, not a reset \
            during the handshake.",
        fix: "If there are no pods, check the namespace (-n) and the selector (-l). If these are right, \
            check the ApigeeDeployment and the ReplicaSet of the ingress gateway. If pods exist but none is \
            running, run kubectl describe for one of them; its events state the reason.",
    },
    reference: "Apigee hybrid playbook, step 1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let pods = facts::pods(evidence)?;
    let namespace = evidence.question.namespace();
    let running = pods.iter().filter(|pod| pod.is_running()).count();
    if running > 0 {
        return Ok(Outcome::Passed(format!("{} running", facts::count(running as u64, "ingress pod"))));
    }
    let message = match pods.len() {
        0 => format!("no pod of namespace {namespace} matches {}", evidence.question.selector()),
        1 => format!("the only ingress pod is not running and ready ({})", codes::INGRESS_POD_NOT_RUNNING),
        number => format!("none of {number} ingress pods is running and ready ({})", codes::INGRESS_POD_NOT_RUNNING),
    };
    Ok(Outcome::Found(vec![Finding::new(
        Object::namespace(evidence),
        Location::Listing("pods".into()),
        message,
        format!("0 of {}", facts::count(pods.len() as u64, "pod")),
        "at least one ingress pod that is running and ready",
    )]))
}
