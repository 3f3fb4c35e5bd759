//! Tests lists and single objects, in YAML and JSON, and what is no manifest.

use super::*;
use crate::evidence::HybridQuestion;
use crate::gather::test_certificates::Issuer;
use jiff::Timestamp;

const ROUTE: &str = "apiVersion: apigee.cloud.google.com/v1alpha1\nkind: ApigeeRoute\nmetadata: {name: non-sni, namespace: hybrid}\n\
    spec:\n  hostnames: ['*']\n  enableNonSniClient: true\n";

fn offline() -> Evidence {
    let question = HybridQuestion { namespace: "apigee".into(), offline: true, ..HybridQuestion::default() };
    Evidence::not_gathered(question, Timestamp::UNIX_EPOCH, "--offline")
}

fn added(texts: &[&str]) -> Evidence {
    let mut evidence = offline();
    add(texts.iter().filter_map(|text| manifest("given.yaml", text.as_bytes())).collect(), &mut evidence);
    evidence
}

#[test]
fn a_single_route_is_only_a_part_of_the_routes() {
    let evidence = added(&[ROUTE]);

    let routes = evidence.routes.seen().unwrap();
    assert_eq!((routes.items.len(), routes.partial), (1, true));
    assert!(routes.items[0].is_wildcard());
    assert_eq!(evidence.question.namespace(), "hybrid");
    assert_eq!(evidence.manifests[0].judged, ["ApigeeRoute"]);
}

#[test]
fn an_object_given_twice_counts_once() {
    let evidence = added(&[ROUTE, ROUTE]);

    let routes = evidence.routes.seen().unwrap();
    assert_eq!((routes.items.len(), routes.partial), (1, true));
}

#[test]
fn a_list_is_complete_whatever_single_objects_are_given_too() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apigee.cloud.google.com/v1alpha1\n  kind: ApigeeRoute\n  \
        metadata: {name: non-sni, namespace: hybrid}\n  spec: {hostnames: [as-in-the-cluster.example]}\n";
    let other = ROUTE.replace("name: non-sni", "name: deleted");
    for given in [[list, ROUTE, &other], [ROUTE, &other, list]] {
        let evidence = added(&given);

        let routes = evidence.routes.seen().unwrap();
        assert_eq!((routes.items.len(), routes.partial), (1, false));
        assert_eq!(routes.items[0].hostnames, ["as-in-the-cluster.example"]);
        let why: Vec<&str> = evidence.manifests.iter().filter_map(|file| file.why.as_deref()).collect();
        assert_eq!(why, ["the list of ApigeeRoute objects that was given too does not have it"]);
    }
}

#[test]
fn a_list_holds_all_routes() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apigee.cloud.google.com/v1alpha2\n  kind: ApigeeRoute\n  \
        metadata: {name: b}\n- apiVersion: apigee.cloud.google.com/v1alpha1\n  kind: ApigeeRouteConfig\n  metadata: {name: org-b}\n\
        - apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n";
    let typed = r#"{"apiVersion": "apigee.cloud.google.com/v1alpha1", "kind": "ApigeeRouteList", "items": [{"metadata": {"name": "a"}}]}"#;
    let evidence = added(&[list, typed]);

    let routes = evidence.routes.seen().unwrap();
    let names: Vec<&str> = routes.items.iter().map(|route| route.name.as_str()).collect();
    assert_eq!((names, routes.partial), (vec!["a", "b"], false));
    assert_eq!(evidence.route_configs.seen().unwrap().items[0].name, "org-b");
    assert_eq!(evidence.manifests[0].judged, ["ApigeeRoute", "ApigeeRouteConfig"]);
    assert_eq!(evidence.manifests[0].not_judged, ["Pod"]);
}

#[test]
fn a_secret_is_read_in_both_notations() {
    let root = Issuer::root("root");
    let (leaf, key) = root.leaf("api.example.com", 20_000, 20_090);
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    let (leaf, key) = (text(leaf.to_pem().unwrap()), text(key.private_key_to_pem_pkcs8().unwrap()));
    let object = |field: &str, encode: fn(&str) -> String| {
        serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "org-grp"},
            field: {"cert": encode(&leaf), "key": encode(&key)}})
        .to_string()
    };
    for secret in [object("data", |text| encode_block(text.as_bytes())), object("stringData", str::to_owned)] {
        let evidence = added(&[&secret]);
        let stored = &evidence.stored_certificates.seen().unwrap()[0];
        assert_eq!(stored.content.seen().unwrap().key, crate::evidence::stored::KeyFit::Fits);
        let body = key.lines().nth(1).unwrap();
        assert!(!serde_json::to_string(&evidence).unwrap().contains(body));
    }
}

#[test]
fn objects_of_the_cluster_are_not_replaced() {
    let mut evidence = offline();
    evidence.routes = Seen::Seen(Routes::default());
    add(vec![manifest("given.yaml", ROUTE.replace(", namespace: hybrid", "").as_bytes()).unwrap()], &mut evidence);
    assert!(evidence.routes.seen().unwrap().items.is_empty());
    assert_eq!(evidence.manifests[0].why.as_deref(), Some("the cluster's own objects were read"));
}

#[test]
fn objects_behind_each_other_and_in_arrays_are_parts_of_a_list() {
    let object = |name: &str| {
        let version = "apigee.cloud.google.com/v1alpha1";
        serde_json::json!({"apiVersion": version, "kind": "ApigeeRoute", "metadata": {"name": name}})
    };
    let (a, b) = (object("a"), object("b"));
    let item = |name: &str| {
        format!("- apiVersion: apigee.cloud.google.com/v1alpha1\n  kind: ApigeeRoute\n  metadata: {{name: {name}}}\n")
    };
    for text in [
        format!("{a}\n{b}\n"),
        format!("{a:#}\n{b:#}"),
        format!("[{a}, {b}]"),
        format!("---\n{a}\n---\n{b}\n"),
        format!("# jq\n{}{}", item("a"), item("b")),
    ] {
        let evidence = added(&[&text]);
        let routes = evidence.routes.seen().unwrap();
        let names: Vec<&str> = routes.items.iter().map(|route| route.name.as_str()).collect();
        assert_eq!((names, routes.partial), (vec!["a", "b"], true), "{text}");
    }
    let cut = format!("{a}\n{}", &b.to_string()[..40]);
    assert!(manifest("x", cut.as_bytes()).unwrap().objects.is_err());
}

#[test]
fn tables_and_descriptions_are_recognised_and_overrides_are_no_manifest() {
    for text in ["NAME      STATE\nnon-sni   running\n", "Name:  non-sni\nAPI Version:  v1\nKind:  ApigeeRoute\n"] {
        assert!(manifest("x", text.as_bytes()).unwrap().objects.is_err(), "{text}");
    }
    for text in ["org: a\nvirtualhosts: []\n", "", "{", "{\"org\": \"a\"}", "kind: x\n", "[1]", "- a: b\n"] {
        assert!(manifest("x", text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn the_mesh_settings_are_taken_from_their_config_map() {
    let config_map = |name: &str, mesh: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n  mesh: '{mesh}'\n")
    };
    let format = r#"{accessLogFile: /dev/stdout, accessLogFormat: "%REQUESTED_SERVER_NAME%"}"#;
    let evidence = added(&[&config_map("apigee-istio-mesh-config", format)]);
    let mesh = evidence.mesh_logging.seen().unwrap();
    assert_eq!(mesh.format.as_deref(), Some("%REQUESTED_SERVER_NAME%"));
    assert_eq!(evidence.manifests[0].judged, ["ConfigMap"]);
    for (name, mesh) in [("other", format), ("apigee-istio-mesh-config", "no mapping")] {
        let evidence = added(&[&config_map(name, mesh)]);
        assert!(evidence.mesh_logging.seen().is_err() && evidence.manifests[0].why.is_some(), "{name}");
    }
}
