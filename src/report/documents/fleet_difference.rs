//! The comparison of two runs over several clusters for a person.

use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use super::diff::{located, measured_resets, word_of};
use crate::checks::Level;
use crate::judgement::diff::Told;
use crate::judgement::diff::fleet::{self as judgement, ClusterChange, ClusterDifference, FleetDifference, FleetRun};
use crate::report::formats::jsonl;
use crate::report::formats::markdown::plain;
use crate::report::html::{self, Content, FileLink};
use crate::report::styles::Styles;
use crate::report::{Document, Located, TextOptions};
use crate::text::{LabelledText, count, moment, visible};

/// Column at which the text beside a label begins: that of the longest change.
const LABEL_COLUMN: usize = 13;
/// Maximum number of findings of a cluster that the text has; `-o wide` has all.
const MAX_FINDINGS: usize = 5;

impl Document for FleetDifference {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let beside = LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width };
        let (word, style) = word_of(self.outcome, options.styles);
        let mut out = beside.lines(word, &word.style(style).to_string(), &visible(&self.headline), 0);
        for (label, run) in [("BEFORE", &self.before), ("AFTER", &self.after)] {
            out += &beside.lines(label, label, &visible(&of_run(run)), 0);
        }
        let shown = self.clusters.iter().filter(|cluster| options.wide || cluster.change != ClusterChange::Same);
        for (number, cluster) in shown.enumerate() {
            if number == 0 {
                out.push('\n');
            }
            let word = cluster.change.word();
            let painted = word.style(style_of(cluster.change, options.styles)).to_string();
            out += &beside.lines(word, &painted, &visible(&in_words(cluster)), 2);
            let is_shown = |told: &&Told| options.wide || told.level > Level::Notice;
            let all: Vec<(&str, &Told)> = with_words(cluster)
                .filter(|(word, told)| (options.wide || *word != "still") && is_shown(told))
                .collect();
            let most = if options.wide { all.len() } else { MAX_FINDINGS };
            for (word, told) in all.iter().take(most) {
                out += &beside.lines("", "", &format!("  {word} {}", located(told, false).line()), 4);
            }
            let rest = all.len().saturating_sub(most);
            if rest > 0 {
                out += &beside.lines("", "", &format!("  and {}", count(rest as u64, "more finding")), 4);
            }
            if !cluster.no_longer_told.is_empty() {
                let codes = cluster.no_longer_told.join(", ");
                out += &beside.lines("", "", &visible(&format!("  no longer judged: {codes}")), 4);
            }
        }
        let verdict = match self.exit_code {
            1 => "Something got worse.",
            3 => "Nothing got worse that could be judged; something can no longer be judged.",
            _ if self.clusters.iter().all(|cluster| cluster.change == ClusterChange::Same) => {
                "Nothing changed for clients."
            }
            _ => "Nothing got worse.",
        };
        out + "\n" + verdict + "\n"
    }

    /// Those of the second run, the new ones first; a resolved finding is no longer a fault.
    fn findings(&self) -> Vec<Located<'_>> {
        let of = |list: fn(&ClusterDifference) -> &[Told], known| {
            self.clusters
                .iter()
                .flat_map(move |cluster| list(cluster).iter().map(move |told| among(cluster, told, known)))
        };
        of(|cluster| &cluster.new, false).chain(of(|cluster| &cluster.still, true)).collect()
    }

    fn conclusion(&self) -> Option<String> {
        Some(format!("{} {}", word_of(self.outcome, Styles::default()).0, self.headline))
    }

    /// The findings of both runs, each with what became of it.
    fn lines(&self) -> Vec<String> {
        let lines = self.clusters.iter().flat_map(|cluster| {
            with_words(cluster)
                .map(|(word, told)| visible(&format!("{}: {word} {}", cluster.context, located(told, false).line())))
        });
        lines.collect()
    }

    fn records(&self) -> Result<String, serde_json::Error> {
        jsonl::of(self.clusters.iter().flat_map(|cluster| {
            with_words(cluster).map(|(change, told)| Changed { context: &cluster.context, change, told })
        }))
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        let word = word_of(self.outcome, Styles::default()).0;
        html::fleet_difference::content(self, word, [&self.before, &self.after].map(of_run))
    }

    /// What changed, for a ticket: the headline, the runs, a table of the clusters that changed.
    fn markdown(&self) -> String {
        let mut out = format!("**{}** {}\n\n", word_of(self.outcome, Styles::default()).0, plain(&self.headline));
        for (label, run) in [("Before", &self.before), ("After", &self.after)] {
            out += &format!("- **{label}**: {}\n", plain(&of_run(run)));
        }
        out += "\n| Context | Change | Before | After | New | Gone |\n| --- | --- | --- | --- | ---: | ---: |\n";
        for cluster in self.clusters.iter().filter(|cluster| cluster.change != ClusterChange::Same) {
            let [before, after] =
                [&cluster.before, &cluster.after].map(|answer| plain(answer.as_deref().unwrap_or("-")));
            let (context, word) = (plain(&cluster.context), cluster.change.word());
            let (new, gone) = (cluster.new.len(), cluster.gone.len());
            out += &format!("| {context} | {word} | {before} | {after} | {new} | {gone} |\n");
        }
        out
    }
}

/// A finding of a cluster and what became of it, as one line of JSON.
#[derive(Serialize)]
struct Changed<'a> {
    context: &'a str,
    change: &'static str,
    #[serde(flatten)]
    told: &'a Told,
}

/// `east: HEALTHY …, now CAUSE …; 0 resets before, 312 now`
pub(in crate::report) fn in_words(cluster: &ClusterDifference) -> String {
    let context = &cluster.context;
    let answers = match (&cluster.before, &cluster.after) {
        (Some(before), Some(after)) if before == after => format!("{context}: {after}"),
        (Some(before), Some(after)) => format!("{context}: {after} (before: {before})"),
        (Some(before), None) => format!("{context}: in the first run alone: {before}"),
        (None, Some(after)) => format!("{context}: in the second run alone: {after}"),
        (None, None) => context.clone(),
    };
    match measured_resets(cluster.resets_before, cluster.resets_after) {
        Some(resets) if cluster.before.is_some() && cluster.after.is_some() => format!("{answers}; {resets}"),
        _ => answers,
    }
}

fn of_run(run: &FleetRun) -> String {
    let at = run.collected_at.map_or_else(|| "at an unknown time,".to_owned(), moment);
    format!("{at} {}: {}", count(run.clusters, "cluster"), run.headline)
}

fn among<'a>(cluster: &'a ClusterDifference, told: &'a Told, known: bool) -> Located<'a> {
    Located { subject: Some(&cluster.context), ..located(told, known) }
}

/// The findings of both runs, each with what became of it.
fn with_words(cluster: &ClusterDifference) -> impl Iterator<Item = (&'static str, &Told)> {
    let groups = [("new", &cluster.new), ("gone", &cluster.gone), ("still", &cluster.still)];
    groups.into_iter().flat_map(|(word, findings)| findings.iter().map(move |told| (word, told)))
}

fn style_of(change: ClusterChange, styles: Styles) -> Style {
    match change {
        ClusterChange::Worse | ClusterChange::OtherCause => styles.error,
        ClusterChange::NotSeen | ClusterChange::Gone => styles.warning,
        ClusterChange::Better => styles.good,
        ClusterChange::New | ClusterChange::SeenNow | ClusterChange::Same => styles.heading,
    }
}
