//! Finds the elements of a JSON document that is not one record per line: `gcloud logging read --format=json`, `jq`.
//!
//! Keeps one element at a time. It knows only brackets, strings and colons; whether an element is well-formed is for the
//! grammar to say once it is whole. A bracket that cannot stand where it stands ends the document, so that a lone `{` in a
//! log does not swallow the records after it.

use super::MAX_RECORD_BYTES;

/// Nested arrays and objects within one element. One bit each in a `u128`.
const MAX_DEPTH: u32 = 120;

/// What a piece of a document led to.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// All bytes are used; the document goes on.
    More,
    /// An element is complete.
    Element,
    /// A line ended outside every element.
    LineEnd,
    /// This is no document (any more). The byte that shows it is not used.
    Broken {
        /// An element was begun.
        in_element: bool,
        /// Nothing but blanks stood before it on its line.
        at_line_start: bool,
    },
}

/// The state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The element so far; empty again once it is above the limit.
    element: Vec<u8>,
    above_limit: bool,
    depth: u32,
    /// A set bit is an object, the last bit the innermost.
    kinds: u128,
    place: Place,
    /// The last byte that is not blank, outside strings.
    significant: u8,
    line_begun: bool,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Structure,
    Text,
    /// After a backslash in a text.
    Escape,
}

impl Document {
    /// Whether a line opens a document: an array whose first element begins at once, or a bracket by itself as pretty
    /// printers write it. An array's bracket by itself opens nothing yet: its elements may be one per line.
    pub(super) fn opens_with(line: &[u8]) -> bool {
        Self::is_array(line) || line.trim_ascii() == b"{"
    }

    /// Whether a line, or what has come of it so far, opens an array of objects.
    pub(super) fn is_array(line: &[u8]) -> bool {
        let line = line.trim_ascii_start();
        line.strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
    }

    /// Uses bytes up to the next event; returns how many.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Step) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.place == Place::Text {
                let rest = bytes.get(at..).unwrap_or_default();
                let plain = memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                if plain > 0 {
                    self.keep(rest.get(..plain).unwrap_or_default());
                    at += plain;
                    continue;
                }
            }
            if self.place != Place::Structure {
                // A string that is still open at the end of its line was cut.
                if byte == b'\n' {
                    return (at, self.broken());
                }
                self.place = match (self.place, byte) {
                    (Place::Text, b'"') => Place::Structure,
                    (Place::Text, b'\\') => Place::Escape,
                    _ => Place::Text,
                };
                self.keep(&[byte]);
                at += 1;
                continue;
            }
            if !self.accept(byte) {
                return (at, self.broken());
            }
            at += 1;
            if byte == b'\n' {
                self.line_begun = false;
                if self.depth == 0 {
                    return (at, Step::LineEnd);
                }
            } else if !byte.is_ascii_whitespace() {
                self.line_begun = true;
                if byte == b'}' && self.depth == 0 {
                    return (at, Step::Element);
                }
            }
        }
        (at, Step::More)
    }

    /// The element that was completed; `None` where it was above the limit.
    pub(super) fn take_element(&mut self) -> Option<Vec<u8>> {
        let above_limit = std::mem::take(&mut self.above_limit);
        let element = std::mem::take(&mut self.element);
        (!above_limit).then_some(element)
    }

    /// Gives an element's buffer back, to be used again.
    pub(super) fn reuse(&mut self, mut element: Vec<u8>) {
        element.clear();
        self.element = element;
    }

    /// Whether the log ends here within an element.
    pub(super) fn in_element(&self) -> bool {
        self.depth > 0
    }

    /// Takes one byte outside strings; false where it cannot stand here.
    fn accept(&mut self, byte: u8) -> bool {
        let in_object = self.kinds & 1 == 1;
        let may_hold_value = if in_object { self.significant == b':' } else { matches!(self.significant, b'[' | b',') };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.keep(&[byte]);
                return true;
            }
            b'{' if self.depth == 0 => self.open(true),
            b'[' | b',' | b']' if self.depth == 0 => {}
            _ if self.depth == 0 => return false,
            b'{' | b'[' => {
                if !may_hold_value || self.depth == MAX_DEPTH {
                    return false;
                }
                self.open(byte == b'{');
            }
            b'}' | b']' => {
                if in_object != (byte == b'}') {
                    return false;
                }
                self.depth -= 1;
                self.kinds >>= 1;
                self.keep(&[byte]);
                self.significant = byte;
                return true;
            }
            b'"' => self.place = Place::Text,
            _ => {}
        }
        self.significant = byte;
        self.keep(&[byte]);
        true
    }

    fn open(&mut self, is_object: bool) {
        self.depth += 1;
        self.kinds = self.kinds << 1 | u128::from(is_object);
    }

    /// Keeps bytes of an element, up to the limit.
    fn keep(&mut self, bytes: &[u8]) {
        // The bracket that closes an element is kept after the depth is back at zero.
        let in_element = self.depth > 0 || bytes == b"}";
        if !in_element || self.above_limit {
            return;
        }
        if self.element.len() + bytes.len() > MAX_RECORD_BYTES {
            self.element.clear();
            self.above_limit = true;
        } else {
            self.element.extend_from_slice(bytes);
        }
    }

    fn broken(&mut self) -> Step {
        let step = Step::Broken { in_element: self.in_element(), at_line_start: !self.line_begun };
        *self = Self::default();
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &str, piece: usize) -> (Vec<String>, Option<Step>) {
        let mut document = Document::default();
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            let mut rest = piece;
            while !rest.is_empty() {
                let (used, step) = document.feed(rest);
                rest = &rest[used..];
                match step {
                    Step::Element => {
                        found.push(String::from_utf8(document.take_element().unwrap_or_default()).unwrap());
                    }
                    Step::Broken { .. } => return (found, Some(step)),
                    Step::More | Step::LineEnd => {}
                }
            }
        }
        (found, None)
    }

    #[test]
    fn elements_come_one_by_one_in_pieces_of_any_size() {
        let text = "[\n  {\n    \"a\": \"}\\\"{\",\n    \"b\": {\"c\": [1, {}]}\n  },\n  {\"d\": []} ]\n";
        let whole = elements(text, text.len());
        assert_eq!(whole.1, None);
        assert_eq!(whole.0.len(), 2);
        assert!(whole.0.iter().all(|element| serde_json::from_str::<serde_json::Value>(element).is_ok()), "{whole:?}");
        for piece in 1..9 {
            assert_eq!(elements(text, piece), whole);
        }
    }

    #[test]
    fn what_cannot_be_a_document_ends_it() {
        for (text, in_element, at_line_start) in [
            ("{\n{\"a\":1}\n", true, true),
            ("{\n  \"a\": \"cut\n", true, false),
            ("{ \"a\": 1 ]", true, false),
            ("[ 5", false, false),
            ("{\n[2025-05-19T04:46:20.117Z] \"GET\"", true, true),
        ] {
            let step = Some(Step::Broken { in_element, at_line_start });
            assert_eq!(elements(text, 1), (Vec::new(), step), "{text}");
        }
    }
}
