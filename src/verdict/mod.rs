//! From single findings to one answer: the cause, ranked when several fit, and the remedy.
//!
//! ```text
//! Evidence ─ checks ─┬─ causes ─ Verdict ─┐
//!                    └─ remedy ─ Remedy ──┴─ report
//! ```
//!
//! Pure, like the checks. It stops at plain values; how they look is the report's business.

mod causes;
mod manifest;
mod measurement;
mod overrides_diff;
mod remedy;
pub(crate) mod s_client;
mod shell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::facts::{self, chain, served};
use crate::checks::{CheckResult, Code, Level, Outcome, codes};
use crate::evidence::{Evidence, Reason, Seen};

pub(crate) use self::measurement::{capture, probe};
pub use self::remedy::{Remedy, RemedyStep};
pub(crate) use self::shell::word as shell_word;

/// What was concluded.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    pub kind: VerdictKind,
    /// One sentence.
    pub headline: String,
    /// Best first, by symptom.
    pub causes: Vec<Cause>,
    /// The one measurement that would split the causes that are left, or tell what is unknown.
    pub next_measurement: Option<Measurement>,
}

/// The kinds of answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VerdictKind {
    /// Several causes fit, and none is established.
    Ambiguous,
    /// No client was seen to fail, but some will, or some are refused who may not be ours.
    AtRisk,
    /// Clients fail, and this is why.
    Cause,
    /// Nothing that was looked at keeps clients from shaking hands.
    Healthy,
    /// Too little could be seen.
    Unknown,
}

impl VerdictKind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ambiguous => "AMBIGUOUS",
            Self::AtRisk => "AT RISK",
            Self::Cause => "CAUSE",
            Self::Healthy => "HEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// One reason why clients fail.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cause {
    /// Code of the check that saw clients fail; absent where none did.
    pub symptom: Option<Code>,
    /// Codes of the checks whose facts make up the cause.
    pub codes: Vec<Code>,
    pub certainty: Certainty,
    /// One sentence.
    pub statement: String,
    /// What was seen that says so.
    pub evidence: Vec<String>,
}

impl Cause {
    /// What connected was seen to speak no TLS, so that nothing of the gateway is at fault.
    #[must_use]
    pub(crate) fn is_without_tls(&self) -> bool {
        self.symptom == Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET)
            && self.codes.is_empty()
            && self.certainty == Certainty::Established
    }
}

/// How far the evidence carries.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// Seen, and enough to explain the symptom.
    Established,
    /// Fits what was seen better than the others.
    Likely,
    /// Cannot be excluded.
    Possible,
}

/// Something to do in order to know more.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measurement {
    pub why: String,
    pub command: String,
}

/// Concludes from the evidence. `selected` are the checks that the user let through: only their findings are
/// symptoms; `all` also explains them.
#[must_use]
pub fn conclude(evidence: &Evidence, selected: &[CheckResult], all: &[CheckResult]) -> (Verdict, Remedy) {
    let causes = causes::of_symptoms(evidence, selected, all);
    let verdict = if causes.is_empty() { without_symptoms(evidence, selected) } else { of_causes(evidence, causes) };
    let remedy = remedy::of(evidence, &verdict, selected, all);
    (verdict, remedy)
}

fn of_causes(evidence: &Evidence, causes: Vec<Cause>) -> Verdict {
    let first = &causes[0];
    let rivals = causes.iter().filter(|cause| cause.symptom == first.symptom).count() > 1;
    let kind = match first.certainty {
        Certainty::Established => VerdictKind::Cause,
        Certainty::Likely | Certainty::Possible if rivals || !first.codes.is_empty() => VerdictKind::Ambiguous,
        _ => VerdictKind::Unknown,
    };
    let next_measurement = (rivals || kind != VerdictKind::Cause).then(|| measurement::next(evidence, first));
    Verdict { kind, headline: first.statement.clone(), next_measurement, causes }
}

fn without_symptoms(evidence: &Evidence, selected: &[CheckResult]) -> Verdict {
    let warned: Vec<&CheckResult> = selected
        .iter()
        .filter(|result| result.check.level >= Level::Warning && !result.findings().is_empty())
        .collect();
    if !warned.is_empty() {
        let causes: Vec<Cause> = warned
            .iter()
            .map(|result| Cause {
                symptom: None,
                codes: vec![result.check.code],
                certainty: Certainty::Established,
                statement: result.check.summary.to_owned(),
                evidence: result.findings().iter().take(5).map(|finding| finding.message.clone()).collect(),
            })
            .collect();
        return Verdict {
            kind: VerdictKind::AtRisk,
            headline: format!("{}, but {}", nobody_seen(evidence, selected), lower_first(&causes[0].statement)),
            causes,
            next_measurement: None,
        };
    }
    let unknown: Vec<&CheckResult> = selected.iter().filter(|result| is_unknown(result)).collect();
    if let Some(first) = unknown.first() {
        let why = first.judgement.as_ref().err();
        let told = why.map(ToString::to_string).unwrap_or_default();
        return Verdict {
            kind: VerdictKind::Unknown,
            headline: format!(
                "Nothing wrong was found, but {} could not be judged: {told}",
                facts::count(unknown.len() as u64, "check")
            ),
            causes: Vec::new(),
            next_measurement: why.map(|why| measurement::of_unknown(evidence, why)),
        };
    }
    if judged_nothing(selected) {
        return Verdict {
            kind: VerdictKind::Unknown,
            headline: "Nothing could be judged: what the selected checks need was not asked for".into(),
            causes: Vec::new(),
            next_measurement: None,
        };
    }
    let no_wildcard =
        selected.iter().find(|result| result.check.code == codes::WILDCARD_ROUTE_MISSING && is_found(result));
    let selected_alone = selected.len() < crate::checks::all().count();
    let headline = match no_wildcard {
        _ if selected_alone => "The checks that were selected found nothing wrong",
        _ if evidence.question.is_offline() => "Nothing wrong was found in the files given; the cluster was not asked",
        Some(_) => {
            "Nothing that was looked at keeps clients with SNI from shaking hands; clients without SNI are not accepted, \
             and none was seen"
        }
        None => "Nothing that was looked at keeps clients from shaking hands",
    };
    let mut headline = headline.to_owned();
    if !selected_alone && has_untold_issuer(evidence) {
        headline += "; whether they trust the certificates was not judged";
    }
    Verdict { kind: VerdictKind::Healthy, headline, causes: Vec::new(), next_measurement: None }
}

/// A leaf came without its issuer, and nobody said which authorities clients have: they may be right to refuse it.
fn has_untold_issuer(evidence: &Evidence) -> bool {
    let Seen::Seen(probes) = &evidence.probes else { return false };
    served::with_unknown_trust(probes).any(|(_, made)| chain::leaf_without_issuer(&made.certificates).is_some())
}

/// That no client was seen to fail says little where the logs could not be read, and is not true of resets that are over.
fn nobody_seen(evidence: &Evidence, selected: &[CheckResult]) -> String {
    let unread = !selected
        .iter()
        .any(|result| result.check.code == codes::CONNECTION_WITHOUT_SERVER_NAME_RESET && result.judgement.is_ok());
    let last = facts::logs(evidence).filter_map(|(_, log)| log.reset_without_name.last).max();
    match last {
        _ if unread => "Whether clients fail could not be seen".into(),
        Some(last) => format!("No client was seen to fail since {}", facts::moment(last)),
        None => "No client was seen to fail".into(),
    }
}

/// Not one check had what it needs, asked for or not: that is no "nothing found".
#[must_use]
pub fn judged_nothing(selected: &[CheckResult]) -> bool {
    selected.iter().all(|result| result.judgement.is_err())
}

/// The check could not see what it needs. What the user did not ask for is not unknown.
#[must_use]
pub fn is_unknown(result: &CheckResult) -> bool {
    matches!(&result.judgement, Err(why) if !matches!(why.reason, Reason::NotRequested(_)))
}

/// The check found its fault.
#[must_use]
pub(crate) fn is_found(result: &CheckResult) -> bool {
    matches!(result.judgement, Ok(Outcome::Found(_)))
}

/// The sentence as the second half of another one; a name keeps its capitals.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let is_name = text.starts_with("Apigee") || letters.clone().next().is_some_and(char::is_uppercase);
    if is_name { text.to_owned() } else { first.to_lowercase().chain(letters).collect() }
}
