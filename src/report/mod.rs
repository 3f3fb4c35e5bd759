//! Renders the values of `judgement` as documents, in the format that the user requested.
//!
//! ```text
//! Report · ContextsReport · ProbeReport · Difference ─ Document ─ render ─ text│html│json│…
//! ```
//!
//! A document says how it reads; a format says how any document is written. Neither concludes anything.

mod document;
pub mod documents;
pub mod formats;
pub mod html;
pub mod metrics;
pub mod schema;
pub mod styles;

pub use self::document::{CheckResult, Document, Located, Rule, TextOptions};
pub use self::formats::{Format, FormatError, RenderError, render, write};
