//! From results of checks to causes, best first, and from causes to a verdict. The relations and the causes
//! of a symptom come from the playbook.

use std::collections::BTreeSet;

use super::{
    Cause, Certainty, Judged, Measurement, Relations, Verdict, VerdictKind, Witness, is_found, is_unknown,
    judged_nothing, messages,
};
use crate::checks::{CheckResult, Code, Finding, Kind, Level, Object, Outcome};
use crate::evidence::part::Part;
use crate::evidence::{Reason, Unavailable};
use crate::text::count;

/// Returns the causes of every symptom found, by symptom, the best first. `causes_of` explains one symptom,
/// or one error that is no symptom.
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
            let cause = causes_of(error).into_iter().next().unwrap_or_else(|| direct(error));
            causes.extend(named(relations, vec![served(relations, cause, error, judged.all)], error));
        }
    }
    for strangers in relations.strangers.iter().filter_map(|code| judged.found(*code)) {
        if relations.alike.iter().any(|alike| is_explained(&causes, alike, strangers.check.code)) {
            continue;
        }
        causes.extend(named(relations, causes_of(strangers), strangers));
    }
    // Stable: what clients were seen to suffer comes before what only counters or a probe show, and what is
    // established before a guess.
    causes.sort_by_key(|cause| (relations.witness(cause.symptom), relations.is_guess(cause.symptom)));
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
        if relations.is_guess(Some(code)) {
            cause.certainty = cause.certainty.max(Certainty::Likely);
        }
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
fn served(relations: &Relations, mut cause: Cause, error: &CheckResult, all: &[CheckResult]) -> Cause {
    let Some((twin, _)) = relations.same_fault.iter().find(|(_, served)| *served == error.check.code) else {
        return cause;
    };
    for code in [Some(*twin), relations.not_served].into_iter().flatten() {
        if let Some(stored) = all.iter().find(|result| result.check.code == code && is_found(result)) {
            cause.statement += &format!("; {}", lower_first(stored.check.summary));
            cause.codes.push(code);
            cause.evidence.extend(messages(stored));
        }
    }
    cause
}

/// The finding is the cause itself. One finding is the statement; of several, the first and their number.
pub(crate) fn direct(result: &CheckResult) -> Cause {
    direct_saying(result, |finding| finding.message.clone())
}

/// Like [`direct`], with another text in place of the messages.
pub(crate) fn direct_saying(result: &CheckResult, say: impl Fn(&Finding) -> String) -> Cause {
    let stated = |finding: &Finding| upper_first(&stated(finding, &say(finding)));
    let statement = match result.findings() {
        [] => result.check.summary.to_owned(),
        [only] => stated(only),
        [first, rest @ ..] => format!("{} (and {} more)", stated(first), rest.len()),
    };
    Cause {
        symptom: None,
        codes: vec![result.check.code],
        certainty: Certainty::Established,
        statement,
        evidence: messages(result),
    }
}

/// The message, with the place behind it where it names no object. Several endpoints in front are counted.
fn stated(finding: &Finding, message: &str) -> String {
    let objects = finding.objects.as_slice();
    let at = match objects {
        [object] => object.to_string(),
        _ if objects.iter().all(|object| object.kind == Kind::Endpoint) => {
            format!("at {}", count(objects.len() as u64, "endpoint"))
        }
        _ => format!("at {}", count(objects.len() as u64, "object")),
    };
    if let Some(rest) = message.strip_prefix(&Object::describe(objects)).and_then(|rest| rest.strip_prefix(": ")) {
        return match (is_predicate(rest), objects) {
            (false, _) => format!("{rest} ({at})"),
            (true, [only]) => format!("{} {rest}", only.name),
            (true, several) => format!("each of {} {rest}", count(several.len() as u64, "endpoint")),
        };
    }
    if finding.is_in_own_file() {
        return format!("{message} ({})", finding.place());
    }
    if objects.is_empty() || objects.iter().any(|object| message.contains(&object.name)) {
        message.to_owned()
    } else {
        format!("{message} ({at})")
    }
}

/// Returns whether the text says what its object does, without naming it: `cannot be reached`.
fn is_predicate(text: &str) -> bool {
    const VERBS: [&str; 5] = ["answers", "cannot", "does", "offers", "warns"];
    VERBS.iter().any(|verb| text.split_whitespace().next() == Some(verb))
}

/// The sentence with a capital in front. A name that begins with a lower-case letter and has a digit, a dot,
/// a hyphen or a capital behind it (`sslSecret`) keeps it.
fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    let first_word = text.split_whitespace().next().unwrap_or_default();
    let is_inside = |character: char| character.is_ascii_digit() || "./:-_".contains(character);
    let is_name = first_word.contains(is_inside) || first_word.chars().skip(1).any(char::is_uppercase);
    match characters.next() {
        Some(first) if !is_name => first.to_uppercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

/// The verdict where something fails. `causes` are best first; none is no verdict. `are_seen`: the access
/// logs would show clients that fail. `next` is the measurement that would tell more about the first cause.
pub(crate) fn of_causes(
    relations: &Relations,
    causes: Vec<Cause>,
    are_seen: bool,
    next: impl FnOnce(&Cause) -> Measurement,
) -> Option<Verdict> {
    let first = causes.first()?;
    let of_symptom = || causes.iter().filter(|cause| cause.symptom == first.symptom);
    let rivals = of_symptom().count() > 1;
    let equals = of_symptom().filter(|cause| cause.certainty == first.certainty).count() > 1;
    let leaves_record = !first.codes.iter().any(|code| relations.without_record.contains(code));
    let probe_only = relations.witness(first.symptom) == Witness::Probe && leaves_record;
    let kind = match first.certainty {
        Certainty::Established if probe_only && are_seen => VerdictKind::AtRisk,
        Certainty::Established if probe_only => VerdictKind::Likely,
        Certainty::Established => VerdictKind::Cause,
        Certainty::Likely if !equals => VerdictKind::Likely,
        Certainty::Likely | Certainty::Possible if rivals || !first.codes.is_empty() => VerdictKind::Ambiguous,
        _ => VerdictKind::Unknown,
    };
    let open = rivals || !matches!(kind, VerdictKind::Cause | VerdictKind::AtRisk);
    let next_measurement = open.then(|| next(first));
    Some(Verdict { kind, headline: first.statement.clone(), next_measurement, causes })
}

/// The verdict where no client was seen to fail and a selected check warns. `nobody_seen` is the first half
/// of the headline, `risk` the other one.
pub(crate) fn at_risk(
    selected: &[CheckResult],
    risk: impl Fn(&CheckResult) -> Cause,
    nobody_seen: impl FnOnce() -> String,
) -> Option<Verdict> {
    let warned = selected.iter().filter(|result| result.check.level >= Level::Warning && !result.findings().is_empty());
    let causes: Vec<Cause> = warned.map(risk).collect();
    let headline = format!("{}, but {}", nobody_seen(), lower_first(&causes.first()?.statement));
    Some(Verdict { kind: VerdictKind::AtRisk, headline, causes, next_measurement: None })
}

/// The verdict where the user may read nothing that the checks need. `next` is the measurement for the first
/// reason.
pub(crate) fn no_access(judged: Judged<'_>, next: impl FnOnce(&Unavailable) -> Measurement) -> Option<Verdict> {
    let forbidden = |why: &Unavailable| matches!(why.reason, Reason::Forbidden { .. });
    let reasons = || judged.selected.iter().filter_map(|result| result.judgement.as_ref().err());
    let first = reasons().find(|why| forbidden(why))?;
    if judged.selected.iter().any(|result| matches!(result.judgement, Ok(Outcome::Found(_) | Outcome::Passed(_)))) {
        return None;
    }
    let namespace = judged.evidence.question.namespace();
    // All of them, also those that no check named first: the reader asks for all at once.
    let gaps = judged.evidence.parts().into_iter().flat_map(Part::gaps);
    let whys = reasons().map(|why| why.reason.clone()).chain(gaps.map(|gap| gap.why.reason.clone()));
    let rules: BTreeSet<String> = whys
        .filter_map(|why| match why {
            Reason::Forbidden { verb, resource, .. } => Some(format!("{verb} {resource}")),
            _ => None,
        })
        .collect();
    let rules: Vec<String> = rules.into_iter().collect();
    let headline = format!(
        "This user may read nothing that the checks need in namespace {namespace}; missing rules: {}",
        rules.join(", ")
    );
    Some(Verdict { kind: VerdictKind::NoAccess, headline, causes: Vec::new(), next_measurement: Some(next(first)) })
}

/// The verdict where nothing was found and too little could be judged. `next` is the measurement for the
/// first reason.
pub(crate) fn unknown(selected: &[CheckResult], next: impl FnOnce(&Unavailable) -> Measurement) -> Option<Verdict> {
    let unknown: Vec<&CheckResult> = selected.iter().filter(|result| is_unknown(result)).collect();
    let why = unknown.first().and_then(|first| first.judgement.as_ref().err());
    let headline = match why {
        Some(why) => {
            let number = count(unknown.len() as u64, "check");
            let others = if judged_nothing(selected) { "" } else { ". The others found nothing wrong" };
            format!("{number} could not be judged: {why}{others}")
        }
        None if judged_nothing(selected) => {
            "Nothing could be judged: what the selected checks need was not requested".into()
        }
        None => return None,
    };
    Some(Verdict { kind: VerdictKind::Unknown, headline, causes: Vec::new(), next_measurement: why.map(next) })
}

/// The verdict where only some checks were selected, and these found nothing graver than a notice.
pub(crate) fn passed(judged: Judged<'_>) -> Option<Verdict> {
    let Judged { selected, all, .. } = judged;
    if selected.len() == all.len() {
        return None;
    }
    let notices = selected.iter().filter(|result| is_found(result)).count();
    let mut headline = format!("{} of {} checks {} selected", selected.len(), all.len(), was(selected.len()));
    headline += &match notices {
        0 => "; nothing was found".to_owned(),
        _ => format!("; {}, nothing graver", count(notices as u64, "notice")),
    };
    Some(Verdict { kind: VerdictKind::Passed, headline, causes: Vec::new(), next_measurement: None })
}

fn was(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// Returns the sentence that names the symptoms seen by checks that the user left out. Empty if there are
/// none.
pub(crate) fn seen_although_left_out(relations: &Relations, judged: Judged<'_>) -> String {
    let symptoms: Vec<String> = left_out(relations, judged)
        .map(|symptom| {
            let messages = messages(symptom);
            let more = if messages.len() > 1 { format!(", and {} more", messages.len() - 1) } else { String::new() };
            format!("{}{more} ({})", messages.first().cloned().unwrap_or_default(), symptom.check.code)
        })
        .collect();
    if symptoms.is_empty() { String::new() } else { format!(". Not judged although seen: {}", symptoms.join("; ")) }
}

/// Returns the symptoms that were found by checks that the user left out.
pub(crate) fn left_out<'a>(relations: &Relations, judged: Judged<'a>) -> impl Iterator<Item = &'a CheckResult> {
    let is_selected = move |code: Code| judged.selected.iter().any(|result| result.check.code == code);
    let symptoms = relations.symptoms.iter().map(|symptom| symptom.code).chain(relations.strangers.iter().copied());
    let symptoms: Vec<Code> = symptoms.filter(|code| !is_selected(*code)).collect();
    judged.all.iter().filter(move |result| symptoms.contains(&result.check.code) && is_found(result))
}

/// The sentence as the second half of another one; a name keeps its capitals.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let is_name = text.starts_with("Apigee") || letters.clone().next().is_some_and(char::is_uppercase);
    if is_name { text.to_owned() } else { first.to_lowercase().chain(letters).collect() }
}
