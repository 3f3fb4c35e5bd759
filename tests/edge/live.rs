//! Handshakes of this program that fail for reasons of their own, for chance, or for several reasons at once.

use serde_json::json;

use crate::pki::BACKEND;
use crate::servers::Server;
use crate::world::{Outcome, World};

const HELLOS: [&str; 12] =
    ["AT701", "AT702", "AT703", "AT704", "AT705", "AT706", "AT707", "AT708", "AT709", "AT710", "AT711", "AT712"];
const LEG: [&str; 2] = ["--leg", "southbound"];

fn with_backend(backend: Server) -> World {
    World { backend, ..World::new() }
}

fn trusting(host: &str, world: &World) -> [String; 2] {
    world.target_at(host, &json!({ "enabled": "true", "trustStore": "ref://ts-ref" }));
    ["--connect-to".to_owned(), format!("{host}:443:127.0.0.1:{}", world.backend.port)]
}

#[test]
fn an_answer_that_nothing_explains_is_unknown_on_both_legs() {
    let alert = |number: u8| vec![0x15, 3, 3, 0, 2, 2, number];
    let lone_done = vec![0x16, 3, 3, 0, 4, 0x0E, 0, 0, 0];
    for answer in [10, 42, 47, 80, 90, 109, 120, 255].map(alert).into_iter().chain([lone_done]) {
        let outcome = with_backend(Server::answering(&answer)).diagnose(&LEG);
        outcome.is("unknown", "southbound", 3);
        assert!(outcome.not_seen().contains("southbound handshake of targetservers/orders that fails"), "{outcome:?}");
        let passed = outcome.codes("passed");
        // A target with a name that Java sends is configured.
        let is_of_hello = |code: &&&str| HELLOS.contains(code) && !["AT704", "AT708"].contains(*code);
        assert!(!passed.iter().any(|code| is_of_hello(&code)), "{answer:?}: {passed:?}");
        assert!(outcome.next().contains("-msg"), "{outcome:?}");
    }
    let world = World { router: Server::answering(&alert(80)), ..World::new() };
    let outcome = world.diagnose(&[]);
    outcome.is("unknown", "northbound", 3);
    assert!(outcome.not_seen().contains("internal_error (80)"), "{outcome:?}");
}

#[test]
fn a_backend_that_needs_a_name_is_not_well_for_a_host_that_java_never_sends() {
    for (host, sni) in [("127.0.0.1", "on"), ("127.0.0.1", "off"), ("backend", "on"), ("backend", "off")] {
        let chain = ["backend", "issuing"];
        let world = with_backend(Server::tls(World::new().pki, &chain).knowing(BACKEND).start());
        let to = trusting(host, &world);
        let outcome = world.diagnose_with_sni(sni, &[&to[0], &to[1], "--leg", "southbound"]);
        outcome.is("cause", "southbound", 1);
        outcome.claims("sni-not-sent-for-name", "southbound", "edge-administrator", "likely");
        outcome.fixes(&["fully qualified DNS name"]);
        assert!(!outcome.all().contains("enableSNIExtension"), "{host}: {outcome:?}");
    }
    // Without a name to try, a reset may be about the name too.
    let world = with_backend(Server::closing());
    let to = trusting("127.0.0.1", &world);
    let outcome = world.diagnose(&[&to[0], &to[1], "--leg", "southbound"]);
    outcome.is("ambiguous", "southbound", 3);
    assert!(outcome.has("sni-not-sent-for-name"), "{outcome:?}");
    // A log knows the host by its target.
    let log = world.file("system.log", &world.log_of("127.0.0.1:443", "Received fatal alert: handshake_failure"));
    let outcome = world.offline(&["--api-dump", &world.dump(), "--mp-log", &log]);
    assert!(outcome.has("sni-not-sent-for-name") && !outcome.has("sni-missing"), "{outcome:?}");
    assert!(!outcome.all().contains("enableSNIExtension"), "{outcome:?}");
}

#[test]
fn a_name_that_is_not_sent_and_not_known_is_open() {
    let chain = ["backend", "issuing"];
    let backend = Server::tls(World::new().pki, &chain).knowing("elsewhere.test").start();
    let outcome = with_backend(backend).diagnose_with_sni("off", &LEG);
    outcome.is("ambiguous", "southbound", 3);
    assert!(outcome.has("sni-missing") && outcome.has("sni-unknown"), "{outcome:?}");
    assert!(!outcome.next().contains("grep"), "that SNI is off is known: {outcome:?}");
}

#[test]
fn a_reset_by_chance_is_seen_and_not_called_the_rule() {
    for resets in [1, 2] {
        let backend = Server::tls(World::new().pki, &["backend", "issuing"]).start_after(resets);
        let outcome = with_backend(backend).diagnose(&LEG);
        outcome.is("ambiguous", "southbound", 3);
        assert!(outcome.has("reset-in-hello") && !outcome.has("sni-unknown"), "{outcome:?}");
        assert!(!outcome.all().contains("every ClientHello is reset"), "{outcome:?}");
        assert!(outcome.next().contains("tcpdump"), "{outcome:?}");
    }
}

#[test]
fn a_duplicate_in_a_list_is_harmless() {
    let judged = |chain: &[&str], trusted: &str| {
        let world = World::new();
        let world = World { backend: Server::tls(world.pki, chain).start(), ..world };
        world.truststore(trusted);
        world.diagnose(&LEG)
    };
    judged(&["backend", "backend", "issuing"], "root").is("healthy", "none", 0);
    let outcome = judged(&["backend", "backend", "issuing"], "other-root");
    outcome.claims("truststore-mismatch", "southbound", "edge-administrator", "established");
    assert!(!outcome.has("chain-wrong-issuer"), "{outcome:?}");
    let outcome = judged(&["backend", "backend"], "root");
    outcome.claims("chain-incomplete", "southbound", "backend-owner", "established");
    for chain in [&["alone"][..], &["alone", "alone"]] {
        let outcome = judged(chain, "root");
        outcome.claims("certificate-self-signed", "southbound", "backend-owner", "established");
        assert!(!outcome.has("truststore-mismatch"), "{outcome:?}");
    }
}

#[test]
fn a_version_that_edge_disables_is_the_operators() {
    let backend = Server::tls(World::new().pki, &["backend", "issuing"]).versions("1.2", "1.2").start();
    let world = with_backend(backend);
    let disabled = |list: &str| format!("conf_jvmsecurity_jdk.tls.disabledAlgorithms=SSLv3, {list}\n");
    let file = world.file("mp.properties", &disabled("TLSv1.2"));
    let outcome = world.diagnose(&["--java", "8-classic", "--mp-properties", &file, "--leg", "southbound"]);
    outcome.claims("protocol-mismatch", "southbound", "edge-operator", "established");
    outcome.fixes(&["Remove TLSv1.2 from jdk.tls.disabledAlgorithms", "edge-message-processor restart"]);
    assert!(!outcome.all().contains("accept TLS 1.2"), "{outcome:?}");
    let backend = Server::tls(World::new().pki, &["backend", "issuing"]).versions("1.2", "1.2").ciphers("AES128-SHA");
    let world = with_backend(backend.start());
    let file = world.file("mp.properties", &disabled("TLS_RSA_*"));
    let outcome = world.diagnose(&["--java", "17", "--mp-properties", &file, "--leg", "southbound"]);
    outcome.claims("cipher-mismatch", "southbound", "edge-operator", "established");
    outcome.fixes(&["disables the cipher suites", "TLS_RSA_*", "edge-message-processor restart"]);
    // Nothing is left to offer.
    let file = world.file("mp.properties", &disabled("TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"));
    let outcome = world.diagnose(&["--java", "17", "--mp-properties", &file, "--leg", "southbound"]);
    outcome.claims("protocol-mismatch", "southbound", "edge-operator", "established");
    // A log says the same; nothing is pinned.
    let log = world.file("system.log", &world.log("No appropriate protocol (protocol is disabled)"));
    let outcome = world.offline(&["--api-dump", &world.dump(), "--mp-log", &log, "--mp-properties", &file]);
    outcome.claims("protocol-mismatch", "southbound", "edge-operator", "likely");
    assert!(!outcome.all().contains("pinned"), "{outcome:?}");
}

#[test]
fn what_nobody_fails_for_is_a_risk() {
    let judged = |stored: &[&str]| {
        let mut world = World::new();
        world.router_presents(stored);
        world.router = Server::tls(world.pki, &["api", "issuing"]).start();
        world.diagnose(&["--leg", "northbound"])
    };
    let outcome = judged(&["api-new", "issuing"]);
    outcome.is("atRisk", "northbound", 1);
    outcome.claims("router-not-reloaded", "northbound", "edge-operator", "established");
    outcome.fixes(&["edge-router restart"]);
    // A reload would bring the expired one.
    let outcome = judged(&["expired", "issuing"]);
    outcome.is("atRisk", "northbound", 1);
    outcome.claims("certificate-expired", "northbound", "edge-administrator", "likely");
    assert!(!outcome.text().contains("edge-router restart"), "{outcome:?}");
}

#[test]
fn several_causes_at_once_are_all_named() {
    let pki = World::new().pki;
    let named = |outcome: &Outcome, causes: &[&str]| {
        outcome.is("cause", "southbound", 1);
        for cause in causes {
            outcome.claims_any_owner(cause, "southbound", "likely");
        }
    };
    let expired = ["expired-backend", "issuing"];
    let world = with_backend(Server::tls(pki, &expired).refusing_no_sni().start());
    named(&world.diagnose_with_sni("off", &LEG), &["sni-missing", "certificate-expired"]);
    let strong = Server::tls(pki, &expired).versions("1.2", "1.2").ciphers("ECDHE-RSA-AES256-GCM-SHA384");
    let limited = ["--java", "8-limited", "--leg", "southbound"];
    named(&with_backend(strong.start()).diagnose(&limited), &["cipher-mismatch", "certificate-expired"]);
    let old = Server::tls(pki, &["renamed"]).versions("1.0", "1.0").start();
    let causes = ["protocol-mismatch", "hostname-mismatch", "chain-incomplete"];
    named(&with_backend(old).diagnose(&LEG), &causes);
}

#[test]
fn advice_is_for_who_runs_the_message_processors() {
    let backend = Server::tls(World::new().pki, &["backend", "issuing"]).versions("1.0", "1.0").start();
    let world = with_backend(backend);
    let outcome = world.diagnose(&["--api", "google"]);
    outcome.claims("protocol-mismatch", "southbound", "backend-owner", "established");
    for advice in ["/opt/apigee", "apigee-service", "Stop-gap", "disabledAlgorithms"] {
        assert!(!outcome.all().contains(advice), "{advice}: {outcome:?}");
    }
    // Files of a Message Processor exist in a private cloud alone, whatever the Management API.
    let log = world.file("system.log", &world.log("Received fatal alert: handshake_failure"));
    let off = world.file("system.properties", "jsse.enableSNIExtension=false\n");
    let own = ["--api-dump", &world.dump(), "--mp-log", &log];
    let outcome = world.offline(&[&own[..], &["--system-properties", &off]].concat());
    outcome.claims("sni-missing", "southbound", "edge-operator", "possible");
    outcome.fixes(&["message-processor.properties"]);
}
