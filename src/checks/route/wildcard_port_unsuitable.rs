//! AT208: a wildcard route does not terminate TLS on HTTPS 443.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT208"),
    name: "wildcard-port-unsuitable",
    level: Level::Warning,
    summary: "A wildcard route has no HTTPS port 443 that terminates TLS",
    explanation: Explanation {
        looks_for: "spec.ports of each ApigeeRoute with hostname * and a port for TLS: no port has number \
            443, protocol HTTPS and tls.mode SIMPLE or MUTUAL. Routes with hostname * that serve only plain \
            HTTP or TCP, or that pass TLS through, are no wildcard routes for clients without SNI and are \
            left out.",
        matters: "Clients without SNI connect to port 443. A wildcard route on another port or protocol does \
            not serve them.",
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
            let ports: Vec<String> = route.ports.iter().map(facts::describe_port).collect();
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
