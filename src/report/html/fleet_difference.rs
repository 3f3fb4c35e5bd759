//! The page of `diff` for several clusters: a table of all, and the findings of those that changed.

use askama::Template;

use super::Content;
use super::parts::{Badge, Tone, rest, short};
use crate::judgement::diff::Told;
use crate::judgement::diff::fleet::{ClusterChange, ClusterDifference, FleetDifference};
use crate::report::Rule;

/// Maximum number of clusters with a section, and of findings of each. With the limits below, a page has at
/// most 2 MB.
const MAX_SECTIONS: usize = 200;
const MAX_FINDINGS: usize = 12;
/// Maximum number of characters of a text, and of the name of a context.
const MAX_TEXT: usize = 240;
const MAX_NAME: usize = 120;

#[derive(Template)]
#[template(path = "fleet_difference.html")]
struct Page<'a> {
    tone: Tone,
    word: &'static str,
    headline: &'a str,
    runs: [(&'static str, String); 2],
    rows: Vec<Row>,
    words: Vec<&'static str>,
    sections: Vec<Section>,
    other_sections: Option<String>,
}

/// A cluster in the table.
struct Row {
    context: String,
    badge: Badge,
    before: String,
    after: String,
    numbers: [String; 4],
    /// Absent where nothing changed, or where the cluster has no section.
    anchor: Option<String>,
}

/// The findings of one cluster.
struct Section {
    id: String,
    context: String,
    badge: Badge,
    findings: Vec<FindingView>,
    rest: Option<String>,
    no_longer_told: Option<String>,
}

struct FindingView {
    change: &'static str,
    tone: Tone,
    level: &'static str,
    code: String,
    url: Option<String>,
    message: String,
}

/// Returns the page. `word` and the lines about the runs are those of the text.
pub(in crate::report) fn content(
    difference: &FleetDifference,
    word: &'static str,
    [before, after]: [String; 2],
) -> Result<Content, askama::Error> {
    let changed = || difference.clusters.iter().filter(|cluster| cluster.change != ClusterChange::Same);
    let sections: Vec<Section> = changed().take(MAX_SECTIONS).zip(1..).map(Section::of).collect();
    // Clusters that changed come first, so that the sections are those of the first rows.
    let rows = difference.clusters.iter().enumerate();
    let rows = rows.map(|(at, cluster)| Row::of(cluster, sections.get(at).map(|section| section.id.clone())));
    let mut words: Vec<&'static str> = difference.clusters.iter().map(|cluster| cluster.change.word()).collect();
    words.dedup();
    let page = Page {
        tone: difference.outcome.into(),
        word,
        headline: &difference.headline,
        runs: [("Before", before), ("After", after)],
        rows: rows.collect(),
        words,
        other_sections: rest(changed().count().saturating_sub(sections.len()) as u64, "cluster"),
        sections,
    };
    Content::new(format!("{word} {}", short(&difference.headline, MAX_TEXT)), &page)
}

fn badge(change: ClusterChange) -> Badge {
    let tone = match change {
        ClusterChange::Worse | ClusterChange::OtherCause => Tone::Bad,
        ClusterChange::NotSeen | ClusterChange::Gone => Tone::Unknown,
        ClusterChange::New | ClusterChange::SeenNow => Tone::Notice,
        ClusterChange::Better => Tone::Good,
        ClusterChange::Same => Tone::Dim,
    };
    Badge { tone, word: change.word() }
}

impl Row {
    fn of(cluster: &ClusterDifference, anchor: Option<String>) -> Self {
        let answer = |answer: &Option<String>| short(answer.as_deref().unwrap_or("–"), MAX_TEXT);
        let number = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
        Self {
            context: short(&cluster.context, MAX_NAME),
            badge: badge(cluster.change),
            before: answer(&cluster.before),
            after: answer(&cluster.after),
            numbers: [
                number(cluster.resets_before),
                number(cluster.resets_after),
                cluster.new.len().to_string(),
                cluster.gone.len().to_string(),
            ],
            anchor,
        }
    }
}

impl Section {
    fn of((cluster, number): (&ClusterDifference, usize)) -> Self {
        let groups = [("new", &cluster.new), ("gone", &cluster.gone)];
        let findings = groups.into_iter().flat_map(|(change, list)| list.iter().map(move |told| (change, told)));
        let all = cluster.new.len() + cluster.gone.len();
        let codes = cluster.no_longer_told.join(", ");
        Self {
            id: format!("cluster-{number}"),
            context: short(&cluster.context, MAX_NAME),
            badge: badge(cluster.change),
            findings: findings.take(MAX_FINDINGS).map(FindingView::of).collect(),
            rest: rest(all.saturating_sub(MAX_FINDINGS) as u64, "finding"),
            no_longer_told: (!codes.is_empty()).then(|| short(&codes, MAX_TEXT)),
        }
    }
}

impl FindingView {
    fn of((change, told): (&'static str, &Told)) -> Self {
        Self {
            change,
            tone: if change == "gone" { Tone::Dim } else { Tone::of_level(told.level) },
            level: told.level.as_str(),
            code: told.code.to_string(),
            url: Rule::of(told.code).map(|rule| rule.url),
            message: short(&format!("{}: {}", told.object, told.message), MAX_TEXT),
        }
    }
}
