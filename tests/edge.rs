//! Tests of `edge` from end to end: real handshakes with nginx, Java, Go and OpenSSL, and a stand-in of the
//! Management API made of the documented answers.
//!
//! Each case states what listens where, and the cause, leg, owner and certainty that must be reported. No
//! answer is canned: the report comes from the program, run as a user runs it.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::disallowed_methods, reason = "certificates are valid around now")]
#![expect(clippy::unused_self, reason = "what a world offers reads alike")]

#[path = "edge/api.rs"]
mod api;
#[path = "edge/backends.rs"]
mod backends;
#[expect(dead_code, unreachable_pub, clippy::unwrap_used, reason = "the builder serves other tests too")]
#[path = "../src/wire/capture/tests/builder.rs"]
mod builder;
#[path = "edge/bundles.rs"]
mod bundles;
#[path = "edge/captured.rs"]
mod captured;
#[path = "edge/failures.rs"]
mod failures;
#[path = "edge/given.rs"]
mod given;
#[path = "edge/judged.rs"]
mod judged;
#[path = "edge/live.rs"]
mod live;
#[path = "edge/odd.rs"]
mod odd;
#[path = "edge/parts.rs"]
mod parts;
#[path = "edge/pki.rs"]
mod pki;
#[path = "edge/proxies.rs"]
mod proxies;
#[path = "edge/recorder.rs"]
mod recorder;
#[path = "edge/reported.rs"]
mod reported;
#[path = "edge/routers.rs"]
mod routers;
#[path = "edge/servers.rs"]
mod servers;
#[path = "edge/unknown.rs"]
mod unknown;
#[path = "edge/world.rs"]
mod world;

use serde_json::json;

use crate::api::Fault;
use crate::servers::Server;
use crate::world::World;

const SECRET: &str = "tok-SENTINEL-42aa17";

#[test]
fn both_legs_are_healthy() {
    let world = World::new();
    let outcome = world.diagnose(&[]);
    outcome.is("healthy", "none", 0);
}

#[test]
fn an_expired_certificate_of_the_keystore_is_the_administrators() {
    let mut world = World::new();
    world.router_presents(&["expired", "issuing"]);
    let outcome = world.diagnose(&[]);
    outcome.is("cause", "northbound", 1);
    outcome.claims("certificate-expired", "northbound", "edge-administrator", "established");
    outcome.fixes(&["references/ks-ref", "format=keycertfile", "\"refers\"", "openssl verify"]);
}

#[test]
fn a_leaf_alone_lacks_its_intermediate() {
    let mut world = World::new();
    world.router_presents(&["api"]);
    let outcome = world.diagnose(&[]);
    outcome.claims("chain-incomplete", "northbound", "edge-administrator", "established");
    assert!(!outcome.has("truststore-mismatch"), "{outcome:?}");
}

#[test]
fn a_router_that_serves_another_certificate_than_the_keystore_is_not_reloaded() {
    let mut world = World::new();
    world.router = Server::tls(world.pki, &["expired", "issuing"]).start();
    let outcome = world.diagnose(&["--edge-version", "4.53.01"]);
    outcome.claims("router-not-reloaded", "northbound", "edge-operator", "established");
    assert!(!outcome.has("certificate-expired"), "the keystore is right: {outcome:?}");
}

#[test]
fn a_backend_with_tls_1_0_alone_is_the_backend_owners() {
    let mut world = World::new();
    world.backend = Server::tls(world.pki, &["backend", "issuing"]).versions("1.0", "1.0").start();
    let outcome = world.diagnose(&["--java", "8-modern"]);
    outcome.claims("protocol-mismatch", "southbound", "backend-owner", "established");
    outcome.fixes(&["TLSv1.2", "targetservers/orders", "disabledAlgorithms"]);
    // Without the Java, the two profiles of Java 8 differ.
    let open = world.diagnose_without_java(&[]);
    open.is("ambiguous", "southbound", 3);
    assert!(open.next().contains("java -version"), "{open:?}");
}

#[test]
fn a_backend_that_needs_sni_is_told_from_a_cipher_mismatch() {
    let mut world = World::new();
    world.backend = Server::tls(world.pki, &["backend", "issuing"]).refusing_no_sni().start();
    let off = world.file("system.properties", "jsse.enableSNIExtension=false\nkeystore.password=pw-SENTINEL-9\n");
    let outcome = world.diagnose_with_sni("auto", &["--system-properties", &off]);
    outcome.claims("sni-missing", "southbound", "edge-operator", "established");
    assert!(!outcome.has("cipher-mismatch"), "{outcome:?}");
    outcome.fixes(&[
        "conf_system_jsse.enableSNIExtension=true",
        "edge-message-processor restart",
        "chown apigee:apigee",
    ]);
    world.diagnose(&[]).is("healthy", "none", 0);
    // Whether it is sent is not known without the file.
    let open = world.diagnose_with_sni("auto", &[]);
    assert!(open.next().contains("enableSNIExtension"), "{open:?}");
}

#[test]
fn a_suite_that_limited_java_lacks_is_a_cipher_mismatch() {
    let mut world = World::new();
    let server = Server::tls(world.pki, &["backend", "issuing"]).versions("1.2", "1.2");
    world.backend = server.ciphers("ECDHE-RSA-AES256-GCM-SHA384").start();
    let outcome = world.diagnose(&["--java", "8-limited"]);
    outcome.claims("cipher-mismatch", "southbound", "edge-operator", "established");
    outcome.fixes(&["unlimited"]);
    world.diagnose(&[]).is("healthy", "none", 0);
}

#[test]
fn a_truststore_with_any_certificate_of_the_chain_is_an_anchor() {
    for entry in ["root", "issuing", "backend"] {
        let mut world = World::new();
        world.truststore(entry);
        world.backend = Server::tls(world.pki, &["backend", "issuing"]).start();
        world.diagnose(&[]).is("healthy", "none", 0);
    }
    let world = World::new();
    world.truststore("other-root");
    let outcome = world.diagnose(&[]);
    outcome.claims("truststore-mismatch", "southbound", "edge-administrator", "established");
    outcome.fixes(&["keystores/ts/aliases", "format=keycertfile"]);
    // The intermediate is missing, and the truststore holds it.
    let mut world = World::new();
    world.truststore("issuing");
    world.backend = Server::tls(world.pki, &["backend"]).start();
    world.diagnose(&[]).is("healthy", "none", 0);
}

#[test]
fn a_demanded_client_certificate_is_missing_in_both_versions() {
    for version in ["1.2", "1.3"] {
        let mut world = World::new();
        world.backend = Server::tls(world.pki, &["backend", "issuing"]).versions(version, version).demanding().start();
        let outcome = world.diagnose(&[]);
        outcome.claims("client-certificate-missing", "southbound", "edge-administrator", "established");
        outcome.fixes(&["clientAuthEnabled", "keyStore", "keyAlias"]);
    }
}

#[test]
fn ports_without_tls_silence_and_closed_connections_are_told_apart() {
    for (server, cause) in [
        (Server::plain(), "plain-text-port"),
        (Server::closing(), "closed-in-hello"),
        (Server::silent(), "handshake-timeout"),
    ] {
        let mut world = World::new();
        world.backend = server;
        let outcome = world.diagnose(&["--request-timeout", "2s", "--leg", "southbound"]);
        outcome.claims_any_owner(cause, "southbound", "likely");
        assert!(!outcome.has("sni-missing"), "{outcome:?}");
    }
}

#[test]
fn one_answer_that_fails_costs_only_itself() {
    let world = World::new();
    world.api.add("/targetservers", &json!(["orders", "broken"]));
    world.api.fail("/targetservers/broken", Fault::status(500));
    let outcome = world.diagnose(&[]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.not_seen().contains("targetservers/broken") && outcome.not_seen().contains("500"), "{outcome:?}");
    let world = World::new();
    world.api.fail("/keystores/ks", Fault::status(503).times(2));
    world.api.fail("/targetservers/orders", Fault::cut().times(1));
    world.diagnose(&[]).is("healthy", "none", 0);
}

#[test]
fn a_refused_token_ends_the_run_and_is_never_printed() {
    let world = World::new();
    world.api.fail("/", Fault::status(401).echoing());
    let outcome = world.diagnose(&[]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.all().contains("401") && !outcome.all().contains(SECRET), "{outcome:?}");
    assert!(World::new().diagnose(&[]).authorized());
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let world = World::new();
    world.api.fail("/virtualhosts", Fault::redirect("http://127.0.0.2:1/v1/x"));
    let outcome = world.diagnose(&[]);
    assert!(outcome.not_seen().contains("redirect"), "{outcome:?}");
}

#[test]
fn files_alone_are_judged_offline() {
    let world = World::new();
    let dump = world.dump();
    world.offline(&["--api-dump", &dump]).is("healthy", "none", 0);
    let leaf = world.pki.pem(&["api"]);
    let leaf = world.file("leaf.pem", &leaf);
    let outcome = world.offline(&["--api-dump", &dump, "--keystore-file", &format!("ks/api={leaf}")]);
    outcome.claims("chain-incomplete", "northbound", "edge-administrator", "likely");
    let log = world.file("system.log", &world.log("Received fatal alert: handshake_failure"));
    let outcome = world.offline(&["--api-dump", &dump, "--mp-log", &log]);
    outcome.is("ambiguous", "southbound", 3);
    assert!(outcome.has("cipher-mismatch") && outcome.has("sni-missing") && !outcome.next().is_empty(), "{outcome:?}");
    let log = world.file("system.log", &world.log("No subject alternative DNS name matching backend.test found."));
    let outcome = world.offline(&["--api-dump", &dump, "--mp-log", &log]);
    outcome.claims("hostname-mismatch", "southbound", "backend-owner", "likely");
}

#[test]
fn symptoms_name_the_leg() {
    let world = World::new();
    let dump = world.dump();
    let fault = r#"{"fault":{"faultstring":"SSL Handshake failed Received fatal alert: certificate_expired"}}"#;
    let outcome = world.offline(&["--symptom", fault]);
    outcome.claims("client-certificate-expired", "southbound", "edge-administrator", "likely");
    let outcome = world.offline(&["--api-dump", &dump, "--symptom", "curl: (60) SSL certificate problem"]);
    outcome.is("ambiguous", "northbound", 3);
}

#[test]
fn a_proxy_with_a_dtd_is_not_read_and_nothing_is_fetched() {
    let world = World::new();
    let secret = world.file("secret.txt", "SENTINEL-xxe");
    let text = format!(
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file://{secret}\">]><TargetEndpoint name=\"d\"><HTTPTargetConnection>\
         <URL>https://&x;/</URL></HTTPTargetConnection></TargetEndpoint>"
    );
    world.file("proxy/apiproxy/targets/d.xml", &text);
    let outcome = world.diagnose(&["--proxy-bundle", &world.path("proxy")]);
    assert!(outcome.not_seen().contains("DOCTYPE") && !outcome.all().contains("SENTINEL-xxe"), "{outcome:?}");
}

#[test]
fn a_bundle_is_judged_again_byte_for_byte_and_holds_no_secret() {
    let mut world = World::new();
    world.router_presents(&["expired", "issuing"]);
    let properties = "conf_system_jsse.enableSNIExtension=true\nconf_security_keystore.password=pw-SENTINEL-9\n";
    let properties = world.file("mp.properties", properties);
    let bundle = world.collect(&["--mp-properties", &properties]);
    let first = world.from(&bundle);
    assert_eq!(first, world.from(&bundle), "the same bytes each time");
    let files = world.unpacked(&bundle);
    let report = files.iter().find(|(path, _)| path.ends_with("/report.json")).map(|(_, text)| text.clone());
    assert_eq!(report.expect("the bundle has the report"), first);
    for wanted in [
        "api/virtualhosts.json",
        "api/virtualhosts/secure.json",
        "api/references/ks-ref.json",
        "api/keystores/ks.json",
        "api/keystores/ks/aliases/api.pem",
    ] {
        assert!(files.keys().any(|path| path.ends_with(wanted)), "{wanted} in {:?}", files.keys());
    }
    for (path, text) in &files {
        assert!(!text.contains("SENTINEL"), "{path} has a secret");
    }
    let (_, kept) = files.iter().find(|(path, _)| path.contains("mp.properties")).expect("the file is in it");
    assert!(kept.contains("enableSNIExtension=true"), "{kept}");
}

#[test]
fn a_url_with_a_password_is_refused_without_repeating_it() {
    let world = World::new();
    let output =
        world.run(&["edge", "diagnose", "--org", "o", "--env", "e", "--management-url", "https://me:pw-SENTINEL-9@ms"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("SENTINEL"));
}
