//! The two streams as the commands use them: the result, and everything else.
//!
//! Everything else passes through here, and here names and messages of clusters, servers and files lose what
//! a terminal would obey: no caller can forget it. Formats of results do the same themselves, because they
//! may hold colours.

use std::io::{self, Write};
use std::sync::Arc;

use super::{ColorChoice, Output, Reporter, Streams};
use crate::text::{visible, visible_lines};

/// Columns of a report that goes to no terminal.
const USUAL_WIDTH: usize = 110;

/// Where the commands write.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    streams: Streams,
    verbosity: u8,
}

impl Console {
    /// The streams of this process.
    #[must_use]
    pub fn new(color: ColorChoice, verbosity: u8) -> Self {
        Self { streams: Streams::of_this_process(color), verbosity }
    }

    /// Whether the result is coloured.
    #[must_use]
    pub fn colors(&self) -> bool {
        self.streams.color_stdout
    }

    /// Columns for the result.
    #[must_use]
    pub fn width(&self) -> usize {
        self.streams.width.unwrap_or(USUAL_WIDTH)
    }

    /// Writes the result to standard output.
    ///
    /// # Errors
    /// It could not be written, for another reason than that its reader has gone.
    pub fn result(&self, text: &str) -> io::Result<()> {
        let mut output = Output::stdout();
        output.write_all(text.as_bytes())?;
        output.finish()
    }

    /// Writes lines to standard error, with hidden characters but line feeds as escapes.
    ///
    /// A caller that puts texts of others into several lines has to make each of them [`visible`] itself, so
    /// that none of them can begin a line of its own.
    pub fn error(&self, text: &str) {
        write_lines(&mut Output::stderr(), text);
    }

    /// Writes one line to standard error under `-v`, with hidden characters as escapes.
    pub fn verbose(&self, line: &str) {
        if self.verbosity > 0 {
            write_lines(&mut Output::stderr(), &visible(line));
        }
    }

    /// Someone to tell of the progress of gathering.
    #[must_use]
    pub fn progress(&self) -> Arc<Reporter> {
        Arc::new(Reporter::new(self.streams, self.verbosity))
    }
}

/// Writes whole lines to the stream that is for everything but the result.
pub(super) fn write_lines(stream: &mut impl Write, text: &str) {
    // Where not even standard error takes it, there is nobody to tell.
    let _ = writeln!(stream, "{}", visible_lines(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_control_the_terminal() {
        let mut stream = Vec::new();
        write_lines(&mut stream, "CAUSE of gw\u{1b}]52;c;x\u{7}\n2 files of pay\u{202e}ment\u{9b}2J");
        let written = String::from_utf8(stream).unwrap();
        assert_eq!(written, "CAUSE of gw\\u{1b}]52;c;x\\u{7}\n2 files of pay\\u{202e}ment\\u{9b}2J\n");
    }
}
