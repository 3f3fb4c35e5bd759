//! Connections of packet captures, by kind: those of each check, those that the access logs have too, and
//! what the captures do not show.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use jiff::{SignedDuration, Timestamp};

use super::{HealthChecks, count, is_google_front_end, logs, pods, routes, services, some_of, without_sni};
use crate::checks::captured::{self, Kind, Standing};
use crate::checks::{Code, Finding, Judgement, Kind as ObjectKind, Location, Object, Outcome, codes};
use crate::evidence::access_log::Span;
use crate::evidence::capture::{Capture, FlowTally, Group, NameKind, Outcome as Ended, Summary};
use crate::evidence::handshake::{Party, Stage};
use crate::evidence::hybrid::{IngressPod, Service};
use crate::evidence::{Evidence, Reason, Unavailable};

/// Tolerance between the time of a connection in a capture and in the access log.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(2);

/// Connections of one kind in one capture.
pub(crate) struct Captured<'a> {
    pub(crate) capture: &'a Capture,
    pub(crate) kind: Kind,
    pub(crate) tally: FlowTally,
}

impl Captured<'_> {
    /// The file with the first connection.
    pub(crate) fn file(&self) -> &str {
        let files = &self.capture.files;
        usize::try_from(self.tally.first.file).ok().and_then(|file| files.get(file)).map_or("-", |file| &file.name)
    }

    /// `3 connections from 10.138.0.28 (2), 10.138.0.31 (1)`
    pub(crate) fn who(&self) -> String {
        let FlowTally { flows, clients, other_clients, .. } = &self.tally;
        let mut clients: Vec<(&IpAddr, &Span)> = clients.iter().collect();
        clients.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(other.0)));
        let named: Vec<String> = match clients.as_slice() {
            [(only, _)] if *other_clients == 0 => vec![only.to_string()],
            several => several.iter().map(|(client, span)| format!("{client} ({})", span.count)).collect(),
        };
        let others = if *other_clients == 0 { "" } else { " and others" };
        format!("{} from {}{others}", count(*flows, "connection"), some_of(&named))
    }

    /// The finding about these connections.
    pub(in crate::checks) fn finding(&self) -> Finding {
        let message = format!("{}: {}", self.who(), self.kind.sentence);
        self.saying(Object::new(ObjectKind::File, self.file()), message)
    }

    fn saying(&self, object: Object, message: String) -> Finding {
        let observed = format!("{}, Wireshark filter {}", self.place(), self.tally.filter);
        Finding::new(object, Location::Packet { number: self.tally.first.number }, message, observed, EXPECTED)
    }

    /// `packet 17 of gateway.pcap`
    pub(crate) fn place(&self) -> String {
        format!("packet {} of {}", self.tally.first.number, self.file())
    }
}

const EXPECTED: &str = "a completed handshake";

/// Returns the kinds of connections of a capture without the routes: failures first, the most frequent
/// first. Those that filters left out are not among them, and show what their servers do.
pub(crate) fn kinds_of(capture: &Capture, left_out: &Summary) -> Vec<(Kind, FlowTally)> {
    sorted(groups(capture), &Servers::without_routes(groups(capture).chain(&left_out.groups)))
}

/// Returns the kinds of connections of all captures of the evidence.
pub(crate) fn kinds(evidence: &Evidence) -> Vec<Captured<'_>> {
    kinds_among(evidence, |_| true)
}

/// Returns the connections of the kinds that have this check.
pub(crate) fn found(evidence: &Evidence, code: Code) -> Vec<Captured<'_>> {
    kinds_among(evidence, |kind| kind.code == Some(code))
}

/// Returns the kinds that are wanted. The groups of others are neither merged nor copied.
fn kinds_among(evidence: &Evidence, is_wanted: impl Fn(&Kind) -> bool) -> Vec<Captured<'_>> {
    let servers = Servers::of(evidence);
    let of = |capture| {
        let wanted = groups(capture).filter(|group| is_wanted(&servers.judge(group)));
        let kinds: Vec<_> = sorted(wanted, &servers);
        kinds.into_iter().map(move |(kind, tally)| Captured { capture, kind, tally })
    };
    evidence.captures.iter().flat_map(of).collect()
}

fn sorted<'a>(groups: impl IntoIterator<Item = &'a Group>, servers: &Servers) -> Vec<(Kind, FlowTally)> {
    let mut kinds: Vec<(Kind, FlowTally)> = Vec::new();
    for group in groups {
        let kind = servers.judge(group);
        // Several groups may have the same sentence.
        match kinds.iter_mut().find(|(known, _)| known.sentence == kind.sentence) {
            Some((_, tally)) => tally.merge(&group.tally),
            None => kinds.push((kind, group.tally.clone())),
        }
    }
    kinds.sort_by(|(one, tally), (other, other_tally)| {
        let rank = |kind: &Kind| match kind.standing {
            Standing::Failed(_) => 0,
            Standing::Unknown => 1,
            Standing::Good => 2,
            Standing::Beside => 3,
        };
        rank(one).cmp(&rank(other)).then(tally.most_frequent_first(other_tally))
    });
    kinds
}

fn groups(capture: &Capture) -> impl Iterator<Item = &Group> {
    capture.summary.groups.iter()
}

/// Judges by the kinds of connections that have this check.
pub(in crate::checks) fn judge(evidence: &Evidence, code: Code) -> Judgement {
    concluded(evidence, found(evidence, code).iter().map(Captured::finding).collect())
}

/// What the connections with a server show together, and none of them alone.
#[derive(Default)]
struct Servers {
    /// They answer no ClientHello, and end those with SNI and those without. Only without the routes: these
    /// show whether the names that are sent are known.
    end_every: BTreeSet<SocketAddr>,
    /// They completed a handshake without SNI. Only without the routes.
    serve_without: BTreeSet<SocketAddr>,
    /// The captures hold nothing that they sent, although their clients received it.
    uncaptured: BTreeSet<SocketAddr>,
}

impl Servers {
    fn of(evidence: &Evidence) -> Self {
        let servers = Self::without_routes(evidence.captures.iter().flat_map(groups));
        if routes(evidence).is_ok() { Self { uncaptured: servers.uncaptured, ..Self::default() } } else { servers }
    }

    fn without_routes<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Self {
        let all: Vec<&Group> = groups.into_iter().collect();
        let among = |is_wanted: &dyn Fn(&Group) -> bool| -> BTreeSet<SocketAddr> {
            let wanted = all.iter().filter(|group| is_wanted(group));
            wanted.flat_map(|group| group.tally.servers.keys().copied()).collect()
        };
        let with = among(&|group| is_ended(group) && group.signature.name == NameKind::Sent);
        let without = among(&|group| is_ended(group) && group.signature.name == NameKind::None);
        let answer = among(&|group| group.signature.chosen.is_some());
        let seen = among(&|group| {
            group.signature.uncaptured != Some(Party::Server) && group.signature.outcome != Ended::Unanswered
        });
        let unseen = among(&|group| group.signature.uncaptured == Some(Party::Server));
        Self {
            end_every: with.intersection(&without).filter(|server| !answer.contains(server)).copied().collect(),
            serve_without: among(&|group| {
                group.signature.outcome.is_complete() && group.signature.name == NameKind::None
            }),
            uncaptured: unseen.difference(&seen).copied().collect(),
        }
    }

    /// Judges the connections of a group by themselves and by what others with the same servers show.
    fn judge(&self, group: &Group) -> Kind {
        let are_all = |servers: &BTreeSet<SocketAddr>| {
            !group.tally.servers.is_empty() && group.tally.servers.keys().all(|server| servers.contains(server))
        };
        match group.signature.name {
            NameKind::None | NameKind::Sent if is_ended(group) && are_all(&self.end_every) => {
                captured::ended_whatever_name("server ends every ClientHello, with SNI and without")
            }
            NameKind::None if is_ended(group) && are_all(&self.serve_without) => captured::ended_whatever_name(
                "server ends a ClientHello without SNI, and completes the handshake of another one without SNI",
            ),
            _ if group.signature.outcome == Ended::Unanswered && are_all(&self.uncaptured) => {
                captured::response_not_captured()
            }
            _ => captured::judge(&group.signature),
        }
    }
}

/// The server ended the connection after the ClientHello, without an alert.
fn is_ended(group: &Group) -> bool {
    matches!(group.signature.outcome, Ended::Reset { by, stage } | Ended::Closed { by, stage }
        if by == Party::Server && stage == Stage::ClientHello)
        && group.signature.preface.is_none()
}

/// Returns the outcome for these findings. That there are none is a statement about all connections, so all
/// must have been read.
pub(in crate::checks) fn concluded(evidence: &Evidence, findings: Vec<Finding>) -> Judgement {
    if evidence.captures.is_empty() {
        let why = Reason::NotRequested("--pcap FILE gives one".into());
        return Err(Unavailable::new("a packet capture", why));
    }
    if findings.is_empty() {
        let left_out = Summary::default();
        let missing = evidence.captures.iter().flat_map(|capture| missing(capture, &left_out)).next();
        if let Some((what, why)) = missing {
            return Err(Unavailable::new(what, Reason::Missing(why)));
        }
    }
    let completed = evidence.captures.iter().map(|capture| capture.summary.completed).fold(0, u64::saturating_add);
    let flows = evidence.captures.iter().map(|capture| capture.summary.flows).fold(0, u64::saturating_add);
    let seen = format!(
        "no such connection among {} in the captures; {} completed",
        count(flows, "connection"),
        count(completed, "handshake")
    );
    Ok(Outcome::of(findings, seen))
}

/// Returns a finding for each refused server name that `is_wanted`. `about` ends its name in the message.
///
/// # Errors
/// None is wanted, and not all names are known.
pub(in crate::checks) fn by_name(
    evidence: &Evidence,
    is_wanted: impl Fn(&str) -> bool,
    mut about: impl FnMut(&str) -> String,
) -> Result<Vec<Finding>, Unavailable> {
    let mut findings = Vec::new();
    let mut are_all_known = true;
    for captured in found(evidence, codes::CAPTURED_SERVER_NAME_REFUSED) {
        are_all_known &= captured.tally.other_server_names == 0;
        for (name, flows) in captured.tally.server_names.iter().filter(|(name, _)| is_wanted(name)) {
            let message = format!(
                "{} with server name {name}{} from {}: {}",
                count(*flows, "connection"),
                about(name),
                some_of(&captured.tally.clients.keys().map(ToString::to_string).collect::<Vec<_>>()),
                captured.kind.sentence
            );
            findings.push(captured.saying(Object::new(ObjectKind::ServerName, name), message));
        }
    }
    if findings.is_empty() && !are_all_known {
        let why = Reason::Broken("too many different names".into());
        return Err(Unavailable::new("all server names that are refused in the captures", why));
    }
    Ok(findings)
}

/// Returns the server names that are refused.
pub(crate) fn refused_names(evidence: &Evidence) -> BTreeSet<&str> {
    names_of(evidence, codes::CAPTURED_SERVER_NAME_REFUSED)
}

/// Returns the server names of the connections that have this check. The empty one means without SNI.
pub(crate) fn names_of(evidence: &Evidence, code: Code) -> BTreeSet<&str> {
    let servers = Servers::of(evidence);
    let all = evidence.captures.iter().flat_map(groups);
    let of_check = all.filter(|group| servers.judge(group).code == Some(code));
    of_check.flat_map(|group| group.tally.server_names.keys()).map(String::as_str).collect()
}

/// What is not seen in a capture without a connection that can be judged.
pub(crate) const NOTHING_JUDGED: &str = "TLS handshakes";

/// Returns what a capture does not show, each with the reason. `left_out` is what filters left out of it.
pub(crate) fn missing(capture: &Capture, left_out: &Summary) -> Vec<(String, String)> {
    let kinds = kinds_of(capture, left_out);
    let mut list = Vec::new();
    for file in &capture.files {
        if file.misplaced > 0 {
            let packets = count(file.misplaced, "packet");
            let why = format!("{packets} behind later ones; connections that this concerns are not judged");
            list.push((format!("the order of {}", file.name), why));
        }
        if let Some(damage) = &file.damage {
            let state = if damage.cut { "cut" } else { "damaged" };
            list.push((
                format!("the rest of {}", file.name),
                format!(
                    "{state} at byte {}: {}; {} read before",
                    damage.offset,
                    damage.what,
                    count(damage.packets, "packet")
                ),
            ));
        }
    }
    if capture.interrupted {
        let names: Vec<&str> = capture.files.iter().map(|file| file.name.as_str()).collect();
        list.push((format!("the rest of {}", some_of(&names)), "the run ended before all was read".to_owned()));
    }
    for (what, packets) in &capture.unread {
        list.push((what.clone(), format!("not read, {}", count(*packets, "packet"))));
    }
    for (kind, tally) in kinds.iter().filter(|(kind, _)| kind.standing == Standing::Unknown) {
        list.push((count(tally.flows, "connection"), kind.sentence.clone()));
    }
    let groups = capture.summary.groups.iter();
    let unclear = groups.filter(|group| {
        // Of a ClientHello that was not sent whole, no capture shows more.
        let is_whole = !matches!(group.signature.outcome, Ended::Undelivered { .. });
        group.signature.hello_unclear && group.signature.name == NameKind::Unknown && is_whole
    });
    let unclear: u64 = unclear.map(|group| group.tally.flows).sum();
    for side in [Party::Client, Party::Server] {
        // Those that cannot be judged are listed above.
        let of_side = capture.summary.groups.iter().filter(|group| {
            group.signature.uncaptured == Some(side) && captured::judge(&group.signature).standing.is_failure()
        });
        let flows: u64 = of_side.map(|group| group.tally.flows).sum();
        if flows > 0 {
            list.push((
                format!("the {}'s part of {}", captured::side_name(side), count(flows, "connection")),
                "the capture holds one direction only; capture at an ingress pod or its node".to_owned(),
            ));
        }
    }
    if unclear > 0 {
        list.push((
            format!("the SNI of {}", count(unclear, "connection")),
            "the ClientHello is cut or malformed; capture whole packets (`tcpdump -s 0`)".to_owned(),
        ));
    }
    if let Some(keys) = &capture.keys {
        if keys.unread > 0 {
            list.push((
                format!("{} of secrets in the captures", count(keys.unread, "byte")),
                "they are no TLS key log, or more than is read of one capture".to_owned(),
            ));
        }
        if keys.decrypted == 0 && keys.lines > 0 {
            let why = format!(
                "nothing was decrypted: the {} of the key log are of other handshakes, or do not fit",
                count(keys.lines, "line")
            );
            list.push(("what TLS 1.3 encrypts".to_owned(), why));
        }
        if keys.dropped > 0 {
            list.push((
                format!("the encrypted part of {}", count(keys.dropped, "handshake")),
                "the key log has the secrets of too many".to_owned(),
            ));
        }
    }
    let cut = capture.traffic.cut_packets;
    if cut > 0 && (unclear > 0 || kinds.iter().any(|(kind, _)| kind.standing == Standing::Unknown)) {
        let why = "cut by the snap length of the capture; capture whole packets (`tcpdump -s 0`)".to_owned();
        list.push((format!("the rest of {}", count(cut, "packet")), why));
    }
    let limits = &capture.limits;
    for (number, what, why) in [
        (limits.flows_evicted, "connection", "too many were open at the same time to follow them to their end"),
        (limits.segments_dropped, "segment", "they came out of order when too many others waited"),
        (limits.chains_not_described, "certificate list", "too many different ones; they were only hashed"),
        (limits.packets_not_written, "packet", "not written: their connection has too many packets before its end"),
    ] {
        if number > 0 {
            list.push((count(number, what), why.to_owned()));
        }
    }
    let judged = capture.summary.completed > 0 || kinds.iter().any(|(kind, _)| kind.standing.is_failure());
    if !judged {
        list.push((NOTHING_JUDGED.to_owned(), nothing_judged(capture)));
    }
    list
}

fn nothing_judged(capture: &Capture) -> String {
    match (capture.summary.flows, capture.traffic.quic_flows) {
        (0, _) if capture.own > 0 => format!(
            "all of {} come from a loopback address, as port-forwards do, or from this program; capture at an ingress \
             pod or its node, or judge these with `kubectl apigee-tls pcap`",
            count(capture.own, "connection")
        ),
        (0, 0) => "the captures hold no TCP connection that is to be judged".to_owned(),
        (0, quic) => {
            format!("the captures hold no TCP connection; {} of QUIC are not read", count(quic, "connection"))
        }
        (1, _) => "the only TCP connection is not a TLS handshake from its beginning".to_owned(),
        (flows, _) => format!("none of the {flows} TCP connections is a TLS handshake from its beginning"),
    }
}

/// Clients with resets without SNI in the access logs, by what the captures show of them at the same time.
#[derive(Default)]
pub(crate) struct Joined {
    /// Their ClientHellos have no server_name, and are refused.
    pub(crate) without_sni: BTreeSet<IpAddr>,
    /// Their connections do not begin with a ClientHello.
    pub(crate) not_tls: BTreeSet<IpAddr>,
    /// Number of clients that the captures do not show at the time of their resets. The clients of a log
    /// whose addresses are not known count as one.
    pub(crate) elsewhere: usize,
}

/// Joins the resets without SNI of the access logs with the captures, by client address and time.
pub(crate) fn joined(evidence: &Evidence) -> Joined {
    let mut joined = Joined::default();
    let spans = |wanted: &[Code]| {
        let mut spans: BTreeMap<IpAddr, Vec<Span>> = BTreeMap::new();
        // By each group itself: what others with the same servers show does not change what the client sent.
        let has_code =
            |group: &&Group| captured::judge(&group.signature).code.is_some_and(|code| wanted.contains(&code));
        for group in evidence.captures.iter().flat_map(groups).filter(has_code) {
            for (client, span) in &group.tally.clients {
                spans.entry(*client).or_default().push(span.clone());
            }
        }
        spans
    };
    let without_sni = spans(&[codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED]);
    // Envoy cannot tell a PROXY header from any other bytes that are no ClientHello.
    let not_tls = spans(&[codes::CAPTURED_CLIENT_NOT_TLS, codes::CAPTURED_PROXY_HEADER_REFUSED]);
    let health_checks = HealthChecks::of_resets(evidence);
    for (origin, log) in logs(evidence) {
        let of_known: u64 = log.reset_without_sni.clients.values().map(|span| span.count).sum();
        joined.elsewhere += usize::from(of_known < log.reset_without_sni.count);
        for (client, span) in &log.reset_without_sni.clients {
            if is_google_front_end(client) || health_checks.kind(origin, client).is_some() {
                continue;
            }
            let address = client.parse::<IpAddr>().ok().map(|address| address.to_canonical());
            let is_in = |captured: &BTreeMap<IpAddr, Vec<Span>>| {
                address
                    .and_then(|address| captured.get(&address))
                    .is_some_and(|spans| spans.iter().any(|known| overlap(known, span)))
            };
            let (with_hello, without_hello) = (is_in(&without_sni), is_in(&not_tls));
            joined.without_sni.extend(address.filter(|_| with_hello));
            joined.not_tls.extend(address.filter(|_| without_hello));
            joined.elsewhere += usize::from(!with_hello && !without_hello);
        }
    }
    joined
}

/// Returns whether two spans have a time in common, within the tolerance.
fn overlap(one: &Span, other: &Span) -> bool {
    let (Some(first), Some(last), Some(other_first), Some(other_last)) = (one.first, one.last, other.first, other.last)
    else {
        return false;
    };
    first.duration_since(other_last) <= SAME_TIME && other_first.duration_since(last) <= SAME_TIME
}

/// Returns whether the captures show that this pod refused a ClientHello without SNI.
pub(crate) fn is_refused_at(evidence: &Evidence, pod: &str) -> bool {
    let pods = pods(evidence).unwrap_or_default();
    let addresses = pods.iter().find(|known| known.name == pod).map_or(&[][..], |pod| &pod.addresses);
    found(evidence, codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED)
        .iter()
        .any(|captured| captured.tally.servers.keys().any(|server| addresses.contains(&server.ip())))
}

/// Returns whether what refused ClientHellos without SNI until `last` accepts them now: every pod served the
/// handshake of this run, or a log has served requests without SNI after it.
pub(in crate::checks) fn is_over(evidence: &Evidence, last: Timestamp) -> bool {
    let made = without_sni::at_pods(evidence);
    let is_later = |at: Timestamp| evidence.at_cluster(at).duration_since(last) > SAME_TIME;
    let is_served = !made.is_empty() && made.iter().all(|(_, made)| made.succeeded() && is_later(made.started_at));
    let is_logged = logs(evidence).any(|(_, log)| log.served_without_sni.first.is_some_and(|first| first > last));
    let is_refused = made.iter().any(|(_, made)| made.was_refused());
    !is_refused && (is_served || is_logged)
}

/// Returns the addresses of the ingress: those of its pods and Services. Empty where they were not seen.
pub(crate) fn ingress_addresses(evidence: &Evidence) -> BTreeSet<IpAddr> {
    let of_pods = pods(evidence).unwrap_or_default().into_iter().flat_map(|pod: &IngressPod| pod.addresses.clone());
    let of_services = services(evidence).unwrap_or_default().into_iter().flat_map(Service::ip_addresses);
    let probed = evidence.probes.seen().map_or(&[][..], |probes| &probes.endpoints);
    let of_probes = probed.iter().filter_map(|endpoint| endpoint.address);
    of_pods.chain(of_services).chain(of_probes).filter(|address| !address.is_loopback()).collect()
}
