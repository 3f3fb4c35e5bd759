//! AT207: a route selects no ingress pod.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::hybrid::selects;
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT207"),
    name: "selector-without-pods",
    level: Level::Warning,
    summary: "An ApigeeRoute selects no ingress pod",
    explanation: Explanation {
        looks_for: "spec.selector of each ApigeeRoute, compared with the labels of the ingress pods.",
        matters: "No gateway has a filter chain for the hostnames of the route. Clients that request them \
            are reset.",
        fix: "Correct the selector. Ingress pods have the labels app, ingress_name and org; ingress_name is \
            the name of an entry of ingressGateways in overrides.yaml. For the route of an environment \
            group, correct the selector of the virtual host.",
    },
    reference: "Apigee hybrid \"Expose Apigee ingress gateway\"; configuration property \
        virtualhosts[].selector",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let pods = facts::pods(evidence)?;
    if pods.is_empty() {
        return Ok(Outcome::NotApplicable(format!("there is no ingress pod ({})", codes::INGRESS_POD_MISSING)));
    }
    if facts::pods_are_narrowed(evidence) {
        let why = Reason::NotRequested(format!("-l {} leaves other ingress pods out", evidence.question.selector()));
        return Err(Unavailable::new("all ingress pods", why));
    }
    let findings: Vec<Finding> = routes
        .iter()
        .filter(|route| !route.selector.is_empty() && !pods.iter().any(|pod| selects(&route.selector, &pod.labels)))
        .map(|route| {
            Finding::new(
                Object::new(Kind::ApigeeRoute, &route.name),
                Location::field("spec.selector"),
                match pods.len() {
                    1 => format!("ApigeeRoute {} does not select the only ingress pod", route.name),
                    all => format!("ApigeeRoute {} selects none of {all} ingress pods", route.name),
                },
                facts::labels(&route.selector),
                format!("labels of an ingress pod, as {}", facts::labels(&facts::known_labels(&pods[0].labels))),
            )
        })
        .collect();
    if findings.is_empty()
        && let Some(route) = routes.iter().find(|route| route.selector.is_empty())
    {
        let why = Reason::Missing("it has no selector, and what that selects is not documented".into());
        return Err(Unavailable::new(format!("the pods of ApigeeRoute {}", route.name), why));
    }
    Ok(Outcome::of(findings, "every route selects an ingress pod"))
}
