//! The last pass: tokens that look random and have no harmless form.
//!
//! All other rules recognise a secret by its position, its name or its prefix. This one makes an unknown
//! spelling fail closed: a token of at least [`SHORTEST`] letters and digits is redacted unless it is
//! readable, or its form or the words before it say what it is (`table`).
//!
//! ```text
//! line ─ runs of token characters ─ pieces of letters and digits ─ is it readable? ─ is its form harmless?
//! ```
//!
//! Nearly all runs end at the first question, which costs a few steps per byte of the run. The context is
//! inspected only for the others.

mod table;

use std::ops::Range;

use memchr::memmem;

use self::table::{
    HASHES, IDENTIFIER_DOMAINS, IS_FREQUENT, NAMES_OF_HASHES, NAMES_OF_IDENTIFIERS, RUNTIME_FOLDERS, SECRET_WORDS,
};
use super::base64::{self, Base64Content};

/// Minimum number of letters and digits of a token.
const SHORTEST: usize = 16;
/// Minimum number of different characters: `0000000000000001` is no secret.
const DISTINCT: u32 = 8;
/// Maximum score of a random piece: ten times the share of frequent letter pairs, plus the mean number of
/// characters until their class changes. Random text has 3 to 6, words and names of programs have 9 and more.
const RANDOM: f32 = 7.8;
/// Maximum score of a random token whose pieces are short, and of one of letters alone.
const RANDOM_PIECES: f32 = 6.0;
/// Number of bytes before a token in which words say what it is.
const CONTEXT: usize = 64;
/// Maximum number of bytes before a token in which a public block begins.
const MAX_BLOCK: usize = 64 * 1024;
/// Number of words before a token that may say what it is.
const WORDS: usize = 3;

/// The class of each byte in a token, as a bit.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Class {
    /// Not part of a token.
    Outside = 0,
    Lower = 1,
    Upper = 2,
    Digit = 4,
    /// Between the pieces of a token.
    Mark = 8,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Outside; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            b'0'..=b'9' => Class::Digit,
            b'-' | b'_' | b'+' | b'/' | b'~' | b'!' | b'$' | b'^' | b'*' => Class::Mark,
            _ => Class::Outside,
        };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
}

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Returns the next token at or after `from` that looks random and has no harmless form. `known` are names
/// that are kept.
pub(super) fn next(line: &[u8], from: usize, known: &dyn Fn(&[u8]) -> bool) -> Option<Range<usize>> {
    let mut floor = from;
    // A run of `SHORTEST` bytes cannot lie between two probes.
    let mut probe = from.checked_add(SHORTEST - 1)?;
    while let Some(byte) = line.get(probe) {
        if class(*byte) == Class::Outside {
            floor = probe + 1;
            probe += SHORTEST;
            continue;
        }
        let before = line[floor..probe].iter().rposition(|byte| class(*byte) == Class::Outside);
        let start = before.map_or(floor, |at| floor + at + 1);
        let after = line[probe..].iter().position(|byte| class(*byte) == Class::Outside);
        let end = after.map_or(line.len(), |at| probe + at);
        if end - start >= SHORTEST
            && let Some(token) = of_run(line, start..end, from.max(start), known)
        {
            return Some(token);
        }
        floor = end;
        probe = end + SHORTEST;
    }
    None
}

/// Returns the first random token of a run.
fn of_run(line: &[u8], run: Range<usize>, from: usize, known: &dyn Fn(&[u8]) -> bool) -> Option<Range<usize>> {
    // Most runs are words of one class.
    if matches!(classes_in(&line[run.clone()]), (_, false, false) | (false, _, false) | (false, false, _)) {
        return None;
    }
    let mut has_long_piece = false;
    let mut at = from;
    while at < run.end {
        if class(line[at]) == Class::Mark {
            at += 1;
            continue;
        }
        let length = line[at..run.end].iter().take_while(|byte| class(**byte) != Class::Mark).count();
        // The character of an escape is not part of the piece behind it.
        let start = at + usize::from(line[..at].ends_with(b"\\"));
        let piece = start..at + length;
        at += length;
        if piece.len() < SHORTEST {
            continue;
        }
        has_long_piece = true;
        if is_random(&line[piece.clone()]) && !is_harmless(line, &piece, &run, known) {
            return Some(extended(line, piece));
        }
    }
    let whole = from..run.end;
    let is_token = !has_long_piece && whole.len() >= SHORTEST && is_random_in_pieces(&line[whole.clone()]);
    (is_token && !is_harmless(line, &whole, &run, known)).then(|| extended(line, whole))
}

/// Counts of a text.
#[derive(Default)]
struct Counts {
    /// Number of letters and digits.
    length: usize,
    /// Number of adjacent pairs, and of those that are frequent in words.
    pairs: usize,
    frequent: usize,
    /// Number of runs of one class; a capital letter and the small ones behind it are one.
    chunks: usize,
    distinct: u32,
}

impl Counts {
    fn of(text: &[u8]) -> Self {
        let mut counts = Self::default();
        let (mut before, mut previous) = (0_u8, Class::Outside);
        let mut seen = 0_u128;
        for byte in text {
            let class = class(*byte);
            if matches!(class, Class::Mark | Class::Outside) {
                (before, previous) = (0, Class::Mark);
                continue;
            }
            counts.length += 1;
            seen |= 1 << (byte & 0x7F);
            let small = byte.to_ascii_lowercase();
            if before != 0 {
                counts.pairs += 1;
                if before.is_ascii_lowercase() && small.is_ascii_lowercase() {
                    let pair = usize::from(before - b'a') * 26 + usize::from(small - b'a');
                    counts.frequent += usize::from(IS_FREQUENT[pair]);
                }
            }
            counts.chunks += usize::from(class != previous && !(previous == Class::Upper && class == Class::Lower));
            (before, previous) = (small, class);
        }
        counts.distinct = seen.count_ones();
        counts
    }

    /// Returns a number that is low for random text. See [`RANDOM`].
    #[expect(clippy::cast_precision_loss, reason = "lengths of lines are far below 2^23")]
    fn score(&self) -> f32 {
        let share = |part: usize, whole: usize| part as f32 / whole.max(1) as f32;
        10.0 * share(self.frequent, self.pairs) + share(self.length, self.chunks)
    }
}

/// Returns whether a text has small letters, capital letters and digits: a question that rules out most texts
/// before they are counted.
fn classes_in(text: &[u8]) -> (bool, bool, bool) {
    let seen = text.iter().fold(0, |seen, byte| seen | class(*byte) as u8);
    let has = |class: Class| seen & class as u8 != 0;
    (has(Class::Lower), has(Class::Upper), has(Class::Digit))
}

/// Returns whether letters and digits look random.
fn is_random(piece: &[u8]) -> bool {
    let most = match classes_in(piece) {
        (true, _, true) | (_, true, true) => RANDOM,
        (true, true, false) => RANDOM_PIECES,
        _ => return false,
    };
    let counts = Counts::of(piece);
    counts.distinct >= DISTINCT && counts.score() <= most
}

/// Returns whether a token looks random although each of its pieces is short: base64 with punctuation, or a
/// generated password.
fn is_random_in_pieces(token: &[u8]) -> bool {
    if classes_in(token) != (true, true, true) {
        return false;
    }
    let counts = Counts::of(token);
    counts.length >= SHORTEST - 4 && counts.distinct >= DISTINCT && counts.score() <= RANDOM_PIECES
}

/// Extends a token over its padding, and over neighbours that are no words.
fn extended(line: &[u8], token: Range<usize>) -> Range<usize> {
    let is_word = |piece: &[u8]| {
        piece.iter().all(u8::is_ascii_lowercase) || piece.iter().all(u8::is_ascii_uppercase) || piece.len() < 2
    };
    let Range { mut start, mut end } = token;
    while let Some(mark) = start.checked_sub(1).filter(|mark| matches!(line[*mark], b'+' | b'-' | b'_' | b'/' | b'~')) {
        let length = line[..mark].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if length == 0 || is_word(&line[mark - length..mark]) && line[mark] != b'+' {
            break;
        }
        start = mark - length;
    }
    while line.get(end).is_some_and(|mark| matches!(mark, b'+' | b'-' | b'_' | b'/' | b'~')) {
        let length = line[end + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if length == 0 || is_word(&line[end + 1..end + 1 + length]) && line[end] != b'+' {
            break;
        }
        end += 1 + length;
    }
    end += line[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    start..end
}

/// Returns whether the form of a token or the text around it says that it is no secret.
fn is_harmless(line: &[u8], token: &Range<usize>, run: &Range<usize>, known: &dyn Fn(&[u8]) -> bool) -> bool {
    let chars = &line[token.clone()];
    let is_hex = chars.iter().all(u8::is_ascii_hexdigit);
    let is_small = chars.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_time(chars)
        || is_hex && has_form_of_trace(&line[run.clone()])
        || is_pointer(line, token)
        || is_hex && is_resource(line, token)
        || (is_hex || is_small) && is_in_place(line, token)
        || is_public_base64(line, token)
        || is_in_public_block(line, token.start)
        || names(line, token.start, is_hex || is_small)
        || names(line, start_of_base64(line, token.start), false)
        || known(&line[run.clone()])
        || known(chars)
}

/// Returns whether the name of a value says that it is no secret.
pub(super) fn is_name_of_identifier(name: &[u8]) -> bool {
    let mut buffer = [0; CONTEXT];
    let word = normalized(name, &mut buffer);
    let ends = |names: &[&str]| names.iter().any(|known| word.ends_with(known.as_bytes()));
    let is_secret = SECRET_WORDS.iter().any(|secret| memmem::find(word, secret.as_bytes()).is_some());
    ends(NAMES_OF_IDENTIFIERS) || ends(NAMES_OF_HASHES) && !is_secret
}

/// Returns whether the words before a token say that it is no secret: `request id …`, `"trace_id":"…"`.
fn names(line: &[u8], at: usize, is_hash: bool) -> bool {
    let floor = at.saturating_sub(CONTEXT);
    let before = &line[floor..at];
    // A field or a sentence that ended says nothing about the next one.
    let ends = |byte: &u8| matches!(byte, b',' | b';' | b'{' | b'}' | b'|' | b'\n' | b'<' | b'?' | b'&');
    let before = &before[before.iter().rposition(ends).map_or(0, |end| end + 1)..];
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let plain = |word: &[u8]| normalized(word, &mut [0; CONTEXT]).to_vec();
    let words = before.split(|byte| !is_part(byte)).rev().filter(|word| !word.is_empty()).take(WORDS);
    let words: Vec<Vec<u8>> = words.map(plain).collect();
    let Some(last) = words.first() else { return false };
    // Base64 of a hash: the algorithm is directly before it.
    let is_glued = before.last().is_some_and(|byte| matches!(byte, b':' | b'-' | b'/' | b'='));
    if is_glued && (HASHES.iter().any(|hash| last.ends_with(hash.as_bytes())) || last == b"h1") {
        return true;
    }
    // `session id …`, but not `subject key identifier …`.
    let both = [words.get(1).map_or(&[][..], Vec::as_slice), last].concat();
    let has_secret = SECRET_WORDS.iter().any(|secret| memmem::find(&both, secret.as_bytes()).is_some());
    if has_secret && !both.ends_with(b"keyid") && !both.ends_with(b"keyidentifier") {
        return false;
    }
    // `request id` and `request-id` are the same name.
    let mut joined = Vec::new();
    words.iter().any(|word| {
        joined = [word, joined.as_slice()].concat();
        NAMES_OF_IDENTIFIERS.iter().any(|known| joined.ends_with(known.as_bytes()) || word == known.as_bytes())
            || is_hash && NAMES_OF_HASHES.iter().any(|known| word == known.as_bytes() || is_compound(word, known))
    })
}

/// Returns where the standard base64 around `at` begins.
fn start_of_base64(line: &[u8], at: usize) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    at - line[..at].iter().rev().take(MAX_BLOCK).take_while(|byte| part(byte)).count()
}

/// Returns whether a name ends in one of several words: `podId`, `git_sha`.
fn is_compound(word: &[u8], end: &str) -> bool {
    end.len() > 1 && word.len() > end.len() && word.ends_with(end.as_bytes())
}

/// Returns the letters and digits of a name in lower case.
fn normalized<'b>(name: &[u8], buffer: &'b mut [u8; CONTEXT]) -> &'b [u8] {
    let mut length = 0;
    let tail = &name[name.len().saturating_sub(CONTEXT)..];
    for byte in tail.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        buffer[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    &buffer[..length]
}

/// Returns whether a token is a time: `20261129T100000Z`.
fn is_time(chars: &[u8]) -> bool {
    let digits = chars.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits == 8
        && chars.get(8) == Some(&b'T')
        && chars[9..].strip_suffix(b"Z").unwrap_or(&chars[9..]).iter().all(u8::is_ascii_digit)
}

/// Returns whether a run has the form of W3C's `traceparent` or of Zipkin's `b3`.
fn has_form_of_trace(run: &[u8]) -> bool {
    let mut lengths = [0; 4];
    let mut count = 0;
    for part in run.split(|byte| *byte == b'-') {
        let Some(length) = lengths.get_mut(count).filter(|_| part.iter().all(u8::is_ascii_hexdigit)) else {
            return false;
        };
        (*length, count) = (part.len(), count + 1);
    }
    matches!(lengths, [2, 32, 16, 2] | [16 | 32, 16, 0 | 1, 0 | 16])
}

/// Returns whether a token is an address in memory: `0x00007f2d4c0032a8`.
fn is_pointer(line: &[u8], token: &Range<usize>) -> bool {
    let chars = &line[token.clone()];
    let digits = chars.strip_prefix(b"0x").or(chars.strip_prefix(b"0X"));
    digits.is_some_and(|digits| digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Returns whether a token is the number of a resource of AWS, alone (`vpc-0a1b…`) or at the end of its ARN.
fn is_resource(line: &[u8], token: &Range<usize>) -> bool {
    const LENGTHS: [usize; 2] = [8, 17];
    let before = &line[token.start.saturating_sub(CONTEXT * 2)..token.start];
    let word = &before[before.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1)..];
    let kind = before.strip_suffix(b"-").unwrap_or_default();
    let letters = kind.iter().rev().take_while(|byte| byte.is_ascii_lowercase()).count();
    let is_number = LENGTHS.contains(&token.len()) && line[token.start] == b'0' && (1..=8).contains(&letters);
    is_number || memmem::find(word, b"arn:aws").is_some()
}

/// Returns whether a hash is at a place of hashes: the tag of an image, a path of a container runtime, the
/// label of a hostname.
fn is_in_place(line: &[u8], token: &Range<usize>) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(byte);
    let before = &line[..token.start];
    let begin = before.len() - before.iter().rev().take(256).take_while(|byte| part(byte)).count();
    let before = &before[begin..];
    let after = &line[token.end..];
    let after = &after[..after.iter().take(256).take_while(|byte| part(byte)).count()];
    if RUNTIME_FOLDERS.iter().any(|folder| before.starts_with(folder.as_bytes()))
        || IDENTIFIER_DOMAINS.iter().any(|domain| after.starts_with(domain.as_bytes()))
    {
        return true;
    }
    // `registry/app:3f2a…`, `registry/app:main-3f2a…`
    let tag = before.iter().rposition(|byte| matches!(byte, b':' | b'@'));
    let is_image = tag.is_some_and(|tag| {
        let name = &before[..tag];
        !name.contains(&b':') && name.contains(&b'/') && !name.starts_with(b"/") && !before[tag..].contains(&b'/')
    });
    is_image || is_host_label(before, after)
}

/// Returns whether the text behind a token makes it a label of a hostname, as of load balancers.
fn is_host_label(before: &[u8], after: &[u8]) -> bool {
    let rest = &after[after.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count()..];
    let name = rest.split(|byte| matches!(byte, b'/' | b':' | b'@' | b'_')).next().unwrap_or_default();
    let Some(domain) = name.strip_prefix(b".") else { return false };
    let last = domain.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let in_path = before.contains(&b'/') && !before.ends_with(b"//");
    !in_path && domain.contains(&b'.') && (2..=6).contains(&last.len()) && last.iter().all(u8::is_ascii_lowercase)
}

/// Returns whether a token is part of base64 of a certificate or of readable text. A text that holds a secret
/// was redacted before.
fn is_public_base64(line: &[u8], token: &Range<usize>) -> bool {
    let is_char = |byte: &&u8| base64::is_base64_char(**byte);
    let start = token.start - line[..token.start].iter().rev().take_while(is_char).count();
    let end = token.end + line[token.end..].iter().take_while(is_char).count();
    if end - start < base64::MIN_RUN {
        return false;
    }
    match base64::classify(&line[start..end], 0) {
        Base64Content::Certificate => true,
        // One word may be a password.
        Base64Content::Text(text) => text.trim_ascii().iter().any(u8::is_ascii_whitespace),
        Base64Content::Archive | Base64Content::Key | Base64Content::Other => false,
    }
}

/// Returns whether a token is inside a certificate or another public block that begins before it in the line.
fn is_in_public_block(line: &[u8], at: usize) -> bool {
    let before = &line[at.saturating_sub(MAX_BLOCK)..at];
    let Some(begin) = memmem::rfind(before, b"BEGIN") else { return false };
    let block = &before[begin..];
    let label = &block[..block.len().min(CONTEXT)];
    let has = |text: &[u8], word: &[u8]| memmem::find(text, word).is_some();
    !has(block, b"END") && !has(label, b"PRIVATE") && (has(label, b"CERTIFICATE") || has(label, b"PUBLIC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(line: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(token) = next(line.as_bytes(), at, &|_| false) {
            at = token.end;
            found.push(&line[token]);
        }
        found
    }

    #[test]
    fn finds_random_tokens_with_their_punctuation() {
        for (line, token) in [
            ("exchanged k7Qm2Zx9Lw4Rt8Vb1N for orbit", "k7Qm2Zx9Lw4Rt8Vb1N"),
            ("x=\"kQ7/mZ2+xW9/Lt4+Rv8/bN1=\"", "kQ7/mZ2+xW9/Lt4+Rv8/bN1="),
            ("\\nk7Qm2Zx9Lw4Rt8Vb1N", "k7Qm2Zx9Lw4Rt8Vb1N"),
            ("a 5f3c9a1e7b2d4f6a8c0e1d3b5f7a9c2e b", "5f3c9a1e7b2d4f6a8c0e1d3b5f7a9c2e"),
            ("kX9$mQ2!vB7*nL4^", "kX9$mQ2!vB7*nL4^"),
        ] {
            assert_eq!(tokens(line), [token], "{line}");
        }
    }

    #[test]
    fn reads_the_words_before_a_token() {
        let hash = "5f3c9a1e7b2d4f6a8c0e1d3b5f7a9c2e";
        for before in ["trace id ", "\"trace_id\":\"", "sandbox \"", "commit ", "x-request-id: ", "SHA256:"] {
            assert_eq!(tokens(&format!("{before}{hash}")), [""; 0], "{before}");
        }
        for before in ["request_id=1, value ", "session id ", "{\"trace\":1,\"x\":\""] {
            assert_eq!(tokens(&format!("{before}{hash}")), [hash], "{before}");
        }
    }
}
