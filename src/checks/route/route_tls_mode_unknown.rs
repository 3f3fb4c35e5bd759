//! AT222: the TLS mode of an ApigeeRoute is none that the kind knows.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::hybrid::{Route, Tls};
use crate::evidence::{Evidence, Reason, Seen};
use crate::text::has_placeholder;

/// The values of `mode` in the published CRDs of ApigeeRoute and ApigeeRouteConfig.
const MODES: [&str; 4] = ["SIMPLE", "MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH"];

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT222"),
    name: "route-tls-mode-unknown",
    level: Level::Warning,
    summary: "The TLS mode of an ApigeeRoute is unknown",
    explanation: Explanation {
        looks_for: "A tls.mode of an ApigeeRoute or an ApigeeRouteConfig that is none of SIMPLE, MUTUAL, \
            PASSTHROUGH and AUTO_PASSTHROUGH, which are written in capitals. Modes of Istio alone, such as \
            OPTIONAL_MUTUAL and ISTIO_MUTUAL, are unknown too. AT208 judges wildcard routes, AT305 tlsMode of \
            overrides files.",
        matters: "The published CRDs (hybrid 1.8.1) accept these four values: with them the API server refuses \
            the object, so that the change never takes effect. What a gateway serves for another value is not \
            documented.",
        fix: "Set tls.mode to SIMPLE, or to MUTUAL if clients present certificates: tlsMode of the virtual host, \
            then run helm upgrade, or in a route that was made by hand.",
    },
    reference: "CRDs of apigee-hybrid-install 1.8.1: ApigeeRoute spec.ports[].tls.mode, ApigeeRouteConfig \
        spec.tls.mode",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence);
    let own = routes.as_deref().unwrap_or_default();
    let mut findings: Vec<Finding> = own
        .iter()
        .filter(|route| !is_judged_as_wildcard(route))
        .flat_map(|route| {
            let tls = route.ports.iter().filter_map(|port| port.tls.as_ref());
            let mut modes: Vec<&str> = tls.filter_map(unknown_mode).collect();
            modes.dedup();
            modes.into_iter().map(|mode| finding(Kind::ApigeeRoute, &route.name, "spec.ports", mode))
        })
        .collect();
    let configs = match &evidence.route_configs {
        Seen::Seen(configs) => configs.items.as_slice(),
        Seen::Unavailable(_) => &[],
    };
    // A route that has the mode of its ApigeeRouteConfig was found.
    let is_found = |name: &str, mode: &str| {
        let modes =
            |route: &&Route| route.ports.iter().any(|port| port.tls.as_ref().and_then(unknown_mode) == Some(mode));
        own.iter().filter(|route| route.group() == name).any(modes)
    };
    findings.extend(configs.iter().filter_map(|config| {
        let mode = config.tls.as_ref().and_then(unknown_mode).filter(|mode| !is_found(&config.name, mode))?;
        Some(finding(Kind::ApigeeRouteConfig, &config.name, "spec.tls", mode))
    }));
    if findings.is_empty() {
        match (&routes, &evidence.route_configs) {
            // Only objects of the other kind were given as files.
            (Err(why), Seen::Seen(_)) if matches!(why.reason, Reason::NotRequested(_)) => {}
            _ => drop(routes?),
        }
    }
    Ok(Outcome::of(findings, "every TLS mode is known"))
}

/// Returns whether AT208 reports the ports of the route.
fn is_judged_as_wildcard(route: &Route) -> bool {
    route.is_tls_wildcard() && !route.ports.iter().any(facts::terminates_tls)
}

fn unknown_mode(tls: &Tls) -> Option<&str> {
    tls.mode.as_deref().filter(|mode| !MODES.contains(mode) && !has_placeholder(mode))
}

fn finding(kind: Kind, name: &str, field: &'static str, mode: &str) -> Finding {
    Finding::new(
        Object::new(kind, name),
        Location::field(field),
        format!("{kind} {name} has tls.mode {mode}, which is none of the modes that the kind knows"),
        mode.to_owned(),
        format!("one of {}", MODES.join(", ")),
    )
}
