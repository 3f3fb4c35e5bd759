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
pub use self::routes::{Port, Route, RouteStatus, Routes, Tls};
pub use self::secret_names::SecretNames;
pub use self::services::{Service, ServicePort};
pub use self::stored::StoredCertificate;

/// Prefix of the names that the organisation chart gives to internal-chaining objects since 1.14.
const INTERNAL_CHAINING: &str = "apigee-ingressgateway-internal-chaining-";

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
    fn an_empty_selector_selects_nothing() {
        let labels = BTreeMap::from([("app".to_owned(), "x".to_owned())]);
        assert!(selects(&labels, &labels));
        assert!(!selects(&BTreeMap::new(), &labels));
        assert!(!selects(&labels, &BTreeMap::new()));
    }
}
