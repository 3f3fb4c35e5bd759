//! The playbook of Apigee Edge: TLS handshakes fail between a client app and a Router (northbound), or
//! between a Message Processor and a backend (southbound).
//!
//! Source: Apigee's playbook "TLS/SSL handshake failures", in its order: protocol, cipher suite, incorrect
//! certificate (name, chain, dates, trust), SNI. What it does not have (connection, keystores, client
//! certificates) is beside it.

mod measurement;
mod offers;
mod remedy;
mod steps;
mod unknown;
mod uploads;

use jiff::Timestamp;

use super::{Judges, Playbook};
use crate::checks::facts::edge::{self as facts, Observation, Strength};
use crate::checks::{self, CheckResult, EdgeCause};
use crate::evidence::capture::Outcome as Captured;
use crate::evidence::edge::{Edge, Leg};
use crate::evidence::{Evidence, Reason};
use crate::text::count;
use crate::verdict::{Certainty, FailingLeg, LegAnswer, LegCause, LegRemedy, LegVerdict, LegVerdictKind, NotSeen};

pub(super) static PLAYBOOK: Playbook = Playbook {
    name: "edge",
    title: "TLS handshakes with Apigee Edge fail",
    steps: steps::STEPS,
    judges: Judges::Legs(conclude),
};

/// Number of causes that a headline names.
const TOP: usize = 2;
/// Number of texts of a log, and of captured handshakes, that are named because they do not say why.
const UNEXPLAINED: usize = 5;

pub(super) fn conclude(evidence: &Evidence, results: &[CheckResult]) -> LegAnswer {
    let nothing = Edge::default();
    let edge = evidence.edge.seen().ok().unwrap_or(&nothing);
    let observations = facts::observations(evidence).unwrap_or_default();
    let verdict = verdict(edge, &observations, results, evidence.now());
    let remedy = if observations.is_empty() { LegRemedy::default() } else { remedy::of(evidence, edge, &observations) };
    LegAnswer { verdict, remedy, not_seen: not_seen(edge, evidence.now()) }
}

fn verdict(edge: &Edge, observations: &[Observation], results: &[CheckResult], now: Timestamp) -> LegVerdict {
    let causes: Vec<LegCause> = observations.iter().map(cause).collect();
    let is_harm = |observation: &&Observation| observation.is_claim() && !observation.is_risk();
    let harms: Vec<&Observation> = observations.iter().filter(is_harm).collect();
    // A failure was seen that several causes fit.
    let open: Vec<&Observation> = observations
        .iter()
        .filter(|observation| {
            observation.strength == Strength::Possible
                && observation.origin != facts::Origin::Configuration
                // No handshake was seen to fail for want of a truststore.
                && observation.cause != EdgeCause::TruststoreMissing
        })
        .collect();
    let next_measurement = measurement::of_each(edge, &open);
    if !harms.is_empty() {
        let leg = FailingLeg::of(harms.iter().map(|observation| observation.leg));
        return LegVerdict { kind: LegVerdictKind::Cause, leg, headline: headline(&harms), next_measurement, causes };
    }
    if !open.is_empty() {
        let leg = FailingLeg::of(open.iter().map(|observation| observation.leg));
        let headline = ambiguous(leg, &open);
        return LegVerdict { kind: LegVerdictKind::Ambiguous, leg, headline, causes, next_measurement };
    }
    if let Some((leg, headline, next_measurement)) = unknown::failure(edge, now) {
        return LegVerdict { kind: LegVerdictKind::Unknown, leg, headline, causes, next_measurement };
    }
    if !observations.is_empty() {
        let leg = FailingLeg::of(observations.iter().map(|observation| observation.leg));
        let all: Vec<&Observation> = observations.iter().collect();
        let headline = format!("nobody was seen to fail; {}", headline(&all));
        return LegVerdict { kind: LegVerdictKind::AtRisk, leg, headline, causes, next_measurement: None };
    }
    if let Some((leg, headline, next_measurement)) = unknown::sight(edge, results) {
        return LegVerdict { kind: LegVerdictKind::Unknown, leg, headline, causes, next_measurement };
    }
    LegVerdict {
        kind: LegVerdictKind::Healthy,
        leg: FailingLeg::None,
        headline: healthy(edge),
        causes,
        next_measurement: None,
    }
}

/// Says what fits each failure.
fn ambiguous(leg: FailingLeg, open: &[&Observation]) -> String {
    let failures = measurement::failures(open);
    if let [group] = failures.as_slice() {
        let place = measurement::place(group);
        return match measurement::causes(group).as_slice() {
            [one] => format!("{} handshakes may fail{place}: {one} cannot be excluded", capital(leg)),
            several => {
                format!("{} handshakes fail{place}, and several causes fit: {}", capital(leg), several.join(", "))
            }
        };
    }
    let each: Vec<String> = failures.iter().take(TOP).map(|group| measurement::alternatives(group)).collect();
    let more = failures.len().saturating_sub(TOP);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("{} handshakes fail in {} ways: {}{more}", capital(leg), failures.len(), each.join("; "))
}

fn healthy(edge: &Edge) -> String {
    let made = edge.handshakes.len();
    let what = match made {
        0 => "the configuration and the files show nothing wrong".to_owned(),
        _ => format!("{} and the configuration show nothing wrong", count(made as u64, "handshake")),
    };
    let disabled: Vec<&str> =
        edge.targets.iter().filter(|target| !target.enabled).map(|target| target.object.as_str()).collect();
    if disabled.is_empty() {
        return what;
    }
    format!("{what}; disabled and not judged: {}", crate::text::at_most(&disabled, 3))
}

fn cause(observation: &Observation) -> LegCause {
    let codes = checks::find(observation.cause.name()).map(|(_, check)| check.code).into_iter().collect();
    LegCause {
        cause: observation.cause,
        leg: observation.leg,
        certainty: match observation.strength {
            Strength::Established => Certainty::Established,
            Strength::Likely => Certainty::Likely,
            Strength::Possible => Certainty::Possible,
        },
        owner: observation.owner,
        objects: observation.objects.clone(),
        statement: observation.statement.clone(),
        evidence: observation.evidence.clone(),
        codes,
    }
}

fn headline(observations: &[&Observation]) -> String {
    match observations {
        [one] => format!("{}: {}", one.leg, one.statement),
        several => {
            let named: Vec<String> =
                several.iter().take(TOP).map(|one| format!("{}: {}", one.leg, one.statement)).collect();
            let more = several.len().saturating_sub(TOP);
            let more = if more == 0 { String::new() } else { format!("; and {more} more") };
            format!("{} causes: {}{more}", several.len(), named.join("; "))
        }
    }
}

fn capital(leg: FailingLeg) -> &'static str {
    match leg {
        FailingLeg::Northbound => "northbound",
        FailingLeg::Southbound => "southbound",
        FailingLeg::Both | FailingLeg::None | FailingLeg::Unknown => "both legs:",
    }
}

/// What the report does not rest on.
fn not_seen(edge: &Edge, now: Timestamp) -> Vec<NotSeen> {
    let mut missing: Vec<NotSeen> = edge
        .unseen
        .iter()
        .map(|unseen| NotSeen { what: unseen.why.what.clone(), why: unseen.why.reason.to_string(), measurement: None })
        .collect();
    missing.extend(facts::undated(edge).into_iter().map(|why| NotSeen {
        what: format!("the dates of {}", why.what),
        why: why.reason.to_string(),
        measurement: None,
    }));
    for leg in edge.question.legs.iter().filter(|leg| !edge.question.probed.contains(leg)) {
        let why = Reason::NotRequested(if edge.question.offline { "--offline" } else { "--probe" }.into());
        missing.push(NotSeen {
            what: format!("{leg} handshakes of this program"),
            why: why.to_string(),
            measurement: None,
        });
    }
    missing.extend(of_captures(edge, now));
    missing.extend(unknown::handshakes(edge, now));
    missing.extend(unknown::not_understood(edge).map(|(number, text)| NotSeen {
        what: format!("the cause of symptom {number}"),
        why: format!("its text is not understood: \"{}\"", facts::short_symptom(text)),
        measurement: None,
    }));
    missing.extend(unknown::contradicted(edge).map(|(number, _, why)| NotSeen {
        what: format!("the cause of symptom {number}"),
        why: format!("the configuration contradicts it: {why}"),
        measurement: Some(measurement::probe(edge, Some(Leg::Northbound))),
    }));
    let log = edge.log.as_ref().filter(|_| edge.question.judges(Leg::Southbound));
    let failures = || log.into_iter().flat_map(facts::unexplained);
    missing.extend(failures().take(UNEXPLAINED).map(|failure| NotSeen {
        what: format!("the cause of {} in the Message Processor log", count(failure.count, "failed handshake")),
        why: format!("\"{}\" does not say why", failure.message),
        measurement: None,
    }));
    let more: u64 = failures().skip(UNEXPLAINED).map(|failure| failure.count).sum();
    if more > 0 {
        missing.push(NotSeen {
            what: format!("the cause of {} more in the Message Processor log", count(more, "failed handshake")),
            why: "their texts do not say why".into(),
            measurement: None,
        });
    }
    if let Some(log) = log.filter(|log| log.more > 0) {
        missing.push(NotSeen {
            what: format!("the details of {} in the Message Processor log", count(log.more, "failed handshake")),
            why: format!(
                "at most {} different failures are kept; of the others, only the causes are counted",
                log.failures.len()
            ),
            measurement: None,
        });
    }
    if let Some(log) = edge.log.as_ref().filter(|log| log.of_others > 0) {
        missing.push(NotSeen {
            what: format!("{} in the Message Processor log", count(log.of_others, "failed handshake")),
            why: format!("of other organizations and environments: {}", crate::text::at_most(&log.others, 3)),
            measurement: None,
        });
    }
    let keyed = edge.targets.iter().filter(|target| {
        target.enabled && target.tls.as_ref().is_some_and(|tls| tls.client_auth) && edge.own_certificates.is_empty()
    });
    if edge.question.probed.contains(&Leg::Southbound) {
        missing.extend(keyed.map(|target| NotSeen {
            what: format!("{} with its client certificate", target.title()),
            why: "not requested (--mp-cert and --mp-key)".into(),
            measurement: None,
        }));
    }
    missing
}

/// What the captures do not show.
fn of_captures(edge: &Edge, now: Timestamp) -> Vec<NotSeen> {
    let mut missing = Vec::new();
    missing.extend(facts::hidden_captures(edge).map(|unseen| NotSeen {
        what: unseen.why.what,
        why: unseen.why.reason.to_string(),
        measurement: None,
    }));
    for captured in &edge.captured {
        if matches!(captured.outcome, Captured::HiddenAlert { .. }) {
            missing.push(NotSeen {
                what: format!("the alert of the handshake at packet {}", captured.first_packet),
                why: "TLS 1.3 encrypts it; its length alone shows that there is one".into(),
                measurement: Some(measurement::probe(edge, facts::leg_of_capture(edge, captured))),
            });
        }
        if facts::leg_of_capture(edge, captured).is_none() {
            missing.push(NotSeen {
                what: format!(
                    "the leg of {} from {} to {}",
                    count(captured.count, "connection"),
                    captured.client,
                    captured.server
                ),
                why: "neither address nor name is that of a Router, Message Processor or target; give --mp-address or \
                      --router-address"
                    .into(),
                measurement: None,
            });
        }
    }
    let not_explained = unknown::not_explained(edge, now).take(UNEXPLAINED);
    missing.extend(not_explained.map(|(leg, captured)| NotSeen {
        what: format!("the cause of the {leg} handshake that fails at packet {}", captured.first_packet),
        why: format!("nothing fits how it ends: {} to {}: {}", captured.client, captured.server, captured.outcome),
        measurement: None,
    }));
    missing
}
