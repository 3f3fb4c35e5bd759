//! Explains why connections without SNI are refused.

use std::collections::BTreeSet;

use super::super::relations::{EXPLAINED_BY_ATTACHMENT, leaves_no_record};
use super::facts_on::facts_on;
use super::{all_of, reason};
use crate::checks::facts::captured::{self, Joined};
use crate::checks::facts::without_sni::{self, Inspected};
use crate::checks::facts::{self, some_of};
use crate::checks::{CheckResult, Code, Finding, Kind, Location, codes};
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake};
use crate::evidence::hybrid::{Route, selects};
use crate::evidence::{Evidence, LogOrigin, Reason, Seen, Unavailable};
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
            statement: clause(symptom, &format!("the gateway accepts none; {}", routes_unknown(evidence, &why))),
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
    let mut seen = reproduced(evidence);
    if symptom != codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED {
        seen.extend(in_captures(all));
    }
    for cause in &mut causes {
        cause.evidence.extend(seen.iter().cloned());
        if symptom == codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED {
            // Connections of earlier runs of this program are among those counted.
            cause.certainty = cause.certainty.max(Certainty::Likely);
        }
    }
    if symptom == codes::CONNECTION_WITHOUT_SERVER_NAME_RESET {
        match spoke_no_tls(evidence) {
            Some(cause) if cause.certainty == Certainty::Established => return vec![cause],
            cause => causes.extend(cause),
        }
    }
    causes
}

/// Returns what is not known of the ApigeeRoutes, and why, as the end of a sentence.
fn routes_unknown(evidence: &Evidence, why: &Unavailable) -> String {
    match (facts::routes(evidence), &why.reason) {
        // Single objects of a file: another one may be the wildcard route.
        (Ok(routes), _) => {
            let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
            let given = if names.is_empty() { "none".to_owned() } else { some_of(&names) };
            format!("of its ApigeeRoutes only {given} {} given", if names.len() > 1 { "were" } else { "was" })
        }
        (Err(_), Reason::NotRequested(_)) => "its ApigeeRoutes were not given".to_owned(),
        (Err(_), _) => "its ApigeeRoutes could not be read".to_owned(),
    }
}

/// Returns the cause that the clients of the logs speak no TLS, unless Envoy's counters or the captures
/// exclude it.
fn spoke_no_tls(evidence: &Evidence) -> Option<Cause> {
    let inspected = without_sni::inspected(evidence);
    let Joined { without_sni, not_tls: without_hello, elsewhere } = captured::joined(evidence);
    // Every connection since the gateways started began with a ClientHello.
    if inspected.is_some_and(|inspected| inspected.not_tls == 0) {
        return None;
    }
    let mut seen: Vec<String> = inspected.map(counted).into_iter().collect();
    for (clients, what) in [(&without_sni, "a ClientHello without SNI"), (&without_hello, "no ClientHello")] {
        if !clients.is_empty() {
            let clients: Vec<String> = clients.iter().map(ToString::to_string).collect();
            seen.push(format!("the captures show {what} from {} at the time of the resets", some_of(&clients)));
        }
    }
    let is_none_hello = inspected.is_some_and(|inspected| inspected.without_sni == 0);
    let certainty = match (without_sni.is_empty(), without_hello.is_empty()) {
        (true, _) if is_none_hello => Certainty::Established,
        // The captures show every client of the logs.
        (false, true) if elsewhere == 0 => return None,
        (true, false) if elsewhere == 0 => Certainty::Established,
        (_, false) => Certainty::Likely,
        (_, true) => Certainty::Possible,
    };
    let who = match (without_sni.is_empty(), without_hello.is_empty()) {
        (false, true) => "Other clients than those in the captures",
        (false, false) => "Some clients",
        (true, _) => "Clients",
    };
    Some(not_tls(who, certainty, seen))
}

/// Returns the refused ClientHellos without SNI of the captures, with their first packets.
fn in_captures(all: &[CheckResult]) -> Vec<String> {
    let results = all.iter().filter(|result| result.check.code == codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED);
    let findings = results.flat_map(CheckResult::findings);
    findings
        .map(|finding| format!("captured: {} ({} of {})", finding.message, finding.place(), finding.object()))
        .collect()
}

fn not_tls(who: &str, certainty: Certainty, evidence: Vec<String>) -> Cause {
    Cause {
        symptom: None,
        codes: Vec::new(),
        certainty,
        statement: format!(
            "{who} do not speak TLS on this port: plain HTTP, an HTTP/2 preface or a PROXY protocol header leave the same \
             record"
        ),
        evidence,
    }
}

fn counted(inspected: Inspected) -> String {
    format!(
        "Envoy's TLS inspector counted {} without a ClientHello and {} without SNI since the gateways started",
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
            "reproduced: a handshake without SNI at {} of {made} ({}) is {failure}{named}",
            facts::count(pods.len() as u64, "pod"),
            facts::some_of(&pods)
        )];
    }
    if without_sni::is_served_where_it_was_reset(evidence) {
        return vec!["a handshake without SNI is served now by the pods that reset such connections".into()];
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
        statement: clause(symptom, "no ApigeeRoute accepts them"),
        evidence,
    })
}

/// Returns the sentence `Clients without SNI are reset, because {why}`, with the verb that the symptom shows.
fn clause(symptom: Code, why: &str) -> String {
    format!("{}, because {why}", effect(symptom))
}

/// Returns the same sentence for a cause with these codes. Where no log can show the clients, the probe is
/// the only witness, and what it met is what they meet.
fn of_codes(symptom: Code, codes: &[Code], why: &str) -> String {
    if symptom == codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED && leaves_no_record(codes) {
        return format!("Clients without SNI are refused, because {why}");
    }
    clause(symptom, why)
}

/// Returns the sentence about clients whose handshake succeeds.
fn unanswered(why: &str) -> String {
    format!("Requests of clients without SNI get 404, because {why}")
}

fn effect(symptom: Code) -> &'static str {
    match symptom {
        codes::LOAD_BALANCER_RESET => "A Google load balancer connects without SNI and is reset",
        codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED => "Clients without SNI cannot be served",
        codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED => "Clients without SNI would be refused",
        codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED => {
            "Connections without SNI are reset, as Envoy's counters show (of clients, or of earlier runs of this program)"
        }
        _ => "Clients without SNI are reset",
    }
}

/// The wildcard route exists and has a fault that keeps it from working.
fn obstructed(evidence: &Evidence, symptom: Code, route: &Route, all: &[CheckResult]) -> Cause {
    let codes = facts::wildcard_obstacles(evidence, route);
    let faults: Vec<(Code, &Finding)> = codes
        .iter()
        .flat_map(|&code| findings_on(all, code, Kind::ApigeeRoute, &route.name).map(move |fault| (code, fault)))
        .collect();
    let reasons: Vec<String> = faults.iter().map(|(code, fault)| reason(*code, fault)).collect();
    let why = if reasons.is_empty() {
        format!("wildcard route {} does not work as configured", route.name)
    } else {
        all_of(&reasons)
    };
    let statement = of_codes(symptom, &codes, &why);
    Cause {
        symptom: None,
        codes,
        certainty: Certainty::Established,
        statement,
        evidence: faults
            .iter()
            .map(|(_, fault)| {
                format!("{}: {} is {}, expected {}", fault.message, fault.place(), fault.observed, fault.expected)
            })
            .collect(),
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
            statement: clause(
                symptom,
                &format!(
                    "no wildcard route selects {}: {}",
                    if unselected.len() == 1 { "the pod" } else { "the pods" },
                    facts::some_of(&unselected)
                ),
            ),
            evidence: Vec::new(),
        });
        return causes;
    }
    if let Some(cause) = not_in_gateway(evidence, symptom, accepting, all) {
        causes.push(cause);
        return causes;
    }
    let refusing: Vec<&str> = without_sni::refused_at(evidence).into_iter().map(|(pod, _)| pod).collect();
    for route in accepting {
        let facts = facts_on(all, route, &[symptom], &refusing);
        if !facts.codes.is_empty() {
            causes.push(Cause {
                symptom: None,
                statement: of_codes(symptom, &facts.codes, &all_of(&facts.reasons)),
                codes: facts.codes,
                certainty: Certainty::Established,
                evidence: facts.messages,
            });
        }
    }
    if !causes.is_empty() {
        return causes;
    }
    if symptom == codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED {
        if let Some(unattached) =
            all.iter().find(|result| result.check.code == codes::WILDCARD_ROUTE_UNATTACHED && is_found(result))
        {
            let why = all_of(&messages(unattached));
            // Whom the gateway has accepted gets as far as the request.
            let probed = without_sni::at_pods(evidence);
            let is_accepted = !probed.is_empty() && probed.iter().all(|(_, made)| made.succeeded());
            let statement = if is_accepted { unanswered(&why) } else { clause(symptom, &why) };
            causes.push(Cause { statement, ..direct(unattached) });
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
                "Clients without SNI were reset until the wildcard route was created; no connection without SNI has \
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
            "Clients without SNI were reset while the gateway did not have wildcard route {}; it serves them now",
            accepting[0].name
        )
    } else {
        let age = created.map(|created| evidence.now().duration_since(created)).filter(|age| *age < facts::NEW_ROUTE);
        let why = match age {
            Some(age) => format!("it was created {} ago, and the gateway may not have it yet", facts::duration(age)),
            None => "apigee-ingressgateway-manager may be down or behind".into(),
        };
        format!("{} although wildcard route {} is configured correctly: {why}", effect(symptom), accepting[0].name)
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

/// The Envoys lack the wildcard route. The fault that keeps it from them is the cause, the most specific one
/// first: the change is only in the overrides file, only in the ApigeeRouteConfig, in no environment group,
/// or only in some Envoys.
fn not_in_gateway(evidence: &Evidence, symptom: Code, accepting: &[&Route], all: &[CheckResult]) -> Option<Cause> {
    let lacking: Vec<&Finding> = accepting
        .iter()
        .flat_map(|route| findings_on(all, codes::ROUTE_NOT_IN_GATEWAY, Kind::ApigeeRoute, &route.name))
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let route = &accepting[0].name;
    let behind: BTreeSet<&str> = lacking.iter().flat_map(|finding| &finding.pods).map(String::as_str).collect();
    let selected: Vec<&str> = facts::pods(evidence)
        .unwrap_or_default()
        .into_iter()
        .filter(|pod| accepting.iter().any(|route| selects(&route.selector, &pod.labels)))
        .map(|pod| pod.name.as_str())
        .collect();
    let stale = !behind.is_empty() && selected.iter().any(|pod| !behind.contains(pod));
    let about_route = |code: Code| -> Vec<&Finding> {
        let named = |finding: &&Finding| [&finding.message, &finding.expected].iter().any(|text| names(text, route));
        all.iter().filter(|result| result.check.code == code).flat_map(CheckResult::findings).filter(named).collect()
    };
    let upstream = [codes::HELM_UPGRADE_PENDING, codes::ROUTE_CONFIG_DRIFT, codes::WILDCARD_ROUTE_UNATTACHED];
    // Pods that have the route prove that it left the objects.
    let upstream = upstream.into_iter().filter(|_| !stale).map(|code| (code, about_route(code)));
    let mut evidence_of: Vec<String> = Vec::new();
    let (code, why) = match upstream.into_iter().find(|(_, findings)| !findings.is_empty()) {
        Some((code @ codes::HELM_UPGRADE_PENDING, findings)) => {
            evidence_of.extend(findings.iter().map(|finding| finding.message.clone()));
            let file = match &findings[0].location {
                Location::File { name, .. } => name.clone(),
                _ => findings[0].object(),
            };
            (code, format!("{file} lists {route} and helm upgrade was not run"))
        }
        Some((code @ codes::ROUTE_CONFIG_DRIFT, findings)) => {
            evidence_of.extend(findings.iter().map(|finding| finding.message.clone()));
            (code, format!("apigee-watcher did not carry {route} from ApigeeRouteConfig to ApigeeRoute"))
        }
        Some((code, findings)) => {
            evidence_of.extend(findings.iter().map(|finding| finding.message.clone()));
            (code, format!("no environment group lists {route} (additionalGateways)"))
        }
        None if stale => {
            let behind: Vec<&str> = behind.into_iter().collect();
            let of = format!("{} of {}", behind.len(), facts::count(selected.len() as u64, "pod"));
            let verb = if behind.len() == 1 { "has" } else { "have" };
            (
                codes::ROUTE_NOT_IN_GATEWAY,
                format!("{of} {verb} an old configuration without {route}: {}", facts::some_of(&behind)),
            )
        }
        None => (codes::ROUTE_NOT_IN_GATEWAY, format!("no Envoy has received wildcard route {route}")),
    };
    evidence_of.extend(lacking.iter().map(|finding| finding.message.clone()));
    let mut codes = vec![code];
    if code != codes::ROUTE_NOT_IN_GATEWAY {
        codes.push(codes::ROUTE_NOT_IN_GATEWAY);
    }
    Some(Cause {
        symptom: None,
        codes,
        certainty: Certainty::Established,
        statement: clause(symptom, &why),
        evidence: evidence_of,
    })
}

/// Returns whether `text` contains `name` as a whole word, not as part of a longer name.
fn names(text: &str, name: &str) -> bool {
    let in_name = |character: char| character.is_alphanumeric() || character == '-';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(in_name) && !text[at + name.len()..].starts_with(in_name))
}

/// Returns whether the pod refused a connection without SNI: by its log, in a capture, or in response to a
/// probe if that is the symptom.
fn refuses(evidence: &Evidence, symptom: Code, pod: &str) -> bool {
    let in_log = facts::logs(evidence).any(|(origin, log)| {
        log.reset_without_sni.count > 0 && matches!(origin, LogOrigin::Container { pod: known, .. } if known == pod)
    });
    in_log
        || captured::is_refused_at(evidence, pod)
        || symptom == codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED
            && without_sni::refused_at(evidence).iter().any(|(known, _)| *known == pod)
}

/// Explains why requests without SNI get 404: no environment group lists the wildcard route, or the Host
/// header names no hostname of one.
pub(super) fn unrouted(all: &[CheckResult]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = EXPLAINED_BY_ATTACHMENT
        .iter()
        .filter_map(|code| all.iter().find(|result| result.check.code == *code && is_found(result)))
        .map(|found| {
            let why = all_of(&messages(found));
            Cause { statement: unanswered(&why), ..direct(found) }
        })
        .collect();
    causes.push(Cause {
        symptom: None,
        codes: Vec::new(),
        certainty: if causes.is_empty() { Certainty::Likely } else { Certainty::Possible },
        statement:
            "Requests of clients without SNI get 404, because their Host header names no hostname of an environment \
            group"
                .into(),
        evidence: Vec::new(),
    });
    causes
}
