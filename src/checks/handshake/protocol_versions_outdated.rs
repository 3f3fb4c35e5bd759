//! AT534: an endpoint offers nothing above TLS 1.1.

use crate::checks::facts::probed::{self, Fault, Probe};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Outcome};
use crate::evidence::handshake::{Endpoint, ProbeQuestion, is_legacy_version};
use crate::evidence::{Evidence, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT534"),
    name: "protocol-versions-outdated",
    level: Level::Error,
    summary: "The server offers nothing above TLS 1.1, which current clients refuse",
    explanation: Explanation {
        looks_for: "A handshake that offered TLS 1.2 or later, for which the server chose TLS 1.1 or earlier, \
            or a scan (--full) that found no later version. With --client, nothing: the verdict is about that client. This program lowers its own security level to \
            see such servers; other clients do not.",
        matters: "OpenSSL 3 at its default security level, Java since 8u291 and 11.0.11, and all current \
            browsers refuse TLS 1.0 and 1.1. Their handshakes fail with protocol_version, unsupported \
            protocol or \"no appropriate protocol\".",
        fix: "Enable TLS 1.2 and 1.3 on the server. For an ingress gateway, remove maxTLSProtocolVersion from \
            the virtual host and run helm upgrade. For a load balancer, choose a security policy with TLS 1.2.",
    },
    reference: "RFC 8996; OpenSSL 3.0 migration guide, security levels; Java release notes 8u291 and 11.0.11",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    if let Some(client) = &probes.question.client {
        return Ok(Outcome::NotApplicable(format!("the handshakes are made for one client (--client {client})")));
    }
    let mut faults = Vec::new();
    for endpoint in &probes.endpoints {
        if let Some((probe, newest)) = newest(&probes.question, endpoint)
            && is_legacy_version(newest)
        {
            faults.push(Fault {
                probe,
                what: format!(
                    "offers nothing above {newest}: clients with OpenSSL 3, Java since 8u291 and 11.0.11, and browsers \
                     refuse it"
                ),
                observed: newest.to_owned(),
                expected: "TLSv1.2 or TLSv1.3".into(),
            });
        }
    }
    let is_limited = probes.question.max_version.as_deref().is_some_and(is_legacy_version);
    let nothing = is_limited.then_some("--tls-max leaves out TLS 1.2 and later");
    let seen = "every endpoint that negotiated a version offers TLS 1.2 or later";
    probed::judgement_if_seen(probes, probed::by_host(faults), seen, nothing)
}

/// Returns the newest version that the endpoint offers, with a handshake to which it chose one.
fn newest<'a>(question: &ProbeQuestion, endpoint: &'a Endpoint) -> Option<(Probe<'a>, &'a str)> {
    let agreed = endpoint.handshakes.iter().filter_map(|made| Some((made, made.session.as_ref()?.protocol.as_str())));
    let (made, chosen) = agreed.max_by_key(|(_, version)| !is_legacy_version(version))?;
    if let Seen::Seen(scan) = &endpoint.scan
        && scan.versions.iter().all(|version| version.cut.is_none())
        && let Some(last) = scan.versions.iter().rev().find(|version| !version.suites.is_empty())
    {
        return Some(((endpoint, made), &last.version));
    }
    let offered_more = !question.max_version.as_deref().is_some_and(is_legacy_version);
    offered_more.then_some(((endpoint, made), chosen))
}
