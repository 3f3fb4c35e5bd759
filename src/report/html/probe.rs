//! The page of `probe`: each target with its handshakes, certificates, findings and commands.

use askama::Template;

use super::Content;
use super::findings::{self, CheckView};
use super::parts::{Gap, Paste, Tone, cut, gaps, rest, time};
use crate::judgement::probe::{ProbeReport, TargetReport, TargetState};
use crate::text::count;

/// Maximum number of targets in the table, and of those with their details: the worst ones.
const MAX_ROWS: usize = 2_000;
const MAX_TARGETS: usize = 80;
/// Maximum number of endpoints of a target, of lines of an endpoint, and of targets that were not probed.
const MAX_ENDPOINTS: usize = 8;
const MAX_LINES: usize = 40;
const MAX_GAPS: usize = 100;

/// Targets that are shown with their details unfolded.
const FEW: usize = 3;

/// What was seen of an endpoint, line by line, as the text has it.
#[derive(Clone, Debug)]
pub(in crate::report) struct EndpointLines {
    pub(in crate::report) name: String,
    pub(in crate::report) lines: Vec<Line>,
}

/// A line: what it is about, and what was seen.
#[derive(Clone, Debug)]
pub(in crate::report) struct Line {
    pub(in crate::report) label: String,
    pub(in crate::report) text: String,
}

#[derive(Template)]
#[template(path = "probe.html")]
struct Page<'a> {
    headline: String,
    tone: Tone,
    origin: String,
    rows: Vec<Row<'a>>,
    other_rows: Option<String>,
    targets: Vec<TargetView<'a>>,
    other_targets: Option<String>,
    gaps: Vec<Gap<'a>>,
    other_gaps: Option<String>,
}

/// A target in the table.
struct Row<'a> {
    /// Anchor of the details; absent where they are left out.
    anchor: Option<String>,
    target: &'a TargetReport,
    word: &'static str,
    tone: Tone,
}

struct TargetView<'a> {
    /// Prefix of its anchors.
    id: String,
    target: &'a TargetReport,
    word: &'static str,
    tone: Tone,
    is_open: bool,
    endpoints: Vec<EndpointView>,
    other_endpoints: Option<String>,
    checks: Vec<CheckView<'a>>,
    /// Codes, each with the fix at this target.
    fixes: Vec<(&'static str, &'static str)>,
}

struct EndpointView {
    name: String,
    lines: Vec<Line>,
    rest: Option<String>,
    commands: Vec<Paste>,
}

/// Returns the page. `word` is the word of a state, and `lines` returns the lines of the endpoints of a
/// target, both as the text has them.
pub(in crate::report) fn content(
    report: &ProbeReport,
    word: fn(TargetState) -> &'static str,
    lines: impl Fn(&TargetReport) -> Vec<EndpointLines>,
) -> Result<Content, askama::Error> {
    let (listed, other_rows) = cut(&report.targets, MAX_ROWS, "target");
    let mut order: Vec<usize> = (0..listed.len()).collect();
    if order.len() > MAX_TARGETS {
        let place = |target: &TargetReport| TargetState::ALL.iter().position(|state| *state == target.state);
        order.sort_by_key(|i| listed.get(*i).map(|target| place(target)));
        order.truncate(MAX_TARGETS);
    }
    let anchor = |i: usize| format!("target-{}", i + 1);
    let rows = listed.iter().enumerate().map(|(i, target)| Row {
        anchor: order.contains(&i).then(|| anchor(i)),
        target,
        word: word(target.state),
        tone: tone(target.state),
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let detailed = order.iter().filter_map(|i| Some((*i, *listed.get(*i)?)));
    let targets = detailed.map(|(i, target)| TargetView {
        id: anchor(i),
        target,
        word: word(target.state),
        tone: tone(target.state),
        is_open: report.targets.len() <= FEW,
        endpoints: endpoints(target, lines(target)),
        other_endpoints: rest(target.endpoints.len().saturating_sub(MAX_ENDPOINTS) as u64, "address"),
        checks: findings::checks(&target.checks),
        fixes: target.to_fix().map(|check| (check.code.as_str(), target.advice(check))).collect(),
    });
    let targets: Vec<TargetView<'_>> = targets.collect();
    let worst = TargetState::ALL.into_iter().find(|state| report.targets.iter().any(|target| target.state == *state));
    let counts = TargetState::ALL.iter().filter_map(|state| {
        let number = report.targets.iter().filter(|target| target.state == *state).count();
        (number > 0).then(|| format!("{number} {}", word(*state)))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let headline = match report.targets.as_slice() {
        [] => "No target was probed".to_owned(),
        [only] => format!("{}: {}", only.name, only.verdict),
        several => format!("{}: {counts}", count(several.len() as u64, "target")),
    };
    let not_probed = gaps(report.unprobed.get(..MAX_GAPS).unwrap_or(&report.unprobed));
    let page = Page {
        tone: worst.map_or(Tone::Unknown, tone),
        origin: format!("kubectl apigee-tls {} · {} UTC", report.tool_version, time(report.collected_at)),
        rows,
        other_rows,
        other_targets: rest(report.targets.len().saturating_sub(targets.len()) as u64, "target"),
        targets,
        other_gaps: rest(report.unprobed.len().saturating_sub(not_probed.len()) as u64, "target"),
        gaps: not_probed,
        headline: headline.clone(),
    };
    Content::new(headline, &page)
}

fn endpoints(target: &TargetReport, lines: Vec<EndpointLines>) -> Vec<EndpointView> {
    let views = lines.into_iter().take(MAX_ENDPOINTS).enumerate().map(|(i, mut endpoint)| {
        let rest = rest(endpoint.lines.len().saturating_sub(MAX_LINES) as u64, "line");
        endpoint.lines.truncate(MAX_LINES);
        let commands = target.commands.get(i).into_iter().flatten().map(|command| Paste::new(command)).collect();
        EndpointView { name: endpoint.name, lines: endpoint.lines, rest, commands }
    });
    views.collect()
}

fn tone(state: TargetState) -> Tone {
    match state {
        TargetState::Good | TargetState::Served => Tone::Good,
        TargetState::Fails => Tone::Bad,
        TargetState::AtRisk | TargetState::SniOnly => Tone::Warn,
        TargetState::Unknown => Tone::Unknown,
    }
}
