//! The parts of a text that a visitor keeps, as nodes in one list.
//!
//! Nodes refer to each other by index, and so does an alias. Nothing is expanded, and dropping a chain of a
//! hundred thousand aliases does not recurse.

use std::borrow::Cow;

use super::{Extent, Key};
use crate::evidence::overrides::Position;

/// Index of a node in [`Tree`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct NodeId(usize);

/// All nodes kept of one text.
#[derive(Default)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

/// A value with its range in the text.
pub struct Node<'a> {
    pub content: NodeContent<'a>,
    /// Byte offsets; for a block collection only the start is valid.
    pub start: usize,
    pub end: usize,
    /// Position of the first character.
    pub place: Position,
    /// Number of the last line with content; `None` if the parser does not report it.
    pub last_line: Option<u32>,
    pub flow: bool,
    /// Why children are missing.
    pub cut: Cut,
}

/// Content of a value.
pub enum NodeContent<'a> {
    List(Vec<Child>),
    Map(Vec<Pair<'a>>),
    Scalar(Cow<'a, str>, ScalarKind),
    /// `{{`: a template that was not rendered.
    Template,
    /// An alias that was not followed: its anchor contains the alias, or the anchored value was not kept.
    Unfollowed,
}

/// The type of a scalar for a YAML 1.1 parser, because such a parser reads a values file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScalarKind {
    Boolean,
    Float,
    Integer,
    /// A literal or folded block with a line end in its text.
    LongText,
    Null,
    Text,
}

/// Why children of a node are missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    No,
    /// There are more children than the limit.
    Limit,
    /// A syntax error ended the text within the node.
    Syntax,
}

/// A reference to a value, with the position of the reference.
#[derive(Clone, Copy)]
pub struct Child {
    pub node: NodeId,
    pub place: Position,
    pub alias: bool,
}

/// An entry of a mapping.
pub struct Pair<'a> {
    pub key: Key<'a>,
    pub value: Child,
}

impl<'a> Tree<'a> {
    pub fn add(&mut self, node: Node<'a>) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id.0)
    }

    pub fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<'a>> {
        self.nodes.get_mut(id.0)
    }
}

impl ScalarKind {
    /// Returns the kind of a plain scalar.
    #[must_use]
    pub fn of_plain(text: &str) -> Self {
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
    /// Creates a complete node in block style.
    #[must_use]
    pub fn new(content: NodeContent<'a>, extent: Extent) -> Self {
        let Extent { start, end, place, last_line } = extent;
        Self { content, start, end, place, last_line: Some(last_line), flow: false, cut: Cut::No }
    }

    /// Returns the type as it reads after "found".
    #[must_use]
    pub fn described(&self) -> &'static str {
        match &self.content {
            NodeContent::List(_) => "a list",
            NodeContent::Map(_) => "a mapping",
            NodeContent::Scalar(_, ScalarKind::Boolean) => "a boolean",
            NodeContent::Scalar(_, ScalarKind::Float) => "a decimal number",
            NodeContent::Scalar(_, ScalarKind::Integer) => "an integer",
            NodeContent::Scalar(_, ScalarKind::LongText) => "a multi-line string",
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
