//! One line for each finding, for grep and tickets. Nothing is wrapped. What the baseline has begins with
//! `known`.

use std::convert::Infallible;

use crate::report::{Document, TextOptions};

pub(super) const ABOUT: Option<&str> = Some("One line for each finding: level, code, object and message");

#[expect(clippy::unnecessary_wraps, reason = "formats have one shape")]
pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, Infallible> {
    Ok(document.lines().into_iter().map(|line| line + "\n").collect())
}
