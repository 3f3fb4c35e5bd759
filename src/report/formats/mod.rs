//! Formats, one file each: how any document is written. A format knows no check, no playbook and no rule.

mod github;
pub mod html;
pub mod json;
pub mod jsonl;
mod junit;
pub(super) mod markdown;
mod sarif;
mod short;
mod text;
mod wide;
pub mod yaml;

use std::error::Error as StdError;

use super::{Document, TextOptions};
#[cfg(test)]
use crate::evidence::{Reason, Seen, Unavailable};

/// Declares the formats by their modules, which have `ABOUT` and `write`. The name of a module is the name of
/// its format.
macro_rules! formats {
    ($($(#[$attribute:meta])* $variant:ident: $module:ident,)+) => {
        /// A format that the user can ask for.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub enum Format {
            $($(#[$attribute])* $variant,)+
        }

        impl Format {
            /// Every format, in the order of help.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As `-o` takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($module),)+
                }
            }

            /// One line for help; absent where the name says it all.
            #[must_use]
            pub const fn about(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $module::ABOUT,)+
                }
            }
        }

        /// The document in the format.
        ///
        /// # Errors
        /// The value has no form in the format.
        pub fn render<D: Document>(document: &D, format: Format, options: TextOptions) -> Result<String, RenderError> {
            match format {
                $(Format::$variant => $module::write(document, options).map_err(RenderError::new),)+
            }
        }
    };
}

formats! {
    #[default]
    Text: text,
    Short: short,
    Wide: wide,
    Json: json,
    Jsonl: jsonl,
    Yaml: yaml,
    Markdown: markdown,
    Html: html,
    Sarif: sarif,
    Junit: junit,
    Github: github,
}

/// Why a document could not be written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RenderError(Box<dyn StdError + Send + Sync>);

impl RenderError {
    fn new(source: impl StdError + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }
}

/// Values with the characters that a terminal would obey, for the tests of each format.
#[cfg(test)]
fn hostile() -> Vec<Seen<String>> {
    let text = "a\u{9b}31m\u{202e}\u{feff}\u{7f}\u{e0041}\n\u{e9}";
    let late = Unavailable::new(text, Reason::TimedOut { milliseconds: 5 });
    vec![
        Seen::Seen(text.into()),
        Seen::Unavailable(late),
        Seen::Unavailable(Unavailable::new("x", Reason::Interrupted)),
    ]
}
