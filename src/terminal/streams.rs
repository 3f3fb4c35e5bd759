//! Standard output and standard error, and what they can show.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};
use std::sync::OnceLock;

use crate::text::visible_lines;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// What the two streams of this process can show.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of one stream")]
pub struct Streams {
    /// Whether the result is coloured.
    pub color_stdout: bool,
    /// Whether messages are coloured.
    pub color_stderr: bool,
    /// Standard error is a terminal on which a line can be rewritten.
    pub live_stderr: bool,
    /// The same of standard output.
    pub live_stdout: bool,
    /// Width of the result in columns; `None` if it is not written to a terminal.
    pub width: Option<usize>,
}

/// A stream whose reader may close it at any time, as in `… | head`.
///
/// Writes after that are dropped silently, and the exit code stays that of the verdict. Any other error, such
/// as a full disk, is returned; call [`Output::finish`] to see those of buffered bytes.
#[derive(Debug)]
pub struct Output<W: Write> {
    inner: W,
    closed: bool,
}

impl ColorChoice {
    /// Returns whether a stream is coloured. The flag wins over the environment, and `NO_COLOR` over
    /// `CLICOLOR_FORCE`.
    ///
    /// <https://no-color.org>, <https://bixense.com/clicolors>.
    pub fn applies(self, is_terminal: bool, env: impl Fn(&str) -> Option<String>) -> bool {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR").is_some() => false,
            Self::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Self::Auto => is_terminal && set("CLICOLOR").as_deref() != Some("0") && !is_dumb(&env),
        }
    }
}

impl Streams {
    /// Returns what the streams of this process can show.
    #[must_use]
    pub fn of_this_process(choice: ColorChoice) -> Self {
        let env = |name: &str| std::env::var(name).ok();
        let (stdout, stderr) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let columns = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        Self {
            color_stdout: choice.applies(stdout, env),
            color_stderr: choice.applies(stderr, env),
            live_stderr: stderr && !is_dumb(&env),
            live_stdout: stdout && !is_dumb(&env),
            width: width(stdout, columns, env),
        }
    }
}

impl Output<BufWriter<Stdout>> {
    /// Returns standard output with a large buffer, so that a long report needs few system calls.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(BufWriter::with_capacity(64 << 10, io::stdout()))
    }
}

impl Output<Stderr> {
    /// Returns standard error, unbuffered.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }
}

impl<W: Write> Output<W> {
    /// Writes to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, closed: false }
    }

    /// Returns whether the reader has closed the stream.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Flushes the buffered bytes.
    ///
    /// # Errors
    /// They could not be written, and the reader had not closed the stream.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()
    }

    fn unless_closed<T>(&mut self, instead: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.closed {
            return Ok(instead);
        }
        match write(&mut self.inner) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), Write::flush)
    }
}

/// Redacts all texts on standard error, once it is set.
static CLEAN: OnceLock<fn(&str) -> String> = OnceLock::new();

/// Sets the function that redacts all texts on standard error: the words of clusters, servers and files may
/// hold secrets. Only the first call has an effect.
pub fn clean_messages(clean: fn(&str) -> String) {
    let _ = CLEAN.set(clean);
}

/// Writes lines, redacted and with control characters escaped.
pub(super) fn write_lines(stream: &mut impl Write, text: &str) {
    let text = CLEAN.get().map_or(Cow::Borrowed(text), |clean| Cow::Owned(clean(text)));
    write_clean_lines(stream, &text);
}

/// Writes lines that are made of redacted evidence, with control characters escaped.
pub(super) fn write_clean_lines(stream: &mut impl Write, text: &str) {
    // If standard error fails too, there is no other place to report it.
    let _ = writeln!(stream, "{}", visible_lines(text));
}

fn is_dumb(env: &impl Fn(&str) -> Option<String>) -> bool {
    env("TERM").as_deref() == Some("dumb")
}

/// Returns the width in columns. `COLUMNS` also applies to pipes, so that a test or a pager can request a
/// width.
fn width(
    is_terminal: bool,
    columns: impl Fn() -> Option<usize>,
    env: impl Fn(&str) -> Option<String>,
) -> Option<usize> {
    let requested = env("COLUMNS").and_then(|value| value.trim().parse().ok()).filter(|columns| *columns > 0);
    requested.or_else(|| is_terminal.then(columns).flatten().filter(|columns| *columns > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn colour_follows_flag_then_environment_then_terminal() {
        for (choice, terminal, pairs, expected) in [
            (ColorChoice::Auto, true, &[][..], true),
            (ColorChoice::Auto, false, &[], false),
            (ColorChoice::Auto, true, &[("NO_COLOR", "1")], false),
            (ColorChoice::Auto, true, &[("NO_COLOR", "")], true),
            (ColorChoice::Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (ColorChoice::Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (ColorChoice::Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (ColorChoice::Auto, true, &[("TERM", "dumb")], false),
            (ColorChoice::Auto, true, &[("CLICOLOR", "0")], false),
            (ColorChoice::Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
            (ColorChoice::Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            assert_eq!(choice.applies(terminal, env(pairs)), expected, "{choice:?} {terminal} {pairs:?}");
        }
    }

    #[test]
    fn takes_the_width_from_the_environment_then_the_terminal() {
        assert_eq!(width(true, || Some(132), env(&[])), Some(132));
        assert_eq!(width(false, || Some(132), env(&[])), None);
        assert_eq!(width(true, || Some(0), env(&[])), None);
        assert_eq!(width(false, || None, env(&[("COLUMNS", "60")])), Some(60));
        assert_eq!(width(true, || Some(132), env(&[("COLUMNS", "x")])), Some(132));
    }

    struct Pipe {
        room: usize,
        error: io::ErrorKind,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(self.error.into());
            }
            let taken = bytes.len().min(self.room);
            self.room -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn ignores_a_closed_pipe_and_reports_a_full_disk() {
        let mut gone = Output::new(Pipe { room: 3, error: io::ErrorKind::BrokenPipe });
        gone.write_all(b"a report").unwrap();
        gone.write_all(b"more").unwrap();
        gone.finish().unwrap();
        let mut full = Output::new(Pipe { room: 3, error: io::ErrorKind::StorageFull });
        assert_eq!(full.write_all(b"a report").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn escapes_control_characters_of_names() {
        let mut stream = Vec::new();
        write_lines(&mut stream, "CAUSE of gw\u{1b}]52;c;x\u{7}\n2 files of pay\u{202e}ment\u{9b}2J");
        let written = String::from_utf8(stream).unwrap();
        assert_eq!(written, "CAUSE of gw\\u{1b}]52;c;x\\u{7}\n2 files of pay\\u{202e}ment\\u{9b}2J\n");
    }
}
