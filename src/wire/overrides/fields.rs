//! The keys of a mapping as they hold in the end: the last of two wins, merge keys (`<<`) give what is missing.

use std::collections::BTreeMap;

use super::MAX_STEPS;
use crate::wire::yaml::{Child, Cut, Key, NodeContent, NodeId, Tree};

/// What was found under the known keys, and what else there was.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) known: BTreeMap<&'static str, Field<'a>>,
    pub(super) unknown: Vec<Key<'a>>,
    /// Merge keys whose value is neither a mapping nor a list of mappings.
    pub(super) odd_merges: Vec<Child>,
    /// The mappings that were read and have not all their keys, with the reason.
    pub(super) cut: Vec<(NodeId, Cut)>,
}

/// A key and its value.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) key: Key<'a>,
    pub(super) value: Child,
    /// The number of the mapping, in the order of precedence, that it stands in.
    origin: usize,
}

/// How many nodes may still be looked at: aliases can make a small file a long walk.
pub(super) struct Steps(u32);

impl Steps {
    pub(super) fn new() -> Self {
        Self(MAX_STEPS)
    }

    /// Takes one step; false where there is none left.
    pub(super) fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn spent(&self) -> bool {
        self.0 == 0
    }
}

/// Reads the mapping `start`, if it is one.
pub(super) fn fields<'a>(tree: &Tree<'a>, start: NodeId, names: &[&'static str], steps: &mut Steps) -> Fields<'a> {
    let mut fields = Fields::default();
    let mut waiting = vec![start];
    let mut origin = 0;
    while let Some(id) = waiting.pop() {
        let Some(node) = tree.node(id) else { continue };
        let NodeContent::Map(pairs) = &node.content else { continue };
        if node.cut != Cut::No {
            fields.cut.push((id, node.cut));
        }
        let mut merged = Vec::new();
        for pair in pairs {
            if !steps.take() {
                return fields;
            }
            if pair.key.merge {
                merges(tree, pair.value, &mut merged, &mut fields.odd_merges, steps);
                continue;
            }
            let text = pair.key.text.as_deref();
            let Some(name) = names.iter().find(|name| text == Some(**name)) else {
                fields.unknown.push(pair.key.clone());
                continue;
            };
            let field = Field { key: pair.key.clone(), value: pair.value, origin };
            let held = fields.known.entry(name).or_insert_with(|| field.clone());
            if held.origin == origin {
                *held = field;
            }
        }
        waiting.extend(merged.into_iter().rev());
        origin += 1;
    }
    fields
}

fn merges(tree: &Tree<'_>, value: Child, into: &mut Vec<NodeId>, odd: &mut Vec<Child>, steps: &mut Steps) {
    match tree.node(value.node).map(|node| &node.content) {
        Some(NodeContent::Map(_)) => into.push(value.node),
        Some(NodeContent::List(items)) => {
            for item in items {
                if !steps.take() {
                    return;
                }
                match tree.node(item.node).map(|node| &node.content) {
                    Some(NodeContent::Map(_)) => into.push(item.node),
                    _ => odd.push(*item),
                }
            }
        }
        _ => odd.push(value),
    }
}
