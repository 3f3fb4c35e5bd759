//! Walks over YAML text and reports every part with its position, for reading a file and for redacting it.
//!
//! ```text
//! text ─ granit-parser ─ walk ─┬ Visitor of wire::overrides: faults, and a Tree of the judged parts
//!                              └ Visitor of redact: which scalars are secret
//! ```
//!
//! The walk keeps only the open collections, so that each visitor decides what to keep: files have 50 MB, and
//! a [`Tree`] of a whole file would need several times that. Aliases are not followed, because a small file
//! can expand to billions of values. `granit-parser` is used directly, because it gives events with
//! positions; `serde-saphyr`, which is built on it, gives values.

mod stack;
mod tree;

use std::borrow::Cow;
use std::ops::ControlFlow;

use granit_parser::{Event, Parser, Span, StructureStyle, Tag, options};

pub use self::stack::{OpenCollection, Slot, Stack};
pub use self::tree::{Child, Cut, Node, NodeContent, NodeId, Pair, ScalarKind, Tree};
use crate::evidence::overrides::Position;

pub use granit_parser::{ErrorKind, ScalarStyle, ScanError};

/// Maximum nesting depth, of block and of flow collections each.
pub const MAX_DEPTH: usize = 200;

/// Whether the walk continues with the next event.
pub type Flow = ControlFlow<()>;

/// Continues the walk.
pub const CONTINUE: Flow = Flow::Continue(());

/// The range of a part in the text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte. Start and end are 0 if the parser does not report them.
    pub end: usize,
    /// Line and column of the first character.
    pub place: Position,
    /// Number of the line on which the part ends. A block scalar ends at the beginning of the next line.
    pub last_line: u32,
}

/// The key of an entry.
#[derive(Clone)]
pub struct Key<'a> {
    /// `None` for a list, a mapping, or an alias that the visitor does not resolve.
    pub text: Option<Cow<'a, str>>,
    /// The key is an unquoted `<<`.
    pub merge: bool,
    pub extent: Extent,
}

/// How a scalar is written.
pub struct Notation<'a> {
    pub style: ScalarStyle,
    /// Number of its anchor, or 0.
    pub anchor: usize,
    tag: Option<Cow<'a, Tag>>,
}

/// The start of a list or a mapping.
pub struct CollectionStart {
    pub is_map: bool,
    /// Flow style: written with brackets.
    pub flow: bool,
    /// Number of its anchor, or 0.
    pub anchor: usize,
    pub extent: Extent,
}

/// Receives the parts of a text, in the order of the text.
///
/// `open` holds the collections around the part. [`Stack::slot`] shows whether the part is an item, a key or
/// a value.
pub trait Visitor<'a> {
    /// State that the visitor keeps for each open collection.
    type State;

    /// Receives the start of a document.
    fn document(&mut self, place: Position);

    /// Receives a scalar that is an item, a value or the whole document.
    fn scalar(
        &mut self,
        open: &mut Stack<'a, Self::State>,
        text: Cow<'a, str>,
        notation: &Notation<'a>,
        extent: Extent,
    ) -> Flow;

    /// Receives a complete key. `notation` is present if the key is a scalar.
    fn key(&mut self, open: &mut Stack<'a, Self::State>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow;

    /// Receives the start of a collection, which is not yet in `open`.
    fn begin(&mut self, open: &mut Stack<'a, Self::State>, beginning: &CollectionStart) -> (Self::State, Flow);

    /// Receives the end of a collection, which is no longer in `open`. `extent` is the range of its end.
    fn end(&mut self, open: &mut Stack<'a, Self::State>, closed: OpenCollection<'a, Self::State>, extent: Extent);

    /// Receives an alias of the anchor with this number; `None` if no such anchor precedes it. Returns the
    /// text of the alias if it is a key.
    fn alias(
        &mut self,
        open: &mut Stack<'a, Self::State>,
        anchor: Option<usize>,
        extent: Extent,
    ) -> ControlFlow<(), Option<Cow<'a, str>>>;
}

/// How a walk ended.
pub enum End {
    /// The whole text was read.
    Complete,
    /// The visitor stopped the walk.
    Stopped,
    /// The rest is not YAML, or is nested deeper than [`MAX_DEPTH`].
    NotYaml(ScanError),
}

/// Walks over the whole text. Also returns the collections that are still open at the end of the walk.
///
/// The parser ends the text at a NUL byte, so callers must check for NUL first. `refuse_directives` makes a
/// directive (`%`) an error.
pub fn walk<'a, V: Visitor<'a>>(text: &'a str, refuse_directives: bool, visitor: &mut V) -> (End, Stack<'a, V::State>) {
    let options = options! {
        disallow_directives: refuse_directives,
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut open = Stack::default();
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if step(event, Extent::of(&span), &mut open, visitor).is_break() {
                    return (End::Stopped, open);
                }
            }
            Err(error) => return (End::NotYaml(error), open),
        }
    }
    (End::Complete, open)
}

fn step<'a, V: Visitor<'a>>(event: Event<'a>, extent: Extent, open: &mut Stack<'a, V::State>, visitor: &mut V) -> Flow {
    match event {
        Event::DocumentStart(..) => {
            open.clear();
            visitor.document(extent.place);
            CONTINUE
        }
        Event::Scalar(text, style, anchor, tag) => {
            // The parser reports an empty document as a null of zero length.
            if open.is_empty() && style == ScalarStyle::Plain && extent.start == extent.end {
                return CONTINUE;
            }
            let notation = Notation { style, anchor, tag };
            if open.expects_key() {
                let merge = style == ScalarStyle::Plain && text == "<<";
                return complete_key(Key { text: Some(text), merge, extent }, Some(&notation), open, visitor);
            }
            visitor.scalar(open, text, &notation, extent)?;
            open.advance();
            CONTINUE
        }
        Event::SequenceStart(style, anchor, _) => begin(false, style, anchor, extent, open, visitor),
        Event::MappingStart(style, anchor, _) => begin(true, style, anchor, extent, open, visitor),
        Event::SequenceEnd | Event::MappingEnd => {
            let Some(closed) = open.pop() else { return CONTINUE };
            let is_key = closed.is_key;
            visitor.end(open, closed, extent);
            if is_key {
                return complete_key(Key { text: None, merge: false, extent }, None, open, visitor);
            }
            open.advance();
            CONTINUE
        }
        Event::Alias(anchor) => alias(Some(anchor), extent, open, visitor),
        Event::UnresolvedAlias(_) => alias(None, extent, open, visitor),
        _ => CONTINUE,
    }
}

fn begin<'a, V: Visitor<'a>>(
    is_map: bool,
    style: StructureStyle,
    anchor: usize,
    extent: Extent,
    open: &mut Stack<'a, V::State>,
    visitor: &mut V,
) -> Flow {
    let beginning = CollectionStart { is_map, flow: style == StructureStyle::Flow, anchor, extent };
    let is_key = open.expects_key();
    let (state, flow) = visitor.begin(open, &beginning);
    let slot = if is_map { Slot::Key } else { Slot::Item(0) };
    open.push(OpenCollection { slot, is_key, state });
    flow
}

fn alias<'a, V: Visitor<'a>>(
    anchor: Option<usize>,
    extent: Extent,
    open: &mut Stack<'a, V::State>,
    visitor: &mut V,
) -> Flow {
    let is_key = open.expects_key();
    let text = visitor.alias(open, anchor, extent)?;
    if is_key {
        return complete_key(Key { text, merge: false, extent }, None, open, visitor);
    }
    open.advance();
    CONTINUE
}

fn complete_key<'a, V: Visitor<'a>>(
    key: Key<'a>,
    notation: Option<&Notation<'a>>,
    open: &mut Stack<'a, V::State>,
    visitor: &mut V,
) -> Flow {
    visitor.key(open, &key, notation)?;
    open.set_key(key);
    CONTINUE
}

impl Extent {
    fn of(span: &Span) -> Self {
        let (start, end) = span.byte_range().map_or((0, 0), |range| (range.start, range.end));
        let place = Position { line: saturated(span.start.line()), column: saturated(span.start.col() + 1) };
        Self { start, end, place, last_line: saturated(span.end.line()) }
    }
}

impl Notation<'_> {
    /// Returns whether the scalar is a literal or folded block.
    #[must_use]
    pub fn is_block(&self) -> bool {
        matches!(self.style, ScalarStyle::Literal | ScalarStyle::Folded)
    }

    /// Returns the kind of a scalar with this text.
    pub fn kind(&self, text: &str) -> ScalarKind {
        let core = self.tag.as_deref().and_then(Tag::core_suffix);
        match (self.style, core, &self.tag) {
            // A block of one line whose end is stripped is what the same text in quotes is.
            (ScalarStyle::Literal | ScalarStyle::Folded, ..) if text.contains('\n') => ScalarKind::LongText,
            (ScalarStyle::Literal | ScalarStyle::Folded, ..) => ScalarKind::Text,
            (_, Some("int"), _) => ScalarKind::Integer,
            (_, Some("float"), _) => ScalarKind::Float,
            (_, Some("bool"), _) => ScalarKind::Boolean,
            (_, Some("null"), _) => ScalarKind::Null,
            (ScalarStyle::Plain, None, None) => ScalarKind::of_plain(text),
            _ => ScalarKind::Text,
        }
    }
}

/// Converts a number of lines or columns; the size limits of files keep it in range.
#[must_use]
pub fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records every event with its slot and position.
    #[derive(Default)]
    struct Recorder {
        lines: Vec<String>,
        stop_at: Option<&'static str>,
    }

    impl Recorder {
        fn record(&mut self, open: &Stack<'_, char>, what: &str, extent: Extent) {
            let slot = match open.slot() {
                None => "document".to_owned(),
                Some(Slot::Item(number)) => format!("item {number}"),
                Some(Slot::Key) => "key".to_owned(),
                Some(Slot::Value(key)) => format!("value of {}", key.text.as_deref().unwrap_or("?")),
            };
            self.lines.push(format!("{} {slot}: {what}", extent.place));
        }
    }

    impl<'a> Visitor<'a> for Recorder {
        type State = char;

        fn document(&mut self, place: Position) {
            self.lines.push(format!("{place} document"));
        }

        fn scalar(
            &mut self,
            open: &mut Stack<'a, char>,
            text: Cow<'a, str>,
            notation: &Notation<'a>,
            extent: Extent,
        ) -> Flow {
            self.record(open, &format!("{text} {:?}", notation.kind(&text)), extent);
            if self.stop_at == Some(&*text) { Flow::Break(()) } else { CONTINUE }
        }

        fn key(&mut self, open: &mut Stack<'a, char>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow {
            let what = format!("{:?}, a scalar: {}", key.text, notation.is_some());
            self.record(open, &what, key.extent);
            CONTINUE
        }

        fn begin(&mut self, open: &mut Stack<'a, char>, beginning: &CollectionStart) -> (char, Flow) {
            let state = if beginning.is_map { 'm' } else { 'l' };
            self.record(open, &format!("begin {state}"), beginning.extent);
            (state, CONTINUE)
        }

        fn end(&mut self, open: &mut Stack<'a, char>, closed: OpenCollection<'a, char>, extent: Extent) {
            self.record(open, &format!("end {}", closed.state), extent);
        }

        fn alias(
            &mut self,
            open: &mut Stack<'a, char>,
            anchor: Option<usize>,
            extent: Extent,
        ) -> ControlFlow<(), Option<Cow<'a, str>>> {
            self.record(open, &format!("alias of {anchor:?}"), extent);
            ControlFlow::Continue(Some("resolved".into()))
        }
    }

    #[test]
    fn every_event_has_a_slot_and_a_position() {
        let mut recorder = Recorder::default();
        let (end, open) = walk("a: &x 1\nb:\n- no\n- *x\n*x : ''\n? [c]\n: *none\n", false, &mut recorder);
        assert!(matches!(end, End::Complete) && open.is_empty());
        let expected = [
            "1:1 document",
            "1:1 document: begin m",
            "1:1 key: Some(\"a\"), a scalar: true",
            "1:7 value of a: 1 Integer",
            "2:1 key: Some(\"b\"), a scalar: true",
            "3:3 value of b: begin l",
            "3:3 item 0: no Boolean",
            "4:3 item 1: alias of Some(1)",
            "5:1 value of b: end l",
            "5:1 key: alias of Some(1)",
            "5:1 key: Some(\"resolved\"), a scalar: false",
            "5:6 value of resolved:  Text",
            "6:3 key: begin l",
            "6:4 item 0: c Text",
            "6:5 key: end l",
            "6:5 key: None, a scalar: false",
            "7:3 value of ?: alias of None",
            "8:1 document: end m",
        ];
        assert_eq!(recorder.lines, expected);
    }

    #[test]
    fn open_collections_are_returned_where_the_walk_ends() {
        let (end, open) = walk("a:\n- b\n- 'c\n", false, &mut Recorder::default());
        assert!(matches!(end, End::NotYaml(_)));
        assert_eq!(open.iter().map(|collection| collection.state).collect::<String>(), "ml");

        let mut recorder = Recorder { stop_at: Some("b"), ..Recorder::default() };
        let (end, open) = walk("a: b\nc: d\n", false, &mut recorder);
        assert!(matches!(end, End::Stopped) && !open.is_empty());
        assert!(!recorder.lines.iter().any(|line| line.contains("\"c\"")), "{:?}", recorder.lines);
    }

    #[test]
    fn an_empty_document_has_no_value_and_depth_has_a_limit() {
        let mut recorder = Recorder::default();
        assert!(matches!(walk("---\n---\n", false, &mut recorder).0, End::Complete));
        assert_eq!(recorder.lines, ["1:1 document", "2:1 document"]);
        assert!(matches!(walk(&"[".repeat(MAX_DEPTH + 1), false, &mut recorder).0, End::NotYaml(_)));
        assert!(matches!(walk("%YAML 1.2\n---\na: b\n", true, &mut recorder).0, End::NotYaml(_)));
    }
}
