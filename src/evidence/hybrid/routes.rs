//! The ApigeeRoutes, reduced to the fields that checks need.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// The ApigeeRoutes in the namespace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Routes {
    /// The version that discovery prefers, such as `apigee.cloud.google.com/v1alpha2`.
    pub api_version: String,
    /// All served versions, the preferred one first.
    pub served_versions: Vec<String>,
    pub items: Vec<Route>,
    /// The namespace may have others: single objects were given as files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// One ApigeeRoute.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// The ApigeeRouteConfig that owns it.
    pub owner: Option<String>,
    pub created_at: Option<Timestamp>,
    pub generation: Option<i64>,
    pub hostnames: Vec<String>,
    pub selector: BTreeMap<String, String>,
    /// `None` if the object lacks the field.
    pub enable_non_sni_client: Option<bool>,
    pub additional_gateways: Vec<String>,
    pub ports: Vec<Port>,
    pub status: RouteStatus,
}

/// One entry of `spec.ports[]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    pub number: Option<u16>,
    pub protocol: Option<String>,
    pub tls: Option<Tls>,
}

/// `spec.ports[].tls`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    pub mode: Option<String>,
    pub credential_name: Option<String>,
    /// Certificate and key come from files that the route names, not from a Secret.
    pub from_files: bool,
    pub min_protocol_version: Option<String>,
    pub max_protocol_version: Option<String>,
    pub cipher_suites: Vec<String>,
}

/// The status shared by ApigeeRoute and ApigeeRouteConfig.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteStatus {
    pub state: Option<String>,
    pub last_applied_generation: Option<i64>,
    pub errors: Vec<String>,
}

impl Port {
    /// Returns whether the port is for TLS that the gateway terminates, even if its settings do not allow it:
    /// HTTPS, TLS, port 443 for HTTP, or any port with a certificate. Plain HTTP or TCP elsewhere is not, nor
    /// is TLS that is passed through.
    #[must_use]
    pub fn is_for_tls(&self) -> bool {
        let has_certificate = |tls: &Tls| tls.from_files || tls.credential_name.is_some();
        match self.protocol() {
            _ if self.passes_through() => false,
            Some(Protocol::Tls) | None => true,
            Some(Protocol::Http) => self.number == Some(443) || self.tls.as_ref().is_some_and(has_certificate),
            Some(Protocol::Tcp) => self.tls.as_ref().is_some_and(has_certificate),
        }
    }

    /// Returns whether the gateway forwards the TLS of clients without decrypting it.
    #[must_use]
    pub fn passes_through(&self) -> bool {
        let mode = self.tls.as_ref().and_then(|tls| tls.mode.as_deref());
        matches!(mode, Some("PASSTHROUGH" | "AUTO_PASSTHROUGH"))
    }

    /// Returns the protocol as Istio groups them; `None` if it is absent or unknown.
    ///
    /// Source: Istio `pkg/config/protocol`: `IsHTTP`, `IsTLS`, `IsTCP`; the enumeration of the CRD has MONGO.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        Some(match self.protocol.as_deref()?.to_ascii_uppercase().as_str() {
            "GRPC" | "GRPC-WEB" | "HTTP" | "HTTP2" | "HTTP_PROXY" => Protocol::Http,
            "HTTPS" | "TLS" => Protocol::Tls,
            "MONGO" | "MYSQL" | "REDIS" | "TCP" => Protocol::Tcp,
            _ => return None,
        })
    }
}

/// Protocols of a port that one listener can serve together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP of any version, without TLS.
    Http,
    /// TCP, and protocols over it that Istio names.
    Tcp,
    /// TLS, terminated or passed through.
    Tls,
}

impl Route {
    /// Returns whether the route has the hostname `*` for TLS that the gateway terminates: only such a route
    /// can serve clients without SNI. Also for HTTP clients, `*` is documented as hostname.
    #[must_use]
    pub fn is_tls_wildcard(&self) -> bool {
        self.is_wildcard() && (self.ports.is_empty() || self.ports.iter().any(Port::is_for_tls))
    }

    /// Returns whether the route serves its hostnames only without TLS: HTTP or TCP.
    #[must_use]
    pub fn is_without_tls(&self) -> bool {
        !self.ports.is_empty() && !self.ports.iter().any(|port| port.is_for_tls() || port.passes_through())
    }

    /// Returns whether the route has the hostname `*`. `*.example.com` does not match a client without SNI.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.hostnames.iter().any(|hostname| hostname == "*")
    }

    /// Returns whether the route belongs to internal chaining, which no client outside the cluster uses.
    #[must_use]
    pub fn is_internal_chaining(&self) -> bool {
        super::is_chart_made(&self.name)
    }

    /// Returns `<org>-<environment group>`, the name of the ApigeeRouteConfig: the owner, or the route's name
    /// without the suffix `-NNN-hash` that the watcher appends.
    #[must_use]
    pub fn group(&self) -> &str {
        if let Some(owner) = &self.owner {
            return owner;
        }
        let mut parts = self.name.rsplitn(3, '-');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(hash), Some(number), Some(group))
                if hash.len() == 7
                    && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                    && number.len() == 3
                    && number.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                group
            }
            _ => &self.name,
        }
    }

    /// Returns whether a hostname of this route covers the server name, by Envoy's rules: the same name, or
    /// `*.` for any number of labels. The hostname `*` covers every name.
    #[must_use]
    pub fn covers(&self, server_name: &str) -> bool {
        self.hostnames.iter().any(|hostname| {
            let hostname = hostname.to_ascii_lowercase();
            match hostname.strip_prefix('*') {
                Some(suffix) => server_name.len() > suffix.len() && server_name.ends_with(suffix),
                None => hostname == server_name,
            }
        })
    }
}

impl Part for Seen<Routes> {
    fn name(&self) -> &'static str {
        "routes"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::ApigeeRoutes]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("ApigeeRoutes", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::ApigeeRoutes)
    }
}

impl Visit for Routes {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { api_version, served_versions, items, partial: _ } = self;
        visitor.string(Kind::Word, api_version);
        visitor.strings(Kind::Word, served_versions);
        items.visit(visitor);
    }
}

impl Visit for Route {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            name,
            labels,
            owner,
            created_at: _,
            generation: _,
            hostnames,
            selector,
            enable_non_sni_client: _,
            additional_gateways,
            ports,
            status,
        } = self;
        visitor.string(Kind::Object, name);
        visitor.labels(labels);
        visitor.strings(Kind::Object, owner);
        visitor.strings(Kind::Hostname, hostnames);
        visitor.labels(selector);
        visitor.strings(Kind::Object, additional_gateways);
        ports.visit(visitor);
        status.visit(visitor);
    }
}

impl Visit for Port {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { number: _, protocol, tls } = self;
        visitor.strings(Kind::Word, protocol);
        tls.visit(visitor);
    }
}

impl Visit for Tls {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { mode, credential_name, from_files: _, min_protocol_version, max_protocol_version, cipher_suites } =
            self;
        visitor.strings(Kind::Word, [mode, min_protocol_version, max_protocol_version].into_iter().flatten());
        visitor.strings(Kind::Object, credential_name);
        visitor.strings(Kind::Word, cipher_suites);
    }
}

impl Visit for RouteStatus {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { state, last_applied_generation: _, errors } = self;
        visitor.strings(Kind::Text, state);
        visitor.strings(Kind::Text, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str, hostnames: &[&str]) -> Route {
        Route { name: name.into(), hostnames: hostnames.iter().map(ToString::to_string).collect(), ..Route::default() }
    }

    #[test]
    fn group_is_the_owner_or_the_name_without_number_and_hash() {
        assert_eq!(route("myorg-hyb-dev-grp-000-33620d0", &[]).group(), "myorg-hyb-dev-grp");
        assert_eq!(route("non-sni", &[]).group(), "non-sni");
        assert_eq!(route("a-b-c-d", &[]).group(), "a-b-c-d");
        let owned = Route { owner: Some("org-grp".into()), ..route("x-000-1234567", &[]) };
        assert_eq!(owned.group(), "org-grp");
    }

    #[test]
    fn covers_server_names_by_envoys_rules() {
        let names = route("r", &["api.example.com", "*.Wild.example.com"]);
        assert!(names.covers("api.example.com"));
        assert!(names.covers("a.b.wild.example.com"));
        assert!(!names.covers("wild.example.com"));
        assert!(!names.covers("xapi.example.com"));
        assert!(route("w", &["*"]).covers("anything"));
    }

    #[test]
    fn a_wildcard_for_tls_has_a_port_that_terminates_it() {
        let port = |number, protocol: &str, mode: Option<&str>| Port {
            number: Some(number),
            protocol: Some(protocol.into()),
            tls: mode.map(|mode| Tls { mode: Some(mode.into()), ..Tls::default() }),
        };
        let wildcard = |ports: Vec<Port>| Route { ports, ..route("w", &["*"]) };
        let http = port(80, "HTTP", None);
        let passed_through = port(443, "HTTPS", Some("PASSTHROUGH"));
        for (ports, is_tls) in [
            (vec![http.clone()], false),
            (vec![port(8080, "grpc", None)], false),
            (vec![port(443, "TCP", None)], false),
            (vec![port(27017, "MONGO", None)], false),
            (vec![passed_through.clone()], false),
            (vec![port(443, "TLS", Some("SIMPLE"))], true),
            (vec![http.clone(), port(443, "HTTPS", Some("SIMPLE"))], true),
            (vec![port(443, "HTTP", None)], true),
            (vec![], true),
        ] {
            assert_eq!(wildcard(ports.clone()).is_tls_wildcard(), is_tls, "{ports:?}");
        }
        assert!(wildcard(vec![http]).is_without_tls() && !wildcard(vec![passed_through]).is_without_tls());
    }

    #[test]
    fn only_the_bare_star_is_a_wildcard() {
        assert!(route("w", &["api.example.com", "*"]).is_wildcard());
        assert!(!route("w", &["*.example.com"]).is_wildcard());
    }
}
