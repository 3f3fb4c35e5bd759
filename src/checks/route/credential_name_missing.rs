//! AT209: an HTTPS port of a route has no credentialName.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT209"),
    name: "credential-name-missing",
    level: Level::Warning,
    summary: "An ApigeeRoute has an HTTPS port without a certificate",
    explanation: Explanation {
        looks_for: "spec.ports[].tls.credentialName of each HTTPS port that terminates TLS. Certificate \
            files named in the route are accepted too.",
        matters: "Without a credential there is no certificate to serve. Every handshake on that port fails.",
        fix: "Set credentialName to the Secret of the environment group, as the other routes do.",
    },
    reference: "ApigeeRoute v1alpha1, spec.ports[].tls",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let mut ports = 0;
    let mut findings = Vec::new();
    for route in routes {
        for (i, port) in route.ports.iter().enumerate().filter(|(_, port)| facts::terminates_https(port)) {
            ports += 1;
            let has_one = port.tls.as_ref().is_some_and(|tls| tls.from_files || tls.credential_name.is_some());
            if !has_one {
                findings.push(Finding::new(
                    Object::new(Kind::ApigeeRoute, &route.name),
                    Location::field(format!("spec.ports[{i}].tls.credentialName")),
                    format!("ApigeeRoute {} has no certificate for its HTTPS port", route.name),
                    "absent",
                    "the name of a TLS Secret",
                ));
            }
        }
    }
    if ports == 0 {
        return Ok(Outcome::NotApplicable("no route has an HTTPS port".into()));
    }
    Ok(Outcome::of(findings, format!("{} with a credential", facts::count(ports, "HTTPS port"))))
}
