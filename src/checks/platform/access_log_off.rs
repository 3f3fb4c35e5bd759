//! AT806: the gateways write no access log.

use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT806"),
    name: "access-log-off",
    level: Level::Notice,
    step: Step::AccessLogs,
    summary: "The mesh configuration disables the access log",
    explanation: Explanation {
        looks_for: "accessLogFile in the ConfigMap apigee-istio-mesh-config: it is empty or absent.",
        matters: "Resets leave no record, so the log cannot show whether clients are refused.",
        fix: "Set istiod.accessLogFile to /dev/stdout in overrides.yaml, and run helm upgrade for the \
            ingress manager.",
    },
    reference: "Configuration property istiod.accessLogFile: undefined disables",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let mesh = evidence.mesh_logging.seen()?;
    if !mesh.is_off() {
        return Ok(Outcome::Passed(format!("accessLogFile is {}", mesh.file.as_deref().unwrap_or_default())));
    }
    Ok(Outcome::Found(vec![Finding::new(
        Object::new(Kind::ConfigMap, "apigee-istio-mesh-config"),
        Location::field("data.mesh accessLogFile"),
        "the access log is disabled",
        mesh.file.as_deref().map_or("absent", |_| "empty"),
        "/dev/stdout",
    )]))
}
