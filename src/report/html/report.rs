//! The page of the report of `diagnose`.

use askama::Template;

use super::chain::ChainView;
use super::clients::ClientsView;
use super::findings::{self, CheckView};
use super::fix::FixView;
use super::handshakes::Matrix;
use super::parts::{Badge, FileLink, Gap, Paste, Tone, cut, gaps, rest, short};
use super::settings::{self, CertificateView, GroupsView, RouteView};
use super::timeline::Timeline;
use crate::checks::Level;
use crate::judgement::summary::Began;
use crate::judgement::{Rehearsal, Rehearsed, Report, StepReport};
use crate::verdict::{Cause, Certainty};

/// Maximum number of lines of a step, of sentences of a cause, of causes, and of findings of a rehearsal.
const MAX_LINES: usize = 40;
const MAX_EVIDENCE: usize = 12;
const MAX_CAUSES: usize = 20;
const MAX_REHEARSED: usize = 60;
/// Maximum number of sources that are listed as not seen.
const MAX_GAPS: usize = 100;
/// Maximum number of characters of a line.
const MAX_TEXT: usize = 800;

/// Sentences that the document also has in its other forms.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Words {
    /// What clients were seen to suffer.
    pub(in crate::report) seen: Vec<String>,
    /// What the handshakes of this run proved.
    pub(in crate::report) proved: Vec<String>,
    /// Where the commands act.
    pub(in crate::report) place: String,
    pub(in crate::report) origin: String,
    /// Number of checks by result.
    pub(in crate::report) counts: String,
}

/// Where the report is on its page.
#[derive(Clone, Debug)]
pub(in crate::report) struct Position {
    /// Prefix of its anchors.
    pub(in crate::report) id: String,
    /// Level of its heading.
    pub(in crate::report) top: u8,
}

/// The report, ready to be rendered.
#[derive(Clone, Debug, Template)]
#[template(path = "report.html")]
pub(in crate::report) struct ReportView<'a> {
    report: &'a Report,
    words: Words,
    id: String,
    top: u8,
    tone: Tone,
    kind: &'static str,
    codes: Vec<String>,
    sections: Vec<(&'static str, &'static str)>,
    chain: Option<ChainView<'a>>,
    chains: Vec<ChainView<'a>>,
    began: Option<String>,
    causes: Vec<CauseView<'a>>,
    other_causes: Option<String>,
    /// The headline is the only cause, so that only its evidence is new.
    is_headline_all: bool,
    next_paste: Option<Paste>,
    timeline: Option<Timeline>,
    clients: Option<ClientsView<'a>>,
    fix: FixView<'a>,
    has_fix: bool,
    rehearsed: Vec<(&'static str, &'a Rehearsed)>,
    rehearsed_rest: Option<String>,
    matrix: Option<Matrix<'a>>,
    certificates: Vec<CertificateView>,
    other_certificates: Option<String>,
    groups: Option<GroupsView<'a>>,
    routes: Vec<RouteView<'a>>,
    other_routes: Option<String>,
    steps: Vec<PlaybookStep<'a>>,
    checks: Vec<CheckView<'a>>,
    gaps: Vec<Gap<'a>>,
    other_gaps: Option<String>,
    files: &'a [FileLink],
}

/// One cause.
#[derive(Clone, Debug)]
struct CauseView<'a> {
    certainty: &'static str,
    statement: &'a str,
    codes: Vec<String>,
    evidence: Vec<String>,
    rest: Option<String>,
}

/// One step of the playbook.
#[derive(Clone, Debug)]
struct PlaybookStep<'a> {
    title: &'a str,
    seen: String,
    badge: Badge,
    is_open: bool,
    marks: Vec<(Tone, String, String)>,
    lines: Vec<String>,
    rest: Option<String>,
}

impl<'a> ReportView<'a> {
    pub(in crate::report) fn new(report: &'a Report, words: Words, position: Position, files: &'a [FileLink]) -> Self {
        let (summary, verdict) = (&report.summary, &report.verdict);
        let (certificates, other_certificates) = settings::certificates(summary);
        let (routes, other_routes) = settings::routes(summary);
        let (rehearsed, rehearsed_rest) = rehearsed(report.rehearsal.as_ref());
        let fix = FixView::of(&report.remedy.steps, &report.remedy.side_effects);
        let gaps = gaps(report.not_seen.get(..MAX_GAPS).unwrap_or(&report.not_seen));
        let mut view = Self {
            report,
            words,
            id: position.id,
            top: position.top,
            tone: Tone::of_verdict(verdict.kind),
            kind: verdict.kind.word(),
            codes: verdict.causes.first().map(codes).unwrap_or_default(),
            sections: Vec::new(),
            chain: report.chain.as_ref().map(ChainView::of),
            chains: report.chains_by_name.iter().map(ChainView::of).collect(),
            began: summary.began.as_ref().map(Began::sentence),
            causes: verdict.causes.iter().take(MAX_CAUSES).map(CauseView::of).collect(),
            other_causes: rest(verdict.causes.len().saturating_sub(MAX_CAUSES) as u64, "cause"),
            is_headline_all: is_headline_all(&verdict.causes, &verdict.headline),
            next_paste: verdict.next_measurement.as_ref().map(|next| Paste::new(&next.command)),
            timeline: Timeline::of(report),
            clients: summary.resets.as_ref().filter(|resets| resets.total > 0).map(ClientsView::of),
            has_fix: !report.remedy.steps.is_empty() || report.rehearsal.is_some(),
            fix,
            rehearsed,
            rehearsed_rest,
            matrix: Matrix::of(summary),
            certificates,
            other_certificates,
            groups: summary.groups.as_ref().map(GroupsView::of),
            routes,
            other_routes,
            steps: report.steps.iter().map(PlaybookStep::of).collect(),
            checks: findings::checks(&report.checks),
            other_gaps: rest(report.not_seen.len().saturating_sub(gaps.len()) as u64, "source"),
            gaps,
            files,
        };
        view.sections = view.contents();
        view
    }

    /// The files of the bundle that hold what the figures of a section come from.
    fn files_of(&self, section: &str) -> Vec<&'a FileLink> {
        self.files.iter().filter(|file| file.sections.contains(&section)).collect()
    }

    /// Anchors and titles of the sections that the page has.
    fn contents(&self) -> Vec<(&'static str, &'static str)> {
        let all = [
            (self.chain.is_some(), "chain", "Chain"),
            (true, "seen", "Seen"),
            (self.has_fix, "fix", "Fix"),
            (self.timeline.is_some(), "timeline", "Resets"),
            (self.clients.is_some(), "clients", "Clients"),
            (self.matrix.is_some(), "handshakes", "Handshakes"),
            (!self.certificates.is_empty(), "certificates", "Certificates"),
            (self.groups.as_ref().is_some_and(|view| !view.groups.is_empty()), "groups", "Environment groups"),
            (!self.routes.is_empty(), "routes", "ApigeeRoutes"),
            (!self.steps.is_empty(), "playbook", "Playbook"),
            (true, "checks", "All checks"),
            (!self.gaps.is_empty(), "not-seen", "Not seen"),
            (!self.files.is_empty(), "files", "Files"),
        ];
        all.into_iter().filter(|(is_there, ..)| *is_there).map(|(_, anchor, title)| (anchor, title)).collect()
    }
}

fn is_headline_all(causes: &[Cause], headline: &str) -> bool {
    let without_end = |text: &str| text.trim_end_matches('.').to_owned();
    matches!(causes, [only] if without_end(&only.statement) == without_end(headline))
}

fn codes(cause: &Cause) -> Vec<String> {
    cause.codes.iter().map(ToString::to_string).collect()
}

fn rehearsed(rehearsal: Option<&Rehearsal>) -> (Vec<(&'static str, &Rehearsed)>, Option<String>) {
    let lists = rehearsal.into_iter().flat_map(|rehearsal| {
        [("cures", &rehearsal.cures), ("leaves", &rehearsal.leaves), ("brings", &rehearsal.brings)]
    });
    let mut all: Vec<(&str, &Rehearsed)> =
        lists.flat_map(|(verb, list)| list.iter().map(move |found| (verb, found))).collect();
    // Several objects may have the same finding.
    all.dedup();
    let more = rest(all.len().saturating_sub(MAX_REHEARSED) as u64, "finding");
    all.truncate(MAX_REHEARSED);
    (all, more)
}

impl<'a> CauseView<'a> {
    fn of(cause: &'a Cause) -> Self {
        let (evidence, more) = cut(&cause.evidence, MAX_EVIDENCE, "observation");
        Self {
            certainty: match cause.certainty {
                Certainty::Established => "established",
                Certainty::Likely => "likely",
                Certainty::Possible => "possible",
            },
            statement: &cause.statement,
            codes: codes(cause),
            evidence: evidence.into_iter().map(|line| short(line, MAX_TEXT)).collect(),
            rest: more,
        }
    }
}

impl<'a> PlaybookStep<'a> {
    fn of(step: &'a StepReport) -> Self {
        let level = step.marks.iter().map(|mark| mark.level).max();
        let lines: Vec<&String> = step.details.iter().chain(&step.wide).collect();
        let (shown, more) = cut(&lines, MAX_LINES, "line");
        let (marks, more_marks) = cut(&step.marks, MAX_LINES, "finding");
        Self {
            title: &step.title,
            seen: short(&step.seen, MAX_TEXT),
            badge: Badge::of_step(step.state, level),
            is_open: level >= Some(Level::Warning),
            marks: marks
                .into_iter()
                .map(|mark| (Tone::of_level(mark.level), mark.code.to_string(), short(&mark.message, MAX_TEXT)))
                .collect(),
            lines: shown.into_iter().map(|line| short(line, MAX_TEXT)).collect(),
            rest: [more_marks, more].into_iter().flatten().reduce(|one, other| format!("{one}, {other}")),
        }
    }

    fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.lines.is_empty()
    }
}
