//! The report as the answer to a ticket: the verdict, each cause with its evidence and owner, the fix with
//! its commands, and what was not seen.

use crate::judgement::edge::EdgeReport;
use crate::report::formats::markdown::{code, plain};
use crate::text::{moment_in_heading, one_line};
use crate::verdict::Certainty;

/// Returns the whole text.
pub(super) fn of(report: &EdgeReport) -> String {
    let verdict = &report.verdict;
    let mut out = format!("**{}** {}\n", verdict.word(), plain(&verdict.headline));
    let list: String = verdict.causes.iter().map(cause).collect();
    if !list.is_empty() {
        out += &format!("\n{list}");
    }
    if let Some(next) = &verdict.next_measurement {
        out += &format!("\n**Next**: {}\n\n{}", plain(&next.why), code(&next.command));
    }
    fix(report, &mut out);
    if !report.not_seen.is_empty() {
        let items: Vec<String> =
            report.not_seen.iter().map(|item| format!("- {}: {}\n", plain(&item.what), plain(&item.why))).collect();
        out += &format!("\n**Not seen**\n\n{}", items.concat());
    }
    let subject = &report.subject;
    let origin = format!(
        "organization {}, environment {}, leg {}, {}",
        subject.organization,
        subject.environment,
        verdict.leg.word(),
        moment_in_heading(subject.collected_at)
    );
    out += &format!("\n{}\n", plain(&origin));
    out
}

fn cause(cause: &crate::verdict::LegCause) -> String {
    let certainty = match cause.certainty {
        Certainty::Established => "established",
        Certainty::Likely => "likely",
        Certainty::Possible => "possible",
    };
    let codes: Vec<&str> = cause.codes.iter().map(|code| code.as_str()).collect();
    let name = format!("{} ({}, {certainty}, {})", cause.cause.name(), cause.leg, codes.join(" "));
    let mut out = format!("- **{}**: {}; owner: {}\n", plain(&name), plain(&cause.statement), cause.owner.name());
    for evidence in &cause.evidence {
        out += &format!("  - {}\n", plain(&one_line(evidence)));
    }
    out
}

fn fix(report: &EdgeReport, out: &mut String) {
    let remedy = &report.remedy;
    if !remedy.steps.is_empty() {
        *out += "\n**Fix**\n";
    }
    for (step, number) in remedy.steps.iter().zip(1..) {
        *out += &format!("\n{number}. {} ({})\n", plain(&step.title), step.owner);
        if let Some(paste) = &step.paste {
            *out += &format!("\n{}", code(paste));
        }
        if let Some(note) = &step.note {
            *out += &format!("\n{}\n", plain(&one_line(note)));
        }
    }
    for effect in &remedy.side_effects {
        *out += &format!("\nNote: {}\n", plain(effect));
    }
}
