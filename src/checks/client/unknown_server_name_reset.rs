//! AT102: clients send server names that no ApigeeRoute has.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT102"),
    name: "unknown-server-name-reset",
    level: Level::Warning,
    summary: "Clients ask for a server name that no ApigeeRoute has, and are reset",
    explanation: Explanation {
        looks_for: "Access-log records with filter_chain_not_found and a sni_host that no hostname of an \
            ApigeeRoute covers.",
        matters: "The client sends SNI, so a wildcard route is not what is missing. Either the client uses a \
            wrong name, or the environment group lacks the hostname. It may also be a scanner that tries \
            names; then no client is affected.",
        fix: "If the name is yours, add it to the hostnames of the environment group, or correct the URL in \
            the client. If it is not yours, do nothing.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 2; Envoy filter \
        chain match on server_names",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let names = facts::reset_names(evidence);
    if names.is_empty() {
        facts::require_conclusive_logs(evidence)?;
        facts::know_all_names(evidence)?;
        return Ok(Outcome::Passed(format!("no reset of a connection with SNI {}", facts::window(evidence))));
    }
    let routes = facts::required(facts::routes(evidence))?;
    let hostnames = routes.iter().flat_map(|route| &route.hostnames);
    let mut nearest = facts::Nearest::of(hostnames.map(String::as_str));
    let findings: Vec<Finding> = names
        .iter()
        .filter(|(name, _)| !routes.iter().any(|route| facts::declares(route, name)))
        .map(|(name, resets)| {
            let near = nearest.hint(name);
            let which = match routes.iter().find(|route| facts::covers(route, name)) {
                Some(route) => format!("which ApigeeRoute {} has only for {}", route.name, facts::without_tls(route)),
                None => format!("which no ApigeeRoute has{near}"),
            };
            Finding::new(
                Object::new(Kind::ServerName, *name),
                Location::Logs(resets.origins.clone()),
                format!("{} of connections with server name {name}, {which}", facts::count(resets.count, "reset")),
                format!("server name {name}"),
                "a hostname of an ApigeeRoute",
            )
        })
        .collect();
    if findings.is_empty() {
        facts::require_conclusive_logs(evidence)?;
        facts::know_all_names(evidence)?;
    }
    Ok(Outcome::of(
        findings,
        format!(
            "every server name that was reset is a hostname of an ApigeeRoute (see {})",
            codes::DECLARED_SERVER_NAME_RESET
        ),
    ))
}
