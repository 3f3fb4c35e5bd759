//! Which facts explain the symptoms that were seen, best first.
//!
//! Symptoms are clients that fail: in the access logs, or played by the handshakes of this run. A record without a server
//! name and without a filter chain does not prove a TLS client, so wherever only the log speaks, "not TLS" stays among the
//! causes.

mod with_name;
mod without_name;

use super::{Cause, Certainty, is_found};
use crate::checks::facts;
use crate::checks::{Finding, Level, Verdicted};
use crate::evidence::Evidence;

/// Codes that see clients fail and have their cause elsewhere, or none, the graver first.
const SYMPTOMS: [&str; 9] = ["AT809", "AT801", "AT101", "AT505", "AT106", "AT103", "AT504", "AT105", "AT104"];

/// The same clients, seen, played and expected, have one cause: the first of each list that was found.
const ALIKE: [&[&str]; 2] = [&["AT101", "AT505", "AT106"], &["AT103", "AT504"]];

/// A fault of a stored certificate, and the same fault as clients meet it.
pub(super) const STORED_AND_SERVED: [(&str, &str); 6] = [
    ("AT405", "AT514"),
    ("AT406", "AT515"),
    ("AT407", "AT516"),
    ("AT408", "AT517"),
    ("AT409", "AT518"),
    ("AT415", "AT519"),
];

/// The gateway does not serve what is stored, which explains what it serves where the stored certificate is right.
pub(super) const NOT_SERVED: &str = "AT414";

/// Clients that may not be ours.
const STRANGERS: &str = "AT102";

/// The causes of every symptom found, by symptom, best first.
pub(super) fn of_symptoms(evidence: &Evidence, selected: &[Verdicted], all: &[Verdicted]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    let found = |code: &str| selected.iter().find(|verdicted| verdicted.check.code == code && is_found(verdicted));
    for symptom in SYMPTOMS.into_iter().filter_map(found) {
        let code = symptom.check.code;
        if ALIKE.iter().any(|alike| is_explained(&causes, alike, code)) {
            continue;
        }
        let of_symptom = match code {
            "AT101" | "AT104" | "AT106" | "AT505" => without_name::refused(evidence, code, all),
            "AT103" | "AT504" => with_name::refused(evidence, all),
            "AT105" => without_name::unrouted(all),
            "AT801" => vec![without_pods(evidence, symptom)],
            _ => vec![direct(symptom)],
        };
        // A name that no route declares is refused: nothing that was seen explains it.
        let of_symptom = if of_symptom.is_empty() && code == "AT504" { vec![direct(symptom)] } else { of_symptom };
        causes.extend(named(of_symptom, symptom));
    }
    // What a handshake showed is a cause of its own, unless it explains a symptom already.
    for error in selected.iter().filter(|verdicted| verdicted.check.level == Level::Error && is_found(verdicted)) {
        let told = |cause: &Cause| {
            cause.symptom.as_deref() == Some(error.check.code)
                || cause.codes.iter().any(|code| code == error.check.code)
        };
        let is_alike = ALIKE.iter().any(|alike| is_explained(&causes, alike, error.check.code));
        if !is_alike && !SYMPTOMS.contains(&error.check.code) && !causes.iter().any(told) {
            causes.extend(named(vec![served(error, all)], error));
        }
    }
    if let Some(strangers) = found(STRANGERS) {
        causes.extend(named(vec![direct(strangers)], strangers));
    }
    causes
}

fn is_explained(causes: &[Cause], alike: &[&str], code: &str) -> bool {
    alike.contains(&code)
        && causes
            .iter()
            .any(|cause| cause.symptom.as_deref().is_some_and(|symptom| symptom != code && alike.contains(&symptom)))
}

/// With their symptom, and where that was seen.
fn named(mut causes: Vec<Cause>, symptom: &Verdicted) -> Vec<Cause> {
    let code = symptom.check.code;
    for cause in &mut causes {
        cause.symptom = Some(code.to_owned());
        // What was only expected was seen nowhere; what was played stands in the cause.
        let seen = cause.certainty != Certainty::Possible && !matches!(code, "AT106" | "AT504" | "AT505");
        if seen && code != cause.codes.first().map_or("", String::as_str) {
            cause.evidence.splice(0..0, symptom.findings().iter().take(4).map(seen_at));
        }
    }
    causes.sort_by_key(|cause| cause.certainty);
    causes
}

/// The finding is the cause itself; of a served certificate with what the Secret says to it.
fn served(error: &Verdicted, all: &[Verdicted]) -> Cause {
    let mut cause = direct(error);
    let Some((twin, _)) = STORED_AND_SERVED.iter().find(|(_, served)| *served == error.check.code) else {
        return cause;
    };
    for code in [*twin, NOT_SERVED] {
        if let Some(stored) = all.iter().find(|verdicted| verdicted.check.code == code && is_found(verdicted)) {
            cause.codes.push(code.to_owned());
            cause.evidence.extend(messages(stored));
        }
    }
    cause
}

/// The finding is the cause itself.
fn direct(verdicted: &Verdicted) -> Cause {
    Cause {
        symptom: None,
        codes: vec![verdicted.check.code.to_owned()],
        certainty: Certainty::Established,
        statement: verdicted.check.summary.to_owned(),
        evidence: messages(verdicted),
    }
}

/// Where no pod matches, that is all that was seen: the namespace or the selector may be wrong.
fn without_pods(evidence: &Evidence, missing: &Verdicted) -> Cause {
    let mut cause = direct(missing);
    if facts::pods(evidence).is_ok_and(|pods| pods.is_empty()) {
        let question = &evidence.question;
        cause.statement = format!("No pod of namespace {} matches {}", question.namespace(), question.selector());
        cause.evidence = Vec::new();
        if facts::is_empty_namespace(evidence) {
            cause.evidence.push("there is no ApigeeRoute in this namespace either".into());
        }
    }
    cause
}

fn messages(verdicted: &Verdicted) -> Vec<String> {
    verdicted.findings().iter().take(5).map(|finding| finding.message.clone()).collect()
}

fn seen_at(finding: &Finding) -> String {
    let name = finding.object.split_once('/').map_or(finding.object.as_str(), |(_, name)| name);
    if finding.message.contains(name) {
        return format!("{} ({})", finding.message, finding.place);
    }
    format!("{}: {} ({})", finding.object, finding.message, finding.place)
}

fn findings_on<'a>(all: &'a [Verdicted], code: &'a str, object: &'a str) -> impl Iterator<Item = &'a Finding> {
    all.iter()
        .filter(move |verdicted| verdicted.check.code == code)
        .flat_map(Verdicted::findings)
        .filter(move |finding| finding.object == object)
}
