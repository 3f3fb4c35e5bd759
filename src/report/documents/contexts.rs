//! Several clusters for a person: the answer for all, a table of them, those that failed grouped by their
//! reason, then the report of each.

use owo_colors::OwoColorize;

use super::{located, report, results};
use crate::judgement::contexts::{
    self as judgement, ContextReport, ContextsReport, Counts, PackedReport, Summary, failed_groups,
};
use crate::report::formats::markdown::plain;
use crate::report::html::{self, Content, FileLink};
use crate::report::{CheckResult, Document, Located, TextOptions};
use crate::text::{LabelledText, count, joined, pad, visible, widest, wrap};

/// Width of the column with the verdict, of which `AMBIGUOUS` is the longest.
const VERDICT_COLUMNS: usize = 9;

/// Replaces a number that is not known.
const NO_NUMBER: &str = "-";

/// Word for a context without a report.
pub(in crate::report) const FAILED: &str = "FAILED";

impl Document for ContextsReport {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let codes: Vec<String> = self.summary.iter().map(|line| line.exit_code.to_string()).collect();
        let mut out = format!("{}\n\n", wrap(&format!("{}.", visible(&self.headline)), options.width, 0));
        out += &table(&self.summary, "EXIT CODE", &codes, options);
        for (context, report) in judged(self) {
            let header = format!("==> context {} <==", visible(context));
            out += &format!("\n{}\n", header.style(options.styles.heading));
            out += &match report.unpack() {
                Ok(report) => report.text(options),
                Err(error) => format!("error: {}\n", visible(&error.to_string())),
            };
        }
        out
    }

    fn findings(&self) -> Vec<Located<'_>> {
        judged(self).flat_map(|(context, report)| located(report.checks(), Some(context))).collect()
    }

    fn conclusion(&self) -> Option<String> {
        Some(self.headline.clone())
    }

    fn results(&self) -> Vec<CheckResult<'_>> {
        judged(self).flat_map(|(context, report)| results(report.checks(), Some(context))).collect()
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        html::contexts::content(self, |report, position| report::view(report, position, &[]))
    }

    fn markdown(&self) -> String {
        let mut out = format!("**{}**\n\n", plain(&self.headline));
        out += "| Context | Verdict | Resets | Errors | Warnings | Notices | Unknown |\n";
        out += "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
        for line in self.summary.iter().filter(|line| line.verdict.is_some()) {
            let numbers = numbers(line).join(" | ");
            out += &format!("| {} | {} | {numbers} |\n", plain(&line.context), plain(&verdict(line)));
        }
        out.push('\n');
        for (what, why, hint) in failures(&self.summary) {
            out += &format!("- **{FAILED}** {}\n", plain(&format!("{what}: {why}")));
            out.extend(hint.map(|hint| format!("  {}\n", plain(&format!("hint: {hint}")))));
        }
        for (context, report) in judged(self) {
            let text = report.unpack().map_or_else(|error| plain(&error.to_string()), |report| report.markdown());
            out += &format!("\n## {}\n\n{text}", plain(context));
        }
        out
    }
}

/// Returns the contexts that have a report.
fn judged(all: &ContextsReport) -> impl Iterator<Item = (&str, &PackedReport)> {
    all.contexts.iter().filter_map(|told| match told {
        ContextReport::Judged { context, report } => Some((context.as_str(), report)),
        ContextReport::Failed { .. } => None,
    })
}

/// Returns a line for each context with a report, and below it the headline; then a line for each reason why
/// there is none, with the contexts that have it. The caller gives the last column.
#[must_use]
pub fn table(lines: &[Summary], title: &str, last: &[String], options: TextOptions) -> String {
    let shown: Vec<(&Summary, String, &String)> = lines
        .iter()
        .zip(last)
        .filter(|(line, _)| line.verdict.is_some())
        .map(|(line, last)| (line, visible(&line.context), last))
        .collect();
    let width = widest(shown.iter().map(|(_, name, _)| name.as_str())).max("CONTEXT".len());
    let header = format!(
        "{:width$}  {:VERDICT_COLUMNS$}  {:>8}  ERRORS  WARNINGS  NOTICES  UNKNOWN  {title}",
        "CONTEXT", "VERDICT", "RESETS"
    );
    let mut out = String::new();
    if !shown.is_empty() {
        out += &format!("{}\n", header.style(options.styles.heading));
    }
    for (line, name, last) in &shown {
        let word = verdict(line);
        let style = line.verdict.map_or(options.styles.error, |kind| options.styles.verdict(kind));
        let gap = " ".repeat(VERDICT_COLUMNS.saturating_sub(word.len()));
        let [resets, errors, warnings, notices, unknown] = numbers(line);
        let numbers = format!("{resets:>8}  {errors:>6}  {warnings:>8}  {notices:>7}  {unknown:>7}");
        out += &format!("{}  {}{gap}  {numbers}  {}\n", pad(name, width), word.style(style), visible(last));
        if let Some(text) = &line.headline {
            out += &format!("{}\n", wrap(&format!("    {}", visible(text)), options.width, 4));
        }
    }
    if !shown.is_empty() && shown.len() < lines.len() {
        out.push('\n');
    }
    let beside = LabelledText { margin: 0, column: FAILED.len() + 2, width: options.width };
    for (what, why, hint) in failures(lines) {
        let label = FAILED.style(options.styles.error).to_string();
        out += &beside.lines(FAILED, &label, &visible(&format!("{what}: {why}")), 2);
        out += &hint.map_or_else(String::new, |hint| beside.lines("", "", &visible(&format!("hint: {hint}")), 2));
    }
    out
}

fn verdict(line: &Summary) -> String {
    line.verdict.map_or(FAILED, |kind| kind.word()).to_owned()
}

/// Returns the numbers of a line: resets, errors, warnings, notices, unknown.
fn numbers(line: &Summary) -> [String; 5] {
    let shown = |number: Option<u64>| number.map_or_else(|| NO_NUMBER.to_owned(), |number| number.to_string());
    let of = |number: fn(&Counts) -> u64| shown(line.checks.as_ref().map(number));
    [
        shown(line.resets),
        of(|counts| counts.errors),
        of(|counts| counts.warnings),
        of(|counts| counts.notices),
        of(|counts| counts.unknown),
    ]
}

/// Returns for each reason: the context, or the number of contexts; why; and the hint. Of several contexts
/// the names follow the reason.
fn failures(lines: &[Summary]) -> impl Iterator<Item = (String, String, Option<&str>)> {
    failed_groups(lines).into_iter().map(|group| match group.contexts.as_slice() {
        [context] => ((*context).to_owned(), group.why.to_owned(), group.hint),
        contexts => {
            let names = joined(contexts, ", ", "none");
            (count(contexts.len() as u64, "context"), format!("{}: {names}", group.why), group.hint)
        }
    })
}
