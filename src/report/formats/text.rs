//! Text for a person.

use std::convert::Infallible;

use crate::report::{Document, TextOptions};

pub(super) const ABOUT: Option<&str> = None;

#[expect(clippy::unnecessary_wraps, reason = "formats have one shape")]
pub(super) fn write(document: &impl Document, options: TextOptions) -> Result<String, Infallible> {
    Ok(document.text(TextOptions { wide: false, ..options }))
}
