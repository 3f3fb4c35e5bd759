//! The step of the packet capture: what the captures hold, and each kind of failure with its first packet.

use super::super::measurement;
use crate::checks::captured::Standing;
use crate::checks::facts::captured::{self, Captured};
use crate::evidence::Evidence;
use crate::playbooks::{StepLines, StepSeen};
use crate::text::{count, some_of};

/// Returns the kinds of failures; where no capture was given, the command that makes one.
#[expect(clippy::unnecessary_wraps, reason = "steps have one shape")]
pub(super) fn of(evidence: &Evidence) -> StepSeen {
    if evidence.captures.is_empty() {
        return Ok(StepLines::not_done(measurement::capture(evidence).command));
    }
    let files = evidence.captures.iter().flat_map(|capture| &capture.files);
    let names: Vec<&str> = files.map(|file| file.name.as_str()).collect();
    let sum = |number: fn(&crate::evidence::capture::Capture) -> u64| {
        evidence.captures.iter().map(number).fold(0, u64::saturating_add)
    };
    let kinds = captured::kinds(evidence);
    let failed = kinds.iter().filter(|captured| captured.kind.standing.is_failure());
    let seen = format!(
        "{}: {}, {} completed, {} failed",
        some_of(&names),
        count(sum(|capture| capture.summary.flows), "connection"),
        count(sum(|capture| capture.summary.completed), "handshake"),
        failed.clone().map(|captured| captured.tally.flows).fold(0, u64::saturating_add)
    );
    let mut details: Vec<String> = failed.flat_map(|captured| described(captured)).collect();
    let elsewhere = sum(|capture| capture.elsewhere);
    if elsewhere > 0 {
        details.push(format!(
            "{} with other servers than the ingress: not judged here; `kubectl apigee-tls pcap` judges all",
            count(elsewhere, "connection")
        ));
    }
    if elsewhere == 0
        && let Some(addresses) = other_addresses(evidence, &kinds)
    {
        details.push(format!(
            "none with the ingress addresses ({}), so that all are judged: capture at an ingress pod or its node",
            some_of(&addresses)
        ));
    }
    let others = kinds.iter().filter(|captured| !captured.kind.standing.is_failure());
    let others = others.filter(|captured| captured.kind.standing != Standing::Good);
    let wide = others.flat_map(|captured| described(captured)).collect();
    Ok(StepLines { seen, details, wide, ..StepLines::default() })
}

/// Returns the addresses of the ingress, if they are known and no connection is with one of them.
fn other_addresses(evidence: &Evidence, kinds: &[Captured<'_>]) -> Option<Vec<String>> {
    let ingress = captured::ingress_addresses(evidence);
    let is_ingress = |captured: &Captured<'_>| {
        captured.tally.servers.keys().any(|server| ingress.contains(&server.ip().to_canonical()))
    };
    let is_elsewhere = !ingress.is_empty() && !kinds.is_empty() && !kinds.iter().any(is_ingress);
    is_elsewhere.then(|| ingress.iter().map(ToString::to_string).collect())
}

/// Returns the connections of one kind, and how Wireshark shows the first of them.
fn described(captured: &Captured<'_>) -> [String; 2] {
    [
        format!("{}: {}", captured.who(), captured.kind.sentence),
        format!("  {}: {}", captured.place(), captured.tally.filter),
    ]
}
