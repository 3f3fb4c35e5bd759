//! The page of several clusters: the answer for all, a table sorted by harm, and a section for each cluster.
//! A few clusters have their whole reports; of many, each has its verdict, fix, findings and what was not
//! seen.

use std::cmp::Reverse;

use askama::Template;

use super::Content;
use super::parts::{Badge, Paste, PasteLine, Tone, rest, short};
use super::report::{Position, ReportView};
use crate::judgement::contexts::{ContextReport, ContextsReport, Counts, Failure, Summary, is_failing};
use crate::judgement::{CheckReport, OutcomeWord, Report};
use crate::report::Rule;
use crate::report::documents::contexts::FAILED;
use crate::text::{count, moment};
use crate::verdict::{Purpose, RemedyStep};

/// Maximum number of clusters whose sections are whole reports.
const MAX_WHOLE: usize = 4;
/// Maximum number of clusters that have a section. With the limits below, a page has at most 2 MB.
const MAX_SECTIONS: usize = 200;
/// Maximum number of steps, findings and gaps of a section.
const MAX_STEPS: usize = 3;
const MAX_FINDINGS: usize = 8;
const MAX_GAPS: usize = 4;
/// Maximum number of characters of a text, of the name of a context, and of something to paste, which is
/// never cut.
const MAX_TEXT: usize = 240;
const MAX_LONG: usize = 600;
const MAX_NAME: usize = 120;
const MAX_PASTE: usize = 700;

#[derive(Template)]
#[template(path = "contexts.html")]
struct Page<'a> {
    title: String,
    headline: &'a str,
    tone: Tone,
    version: &'a str,
    /// The words of the filter for the verdict.
    words: Vec<&'static str>,
    rows: Vec<Row>,
    sections: Vec<Section>,
    other_sections: Option<String>,
    are_whole: bool,
}

/// A context in the table.
struct Row {
    context: String,
    badge: Badge,
    text: String,
    numbers: [String; 5],
    exit_code: u8,
    /// Absent where the context has no section.
    anchor: Option<String>,
}

/// The section of one context.
struct Section {
    id: String,
    context: String,
    /// Rendered by another template.
    body: String,
}

/// Why a context has no report.
#[derive(Template)]
#[template(path = "context_failed.html")]
struct Failed<'a> {
    context: &'a str,
    message: String,
    hint: Option<String>,
}

/// The most important of one report.
#[derive(Template)]
#[template(path = "context.html")]
struct Brief<'a> {
    id: &'a str,
    tone: Tone,
    kind: &'static str,
    codes: Vec<String>,
    headline: String,
    origin: String,
    steps: Vec<StepView>,
    other_steps: Option<String>,
    findings: Vec<FindingView>,
    other_findings: Option<String>,
    gaps: Vec<(String, String)>,
    other_gaps: Option<String>,
}

/// One step of the fix.
struct StepView {
    title: String,
    paste: Option<Paste>,
}

/// One finding.
struct FindingView {
    tone: Tone,
    level: &'static str,
    code: String,
    url: Option<String>,
    message: String,
    is_known: bool,
}

/// Returns the page. `whole` makes the view of a whole report.
pub(in crate::report) fn content(
    report: &ContextsReport,
    whole: impl for<'r> Fn(&'r Report, Position) -> ReportView<'r>,
) -> Result<Content, askama::Error> {
    let are_whole = report.contexts.len() <= MAX_WHOLE;
    let with_section = report.contexts.iter().take(MAX_SECTIONS);
    let sections = with_section.zip(1..).map(|(told, number): (&ContextReport, usize)| {
        let id = format!("context-{number}");
        let context = short(told.context(), MAX_NAME);
        // One report is unpacked at a time.
        let body = match told {
            ContextReport::Failed { error, .. } => Failed::of(&context, error).render()?,
            ContextReport::Judged { report, .. } => match report.unpack() {
                Ok(report) if are_whole => whole(&report, Position { id: format!("{id}-report"), top: 2 }).render()?,
                Ok(report) => Brief::of(&id, &report).render()?,
                Err(error) => return Err(askama::Error::Custom(Box::new(error))),
            },
        };
        Ok(Section { id, context, body })
    });
    let sections: Vec<Section> = sections.collect::<Result<_, askama::Error>>()?;
    let anchor = |at: usize| sections.get(at).map(|section| section.id.clone());
    let rows: Vec<Row> = report.summary.iter().enumerate().map(|(at, line)| Row::of(line, anchor(at))).collect();
    let mut words: Vec<&'static str> = Vec::new();
    for row in &rows {
        if !words.contains(&row.badge.word) {
            words.push(row.badge.word);
        }
    }
    let title = count(rows.len() as u64, "context");
    let page = Page {
        title: title.clone(),
        headline: &report.headline,
        tone: report.summary.first().map_or(Tone::Dim, tone),
        version: &report.tool_version,
        words,
        other_sections: rest(rows.len().saturating_sub(sections.len()) as u64, "context"),
        rows,
        sections,
        are_whole,
    };
    Content::new(title, &page)
}

/// The tone of a line. The first line has that of the page.
fn tone(line: &Summary) -> Tone {
    match line.verdict {
        Some(kind) if is_failing(kind) => Tone::Bad,
        Some(kind) => Tone::of_verdict(kind),
        None => Tone::Unknown,
    }
}

impl Row {
    fn of(line: &Summary, anchor: Option<String>) -> Self {
        let shown = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
        let of = |number: fn(&Counts) -> u64| shown(line.checks.as_ref().map(number));
        let text = line.headline.as_deref().or(line.error.as_deref()).unwrap_or_default();
        Self {
            context: short(&line.context, MAX_NAME),
            badge: Badge {
                tone: line.verdict.map_or(Tone::Bad, Tone::of_verdict),
                word: line.verdict.map_or(FAILED, |kind| kind.word()),
            },
            text: short(text, MAX_TEXT),
            numbers: [
                shown(line.resets),
                of(|counts| counts.errors),
                of(|counts| counts.warnings),
                of(|counts| counts.notices),
                of(|counts| counts.unknown),
            ],
            exit_code: line.exit_code,
            anchor,
        }
    }
}

impl<'a> Failed<'a> {
    fn of(context: &'a str, error: &Failure) -> Self {
        Self {
            context,
            message: short(&error.message, MAX_LONG),
            hint: error.hint.as_ref().map(|hint| short(hint, MAX_LONG)),
        }
    }
}

impl<'a> Brief<'a> {
    fn of(id: &'a str, report: &Report) -> Self {
        let verdict = &report.verdict;
        let steps: Vec<&RemedyStep> =
            report.remedy.steps.iter().filter(|step| step.purpose != Purpose::Later).collect();
        let mut found: Vec<&CheckReport> =
            report.checks.iter().filter(|check| check.outcome == OutcomeWord::Found).collect();
        found.sort_by_key(|check| Reverse(check.level));
        let all: usize = found.iter().map(|check| check.findings.len()).sum();
        let findings = found.iter().flat_map(|check| {
            check.findings.iter().map(|finding| FindingView {
                tone: Tone::of_level(check.level),
                level: check.level.as_str(),
                code: check.code.to_string(),
                url: Rule::of(check.code).map(|rule| rule.url),
                message: short(&format!("{}: {}", finding.object, finding.message), MAX_TEXT),
                is_known: finding.known,
            })
        });
        let not_seen = report.not_seen.iter().take(MAX_GAPS);
        Self {
            id,
            tone: Tone::of_verdict(verdict.kind),
            kind: verdict.kind.word(),
            codes: verdict.causes.first().into_iter().flat_map(|cause| &cause.codes).map(ToString::to_string).collect(),
            headline: short(&verdict.headline, MAX_LONG),
            origin: format!("namespace {}, {}", report.subject.namespace(), moment(report.subject.collected_at())),
            other_steps: rest(report.remedy.steps.len().saturating_sub(steps.len().min(MAX_STEPS)) as u64, "step"),
            steps: steps.into_iter().take(MAX_STEPS).map(StepView::of).collect(),
            findings: findings.take(MAX_FINDINGS).collect(),
            other_findings: rest(all.saturating_sub(MAX_FINDINGS) as u64, "finding"),
            gaps: not_seen.map(|gap| (short(&gap.what, MAX_NAME), short(&gap.why, MAX_TEXT))).collect(),
            other_gaps: rest(report.not_seen.len().saturating_sub(MAX_GAPS) as u64, "source"),
        }
    }
}

impl StepView {
    fn of(step: &RemedyStep) -> Self {
        // The elements are the same whatever the texts are: lines of a diff have no class here.
        let line = |text: &str| PasteLine { class: "", text: text.to_owned() };
        let paste = step.paste.as_deref().map(|paste| match paste.chars().nth(MAX_PASTE) {
            Some(_) => vec![line("# too long for this page; the whole report has it")],
            None => paste.lines().map(line).collect(),
        });
        Self { title: short(&step.title, MAX_TEXT), paste: paste.map(|lines| Paste { lines }) }
    }
}
