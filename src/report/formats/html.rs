//! HTML: one page that needs no network and reads without scripts. Each document has its own content.

use super::RenderError;
use crate::report::html::FileLink;
use crate::report::{Document, TextOptions};

pub(super) const ABOUT: Option<&str> = Some("HTML page in one file, for a browser");

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, askama::Error> {
    document.html(&[])?.page()
}

/// Returns the page of a document in a bundle, with links to the files beside it.
///
/// # Errors
/// A template could not be rendered.
pub fn with_files(document: &impl Document, files: &[FileLink]) -> Result<String, RenderError> {
    document.html(files).and_then(|content| content.page()).map_err(RenderError::new)
}
