//! What keeps a report from calling an environment healthy: failures whose cause or leg is not known, and
//! what could not be seen.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{UNEXPLAINED, measurement};
use crate::checks::facts::edge::{self as facts, Meaning};
use crate::checks::{CheckResult, Outcome};
use crate::evidence::Reason;
use crate::evidence::capture::Outcome as Captured;
use crate::evidence::edge::{CapturedHandshake, Edge, Leg, LegHandshake};
use crate::evidence::handshake::ClientCertificate;
use crate::text::count;
use crate::verdict::{FailingLeg, Measurement, NotSeen, is_unknown, shell_word};

/// The leg, the sentence, and what would show it.
type Unknown = (FailingLeg, String, Option<Measurement>);

/// A failure that was seen and that no observation explains.
pub(super) fn failure(edge: &Edge, now: Timestamp) -> Option<Unknown> {
    of_handshakes(edge, now).or_else(|| of_captures(edge, now)).or_else(|| of_log(edge)).or_else(|| of_symptom(edge))
}

/// A handshake of this program that fails, where nothing that was tried says why.
fn of_handshakes(edge: &Edge, now: Timestamp) -> Option<Unknown> {
    let made = facts::unexplained_handshakes(edge, now).next()?;
    let (what, why) = of_handshake(made);
    let leg = FailingLeg::of([made.leg]);
    if facts::lacks_own_certificate(edge, made) {
        let text = format!("{} cannot be judged without its client certificate: {what}: {why}", made.object);
        let command = measurement::again(edge, &["--mp-cert FILE --mp-key FILE".to_owned()]);
        let why = "the backend demands a client certificate, and the key of the configured one is not here".into();
        return Some((leg, text, Some(Measurement { why, command })));
    }
    let text = format!("{}: {what} fails ({why}), and its cause is not known", made.object);
    Some((leg, text, Some(measurement::messages(made))))
}

/// The handshakes of this program that show too little: those that fail without a cause, and those with
/// Routers that demand a client certificate.
pub(super) fn handshakes(edge: &Edge, now: Timestamp) -> Vec<NotSeen> {
    let failed = facts::unexplained_handshakes(edge, now).take(UNEXPLAINED).map(|made| {
        let (what, why) = of_handshake(made);
        NotSeen {
            what: format!("the cause of the {} handshake of {} that fails", made.leg, made.object),
            why: format!("nothing fits how it ends: {what}: {why}"),
            measurement: Some(measurement::messages(made)),
        }
    });
    let refused = edge.handshakes.iter().filter(|made| facts::lacks_client_certificate(edge, made));
    let refusing: BTreeSet<&str> = refused.map(|made| made.object.as_str()).collect();
    let unpresented = refusing.into_iter().map(|object| NotSeen {
        what: format!("{object} with a client certificate"),
        why: Reason::NotRequested("--client-cert".into()).to_string(),
        measurement: Some(Measurement {
            why: "a certificate of a client app shows whether the Router accepts it".into(),
            command: measurement::again(edge, &["--client-cert FILE --client-key FILE".to_owned()]),
        }),
    });
    failed.chain(unpresented).chain(unanswered(edge)).collect()
}

/// The backends that request a client certificate and go on without one: nginx then refuses the request,
/// which no handshake shows.
fn unanswered(edge: &Edge) -> impl Iterator<Item = NotSeen> {
    let made = edge.handshakes.iter().filter(|made| {
        let is_requested = matches!(made.handshake.client_certificate, ClientCertificate::Requested(_));
        made.leg == Leg::Southbound && is_requested && made.handshake.succeeded() && edge.own_certificates.is_empty()
    });
    let places: BTreeSet<_> = made.map(|made| (made.object.as_str(), made.host.as_str(), made.port)).collect();
    places.into_iter().map(|(object, host, port)| NotSeen {
        what: format!("whether {object} answers requests without a client certificate"),
        why: "the backend requests one and goes on without; a refusal by HTTP is not seen in a handshake".into(),
        measurement: Some(Measurement {
            why: "HTTP 400 says that the backend requires the certificate".into(),
            command: format!("curl -sv -o /dev/null {}", shell_word(&format!("https://{host}:{port}/"))),
        }),
    })
}

/// What a handshake was, and how it failed.
fn of_handshake(made: &LegHandshake) -> (String, String) {
    (facts::describe_handshake(made), facts::outcome_of(&made.handshake))
}

/// A symptom that names no cause, or whose text no table has: somebody fails, and nothing says why.
fn of_symptom(edge: &Edge) -> Option<Unknown> {
    let only = edge.question.only_leg();
    if let Some((number, meaning, why)) = contradicted(edge).next() {
        let text = format!(
            "symptom {number} is {}, {}, and the configuration contradicts it: {why}",
            meaning.leg, meaning.what
        );
        return Some((FailingLeg::of([meaning.leg]), text, Some(measurement::probe(edge, Some(meaning.leg)))));
    }
    if let Some(meaning) = edge.symptoms.iter().find_map(|text| facts::meaning_of_symptom(edge, text)) {
        let text = format!("the symptom is {}: {}, and nothing that explains it was seen", meaning.leg, meaning.what);
        return Some((FailingLeg::of([meaning.leg]), text, Some(measurement::probe(edge, Some(meaning.leg)))));
    }
    let (number, text) = not_understood(edge).next()?;
    let text = format!("symptom {number} is not understood: \"{}\"", facts::short_symptom(text));
    let leg = only.map_or(FailingLeg::Unknown, |leg| FailingLeg::of([leg]));
    Some((leg, text, Some(measurement::probe(edge, only))))
}

/// The symptoms that the configuration contradicts, with their number and the reason.
pub(super) fn contradicted(edge: &Edge) -> impl Iterator<Item = (usize, Meaning, String)> {
    let numbered = (1..).zip(&edge.symptoms);
    let understood = numbered.filter_map(move |(number, text)| Some((number, facts::meaning_of_symptom(edge, text)?)));
    let judged = understood.filter(|(_, meaning)| edge.question.judges(meaning.leg));
    judged.filter_map(|(number, meaning)| {
        let why = facts::contradiction(edge, &meaning)?;
        Some((number, meaning, why))
    })
}

/// The symptoms whose text no table has, with their number.
pub(super) fn not_understood(edge: &Edge) -> impl Iterator<Item = (usize, &str)> {
    let numbered = (1..).zip(edge.symptoms.iter().map(String::as_str));
    numbered.filter(move |(_, text)| facts::meaning_of_symptom(edge, text).is_none())
}

/// The captured handshakes of a leg that failed, where nothing fits how they ended.
pub(super) fn not_explained(edge: &Edge, now: Timestamp) -> impl Iterator<Item = (Leg, &CapturedHandshake)> {
    let failed = edge.captured.iter().filter(|captured| is_failure(captured.outcome));
    let judged = failed.filter_map(|captured| Some((facts::leg_of_capture(edge, captured)?, captured)));
    let judged = judged.filter(|(leg, _)| edge.question.judges(*leg));
    judged.filter(move |(leg, captured)| !facts::is_understood_capture(edge, captured, *leg, now))
}

fn of_captures(edge: &Edge, now: Timestamp) -> Option<Unknown> {
    let failed = || edge.captured.iter().filter(|captured| is_failure(captured.outcome));
    if let Some(captured) = failed().find(|captured| facts::leg_of_capture(edge, captured).is_none()) {
        let text = format!(
            "give --mp-address or --router-address, or --leg: handshakes fail between {} and {} ({}), and neither \
             address is known to be that of a Router or a Message Processor",
            captured.client, captured.server, captured.outcome
        );
        let command = measurement::again(edge, &["--mp-address".to_owned(), shell_word(&captured.client.to_string())]);
        let why = format!("if {} is a Message Processor; for a Router give --router-address", captured.client);
        return Some((FailingLeg::Unknown, text, Some(Measurement { why, command })));
    }
    let (leg, captured) = not_explained(edge, now).next()?;
    let text = format!(
        "a handshake from {} to {} fails ({}), and its cause is not known",
        captured.client, captured.server, captured.outcome
    );
    Some((FailingLeg::of([leg]), text, Some(measurement::probe(edge, Some(leg)))))
}

/// Returns whether a handshake was seen to fail. A client that goes away by itself proves nothing.
fn is_failure(outcome: Captured) -> bool {
    use crate::evidence::handshake::Party::Server;
    use crate::evidence::handshake::Stage;
    match outcome {
        // A close_notify that answers a ClientHello ends the handshake too.
        Captured::Alert { by, stage, level, number } => {
            level == 2 || by == Server && stage == Stage::ClientHello && number == 0
        }
        Captured::Reset { by, stage } | Captured::Closed { by, stage } => by == Server && stage != Stage::Established,
        Captured::Undelivered { by } => by == Server,
        Captured::Silent { .. }
        | Captured::ServerNotTls { .. }
        | Captured::Malformed
        | Captured::Refused
        | Captured::Unanswered => true,
        _ => false,
    }
}

fn of_log(edge: &Edge) -> Option<Unknown> {
    if !edge.question.judges(Leg::Southbound) {
        return None;
    }
    let log = edge.log.as_ref()?;
    let all: u64 = facts::unexplained(log).map(|failure| failure.count).sum();
    let text = match facts::unexplained(log).next() {
        Some(failure) if failure.count == all => format!(
            "{} in the Message Processor log, and \"{}\" does not say why",
            count(all, "failed handshake"),
            failure.message
        ),
        Some(failure) => format!(
            "{} in the Message Processor log with texts that do not say why; \"{}\" is the most frequent",
            count(all, "failed handshake"),
            failure.message
        ),
        None if log.failures.is_empty() && !log.has_own && log.of_others > 0 => {
            let text = format!(
                "no line of the Message Processor log is of {}/{}: its failed handshakes are of {}",
                edge.question.organization,
                edge.question.environment,
                crate::text::at_most(&log.others, 3)
            );
            return Some((FailingLeg::Unknown, text, None));
        }
        None => return None,
    };
    Some((FailingLeg::Southbound, text, Some(measurement::probe(edge, Some(Leg::Southbound)))))
}

/// What could not be seen where nothing was found.
pub(super) fn sight(edge: &Edge, results: &[CheckResult]) -> Option<Unknown> {
    let hidden = edge.captured.iter().find(|captured| matches!(captured.outcome, Captured::HiddenAlert { .. }));
    if let Some(captured) = hidden {
        let leg = facts::leg_of_capture(edge, captured);
        let text = format!(
            "a handshake with {} fails, and TLS 1.3 hides the alert: its cause cannot be read in a capture",
            captured.server
        );
        return Some((
            leg.map_or(FailingLeg::Unknown, |leg| FailingLeg::of([leg])),
            text,
            Some(measurement::probe(edge, leg)),
        ));
    }
    if let Some(result) = results.iter().find(|result| is_unknown(result)) {
        let Err(why) = &result.judgement else { return None };
        let text = format!("nothing wrong was found, and not everything could be seen: {why}");
        return Some((FailingLeg::Unknown, text, None));
    }
    let is_passed = |result: &CheckResult| matches!(result.judgement, Ok(Outcome::Passed(_)));
    if results.iter().any(is_passed) {
        return None;
    }
    let text = "nothing could be judged: no virtual host, no target, no line of this environment in a log and no \
                captured handshake was given";
    Some((FailingLeg::Unknown, text.to_owned(), None))
}
