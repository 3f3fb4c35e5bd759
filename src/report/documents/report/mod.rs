//! The report for a person. The answer comes first: the cause, what was seen of it, what this run proved,
//! where the chain is broken, and the fix. The steps of the playbook and all checks follow with `-o wide`.
//!
//! Reads the same without colour. Control characters of names and logs are made visible, so that a hostile
//! server name cannot write to the terminal.

mod chain;
mod fix;
mod foot;
mod markdown;
mod names;
mod proved;
mod seen;
mod steps;
mod verdict;

use owo_colors::Style;

use self::names::ShortForms;
use super::{located, results};
use crate::judgement::{self, Report};
use crate::report::html::report::{Position, ReportView, Words};
use crate::report::html::{Content, FileLink};
use crate::report::{CheckResult, Document, Located, TextOptions};
use crate::text::LabelledText;

/// Width of the word in front of the sections (`CAUSE`, `FIX`).
const LABEL_COLUMN: usize = 9;

impl Document for Report {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let mut out = String::new();
        let short = ShortForms::of(self, options);
        verdict::write(self, &short, options, &mut out);
        blank_line(&mut out);
        seen::write(self, &short, options, &mut out);
        proved::write(self, &short, options, &mut out);
        chain::write(self, &short, options, &mut out);
        verdict::others(self, &short, options, &mut out);
        fix::write(self, options, &mut out);
        fix::rehearsal(self, options, &mut out);
        foot::not_seen(self, options, &mut out);
        if options.wide {
            blank_line(&mut out);
            steps::write(self, options, &mut out);
            steps::checks(self, options, &mut out);
        }
        foot::write(self, options, &mut out);
        out
    }

    fn html(&self, files: &[FileLink]) -> Result<Content, askama::Error> {
        let title = format!("{} {}", self.verdict.kind.word(), self.verdict.headline);
        Content::new(title, &view(self, Position { id: "report".to_owned(), top: 1 }, files))
    }

    fn findings(&self) -> Vec<Located<'_>> {
        located(&self.checks, None).collect()
    }

    fn results(&self) -> Vec<CheckResult<'_>> {
        results(&self.checks, None).collect()
    }

    fn markdown(&self) -> String {
        markdown::of(self)
    }
}

/// Returns the report for an HTML page. `files` are those of the bundle that the page is in.
pub(super) fn view<'a>(report: &'a Report, position: Position, files: &'a [FileLink]) -> ReportView<'a> {
    let words = Words {
        seen: seen::facts(report),
        proved: proved::sentences(report),
        place: fix::place(report),
        origin: foot::origin(report),
        counts: foot::counts(report),
    };
    ReportView::new(report, words, position, files)
}

/// Appends an empty line, unless there is one or the text is empty.
fn blank_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// Appends a label at the margin and wrapped text beside it.
fn section(out: &mut String, label: &str, style: Style, text: &str, width: usize) {
    use owo_colors::OwoColorize;
    // A style writes its codes even around an empty label.
    let painted = if label.is_empty() { String::new() } else { label.style(style).to_string() };
    let indent = text.len() - text.trim_start().len();
    *out += &LabelledText { margin: 0, column: LABEL_COLUMN, width }.lines(label, &painted, text, indent);
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}
