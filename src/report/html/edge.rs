//! The page of `edge`: the failing leg, each cause with its owner, the fix, and all checks.

use askama::Template;

use super::Content;
use super::findings::{self, CheckView};
use super::parts::{Gap, Paste, Tone, gaps, rest, time};
use crate::judgement::edge::EdgeReport;
use crate::verdict::{LegCause, LegStep, LegVerdictKind};

/// Maximum number of gaps.
const MAX_GAPS: usize = 200;

#[derive(Template)]
#[template(path = "edge.html")]
struct Page<'a> {
    tone: Tone,
    word: &'static str,
    headline: &'a str,
    origin: String,
    causes: Vec<CauseView<'a>>,
    next: Option<&'a str>,
    next_paste: Option<Paste>,
    fixes: Vec<FixView<'a>>,
    side_effects: &'a [String],
    id: &'static str,
    checks: Vec<CheckView<'a>>,
    gaps: Vec<Gap<'a>>,
    other_gaps: Option<String>,
}

struct CauseView<'a> {
    statement: &'a str,
    place: String,
    evidence: &'a [String],
}

struct FixView<'a> {
    title: &'a str,
    owner: &'static str,
    paste: Option<Paste>,
    note: Option<&'a str>,
}

/// Returns the page.
pub(in crate::report) fn content(report: &EdgeReport) -> Result<Content, askama::Error> {
    let verdict = &report.verdict;
    let subject = &report.subject;
    let shown = gaps(report.not_seen.get(..MAX_GAPS).unwrap_or(&report.not_seen));
    let next = verdict.next_measurement.as_ref();
    let page = Page {
        tone: match verdict.kind {
            LegVerdictKind::Cause => Tone::Bad,
            LegVerdictKind::AtRisk | LegVerdictKind::Ambiguous => Tone::Warn,
            LegVerdictKind::Healthy => Tone::Good,
            LegVerdictKind::Unknown => Tone::Unknown,
        },
        word: verdict.word(),
        headline: &verdict.headline,
        origin: format!(
            "organisation {} · environment {} · leg {} · {} UTC",
            subject.organization,
            subject.environment,
            verdict.leg.word(),
            time(subject.collected_at)
        ),
        causes: verdict.causes.iter().map(cause).collect(),
        next: next.map(|next| next.why.as_str()),
        next_paste: next.map(|next| Paste::new(&next.command)),
        fixes: report.remedy.steps.iter().map(fix).collect(),
        side_effects: &report.remedy.side_effects,
        id: "edge",
        checks: findings::checks(&report.checks),
        other_gaps: rest(report.not_seen.len().saturating_sub(shown.len()) as u64, "gap"),
        gaps: shown,
    };
    Content::new(format!("{} {}", verdict.word(), verdict.headline), &page)
}

fn cause(cause: &LegCause) -> CauseView<'_> {
    let objects = if cause.objects.is_empty() { String::new() } else { format!(" · {}", cause.objects.join(", ")) };
    CauseView {
        statement: &cause.statement,
        place: format!("to be mended by: {}{objects}", cause.owner.name()),
        evidence: &cause.evidence,
    }
}

fn fix(step: &LegStep) -> FixView<'_> {
    FixView {
        title: &step.title,
        owner: step.owner.name(),
        paste: step.paste.as_deref().map(Paste::new),
        note: step.note.as_deref(),
    }
}
