//! AT804: no Service selects the ingress pods.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT804"),
    name: "service-missing",
    level: Level::Warning,
    summary: "No Service selects the ingress pods",
    explanation: Explanation {
        looks_for: "Services of the namespace, with any name, whose selector matches an ingress pod.",
        matters: "Clients reach the pods through a Service, unless a load balancer addresses the pods \
            directly.",
        fix: "Create a Service with the selector app: apigee-ingressgateway and ingress_name, and port 443 \
            with targetPort 8443.",
    },
    reference: "Apigee hybrid \"Expose Apigee ingress gateway\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if facts::pods(evidence)?.is_empty() {
        return Ok(Outcome::NotApplicable(format!("there is no ingress pod ({})", codes::INGRESS_POD_MISSING)));
    }
    let services = facts::services(evidence)?;
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    if !names.is_empty() {
        return Ok(Outcome::Passed(facts::some_of(&names)));
    }
    Ok(Outcome::Found(vec![Finding::new(
        Object::namespace(evidence),
        Location::Listing("services".into()),
        "no Service selects the ingress pods",
        "0 Services",
        "a Service whose selector matches the ingress pods",
    )]))
}
