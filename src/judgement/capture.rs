//! The report of `pcap`: totals of the captures, the judgement of each kind of connection, what could not be
//! seen, the exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailOn;
use crate::checks::captured::{Kind, Standing};
use crate::checks::facts::captured;
use crate::evidence::capture::{Capture, FlowTally, Summary};
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
    /// Number of TCP connections in the captures, before the filters.
    #[serde(default)]
    pub connections: u64,
    /// Number of those that the filters leave, whether or not their handshake failed (`--failed`).
    #[serde(default)]
    pub matching: u64,
    /// Number of those whose handshake completed.
    #[serde(default)]
    pub matching_completed: u64,
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

/// Judges the content of the captures. `left_out` has the connections that the filters left out of it.
#[must_use]
pub fn build(capture: Capture, left_out: &Summary, question: Question, fail_on: FailOn) -> CaptureReport {
    let kinds = captured::kinds_of(&capture, left_out);
    let kinds: Vec<KindReport> = kinds.into_iter().map(|(kind, tally)| KindReport { kind, tally }).collect();
    let not_seen = not_seen(&capture, left_out, &question);
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
        verdict: verdict(&capture, &question, &kinds),
        question,
        kinds,
        not_seen,
        capture,
        exit_code,
    }
}

fn verdict(capture: &Capture, question: &Question, kinds: &[KindReport]) -> String {
    let failing: u64 = kinds.iter().filter(|kind| kind.kind.standing.is_failure()).map(|kind| kind.tally.flows).sum();
    let summary = &capture.summary;
    match kinds.iter().find(|kind| kind.kind.standing.is_failure()) {
        _ if hides_all(capture, question) => match question.connections {
            1 => "the filters leave out the only TCP connection".to_owned(),
            all => format!("the filters leave none of the {all} TCP connections"),
        },
        Some(most) => format!(
            "{} of {} {}; most often: {} ({})",
            failing,
            counted(failing + summary.completed, "TLS handshake"),
            if failing == 1 { "fails" } else { "fail" },
            most.kind.sentence,
            most.tally.flows
        ),
        None if summary.completed.max(question.matching_completed) > 0 => {
            let completed = summary.completed.max(question.matching_completed);
            format!("no handshake fails: {} completed", counted(completed, "TLS handshake"))
        }
        None if summary.flows > 0 => {
            format!("no TLS handshake can be judged, in {}", counted(summary.flows, "TCP connection"))
        }
        None => "no TCP connection was read".to_owned(),
    }
}

/// The captures have connections, and the filters leave none: nothing was judged.
fn hides_all(capture: &Capture, question: &Question) -> bool {
    !question.filters.is_empty() && question.connections > 0 && question.matching == 0 && capture.summary.flows == 0
}

/// Returns what the captures do not show, and that the filters leave nothing to judge.
fn not_seen(capture: &Capture, left_out: &Summary, question: &Question) -> Vec<NotSeen> {
    let mut list = missing(capture, left_out);
    // `--failed` hides the handshakes that were judged as good.
    if hides_all(capture, question) || capture.summary.flows == 0 && question.matching_completed > 0 {
        list.retain(|missing| missing.what != captured::NOTHING_JUDGED);
    }
    if hides_all(capture, question) {
        let why = format!("{}: {}", counted(question.connections, "TCP connection"), question.filters.join(" "));
        list.insert(0, NotSeen { what: "what the filters leave out".into(), why, measurement: None });
    }
    list
}

/// Returns what a capture does not show.
pub(super) fn of_capture(capture: &Capture) -> Vec<NotSeen> {
    missing(capture, &Summary::default())
}

fn missing(capture: &Capture, left_out: &Summary) -> Vec<NotSeen> {
    let list = captured::missing(capture, left_out);
    list.into_iter().map(|(what, why)| NotSeen { what, why, measurement: None }).collect()
}

/// `1 packet`, `2 packets`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
