//! Resolves the keys of a mapping: the last of two equal keys wins, and merge keys (`<<`) add missing ones.

use std::collections::BTreeMap;

use super::MAX_VISITED_NODES;
use crate::wire::yaml::{Child, Cut, Key, NodeContent, NodeId, Tree};

/// The entries with known keys, and the keys that are not known.
#[derive(Default)]
pub(super) struct ResolvedMapping<'a> {
    pub(super) known: BTreeMap<&'static str, ResolvedEntry<'a>>,
    pub(super) unknown: Vec<Key<'a>>,
    /// Merge keys whose value is neither a mapping nor a list of mappings.
    pub(super) odd_merges: Vec<Child>,
    /// The visited mappings with missing keys, with the reason.
    pub(super) cut: Vec<(NodeId, Cut)>,
}

/// A key and its value.
#[derive(Clone)]
pub(super) struct ResolvedEntry<'a> {
    pub(super) key: Key<'a>,
    pub(super) value: Child,
    /// Index, in the order of precedence, of the mapping that contains the key.
    origin: usize,
}

/// Number of nodes that may still be visited, because aliases can multiply the nodes of a small file.
pub(super) struct NodeBudget(u32);

impl NodeBudget {
    pub(super) fn new() -> Self {
        Self(MAX_VISITED_NODES)
    }

    /// Counts one visit. Returns false if the budget is spent.
    pub(super) fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn spent(&self) -> bool {
        self.0 == 0
    }
}

/// Resolves the entries of the mapping `start`; the result is empty if it is not a mapping.
pub(super) fn resolve<'a>(
    tree: &Tree<'a>,
    start: NodeId,
    names: &[&'static str],
    budget: &mut NodeBudget,
) -> ResolvedMapping<'a> {
    let mut resolved = ResolvedMapping::default();
    let mut waiting = vec![start];
    let mut origin = 0;
    while let Some(id) = waiting.pop() {
        let Some(node) = tree.node(id) else { continue };
        let NodeContent::Map(pairs) = &node.content else { continue };
        if node.cut != Cut::No {
            resolved.cut.push((id, node.cut));
        }
        let mut merged = Vec::new();
        for pair in pairs {
            if !budget.take() {
                return resolved;
            }
            if pair.key.merge {
                merges(tree, pair.value, &mut merged, &mut resolved.odd_merges, budget);
                continue;
            }
            let text = pair.key.text.as_deref();
            let Some(name) = names.iter().find(|name| text == Some(**name)) else {
                resolved.unknown.push(pair.key.clone());
                continue;
            };
            let entry = ResolvedEntry { key: pair.key.clone(), value: pair.value, origin };
            let held = resolved.known.entry(name).or_insert_with(|| entry.clone());
            if held.origin == origin {
                *held = entry;
            }
        }
        waiting.extend(merged.into_iter().rev());
        origin += 1;
    }
    resolved
}

fn merges(tree: &Tree<'_>, value: Child, into: &mut Vec<NodeId>, odd: &mut Vec<Child>, budget: &mut NodeBudget) {
    match tree.node(value.node).map(|node| &node.content) {
        Some(NodeContent::Map(_)) => into.push(value.node),
        Some(NodeContent::List(items)) => {
            for item in items {
                if !budget.take() {
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
