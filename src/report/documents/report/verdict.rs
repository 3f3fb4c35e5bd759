//! The verdict in one sentence, with its checks; other causes in a sentence each.

use owo_colors::OwoColorize;

use super::names::ShortForms;
use super::{LABEL_COLUMN, blank_line, push, section};
use crate::judgement::Report;
use crate::report::TextOptions;
use crate::text::{LabelledText, columns, visible, wrap};
use crate::verdict::{Cause, Certainty};

/// Widest text on which codes are put at the right edge.
const WIDEST: usize = 200;

/// Number of sentences of evidence of a cause, without `-o wide`.
const TOP_EVIDENCE: usize = 3;

/// Appends the headline.
pub(super) fn write(report: &Report, short: &ShortForms, options: TextOptions, out: &mut String) {
    let verdict = &report.verdict;
    let first = verdict.causes.first();
    let codes = first.map_or(String::new(), codes);
    let label = verdict.kind.word();
    let painted = label.style(options.styles.verdict(verdict.kind)).to_string();
    let sentence = ended(&short.text(&verdict.headline));
    *out += &coded(label, &painted, &sentence, &codes, options);
    // What was seen of resets has a section of its own.
    let is_about_logs = |cause: &&Cause| cause.symptom.is_some_and(|code| is_of_clients(report, code.as_str()));
    if let Some(first) = first.filter(|first| options.wide || !is_about_logs(first)) {
        evidence(first, short, options, out);
    }
}

/// Appends the other causes, and the measurement that would decide.
pub(super) fn others(report: &Report, short: &ShortForms, options: TextOptions, out: &mut String) {
    let verdict = &report.verdict;
    let first = verdict.causes.first().and_then(|cause| cause.symptom);
    for (i, (before, cause)) in verdict.causes.iter().zip(verdict.causes.iter().skip(1)).enumerate() {
        if i == 0 {
            blank_line(out);
        }
        let label = match cause.certainty {
            Certainty::Established if cause.symptom == first => "AND",
            Certainty::Established => "ALSO",
            Certainty::Likely if cause.symptom != before.symptom => "ALSO",
            Certainty::Likely => "OR",
            Certainty::Possible => "UNLESS",
        };
        let painted = label.style(options.styles.heading).to_string();
        let sentence = ended(&short.text(&cause.statement));
        *out += &coded(label, &painted, &sentence, &codes(cause), options);
        if options.wide {
            evidence(cause, short, options, out);
        }
    }
    if let Some(next) = &verdict.next_measurement {
        blank_line(out);
        section(out, "NEXT", options.styles.heading, &format!("{}:", visible(&next.why)), options.width);
        super::fix::paste(out, &next.command, options);
    }
}

/// Returns whether the check judges what the logs show about clients.
fn is_of_clients(report: &Report, code: &str) -> bool {
    report.checks.iter().any(|check| check.code.as_str() == code && check.family == "client")
}

/// Returns the sentence with its full stop.
fn ended(sentence: &str) -> String {
    if sentence.ends_with(['.', '?', '!']) { sentence.to_owned() } else { format!("{sentence}.") }
}

/// Returns the codes of a cause, the first one first.
fn codes(cause: &Cause) -> String {
    let codes: Vec<&str> = cause.codes.iter().map(|code| code.as_str()).collect();
    codes.join(" ")
}

/// Returns the sentence beside its label, with the codes at the right edge, or behind it where they do not
/// fit.
fn coded(label: &str, painted: &str, sentence: &str, codes: &str, options: TextOptions) -> String {
    let column = LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width };
    // A label that is longer than its column moves the text of its line.
    let column = LabelledText { column: LABEL_COLUMN.max(columns(label) + 1), ..column };
    if codes.is_empty() {
        return column.lines(label, painted, sentence, 0);
    }
    let text = wrap(sentence, options.width.saturating_sub(column.column), 0);
    let last = columns(text.lines().last().unwrap_or_default());
    let free = options.width.saturating_sub(column.column + last);
    if options.width <= WIDEST && free >= columns(codes) + 2 {
        let mut lines = column.lines(label, painted, sentence, 0);
        lines.truncate(lines.trim_end().len());
        lines += &format!("{}{}\n", " ".repeat(free - columns(codes)), codes.style(options.styles.dim));
        return lines;
    }
    column.lines(label, painted, &format!("{sentence} ({codes})"), 0)
}

fn evidence(cause: &Cause, short: &ShortForms, options: TextOptions, out: &mut String) {
    let most = if options.wide { cause.evidence.len() } else { TOP_EVIDENCE };
    // What the headline says already, perhaps with the places in front, tells nothing new.
    let statement = cause.statement.to_lowercase();
    let is_new = |line: &&String| {
        let line = line.to_lowercase();
        let after_places = line.split_once(": ").map_or(line.as_str(), |(_, after)| after);
        !statement.contains(line.as_str()) && !statement.contains(after_places)
    };
    let news = cause.evidence.iter().filter(is_new);
    let news: Vec<&String> = news.collect();
    for line in news.iter().take(most) {
        let text = format!("· {}", short.text(line));
        *out += &LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width }.lines("", "", &text, 2);
    }
    if news.len() > most {
        push(out, &format!("{}· {} more: -o wide", " ".repeat(LABEL_COLUMN), news.len() - most));
    }
}
