//! The page of `trace`: one chain.

use askama::Template;

use super::Content;
use super::chain::ChainView;
use super::parts::{Badge, Tone, time};
use crate::judgement::chain::LinkState;
use crate::judgement::trace::Trace;

#[derive(Template)]
#[template(path = "trace.html")]
struct Page<'a> {
    tone: Tone,
    word: &'static str,
    headline: &'a str,
    origin: String,
    chain: ChainView<'a>,
}

/// Returns the page.
pub(in crate::report) fn content(trace: &Trace) -> Result<Content, askama::Error> {
    let word = match trace.state {
        LinkState::Broken => "BROKEN",
        LinkState::Ok => "WHOLE",
        LinkState::NotApplicable | LinkState::Unknown => "UNKNOWN",
    };
    let subject = &trace.subject;
    let context = subject.context().map_or_else(String::new, |context| format!("context {context} · "));
    let page = Page {
        tone: Badge::of_link(trace.state).tone,
        word,
        headline: &trace.headline,
        origin: format!("{context}namespace {} · {} UTC", subject.namespace(), time(subject.collected_at())),
        chain: ChainView::of(&trace.chain),
    };
    Content::new(format!("{word} {}", trace.headline), &page)
}
