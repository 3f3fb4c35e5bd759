//! What checks have to judge by: found, passed, not applicable and unknown are four things.

use openssl::x509::X509;
use serde_json::json;

use crate::servers::Server;
use crate::world::World;

const CERTIFICATES: &[&str] =
    &["AT719", "AT720", "AT721", "AT722", "AT723", "AT724", "AT725", "AT726", "AT727", "AT728", "AT729"];
const NAMES: &[&str] = &["AT713", "AT714", "AT715", "AT716", "AT717", "AT718", "AT730"];
const CLIENT_CERTIFICATES: &[&str] = &["AT731", "AT732", "AT733", "AT734", "AT735"];
const HELLOS: &[&str] = &["AT701", "AT702", "AT703", "AT705", "AT706", "AT707", "AT709", "AT710", "AT711", "AT712"];

#[test]
fn a_log_alone_says_nothing_of_certificates_and_names() {
    let world = World::new();
    let quiet = "2026-11-20 09:00:01,000 org:o env:e api:orders rev:3 INFO HTTP - well\n";
    let log = world.file("quiet.log", quiet);
    let outcome = world.offline(&["--mp-log", &log]);
    outcome.is("healthy", "none", 0);
    assert_eq!(outcome.codes("passed"), HELLOS, "{outcome:?}");
    for code in [CERTIFICATES, NAMES, CLIENT_CERTIFICATES].concat() {
        assert_eq!(outcome.check(code).0, "notApplicable", "{code}: {outcome:?}");
    }
    assert_eq!(outcome.check("AT719").1, "no certificate of a server was seen");
    assert!(!outcome.all().contains("no server requests one"), "{outcome:?}");
}

#[test]
fn a_log_with_a_failure_that_says_nothing_excludes_nothing() {
    let world = World::new();
    let log = world.file("system.log", &world.log("General SSLEngine problem"));
    let outcome = world.offline(&["--mp-log", &log]);
    assert!(outcome.codes("passed").is_empty(), "{outcome:?}");
    let (state, reason) = outcome.check("AT705");
    assert!(state == "unknown" && reason.contains("3 failed handshakes do not say why"), "{reason}");
}

#[test]
fn a_configuration_alone_says_nothing_of_handshakes() {
    let world = World::new();
    let dump = world.dump();
    let outcome = world.offline(&["--api-dump", &dump]);
    outcome.is("healthy", "none", 0);
    for code in ["AT702", "AT703", "AT705", "AT707", "AT710", "AT717", "AT718", "AT729", "AT730", "AT731", "AT734"] {
        assert_eq!(outcome.check(code).0, "notApplicable", "{code}: {:?}", outcome.check(code));
    }
    for code in ["AT704", "AT708", "AT713", "AT714", "AT715", "AT716", "AT719", "AT725", "AT726", "AT727"] {
        assert_eq!(outcome.check(code).0, "passed", "{code}: {:?}", outcome.check(code));
    }
    // Only the leg that is judged counts.
    let outcome = world.offline(&["--api-dump", &dump, "--leg", "southbound"]);
    assert_eq!(outcome.check("AT719").0, "notApplicable", "{outcome:?}");
    // A setting of versions is one to judge.
    let conf = world.file("0-default.conf", "ssl_protocols TLSv1.2;\n");
    let outcome = world.offline(&["--api-dump", &dump, "--router-conf", &conf]);
    assert_eq!(outcome.check("AT705"), ("passed", "not seen at 1 virtual host"));
}

#[test]
fn handshakes_show_what_a_configuration_does_not() {
    let mut world = World::new();
    let outcome = world.diagnose(&[]);
    let passed = outcome.codes("passed");
    for code in [HELLOS, CERTIFICATES].concat() {
        assert!(passed.contains(&code), "{code}: {:?}", outcome.check(code));
    }
    // One Router is not several, and nobody requested a client certificate.
    for code in ["AT718", "AT730", "AT732", "AT734", "AT735"] {
        assert_eq!(outcome.check(code).0, "notApplicable", "{code}: {:?}", outcome.check(code));
    }
    // Who does not answer shows no certificate.
    world.backend = Server::silent();
    let outcome = world.diagnose(&["--leg", "southbound", "--request-timeout", "2s"]);
    for code in CERTIFICATES {
        assert_eq!(outcome.check(code).0, "notApplicable", "{code}: {:?}", outcome.check(code));
    }
}

#[test]
fn a_target_without_tls_is_judged_by_a_handshake_alone() {
    let world = World::new();
    world.target(&json!({ "enabled": "false" }));
    let dump = world.dump();
    let outcome = world.offline(&["--api-dump", &dump, "--leg", "southbound"]);
    assert_eq!(outcome.check("AT704").0, "notApplicable", "{:?}", outcome.check("AT704"));
}

#[test]
fn a_keystore_file_with_an_expired_certificate_is_said() {
    let world = World::new();
    let expired = world.file("expired.pem", &world.pki.pem(&["expired", "issuing"]));
    let (alias, store) = (format!("other/api={expired}"), format!("ks={expired}"));
    // No setting is known that uses it.
    let outcome = world.offline(&["--keystore-file", &alias]);
    outcome.is("atRisk", "northbound", 3);
    outcome.claims("certificate-expired", "northbound", "edge-administrator", "possible");
    outcome.fixes(&["keystores/other/aliases/api", "no virtual host or target was seen that names this keystore"]);
    // The file may be what the virtual host presents.
    let outcome = world.offline(&["--api-dump", &world.dump(), "--keystore-file", &store]);
    outcome.claims("certificate-expired", "northbound", "edge-administrator", "possible");
    outcome.fixes(&["whether it is what virtualhosts/secure presents is not known"]);
    // Java does not check the dates of what a truststore holds.
    let anchor = world.offline(&["--api-dump", &world.dump(), "--keystore-file", &format!("ts={expired}")]);
    assert!(!anchor.has("certificate-expired") && !anchor.has("client-certificate-expired"), "{anchor:?}");
    let valid = world.file("valid.pem", &world.pki.pem(&["api", "issuing"]));
    let valid = world.offline(&["--keystore-file", &format!("other/api={valid}")]);
    valid.is("unknown", "unknown", 3);
}

#[test]
fn a_client_certificate_is_read_where_no_handshake_is_made() {
    let mut world = World::new();
    world.is_mutual = true;
    let dump = world.dump();
    let key = world.file("key.pem", "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n");
    for flag in ["--client-cert", "--mp-cert"] {
        let arguments = ["edge", "diagnose", "--org", "o", "--env", "e", "--offline", "--api-dump", &dump, flag, &key];
        let output = world.run(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(flag) && text.contains("there is no certificate in it"), "{text}");
    }
    let expired = world.pki.pem(&["expired"]);
    assert!(X509::from_pem(expired.as_bytes()).is_ok());
    let expired = world.file("expired.pem", &expired);
    let outcome = world.offline(&["--api-dump", &dump, "--client-cert", &expired]);
    outcome.claims("client-certificate-expired", "northbound", "client-owner", "likely");
}

#[test]
fn a_symptom_that_is_cut_says_so() {
    let world = World::new();
    let dump = world.dump();
    let whole = format!("curl: (60) {}", "x ".repeat(30_000));
    let outcome = world.offline(&["--api-dump", &dump, "--symptom", &whole]);
    assert!(!outcome.not_seen().contains("the end of symptom"), "{outcome:?}");
    let long = format!("{}curl: (60)", "x ".repeat(40_000));
    let outcome = world.offline(&["--api-dump", &dump, "--symptom", "curl: (60)", "--symptom", &long]);
    outcome.is("ambiguous", "northbound", 3);
    for wanted in ["the end of symptom 2", "only the first 65536 characters of a symptom are read"] {
        assert!(outcome.not_seen().contains(wanted), "{wanted}: {outcome:?}");
    }
}

#[test]
fn what_one_leg_lacks_does_not_make_the_other_unknown() {
    let world = World::new();
    let dump = world.dump();
    std::fs::remove_file(world.path("dump/targetservers/orders.json")).expect("the answer is there");
    let outcome = world.offline(&["--api-dump", &dump]);
    outcome.is("unknown", "unknown", 3);
    assert_eq!((outcome.check("AT704").0, outcome.check("AT718").0), ("unknown", "notApplicable"), "{outcome:?}");
}
