//! The end of the report: what was not seen, how many checks were judged, and where to look further.

use owo_colors::OwoColorize;

use super::{blank_line, push, section};
use crate::judgement::Report;
use crate::report::TextOptions;
use crate::text::{count, moment_in_heading, some_of, visible};
use crate::verdict::{NotSeen, VerdictKind};

/// Appends what the report does not rest on.
pub(super) fn not_seen(report: &Report, options: TextOptions, out: &mut String) {
    // Without rights nothing was seen, and the verdict says so.
    let is_all = report.verdict.kind == VerdictKind::NoAccess && !options.wide;
    if report.not_seen.is_empty() || is_all {
        return;
    }
    blank_line(out);
    if options.wide {
        for (i, item) in report.not_seen.iter().enumerate() {
            let label = if i == 0 { "NOT SEEN" } else { "" };
            let item = format!("{}: {}", visible(&item.what), visible(&item.why));
            section(out, label, options.styles.heading, &item, options.width);
        }
    } else {
        section(out, "NOT SEEN", options.styles.heading, &by_reason(&report.not_seen).join(" · "), options.width);
    }
}

/// Returns `routes, Services: the run was interrupted`: each reason once, after all that it applies to.
fn by_reason(not_seen: &[NotSeen]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for item in not_seen {
        match reasons.iter_mut().find(|(why, _)| *why == item.why) {
            Some((_, whats)) => whats.push(&item.what),
            None => reasons.push((&item.why, vec![&item.what])),
        }
    }
    reasons.into_iter().map(|(why, whats)| format!("{}: {}", visible(&some_of(&whats)), visible(why))).collect()
}

/// Appends the counts, the origin and the next commands.
pub(super) fn write(report: &Report, options: TextOptions, out: &mut String) {
    if options.wide || report.not_seen.is_empty() {
        blank_line(out);
    }
    let dim = options.styles.dim;
    let mut dimmed = |text: String| {
        for line in crate::text::wrap(&text, options.width, 2).lines() {
            push(out, &line.style(dim).to_string());
        }
    };
    dimmed(counts(report));
    // The fix names the cluster already, and the screen is short.
    if options.wide || report.remedy.steps.is_empty() {
        dimmed(origin(report));
    }
    dimmed(hints(report, options));
}

pub(super) fn counts(report: &Report) -> String {
    let checks = report.summary.checks;
    let parts = [
        (checks.errors, "error"),
        (checks.warnings, "warning"),
        (checks.notices, "notice"),
        (checks.unknown, "unknown"),
        (checks.passed, "passed"),
        (checks.not_applicable, "not applicable"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| match *word {
        "error" | "warning" | "notice" => count(*number, word),
        word => format!("{number} {word}"),
    });
    let work = report.summary.requests.map_or(String::new(), |work| {
        let seconds = std::time::Duration::from_millis(work.milliseconds);
        format!(" · {}, {}, read only", crate::text::seconds(seconds, 1), count(work.count, "API request"))
    });
    let baseline = report.baseline.as_ref().map_or(String::new(), |baseline| {
        format!(" · {} new, {} in the baseline, {} gone", count(baseline.new, "finding"), baseline.known, baseline.gone)
    });
    format!("{}: {}{baseline}{work}", count(checks.total, "check"), parts.collect::<Vec<_>>().join(", "))
}

pub(super) fn origin(report: &Report) -> String {
    let subject = &report.subject;
    let source = match (subject.context(), subject.is_offline()) {
        (_, true) => "files alone".to_owned(),
        (Some(context), _) => format!("context {} · namespace {}", visible(context), visible(subject.namespace())),
        (None, _) => format!("namespace {}", visible(subject.namespace())),
    };
    format!("kubectl apigee-tls {} · {source} · {}", report.tool_version, moment_in_heading(subject.collected_at()))
}

fn hints(report: &Report, options: TextOptions) -> String {
    let mut hints = Vec::new();
    if !options.wide {
        hints.push("steps: -o wide".to_owned());
    }
    // The check of the headline: what another cause is about is no reason for it.
    let first = report.verdict.causes.first();
    if let Some(code) = first.and_then(|cause| cause.codes.first().copied().or(cause.symptom)) {
        hints.push(format!("why: explain {code}"));
    }
    if !report.verdict.kind.is_good() {
        hints.push(format!("still stuck: {}", visible(&report.remedy.collect)));
    }
    hints.join(" · ")
}
