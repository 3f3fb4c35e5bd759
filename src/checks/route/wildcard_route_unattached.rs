//! AT203: no environment group lists the wildcard route.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT203"),
    name: "wildcard-route-unattached",
    level: Level::Warning,
    summary: "No environment group lists the wildcard route in additionalGateways",
    explanation: Explanation {
        looks_for: "spec.additionalGateways of the ApigeeRoutes of all environment groups that share a pod \
            with the wildcard route: none lists it.",
        matters: "additionalGateways adds the virtual service of the environment group to the gateway of the \
            wildcard route. Without it, no environment group answers there, even if the handshake succeeds.",
        fix: "In overrides.yaml, add the wildcard route to additionalGateways of the virtual host of every \
            environment group. Then run helm upgrade for each of them.",
    },
    reference: "Apigee hybrid playbook, last step; \"Enable non-SNI clients\", step 2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let mut findings = Vec::new();
    let mut groups = 0;
    for wildcard in &wildcards {
        let (listing, lacking) = facts::attachment(evidence, wildcard)?;
        groups += listing.len() + lacking.len();
        // AT206 reports a second wildcard route on the same pods. It must be deleted, not listed.
        let has_twin = wildcards.iter().any(|twin| {
            twin.name != wildcard.name
                && facts::share_pods(evidence, twin, wildcard)
                && facts::attachment(evidence, twin).is_ok_and(|(listing, _)| !listing.is_empty())
        });
        if has_twin {
            continue;
        }
        if listing.is_empty() && !lacking.is_empty() {
            let groups: Vec<&str> = lacking.iter().map(|route| route.group()).collect();
            findings.push(Finding::new(
                Object::new(Kind::ApigeeRoute, &wildcard.name),
                Location::FieldOfGroups("spec.additionalGateways".into()),
                format!("no environment group lists wildcard route {}", wildcard.name),
                format!("absent in {}", facts::some_of(&groups)),
                format!("additionalGateways: [\"{}\"] in each", wildcard.name),
            ));
        }
    }
    if groups == 0 {
        return Ok(Outcome::NotApplicable("no environment group shares a pod with the wildcard route".into()));
    }
    Ok(Outcome::of(findings, "the wildcard route is listed by an environment group"))
}
