//! Reads the file on the walk over it: every mapping for duplicate keys, every alias for its weight, and the
//! few parts that are judged into a [`Tree`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use super::disclosure::quoted_shown;
use super::faults::{Faults, Texts};
use super::keys::Keys;
use super::path::path;
use super::source::Source;
use super::syntax;
use super::{MAX_ANCHORED_NODES, MAX_ANCHORS, MAX_EXPANSION, MAX_JUDGED_NODES, MAX_WATCHED_KEYS};
use crate::evidence::overrides::{FaultKind, Place};
use crate::wire::yaml::{
    self, Beginning, Child, Cut, End, Extent, Flow, GO_ON, Key, Node, NodeContent, NodeId, Notation, OpenCollection,
    Pair, Slot, Stack, Tree, Visitor,
};

/// The top-level keys whose values are kept.
const JUDGED_KEYS: &[&str] = &["ingressGateways", "namespace", "org", "virtualhosts"];

/// The top-level mapping with the judged keys, and the top-level keys that may be a misspelt one.
pub(super) struct Document<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) root: Option<NodeId>,
    pub(super) odd_keys: Vec<(&'static str, Key<'a>)>,
}

/// Reads the whole text, and keeps what came before where it breaks off.
pub(super) fn read<'a>(source: &Source<'a>, faults: &mut Faults) -> Document<'a> {
    let mut reader = Reader::new(source, faults);
    let (end, open) = yaml::walk(source.text, source.many_directives, &mut reader);
    match end {
        End::Complete => reader.finish(),
        End::Stopped => reader.break_off(&open),
        End::NotYaml(error) => {
            if !source.cut {
                syntax::report(source, &error, reader.faults);
            }
            reader.break_off(&open);
        }
    }
    reader.document
}

/// What is kept of a collection while it is open.
struct Kept<'a> {
    node: Option<NodeId>,
    purpose: Purpose,
    /// Of a mapping.
    keys: Keys<'a>,
    anchor: usize,
    /// Nodes in it, aliases expanded.
    weight: u64,
}

/// Why a node is kept; each has its limit.
#[derive(Clone, Copy)]
enum Purpose {
    Judged,
    Anchored,
}

type Open<'a> = Stack<'a, Kept<'a>>;

struct Reader<'a, 's, 'f> {
    source: &'s Source<'a>,
    faults: &'f mut Faults,
    document: Document<'a>,
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

impl<'a, 's, 'f> Reader<'a, 's, 'f> {
    fn new(source: &'s Source<'a>, faults: &'f mut Faults) -> Self {
        Self {
            source,
            faults,
            document: Document { tree: Tree::default(), root: None, odd_keys: Vec::new() },
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
    fn break_off(&mut self, open: &Open<'a>) {
        for collection in open.iter() {
            if let Some(node) = collection.kept.node.and_then(|id| self.document.tree.node_mut(id)) {
                node.cut = Cut::Syntax;
            }
        }
        // Whatever there was is told by the fault that broke it off.
        self.judged = true;
        self.finish();
    }

    /// The first value of a document: whether it is the mapping to be judged.
    fn root(&mut self, odd: Option<&str>, extent: Extent) -> bool {
        self.documents += 1;
        if self.judged {
            self.second.get_or_insert(self.begin);
            return false;
        }
        self.judged = true;
        if let Some(odd) = odd {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                Texts::new("", format!("{odd} at the top of the file"), "a mapping with virtualhosts")
            });
        }
        odd.is_none()
    }

    /// Remembers a key of the innermost mapping, and reports it if it is there already.
    fn watch(&mut self, open: &mut Open<'a>, key: &Key<'a>) {
        let Some(text) = &key.text else { return };
        let place = key.extent.place;
        let first = open.last().and_then(|collection| collection.kept.keys.first(text));
        if let Some(first) = first {
            self.faults.add(FaultKind::DuplicateKey, place, || {
                let (path, discretion) = path(open);
                let last = discretion.shown_key(text);
                let path = if path.is_empty() { last.to_owned() } else { format!("{path}.{last}") };
                let observed = format!("{} again, first at {first}", quoted_shown(last));
                Texts::new(
                    path,
                    observed,
                    "each key once: most parsers let the last one win, strict ones refuse the file",
                )
            });
        } else if self.watched < MAX_WATCHED_KEYS {
            if let Some(collection) = open.last_mut() {
                self.watched += 1;
                collection.kept.keys.remember(text.clone(), place);
            }
        } else if !self.unwatched {
            self.unwatched = true;
            self.faults.add(FaultKind::Malformed, place, || {
                let observed = format!("a mapping with more than {MAX_WATCHED_KEYS} keys");
                Texts::new("", observed, "fewer keys; those that follow were not compared with each other")
            });
        }
    }

    /// Puts a value that is complete where it belongs.
    fn value(&mut self, open: &mut Open<'a>, child: Option<Child>, weight: u64) {
        let last_line = child.and_then(|child| {
            let own = self.document.tree.node(child.node).and_then(|node| node.last_line);
            if child.alias { Some(child.place.line) } else { own }
        });
        if belongs(open) {
            self.attach(open, child);
            self.ends_on(open, last_line);
        }
        add_weight(open, weight);
    }

    /// The innermost collection goes on to this line at least.
    fn ends_on(&mut self, open: &Open<'a>, last_line: Option<u32>) {
        let parent = open.last().and_then(|parent| parent.kept.node);
        if let Some(parent) = parent.and_then(|id| self.document.tree.node_mut(id)) {
            parent.last_line = last_line;
        }
    }

    /// Puts a value into the innermost collection, where that is kept.
    fn attach(&mut self, open: &Open<'a>, child: Option<Child>) {
        if !belongs(open) {
            return;
        }
        let Some(collection) = open.last() else { return };
        let Some(parent) = collection.kept.node.and_then(|id| self.document.tree.node_mut(id)) else { return };
        match (&mut parent.content, &collection.slot, child) {
            (NodeContent::List(items), Slot::Item(_), Some(child)) => items.push(child),
            (NodeContent::Map(pairs), Slot::Value(key), Some(value)) => {
                pairs.push(Pair { key: key.clone(), value });
            }
            _ => parent.cut = Cut::Limit,
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

    /// Remembers what an anchor names. Stops where there are too many.
    fn set_anchor(&mut self, number: usize, anchor: Anchor, place: Place) -> Flow {
        if number != 0 {
            self.anchors.insert(number, anchor);
        }
        if self.anchors.len() <= MAX_ANCHORS {
            return GO_ON;
        }
        self.faults.add(FaultKind::Malformed, place, || {
            Texts::new(
                "",
                format!("more than {MAX_ANCHORS} anchors (&)"),
                "fewer anchors; the rest of the file was not read",
            )
        });
        Flow::Break(())
    }

    /// An alias stands for this node, or for nothing that can be followed. Returns its text where it is a
    /// key.
    fn follow(&mut self, open: &mut Open<'a>, node: Option<NodeId>, extent: Extent) -> Option<Cow<'a, str>> {
        if open.expects_key() {
            return match &self.document.tree.node(node?)?.content {
                NodeContent::Scalar(text, _) => Some(text.clone()),
                _ => None,
            };
        }
        if open.is_empty() {
            self.root(Some("an alias"), extent);
            return None;
        }
        let unfollowed = || Node { last_line: Some(extent.place.line), ..Node::new(NodeContent::Unfollowed, extent) };
        let node = node.or_else(|| purpose(open, 0).and_then(|purpose| self.keep(purpose, unfollowed)));
        self.value(open, node.map(|node| Child { node, place: extent.place, alias: true }), 0);
        None
    }
}

impl<'a> Visitor<'a> for Reader<'a, '_, '_> {
    type Kept = Kept<'a>;

    fn document(&mut self, place: Place) {
        self.begin = place;
        self.watched = 0;
    }

    fn scalar(&mut self, open: &mut Open<'a>, text: Cow<'a, str>, notation: &Notation<'a>, extent: Extent) -> Flow {
        if open.is_empty() {
            self.root(Some("a single value"), extent);
        }
        let kept = purpose(open, notation.anchor).and_then(|purpose| {
            let key_line = open.key().map(|key| key.extent.place.line);
            self.keep(purpose, || scalar_node(text, notation, extent, key_line))
        });
        self.value(open, kept.map(|node| Child { node, place: extent.place, alias: false }), 1);
        self.set_anchor(notation.anchor, Anchor { node: kept, weight: 1, open: false }, extent.place)
    }

    fn key(&mut self, open: &mut Open<'a>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow {
        self.watch(open, key);
        if open.depth() == 1 && open.last().is_some_and(|root| root.kept.node.is_some()) {
            let odd = syntax::misspelt(key.text.as_deref().unwrap_or_default());
            if let Some(meant) = odd.filter(|_| self.document.odd_keys.len() < super::MAX_FAULTS) {
                self.document.odd_keys.push((meant, key.clone()));
            }
        }
        let (Some(notation), Some(text)) = (notation.filter(|notation| notation.anchor != 0), &key.text) else {
            return GO_ON;
        };
        let node = self.keep(Purpose::Anchored, || scalar_node(text.clone(), notation, key.extent, None));
        self.set_anchor(notation.anchor, Anchor { node, weight: 1, open: false }, key.extent.place)
    }

    fn begin(&mut self, open: &mut Open<'a>, beginning: &Beginning) -> (Kept<'a>, Flow) {
        let &Beginning { is_map, flow, anchor, extent } = beginning;
        let template =
            flow && is_map && self.source.text.get(extent.start..).is_some_and(|rest| rest.starts_with("{{"));
        if template && !self.template {
            // One is enough: such a file has them everywhere.
            self.template = true;
            self.faults.add(FaultKind::Malformed, extent.place, syntax::template);
        }
        let begins = open.is_empty();
        let root = begins && self.root((!is_map).then_some("a list"), extent) && !template;
        let content = match (template, is_map) {
            (true, _) => NodeContent::Template,
            (false, true) => NodeContent::Map(Vec::new()),
            (false, false) => NodeContent::List(Vec::new()),
        };
        let is_key = open.expects_key();
        // An anchor at the top would have the whole file kept, for an alias that could only contain itself.
        let purpose = match (begins, is_key) {
            (true, _) => root.then_some(Purpose::Judged),
            (false, true) => None,
            (false, false) => purpose(open, anchor),
        };
        let node = purpose.and_then(|purpose| {
            let last_line = Some(extent.place.line);
            self.keep(purpose, || Node { flow, last_line, ..Node::new(content, extent) })
        });
        if root {
            self.document.root = node;
        }
        if !begins && !is_key {
            self.attach(open, node.map(|node| Child { node, place: extent.place, alias: false }));
        }
        let goes_on = self.set_anchor(anchor, Anchor { node, weight: 0, open: true }, extent.place);
        let kept = Kept {
            // What stands in a template is not kept.
            node: node.filter(|_| !template),
            purpose: purpose.unwrap_or(Purpose::Anchored),
            keys: Keys::default(),
            anchor,
            weight: 1,
        };
        (kept, goes_on)
    }

    fn end(&mut self, open: &mut Open<'a>, closed: OpenCollection<'a, Kept<'a>>, extent: Extent) {
        let OpenCollection { is_key, kept: Kept { node, keys, anchor, weight, .. }, .. } = closed;
        self.watched = self.watched.saturating_sub(keys.len());
        let mut last_line = None;
        if let Some(node) = node.and_then(|id| self.document.tree.node_mut(id)) {
            if node.flow {
                node.end = extent.end;
                node.last_line = Some(extent.last_line);
            }
            last_line = node.last_line;
        }
        if let Some(anchor) = self.anchors.get_mut(&anchor) {
            anchor.weight = weight;
            anchor.open = false;
        }
        if !is_key {
            add_weight(open, weight);
            self.ends_on(open, last_line);
        }
    }

    fn alias(
        &mut self,
        open: &mut Open<'a>,
        anchor: Option<usize>,
        extent: Extent,
    ) -> ControlFlow<(), Option<Cow<'a, str>>> {
        let Some(anchor) = anchor else {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                Texts::new(
                    "",
                    "an alias (*) of an anchor (&) that does not stand before it",
                    "an anchor before the alias, or quotes",
                )
            });
            return ControlFlow::Continue(self.follow(open, None, extent));
        };
        let (node, weight, is_open) =
            self.anchors.get(&anchor).map_or((None, 1, false), |anchor| (anchor.node, anchor.weight, anchor.open));
        if is_open {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                Texts::new("", "an alias (*) inside of its own anchor (&)", "an anchor that does not contain itself")
            });
            return ControlFlow::Continue(self.follow(open, None, extent));
        }
        self.expansion = self.expansion.saturating_add(weight);
        if node.is_none() && belongs(open) {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                let observed =
                    format!("an alias (*) of a value beyond the {MAX_ANCHORED_NODES} that are kept of anchors (&)");
                Texts::new("", observed, "the value itself")
            });
        }
        if self.expansion > MAX_EXPANSION {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                let observed = format!("aliases (*) that stand for more than {MAX_EXPANSION} values");
                Texts::new("", observed, "a file without such aliases; the rest of it was not read")
            });
            return ControlFlow::Break(());
        }
        add_weight(open, weight);
        ControlFlow::Continue(self.follow(open, node, extent))
    }
}

/// Whether a value that comes now is kept as a part of the innermost collection.
fn belongs(open: &Open<'_>) -> bool {
    let Some(collection) = open.last() else { return false };
    let judged = || {
        open.key().is_some_and(|key| key.merge || key.text.as_deref().is_some_and(|text| JUDGED_KEYS.contains(&text)))
    };
    collection.kept.node.is_some() && (open.depth() > 1 || judged())
}

/// Why a value that comes now is kept, if it is.
fn purpose(open: &Open<'_>, anchor: usize) -> Option<Purpose> {
    if belongs(open) {
        open.last().map(|collection| collection.kept.purpose)
    } else {
        (anchor != 0).then_some(Purpose::Anchored)
    }
}

fn add_weight(open: &mut Open<'_>, weight: u64) {
    if let Some(collection) = open.last_mut() {
        collection.kept.weight = collection.kept.weight.saturating_add(weight);
    }
}

/// `key_line` is the line of the key before the value: an empty value ends there.
fn scalar_node<'a>(text: Cow<'a, str>, notation: &Notation<'a>, extent: Extent, key_line: Option<u32>) -> Node<'a> {
    let kind = notation.kind(&text);
    // A block scalar ends where the next line begins, so its own last line cannot be told.
    let last_line = (!notation.is_block()).then_some(extent.last_line);
    let last_line = if extent.start == extent.end { key_line.or(last_line) } else { last_line };
    Node { last_line, ..Node::new(NodeContent::Scalar(text, kind), extent) }
}
