//! The report as the answer to a ticket: the verdict, who is affected and since when, the proof, the fix with
//! its commands, and what was not seen.

use super::names::ShortForms;
use super::{fix, foot, proved, seen};
use crate::judgement::Report;
use crate::report::TextOptions;
use crate::report::formats::markdown::{code, plain};
use crate::report::styles::Styles;
use crate::verdict::{Certainty, Purpose, RemedyStep};

/// Nothing is wrapped.
const OPTIONS: fn() -> TextOptions = || TextOptions { styles: Styles::default(), width: usize::MAX, wide: false };

/// Returns the whole text.
pub(super) fn of(report: &Report) -> String {
    let short = ShortForms::of(report, OPTIONS());
    let verdict = &report.verdict;
    let codes = verdict.causes.first().map(|cause| cause.codes.iter().map(ToString::to_string).collect::<Vec<_>>());
    let codes =
        codes.filter(|codes| !codes.is_empty()).map_or(String::new(), |codes| format!(" ({})", codes.join(", ")));
    let mut out = format!("**{}** {}{codes}\n", verdict.kind.word(), plain(&short.text(&verdict.headline)));
    let mut list = String::new();
    // Facts are fragments, and proofs whole sentences.
    for (label, facts) in
        [("Seen", seen::lines(report, OPTIONS()).join("; ")), ("Proved", proved::sentences(report).join(" "))]
    {
        if !facts.is_empty() {
            list += &format!("- **{label}**: {}\n", plain(&short.text(&facts)));
        }
    }
    for (before, cause) in verdict.causes.iter().zip(verdict.causes.iter().skip(1)) {
        let label = match cause.certainty {
            Certainty::Established => "Also",
            Certainty::Likely if cause.symptom != before.symptom => "Also",
            Certainty::Likely => "Or",
            Certainty::Possible => "Unless",
        };
        list += &format!("- **{label}**: {}\n", plain(&short.text(&cause.statement)));
    }
    if !list.is_empty() {
        out += &format!("\n{list}");
    }
    if let Some(next) = &verdict.next_measurement {
        out += &format!("\n**Next**: {}\n\n{}", plain(&next.why), code(&next.command));
    }
    steps(report, &mut out);
    if !report.not_seen.is_empty() {
        let items: Vec<String> =
            report.not_seen.iter().map(|item| format!("- {}: {}\n", plain(&item.what), plain(&item.why))).collect();
        out += &format!("\n**Not seen**\n\n{}", items.concat());
    }
    out += &format!("\n{}\n", plain(&foot::origin(report)));
    out
}

fn steps(report: &Report, out: &mut String) {
    let (later, now): (Vec<&RemedyStep>, Vec<&RemedyStep>) =
        report.remedy.steps.iter().partition(|step| step.purpose == Purpose::Later);
    if !now.is_empty() {
        *out += &format!("\n**Fix** {}\n", plain(&fix::place(report)));
    }
    for (i, step) in now.iter().enumerate() {
        *out += &format!("\n{}. {}\n", i + 1, plain(&step.title));
        if let Some(paste) = &step.paste {
            *out += &format!("\n{}", code(paste));
        }
        for (label, text) in [("", &step.note), ("Good is: ", &step.good), ("Undo: ", &step.undo)] {
            if let Some(text) = text {
                *out += &format!("\n{label}{}\n", plain(&crate::text::one_line(text)));
            }
        }
    }
    if !later.is_empty() {
        let titles: String = later.iter().map(|step| format!("- {}\n", plain(&step.title))).collect();
        *out += &format!("\n**Later**\n\n{titles}");
    }
}
