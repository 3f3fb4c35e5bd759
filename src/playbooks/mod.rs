//! The playbooks, which combine checks to answer a question. [`PLAYBOOKS`] is the only list.
//!
//! A playbook is data and functions: steps in order, each with its checks and what it shows of the evidence;
//! relations between the checks; the causes of a symptom; the remedy; the files that support reads first. One
//! folder each, which knows no other playbook. What is general (ranking, model of the answer, command lines)
//! is in `verdict`.

pub(crate) mod edge;
pub(crate) mod endpoint;
pub(crate) mod non_sni;
mod step;

use crate::checks::{Check, CheckResult, Family};
use crate::evidence::{Evidence, Question, Source, Unavailable};
use crate::verdict::{
    Cause, Change, Judged, LegAnswer, Measurement, NotSeen, Relations, Remedy, Verdict, VerdictKind, ranking,
};

pub(crate) use self::step::{Covers, StepLines, StepSeen};
pub use self::step::{Step, StepKey};

/// Every playbook. Of those that fit a question, the first is used.
pub static PLAYBOOKS: &[&Playbook] = &[&non_sni::PLAYBOOK, &endpoint::PLAYBOOK, &edge::PLAYBOOK];

/// A procedure that finds out why handshakes fail.
pub struct Playbook {
    /// In kebab case; also the name of its folder, with `_`.
    pub name: &'static str,
    /// One line, without a full stop.
    pub title: &'static str,
    /// In the order in which they are reported.
    pub steps: &'static [Step],
    pub(crate) judges: Judges,
}

/// The evidence that a playbook judges, and the functions that judge it.
pub(crate) enum Judges {
    /// All evidence of a run.
    Run(Run),
    /// Evidence that has the probes of one target of `probe` and no others.
    Target(ConcludeTarget),
    /// Evidence of an environment of Apigee Edge, on both legs.
    Legs(ConcludeLegs),
}

/// Concludes from the results of checks on an environment of Apigee Edge.
pub(crate) type ConcludeLegs = fn(&Evidence, &[CheckResult]) -> LegAnswer;

/// Concludes from the results of checks on the probes of one target.
pub(crate) type ConcludeTarget = fn(&Evidence, &[CheckResult]) -> Verdict;

/// How a playbook judges all evidence of a run.
pub(crate) struct Run {
    /// The playbook is for this question.
    pub(crate) applies_to: fn(&Question) -> bool,
    pub(crate) relations: &'static Relations,
    /// Returns the causes of a symptom.
    pub(crate) causes_of: fn(Judged<'_>, &CheckResult) -> Vec<Cause>,
    /// Returns causes of failures that could not be seen, where no symptom was found.
    pub(crate) causes_unseen: fn(Judged<'_>) -> Vec<Cause>,
    /// Clients that are reset would be seen in the evidence.
    pub(crate) shows_failures: fn(&Evidence) -> bool,
    pub(crate) next_measurement: fn(&Evidence, Open<'_>) -> Measurement,
    /// First half of the headline where no client was seen to fail and something warns.
    pub(crate) nobody_seen: fn(Judged<'_>) -> String,
    /// A warning as a cause of failures to come, with whom it would hit.
    pub(crate) risk: fn(&CheckResult) -> Cause,
    /// Kind and headline of the verdict where all checks were run and nothing is wrong.
    pub(crate) healthy: fn(Judged<'_>) -> (VerdictKind, String),
    pub(crate) remedy: fn(Judged<'_>, &Verdict) -> Remedy,
    /// What the steps of the remedy change, so that it can be rehearsed.
    pub(crate) changes: fn(Judged<'_>, &Verdict) -> Vec<Change>,
    /// Steps that a run does not do, or did not.
    pub(crate) not_done: fn(&Evidence) -> Vec<NotSeen>,
    /// The files that support reads first, in order.
    pub(crate) must_gather: &'static [Reading],
}

/// The question that a verdict leaves open.
#[derive(Clone, Copy)]
pub(crate) enum Open<'a> {
    /// The first cause, which has rivals or is not established.
    Cause(&'a Cause),
    /// The first reason why a check could not judge.
    Unknown(&'a Unavailable),
}

/// Something that support reads.
pub(crate) struct Reading {
    pub(crate) materials: &'static [Material],
    pub(crate) what: &'static str,
}

/// Material in a bundle.
#[derive(Clone, Copy)]
pub(crate) enum Material {
    /// The overrides files.
    Overrides,
    /// The files of this source.
    Source(Source),
}

impl Playbook {
    /// The step that has this check. `None` where the playbook does not judge by it.
    #[must_use]
    pub fn step_of(&self, family: &Family, check: &Check) -> Option<&'static Step> {
        self.steps.iter().find(|step| step.has(family, check))
    }
}

impl Run {
    /// From the results of checks to verdict and remedy.
    pub(crate) fn conclude(&self, judged: Judged<'_>) -> (Verdict, Remedy) {
        let Judged { evidence, selected, .. } = judged;
        let next = |open: Open<'_>| (self.next_measurement)(evidence, open);
        let mut causes = ranking::causes(self.relations, judged, |symptom| (self.causes_of)(judged, symptom));
        if causes.is_empty() {
            causes = (self.causes_unseen)(judged);
        }
        let are_seen = (self.shows_failures)(evidence);
        let mut verdict = ranking::of_causes(self.relations, causes, are_seen, |first| next(Open::Cause(first)))
            .or_else(|| ranking::at_risk(selected, self.risk, || (self.nobody_seen)(judged)))
            .or_else(|| ranking::no_access(judged, |why| next(Open::Unknown(why))))
            .or_else(|| ranking::unknown(selected, |why| next(Open::Unknown(why))))
            .or_else(|| ranking::passed(judged))
            .unwrap_or_else(|| {
                let (kind, headline) = (self.healthy)(judged);
                Verdict { kind, headline, causes: Vec::new(), next_measurement: None }
            });
        verdict.headline += &ranking::seen_although_left_out(self.relations, judged);
        let remedy = (self.remedy)(judged, &verdict);
        (verdict, remedy)
    }

    /// Returns whether a symptom was seen whose check the user left out.
    pub(crate) fn left_out(&self, judged: Judged<'_>) -> bool {
        ranking::left_out(self.relations, judged).next().is_some()
    }
}

/// The playbook of a run, and how it judges. A question that no playbook claims is judged by the first one.
pub(crate) fn of_run(question: &Question) -> (&'static Playbook, &'static Run) {
    let mut runs = PLAYBOOKS.iter().filter_map(|playbook| match &playbook.judges {
        Judges::Run(run) => Some((*playbook, run)),
        Judges::Target(_) | Judges::Legs(_) => None,
    });
    runs.find(|(_, run)| (run.applies_to)(question)).unwrap_or((&non_sni::PLAYBOOK, &non_sni::RUN))
}

/// The playbook of a target of `probe`, and how it concludes.
pub(crate) fn of_target() -> (&'static Playbook, ConcludeTarget) {
    let mut targets = PLAYBOOKS.iter().filter_map(|playbook| match &playbook.judges {
        Judges::Run(_) | Judges::Legs(_) => None,
        Judges::Target(conclude) => Some((*playbook, *conclude)),
    });
    targets.next().unwrap_or((&endpoint::PLAYBOOK, endpoint::conclude))
}

/// Returns the fix of a check for a target of `probe`, which may be any server.
pub(crate) fn advice(check: &'static Check) -> &'static str {
    endpoint::for_any_server(check)
}

/// The playbook of an environment of Apigee Edge, and how it concludes.
pub(crate) fn of_legs() -> (&'static Playbook, ConcludeLegs) {
    let mut legs = PLAYBOOKS.iter().filter_map(|playbook| match &playbook.judges {
        Judges::Run(_) | Judges::Target(_) => None,
        Judges::Legs(conclude) => Some((*playbook, *conclude)),
    });
    legs.next().unwrap_or((&edge::PLAYBOOK, edge::conclude))
}
