//! A block of lines at the end of standard output that is rewritten in place, with lines above it that stay.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::visible;

/// Number of times a second that the block is rewritten at most. indicatif writes the lines of one time at
/// once, so that nothing flickers.
const PER_SECOND: u8 = 10;

/// The block; it is removed when this value is dropped.
#[derive(Debug)]
pub struct LiveTable {
    bar: ProgressBar,
}

impl LiveTable {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout_with_hz(PER_SECOND));
        // The template is constant; the fallback only avoids a panic.
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    /// Replaces the lines. Their texts must be visible already; colours stay.
    pub fn show(&self, lines: &[String]) {
        self.bar.set_message(lines.join("\n"));
    }

    /// Prints a line above the block.
    pub fn say(&self, line: &str) {
        self.bar.println(visible(line));
    }

    /// Removes the block.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Returns the number of columns and lines of the terminal.
    #[must_use]
    pub fn size() -> Option<(usize, usize)> {
        let (terminal_size::Width(width), terminal_size::Height(height)) =
            terminal_size::terminal_size_of(std::io::stdout())?;
        Some((width.into(), height.into()))
    }
}

impl Drop for LiveTable {
    fn drop(&mut self) {
        self.finish();
    }
}
