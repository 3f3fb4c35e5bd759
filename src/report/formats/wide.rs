//! Text for a person who wants to see everything that was looked at.

use std::convert::Infallible;

use crate::report::{Document, TextOptions};

pub(super) const ABOUT: Option<&str> = Some("Text with every pod, stream and check");

#[expect(clippy::unnecessary_wraps, reason = "formats have one shape")]
pub(super) fn write(document: &impl Document, options: TextOptions) -> Result<String, Infallible> {
    Ok(document.text(TextOptions { wide: true, ..options }))
}
