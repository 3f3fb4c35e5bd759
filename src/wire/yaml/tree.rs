//! Parts of a text that a visitor keeps, as nodes in one list.
//!
//! Nodes refer to each other by number, so that an alias is a number too: nothing is expanded, and dropping a
//! chain of a hundred thousand aliases needs no stack.

use std::borrow::Cow;

use super::{Extent, Key};
use crate::evidence::overrides::Place;

/// A number in [`Tree`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct NodeId(usize);

/// All nodes that were kept of one text.
#[derive(Default)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

/// A value.
pub(crate) struct Node<'a> {
    pub(crate) content: NodeContent<'a>,
    /// Bytes of the text; for a block collection only the start means something.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where it begins.
    pub(crate) place: Place,
    /// The line on which its last word stands, where the parser can tell.
    pub(crate) last_line: Option<u32>,
    pub(crate) flow: bool,
    /// Why not all children are there.
    pub(crate) cut: Cut,
}

/// What a value is.
pub(crate) enum NodeContent<'a> {
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
pub(crate) enum ScalarKind {
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
pub(crate) enum Cut {
    No,
    /// There are more than the limit.
    Limit,
    /// The text broke off in it.
    Syntax,
}

/// A reference to a value, and where the reference stands.
#[derive(Clone, Copy)]
pub(crate) struct Child {
    pub(crate) node: NodeId,
    pub(crate) place: Place,
    pub(crate) alias: bool,
}

/// An entry of a mapping.
pub(crate) struct Pair<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) value: Child,
}

impl<'a> Tree<'a> {
    pub(crate) fn add(&mut self, node: Node<'a>) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id.0)
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<'a>> {
        self.nodes.get_mut(id.0)
    }
}

impl ScalarKind {
    /// The kind of a plain scalar.
    pub(crate) fn of_plain(text: &str) -> Self {
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
        let number = digits.replace('_', "");
        let whole = |prefix: &str, radix: u32| {
            number
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)))
        };
        if whole("0x", 16) || whole("0o", 8) || whole("0b", 2) || whole("", 10) {
            return Self::Integer;
        }
        let is_number = number.chars().all(|character| character.is_ascii_digit() || ".eE+-".contains(character));
        if is_number && number.parse::<f64>().is_ok() { Self::Float } else { Self::Text }
    }
}

impl<'a> Node<'a> {
    /// A node that is whole, and not in brackets.
    pub(crate) fn new(content: NodeContent<'a>, extent: Extent) -> Self {
        let Extent { start, end, place, last_line } = extent;
        Self { content, start, end, place, last_line: Some(last_line), flow: false, cut: Cut::No }
    }

    /// The type, as it reads in "found …".
    pub(crate) fn described(&self) -> &'static str {
        match &self.content {
            NodeContent::List(_) => "a list",
            NodeContent::Map(_) => "a mapping",
            NodeContent::Scalar(_, ScalarKind::Boolean) => "a boolean",
            NodeContent::Scalar(_, ScalarKind::Float) => "a number with a point",
            NodeContent::Scalar(_, ScalarKind::Integer) => "a whole number",
            NodeContent::Scalar(_, ScalarKind::LongText) => "a text of several lines",
            NodeContent::Scalar(_, ScalarKind::Null) => "nothing",
            NodeContent::Scalar(_, ScalarKind::Text) => "a string",
            NodeContent::Template => "a template",
            NodeContent::Unfollowed => "an alias that cannot be followed",
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
