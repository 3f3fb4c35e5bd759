//! The objects of an Apigee hybrid installation that the ingress needs, built from a scenario.
//!
//! Names, labels and owners follow real installations: an ApigeeRouteConfig `<org>-<group>` per env group
//! owns an ApigeeRoute `<org>-<group>-000-<7 hex digits>`; pods and their Service are named after ingress and
//! organisation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use openssl::sha::sha256;
use serde_json::{Map, Value, json};

use crate::envoy;
use crate::pki::{Subject, TestCas};
use crate::scenario::{Certificate, ClientAuthority, EnvGroup, Scenario, WildcardRoute, merge};
use crate::shell::Result;

pub const GROUP: &str = "apigee.cloud.google.com";
pub const MESH_CONFIG: &str = "apigee-istio-mesh-config";

/// Name of the gateway container.
pub const GATEWAY: &str = "apigee-ingressgateway";

/// The images of the pods, and whether they may be pulled from a registry.
#[derive(Clone)]
pub struct Images {
    pub ingress: String,
    pub small: String,
    pub pull_policy: String,
}

/// Returns all objects of a scenario except pods, in the order of creation.
pub fn installation(scenario: &Scenario, cas: &TestCas) -> Result<Vec<Value>> {
    let mut objects = vec![mesh_config(scenario), service(scenario)];
    for group in &scenario.env_groups {
        objects.extend(env_group(scenario, group));
        objects.extend(secrets(scenario, group, cas)?);
    }
    if scenario.bulk_routes > 0 {
        objects.extend(bulk_routes(scenario));
    }
    let credential = scenario.env_groups.first().map(|group| format!("{}-{}", scenario.org, group.name));
    for route in &scenario.wildcard_routes {
        objects.push(wildcard_route(scenario, route, credential.as_deref().unwrap_or("none")));
    }
    objects.extend(scenario.objects.iter().cloned());
    let mut unused: Vec<&String> = scenario.patches.keys().chain(scenario.later.keys()).collect();
    objects.retain_mut(|object| {
        unused.retain(|key| !is_meant(key, object));
        match patch_for(&scenario.patches, object) {
            Some(Value::Null) => return false,
            Some(patch) => merge(object, patch),
            None => {}
        }
        true
    });
    if !unused.is_empty() {
        return Err(format!("{}: patches for objects that there are not: {unused:?}", scenario.name));
    }
    Ok(objects)
}

/// Returns the changes made once the pods run: objects of the installation, each with its merge patch.
pub fn later(scenario: &Scenario, installed: &[Value], cas: &TestCas) -> Result<Vec<(Value, Value)>> {
    let patched = |object: &Value| patch_for(&scenario.later, object).map(|patch| (object.clone(), patch.clone()));
    let mut changes: Vec<(Value, Value)> = installed.iter().filter_map(patched).collect();
    for group in scenario.env_groups.iter().filter(|group| group.renewed) {
        let sound = EnvGroup { certificate: Certificate::default(), ..group.clone() };
        for secret in secrets(scenario, &sound, cas)? {
            let data = json!({ "stringData": secret["stringData"] });
            changes.push((secret, data));
        }
    }
    Ok(changes)
}

/// Returns the patch for an object, by its key `Kind/name` or `Kind`.
fn patch_for<'a>(patches: &'a BTreeMap<String, Value>, object: &Value) -> Option<&'a Value> {
    // The longer key is more specific, and sorts later.
    patches.iter().rev().find(|(key, _)| is_meant(key, object)).map(|(_, patch)| patch)
}

fn is_meant(key: &str, object: &Value) -> bool {
    let kind = text(&object["kind"]);
    key == kind || key == format!("{kind}/{}", text(&object["metadata"]["name"]))
}

/// Returns the ingress pods in the order of the scenario; those that do not run come last.
pub fn pods(scenario: &Scenario, images: &Images) -> Vec<Value> {
    (0..scenario.ingress.pods + scenario.ingress.pods_not_running)
        .map(|index| {
            let image =
                if index < scenario.ingress.pods { images.ingress.as_str() } else { "apigee-tls.test/no-such-image:1" };
            pod(scenario, images, index, image)
        })
        .collect()
}

/// Returns the labels by which routes and Services select the ingress pods.
pub fn pod_labels(scenario: &Scenario) -> Value {
    json!({ "app": GATEWAY, "ingress_name": scenario.ingress.name, "org": scenario.org })
}

/// Returns the path of the collection of an object.
pub fn collection(object: &Value, namespace: &str) -> Result<String> {
    let version = text(&object["apiVersion"]);
    let (plural, namespaced) = match text(&object["kind"]) {
        "ApigeeDeployment" => ("apigeedeployments", true),
        "ApigeeEnvironment" => ("apigeeenvironments", true),
        "ApigeeIssue" => ("apigeeissues", true),
        "ApigeeOrganization" => ("apigeeorganizations", true),
        "ApigeeRoute" => ("apigeeroutes", true),
        "ApigeeRouteConfig" => ("apigeerouteconfigs", true),
        "Certificate" => ("certificates", true),
        "ClusterRole" => ("clusterroles", false),
        "ClusterRoleBinding" => ("clusterrolebindings", false),
        "ConfigMap" => ("configmaps", true),
        "CustomResourceDefinition" => ("customresourcedefinitions", false),
        "MutatingWebhookConfiguration" => ("mutatingwebhookconfigurations", false),
        "Namespace" => ("namespaces", false),
        "Pod" => ("pods", true),
        "Role" => ("roles", true),
        "RoleBinding" => ("rolebindings", true),
        "Secret" => ("secrets", true),
        "Service" => ("services", true),
        "ServiceAccount" => ("serviceaccounts", true),
        "ValidatingWebhookConfiguration" => ("validatingwebhookconfigurations", false),
        other => return Err(format!("objects of kind {other:?} are not known to the testbed")),
    };
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    Ok(if namespaced { format!("{root}/namespaces/{namespace}/{plural}") } else { format!("{root}/{plural}") })
}

/// Returns a string value; empty for anything else.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn mesh_config(scenario: &Scenario) -> Value {
    let format = access_log_format();
    let mut mesh = json!({
        "accessLogEncoding": 1,
        "accessLogFile": "/dev/stdout",
        "accessLogFormat": format,
        "defaultConfig": { "proxyAdminPort": 15000 },
        "ingressControllerMode": "OFF",
    });
    merge(&mut mesh, &scenario.mesh);
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": MESH_CONFIG },
        // JSON is valid YAML; the API server stores it as a string.
        "data": { "mesh": serde_yaml::to_string(&mesh).unwrap_or_default() },
    })
}

/// Returns Apigee's access-log format: field and Envoy operator.
fn access_log_format() -> String {
    let fields = [
        ("apigee_dynamic_data", "%DYNAMIC_METADATA(envoy.lua)%"),
        ("bytes_received", "%BYTES_RECEIVED%"),
        ("bytes_sent", "%BYTES_SENT%"),
        ("host", "%REQ(:AUTHORITY)%"),
        ("remote_address", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
        ("request", "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"),
        ("request_id", "%REQ(X-REQUEST-ID)%"),
        ("request_method", "%REQ(:METHOD)%"),
        ("request_path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
        ("request_protocol", "%PROTOCOL%"),
        ("request_time", "%DURATION%"),
        ("sni_host", "%REQUESTED_SERVER_NAME%"),
        ("start_time", "%START_TIME%"),
        ("status", "%RESPONSE_CODE%"),
        ("status_details", "%RESPONSE_CODE_DETAILS%"),
        ("tls_protocol", "%DOWNSTREAM_TLS_VERSION%"),
        ("upstream_address", "%UPSTREAM_HOST%"),
        ("upstream_cluster", "%UPSTREAM_CLUSTER%"),
        ("upstream_response_flags", "%RESPONSE_FLAGS%"),
        ("upstream_response_time", "%RESPONSE_DURATION%"),
        ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
        ("user_agent", "%REQ(USER-AGENT)%"),
        ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
    ];
    let map: Map<String, Value> = fields.iter().map(|(name, operator)| ((*name).to_owned(), json!(operator))).collect();
    Value::Object(map).to_string()
}

fn service(scenario: &Scenario) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": base_name(scenario), "labels": pod_labels(scenario) },
        "spec": {
            "type": "LoadBalancer",
            "selector": pod_labels(scenario),
            "ports": [
                { "name": "status-port", "port": 15021, "targetPort": 15021, "protocol": "TCP" },
                { "name": "https", "port": 443, "targetPort": 8443, "protocol": "TCP" },
            ],
        },
    })
}

fn env_group(scenario: &Scenario, group: &EnvGroup) -> Vec<Value> {
    let name = format!("{}-{}", scenario.org, group.name);
    let selector = json!({ "app": GATEWAY, "ingress_name": scenario.ingress.name });
    let mut config = json!({
        "apiVersion": format!("{GROUP}/v1alpha1"),
        "kind": "ApigeeRouteConfig",
        "metadata": { "name": name, "labels": { "envGroupId": group.name, "org": scenario.org } },
        "spec": {
            "additionalGateways": group.additional_gateways,
            "enableNonSniClient": false,
            "selector": selector,
            "tls": { "mode": "SIMPLE", "secretNameRef": name, "minProtocolVersion": "TLSV1_2" },
        },
        "status": running(),
    });
    merge(&mut config, &group.route_config);
    let mut route = json!({
        "apiVersion": format!("{GROUP}/{}", scenario.route_version),
        "kind": "ApigeeRoute",
        "metadata": {
            "name": format!("{name}-000-{}", short_hash(&name)),
            "labels": { "envGroupId": group.name, "org": scenario.org },
            // The owner's uid is filled in once the owner exists.
            "ownerReferences": [{
                "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "ApigeeRouteConfig", "name": name, "controller": true,
            }],
        },
        "spec": {
            "additionalGateways": group.additional_gateways,
            "hostnames": group.hostnames,
            "ports": [https_port(&name)],
            "rules": rules(&scenario.route_version),
            "selector": selector,
        },
        "status": running(),
    });
    merge(&mut route, &group.route);
    vec![config, route]
}

/// Returns the TLS Secret of an env group, and that of its client CA if it is stored separately.
fn secrets(scenario: &Scenario, group: &EnvGroup, cas: &TestCas) -> Result<Vec<Value>> {
    if !group.secret {
        return Ok(Vec::new());
    }
    let Certificate { from, until, intermediate, chain, key_of_another, ref also_for } = group.certificate;
    let mut names: Vec<&str> = group.hostnames.iter().chain(also_for).map(String::as_str).collect();
    if scenario.bulk_routes > 0 {
        names.push("*.mydomain.com");
    }
    let common_name = names.first().copied().unwrap_or("no-hostname.mydomain.com");
    let subject = Subject { common_name, names: &names, days: Some((from, until)), ..Subject::default() };
    let issuer = if intermediate { &cas.intermediate } else { &cas.ingress };
    let pair = issuer.issue(&subject)?;
    let above = if chain { issuer.certificate()? } else { String::new() };
    let key = if key_of_another { issuer.issue(&subject)?.key } else { pair.key };
    let mut data = json!({ "cert": format!("{}{above}", pair.certificate), "key": key });
    let name = format!("{}-{}", scenario.org, group.name);
    let secret = |name: &str, data: &Value| {
        let metadata = json!({ "name": name });
        json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "stringData": data })
    };
    let client = json!({ "cacert": cas.client.certificate()? });
    match group.client_authority {
        Some(ClientAuthority::SameSecret) => merge(&mut data, &client),
        Some(ClientAuthority::OwnSecret) => {
            return Ok(vec![secret(&name, &data), secret(&format!("{name}-cacert"), &client)]);
        }
        None => {}
    }
    Ok(vec![secret(&name, &data)])
}

fn bulk_routes(scenario: &Scenario) -> Vec<Value> {
    let selector = json!({ "app": GATEWAY, "ingress_name": scenario.ingress.name });
    let Some(group) = scenario.env_groups.first() else { return Vec::new() };
    let owner = format!("{}-{}", scenario.org, group.name);
    (0..scenario.bulk_routes)
        .map(|index| {
            json!({
                "apiVersion": format!("{GROUP}/{}", scenario.route_version),
                "kind": "ApigeeRoute",
                "metadata": {
                    "name": format!("{owner}-{:03}-{}", index + 1, short_hash(&format!("{owner}{index}"))),
                    "labels": { "envGroupId": group.name, "org": scenario.org },
                    "ownerReferences": [{
                        "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "ApigeeRouteConfig", "name": owner, "controller": true,
                    }],
                },
                "spec": {
                    "additionalGateways": group.additional_gateways,
                    "hostnames": [format!("api-{index}.mydomain.com")],
                    "ports": [https_port(&owner)],
                    "rules": rules(&scenario.route_version),
                    "selector": selector,
                },
                "status": running(),
            })
        })
        .collect()
}

fn wildcard_route(scenario: &Scenario, route: &WildcardRoute, credential: &str) -> Value {
    let mut object = json!({
        "apiVersion": format!("{GROUP}/{}", scenario.route_version),
        "kind": "ApigeeRoute",
        "metadata": { "name": route.name },
        "spec": {
            "enableNonSniClient": true,
            "hostnames": ["*"],
            "ports": [https_port(credential)],
            "selector": { "app": GATEWAY },
        },
        "status": running(),
    });
    merge(&mut object, &route.patch);
    object
}

fn https_port(credential: &str) -> Value {
    json!({ "number": 443, "protocol": "HTTPS", "tls": { "mode": "SIMPLE", "credentialName": credential } })
}

fn rules(version: &str) -> Value {
    let matches = if version == "v1alpha1" { "match" } else { "matches" };
    json!({ "http": [{ matches: [{ "uri": { "prefix": "/hello" } }], "destination": { "name": "apigee-runtime", "port": 8443 } }] })
}

fn running() -> Value {
    json!({ "state": "running", "lastAppliedGeneration": 1 })
}

fn pod(scenario: &Scenario, images: &Images, index: usize, image: &str) -> Value {
    let name = format!("{}-{}", base_name(scenario), pod_suffix(index));
    let admin_port = scenario.ingress.admin_port;
    let gateway = if scenario.ingress.envoy { envoy::command(admin_port) } else { json!(["sleep", "2147483647"]) };
    let mut pod = gateway_pod(&name, &pod_labels(scenario), images, &gateway);
    pod["spec"]["containers"][0]["image"] = json!(image);
    pod["spec"]["containers"][0]["ports"] = json!([{ "containerPort": 8443 }, { "containerPort": 15021 }]);
    pod
}

/// Returns a pod whose main container runs a command in the image with Envoy.
pub fn gateway_pod(name: &str, labels: &Value, images: &Images, command: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "automountServiceAccountToken": false,
            "dnsPolicy": "Default",
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": GATEWAY, "image": images.ingress, "imagePullPolicy": images.pull_policy, "command": command,
                    "volumeMounts": [{ "name": "configuration", "mountPath": envoy::FOLDER }],
                },
                {
                    "name": "apigee-ingressgateway-sidecar", "image": images.small, "imagePullPolicy": images.pull_policy,
                    "command": ["sh", "-c", "echo 'starting'; echo 'level=info msg=\"ready\"'; exec sleep 2147483647"],
                },
            ],
            "volumes": [{ "name": "configuration", "emptyDir": {} }],
        },
    })
}

/// Returns the name of the Service, which is also the prefix of pod names.
pub fn base_name(scenario: &Scenario) -> String {
    let org: String = scenario.org.chars().take(15).collect();
    format!(
        "{GATEWAY}-{}-{org}-{}",
        scenario.ingress.name,
        short_hash(&format!("{}{}", scenario.ingress.name, scenario.org))
    )
}

/// Returns five characters, as a `ReplicaSet` appends them.
fn pod_suffix(index: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    sha256(format!("pod {index}").as_bytes())
        .iter()
        .take(5)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}

/// Returns seven hexadecimal digits that depend only on the text.
fn short_hash(of: &str) -> String {
    hex(&sha256(of.as_bytes())[..4]).chars().take(7).collect()
}
