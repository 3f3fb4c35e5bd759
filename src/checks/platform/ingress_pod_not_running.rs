//! AT802: an ingress pod is not running, or one of its containers is not ready.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;
use crate::evidence::hybrid::IngressPod;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT802"),
    name: "ingress-pod-not-running",
    level: Level::Warning,
    summary: "An ingress pod is not running or not ready",
    explanation: Explanation {
        looks_for: "Ingress pods in a phase other than Running, or with a container that is not ready. Pods \
            that are being deleted, were evicted or have finished count only if no other pod is running.",
        matters: "The other pods carry its load. While none is running, no pod answers.",
        fix: "Run kubectl describe for the pod; its events state the reason.",
    },
    reference: "Apigee hybrid playbook, step 1: READY 2/2, STATUS Running",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let pods = facts::pods(evidence)?;
    if pods.is_empty() {
        return Ok(Outcome::NotApplicable(format!("there is no ingress pod ({})", codes::INGRESS_POD_MISSING)));
    }
    let running = pods.iter().filter(|pod| pod.is_running()).count();
    // A pod that was evicted or is being deleted does no harm, as long as another pod is running.
    let is_leaving = |pod: &IngressPod| pod.terminating || matches!(pod.phase.as_str(), "Failed" | "Succeeded");
    let findings = pods
        .iter()
        .filter(|pod| !pod.is_running() && (running == 0 || !is_leaving(pod)))
        .map(|pod| {
            let waiting: Vec<String> = pod
                .containers
                .iter()
                .filter(|container| !container.ready)
                .map(|container| match &container.waiting {
                    Some(reason) => format!("{} is waiting: {reason}", container.name),
                    None => format!("{} is not ready", container.name),
                })
                .collect();
            Finding::new(
                Object::new(Kind::Pod, &pod.name),
                Location::field("status"),
                format!("pod {} is {}", pod.name, condition(pod)),
                if waiting.is_empty() { pod.phase.clone() } else { format!("{}; {}", pod.phase, waiting.join(", ")) },
                "Running, every container ready",
            )
        })
        .collect();
    Ok(Outcome::of(findings, format!("{} running", facts::count(running as u64, "pod"))))
}

fn condition(pod: &IngressPod) -> &str {
    match pod.phase.as_str() {
        _ if pod.terminating => "being deleted",
        "Running" => "not ready",
        "Pending" => "pending",
        "Failed" => "failed or evicted",
        "Succeeded" => "finished",
        phase => phase,
    }
}
