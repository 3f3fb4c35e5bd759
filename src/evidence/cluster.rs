//! What the cluster said: pods, routes and the objects around them, reduced to what is judged.
//!
//! The names follow the custom resources. Fields that the reference does not know are not here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The API server that answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// Name of the kubeconfig context; absent inside a pod.
    pub context: Option<String>,
    /// `gitVersion` of the API server, where it told.
    pub server_version: Option<String>,
}

/// A pod that matches the selector.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressPod {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// Why it is in that phase, where the cluster says (`0/3 nodes are available: …`, `Evicted`).
    pub reason: Option<String>,
    pub node: Option<String>,
    pub started_at: Option<Timestamp>,
    pub ready: bool,
    /// The pod is being deleted.
    pub terminating: bool,
    pub containers: Vec<Container>,
}

/// One container of an ingress pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub ready: bool,
    pub restarts: u32,
    /// Start of the present run.
    pub started_at: Option<Timestamp>,
    /// Why it does not run (`ImagePullBackOff`), where the kubelet says.
    pub waiting: Option<String>,
    /// How the run before ended (`OOMKilled (exit code 137)`).
    pub last_termination: Option<String>,
}

/// The ApigeeRoutes of the namespace.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Routes {
    /// As discovery prefers it: `apigee.cloud.google.com/v1alpha2`.
    pub api_version: String,
    /// All versions that are served, the preferred one first.
    pub served_versions: Vec<String>,
    pub items: Vec<Route>,
}

/// One ApigeeRoute.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
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
    /// Absent in the object is `None`.
    pub enable_non_sni_client: Option<bool>,
    pub additional_gateways: Vec<String>,
    pub ports: Vec<Port>,
    pub status: RouteStatus,
}

/// One entry of `spec.ports[]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    pub number: Option<u16>,
    pub protocol: Option<String>,
    pub tls: Option<Tls>,
}

/// `spec.ports[].tls`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    pub mode: Option<String>,
    pub credential_name: Option<String>,
    /// Certificate and key come from files named in the route, not from a Secret.
    pub from_files: bool,
    pub min_protocol_version: Option<String>,
    pub max_protocol_version: Option<String>,
    pub cipher_suites: Vec<String>,
}

/// The status shared by ApigeeRoute and ApigeeRouteConfig.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteStatus {
    pub state: Option<String>,
    pub last_applied_generation: Option<i64>,
    pub errors: Vec<String>,
}

/// The ApigeeRouteConfigs of the namespace.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteConfigs {
    pub api_version: String,
    pub items: Vec<RouteConfig>,
}

/// One ApigeeRouteConfig: an environment group as the virtual-host chart rendered it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteConfig {
    /// `<org>-<environment group>`.
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// The Helm release that owns it, from `meta.helm.sh/release-name`.
    pub helm_release: Option<String>,
    pub generation: Option<i64>,
    pub selector: BTreeMap<String, String>,
    pub enable_non_sni_client: Option<bool>,
    pub additional_gateways: Vec<String>,
    /// `spec.tls.secretNameRef`, without a namespace in front.
    pub secret_name: Option<String>,
    pub status: RouteStatus,
}

/// The Secrets of the namespace, by name only: listed as metadata, so that no value is ever transferred.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretNames {
    pub names: Vec<String>,
}

/// A Service of the namespace whose selector matches an ingress pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// `LoadBalancer`, `ClusterIP`, …
    pub kind: String,
    pub selector: BTreeMap<String, String>,
    pub ports: Vec<ServicePort>,
    /// Addresses of the load balancer, or external IPs.
    pub addresses: Vec<String>,
}

/// One port of a Service.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePort {
    pub number: u16,
    /// Number or name of the container's port.
    pub target: String,
}

/// The access-log settings of ConfigMap `apigee-istio-mesh-config`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshLogging {
    /// `accessLogFile`; empty or absent switches the log off.
    pub file: Option<String>,
    /// `accessLogEncoding`: `JSON`, `TEXT`, or its number.
    pub encoding: Option<String>,
    /// The keys of a JSON `accessLogFormat`, each with its Envoy operator; absent for Envoy's default text format.
    pub fields: Option<BTreeMap<String, String>>,
    /// There is an `accessLogFormat` that is not a JSON object.
    pub text_format: bool,
    /// The `accessLogFormat` that is not a JSON object; absent in evidence of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// An ApigeeIssue.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApigeeIssue {
    pub name: String,
    pub severity: Option<String>,
    pub reason: Option<String>,
    pub details: Option<String>,
    pub documentation: Option<String>,
}

/// The beginning of the names that the organisation chart gives to internal-chaining objects since 1.14.
const INTERNAL_CHAINING: &str = "apigee-ingressgateway-internal-chaining-";

impl Route {
    /// Hostname `*` itself: `*.example.com` does not match a client without a server name.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.hostnames.iter().any(|hostname| hostname == "*")
    }

    /// Belongs to internal chaining, which no client outside the cluster uses.
    #[must_use]
    pub fn is_internal_chaining(&self) -> bool {
        self.name.starts_with(INTERNAL_CHAINING)
    }

    /// The environment group with its organisation in front, as the ApigeeRouteConfig is named: the owner, or the
    /// route's name without the `-NNN-hash` that the watcher puts behind it.
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

    /// A hostname of this route covers the server name: the same name, or `*.` and any number of labels in front, as
    /// Envoy matches server names. The hostname `*` covers everything.
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

impl IngressPod {
    /// Belongs to internal chaining, which no client outside the cluster uses.
    #[must_use]
    pub fn is_internal_chaining(&self) -> bool {
        self.name.starts_with(INTERNAL_CHAINING)
    }

    /// Runs, and every container is ready.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.phase == "Running" && self.ready
    }
}

impl Service {
    /// Belongs to internal chaining, which no client outside the cluster uses.
    #[must_use]
    pub fn is_internal_chaining(&self) -> bool {
        self.name.starts_with(INTERNAL_CHAINING)
    }
}

impl MeshLogging {
    /// No access log is written.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.file.as_deref().is_none_or(str::is_empty)
    }

    /// `accessLogEncoding` is JSON; Istio's default is text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.encoding.as_deref().is_some_and(|encoding| encoding == "1" || encoding.eq_ignore_ascii_case("json"))
    }

    /// A log is written, and its format states the server name.
    #[must_use]
    pub fn names_server(&self) -> bool {
        !self.is_off() && self.states("REQUESTED_SERVER_NAME")
    }

    /// The format has this command operator, as far as the settings show it. Without an `accessLogFormat`, and where
    /// it does not fit the encoding JSON, Istio writes its default format, which has every operator that is judged.
    #[must_use]
    pub fn states(&self, operator: &str) -> bool {
        let has = |text: &str| {
            text.split('%').any(|part| {
                let rest = part.strip_prefix(operator);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', ':']))
            })
        };
        match (&self.fields, &self.format) {
            (Some(fields), _) => fields.values().any(|value| has(value)),
            (None, _) if self.is_json() => true,
            (None, Some(format)) => has(format),
            (None, None) => !self.text_format,
        }
    }
}

/// Every entry of the selector is among the labels. An empty selector selects nothing here: for a Service that is the
/// rule, for an ApigeeRoute its effect is not documented.
#[must_use]
pub fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str, hostnames: &[&str]) -> Route {
        Route { name: name.into(), hostnames: hostnames.iter().map(ToString::to_string).collect(), ..Route::default() }
    }

    #[test]
    fn group_is_the_name_without_number_and_hash() {
        assert_eq!(route("myorg-hyb-dev-grp-000-33620d0", &[]).group(), "myorg-hyb-dev-grp");
        assert_eq!(route("non-sni", &[]).group(), "non-sni");
        assert_eq!(route("a-b-c-d", &[]).group(), "a-b-c-d");
        let owned = Route { owner: Some("org-grp".into()), ..route("x-000-1234567", &[]) };
        assert_eq!(owned.group(), "org-grp");
    }

    #[test]
    fn covers_as_envoy_matches_server_names() {
        let names = route("r", &["api.example.com", "*.Wild.example.com"]);
        assert!(names.covers("api.example.com"));
        assert!(names.covers("a.b.wild.example.com"));
        assert!(!names.covers("wild.example.com"));
        assert!(!names.covers("xapi.example.com"));
        assert!(route("w", &["*"]).covers("anything"));
    }

    #[test]
    fn only_the_bare_star_is_a_wildcard() {
        assert!(route("w", &["api.example.com", "*"]).is_wildcard());
        assert!(!route("w", &["*.example.com"]).is_wildcard());
    }

    #[test]
    fn the_settings_tell_whether_records_name_the_server() {
        let fields = |value: &str| Some(BTreeMap::from([("name".to_owned(), value.to_owned())]));
        let on = MeshLogging { file: Some("/dev/stdout".into()), ..MeshLogging::default() };
        let json = MeshLogging { encoding: Some("JSON".into()), ..on.clone() };
        let text = |format: &str| MeshLogging { text_format: true, format: Some(format.into()), ..on.clone() };
        for (mesh, expected) in [
            (on.clone(), true),
            (MeshLogging { file: None, ..on.clone() }, false),
            (MeshLogging { fields: fields("%REQUESTED_SERVER_NAME%"), ..json.clone() }, true),
            (MeshLogging { fields: fields("%REQUESTED_SERVER_NAME:40%"), ..on.clone() }, true),
            (MeshLogging { fields: fields("%RESPONSE_CODE%"), ..json.clone() }, false),
            (text("[%START_TIME%] %REQUESTED_SERVER_NAME% %RESPONSE_CODE%"), true),
            (text("[%START_TIME%] %REQUESTED_SERVER_NAMES% REQUESTED_SERVER_NAME x"), false),
            (MeshLogging { format: None, ..text("") }, false),
            // Istio cannot use this one with the encoding JSON, and writes its default.
            (MeshLogging { encoding: Some("1".into()), ..text("%RESPONSE_CODE%") }, true),
        ] {
            assert_eq!(mesh.names_server(), expected, "{mesh:?}");
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
