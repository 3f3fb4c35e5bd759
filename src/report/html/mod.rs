//! The HTML page of a document: one file that needs no network and reads without scripts.
//!
//! ```text
//! Document ─ a view of plain values ─ template ─ content ─ page (style, script, policy)
//! ```
//!
//! Values are escaped by the template engine, with hidden characters made visible ([`Visible`]). `safe` is
//! only used for what another template has rendered. Links lead to the catalogue's own addresses and to names
//! of files that this program chose, never to a value of the data. Long lists are cut and their rest is
//! counted, so that the page of the largest evidence has less than 2 MB.

pub mod capture;
mod chain;
mod clients;
pub mod contexts;
pub mod difference;
pub mod edge;
mod findings;
mod fix;
pub mod fleet_difference;
mod handshakes;
mod parts;
pub mod probe;
pub mod report;
mod settings;
mod timeline;
pub mod trace;

use std::fmt;

use askama::Template;
use askama::filters::Escaper;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

pub use self::parts::FileLink;
use crate::text::is_hidden;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The escaper of the templates: characters of markup become references, and hidden characters become
/// visible.
#[derive(Clone, Copy, Debug)]
pub struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: fmt::Write>(&self, mut to: W, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => to.write_str("&amp;")?,
                '<' => to.write_str("&lt;")?,
                '>' => to.write_str("&gt;")?,
                '"' => to.write_str("&quot;")?,
                '\'' => to.write_str("&#39;")?,
                '\n' => to.write_char('\n')?,
                hidden if is_hidden(hidden) => write!(to, "{}", hidden.escape_unicode())?,
                other => to.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// The content of a page, which [`Content::page`] makes complete.
#[derive(Clone, Debug)]
pub struct Content {
    title: String,
    body: String,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    body: &'a str,
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
}

impl Content {
    /// Renders the body. `title` names the window.
    pub(super) fn new(title: impl Into<String>, body: &impl Template) -> Result<Self, askama::Error> {
        Ok(Self { title: title.into(), body: body.render()? })
    }

    /// Returns the whole page, which ends with a line end.
    ///
    /// # Errors
    /// A template could not be rendered.
    pub fn page(&self) -> Result<String, askama::Error> {
        let page = Page {
            title: &self.title,
            body: &self.body,
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
            version: env!("CARGO_PKG_VERSION"),
        };
        Ok(page.render()? + "\n")
    }
}

/// Returns the Content-Security-Policy: the page's own style and script, and nothing else.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        source(STYLE),
        source(SCRIPT)
    )
}

/// Returns the hash of an inline element, as a policy names it.
fn source(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_markup_and_hidden_characters() {
        let mut out = String::new();
        Visible.write_escaped_str(&mut out, "<b a=\"'&\u{202e}\u{0}\n").expect("strings take everything");
        assert_eq!(out, "&lt;b a=&quot;&#39;&amp;\\u{202e}\\u{0}\n");
    }

    /// The elements are what their hashes are of: a template engine could change the white space.
    #[test]
    fn the_policy_names_the_elements_of_the_page() {
        let page = Content { title: "<t>".into(), body: "<main></main>".into() }.page().expect("it renders");
        let inside = |open: &str, close: &str| page.split(open).nth(1).and_then(|rest| rest.split(close).next());
        assert_eq!(inside("<style>", "</style>"), Some(STYLE));
        assert_eq!(inside("<script>", "</script>"), Some(SCRIPT));
        assert!(page.contains("<title>&lt;t&gt;"), "{page}");
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !SCRIPT.contains("</"));
    }
}
