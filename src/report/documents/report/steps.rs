//! The playbook step by step as a tree, and every check, for those who want to see all that was looked at.

use owo_colors::OwoColorize;

use super::push;
use crate::checks::Level;
use crate::judgement::{OutcomeWord, Report, StepReport, StepState};
use crate::report::TextOptions;
use crate::report::styles::Styles;
use crate::text::{LabelledText, pad, some_of, visible, wrap};

/// Column at which what was seen begins.
const SEEN_COLUMN: usize = 26;

/// Appends the steps.
pub(super) fn write(report: &Report, options: TextOptions, out: &mut String) {
    push(out, &"STEPS".style(options.styles.heading).to_string());
    for step in &report.steps {
        step_lines(step, options, out);
    }
}

fn step_lines(step: &StepReport, options: TextOptions, out: &mut String) {
    let title = format!("{:>2} {}", step.number, step.title);
    let (sign, style) = sign(step, options.styles);
    // One column less than the other lines; reports that users compare have always been wrapped so.
    let seen = LabelledText { margin: 0, column: SEEN_COLUMN + 2, width: options.width.saturating_sub(1) };
    let painted = format!("{} {title}", sign.style(style));
    *out += &seen.lines(&format!("{sign} {title}"), &painted, &visible(&step.seen), 0);
    let below = LabelledText { width: options.width, ..seen };
    for detail in step.details.iter().chain(&step.wide) {
        *out += &below.lines("", "", &visible(detail), 2);
    }
    let blank = " ".repeat(SEEN_COLUMN + 2);
    for mark in &step.marks {
        let style = options.styles.level(mark.level);
        let label = format!("{} {} {}", mark_sign(mark.level), mark.code, mark.level.as_str());
        let whole =
            wrap(&format!("{label} {}", visible(&mark.message)), options.width.saturating_sub(SEEN_COLUMN + 2), 2);
        // The label is within the first line: wrapping breaks at spaces, and messages follow it.
        let text = whole.strip_prefix(&label).unwrap_or(&whole);
        let mut lines = text.lines();
        push(out, &format!("{blank}{}{}", label.style(style), lines.next().unwrap_or_default()));
        for line in lines {
            push(out, &format!("{blank}{line}"));
        }
    }
}

/// Returns the mark of the step. A step with only notices must not look like one with errors.
fn sign(step: &StepReport, styles: Styles) -> (&'static str, owo_colors::Style) {
    let level = step.marks.iter().map(|mark| mark.level).max();
    match (step.state, level) {
        (StepState::Found, Some(level)) => (mark_sign(level), styles.level(level)),
        (StepState::Found, None) => ("✗", styles.state(step.state)),
        (StepState::NotApplicable | StepState::NotDone, _) => ("-", styles.state(step.state)),
        (StepState::Passed, _) => ("✓", styles.state(step.state)),
        (StepState::Unknown, _) => ("?", styles.state(step.state)),
    }
}

fn mark_sign(level: Level) -> &'static str {
    match level {
        Level::Notice => "•",
        Level::Warning | Level::Error => "✗",
    }
}

pub(super) fn checks(report: &Report, options: TextOptions, out: &mut String) {
    out.push('\n');
    push(out, &"CHECKS".style(options.styles.heading).to_string());
    for check in &report.checks {
        let outcome = match check.outcome {
            OutcomeWord::Found => "found",
            OutcomeWord::NotApplicable => "not applicable",
            OutcomeWord::Passed => "passed",
            OutcomeWord::Unknown => "unknown",
        };
        let reason = check.reason.clone().unwrap_or_else(|| {
            let objects: Vec<&str> = check.findings.iter().map(|finding| finding.object.as_str()).collect();
            some_of(&objects)
        });
        let line = format!("  {} {} {}: {}", check.code, pad(outcome, 14), check.name, visible(&reason));
        push(out, &wrap(&line, options.width, 23));
    }
}
