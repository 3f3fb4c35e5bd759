//! AT803: a container of an ingress pod was restarted.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT803"),
    name: "ingress-pod-restarted",
    level: Level::Notice,
    summary: "A container of an ingress pod was restarted",
    explanation: Explanation {
        looks_for: "The restart count of each container of the ingress pods.",
        matters: "Open connections were broken by the restart. The log of the previous run is not read here, \
            so resets before the restart are not counted.",
        fix: "Run kubectl logs --previous to see the log of the previous run, and kubectl describe to see \
            how it ended.",
    },
    reference: "Apigee hybrid playbook, step 1: RESTARTS",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let pods = facts::pods(evidence)?;
    if pods.is_empty() {
        return Ok(Outcome::NotApplicable(format!("there is no ingress pod ({})", codes::INGRESS_POD_MISSING)));
    }
    let findings = pods
        .iter()
        .flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)))
        .filter(|(_, container)| container.restarts > 0)
        .map(|(pod, container)| {
            let since =
                container.started_at.map_or(String::new(), |at| format!(", current run since {}", facts::moment(at)));
            Finding::new(
                Object::new(Kind::Pod, &pod.name),
                Location::Container(container.name.clone()),
                format!(
                    "{} of container {} in pod {}{since}",
                    facts::count(u64::from(container.restarts), "restart"),
                    container.name,
                    pod.name
                ),
                container.last_termination.clone().unwrap_or_else(|| "it is unknown how the previous run ended".into()),
                "no restart",
            )
        })
        .collect();
    Ok(Outcome::of(findings, "no container was restarted"))
}
