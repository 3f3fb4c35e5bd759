//! The scenario files: the content of the cluster, the clients, and the expected findings.
//!
//! A file states only differences from a sound installation with one env group and no wildcard route. Faults
//! are merge patches (RFC 7386) on the objects of the sound installation, so new faults need no new keys.
//! Unknown keys are errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::shell::Result;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a file, each of which stands for itself")]
pub struct Scenario {
    /// File name without extension.
    #[serde(skip)]
    pub name: String,
    pub title: String,
    #[serde(default = "default_org")]
    pub org: String,
    #[serde(default)]
    pub ingress: Ingress,
    #[serde(default = "default_env_groups")]
    pub env_groups: Vec<EnvGroup>,
    #[serde(default)]
    pub wildcard_routes: Vec<WildcardRoute>,
    /// Number of further env-group routes with one hostname each, for a large cluster.
    #[serde(default)]
    pub bulk_routes: usize,
    /// API version of ApigeeRoutes.
    #[serde(default = "default_route_version")]
    pub route_version: String,
    /// Merge patch on the mesh configuration (`data.mesh` of the ConfigMap).
    #[serde(default)]
    pub mesh: Value,
    /// Merge patches on objects of the sound installation, by `Kind/name` or `Kind`; null leaves the object
    /// out.
    #[serde(default)]
    pub patches: BTreeMap<String, Value>,
    /// Further objects, created unchanged in the scenario's namespace.
    #[serde(default)]
    pub objects: Vec<Value>,
    /// Merge patches like `patches`, applied once the pods run with the previous state.
    #[serde(default)]
    pub later: BTreeMap<String, Value>,
    /// What the address of the Service leads to; without it, the Service has no address.
    #[serde(default)]
    pub load_balancer: Option<LoadBalancer>,
    /// Whether the namespace exists.
    #[serde(default = "yes")]
    pub namespace: bool,
    #[serde(default)]
    pub traffic: Vec<Traffic>,
    #[serde(default)]
    pub recorded: Vec<Recorded>,
    /// Whether the recorded lines exceed the kubelet's file size: waits until they are rotated away, more
    /// than a minute after the start of the containers, and sends the traffic again.
    #[serde(default)]
    pub logs_rotate: bool,
    /// Content of `overrides.yaml` in the program's working folder.
    #[serde(default)]
    pub overrides: Option<String>,
    /// Further arguments for `diagnose`.
    #[serde(default)]
    pub diagnose: Vec<String>,
    /// RBAC rules of the user who runs the program; an administrator if not given.
    #[serde(default)]
    pub user: Option<Vec<Value>>,
    /// Whether the program also runs over several contexts: an administrator, this user, and a missing
    /// cluster.
    #[serde(default)]
    pub contexts: bool,
    /// A fault of the cluster itself while the program runs.
    #[serde(default)]
    pub cluster: Option<ClusterFault>,
    /// Whether the program runs again: the log records of its first run must not count as clients.
    #[serde(default)]
    pub again: bool,
    /// Applies the remedy of the report, and expects this afterwards.
    #[serde(default)]
    pub after_remedy: Option<AfterRemedy>,
    pub expect: Expectation,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Ingress {
    pub name: String,
    pub pods: usize,
    /// Number of additional pods whose image does not exist.
    pub pods_not_running: usize,
    /// Number of pods whose main container is killed once before traffic comes.
    pub pods_restarted: usize,
    /// If false, the pods only print the `recorded` lines.
    pub envoy: bool,
    /// Number of pods, counted from the last, that get only their first configuration: the control plane does
    /// not reach them.
    pub pods_behind: usize,
    /// Listen address of Envoy's admin interface.
    pub admin_port: u16,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvGroup {
    pub name: String,
    pub hostnames: Vec<String>,
    #[serde(default)]
    pub additional_gateways: Vec<String>,
    /// Merge patch on the ApigeeRoute of this env group.
    #[serde(default)]
    pub route: Value,
    /// Merge patch on its ApigeeRouteConfig; the ApigeeRoute is unchanged, as before the watcher updates it.
    #[serde(default)]
    pub route_config: Value,
    /// Whether the TLS Secret exists.
    #[serde(default = "yes")]
    pub secret: bool,
    /// Content of the TLS Secret.
    #[serde(default)]
    pub certificate: Certificate,
    /// Whether a new, sound pair replaces it once the pods run with the first.
    #[serde(default)]
    pub renewed: bool,
    /// Where the CA of client certificates is stored.
    #[serde(default)]
    pub client_authority: Option<ClientAuthority>,
}

/// Properties of the certificate in a TLS Secret; by default sound, with its chain.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Certificate {
    /// Start and end of validity, in days from now.
    pub from: i64,
    pub until: i64,
    /// Whether an intermediate CA signed it.
    pub intermediate: bool,
    /// If false, the Secret holds only the leaf.
    pub chain: bool,
    /// Whether the Secret holds the key of another certificate.
    pub key_of_another: bool,
    /// Names that it is valid for, in addition to the hostnames of the env group.
    pub also_for: Vec<String>,
}

/// The places where Istio looks for the CAs of client certificates.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ClientAuthority {
    /// `cacert` of the TLS Secret.
    SameSecret,
    /// `cacert` of a Secret `<name>-cacert`.
    OwnSecret,
}

/// What the address of the Service leads to.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalancer {
    /// A load balancer that forwards connections to the pods in turn. DNS has its address for the env groups'
    /// hostnames.
    Pods,
    /// A load balancer that terminates TLS with its own certificate.
    Elsewhere,
}

/// A route applied by hand; sound by default.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WildcardRoute {
    pub name: String,
    /// Merge patch on the sound route.
    #[serde(default)]
    pub patch: Value,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ClusterFault {
    /// The CRDs of Apigee are not installed.
    KindsMissing,
    /// Only v1alpha1 of ApigeeRoute is served, as before hybrid 1.9.
    OldRoutesOnly,
    KubeletStopped,
    /// The API server is killed while the access logs are read.
    ApiServerStopsMidway,
    /// A user presses Ctrl-C while the access logs are read.
    InterruptedMidway,
}

impl ClusterFault {
    /// Returns whether the scenario needs the cluster for itself, because the fault affects others.
    pub fn is_exclusive(self) -> bool {
        self != Self::InterruptedMidway
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    pub client: Client,
    /// SNI to send; none if not given.
    #[serde(default)]
    pub server_name: Option<String>,
    /// Host header; by default the SNI or the first hostname of the first env group.
    #[serde(default)]
    pub host: Option<String>,
    /// Whether the client offers a certificate of the client CA when requested; OpenSSL's client only.
    #[serde(default)]
    pub client_certificate: bool,
    #[serde(default = "one")]
    pub count: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    Curl,
    Java,
    Openssl,
    /// HTTP without TLS.
    Plain,
}

/// The outcome for a client.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Status 200.
    Answered,
    /// Status 404: TLS works, but no route matches the request.
    NotFound,
    Reset,
    /// Connection refused.
    Refused,
    /// A TLS alert, which leaves no line in the access log.
    Alert,
}

/// Lines written to a pod's stdout instead of being caused by clients: for addresses that this machine cannot
/// send from, and for sizes that clients would need too long for.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorded {
    /// Index of the pod; every pod if not given.
    #[serde(default)]
    pub pod: Option<usize>,
    /// Client addresses, used in turn.
    #[serde(default)]
    pub clients: Vec<String>,
    #[serde(default)]
    pub server_name: Option<String>,
    /// Number of resets without a matching filter chain, ten seconds apart, the last one now.
    #[serde(default)]
    pub resets: u64,
    /// Minimum number of bytes, reached by mixing in answered requests.
    #[serde(default)]
    pub megabytes: u64,
    /// Text printed unchanged.
    #[serde(default)]
    pub text: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    pub exit: i32,
    /// Expected verdict; if not given, there is no report.
    #[serde(default)]
    pub verdict: Option<String>,
    /// Codes of all checks with findings.
    #[serde(default)]
    pub found: Vec<String>,
    /// Codes of all unknown checks; `AT2*` stands for at least one with that prefix, and any others with it.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Codes that may be unknown in addition, depending on timing.
    #[serde(default)]
    pub perhaps_unknown: Vec<String>,
    /// Parts of the reported reasons why checks are unknown or not applicable.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Parts of standard error.
    #[serde(default)]
    pub stderr: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterRemedy {
    /// Outcomes for clients after the remedy.
    pub traffic: Vec<Traffic>,
    pub expect: Expectation,
}

impl Default for Ingress {
    fn default() -> Self {
        Self {
            name: "ext-ingress".into(),
            pods: 2,
            pods_not_running: 0,
            pods_restarted: 0,
            envoy: true,
            pods_behind: 0,
            admin_port: 15000,
        }
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self { from: 0, until: 365, intermediate: false, chain: true, key_of_another: false, also_for: Vec::new() }
    }
}

impl Scenario {
    pub fn read(file: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
        let mut scenario: Self = serde_yaml::from_str(&text).map_err(|error| failed(&error))?;
        scenario.name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(scenario)
    }

    pub fn is_exclusive(&self) -> bool {
        self.cluster.is_some_and(ClusterFault::is_exclusive)
    }

    /// Returns whether it cannot run on a given cluster: it would break it, or needs pods by their addresses.
    pub fn needs_own_cluster(&self) -> bool {
        self.is_exclusive() || self.load_balancer.is_some()
    }
}

/// Reads all scenarios of the folder, by name.
pub fn all() -> Result<Vec<Scenario>> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files.iter().map(|file| Scenario::read(file)).collect()
}

/// Returns the folder of the scenario files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/scenarios")
}

/// Applies a merge patch (RFC 7386).
pub fn merge(target: &mut Value, patch: &Value) {
    match patch {
        Value::Null => {}
        Value::Object(changes) => {
            if !target.is_object() {
                *target = Value::Object(serde_json::Map::new());
            }
            let Some(fields) = target.as_object_mut() else { return };
            for (name, change) in changes {
                if change.is_null() {
                    fields.remove(name);
                } else {
                    merge(fields.entry(name.clone()).or_insert(Value::Null), change);
                }
            }
        }
        other => other.clone_into(target),
    }
}

fn default_org() -> String {
    "myorg-hyb".into()
}

fn default_route_version() -> String {
    "v1alpha1".into()
}

fn default_env_groups() -> Vec<EnvGroup> {
    vec![EnvGroup {
        name: "dev-grp".into(),
        hostnames: vec!["api-test.mydomain.com".into()],
        additional_gateways: Vec::new(),
        route: Value::Null,
        route_config: Value::Null,
        secret: true,
        certificate: Certificate::default(),
        renewed: false,
        client_authority: None,
    }]
}

fn yes() -> bool {
    true
}

fn one() -> u64 {
    1
}
