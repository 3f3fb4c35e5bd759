//! The report for a person: the playbook's steps as a tree, then the cause, the fix, and what was not seen.
//!
//! Reads the same without colour. Control characters of names and logs are made visible, so that a hostile
//! server name cannot write to the terminal.

use owo_colors::OwoColorize;

use super::located;
use crate::checks::Level;
use crate::judgement::{self, OutcomeWord, Report, StepReport, StepState};
use crate::report::styles::Styles;
use crate::report::{Document, Located, TextOptions};
use crate::text::{LabelledText, moment_in_heading, one_line, pad, some_of, visible, wrap};
use crate::verdict::{Cause, Certainty};

/// Column at which what was seen begins.
const SEEN_COLUMN: usize = 26;

/// Maximum number of findings of one check that a step shows.
const TOP_MARKS: usize = 4;

/// Width of the word in front of the sections (`CAUSE`, `FIX`).
const LABEL_COLUMN: usize = 10;

impl Document for Report {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let mut out = String::new();
        head(self, options, &mut out);
        for step in &self.steps {
            step_lines(step, options, &mut out);
        }
        if options.wide {
            checks(self, options, &mut out);
        }
        verdict(self, options, &mut out);
        remedy(self, options, &mut out);
        rehearsal(self, options, &mut out);
        not_seen(self, options, &mut out);
        out
    }

    fn findings(&self) -> Vec<Located<'_>> {
        located(&self.checks, None).collect()
    }
}

fn head(report: &Report, options: TextOptions, out: &mut String) {
    let subject = &report.subject;
    let source = match (subject.context(), subject.is_offline()) {
        (_, true) => "files alone".to_owned(),
        (Some(context), _) => format!("context {} · namespace {}", visible(context), visible(subject.namespace())),
        (None, _) => format!("namespace {}", visible(subject.namespace())),
    };
    let line = format!(
        "kubectl apigee-tls {} · {source} · {}",
        report.tool_version,
        moment_in_heading(subject.collected_at())
    );
    push(out, &line.style(options.styles.heading).to_string());
    out.push('\n');
}

fn step_lines(step: &StepReport, options: TextOptions, out: &mut String) {
    let title = format!("{:>2} {}", step.number, step.title);
    let (sign, style) = sign(step, options.styles);
    // One column less than the other lines; reports that users compare have always been wrapped so.
    let seen = LabelledText { margin: 0, column: SEEN_COLUMN + 2, width: options.width.saturating_sub(1) };
    let painted = format!("{} {title}", sign.style(style));
    *out += &seen.lines(&format!("{sign} {title}"), &painted, &visible(&step.seen), 0);
    let below = LabelledText { width: options.width, ..seen };
    let wide = if options.wide { step.wide.as_slice() } else { &[] };
    for detail in step.details.iter().chain(wide) {
        *out += &below.lines("", "", &visible(detail), 2);
    }
    let blank = " ".repeat(SEEN_COLUMN + 2);
    for (i, mark) in step.marks.iter().enumerate() {
        // The same fault of twenty pods is shown for a few. `-o wide` and the formats for programs have them
        // all.
        let before = step.marks[..i].iter().filter(|earlier| earlier.code == mark.code).count();
        if !options.wide && before >= TOP_MARKS {
            if before == TOP_MARKS {
                let rest = step.marks.iter().filter(|other| other.code == mark.code).count() - TOP_MARKS;
                push(out, &format!("{blank}  {} and {rest} more, listed by -o wide", mark.code));
            }
            continue;
        }
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

fn checks(report: &Report, options: TextOptions, out: &mut String) {
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

fn verdict(report: &Report, options: TextOptions, out: &mut String) {
    out.push('\n');
    let verdict = &report.verdict;
    let style = options.styles.verdict(verdict.kind);
    let codes = verdict.causes.first().map_or(String::new(), codes);
    section(out, verdict.kind.word(), style, &format!("{}{codes}.", visible(&verdict.headline)), options.width);
    let mut causes = verdict.causes.iter();
    if let Some(first) = causes.next() {
        evidence(first, options, out);
    }
    let first_symptom = verdict.causes.first().and_then(|cause| cause.symptom);
    for cause in causes {
        let label = match cause.certainty {
            Certainty::Established if cause.symptom == first_symptom => "AND",
            Certainty::Established => "ALSO",
            Certainty::Likely => "OR",
            Certainty::Possible => "OR ELSE",
        };
        section(
            out,
            label,
            options.styles.heading,
            &format!("{}{}.", visible(&cause.statement), self::codes(cause)),
            options.width,
        );
        evidence(cause, options, out);
    }
    if let Some(next) = &verdict.next_measurement {
        section(out, "NEXT", options.styles.heading, &format!("{}:", visible(&next.why)), options.width);
        paste(out, &next.command, options);
    }
}

fn codes(cause: &Cause) -> String {
    let named: Vec<String> = cause
        .codes
        .iter()
        .map(|code| match crate::checks::find(code.as_str()) {
            Some((_, check)) => format!("{code} {}", check.name),
            None => code.to_string(),
        })
        .collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

fn evidence(cause: &Cause, options: TextOptions, out: &mut String) {
    for line in &cause.evidence {
        let text = format!("· {}", visible(line));
        *out += &LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width }.lines("", "", &text, 2);
    }
}

fn remedy(report: &Report, options: TextOptions, out: &mut String) {
    for (i, step) in report.remedy.steps.iter().enumerate() {
        if i == 0 {
            blank_line(out);
        }
        let label = if i == 0 { "FIX" } else { "" };
        section(out, label, options.styles.heading, &format!("{}. {}", i + 1, visible(&step.title)), options.width);
        if let Some(text) = &step.paste {
            paste(out, text, options);
        }
        if let Some(note) = &step.note {
            section(out, "", options.styles.dim, &format!("   {}", visible(&one_line(note))), options.width);
        }
    }
    for effect in &report.remedy.side_effects {
        section(out, "SIDE", options.styles.heading, &visible(effect), options.width);
    }
}

/// Appends what the steps of the fix would cure, leave and bring.
fn rehearsal(report: &Report, options: TextOptions, out: &mut String) {
    let Some(rehearsal) = &report.rehearsal else { return };
    blank_line(out);
    let then = format!("all steps of FIX are done: {}. {}.", rehearsal.verdict.word(), visible(&rehearsal.headline));
    section(out, "WHAT IF", options.styles.heading, &then, options.width);
    let lists = [("cures", &rehearsal.cures), ("leaves", &rehearsal.leaves), ("brings", &rehearsal.brings)];
    for (verb, findings) in lists {
        for finding in findings {
            let text = format!("{verb} {} {}: {}", finding.code, finding.level.as_str(), visible(&finding.message));
            section(out, "", options.styles.dim, &text, options.width);
        }
    }
}

/// Appends text to paste. It begins at the margin: an indented heredoc or diff would not work.
fn paste(out: &mut String, text: &str, options: TextOptions) {
    blank_line(out);
    for line in text.lines() {
        push(out, &visible(line).style(options.styles.command).to_string());
    }
    out.push('\n');
}

fn not_seen(report: &Report, options: TextOptions, out: &mut String) {
    blank_line(out);
    for (i, item) in report.not_seen.iter().enumerate() {
        let label = if i == 0 { "NOT SEEN" } else { "" };
        let text = format!("{}: {}", visible(&item.what), visible(&item.why));
        section(out, label, options.styles.heading, &text, options.width);
    }
}

/// Appends an empty line, unless there is one: text to paste ends with its own.
fn blank_line(out: &mut String) {
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// Appends a label at the margin and wrapped text beside it.
fn section(out: &mut String, label: &str, style: owo_colors::Style, text: &str, width: usize) {
    // A style writes its codes even around an empty label.
    let painted = if label.is_empty() { String::new() } else { label.style(style).to_string() };
    let indent = text.len() - text.trim_start().len();
    *out += &LabelledText { margin: 0, column: LABEL_COLUMN, width }.lines(label, &painted, text, indent);
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}
