//! The scenario files: what is in the cluster, who connects, and what the program has to find.
//!
//! A file says only what differs from a sound installation with one env group and no wildcard route. Faults
//! are injected with merge patches (RFC 7386) on the objects that the sound installation would have, so that
//! a new kind of fault needs no new word here. Unknown keys are errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::shell::Result;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a file, each of which stands for itself")]
pub struct Scenario {
    /// The file's name without its extension.
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
    /// Further env-group routes with one hostname each, for a large cluster.
    #[serde(default)]
    pub bulk_routes: usize,
    /// The version in which ApigeeRoutes are written.
    #[serde(default = "default_route_version")]
    pub route_version: String,
    /// Merged over the mesh configuration (`data.mesh` of the ConfigMap).
    #[serde(default)]
    pub mesh: Value,
    /// Merged over objects of the sound installation, by `Kind/name` or `Kind`; null leaves the object out.
    #[serde(default)]
    pub patches: BTreeMap<String, Value>,
    /// Created as they are, in the scenario's namespace.
    #[serde(default)]
    pub objects: Vec<Value>,
    /// Merged over objects as `patches` are, once the pods run with what was there before.
    #[serde(default)]
    pub later: BTreeMap<String, Value>,
    /// Where the address of the Service leads; it has none without.
    #[serde(default)]
    pub load_balancer: Option<LoadBalancer>,
    /// The namespace exists.
    #[serde(default = "yes")]
    pub namespace: bool,
    #[serde(default)]
    pub traffic: Vec<Traffic>,
    #[serde(default)]
    pub recorded: Vec<Recorded>,
    /// The recorded lines are more than the kubelet keeps in one file: wait until it has rotated them away, a
    /// good minute after the start of the containers, and send the traffic once more.
    #[serde(default)]
    pub logs_rotate: bool,
    /// Written to `overrides.yaml` where the program is started.
    #[serde(default)]
    pub overrides: Option<String>,
    /// Further arguments for `diagnose`.
    #[serde(default)]
    pub diagnose: Vec<String>,
    /// The RBAC rules of the user who runs the program; an administrator without.
    #[serde(default)]
    pub user: Option<Vec<Value>>,
    /// The program also asks several contexts in one run: as an administrator, as this user, and of a cluster
    /// that is not there.
    #[serde(default)]
    pub contexts: bool,
    /// Something about the cluster itself that is broken while the program runs.
    #[serde(default)]
    pub cluster: Option<ClusterFault>,
    /// The program runs once more: what its first run left in the logs is to count as no client.
    #[serde(default)]
    pub again: bool,
    /// Apply the remedy of the report and expect what stands here.
    #[serde(default)]
    pub after_remedy: Option<AfterRemedy>,
    pub expect: Expectation,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Ingress {
    pub name: String,
    pub pods: usize,
    /// Pods whose image does not exist, beside the others.
    pub pods_not_running: usize,
    /// Pods whose main container is killed once before traffic comes.
    pub pods_restarted: usize,
    /// False: the pods only print what `recorded` says.
    pub envoy: bool,
    /// So many of the pods, the last ones, get no configuration but their first: the control plane does not
    /// reach them.
    pub pods_behind: usize,
    /// Where Envoy's admin interface listens.
    pub admin_port: u16,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvGroup {
    pub name: String,
    pub hostnames: Vec<String>,
    #[serde(default)]
    pub additional_gateways: Vec<String>,
    /// Merged over the ApigeeRoute of this env group.
    #[serde(default)]
    pub route: Value,
    /// Merged over its ApigeeRouteConfig; the ApigeeRoute stays as it is, as when the watcher has not come
    /// by.
    #[serde(default)]
    pub route_config: Value,
    /// The TLS Secret exists.
    #[serde(default = "yes")]
    pub secret: bool,
    /// What is in it.
    #[serde(default)]
    pub certificate: Certificate,
    /// A new pair, of a sound certificate, takes its place once the pods run with the first.
    #[serde(default)]
    pub renewed: bool,
    /// Where the authority that signs client certificates is stored.
    #[serde(default)]
    pub client_authority: Option<ClientAuthority>,
}

/// How the certificate of a TLS Secret came about; a sound one with its chain by default.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Certificate {
    /// When it becomes and ceases to be valid, in days from now.
    pub from: i64,
    pub until: i64,
    /// An intermediate authority signed it.
    pub intermediate: bool,
    /// False: the Secret holds the leaf alone.
    pub chain: bool,
    /// The Secret holds the key of another certificate.
    pub key_of_another: bool,
    /// Names that it is valid for, beside the hostnames of the env group.
    pub also_for: Vec<String>,
}

/// The places in which Istio looks for the authorities of client certificates.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ClientAuthority {
    /// `cacert` of the TLS Secret.
    SameSecret,
    /// `cacert` of a Secret `<name>-cacert`.
    OwnSecret,
}

/// What has the address of the Service.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalancer {
    /// A load balancer that passes connections on to the pods in turn. DNS has its address for the hostnames
    /// of the env groups.
    Pods,
    /// One that ends TLS itself, with a certificate of its own.
    Elsewhere,
}

/// A route that a user applied by hand, sound by default.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WildcardRoute {
    pub name: String,
    /// Merged over the sound route.
    #[serde(default)]
    pub patch: Value,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ClusterFault {
    /// The kinds of Apigee are not installed.
    KindsMissing,
    /// Only version v1alpha1 of ApigeeRoute is served, as before hybrid 1.9.
    OldRoutesOnly,
    KubeletStopped,
    /// The API server ends while the access logs are being read.
    ApiServerStopsMidway,
    /// A user presses Ctrl-C while the access logs are being read.
    InterruptedMidway,
}

impl ClusterFault {
    /// Others would notice: the scenario needs the cluster for itself, and one that may be broken.
    pub fn is_exclusive(self) -> bool {
        self != Self::InterruptedMidway
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    pub client: Client,
    /// The server name that is sent; without, none is.
    #[serde(default)]
    pub server_name: Option<String>,
    /// The Host header; without, the server name or the first env group's first hostname.
    #[serde(default)]
    pub host: Option<String>,
    /// The client has a certificate that the client authority signed, and sends it where it is asked;
    /// OpenSSL's client only.
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

/// What a client sees.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// 200.
    Answered,
    /// 404: TLS works, no route for the request.
    NotFound,
    Reset,
    /// Nothing listens.
    Refused,
    /// An alert, which leaves no line in the access log.
    Alert,
}

/// Lines that are written to a pod's stdout instead of being caused by a client: for addresses this machine
/// cannot send from, and for sizes that clients would take too long for.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorded {
    /// Which pod; without, each.
    #[serde(default)]
    pub pod: Option<usize>,
    /// Addresses of the clients, in turn.
    #[serde(default)]
    pub clients: Vec<String>,
    #[serde(default)]
    pub server_name: Option<String>,
    /// So many resets with no matching filter chain, ten seconds apart, the last one now.
    #[serde(default)]
    pub resets: u64,
    /// Requests that were answered are mixed in until so many bytes are there.
    #[serde(default)]
    pub megabytes: u64,
    /// Printed as it is.
    #[serde(default)]
    pub text: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    pub exit: i32,
    /// Without: there is no report.
    #[serde(default)]
    pub verdict: Option<String>,
    /// The codes of all checks that found something.
    #[serde(default)]
    pub found: Vec<String>,
    /// The codes of all checks that could not tell; `AT2*` stands for at least one that begins so, and any
    /// others.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Where the moment decides, those that may be unknown too.
    #[serde(default)]
    pub perhaps_unknown: Vec<String>,
    /// Parts of the reasons that the report gives for what it could not tell, or had no cause to.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Parts of what is printed on stderr.
    #[serde(default)]
    pub stderr: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterRemedy {
    /// What clients see then.
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

    /// It cannot run on somebody else's cluster: it would break that, or has to reach pods by their
    /// addresses.
    pub fn needs_own_cluster(&self) -> bool {
        self.is_exclusive() || self.load_balancer.is_some()
    }
}

/// All scenarios of the folder, by name.
pub fn all() -> Result<Vec<Scenario>> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files.iter().map(|file| Scenario::read(file)).collect()
}

/// Where the scenario files are.
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
