//! The comparison of two runs for a person.

use super::text::TextOptions;
use crate::checks::Object;
use crate::judgement::diff::Difference;
use crate::text::{Beside, moment, visible};

/// Column at which the text beside a label begins.
const LABEL_COLUMN: usize = 10;

/// The whole comparison as text.
#[must_use]
pub fn text(difference: &Difference, options: TextOptions) -> String {
    let beside = Beside { margin: 0, column: LABEL_COLUMN, width: options.width };
    let mut out = String::new();
    for (label, run) in [("BEFORE", &difference.before), ("AFTER", &difference.after)] {
        let context = run.context.as_deref().unwrap_or("no context");
        let at = moment(run.collected_at);
        let line = format!("{at} {context}, namespace {}: {}", run.namespace, run.verdict);
        out += &beside.lines(label, label, &visible(&line), 0);
    }
    for doubt in &difference.doubts {
        out += &beside.lines("BUT", "BUT", &visible(doubt), 0);
    }
    let groups = [("NEW", &difference.new), ("GONE", &difference.gone), ("STILL", &difference.still)];
    for (label, findings) in groups {
        for (i, told) in findings.iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            let is_named = Object::are_named_in(&told.objects, &told.message);
            let place = if is_named { String::new() } else { format!("{}: ", told.object) };
            let what = visible(&format!("{place}{}", told.message));
            let line = format!("{} {} {what}", told.code, told.level.word());
            out += &beside.lines(label, label, &line, 0);
        }
    }
    for (label, lines) in
        [("CHANGED", &difference.changes), ("UNKNOWN", &difference.no_longer_told), ("KNOWN", &difference.told_now)]
    {
        for (i, line) in lines.iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            out += &beside.lines(label, label, &visible(line), 0);
        }
    }
    let verdict = match difference.exit_code {
        1 => "Something got worse.",
        3 => "Nothing got worse that could be told; something cannot be told any more.",
        _ if difference.new.is_empty() && difference.gone.is_empty() => "Nothing changed for clients.",
        _ => "Nothing got worse.",
    };
    out + "\n" + verdict + "\n"
}
