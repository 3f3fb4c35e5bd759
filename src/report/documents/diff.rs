//! The comparison of two runs for a person.

use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use crate::checks::{Level, Object};
use crate::judgement::diff::{self as judgement, Difference, DifferenceOutcome, Measure, Run, Told};
use crate::report::formats::jsonl;
use crate::report::formats::markdown::{plain, table};
use crate::report::html::{self, Content, FileLink};
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
            out += &beside.lines(label, label, &visible(&measured(number)), 0);
        }
        for (label, run) in [("BEFORE", &self.before), ("AFTER", &self.after)] {
            out += &beside.lines(label, label, &visible(&of_run(run)), 0);
        }
        for doubt in &self.doubts {
            out += &beside.lines("BUT", "BUT", &visible(doubt), 0);
        }
        for (label, findings) in self.groups() {
            let label = &label.to_uppercase();
            let shown = findings.iter().filter(|told| options.wide || told.level > Level::Notice);
            for (i, told) in shown.enumerate() {
                let label = if i == 0 { label.as_str() } else { "" };
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
            3 if self.no_longer_told.is_empty() => "Whether anything changed is unknown.",
            3 => "Nothing got worse that could be judged; something can no longer be judged.",
            _ if self.new.is_empty() && self.gone.is_empty() => "Nothing changed for clients.",
            _ => "Nothing got worse.",
        };
        out + "\n" + verdict + "\n"
    }

    /// Those of the second run, the new ones first; a resolved finding is no longer a fault.
    fn findings(&self) -> Vec<Located<'_>> {
        let new = self.new.iter().map(|told| located(told, false));
        new.chain(self.still.iter().map(|told| located(told, true))).collect()
    }

    fn conclusion(&self) -> Option<String> {
        Some(format!("{} {}", self.word(Styles::default()).0, self.headline))
    }

    /// The findings of both runs, each with what became of it.
    fn lines(&self) -> Vec<String> {
        let line = |(word, told)| format!("{word} {}", located(told, false).line());
        self.with_words().map(line).collect()
    }

    fn records(&self) -> Result<String, serde_json::Error> {
        jsonl::of(self.with_words().map(|(change, told)| Changed { change, told }))
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        html::difference::content(self, self.word(Styles::default()).0, [&self.before, &self.after].map(of_run))
    }

    /// What changed, for a ticket: the headline, the numbers, a table for each group.
    fn markdown(&self) -> String {
        let mut out = format!("**{}** {}\n", self.word(Styles::default()).0, plain(&self.headline));
        let numbers = self.numbers.iter().map(|number| ("", measured(number)));
        let runs = [("Before", &self.before), ("After", &self.after)].map(|(label, run)| (label, of_run(run)));
        let doubts = self.doubts.iter().map(|doubt| ("But", doubt.clone()));
        out.push('\n');
        for (label, text) in numbers.chain(runs).chain(doubts) {
            let label = if label.is_empty() { String::new() } else { format!("**{label}**: ") };
            out += &format!("- {label}{}\n", plain(&text));
        }
        for (title, findings) in self.groups() {
            let located: Vec<Located<'_>> = findings.iter().map(|told| located(told, false)).collect();
            if !located.is_empty() {
                out += &format!("\n**{title}**\n\n{}", table(&located));
            }
        }
        let lists = [
            ("Changed", &self.changes),
            ("Can no longer be judged", &self.no_longer_told),
            ("Can be judged now", &self.told_now),
        ];
        for (title, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            out += &format!("\n**{title}**\n\n");
            out.extend(lines.iter().map(|line| format!("- {}\n", plain(line))));
        }
        out
    }
}

/// A finding and what became of it, as one line of JSON.
#[derive(Serialize)]
struct Changed<'a> {
    change: &'static str,
    #[serde(flatten)]
    told: &'a Told,
}

pub(super) fn located(told: &Told, known: bool) -> Located<'_> {
    Located {
        code: told.code,
        level: told.level,
        subject: None,
        objects: &told.objects,
        location: None,
        pods: &[],
        message: &told.message,
        known,
    }
}

/// `resets without SNI in the logs: 12 before, 0 now`
fn measured(number: &Measure) -> String {
    format!("{}: {}", number.what, before_and_now(number.before, number.after))
}

/// `resets: 12 before, 0 now`; absent if the number is the same.
pub(super) fn measured_resets(before: Option<u64>, now: Option<u64>) -> Option<String> {
    (before != now).then(|| format!("resets: {}", before_and_now(before, now)))
}

fn before_and_now(before: Option<u64>, now: Option<u64>) -> String {
    let shown = |number: Option<u64>| number.map_or_else(|| "not seen".into(), |number| number.to_string());
    format!("{} before, {} now", shown(before), shown(now))
}

/// The word in front of the headline.
pub(super) fn word_of(outcome: DifferenceOutcome, styles: Styles) -> (&'static str, Style) {
    match outcome {
        DifferenceOutcome::Better => ("BETTER", styles.good),
        DifferenceOutcome::Fixed => ("FIXED", styles.good),
        DifferenceOutcome::Same => ("SAME", styles.heading),
        DifferenceOutcome::Unknown => ("UNKNOWN", styles.warning),
        DifferenceOutcome::Worse => ("WORSE", styles.error),
    }
}

fn of_run(run: &Run) -> String {
    let context = run.context.as_deref().unwrap_or("no context");
    format!("{} {context}, namespace {}: {}", moment(run.collected_at), run.namespace, run.verdict)
}

impl Difference {
    fn groups(&self) -> [(&'static str, &[Told]); 3] {
        [("New", &self.new), ("Gone", &self.gone), ("Still", &self.still)]
    }

    /// The findings of both runs, each with what became of it.
    fn with_words(&self) -> impl Iterator<Item = (&'static str, &Told)> {
        let groups = [("new", &self.new), ("gone", &self.gone), ("still", &self.still)];
        groups.into_iter().flat_map(|(word, findings)| findings.iter().map(move |told| (word, told)))
    }

    /// The word in front of the headline.
    fn word(&self, styles: Styles) -> (&'static str, Style) {
        word_of(self.outcome, styles)
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
