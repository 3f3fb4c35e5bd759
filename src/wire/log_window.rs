//! Selects the lines of a log that support needs: its beginning and end, every reset and error, and some
//! lines around each.
//!
//! Lines are kept whole and in order. A marker line replaces each gap. Nothing is parsed here; [`access_log`]
//! does that.
//!
//! [`access_log`]: super::access_log

use std::collections::VecDeque;

use aho_corasick::AhoCorasick;
use memchr::memchr;

/// Number of lines from the beginning, which show the format and how the proxy started.
const HEAD: u64 = 50;
/// Number of lines before and after a relevant line.
const BEFORE: usize = 20;
const AFTER: usize = 20;
/// Maximum number of lines from the end, and of their bytes.
const TAIL: usize = 200;
const TAIL_BYTES: usize = 128 << 10;
/// Maximum length of a line, in bytes. A longer line is truncated, with a note at its end.
const MAX_LINE: usize = 64 << 10;
/// Texts of a relevant line: connections without a filter chain, and the proxy's own warnings and errors.
const RELEVANT_TEXTS: [&[u8]; 5] = [b"filter_chain_not_found", b"\terror\t", b"\twarn\t", b"[error]", b"[critical]"];

/// Selects lines of one log, chunk by chunk, in memory that does not grow with the log.
pub struct LogWindow {
    /// Searches all texts in one pass; absent if it could not be built, and then every line is relevant.
    relevant_texts: Option<AhoCorasick>,
    /// Bytes left for relevant lines and the lines around them.
    limit: u64,
    partial: Vec<u8>,
    /// Number of bytes dropped from the current line.
    cut: u64,
    held: VecDeque<Vec<u8>>,
    held_bytes: usize,
    after: usize,
    /// Lines and bytes left out since the last selected line.
    gap: (u64, u64),
    summary: WindowSummary,
}

/// What was read of a log and left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WindowSummary {
    pub lines: u64,
    pub bytes: u64,
    pub left_out_lines: u64,
    pub left_out_bytes: u64,
    /// Number of relevant lines left out because of the limit.
    pub beyond_limit: u64,
}

impl LogWindow {
    /// Selects at most `limit` bytes of relevant lines, in addition to the beginning and the end of the log.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            relevant_texts: AhoCorasick::new(RELEVANT_TEXTS).ok(),
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

    /// Reads the next chunk, which may end anywhere. Appends selected lines to `out`.
    pub fn feed(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(end + 1);
            self.append(line);
            self.line(out);
            chunk = rest;
        }
        self.append(chunk);
    }

    /// Ends the log: appends its last lines to `out`.
    #[must_use]
    pub fn finish(mut self, out: &mut Vec<u8>) -> WindowSummary {
        if !self.partial.is_empty() {
            self.line(out);
        }
        self.write_gap_marker(out);
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
        let is_relevant = self.relevant_texts.as_ref().is_none_or(|texts| texts.is_match(&line));
        let has_room = self.limit >= line.len() as u64;
        if is_relevant && !has_room {
            self.summary.beyond_limit += 1;
        }
        if self.summary.lines <= HEAD {
            out.extend_from_slice(&line);
        } else if is_relevant && has_room {
            self.drop_oldest(BEFORE);
            self.write_gap_marker(out);
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
                self.drop_oldest(self.held.len() - 1);
            }
        }
    }

    fn take(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.limit = self.limit.saturating_sub(line.len() as u64);
        out.extend_from_slice(line);
    }

    /// Drops the oldest held lines until at most `most` are left.
    fn drop_oldest(&mut self, most: usize) {
        while self.held.len() > most {
            let Some(line) = self.held.pop_front() else { break };
            self.held_bytes -= line.len();
            self.gap = (self.gap.0 + 1, self.gap.1 + line.len() as u64);
        }
    }

    fn write_gap_marker(&mut self, out: &mut Vec<u8>) {
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
    fn a_short_log_is_kept_whole() {
        let text = lines(0..240) + "the last one has no end";
        for size in [1, 7, 4096] {
            let (out, summary) = window(&text, 1000, size);
            assert_eq!(out, text);
            assert_eq!((summary.lines, summary.left_out_lines), (241, 0));
        }
        assert_eq!(window("", 10, 1), (String::new(), WindowSummary::default()));
    }

    #[test]
    fn lines_around_a_reset_are_kept_and_gaps_are_marked() {
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
    fn relevant_lines_beyond_the_limit_are_counted() {
        let text = lines(0..300) + &"filter_chain_not_found\n".repeat(1000);
        let (out, summary) = window(&text, 1000, 512);
        assert!(summary.beyond_limit > 900 && out.len() < 20_000, "{summary:?}");
    }

    #[test]
    fn an_overlong_line_is_truncated() {
        let text = "x".repeat(MAX_LINE + 5);
        let (out, summary) = window(&text, 1000, 1000);
        assert!(out.ends_with("x… apigee-tls: 5 bytes of this line left out\n"));
        assert_eq!((summary.lines, summary.bytes), (1, MAX_LINE as u64 + 5));
    }
}
