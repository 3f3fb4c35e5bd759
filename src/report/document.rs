//! The interface of documents for formats.

use serde::Serialize;

use super::styles::Styles;
use crate::checks::{Code, Level, Location, Object};

/// A value that can be printed in every [`Format`](super::Format).
pub trait Document: Serialize {
    /// Identifies the shape of the value in JSON and YAML. The number grows when an older reader would
    /// misread a newer file.
    const SCHEMA: &'static str;

    /// Returns the whole document as text.
    fn text(&self, options: TextOptions) -> String;

    /// Returns the findings and their places, in the order of the document, for formats that show findings
    /// only.
    fn findings(&self) -> Vec<Located<'_>>;
}

/// Options of text output.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions {
    pub styles: Styles,
    /// Columns of the terminal.
    pub width: usize,
    /// With every pod, stream and passed check. Formats decide it.
    pub wide: bool,
}

/// A finding and its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Located<'a> {
    pub code: Code,
    pub level: Level,
    /// The context or target that the finding is of; absent where the document is of one.
    pub subject: Option<&'a str>,
    pub objects: &'a [Object],
    /// Absent if the document does not have it.
    pub location: Option<&'a Location>,
    pub message: &'a str,
}
