//! nginx as the Router of a virtual host.

use crate::parts::parts;
use crate::world::World;

fn world(router: &str) -> World {
    World { router: parts().router(router), ..World::new() }
}

fn mutual(router: &str) -> World {
    World { is_mutual: true, ..world(router) }
}

#[test]
fn a_router_with_current_versions_is_healthy() {
    world("current").diagnose(&[]).is("healthy", "none", 0);
}

#[test]
fn a_router_with_tls_1_0_alone_is_the_operators() {
    let outcome = world("old").diagnose(&[]);
    outcome.claims("protocol-mismatch", "northbound", "edge-operator", "established");
    outcome.fixes(&["router.properties", "server.ssl.protocols", "edge-router restart"]);
}

#[test]
fn a_suite_that_a_client_app_lacks_is_a_cipher_mismatch() {
    let outcome = world("strong").diagnose(&["--client", "8-limited"]);
    outcome.claims("cipher-mismatch", "northbound", "edge-operator", "established");
    assert!(!outcome.has("protocol-mismatch"), "{outcome:?}");
    world("strong").diagnose(&[]).is("healthy", "none", 0);
}

#[test]
fn a_name_that_nginx_rejects_is_unknown_to_the_router() {
    let outcome = World { alias: "shop.test", ..world("current") }.diagnose(&[]);
    outcome.claims_any_owner("sni-unknown", "northbound", "likely");
    assert!(!outcome.has("cipher-mismatch") && !outcome.has("protocol-mismatch"), "{outcome:?}");
}

#[test]
fn clients_without_sni_are_refused_where_they_are_expected() {
    let outcome = world("current").diagnose(&["--expect", "non-sni"]);
    outcome.claims_any_owner("sni-missing", "northbound", "likely");
}

#[test]
fn a_port_of_plain_http_is_told_from_a_refusal() {
    let outcome = world("plain").diagnose(&["--leg", "northbound"]);
    outcome.claims_any_owner("plain-text-port", "northbound", "established");
}

/// nginx finishes the handshake, and refuses the certificate with HTTP 400 within TLS, in both versions.
#[test]
fn a_refused_client_certificate_is_read_from_http_400_within_tls() {
    for router in ["mutual-12", "mutual-13"] {
        // Who presents none learns nothing of those that do.
        let outcome = mutual(router).diagnose(&["--leg", "northbound"]);
        outcome.is("healthy", "none", 0);
        assert!(outcome.not_seen().contains("virtualhosts/secure with a client certificate"), "{outcome:?}");
        assert_eq!(outcome.check("AT731").0, "notApplicable", "{:?}", outcome.check("AT731"));
        let with = |name: &str| {
            let key = parts().file("key");
            mutual(router).diagnose(&["--client-cert", &parts().file(name), "--client-key", &key])
        };
        with("app").is("healthy", "none", 0);
        for (name, cause, certainty) in [
            ("expired-app", "client-certificate-expired", "established"),
            ("server-app", "client-certificate-no-client-auth", "established"),
            ("other-app", "client-certificate-untrusted", "likely"),
            ("early-app", "client-certificate-untrusted", "established"),
        ] {
            with(name).claims(cause, "northbound", "client-owner", certainty);
        }
    }
}

#[test]
fn a_backend_that_may_refuse_the_request_for_want_of_a_certificate_is_said() {
    let mut world = World::new();
    world.backend = parts().router("mutual-12");
    let outcome = world.diagnose(&["--leg", "southbound"]);
    assert!(outcome.not_seen().contains("targetservers/orders answers requests without a client cert"), "{outcome:?}");
    assert!(!outcome.has("client-certificate-missing"), "{outcome:?}");
}

#[test]
fn a_router_that_demands_what_the_virtual_host_does_not_has_not_loaded_it() {
    let outcome = world("mutual-12").diagnose(&[]);
    outcome.is("cause", "northbound", 1);
    outcome.claims("router-not-reloaded", "northbound", "edge-operator", "likely");
    assert!(!outcome.has("client-certificate-missing"), "{outcome:?}");
}

#[test]
fn a_router_that_requests_no_certificate_for_two_way_tls_is_a_risk() {
    for router in ["current", "bad-request"] {
        let outcome = mutual(router).diagnose(&[]);
        outcome.is("atRisk", "northbound", 1);
        outcome.claims("router-not-reloaded", "northbound", "edge-operator", "likely");
        assert!(!outcome.has("client-certificate-missing"), "HTTP 400 has another reason: {outcome:?}");
    }
    world("bad-request").diagnose(&[]).is("healthy", "none", 0);
}

#[test]
fn a_virtual_host_without_truststore_is_not_one_that_a_router_has_not_loaded() {
    let outcome = World { lacks_truststore: true, ..mutual("current") }.diagnose(&[]);
    outcome.claims("truststore-missing", "northbound", "edge-administrator", "likely");
    assert!(!outcome.has("router-not-reloaded"), "{outcome:?}");
}

#[test]
fn a_keystore_that_is_gone_is_a_risk_while_a_router_serves_what_it_loaded() {
    let world = world("current");
    world.api.add("/references/ks-ref", &serde_json::json!({ "name": "ks-ref", "refers": "gone" }));
    let outcome = world.diagnose(&[]);
    outcome.is("atRisk", "northbound", 1);
    outcome.claims("keystore-missing", "northbound", "edge-administrator", "established");
    world.diagnose(&["--probe", "none"]).is("cause", "northbound", 1);
}

#[test]
fn versions_and_suites_of_a_router_that_nginx_does_not_know_are_possible() {
    let world = world("current");
    let key = "conf_load_balancing_load.balancing.driver.server.ssl";
    for (setting, cause) in [
        ("protocols=TLSv1.2,TLSv1.3", "protocol-mismatch"),
        ("ciphers=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "cipher-mismatch"),
    ] {
        let file = world.file("router.properties", &format!("{key}.{setting}\n"));
        let outcome = world.diagnose(&["--probe", "none", "--router-properties", &file]);
        outcome.claims(cause, "northbound", "edge-operator", "possible");
        assert_eq!(outcome.code, 3, "{outcome:?}");
    }
    let file = world.file("router.properties", &format!("{key}.protocols=tlsv1.2 TLSV1.3\n"));
    world.diagnose(&["--probe", "none", "--router-properties", &file]).is("healthy", "none", 0);
}

#[test]
fn a_port_that_expects_no_proxy_header_is_not_without_tls() {
    let outcome = World { is_proxied: true, ..world("current") }.diagnose(&["--leg", "northbound"]);
    outcome.is("ambiguous", "northbound", 3);
    assert!(!outcome.has("plain-text-port"), "{outcome:?}");
    assert!(outcome.all().contains("the port does not expect PROXY"), "{outcome:?}");
}

#[test]
fn a_router_that_refuses_what_its_truststore_trusts_has_not_loaded_it() {
    let world = mutual("mutual-12");
    world.truststore("other-root");
    let arguments = ["--client-cert", &parts().file("other-app"), "--client-key", &parts().file("key")];
    let outcome = world.diagnose(&[&arguments[..], &["--leg", "northbound"]].concat());
    outcome.claims("router-not-reloaded", "northbound", "edge-operator", "likely");
}
