//! Which facts explain the symptoms that were seen, best first.
//!
//! Symptoms are clients that fail: in the access logs, or played by the handshakes of this run. A record without a server
//! name and without a filter chain does not prove a TLS client, so wherever only the log speaks, "not TLS" stays among the
//! causes.

mod with_name;
mod without_name;

use super::{Cause, Certainty, is_found};
use crate::checks::facts;
use crate::checks::{CheckResult, Code, Finding, Kind, Level, Object, codes};
use crate::evidence::Evidence;

/// Codes that see clients fail and have their cause elsewhere, or none, the graver first.
const SYMPTOMS: [Code; 9] = [
    codes::ROUTE_KIND_MISSING,
    codes::INGRESS_POD_MISSING,
    codes::CONNECTION_WITHOUT_SERVER_NAME_RESET,
    codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
    codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
    codes::DECLARED_SERVER_NAME_RESET,
    codes::SERVER_NAME_REFUSED,
    codes::CLIENT_WITHOUT_SNI_UNROUTED,
    codes::LOAD_BALANCER_RESET,
];

/// The same clients, seen, played and expected, have one cause: the first of each list that was found.
const ALIKE: [&[Code]; 2] = [
    &[
        codes::CONNECTION_WITHOUT_SERVER_NAME_RESET,
        codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
        codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
    ],
    &[codes::DECLARED_SERVER_NAME_RESET, codes::SERVER_NAME_REFUSED],
];

/// A fault of a stored certificate, and the same fault as clients meet it.
pub(super) const STORED_AND_SERVED: [(Code, Code); 6] = [
    (codes::STORED_CERTIFICATE_EXPIRED, codes::SERVED_CERTIFICATE_EXPIRED),
    (codes::STORED_CERTIFICATE_NOT_YET_VALID, codes::SERVED_CERTIFICATE_NOT_YET_VALID),
    (codes::STORED_CERTIFICATE_EXPIRING, codes::SERVED_CERTIFICATE_EXPIRING),
    (codes::STORED_CERTIFICATE_NAME_MISMATCH, codes::SERVED_CERTIFICATE_NAME_MISMATCH),
    (codes::STORED_CHAIN_INCOMPLETE, codes::SERVED_CHAIN_INCOMPLETE),
    (codes::STORED_CHAIN_MISORDERED, codes::SERVED_CHAIN_MISORDERED),
];

/// The gateway does not serve what is stored, which explains what it serves where the stored certificate is right.
pub(super) const NOT_SERVED: Code = codes::STORED_CERTIFICATE_NOT_SERVED;

/// Clients that may not be ours.
const STRANGERS: Code = codes::UNKNOWN_SERVER_NAME_RESET;

/// The causes of every symptom found, by symptom, best first.
pub(super) fn of_symptoms(evidence: &Evidence, selected: &[CheckResult], all: &[CheckResult]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    let found = |code: Code| selected.iter().find(|result| result.check.code == code && is_found(result));
    for symptom in SYMPTOMS.into_iter().filter_map(found) {
        let code = symptom.check.code;
        if ALIKE.iter().any(|alike| is_explained(&causes, alike, code)) {
            continue;
        }
        let of_symptom = match code {
            codes::CONNECTION_WITHOUT_SERVER_NAME_RESET
            | codes::LOAD_BALANCER_RESET
            | codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED
            | codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED => without_name::refused(evidence, code, all),
            codes::DECLARED_SERVER_NAME_RESET | codes::SERVER_NAME_REFUSED => with_name::refused(evidence, all),
            codes::CLIENT_WITHOUT_SNI_UNROUTED => without_name::unrouted(all),
            codes::INGRESS_POD_MISSING => vec![without_pods(evidence, symptom)],
            _ => vec![direct(symptom)],
        };
        // A name that no route declares is refused: nothing that was seen explains it.
        let of_symptom = if of_symptom.is_empty() && code == codes::SERVER_NAME_REFUSED {
            vec![direct(symptom)]
        } else {
            of_symptom
        };
        causes.extend(named(of_symptom, symptom));
    }
    // What a handshake showed is a cause of its own, unless it explains a symptom already.
    for error in selected.iter().filter(|result| result.check.level == Level::Error && is_found(result)) {
        let told = |cause: &Cause| cause.symptom == Some(error.check.code) || cause.codes.contains(&error.check.code);
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

fn is_explained(causes: &[Cause], alike: &[Code], code: Code) -> bool {
    alike.contains(&code)
        && causes.iter().any(|cause| cause.symptom.is_some_and(|symptom| symptom != code && alike.contains(&symptom)))
}

/// With their symptom, and where that was seen.
fn named(mut causes: Vec<Cause>, symptom: &CheckResult) -> Vec<Cause> {
    let code = symptom.check.code;
    for cause in &mut causes {
        cause.symptom = Some(code);
        // What was only expected was seen nowhere; what was played stands in the cause.
        let seen = cause.certainty != Certainty::Possible
            && !matches!(
                code,
                codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED
                    | codes::SERVER_NAME_REFUSED
                    | codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED
            );
        if seen && cause.codes.first() != Some(&code) {
            cause.evidence.splice(0..0, symptom.findings().iter().take(4).map(seen_at));
        }
    }
    causes.sort_by_key(|cause| cause.certainty);
    causes
}

/// The finding is the cause itself; of a served certificate with what the Secret says to it.
fn served(error: &CheckResult, all: &[CheckResult]) -> Cause {
    let mut cause = direct(error);
    let Some((twin, _)) = STORED_AND_SERVED.iter().find(|(_, served)| *served == error.check.code) else {
        return cause;
    };
    for code in [*twin, NOT_SERVED] {
        if let Some(stored) = all.iter().find(|result| result.check.code == code && is_found(result)) {
            cause.codes.push(code);
            cause.evidence.extend(messages(stored));
        }
    }
    cause
}

/// The finding is the cause itself.
fn direct(result: &CheckResult) -> Cause {
    Cause {
        symptom: None,
        codes: vec![result.check.code],
        certainty: Certainty::Established,
        statement: result.check.summary.to_owned(),
        evidence: messages(result),
    }
}

/// Where no pod matches, that is all that was seen: the namespace or the selector may be wrong.
fn without_pods(evidence: &Evidence, missing: &CheckResult) -> Cause {
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

fn messages(result: &CheckResult) -> Vec<String> {
    result.findings().iter().take(5).map(|finding| finding.message.clone()).collect()
}

fn seen_at(finding: &Finding) -> String {
    let place = finding.place();
    if Object::are_named_in(&finding.objects, &finding.message) {
        return format!("{} ({place})", finding.message);
    }
    format!("{}: {} ({place})", finding.object(), finding.message)
}

/// The findings of a check at one object alone.
fn findings_on<'a>(all: &'a [CheckResult], code: Code, kind: Kind, name: &'a str) -> impl Iterator<Item = &'a Finding> {
    all.iter()
        .filter(move |result| result.check.code == code)
        .flat_map(CheckResult::findings)
        .filter(move |finding| finding.is_at(kind, name))
}
