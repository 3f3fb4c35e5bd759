//! AT210: a route names a Secret that is not in the namespace.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT210"),
    name: "credential-secret-missing",
    level: Level::Warning,
    summary: "An ApigeeRoute names a Secret that does not exist",
    explanation: Explanation {
        looks_for: "spec.ports[].tls.credentialName of each ApigeeRoute, compared with the names of the \
            Secrets in the namespace. The list of Secrets contains only metadata; no content is transferred \
            for it.",
        matters: "The gateway waits for a certificate that never arrives. Clients are reset or get \
            handshake_failure.",
        fix: "Create the Secret: helm upgrade of the virtual host makes it from sslCertPath and sslKeyPath. \
            Or correct the name.",
    },
    reference: "Apigee playbook \"API calls failing with TLS errors\": ingress Secret missing",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    evidence.secrets.seen()?;
    let mut named = 0;
    let mut elsewhere = None;
    let mut findings = Vec::new();
    for route in routes {
        for (i, port) in route.ports.iter().enumerate() {
            let Some(name) = port.tls.as_ref().and_then(|tls| tls.credential_name.as_ref()) else { continue };
            named += 1;
            if name.contains('/') {
                elsewhere = Some((route, name));
            } else if facts::secret_is_missing(evidence, name) {
                findings.push(Finding::new(
                    Object::new(Kind::ApigeeRoute, &route.name),
                    Location::field(format!("spec.ports[{i}].tls.credentialName")),
                    format!("ApigeeRoute {} names Secret {name}, which does not exist", route.name),
                    format!("no Secret {name} in namespace {}", evidence.question.namespace()),
                    "a TLS Secret of that name",
                ));
            }
        }
    }
    if let (true, Some((route, name))) = (findings.is_empty(), elsewhere) {
        let why = Reason::Missing("it is in another namespace, whose Secrets this program does not list".into());
        return Err(Unavailable::new(format!("Secret {name} of ApigeeRoute {}", route.name), why));
    }
    if named == 0 {
        return Ok(Outcome::NotApplicable("no route names a Secret".into()));
    }
    Ok(Outcome::of(findings, "every Secret that a route names exists"))
}
