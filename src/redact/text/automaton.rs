//! Finds words in lines: an automaton that is built quickly, and once much was searched, one that searches
//! fast.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, Match, MatchKind};

/// Number of bytes after which a DFA is built. For all words of secrets that takes 95 million instructions, a
/// third of a run on a log of 30 MB; a run that redacts a report only searches a few kilobytes.
const MUCH: usize = 4 << 20;

pub(super) struct Automaton {
    words: Vec<String>,
    compact: AhoCorasick,
    /// Absent until much was searched; `None` within if the words are beyond its limits.
    fast: OnceLock<Option<AhoCorasick>>,
    searched: AtomicUsize,
}

impl Automaton {
    /// Of several words at one place the first in the list matches.
    ///
    /// # Errors
    /// The words are beyond the limits of an automaton.
    pub(super) fn new(words: Vec<String>) -> Result<Self, BuildError> {
        let compact = compact(&words)?;
        Ok(Self { words, compact, fast: OnceLock::new(), searched: AtomicUsize::new(0) })
    }

    /// Returns the first match in the range of the line.
    pub(super) fn find(&self, line: &[u8], range: Range<usize>) -> Option<Match> {
        let bytes = range.len();
        let input = Input::new(line).range(range);
        if self.fast.get().is_none() && self.searched.fetch_add(bytes, Ordering::Relaxed) < MUCH {
            return self.compact.find(input);
        }
        let fast = self.fast.get_or_init(|| build(AhoCorasickKind::DFA, &self.words).ok());
        fast.as_ref().unwrap_or(&self.compact).find(input)
    }
}

/// Builds an automaton for words that are searched for in few lines.
///
/// # Errors
/// As for [`Automaton::new`].
pub(super) fn compact(words: &[String]) -> Result<AhoCorasick, BuildError> {
    build(AhoCorasickKind::ContiguousNFA, words)
}

fn build(kind: AhoCorasickKind, words: &[String]) -> Result<AhoCorasick, BuildError> {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostFirst).kind(Some(kind)).build(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_automatons_find_the_same() {
        let automaton = Automaton::new(vec!["password".into(), "pass".into(), "word".into()]).unwrap();
        let line = b"a Password, a pass and a word";
        let found = |automaton: &Automaton| {
            let mut from = 0;
            std::iter::from_fn(|| {
                let hit = automaton.find(line, from..line.len())?;
                from = hit.end();
                Some((hit.pattern().as_usize(), hit.range()))
            })
            .collect::<Vec<_>>()
        };
        let of_few = found(&automaton);
        assert_eq!(of_few, [(0, 2..10), (1, 14..18), (2, 25..29)]);
        assert!(automaton.fast.get().is_none());

        automaton.searched.store(MUCH, Ordering::Relaxed);
        assert_eq!(found(&automaton), of_few);
        assert!(automaton.fast.get().is_some_and(Option::is_some));
    }
}
