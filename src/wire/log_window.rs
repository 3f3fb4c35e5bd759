//! The part of a log that support needs: its beginning and end, every reset and complaint, and some lines around each.
//!
//! Lines pass through whole and in order; what is left out is said in its place. Nothing is parsed: what a line means is the
//! business of `access_log`.

use std::collections::VecDeque;

use aho_corasick::AhoCorasick;
use memchr::memchr;

/// Lines from the beginning, which show the format and how the proxy started.
const HEAD: u64 = 50;
/// Lines before and after one that matters.
const BEFORE: usize = 20;
const AFTER: usize = 20;
/// Lines from the end, and how many bytes of them.
const TAIL: usize = 200;
const TAIL_BYTES: usize = 128 << 10;
/// A longer line is cut, and says so.
const MAX_LINE: usize = 64 << 10;
/// What a line that matters holds: connections without a filter chain, and what the proxy says of its own troubles.
const MATTERS: [&[u8]; 5] = [b"filter_chain_not_found", b"\terror\t", b"\twarn\t", b"[error]", b"[critical]"];

/// Chooses lines of one log, piece by piece, in memory that does not grow with it.
pub struct LogWindow {
    /// One look at each byte for all words; absent where it could not be built, and then every line matters.
    words: Option<AhoCorasick>,
    /// Bytes of lines that matter, beyond which no more of them are taken.
    limit: u64,
    partial: Vec<u8>,
    /// The present line is longer than what is kept of it.
    cut: u64,
    held: VecDeque<Vec<u8>>,
    held_bytes: usize,
    after: usize,
    /// Lines and bytes left out since the last line that was taken.
    gap: (u64, u64),
    summary: WindowSummary,
}

/// What was taken of a log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WindowSummary {
    pub lines: u64,
    pub bytes: u64,
    pub left_out_lines: u64,
    pub left_out_bytes: u64,
    /// Lines that matter and found no room.
    pub beyond_limit: u64,
}

impl LogWindow {
    /// Takes at most `limit` bytes of lines that matter, beside the beginning and the end of the log.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            words: AhoCorasick::new(MATTERS).ok(),
            limit,
            partial: Vec::new(),
            cut: 0,
            held: VecDeque::new(),
            held_bytes: 0,
            after: 0,
            gap: (0, 0),
            summary: WindowSummary::default(),
        }
    }

    /// Takes the next piece; pieces break anywhere. What is chosen is appended to `out`.
    pub fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while let Some(end) = memchr(b'\n', piece) {
            let (line, rest) = piece.split_at(end + 1);
            self.append(line);
            self.line(out);
            piece = rest;
        }
        self.append(piece);
    }

    /// There is no more: the end of the log is appended.
    #[must_use]
    pub fn finish(mut self, out: &mut Vec<u8>) -> WindowSummary {
        if !self.partial.is_empty() {
            self.line(out);
        }
        self.say_gap(out);
        for line in self.held.drain(..) {
            out.extend_from_slice(&line);
        }
        self.summary
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len());
        let taken = bytes.len().min(room);
        self.partial.extend_from_slice(&bytes[..taken]);
        self.cut += (bytes.len() - taken) as u64;
    }

    fn line(&mut self, out: &mut Vec<u8>) {
        let mut line = std::mem::take(&mut self.partial);
        let bytes = line.len() as u64 + self.cut;
        self.summary.lines += 1;
        self.summary.bytes += bytes;
        if self.cut > 0 {
            line.extend_from_slice(format!("… apigee-tls: {} bytes of this line left out\n", self.cut).as_bytes());
            self.cut = 0;
        }
        let matters = self.words.as_ref().is_none_or(|words| words.is_match(&line));
        let has_room = self.limit >= line.len() as u64;
        if matters && !has_room {
            self.summary.beyond_limit += 1;
        }
        if self.summary.lines <= HEAD {
            out.extend_from_slice(&line);
        } else if matters && has_room {
            self.let_go_but(BEFORE);
            self.say_gap(out);
            for before in self.held.drain(..) {
                self.limit = self.limit.saturating_sub(before.len() as u64);
                out.extend_from_slice(&before);
            }
            self.held_bytes = 0;
            self.take(&line, out);
            self.after = AFTER;
        } else if self.after > 0 && has_room {
            self.after -= 1;
            self.take(&line, out);
        } else {
            self.after = 0;
            self.held_bytes += line.len();
            self.held.push_back(line);
            while self.held.len() > TAIL || self.held_bytes > TAIL_BYTES {
                self.let_go_but(self.held.len() - 1);
            }
        }
    }

    fn take(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.limit = self.limit.saturating_sub(line.len() as u64);
        out.extend_from_slice(line);
    }

    /// Leaves the oldest lines out until so many are held.
    fn let_go_but(&mut self, kept: usize) {
        while self.held.len() > kept {
            let Some(line) = self.held.pop_front() else { break };
            self.held_bytes -= line.len();
            self.gap = (self.gap.0 + 1, self.gap.1 + line.len() as u64);
        }
    }

    fn say_gap(&mut self, out: &mut Vec<u8>) {
        let (lines, bytes) = std::mem::take(&mut self.gap);
        if lines > 0 {
            self.summary.left_out_lines += lines;
            self.summary.left_out_bytes += bytes;
            out.extend_from_slice(format!("… apigee-tls: {lines} lines of {bytes} bytes left out\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str, limit: u64, size: usize) -> (String, WindowSummary) {
        let mut window = LogWindow::new(limit);
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            window.feed(piece, &mut out);
        }
        let summary = window.finish(&mut out);
        (String::from_utf8(out).unwrap(), summary)
    }

    fn lines(range: std::ops::Range<u32>) -> String {
        range.map(|number| format!("line {number}\n")).collect()
    }

    #[test]
    fn a_short_log_passes_whole() {
        let text = lines(0..240) + "the last one has no end";
        for size in [1, 7, 4096] {
            let (out, summary) = window(&text, 1000, size);
            assert_eq!(out, text);
            assert_eq!((summary.lines, summary.left_out_lines), (241, 0));
        }
        assert_eq!(window("", 10, 1), (String::new(), WindowSummary::default()));
    }

    #[test]
    fn lines_around_a_reset_are_kept_and_gaps_are_said() {
        let text = lines(0..500) + "{\"status_details\":\"filter_chain_not_found\"}\n" + &lines(500..1000);
        for size in [1, 7, 4096] {
            let (out, summary) = window(&text, 100_000, size);
            let kept: Vec<&str> = out.lines().collect();
            assert_eq!(kept[49], "line 49");
            assert!(kept[50].contains("430 lines"), "{}", kept[50]);
            assert_eq!(kept[51], "line 480");
            assert!(kept[71].contains("filter_chain_not_found"));
            assert_eq!(kept[91], "line 519");
            assert!(kept[92].contains("280 lines"), "{}", kept[92]);
            assert_eq!((kept[93], kept.len()), ("line 800", 293));
            assert_eq!((summary.lines, summary.left_out_lines), (1001, 710));
        }
    }

    #[test]
    fn what_matters_beyond_the_limit_is_counted() {
        let text = lines(0..300) + &"filter_chain_not_found\n".repeat(1000);
        let (out, summary) = window(&text, 1000, 512);
        assert!(summary.beyond_limit > 900 && out.len() < 20_000, "{summary:?}");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let text = "x".repeat(MAX_LINE + 5);
        let (out, summary) = window(&text, 1000, 1000);
        assert!(out.ends_with("x… apigee-tls: 5 bytes of this line left out\n"));
        assert_eq!((summary.lines, summary.bytes), (1, MAX_LINE as u64 + 5));
    }
}
