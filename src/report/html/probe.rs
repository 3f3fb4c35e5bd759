//! The page of `probe`: each target with its handshakes, certificates, findings and commands.

use askama::Template;

use super::Content;
use super::findings::{self, CheckView};
use super::parts::{Gap, Paste, Tone, cut, gaps, rest, time};
use crate::judgement::probe::{ProbeReport, TargetReport, TargetState};
use crate::text::count;

/// Maximum number of targets with their details, of endpoints of a target, of lines of an endpoint, and of
/// targets that were not probed.
const MAX_TARGETS: usize = 200;
const MAX_ENDPOINTS: usize = 16;
const MAX_LINES: usize = 60;
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
    targets: Vec<TargetView<'a>>,
    other_targets: Option<String>,
    gaps: Vec<Gap<'a>>,
    other_gaps: Option<String>,
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
    let (shown, other_targets) = cut(&report.targets, MAX_TARGETS, "target");
    let targets = shown.iter().zip(1..).map(|(target, number)| TargetView {
        id: format!("target-{number}"),
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
        tone: worst.map_or(Tone::Note, tone),
        origin: format!("kubectl apigee-tls {} · {} UTC", report.tool_version, time(report.collected_at)),
        targets,
        other_targets,
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
        TargetState::Unknown => Tone::Note,
    }
}
