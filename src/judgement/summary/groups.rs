//! The settings of each environment group in the four places that must agree: the overrides file, the
//! ApigeeRouteConfig, the ApigeeRoutes and Envoy.
//!
//! ```text
//! overrides.yaml ─ helm ─ ApigeeRouteConfig ─ watcher ─ ApigeeRoute ─ ingress manager ─ Envoy
//! ```
//!
//! States which values differ, and not which of them is wrong: checks judge that.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::facts;
use crate::evidence::Evidence;
use crate::evidence::gateway::FilterChain;
use crate::evidence::hybrid::{Route, RouteConfig, is_chart_made};
use crate::evidence::overrides::{OverridesFile, Positioned, VirtualHost};

/// Maximum number of groups that a report lists, those with differences first.
const MAX_LISTED: usize = 500;
/// Maximum number of hostnames that a group lists as missing.
const MAX_MISSING: usize = 20;

/// The label of the selector that names the ingress gateway.
const INGRESS_NAME: &str = "ingress_name";

/// All environment groups.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupsSummary {
    /// Places that were not seen, so that nothing is missing there.
    pub not_seen: Vec<Place>,
    /// By name; at most 500, and of more those that differ between the places.
    pub groups: Vec<GroupSummary>,
    /// Number of further groups.
    #[serde(default)]
    pub not_listed: u64,
}

/// Where settings are, in the direction of the data flow.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    Overrides,
    RouteConfig,
    Route,
    Envoy,
}

/// One environment group.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupSummary {
    /// Name of its ApigeeRouteConfig, `<org>-<environment group>`; the name of the virtual host if the
    /// cluster has neither that nor a route.
    pub name: String,
    /// Position of its virtual host: `overrides.yaml:14:3`.
    pub overrides_at: Option<String>,
    pub has_route_config: bool,
    /// Names of its ApigeeRoutes.
    pub routes: Vec<String>,
    /// Number of the hostnames of its routes.
    pub hostnames: u64,
    /// Hostnames of its routes that have no filter chain in an Envoy that was seen, at most 20; absent where
    /// none was seen.
    pub missing_in_envoy: Option<Vec<String>>,
    pub settings: Vec<SettingSummary>,
}

/// One setting. A place is absent if it does not state the setting, or was not seen.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingSummary {
    pub setting: SettingKey,
    pub overrides: Option<Vec<String>>,
    pub route_config: Option<Vec<String>>,
    pub route: Option<Vec<String>>,
    pub envoy: Option<Vec<String>>,
    /// Two places state different values.
    pub differs: bool,
}

/// The settings that are compared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SettingKey {
    /// `selector.ingress_name`
    Gateway,
    AdditionalGateways,
    EnableNonSniClient,
    /// The Secret with the certificate.
    Secret,
}

pub(super) fn of(evidence: &Evidence) -> GroupsSummary {
    let configs = evidence.route_configs.seen().ok().map(|configs| configs.items.as_slice());
    let routes = facts::group_routes(evidence).ok();
    let hosts = facts::virtual_hosts(evidence).ok();
    let envoys = envoys(evidence);
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for config in configs.unwrap_or_default() {
        groups.entry(config.name.clone()).or_default().config = Some(config);
    }
    for route in routes.iter().flatten() {
        groups.entry(route.group().to_owned()).or_default().routes.push(route);
    }
    let by_ending = by_ending(&groups);
    for (file, content, host) in hosts.iter().flatten() {
        let Some(short) = &host.name else { continue };
        let name =
            facts::rendered_name(content, host).or_else(|| by_ending.get(&short.value).cloned()).unwrap_or_else(|| {
                content.org.as_ref().map_or(String::new(), |org| format!("{}-", org.value)) + &short.value
            });
        let group = groups.entry(name).or_default();
        group.host = group.host.or(Some((file, host)));
    }
    let not_seen = [
        (Place::Overrides, hosts.is_none()),
        (Place::RouteConfig, configs.is_none()),
        (Place::Route, routes.is_none()),
        (Place::Envoy, envoys.is_empty()),
    ];
    let mut groups: Vec<GroupSummary> = groups.into_iter().map(|(name, group)| group.summary(name, &envoys)).collect();
    let not_listed = groups.len().saturating_sub(MAX_LISTED) as u64;
    if not_listed > 0 {
        groups.sort_by_key(|group| !group.differs());
        groups.truncate(MAX_LISTED);
        groups.sort_by(|one, other| one.name.cmp(&other.name));
    }
    GroupsSummary {
        not_seen: not_seen.into_iter().filter(|(_, is_unseen)| *is_unseen).map(|(place, _)| place).collect(),
        groups,
        not_listed,
    }
}

impl GroupSummary {
    /// Returns whether two places state different values, or an Envoy lacks a hostname.
    pub(crate) fn differs(&self) -> bool {
        let is_missing = self.missing_in_envoy.as_ref().is_some_and(|missing| !missing.is_empty());
        is_missing || self.settings.iter().any(|setting| setting.differs)
    }
}

/// Returns the first name for each ending behind a hyphen: for virtual hosts whose org is not known.
fn by_ending<T>(groups: &BTreeMap<String, T>) -> BTreeMap<String, String> {
    let endings = groups.keys().rev().flat_map(|name| {
        name.match_indices('-').filter_map(move |(at, _)| Some((name.get(at + 1..)?.to_owned(), name.clone())))
    });
    endings.collect()
}

/// The objects of one group.
#[derive(Default)]
struct Group<'a> {
    host: Option<(&'a OverridesFile, &'a VirtualHost)>,
    config: Option<&'a RouteConfig>,
    routes: Vec<&'a Route>,
}

/// What one Envoy has: the Secrets of its filter chains by server name.
type Envoy<'a> = BTreeMap<String, BTreeSet<&'a str>>;

fn envoys(evidence: &Evidence) -> Vec<Envoy<'_>> {
    let gateways = facts::envoy::gateways(evidence).unwrap_or_default();
    let listeners = gateways.into_iter().filter_map(|gateway| gateway.listeners.seen().ok());
    listeners
        .map(|listeners| facts::envoy::chains(evidence, listeners).into_iter().flat_map(by_name).collect())
        .collect()
}

fn by_name(chain: &FilterChain) -> impl Iterator<Item = (String, BTreeSet<&str>)> {
    let secrets: BTreeSet<&str> = chain.secrets.iter().filter_map(|name| name.rsplit('/').next()).collect();
    chain.server_names.iter().map(move |name| (name.to_ascii_lowercase(), secrets.clone()))
}

impl Group<'_> {
    fn summary(self, name: String, envoys: &[Envoy<'_>]) -> GroupSummary {
        let hostnames: BTreeSet<String> =
            self.routes.iter().flat_map(|route| &route.hostnames).map(|name| name.to_ascii_lowercase()).collect();
        let is_missing = |name: &&String| envoys.iter().any(|envoy| !envoy.contains_key(*name));
        let missing = || hostnames.iter().filter(is_missing).take(MAX_MISSING).cloned().collect();
        let settings = [self.gateway(), self.additional_gateways(), self.flag(), self.secret(&hostnames, envoys)];
        GroupSummary {
            name,
            overrides_at: self.host.map(|(file, host)| facts::place(file, host.place)),
            has_route_config: self.config.is_some(),
            routes: self.routes.iter().map(|route| route.name.clone()).collect(),
            hostnames: hostnames.len() as u64,
            missing_in_envoy: (!envoys.is_empty() && !hostnames.is_empty()).then(missing),
            settings: settings.into_iter().flatten().collect(),
        }
    }

    fn gateway(&self) -> Option<SettingSummary> {
        let of_host = self.host.and_then(|(_, host)| filled(host.ingress_name.as_ref()));
        let of_config = self.config.and_then(|config| config.selector.get(INGRESS_NAME).cloned());
        let of_routes = self.routes.iter().filter_map(|route| route.selector.get(INGRESS_NAME).cloned());
        SettingSummary::new(
            SettingKey::Gateway,
            [of_host.map(|name| vec![name]), of_config.map(|name| vec![name]), stated(of_routes.collect()), None],
        )
    }

    fn additional_gateways(&self) -> Option<SettingSummary> {
        let of_users = |names: &[String]| names.iter().filter(|name| !is_chart_made(name)).cloned().collect();
        let of_host = self.host.map(|(_, host)| &host.additional_gateways.names);
        let of_host = of_host.filter(|names| names.iter().all(facts::is_filled));
        let of_host = of_host.map(|names| names.iter().map(|name| name.value.clone()).collect());
        let of_config = self.config.map(|config| of_users(&config.additional_gateways));
        let of_routes = self.routes.iter().flat_map(|route| of_users(&route.additional_gateways)).collect();
        let of_routes = (!self.routes.is_empty()).then_some(of_routes);
        SettingSummary::new(SettingKey::AdditionalGateways, [of_host, of_config, of_routes, None])
    }

    /// Absent where no object sets it. An object without the field has it off.
    fn flag(&self) -> Option<SettingSummary> {
        let of_config = self.config.map(|config| config.enable_non_sni_client);
        let of_routes: Vec<Option<bool>> = self.routes.iter().map(|route| route.enable_non_sni_client).collect();
        let words = |flags: &[Option<bool>]| stated(flags.iter().flatten().map(ToString::to_string).collect());
        let config: Vec<Option<bool>> = of_config.into_iter().collect();
        let is_on: BTreeSet<bool> = config.iter().chain(&of_routes).map(|flag| *flag == Some(true)).collect();
        let setting =
            SettingSummary::new(SettingKey::EnableNonSniClient, [None, words(&config), words(&of_routes), None])?;
        Some(SettingSummary { differs: is_on.len() > 1, ..setting })
    }

    fn secret(&self, hostnames: &BTreeSet<String>, envoys: &[Envoy<'_>]) -> Option<SettingSummary> {
        let of_host = self.host.and_then(|(_, host)| filled(host.ssl_secret.as_ref()));
        let of_config = self.config.and_then(|config| config.secret_name.clone());
        let ports = self.routes.iter().flat_map(|route| &route.ports);
        let of_routes = ports.filter_map(|port| port.tls.as_ref()?.credential_name.clone()).collect();
        let of_envoys = envoys.iter().flat_map(|envoy| hostnames.iter().filter_map(|name| envoy.get(name)));
        let of_envoys: BTreeSet<&str> = of_envoys.flatten().copied().collect();
        SettingSummary::new(
            SettingKey::Secret,
            [
                of_host.map(|name| vec![name]),
                of_config.map(|name| vec![name]),
                stated(of_routes),
                stated(of_envoys.into_iter().map(str::to_owned).collect()),
            ],
        )
    }
}

/// Returns the value, if no deployment tool has to fill it.
fn filled(value: Option<&Positioned<String>>) -> Option<String> {
    value.filter(|value| facts::is_filled(value)).map(|value| value.value.clone())
}

fn stated(values: Vec<String>) -> Option<Vec<String>> {
    (!values.is_empty()).then_some(values)
}

impl SettingSummary {
    /// Returns the setting with its values in the order of [`Place`], each value once; `None` where no place
    /// states it.
    fn new(setting: SettingKey, places: [Option<Vec<String>>; 4]) -> Option<Self> {
        let [overrides, route_config, route, envoy] = places.map(|values| {
            let values: Option<BTreeSet<String>> = values.map(|values| values.into_iter().collect());
            values.map(|values| values.into_iter().collect::<Vec<_>>())
        });
        let all: Vec<&Vec<String>> = [&overrides, &route_config, &route, &envoy].into_iter().flatten().collect();
        let differs = all.windows(2).any(|pair| pair.first() != pair.last());
        let is_shown = all.iter().any(|values| !values.is_empty());
        is_shown.then_some(Self { setting, overrides, route_config, route, envoy, differs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_places_that_state_a_setting_can_differ() {
        let differs = |places| SettingSummary::new(SettingKey::Secret, places).map(|setting| setting.differs);
        let [a, none] = [values(&["a"]), values(&[])].map(Some);
        assert_eq!(differs([None, None, None, None]), None);
        assert_eq!(differs([None, a.clone(), None, a.clone()]), Some(false));
        assert_eq!(differs([Some(values(&["a", "b"])), Some(values(&["b", "a", "a"])), None, None]), Some(false));
        assert_eq!(differs([none.clone(), None, a, None]), Some(true));
        // Empty everywhere: there is nothing to show.
        assert_eq!(differs([none.clone(), none, None, None]), None);
    }
}
