//! The report of `probe`: what was seen of each target, what is wrong with it, and the commands that repeat
//! the handshakes.
//!
//! Each target is judged by itself, by the checks that also judge the probes of `diagnose`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::check_reports;
use super::{CheckReport, FailOn, OutcomeWord, exit_code};
use crate::checks::{self, Check, Code, Level, codes};
use crate::evidence::handshake::{ClientHelloKind, Endpoint, Handshake, ProbeQuestion, Probes, socket};
use crate::evidence::{Evidence, Reason, Seen};
use crate::playbooks;
use crate::verdict::{NotSeen, Verdict, VerdictKind, s_client};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.probe/v1";

/// Everything that one run of `probe` reports.
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
    /// The observations, by address.
    pub endpoints: Vec<Endpoint>,
    /// Command lines that repeat the handshakes, in their order, by endpoint.
    pub commands: Vec<Vec<String>>,
    /// Findings, and checks that could not judge.
    pub checks: Vec<CheckReport>,
    /// The codes of the checks that passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Code>,
}

impl TargetReport {
    /// Returns the checks whose fix helps clients: those that found a fault that harms them, the gravest
    /// first.
    pub fn to_fix(&self) -> impl Iterator<Item = &'static Check> {
        let found = self.checks.iter().filter(|report| report.outcome == OutcomeWord::Found);
        let mut harmful: Vec<&Check> = found
            .filter_map(|report| checks::find(report.code.as_str()).map(|(_, check)| check))
            .filter(|check| check.level >= Level::Warning)
            .collect();
        harmful.sort_by_key(|check| Reverse(check.level));
        harmful.into_iter()
    }

    /// Returns how to fix the fault of a check of [`Self::to_fix`] at this target. Where every ClientHello is
    /// refused, no route is the reason.
    #[must_use]
    pub fn advice(&self, check: &'static Check) -> &'static str {
        let mut made = self.endpoints.iter().flat_map(|endpoint| &endpoint.handshakes);
        let kinds: BTreeSet<ClientHelloKind> = made.clone().map(|handshake| handshake.kind).collect();
        let is_about_sni =
            [codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED, codes::SERVER_NAME_REFUSED].contains(&check.code);
        if is_about_sni && kinds.len() > 1 && made.all(Handshake::was_refused) {
            return REFUSES_ALL;
        }
        playbooks::advice(check)
    }
}

/// The advice where every ClientHello is refused, with SNI and without.
const REFUSES_ALL: &str = "Check the address and the port: another server, or one for another name, may listen there. \
    Repeat with --proxy-protocol if the server expects a PROXY protocol header, and without it if not. Look at \
    firewalls, proxies and load balancers in between.";

/// How a target is judged.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetState {
    /// All clients are served: those that send SNI, those that send none, and those with an unknown name.
    Good,
    /// The requested handshake succeeds, and nothing is wrong with it; another one is refused.
    Served,
    /// Clients with SNI are served, and clients without SNI are refused.
    SniOnly,
    /// It fails, or a client that verifies the certificate would end it.
    Fails,
    /// It succeeds, and a fault in it will cause failures.
    AtRisk,
    /// Too little could be observed.
    Unknown,
}

impl TargetState {
    /// Every state, the worst first.
    pub const ALL: [Self; 6] = [Self::Fails, Self::Unknown, Self::AtRisk, Self::SniOnly, Self::Served, Self::Good];
}

/// Judges the probes of the evidence, target by target.
#[must_use]
pub fn build(evidence: &Evidence, fail_on: FailOn) -> ProbeReport {
    let nothing = Probes::default();
    let probes = evidence.probes.seen().ok().unwrap_or(&nothing);
    let (playbook, conclude) = playbooks::of_target();
    let mut targets = Vec::new();
    let mut codes = Vec::new();
    // One copy of the evidence serves all targets, of which there may be thousands; only its probes change.
    let mut own = Evidence { interrupted: None, ..evidence.clone() };
    for endpoints in by_target(&probes.endpoints) {
        own.probes = Seen::Seen(Probes {
            endpoints: endpoints.to_vec(),
            unprobed: Vec::new(),
            question: probes.question.clone(),
        });
        let judged = checks::judge_by(&own, |family, check| playbook.step_of(family, check).is_some());
        let mut target = target(endpoints, &probes.question, evidence.question.namespace(), conclude(&own, &judged));
        target.checks = check_reports(playbook, &judged);
        let otherwise = exit_code::without_findings(&own, &judged, false);
        codes.push(exit_code::with_findings(&target.checks, fail_on, otherwise));
        let passed = target.checks.iter().filter(|report| report.outcome == OutcomeWord::Passed);
        target.passed = passed.map(|report| report.code).collect();
        target.checks.retain(|report| matches!(report.outcome, OutcomeWord::Found | OutcomeWord::Unknown));
        targets.push(target);
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

/// Returns the endpoints by target: neighbours with the same host and port are its addresses.
fn by_target(endpoints: &[Endpoint]) -> impl Iterator<Item = &[Endpoint]> {
    endpoints.chunk_by(|one, other| one.host == other.host && one.named_port() == other.named_port())
}

/// The report of one target, without its checks.
fn target(endpoints: &[Endpoint], question: &ProbeQuestion, namespace: &str, verdict: Verdict) -> TargetReport {
    let first = endpoints.first();
    TargetReport {
        name: first
            .map_or_else(String::new, |first| socket(first.host.as_deref().unwrap_or_default(), first.named_port())),
        state: match verdict.kind {
            VerdictKind::Ambiguous | VerdictKind::Cause | VerdictKind::Likely => TargetState::Fails,
            VerdictKind::AtRisk => TargetState::AtRisk,
            VerdictKind::SniOnly => TargetState::SniOnly,
            VerdictKind::Fixed | VerdictKind::Healthy | VerdictKind::Passed if is_served(first) => TargetState::Good,
            VerdictKind::Fixed | VerdictKind::Healthy | VerdictKind::Passed => TargetState::Served,
            VerdictKind::NoAccess | VerdictKind::Unknown => TargetState::Unknown,
        },
        verdict: verdict.headline,
        endpoints: endpoints.to_vec(),
        commands: endpoints
            .iter()
            .map(|endpoint| {
                let made = endpoint.handshakes.iter();
                made.map(|handshake| s_client::command(question, namespace, endpoint, handshake)).collect()
            })
            .collect(),
        checks: Vec::new(),
        passed: Vec::new(),
    }
}

/// Returns whether every handshake succeeded that was made for the judgement or for comparison.
fn is_served(endpoint: Option<&Endpoint>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.handshakes.iter().all(Handshake::succeeded))
}
