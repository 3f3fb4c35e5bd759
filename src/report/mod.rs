//! What is printed: the values of `judgement` as text, JSON and YAML, and the catalogue as pages.

pub mod catalogue;
pub mod contexts;
pub mod diff;
pub mod machine;
pub mod probe_text;
pub mod schema;
pub mod styles;
pub mod text;
