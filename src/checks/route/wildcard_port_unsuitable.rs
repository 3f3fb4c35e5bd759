//! AT208: a wildcard route does not terminate TLS on HTTPS 443.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Port;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT208"),
    name: "wildcard-port-unsuitable",
    level: Level::Warning,
    summary: "A wildcard route has no HTTPS port 443 that terminates TLS",
    explanation: Explanation {
        looks_for: "spec.ports of each ApigeeRoute with hostname *: no port has number 443, protocol HTTPS \
            and tls.mode SIMPLE or MUTUAL.",
        matters: "Clients without SNI connect to port 443. A wildcard route on another port or protocol does \
            not serve them. A wildcard route for port 80 serves plain HTTP clients.",
        fix: "Add a port to the route: number 443, protocol HTTPS, tls.mode SIMPLE and a credentialName.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", step 1: port 443, HTTPS, mode SIMPLE",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let findings = wildcards
        .iter()
        .filter(|route| !route.ports.iter().any(facts::terminates_tls))
        .map(|route| {
            let ports: Vec<String> = route.ports.iter().map(describe).collect();
            Finding::new(
                Object::new(Kind::ApigeeRoute, &route.name),
                Location::field("spec.ports"),
                format!("wildcard route {} has no port that can terminate TLS without SNI", route.name),
                if ports.is_empty() { "no port".into() } else { ports.join(", ") },
                "443 HTTPS SIMPLE",
            )
        })
        .collect();
    Ok(Outcome::of(findings, "port 443 HTTPS terminates TLS"))
}

fn describe(port: &Port) -> String {
    let number = port.number.map_or("no number".into(), |number| number.to_string());
    let protocol = port.protocol.as_deref().unwrap_or("no protocol");
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref()).unwrap_or("no TLS mode");
    format!("{number} {protocol} {mode}")
}
