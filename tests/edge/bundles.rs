//! Bundles: what is read once, and what `--redact` replaces everywhere.

use serde_json::json;

use crate::servers::Server;
use crate::world::World;

#[test]
fn settings_from_standard_input_are_judged_and_kept() {
    let mut world = World::new();
    world.backend = Server::tls(world.pki, &["backend", "issuing"]).refusing_no_sni().start();
    let properties = b"jsse.enableSNIExtension=false\nkeystore.password=pw-SENTINEL-9\n";
    let bundle = world.collect_from(&["--sni", "auto", "--system-properties", "-"], properties);
    let files = world.unpacked(&bundle);
    let (_, kept) = files.iter().find(|(path, _)| path.contains("/files/01-")).expect("the file is in it");
    assert!(kept.contains("jsse.enableSNIExtension=false") && !kept.contains("SENTINEL"), "{kept}");
    let report = world.from(&bundle);
    assert!(report.contains("\"sni-missing\""), "{report}");
}

#[test]
fn secrets_without_a_name_are_not_in_the_settings_of_a_bundle() {
    let world = World::new();
    let conf = "map $http_x_key $ok { default 0; \"SENTINEL-1\" 1; }\ngeo $a { SENTINEL-2 1; }\n\
                server { ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH; secure_link_secret SENTINEL-3; }\n";
    let conf = world.file("0-default.conf", conf);
    let properties = "jsse.enableSNIExtension=true\npass\\\n  word=SENTINEL-4\nconf_credential.x = SENTINEL-5\n";
    let properties = world.file("mp.properties", properties);
    let bundle = world.collect(&["--router-conf", &conf, "--mp-properties", &properties]);
    let files = world.unpacked(&bundle);
    let with_secret: Vec<&String> =
        files.iter().filter(|(_, text)| text.contains("SENTINEL")).map(|(path, _)| path).collect();
    assert!(with_secret.is_empty(), "{with_secret:?}");
    let kept: String =
        files.iter().filter(|(path, _)| path.contains("/files/")).map(|(_, text)| text.as_str()).collect();
    assert!(kept.contains("ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH;"), "{kept}");
    assert!(kept.contains("jsse.enableSNIExtension=true"), "{kept}");
}

#[test]
fn standard_input_is_refused_for_two_inputs() {
    let world = World::new();
    let output = world.run(&[
        "edge",
        "diagnose",
        "--org",
        "o",
        "--env",
        "e",
        "--offline",
        "--mp-log",
        "-",
        "--router-conf",
        "-",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only once"));
}

/// Names and addresses of every kind of input, each with this word or in this network.
const NAMES: [&str; 3] = ["sentinel", "api.test", "backend.test"];
const ADDRESSES: [&str; 2] = ["203.0.113.", "10.20.0."];

#[test]
fn pseudonyms_replace_names_and_addresses_in_every_file_of_a_bundle() {
    let world = World::new();
    world.api.add("/targetservers", &json!(["orders", "one", "three"]));
    let one = json!({ "name": "one", "host": "sentinel-one", "port": 8443, "isEnabled": true, "sSLInfo":
        { "enabled": "true", "commonName": { "value": "sentinel_two", "wildcardMatch": true } } });
    world.api.add("/targetservers/one", &one);
    let three = json!({ "name": "three", "host": "203.0.113.20", "port": 9443, "isEnabled": true,
        "sSLInfo": { "enabled": true, "trustStore": "described" } });
    world.api.add("/targetservers/three", &three);
    let info = json!({ "subject": "CN=sentinel-four, O=Harbor", "issuer": "CN=ca.sentinel.test",
        "subjectAlternativeNames": ["DNS:sentinel-four", "203.0.113.21"], "serialNumber": "0a:be:ef:12:34",
        "expiryDate": "1756258950000", "validFrom": 1_456_258_950_000_i64, "isValid": "Yes" });
    world.api.add("/keystores/described", &json!({ "name": "described", "aliases": ["alias.sentinel.test"] }));
    let alias = json!({ "alias": "alias.sentinel.test", "certsInfo": { "certInfo": [info] }, "type": "CERT" });
    world.api.add("/keystores/described/aliases/alias.sentinel.test", &alias);
    let xml = "<TargetEndpoint name=\"default\"><HTTPTargetConnection><URL>https://sentinel-five:8443/x</URL>\
        </HTTPTargetConnection><!-- admin at host6.sentinel.test and 203.0.113.22 --></TargetEndpoint>";
    world.file("proxy/apiproxy/targets/default.xml", xml);
    let properties = world.file(
        "mp.properties",
        "conf_system_jsse.enableSNIExtension=true\nconf_x.host=host7.sentinel.test\nconf_y=203.0.113.23\n\
         conf_security_keystore.password=pw-sentinel-9\n",
    );
    let log =
        world.file("system.log", &world.log("No subject alternative DNS name matching host8.sentinel.test found."));
    let map = world.path("names.json");
    let proxy = world.path("proxy");
    let bundle = world.collect(&[
        "--mp-properties",
        &properties,
        "--mp-log",
        &log,
        "--proxy-bundle",
        &proxy,
        "--redact",
        "hosts,addresses",
        "--redact-map",
        &map,
        "--symptom",
        "curl: (60) no alternative certificate subject name matches target host name \
        'host9.sentinel.test'",
        "--probe",
        "none",
    ]);
    let files = world.unpacked(&bundle);
    for (path, text) in &files {
        for name in NAMES.iter().chain(&ADDRESSES) {
            assert!(!text.to_lowercase().contains(name) && !path.contains(name), "{path} has {name}: {text}");
        }
    }
    for wanted in
        ["api/targetservers/one.json", "api/keystores/described.json", "/files/01-mp.properties", "default.xml"]
    {
        assert!(files.keys().any(|path| path.ends_with(wanted)), "{wanted} in {:?}", files.keys());
    }
    let manifest = &files.iter().find(|(path, _)| path.ends_with("manifest.json")).expect("a manifest").1;
    assert!(manifest.contains("withheld: --redact cannot replace names within a certificate"), "{manifest}");
    let names = std::fs::read_to_string(map).expect("the list of pseudonyms");
    assert!(names.contains("host7.sentinel.test") && names.contains("203.0.113.23"), "{names}");
    // What a name looks like is not lost with it: Java sends no server_name for one label.
    let evidence = &files.iter().find(|(path, _)| path.ends_with("evidence.json")).expect("the evidence").1;
    let evidence: serde_json::Value = serde_json::from_str(evidence).expect("JSON");
    assert_eq!(evidence["edge"]["seen"]["notSent"].as_array().map(Vec::len), Some(3), "{evidence}");
    let (_, report) = files.iter().find(|(path, _)| path.ends_with("/report.json")).expect("the report");
    assert_eq!(*report, world.from(&bundle), "the same bytes");
}
