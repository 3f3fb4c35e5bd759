//! AT202: a wildcard route does not have `enableNonSniClient: true`.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT202"),
    name: "wildcard-route-flag-off",
    level: Level::Warning,
    summary: "A wildcard route does not have enableNonSniClient true",
    explanation: Explanation {
        looks_for: "spec.enableNonSniClient of each ApigeeRoute with hostname *: it is false or absent.",
        matters: "Only with this flag, the hostname * reaches the Istio Gateway. Without it, the route \
            exists and looks correct, but clients without SNI are still reset.",
        fix: "Set spec.enableNonSniClient of the route to true.",
    },
    reference: "ApigeeRoute v1alpha1, field enableNonSniClient; playbook, \"enableNonSniClient\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let findings = wildcards
        .iter()
        .filter(|route| route.enable_non_sni_client != Some(true))
        .map(|route| {
            Finding::new(
                Object::new(Kind::ApigeeRoute, &route.name),
                Location::field("spec.enableNonSniClient"),
                match route.enable_non_sni_client {
                    Some(flag) => format!("wildcard route {} has enableNonSniClient {flag}", route.name),
                    None => format!("wildcard route {} has no enableNonSniClient", route.name),
                },
                route.enable_non_sni_client.map_or("absent".into(), |flag| flag.to_string()),
                "true",
            )
        })
        .collect();
    Ok(Outcome::of(findings, "enableNonSniClient is true"))
}
