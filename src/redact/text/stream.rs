//! Redacts logs of any size: takes pieces, appends redacted bytes.
//!
//! A line is redacted when it is complete, so nothing can hide where two pieces meet. Memory holds one line
//! of up to [`MAX_LINE`] bytes, the pieces of a line that a container runtime split, and held-back lines of
//! base64.

use std::sync::Arc;

use super::engine::{Engine, TextState};
use super::joiner::Joiner;
use crate::redact::Redactions;
use crate::redact::rules::Rule;

/// Maximum number of bytes of a line; longer ones are withheld. Container runtimes split at 16 KiB, and
/// Envoy's records have less than 64 KiB.
pub const MAX_LINE: usize = 256 * 1024;
/// Number of bytes kept of a withheld line, to recognise a label that straddles two pieces.
const OVERLAP: usize = 128;

/// Redacts a stream. [`StreamRedactor::finish`] must be called; otherwise the bytes not yet returned are
/// lost.
pub struct StreamRedactor {
    engine: Arc<Engine>,
    state: TextState,
    joiner: Joiner,
    redactions: Redactions,
    /// The incomplete line, or the end of one that is withheld.
    line: Vec<u8>,
    /// Number of bytes of the line that is withheld.
    withheld: Option<usize>,
}

impl StreamRedactor {
    pub(in crate::redact) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            state: TextState::default(),
            joiner: Joiner::default(),
            redactions: Redactions::default(),
            line: Vec::new(),
            withheld: None,
        }
    }

    /// Takes a piece, and appends what is completely redacted to `out`.
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

    /// Appends the rest, and returns the redactions of the whole stream.
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

    /// Drops a part of a line that is too long, but tracks whether a key begins in it.
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
