//! The steps that fix the findings, with what to paste.

use super::parts::{Paste, names, rest};
use crate::text::date;
use crate::verdict::{CertificateChoice, Purpose, RemedyStep};

/// Maximum number of certificates to choose from, and of names of each.
const MAX_CHOICES: usize = 20;
const MAX_NAMES: usize = 6;

/// The steps in order.
#[derive(Clone, Debug)]
pub(super) struct FixView<'a> {
    pub(super) now: Vec<StepView<'a>>,
    pub(super) later: Vec<StepView<'a>>,
    pub(super) side_effects: &'a [String],
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct StepView<'a> {
    pub(super) step: &'a RemedyStep,
    pub(super) is_check: bool,
    pub(super) paste: Option<Paste>,
    pub(super) undo: Option<Paste>,
    pub(super) choices: Vec<ChoiceView<'a>>,
    pub(super) other_choices: Option<String>,
}

/// A certificate that the step can use.
#[derive(Clone, Debug)]
pub(super) struct ChoiceView<'a> {
    pub(super) secret: &'a str,
    pub(super) names: String,
    pub(super) until: String,
    pub(super) uncovered: String,
    pub(super) is_chosen: bool,
}

impl<'a> FixView<'a> {
    pub(super) fn of(steps: &'a [RemedyStep], side_effects: &'a [String]) -> Self {
        let (later, now): (Vec<&RemedyStep>, Vec<&RemedyStep>) =
            steps.iter().partition(|step| step.purpose == Purpose::Later);
        let view = |steps: Vec<&'a RemedyStep>| steps.into_iter().map(StepView::of).collect();
        Self { now: view(now), later: view(later), side_effects }
    }
}

impl<'a> StepView<'a> {
    fn of(step: &'a RemedyStep) -> Self {
        let choices = if step.choices.len() < 2 { &[] } else { step.choices.as_slice() };
        Self {
            step,
            is_check: step.purpose == Purpose::Check && !step.title.starts_with("Check"),
            paste: step.paste.as_deref().map(Paste::new),
            undo: step.undo.as_deref().map(Paste::new),
            choices: choices.iter().take(MAX_CHOICES).map(choice).collect(),
            other_choices: rest(choices.len().saturating_sub(MAX_CHOICES) as u64, "certificate"),
        }
    }
}

fn choice(choice: &CertificateChoice) -> ChoiceView<'_> {
    ChoiceView {
        secret: &choice.secret,
        names: names(&choice.names, MAX_NAMES),
        until: choice.not_after.map_or_else(|| "–".to_owned(), date),
        uncovered: names(&choice.uncovered, MAX_NAMES),
        is_chosen: choice.chosen,
    }
}
