//! Chooses the next measurement, as a command to paste.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::remedy::{all_files, same_inputs};
use crate::checks::codes;
use crate::checks::facts::{self, HealthChecks, captured, without_sni};
use crate::evidence::gateway::Counters;
use crate::evidence::{Evidence, LogOrigin, Reason, Seen, Unavailable};
use crate::verdict::{Cause, Certainty, Measurement, Target, shell_word as word};

/// Returns the measurement that separates the causes of the symptom of `first`.
pub(super) fn next(evidence: &Evidence, first: &Cause) -> Measurement {
    match (first.symptom, facts::wildcards(evidence)) {
        (
            Some(
                codes::CONNECTION_WITHOUT_SERVER_NAME_RESET
                | codes::LOAD_BALANCER_RESET
                | codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED,
            ),
            Err(_),
        ) => routes(evidence),
        (Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET | codes::LOAD_BALANCER_RESET), Ok(wildcards))
            if wildcards.is_empty() || first.certainty == Certainty::Established =>
        {
            capture(evidence)
        }
        // This run made the handshake already, and it did not decide.
        (Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET | codes::LOAD_BALANCER_RESET), _)
            if !without_sni::at_pods(evidence).is_empty() =>
        {
            capture(evidence)
        }
        (
            Some(
                codes::DECLARED_SERVER_NAME_RESET
                | codes::CAPTURED_SERVER_NAME_REFUSED
                | codes::CLIENT_WITHOUT_SNI_UNROUTED
                | codes::SERVER_NAME_REFUSED
                | codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
            ),
            _,
        ) => Measurement {
            why: "Envoy's own configuration says which filter chains and routes the gateway has".into(),
            command: config_dump(evidence),
        },
        (Some(codes::UNKNOWN_SERVER_NAME_RESET), Err(_)) => hostnames(evidence),
        (Some(codes::CAPTURED_ALERT_HIDDEN), _) => key_log(evidence),
        // Counters know no client; the access log does.
        (Some(codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED), _) => log_of_clients(evidence),
        _ => hello(evidence),
    }
}

fn key_log(evidence: &Evidence) -> Measurement {
    let files = evidence.captures.iter().flat_map(|capture| &capture.files);
    let files: Vec<String> = files.map(|file| word(&file.name)).collect();
    Measurement {
        why: "the secrets of these handshakes (SSLKEYLOGFILE of the client or the server) show what is encrypted"
            .into(),
        command: format!("kubectl apigee-tls pcap {} --keylog KEYS", files.join(" ")),
    }
}

/// The access log: the right to read it, or switching it on; a handshake or a capture where that is not what
/// is missing.
fn log_of_clients(evidence: &Evidence) -> Measurement {
    let forbidden = facts::streams(evidence).find_map(|stream| match &stream.log {
        Seen::Unavailable(why) if matches!(why.reason, Reason::Forbidden { .. }) => Some(&why.reason),
        _ => None,
    });
    match (forbidden, evidence.mesh_logging.seen()) {
        (Some(reason), _) => missing_rule(evidence, reason),
        (None, Ok(mesh)) if mesh.is_off() => access_log(evidence),
        _ => hello(evidence),
    }
}

/// Returns the measurement that would answer most checks that could not judge. `why` is the reason of the
/// first one.
pub(super) fn of_unknown(evidence: &Evidence, why: &Unavailable) -> Measurement {
    match (&why.reason, evidence.mesh_logging.seen()) {
        (Reason::Forbidden { .. }, _) => missing_rule(evidence, &why.reason),
        _ if facts::is_unfilled(evidence, why) => filled_files(evidence),
        _ if is_window_empty(evidence) => whole_logs(evidence),
        _ if why.what == captured::NOTHING_JUDGED
            && let Some(clients) = without_tls(evidence) =>
        {
            clients
        }
        (_, Ok(mesh)) if mesh.is_off() => access_log(evidence),
        _ => hello(evidence),
    }
}

/// Looking for the clients that do not speak TLS. Another capture would show the same of them.
fn without_tls(evidence: &Evidence) -> Option<Measurement> {
    let found = captured::found(evidence, codes::CAPTURED_CLIENT_NOT_TLS);
    let clients: BTreeSet<&IpAddr> = found.iter().flat_map(|captured| captured.tally.clients.keys()).collect();
    let clients: Vec<String> = clients.into_iter().map(ToString::to_string).collect();
    let who = (!clients.is_empty()).then(|| facts::some_of(&clients))?;
    Some(Measurement {
        why: format!(
            "clients in the captures do not speak TLS ({who}); the list shows which of them are in the cluster"
        ),
        command: Target::of(evidence).kubectl("get 'pods,nodes,services' --all-namespaces -o wide"),
    })
}

/// All records of the logs are before the requested window.
fn is_window_empty(evidence: &Evidence) -> bool {
    let counts = || facts::logs(evidence).map(|(_, log)| (log.records, log.older_records));
    counts().all(|(records, _)| records == 0) && counts().any(|(_, older)| older > 0)
}

/// Judging the logs without a window.
fn whole_logs(evidence: &Evidence) -> Measurement {
    let command = if evidence.question.is_offline() {
        format!("kubectl apigee-tls diagnose --offline {}", same_inputs(evidence))
    } else {
        Target::of(evidence).tool("diagnose", "")
    };
    Measurement { why: "the records before the requested window can be judged".into(), command }
}

/// A handshake without SNI where this run made none, else a packet capture, which no run makes.
fn hello(evidence: &Evidence) -> Measurement {
    if without_sni::at_pods(evidence).is_empty() { probe(evidence) } else { capture(evidence) }
}

/// Judging the overrides files without placeholders.
fn filled_files(evidence: &Evidence) -> Measurement {
    let offline = if evidence.question.is_offline() { " --offline" } else { "" };
    Measurement {
        why: "the overrides files contain placeholders; the files as helm gets them can be judged".into(),
        command: format!("kubectl apigee-tls diagnose{offline} {}", all_files(evidence)),
    }
}

/// The Role with the rule that is missing. USER is a placeholder unless the run impersonated somebody: only
/// the cluster knows who asks.
fn missing_rule(evidence: &Evidence, reason: &Reason) -> Measurement {
    let target = Target::of(evidence);
    let user = target.access.as_user.as_deref().unwrap_or("USER");
    Measurement {
        why: format!("{reason}; someone who may grant it gives {user}, who runs this, all that a run needs"),
        command: format!(
            "kubectl apigee-tls rbac -n {} --user {} | {}",
            word(&target.namespace),
            word(user),
            target.of_administrator().kubectl("apply -f -")
        ),
    }
}

/// Switching on the access log, which names the clients.
fn access_log(evidence: &Evidence) -> Measurement {
    let counted = evidence
        .gateways
        .seen()
        .iter()
        .flat_map(|gateways| gateways.iter())
        .filter_map(|gateway| gateway.before.seen().ok())
        .filter_map(|counters| counters.total(Counters::NO_FILTER_CHAIN))
        .fold(0, u64::saturating_add);
    let refused = match counted {
        0 => String::new(),
        _ => format!(
            "; Envoy has counted {} without a filter chain, this program's of earlier runs included",
            facts::count(counted, "connection")
        ),
    };
    Measurement {
        why: format!(
            "the access log, with istiod.accessLogFile: /dev/stdout in overrides.yaml, tells who is refused \
             (AT806){refused}"
        ),
        command: Target::of(evidence)
            .helm("upgrade RELEASE apigee-ingress-manager/", &format!("--atomic {}", all_files(evidence))),
    }
}

/// Listing the routes with the columns that the playbook looks at, by someone who has the right.
fn routes(evidence: &Evidence) -> Measurement {
    Measurement {
        why: "the ApigeeRoutes say whether one accepts connections without SNI, and what keeps it from that".into(),
        command: Target::of(evidence).kubectl_in_namespace(
            "get apigeeroutes -o custom-columns='NAME:.metadata.name,HOSTNAMES:.spec.hostnames,\
             NON_SNI:.spec.enableNonSniClient,GATEWAYS:.spec.additionalGateways,STATE:.status.state'",
        ),
    }
}

/// Listing the hostnames that the gateway has.
fn hostnames(evidence: &Evidence) -> Measurement {
    Measurement {
        why: "the ApigeeRoutes say which server names the gateway has".into(),
        command: Target::of(evidence)
            .kubectl_in_namespace("get apigeeroutes -o custom-columns='NAME:.metadata.name,HOSTNAMES:.spec.hostnames'"),
    }
}

/// The handshake of the playbook's third step, with every pod through the API server: a hostname may not
/// resolve on this machine.
pub(super) fn probe(evidence: &Evidence) -> Measurement {
    Measurement {
        why: "a handshake without SNI, made on purpose, shows whether it is accepted".into(),
        command: Target::of(evidence).tool("diagnose", "--probe pods --since 2m"),
    }
}

/// A capture at the node of an ingress pod, of the client with most resets; of all clients where there are
/// none.
pub(super) fn capture(evidence: &Evidence) -> Measurement {
    let chosen = client_to_capture(evidence);
    let filter = match chosen {
        Some((_, client)) => format!("host {client}"),
        None => google_ranges(evidence).unwrap_or_else(|| "tcp port 443 or tcp port 8443".into()),
    };
    let most = facts::logs(evidence).max_by_key(|(_, log)| log.reset_without_sni.count);
    let most = most.filter(|(_, log)| log.reset_without_sni.count > 0).map(|(origin, _)| origin);
    let pod = chosen.map(|(origin, _)| origin).or(most).and_then(LogOrigin::pod);
    let pods = facts::pods(evidence).unwrap_or_default();
    let node = pods
        .iter()
        .find(|known| pod.is_none_or(|pod| known.name == pod))
        .and_then(|known| known.node.as_deref())
        .map_or_else(|| "the node of the ingress pod".into(), |node| format!("node {node}"));
    Measurement {
        why: format!(
            "a packet capture on {node} shows whether these connections begin with a ClientHello, and whether it has the \
             extension server_name"
        ),
        command: format!("tcpdump -n -i any -s 0 {} -w apigee-tls.pcap", word(&filter)),
    }
}

/// Returns the filter for Google's front ends among the addresses that were reset: health checks and clients
/// of a load balancer have the same ones.
fn google_ranges(evidence: &Evidence) -> Option<String> {
    let clients = facts::logs(evidence).flat_map(|(_, log)| log.reset_without_sni.clients.keys());
    let ranges: BTreeSet<&str> = clients.filter_map(|client| facts::google_range(client)).collect();
    let nets: Vec<String> = ranges.into_iter().map(|range| format!("net {range}")).collect();
    (!nets.is_empty()).then(|| nets.join(" or "))
}

/// Returns the client whose connections decide, with the log that has them: of those that no capture shows
/// yet, the one with most resets in one log. `None` if every address may be that of a health check.
///
/// Of equal ones, an address with other traffic comes first, because a health check has none; then the one
/// that the order of text puts first.
fn client_to_capture(evidence: &Evidence) -> Option<(&LogOrigin, &str)> {
    let checks = HealthChecks::of_resets(evidence);
    let shown = captured::joined(evidence);
    let is_shown = |address: &str| {
        let address = address.parse().ok().map(|address: IpAddr| address.to_canonical());
        address.is_some_and(|address| shown.without_sni.contains(&address) || shown.not_tls.contains(&address))
    };
    let resets = facts::logs(evidence).flat_map(|(origin, log)| {
        log.reset_without_sni.clients.iter().map(move |(address, span)| (origin, address.as_str(), span.count))
    });
    let clients = resets.filter(|(origin, address, _)| checks.is_client(origin, address));
    let rank = |(_, address, count): &(&LogOrigin, &str, u64)| {
        let may_be_kubelet = facts::is_of_node(evidence, address);
        (!is_shown(address), !may_be_kubelet, *count, checks.has_other_traffic(address), Reverse((*address).to_owned()))
    };
    clients.max_by_key(rank).map(|(origin, address, _)| (origin, address))
}

fn config_dump(evidence: &Evidence) -> String {
    let pods = facts::pods(evidence).unwrap_or_default();
    let pod = pods.first().map_or("POD", |pod| pod.name.as_str());
    let command = format!("exec {} -- /usr/local/bin/pilot-agent request GET config_dump", word(pod));
    Target::of(evidence).kubectl_in_namespace(&command)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::evidence::access_log::Tally;
    use crate::evidence::{AccessLog, HybridQuestion, LogStream};

    /// A log with connections without SNI that were reset, by address, every `gap` seconds, and served ones.
    fn log(name: &str, reset: &[(&str, i64, i64)], served: &[&str]) -> LogStream {
        let mut log = AccessLog::default();
        let count = |tally: &mut Tally, address: &str, gap: i64, number: i64| {
            for i in 0..number {
                let at = Timestamp::from_second(i * gap).unwrap();
                tally.count(Some((at, &at.strftime("%Y-%m-%dT%H:%MZ").to_string())), Some(address), None);
            }
        };
        for (address, gap, number) in reset {
            count(&mut log.reset_without_sni, address, *gap, *number);
        }
        for address in served {
            count(&mut log.served_without_sni, address, 1, 1);
        }
        log.last = log.reset_without_sni.last;
        LogStream { origin: LogOrigin::File(name.into()), log: Seen::Seen(log), cut: None, store: None }
    }

    fn command(logs: Vec<LogStream>) -> String {
        let mut evidence = Evidence::not_gathered(HybridQuestion::default(), Timestamp::UNIX_EPOCH, "a test");
        evidence.access_logs = logs;
        capture(&evidence).command.replace("tcpdump -n -i any -s 0 ", "").replace(" -w apigee-tls.pcap", "")
    }

    #[test]
    fn the_capture_is_of_a_client_and_never_of_a_health_check() {
        let (google, azure, client) = ("35.191.8.1", "168.63.129.16", "198.51.100.9");
        for count in [1, 20, 200] {
            // Too short for a beat.
            let equal = [(google, 1, count), (azure, 1, count), (client, 1, count)];
            assert_eq!(command(vec![log("a", &equal, &[])]), "'host 198.51.100.9'", "{count}");
            // The log of most resets may have health checks alone.
            let busy = log("a", &[(google, 1, 500), (azure, 1, 500)], &[]);
            assert_eq!(command(vec![busy, log("b", &[(client, 1, count)], &[])]), "'host 198.51.100.9'", "{count}");
        }
        let beat = ("10.0.0.1", 10, 360);
        assert_eq!(command(vec![log("a", &[beat, (client, 1, 3)], &[])]), "'host 198.51.100.9'");
    }

    #[test]
    fn of_equal_clients_one_with_other_traffic_comes_first() {
        let equal = [("198.51.100.9", 7, 5), ("203.0.113.5", 7, 5), ("10.0.0.7", 7, 5)];
        assert_eq!(command(vec![log("a", &equal, &["203.0.113.5"])]), "'host 203.0.113.5'");
    }

    #[test]
    fn without_a_client_the_filter_names_no_single_address() {
        let google = log("a", &[("35.191.8.1", 7, 5), ("35.191.9.1", 7, 5), ("130.211.0.3", 7, 5)], &[]);
        assert_eq!(command(vec![google]), "'net 130.211.0.0/22 or net 35.191.0.0/16'");
        assert_eq!(command(vec![log("a", &[("168.63.129.16", 7, 5)], &[])]), "'tcp port 443 or tcp port 8443'");
        assert_eq!(command(Vec::new()), "'tcp port 443 or tcp port 8443'");
    }
}
