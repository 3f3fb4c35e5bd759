//! Walks the events of the file: every mapping for duplicate keys, every alias for its weight, and the few parts that
//! are judged into a [`Tree`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag, options};

use super::faults::{Faults, Texts};
use super::frames::{Frame, Purpose, Shape, path};
use super::keys::Keys;
use super::syntax;
use super::text::{Source, count};
use super::tree::{Child, Content, Cut, Key, Node, NodeId, Pair, ScalarKind, Tree};
use super::words::quoted_shown;
use super::{MAX_ANCHORED_NODES, MAX_ANCHORS, MAX_DEPTH, MAX_EXPANSION, MAX_JUDGED_NODES, MAX_WATCHED_KEYS};
use crate::evidence::overrides::{FaultKind, Place};

/// The top-level keys whose values are kept.
const JUDGED_KEYS: &[&str] = &["ingressGateways", "namespace", "org", "virtualhosts"];

/// The top-level mapping with the judged keys, and the top-level keys that may be a misspelt one.
pub(super) struct Document<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) root: Option<NodeId>,
    pub(super) odd_keys: Vec<(&'static str, Key<'a>)>,
}

/// Walks the whole text, and keeps what came before where it breaks off.
pub(super) fn walk<'a>(source: &Source<'a>, faults: &mut Faults) -> Document<'a> {
    let options = options! {
        disallow_directives: source.many_directives,
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut walker = Walker::new(source, faults);
    for event in Parser::new_from_str_with_options(source.text, options) {
        match event {
            Ok((event, span)) => {
                if walker.event(event, &span).is_break() {
                    walker.break_off();
                    return walker.document;
                }
            }
            Err(error) => {
                if !source.cut {
                    syntax::report(source, &error, walker.faults);
                }
                walker.break_off();
                return walker.document;
            }
        }
    }
    walker.finish();
    walker.document
}

/// Whether to go on with the next event.
type Flow = ControlFlow<()>;

const GO_ON: Flow = Flow::Continue(());

struct Walker<'a, 's, 'f> {
    source: &'s Source<'a>,
    faults: &'f mut Faults,
    document: Document<'a>,
    frames: Vec<Frame<'a>>,
    anchors: HashMap<usize, Anchor>,
    /// Nodes kept for the judged parts and for anchors, each with its limit.
    kept: [usize; 2],
    /// Nodes that aliases stand for, one by one.
    expansion: u64,
    /// Keys remembered in the mappings that are open.
    watched: usize,
    /// There were more keys than that.
    unwatched: bool,
    /// The first document that is not empty was found; it is the one that is judged.
    judged: bool,
    second: Option<Place>,
    documents: usize,
    /// Where the document at hand begins.
    begin: Place,
    template: bool,
}

struct Anchor {
    node: Option<NodeId>,
    weight: u64,
    open: bool,
}

impl<'a, 's, 'f> Walker<'a, 's, 'f> {
    fn new(source: &'s Source<'a>, faults: &'f mut Faults) -> Self {
        Self {
            source,
            faults,
            document: Document { tree: Tree::default(), root: None, odd_keys: Vec::new() },
            frames: Vec::new(),
            anchors: HashMap::new(),
            kept: [0, 0],
            expansion: 0,
            watched: 0,
            unwatched: false,
            judged: false,
            second: None,
            documents: 0,
            begin: Place::default(),
            template: false,
        }
    }

    fn event(&mut self, event: Event<'a>, span: &Span) -> Flow {
        match event {
            Event::DocumentStart(..) => {
                self.begin = place(span);
                self.frames.clear();
                self.watched = 0;
                GO_ON
            }
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(_) => {
                self.faults.add(FaultKind::Malformed, place(span), || {
                    Texts::new(
                        "",
                        "an alias (*) of an anchor (&) that does not stand before it",
                        "an anchor before the alias, or quotes",
                    )
                });
                self.follow(None, span)
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(style, anchor, _) => self.open(Shape::List { items: 0 }, style, anchor, span),
            Event::MappingStart(style, anchor, _) => {
                self.open(Shape::Map { keys: Keys::default(), key: None }, style, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                GO_ON
            }
            _ => GO_ON,
        }
    }

    /// The end of the file.
    fn finish(&mut self) {
        if let Some(second) = self.second {
            let documents = self.documents;
            self.faults.add(FaultKind::SeveralDocuments, second, || {
                let observed =
                    format!("{documents} documents (---); the first was read, which one helm uses is not known here");
                Texts::new("", observed, "one document")
            });
        }
        if !self.judged && !self.source.cut {
            self.faults.add(FaultKind::Malformed, Place { line: 1, column: 1 }, || {
                Texts::new("", "nothing but blanks and comments", "a mapping with virtualhosts")
            });
        }
    }

    /// The file ends here for the reader: what is open has not all its children.
    fn break_off(&mut self) {
        for frame in &self.frames {
            if let Some(node) = frame.node.and_then(|id| self.document.tree.node_mut(id)) {
                node.cut = Cut::Syntax;
            }
        }
        // Whatever there was is told by the fault that broke it off.
        self.judged = true;
        self.finish();
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Flow {
        let begins = self.frames.is_empty();
        let (start, end) = bytes(span);
        // An empty document has an empty value, which the parser gives as a null without extent.
        if begins && style == ScalarStyle::Plain && start == end {
            return GO_ON;
        }
        let kind = kind(&text, style, tag);
        // A block scalar ends where the next line begins, so its own last line cannot be told.
        let long = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let last_line = if long { None } else { Some(count(span.end.line())) };
        let last_line = if start == end { self.key_line().or(last_line) } else { last_line };
        if begins {
            self.root(Some("a single value"), span);
        }
        let node = |content| Node { content, start, end, place: place(span), last_line, flow: false, cut: Cut::No };

        if self.expects_key() {
            if anchor != 0 {
                let kept = self.keep(Purpose::Anchored, || node(Content::Scalar(text.clone(), kind)));
                self.anchors.insert(anchor, Anchor { node: kept, weight: 1, open: false });
            }
            let merge = style == ScalarStyle::Plain && text == "<<";
            self.key(Key { text: Some(text), merge, place: place(span), start, end });
            return self.anchor_limit(span);
        }
        let kept = self.purpose(anchor).and_then(|purpose| self.keep(purpose, || node(Content::Scalar(text, kind))));
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { node: kept, weight: 1, open: false });
        }
        self.value(kept.map(|node| Child { node, place: place(span), alias: false }), 1);
        self.anchor_limit(span)
    }

    fn open(&mut self, shape: Shape<'a>, style: StructureStyle, anchor: usize, span: &Span) -> Flow {
        let flow = style == StructureStyle::Flow;
        let (start, end) = bytes(span);
        let map = matches!(shape, Shape::Map { .. });
        let template = flow && map && self.source.text.get(start..).is_some_and(|rest| rest.starts_with("{{"));
        if template && !self.template {
            // One is enough: such a file has them everywhere.
            self.template = true;
            self.faults.add(FaultKind::Malformed, place(span), syntax::template);
        }
        let begins = self.frames.is_empty();
        let root = begins && self.root((!map).then_some("a list"), span) && !template;

        let content = match (&shape, template) {
            (_, true) => Content::Template,
            (Shape::List { .. }, false) => Content::List(Vec::new()),
            (Shape::Map { .. }, false) => Content::Map(Vec::new()),
        };
        let is_key = self.expects_key();
        // An anchor at the top would have the whole file kept, for an alias that could only contain itself.
        let purpose = match (begins, is_key) {
            (true, _) => root.then_some(Purpose::Judged),
            (false, true) => None,
            (false, false) => self.purpose(anchor),
        };
        let line = count(span.start.line());
        let node = purpose.and_then(|purpose| {
            self.keep(purpose, || Node {
                content,
                start,
                end,
                place: place(span),
                last_line: Some(line),
                flow,
                cut: Cut::No,
            })
        });
        if root {
            self.document.root = node;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { node, weight: 0, open: true });
        }
        if !begins && !is_key {
            self.attach(node.map(|node| Child { node, place: place(span), alias: false }));
        }
        // What stands in a template is not kept.
        let node = if template { None } else { node };
        self.frames.push(Frame {
            node,
            purpose: purpose.unwrap_or(Purpose::Anchored),
            shape,
            anchor,
            weight: 1,
            is_key,
        });
        self.anchor_limit(span)
    }

    fn close(&mut self, span: &Span) {
        let Some(frame) = self.frames.pop() else { return };
        if let Shape::Map { keys, .. } = &frame.shape {
            self.watched = self.watched.saturating_sub(keys.len());
        }
        let mut last_line = None;
        if let Some(node) = frame.node.and_then(|id| self.document.tree.node_mut(id)) {
            if node.flow {
                node.end = bytes(span).1;
                node.last_line = Some(count(span.end.line()));
            }
            last_line = node.last_line;
        }
        if let Some(anchor) = self.anchors.get_mut(&frame.anchor) {
            anchor.weight = frame.weight;
            anchor.open = false;
        }
        if frame.is_key {
            let (start, end) = bytes(span);
            self.key(Key { text: None, merge: false, place: place(span), start, end });
            return;
        }
        self.advance(frame.weight);
        if let Some(parent) =
            self.frames.last().and_then(|parent| parent.node).and_then(|id| self.document.tree.node_mut(id))
        {
            parent.last_line = last_line;
        }
    }

    fn alias(&mut self, id: usize, span: &Span) -> Flow {
        let (node, weight, open) = self.anchors.get(&id).map_or((None, 1, false), |a| (a.node, a.weight, a.open));
        if open {
            self.faults.add(FaultKind::Malformed, place(span), || {
                Texts::new("", "an alias (*) inside of its own anchor (&)", "an anchor that does not contain itself")
            });
            return self.follow(None, span);
        }
        self.expansion = self.expansion.saturating_add(weight);
        if node.is_none() && self.belongs() {
            self.faults.add(FaultKind::Malformed, place(span), || {
                let observed =
                    format!("an alias (*) of a value beyond the {MAX_ANCHORED_NODES} that are kept of anchors (&)");
                Texts::new("", observed, "the value itself")
            });
        }
        if self.expansion > MAX_EXPANSION {
            self.faults.add(FaultKind::Malformed, place(span), || {
                let observed = format!("aliases (*) that stand for more than {MAX_EXPANSION} values");
                Texts::new("", observed, "a file without such aliases; the rest of it was not read")
            });
            return Flow::Break(());
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.weight = frame.weight.saturating_add(weight);
        }
        self.follow(node, span)
    }

    /// An alias stands for this node, or for nothing that can be followed.
    fn follow(&mut self, node: Option<NodeId>, span: &Span) -> Flow {
        let (start, end) = bytes(span);
        if self.expects_key() {
            let text = node.and_then(|id| self.document.tree.node(id)).and_then(|node| match &node.content {
                Content::Scalar(text, _) => Some(text.clone()),
                _ => None,
            });
            self.key(Key { text, merge: false, place: place(span), start, end });
            return GO_ON;
        }
        if self.frames.is_empty() {
            self.root(Some("an alias"), span);
            return GO_ON;
        }
        let last_line = Some(count(span.start.line()));
        let unfollowed = || Node {
            content: Content::Unfollowed,
            start,
            end,
            place: place(span),
            last_line,
            flow: false,
            cut: Cut::No,
        };
        let node = node.or_else(|| self.purpose(0).and_then(|purpose| self.keep(purpose, unfollowed)));
        self.value(node.map(|node| Child { node, place: place(span), alias: true }), 0);
        GO_ON
    }

    /// The first value of a document: whether it is the mapping to be judged.
    fn root(&mut self, odd: Option<&str>, span: &Span) -> bool {
        self.documents += 1;
        if self.judged {
            self.second.get_or_insert(self.begin);
            return false;
        }
        self.judged = true;
        if let Some(odd) = odd {
            self.faults.add(FaultKind::Malformed, place(span), || {
                Texts::new("", format!("{odd} at the top of the file"), "a mapping with virtualhosts")
            });
        }
        odd.is_none()
    }

    /// The key of the next entry of the mapping that is open.
    fn key(&mut self, key: Key<'a>) {
        self.watch(&key);
        if self.frames.len() == 1 && self.frames.last().is_some_and(|root| root.node.is_some()) {
            let text = key.text.as_deref().unwrap_or_default();
            let odd = syntax::misspelt(text);
            if let Some(meant) = odd.filter(|_| self.document.odd_keys.len() < super::MAX_FAULTS) {
                self.document.odd_keys.push((meant, key.clone()));
            }
        }
        if let Some(Frame { shape: Shape::Map { key: current, .. }, .. }) = self.frames.last_mut() {
            *current = Some(key);
        }
    }

    fn watch(&mut self, key: &Key<'a>) {
        let Some(text) = &key.text else { return };
        let Some(Frame { shape: Shape::Map { keys, .. }, .. }) = self.frames.last_mut() else { return };
        if let Some(first) = keys.first(text) {
            let frames = &self.frames;
            self.faults.add(FaultKind::DuplicateKey, key.place, || {
                let (path, discretion) = path(frames);
                let last = discretion.shown(text);
                let path = if path.is_empty() { last.to_owned() } else { format!("{path}.{last}") };
                let observed = format!("{} again, first at {first}", quoted_shown(last));
                Texts::new(
                    path,
                    observed,
                    "each key once: most parsers let the last one win, strict ones refuse the file",
                )
            });
        } else if self.watched < MAX_WATCHED_KEYS {
            self.watched += 1;
            keys.remember(text.clone(), key.place);
        } else if !self.unwatched {
            self.unwatched = true;
            self.faults.add(FaultKind::Malformed, key.place, || {
                let observed = format!("a mapping with more than {MAX_WATCHED_KEYS} keys");
                Texts::new("", observed, "fewer keys; those that follow were not compared with each other")
            });
        }
    }

    /// A value that is complete: puts it where it belongs and goes on to the next.
    fn value(&mut self, child: Option<Child>, weight: u64) {
        let last_line = child.and_then(|child| {
            let own = self.document.tree.node(child.node).and_then(|node| node.last_line);
            if child.alias { Some(child.place.line) } else { own }
        });
        let belongs = self.belongs();
        self.attach(child);
        if let Some(parent) =
            self.frames.last().and_then(|parent| parent.node).and_then(|id| self.document.tree.node_mut(id))
            && belongs
        {
            parent.last_line = last_line;
        }
        self.advance(weight);
    }

    /// Puts a value into the collection that is open, where that is kept.
    fn attach(&mut self, child: Option<Child>) {
        if !self.belongs() {
            return;
        }
        let Some(frame) = self.frames.last() else { return };
        let Some(parent) = frame.node.and_then(|id| self.document.tree.node_mut(id)) else { return };
        match (&mut parent.content, &frame.shape, child) {
            (Content::List(items), Shape::List { .. }, Some(child)) => items.push(child),
            (Content::Map(pairs), Shape::Map { key: Some(key), .. }, Some(value)) => {
                pairs.push(Pair { key: key.clone(), value });
            }
            _ => parent.cut = Cut::Limit,
        }
    }

    /// The next value of the collection that is open.
    fn advance(&mut self, weight: u64) {
        let Some(frame) = self.frames.last_mut() else { return };
        frame.weight = frame.weight.saturating_add(weight);
        match &mut frame.shape {
            Shape::List { items } => *items += 1,
            Shape::Map { key, .. } => *key = None,
        }
    }

    /// Whether a value that comes now is kept as a part of the collection that is open.
    fn belongs(&self) -> bool {
        let Some(frame) = self.frames.last() else { return false };
        let judged = || match &frame.shape {
            Shape::Map { key: Some(key), .. } => {
                key.merge || key.text.as_deref().is_some_and(|text| JUDGED_KEYS.contains(&text))
            }
            _ => false,
        };
        frame.node.is_some() && (self.frames.len() > 1 || judged())
    }

    fn purpose(&self, anchor: usize) -> Option<Purpose> {
        if self.belongs() {
            self.frames.last().map(|frame| frame.purpose)
        } else {
            (anchor != 0).then_some(Purpose::Anchored)
        }
    }

    fn keep(&mut self, purpose: Purpose, node: impl FnOnce() -> Node<'a>) -> Option<NodeId> {
        let (kept, limit) = match purpose {
            Purpose::Judged => (&mut self.kept[0], MAX_JUDGED_NODES),
            Purpose::Anchored => (&mut self.kept[1], MAX_ANCHORED_NODES),
        };
        if *kept >= limit {
            return None;
        }
        *kept += 1;
        Some(self.document.tree.add(node()))
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { shape: Shape::Map { key: None, .. }, .. }))
    }

    /// The line of the key whose value comes now.
    fn key_line(&self) -> Option<u32> {
        match &self.frames.last()?.shape {
            Shape::Map { key, .. } => key.as_ref().map(|key| key.place.line),
            Shape::List { .. } => None,
        }
    }

    fn anchor_limit(&mut self, span: &Span) -> Flow {
        if self.anchors.len() <= MAX_ANCHORS {
            return GO_ON;
        }
        self.faults.add(FaultKind::Malformed, place(span), || {
            Texts::new(
                "",
                format!("more than {MAX_ANCHORS} anchors (&)"),
                "fewer anchors; the rest of the file was not read",
            )
        });
        Flow::Break(())
    }
}

fn kind(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> ScalarKind {
    let core = tag.and_then(Tag::core_suffix);
    match (style, core, tag) {
        (ScalarStyle::Literal | ScalarStyle::Folded, ..) => ScalarKind::LongText,
        (_, Some("int"), _) => ScalarKind::Integer,
        (_, Some("float"), _) => ScalarKind::Float,
        (_, Some("bool"), _) => ScalarKind::Boolean,
        (_, Some("null"), _) => ScalarKind::Null,
        (ScalarStyle::Plain, None, None) => ScalarKind::of_plain(text),
        _ => ScalarKind::Text,
    }
}

fn place(span: &Span) -> Place {
    Place { line: count(span.start.line()), column: count(span.start.col() + 1) }
}

/// The bytes of a span; an empty one at the start where the parser does not tell.
fn bytes(span: &Span) -> (usize, usize) {
    span.byte_range().map_or((0, 0), |range| (range.start, range.end))
}
