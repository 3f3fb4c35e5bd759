//! AT523: the addresses of one host answer differently.

use crate::checks::facts::answers;
use crate::checks::facts::probed::{self, Probe};
use crate::checks::{Check, ClientHello, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object};
use crate::evidence::Evidence;
use crate::evidence::handshake::{EndpointOrigin, How, Probes, socket};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT523"),
    name: "addresses-differ",
    level: Level::Warning,
    summary: "The addresses of one host answer differently",
    explanation: Explanation {
        looks_for: "A host with several addresses, from DNS or the command line: requested handshakes that \
            ended differently or got different certificates. Addresses that this machine cannot route to, \
            such as IPv6 addresses without IPv6, are ignored.",
        matters: "Clients fail now and then, depending on the address they use, and a second attempt \
            succeeds. Such faults are the hardest to reproduce.",
        fix: "Remove the diverging address from DNS, or update the server behind it.",
    },
    reference: "RFC 8305: clients try the addresses of a name in an order of their own",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut hosts: Vec<Vec<Probe<'_>>> = Vec::new();
    for probe in probed::requested(probes).filter(|probe| is_compared(*probe)) {
        let is_host = |known: &Vec<Probe<'_>>| {
            let endpoint = known[0].0;
            (&endpoint.place, &endpoint.host, endpoint.port) == (&probe.0.place, &probe.0.host, probe.0.port)
        };
        match hosts.iter_mut().find(|known| is_host(known)) {
            Some(known) => known.push(probe),
            None => hosts.push(vec![probe]),
        }
    }
    let several = hosts.iter().any(|host| host.iter().any(|(endpoint, _)| endpoint.address != host[0].0.address));
    let findings = hosts
        .into_iter()
        .flat_map(|host| answers::by_client_hello(host.into_iter()))
        .filter_map(|same_hello| difference(probes, &same_hello))
        .collect();
    let nothing = if several { None } else { Some("no host has several addresses that were tried") };
    probed::judgement_if_seen(probes, findings, "the addresses of each host answer alike", nothing)
}

fn is_compared((endpoint, handshake): Probe<'_>) -> bool {
    let unreachable = handshake.failure.as_ref().is_some_and(|failure| matches!(failure.how, How::Unreachable(_)));
    matches!(endpoint.place, EndpointOrigin::Dns | EndpointOrigin::Given)
        && endpoint.address.is_some()
        && !unreachable
        && !handshake.was_lost()
}

fn difference(probes: &Probes, same_hello: &[Probe<'_>]) -> Option<Finding> {
    let answers = answers::by_answer(probes, same_hello);
    let (endpoint, handshake) = *same_hello.first()?;
    if answers.len() < 2 {
        return None;
    }
    let host = socket(endpoint.host.as_deref().unwrap_or_default(), endpoint.port);
    let told: Vec<String> = answers
        .iter()
        .map(|group| {
            let addresses = group.iter().filter_map(|(endpoint, _)| Some(endpoint.address?.to_string()));
            format!("{}: {}", probed::names(addresses), answers::describe(group[0].1))
        })
        .collect();
    Some(Finding::new(
        Object::new(Kind::Host, host.as_str()),
        Location::ClientHellos(vec![ClientHello::from(handshake)]),
        format!("{host}: its addresses answer differently: {}", told.join("; ")),
        format!("{} different answers from {} addresses", answers.len(), same_hello.len()),
        "one answer",
    ))
}
