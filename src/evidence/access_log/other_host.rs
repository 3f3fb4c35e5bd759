//! Requests for one host on connections that were opened for another name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_KEY_BYTES, MAX_SERVER_NAMES, Span, Tally, visit_spans};
use crate::evidence::part::{Kind, Visit, Visitor};

/// Requests that arrived on a connection opened for another name. HTTP/2 clients reuse a connection for every
/// name that its certificate covers (RFC 9113 §9.1.1), but its filter chain knows only the routes of the name
/// it was opened for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OtherHost {
    /// The server names are those of the connections.
    pub tally: Tally,
    /// Hosts requested by server name of the connection, both in lower case; at most [`MAX_SERVER_NAMES`]
    /// pairs. Pairs without room are counted in the tally's `beyond`.
    pub hosts: BTreeMap<String, BTreeMap<String, Span>>,
}

impl OtherHost {
    /// Counts one request for `host` on a connection opened for `server_name`.
    pub fn count(&mut self, at: Option<(Timestamp, &str)>, client: Option<&str>, server_name: &str, host: &str) {
        self.tally.count(at, client, Some(server_name));
        if server_name.len() > MAX_KEY_BYTES || host.len() > MAX_KEY_BYTES {
            self.tally.beyond += 1;
            return;
        }
        let moment = at.map(|(moment, _)| moment);
        if let Some(span) = self.hosts.get_mut(server_name).and_then(|hosts| hosts.get_mut(host)) {
            span.count(moment);
        } else {
            let span = Span { count: 1, first: moment, last: moment };
            self.hosts.entry(server_name.to_owned()).or_default().insert(host.to_owned(), span);
            self.drop_largest();
        }
    }

    /// Adds the counts of another part of the same log.
    pub fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        for (server_name, hosts) in other.hosts {
            self.add(server_name, hosts);
        }
        self.drop_largest();
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tally.count == 0
    }

    fn add(&mut self, server_name: String, hosts: BTreeMap<String, Span>) {
        let known = self.hosts.entry(server_name).or_default();
        for (host, span) in hosts {
            known.entry(host).or_default().merge(&span);
        }
    }

    /// Dropping the largest pair keeps the rest exact in every order of reading, as in a [`Tally`].
    fn drop_largest(&mut self) {
        let mut pairs: usize = self.hosts.values().map(BTreeMap::len).sum();
        while pairs > MAX_SERVER_NAMES {
            let Some(mut last) = self.hosts.last_entry() else { break };
            self.tally.beyond += last.get_mut().pop_last().map_or(0, |(_, span)| span.count);
            if last.get().is_empty() {
                last.remove();
            }
            pairs -= 1;
        }
    }
}

impl Visit for OtherHost {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { tally, hosts } = self;
        tally.visit(visitor);
        // Two names may become one, as two hosts may.
        for (mut server_name, mut hosts) in std::mem::take(hosts) {
            visitor.string(Kind::Hostname, &mut server_name);
            visit_spans(&mut hosts, visitor, |_| Kind::Hostname);
            self.add(server_name, hosts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_names_are_the_same_in_every_order_and_split() {
        let pairs: Vec<(String, String)> = (0..MAX_SERVER_NAMES + 300)
            .map(|i| (format!("s{}", i * 7919 % 61), format!("h{}", i * 104_729 % 9001)))
            .collect();
        let count = |pairs: &mut dyn Iterator<Item = &(String, String)>| {
            let mut counted = OtherHost::default();
            pairs.for_each(|(server_name, host)| counted.count(None, None, server_name, host));
            counted
        };
        let whole = count(&mut pairs.iter().chain(&pairs));
        assert_eq!(whole.hosts.values().map(BTreeMap::len).sum::<usize>(), MAX_SERVER_NAMES);
        assert_eq!((whole.tally.count, whole.tally.beyond), (2 * (MAX_SERVER_NAMES as u64 + 300), 600));
        assert_eq!(count(&mut pairs.iter().rev().chain(&pairs)), whole);
        let (mut left, right) = (count(&mut pairs.iter()), count(&mut pairs.iter().rev()));
        left.merge(right);
        assert_eq!(left, whole);
    }
}
