//! Visits the YAML of the file: finds duplicate keys in every mapping, counts the expansion of every alias,
//! and keeps the judged parts in a [`Tree`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use super::disclosure::quoted_displayable;
use super::faults::{FaultText, Faults};
use super::keys::Keys;
use super::path::path;
use super::source::Source;
use super::syntax;
use super::{MAX_ANCHORED_NODES, MAX_ANCHORS, MAX_EXPANSION, MAX_JUDGED_NODES, MAX_WATCHED_KEYS};
use crate::evidence::overrides::{FaultKind, Position};
use crate::wire::yaml::{
    self, CONTINUE, Child, CollectionStart, Cut, End, Extent, Flow, Key, Node, NodeContent, NodeId, Notation,
    OpenCollection, Pair, Slot, Stack, Tree, Visitor,
};

/// The top-level keys whose values are kept.
const JUDGED_KEYS: &[&str] = &["ingressGateways", "istiod", "namespace", "org", "virtualhosts"];

/// The top-level mapping with the judged keys, and the top-level keys that may be misspelt.
pub(super) struct Document<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) root: Option<NodeId>,
    pub(super) odd_keys: Vec<(&'static str, Key<'a>)>,
    /// The first `envs[].hostAlias`.
    pub(super) environment_alias: Option<Position>,
}

/// Reads the text up to its end or the first syntax error, and keeps what was read.
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

/// The state of an open collection.
struct CollectionState<'a> {
    node: Option<NodeId>,
    purpose: Purpose,
    /// Keys of a mapping; empty for a list.
    keys: Keys<'a>,
    anchor: usize,
    /// Number of nodes in the collection, with aliases expanded.
    weight: u64,
}

/// Why a node is kept. Each purpose has a limit.
#[derive(Clone, Copy)]
enum Purpose {
    Judged,
    Anchored,
}

type Open<'a> = Stack<'a, CollectionState<'a>>;

struct Reader<'a, 's, 'f> {
    source: &'s Source<'a>,
    faults: &'f mut Faults,
    document: Document<'a>,
    anchors: HashMap<usize, Anchor>,
    /// Number of nodes kept for the judged parts and for anchors.
    kept_nodes: [usize; 2],
    /// Number of nodes that all aliases expand to.
    expansion: u64,
    /// Number of keys remembered in the open mappings.
    watched: usize,
    /// There were more keys than the limit.
    unwatched: bool,
    /// The first document that is not empty was found; only this one is judged.
    judged: bool,
    second: Option<Position>,
    documents: usize,
    /// Position of the current document.
    begin: Position,
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
            document: Document { tree: Tree::default(), root: None, odd_keys: Vec::new(), environment_alias: None },
            anchors: HashMap::new(),
            kept_nodes: [0, 0],
            expansion: 0,
            watched: 0,
            unwatched: false,
            judged: false,
            second: None,
            documents: 0,
            begin: Position::default(),
            template: false,
        }
    }

    /// Reports the faults that are known at the end of the file.
    fn finish(&mut self) {
        if let Some(second) = self.second {
            let documents = self.documents;
            self.faults.add(FaultKind::SeveralDocuments, second, || {
                let observed =
                    format!("{documents} documents (---); the first one was read; it is not known which one helm uses");
                FaultText::new("", observed, "one document")
            });
        }
        if !self.judged && !self.source.cut {
            self.faults.add(FaultKind::Malformed, Position { line: 1, column: 1 }, || {
                FaultText::new("", "only whitespace and comments", "a mapping with virtualhosts")
            });
        }
    }

    /// Ends the file early: marks the open collections as incomplete.
    fn break_off(&mut self, open: &Open<'a>) {
        for collection in open.iter() {
            if let Some(node) = collection.state.node.and_then(|id| self.document.tree.node_mut(id)) {
                node.cut = Cut::Syntax;
            }
        }
        // The fault that ended the file is reported, so an empty document must not be.
        self.judged = true;
        self.finish();
    }

    /// Handles the first value of a document. Returns whether it is the mapping to be judged.
    fn root(&mut self, odd: Option<&str>, extent: Extent) -> bool {
        self.documents += 1;
        if self.judged {
            self.second.get_or_insert(self.begin);
            return false;
        }
        self.judged = true;
        if let Some(odd) = odd {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                FaultText::new("", format!("{odd} at the top of the file"), "a mapping with virtualhosts")
            });
        }
        odd.is_none()
    }

    /// Remembers a key of the innermost mapping, and reports it if it is a duplicate.
    fn watch(&mut self, open: &mut Open<'a>, key: &Key<'a>) {
        let Some(text) = &key.text else { return };
        let place = key.extent.place;
        let first = open.last().and_then(|collection| collection.state.keys.first(text));
        if let Some(first) = first {
            self.faults.add(FaultKind::DuplicateKey, place, || {
                let (path, disclosure) = path(open);
                let last = disclosure.displayable_key(text);
                let path = if path.is_empty() { last.to_owned() } else { format!("{path}.{last}") };
                let observed = format!("{} again, first at {first}", quoted_displayable(last));
                FaultText::new(
                    path,
                    observed,
                    "each key once: in most parsers the last one wins, strict parsers refuse the file",
                )
            });
        } else if self.watched < MAX_WATCHED_KEYS {
            if let Some(collection) = open.last_mut() {
                self.watched += 1;
                collection.state.keys.remember(text.clone(), place);
            }
        } else if !self.unwatched {
            self.unwatched = true;
            self.faults.add(FaultKind::Unjudged, place, || {
                let limit = format!("at most {MAX_WATCHED_KEYS} are remembered");
                FaultText::new("", "whether later keys are duplicates", limit)
            });
        }
    }

    /// Adds a complete value to the innermost collection.
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

    /// Sets the last line of the innermost collection.
    fn ends_on(&mut self, open: &Open<'a>, last_line: Option<u32>) {
        let parent = open.last().and_then(|parent| parent.state.node);
        if let Some(parent) = parent.and_then(|id| self.document.tree.node_mut(id)) {
            parent.last_line = last_line;
        }
    }

    /// Adds a value to the node of the innermost collection, if that is kept.
    fn attach(&mut self, open: &Open<'a>, child: Option<Child>) {
        if !belongs(open) {
            return;
        }
        let Some(collection) = open.last() else { return };
        let Some(parent) = collection.state.node.and_then(|id| self.document.tree.node_mut(id)) else { return };
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
            Purpose::Judged => (&mut self.kept_nodes[0], MAX_JUDGED_NODES),
            Purpose::Anchored => (&mut self.kept_nodes[1], MAX_ANCHORED_NODES),
        };
        if *kept >= limit {
            return None;
        }
        *kept += 1;
        Some(self.document.tree.add(node()))
    }

    /// Remembers the value of an anchor. Stops the walk if there are too many anchors.
    fn set_anchor(&mut self, number: usize, anchor: Anchor, place: Position) -> Flow {
        if number != 0 {
            self.anchors.insert(number, anchor);
        }
        if self.anchors.len() <= MAX_ANCHORS {
            return CONTINUE;
        }
        self.faults.add(FaultKind::Unjudged, place, || {
            FaultText::new("", "the rest of the file", format!("at most {MAX_ANCHORS} anchors (&) are kept"))
        });
        Flow::Break(())
    }

    /// Adds an alias of this node, or of a node that cannot be followed. Returns the text of the alias if it
    /// is a key.
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
    type State = CollectionState<'a>;

    fn document(&mut self, place: Position) {
        self.begin = place;
        self.watched = 0;
    }

    fn scalar(&mut self, open: &mut Open<'a>, text: Cow<'a, str>, notation: &Notation<'a>, extent: Extent) -> Flow {
        if open.is_empty() {
            self.root(Some("a single value"), extent);
        }
        let node = purpose(open, notation.anchor).and_then(|purpose| {
            let key_line = open.key().map(|key| key.extent.place.line);
            self.keep(purpose, || scalar_node(text, notation, extent, key_line))
        });
        self.value(open, node.map(|node| Child { node, place: extent.place, alias: false }), 1);
        self.set_anchor(notation.anchor, Anchor { node, weight: 1, open: false }, extent.place)
    }

    fn key(&mut self, open: &mut Open<'a>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow {
        self.watch(open, key);
        if open.depth() == 1 && open.last().is_some_and(|root| root.state.node.is_some()) {
            let odd = syntax::misspelt(key.text.as_deref().unwrap_or_default());
            if let Some(meant) = odd.filter(|_| self.document.odd_keys.len() < super::MAX_FAULTS) {
                self.document.odd_keys.push((meant, key.clone()));
            }
        }
        if self.document.environment_alias.is_none() && is_environment_alias(open, key) {
            self.document.environment_alias = Some(key.extent.place);
        }
        let (Some(notation), Some(text)) = (notation.filter(|notation| notation.anchor != 0), &key.text) else {
            return CONTINUE;
        };
        let node = self.keep(Purpose::Anchored, || scalar_node(text.clone(), notation, key.extent, None));
        self.set_anchor(notation.anchor, Anchor { node, weight: 1, open: false }, key.extent.place)
    }

    fn begin(&mut self, open: &mut Open<'a>, beginning: &CollectionStart) -> (CollectionState<'a>, Flow) {
        let &CollectionStart { is_map, flow, anchor, extent } = beginning;
        let template =
            flow && is_map && self.source.text.get(extent.start..).is_some_and(|rest| rest.starts_with("{{"));
        if template && !self.template {
            // Reported once: a file with templates has them everywhere.
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
        // An anchor on the top-level mapping is ignored: it would keep the whole file, and its alias could
        // only be within itself.
        let purpose = match (begins, is_key) {
            (true, _) => root.then_some(Purpose::Judged),
            (false, true) => None,
            (false, false) => purpose(open, anchor),
        };
        let node = purpose.and_then(|purpose| {
            let last_line = Some(extent.place.line);
            self.keep(purpose, || Node { last_line, flow, ..Node::new(content, extent) })
        });
        if root {
            self.document.root = node;
        }
        if !begins && !is_key {
            self.attach(open, node.map(|node| Child { node, place: extent.place, alias: false }));
        }
        let flow = self.set_anchor(anchor, Anchor { node, weight: 0, open: true }, extent.place);
        let state = CollectionState {
            // The content of a template is not kept.
            node: node.filter(|_| !template),
            purpose: purpose.unwrap_or(Purpose::Anchored),
            keys: Keys::default(),
            anchor,
            weight: 1,
        };
        (state, flow)
    }

    fn end(&mut self, open: &mut Open<'a>, closed: OpenCollection<'a, CollectionState<'a>>, extent: Extent) {
        let OpenCollection { is_key, state: CollectionState { node, keys, anchor, weight, .. }, .. } = closed;
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
                FaultText::new(
                    "",
                    "an alias (*) without an anchor (&) before it",
                    "an anchor before the alias, or quotes",
                )
            });
            return ControlFlow::Continue(self.follow(open, None, extent));
        };
        let (node, weight, is_open) =
            self.anchors.get(&anchor).map_or((None, 1, false), |anchor| (anchor.node, anchor.weight, anchor.open));
        if is_open {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                FaultText::new("", "an alias (*) within its own anchor (&)", "an anchor that does not contain itself")
            });
            return ControlFlow::Continue(self.follow(open, None, extent));
        }
        self.expansion = self.expansion.saturating_add(weight);
        if node.is_none() && belongs(open) {
            self.faults.add(FaultKind::Unjudged, extent.place, || {
                let limit = format!("at most {MAX_ANCHORED_NODES} anchored values (&) are kept");
                FaultText::new("", "an alias (*)", limit)
            });
        }
        if self.expansion > MAX_EXPANSION {
            self.faults.add(FaultKind::Malformed, extent.place, || {
                let observed = format!("aliases (*) that expand to more than {MAX_EXPANSION} values");
                FaultText::new("", observed, "a file without such aliases; the rest of it was not read")
            });
            return ControlFlow::Break(());
        }
        add_weight(open, weight);
        ControlFlow::Continue(self.follow(open, node, extent))
    }
}

/// Returns whether the key is `envs[].hostAlias` or `envs[].hostAliases` of the judged document.
fn is_environment_alias(open: &Open<'_>, key: &Key<'_>) -> bool {
    let root = open.iter().next().filter(|root| root.state.node.is_some());
    let is_in_environments = |key: &Key<'_>| key.text.as_deref() == Some("envs");
    open.depth() == 3
        && matches!(key.text.as_deref(), Some("hostAlias" | "hostAliases"))
        && root.is_some_and(|root| matches!(&root.slot, Slot::Value(key) if is_in_environments(key)))
}

/// Returns whether the next value is kept as a part of the innermost collection.
fn belongs(open: &Open<'_>) -> bool {
    let Some(collection) = open.last() else { return false };
    let judged = || {
        open.key().is_some_and(|key| key.merge || key.text.as_deref().is_some_and(|text| JUDGED_KEYS.contains(&text)))
    };
    collection.state.node.is_some() && (open.depth() > 1 || judged())
}

/// Returns why the next value is kept, if it is.
fn purpose(open: &Open<'_>, anchor: usize) -> Option<Purpose> {
    if belongs(open) {
        open.last().map(|collection| collection.state.purpose)
    } else {
        (anchor != 0).then_some(Purpose::Anchored)
    }
}

fn add_weight(open: &mut Open<'_>, weight: u64) {
    if let Some(collection) = open.last_mut() {
        collection.state.weight = collection.state.weight.saturating_add(weight);
    }
}

/// Creates the node of a scalar. `key_line` is the line of its key, on which an empty value ends.
fn scalar_node<'a>(text: Cow<'a, str>, notation: &Notation<'a>, extent: Extent, key_line: Option<u32>) -> Node<'a> {
    let kind = notation.kind(&text);
    // A block scalar ends at the beginning of the next line, so its own last line is not known.
    let last_line = (!notation.is_block()).then_some(extent.last_line);
    let last_line = if extent.start == extent.end { key_line.or(last_line) } else { last_line };
    Node { last_line, ..Node::new(NodeContent::Scalar(text, kind), extent) }
}
