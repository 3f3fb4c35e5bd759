//! The links that configure the gateway: Secret, ApigeeRoute, environment group and overrides file.

use super::{Link, LinkKey, Path};
use crate::checks::Kind;
use crate::checks::facts::{self, Nearest, chain, stored};
use crate::evidence::hybrid::{Route, selects};
use crate::evidence::overrides::{OverridesFile, VirtualHost};
use crate::evidence::stored::{KeyFit, StoredContent};
use crate::text::{count, date, days, some_of};

pub(super) fn secret(path: Path<'_>) -> Link {
    let key = LinkKey::Secret;
    let route = match path.route() {
        Ok(Some(route)) => route,
        Ok(None) => return Link::not_applicable(key, "no ApigeeRoute names one").with_facts(choices(path)),
        Err(why) => return Link::unseen(key, &why),
    };
    let names = secrets_of([route]);
    if names.is_empty() {
        return Link::not_applicable(key, format!("ApigeeRoute {} names none", route.name));
    }
    let (mut facts, mut faults, mut unseen) = (Vec::new(), Vec::new(), None);
    for name in &names {
        match stored::secret_content(path.evidence, name) {
            Ok(Some(content)) => {
                facts.push(format!("Secret {name}: {}", described(path, content)));
                faults.extend(fault(path, content).map(|fault| format!("Secret {name}: {fault}")));
            }
            Ok(None) => faults.push(format!("Secret {name} does not exist")),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    let link = match (faults.into_iter().next(), unseen) {
        (Some(fault), _) => Link::broken(key, fault),
        (None, Some(why)) if facts.is_empty() => Link::unseen(key, &why),
        (None, _) => Link::ok(key, Vec::new()),
    };
    link.with_facts(facts).at(path, Kind::Secret, names)
}

/// Names of the Secrets of these routes, each once.
fn secrets_of<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Vec<&'a str> {
    let ports = routes.into_iter().flat_map(|route| &route.ports);
    let mut names: Vec<&str> = Vec::new();
    for name in ports.filter_map(|port| port.tls.as_ref()?.credential_name.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The Secrets that a wildcard route may name, where there is none: they belong to the chains of other
/// clients.
fn choices(path: Path<'_>) -> Vec<String> {
    if path.server_name.is_some() {
        return Vec::new();
    }
    let names = secrets_of(facts::group_routes(path.evidence).unwrap_or_default());
    let choice = |name: &str| {
        let content = stored::secret_content(path.evidence, name).ok().flatten()?;
        Some(format!("of other clients: Secret {name}: {}", described(path, content)))
    };
    names.into_iter().filter_map(choice).collect()
}

fn described(path: Path<'_>, content: &StoredContent) -> String {
    let Some(leaf) = content.certificates.first() else { return "no certificate".into() };
    let names = chain::names(leaf);
    if leaf.has_no_dates() {
        return names;
    }
    let left = leaf.not_after.duration_since(path.now());
    let left = if left.is_negative() { "expired".to_owned() } else { days(left) };
    format!("{names}, until {} ({left})", date(leaf.not_after))
}

/// Returns what makes handshakes with this certificate fail.
fn fault(path: Path<'_>, content: &StoredContent) -> Option<String> {
    if let Some(fault) = &content.certificate_fault {
        return Some(fault.clone());
    }
    let Some(leaf) = content.certificates.first() else { return Some("it has no certificate".into()) };
    match &content.key {
        KeyFit::Absent => return Some("it has no private key".into()),
        KeyFit::Differs => return Some("the private key does not belong to the certificate".into()),
        KeyFit::Unreadable(why) => return Some(format!("the private key cannot be read: {why}")),
        KeyFit::Fits | KeyFit::NotCompared | KeyFit::NotRead(_) => {}
    }
    let now = path.now();
    if let Some(wrong) = chain::expired(leaf, now).or_else(|| chain::not_yet_valid(leaf, now)) {
        return Some(wrong.what);
    }
    let name = path.server_name.filter(|name| !leaf.names_cut && !leaf.covers(name))?;
    Some(format!("its certificate does not cover {name}"))
}

pub(super) fn route(path: Path<'_>) -> Link {
    let key = LinkKey::Route;
    let route = match path.route() {
        Ok(Some(route)) => route,
        Ok(None) => return Link::broken(key, no_route(path)),
        Err(why) => return Link::unseen(key, &why),
    };
    let created = route.created_at.map_or_else(String::new, |at| format!(", created {}", facts::moment(at)));
    let hostnames: Vec<&str> = route.hostnames.iter().map(String::as_str).collect();
    let mut facts = vec![format!("ApigeeRoute {}: hostnames {}{created}", route.name, some_of(&hostnames))];
    if path.server_name.is_some() && route.is_wildcard() {
        facts.push("no other ApigeeRoute has the name: the wildcard route serves it".into());
    }
    let link = match obstacles(path, route).into_iter().next() {
        Some(why) => Link::broken(key, format!("ApigeeRoute {}: {why}", route.name)),
        None => Link::ok(key, Vec::new()),
    };
    link.with_facts(facts).at(path, Kind::ApigeeRoute, [route.name.as_str()])
}

fn no_route(path: Path<'_>) -> String {
    let Some(name) = path.server_name else { return "none for *".into() };
    let routes = facts::routes(path.evidence).unwrap_or_default();
    let hostnames = routes.iter().flat_map(|route| &route.hostnames).map(String::as_str);
    format!("none for {name}{}", Nearest::of(hostnames).hint(name))
}

/// What keeps the route from serving the client; its Secret is a link of its own.
fn obstacles(path: Path<'_>, route: &Route) -> Vec<String> {
    let mut found = Vec::new();
    if path.server_name.is_none() && route.enable_non_sni_client != Some(true) {
        let value = route.enable_non_sni_client.map_or("absent", |_| "false");
        found.push(format!("enableNonSniClient is {value}"));
    }
    if let Ok(pods) = facts::pods(path.evidence)
        && !pods.is_empty()
        && !facts::pods_are_narrowed(path.evidence)
        && !pods.iter().any(|pod| selects(&route.selector, &pod.labels))
    {
        found.push(format!("its selector {} selects no ingress pod", facts::labels(&route.selector)));
    }
    let is_fit = |route: &Route| {
        // Source: "Enable non-SNI clients", step 1: port 443. Other routes may have other ports.
        let fits = if path.server_name.is_none() { facts::terminates_tls } else { facts::terminates_https };
        route.ports.iter().any(fits)
    };
    if !is_fit(route) {
        found.push("no port accepts TLS clients (HTTPS 443 with tls)".into());
    }
    if let Some(state) = route.status.state.as_deref().filter(|state| *state != "running") {
        found.push(format!("its state is {state}"));
    }
    if facts::lags(route.generation, &route.status) {
        found.push("its last change has not been applied".into());
    }
    found.extend(route.status.errors.first().cloned());
    found
}

pub(super) fn group(path: Path<'_>) -> Link {
    let key = LinkKey::Group;
    let route = match path.route() {
        Ok(Some(route)) => route,
        Ok(None) => return Link::not_applicable(key, "there is no ApigeeRoute to belong to one"),
        Err(why) => return Link::unseen(key, &why),
    };
    if route.is_wildcard() {
        return listing(path, route);
    }
    let configs = match path.evidence.route_configs.seen() {
        Ok(configs) => configs,
        Err(why) => return Link::unseen(key, &why),
    };
    match configs.items.iter().find(|config| config.name == route.group()) {
        Some(config) => {
            let release = config.helm_release.as_deref();
            let release = release.map_or_else(String::new, |release| format!(", Helm release {release}"));
            Link::ok(key, vec![format!("ApigeeRouteConfig {}{release}", config.name)]).at(
                path,
                Kind::ApigeeRouteConfig,
                [config.name.as_str()],
            )
        }
        None => Link::not_applicable(key, format!("ApigeeRoute {} has no ApigeeRouteConfig", route.name)),
    }
}

/// Whether environment groups list the wildcard route in additionalGateways.
fn listing(path: Path<'_>, wildcard: &Route) -> Link {
    let key = LinkKey::Group;
    let (with, without) = match facts::attachment(path.evidence, wildcard) {
        Ok(attachment) => attachment,
        Err(why) => return Link::unseen(key, &why),
    };
    let all = with.len() + without.len();
    if all == 0 {
        return Link::not_applicable(key, "no environment group has a route on the same pods");
    }
    let names = |routes: &[&Route]| routes.iter().map(|route| route.group().to_owned()).collect::<Vec<_>>();
    let listed = format!("listed by {} of {}: {}", with.len(), count(all as u64, "route"), wildcard.name);
    if with.is_empty() {
        let pending = listed_at(path, wildcard).into_iter().next();
        let pending = pending.map_or_else(String::new, |place| format!(", although {place} does: run helm upgrade"));
        let why = format!("no environment group lists {} in additionalGateways{pending}", wildcard.name);
        return Link::broken(key, why).at(path, Kind::ApigeeRouteConfig, names(&without));
    }
    let mut facts = vec![listed];
    if !without.is_empty() {
        facts.push(format!("requests for the hostnames of {} get 404", some_of(&names(&without))));
    }
    Link::ok(key, facts).at(path, Kind::ApigeeRouteConfig, names(&with))
}

pub(super) fn overrides(path: Path<'_>) -> Link {
    let key = LinkKey::Overrides;
    let route = match path.route() {
        Ok(Some(route)) => route,
        Ok(None) => return Link::not_applicable(key, "there is no ApigeeRoute to look for"),
        Err(why) => return Link::unseen(key, &why),
    };
    let hosts = match facts::virtual_hosts(path.evidence) {
        Ok(hosts) => hosts,
        Err(why) => return Link::unseen(key, &why),
    };
    if !route.is_wildcard() {
        let found = hosts.into_iter().find(|(_, content, host)| facts::renders(content, host, route.group()));
        return match found {
            Some((file, _, host)) => {
                let place = facts::place(file, host.place);
                Link::ok(key, vec![format!("{place}: virtual host {}", facts::host_name(host))])
            }
            None => Link::not_applicable(key, format!("no virtual host in it is {}", route.group())),
        };
    }
    let places = listed_at(path, route);
    let is_listed = facts::attachment(path.evidence, route).is_ok_and(|(with, _)| !with.is_empty());
    let unlisted = format!("no virtual host lists {} in additionalGateways", route.name);
    match places.is_empty() {
        false => Link::ok(key, places.into_iter().map(|place| format!("{place} lists {}", route.name)).collect()),
        true if is_listed => Link::ok(key, vec![format!("{unlisted}: the next helm upgrade removes it")]),
        true => Link::broken(key, unlisted),
    }
}

/// Returns the places in the overrides files that list the wildcard route.
fn listed_at(path: Path<'_>, wildcard: &Route) -> Vec<String> {
    let hosts = facts::virtual_hosts(path.evidence).unwrap_or_default();
    let place = |(file, _, host): (&OverridesFile, _, &VirtualHost)| {
        let name = host.additional_gateways.names.iter().find(|name| name.value == wildcard.name)?;
        Some(facts::place(file, name.place))
    };
    hosts.into_iter().filter_map(place).collect()
}
