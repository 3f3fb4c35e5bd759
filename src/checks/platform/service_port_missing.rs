//! AT805: no Service of the ingress pods has port 443.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT805"),
    name: "service-port-missing",
    level: Level::Warning,
    summary: "No Service of the ingress pods has port 443",
    explanation: Explanation {
        looks_for: "Port 443 in the Services that select the ingress pods.",
        matters: "Clients that connect to port 443 cannot reach the gateway through any of these Services.",
        fix: "Add port 443 with targetPort 8443 to the Service.",
    },
    reference: "Apigee hybrid \"Expose Apigee ingress gateway\": https 443 to 8443",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if facts::pods(evidence)?.is_empty() {
        return Ok(Outcome::NotApplicable(format!("there is no ingress pod ({})", codes::INGRESS_POD_MISSING)));
    }
    let services = facts::services(evidence)?;
    if services.is_empty() {
        return Ok(Outcome::NotApplicable(format!("no Service selects the ingress pods ({})", codes::SERVICE_MISSING)));
    }
    let has_443 = |service: &&&crate::evidence::hybrid::Service| service.ports.iter().any(|port| port.number == 443);
    if let Some(service) = services.iter().find(has_443) {
        return Ok(Outcome::Passed(format!("Service {} has port 443", service.name)));
    }
    let findings = services
        .iter()
        .map(|service| {
            let ports: Vec<String> = service.ports.iter().map(|port| port.number.to_string()).collect();
            Finding::new(
                Object::new(Kind::Service, &service.name),
                Location::field("spec.ports"),
                format!("Service {} has no port 443", service.name),
                if ports.is_empty() { "no port".into() } else { ports.join(", ") },
                "443",
            )
        })
        .collect();
    Ok(Outcome::Found(findings))
}
