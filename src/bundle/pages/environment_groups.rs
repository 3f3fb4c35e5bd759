//! The page about the environment groups with the problem, which the playbook asks for: those that the user
//! names with `--env-group`, otherwise all that were found.

use std::collections::{BTreeMap, BTreeSet};

use super::{Input, Page, why_not};
use crate::evidence::Evidence;
use crate::evidence::hybrid::{Route, RouteConfig};
use crate::plan::folder;
use crate::text::joined;

/// The routes and configurations of one environment group.
#[derive(Default)]
struct EnvironmentGroup<'a> {
    routes: Vec<&'a Route>,
    configs: Vec<&'a RouteConfig>,
}

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let path = format!("{}/environment-groups.txt", folder::ENVIRONMENT_GROUPS);
    let why = "the environment groups with the problem, required by the playbook";
    vec![Page::new(path, "diagnose, --env-group", why, &page(&input.request.groups, input.evidence))]
}

/// Returns the page: one section for each group, those with the problem first.
fn page(named: &[String], evidence: &Evidence) -> String {
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

/// Returns one line that says which groups have the problem.
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
        line += &format!(" Not found in the cluster: {}; found: {all}.", unknown.join(", "));
    }
    line
}

/// Returns the names that match no group; empty where the groups were not seen.
#[must_use]
pub fn unknown<'a>(named: &'a [String], evidence: &Evidence) -> Vec<&'a str> {
    if evidence.routes.seen().is_err() || evidence.route_configs.seen().is_err() {
        return Vec::new();
    }
    let groups = found(evidence);
    let is_known = |name: &str| groups.keys().any(|group| is_called(group, name));
    named.iter().map(String::as_str).filter(|name| !is_known(name)).collect()
}

/// Returns the names of the groups that were found.
#[must_use]
pub fn names(evidence: &Evidence) -> Vec<String> {
    found(evidence).into_keys().map(str::to_owned).collect()
}

/// Returns the groups by the name of their ApigeeRouteConfig, `<org>-<environment group>`. A wildcard route
/// belongs to none.
fn found(evidence: &Evidence) -> BTreeMap<&str, EnvironmentGroup<'_>> {
    let mut groups: BTreeMap<&str, EnvironmentGroup<'_>> = BTreeMap::new();
    for config in evidence.route_configs.seen().map(|configs| configs.items.as_slice()).unwrap_or_default() {
        groups.entry(&config.name).or_default().configs.push(config);
    }
    let routes = evidence.routes.seen().map(|routes| routes.items.as_slice()).unwrap_or_default();
    for route in routes.iter().filter(|route| !route.is_wildcard() && !route.is_internal_chaining()) {
        groups.entry(route.group()).or_default().routes.push(route);
    }
    groups
}

/// Returns whether `name` names `group`, with or without the organisation before it.
fn is_called(group: &str, name: &str) -> bool {
    group == name || group.strip_suffix(name).is_some_and(|organisation| organisation.ends_with('-'))
}

fn section(group: &EnvironmentGroup<'_>) -> String {
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
    use crate::evidence::hybrid::{RouteConfigs, Routes};
    use crate::evidence::{HybridQuestion, Seen};

    fn evidence() -> Evidence {
        let question = HybridQuestion { namespace: "apigee".into(), ..HybridQuestion::default() };
        let mut evidence = Evidence::not_gathered(question, jiff::Timestamp::UNIX_EPOCH, "a test");
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
    fn lists_groups_with_the_problem_first() {
        let page = page(&["prod".to_owned()], &evidence());
        let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("{part} is not in:\n{page}"));
        assert!(place("org-prod (with the problem)") < place("org-dev\n"));
        assert!(place("www.example.com") < place("dev.example.com"));
        assert!(page.contains("prod\n") && !page.contains("non-sni\n"));
    }

    /// Somebody who reads it on a terminal must not run what a name contains.
    #[test]
    fn hidden_characters_of_names_are_escaped_in_the_page() {
        let page = Page::new("x.txt", "diagnose", "a test", &page(&["a\u{1b}[2J\u{202e}b".to_owned()], &evidence()));
        let text = page.text.unwrap();
        assert!(text.contains("a\\u{1b}[2J\\u{202e}b") && text.contains("org-dev\n"), "{text}");
    }

    #[test]
    fn lists_all_groups_and_names_unknown_ones() {
        let evidence = evidence();
        assert!(line(&[], &evidence).ends_with("not given (--env-group NAME); found: org-dev, org-prod."));
        let named = ["prod".to_owned(), "rod".to_owned()];
        assert_eq!(unknown(&named, &evidence), ["rod"]);
        assert!(line(&named, &evidence).ends_with("Not found in the cluster: rod; found: org-dev, org-prod."));
        assert_eq!(names(&evidence), ["org-dev", "org-prod"]);
    }

    #[test]
    fn calls_no_group_unknown_when_routes_were_not_seen() {
        let mut evidence = evidence();
        evidence.routes =
            Evidence::not_gathered(evidence.question.clone(), jiff::Timestamp::UNIX_EPOCH, "a test").routes;
        assert_eq!(unknown(&["rod".to_owned()], &evidence), Vec::<&str>::new());
        assert!(page(&[], &evidence).contains("The routes were not seen"));
    }
}
