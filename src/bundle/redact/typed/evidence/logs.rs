//! What the access logs showed, field by field.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Walk;
use crate::evidence::access_log::{OtherHost, OwnRecords, Span, Tally};
use crate::evidence::{AccessLog, LogOrigin, LogStream};

impl Walk<'_> {
    pub(super) fn log(&mut self, stream: &mut LogStream) {
        let LogStream { origin, log, cut } = stream;
        match origin {
            LogOrigin::Container { pod, container } => self.texts([pod, container]),
            LogOrigin::File(name) => self.text(name),
        }
        self.seen(log, |walk, log| {
            let AccessLog {
                bytes: _,
                lines: _,
                records: _,
                foreign_records: _,
                text_records: _,
                lacking,
                other_forms: _,
                proxy_lines: _,
                broken_lines: _,
                begins_with_record: _,
                first: _,
                last: _,
                reset_without_name,
                reset_with_name,
                served_without_name,
                unrouted_without_name,
                other_host: OtherHost { tally: other_host, hosts },
                own: OwnRecords { count: _, last: _, names, nameless: _ },
            } = log;
            // Evidence that was read from a file may hold anything here.
            *lacking = std::mem::take(lacking)
                .into_iter()
                .map(|mut operator| {
                    walk.text(&mut operator);
                    operator
                })
                .collect();
            let tallies = [reset_without_name, reset_with_name, served_without_name, unrouted_without_name, other_host];
            for tally in tallies {
                let Tally { count: _, first: _, last: _, clients, server_names, minutes: _, beyond: _ } = tally;
                walk.spans(clients, |walk, client| match client.parse::<IpAddr>() {
                    Ok(_) => walk.host(client),
                    Err(_) => walk.text(client),
                });
                walk.spans(server_names, Self::host);
            }
            walk.keys(names, Self::host);
            walk.keys(hosts, Self::host);
            hosts.values_mut().for_each(|hosts| walk.spans(hosts, Self::host));
        });
        self.unavailables(cut);
    }

    /// Where two share a pseudonym, their counts are added.
    fn spans(&mut self, spans: &mut BTreeMap<String, Span>, each: impl Fn(&mut Self, &mut String)) {
        for (mut key, span) in std::mem::take(spans) {
            each(self, &mut key);
            spans.entry(key).or_default().merge(&span);
        }
    }
}
