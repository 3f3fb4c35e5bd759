//! Explains why connections without SNI are refused.

use super::super::relations::EXPLAINED_BY_ATTACHMENT;
use crate::checks::facts;
use crate::checks::facts::without_sni::{self, Inspected};
use crate::checks::{CheckResult, Code, Kind, codes};
use crate::evidence::cluster::{Route, selects};
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake};
use crate::evidence::{Evidence, LogOrigin, Seen};
use crate::verdict::ranking::direct;
use crate::verdict::{Cause, Certainty, findings_on, is_found, messages};

/// Returns the causes of a symptom that clients without SNI have. A log record does not prove such a client:
/// it may have spoken no TLS. Envoy's counters can tell.
pub(super) fn refused(evidence: &Evidence, symptom: Code, all: &[CheckResult]) -> Vec<Cause> {
    let mut causes = Vec::new();
    match facts::wildcards(evidence) {
        Err(why) => causes.push(Cause {
            symptom: None,
            codes: Vec::new(),
            certainty: Certainty::Likely,
            statement:
                "Connections without a server name are reset: the gateway accepts none, and why could not be seen"
                    .into(),
            evidence: vec![why.to_string()],
        }),
        Ok(wildcards) if wildcards.is_empty() => causes.extend(no_wildcard(symptom, all)),
        Ok(wildcards) => {
            let accepting: Vec<&Route> = wildcards
                .iter()
                .copied()
                .filter(|route| facts::wildcard_obstacles(evidence, route).is_empty())
                .collect();
            if accepting.is_empty() {
                causes.extend(wildcards.iter().map(|route| obstructed(evidence, symptom, route, all)));
            } else {
                causes.extend(despite_wildcard(evidence, symptom, &accepting, all));
            }
        }
    }
    let reproduced = reproduced(evidence);
    for cause in &mut causes {
        cause.evidence.extend(reproduced.iter().cloned());
    }
    if symptom == codes::CONNECTION_WITHOUT_SERVER_NAME_RESET {
        match without_sni::inspected(evidence) {
            // Every connection since the gateways started began with a ClientHello.
            Some(inspected) if inspected.not_tls == 0 => {}
            Some(inspected) if inspected.without_sni == 0 => {
                return vec![not_tls(Certainty::Established, vec![counted(inspected)])];
            }
            Some(inspected) => causes.push(not_tls(Certainty::Possible, vec![counted(inspected)])),
            None => causes.push(not_tls(Certainty::Possible, Vec::new())),
        }
    }
    causes
}

fn not_tls(certainty: Certainty, evidence: Vec<String>) -> Cause {
    Cause {
        symptom: None,
        codes: Vec::new(),
        certainty,
        statement: "What connects does not speak TLS on this port: plain HTTP, an HTTP/2 preface or a PROXY-protocol \
            header leave the very same record"
            .into(),
        evidence,
    }
}

fn counted(inspected: Inspected) -> String {
    format!(
        "Envoy's TLS inspector counted {} without a ClientHello and {} without a server name since the gateways started",
        facts::count(inspected.not_tls, "connection"),
        facts::count(inspected.without_sni, "ClientHello")
    )
}

/// Returns how probes without SNI ended at the pods: the symptom reproduced, or its absence.
fn reproduced(evidence: &Evidence) -> Vec<String> {
    let refused = without_sni::refused_at(evidence);
    let made = without_sni::at_pods(evidence).len();
    if let Some((_, failure)) = refused.first() {
        let pods: Vec<&str> = refused.iter().map(|(pod, _)| *pod).collect();
        let named = if is_named_served(evidence, &pods) { "; with a route's hostname it is served" } else { "" };
        return vec![format!(
            "reproduced: a handshake without a server name at {} of {made} ({}) is {failure}{named}",
            facts::count(pods.len() as u64, "pod"),
            facts::some_of(&pods)
        )];
    }
    if without_sni::is_served_where_it_was_reset(evidence) {
        return vec!["a handshake without a server name is served now by the pods that reset such connections".into()];
    }
    Vec::new()
}

/// One of these pods served a probe with a hostname of a route.
fn is_named_served(evidence: &Evidence, pods: &[&str]) -> bool {
    let Seen::Seen(probes) = &evidence.probes else { return false };
    probes.endpoints.iter().any(|endpoint| {
        matches!(&endpoint.place, EndpointOrigin::Pod { pod } if pods.contains(&pod.as_str()))
            && endpoint.handshake(ClientHelloKind::Named).is_some_and(Handshake::succeeded)
    })
}

fn no_wildcard(symptom: Code, all: &[CheckResult]) -> Option<Cause> {
    let missing = all.iter().find(|result| result.check.code == codes::WILDCARD_ROUTE_MISSING)?;
    let (certainty, evidence) = match &missing.judgement {
        Err(why) => (Certainty::Likely, vec![why.to_string()]),
        Ok(_) => (Certainty::Established, messages(missing)),
    };
    Some(Cause {
        symptom: None,
        codes: vec![codes::WILDCARD_ROUTE_MISSING],
        certainty,
        statement: match symptom {
            codes::LOAD_BALANCER_RESET => {
                "A Google load balancer connects without SNI and is reset: no ApigeeRoute accepts such connections"
            }
            codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED | codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED => {
                "Clients without SNI cannot be served: no ApigeeRoute accepts them"
            }
            _ => "Clients without SNI are reset: no ApigeeRoute accepts them",
        }
        .into(),
        evidence,
    })
}

/// The wildcard route exists and has a fault that keeps it from working.
fn obstructed(evidence: &Evidence, symptom: Code, route: &Route, all: &[CheckResult]) -> Cause {
    let codes = facts::wildcard_obstacles(evidence, route);
    let seen = codes
        .iter()
        .flat_map(|&code| findings_on(all, code, Kind::ApigeeRoute, &route.name))
        .map(|finding| {
            format!("{}: {} is {}, expected {}", finding.message, finding.place(), finding.observed, finding.expected)
        })
        .collect();
    let fail =
        if matches!(symptom, codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED | codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED) {
            "cannot be served"
        } else {
            "are reset"
        };
    Cause {
        symptom: None,
        codes,
        certainty: Certainty::Established,
        statement: format!("Clients without SNI {fail}: wildcard route {} does not work as configured", route.name),
        evidence: seen,
    }
}

/// The wildcard route looks right, and connections without SNI are refused all the same.
fn despite_wildcard(evidence: &Evidence, symptom: Code, accepting: &[&Route], all: &[CheckResult]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let pods = facts::pods(evidence).unwrap_or_default();
    let unselected: Vec<&str> = pods
        .iter()
        .filter(|pod| refuses(evidence, symptom, &pod.name))
        .filter(|pod| !accepting.iter().any(|route| selects(&route.selector, &pod.labels)))
        .map(|pod| pod.name.as_str())
        .collect();
    if !unselected.is_empty() {
        causes.push(Cause {
            symptom: None,
            codes: vec![codes::INGRESS_POD_WITHOUT_WILDCARD],
            certainty: Certainty::Established,
            statement: format!(
                "Clients without SNI are reset at pods that no wildcard route selects: {}",
                unselected.join(", ")
            ),
            evidence: Vec::new(),
        });
        return causes;
    }
    let lacking: Vec<String> = accepting
        .iter()
        .flat_map(|route| {
            findings_on(all, codes::ROUTE_NOT_IN_GATEWAY, Kind::ApigeeRoute, &route.name)
                .map(|finding| finding.message.clone())
                .collect::<Vec<_>>()
        })
        .collect();
    if !lacking.is_empty() {
        causes.push(Cause {
            symptom: None,
            codes: vec![codes::ROUTE_NOT_IN_GATEWAY],
            certainty: Certainty::Established,
            statement: format!(
                "Clients without SNI are reset: wildcard route {} did not reach every gateway",
                accepting[0].name
            ),
            evidence: lacking,
        });
        return causes;
    }
    if symptom == codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED {
        if let Some(unattached) =
            all.iter().find(|result| result.check.code == codes::WILDCARD_ROUTE_UNATTACHED && is_found(result))
        {
            causes.push(direct(unattached));
        }
        return causes;
    }
    let created = accepting.iter().filter_map(|route| route.created_at).max();
    let last = facts::logs(evidence).filter_map(|(_, log)| log.reset_without_sni.last).max();
    if let (Some(created), Some(last)) = (created, last)
        && last < created
    {
        causes.push(Cause {
            symptom: None,
            codes: Vec::new(),
            certainty: Certainty::Likely,
            statement:
                "The resets are from before the wildcard route was created; no connection without a server name has \
                been seen since"
                    .into(),
            evidence: vec![format!("last reset {}, route created {}", facts::moment(last), facts::moment(created))],
        });
    }
    if let Some(twice) =
        all.iter().find(|result| result.check.code == codes::WILDCARD_ROUTE_DUPLICATE && is_found(result))
    {
        causes.push(Cause { certainty: Certainty::Likely, ..direct(twice) });
    }
    // A filter chain for * matches without SNI and would have taken these connections, TLS or not. They found
    // no filter chain, so the gateway did not have it.
    let statement = if without_sni::is_served_where_it_was_reset(evidence) {
        format!(
            "The gateway serves connections without a server name now; it did not have wildcard route {} when these were \
             reset",
            accepting[0].name
        )
    } else {
        format!(
            "Wildcard route {} looks right, but the gateway did not use it for these connections: \
             apigee-ingressgateway-manager may be down or behind",
            accepting[0].name
        )
    };
    causes.push(Cause {
        symptom: None,
        codes: Vec::new(),
        certainty: if causes.is_empty() { Certainty::Likely } else { Certainty::Possible },
        statement,
        evidence: Vec::new(),
    });
    causes
}

/// Returns whether the pod refused a connection without SNI: by its log, or in response to a probe if that is
/// the symptom.
fn refuses(evidence: &Evidence, symptom: Code, pod: &str) -> bool {
    let in_log = facts::logs(evidence).any(|(origin, log)| {
        log.reset_without_sni.count > 0 && matches!(origin, LogOrigin::Container { pod: known, .. } if known == pod)
    });
    in_log
        || symptom == codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED
            && without_sni::refused_at(evidence).iter().any(|(known, _)| *known == pod)
}

/// Explains why requests without SNI get 404: no environment group lists the wildcard route, or the Host
/// header names no hostname of one.
pub(super) fn unrouted(all: &[CheckResult]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = EXPLAINED_BY_ATTACHMENT
        .iter()
        .filter_map(|code| all.iter().find(|result| result.check.code == *code && is_found(result)))
        .map(direct)
        .collect();
    causes.push(Cause {
        symptom: None,
        codes: Vec::new(),
        certainty: if causes.is_empty() { Certainty::Likely } else { Certainty::Possible },
        statement: "The clients' Host header names no hostname of an environment group".into(),
        evidence: Vec::new(),
    });
    causes
}
