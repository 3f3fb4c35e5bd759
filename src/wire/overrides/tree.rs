//! The parts of the file that are judged, as nodes in one list.
//!
//! Nodes refer to each other by number, so that an alias is a number too: nothing is expanded, and dropping a chain of a
//! hundred thousand aliases needs no stack.

use std::borrow::Cow;

use crate::evidence::overrides::Place;

/// A number in [`Tree`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct NodeId(usize);

/// All nodes that were kept of one file.
#[derive(Default)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

/// A value.
pub(super) struct Node<'a> {
    pub(super) content: Content<'a>,
    /// Bytes of the text; for a block collection only the start means something.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where it begins.
    pub(super) place: Place,
    /// The line on which its last word stands, where the parser can tell.
    pub(super) last_line: Option<u32>,
    pub(super) flow: bool,
    /// Why not all children are there.
    pub(super) cut: Cut,
}

/// What a value is.
pub(super) enum Content<'a> {
    List(Vec<Child>),
    Map(Vec<Pair<'a>>),
    Scalar(Cow<'a, str>, ScalarKind),
    /// `{{`: what a template engine should have replaced.
    Template,
    /// An alias that was not followed: it contains itself, or what it names was not kept.
    Unfollowed,
}

/// What a scalar is to a YAML 1.1 parser, which is what reads a values file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ScalarKind {
    Boolean,
    Float,
    Integer,
    /// A literal or folded block.
    LongText,
    Null,
    Text,
}

/// Why not all children of a node are there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    No,
    /// There are more than the limit.
    Limit,
    /// The file broke off in it.
    Syntax,
}

/// A reference to a value, and where the reference stands.
#[derive(Clone, Copy)]
pub(super) struct Child {
    pub(super) node: NodeId,
    pub(super) place: Place,
    pub(super) alias: bool,
}

/// An entry of a mapping.
pub(super) struct Pair<'a> {
    pub(super) key: Key<'a>,
    pub(super) value: Child,
}

/// The key of an entry.
#[derive(Clone)]
pub(super) struct Key<'a> {
    /// Nothing where the key is a list or a mapping.
    pub(super) text: Option<Cow<'a, str>>,
    /// `<<`, not in quotes.
    pub(super) merge: bool,
    pub(super) place: Place,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Tree<'a> {
    pub(super) fn add(&mut self, node: Node<'a>) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id.0)
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<'a>> {
        self.nodes.get_mut(id.0)
    }
}

impl ScalarKind {
    /// The kind of a plain scalar.
    pub(super) fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" | "yes" | "Yes" | "YES" | "no" | "No" | "NO"
            | "on" | "On" | "ON" | "off" | "Off" | "OFF" => return Self::Boolean,
            _ => {}
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return Self::Text;
        }
        if matches!(digits, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
            return Self::Float;
        }
        let plain = digits.replace('_', "");
        let whole = |prefix: &str, radix: u32| {
            plain
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)))
        };
        if whole("0x", 16) || whole("0o", 8) || whole("0b", 2) || whole("", 10) {
            return Self::Integer;
        }
        let number = plain.chars().all(|letter| letter.is_ascii_digit() || ".eE+-".contains(letter));
        if number && plain.parse::<f64>().is_ok() { Self::Float } else { Self::Text }
    }
}

impl Node<'_> {
    /// The type, as it reads in "found …".
    pub(super) fn described(&self) -> &'static str {
        match &self.content {
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
            Content::Scalar(_, ScalarKind::Boolean) => "a boolean",
            Content::Scalar(_, ScalarKind::Float) => "a number with a point",
            Content::Scalar(_, ScalarKind::Integer) => "a whole number",
            Content::Scalar(_, ScalarKind::LongText) => "a text of several lines",
            Content::Scalar(_, ScalarKind::Null) => "nothing",
            Content::Scalar(_, ScalarKind::Text) => "a string",
            Content::Template => "a template",
            Content::Unfollowed => "an alias that cannot be followed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_kind_that_a_yaml_1_1_parser_gives_them() {
        for (text, kind) in [
            ("", ScalarKind::Null),
            ("~", ScalarKind::Null),
            ("on", ScalarKind::Boolean),
            ("123", ScalarKind::Integer),
            ("-1_000", ScalarKind::Integer),
            ("0x1f", ScalarKind::Integer),
            ("1.2", ScalarKind::Float),
            ("1e3", ScalarKind::Float),
            (".inf", ScalarKind::Float),
            ("1.2.3", ScalarKind::Text),
            ("10.0.0.1", ScalarKind::Text),
            ("1a", ScalarKind::Text),
            ("-", ScalarKind::Text),
            (".", ScalarKind::Text),
            ("./certs/a.pem", ScalarKind::Text),
            ("infinity", ScalarKind::Text),
            ("dev-grp", ScalarKind::Text),
        ] {
            assert_eq!(ScalarKind::of_plain(text), kind, "{text}");
        }
    }
}
