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
    let others = kinds.iter().filter(|captured| !captured.kind.standing.is_failure());
    let others = others.filter(|captured| captured.kind.standing != Standing::Good);
    let wide = others.flat_map(|captured| described(captured)).collect();
    Ok(StepLines { seen, details, wide, not_done: false })
}

/// Returns the connections of one kind, and how Wireshark shows the first of them.
fn described(captured: &Captured<'_>) -> [String; 2] {
    [
        format!("{}: {}", captured.who(), captured.kind.sentence),
        format!("  {}: {}", captured.place(), captured.tally.filter),
    ]
}
