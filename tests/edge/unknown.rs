//! What was seen to fail is never called healthy, and what was not looked at never well.

use crate::world::World;

const FAILED: &str = "2017-10-23 05:28:57,813 org:o env:e api:orders rev:3 messageid:m NIOThread@0 ERROR HTTP.CLIENT - \
    HTTPClient$Context.handshakeFailed() : SSLClientChannel[C:203.0.113.10:443 Remote host:10.20.0.5:40000]@65461 \
    useCount=1 handshake failed, message: ";

#[test]
fn a_failure_whose_text_does_not_say_why_is_unknown() {
    let world = World::new();
    for text in ["General SSLEngine problem", "Received fatal alert: internal_error", "SSLEngine closed already"] {
        let log = world.file("system.log", &format!("{FAILED}{text}\n"));
        let outcome = world.offline(&["--mp-log", &log]);
        outcome.is("unknown", "southbound", 3);
        assert!(outcome.all().contains(text), "{outcome:?}");
        assert!(outcome.all().contains(&format!("--mp-log {log}")), "the flags of the run: {outcome:?}");
        assert!(outcome.all().contains("--management-url \"$MANAGEMENT_URL\""), "no other server: {outcome:?}");
    }
}

#[test]
fn an_exception_below_its_event_counts() {
    let world = World::new();
    let event = "2026-11-29 13:51:07,980 org:o env:e api:orders rev:3 NIOThread@1 ERROR HTTP.CLIENT - \
        HTTPClient$Context.onException() : failed\njavax.net.ssl.SSLException: Received fatal alert: handshake_failure\n";
    let log = world.file("system.log", event);
    let outcome = world.offline(&["--mp-log", &log]);
    outcome.is("ambiguous", "southbound", 3);
}

#[test]
fn a_log_of_other_organizations_names_them() {
    let world = World::new();
    let log = world.file("system.log", &format!("{}No name matching\n", FAILED.replace("org:o", "org:acme")));
    let outcome = world.offline(&["--mp-log", &log]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.all().contains("acme/e"), "{outcome:?}");
}

#[test]
fn files_that_are_no_log_are_refused_or_said() {
    let world = World::new();
    let empty = world.file("empty.log", "");
    let outcome = world.offline(&["--mp-log", &empty]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.all().contains("no line of a Message Processor log"), "{outcome:?}");
    let pem = world.file("be.pem", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n");
    let output = world.run(&["edge", "diagnose", "--org", "o", "--env", "e", "--offline", "--mp-log", &pem]);
    assert_eq!(output.status.code(), Some(2));
    let output = world.run(&["edge", "diagnose", "--org", "o", "--env", "e", "--offline"]);
    assert_eq!(output.status.code(), Some(2), "nothing to judge");
}

#[test]
fn a_bundle_beside_other_flags_or_under_other_commands_is_refused() {
    let world = World::new();
    let log = world.file("quiet.log", "2017-10-23 05:28:57,813 org:o env:e api:orders rev:3 INFO HTTP - well\n");
    let bundle = world.collect(&["--mp-log", &log]);
    let files = world.unpacked(&bundle);
    let manifest = files.iter().find(|(path, _)| path.ends_with("/manifest.json")).map(|(_, text)| text.as_str());
    assert!(manifest.is_some_and(|text| text.contains("quiet.log")), "the log is listed: {manifest:?}");
    let page = files.iter().find(|(path, _)| path.ends_with("README.md")).map(|(_, text)| text.as_str());
    assert!(page.is_some_and(|text| text.contains("`api/`") && !text.contains("`logs/`")), "{page:?}");
    for arguments in [
        &["edge", "diagnose", "--from", &bundle, "--mp-log", &log][..],
        &["diagnose", "--from", &bundle],
        &["trace", "--from", &bundle, "--no-sni"],
        &["diff", &bundle, &bundle],
    ] {
        let output = world.run(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains("--mp-log") || text.contains("edge diagnose --from"), "{arguments:?}: {text}");
    }
}
