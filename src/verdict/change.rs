//! What a step of a fix changes, as data: so that the fix can be rehearsed on the evidence before it is done.

use crate::evidence::hybrid::Route;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// Creates the ApigeeRoute, or replaces the one with that name.
    Apply(Box<Route>),
    /// Deletes the ApigeeRoute with this name.
    Delete(String),
    /// Lists a gateway in additionalGateways of these environment groups, named as their ApigeeRouteConfigs.
    List { gateway: String, groups: Vec<String> },
    /// Lists a gateway in every virtual host of the overrides files.
    ListInFiles(String),
}
