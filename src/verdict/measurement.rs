//! The one next measurement that would tell more, as a command to paste.

use super::shell::word;
use super::{Cause, Certainty, Measurement};
use crate::checks::codes;
use crate::checks::facts::{self, without_sni};
use crate::evidence::{Evidence, LogOrigin, Reason, Unavailable};

/// What would tell the causes of this symptom apart.
pub(super) fn next(evidence: &Evidence, first: &Cause) -> Measurement {
    match (first.symptom, facts::wildcards(evidence)) {
        (Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET | codes::LOAD_BALANCER_RESET), Err(_)) => routes(evidence),
        (Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET | codes::LOAD_BALANCER_RESET), Ok(wildcards))
            if wildcards.is_empty() || first.certainty == Certainty::Established =>
        {
            capture(evidence)
        }
        // The handshake was made, and did not settle it.
        (Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET | codes::LOAD_BALANCER_RESET), _)
            if !without_sni::at_pods(evidence).is_empty() =>
        {
            capture(evidence)
        }
        (
            Some(
                codes::DECLARED_SERVER_NAME_RESET
                | codes::CLIENT_WITHOUT_SNI_UNROUTED
                | codes::SERVER_NAME_REFUSED
                | codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
            ),
            _,
        ) => Measurement {
            why: "Envoy's own configuration says which filter chains and routes the gateway has".into(),
            command: config_dump(evidence),
        },
        _ => hello(evidence),
    }
}

/// What would tell most of what could not be judged, the first of which is `why`.
pub(super) fn of_unknown(evidence: &Evidence, why: &Unavailable) -> Measurement {
    match (&why.reason, evidence.mesh_logging.seen()) {
        (Reason::Forbidden { .. }, _) => missing_rule(evidence, &why.reason),
        (_, Ok(mesh)) if mesh.is_off() => access_log(evidence),
        _ => hello(evidence),
    }
}

/// A handshake without a server name, where this run has made none; else what it cannot make.
fn hello(evidence: &Evidence) -> Measurement {
    if without_sni::at_pods(evidence).is_empty() { probe(evidence) } else { capture(evidence) }
}

/// The role that lacks the rule; who is asking, only the cluster knows.
fn missing_rule(evidence: &Evidence, reason: &Reason) -> Measurement {
    Measurement {
        why: format!("{reason}; someone who may grant it gives USER, who runs this, all that a run needs"),
        command: format!(
            "kubectl apigee-tls rbac -n {} --user USER | kubectl apply -f -",
            word(evidence.question.namespace())
        ),
    }
}

/// The log that would name the clients, where it is switched off.
fn access_log(evidence: &Evidence) -> Measurement {
    let counted = evidence
        .gateways
        .seen()
        .iter()
        .flat_map(|gateways| gateways.iter())
        .filter_map(|gateway| gateway.before.seen().ok())
        .flat_map(|counters| &counters.values)
        .filter(|(name, _)| name.ends_with(".no_filter_chain_match"))
        .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
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
        command: format!(
            "helm upgrade RELEASE apigee-ingress-manager/ --namespace {} --atomic -f overrides.yaml",
            word(evidence.question.namespace())
        ),
    }
}

/// What the playbook asks of the routes, for someone who may list them.
fn routes(evidence: &Evidence) -> Measurement {
    Measurement {
        why: "the ApigeeRoutes say whether one accepts connections without a server name, and what keeps it from that"
            .into(),
        command: format!(
            "kubectl -n {} get apigeeroutes -o custom-columns=NAME:.metadata.name,HOSTNAMES:.spec.hostnames,\
             NON_SNI:.spec.enableNonSniClient,GATEWAYS:.spec.additionalGateways,STATE:.status.state",
            word(evidence.question.namespace())
        ),
    }
}

/// The handshake of the playbook's third step, against a name of the cluster.
pub(crate) fn probe(evidence: &Evidence) -> Measurement {
    Measurement {
        why: "a handshake without a server name, made on purpose, shows whether it is accepted".into(),
        command: format!(
            "openssl s_client -connect {} -noservername </dev/null",
            word(&format!("{}:443", hostname(evidence)))
        ),
    }
}

/// A capture at the node of an ingress pod, of the client that is reset most; of all where none was.
pub(crate) fn capture(evidence: &Evidence) -> Measurement {
    let stream = facts::logs(evidence)
        .filter(|(_, log)| log.reset_without_name.count > 0)
        .max_by_key(|(_, log)| log.reset_without_name.count);
    let client = stream.and_then(|(_, log)| log.reset_without_name.clients.iter().max_by_key(|(_, span)| span.count));
    let filter = match client {
        Some((client, _)) => format!("host {client}"),
        None => "tcp port 443 or tcp port 8443".into(),
    };
    let pod = stream.and_then(|(origin, _)| match origin {
        LogOrigin::Container { pod, .. } => Some(pod.as_str()),
        LogOrigin::File(_) => None,
    });
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

/// A hostname of a route, or a placeholder that says what belongs there.
pub(crate) fn hostname(evidence: &Evidence) -> String {
    let routes = facts::group_routes(evidence).unwrap_or_default();
    routes
        .iter()
        .flat_map(|route| &route.hostnames)
        .find(|hostname| !hostname.contains('*'))
        .cloned()
        .unwrap_or_else(|| "HOSTNAME".into())
}

fn config_dump(evidence: &Evidence) -> String {
    let pods = facts::pods(evidence).unwrap_or_default();
    let pod = pods.first().map_or("POD", |pod| pod.name.as_str());
    format!(
        "kubectl -n {} exec {} -- /usr/local/bin/pilot-agent request GET config_dump",
        word(evidence.question.namespace()),
        word(pod)
    )
}
