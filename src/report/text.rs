//! The report for a person: the playbook's steps as a tree, then the cause, the fix, and what was not seen.
//!
//! Reads the same without colour. Control characters of names and logs are made visible, so that a hostile server name
//! cannot write to the terminal.

use std::fmt::Write;

use owo_colors::OwoColorize;
use unicode_width::UnicodeWidthStr;

use super::styles::Styles;
use super::{OutcomeWord, Report, StepReport, StepState};
use crate::checks::Level;
use crate::verdict::{Cause, Certainty};

/// Column at which what was seen begins.
const SEEN_COLUMN: usize = 26;

/// Findings of one check that a step shows.
const TOP_MARKS: usize = 4;

/// Width of the word in front of the sections (`CAUSE`, `FIX`).
const LABEL_COLUMN: usize = 10;

/// How the text is made.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions {
    pub styles: Styles,
    /// Columns of the terminal.
    pub width: usize,
    /// With every pod, stream and passed check.
    pub wide: bool,
}

/// The whole report as text.
#[must_use]
pub fn text(report: &Report, options: TextOptions) -> String {
    let mut out = String::new();
    head(report, options, &mut out);
    for step in &report.steps {
        step_lines(step, options, &mut out);
    }
    if options.wide {
        checks(report, options, &mut out);
    }
    verdict(report, options, &mut out);
    remedy(report, options, &mut out);
    not_seen(report, options, &mut out);
    out
}

/// Breaks `line` at blanks so that it fits `width`; continued lines begin with `indent` blanks. A word that is too long
/// stays whole, because a cut name cannot be pasted.
#[must_use]
pub fn wrap(line: &str, width: usize, indent: usize) -> String {
    let lead: String = line.chars().take_while(|letter| *letter == ' ').collect();
    let mut wrapped = lead.clone();
    let mut column = lead.len();
    let mut fresh = true;
    for word in line[lead.len()..].split(' ') {
        let length = word.width();
        if !fresh && column + 1 + length > width {
            while wrapped.ends_with(' ') {
                wrapped.pop();
            }
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
            fresh = true;
        }
        if !fresh {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
        fresh = false;
    }
    wrapped
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
        subject.collected_at().strftime("%Y-%m-%d %H:%M:%S UTC")
    );
    push(out, &line.style(options.styles.heading).to_string());
    out.push('\n');
}

fn step_lines(step: &StepReport, options: TextOptions, out: &mut String) {
    let title = format!("{:>2} {}", step.number, step.title);
    let pad = SEEN_COLUMN.saturating_sub(title.width()).max(1);
    let seen = wrap(&visible(&step.seen), options.width.saturating_sub(SEEN_COLUMN + 3), 0);
    let mut lines = seen.lines();
    let (sign, style) = sign(step, options.styles);
    let first = lines.next().unwrap_or_default();
    push(out, &format!("{} {title}{}{first}", sign.style(style), " ".repeat(pad)));
    let blank = " ".repeat(SEEN_COLUMN + 2);
    for line in lines {
        push(out, &format!("{blank}{line}"));
    }
    let wide = if options.wide { step.wide.as_slice() } else { &[] };
    for detail in step.details.iter().chain(wide) {
        let detail = visible(detail);
        let deeper = SEEN_COLUMN + 4;
        for line in wrap(&detail, options.width.saturating_sub(SEEN_COLUMN + 2), 2).lines() {
            push(out, &format!("{}{line}", &blank[..(deeper - 2).min(blank.len())]));
        }
    }
    for (i, mark) in step.marks.iter().enumerate() {
        // Twenty pods with the same fault are one thing to know; `-o wide` and the formats for programs have them all.
        let before = step.marks[..i].iter().filter(|earlier| earlier.code == mark.code).count();
        if !options.wide && before >= TOP_MARKS {
            if before == TOP_MARKS {
                let rest = step.marks.iter().filter(|other| other.code == mark.code).count() - TOP_MARKS;
                push(out, &format!("{blank}  {} and {rest} more, listed by -o wide", mark.code));
            }
            continue;
        }
        let style = options.styles.level(mark.level);
        let label = format!("{} {} {}", mark_sign(mark.level), mark.code, mark.level.word());
        let whole =
            wrap(&format!("{label} {}", visible(&mark.message)), options.width.saturating_sub(SEEN_COLUMN + 2), 2);
        // The label is within the first line: wrapping breaks at blanks, and messages follow it.
        let text = whole.strip_prefix(&label).unwrap_or(&whole);
        let mut lines = text.lines();
        push(out, &format!("{blank}{}{}", label.style(style), lines.next().unwrap_or_default()));
        for line in lines {
            push(out, &format!("{blank}{line}"));
        }
    }
}

/// A step whose findings hurt nobody must not look like one that does.
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
        let word = match check.outcome {
            OutcomeWord::Found => "found",
            OutcomeWord::NotApplicable => "not applicable",
            OutcomeWord::Passed => "passed",
            OutcomeWord::Unknown => "unknown",
        };
        let said = check.reason.clone().unwrap_or_else(|| {
            let objects: Vec<&str> = check.findings.iter().map(|finding| finding.object.as_str()).collect();
            crate::checks::facts::some_of(&objects)
        });
        let line = format!("  {} {word:14} {}: {}", check.code, check.name, visible(&said));
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
    let first_symptom = verdict.causes.first().and_then(|cause| cause.symptom.as_deref());
    for cause in causes {
        let label = match cause.certainty {
            Certainty::Established if cause.symptom.as_deref() == first_symptom => "AND",
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
        .map(|code| match crate::checks::find(code) {
            Some((_, check)) => format!("{code} {}", check.name),
            None => code.clone(),
        })
        .collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

fn evidence(cause: &Cause, options: TextOptions, out: &mut String) {
    let blank = " ".repeat(LABEL_COLUMN);
    for line in &cause.evidence {
        let text = wrap(&format!("· {}", visible(line)), options.width.saturating_sub(LABEL_COLUMN), 2);
        for line in text.lines() {
            push(out, &format!("{blank}{line}"));
        }
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
            let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
            section(out, "", options.styles.dim, &format!("   {}", visible(&note)), options.width);
        }
    }
    for effect in &report.remedy.side_effects {
        section(out, "SIDE", options.styles.heading, &visible(effect), options.width);
    }
}

/// Text to be pasted begins at the margin: an indented heredoc or diff would not work.
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

/// One empty line, also after what was to be pasted, which ends with one of its own.
fn blank_line(out: &mut String) {
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// A label at the margin and wrapped text beside it.
fn section(out: &mut String, label: &str, style: owo_colors::Style, text: &str, width: usize) {
    let wrapped = wrap(text, width.saturating_sub(LABEL_COLUMN), text.len() - text.trim_start().len());
    for (i, line) in wrapped.lines().enumerate() {
        if i == 0 && !label.is_empty() {
            let pad = " ".repeat(LABEL_COLUMN.saturating_sub(label.width()).max(1));
            push(out, &format!("{}{pad}{line}", label.style(style)));
        } else {
            push(out, &format!("{}{line}", " ".repeat(LABEL_COLUMN)));
        }
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Control characters, and those that change the direction of writing or are not seen, as escapes.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            // Writing to a string cannot fail.
            let _ = write!(clean, "{}", letter.escape_unicode());
        } else {
            clean.push(letter);
        }
    }
    clean
}

/// A control or format character: a terminal obeys it, or a reader does not see it.
pub(super) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks_and_keeps_long_words() {
        assert_eq!(wrap("a bc def", 5, 1), "a bc\n def");
        assert_eq!(wrap("  abcdefgh x", 4, 2), "  abcdefgh\n  x");
        assert_eq!(wrap("", 4, 2), "");
    }

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(visible("a\u{1b}[31mb\nc\u{202e}\u{feff}"), "a\\u{1b}[31mb\\u{a}c\\u{202e}\\u{feff}");
    }
}
