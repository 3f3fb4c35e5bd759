//! Gives the names back in a text about a redacted bundle.
//!
//! Only whole pseudonyms are replaced, the longest first: `h1.h2.example` is one name, and not `h2.example`
//! behind a label. Machine names with hyphens (`ip-198-18-0-1`) are replaced too, because redaction writes
//! them so.

use std::io::{self, BufRead, Write};
use std::net::{IpAddr, Ipv4Addr};

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, MatchKind};

use super::Names;

/// Maximum number of bytes that are held of a line without an end.
const MAX_LINE: u64 = 1 << 20;

/// Replaces pseudonyms by the names that they stand for.
pub struct Revealer {
    automaton: AhoCorasick,
    /// By number of the pattern: the form, and the original.
    entries: Vec<(Form, String)>,
}

/// Which bytes may be beside a pseudonym.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Host,
    Hyphenated,
    VersionFour,
    VersionSix,
    /// A number, or the name of a context.
    Word,
}

impl Revealer {
    /// Prepares the replacement of every pseudonym of the list.
    ///
    /// # Errors
    /// The list is too large.
    pub fn new(names: &Names) -> Result<Self, BuildError> {
        let (mut patterns, mut entries) = (Vec::new(), Vec::new());
        for (pseudonym, original) in &names.originals {
            let form = match pseudonym.parse::<IpAddr>() {
                Ok(IpAddr::V4(_)) => Form::VersionFour,
                Ok(IpAddr::V6(_)) => Form::VersionSix,
                Err(_) if pseudonym.contains('.') => Form::Host,
                Err(_) => Form::Word,
            };
            if let (Form::VersionFour, Ok(original)) = (form, original.parse::<Ipv4Addr>()) {
                patterns.push(pseudonym.replace('.', "-"));
                entries.push((Form::Hyphenated, original.to_string().replace('.', "-")));
            }
            patterns.push(pseudonym.clone());
            entries.push((form, original.clone()));
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&patterns)?;
        Ok(Self { automaton, entries })
    }

    /// Copies `input` to `output` with the names in place of the pseudonyms, and returns how many were
    /// replaced. Holds one line at a time.
    ///
    /// # Errors
    /// Reading or writing failed.
    pub fn copy(&self, mut input: impl BufRead, mut output: impl Write) -> io::Result<u64> {
        let mut replaced = 0;
        let mut line = Vec::new();
        loop {
            let read = io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                replaced += self.write(&line, &mut output)?;
                return Ok(replaced);
            }
            // A longer line is cut between two words, so that no pseudonym is cut.
            let is_space = |byte: &u8| byte.is_ascii_whitespace();
            let end = line.iter().rposition(is_space).map_or(line.len(), |space| space + 1);
            replaced += self.write(&line[..end], &mut output)?;
            line.drain(..end);
        }
    }

    fn write(&self, text: &[u8], output: &mut impl Write) -> io::Result<u64> {
        let (mut replaced, mut copied, mut at) = (0, 0, 0);
        while let Some(found) = self.automaton.find(Input::new(text).range(at..)) {
            let (form, original) = &self.entries[found.pattern().as_usize()];
            if form.is_whole(&text[..found.start()], &text[found.end()..]) {
                output.write_all(&text[copied..found.start()])?;
                output.write_all(original.as_bytes())?;
                (copied, at) = (found.end(), found.end());
                replaced += 1;
            } else {
                at = found.start() + 1;
            }
        }
        output.write_all(&text[copied..])?;
        Ok(replaced)
    }
}

impl Form {
    fn is_whole(self, before: &[u8], after: &[u8]) -> bool {
        let (last, next) = (before.last().copied(), after.first().copied());
        let letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let after_next = || letter(after.get(1).copied());
        match self {
            // Endings of object names and counters follow a hostname: `-cacert`, `.crt`, `_8443`.
            Self::Host => !letter(last) && last != Some(b'-') && !letter(next),
            Self::Hyphenated => !letter(last) && !letter(next) && (before.ends_with(b"ip-") || next == Some(b'.')),
            Self::VersionFour => {
                let behind_number = before.strip_suffix(b".").is_some_and(|word| {
                    let number = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
                    number > 0 && !letter(word[..word.len() - number].last().copied())
                });
                !(letter(last) || behind_number || letter(next) || next == Some(b'.') && after_next())
            }
            Self::VersionSix => {
                !(letter(last) || last == Some(b':') || letter(next) || next == Some(b':') && after_next())
            }
            Self::Word => !letter(last) && last != Some(b'-') && !letter(next) && next != Some(b'-'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::new([7; 32]);
        for (pseudonym, original) in [
            ("hcccccc.example", "com"),
            ("hbbbbbb.hcccccc.example", "acme.com"),
            ("haaaaaa.hbbbbbb.hcccccc.example", "api.acme.com"),
            ("198.18.0.1", "10.1.2.3"),
            ("198.18.0.12", "10.1.2.4"),
            ("2001:db8::7", "fd00::9"),
            ("0123456789abcdef", "77aa"),
            ("context-abcdef", "gke_acme_east"),
        ] {
            names.originals.insert(pseudonym.to_owned(), original.to_owned());
        }
        names
    }

    fn revealed(text: &str) -> String {
        let mut output = Vec::new();
        Revealer::new(&names()).unwrap().copy(text.as_bytes(), &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn whole_pseudonyms_are_replaced_and_the_longest_first() {
        for (text, expected) in [
            ("Ask haaaaaa.hbbbbbb.hcccccc.example.", "Ask api.acme.com."),
            ("*.hbbbbbb.hcccccc.example, HBBBBBB.hcccccc.example", "*.acme.com, acme.com"),
            ("www.hbbbbbb.hcccccc.example:443", "www.acme.com:443"),
            ("hbbbbbb.hcccccc.example-cacert hbbbbbb.hcccccc.example.crt", "acme.com-cacert acme.com.crt"),
            ("hcccccc.examples x-hcccccc.example", "hcccccc.examples x-hcccccc.example"),
            ("198.18.0.1 198.18.0.12 198.18.0.123", "10.1.2.3 10.1.2.4 198.18.0.123"),
            ("198.18.0.1:443 198.18.0.1.", "10.1.2.3:443 10.1.2.3."),
            ("1198.18.0.1 2.198.18.0.1 198.18.0.1.5", "1198.18.0.1 2.198.18.0.1 198.18.0.1.5"),
            ("listener.198.18.0.1_8443 http2.198.18.0.1", "listener.10.1.2.3_8443 http2.10.1.2.3"),
            ("ip-198-18-0-1 198-18-0-1.apigee.pod x198-18-0-1.", "ip-10-1-2-3 10-1-2-3.apigee.pod x198-18-0-1."),
            ("::ffff:198.18.0.1 [2001:db8::7]:443 2001:db8::7:1", "::ffff:10.1.2.3 [fd00::9]:443 2001:db8::7:1"),
            ("serial 0123456789abcdef 0123456789abcdef0", "serial 77aa 0123456789abcdef0"),
            ("--context context-abcdef", "--context gke_acme_east"),
            ("nothing here\n\n", "nothing here\n\n"),
            ("", ""),
        ] {
            assert_eq!(revealed(text), expected, "{text}");
        }
    }

    /// A line without an end is read in pieces, and no pseudonym is cut.
    #[test]
    fn a_long_line_is_not_held_as_a_whole() {
        let word = "198.18.0.12 ";
        let text = word.repeat(200_000);
        assert_eq!(revealed(&text), "10.1.2.4 ".repeat(200_000));
    }

    #[test]
    fn what_redaction_writes_is_given_back() {
        let redactor = crate::redact::Redactor::new(super::super::Pseudonyms::Both, Names::new([3; 32]));
        let text =
            "api.acme.com from 10.1.2.3 at ip-10-9-8-7, *.acme.com, [2a00:1450::5]:443 and listener.10.0.0.1_8443";
        let written = redactor.text(text, &mut crate::redact::Redactions::default());
        assert!(!written.contains("acme") && !written.contains("10.1.2.3"), "{written}");
        let mut output = Vec::new();
        let count = Revealer::new(&redactor.names()).unwrap().copy(written.as_bytes(), &mut output).unwrap();
        assert_eq!((String::from_utf8(output).unwrap().as_str(), count), (text, 6));
    }
}
