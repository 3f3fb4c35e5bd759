//! Several clusters in one report: a table of them all, then the report of each, or why there is none.

use owo_colors::OwoColorize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{self, TextOptions};
use super::{OutcomeWord, Report};
use crate::checks::Level;
use crate::text::{pad, visible, widest, wrap};
use crate::verdict::{VerdictKind, shell_word};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.contexts/v1";

/// Which exit code stands for the whole run, the first of them that any context has. A finding is certain and remains when the other
/// clusters can be read again, so it comes before a cluster that could not be asked; and without a finding such a cluster must
/// not pass.
const WORST_FIRST: [u8; 4] = [130, 1, 2, 3];

/// `AMBIGUOUS` is the longest.
const VERDICT_COLUMNS: usize = 9;

/// What stands for a number that nobody knows.
const NO_NUMBER: &str = "-";

/// One run over several contexts.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContextsReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub tool_version: String,
    /// A line for each context, in the order asked for.
    pub summary: Vec<Summary>,
    /// The same contexts in the same order, with all that is told of them.
    pub contexts: Vec<ContextReport>,
    /// The exit code of the run, the same for every format.
    pub exit_code: u8,
}

/// One context in a line.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    pub context: String,
    /// Absent where the context has no report.
    pub verdict: Option<VerdictKind>,
    /// Absent where the context has no report.
    pub checks: Option<Counts>,
    /// Why the context has no report.
    pub error: Option<String>,
    /// That of a run with this context alone.
    pub exit_code: u8,
}

/// How many checks ended so.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Found, and an error.
    pub errors: usize,
    /// Found, and a warning.
    pub warnings: usize,
    /// Found, and a notice.
    pub notices: usize,
    pub unknown: usize,
}

/// All that is told of one context.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ContextReport {
    Judged { context: String, report: Box<Report> },
    Failed { context: String, error: Failure },
}

/// Why a context has no report.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// Begins with "could not".
    pub message: String,
    /// What may be tried next.
    pub hint: Option<String>,
    /// That of a run with this context alone.
    pub exit_code: u8,
}

/// Puts the contexts together.
#[must_use]
pub fn build(contexts: impl IntoIterator<Item = (String, Result<Report, Failure>)>) -> ContextsReport {
    let (summary, contexts): (Vec<Summary>, Vec<ContextReport>) = contexts
        .into_iter()
        .map(|(context, outcome)| {
            let summary = Summary::new(&context, outcome.as_ref());
            let told = match outcome {
                Ok(report) => ContextReport::Judged { context, report: Box::new(report) },
                Err(error) => ContextReport::Failed { context, error },
            };
            (summary, told)
        })
        .unzip();
    let codes: Vec<u8> = summary.iter().map(|line| line.exit_code).collect();
    ContextsReport {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        exit_code: worst(&codes),
        summary,
        contexts,
    }
}

/// One exit code for those of several contexts: 130, else 1, else 2, else 3, else 0.
#[must_use]
pub fn worst(codes: &[u8]) -> u8 {
    WORST_FIRST.into_iter().find(|worst| codes.contains(worst)).unwrap_or(0)
}

impl Summary {
    /// The line of one context.
    #[must_use]
    pub fn new(context: &str, outcome: Result<&Report, &Failure>) -> Self {
        Self {
            context: context.to_owned(),
            verdict: outcome.ok().map(|report| report.verdict.kind),
            checks: outcome.ok().map(Counts::of),
            error: outcome.err().map(|failure| failure.message.clone()),
            exit_code: outcome.map_or_else(|failure| failure.exit_code, |report| report.exit_code),
        }
    }
}

impl Counts {
    fn of(report: &Report) -> Self {
        let mut counts = Self::default();
        for check in &report.checks {
            match (check.outcome, check.level) {
                (OutcomeWord::Found, Level::Error) => counts.errors += 1,
                (OutcomeWord::Found, Level::Warning) => counts.warnings += 1,
                (OutcomeWord::Found, Level::Notice) => counts.notices += 1,
                (OutcomeWord::Unknown, _) => counts.unknown += 1,
                (OutcomeWord::NotApplicable | OutcomeWord::Passed, _) => {}
            }
        }
        counts
    }
}

/// For a person.
#[must_use]
pub fn text(report: &ContextsReport, options: TextOptions) -> String {
    let codes: Vec<String> = report.summary.iter().map(|line| line.exit_code.to_string()).collect();
    let mut out = table(&report.summary, "EXIT CODE", &codes, options);
    for told in &report.contexts {
        let (ContextReport::Judged { context, .. } | ContextReport::Failed { context, .. }) = told;
        let header = format!("==> context {} <==", visible(context));
        out += &format!("\n{}\n", header.style(options.styles.heading));
        match told {
            ContextReport::Judged { context, report } => {
                if report.verdict.next_measurement.is_some() || !report.remedy.steps.is_empty() {
                    let switch = format!("kubectl config use-context {}", visible(&shell_word(context)));
                    out +=
                        &format!("Its commands take the current context: {}\n", switch.style(options.styles.command));
                }
                out += &text::text(report, options);
            }
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

/// A line for each context, and below it why it has no report; the last column is the caller's.
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
            |of: fn(&Counts) -> usize| line.checks.as_ref().map_or(NO_NUMBER.into(), |counts| of(counts).to_string());
        let numbers = format!(
            "{:>6}  {:>8}  {:>7}  {:>7}",
            number(|counts| counts.errors),
            number(|counts| counts.warnings),
            number(|counts| counts.notices),
            number(|counts| counts.unknown)
        );
        out += &format!("{name}  {}{gap}  {numbers}  {}\n", word.style(style), visible(last));
        if let Some(error) = &line.error {
            out += &format!("{}\n", wrap(&format!("    {}", visible(error)), options.width, 4));
        }
    }
    out
}
