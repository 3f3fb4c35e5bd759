//! Files that say less than their flag could: nothing is concluded from what they do not say.

use std::fs;

use openssl::pkcs12::Pkcs12;
use openssl::x509::X509;
use serde_json::json;

use crate::servers::Server;
use crate::world::World;

/// Saved answers without the one that lists the aliases of the keystore.
fn without_answer(world: &World) -> String {
    let dump = world.dump();
    fs::remove_file(world.path("dump/keystores/ks.json")).expect("the answer is there");
    dump
}

#[test]
fn a_keystore_file_without_an_alias_says_nothing_of_aliases() {
    let world = World::new();
    let listed = world.dump();
    let chain = world.file("chain.pem", &world.pki.pem(&["api", "issuing"]));
    let leaf = X509::from_pem(world.pki.pem(&["api"]).as_bytes()).expect("a certificate");
    let der = world.bytes("leaf.der", &leaf.to_der().expect("DER"));
    let mut builder = Pkcs12::builder();
    builder.pkey(&world.pki.key).cert(&leaf);
    let unnamed = builder.build2("changeit").and_then(|file| file.to_der()).expect("a file");
    let unnamed = world.bytes("unnamed.p12", &unnamed);
    let password = world.file("password", "changeit\n");
    let files = [&chain, &der, &unnamed].map(|file| format!("ks={file}"));
    let judged = |dump: &str, given: &str| {
        let more = ["--keystore-file", given, "--keystore-password-file", &password];
        world.offline(&[&["--api-dump", dump], &more[..]].concat())
    };
    for given in &files {
        let outcome = judged(&listed, given);
        outcome.is("healthy", "none", 0);
        assert!(!outcome.all().contains("file-1"), "{outcome:?}");
    }
    // Without a list of the aliases, the one in use may be there.
    let unlisted = without_answer(&world);
    for given in &files {
        let outcome = judged(&unlisted, given);
        outcome.is("unknown", "unknown", 3);
        assert!(!outcome.has("alias-missing"), "{outcome:?}");
        for wanted in ["keystores/ks/aliases/api", "--keystore-file ks/api=FILE"] {
            assert!(outcome.not_seen().contains(wanted), "{wanted}: {outcome:?}");
        }
    }
}

#[test]
fn the_friendly_name_of_a_pkcs_12_file_is_its_alias() {
    let world = World::new();
    let leaf = X509::from_pem(world.pki.pem(&["api"]).as_bytes()).expect("a certificate");
    let named = |name: &str| {
        let mut builder = Pkcs12::builder();
        builder.name(name).pkey(&world.pki.key).cert(&leaf);
        builder.build2("changeit").and_then(|file| file.to_der()).expect("a file")
    };
    let dump = without_answer(&world);
    let password = world.file("password", "changeit\n");
    let judged = |name: &str| {
        let given = format!("ks={}", world.bytes("named.p12", &named(name)));
        let more = ["--keystore-file", &given, "--keystore-password-file", &password];
        world.offline(&[&["--api-dump", &dump], &more[..]].concat())
    };
    judged("api").claims("chain-incomplete", "northbound", "edge-administrator", "likely");
    // The name may be another in Edge, where the upload decides.
    let other = judged("other");
    assert!(!other.has("alias-missing") && other.not_seen().contains("aliases/api"), "{other:?}");
}

#[test]
fn a_file_without_an_alias_is_compared_with_what_a_router_serves_and_a_backend_presents() {
    let mut world = World::new();
    let expired = world.file("expired.pem", &world.pki.pem(&["expired", "issuing"]));
    let held = world.file("held.pem", &world.pki.pem(&["api", "issuing"]));
    world.router = Server::tls(world.pki, &["expired", "issuing"]).start();
    world.api.fail("/keystores/ks", crate::api::Fault::status(403));
    let outcome = world.diagnose(&["--edge-version", "4.53.01", "--keystore-file", &format!("ks={held}")]);
    outcome.claims("router-not-reloaded", "northbound", "edge-operator", "likely");
    let outcome = world.diagnose(&["--keystore-file", &format!("ks={expired}")]);
    outcome.claims("certificate-expired", "northbound", "edge-administrator", "established");
    assert!(!outcome.has("router-not-reloaded"), "{outcome:?}");
    // A truststore needs no aliases: the file takes its place.
    let world = World::new();
    let other = world.file("other.pem", &world.pki.pem(&["other-root"]));
    let outcome = world.diagnose(&["--keystore-file", &format!("ts={other}")]);
    outcome.claims("truststore-mismatch", "southbound", "edge-administrator", "established");
}

#[test]
fn a_host_file_that_holds_nothing_of_its_kind_never_supports_healthy() {
    let world = World::new();
    let dump = world.dump();
    let noise: Vec<u8> = (0..4096_u32).map(|number| (number * 7919 % 251) as u8).collect();
    for (number, bytes) in [&b""[..], b" \n", b"hello world\n", b"<html>no</html>", &noise].into_iter().enumerate() {
        for flag in ["--router-conf", "--router-properties", "--system-properties", "--mp-properties"] {
            let file = world.bytes(&format!("given-{number}"), bytes);
            let outcome = world.offline(&["--api-dump", &dump, flag, &file]);
            outcome.is("unknown", "unknown", 3);
            // The name of the folder is random, and may be taken for a secret.
            assert!(outcome.not_seen().contains("nothing was learnt from it"), "{flag}: {outcome:?}");
        }
    }
    // What sets something else is of its kind.
    let other = world.file("other.properties", "conf_http_HTTPTransport.max.client.count=10\n");
    for flag in ["--router-properties", "--system-properties", "--mp-properties"] {
        world.offline(&["--api-dump", &dump, flag, &other]).is("healthy", "none", 0);
    }
    // A file of Routers does not concern the other leg.
    let empty = world.file("empty.conf", "");
    let leg = ["--api-dump", &dump, "--leg", "southbound", "--router-conf", &empty];
    world.offline(&leg).is("healthy", "none", 0);
}

#[test]
fn the_most_frequent_cause_of_a_log_is_known_beyond_the_limit_of_details() {
    let world = World::new();
    world.target_presents(&["app", "issuing"]);
    let dump = world.dump();
    let distinct = (0..300).map(|number| world.log(&format!("Text number {number} that says nothing")));
    let frequent = (0..200).map(|_| world.log("Received fatal alert: unknown_ca"));
    let log: String = distinct.chain(frequent).collect();
    let log = world.file("system.log", &log);
    let outcome = world.offline(&["--api-dump", &dump, "--mp-log", &log]);
    outcome.claims("client-certificate-untrusted", "southbound", "backend-owner", "likely");
    // Each log has three lines of the environment: 44 texts and 200 times the alert are beyond the limit.
    for wanted in ["600 further failed handshakes", "1500 failed handshakes"] {
        assert!(outcome.all().contains(wanted), "{wanted}: {outcome:?}");
    }
    let text = "the details of 732 failed handshakes in the Message Processor log";
    assert!(outcome.not_seen().contains(text), "{outcome:?}");
}

#[test]
fn a_symptom_that_the_configuration_contradicts_is_no_cause() {
    let mut world = World::new();
    let dump = world.dump();
    let required = "400 Bad Request: No required SSL certificate was sent";
    for text in [required, "400 The SSL certificate error", "curl: (56) tlsv1 alert unknown ca"] {
        let outcome = world.offline(&["--api-dump", &dump, "--symptom", text]);
        outcome.is("unknown", "northbound", 3);
        assert!(outcome.all().contains("requested by virtualhosts/secure (clientAuthEnabled)"), "{outcome:?}");
        assert!(outcome.next().contains("--leg northbound") && outcome.not_seen().contains("symptom 1"), "{outcome:?}");
    }
    // Where one is requested, it is the cause, and the fix is about client apps.
    world.is_mutual = true;
    let dump = world.dump();
    let outcome = world.offline(&["--api-dump", &dump, "--symptom", required]);
    outcome.claims("client-certificate-missing", "northbound", "client-owner", "likely");
    outcome.fixes(&["Let the client apps of virtualhosts/secure present a certificate"]);
    assert!(!outcome.all().contains("of the target"), "{outcome:?}");
    // Without a configuration, nothing contradicts it.
    let outcome = world.offline(&["--symptom", required]);
    outcome.claims("client-certificate-missing", "northbound", "client-owner", "likely");
}

#[test]
fn a_saved_list_proves_that_a_name_does_not_exist() {
    let world = World::new();
    world.api.add("/references", &json!(["ks-ref", "ts-ref"]));
    world.api.add("/keystores", &json!(["ks", "ts"]));
    let judged = |store: &str| {
        world.target(&json!({ "enabled": "true", "trustStore": store }));
        world.offline(&["--api-dump", &world.dump()])
    };
    judged("ref://ts-ref").is("healthy", "none", 0);
    for (store, cause) in [("ref://gone", "reference-dangling"), ("gone", "keystore-missing")] {
        let outcome = judged(store);
        outcome.claims(cause, "southbound", "edge-administrator", "established");
        assert!(outcome.all().contains("the saved list of"), "{outcome:?}");
    }
    // What the list has may exist, and without the list nothing is known.
    std::fs::remove_file(world.path("dump/references/ts-ref.json")).expect("the answer is there");
    let dump = world.path("dump");
    world.target(&json!({ "enabled": "true", "trustStore": "ref://ts-ref" }));
    for _ in 0..2 {
        let outcome = world.offline(&["--api-dump", &dump, "--leg", "northbound"]);
        outcome.is("healthy", "none", 0);
        let _ = std::fs::remove_file(world.path("dump/references.json"));
    }
    world.file(
        "dump/targetservers/orders.json",
        &json!({ "name": "orders", "host": "backend.test", "port": 443,
        "sSLInfo": { "enabled": "true", "trustStore": "ref://gone" } })
        .to_string(),
    );
    let outcome = world.offline(&["--api-dump", &dump]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.not_seen().contains("it is not among the saved answers"), "{outcome:?}");
}

#[test]
fn an_input_that_is_too_large_names_the_limit() {
    let world = World::new();
    let large = world.bytes("large", &vec![b'a'; 70 << 10]);
    let symptom = format!("@{large}");
    let settings = world.bytes("settings", &vec![b'a'; (4 << 20) + 1]);
    for (arguments, limit) in [
        (&["--symptom", symptom.as_str()][..], "it is larger than 64 KiB"),
        (&["--symptom", "@/dev/zero"], "it is larger than 64 KiB"),
        (&["--keystore-file", "ks=a", "--keystore-password-file", &large], "it is larger than 4 KiB"),
        (&["--router-conf", &settings], "it is larger than 4 MiB"),
    ] {
        let own = ["edge", "diagnose", "--org", "o", "--env", "e", "--offline"];
        let output = world.run(&[&own[..], arguments].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(limit), "{arguments:?}: {text}");
    }
}
