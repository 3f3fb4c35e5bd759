//! Answers, files and symptoms of a form that is not understood: never healthy, and said by name.

use std::fs;
use std::time::{Duration, Instant};

use openssl::pkcs12::Pkcs12;
use openssl::x509::X509;
use serde_json::{Value, json};

use crate::world::World;

#[test]
fn a_symptom_that_is_not_understood_is_unknown() {
    let world = World::new();
    let dump = world.dump();
    for text in [
        "net::ERR_SSL_PROTOCOL_ERROR",
        "curl: (35) error:14094438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error",
        "Received fatal alert: decrypt_error",
        "HTTP/1.1 504 Gateway timeout",
        "",
    ] {
        let outcome = world.offline(&["--api-dump", &dump, "--symptom", text]);
        outcome.is("unknown", "unknown", 3);
        assert!(outcome.all().contains("not understood") && !outcome.next().is_empty(), "{outcome:?}");
    }
    // What is understood beside it does not hide it.
    let outcome =
        world.offline(&["--api-dump", &dump, "--symptom", "curl: (60)", "--symptom", "ERR_SSL_PROTOCOL_ERROR"]);
    outcome.is("ambiguous", "northbound", 3);
    assert!(outcome.not_seen().contains("symptom 2"), "{outcome:?}");
    let wide: Vec<u8> = "\u{feff}curl: (60) SSL".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = format!("@{}", world.bytes("answer.txt", &wide));
    world.offline(&["--api-dump", &dump, "--symptom", &file]).is("ambiguous", "northbound", 3);
}

#[test]
fn failures_that_nothing_explains_are_counted_beside_those_that_are_explained() {
    let world = World::new();
    let dump = world.dump();
    let log =
        ["Could not generate DH keypair", "Received fatal alert: certificate_revoked", "No name matching b found"];
    let log: String = log.iter().map(|message| world.log(message)).collect();
    let log = world.file("system.log", &log);
    let outcome = world.offline(&["--api-dump", &dump, "--mp-log", &log]);
    outcome.claims("hostname-mismatch", "southbound", "backend-owner", "likely");
    for text in ["3 failed handshakes", "DH keypair", "certificate_revoked"] {
        assert!(outcome.not_seen().contains(text), "{outcome:?}");
    }
}

#[test]
fn logs_in_utf_16_and_with_nul_bytes_are_read() {
    let world = World::new();
    let dump = world.dump();
    let text = format!("\u{feff}{}", world.log("No name matching b found"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let truncated = [vec![0; 9000], text.into_bytes()].concat();
    for bytes in [wide, truncated] {
        let log = world.bytes("system.log", &bytes);
        let outcome = world.offline(&["--api-dump", &dump, "--mp-log", &log]);
        outcome.claims("hostname-mismatch", "southbound", "backend-owner", "likely");
    }
    let properties = "jsse.enableSNIExtension=false\n".encode_utf16().flat_map(u16::to_le_bytes);
    let properties: Vec<u8> = [0xFF, 0xFE].into_iter().chain(properties).collect();
    let properties = world.bytes("system.properties", &properties);
    let outcome = world.offline(&["--api-dump", &dump, "--system-properties", &properties]);
    assert!(outcome.all().contains("Message Processors send no server_name"), "{}", outcome.all());
}

/// Runs on saved answers of which one is replaced.
fn with_answer(path: &str, answer: &Value) -> crate::world::Outcome {
    let world = World::new();
    let dump = world.dump();
    world.file(&format!("dump{path}.json"), &answer.to_string());
    if path.contains("/aliases/") {
        fs::remove_file(world.path(&format!("dump{path}.pem"))).expect("the certificate is there");
    }
    world.offline(&["--api-dump", &dump])
}

#[test]
fn dates_that_cannot_be_read_are_unknown() {
    let described = |expiry: &Value| {
        let leaf = json!({ "subject": "CN=api.test", "issuer": "CN=issuing", "validFrom": 1_700_000_000_000_i64,
            "expiryDate": expiry, "subjectAlternativeNames": ["api.test", "*.test"], "isValid": "Yes",
            "publicKey": "RSA Public Key, 2048 bits", "sigAlgName": "SHA256withRSA" });
        let issuing = json!({ "subject": "CN=issuing", "issuer": "CN=root", "validFrom": 1_700_000_000_000_i64,
            "expiryDate": "2090-01-01T00:00:00Z", "publicKey": "RSA Public Key, 2048 bits", "sigAlgName": "SHA256withRSA" });
        with_answer(
            "/keystores/ks/aliases/api",
            &json!({ "alias": "api", "certsInfo": { "certInfo": [leaf, issuing] } }),
        )
    };
    for expiry in [json!(null), json!("soon"), json!(-1), json!(9.9e17), json!({})] {
        let outcome = described(&expiry);
        assert_eq!(outcome.code, 3, "{expiry}: {outcome:?}");
        assert!(outcome.not_seen().contains("keystores/ks/aliases/api"), "{expiry}: {outcome:?}");
        assert!(outcome.all().contains("cannot be read as a date"), "{expiry}: {outcome:?}");
    }
    let outcome = described(&json!("2020-05-01T00:00:00.000+0000"));
    outcome.claims("certificate-expired", "northbound", "edge-administrator", "likely");
    assert!(outcome.all().contains("2020-05-01"), "{outcome:?}");
}

#[test]
fn objects_of_a_wrong_shape_are_unknown() {
    let host = |field: &str, value: Value| {
        let mut host = json!({ "name": "secure", "hostAliases": ["api.test"], "port": "443",
            "sSLInfo": { "enabled": "true", "keyStore": "ref://ks-ref", "keyAlias": "api" } });
        host[field] = value;
        ("/virtualhosts/secure", host)
    };
    for (path, answer) in [
        host("sSLInfo", json!([])),
        host("sSLInfo", json!({ "enabled": "perhaps" })),
        host("hostAliases", json!("api.test")),
        host("hostAliases", json!(null)),
        host("port", json!(null)),
        ("/virtualhosts", json!({})),
        ("/virtualhosts", json!(null)),
        ("/targetservers", json!("orders")),
        ("/targetservers/orders", json!({ "host": "b.test", "port": 443, "sSLInfo": [] })),
        (
            "/targetservers/orders",
            json!({ "host": "b.test", "port": 443, "sSLInfo": { "enabled": true, "protocols": {} } }),
        ),
        ("/references/ks-ref", json!({ "refers": ["ks"] })),
        ("/keystores/ks", json!({})),
        ("/keystores/ks", json!({ "aliases": {} })),
        ("/keystores/ks", json!({ "aliases": null })),
    ] {
        let outcome = with_answer(path, &answer);
        assert_eq!(outcome.code, 3, "{path} {answer}: {outcome:?}");
        let named = outcome.not_seen().contains(path.trim_start_matches('/'));
        assert!(named, "{path} {answer}: {outcome:?}");
    }
}

#[test]
fn user_and_password_of_a_host_are_nowhere_in_a_bundle() {
    let world = World::new();
    let host = "me:pw-SENTINEL-7@backend.test";
    world.api.add(
        "/targetservers/orders",
        &json!({ "name": "orders", "host": host, "port": 443, "sSLInfo": { "enabled": true } }),
    );
    let target = format!(
        "<TargetEndpoint name=\"d\"><HTTPTargetConnection><URL>https://{host}:8443/path</URL></HTTPTargetConnection></TargetEndpoint>"
    );
    world.file("proxy/apiproxy/targets/d.xml", &target);
    let proxy = world.path("proxy");
    let bundle = world.collect(&["--proxy-bundle", &proxy, "--target-server", "orders", "--probe", "none"]);
    let files = world.unpacked(&bundle);
    assert!(files.keys().any(|path| path.ends_with("targetservers/orders.json")), "{:?}", files.keys());
    assert!(files.keys().any(|path| path.ends_with("targets/d.xml")), "{:?}", files.keys());
    for (path, text) in &files {
        assert!(!text.contains("SENTINEL"), "{path} has the password: {text}");
    }
    let outcome = world.diagnose(&["--proxy-bundle", &proxy, "--target-server", "orders", "--probe", "none"]);
    assert!(!outcome.all().contains("SENTINEL") && outcome.not_seen().contains("user information"), "{outcome:?}");
}

#[test]
fn a_pkcs_12_file_with_too_many_iterations_is_refused_at_once() {
    let world = World::new();
    let dump = world.dump();
    let certificate = X509::from_pem(world.pki.pem(&["api"]).as_bytes()).expect("a certificate");
    let key = &world.pki.key;
    let mut builder = Pkcs12::builder();
    builder.name("api").pkey(key).cert(&certificate).key_iter(2048).mac_iter(65_537);
    let mut file = builder.build2("changeit").and_then(|file| file.to_der()).expect("a file");
    let at = file.windows(5).rposition(|bytes| bytes == [2, 3, 1, 0, 1]).expect("the iterations of the MAC");
    file[at + 2] = 0x7F;
    let (store, password) = (world.bytes("ks.p12", &file), world.file("password", "changeit\n"));
    let given = format!("ks/api={store}");
    let begun = Instant::now();
    let outcome =
        world.offline(&["--api-dump", &dump, "--keystore-file", &given, "--keystore-password-file", &password]);
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert!(outcome.not_seen().contains("iterations; at most"), "{outcome:?}");
    assert_eq!(outcome.code, 3, "{outcome:?}");
}

#[test]
fn every_format_says_what_is_not_known() {
    let world = World::new();
    let dump = world.dump();
    let run = |format: &str, more: &[&str]| {
        let own = ["edge", "diagnose", "--org", "o", "--env", "e", "--offline", "--api-dump", &dump, "-o", format];
        let output = world.run(&own.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>());
        String::from_utf8(output.stdout).expect("text")
    };
    let symptom = ["--symptom", "ERR_SSL_PROTOCOL_ERROR"];
    assert!(run("short", &symptom).starts_with("UNKNOWN"), "{}", run("short", &symptom));
    let line: Value = serde_json::from_str(&run("jsonl", &symptom)).expect("one line of JSON");
    assert_eq!(line["kind"], "unknown");
    assert!(run("markdown", &symptom).starts_with("**UNKNOWN**"), "{}", run("markdown", &symptom));
    assert!(run("short", &[]).is_empty(), "{}", run("short", &[]));
    let leaf = format!("ks/api={}", world.file("leaf.pem", &world.pki.pem(&["api"])));
    let text = run("markdown", &["--keystore-file", &leaf]);
    for wanted in ["**LIKELY**", "chain-incomplete", "owner: edge-administrator", "**Fix**", "references/ks-ref"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn a_port_that_connect_to_gives_is_the_one_that_is_named() {
    let mut world = World::new();
    world.backend = crate::servers::Server::plain();
    let outcome = world.diagnose(&["--leg", "southbound"]);
    let connected = format!("port 443 (connected to 127.0.0.1:{})", world.backend.port);
    assert!(outcome.all().contains(&connected), "{connected}: {outcome:?}");
}

#[test]
fn a_key_log_without_a_capture_or_without_keys_is_refused() {
    let world = World::new();
    let log = world.file("keys.log", "no key\n");
    let output = world.run(&["edge", "diagnose", "--org", "o", "--env", "e", "--offline", "--keylog", &log]);
    assert_eq!(output.status.code(), Some(2), "it needs --pcap");
}
