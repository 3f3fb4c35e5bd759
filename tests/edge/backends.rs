//! Backends on Java, Go and OpenSSL, and Java as the Message Processor: what JSSE says of a handshake, and
//! what the program concludes from its own, must agree. JSSE's words, in a compressed log, lead to the same
//! cause.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::parts::{MessageProcessor, parts};
use crate::pki::BACKEND;
use crate::servers::Server;
use crate::world::World;

const TRUSTING_ROOT: MessageProcessor<'_> =
    MessageProcessor { trusted: "root", own: "-", versions: "-", sends_sni: true };

/// What Java says, and the cause, owner and certainty that follow from a handshake.
struct Truth {
    says: &'static str,
    cause: &'static str,
    owner: &'static str,
    certainty: &'static str,
}

impl Truth {
    fn holds(&self, world: &World, of: MessageProcessor<'_>, more: &[&str]) {
        let said = parts().says(BACKEND, world.backend.port, of);
        // A server that closes at once after its alert: the reset may overtake it.
        let is_overtaken = said == "Broken pipe" || said.starts_with("Connection reset");
        assert!(is_overtaken || said.contains(self.says), "Java says {said}, not {}", self.says);
        let outcome = world.diagnose(more);
        outcome.claims(self.cause, "southbound", self.owner, self.certainty);
        if is_overtaken {
            return;
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(world.log(&said).as_bytes()).expect("memory");
        let log = world.bytes("system.log.gz", &packed.finish().expect("memory"));
        let outcome = world.offline(&["--api-dump", &world.dump(), "--mp-log", &log, "--sni", "on"]);
        assert!(outcome.has(self.cause), "the log says {said}: {outcome:?}");
    }
}

fn is_healthy(world: &World, of: MessageProcessor<'_>, more: &[&str]) {
    let said = parts().says(BACKEND, world.backend.port, of);
    assert!(said.starts_with("ok"), "Java says {said}");
    world.diagnose(more).is("healthy", "none", 0);
}

#[test]
fn a_java_backend_that_demands_a_certificate_gets_none() {
    let truth = Truth {
        says: "bad_certificate",
        cause: "client-certificate-missing",
        owner: "edge-administrator",
        certainty: "established",
    };
    for version in ["TLSv1.2", "TLSv1.3"] {
        let backend = parts().java("backend", version, "root");
        let world = World { backend, ..World::new() };
        truth.holds(&world, TRUSTING_ROOT, &[]);
        world.target_presents(&["app", "issuing"]);
        let key = parts().file("key");
        let own = MessageProcessor { own: "app", ..TRUSTING_ROOT };
        is_healthy(&world, own, &["--mp-cert", &parts().file("app"), "--mp-key", &key]);
    }
}

#[test]
fn a_go_backend_that_demands_a_certificate_gets_none() {
    for (backend, says) in [("mutual-1.2", "handshake_failure"), ("mutual-1.3", "certificate_required")] {
        let world = World { backend: parts().go(backend), ..World::new() };
        let truth =
            Truth { says, cause: "client-certificate-missing", owner: "edge-administrator", certainty: "established" };
        truth.holds(&world, TRUSTING_ROOT, &[]);
    }
}

#[test]
fn a_go_backend_with_tls_1_3_alone_refuses_an_older_java() {
    let world = World { backend: parts().go("only-1.3"), ..World::new() };
    is_healthy(&world, TRUSTING_ROOT, &[]);
    let truth = Truth {
        says: "protocol_version",
        cause: "protocol-mismatch",
        owner: "edge-operator",
        certainty: "established",
    };
    let classic = MessageProcessor { versions: "TLSv1.2", ..TRUSTING_ROOT };
    truth.holds(&world, classic, &["--java", "8-classic"]);
}

#[test]
fn java_refuses_what_is_reported_of_the_chain_of_a_backend() {
    for (chain, trusted, says, cause, owner) in [
        ("leaf", "root", "PKIX path building failed", "chain-incomplete", "backend-owner"),
        ("backend", "other-root", "PKIX path building failed", "truststore-mismatch", "edge-administrator"),
        ("expired-backend", "root", "validity check failed", "certificate-expired", "backend-owner"),
        ("renamed", "root", "No subject alternative DNS name matching", "hostname-mismatch", "backend-owner"),
    ] {
        let world = World { backend: parts().java(chain, "TLSv1.2", "-"), ..World::new() };
        world.truststore(trusted);
        let certainty = if cause == "hostname-mismatch" { "likely" } else { "established" };
        let truth = Truth { says, cause, owner, certainty };
        truth.holds(&world, MessageProcessor { trusted, ..TRUSTING_ROOT }, &[]);
    }
}

/// JSSE sorts what a backend sends, and takes any entry of the truststore as an anchor, also an expired leaf.
#[test]
fn java_accepts_what_is_no_fault_of_a_backend() {
    for (chain, trusted, entry) in [
        (&["backend", "root", "issuing"][..], "root", "root"),
        (&["backend"], "issuing", "issuing"),
        (&["backend"], "leaf", "backend"),
        (&["expired-backend", "issuing"], "expired-leaf", "expired-backend"),
        (&["elsewhere"], "other-root", "other-root"),
    ] {
        let mut world = World::new();
        world.backend = Server::tls(world.pki, chain).start();
        world.truststore(entry);
        is_healthy(&world, MessageProcessor { trusted, ..TRUSTING_ROOT }, &[]);
    }
}

#[test]
fn an_issuer_that_openssl_does_not_list_makes_java_send_an_empty_certificate() {
    let mut world = World::new();
    let server = Server::tls(world.pki, &["backend", "issuing"]).versions("1.2", "1.2");
    world.backend = server.demanding_of(world.pki, "other-root").start();
    world.target_presents(&["app", "issuing"]);
    let said = parts().says(BACKEND, world.backend.port, MessageProcessor { own: "app", ..TRUSTING_ROOT });
    // The reset of a server that closes at once may overtake its alert.
    assert!(!said.starts_with("ok"), "Java says {said}");
    let outcome = world.diagnose(&[]);
    outcome.claims_any_owner("client-certificate-authority-not-listed", "southbound", "likely");
    assert!(!outcome.has("client-certificate-missing"), "{outcome:?}");
}

/// Apigee X and hybrid check the chain with `enforce`. Without a truststore, what they then trust is not
/// known.
#[test]
fn enforce_without_a_truststore_is_judged_on_google() {
    let judged = |chain: &[&str]| {
        let mut world = World::new();
        world.backend = Server::tls(world.pki, chain).start();
        world.target(&json!({ "enabled": true, "enforce": true }));
        world.diagnose(&["--api", "google"])
    };
    let outcome = judged(&["alone"]);
    outcome.claims("certificate-self-signed", "southbound", "backend-owner", "likely");
    let outcome = judged(&["elsewhere", "other-root"]);
    assert!(outcome.has("truststore-missing") && !outcome.has("truststore-mismatch"), "{outcome:?}");
}

#[test]
fn an_openssl_backend_that_needs_sni_refuses_a_java_without_it() {
    let mut world = World::new();
    world.backend = Server::tls(world.pki, &["backend", "issuing"]).refusing_no_sni().start();
    let off = MessageProcessor { sends_sni: false, ..TRUSTING_ROOT };
    let said = parts().says(BACKEND, world.backend.port, off);
    assert!(said.contains("handshake_failure"), "Java says {said}");
    let outcome = world.diagnose_with_sni("off", &[]);
    outcome.claims("sni-missing", "southbound", "edge-operator", "established");
}
