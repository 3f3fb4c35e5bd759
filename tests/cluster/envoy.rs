//! The configuration of an ingress pod's Envoy, derived from the API server as Apigee's manager and Istio do
//! it.
//!
//! Each HTTPS port of an ApigeeRoute becomes a filter chain whose `server_names` are the route's hostnames.
//! If `*` is among the hosts (`enableNonSniClient` adds it), the chain has no `server_names` and accepts
//! every client. Requests on a chain reach the virtual hosts of the routes that own it or list it in
//! `additionalGateways`; others get 404 `route_not_found`. A route whose selector does not match the pod, or
//! whose Secret is missing or unusable, gives no chain.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::objects::text;
use crate::pki::{self, Pair};
use crate::scenario::merge;

/// A volume of the pod: configurations pushed here survive a restart of the container.
pub const FOLDER: &str = "/etc/envoy";

const HTTP_MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const TLS_CONTEXT: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
const TLS_INSPECTOR: &str = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const TCP_PROXY: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const FILE_LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

/// The objects of the API server at one moment.
pub struct World {
    pub mesh: Value,
    pub routes: Vec<Value>,
    pub secrets: Vec<Value>,
}

/// Returns the start command of a pod's main container: without listeners, waiting for a configuration.
pub fn command(admin_port: u16) -> Value {
    let bootstrap = json!({
        "node": { "id": "ingress", "cluster": "ingress" },
        "admin": { "address": address("127.0.0.1", admin_port) },
        "dynamic_resources": {
            "lds_config": { "resource_api_version": "V3", "path_config_source": { "path": format!("{FOLDER}/listeners.json") } },
        },
        "static_resources": {
            "clusters": [{
                "name": "apigee-runtime", "type": "STATIC", "connect_timeout": "1s",
                "load_assignment": { "cluster_name": "apigee-runtime", "endpoints": [{ "lb_endpoints": [
                    { "endpoint": { "address": address("127.0.0.1", 18080) } },
                ] }] },
            }],
            "listeners": [
                answering("runtime", "127.0.0.1", 18080, "{\"hello\":\"world\"}\n"),
                answering("status", "0.0.0.0", 15021, ""),
            ],
        },
    });
    start(&bootstrap)
}

/// Returns a load balancer in front of pods at these addresses: connections to port 443 are forwarded in
/// turn.
pub fn balancer(pods: &[&str]) -> Value {
    let endpoints: Vec<Value> =
        pods.iter().map(|pod| json!({ "endpoint": { "address": address(pod, 8443) } })).collect();
    let proxy = json!({
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": { "@type": TCP_PROXY, "stat_prefix": "pods", "cluster": "pods" },
    });
    start(&json!({ "static_resources": {
        "clusters": [{
            "name": "pods", "type": "STATIC", "connect_timeout": "1s",
            "load_assignment": { "cluster_name": "pods", "endpoints": [{ "lb_endpoints": endpoints }] },
        }],
        "listeners": [{ "name": "https", "address": address("0.0.0.0", 443), "filter_chains": [{ "filters": [proxy] }] }],
    } }))
}

/// Returns a load balancer that terminates TLS itself, for every name.
pub fn terminator(pair: &Pair) -> Value {
    let mut listener = answering("https", "0.0.0.0", 443, "{\"hello\":\"elsewhere\"}\n");
    let certificate = json!({
        "certificate_chain": { "inline_string": pair.certificate }, "private_key": { "inline_string": pair.key },
    });
    listener["filter_chains"][0]["transport_socket"] =
        tls_socket(&json!({ "tls_certificates": [certificate] }), &json!({}));
    start(&json!({ "static_resources": { "listeners": [listener] } }))
}

fn start(bootstrap: &Value) -> Value {
    // Istio uses the same interval; by default, lines would be flushed after ten seconds.
    let script = format!(
        "cd {FOLDER} && [ -f listeners.json ] || echo '{{\"resources\":[]}}' > listeners.json\n\
         exec envoy --concurrency 1 --file-flush-interval-msec 1000 --log-level warning --config-yaml \"$0\""
    );
    json!(["sh", "-c", script, bootstrap.to_string()])
}

/// Returns the command that reads a configuration from stdin and waits until Envoy uses it: until it shows
/// the version, or no ingress listener if there is to be none.
pub fn push_script(version: Option<&str>, admin_port: u16) -> String {
    let works = version.map_or_else(|| "! grep -q 0.0.0.0_8443".to_owned(), |version| format!("grep -q '{version}'"));
    format!(
        "cd {FOLDER} && cat > next.json && mv next.json listeners.json\n\
         dump() {{ busybox wget -qO /tmp/dump http://127.0.0.1:{admin_port}/config_dump; }}\n\
         for attempt in $(seq 100); do dump && {works} /tmp/dump && exit 0; busybox usleep 100000; done\n\
         grep -A3 error_state /tmp/dump; exit 1"
    )
}

/// Returns the listeners of a pod with these labels.
pub fn listeners(world: &World, labels: &Value) -> Value {
    let mut routes: Vec<&Value> = world.routes.iter().collect();
    // If two routes claim the same names, the older one wins, as in Istio.
    routes.sort_by_key(|route| (text(&route["metadata"]["creationTimestamp"]), text(&route["metadata"]["name"])));
    let mut chains = Vec::new();
    let mut taken = BTreeSet::new();
    for route in &routes {
        chains.extend(filter_chain(world, &routes, route, labels, &mut taken));
    }
    let listener = json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": "0.0.0.0_8443",
        "address": address("0.0.0.0", 8443),
        "listener_filters": [{ "name": "envoy.filters.listener.tls_inspector", "typed_config": { "@type": TLS_INSPECTOR } }],
        "listener_filters_timeout": "0s",
        "continue_on_listener_filters_timeout": true,
        // At the listener, Istio logs only connections without a route or filter chain.
        "access_log": access_log(&world.mesh, Some(json!({ "response_flag_filter": { "flags": ["NR"] } }))),
        "filter_chains": chains,
    });
    let resources = if chains_of(&listener) == 0 { json!([]) } else { json!([listener]) };
    json!({ "resources": resources })
}

fn chains_of(listener: &Value) -> usize {
    listener["filter_chains"].as_array().map_or(0, Vec::len)
}

fn filter_chain(
    world: &World,
    routes: &[&Value],
    route: &Value,
    labels: &Value,
    taken: &mut BTreeSet<String>,
) -> Option<Value> {
    let spec = &route["spec"];
    let selected = spec["selector"].as_object()?.iter().all(|(name, value)| labels[name] == *value);
    if !selected {
        return None;
    }
    let port = list(&spec["ports"]).iter().find(|port| port["protocol"] == "HTTPS" && port["number"] == 443)?;
    let (common, further) = tls(world, &port["tls"])?;

    let mut hosts: Vec<&str> = list(&spec["hostnames"]).iter().map(text).filter(|host| *host != "*").collect();
    let takes_all = spec["enableNonSniClient"] == true;
    if takes_all {
        hosts = vec!["*"];
    }
    hosts.retain(|host| taken.insert((*host).to_owned()));
    if hosts.is_empty() {
        return None;
    }
    let name = text(&route["metadata"]["name"]);
    let matching = if takes_all { json!({}) } else { json!({ "server_names": hosts }) };
    Some(json!({
        "name": name,
        "filter_chain_match": matching,
        "transport_socket": tls_socket(&common, &further),
        "filters": [http_manager(name, &virtual_hosts(routes, name), &access_log(&world.mesh, None))],
    }))
}

/// Returns the common part of Envoy's TLS context for `ports[].tls` of a route, and the rest. Returns `None`
/// if Istio has no pair to push, or no CAs for the requested client certificates.
fn tls(world: &World, tls: &Value) -> Option<(Value, Value)> {
    let credential = text(&tls["credentialName"]);
    let secret = |name: &str| world.secrets.iter().find(|secret| text(&secret["metadata"]["name"]) == name);
    let data = &secret(credential)?["data"];
    let (certificate, key) = (data.get("cert").or(data.get("tls.crt"))?, data.get("key").or(data.get("tls.key"))?);
    let decoded = |value: &Value| openssl::base64::decode_block(text(value)).ok();
    if !pki::is_pair(&decoded(certificate)?, &decoded(key)?) {
        return None;
    }
    let mut common = json!({ "tls_certificates": [{
        "certificate_chain": { "inline_bytes": certificate }, "private_key": { "inline_bytes": key },
    }] });
    let parameters = &mut common["tls_params"];
    for (ours, envoys) in
        [("minProtocolVersion", "tls_minimum_protocol_version"), ("maxProtocolVersion", "tls_maximum_protocol_version")]
    {
        if !tls[ours].is_null() {
            // Envoy spells TLSV1_2 as TLSv1_2.
            parameters[envoys] = json!(text(&tls[ours]).replace("TLSV", "TLSv"));
        }
    }
    if !tls["cipherSuites"].is_null() {
        parameters["cipher_suites"] = tls["cipherSuites"].clone();
    }
    if tls["mode"] != "MUTUAL" {
        return Some((common, json!({})));
    }
    let authorities = |data: &Value| data.get("cacert").or(data.get("ca.crt")).cloned();
    let own = || authorities(&secret(&format!("{credential}-cacert"))?["data"]);
    let trusted = authorities(data).or_else(own)?;
    common["validation_context"] = json!({ "trusted_ca": { "inline_bytes": trusted } });
    Some((common, json!({ "require_client_certificate": true })))
}

fn tls_socket(common: &Value, further: &Value) -> Value {
    let mut context = json!({ "@type": TLS_CONTEXT, "common_tls_context": { "alpn_protocols": ["h2", "http/1.1"] } });
    merge(&mut context["common_tls_context"], common);
    merge(&mut context, further);
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": context })
}

/// Returns the virtual hosts bound to a gateway. The wildcard route has no rules, so it adds none.
fn virtual_hosts(routes: &[&Value], gateway: &str) -> Value {
    let mut bound = Vec::new();
    let mut taken = BTreeSet::new();
    for route in routes {
        let name = text(&route["metadata"]["name"]);
        let listed = list(&route["spec"]["additionalGateways"]).iter().any(|listed| listed == gateway);
        if (name != gateway && !listed) || list(&route["spec"]["rules"]["http"]).is_empty() {
            continue;
        }
        let domains: Vec<String> = list(&route["spec"]["hostnames"])
            .iter()
            .flat_map(|host| [text(host).to_owned(), format!("{}:*", text(host))])
            .filter(|domain| taken.insert(domain.clone()))
            .collect();
        if !domains.is_empty() {
            bound.push(json!({
                "name": name, "domains": domains,
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "apigee-runtime" } }],
            }));
        }
    }
    Value::Array(bound)
}

/// Returns Envoy's access-log configuration for the mesh configuration.
fn access_log(mesh: &Value, filter: Option<Value>) -> Value {
    // Without a configured format, Istio's default applies.
    const TEXT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% \
        %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" \
        %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \
        \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER% \
        %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";
    let file = text(&mesh["accessLogFile"]);
    if file.is_empty() {
        return json!([]);
    }
    let format = text(&mesh["accessLogFormat"]);
    let as_json = mesh["accessLogEncoding"] == 1 || mesh["accessLogEncoding"] == "JSON";
    let log_format = if as_json {
        json!({ "json_format": serde_json::from_str::<Value>(format).unwrap_or_default() })
    } else {
        let line = if format.is_empty() { TEXT } else { format };
        json!({ "text_format_source": { "inline_string": line } })
    };
    let mut log = json!({
        "name": "envoy.access_loggers.file",
        "typed_config": { "@type": FILE_LOG, "path": file, "log_format": log_format },
    });
    if let Some(filter) = filter {
        log["filter"] = filter;
    }
    json!([log])
}

fn http_manager(name: &str, virtual_hosts: &Value, access_log: &Value) -> Value {
    json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": HTTP_MANAGER,
            "stat_prefix": name,
            "route_config": { "name": name, "virtual_hosts": virtual_hosts },
            "http_filters": [{ "name": "envoy.filters.http.router", "typed_config": { "@type": ROUTER } }],
            "access_log": access_log,
        },
    })
}

/// Returns a listener that answers every request itself.
fn answering(name: &str, host: &str, port: u16, body: &str) -> Value {
    let hosts = json!([{
        "name": "all", "domains": ["*"],
        "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200, "body": { "inline_string": body } } }],
    }]);
    json!({
        "name": name, "address": address(host, port),
        "filter_chains": [{ "filters": [http_manager(name, &hosts, &json!([]))] }],
    })
}

fn address(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
