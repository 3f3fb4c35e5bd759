//! Several clusters for a person: a table of them all, then the report of each, or why there is none.

use owo_colors::OwoColorize;

use super::{located, report, results};
use crate::judgement::Report;
use crate::judgement::contexts::{self as judgement, ContextReport, ContextsReport, Counts, Summary};
use crate::report::formats::markdown::plain;
use crate::report::html::contexts::ContextView;
use crate::report::html::report::Position;
use crate::report::html::{self, Content, FileLink};
use crate::report::{CheckResult, Document, Located, TextOptions};
use crate::text::{pad, visible, widest, wrap};

/// Width of the column with the verdict, of which `AMBIGUOUS` is the longest.
const VERDICT_COLUMNS: usize = 9;

/// Replaces a number that is not known.
const NO_NUMBER: &str = "-";

impl Document for ContextsReport {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let codes: Vec<String> = self.summary.iter().map(|line| line.exit_code.to_string()).collect();
        let mut out = table(&self.summary, "EXIT CODE", &codes, options);
        for told in &self.contexts {
            let (ContextReport::Judged { context, .. } | ContextReport::Failed { context, .. }) = told;
            let header = format!("==> context {} <==", visible(context));
            out += &format!("\n{}\n", header.style(options.styles.heading));
            match told {
                ContextReport::Judged { report, .. } => out += &report.text(options),
                ContextReport::Failed { error, .. } => {
                    out += &format!("{}\n", wrap(&format!("error: {}", visible(&error.message)), options.width, 2));
                    if let Some(hint) = &error.hint {
                        out += &format!("{}\n", wrap(&format!("hint: {}", visible(hint)), options.width, 2));
                    }
                }
            }
        }
        out
    }

    fn findings(&self) -> Vec<Located<'_>> {
        judged(self).flat_map(|(context, report)| located(&report.checks, Some(context))).collect()
    }

    fn results(&self) -> Vec<CheckResult<'_>> {
        judged(self).flat_map(|(context, report)| results(&report.checks, Some(context))).collect()
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        let views = self.contexts.iter().zip(1..).map(|(told, number): (&ContextReport, usize)| {
            let id = format!("context-{number}");
            match told {
                ContextReport::Judged { context, report } => {
                    let position = Position { id: format!("{id}-report"), top: 2 };
                    ContextView { context, id, outcome: Ok(report::view(report, position, &[])) }
                }
                ContextReport::Failed { context, error } => ContextView { context, id, outcome: Err(error) },
            }
        });
        html::contexts::content(self, views.collect())
    }

    fn markdown(&self) -> String {
        let mut out = String::new();
        for told in &self.contexts {
            match told {
                ContextReport::Judged { context, report } => {
                    out += &format!("## {}\n\n{}\n", plain(context), report.markdown());
                }
                ContextReport::Failed { context, error } => {
                    out += &format!("## {}\n\n**FAILED** {}\n\n", plain(context), plain(&error.message));
                }
            }
        }
        out
    }
}

/// Returns the contexts that have a report.
fn judged(all: &ContextsReport) -> impl Iterator<Item = (&str, &Report)> {
    all.contexts.iter().filter_map(|told| match told {
        ContextReport::Judged { context, report } => Some((context.as_str(), report.as_ref())),
        ContextReport::Failed { .. } => None,
    })
}

/// Returns a line for each context, and below it the headline or why there is no report. The caller gives
/// the last column.
#[must_use]
pub fn table(lines: &[Summary], title: &str, last: &[String], options: TextOptions) -> String {
    let names: Vec<String> = lines.iter().map(|line| visible(&line.context)).collect();
    let width = widest(names.iter().map(String::as_str)).max("CONTEXT".len());
    let header =
        format!("{:width$}  {:VERDICT_COLUMNS$}  ERRORS  WARNINGS  NOTICES  UNKNOWN  {title}", "CONTEXT", "VERDICT");
    let mut out = format!("{}\n", header.style(options.styles.heading));
    for ((line, name), last) in lines.iter().zip(&names).zip(last) {
        let (word, style) = match line.verdict {
            Some(kind) => (kind.word(), options.styles.verdict(kind)),
            None => ("FAILED", options.styles.error),
        };
        let name = pad(name, width);
        let gap = " ".repeat(VERDICT_COLUMNS.saturating_sub(word.len()));
        let number =
            |of: fn(&Counts) -> u64| line.checks.as_ref().map_or(NO_NUMBER.into(), |counts| of(counts).to_string());
        let numbers = format!(
            "{:>6}  {:>8}  {:>7}  {:>7}",
            number(|counts| counts.errors),
            number(|counts| counts.warnings),
            number(|counts| counts.notices),
            number(|counts| counts.unknown)
        );
        out += &format!("{name}  {}{gap}  {numbers}  {}\n", word.style(style), visible(last));
        for text in [&line.headline, &line.error].into_iter().flatten() {
            out += &format!("{}\n", wrap(&format!("    {}", visible(text)), options.width, 4));
        }
    }
    out
}
