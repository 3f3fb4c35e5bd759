//! The page of several clusters: a table of them all, and the report of each.

use askama::Template;

use super::Content;
use super::parts::Tone;
use super::report::ReportView;
use crate::judgement::contexts::{ContextsReport, Counts, Failure, Summary};

/// The report of one context, or why there is none.
#[derive(Clone, Debug)]
pub(in crate::report) struct ContextView<'a> {
    pub(in crate::report) context: &'a str,
    /// Prefix of its anchors.
    pub(in crate::report) id: String,
    pub(in crate::report) outcome: Result<ReportView<'a>, &'a Failure>,
}

#[derive(Template)]
#[template(path = "contexts.html")]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    rows: Vec<Row<'a>>,
    contexts: Vec<ContextView<'a>>,
}

/// A context in the table.
struct Row<'a> {
    summary: &'a Summary,
    tone: Tone,
    word: &'static str,
    counts: [String; 4],
    anchor: String,
}

/// Returns the page.
pub(in crate::report) fn content<'a>(
    report: &'a ContextsReport,
    contexts: Vec<ContextView<'a>>,
) -> Result<Content, askama::Error> {
    let row = |(summary, view): (&'a Summary, &ContextView<'a>)| {
        let numbers = |of: fn(&Counts) -> u64| {
            summary.checks.as_ref().map_or_else(|| "–".to_owned(), |counts| of(counts).to_string())
        };
        Row {
            summary,
            tone: summary.verdict.map_or(Tone::Bad, Tone::of_verdict),
            word: summary.verdict.map_or("FAILED", |kind| kind.word()),
            counts: [
                numbers(|counts| counts.errors),
                numbers(|counts| counts.warnings),
                numbers(|counts| counts.notices),
                numbers(|counts| counts.unknown),
            ],
            anchor: view.id.clone(),
        }
    };
    let rows: Vec<Row<'_>> = report.summary.iter().zip(&contexts).map(row).collect();
    let title = crate::text::count(rows.len() as u64, "context");
    Content::new(title.clone(), &Page { title: &title, version: &report.tool_version, rows, contexts })
}
