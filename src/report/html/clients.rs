//! The clients that were reset, ranked, with what their addresses are known to be.

use super::parts::{grouped, maybe_time, rest};
use crate::judgement::summary::{ClientResets, NameResets, Resets, Rest};

/// Maximum number of clients and of server names.
const MAX_CLIENTS: usize = 200;
const MAX_NAMES: usize = 50;
/// Maximum number of pods and files.
const MAX_LOGS: usize = 100;

/// The clients of the logs, and the names that were reset.
#[derive(Clone, Debug)]
pub(super) struct ClientsView<'a> {
    pub(super) clients: Vec<ClientView<'a>>,
    pub(super) rest: Option<String>,
    pub(super) names: Vec<NameView<'a>>,
    pub(super) other_names: Option<String>,
    pub(super) logs: Vec<LogView<'a>>,
    pub(super) other_logs: Option<String>,
}

/// One client.
#[derive(Clone, Debug)]
pub(super) struct ClientView<'a> {
    pub(super) rank: usize,
    pub(super) address: &'a str,
    pub(super) who: String,
    pub(super) count: String,
    pub(super) without_sni: String,
    /// Share of all resets as a length of the picture, in percent.
    pub(super) share: u64,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) served: String,
}

/// The log of one pod, or one file.
#[derive(Clone, Debug)]
pub(super) struct LogView<'a> {
    pub(super) origin: &'a str,
    pub(super) count: String,
    pub(super) without_sni: String,
    /// Share of all resets, in percent.
    pub(super) share: u64,
}

/// One server name.
#[derive(Clone, Debug)]
pub(super) struct NameView<'a> {
    pub(super) name: &'a str,
    pub(super) count: String,
    pub(super) first: String,
    pub(super) last: String,
}

impl<'a> ClientsView<'a> {
    pub(super) fn of(resets: &'a Resets) -> Self {
        let listed = resets.clients.iter().take(MAX_CLIENTS);
        let clients = listed.enumerate().map(|(i, client)| ClientView::of(client, i + 1, resets.total)).collect();
        let counted = |client: &ClientResets| client.count;
        let left_out = resets.clients.iter().skip(MAX_CLIENTS).map(counted).fold(0, u64::saturating_add);
        let hidden = resets.clients.len().saturating_sub(MAX_CLIENTS);
        let counted = |name: &NameResets| name.count;
        let names_out = resets.server_names.iter().skip(MAX_NAMES).map(counted).fold(0, u64::saturating_add);
        let pods = resets.pods.iter().map(|of| (of.pod.as_str(), of.count, of.without_server_name));
        let files = resets.files.iter().map(|of| (of.file.as_str(), of.count, of.without_server_name));
        let logs = pods.chain(files).take(MAX_LOGS).map(|(origin, count, without_sni)| LogView {
            origin,
            count: grouped(count),
            without_sni: grouped(without_sni),
            share: share(count, resets.total),
        });
        Self {
            clients,
            logs: logs.collect(),
            other_logs: rest((resets.pods.len() + resets.files.len()).saturating_sub(MAX_LOGS) as u64, "log"),
            rest: remaining(hidden, left_out, resets.other_clients, "client"),
            names: resets.server_names.iter().take(MAX_NAMES).map(NameView::of).collect(),
            other_names: remaining(
                resets.server_names.len().saturating_sub(MAX_NAMES),
                names_out,
                resets.other_server_names,
                "server name",
            ),
        }
    }
}

/// Returns `and 19800 more clients; all others together have 300,000 resets`; `None` where nothing is left
/// out. Logs count a limited number of clients apart, so there may be others.
fn remaining(hidden: usize, resets: u64, other: Rest, noun: &str) -> Option<String> {
    let entries = (hidden as u64).saturating_add(other.entries);
    let resets = resets.saturating_add(other.resets);
    match rest(entries, noun) {
        Some(entries) => Some(format!("{entries}; all others together have {} resets", grouped(resets))),
        None if resets > 0 => Some(format!("and {} resets without a known {noun}", grouped(resets))),
        None => None,
    }
}

fn share(count: u64, total: u64) -> u64 {
    count.saturating_mul(100).div_ceil(total.max(1)).min(100)
}

impl<'a> ClientView<'a> {
    fn of(client: &'a ClientResets, rank: usize, total: u64) -> Self {
        let served = client.also_served.as_ref().map_or_else(
            || "–".to_owned(),
            |served| format!("{}, last {}", grouped(served.without_server_name), maybe_time(served.last)),
        );
        Self {
            rank,
            address: &client.address,
            who: client.who.to_string(),
            count: grouped(client.count),
            without_sni: grouped(client.without_server_name),
            share: share(client.count, total),
            first: maybe_time(client.first),
            last: maybe_time(client.last),
            served,
        }
    }
}

impl<'a> NameView<'a> {
    fn of(name: &'a NameResets) -> Self {
        Self {
            name: &name.name,
            count: grouped(name.count),
            first: maybe_time(name.first),
            last: maybe_time(name.last),
        }
    }
}
