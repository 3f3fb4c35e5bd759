//! Kubernetes objects.

use serde_json::json;

use super::*;
use crate::evidence::hybrid::IngressPod;
use crate::evidence::{HybridQuestion, Seen};

fn redacted(mut object: Value) -> Value {
    Redactor::secrets_only().object(&mut object, &mut Redactions::default()).unwrap();
    object
}

fn secret() -> Value {
    let certificate = certificate_pem();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": "tls",
            "labels": { "app": "x" },
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"a\":\"hunter2\"}}", "note": "b" },
            "managedFields": [{ "manager": "hunter2" }],
        },
        "data": {
            "tls.crt": encoded(certificate.as_bytes()),
            "ca.crt": encoded(format!("{certificate}{}", key_pem()).as_bytes()),
            "cert": encoded(b"-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n"),
            "tls.key": encoded(key_pem().as_bytes()),
            "harmless": encoded(b"hunter2"),
        },
        "stringData": { "x": "hunter2", "y": 7 },
        "surprise": "hunter2",
    })
}

#[test]
fn keeps_only_names_sizes_and_certificates_of_a_secret() {
    let output = redacted(secret());
    let text = output.to_string();
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg") && !text.contains("PRIVATE"), "{text}");
    assert_eq!(output["metadata"], json!({ "name": "tls", "labels": { "app": "x" }, "annotations": { "note": "b" } }));
    assert_eq!(output["type"], "kubernetes.io/tls");
    assert_eq!(output["data"]["tls.crt"], certificate_pem());
    let both = output["data"]["ca.crt"].as_str().unwrap();
    assert!(both.starts_with(&certificate_pem()) && both.ends_with(" bytes>"), "{both}");
    assert_eq!(output["data"]["harmless"], "<redacted: 7 bytes>");
    assert_eq!(output["stringData"]["x"], "<redacted: 7 bytes>");
    assert!(output["data"]["cert"].as_str().unwrap().starts_with("<redacted: "));
    assert_eq!(output.get("surprise"), None);
}

#[test]
fn redacts_secrets_in_lists_with_and_without_their_kind() {
    let mut bare = secret();
    bare.as_object_mut().unwrap().remove("kind");
    for list in [
        json!({ "apiVersion": "v1", "kind": "List", "items": [secret()] }),
        json!({ "apiVersion": "v1", "kind": "SecretList", "metadata": { "resourceVersion": "1" }, "items": [bare] }),
        json!({ "kind": "List", "items": [{ "kind": "List", "items": [secret()] }] }),
        json!({ "kind": "Template", "objects": [secret()] }),
        json!({ "kind": "ConfigMap", "data": { "object": secret().to_string() } }),
        json!({ "kind": "ConfigMap", "metadata": { "annotations": { "original": secret().to_string() } } }),
    ] {
        let output = redacted(list);
        let text = output.to_string();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        assert!(text.contains("redacted: 7 bytes"), "{text}");
    }
}

#[test]
fn withholds_objects_without_a_kind() {
    let mut output =
        json!({ "kind": "List", "items": [{ "data": { "a": "hunter2" } }, { "kind": "Service", "spec": {} }] });
    let mut redactions = Redactions::default();
    let redactor = Redactor::secrets_only();
    redactor.object(&mut output, &mut redactions).unwrap();
    assert_eq!(output["items"], json!([{ "withheld": "it has no kind" }, { "kind": "Service", "spec": {} }]));
    let mut deep = json!({ "password": "hunter2" });
    for _ in 0..200 {
        deep = json!({ "a": deep });
    }
    deep["kind"] = json!("Deep");
    for mut object in [json!({ "data": { "a": "hunter2" } }), json!("hunter2"), json!(["hunter2"]), deep] {
        assert!(redactor.object(&mut object, &mut redactions).is_err());
        assert_eq!(object, Value::Null);
    }
}

#[test]
fn judges_container_variables_by_their_names() {
    let containers = |value: &str| {
        json!([{
            "name": "main",
            "image": "gcr.io/x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "env": [
                { "name": "DB_PASSWORD", "value": value },
                { "name": "APIGEE_AUTH", "value": value },
                { "name": "KEYS", "value": value },
                { "name": "proxy_key", "value": value },
                { "name": "HTTPS_PROXY", "value": format!("http://bob:{value}@proxy:3128") },
                { "name": "JAVA_OPTS", "value": format!("-Dkeystore.password={value} -Xmx1g") },
                { "name": "KEY_PATH", "value": "/opt/keys" },
                { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                { "name": "TOKEN", "valueFrom": { "secretKeyRef": { "key": "token", "name": "x" } } },
            ],
            "args": ["--password", value, format!("--token={value}"), "--port", "8443"],
            "livenessProbe": { "httpGet": { "httpHeaders": [{ "name": "Authorization", "value": format!("Basic {value}") }] } },
        }])
    };
    let spec = |value| {
        json!({
            "containers": containers(value), "initContainers": containers(value), "ephemeralContainers": containers(value),
            "volumes": [{ "name": "certs", "secret": { "secretName": "tls", "defaultMode": 420 } }],
            "tolerations": [{ "key": "node", "operator": "Exists" }],
            "imagePullSecrets": [{ "name": "registry" }],
        })
    };
    let pod = json!({ "kind": "Pod", "spec": spec("hunter2") });
    let deployment = json!({ "kind": "Deployment", "spec": { "template": { "spec": spec("hunter2") } } });
    let output = redacted(pod);
    assert_eq!(redacted(deployment)["spec"]["template"]["spec"], output["spec"]);
    let mut expected = spec("<redacted>");
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        expected[list][0]["livenessProbe"]["httpGet"]["httpHeaders"][0]["value"] = json!("<redacted>");
        expected[list][0]["env"][4]["value"] = json!("http://<redacted>@proxy:3128");
    }
    assert_eq!(output["spec"], expected);
}

#[test]
fn judges_config_maps_and_custom_resources_by_names_and_patterns() {
    let output = redacted(json!({ "kind": "ConfigMap", "data": {
        "mesh": "accessLogFile: /dev/stdout\npassword: hunter2\n",
        "token": "hunter2",
        "sa.json": json!({ "type": "service_account", "private_key": key_pem() }).to_string(),
        "service-account.json": json!({ "type": "service_account", "private_key": key_pem() }).to_string(),
        "release": encoded(b"\x1f\x8b\x08\0\0\0\0\0\0\xff0123456789012345678901234567890123456789"),
        "count": "12",
    }, "binaryData": { "store.jks": "aHVudGVyMg==" } }));
    assert_eq!(output["data"]["mesh"], "accessLogFile: /dev/stdout\npassword: <redacted>\n");
    assert_eq!(output["data"]["token"], "<redacted>");
    assert_eq!(output["data"]["sa.json"], r#"{"private_key":"<redacted>","type":"service_account"}"#);
    assert_eq!(output["data"]["service-account.json"], "<redacted>");
    assert_eq!(output["data"]["release"], "<redacted>");
    assert_eq!(output["data"]["count"], "12");
    assert_eq!(output["binaryData"]["store.jks"], "<redacted: 7 bytes>");

    let spec = |user: &str, password: Value| {
        json!({
            "httpForwardProxy": { "host": "proxy", "port": 3128, "username": user, "password": password },
            "auth": { "username": "kept" },
            "tokens": [password, password],
            "credentials": { "value": password },
            "hostnames": ["api.example.com"], "enableNonSniClient": true, "port": 443,
            "tls": { "credentialName": "org-tls", "sslSecret": "name", "caCert": certificate_pem() },
        })
    };
    let output = redacted(json!({
        "apiVersion": "apigee.cloud.google.com/v1alpha2", "kind": "ApigeeOrganization",
        "metadata": { "uid": "2b1e7c6e-7d2c-4c7a-9f1d-6a1c2f0f5b11", "managedFields": [] },
        "spec": spec("hunter2", json!("hunter2")), "status": { "state": "running" },
    }));
    assert_eq!(output["spec"], spec("<redacted>", json!("<redacted>")));
    assert_eq!(output["metadata"], json!({ "uid": "2b1e7c6e-7d2c-4c7a-9f1d-6a1c2f0f5b11" }));
    assert_eq!(output["status"]["state"], "running");
}

#[test]
fn keeps_scheme_and_host_of_webhooks() {
    let mut object = json!({
        "kind": "ValidatingWebhookConfiguration",
        "webhooks": [
            { "name": "a", "clientConfig": { "url": "https://hook.acme.com:8443/v1/hunter2?x=hunter2" } },
            { "name": "b", "clientConfig": { "url": "https://hook.acme.com" } },
            { "name": "c", "clientConfig": { "service": { "name": "hook", "path": "/validate" } } },
        ],
        "spec": { "webhookUrl": "https://chat.acme.com/hunter2", "url": "https://chat.acme.com/docs" },
    });
    let redactor = Redactor::secrets_only();
    for _ in 0..2 {
        redactor.object(&mut object, &mut Redactions::default()).unwrap();
        assert_eq!(object["webhooks"][0]["clientConfig"]["url"], "https://hook.acme.com:8443/<redacted>");
        assert_eq!(object["webhooks"][1]["clientConfig"]["url"], "https://hook.acme.com");
        assert_eq!(object["webhooks"][2]["clientConfig"]["service"]["path"], "/validate");
        assert_eq!(object["spec"]["webhookUrl"], "https://chat.acme.com/<redacted>");
        assert_eq!(object["spec"]["url"], "https://chat.acme.com/docs");
    }
}

#[test]
fn redacts_labels_of_evidence() {
    let pod = IngressPod {
        labels: [
            ("db-password", "hunter2"),
            ("app", "apigee-ingressgateway"),
            ("x", "k7Qm2Zx9Lw4Rt8Vb1N"),
            ("token", "true"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        ..IngressPod::default()
    };
    let mut evidence = Evidence::not_gathered(HybridQuestion::default(), jiff::Timestamp::UNIX_EPOCH, "not asked");
    evidence.pods = Seen::Seen(vec![pod]);
    for redactor in [Redactor::secrets_only(), Redactor::new(Pseudonyms::Both, Names::new([1; 32]))] {
        let clean = redactor.clean(&evidence, &mut Redactions::default()).unwrap();
        let labels = &clean.pods.seen().unwrap()[0].labels;
        assert_eq!(labels["db-password"], "<redacted>");
        assert_eq!(labels["app"], "apigee-ingressgateway");
        assert_eq!(labels["x"], "<redacted>");
        assert_eq!(labels["token"], "true");
    }
}
