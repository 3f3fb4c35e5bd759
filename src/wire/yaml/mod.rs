//! One walk over YAML text that tells where everything is, for reading a file and for redacting it.
//!
//! ```text
//! text ─ granit-parser ─ walk ─┬ Visitor of wire::overrides: faults, and a Tree of the judged parts
//!                              └ Visitor of redact: which scalars are secret
//! ```
//!
//! The walk keeps nothing but the collections that are open, so a visitor decides what is worth its memory:
//! files have 50 MB, and a [`Tree`] of all of it would have several times that. Aliases are not followed: a
//! small file may stand for billions of values. `granit-parser` is used directly, because it gives events
//! with places where `serde-saphyr`, which is built on it, gives values.

mod stack;
mod tree;

use std::borrow::Cow;
use std::ops::ControlFlow;

use granit_parser::{Event, Parser, Span, StructureStyle, Tag, options};

pub(crate) use self::stack::{OpenCollection, Slot, Stack};
pub(crate) use self::tree::{Child, Cut, Node, NodeContent, NodeId, Pair, ScalarKind, Tree};
use crate::evidence::overrides::Place;

pub(crate) use granit_parser::{ErrorKind, ScalarStyle, ScanError};

/// Levels of nesting, of block and of flow collections each.
pub(crate) const MAX_DEPTH: usize = 200;

/// Whether to go on with the next event.
pub(crate) type Flow = ControlFlow<()>;

/// Go on.
pub(crate) const GO_ON: Flow = Flow::Continue(());

/// Where something is in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// First byte.
    pub(crate) start: usize,
    /// Byte behind the last one. Start and end are 0 where the parser does not tell.
    pub(crate) end: usize,
    /// Line and column of the first character.
    pub(crate) place: Place,
    /// Line on which it ends. A block scalar ends where the next line begins.
    pub(crate) last_line: u32,
}

/// The key of an entry.
#[derive(Clone)]
pub(crate) struct Key<'a> {
    /// Nothing where the key is a list or a mapping, or an alias that the visitor does not resolve.
    pub(crate) text: Option<Cow<'a, str>>,
    /// `<<`, not in quotes.
    pub(crate) merge: bool,
    pub(crate) extent: Extent,
}

/// How a scalar is written.
pub(crate) struct Notation<'a> {
    pub(crate) style: ScalarStyle,
    /// Number of the anchor that is set on it, or 0.
    pub(crate) anchor: usize,
    tag: Option<Cow<'a, Tag>>,
}

/// A list or a mapping that begins.
pub(crate) struct Beginning {
    pub(crate) is_map: bool,
    /// Written with brackets.
    pub(crate) flow: bool,
    /// Number of the anchor that is set on it, or 0.
    pub(crate) anchor: usize,
    pub(crate) extent: Extent,
}

/// What is done with the parts of a text, in the order of the text.
///
/// `open` are the collections around the part, and says whether the part is an item, a key or a value:
/// [`Stack::slot`].
pub(crate) trait Visitor<'a> {
    /// What the visitor keeps of each collection while it is open.
    type Kept;

    /// A document begins.
    fn document(&mut self, place: Place);

    /// A scalar that is an item, a value or the whole document.
    fn scalar(
        &mut self,
        open: &mut Stack<'a, Self::Kept>,
        text: Cow<'a, str>,
        notation: &Notation<'a>,
        extent: Extent,
    ) -> Flow;

    /// A key is complete. `notation` is that of a scalar.
    fn key(&mut self, open: &mut Stack<'a, Self::Kept>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow;

    /// A collection begins; it is not yet among those that are open.
    fn begin(&mut self, open: &mut Stack<'a, Self::Kept>, beginning: &Beginning) -> (Self::Kept, Flow);

    /// A collection ends; it is no longer among those that are open. `extent` is that of its end.
    fn end(&mut self, open: &mut Stack<'a, Self::Kept>, closed: OpenCollection<'a, Self::Kept>, extent: Extent);

    /// An alias of the anchor with this number, or of none that stands before it. Returns its text where it
    /// is a key.
    fn alias(
        &mut self,
        open: &mut Stack<'a, Self::Kept>,
        anchor: Option<usize>,
        extent: Extent,
    ) -> ControlFlow<(), Option<Cow<'a, str>>>;
}

/// How a walk ended.
pub(crate) enum End {
    /// At the end of the text.
    Complete,
    /// Where the visitor wanted it.
    Stopped,
    /// The rest is not YAML, or has more than [`MAX_DEPTH`] levels.
    NotYaml(ScanError),
}

/// Walks the whole text. Also returns the collections that are open where it broke off.
///
/// A NUL ends the text for the parser, so callers look for it first. `refuse_directives` makes a directive
/// (`%`) an error.
pub(crate) fn walk<'a, V: Visitor<'a>>(
    text: &'a str,
    refuse_directives: bool,
    visitor: &mut V,
) -> (End, Stack<'a, V::Kept>) {
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

fn step<'a, V: Visitor<'a>>(event: Event<'a>, extent: Extent, open: &mut Stack<'a, V::Kept>, visitor: &mut V) -> Flow {
    match event {
        Event::DocumentStart(..) => {
            open.clear();
            visitor.document(extent.place);
            GO_ON
        }
        Event::Scalar(text, style, anchor, tag) => {
            // An empty document has an empty value, which the parser gives as a null without extent.
            if open.is_empty() && style == ScalarStyle::Plain && extent.start == extent.end {
                return GO_ON;
            }
            let notation = Notation { style, anchor, tag };
            if open.expects_key() {
                let merge = style == ScalarStyle::Plain && text == "<<";
                return complete_key(Key { text: Some(text), merge, extent }, Some(&notation), open, visitor);
            }
            visitor.scalar(open, text, &notation, extent)?;
            open.advance();
            GO_ON
        }
        Event::SequenceStart(style, anchor, _) => begin(false, style, anchor, extent, open, visitor),
        Event::MappingStart(style, anchor, _) => begin(true, style, anchor, extent, open, visitor),
        Event::SequenceEnd | Event::MappingEnd => {
            let Some(closed) = open.pop() else { return GO_ON };
            let is_key = closed.is_key;
            visitor.end(open, closed, extent);
            if is_key {
                return complete_key(Key { text: None, merge: false, extent }, None, open, visitor);
            }
            open.advance();
            GO_ON
        }
        Event::Alias(anchor) => alias(Some(anchor), extent, open, visitor),
        Event::UnresolvedAlias(_) => alias(None, extent, open, visitor),
        _ => GO_ON,
    }
}

fn begin<'a, V: Visitor<'a>>(
    is_map: bool,
    style: StructureStyle,
    anchor: usize,
    extent: Extent,
    open: &mut Stack<'a, V::Kept>,
    visitor: &mut V,
) -> Flow {
    let beginning = Beginning { is_map, flow: style == StructureStyle::Flow, anchor, extent };
    let is_key = open.expects_key();
    let (kept, flow) = visitor.begin(open, &beginning);
    let slot = if is_map { Slot::Key } else { Slot::Item(0) };
    open.push(OpenCollection { slot, is_key, kept });
    flow
}

fn alias<'a, V: Visitor<'a>>(
    anchor: Option<usize>,
    extent: Extent,
    open: &mut Stack<'a, V::Kept>,
    visitor: &mut V,
) -> Flow {
    let is_key = open.expects_key();
    let text = visitor.alias(open, anchor, extent)?;
    if is_key {
        return complete_key(Key { text, merge: false, extent }, None, open, visitor);
    }
    open.advance();
    GO_ON
}

fn complete_key<'a, V: Visitor<'a>>(
    key: Key<'a>,
    notation: Option<&Notation<'a>>,
    open: &mut Stack<'a, V::Kept>,
    visitor: &mut V,
) -> Flow {
    visitor.key(open, &key, notation)?;
    open.set_key(key);
    GO_ON
}

impl Extent {
    fn of(span: &Span) -> Self {
        let (start, end) = span.byte_range().map_or((0, 0), |range| (range.start, range.end));
        let place = Place { line: saturated(span.start.line()), column: saturated(span.start.col() + 1) };
        Self { start, end, place, last_line: saturated(span.end.line()) }
    }
}

impl Notation<'_> {
    /// A literal or folded block.
    pub(crate) fn is_block(&self) -> bool {
        matches!(self.style, ScalarStyle::Literal | ScalarStyle::Folded)
    }

    /// The kind of a scalar with this text.
    pub(crate) fn kind(&self, text: &str) -> ScalarKind {
        let core = self.tag.as_deref().and_then(Tag::core_suffix);
        match (self.style, core, &self.tag) {
            (ScalarStyle::Literal | ScalarStyle::Folded, ..) => ScalarKind::LongText,
            (_, Some("int"), _) => ScalarKind::Integer,
            (_, Some("float"), _) => ScalarKind::Float,
            (_, Some("bool"), _) => ScalarKind::Boolean,
            (_, Some("null"), _) => ScalarKind::Null,
            (ScalarStyle::Plain, None, None) => ScalarKind::of_plain(text),
            _ => ScalarKind::Text,
        }
    }
}

/// A number of lines or columns; no file that is read has more than fit.
pub(crate) fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what comes, each with its slot and place.
    #[derive(Default)]
    struct Notes {
        lines: Vec<String>,
        stop_at: Option<&'static str>,
    }

    impl Notes {
        fn note(&mut self, open: &Stack<'_, char>, what: &str, extent: Extent) {
            let slot = match open.slot() {
                None => "document".to_owned(),
                Some(Slot::Item(number)) => format!("item {number}"),
                Some(Slot::Key) => "key".to_owned(),
                Some(Slot::Value(key)) => format!("value of {}", key.text.as_deref().unwrap_or("?")),
            };
            self.lines.push(format!("{} {slot}: {what}", extent.place));
        }
    }

    impl<'a> Visitor<'a> for Notes {
        type Kept = char;

        fn document(&mut self, place: Place) {
            self.lines.push(format!("{place} document"));
        }

        fn scalar(
            &mut self,
            open: &mut Stack<'a, char>,
            text: Cow<'a, str>,
            notation: &Notation<'a>,
            extent: Extent,
        ) -> Flow {
            self.note(open, &format!("{text} {:?}", notation.kind(&text)), extent);
            if self.stop_at == Some(&*text) { Flow::Break(()) } else { GO_ON }
        }

        fn key(&mut self, open: &mut Stack<'a, char>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow {
            let what = format!("{:?}, a scalar: {}", key.text, notation.is_some());
            self.note(open, &what, key.extent);
            GO_ON
        }

        fn begin(&mut self, open: &mut Stack<'a, char>, beginning: &Beginning) -> (char, Flow) {
            let kept = if beginning.is_map { 'm' } else { 'l' };
            self.note(open, &format!("begin {kept}"), beginning.extent);
            (kept, GO_ON)
        }

        fn end(&mut self, open: &mut Stack<'a, char>, closed: OpenCollection<'a, char>, extent: Extent) {
            self.note(open, &format!("end {}", closed.kept), extent);
        }

        fn alias(
            &mut self,
            open: &mut Stack<'a, char>,
            anchor: Option<usize>,
            extent: Extent,
        ) -> ControlFlow<(), Option<Cow<'a, str>>> {
            self.note(open, &format!("alias of {anchor:?}"), extent);
            ControlFlow::Continue(Some("resolved".into()))
        }
    }

    #[test]
    fn everything_has_its_slot_and_its_place() {
        let mut notes = Notes::default();
        let (end, open) = walk("a: &x 1\nb:\n- no\n- *x\n*x : ''\n? [c]\n: *none\n", false, &mut notes);
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
        assert_eq!(notes.lines, expected);
    }

    #[test]
    fn what_is_open_is_known_where_the_text_breaks_off() {
        let (end, open) = walk("a:\n- b\n- 'c\n", false, &mut Notes::default());
        assert!(matches!(end, End::NotYaml(_)));
        assert_eq!(open.iter().map(|collection| collection.kept).collect::<String>(), "ml");

        let mut notes = Notes { stop_at: Some("b"), ..Notes::default() };
        let (end, open) = walk("a: b\nc: d\n", false, &mut notes);
        assert!(matches!(end, End::Stopped) && !open.is_empty());
        assert!(!notes.lines.iter().any(|line| line.contains("\"c\"")), "{:?}", notes.lines);
    }

    #[test]
    fn an_empty_document_has_no_value_and_depth_has_a_limit() {
        let mut notes = Notes::default();
        assert!(matches!(walk("---\n---\n", false, &mut notes).0, End::Complete));
        assert_eq!(notes.lines, ["1:1 document", "2:1 document"]);
        assert!(matches!(walk(&"[".repeat(MAX_DEPTH + 1), false, &mut notes).0, End::NotYaml(_)));
        assert!(matches!(walk("%YAML 1.2\n---\na: b\n", true, &mut notes).0, End::NotYaml(_)));
    }
}
