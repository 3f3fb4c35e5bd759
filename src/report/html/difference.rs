//! The page of `diff`: what changed between two runs.

use askama::Template;

use super::Content;
use super::parts::{Tone, cut, grouped, short};
use crate::judgement::diff::{Difference, Measure, Told};
use crate::report::Rule;

/// Maximum number of findings of a group, of lines of a list, and of characters of a text.
const MAX_FINDINGS: usize = 200;
const MAX_LINES: usize = 200;
const MAX_TEXT: usize = 600;

#[derive(Template)]
#[template(path = "difference.html")]
struct Page<'a> {
    tone: Tone,
    word: &'static str,
    headline: &'a str,
    runs: [(&'static str, String); 2],
    doubts: &'a [String],
    numbers: Vec<NumberView<'a>>,
    groups: Vec<GroupView<'a>>,
    lists: Vec<ListView<'a>>,
}

/// A number in both runs.
struct NumberView<'a> {
    what: &'a str,
    before: String,
    after: String,
}

/// The findings that are new, gone, or in both runs.
struct GroupView<'a> {
    title: &'static str,
    findings: Vec<FindingView<'a>>,
    rest: Option<String>,
}

struct FindingView<'a> {
    tone: Tone,
    level: &'static str,
    code: String,
    url: Option<String>,
    object: &'a str,
    message: String,
}

/// Sentences under a title.
struct ListView<'a> {
    title: &'static str,
    lines: Vec<&'a String>,
    rest: Option<String>,
}

/// Returns the page. `word` and the lines about the runs are those of the text.
pub(in crate::report) fn content(
    difference: &Difference,
    word: &'static str,
    [before, after]: [String; 2],
) -> Result<Content, askama::Error> {
    let group = |title, findings| {
        let (shown, rest) = cut(findings, MAX_FINDINGS, "finding");
        GroupView { title, findings: shown.into_iter().map(FindingView::of).collect(), rest }
    };
    let list = |title, lines| {
        let (lines, rest) = cut(lines, MAX_LINES, "line");
        ListView { title, lines, rest }
    };
    let lists = [
        list("Changed", &difference.changes),
        list("Can no longer be judged", &difference.no_longer_told),
        list("Can be judged now", &difference.told_now),
    ];
    let page = Page {
        tone: difference.outcome.into(),
        word,
        headline: &difference.headline,
        runs: [("Before", before), ("After", after)],
        doubts: &difference.doubts,
        numbers: difference.numbers.iter().map(NumberView::of).collect(),
        groups: vec![
            group("New", &difference.new),
            group("Gone", &difference.gone),
            group("Still there", &difference.still),
        ],
        lists: lists.into_iter().filter(|list| !list.lines.is_empty()).collect(),
    };
    Content::new(format!("{word} {}", difference.headline), &page)
}

impl<'a> NumberView<'a> {
    fn of(number: &'a Measure) -> Self {
        let shown = |number: Option<u64>| number.map_or_else(|| "not seen".to_owned(), grouped);
        Self { what: &number.what, before: shown(number.before), after: shown(number.after) }
    }
}

impl<'a> FindingView<'a> {
    fn of(finding: &'a Told) -> Self {
        Self {
            tone: Tone::of_level(finding.level),
            level: finding.level.as_str(),
            code: finding.code.to_string(),
            url: Rule::of(finding.code).map(|rule| rule.url),
            object: &finding.object,
            message: short(&finding.message, MAX_TEXT),
        }
    }
}
