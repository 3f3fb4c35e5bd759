//! AT802: an ingress pod does not run, or a container of it is not ready.

use crate::checks::facts;
use crate::checks::{Check, Explanation, Finding, Judgement, Level, Outcome, Step};
use crate::evidence::Evidence;

pub(super) const CHECK: Check = Check {
    code: "AT802",
    name: "ingress-pod-not-running",
    level: Level::Warning,
    step: Step::Pods,
    summary: "An ingress pod does not run or is not ready",
    explanation: Explanation {
        looks_for: "Ingress pods in another phase than Running, or with a container that is not ready; pods that are being \
            deleted do not count.",
        matters: "The others carry its load. While none runs, nobody answers.",
        fix: "kubectl describe the pod: its events name the reason.",
    },
    reference: "Apigee hybrid playbook, step 1: READY 2/2, STATUS Running",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let pods = facts::pods(evidence)?;
    if pods.is_empty() {
        return Ok(Outcome::NotApplicable("there is no ingress pod (AT801)".into()));
    }
    let findings = pods
        .iter()
        .filter(|pod| !pod.is_running() && !pod.terminating)
        .map(|pod| {
            let waiting: Vec<String> = pod
                .containers
                .iter()
                .filter(|container| !container.ready)
                .map(|container| match &container.waiting {
                    Some(reason) => format!("{} waits: {reason}", container.name),
                    None => format!("{} is not ready", container.name),
                })
                .collect();
            Finding::new(
                format!("Pod/{}", pod.name),
                "status",
                format!("pod {} is {}", pod.name, if pod.phase == "Running" { "not ready" } else { &pod.phase }),
                if waiting.is_empty() { pod.phase.clone() } else { format!("{}; {}", pod.phase, waiting.join(", ")) },
                "Running, every container ready",
            )
        })
        .collect();
    Ok(Outcome::of(findings, format!("{} running", facts::count(pods.len() as u64, "pod"))))
}
