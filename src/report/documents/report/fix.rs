//! The fix: what cures the cause in numbered steps, the proof, and what can wait.

use owo_colors::OwoColorize;

use super::{LABEL_COLUMN, blank_line, push, section};
use crate::judgement::Report;
use crate::report::TextOptions;
use crate::text::{date, one_line, some_of, visible};
use crate::verdict::{CertificateChoice, Purpose, RemedyStep};

/// Number of hostnames that a line of the choice shows.
const TOP: usize = 3;

/// Appends the steps.
pub(super) fn write(report: &Report, options: TextOptions, out: &mut String) {
    let remedy = &report.remedy;
    let (later, now): (Vec<&RemedyStep>, Vec<&RemedyStep>) =
        remedy.steps.iter().partition(|step| step.purpose == Purpose::Later);
    if !now.is_empty() {
        blank_line(out);
        section(out, "FIX", options.styles.heading, &place(report), options.width);
    }
    for (i, step) in now.iter().enumerate() {
        numbered(i + 1, step, options, out);
    }
    for effect in &remedy.side_effects {
        section(out, "SIDE", options.styles.heading, &visible(effect), options.width);
    }
    if !later.is_empty() {
        blank_line(out);
    }
    for (i, step) in later.iter().enumerate() {
        let label = if i == 0 { "LATER" } else { "" };
        section(out, label, options.styles.heading, &visible(&step.title), options.width);
        if options.wide {
            details(step, options, out);
        }
    }
}

/// Returns where the commands act.
pub(super) fn place(report: &Report) -> String {
    if report.subject.is_offline() {
        let context = report.remedy.target.access.context.as_deref().unwrap_or_default();
        let flag = format!("context {context}");
        let reaches = |step: &RemedyStep| step.paste.as_ref().is_some_and(|paste| paste.contains(&flag));
        return if report.remedy.steps.iter().any(reaches) {
            format!(
                "for the cluster of these files: put its context in place of {context}. Nothing has been changed yet."
            )
        } else {
            "in the files given. Nothing has been changed yet.".to_owned()
        };
    }
    format!("on {}. Nothing has been changed yet.", visible(&report.remedy.target.title()))
}

/// Appends what the steps of the fix would cure, leave and bring, where the user asked for it.
pub(super) fn rehearsal(report: &Report, options: TextOptions, out: &mut String) {
    let Some(rehearsal) = &report.rehearsal else { return };
    blank_line(out);
    let then = format!("all steps of FIX are done: {}. {}.", rehearsal.verdict.word(), visible(&rehearsal.headline));
    section(out, "WHAT IF", options.styles.heading, &then, options.width);
    let lists = [("cures", &rehearsal.cures), ("leaves", &rehearsal.leaves), ("brings", &rehearsal.brings)];
    for (verb, findings) in lists {
        // Several objects may have the same finding.
        let mut lines: Vec<String> = Vec::new();
        for finding in findings {
            let text = format!("{verb} {} {}: {}", finding.code, finding.level.as_str(), visible(&finding.message));
            if !lines.contains(&text) {
                section(out, "", options.styles.dim, &text, options.width);
                lines.push(text);
            }
        }
    }
}

fn numbered(number: usize, step: &RemedyStep, options: TextOptions, out: &mut String) {
    let label = format!("{number:>2}");
    let is_named = step.purpose != Purpose::Check || step.title.starts_with("Check");
    let verb = if is_named { "" } else { "Check: " };
    let undo = step
        .undo
        .as_ref()
        .map_or(String::new(), |undo| format!(" (Undo: {})", visible(&undo.lines().collect::<Vec<_>>().join("; "))));
    let good = step.good.as_ref().filter(|_| step.purpose == Purpose::Check && !options.wide);
    let good = good.map_or(String::new(), |good| format!(": good is {}", visible(&one_line(good))));
    let text = format!("{verb}{}{good}{undo}", visible(&step.title));
    section(out, &label, options.styles.heading, &text, options.width);
    details(step, options, out);
}

fn details(step: &RemedyStep, options: TextOptions, out: &mut String) {
    if let Some(text) = &step.paste {
        paste(out, text, options);
    }
    // What a cure shows when it worked is clear from its title; of the check it is the point.
    let is_check = step.purpose == Purpose::Check;
    if let Some(note) = step.note.as_ref().filter(|_| options.wide || !is_check) {
        section(out, "", options.styles.dim, &visible(&one_line(note)), options.width);
    }
    choices(&step.choices, options, out);
    if let Some(good) = step.good.as_ref().filter(|_| options.wide || step.paste.is_none()) {
        section(out, "", options.styles.dim, &format!("good is: {}", visible(&one_line(good))), options.width);
    }
}

/// Appends the certificates to choose from, where there is a choice.
fn choices(choices: &[CertificateChoice], options: TextOptions, out: &mut String) {
    if choices.len() < 2 {
        return;
    }
    for choice in choices {
        let names = if options.wide { choice.names.join(", ") } else { first_names(&choice.names) };
        let until = choice.not_after.map_or(String::new(), |until| format!("  until {}", date(until)));
        let chosen = if choice.chosen { "  (chosen)" } else { "" };
        let line = format!("  {}  {names}{until}{chosen}", choice.secret);
        section(out, "", options.styles.dim, &visible(&line), options.width);
    }
}

fn first_names(names: &[String]) -> String {
    if names.len() <= TOP { names.join(", ") } else { some_of(names) }
}

/// Appends text to paste. Commands of one line each stand below their title; what a command reads begins at
/// the margin, because an indented diff would not work.
pub(super) fn paste(out: &mut String, text: &str, options: TextOptions) {
    if text.lines().all(is_command) {
        for line in text.lines() {
            let margin = " ".repeat(LABEL_COLUMN);
            push(out, &format!("{margin}{}", visible(line).style(options.styles.command)));
        }
        return;
    }
    blank_line(out);
    for line in text.lines() {
        push(out, &visible(line).style(options.styles.command).to_string());
    }
    out.push('\n');
}

/// The line is a whole command: no quoted text goes on in the next line, and it is no part of a file.
fn is_command(line: &str) -> bool {
    !line.starts_with(' ') && line.matches('\'').count().is_multiple_of(2)
}
