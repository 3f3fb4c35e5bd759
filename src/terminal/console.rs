//! The two streams as the commands use them: the result, and everything else.

use std::io::{self, Write};
use std::sync::Arc;

use super::{ColorChoice, Output, Reporter, Streams};

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

    /// Tells of something that went wrong.
    pub fn error(&self, text: &str) {
        // Where not even standard error takes it, there is nobody to tell.
        let _ = writeln!(Output::stderr(), "{text}");
    }

    /// Tells what is done, under `-v`.
    pub fn verbose(&self, text: &str) {
        if self.verbosity > 0 {
            self.error(text);
        }
    }

    /// Someone to tell of the progress of gathering.
    #[must_use]
    pub fn progress(&self) -> Arc<Reporter> {
        Arc::new(Reporter::new(self.streams, self.verbosity))
    }
}
