//! One Envoy with a listener for each set-up of an ingress, right or wrong.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::process::{Running, free_port};
use crate::certificates::{Certificates, HOST};
use crate::shell::Result;

const TLS_CONTEXT: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
const TLS_INSPECTOR: &str = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const PROXY_PROTOCOL: &str = "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
const HTTP_MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

const LEGACY: [&str; 9] = [
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
];

/// Starts Envoy, and returns the ports by the name of the set-up.
pub fn start(
    program: &Path,
    folder: &Path,
    certificates: &Certificates,
) -> Result<(Running, Vec<(&'static str, u16)>)> {
    let chain = |certificate: &str| chain(certificates, certificate, &json!([HOST]), &json!({}), None);
    let limited = |certificate: &str, limits: &Value| chain_with(certificates, certificate, limits);
    let v12 = json!({ "tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_2",
        "cipher_suites": ["ECDHE-RSA-AES256-GCM-SHA384"] });
    let v13 = json!({ "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3" });
    let v10 = json!({ "tls_minimum_protocol_version": "TLSv1_0", "tls_maximum_protocol_version": "TLSv1_3",
        "cipher_suites": LEGACY });
    let mutual = self::chain(certificates, "api", &json!([HOST]), &json!({}), Some("root.pem"));
    let everybody = self::chain(certificates, "wildcard", &json!([]), &json!({}), None);
    let other_host = self::chain(certificates, "wildcard", &json!(["other.example.org"]), &json!({}), None);
    let setups: [(&'static str, Vec<Value>); 15] = [
        ("envoy", vec![chain("api")]),
        ("envoy-wildcard", vec![chain("api"), everybody]),
        ("envoy-tls12", vec![limited("rsa", &v12)]),
        ("envoy-tls13", vec![limited("api", &v13)]),
        ("envoy-tls10", vec![limited("rsa", &v10)]),
        ("envoy-mutual", vec![mutual]),
        ("envoy-no-intermediate", vec![chain("no-intermediate")]),
        ("envoy-misordered", vec![chain("misordered")]),
        ("envoy-with-root", vec![chain("with-root")]),
        ("envoy-expired", vec![chain("expired")]),
        ("envoy-expiring", vec![chain("expiring")]),
        ("envoy-not-yet", vec![chain("not-yet")]),
        ("envoy-other-host", vec![other_host]),
        ("envoy-self-signed", vec![chain("self-signed")]),
        ("envoy-proxy-protocol", vec![chain("api")]),
    ];
    let mut listeners = Vec::new();
    let mut ports = Vec::new();
    for (name, chains) in setups {
        let port = free_port()?;
        let mut filters = vec![json!({ "name": "tls", "typed_config": { "@type": TLS_INSPECTOR } })];
        if name == "envoy-proxy-protocol" {
            filters.insert(0, json!({ "name": "proxy", "typed_config": { "@type": PROXY_PROTOCOL } }));
        }
        listeners.push(json!({
            "name": name,
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
            "listener_filters": filters,
            "filter_chains": chains,
        }));
        ports.push((name, port));
    }
    // Measurements count connections there.
    let admin = free_port()?;
    ports.push(("envoy-admin", admin));
    let file = folder.join("envoy.json");
    let config = json!({
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": admin } } },
        "static_resources": { "listeners": listeners },
    });
    fs::write(&file, config.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&file).args([
        "--use-dynamic-base-id",
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "-l",
        "error",
    ]);
    let running = Running::new("envoy", &mut command, ports[0].1)?;
    Ok((running, ports))
}

fn chain_with(certificates: &Certificates, certificate: &str, limits: &Value) -> Value {
    chain(certificates, certificate, &json!([HOST]), limits, None)
}

fn chain(
    certificates: &Certificates,
    certificate: &str,
    names: &Value,
    limits: &Value,
    client_authority: Option<&str>,
) -> Value {
    let mut common = json!({
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": limits,
        "tls_certificates": [{
            "certificate_chain": { "filename": certificates.path(&format!("{certificate}.pem")) },
            "private_key": { "filename": certificates.path(&format!("{certificate}.key")) },
        }],
    });
    if let Some(authority) = client_authority {
        common["validation_context"] = json!({ "trusted_ca": { "filename": certificates.path(authority) } });
    }
    let matching =
        if names.as_array().is_some_and(Vec::is_empty) { json!({}) } else { json!({ "server_names": names }) };
    json!({
        "filter_chain_match": matching,
        "transport_socket": { "name": "tls", "typed_config": {
            "@type": TLS_CONTEXT,
            "require_client_certificate": client_authority.is_some(),
            "common_tls_context": common,
        } },
        "filters": [{ "name": "http", "typed_config": {
            "@type": HTTP_MANAGER,
            "stat_prefix": "ingress",
            "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
                { "match": { "prefix": "/" }, "direct_response": { "status": 200 } },
            ] }] },
            "http_filters": [{ "name": "router", "typed_config": { "@type": ROUTER } }],
        } }],
    })
}
