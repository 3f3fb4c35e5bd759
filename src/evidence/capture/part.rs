//! Captures as a part of the evidence, and the texts and addresses in them.
//!
//! What a capture lacks is not a [`Gap`]: no source can be requested for it. Judgements list it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::{
    Capture, CaptureFile, Damage, FlowTally, Group, Keys, LimitsReached, PacketPlace, Signature, Summary, Traffic,
};
use crate::evidence::Source;
use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor};

impl Part for Vec<Capture> {
    fn name(&self) -> &'static str {
        "captures"
    }

    /// Empty: the user gives the files.
    fn sources(&self) -> &'static [Source] {
        &[]
    }

    fn not_gathered(_why: &str) -> Self {
        Self::new()
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        Vec::new()
    }

    fn counts(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(self.iter().flat_map(|capture| {
            let Summary { flows, with_hello, completed, other_groups, groups, .. } = &capture.summary;
            let of_groups = groups.iter().map(|group| group.tally.flows);
            [*flows, *with_hello, *completed, *other_groups, capture.elsewhere, capture.own]
                .into_iter()
                .chain(of_groups)
        }))
    }
}

impl Visit for Capture {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { files, interrupted: _, traffic, unread, limits, keys, elsewhere: _, own: _, summary } = self;
        files.visit(visitor);
        let Traffic {
            packets: _,
            tcp_segments: _,
            stray_segments: _,
            cut_packets: _,
            fragments: _,
            udp_datagrams: _,
            quic_flows: _,
            dtls_flows: _,
        } = traffic;
        visitor.keys(Kind::Word, unread);
        let LimitsReached { flows_evicted: _, segments_dropped: _, chains_not_described: _, packets_not_written: _ } =
            limits;
        if let Some(keys) = keys {
            let Keys { lines: _, decrypted: _, dropped: _, unread: _ } = keys;
        }
        summary.visit(visitor);
    }
}

impl Visit for CaptureFile {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, format, compressed: _, packets: _, first_at: _, last_at: _, misplaced: _, damage } = self;
        visitor.string(Kind::File, name);
        visitor.string(Kind::Word, format);
        if let Some(Damage { offset: _, packets: _, cut: _, what }) = damage {
            visitor.string(Kind::Text, what);
        }
    }
}

impl Visit for Summary {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            flows: _,
            with_hello: _,
            completed: _,
            groups,
            other_groups: _,
            clients,
            other_clients: _,
            server_names,
            other_server_names: _,
            minutes: _,
            other_minutes: _,
        } = self;
        groups.visit(visitor);
        addresses(visitor, clients);
        visitor.keys(Kind::Hostname, server_names);
    }
}

impl Visit for Group {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { signature, tally } = self;
        let Signature {
            outcome: _,
            name: _,
            offered,
            lowest,
            chosen,
            preface: _,
            speaks: _,
            warned: _,
            certificate_requested: _,
            client_certificate: _,
            hello_unclear: _,
            uncaptured: _,
        } = signature;
        visitor.strings(Kind::Word, [offered, lowest, chosen].into_iter().flatten());
        tally.visit(visitor);
    }
}

impl Visit for FlowTally {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            flows: _,
            first,
            first_at: _,
            last_at: _,
            filter,
            clients,
            other_clients: _,
            servers,
            server_names,
            other_server_names: _,
            requested_authorities,
            sample,
            foreign_resets: _,
        } = self;
        let PacketPlace { file: _, number: _ } = first;
        visitor.string(Kind::Text, filter);
        addresses(visitor, clients);
        addresses(visitor, servers);
        visitor.keys(Kind::Hostname, server_names);
        for authority in requested_authorities {
            visitor.distinguished_name(authority, &[]);
        }
        visitor.strings(Kind::Text, sample);
    }
}

/// Passes the address of each key to the visitor.
fn addresses<K: Address, V>(visitor: &mut dyn Visitor, map: &mut BTreeMap<K, V>) {
    let renamed = std::mem::take(map).into_iter().map(|(key, value)| (key.visited(visitor), value));
    *map = renamed.collect();
}

/// A key with an address.
trait Address: Ord {
    fn visited(self, visitor: &mut dyn Visitor) -> Self;
}

impl Address for IpAddr {
    fn visited(mut self, visitor: &mut dyn Visitor) -> Self {
        visitor.address(&mut self);
        self
    }
}

impl Address for SocketAddr {
    fn visited(self, visitor: &mut dyn Visitor) -> Self {
        Self::new(self.ip().visited(visitor), self.port())
    }
}
