//! AT205: an ApigeeRouteConfig differs from the ApigeeRoutes made from it.

use std::collections::BTreeSet;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::is_chart_made;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT205"),
    name: "route-config-drift",
    level: Level::Warning,
    summary: "An ApigeeRouteConfig and its ApigeeRoute differ",
    explanation: Explanation {
        looks_for: "additionalGateways and enableNonSniClient of each ApigeeRouteConfig, compared with the \
            ApigeeRoutes that apigee-watcher made from it.",
        matters: "The chart writes the ApigeeRouteConfig, apigee-watcher copies it to the ApigeeRoute, and \
            the gateway follows the ApigeeRoute. If the two differ, either the last helm upgrade has not \
            arrived, or the route was edited by hand and will be overwritten.",
        fix: "Read the log of apigee-watcher; it states the reason, such as an expired webhook certificate \
            or a missing Secret. If the route was edited by hand, make the same change in overrides.yaml and \
            run helm upgrade.",
    },
    reference: "Data flow overrides → ApigeeRouteConfig → ApigeeRoute; playbook \"apigee-serving-cert not \
        found or expired\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let configs = &evidence.route_configs.seen()?.items;
    let routes = facts::routes(evidence)?;
    let mut findings = Vec::new();
    let mut compared = 0;
    for config in configs {
        for route in facts::routes_of(&routes, config) {
            compared += 1;
            let wanted = listed(&config.additional_gateways);
            let present = listed(&route.additional_gateways);
            if wanted != present {
                findings.push(Finding::new(
                    Object::new(Kind::ApigeeRoute, &route.name),
                    Location::field("spec.additionalGateways"),
                    format!("ApigeeRoute {} and ApigeeRouteConfig {} list different gateways", route.name, config.name),
                    facts::quoted_list(&route.additional_gateways),
                    format!("{} as in the ApigeeRouteConfig", facts::quoted_list(&config.additional_gateways)),
                ));
            }
            let (wanted, present) =
                (config.enable_non_sni_client == Some(true), route.enable_non_sni_client == Some(true));
            if wanted != present {
                findings.push(Finding::new(
                    Object::new(Kind::ApigeeRoute, &route.name),
                    Location::field("spec.enableNonSniClient"),
                    format!(
                        "ApigeeRoute {} and ApigeeRouteConfig {} differ in enableNonSniClient",
                        route.name, config.name
                    ),
                    present.to_string(),
                    format!("{wanted} as in the ApigeeRouteConfig"),
                ));
            }
        }
    }
    if compared == 0 {
        return Ok(Outcome::NotApplicable("no ApigeeRoute belongs to an ApigeeRouteConfig".into()));
    }
    Ok(Outcome::of(
        findings,
        format!("every ApigeeRoute of an environment group agrees with its ApigeeRouteConfig ({compared})"),
    ))
}

/// Returns the gateways without those that the charts add for internal chaining, on which no client outside
/// the cluster depends.
fn listed(gateways: &[String]) -> BTreeSet<&String> {
    gateways.iter().filter(|gateway| !is_chart_made(gateway)).collect()
}
