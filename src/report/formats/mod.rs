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
use std::io::{self, Write};

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

/// Writes the document in the format. JSON is written while it is made: that of many clusters need not be in
/// memory at once.
///
/// # Errors
/// The value has no form in the format, or the output could not be written.
pub fn write<D: Document>(
    document: &D,
    format: Format,
    options: TextOptions,
    output: &mut dyn Write,
) -> Result<(), FormatError> {
    let mut output = Observed { output, failure: None };
    let written = match format {
        Format::Json => json::write_to(document, &mut output).map_err(RenderError::new),
        format => {
            let text = render(document, format, options)?;
            return Ok(output.write_all(text.as_bytes())?);
        }
    };
    match output.failure {
        Some(failure) => Err(FormatError::Output(failure)),
        None => Ok(written?),
    }
}

/// An output that remembers why it failed: serialisers wrap the reason into their own errors.
struct Observed<'a> {
    output: &'a mut dyn Write,
    failure: Option<io::Error>,
}

impl Write for Observed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes).map_err(|error| {
            let kind = error.kind();
            self.failure = Some(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Why a document was not written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error(transparent)]
    Output(#[from] io::Error),
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Why a document could not be rendered.
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
