//! Evidence of one installation of Apigee hybrid: its objects, Envoys, stored certificates and overrides.
//!
//! One file for each part. The names follow the custom resources. Fields that the reference does not document
//! are absent.

mod connection;
pub mod gateway;
mod issues;
mod manifests;
mod mesh_logging;
pub mod overrides;
mod pods;
mod route_configs;
mod routes;
mod secret_names;
mod services;
pub mod stored;

use std::collections::BTreeMap;

pub use self::connection::Connection;
pub use self::gateway::Gateway;
pub use self::issues::ApigeeIssue;
pub use self::manifests::ManifestFile;
pub use self::mesh_logging::MeshLogging;
pub use self::overrides::OverridesFile;
pub use self::pods::{Container, IngressPod};
pub use self::route_configs::{RouteConfig, RouteConfigs};
pub use self::routes::{Port, Protocol, Route, RouteStatus, Routes, Tls};
pub use self::secret_names::SecretNames;
pub use self::services::{Service, ServicePort};
pub use self::stored::StoredCertificate;

/// Prefix of the names that charts give to the objects of an ingress gateway.
const INGRESS_GATEWAY: &str = "apigee-ingressgateway-";

/// Prefix of the names that the organisation chart gives to internal-chaining objects since 1.14, unless the
/// chart value `apigeeChainingGateway.name` differs.
pub const INTERNAL_CHAINING: &str = "apigee-ingressgateway-internal-chaining-";

/// Number of hexadecimal digits at the end of such a name.
const HASH_DIGITS: usize = 7;

/// Returns whether a chart made this name of an ApigeeRoute: `apigee-ingressgateway-<gateway>-<org>-<hash>`.
///
/// The virtual-host chart writes that of the chaining gateway into every ApigeeRouteConfig; no overrides file
/// contains it. The middle part is a chart value, so only the form identifies a renamed one.
#[must_use]
pub fn is_chart_made(name: &str) -> bool {
    let has_hash = |rest: &str| {
        rest.rsplit_once('-').is_some_and(|(gateway, hash)| {
            !gateway.is_empty() && hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    name.starts_with(INTERNAL_CHAINING) || name.strip_prefix(INGRESS_GATEWAY).is_some_and(has_hash)
}

/// Returns the labels `ingress_name` of the chaining gateways, as their routes select them.
pub fn chaining_ingress_names(routes: &[Route]) -> impl Iterator<Item = &str> {
    let chaining = routes.iter().filter(|route| route.is_internal_chaining());
    chaining.filter_map(|route| route.selector.get("ingress_name")).map(String::as_str)
}

/// Returns whether the labels contain every entry of the selector. An empty selector selects nothing: for a
/// Service that is the rule, for an ApigeeRoute the effect is not documented.
#[must_use]
pub fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_made_name_is_known_by_its_form() {
        for name in [
            "apigee-ingressgateway-internal-chaining-myorg-hyb-5d0a1f3",
            "apigee-ingressgateway-internal-chaining-x",
            "apigee-ingressgateway-hop-myorg-hyb-5d0a1f3",
        ] {
            assert!(is_chart_made(name), "{name}");
        }
        for name in ["non-sni", "apigee-ingressgateway-internal", "apigee-ingressgateway-5d0a1f3", "x-org-000-5d0a1f3"]
        {
            assert!(!is_chart_made(name), "{name}");
        }
    }

    #[test]
    fn an_empty_selector_selects_nothing() {
        let labels = BTreeMap::from([("app".to_owned(), "x".to_owned())]);
        assert!(selects(&labels, &labels));
        assert!(!selects(&BTreeMap::new(), &labels));
        assert!(!selects(&labels, &BTreeMap::new()));
    }
}
