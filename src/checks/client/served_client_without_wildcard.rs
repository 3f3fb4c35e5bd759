//! AT108: clients without SNI were served, but the wildcard route no longer exists.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome};
use crate::evidence::hybrid::{MeshLogging, Protocol, Route};
use crate::evidence::{AccessLog, Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT108"),
    name: "served-client-without-wildcard",
    level: Level::Warning,
    summary: "Clients without SNI were served, and no ApigeeRoute accepts them any more",
    explanation: Explanation {
        looks_for: "Requests in the access log that arrived over TLS without SNI and were answered, while no \
            ApigeeRoute has the hostname *.",
        matters: "Such clients exist, and a wildcard route served them. Either that route was deleted since, \
            or the gateway still has a configuration that is no longer in the cluster. These clients are \
            refused from now on, or after the next configuration change.",
        fix: "Create the wildcard route again, and list it in additionalGateways of every environment group.",
    },
    reference: "Istio leaves server_names unset for hosts with *: only such a filter chain serves clients \
        without SNI",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let is_meant = |route: &&&Route| {
        route.is_tls_wildcard() || route.enable_non_sni_client == Some(true) && !route.is_without_tls()
    };
    if let Some(route) = routes.iter().find(is_meant) {
        return Ok(Outcome::Passed(format!("ApigeeRoute {} is meant for clients without SNI", route.name)));
    }
    let served = |log: &AccessLog| log.served_without_sni.count > 0;
    if facts::logs(evidence).any(|(_, log)| served(log)) && may_be_without_tls(evidence, &routes) {
        let why =
            Reason::Missing("a route serves plain HTTP, and the log format has no %DOWNSTREAM_TLS_VERSION%".into());
        return Err(Unavailable::new("whether the requests without SNI came over TLS", why));
    }
    let findings: Vec<Finding> = facts::logs(evidence)
        .filter(|(_, log)| served(log))
        .map(|(origin, log)| {
            let served = &log.served_without_sni;
            Finding::in_log(
                origin,
                Location::window(served),
                format!(
                    "{origin} served {} without SNI, which no ApigeeRoute accepts now",
                    facts::count(served.count, "request")
                ),
                "no ApigeeRoute with hostname *",
                "a wildcard route, as long as such clients exist",
            )
        })
        .collect();
    if findings.is_empty() {
        facts::require_conclusive_logs(evidence)?;
    }
    Ok(Outcome::of(findings, format!("no client without SNI was served {}", facts::window(evidence))))
}

/// Returns whether requests without SNI may have come over plain HTTP: a route serves that, and the settings
/// have a log format that does not tell the two apart.
fn may_be_without_tls(evidence: &Evidence, routes: &[&Route]) -> bool {
    let is_http = routes
        .iter()
        .flat_map(|route| &route.ports)
        .any(|port| port.protocol() == Some(Protocol::Http) && !port.is_for_tls());
    // Istio's default formats do not have the operator.
    let tells =
        |mesh: &MeshLogging| (mesh.fields.is_some() || mesh.format.is_some()) && mesh.states("DOWNSTREAM_TLS_VERSION");
    is_http && !evidence.mesh_logging.seen().is_ok_and(tells)
}
