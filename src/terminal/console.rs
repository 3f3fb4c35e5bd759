//! The two streams as commands use them: standard output for the result, standard error for everything else.
//!
//! Everything on standard error passes through here, which escapes control characters in the names and
//! messages of clusters, servers and files. Renderers of results escape them themselves, because results may
//! hold colours.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use super::{ColorChoice, Output, Reporter, Streams};
use crate::text::{visible, visible_lines};

/// Redacts all texts on standard error, once it is set.
static CLEAN: OnceLock<fn(&str) -> String> = OnceLock::new();

/// Sets the function that redacts all texts on standard error: the words of clusters, servers and files may hold
/// secrets. Only the first call has an effect.
pub fn clean_messages(clean: fn(&str) -> String) {
    let _ = CLEAN.set(clean);
}

/// Width of a report that is not written to a terminal, in columns.
const USUAL_WIDTH: usize = 110;

/// Writes results and messages of commands.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    streams: Streams,
    verbosity: u8,
}

impl Console {
    /// Returns a console on the streams of this process.
    #[must_use]
    pub fn new(color: ColorChoice, verbosity: u8) -> Self {
        Self { streams: Streams::of_this_process(color), verbosity }
    }

    /// Returns whether the result is coloured.
    #[must_use]
    pub fn colors(&self) -> bool {
        self.streams.color_stdout
    }

    /// Returns the width for the result, in columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.streams.width.unwrap_or(USUAL_WIDTH)
    }

    /// Writes the result to standard output. A closed pipe is not an error.
    ///
    /// # Errors
    /// The output could not be written for any other reason.
    pub fn result(&self, text: &str) -> io::Result<()> {
        let mut output = Output::stdout();
        output.write_all(text.as_bytes())?;
        output.finish()
    }

    /// Writes lines to standard error, with every hidden character except line feeds escaped.
    ///
    /// A caller that inserts foreign texts into several lines must make each of them [`visible`] first, so
    /// that none of them can start a line of its own.
    pub fn error(&self, text: &str) {
        write_lines(&mut Output::stderr(), text);
    }

    /// Writes one line to standard error under `-v`, with hidden characters escaped.
    pub fn verbose(&self, line: &str) {
        if self.verbosity > 0 {
            write_lines(&mut Output::stderr(), &visible(line));
        }
    }

    /// Returns a listener for the progress of gathering.
    #[must_use]
    pub fn progress(&self) -> Arc<Reporter> {
        Arc::new(Reporter::new(self.streams, self.verbosity))
    }
}

/// Writes lines to standard error.
pub(super) fn write_lines(stream: &mut impl Write, text: &str) {
    let text = CLEAN.get().map_or(Cow::Borrowed(text), |clean| Cow::Owned(clean(text)));
    // If standard error fails too, there is no other place to report it.
    let _ = writeln!(stream, "{}", visible_lines(&text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_characters_of_names() {
        let mut stream = Vec::new();
        write_lines(&mut stream, "CAUSE of gw\u{1b}]52;c;x\u{7}\n2 files of pay\u{202e}ment\u{9b}2J");
        let written = String::from_utf8(stream).unwrap();
        assert_eq!(written, "CAUSE of gw\\u{1b}]52;c;x\\u{7}\n2 files of pay\\u{202e}ment\\u{9b}2J\n");
    }
}
