//! Facts on the route of a ClientHello, and on its Secret, that explain a symptom.

use std::collections::BTreeSet;

use super::super::relations::{EXPLAINS, On};
use super::reason;
use crate::checks::facts::{self, captured};
use crate::checks::{CheckResult, Code, Finding, Kind, Location};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Route;
use crate::verdict::{Cause, Judged, findings_on};

/// The facts that explain a symptom: their codes, each once, a reason for each code, and all messages.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) codes: Vec<Code>,
    pub(super) reasons: Vec<String>,
    pub(super) messages: Vec<String>,
}

/// Returns the facts on this route and its Secrets that explain one of the symptoms. A fact that concerns
/// pods counts only if it concerns one of these; without any, every fact counts.
pub(super) fn facts_on(all: &[CheckResult], route: &Route, symptoms: &[Code], pods: &[&str]) -> Facts {
    let secrets = route.ports.iter().filter_map(|port| port.tls.as_ref()?.credential_name.as_deref());
    let secrets: BTreeSet<&str> = secrets.collect();
    let is_there = |finding: &Finding| {
        pods.is_empty() || finding.pods.is_empty() || finding.pods.iter().any(|pod| pods.contains(&pod.as_str()))
    };
    let mut found = Facts::default();
    for fact in EXPLAINS.iter().filter(|fact| fact.symptoms.iter().any(|symptom| symptoms.contains(symptom))) {
        let on_route = (fact.on == On::Route).then_some((Kind::ApigeeRoute, route.name.as_str()));
        let on_secrets = secrets.iter().filter(|_| fact.on == On::Secret).map(|secret| (Kind::Secret, *secret));
        for (kind, name) in on_route.into_iter().chain(on_secrets) {
            for finding in findings_on(all, fact.code, kind, name).filter(|finding| is_there(finding)) {
                if !found.codes.contains(&fact.code) {
                    found.codes.push(fact.code);
                    found.reasons.push(reason(fact.code, finding));
                }
                if !found.messages.contains(&finding.message) {
                    found.messages.push(finding.message.clone());
                }
            }
        }
    }
    found
}

/// Adds the facts that explain an error to the cause that the error is itself.
pub(super) fn explained(judged: Judged<'_>, error: &CheckResult, mut cause: Cause) -> Cause {
    for finding in error.findings() {
        let pods: Vec<&str> = finding.pods.iter().map(String::as_str).collect();
        for route in routes_of(judged.evidence, error.check.code, finding) {
            let facts = facts_on(judged.all, route, &[error.check.code], &pods);
            let new_codes = facts.codes.into_iter().filter(|code| !cause.codes.contains(code)).collect::<Vec<_>>();
            cause.codes.extend(new_codes);
            let new = facts.messages.into_iter().filter(|message| !cause.evidence.contains(message));
            let new: Vec<String> = new.collect();
            cause.evidence.extend(new);
        }
    }
    cause
}

/// Returns the routes that the ClientHellos of a finding are for. Of a capture, those of all findings of the
/// check.
fn routes_of<'a>(evidence: &'a Evidence, code: Code, finding: &Finding) -> Vec<&'a Route> {
    let names: Vec<Option<&str>> = match &finding.location {
        Location::ClientHellos(hellos) => {
            hellos.iter().filter(|hello| !hello.unknown).map(|hello| hello.server_name.as_deref()).collect()
        }
        Location::Packet { .. } => {
            let names = captured::names_of(evidence, code).into_iter();
            names.map(|name| Some(name).filter(|name| !name.is_empty())).collect()
        }
        _ => Vec::new(),
    };
    let routes = facts::routes(evidence).unwrap_or_default();
    let is_for = |route: &&Route| {
        names.iter().any(|name| name.map_or(route.is_tls_wildcard(), |name| facts::declares(route, name)))
    };
    routes.into_iter().filter(is_for).collect()
}
