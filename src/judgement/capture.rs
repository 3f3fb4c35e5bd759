//! The report of `pcap`: totals of the captures, the judgement of each kind of connection, what could not be
//! seen, the exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailOn;
use crate::checks::captured::{self, Kind, Standing};
use crate::evidence::capture::{Capture, FlowTally, Group, NameKind};
use crate::verdict::NotSeen;

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.pcap/v1";

/// Everything that one run of `pcap` reports.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaptureReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub tool_version: String,
    pub question: Question,
    /// One sentence.
    pub verdict: String,
    /// The kinds of connections: failures first, the most frequent first.
    pub kinds: Vec<KindReport>,
    pub not_seen: Vec<NotSeen>,
    pub capture: Capture,
    pub exit_code: u8,
}

/// The part of the command line that the report depends on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// As the user typed them: `--port 443`.
    pub filters: Vec<String>,
    /// The file that packets were written to, and how many.
    pub written: Option<(String, u64)>,
}

/// The connections of one kind.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KindReport {
    pub kind: Kind,
    #[serde(flatten)]
    pub tally: FlowTally,
}

/// Judges the content of the captures.
#[must_use]
pub fn build(capture: Capture, question: Question, fail_on: FailOn) -> CaptureReport {
    let kinds = kinds(&capture.summary.groups);
    let not_seen = not_seen(&capture, &kinds);
    let worst = kinds.iter().filter_map(|kind| match kind.kind.standing {
        Standing::Failed(level) => Some(level),
        _ => None,
    });
    let exit_code = match worst.max() {
        _ if capture.interrupted => 130,
        Some(level) if fail_on.reaches(level) => 1,
        _ if !not_seen.is_empty() => 3,
        _ => 0,
    };
    CaptureReport {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        question,
        verdict: verdict(&capture, &kinds),
        kinds,
        not_seen,
        capture,
        exit_code,
    }
}

fn kinds(groups: &[Group]) -> Vec<KindReport> {
    let mut kinds: Vec<KindReport> = Vec::new();
    for group in groups {
        let kind = captured::judge(&group.signature);
        // Several groups may have the same sentence.
        match kinds.iter_mut().find(|known| known.kind.sentence == kind.sentence) {
            Some(known) => known.tally.merge(&group.tally),
            None => kinds.push(KindReport { kind, tally: group.tally.clone() }),
        }
    }
    kinds.sort_by(|one, other| {
        let rank = |kind: &KindReport| match kind.kind.standing {
            Standing::Failed(_) => 0,
            Standing::Unknown => 1,
            Standing::Good => 2,
            Standing::Beside => 3,
        };
        rank(one).cmp(&rank(other)).then(one.tally.most_frequent_first(&other.tally))
    });
    kinds
}

fn verdict(capture: &Capture, kinds: &[KindReport]) -> String {
    let failing: u64 = kinds.iter().filter(|kind| kind.kind.standing.is_failure()).map(|kind| kind.tally.flows).sum();
    let summary = &capture.summary;
    match kinds.iter().find(|kind| kind.kind.standing.is_failure()) {
        Some(most) => format!(
            "{} of {} fail; most often: {} ({})",
            failing,
            counted(failing + summary.completed, "TLS handshake"),
            most.kind.sentence,
            most.tally.flows
        ),
        None if summary.completed > 0 => {
            format!("no handshake fails: {} completed", counted(summary.completed, "TLS handshake"))
        }
        None if summary.flows > 0 => {
            format!("no TLS handshake can be judged, in {}", counted(summary.flows, "TCP connection"))
        }
        None => "no TCP connection was read".to_owned(),
    }
}

fn not_seen(capture: &Capture, kinds: &[KindReport]) -> Vec<NotSeen> {
    let mut list = Vec::new();
    let mut add = |what: String, why: String| list.push(NotSeen { what, why, measurement: None });
    for file in &capture.files {
        if let Some(damage) = &file.damage {
            let state = if damage.cut { "cut" } else { "damaged" };
            add(
                format!("the rest of {}", file.name),
                format!(
                    "{state} at byte {}: {}; {} read before",
                    damage.offset,
                    damage.what,
                    counted(damage.packets, "packet")
                ),
            );
        }
    }
    for (what, packets) in &capture.unread {
        add(what.clone(), format!("not read, {}", counted(*packets, "packet")));
    }
    for kind in kinds.iter().filter(|kind| kind.kind.standing == Standing::Unknown) {
        add(counted(kind.tally.flows, "connection"), kind.kind.sentence.clone());
    }
    let unclear = capture.summary.groups.iter().filter(|group| group.signature.hello_unclear);
    let unclear: u64 =
        unclear.filter(|group| group.signature.name == NameKind::Unknown).map(|group| group.tally.flows).sum();
    if unclear > 0 {
        add(
            format!("the SNI of {}", counted(unclear, "connection")),
            "the ClientHello is cut or malformed; capture whole packets (`tcpdump -s 0`)".to_owned(),
        );
    }
    let limits = &capture.limits;
    for (count, what, why) in [
        (limits.flows_evicted, "connection", "too many were open at the same time to follow them to their end"),
        (limits.segments_dropped, "segment", "they came out of order when too many others waited"),
        (limits.chains_not_described, "certificate list", "too many different ones; they were only hashed"),
        (limits.packets_not_written, "packet", "not written: their connection has too many packets before its end"),
    ] {
        if count > 0 {
            add(counted(count, what), why.to_owned());
        }
    }
    let judged = capture.summary.completed > 0 || kinds.iter().any(|kind| kind.kind.standing.is_failure());
    if !judged {
        let why = match (capture.summary.flows, capture.traffic.quic_flows) {
            (0, 0) => "the captures hold no TCP connection that the filters let through".to_owned(),
            (0, quic) => {
                format!("the captures hold no TCP connection; {} of QUIC are not read", counted(quic, "connection"))
            }
            (flows, _) => format!("none of {} is a TLS handshake from its beginning", counted(flows, "TCP connection")),
        };
        add("TLS handshakes".to_owned(), why);
    }
    list
}

/// `1 packet`, `2 packets`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
