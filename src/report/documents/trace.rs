//! The chain of one server name for a person: a line for each link, and where it is broken.

use owo_colors::OwoColorize;

use crate::judgement::chain::{Link, LinkState};
use crate::judgement::trace::{self as judgement, Trace};
use crate::report::html::{self, Content, FileLink};
use crate::report::{Document, Located, TextOptions};
use crate::text::{LabelledText, visible};

/// Column at which the facts of a link begin.
const COLUMN: usize = 22;

/// Column at which the sentence at the end begins.
const LABEL_COLUMN: usize = 10;

impl Document for Trace {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let mut out = String::new();
        for link in &self.chain.links {
            lines(link, self.chain.broken == Some(link.link), options, &mut out);
        }
        out.push('\n');
        let word = match self.state {
            LinkState::Broken => "BROKEN",
            LinkState::Ok => "WHOLE",
            LinkState::Unknown | LinkState::NotApplicable => "UNKNOWN",
        };
        let painted = word.style(options.styles.link(self.state).1).to_string();
        let beside = LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width };
        let end = if self.headline.ends_with('?') { "" } else { "." };
        out + &beside.lines(word, &painted, &format!("{}{end}", visible(&self.headline)), 0)
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        html::trace::content(self)
    }

    /// A chain has links, and no findings of checks.
    fn findings(&self) -> Vec<Located<'_>> {
        Vec::new()
    }
}

fn lines(link: &Link, is_the_broken: bool, options: TextOptions, out: &mut String) {
    let beside = LabelledText { margin: 0, column: COLUMN, width: options.width };
    let (mark, style) = options.styles.link(link.state);
    let title = link.link.title();
    let why = link.why.iter().map(|why| {
        let here = if is_the_broken { "BROKEN HERE: " } else { "" };
        format!("{here}{why}")
    });
    let facts = why.chain(link.facts.iter().cloned());
    for (i, fact) in facts.enumerate() {
        let (label, painted) = match i {
            0 => (format!("{mark} {title}"), format!("{} {title}", mark.style(style))),
            _ => (String::new(), String::new()),
        };
        *out += &beside.lines(&label, &painted, &visible(&fact), 2);
    }
    if link.why.is_none() && link.facts.is_empty() {
        *out += &beside.lines(&format!("{mark} {title}"), &format!("{} {title}", mark.style(style)), "", 2);
    }
}
