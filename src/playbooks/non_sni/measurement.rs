//! Chooses the next measurement, as a command to paste.

use std::net::IpAddr;

use super::remedy::all_files;
use crate::checks::codes;
use crate::checks::facts::{self, HealthChecks, captured, without_sni};
use crate::evidence::gateway::Counters;
use crate::evidence::{Evidence, Reason, Unavailable};
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
        _ => hello(evidence),
    }
}

/// Returns the measurement that would answer most checks that could not judge. `why` is the reason of the
/// first one.
pub(super) fn of_unknown(evidence: &Evidence, why: &Unavailable) -> Measurement {
    match (&why.reason, evidence.mesh_logging.seen()) {
        (Reason::Forbidden { .. }, _) => missing_rule(evidence, &why.reason),
        _ if facts::is_unfilled(evidence, why) => filled_files(evidence),
        (_, Ok(mesh)) if mesh.is_off() => access_log(evidence),
        _ => hello(evidence),
    }
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
    let stream = facts::logs(evidence)
        .filter(|(_, log)| log.reset_without_sni.count > 0)
        .max_by_key(|(_, log)| log.reset_without_sni.count);
    let checks = HealthChecks::of_resets(evidence);
    let shown = captured::joined(evidence);
    let is_shown = |address: &str| {
        let address = address.parse().ok().map(|address: IpAddr| address.to_canonical());
        address.is_some_and(|address| shown.without_sni.contains(&address) || shown.not_tls.contains(&address))
    };
    let client = stream.and_then(|(origin, log)| {
        let clients = log.reset_without_sni.clients.iter();
        clients.max_by_key(|(address, span)| (!is_shown(address), checks.kind(origin, address).is_none(), span.count))
    });
    let filter = match client {
        Some((client, _)) => format!("host {client}"),
        None => "tcp port 443 or tcp port 8443".into(),
    };
    let pod = stream.and_then(|(origin, _)| origin.pod());
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

fn config_dump(evidence: &Evidence) -> String {
    let pods = facts::pods(evidence).unwrap_or_default();
    let pod = pods.first().map_or("POD", |pod| pod.name.as_str());
    let command = format!("exec {} -- /usr/local/bin/pilot-agent request GET config_dump", word(pod));
    Target::of(evidence).kubectl_in_namespace(&command)
}
