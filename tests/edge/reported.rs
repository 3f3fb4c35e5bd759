//! Logs and symptoms: whose failure they report, what contradicts them, and what to measure next.

use serde_json::json;

use crate::world::{Outcome, World};

/// Judges a log with this text beside saved answers.
fn logged(world: &World, text: &str) -> Outcome {
    let log = world.file("system.log", &world.log(text));
    world.offline(&["--api-dump", &world.dump(), "--mp-log", &log])
}

#[test]
fn a_name_of_another_server_is_not_of_the_only_target() {
    let world = World::new();
    let outcome = logged(&world, "No subject alternative DNS name matching other.test found.");
    outcome.claims("hostname-mismatch", "southbound", "backend-owner", "likely");
    assert_eq!(outcome.objects("hostname-mismatch"), ["203.0.113.10:443", "other.test"], "{outcome:?}");
    let outcome = logged(&world, "No subject alternative DNS name matching backend.test found.");
    assert_eq!(outcome.objects("hostname-mismatch")[0], "targetservers/orders", "{outcome:?}");
    let symptom = |text: &str| world.offline(&["--api-dump", &world.dump(), "--symptom", text]);
    let outcome = symptom("curl: (6) Could not resolve host: other.test");
    assert_eq!(outcome.objects("name-not-resolved"), ["other.test"], "{outcome:?}");
    let outcome = symptom("curl: (6) Could not resolve host: api.test");
    assert_eq!(outcome.objects("name-not-resolved"), ["virtualhosts/secure"], "{outcome:?}");
}

#[test]
fn alert_46_is_what_the_configured_certificate_shows() {
    let world = World::new();
    let unknown = "Received fatal alert: certificate_unknown";
    for (chain, cause) in [
        ("expired-app", "client-certificate-expired"),
        ("backend", "client-certificate-no-client-auth"),
        ("app", "client-certificate-untrusted"),
        ("early-app", "client-certificate-untrusted"),
    ] {
        world.target_presents(&[chain, "issuing"]);
        let outcome = logged(&world, unknown);
        outcome.is("cause", "southbound", 1);
        assert_eq!(outcome.causes(), [cause], "{outcome:?}");
        assert!(outcome.objects(cause).contains(&"203.0.113.10:443".to_owned()), "{outcome:?}");
    }
}

#[test]
fn a_client_certificate_of_a_target_that_ends_soon_is_a_risk() {
    let world = World::new();
    world.target_presents(&["ending-app", "issuing"]);
    let outcome = world.offline(&["--api-dump", &world.dump()]);
    outcome.is("atRisk", "southbound", 1);
    outcome.claims("certificate-expiring", "southbound", "edge-administrator", "likely");
    outcome.fixes(&["client certificate", "format=keycertfile"]);
}

#[test]
fn settings_that_java_does_not_know_are_the_administrators() {
    let world = World::new();
    for (text, cause) in [
        ("Unsupported CipherSuite: ECDHE-RSA-AES256-GCM-SHA384", "cipher-mismatch"),
        ("Unsupported protocolTLSv1.0", "protocol-mismatch"),
        ("Unexpected error: the trustAnchors parameter must be non-empty", "truststore-mismatch"),
    ] {
        let outcome = logged(&world, text);
        outcome.claims(cause, "southbound", "edge-administrator", "likely");
    }
    let outcome = logged(&world, "Received fatal alert: insufficient_security");
    outcome.claims("cipher-mismatch", "southbound", "backend-owner", "likely");
}

#[test]
fn java_that_calls_a_host_alias_is_a_client_app() {
    let world = World::new();
    let text = "javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching api.test found.";
    let outcome = world.offline(&["--api-dump", &world.dump(), "--symptom", text]);
    assert_eq!(outcome.objects("hostname-mismatch"), ["virtualhosts/secure"], "{outcome:?}");
    assert!(outcome.text().contains("northbound"), "{outcome:?}");
}

#[test]
fn a_log_of_json_records_is_read() {
    let world = World::new();
    let message = "HTTPClient$Context.handshakeFailed() : SSLClientChannel[C:203.0.113.10:443 Remote \
                   host:10.20.0.5:40000]@6 handshake failed, message: No name matching backend.test found";
    let record = |environment: &str| {
        let names = json!({ "org": "o", "env": environment, "api": "orders", "rev": "3", "messageid": "m" });
        json!({ "timestamp": "1796000000123", "level": "ERROR", "mdc": names, "message": message }).to_string()
    };
    let log = world.file("records.log", &format!("{}\n{}\n", record("e"), record("test")));
    let outcome = world.offline(&["--api-dump", &world.dump(), "--mp-log", &log]);
    outcome.claims("hostname-mismatch", "southbound", "backend-owner", "likely");
    assert!(outcome.all().contains("1 failed handshake of proxy orders revision 3"), "{outcome:?}");
}

#[test]
fn an_alert_that_the_configuration_contradicts_is_possible_at_most() {
    let world = World::new();
    let alerts = [
        ("certificate_expired", "client-certificate-expired"),
        ("unsupported_certificate", "client-certificate-no-client-auth"),
        ("certificate_unknown", "client-certificate-untrusted"),
        ("unknown_ca", "client-certificate-untrusted"),
    ];
    for (alert, cause) in alerts {
        let outcome = logged(&world, &format!("Received fatal alert: {alert}"));
        outcome.is("ambiguous", "southbound", 3);
        assert_eq!(outcome.causes(), [cause], "{outcome:?}");
        assert!(outcome.all().contains("has no client certificate configured"), "{outcome:?}");
        assert!(outcome.next().contains("tcpdump"), "{outcome:?}");
    }
    world.target_presents(&["app", "issuing"]);
    for (alert, cause) in &alerts[..2] {
        let outcome = logged(&world, &format!("Received fatal alert: {alert}"));
        outcome.is("ambiguous", "southbound", 3);
        assert_eq!(outcome.causes(), [*cause], "{outcome:?}");
        assert!(outcome.all().contains("presents another certificate"), "{outcome:?}");
    }
}

#[test]
fn a_failure_for_a_weak_certificate_is_a_cause() {
    let world = World::new();
    let outcome = logged(&world, "Certificates do not conform to algorithm constraints");
    outcome.is("cause", "southbound", 1);
    assert!(!outcome.all().contains("nobody was seen to fail"), "{outcome:?}");
}

#[test]
fn a_backend_with_an_ipv6_address_is_named_whole() {
    let world = World::new();
    let log = world.file("system.log", &world.log_of("[2001:db8::1]:443", "Received fatal alert: handshake_failure"));
    let outcome = world.offline(&["--mp-log", &log]);
    assert_eq!(outcome.objects("cipher-mismatch"), ["[2001:db8::1]:443"], "{outcome:?}");
    assert_eq!(outcome.next(), "kubectl apigee-tls probe '[2001:db8::1]:443' --sni HOSTNAME --full");
    world.target(&json!({ "enabled": "true" }));
    let target = json!({ "name": "orders", "host": "2001:db8::1", "port": 443, "sSLInfo": { "enabled": "true" } });
    world.api.add("/targetservers/orders", &target);
    let outcome = world.offline(&["--api-dump", &world.dump(), "--mp-log", &log]);
    assert_eq!(outcome.objects("cipher-mismatch")[0], "targetservers/orders", "{outcome:?}");
}

#[test]
fn the_next_measurement_decides_between_the_causes() {
    let world = World::new();
    for (text, wanted) in [
        ("curl: (7) Failed to connect to api.test port 443: Connection refused", "nc -vz -w 10 api.test "),
        ("curl: (6) Could not resolve host: api.test", "getent ahosts api.test"),
        ("curl: (28) Operation timed out after 55001 milliseconds", "timeout 60 openssl s_client -connect api.test:"),
        ("curl: (35) OpenSSL SSL_connect: Connection reset by peer", "-noservername"),
        ("curl: (35) sslv3 alert handshake failure", "-noservername"),
        ("curl: (35) tlsv1 alert protocol version", "probe api.test:"),
        ("curl: (60) SSL certificate problem: unable to get local issuer certificate", "-showcerts"),
        ("502 messaging.adaptors.http.flow.BadGateway", "timeout 60 openssl s_client -connect backend.test:443"),
        ("faultstring: Received fatal alert: handshake_failure", "probe backend.test:443 --full"),
    ] {
        let outcome = world.offline(&["--api-dump", &world.dump(), "--symptom", text]);
        assert!(outcome.next().contains(wanted), "{text}: {outcome:?}");
    }
}

#[test]
fn a_pasted_text_is_taken_as_it_is_and_never_repeated() {
    let world = World::new();
    let outcome = world.offline(&["--symptom", "---\nno peer certificate available\nSSL alert number 40"]);
    outcome.is("ambiguous", "northbound", 3);
    let next = outcome.next();
    let quoted = "--symptom '--- no peer certificate available SSL alert number 40'";
    assert!(next.contains(quoted) && !next.contains("BY_HAND"), "{next}");
    // What no quotes keep is left out.
    let outcome = world.offline(&["--symptom", "it's\n\"it\" with SSL alert number 40"]);
    assert!(!outcome.next().contains("--symptom") && !outcome.next().is_empty(), "{outcome:?}");
    let own = ["edge", "diagnose", "--org", "o", "--env", "e", "--offline"];
    let key = "---\n-----BEGIN PRIVATE KEY-----\nMIISENTINEL\n";
    for more in [&[key][..], &["--leg", key], &["--symptoms", key], &["--symptom", &format!("@{key}"), key]] {
        let output = world.run(&[&own[..], more].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{more:?}: {text}");
        assert!(!text.contains("SENTINEL"), "{more:?}: {text}");
    }
}
