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
