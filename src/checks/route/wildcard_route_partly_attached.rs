//! AT204: some environment groups list the wildcard route and others do not.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT204"),
    name: "wildcard-route-partly-attached",
    level: Level::Warning,
    summary: "Some environment groups do not list the wildcard route in additionalGateways",
    explanation: Explanation {
        looks_for: "spec.additionalGateways of the ApigeeRoutes of environment groups: at least one lists \
            the wildcard route and at least one does not. Groups that share no pod with the wildcard route \
            are left out.",
        matters: "Clients without SNI reach only the environment groups that list the wildcard route. For \
            the hostnames of the others they get 404.",
        fix: "Add the wildcard route to additionalGateways of the virtual hosts that lack it. Then run helm \
            upgrade for each of them.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", step 2: for each environment group",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let mut findings = Vec::new();
    let mut listed = false;
    for wildcard in wildcards {
        let (listing, lacking) = facts::attachment(evidence, wildcard)?;
        if listing.is_empty() {
            continue;
        }
        listed = true;
        findings.extend(lacking.iter().map(|route| {
            Finding::new(
                Object::new(Kind::ApigeeRoute, &route.name),
                Location::field("spec.additionalGateways"),
                format!("environment group {} does not list wildcard route {}", route.group(), wildcard.name),
                facts::quoted_list(&route.additional_gateways),
                format!("a list with \"{}\"", wildcard.name),
            )
        }));
    }
    if !listed {
        return Ok(Outcome::NotApplicable(format!(
            "no environment group lists the wildcard route ({})",
            codes::WILDCARD_ROUTE_UNATTACHED
        )));
    }
    Ok(Outcome::of(findings, "every environment group lists the wildcard route"))
}
