//! Which facts explain the symptoms that were seen, best first.
//!
//! A record without a server name and without a filter chain does not prove a TLS client, so wherever resets were seen
//! in the log only, "not TLS" stays among the causes.

use super::shell::word;
use super::{Cause, Certainty, Measurement, is_found};
use crate::checks::facts;
use crate::checks::{Finding, Verdicted};
use crate::evidence::cluster::{Route, selects};
use crate::evidence::{Evidence, LogOrigin};

/// Codes that see clients fail, the graver first.
const SYMPTOMS: [&str; 8] = ["AT809", "AT801", "AT101", "AT103", "AT105", "AT106", "AT104", "AT102"];

/// The causes of every symptom found, by symptom, best first.
pub(super) fn of_symptoms(evidence: &Evidence, selected: &[Verdicted], all: &[Verdicted]) -> Vec<Cause> {
    let mut causes = Vec::new();
    for code in SYMPTOMS {
        let Some(symptom) = selected.iter().find(|verdicted| verdicted.check.code == code && is_found(verdicted))
        else {
            continue;
        };
        // The same clients, once seen and once expected, have one cause.
        if code == "AT106" && causes.iter().any(|cause: &Cause| cause.symptom.as_deref() == Some("AT101")) {
            continue;
        }
        let mut found = match code {
            "AT101" | "AT104" | "AT106" => refused_without_name(evidence, code, all),
            "AT103" => refused_with_declared_name(evidence, all),
            "AT105" => unrouted(all),
            _ => vec![direct(symptom)],
        };
        for cause in &mut found {
            cause.symptom = Some(code.to_owned());
            let seen = cause.certainty != Certainty::Possible && code != "AT106";
            if seen && code != cause.codes.first().map_or("", String::as_str) {
                cause.evidence.splice(0..0, symptom.findings().iter().take(4).map(seen_at));
            }
        }
        found.sort_by_key(|cause| cause.certainty);
        causes.extend(found);
    }
    causes
}

/// What would tell the causes of this symptom apart.
pub(super) fn next_measurement(evidence: &Evidence, first: &Cause) -> Measurement {
    match (first.symptom.as_deref(), facts::wildcards(evidence)) {
        (Some("AT101" | "AT104"), Err(_)) => routes(evidence),
        (Some("AT101" | "AT104"), Ok(wildcards))
            if wildcards.is_empty() || first.certainty == Certainty::Established =>
        {
            capture(evidence)
        }
        (Some("AT103" | "AT105"), _) => Measurement {
            why: "Envoy's own configuration says which filter chains and routes the gateway has".into(),
            command: config_dump(evidence),
        },
        _ => probe(evidence),
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
            word(&evidence.question.namespace)
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

/// Connections without a server name are refused: what keeps the gateway from accepting them?
fn refused_without_name(evidence: &Evidence, symptom: &str, all: &[Verdicted]) -> Vec<Cause> {
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
    if symptom == "AT101" {
        causes.push(Cause {
            symptom: None,
            codes: Vec::new(),
            certainty: Certainty::Possible,
            statement:
                "What connects does not speak TLS on this port: plain HTTP, an HTTP/2 preface or a PROXY-protocol \
                header leave the very same record"
                    .into(),
            evidence: Vec::new(),
        });
    }
    causes
}

fn no_wildcard(symptom: &str, all: &[Verdicted]) -> Option<Cause> {
    let missing = all.iter().find(|verdicted| verdicted.check.code == "AT201")?;
    let (certainty, evidence) = match &missing.judgement {
        Err(why) => (Certainty::Likely, vec![why.to_string()]),
        Ok(_) => (Certainty::Established, messages(missing)),
    };
    Some(Cause {
        symptom: None,
        codes: vec!["AT201".into()],
        certainty,
        statement: match symptom {
            "AT104" => {
                "A Google load balancer connects without SNI and is reset: no ApigeeRoute accepts such connections"
            }
            "AT106" => "Clients without SNI cannot be served: no ApigeeRoute accepts them",
            _ => "Clients without SNI are reset: no ApigeeRoute accepts them",
        }
        .into(),
        evidence,
    })
}

/// A wildcard route is there, and something in it keeps it from working.
fn obstructed(evidence: &Evidence, symptom: &str, route: &Route, all: &[Verdicted]) -> Cause {
    let codes = facts::wildcard_obstacles(evidence, route);
    let object = format!("ApigeeRoute/{}", route.name);
    let seen = codes
        .iter()
        .flat_map(|code| findings_on(all, code, &object))
        .map(|finding| {
            format!("{}: {} is {}, expected {}", finding.message, finding.place, finding.observed, finding.expected)
        })
        .collect();
    let fail = if symptom == "AT106" { "cannot be served" } else { "are reset" };
    Cause {
        symptom: None,
        codes: codes.iter().map(ToString::to_string).collect(),
        certainty: Certainty::Established,
        statement: format!("Clients without SNI {fail}: wildcard route {} does not work as it stands", route.name),
        evidence: seen,
    }
}

/// A wildcard route looks right, and connections without a server name are refused all the same.
fn despite_wildcard(evidence: &Evidence, symptom: &str, accepting: &[&Route], all: &[Verdicted]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let pods = facts::pods(evidence).unwrap_or_default();
    let unselected: Vec<&str> = facts::logs(evidence)
        .filter(|(_, log)| log.reset_without_name.count > 0)
        .filter_map(|(origin, _)| match origin {
            LogOrigin::Container { pod, .. } => Some(pod.as_str()),
            LogOrigin::File(_) => None,
        })
        .filter(|name| {
            pods.iter()
                .any(|pod| pod.name == *name && !accepting.iter().any(|route| selects(&route.selector, &pod.labels)))
        })
        .collect();
    if !unselected.is_empty() {
        causes.push(Cause {
            symptom: None,
            codes: vec!["AT214".into()],
            certainty: Certainty::Established,
            statement: format!(
                "Clients without SNI are reset at pods that no wildcard route selects: {}",
                unselected.join(", ")
            ),
            evidence: Vec::new(),
        });
        return causes;
    }
    if symptom == "AT106" {
        if let Some(unattached) = all.iter().find(|verdicted| verdicted.check.code == "AT203" && is_found(verdicted)) {
            causes.push(direct(unattached));
        }
        return causes;
    }
    let created = accepting.iter().filter_map(|route| route.created_at).max();
    let last = facts::logs(evidence).filter_map(|(_, log)| log.reset_without_name.last).max();
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
    if let Some(twice) = all.iter().find(|verdicted| verdicted.check.code == "AT206" && is_found(verdicted)) {
        causes.push(Cause { certainty: Certainty::Likely, ..direct(twice) });
    }
    // A filter chain for * asks for no server name and would have taken these connections, TLS or not: where they found
    // none, the gateway did not have it.
    causes.push(Cause {
        symptom: None,
        codes: Vec::new(),
        certainty: if causes.is_empty() { Certainty::Likely } else { Certainty::Possible },
        statement: format!(
            "Wildcard route {} looks right, but the gateway did not use it for these connections: \
             apigee-ingressgateway-manager may be down or behind",
            accepting[0].name
        ),
        evidence: Vec::new(),
    });
    causes
}

/// A name that a route declares is refused: something on that route, another gateway's pods, or the gateway is behind.
fn refused_with_declared_name(evidence: &Evidence, all: &[Verdicted]) -> Vec<Cause> {
    let routes = facts::routes(evidence).unwrap_or_default();
    let pods = facts::pods(evidence).unwrap_or_default();
    let mut causes: Vec<Cause> = Vec::new();
    for name in facts::reset_names(evidence).into_keys() {
        let Some(route) = routes.iter().find(|route| facts::declares(route, name)) else { continue };
        let object = format!("ApigeeRoute/{}", route.name);
        let mut codes = Vec::new();
        let mut seen = Vec::new();
        for code in ["AT207", "AT209", "AT210", "AT211", "AT212"] {
            let on_route: Vec<&Finding> = findings_on(all, code, &object).collect();
            if !on_route.is_empty() {
                codes.push(code.to_owned());
                seen.extend(on_route.iter().map(|finding| finding.message.clone()));
            }
        }
        let elsewhere: Vec<&str> = pods
            .iter()
            .filter(|pod| !route.selector.is_empty() && !selects(&route.selector, &pod.labels))
            .map(|pod| pod.name.as_str())
            .filter(|pod| was_reset_at(evidence, pod, name))
            .collect();
        let (certainty, why) = if !codes.is_empty() {
            (Certainty::Established, format!("ApigeeRoute {} does not work as it stands", route.name))
        } else if !elsewhere.is_empty() {
            let why = format!("they come to pods that ApigeeRoute {} does not select", route.name);
            seen.push(format!(
                "{} not selected: {}",
                facts::count(elsewhere.len() as u64, "pod"),
                elsewhere.join(", ")
            ));
            (Certainty::Established, why)
        } else {
            (Certainty::Likely, format!("the gateway does not have what ApigeeRoute {} asks for", route.name))
        };
        causes.push(Cause {
            symptom: None,
            codes,
            certainty,
            statement: format!("Connections for {name} are reset: {why}"),
            evidence: seen,
        });
    }
    causes
}

fn was_reset_at(evidence: &Evidence, pod: &str, name: &str) -> bool {
    facts::logs(evidence).any(|(origin, log)| {
        matches!(origin, LogOrigin::Container { pod: known, .. } if known == pod)
            && log.reset_with_name.server_names.contains_key(name)
    })
}

/// Requests without a server name get 404: no environment group on the wildcard's gateway, or a foreign Host header.
fn unrouted(all: &[Verdicted]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = ["AT203", "AT204"]
        .iter()
        .filter_map(|code| all.iter().find(|verdicted| verdicted.check.code == *code && is_found(verdicted)))
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

/// The finding is the cause itself.
fn direct(verdicted: &Verdicted) -> Cause {
    Cause {
        symptom: None,
        codes: vec![verdicted.check.code.to_owned()],
        certainty: Certainty::Established,
        statement: verdicted.check.summary.to_owned(),
        evidence: messages(verdicted),
    }
}

fn messages(verdicted: &Verdicted) -> Vec<String> {
    verdicted.findings().iter().take(5).map(|finding| finding.message.clone()).collect()
}

fn seen_at(finding: &Finding) -> String {
    let name = finding.object.split_once('/').map_or(finding.object.as_str(), |(_, name)| name);
    if finding.message.contains(name) {
        return format!("{} ({})", finding.message, finding.place);
    }
    format!("{}: {} ({})", finding.object, finding.message, finding.place)
}

fn findings_on<'a>(all: &'a [Verdicted], code: &'a str, object: &'a str) -> impl Iterator<Item = &'a Finding> {
    all.iter()
        .filter(move |verdicted| verdicted.check.code == code)
        .flat_map(Verdicted::findings)
        .filter(move |finding| finding.object == object)
}

fn config_dump(evidence: &Evidence) -> String {
    let pods = facts::pods(evidence).unwrap_or_default();
    let pod = pods.first().map_or("POD", |pod| pod.name.as_str());
    format!(
        "kubectl -n {} exec {} -- /usr/local/bin/pilot-agent request GET config_dump",
        word(&evidence.question.namespace),
        word(pod)
    )
}
