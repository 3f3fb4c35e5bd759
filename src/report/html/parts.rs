//! What all pages share: tones, words, times, lists that are cut, and text to paste.

use jiff::Timestamp;

use crate::checks::Level;
use crate::judgement::chain::LinkState;
use crate::judgement::diff::DifferenceOutcome;
use crate::judgement::summary::HandshakeResult;
use crate::judgement::{OutcomeWord, StepState};
use crate::text::{at_most, count};
use crate::verdict::{Measurement, NotSeen, VerdictKind};

/// How a state looks: the class of its element, and a mark for those who see no colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    Bad,
    Warn,
    /// Worth knowing.
    Notice,
    /// It was not seen.
    Unknown,
    Good,
    Dim,
}

impl From<DifferenceOutcome> for Tone {
    fn from(outcome: DifferenceOutcome) -> Self {
        match outcome {
            DifferenceOutcome::Better | DifferenceOutcome::Fixed => Self::Good,
            DifferenceOutcome::Same => Self::Dim,
            DifferenceOutcome::Unknown => Self::Unknown,
            DifferenceOutcome::Worse => Self::Bad,
        }
    }
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Notice | Self::Unknown => "note",
            Self::Good => "good",
            Self::Dim => "dim",
        }
    }

    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Bad => "✗",
            Self::Warn => "!",
            Self::Notice => "•",
            Self::Unknown => "?",
            Self::Good => "✓",
            Self::Dim => "–",
        }
    }

    pub(super) fn of_level(level: Level) -> Self {
        match level {
            Level::Error => Self::Bad,
            Level::Warning => Self::Warn,
            Level::Notice => Self::Notice,
        }
    }

    pub(super) fn of_verdict(kind: VerdictKind) -> Self {
        match kind {
            VerdictKind::Cause => Self::Bad,
            VerdictKind::Ambiguous | VerdictKind::AtRisk | VerdictKind::Likely | VerdictKind::SniOnly => Self::Warn,
            VerdictKind::NoAccess | VerdictKind::Unknown => Self::Unknown,
            VerdictKind::Fixed | VerdictKind::Healthy | VerdictKind::Passed => Self::Good,
        }
    }

    pub(super) fn of_link(state: LinkState) -> Self {
        match state {
            LinkState::Broken => Self::Bad,
            LinkState::NotApplicable => Self::Dim,
            LinkState::Ok => Self::Good,
            LinkState::Unknown => Self::Unknown,
        }
    }

    pub(super) fn of_result(result: HandshakeResult) -> Self {
        match result {
            HandshakeResult::Served => Self::Good,
            HandshakeResult::Lost | HandshakeResult::Unreachable | HandshakeResult::Stalled => Self::Unknown,
            HandshakeResult::ClientCertificateRequired => Self::Warn,
            _ => Self::Bad,
        }
    }

    /// A step with only notices must not look like one with errors.
    pub(super) fn of_step(state: StepState, level: Option<Level>) -> Self {
        match (state, level) {
            (StepState::Found, Some(level)) => Self::of_level(level),
            (StepState::Found, None) => Self::Bad,
            (StepState::NotApplicable | StepState::NotDone, _) => Self::Dim,
            (StepState::Passed, _) => Self::Good,
            (StepState::Unknown, _) => Self::Unknown,
        }
    }

    pub(super) fn of_outcome(outcome: OutcomeWord, level: Level) -> Self {
        match outcome {
            OutcomeWord::Found => Self::of_level(level),
            OutcomeWord::NotApplicable => Self::Dim,
            OutcomeWord::Passed => Self::Good,
            OutcomeWord::Unknown => Self::Unknown,
        }
    }
}

/// A word in its tone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Badge {
    pub(super) tone: Tone,
    pub(super) word: &'static str,
}

impl Badge {
    pub(super) fn of_outcome(outcome: OutcomeWord, level: Level) -> Self {
        let word = match outcome {
            OutcomeWord::Found => "found",
            OutcomeWord::NotApplicable => "not applicable",
            OutcomeWord::Passed => "passed",
            OutcomeWord::Unknown => "unknown",
        };
        Self { tone: Tone::of_outcome(outcome, level), word }
    }

    pub(super) fn of_link(state: LinkState) -> Self {
        let word = match state {
            LinkState::Broken => "broken",
            LinkState::NotApplicable => "not applicable",
            LinkState::Ok => "ok",
            LinkState::Unknown => "unknown",
        };
        Self { tone: Tone::of_link(state), word }
    }

    pub(super) fn of_step(state: StepState, level: Option<Level>) -> Self {
        let word = match state {
            StepState::Found => "found",
            StepState::NotApplicable => "not applicable",
            StepState::NotDone => "not done",
            StepState::Passed => "passed",
            StepState::Unknown => "unknown",
        };
        Self { tone: Tone::of_step(state, level), word }
    }

    pub(super) fn of_result(result: HandshakeResult) -> Self {
        let word = match result {
            HandshakeResult::Alert => "alert",
            HandshakeResult::AlpnRefused => "ALPN refused",
            HandshakeResult::Broken => "broken",
            HandshakeResult::CipherRefused => "cipher refused",
            HandshakeResult::ClientCertificateRejected => "client certificate rejected",
            HandshakeResult::ClientCertificateRequired => "client certificate required",
            HandshakeResult::Closed => "closed",
            HandshakeResult::Lost => "lost",
            HandshakeResult::NotTls => "not TLS",
            HandshakeResult::Reset => "reset",
            HandshakeResult::Served => "served",
            HandshakeResult::Stalled => "no answer",
            HandshakeResult::Unreachable => "unreachable",
            HandshakeResult::VersionRefused => "version refused",
        };
        Self { tone: Tone::of_result(result), word }
    }
}

/// A file of a bundle, beside the page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileLink {
    /// Path below the folder of the page, as this program chose it.
    pub path: String,
    pub about: String,
    /// The sections of the page whose figures come from it.
    pub sections: &'static [&'static str],
}

/// Text to paste, line by line.
#[derive(Clone, Debug)]
pub(super) struct Paste {
    pub(super) lines: Vec<PasteLine>,
}

/// A line, and the class that a line of a diff has.
#[derive(Clone, Debug)]
pub(super) struct PasteLine {
    pub(super) class: &'static str,
    pub(super) text: String,
}

impl Paste {
    pub(super) fn new(text: &str) -> Self {
        let is_diff = text.contains("\n@@ ");
        let class = |line: &str| match line.as_bytes().first() {
            Some(b'+') if is_diff => "added",
            Some(b'-') if is_diff => "removed",
            _ => "",
        };
        Self { lines: text.lines().map(|line| PasteLine { class: class(line), text: line.to_owned() }).collect() }
    }
}

/// Something that was not seen.
#[derive(Clone, Debug)]
pub(super) struct Gap<'a> {
    pub(super) what: &'a str,
    pub(super) why: &'a str,
    pub(super) measurement: Option<&'a Measurement>,
    pub(super) paste: Option<Paste>,
}

pub(super) fn gaps(list: &[NotSeen]) -> Vec<Gap<'_>> {
    list.iter()
        .map(|item| Gap {
            what: &item.what,
            why: &item.why,
            measurement: item.measurement.as_ref(),
            paste: item.measurement.as_ref().map(|measurement| Paste::new(&measurement.command)),
        })
        .collect()
}

/// Returns the first entries, and `and 12 more clients` for the rest.
pub(super) fn cut<'a, T>(list: &'a [T], most: usize, noun: &str) -> (Vec<&'a T>, Option<String>) {
    (list.iter().take(most).collect(), rest(list.len().saturating_sub(most) as u64, noun))
}

/// Returns `and 12 more clients`; `None` for none.
pub(super) fn rest(left_out: u64, noun: &str) -> Option<String> {
    (left_out > 0).then(|| format!("and {}", count(left_out, &format!("more {noun}"))))
}

/// Returns a number in groups of three digits: `100,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns date and time in UTC: `2025-05-19 04:46:20`.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns the time; an en dash where there is none.
pub(super) fn maybe_time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "–".to_owned(), time)
}

/// Returns names as text, the first of them only, with the rest counted.
pub(super) fn names(list: &[String], most: usize) -> String {
    if list.is_empty() { "–".to_owned() } else { at_most(list, most) }
}

/// Returns the text, cut to so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 100_000, 1_234_567].map(grouped), ["0", "999", "1,000", "100,000", "1,234,567"]);
    }

    #[test]
    fn lists_are_cut_and_their_rest_is_counted() {
        let list = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(names(&list, 2), "a, b and 1 more");
        assert_eq!(names(&[], 2), "–");
        assert_eq!(cut(&list, 1, "client").1.as_deref(), Some("and 2 more clients"));
        assert_eq!(cut(&list, 3, "client").1, None);
        assert_eq!(short("äbc", 2), "äb…");
    }

    #[test]
    fn lines_of_a_diff_are_marked() {
        let classes = |text: &str| Paste::new(text).lines.iter().map(|line| line.class).collect::<Vec<_>>();
        assert_eq!(classes("echo '\n@@ -1 +1 @@\n+new\n-old\n' | patch"), ["", "", "added", "removed", ""]);
        assert_eq!(classes("+no diff"), [""]);
    }
}
