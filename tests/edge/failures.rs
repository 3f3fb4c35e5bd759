//! Several failures at once: each has its causes, its fix and its measurement, and no advice says more than was
//! seen.

use serde_json::json;

use crate::builder::{Talk, alert, framed, hello, merged, pcap};
use crate::world::{Outcome, World};

const OTHER: &str = "203.0.113.11:8443";
/// Ethernet.
const LINK: u32 = 1;

fn of_logs(world: &World, lines: &[String]) -> Outcome {
    let log = world.file("system.log", &lines.concat());
    world.offline(&["--mp-log", &log])
}

#[test]
fn two_open_failures_of_a_log_have_a_measurement_each() {
    let world = World::new();
    let alert = world.log("Received fatal alert: handshake_failure");
    for backend in [OTHER, "203.0.113.10:443"] {
        let lines = [alert.clone(), world.log_of(backend, "PKIX path building failed: unable to find")];
        let outcome = of_logs(&world, &lines);
        outcome.is("ambiguous", "southbound", 3);
        for cause in ["cipher-mismatch", "sni-missing", "truststore-mismatch", "chain-incomplete"] {
            assert!(outcome.has(cause), "{cause}: {outcome:?}");
        }
        let next = outcome.next();
        assert_eq!(next.lines().count(), 2, "{next}");
        assert!(next.contains("probe 203.0.113.10:443 --sni HOSTNAME --full"), "{next}");
        assert!(next.contains(&format!("{backend} -servername HOSTNAME -showcerts")), "{next}");
        assert!(outcome.all().contains("handshakes fail in 2 ways"), "{outcome:?}");
    }
    // Texts that fit the same causes need one.
    let lines = [alert.clone(), world.log("Received fatal alert: handshake_failure (again)")];
    let outcome = of_logs(&world, &lines);
    assert_eq!(outcome.next().lines().count(), 1, "{outcome:?}");
}

#[test]
fn a_failure_with_a_cause_does_not_hide_another_one() {
    let world = World::new();
    let named = world.log("No name matching b found");
    let outcome = of_logs(&world, &[named.clone(), world.log("Received fatal alert: handshake_failure")]);
    outcome.claims("hostname-mismatch", "southbound", "backend-owner", "likely");
    assert!(outcome.has("cipher-mismatch") && outcome.next().contains("--full"), "{outcome:?}");
    // Both are claims, each with its fix.
    let outcome = of_logs(&world, &[named.clone(), world.log_of(OTHER, "Received fatal alert: unknown_ca")]);
    outcome.claims("client-certificate-untrusted", "southbound", "backend-owner", "likely");
    outcome.fixes(&["Correct the host of 203.0.113.10:443", OTHER, "2 causes"]);
    assert!(outcome.next().is_empty(), "{outcome:?}");
    // A reset may hide the alert that says why.
    let outcome = of_logs(&world, &[named, world.log("Connection reset")]);
    assert!(!outcome.has("reset-in-hello"), "{outcome:?}");
}

#[test]
fn servers_at_two_ports_of_a_host_fail_each_by_itself() {
    let world = World::new();
    let captured = |server: &str, client: &str, name: Option<&str>, number: u8| {
        let mut talk = Talk::open(client, server);
        talk.client_says(&hello(name));
        talk.server_says(&alert(2, number));
        talk
    };
    let (client, other) = ("10.20.0.5:40000", "10.20.0.5:40001");
    let unknown = captured("203.0.113.10:443", client, Some("shop.example"), 112);
    let both = |second: Talk| {
        let capture = world.bytes("mp.pcap", &pcap(LINK, &framed(&merged(&[unknown.clone(), second]))));
        world.offline(&["--pcap", &capture, "--mp-address", "10.20.0.5"])
    };
    let outcome = both(captured("203.0.113.10:8443", other, None, 40));
    outcome.claims_any_owner("sni-unknown", "southbound", "likely");
    assert!(outcome.has("sni-missing"), "what fails at port 8443 is another failure: {outcome:?}");
    assert!(outcome.next().contains("203.0.113.10:8443"), "{outcome:?}");
    // A failure that nothing fits is not hidden by one that is explained.
    let outcome = both(captured("203.0.113.10:8443", other, None, 80));
    outcome.claims_any_owner("sni-unknown", "southbound", "likely");
    assert!(outcome.not_seen().contains("10.20.0.5 to 203.0.113.10:8443"), "{outcome:?}");
    // The same cause at both is two causes.
    let outcome = both(captured("203.0.113.10:8443", other, Some("shop.example"), 112));
    outcome.fixes(&[
        "2 causes",
        "203.0.113.10:443: the server does not know",
        "203.0.113.10:8443: the server does not",
    ]);
}

#[test]
fn a_refused_version_alone_says_not_which_side_is_behind() {
    let world = World::new();
    let dump = world.dump();
    for text in ["Received fatal alert: protocol_version", "Received close_notify during handshake"] {
        let log = world.file("system.log", &world.log(text));
        for more in [&["--mp-log", log.as_str()][..], &["--mp-log", log.as_str(), "--api-dump", &dump]] {
            let outcome = world.offline(more);
            outcome.claims("protocol-mismatch", "southbound", "backend-owner", "likely");
            outcome.fixes(&[
                "Find out which versions the backend of",
                "--full",
                "TLS 1.3 alone",
                "TLS 1.0 or 1.1 alone",
            ]);
            for advice in ["Upgrade the backend", "Stop-gap", "disabledAlgorithms"] {
                assert!(!outcome.all().contains(advice), "{advice}: {outcome:?}");
            }
        }
    }
    // What the Message Processor offers, or what the backend chose, shows it.
    let judged = |text: &str, java: &str| {
        let log = world.file("system.log", &world.log(text));
        world.offline(&["--mp-log", &log, "--api-dump", &dump, "--java", java])
    };
    judged("Received fatal alert: protocol_version", "17").fixes(&["Upgrade the backend", "disabledAlgorithms"]);
    judged("Received fatal alert: protocol_version", "8-classic").fixes(&["accept TLS 1.2 as well"]);
    let chosen = "Server chose TLSv1, but that protocol version is not enabled or not supported by the client.";
    judged(chosen, "8-modern").fixes(&["Stop-gap until then: pin TLSv1 in targetservers/orders"]);
    // Java that sends nothing is no backend's fault.
    let unsent = judged("No appropriate protocol (protocol is disabled or cipher suites are inappropriate)", "17");
    unsent.fixes(&["Let the Java of the Message Processors offer TLS 1.2"]);
    assert!(!unsent.all().contains("Upgrade the backend"), "{unsent:?}");
    let northbound = world.offline(&["--symptom", "curl: (35) tlsv1 alert protocol version"]);
    northbound.fixes(&["If the client app offers older versions alone", "If the Routers accept none of these"]);
}

#[test]
fn sentences_without_an_object_have_no_gap() {
    let world = World::new();
    for symptom in [
        "faultstring: Received fatal alert: protocol_version",
        "faultstring: Received fatal alert: unrecognized_name",
        "faultstring: PKIX path building failed",
        "faultstring: No name matching b found",
        "faultstring: Received fatal alert: bad_certificate",
        "faultstring: Received fatal alert: handshake_failure",
        "faultstring: Received fatal alert: certificate_expired",
        "faultstring: Connection refused",
        "curl: (60) SSL certificate problem",
        "curl: (6) Could not resolve host",
        "400 The SSL certificate error",
        "curl: (35) alert number 40",
    ] {
        let outcome = world.offline(&["--symptom", symptom]);
        let text = outcome.text();
        let fix = text.split_once("FIX").map(|(_, fix)| fix).unwrap_or_default();
        for line in fix.lines().map(str::trim) {
            let is_broken =
                ["of  ", " of (", " in (", " for (", "  (", ": (", "of ,"].iter().any(|gap| line.contains(gap));
            assert!(!is_broken && !line.contains(" : ") && !line.contains(". :"), "{symptom}: {line}");
        }
    }
}

#[test]
fn long_texts_end_with_a_word() {
    let world = World::new();
    let symptom = format!("curl: (60) {}", "certificate ".repeat(30));
    let outcome = world.offline(&["--symptom", &symptom]);
    assert!(outcome.all().contains("certificate…") && !outcome.all().contains("certif…"), "{outcome:?}");
    let log = world.file("system.log", &world.log(&format!("Unheard {}", "of words ".repeat(90))));
    let outcome = world.offline(&["--mp-log", &log]);
    assert!(outcome.not_seen().contains("words…") || outcome.not_seen().contains("of…"), "{outcome:?}");
}

#[test]
fn calls_of_the_api_log_in_as_the_run_did() {
    let world = World::new();
    let leaf = format!("ks/api={}", world.file("leaf.pem", &world.pki.pem(&["api"])));
    let dump = world.dump();
    let user = world.file("user.txt", "me:pw-SENTINEL-9\n");
    let netrc = world.file("netrc", "machine ms login me password pw-SENTINEL-9\n");
    let token = world.file("token.txt", "tok-SENTINEL-9\n");
    for (flag, file, wanted) in [
        ("--user-file", &user, format!("-u \"$(cat {user})\"")),
        ("--netrc-file", &netrc, format!("--netrc-file {netrc} ")),
        ("--token-file", &token, "-H \"Authorization: Bearer $TOKEN\"".to_owned()),
    ] {
        let outcome = world.offline(&["--api-dump", &dump, "--keystore-file", &leaf, flag, file]);
        outcome.fixes(&["curl -X POST", &wanted]);
        let has_token = outcome.text().contains("$TOKEN");
        assert_eq!(has_token, flag == "--token-file", "{outcome:?}");
        assert!(!outcome.all().contains("SENTINEL"), "{outcome:?}");
    }
}

#[test]
fn what_a_target_pins_shows_which_side_is_behind() {
    let world = World::new();
    let log = world.file("system.log", &world.log("Received fatal alert: protocol_version"));
    for (pinned, wanted) in [
        ("TLSv1", "Pin TLSv1.2 in place of TLSv1, or nothing, in targetservers/orders"),
        ("TLSv1.3", "Pin TLSv1.2 in place of TLSv1.3, or nothing, in targetservers/orders"),
        ("TLSv1.2", "Find out which versions the backend of targetservers/orders accepts"),
    ] {
        world.target(&json!({ "enabled": "true", "trustStore": "ref://ts-ref", "protocols": [pinned] }));
        let dump = world.dump();
        let outcome = world.offline(&["--mp-log", &log, "--api-dump", &dump, "--java", "17"]);
        outcome.fixes(&[wanted]);
        assert!(!outcome.all().contains("disabledAlgorithms="), "{pinned}: {outcome:?}");
    }
}
