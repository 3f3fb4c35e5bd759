//! AT806: the gateways write no access log.

use crate::checks::facts::marker_probe;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT806"),
    name: "access-log-off",
    level: Level::Notice,
    summary: "The mesh configuration disables the access log",
    explanation: Explanation {
        looks_for: "accessLogFile in the ConfigMap apigee-istio-mesh-config: empty or absent, and no line in the log of a \
            handshake that this run made.",
        matters: "Resets leave no trace in the log, so it cannot show whether clients are refused.",
        fix: "Set istiod.accessLogFile to /dev/stdout in overrides.yaml and run helm upgrade for the ingress manager.",
    },
    reference: "Configuration property istiod.accessLogFile: undefined disables",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let mesh = evidence.mesh_logging.seen()?;
    if !mesh.is_off() {
        return Ok(Outcome::Passed(format!("accessLogFile is {}", mesh.file.as_deref().unwrap_or_default())));
    }
    // A log may be written all the same: by a Telemetry resource, or by a gateway that runs with earlier
    // settings.
    if marker_probe::expected(evidence).iter().any(|marker| marker.is_logged) {
        let text = "accessLogFile is not set, but the log has the line of a handshake that this run made";
        return Ok(Outcome::Passed(text.into()));
    }
    Ok(Outcome::Found(vec![Finding::new(
        Object::new(Kind::ConfigMap, "apigee-istio-mesh-config"),
        Location::field("data.mesh accessLogFile"),
        "the access log is disabled",
        mesh.file.as_deref().map_or("absent", |_| "empty"),
        "/dev/stdout",
    )]))
}
