//! From results of checks to causes, best first, and from causes to a verdict. The relations and the causes
//! of a symptom come from the playbook.

use super::{
    Cause, Certainty, Judged, Measurement, Relations, Verdict, VerdictKind, is_found, is_unknown, judged_nothing,
    messages,
};
use crate::checks::{CheckResult, Code, Finding, Level, Object};
use crate::evidence::Unavailable;
use crate::text::count;

/// Returns the causes of every symptom found, by symptom, the best first. `causes_of` explains one symptom.
pub(crate) fn causes(
    relations: &Relations,
    judged: Judged<'_>,
    causes_of: impl Fn(&CheckResult) -> Vec<Cause>,
) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for symptom in relations.symptoms.iter().filter_map(|symptom| judged.found(symptom.code)) {
        if relations.alike.iter().any(|alike| is_explained(&causes, alike, symptom.check.code)) {
            continue;
        }
        causes.extend(named(relations, causes_of(symptom), symptom));
    }
    // An error that is no symptom is a cause of its own, unless it explains a symptom already.
    for error in judged.selected.iter().filter(|result| result.check.level == Level::Error && is_found(result)) {
        let code = error.check.code;
        let told = |cause: &Cause| cause.symptom == Some(code) || cause.codes.contains(&code);
        let is_alike = relations.alike.iter().any(|alike| is_explained(&causes, alike, code));
        if !is_alike && relations.symptom(code).is_none() && !causes.iter().any(told) {
            causes.extend(named(relations, vec![served(relations, error, judged.all)], error));
        }
    }
    for strangers in relations.strangers.iter().filter_map(|code| judged.found(*code)) {
        causes.extend(named(relations, vec![direct(strangers)], strangers));
    }
    causes
}

/// Another symptom of the same clients has its cause already.
fn is_explained(causes: &[Cause], alike: &[Code], code: Code) -> bool {
    alike.contains(&code)
        && causes.iter().any(|cause| cause.symptom.is_some_and(|symptom| symptom != code && alike.contains(&symptom)))
}

/// Adds the symptom to its causes, and to their evidence where the symptom was seen.
fn named(relations: &Relations, mut causes: Vec<Cause>, symptom: &CheckResult) -> Vec<Cause> {
    let code = symptom.check.code;
    let is_located = relations.symptom(code).is_none_or(|symptom| symptom.is_located);
    for cause in &mut causes {
        cause.symptom = Some(code);
        let seen = is_located && cause.certainty != Certainty::Possible;
        if seen && cause.codes.first() != Some(&code) {
            cause.evidence.splice(0..0, symptom.findings().iter().take(4).map(seen_at));
        }
    }
    causes.sort_by_key(|cause| cause.certainty);
    causes
}

fn seen_at(finding: &Finding) -> String {
    let place = finding.place();
    if Object::are_named_in(&finding.objects, &finding.message) {
        return format!("{} ({place})", finding.message);
    }
    format!("{}: {} ({place})", finding.object(), finding.message)
}

/// The finding is the cause itself; that of something served includes what is wrong with what is stored.
fn served(relations: &Relations, error: &CheckResult, all: &[CheckResult]) -> Cause {
    let mut cause = direct(error);
    let Some((twin, _)) = relations.same_fault.iter().find(|(_, served)| *served == error.check.code) else {
        return cause;
    };
    for code in [Some(*twin), relations.not_served].into_iter().flatten() {
        if let Some(stored) = all.iter().find(|result| result.check.code == code && is_found(result)) {
            cause.codes.push(code);
            cause.evidence.extend(messages(stored));
        }
    }
    cause
}

/// The finding is the cause itself.
pub(crate) fn direct(result: &CheckResult) -> Cause {
    Cause {
        symptom: None,
        codes: vec![result.check.code],
        certainty: Certainty::Established,
        statement: result.check.summary.to_owned(),
        evidence: messages(result),
    }
}

/// The verdict where clients fail. `causes` are best first; none is no verdict. `next` is the measurement
/// that would tell more about the first cause.
pub(crate) fn of_causes(causes: Vec<Cause>, next: impl FnOnce(&Cause) -> Measurement) -> Option<Verdict> {
    let first = causes.first()?;
    let rivals = causes.iter().filter(|cause| cause.symptom == first.symptom).count() > 1;
    let kind = match first.certainty {
        Certainty::Established => VerdictKind::Cause,
        Certainty::Likely | Certainty::Possible if rivals || !first.codes.is_empty() => VerdictKind::Ambiguous,
        _ => VerdictKind::Unknown,
    };
    let next_measurement = (rivals || kind != VerdictKind::Cause).then(|| next(first));
    Some(Verdict { kind, headline: first.statement.clone(), next_measurement, causes })
}

/// The verdict where no client was seen to fail and a selected check warns. `nobody_seen` is the first half
/// of the headline.
pub(crate) fn at_risk(selected: &[CheckResult], nobody_seen: impl FnOnce() -> String) -> Option<Verdict> {
    let warned = selected.iter().filter(|result| result.check.level >= Level::Warning && !result.findings().is_empty());
    let causes: Vec<Cause> = warned.map(direct).collect();
    let headline = format!("{}, but {}", nobody_seen(), lower_first(&causes.first()?.statement));
    Some(Verdict { kind: VerdictKind::AtRisk, headline, causes, next_measurement: None })
}

/// The verdict where nothing was found and too little could be judged. `next` is the measurement for the
/// first reason.
pub(crate) fn unknown(selected: &[CheckResult], next: impl FnOnce(&Unavailable) -> Measurement) -> Option<Verdict> {
    let unknown: Vec<&CheckResult> = selected.iter().filter(|result| is_unknown(result)).collect();
    let why = unknown.first().and_then(|first| first.judgement.as_ref().err());
    let headline = match why {
        Some(why) => {
            format!("Nothing wrong was found, but {} could not be judged: {why}", count(unknown.len() as u64, "check"))
        }
        None if judged_nothing(selected) => {
            "Nothing could be judged: what the selected checks need was not requested".into()
        }
        None => return None,
    };
    Some(Verdict { kind: VerdictKind::Unknown, headline, causes: Vec::new(), next_measurement: why.map(next) })
}

/// The sentence as the second half of another one; a name keeps its capitals.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let is_name = text.starts_with("Apigee") || letters.clone().next().is_some_and(char::is_uppercase);
    if is_name { text.to_owned() } else { first.to_lowercase().chain(letters).collect() }
}
