//! AT809: the API server does not serve the kind ApigeeRoute.

use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::{Evidence, Reason};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT809"),
    name: "route-kind-missing",
    level: Level::Error,
    summary: "The API server does not serve the kind ApigeeRoute",
    explanation: Explanation {
        looks_for: "Whether discovery of the API group apigee.cloud.google.com lists the kind ApigeeRoute.",
        matters: "Without the custom resource definition there are no routes, and the gateway has nothing to \
            serve. Or this is not the intended cluster.",
        fix: "Check the context (--context). If it is right, install the custom resource definitions of \
            Apigee hybrid.",
    },
    reference: "Apigee hybrid \"Kubernetes and custom resources used by Apigee\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    match evidence.routes.seen() {
        Ok(routes) => Ok(Outcome::Passed(routes.api_version.clone())),
        Err(why) => match &why.reason {
            Reason::Missing(text) => Ok(Outcome::Found(vec![Finding::new(
                Object::new(Kind::ApiGroup, "apigee.cloud.google.com"),
                Location::Discovery,
                "the API server serves no ApigeeRoute",
                text.clone(),
                "the custom resource definition apigeeroutes.apigee.cloud.google.com",
            )])),
            _ => Err(why),
        },
    }
}
