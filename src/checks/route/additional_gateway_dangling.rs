//! AT213: additionalGateways lists a name that is not an ApigeeRoute of the namespace.

use std::collections::BTreeSet;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::hybrid::is_chart_made;
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT213"),
    name: "additional-gateway-dangling",
    level: Level::Notice,
    summary: "additionalGateways lists a name that is not an ApigeeRoute",
    explanation: Explanation {
        looks_for: "Names in spec.additionalGateways of ApigeeRoutes and ApigeeRouteConfigs that are not \
            ApigeeRoutes of the namespace.",
        matters: "If the name is that of a misspelt or deleted wildcard route, clients without SNI get no \
            answer. The field may also name an Istio Gateway that is not an ApigeeRoute. This program does \
            not see such gateways, so the check is a notice.",
        fix: "Correct the name in overrides.yaml, or create the ApigeeRoute. Then run helm upgrade.",
    },
    reference: "Configuration property virtualhosts[].additionalGateways: \"a list of Istio Gateways to \
        route traffic to\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let known: BTreeSet<&str> = evidence.routes.seen()?.items.iter().map(|route| route.name.as_str()).collect();
    // The first gateway of another namespace, which was not read.
    let mut elsewhere = None;
    let mut nearest = facts::Nearest::of(known.iter().copied());
    let configs = evidence.route_configs.seen();
    let of_routes = routes.iter().map(|route| (Kind::ApigeeRoute, &route.name, &route.additional_gateways));
    let of_configs = configs
        .iter()
        .flat_map(|configs| &configs.items)
        .map(|config| (Kind::ApigeeRouteConfig, &config.name, &config.additional_gateways));
    let findings: Vec<Finding> = of_routes
        .chain(of_configs)
        .flat_map(|(kind, name, gateways)| gateways.iter().map(move |gateway| (kind, name, gateway)))
        .map(|(kind, name, gateway)| (kind, name, facts::local_name(evidence, gateway)))
        .filter(|(_, _, gateway)| !known.contains(gateway) && !is_chart_made(gateway))
        .filter(|(_, _, gateway)| {
            let is_elsewhere = gateway.contains('/');
            elsewhere = elsewhere.take().or_else(|| is_elsewhere.then(|| (*gateway).to_owned()));
            !is_elsewhere
        })
        .map(|(kind, name, gateway)| {
            let near = nearest.hint(gateway);
            Finding::new(
                Object::new(kind, name),
                Location::field("spec.additionalGateways"),
                format!("{kind} {name} lists {gateway}, which is not an ApigeeRoute{near}"),
                gateway,
                "the name of an ApigeeRoute, or of an Istio Gateway",
            )
        })
        .collect();
    if findings.is_empty() {
        configs?;
        if let Some(gateway) = elsewhere {
            let why = Reason::Broken("it is in another namespace, which was not read".into());
            return Err(Unavailable::new(format!("gateway {gateway}"), why));
        }
    } else {
        facts::require_all_routes(evidence)?;
    }
    Ok(Outcome::of(findings, "every listed gateway is an ApigeeRoute"))
}
