//! The two streams as commands use them: standard output for the result, standard error for everything else.
//!
//! Everything on standard error passes through here, which escapes control characters in the names and
//! messages of clusters, servers and files. Renderers of results escape them themselves, because results may
//! hold colours.

use std::io::{self, Write};
use std::sync::Arc;

use super::streams::{write_clean_lines, write_lines};
use super::{ColorChoice, LiveTable, Output, Reporter, Streams};
use crate::text::visible;

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

    /// Returns the width for the result, in columns. Without a terminal, nothing is wrapped, so that each
    /// line is whole for `grep`.
    #[must_use]
    pub fn width(&self) -> usize {
        self.streams.width.unwrap_or(usize::MAX)
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

    /// Writes the result to standard output while it is made. A closed pipe is not an error.
    ///
    /// # Errors
    /// The result could not be made, or the output could not be written for any other reason.
    pub fn result_written<E: From<io::Error>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut output = Output::stdout();
        write(&mut output)?;
        Ok(output.finish()?)
    }

    /// Like [`Console::result`], and returns whether standard output is still read: a run that does not end
    /// by itself ends when its reader is gone.
    ///
    /// # Errors
    /// As for [`Console::result`].
    pub fn result_is_read(&self, text: &str) -> io::Result<bool> {
        let mut output = Output::stdout();
        output.write_all(text.as_bytes())?;
        output.flush()?;
        Ok(!output.is_closed())
    }

    /// Writes lines to standard error, with every hidden character except line feeds escaped.
    ///
    /// A caller that inserts foreign texts into several lines must make each of them [`visible`] first, so
    /// that none of them can start a line of its own.
    pub fn error(&self, text: &str) {
        write_lines(&mut Output::stderr(), text);
    }

    /// Writes lines of a result to standard error: its verdict beside what standard output has. The result is
    /// redacted as a whole, with the user's options; redacting it again without these would make the two
    /// streams differ.
    pub fn conclusion(&self, text: &str) {
        write_clean_lines(&mut Output::stderr(), text);
    }

    /// Writes one line to standard error under `-v`, with hidden characters escaped.
    pub fn verbose(&self, line: &str) {
        if self.verbosity > 0 {
            write_lines(&mut Output::stderr(), &visible(line));
        }
    }

    /// Returns a block of lines on standard output that is rewritten in place; `None` if that is no terminal.
    #[must_use]
    pub fn live_table(&self) -> Option<LiveTable> {
        self.streams.live_stdout.then(LiveTable::new)
    }

    /// Returns a listener for the progress of gathering.
    #[must_use]
    pub fn progress(&self) -> Arc<Reporter> {
        Arc::new(Reporter::new(self.streams, self.verbosity))
    }
}
