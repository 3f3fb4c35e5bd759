//! The comparison of two runs for a person.

use owo_colors::{OwoColorize, Style};

use crate::checks::{Level, Object};
use crate::judgement::diff::{self as judgement, Difference, DifferenceOutcome, Told};
use crate::report::styles::Styles;
use crate::report::{Document, Located, TextOptions};
use crate::text::{LabelledText, moment, visible};

/// Column at which the text beside a label begins.
const LABEL_COLUMN: usize = 10;

impl Document for Difference {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let beside = LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width };
        let mut out = String::new();
        let (word, style) = self.word(options.styles);
        out += &beside.lines(word, &word.style(style).to_string(), &visible(&self.headline), 0);
        for (i, number) in self.numbers.iter().enumerate() {
            let label = if i == 0 { "NUMBERS" } else { "" };
            let shown = |number: Option<u64>| number.map_or_else(|| "not seen".into(), |number| number.to_string());
            let line = format!("{}: {} before, {} now", number.what, shown(number.before), shown(number.after));
            out += &beside.lines(label, label, &visible(&line), 0);
        }
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
            let shown = findings.iter().filter(|told| options.wide || told.level > Level::Notice);
            for (i, told) in shown.enumerate() {
                let label = if i == 0 { label } else { "" };
                let is_named = Object::are_named_in(&told.objects, &told.message);
                let place = if is_named { String::new() } else { format!("{}: ", told.object) };
                let what = visible(&format!("{place}{}", told.message));
                let line = format!("{} {} {what}", told.code, told.level.as_str());
                out += &beside.lines(label, label, &line, 0);
            }
        }
        let notices = self.hidden_notices();
        if !options.wide && !notices.is_empty() {
            out += &beside.lines("NOTICES", "NOTICES", &format!("{notices}; listed by -o wide"), 0);
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
            _ if self.outcome == DifferenceOutcome::Fixed => "Fixed, and nothing got worse.",
            3 => "Nothing got worse that could be judged; something can no longer be judged.",
            _ if self.new.is_empty() && self.gone.is_empty() => "Nothing changed for clients.",
            _ => "Nothing got worse.",
        };
        out + "\n" + verdict + "\n"
    }

    /// Those of the second run, the new ones first; a resolved finding is no longer a fault.
    fn findings(&self) -> Vec<Located<'_>> {
        let told = self.new.iter().map(|told| (told, false)).chain(self.still.iter().map(|told| (told, true)));
        told.map(|(told, known)| Located {
            code: told.code,
            level: told.level,
            subject: None,
            objects: &told.objects,
            location: None,
            pods: &[],
            message: &told.message,
            known,
        })
        .collect()
    }
}

impl Difference {
    /// The word in front of the headline.
    fn word(&self, styles: Styles) -> (&'static str, Style) {
        match self.outcome {
            DifferenceOutcome::Better => ("BETTER", styles.good),
            DifferenceOutcome::Fixed => ("FIXED", styles.good),
            DifferenceOutcome::Same => ("SAME", styles.heading),
            DifferenceOutcome::Unknown => ("UNKNOWN", styles.warning),
            DifferenceOutcome::Worse => ("WORSE", styles.error),
        }
    }

    /// Counts the notices: `2 new, 1 gone`.
    fn hidden_notices(&self) -> String {
        let groups = [(&self.new, "new"), (&self.gone, "gone"), (&self.still, "unchanged")].map(|(findings, word)| {
            let notices = findings.iter().filter(|told: &&Told| told.level == Level::Notice).count();
            (notices > 0).then(|| format!("{notices} {word}"))
        });
        groups.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
