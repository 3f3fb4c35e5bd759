//! Finds the elements of a JSON document that is not one record per line: `gcloud logging read
//! --format=json`, `jq`, and the responses of log stores, which are one object around an array of entries.
//!
//! Keeps one element at a time. One that grows too large is returned in parts: the complete elements of its
//! outermost array, as an array of their own. This reader knows only brackets, strings and colons; the
//! grammar validates an element once it is complete. A misplaced bracket ends the document, so that a lone
//! `{` in a log does not swallow the records after it.

use super::record::MAX_RECORD_BYTES;

/// Nested arrays and objects within one element. One bit each in a `u128`.
const MAX_DEPTH: u32 = 120;

/// The result of reading a piece of a document.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// All bytes are consumed; the document continues.
    More,
    /// An element is complete.
    Element,
    /// Some elements of an array are complete, within an element that is too large.
    Elements,
    /// A line ended outside every element.
    LineEnd,
    /// This is not a document, or no longer. The byte that shows it is not consumed.
    Broken {
        /// An element was begun.
        in_element: bool,
        /// Only spaces precede it on its line.
        at_line_start: bool,
    },
}

/// The state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The element so far; empty again once it is above the limit.
    element: Vec<u8>,
    above_limit: bool,
    parts: Parts,
    depth: u32,
    /// A set bit is an object, the last bit the innermost.
    kinds: u128,
    place: Place,
    /// The last byte that is not blank, outside strings.
    significant: u8,
    line_begun: bool,
}

/// An element that is returned in parts.
#[derive(Debug, Default)]
struct Parts {
    /// The arrays that are open and whose beginning is in the buffer.
    arrays: Vec<Open>,
    /// Depths of the arrays around those, once parts of the element are gone.
    outer: Vec<u32>,
    /// Parts of the element are gone: the buffer begins with the first of the arrays, or is empty.
    is_spilling: bool,
    /// The next bytes belong to an entry whose beginning was dropped, up to the next entry.
    is_tail: bool,
    /// The complete part, and whether it is still to be returned.
    elements: Vec<u8>,
    is_due: bool,
}

/// An array that is open.
#[derive(Debug)]
struct Open {
    depth: u32,
    /// Positions of its bracket and its last comma in the buffer.
    at: usize,
    comma: Option<usize>,
}

/// The context of the next byte.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Structure,
    Text,
    /// After a backslash in a text.
    Escape,
}

impl Document {
    /// Returns whether a line opens a document: an array whose first element begins at once, or a bracket by
    /// itself as pretty printers write it, alone or behind the first keys of an object. An array's bracket by
    /// itself opens nothing yet: its elements may be one per line.
    pub(super) fn opens_with(line: &[u8]) -> bool {
        Self::is_array(line) || matches!(line.trim_ascii(), b"{" | [b'{', .., b'{' | b'['])
    }

    /// Returns whether a line, or its beginning, opens an array of objects.
    pub(super) fn is_array(line: &[u8]) -> bool {
        let line = line.trim_ascii_start();
        line.strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
    }

    /// Consumes bytes up to the next event; returns their number.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Step) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if std::mem::take(&mut self.parts.is_due) {
                return (at, Step::Elements);
            }
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
                match byte {
                    b'}' if self.depth == 0 && !std::mem::take(&mut self.parts.is_spilling) => {
                        return (at, Step::Element);
                    }
                    b'}' if self.depth == 0 => self.parts.clear(),
                    b',' | b']' => {
                        if let Some(step) = self.part(byte) {
                            return (at, step);
                        }
                    }
                    _ => {}
                }
            }
        }
        (at, Step::More)
    }

    /// Returns the completed element, or `None` if it was above the limit.
    pub(super) fn take_element(&mut self) -> Option<Vec<u8>> {
        let above_limit = std::mem::take(&mut self.above_limit);
        let element = std::mem::take(&mut self.element);
        (!above_limit).then_some(element)
    }

    /// Returns the completed elements, as an array.
    pub(super) fn take_elements(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.parts.elements)
    }

    /// Returns an element's buffer for reuse.
    pub(super) fn reuse(&mut self, mut element: Vec<u8>) {
        element.clear();
        self.element = element;
    }

    /// Returns whether the log ends here within an element.
    pub(super) fn in_element(&self) -> bool {
        self.depth > 0
    }

    /// Accepts one byte outside strings; returns false if it is not allowed here.
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
            b',' if !in_object => {
                self.significant = byte;
                return true;
            }
            b'{' | b'[' => {
                if !may_hold_value || self.depth == MAX_DEPTH {
                    return false;
                }
                self.open(byte == b'{');
                if byte == b'[' {
                    self.parts.open(self.depth, &mut self.element);
                }
            }
            b'}' | b']' => {
                if in_object != (byte == b'}') {
                    return false;
                }
                self.depth -= 1;
                self.kinds >>= 1;
                // The buffer is updated for a comma or the end of an array afterwards.
                if byte == b'}' {
                    self.keep(&[byte]);
                }
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
        if !in_element || self.above_limit || self.parts.is_tail {
            return;
        }
        if self.parts.is_spilling && self.element.is_empty() {
            self.element.push(b'[');
            // The bracket of the part's own array.
            if bytes == b"[" && self.parts.arrays.len() == 1 {
                return;
            }
        }
        if self.element.len() + bytes.len() > MAX_RECORD_BYTES && self.parts.spill(&mut self.element) {
            self.parts.is_due = true;
        }
        if self.element.len() + bytes.len() > MAX_RECORD_BYTES {
            self.element.clear();
            self.above_limit = true;
        } else {
            self.element.extend_from_slice(bytes);
        }
    }

    /// Keeps the comma or the closing bracket of an array that was just accepted, and returns what is
    /// complete.
    fn part(&mut self, byte: u8) -> Option<Step> {
        if byte == b']' {
            return self.close();
        }
        // The comma of an object is kept already.
        if self.kinds & 1 == 1 {
            return None;
        }
        if self.parts.arrays.last().is_none_or(|array| array.depth != self.depth) {
            self.keep(b",");
            return None;
        }
        let is_base = self.parts.is_spilling && self.parts.arrays.len() == 1;
        if is_base && std::mem::take(&mut self.parts.is_tail) {
            self.element.clear();
            return None;
        }
        if is_base && self.above_limit {
            return Some(Step::Element);
        }
        // Nothing is kept of a part before its first element.
        if !(is_base && self.element.is_empty()) {
            self.keep(b",");
            let comma = self.element.len().checked_sub(1).filter(|_| !self.above_limit);
            if let Some(array) = self.parts.arrays.last_mut() {
                array.comma = comma;
            }
        }
        None
    }

    fn close(&mut self) -> Option<Step> {
        let closes = self.parts.arrays.last().is_some_and(|array| array.depth == self.depth + 1);
        if !closes || !self.parts.is_spilling || self.parts.arrays.len() > 1 {
            if closes {
                self.parts.arrays.pop();
            }
            self.keep(b"]");
            return None;
        }
        // The array whose elements are returned ends; what follows is the tail of the entry around it.
        let was_tail = std::mem::replace(&mut self.parts.is_tail, true);
        self.parts.arrays.clear();
        self.parts.arrays.extend(self.parts.outer.pop().map(|depth| Open { depth, at: 0, comma: None }));
        if self.above_limit {
            return Some(Step::Element);
        }
        let mut elements = std::mem::take(&mut self.element);
        if was_tail || elements.len() < 2 {
            return None;
        }
        elements.push(b']');
        self.parts.elements = elements;
        Some(Step::Elements)
    }

    fn broken(&mut self) -> Step {
        let step = Step::Broken { in_element: self.in_element(), at_line_start: !self.line_begun };
        *self = Self::default();
        step
    }
}

impl Parts {
    /// An array opens within an element.
    fn open(&mut self, depth: u32, buffer: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_tail) {
            self.outer.extend(self.arrays.drain(..).map(|array| array.depth));
            buffer.clear();
        }
        // The buffer of a part begins with the bracket of its array, which `keep` writes before anything.
        let at = if self.is_spilling && buffer.is_empty() && !self.arrays.is_empty() { 1 } else { buffer.len() };
        self.arrays.push(Open { depth, at, comma: None });
    }

    /// Moves what is complete in the outermost array that has a complete element.
    fn spill(&mut self, buffer: &mut Vec<u8>) -> bool {
        let found = self.arrays.iter().position(|array| array.comma.is_some());
        let Some((first, array)) = found.and_then(|first| Some((first, self.arrays.get(first)?))) else { return false };
        let (at, comma) = (array.at, array.comma.unwrap_or_default());
        self.elements.clear();
        self.elements.extend_from_slice(buffer.get(at..comma).unwrap_or_default());
        self.elements.push(b']');
        let rest = buffer.get(comma + 1..).unwrap_or_default().to_vec();
        buffer.clear();
        buffer.push(b'[');
        buffer.extend_from_slice(&rest);
        self.outer.extend(self.arrays.drain(..first).map(|array| array.depth));
        for array in &mut self.arrays {
            array.at = array.at.saturating_sub(comma);
            array.comma = array.comma.filter(|&known| known > comma).map(|known| known - comma);
        }
        self.is_spilling = true;
        true
    }

    fn clear(&mut self) {
        *self = Self::default();
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
                    Step::Elements => found.push(String::from_utf8(document.take_elements()).unwrap()),
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

    /// The entries of a response above the limit, with the content around them.
    #[test]
    fn an_element_above_the_limit_comes_in_parts() {
        let entry = |number: usize| format!(r#"{{"n":{number},"x":"{}","list":[{{"m":[1,2]}},[]]}}"#, "y".repeat(900));
        let entries = |from: usize| (from..from + 1500).map(entry).collect::<Vec<_>>().join(",\n");
        let many = |text: &str| text.split(r#"{"n":"#).count() - 1;
        for (text, expected) in [
            (format!("{{\"took\":1,\"hits\":{{\"total\":[3],\"hits\":[{}]}},\"end\":[1]}}\n", entries(0)), 1500),
            (
                format!("{{\"a\":[{{\"b\":[{{\"c\":[{}],\"d\":[7]}}]}},{{\"b\":[{}]}}]}}", entries(0), entries(1500)),
                3000,
            ),
            (format!("{{\"r\":[{{\"t\":[{}]}},{},{{\"u\":1}}]}}", entries(0), entry(1500)), 1501),
        ] {
            let whole = elements(&text, text.len());
            assert_eq!(whole.1, None);
            for part in &whole.0 {
                assert!(part.len() <= MAX_RECORD_BYTES);
                let parsed = serde_json::from_str::<serde_json::Value>(part);
                assert!(parsed.is_ok_and(|value| value.is_array()), "{}", &part[..part.len().min(200)]);
            }
            assert_eq!(whole.0.iter().map(|part| many(part)).sum::<usize>(), expected);
            let numbers: std::collections::BTreeSet<&str> = whole
                .0
                .iter()
                .flat_map(|part| part.split(r#"{"n":"#).skip(1))
                .filter_map(|part| part.split(',').next())
                .collect();
            assert_eq!(numbers.len(), expected);
            for piece in [1000, 4099] {
                assert!(elements(&text, piece) == whole);
            }
        }
    }

    #[test]
    fn an_entry_above_the_limit_costs_only_itself() {
        let entry = format!(r#"{{"n":1,"x":"{}"}}"#, "y".repeat(900));
        let entries = vec![entry.as_str(); 1000].join(",");
        let text = format!(r#"{{"hits":[{entries},{{"x":"{}"}},{entries}]}}"#, "z".repeat(2 * MAX_RECORD_BYTES));
        let (found, end) = elements(&text, 1000);
        assert_eq!(end, None);
        assert_eq!(found.iter().filter(|part| part.is_empty()).count(), 1);
        assert_eq!(found.iter().map(|part| part.matches(r#""n":1"#).count()).sum::<usize>(), 2000);
    }
}
