//! Counts the connections of a capture by outcome, client, server name and minute.
//!
//! Every map has a named limit; flows beyond it are counted as such, so that the total is always complete.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::{ClientChain, Flow, Outcome, PacketPlace, Preface, ServerName};
use crate::evidence::access_log::Span;
use crate::evidence::handshake::{NotTls, Party};

/// Maximum number of groups. They are combinations of few values; hostile captures can have more.
const MAX_GROUPS: usize = 256;
/// Maximum number of clients, server names and minutes that are counted separately.
const MAX_CLIENTS: usize = 2048;
const MAX_NAMES: usize = 2048;
const MAX_MINUTES: usize = 1440;
/// Maximum number of clients, names and servers that a [`FlowTally`] lists.
const MAX_LISTED: usize = 32;
/// Seconds of a minute.
const MINUTE: i64 = 60;

/// Counts of flows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// All TCP connections that the filters let through.
    pub flows: u64,
    /// Those with a ClientHello.
    pub with_hello: u64,
    pub completed: u64,
    /// By what happened, the most frequent first.
    pub groups: Vec<Group>,
    /// Flows of further groups.
    pub other_groups: u64,
    pub clients: BTreeMap<IpAddr, Count>,
    pub other_clients: u64,
    /// By server_name; the empty string means that none was sent.
    pub server_names: BTreeMap<String, Count>,
    pub other_server_names: u64,
    /// By the minute in which the flow began.
    pub minutes: BTreeMap<Timestamp, Count>,
    pub other_minutes: u64,
}

/// Flows and how many of them completed their handshake.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    pub flows: u64,
    pub completed: u64,
}

/// Everything of a flow that its judgement depends on.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signature {
    pub outcome: Outcome,
    pub name: NameKind,
    /// The highest version offered, as `TLSv1.3`.
    pub offered: Option<String>,
    /// The lowest version offered. A ClientHello before TLS 1.3 names only its highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<String>,
    /// The version of the ServerHello.
    pub chosen: Option<String>,
    pub preface: Option<Preface>,
    /// The protocol of the client's first bytes, if they are not TLS.
    pub speaks: Option<NotTls>,
    /// The number of an alert that the server sent as a warning before.
    pub warned: Option<u8>,
    /// The server requested a client certificate in clear.
    pub certificate_requested: bool,
    pub client_certificate: ClientChainKind,
    /// A ClientHello that is cut or malformed.
    pub hello_unclear: bool,
    /// The side of which the capture holds no packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncaptured: Option<Party>,
}

/// Whether a server_name was sent.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NameKind {
    /// There is no ClientHello.
    NoHello,
    Sent,
    Address,
    Encrypted,
    None,
    Unknown,
}

/// Whether a client sent a certificate in clear.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientChainKind {
    NotSeen,
    Empty,
    Sent,
}

/// The flows with the same signature.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    pub signature: Signature,
    #[serde(flatten)]
    pub tally: FlowTally,
}

/// How many flows have something in common, where the first of them is, and who took part.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowTally {
    pub flows: u64,
    /// Position of the first packet of the first flow.
    pub first: PacketPlace,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The Wireshark display filter that shows the first flow.
    pub filter: String,
    /// Counts by client, with the times when its first and its last flow began.
    pub clients: BTreeMap<IpAddr, Span>,
    /// Flows of clients that `clients` does not list.
    pub other_clients: u64,
    pub servers: BTreeMap<SocketAddr, u64>,
    /// By server_name; the empty string means that none was sent.
    pub server_names: BTreeMap<String, u64>,
    /// Flows with server names that `server_names` does not list.
    pub other_server_names: u64,
    /// The CAs that the first CertificateRequest among them names.
    pub requested_authorities: Vec<String>,
    /// A sample of the first bytes that are not TLS, at most 64 printable characters.
    pub sample: Option<String>,
    /// Flows whose RST has another time to live than the server's other packets.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub foreign_resets: u64,
}

impl Summary {
    /// Counts a flow.
    pub fn add(&mut self, flow: &Flow) {
        self.flows += 1;
        let completed = u64::from(flow.outcome.is_complete());
        self.with_hello += u64::from(flow.hello.is_some());
        self.completed += completed;
        self.group(flow);
        let count = |entry: Option<&mut Count>, other: &mut u64| match entry {
            Some(entry) => {
                entry.flows += 1;
                entry.completed += completed;
            }
            None => *other += 1,
        };
        count(slot(&mut self.clients, &flow.client.ip(), MAX_CLIENTS), &mut self.other_clients);
        count(slot(&mut self.minutes, &minute(flow.started_at), MAX_MINUTES), &mut self.other_minutes);
        if let Some(name) = flow.hello.as_ref().and_then(|hello| hello.server_name.text()) {
            count(named(&mut self.server_names, name, MAX_NAMES), &mut self.other_server_names);
        }
    }

    /// Sorts the groups. Call it when all flows are counted.
    pub fn finish(&mut self) {
        self.groups.sort_by(|one, other| one.tally.most_frequent_first(&other.tally));
    }

    fn group(&mut self, flow: &Flow) {
        // There are few groups, and usually one of the first matches.
        let known = self.groups.iter().position(|group| group.signature.is_of(flow));
        let group = match known {
            Some(position) => self.groups.get_mut(position),
            None if self.groups.len() >= MAX_GROUPS => None,
            None => {
                self.groups.push(Group { signature: Signature::of(flow), tally: FlowTally::beginning_with(flow) });
                self.groups.last_mut()
            }
        };
        match group {
            Some(group) => group.tally.add(flow),
            None => self.other_groups += 1,
        }
    }
}

impl FlowTally {
    /// Returns the tally of no flow yet, with the properties of the first one.
    fn beginning_with(flow: &Flow) -> Self {
        Self {
            flows: 0,
            first: flow.first_packet,
            first_at: flow.started_at,
            last_at: flow.started_at,
            filter: flow.filter.clone(),
            clients: BTreeMap::new(),
            other_clients: 0,
            servers: BTreeMap::new(),
            server_names: BTreeMap::new(),
            other_server_names: 0,
            requested_authorities: flow.certificate_request.clone().unwrap_or_default(),
            sample: flow.sample.clone(),
            foreign_resets: 0,
        }
    }

    fn add(&mut self, flow: &Flow) {
        self.flows += 1;
        self.foreign_resets += u64::from(flow.foreign_reset.is_some());
        if flow.first_packet < self.first {
            self.first = flow.first_packet;
            self.filter.clone_from(&flow.filter);
        }
        self.first_at = self.first_at.min(flow.started_at);
        self.last_at = self.last_at.max(flow.started_at);
        match slot(&mut self.clients, &flow.client.ip(), MAX_LISTED) {
            Some(span) => span.count(Some(flow.started_at)),
            None => self.other_clients += 1,
        }
        if let Some(count) = slot(&mut self.servers, &flow.server, MAX_LISTED) {
            *count += 1;
        }
        if let Some(name) = flow.hello.as_ref().and_then(|hello| hello.server_name.text()) {
            *named(&mut self.server_names, name, MAX_LISTED).unwrap_or(&mut self.other_server_names) += 1;
        }
    }

    /// Orders by the number of flows, the most frequent first, then by the position in the capture.
    #[must_use]
    pub fn most_frequent_first(&self, other: &Self) -> Ordering {
        other.flows.cmp(&self.flows).then(self.first.cmp(&other.first))
    }

    /// Adds the flows of another tally.
    pub fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        self.foreign_resets += other.foreign_resets;
        if other.first < self.first {
            self.first = other.first;
            self.filter.clone_from(&other.filter);
        }
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.other_clients += other.other_clients;
        for (client, span) in &other.clients {
            match slot(&mut self.clients, client, MAX_LISTED) {
                Some(sum) => sum.merge(span),
                None => self.other_clients += span.count,
            }
        }
        self.other_server_names += other.other_server_names;
        for (name, count) in &other.server_names {
            *slot(&mut self.server_names, name, MAX_LISTED).unwrap_or(&mut self.other_server_names) += count;
        }
        for (server, count) in &other.servers {
            if let Some(sum) = slot(&mut self.servers, server, MAX_LISTED) {
                *sum += count;
            }
        }
        if self.requested_authorities.is_empty() {
            self.requested_authorities.clone_from(&other.requested_authorities);
        }
        self.sample = self.sample.take().or_else(|| other.sample.clone());
    }
}

impl ServerName {
    /// The name or address; empty for none, absent where it is not known.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Sent(name) | Self::Address(name) => Some(name),
            Self::None => Some(""),
            Self::Encrypted | Self::Unknown => None,
        }
    }

    #[must_use]
    pub fn kind(&self) -> NameKind {
        match self {
            Self::Sent(_) => NameKind::Sent,
            Self::Address(_) => NameKind::Address,
            Self::Encrypted => NameKind::Encrypted,
            Self::None => NameKind::None,
            Self::Unknown => NameKind::Unknown,
        }
    }
}

impl ClientChain {
    #[must_use]
    pub fn kind(&self) -> ClientChainKind {
        match self {
            Self::NotSeen => ClientChainKind::NotSeen,
            Self::Empty => ClientChainKind::Empty,
            Self::Sent(_) => ClientChainKind::Sent,
        }
    }
}

impl Signature {
    /// Returns what the judgement of `flow` depends on.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        let hello = flow.hello.as_ref();
        Self {
            outcome: flow.outcome,
            name: hello.map_or(NameKind::NoHello, |hello| hello.server_name.kind()),
            offered: flow.offered().map(str::to_owned),
            lowest: flow.lowest().map(str::to_owned),
            chosen: flow.chosen().map(str::to_owned),
            preface: flow.preface,
            speaks: flow.speaks,
            warned: flow.warned,
            certificate_requested: flow.certificate_request.is_some(),
            client_certificate: flow.client_certificate.kind(),
            hello_unclear: flow.hello_unclear(),
            uncaptured: flow.uncaptured,
        }
    }

    /// Returns whether `flow` has this signature, like a comparison with [`Self::of`], without allocating
    /// one.
    #[must_use]
    pub fn is_of(&self, flow: &Flow) -> bool {
        self.outcome == flow.outcome
            && self.name == flow.hello.as_ref().map_or(NameKind::NoHello, |hello| hello.server_name.kind())
            && self.offered.as_deref() == flow.offered()
            && self.lowest.as_deref() == flow.lowest()
            && self.chosen.as_deref() == flow.chosen()
            && self.preface == flow.preface
            && self.speaks == flow.speaks
            && self.warned == flow.warned
            && self.certificate_requested == flow.certificate_request.is_some()
            && self.client_certificate == flow.client_certificate.kind()
            && self.hello_unclear == flow.hello_unclear()
            && self.uncaptured == flow.uncaptured
    }
}

/// Returns the count of a key, if it is known or there is room for it.
fn slot<'a, K: Clone + Ord, V: Default>(map: &'a mut BTreeMap<K, V>, key: &K, limit: usize) -> Option<&'a mut V> {
    if map.len() >= limit && !map.contains_key(key) {
        return None;
    }
    Some(map.entry(key.clone()).or_default())
}

/// Like [`slot`], for a name, which is copied only if it is new.
fn named<'a, V: Default>(map: &'a mut BTreeMap<String, V>, name: &str, limit: usize) -> Option<&'a mut V> {
    if !map.contains_key(name) {
        if map.len() >= limit {
            return None;
        }
        map.insert(name.to_owned(), V::default());
    }
    map.get_mut(name)
}

fn minute(at: Timestamp) -> Timestamp {
    // Seconds are rounded towards 1970.
    let seconds = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(seconds - seconds.rem_euclid(MINUTE)).unwrap_or(Timestamp::MIN)
}
