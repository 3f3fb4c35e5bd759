//! Records how `additionalGateways` is written in the file, so that a diff can be made later without the
//! file.
//!
//! A line is kept only if it contains nothing but the key and its list, because anything else, even a
//! comment, may be secret.

use super::MAX_LINE;
use super::disclosure::looks_secret;
use super::source::Source;
use crate::evidence::overrides::GatewaysForm;
use crate::wire::yaml::{Child, Cut, Key, Node, NodeContent, Pair, ScalarKind, Tree};

/// The key, unquoted and in both kinds of quotes.
const KEYS: &[&str] = &["additionalGateways", "\"additionalGateways\"", "'additionalGateways'"];

/// Returns the form of a virtual host without the key: the line below which the key can be inserted.
pub(super) fn absent(tree: &Tree<'_>, source: &Source<'_>, entry: Child) -> GatewaysForm {
    let place = tree.node(entry.node).map_or(entry.place, |node| node.place);
    tree.node(entry.node).and_then(|node| insertion_point(tree, source, node)).unwrap_or(GatewaysForm::Other { place })
}

/// Returns the form of a key that is present.
pub(super) fn present(tree: &Tree<'_>, source: &Source<'_>, key: &Key<'_>, value: Child) -> GatewaysForm {
    let Some(node) = tree.node(value.node) else { return GatewaysForm::Other { place: value.place } };
    if node.cut != Cut::No || !source.plain_lines {
        return GatewaysForm::Other { place: node.place };
    }
    // An alias leads to the line of the anchored list. The key on that line is a different one and is not
    // known here.
    let key = if value.alias { None } else { Some(key) };
    let form = match &node.content {
        NodeContent::List(items) if node.flow => {
            key.filter(|_| items.iter().all(|item| is_name(tree, *item))).and_then(|key| flow(source, key, node))
        }
        NodeContent::List(items) => items.last().and_then(|item| block(tree, source, *item)),
        NodeContent::Scalar(_, ScalarKind::Null) => key.and_then(|key| flow(source, key, node)),
        _ => None,
    };
    form.unwrap_or(GatewaysForm::Other { place: node.place })
}

/// Returns the insertion point below the last entry whose end is known.
fn insertion_point(tree: &Tree<'_>, source: &Source<'_>, node: &Node<'_>) -> Option<GatewaysForm> {
    let NodeContent::Map(pairs) = &node.content else { return None };
    if node.flow || node.cut != Cut::No || !source.plain_lines {
        return None;
    }
    let first = pairs.first()?;
    let (before, _) = source.around(first.key.extent.start, first.key.extent.end, MAX_LINE)?;
    if !before.bytes().all(|byte| byte == b' ' || byte == b'-') {
        return None;
    }
    let indentation = first.key.extent.place.column.checked_sub(1)?;
    let after = pairs.iter().rev().find_map(|pair| last_line(tree, source, pair))?;
    Some(GatewaysForm::Absent { after, indentation })
}

fn last_line(tree: &Tree<'_>, source: &Source<'_>, pair: &Pair<'_>) -> Option<u32> {
    let line = if pair.value.alias { Some(pair.value.place.line) } else { tree.node(pair.value.node)?.last_line };
    // Nothing can be inserted below an unterminated line without changing that line.
    line.filter(|line| Some(*line) != source.line_ends.unterminated)
}

fn flow(source: &Source<'_>, key: &Key<'_>, node: &Node<'_>) -> Option<GatewaysForm> {
    let empty = node.start == node.end;
    let (start, end) = if empty { (key.extent.end, key.extent.end) } else { (node.start, node.end) };
    let (before, after) = source.around(key.extent.start, key.extent.start, MAX_LINE)?;
    let (_, rest) = source.around(start, end, MAX_LINE)?;
    let whole = before.bytes().all(|byte| byte == b' ' || byte == b'-');
    let name = source.original.get(key.extent.start..key.extent.end)?;
    let between = source.original.get(key.extent.end..start)?.trim_matches(' ');
    let separated =
        if empty { rest.trim_end_matches(' ') == ":" } else { between == ":" && rest.trim_matches(' ').is_empty() };
    if !whole || !KEYS.contains(&name) || !separated || source.original.get(start..end)?.contains('\n') {
        return None;
    }
    let text = format!("{before}{after}");
    (text.len() <= MAX_LINE && !looks_secret(&text)).then_some(GatewaysForm::Flow { line: key.extent.place.line, text })
}

fn block(tree: &Tree<'_>, source: &Source<'_>, item: Child) -> Option<GatewaysForm> {
    if !is_name(tree, item) {
        return None;
    }
    let node = tree.node(item.node)?;
    let (before, after) = source.around(node.start, node.end, MAX_LINE)?;
    let name = source.original.get(node.start..node.end)?;
    let marker = before.trim_start_matches(' ').strip_prefix('-')?;
    let unterminated = source.line_ends.unterminated == Some(node.place.line);
    if !marker.bytes().all(|byte| byte == b' ') || name.contains('\n') || (unterminated && !after.is_empty()) {
        return None;
    }
    let text = format!("{before}{name}");
    (text.len() <= MAX_LINE).then_some(GatewaysForm::Block { line: node.place.line, text })
}

/// Returns whether an item is a name that may be shown, and not an alias.
fn is_name(tree: &Tree<'_>, item: Child) -> bool {
    let node = tree.node(item.node).filter(|_| !item.alias);
    matches!(node.map(|node| &node.content), Some(NodeContent::Scalar(text, ScalarKind::Text)) if !looks_secret(text))
}
