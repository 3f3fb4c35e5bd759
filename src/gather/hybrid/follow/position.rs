//! How far a log was read, so that a new stream continues there: no line is lost and none counted twice.
//!
//! The kubelet puts the time at which the runtime received a line before it (`timestamps=true`), to the
//! nanosecond, and skips what is older than `sinceTime`, to the second. A new stream therefore repeats some
//! lines. They are recognised by time and content, up to the last line that was read: the anchor. Standard
//! output and standard error are stamped by two writers, so that times are not quite in order, and the order
//! of the file counts.
//!
//! A stream that brings new lines and not the anchor has lost its place: the file was rotated away, or
//! belongs to a later run of the container.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

/// Lines so far before the anchor are remembered. Must exceed the second to which `sinceTime` is rounded.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(2);
/// Maximum number of remembered lines. A line older than all of them counts as read.
const MAX_REMEMBERED: usize = 8_192;
/// A line of the other writer may be so much older than the one before it.
const OUT_OF_ORDER: SignedDuration = SignedDuration::from_millis(100);

/// A line, by time and content.
type Line = (Timestamp, u64);

/// How far a log was read.
#[derive(Debug, Default)]
pub(super) struct Position {
    /// The latest lines, in the order of the file; the last one is the anchor.
    recent: VecDeque<Line>,
    /// The lines that a new stream may repeat, while it does.
    repeated: Option<HashMap<Line, u32>>,
}

/// What a line of a new stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arrival {
    New,
    /// New, and the anchor did not come before it: lines between the two may be missing.
    AfterGap,
    Read,
}

impl Position {
    /// Returns the time from which a new stream must begin; `None` where nothing was read.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let (at, _) = self.recent.back()?;
        let at = at.checked_sub(OUT_OF_ORDER).unwrap_or(*at);
        // The API rounds to whole seconds. Rounding here keeps it from rounding up.
        Timestamp::from_second(at.as_second()).ok()
    }

    /// Returns the time of the anchor.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.recent.back().map(|(at, _)| *at)
    }

    /// Begins a new stream.
    pub(super) fn reopen(&mut self) {
        self.repeated = (!self.recent.is_empty()).then(|| {
            let mut lines = HashMap::with_capacity(self.recent.len());
            for line in &self.recent {
                *lines.entry(*line).or_default() += 1;
            }
            lines
        });
    }

    /// Returns whether the stream has come to the anchor, or nothing was read before it.
    pub(super) fn is_found(&self) -> bool {
        self.repeated.is_none()
    }

    /// Judges the next line of a stream. After [`Arrival::AfterGap`] the line is not counted as read: the
    /// caller looks for the anchor elsewhere, calls [`Position::go_on`], and gives the line again.
    pub(super) fn arrive(&mut self, at: Timestamp, content: &[u8]) -> Arrival {
        let line = (at, hash(content));
        if let Some(repeated) = &mut self.repeated {
            if let Some(count) = repeated.get_mut(&line).filter(|count| **count > 0) {
                *count -= 1;
                let is_last = *count == 0;
                if is_last && self.recent.back() == Some(&line) {
                    self.repeated = None;
                }
                return Arrival::Read;
            }
            let is_before = self.recent.front().is_some_and(|(oldest, _)| at < *oldest);
            return if is_before { Arrival::Read } else { Arrival::AfterGap };
        }
        self.remember(line);
        Arrival::New
    }

    /// Goes on without the anchor: all further lines of the stream are new.
    pub(super) fn go_on(&mut self) {
        self.repeated = None;
    }

    fn remember(&mut self, line: Line) {
        self.recent.push_back(line);
        while let Some((oldest, _)) = self.recent.front()
            && line.0.duration_since(*oldest) > REMEMBERED
        {
            self.recent.pop_front();
        }
        if self.recent.len() > MAX_REMEMBERED {
            self.recent.pop_front();
        }
    }
}

fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// Splits the time that the kubelet puts before a line from the line; `None` for a text of the kubelet's own.
pub(super) fn stamped(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    // The longest is `2025-05-19T04:46:20.917264513+00:00`.
    const MAX_STAMP: usize = 40;
    let head = line.get(..MAX_STAMP).unwrap_or(line);
    let end = memchr::memchr(b' ', head)?;
    let at = std::str::from_utf8(line.get(..end)?).ok()?.parse().ok()?;
    Some((at, line.get(end + 1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_750_000_000_000 + milliseconds).unwrap()
    }

    /// What the kubelet sends of a file.
    fn served(file: &[(Timestamp, String)], since: Option<Timestamp>) -> Vec<(Timestamp, String)> {
        file.iter().filter(|(at, _)| since.is_none_or(|since| *at >= since)).cloned().collect()
    }

    /// Reads so many lines of a stream; returns the new ones, and whether a gap was met.
    fn read(position: &mut Position, stream: &[(Timestamp, String)], most: usize) -> (Vec<String>, bool) {
        position.reopen();
        let (mut taken, mut gap) = (Vec::new(), false);
        for (at, line) in stream.iter().take(most) {
            let mut arrival = position.arrive(*at, line.as_bytes());
            if arrival == Arrival::AfterGap {
                gap = true;
                position.go_on();
                arrival = position.arrive(*at, line.as_bytes());
            }
            if arrival == Arrival::New {
                taken.push(line.clone());
            }
        }
        (taken, gap)
    }

    /// Two writers, whose lines are up to 40 ms out of order, some with the same time and text.
    fn file(lines: i64) -> Vec<(Timestamp, String)> {
        let line = |number: i64| {
            let late = if number % 7 == 3 { 40 } else { 0 };
            (at(number / 3 * 13 - late), format!("line {}", number / 2))
        };
        (0..lines).map(line).collect()
    }

    #[test]
    fn every_line_is_read_once_however_often_the_stream_breaks() {
        let file = file(3_000);
        let all: Vec<String> = file.iter().map(|(_, line)| line.clone()).collect();
        for step in [1, 7, 100, 999, 5_000] {
            let (mut position, mut taken) = (Position::default(), Vec::new());
            let mut written = 0;
            while taken.len() < all.len() {
                written = (written + step).min(file.len());
                let stream = served(&file[..written], position.since());
                // Every second stream breaks off in its repeated part or soon after it.
                let most = if written % 2 == 0 && written < file.len() { stream.len() / 2 + 1 } else { stream.len() };
                let (new, gap) = read(&mut position, &stream, most);
                assert!(!gap, "in steps of {step}");
                taken.extend(new);
            }
            assert_eq!(taken, all, "in steps of {step}");
        }
    }

    #[test]
    fn a_file_that_lost_the_anchor_is_a_gap() {
        let file = file(600);
        let mut position = Position::default();
        let (taken, gap) = read(&mut position, &file[..100], 100);
        assert_eq!((taken.len(), gap), (100, false));
        // Rotated away with its last lines.
        let stream = served(&file[200..], position.since());
        let (taken, gap) = read(&mut position, &stream, 600);
        assert_eq!((taken.len(), gap), (400, true));
        let stream = served(&file[200..], position.since());
        let (taken, gap) = read(&mut position, &stream, 600);
        assert_eq!((taken.len(), gap), (0, false));
    }

    #[test]
    fn the_rest_of_an_earlier_run_has_the_anchor() {
        let file = file(300);
        let (earlier, later) = file.split_at(200);
        let mut position = Position::default();
        read(&mut position, earlier, 150);
        position.reopen();
        let (at, line) = &later[0];
        assert_eq!(position.arrive(*at, line.as_bytes()), Arrival::AfterGap);
        let stream = served(earlier, position.since());
        let (rest, gap) = read(&mut position, &stream, 200);
        assert_eq!((rest.len(), gap), (50, false));
        position.go_on();
        assert_eq!(position.arrive(*at, line.as_bytes()), Arrival::New);
    }

    #[test]
    fn memory_is_bounded() {
        let mut position = Position::default();
        position.reopen();
        for number in 0..3 * MAX_REMEMBERED {
            assert_eq!(position.arrive(at(0), number.to_string().as_bytes()), Arrival::New);
        }
        assert_eq!(position.recent.len(), MAX_REMEMBERED);
        position.arrive(at(REMEMBERED.as_secs() * 1000 + 1), b"later");
        assert_eq!(position.recent.len(), 1);
    }

    #[test]
    fn stamps_are_split_from_lines() {
        let line = b"2025-05-19T04:46:20.917264513Z {\"a\": 1}";
        let (at, rest) = stamped(line).unwrap();
        assert_eq!((at.subsec_nanosecond(), rest), (917_264_513, &b"{\"a\": 1}"[..]));
        assert_eq!(stamped(b"2025-05-19T04:46:20Z ").unwrap().1, b"");
        for other in [&b"unable to retrieve container logs for containerd://0"[..], b"", b"2025 x", b"\xff\xfe "] {
            assert_eq!(stamped(other), None);
        }
    }
}
