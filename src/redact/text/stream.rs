//! Logs of any size: pieces in, clean bytes out.
//!
//! A line is looked at when it is complete, so that nothing can hide where two pieces meet. Memory is one line, up to
//! [`MAX_LINE`], the pieces of one that a container runtime split, and the lines of base64 that wait for their end.

use std::sync::Arc;

use super::engine::{Engine, State};
use super::joiner::Joiner;
use crate::redact::Redactions;
use crate::redact::rules::Rule;

/// Longest line that is shown. Container runtimes split at 16 KiB, Envoy's records have below 64 KiB.
pub const MAX_LINE: usize = 256 * 1024;
/// Bytes of a withheld line that are kept, to see the name of a key that straddles two pieces.
const OVERLAP: usize = 128;

/// Redacts a stream. What was fed and not yet given back is lost with it, unless [`StreamRedactor::finish`] is called.
pub struct StreamRedactor {
    engine: Arc<Engine>,
    state: State,
    joiner: Joiner,
    redactions: Redactions,
    /// The line that is not complete, or the end of one that is withheld.
    line: Vec<u8>,
    /// Length of the line that is withheld.
    withheld: Option<usize>,
}

impl StreamRedactor {
    pub(in crate::redact) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            state: State::default(),
            joiner: Joiner::default(),
            redactions: Redactions::default(),
            line: Vec::new(),
            withheld: None,
        }
    }

    /// Takes a piece and appends what is certain to be clean.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if self.withheld.is_some() || self.line.len() + line.len() > MAX_LINE {
                self.withhold(line);
                self.end_withheld(b"\n", out);
            } else if self.line.is_empty() {
                self.joiner.line(&self.engine, line, &mut self.state, out, &mut self.redactions);
            } else {
                self.line.extend_from_slice(line);
                self.joiner.line(&self.engine, &self.line, &mut self.state, out, &mut self.redactions);
                self.line.clear();
            }
        }
        if self.withheld.is_some() || self.line.len() + rest.len() > MAX_LINE {
            self.withhold(rest);
        } else {
            self.line.extend_from_slice(rest);
        }
    }

    /// The end of the stream: the last line, and what was replaced in all.
    #[must_use]
    pub fn finish(mut self, out: &mut Vec<u8>) -> Redactions {
        if self.withheld.is_some() {
            self.end_withheld(b"", out);
        } else if !self.line.is_empty() {
            self.joiner.line(&self.engine, &self.line, &mut self.state, out, &mut self.redactions);
        }
        self.joiner.finish(&self.engine, &mut self.state, out, &mut self.redactions);
        self.state.release(out);
        self.redactions
    }

    /// Forgets a part of a line that is too long, but not that a key began in it.
    fn withhold(&mut self, part: &[u8]) {
        let before = if self.withheld.is_none() { self.line.len() } else { 0 };
        *self.withheld.get_or_insert(0) += before + part.len();
        let keep = self.line.len() + part.len();
        self.line.extend_from_slice(part);
        self.state.notice_key(&self.line);
        self.line.drain(..keep.saturating_sub(OVERLAP));
    }

    fn end_withheld(&mut self, end: &[u8], out: &mut Vec<u8>) {
        let length = self.withheld.take().unwrap_or_default();
        self.line.clear();
        self.redactions.count(Rule::LongLine);
        self.joiner.finish(&self.engine, &mut self.state, out, &mut self.redactions);
        self.state.release(out);
        out.extend_from_slice(format!("<redacted: a line of {} bytes>", length - end.len()).as_bytes());
        out.extend_from_slice(end);
    }
}
