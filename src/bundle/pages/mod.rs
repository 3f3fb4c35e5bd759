//! Pages: the files of a bundle that are made of its evidence and its report.
//!
//! ```text
//! Input (Evidence · Report · routes and events · what is missing) ─ PAGES ─ Page ─ redacted ─ BundleWriter
//! ```
//!
//! A page is one file with a pure function, and one line of `PAGES`. Pages are made of what is already
//! redacted, open nothing and conclude nothing.

mod apigeeroutes;
mod environment_groups;
mod events;
mod helm_releases;
mod parts;
mod pods;
mod readme;
mod report;
mod route_descriptions;

use super::manifest::Skipped;
use super::objects::RoutesAndEvents;
use crate::evidence::{Evidence, Seen};
use crate::judgement::Report;
use crate::redact::Pseudonyms;
use crate::text::visible_lines;

pub use self::environment_groups::{names as group_names, unknown as unknown_groups};

/// The functions that make the pages, one for each file of this folder.
static PAGES: &[fn(&Input<'_>) -> Vec<Page>] = &[
    apigeeroutes::pages,
    environment_groups::pages,
    events::pages,
    helm_releases::pages,
    parts::pages,
    pods::pages,
    readme::pages,
    report::pages,
    route_descriptions::pages,
];

/// One page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// Path below the top-level folder of the bundle.
    pub path: String,
    /// What the page is made of, for the manifest.
    pub origin: &'static str,
    /// Why support needs it, for the manifest.
    pub why: &'static str,
    /// The text, or why there is none.
    pub text: Result<String, String>,
    /// The text is what `diagnose --from` prints of the same evidence, and is written as it is. Every other
    /// page is searched for secrets once more.
    pub is_verbatim: bool,
}

impl Page {
    /// Returns a page of text. People print it on terminals, so hidden characters are escaped.
    fn new(path: impl Into<String>, origin: &'static str, why: &'static str, text: &str) -> Self {
        Self { path: path.into(), origin, why, text: Ok(visible_lines(text)), is_verbatim: false }
    }
}

/// What pages are made of. All of it is redacted.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub evidence: &'a Evidence,
    pub report: &'a Report,
    pub request: &'a Request,
    pub objects: &'a RoutesAndEvents,
    /// What could not be collected until now.
    pub skipped: &'a [Skipped],
}

/// What the user requested, and how the run ended.
#[derive(Clone, Debug)]
pub struct Request {
    pub case: Option<String>,
    pub note: Option<String>,
    /// Environment groups with the problem, as the user names them.
    pub groups: Vec<String>,
    /// Why the run ended early, where it did.
    pub partial: Option<String>,
    pub pseudonyms: Pseudonyms,
    pub has_captures: bool,
}

/// Returns all pages.
#[must_use]
pub fn all(input: &Input<'_>) -> Vec<Page> {
    PAGES.iter().flat_map(|pages| pages(input)).collect()
}

/// Returns the text in place of a list that was not seen, or that is empty.
fn why_not<T>(seen: &Seen<T>) -> String {
    match seen {
        Seen::Seen(_) => "none".into(),
        Seen::Unavailable(why) => why.to_string(),
    }
}
