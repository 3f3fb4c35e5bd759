//! The comparison of two runs for a person.

use crate::checks::Object;
use crate::judgement::diff::{self as judgement, Difference};
use crate::report::{Document, Located, TextOptions};
use crate::text::{LabelledText, moment, visible};

/// Column at which the text beside a label begins.
const LABEL_COLUMN: usize = 10;

impl Document for Difference {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let beside = LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width };
        let mut out = String::new();
        for (label, run) in [("BEFORE", &self.before), ("AFTER", &self.after)] {
            let context = run.context.as_deref().unwrap_or("no context");
            let at = moment(run.collected_at);
            let line = format!("{at} {context}, namespace {}: {}", run.namespace, run.verdict);
            out += &beside.lines(label, label, &visible(&line), 0);
        }
        for doubt in &self.doubts {
            out += &beside.lines("BUT", "BUT", &visible(doubt), 0);
        }
        let groups = [("NEW", &self.new), ("GONE", &self.gone), ("STILL", &self.still)];
        for (label, findings) in groups {
            for (i, told) in findings.iter().enumerate() {
                let label = if i == 0 { label } else { "" };
                let is_named = Object::are_named_in(&told.objects, &told.message);
                let place = if is_named { String::new() } else { format!("{}: ", told.object) };
                let what = visible(&format!("{place}{}", told.message));
                let line = format!("{} {} {what}", told.code, told.level.as_str());
                out += &beside.lines(label, label, &line, 0);
            }
        }
        for (label, lines) in [("CHANGED", &self.changes), ("UNKNOWN", &self.no_longer_told), ("KNOWN", &self.told_now)]
        {
            for (i, line) in lines.iter().enumerate() {
                let label = if i == 0 { label } else { "" };
                out += &beside.lines(label, label, &visible(line), 0);
            }
        }
        let verdict = match self.exit_code {
            1 => "Something got worse.",
            3 => "Nothing got worse that could be judged; something can no longer be judged.",
            _ if self.new.is_empty() && self.gone.is_empty() => "Nothing changed for clients.",
            _ => "Nothing got worse.",
        };
        out + "\n" + verdict + "\n"
    }

    /// Those of the second run, the new ones first; a resolved finding is no longer a fault.
    fn findings(&self) -> Vec<Located<'_>> {
        let told = self.new.iter().chain(&self.still);
        told.map(|told| Located {
            code: told.code,
            level: told.level,
            subject: None,
            objects: &told.objects,
            location: None,
            pods: &[],
            message: &told.message,
        })
        .collect()
    }
}
