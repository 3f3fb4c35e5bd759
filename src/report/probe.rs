//! The report of `probe`: for each target what was seen, what is wrong with it, and the lines that repeat it.
//!
//! Each target is judged by itself, by the checks of the family `handshake`, as `diagnose` judges what it probes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::{check_report, exit_code};
use super::{CheckReport, FailOn, NotSeen, OutcomeWord};
use crate::checks::{self, CheckResult, Level};
use crate::evidence::handshake::{Endpoint, Failure, Handshake, HelloKind, How, ProbeQuestion, Probes, Stage, socket};
use crate::evidence::{Evidence, Reason, Seen};
use crate::verdict::s_client;

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.probe/v1";

/// The family of checks that judges handshakes.
const FAMILY: &str = "handshake";

/// Everything that one run of `probe` tells.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub tool_version: String,
    pub collected_at: Timestamp,
    pub question: ProbeQuestion,
    pub targets: Vec<TargetReport>,
    /// Targets that were not reached before the run had to end.
    pub unprobed: Vec<NotSeen>,
    pub exit_code: u8,
}

/// One host and port, with all its addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetReport {
    /// `host:port`
    pub name: String,
    pub state: TargetState,
    /// One sentence.
    pub verdict: String,
    /// What was seen, by address.
    pub endpoints: Vec<Endpoint>,
    /// Command lines that repeat the handshakes, in their order, by endpoint.
    pub commands: Vec<Vec<String>>,
    /// What the checks found or could not tell.
    pub checks: Vec<CheckReport>,
}

/// How a target does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetState {
    /// The handshake that was asked for succeeds, and nothing is wrong with it.
    Good,
    /// It fails, or a client that looks at the certificate would end it.
    Fails,
    /// It succeeds, and something will go wrong with it.
    AtRisk,
    /// It could not be told.
    Unknown,
}

/// Judges the probes of an evidence, target by target.
#[must_use]
pub fn build(evidence: &Evidence, fail_on: FailOn) -> ProbeReport {
    let nothing = Probes::default();
    let probes = evidence.probes.seen().ok().unwrap_or(&nothing);
    let mut targets = Vec::new();
    let mut codes = Vec::new();
    // One copy for all: each target is judged with its own probes alone, and there may be thousands.
    let mut own = Evidence { interrupted: None, ..evidence.clone() };
    for endpoints in by_target(&probes.endpoints) {
        own.probes = Seen::Seen(Probes {
            endpoints: endpoints.to_vec(),
            unprobed: Vec::new(),
            question: probes.question.clone(),
        });
        let judged = checks::judge_family(&own, FAMILY);
        codes.push(exit_code(&own, &judged, fail_on));
        targets.push(target(endpoints, &probes.question, evidence.question.namespace(), &judged));
    }
    let interrupted = evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted);
    let exit_code = match () {
        () if interrupted => 130,
        () if codes.contains(&1) => 1,
        () if codes.contains(&3) || !probes.unprobed.is_empty() || codes.is_empty() => 3,
        () => 0,
    };
    ProbeReport {
        schema: SCHEMA.to_owned(),
        tool_version: evidence.tool_version.clone(),
        collected_at: evidence.collected_at,
        question: probes.question.clone(),
        targets,
        unprobed: probes
            .unprobed
            .iter()
            .map(|why| NotSeen { what: why.what.clone(), why: why.reason.to_string(), measurement: None })
            .collect(),
        exit_code,
    }
}

/// Runs of endpoints with the same host and port: the addresses of one target.
fn by_target(endpoints: &[Endpoint]) -> impl Iterator<Item = &[Endpoint]> {
    endpoints.chunk_by(|one, other| one.host == other.host && one.named_port() == other.named_port())
}

fn target(endpoints: &[Endpoint], question: &ProbeQuestion, namespace: &str, judged: &[CheckResult]) -> TargetReport {
    let found: Vec<&CheckResult> = judged.iter().filter(|result| !result.findings().is_empty()).collect();
    let worst = found.iter().max_by_key(|result| result.check.level);
    let state = match worst.map(|result| result.check.level) {
        Some(Level::Error) => TargetState::Fails,
        Some(Level::Warning) => TargetState::AtRisk,
        _ if judged.iter().any(crate::verdict::is_unknown) => TargetState::Unknown,
        _ => TargetState::Good,
    };
    let verdict = worst
        .filter(|result| result.check.level >= Level::Warning)
        .and_then(|result| result.findings().first())
        .map_or_else(|| summary(endpoints), |finding| finding.message.clone());
    let first = endpoints.first();
    TargetReport {
        name: first
            .map_or_else(String::new, |first| socket(first.host.as_deref().unwrap_or_default(), first.named_port())),
        state,
        verdict,
        endpoints: endpoints.to_vec(),
        commands: endpoints
            .iter()
            .map(|endpoint| {
                let made = endpoint.handshakes.iter();
                made.map(|handshake| s_client::command(question, namespace, endpoint, handshake)).collect()
            })
            .collect(),
        checks: judged
            .iter()
            .map(check_report)
            .filter(|report| matches!(report.outcome, OutcomeWord::Found | OutcomeWord::Unknown))
            .collect(),
    }
}

/// What clients get here, where nothing is wrong with what was asked for.
fn summary(endpoints: &[Endpoint]) -> String {
    let Some(first) = endpoints.first() else { return String::new() };
    let with_name = first.handshake(HelloKind::Named);
    let without = first.handshake(HelloKind::Nameless);
    let told = |handshake: Option<&Handshake>, who: &str| {
        handshake.map(|handshake| match &handshake.failure {
            None if handshake.undecided => {
                format!(
                    "whether {who} are served was not seen: the server asks for a client certificate and says no more"
                )
            }
            None => format!("{who} are served"),
            Some(failure) => format!("{who} are refused ({})", failure_label(failure)),
        })
    };
    let clients = [
        told(with_name, "clients that send the server name"),
        told(without, "clients that send none"),
        told(first.handshake(HelloKind::Unknown), "those that send another"),
    ];
    let mut sentence = clients.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if let Some(letter) = sentence.get(..1).map(str::to_uppercase) {
        sentence.replace_range(..1, &letter);
    }
    sentence
}

/// The end of a handshake in one or two words, for a column.
#[must_use]
pub(super) fn failure_label(failure: &Failure) -> String {
    use crate::evidence::handshake::alert_name;
    match &failure.how {
        How::Alert { number, .. } => alert_name(*number).replace('_', " "),
        How::Closed => "closed".into(),
        How::Local(_) => "given up".into(),
        How::Malformed(_) => "broken answer".into(),
        How::NoAddress => "no address".into(),
        How::NoSuchName => "no such name".into(),
        How::NotTls { .. } => "no TLS".into(),
        How::Other(_) if failure.stage == Stage::Proxy => "proxy".into(),
        How::Other(_) => "failed".into(),
        How::ProxyRefused { status, .. } => format!("proxy: {status}"),
        How::Refused => "refused".into(),
        How::Reset => "reset".into(),
        How::TimedOut { .. } => "timed out".into(),
        How::Unreachable(_) => "unreachable".into(),
    }
}
