//! The environment groups with the problem, which the playbook asks for: those that the user names, else all that were found.

use std::collections::{BTreeMap, BTreeSet};

use super::why_not;
use crate::evidence::Evidence;
use crate::evidence::cluster::{Route, RouteConfig};
use crate::text::joined;

/// What the cluster has of one environment group.
#[derive(Default)]
struct Group<'a> {
    routes: Vec<&'a Route>,
    configs: Vec<&'a RouteConfig>,
}

/// One section for each group, those with the problem first.
pub(super) fn page(named: &[String], evidence: &Evidence) -> String {
    let groups = found(evidence);
    let mut page = format!("{}\n", line(named, evidence));
    if evidence.routes.seen().is_err() {
        page += &format!("The routes were not seen: {}\n", why_not(&evidence.routes));
    }
    if evidence.route_configs.seen().is_err() {
        page += &format!("The ApigeeRouteConfigs were not seen: {}\n", why_not(&evidence.route_configs));
    }
    let has_problem = |group: &str| named.iter().any(|name| is_called(group, name));
    let (with, without): (Vec<_>, Vec<_>) = groups.iter().partition(|(name, _)| has_problem(name));
    for (name, group) in with.into_iter().chain(without) {
        let mark = if has_problem(name) { " (with the problem)" } else { "" };
        page += &format!("\n{name}{mark}\n{}", section(group));
    }
    page
}

/// Which groups have the problem, in one line.
pub(super) fn line(named: &[String], evidence: &Evidence) -> String {
    let groups = found(evidence);
    let all: Vec<&str> = groups.keys().copied().collect();
    let all = joined(&all, ", ", "none");
    if named.is_empty() {
        return format!("Environment groups with the problem: not given (--env-group NAME); found: {all}.");
    }
    let mut line = format!("Environment groups with the problem: {}.", named.join(", "));
    let unknown = unknown(named, evidence);
    if !unknown.is_empty() {
        line += &format!(" The cluster has no {}; found: {all}.", unknown.join(", "));
    }
    line
}

/// Names that no group has, though the groups were seen.
pub(super) fn unknown<'a>(named: &'a [String], evidence: &Evidence) -> Vec<&'a str> {
    if evidence.routes.seen().is_err() || evidence.route_configs.seen().is_err() {
        return Vec::new();
    }
    let groups = found(evidence);
    let is_known = |name: &str| groups.keys().any(|group| is_called(group, name));
    named.iter().map(String::as_str).filter(|name| !is_known(name)).collect()
}

/// By the name of the ApigeeRouteConfig, `<org>-<environment group>`; a wildcard route belongs to none.
fn found(evidence: &Evidence) -> BTreeMap<&str, Group<'_>> {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for config in evidence.route_configs.seen().map(|configs| configs.items.as_slice()).unwrap_or_default() {
        groups.entry(&config.name).or_default().configs.push(config);
    }
    let routes = evidence.routes.seen().map(|routes| routes.items.as_slice()).unwrap_or_default();
    for route in routes.iter().filter(|route| !route.is_wildcard() && !route.is_internal_chaining()) {
        groups.entry(route.group()).or_default().routes.push(route);
    }
    groups
}

/// A person knows the group without its organisation.
fn is_called(group: &str, name: &str) -> bool {
    group == name || group.strip_suffix(name).is_some_and(|organisation| organisation.ends_with('-'))
}

fn section(group: &Group<'_>) -> String {
    let set = |names: BTreeSet<String>| {
        let names: Vec<String> = names.into_iter().collect();
        joined(&names, ", ", "<none>")
    };
    let hostnames = group.routes.iter().flat_map(|route| route.hostnames.clone()).collect();
    let states = group.routes.iter().map(|route| {
        let state = route.status.state.as_deref().unwrap_or("no state");
        format!("{} ({state})", route.name)
    });
    let gateways = group.routes.iter().flat_map(|route| route.additional_gateways.clone()).collect();
    let tls = group.routes.iter().flat_map(|route| &route.ports).filter_map(|port| port.tls.as_ref());
    let of_routes = tls.filter_map(|tls| tls.credential_name.clone());
    let secrets = of_routes.chain(group.configs.iter().filter_map(|config| config.secret_name.clone())).collect();
    let configs = group.configs.iter().map(|config| config.name.clone()).collect();
    let releases = group.configs.iter().filter_map(|config| config.helm_release.clone()).collect();
    [
        ("hostnames", set(hostnames)),
        ("ApigeeRoutes", set(states.collect())),
        ("additionalGateways", set(gateways)),
        ("TLS Secrets", set(secrets)),
        ("ApigeeRouteConfig", set(configs)),
        ("Helm release", set(releases)),
    ]
    .iter()
    .map(|(title, value)| format!("  {title:20}{value}\n"))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::cluster::{RouteConfigs, Routes};
    use crate::evidence::{HybridQuestion, Seen};

    fn evidence() -> Evidence {
        let question = HybridQuestion { namespace: "apigee".into(), ..HybridQuestion::default() };
        let mut evidence = Evidence::unasked(question, jiff::Timestamp::UNIX_EPOCH, "a test");
        let route = |group: &str, hostname: &str| Route {
            name: format!("{group}-000-8a9c2d1"),
            owner: Some(group.to_owned()),
            hostnames: vec![hostname.to_owned()],
            ..Route::default()
        };
        evidence.routes = Seen::Seen(Routes {
            items: vec![
                route("org-dev", "dev.example.com"),
                route("org-prod", "www.example.com"),
                route("non-sni", "*"),
            ],
            ..Routes::default()
        });
        let config =
            RouteConfig { name: "org-prod".into(), helm_release: Some("prod".into()), ..RouteConfig::default() };
        evidence.route_configs = Seen::Seen(RouteConfigs { items: vec![config], ..RouteConfigs::default() });
        evidence
    }

    #[test]
    fn those_with_the_problem_come_first() {
        let page = page(&["prod".to_owned()], &evidence());
        let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("{part} is not in:\n{page}"));
        assert!(place("org-prod (with the problem)") < place("org-dev\n"));
        assert!(place("www.example.com") < place("dev.example.com"));
        assert!(page.contains("prod\n") && !page.contains("non-sni\n"));
    }

    #[test]
    fn without_a_name_all_are_listed_and_an_unknown_name_is_said() {
        let evidence = evidence();
        assert!(line(&[], &evidence).ends_with("not given (--env-group NAME); found: org-dev, org-prod."));
        let named = ["prod".to_owned(), "rod".to_owned()];
        assert_eq!(unknown(&named, &evidence), ["rod"]);
        assert!(line(&named, &evidence).ends_with("The cluster has no rod; found: org-dev, org-prod."));
    }

    #[test]
    fn what_was_not_seen_is_not_called_unknown() {
        let mut evidence = evidence();
        evidence.routes = Evidence::unasked(evidence.question.clone(), jiff::Timestamp::UNIX_EPOCH, "a test").routes;
        assert_eq!(unknown(&["rod".to_owned()], &evidence), Vec::<&str>::new());
        assert!(page(&[], &evidence).contains("The routes were not seen"));
    }
}
