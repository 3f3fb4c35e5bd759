//! Rehearses the fix: applies its changes to the evidence in memory, judges again, and compares. What a step
//! would bring is then known before it is done.
//!
//! Applied are the changes of objects and files, and what the gateways show once they have them: the filter
//! chain, the certificate for a handshake without SNI, and no new resets. A cluster may behave otherwise, so
//! this is a forecast, never evidence.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selection;
use super::build::results;
use crate::checks::{CheckResult, Code, Finding, Level, facts};
use crate::evidence::access_log::Tally;
use crate::evidence::certificate::Certificate;
use crate::evidence::gateway::FilterChain;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin};
use crate::evidence::hybrid::{Route, selects};
use crate::evidence::overrides::Positioned;
use crate::evidence::{Evidence, Seen};
use crate::playbooks;
use crate::verdict::{Change, Judged, Verdict, VerdictKind};

/// Ports on which ingress pods listen for HTTPS: the one behind the Service, and the one that routes name.
const HTTPS_PORTS: [u16; 2] = [443, 8443];

/// What the remedy of a report would do.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rehearsal {
    /// The verdict after all steps.
    pub verdict: VerdictKind,
    pub headline: String,
    /// Findings that are gone after all steps.
    pub cures: Vec<Rehearsed>,
    /// Warnings and errors that stay.
    pub leaves: Vec<Rehearsed>,
    /// Findings that are new.
    pub brings: Vec<Rehearsed>,
}

/// A finding before or after the remedy.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rehearsed {
    pub code: Code,
    pub level: Level,
    pub message: String,
}

/// Judges the evidence with the remedy done; `None` if no step of it changes anything that is judged.
#[must_use]
pub fn rehearse(evidence: &Evidence, selection: &Selection) -> Option<Rehearsal> {
    let (before, verdict, all) = judge(evidence, selection);
    let (_, run) = playbooks::of_run(&evidence.question);
    let changes = (run.changes)(Judged { evidence, selected: &before, all: &all }, &verdict);
    if changes.is_empty() {
        return None;
    }
    let (after, verdict, _) = judge(&applied(evidence, &changes), selection);
    let (before, after) = (findings(&before), findings(&after));
    let is_in = |list: &[Found<'_>], found: &Found<'_>| found.is_in(list);
    let only = |list: &[Found<'_>], wanted: &dyn Fn(&Found<'_>) -> bool| -> Vec<Rehearsed> {
        list.iter().filter(|found| wanted(found)).map(Found::rehearsed).collect()
    };
    Some(Rehearsal {
        verdict: verdict.kind,
        headline: verdict.headline,
        cures: only(&before, &|found| !is_in(&after, found)),
        leaves: only(&after, &|found| is_in(&before, found) && found.level >= Level::Warning),
        brings: only(&after, &|found| !is_in(&before, found)),
    })
}

/// Returns the selected results, the verdict, and all results.
fn judge(evidence: &Evidence, selection: &Selection) -> (Vec<CheckResult>, Verdict, Vec<CheckResult>) {
    let (playbook, run) = playbooks::of_run(&evidence.question);
    let (all, selected) = results(playbook, evidence, selection);
    let (verdict, _) = run.conclude(Judged { evidence, selected: &selected, all: &all });
    (selected, verdict, all)
}

/// A finding of a judgement. Its sentence may hold numbers that differ between judgements.
struct Found<'a> {
    code: Code,
    level: Level,
    finding: &'a Finding,
}

impl Found<'_> {
    /// Returns whether the list has findings of the same check at each object of this one. Endpoints share a
    /// finding by its sentence, which may change.
    fn is_in(&self, list: &[Self]) -> bool {
        let alike: Vec<&Self> = list.iter().filter(|other| other.code == self.code).collect();
        let has = |object| alike.iter().any(|other| other.finding.objects.contains(object));
        !alike.is_empty() && self.finding.objects.iter().all(has)
    }

    fn rehearsed(&self) -> Rehearsed {
        Rehearsed { code: self.code, level: self.level, message: self.finding.message.clone() }
    }
}

fn findings<'a>(results: &'a [CheckResult]) -> Vec<Found<'a>> {
    let of_result = |result: &'a CheckResult| {
        let (code, level) = (result.check.code, result.check.level);
        result.findings().iter().map(move |finding| Found { code, level, finding })
    };
    results.iter().flat_map(of_result).collect()
}

/// Returns the evidence with the changes, and with what the gateways show then.
fn applied(evidence: &Evidence, changes: &[Change]) -> Evidence {
    let mut after = evidence.clone();
    for change in changes {
        apply(&mut after, change);
    }
    if changes.iter().any(|change| matches!(change, Change::List { .. })) {
        for log in after.access_logs.iter_mut().filter_map(|stream| seen_mut(&mut stream.log)) {
            log.unrouted_without_sni = Tally::default();
        }
    }
    let accepting: Vec<Route> = facts::wildcards(&after)
        .unwrap_or_default()
        .into_iter()
        .filter(|route| facts::wildcard_obstacles(&after, route).is_empty())
        .cloned()
        .collect();
    for route in &accepting {
        accept(&mut after, route);
    }
    after
}

fn apply(evidence: &mut Evidence, change: &Change) {
    let has = |gateways: &[String], name: &String| gateways.contains(name);
    match change {
        Change::Apply(route) => {
            if let Some(routes) = seen_mut(&mut evidence.routes) {
                routes.items.retain(|known| known.name != route.name);
                routes.items.push(Route::clone(route));
            }
        }
        Change::Delete(name) => {
            if let Some(routes) = seen_mut(&mut evidence.routes) {
                routes.items.retain(|known| known.name != *name);
            }
        }
        Change::List { gateway, groups } => {
            if let Some(configs) = seen_mut(&mut evidence.route_configs) {
                for config in configs.items.iter_mut().filter(|config| groups.contains(&config.name)) {
                    if !has(&config.additional_gateways, gateway) {
                        config.additional_gateways.push(gateway.clone());
                    }
                }
            }
            if let Some(routes) = seen_mut(&mut evidence.routes) {
                for route in routes.items.iter_mut().filter(|route| groups.iter().any(|group| group == route.group())) {
                    if !has(&route.additional_gateways, gateway) {
                        route.additional_gateways.push(gateway.clone());
                    }
                }
            }
        }
        Change::ListInFiles(gateway) => {
            let contents = evidence.overrides.iter_mut().filter_map(|file| seen_mut(&mut file.content));
            for host in contents.flat_map(|content| &mut content.virtual_hosts) {
                let names = &mut host.additional_gateways.names;
                if !names.iter().any(|name| name.value == *gateway) {
                    names.push(Positioned { value: gateway.clone(), place: host.place });
                }
            }
        }
    }
}

/// The pods of the route have its filter chain, and serve handshakes without SNI.
fn accept(evidence: &mut Evidence, route: &Route) {
    let pods = facts::pods(evidence).unwrap_or_default();
    let pods: BTreeSet<String> =
        pods.iter().filter(|pod| selects(&route.selector, &pod.labels)).map(|pod| pod.name.clone()).collect();
    let on_443 = route.ports.iter().find(|port| port.number == Some(443)).and_then(|port| port.tls.as_ref());
    let secret = on_443.and_then(|tls| tls.credential_name.clone()).unwrap_or_default();
    let served: Vec<Certificate> = match facts::stored::secret_content(evidence, &secret) {
        Ok(Some(content)) => content.certificates.clone(),
        _ => Vec::new(),
    };
    for gateway in seen_mut(&mut evidence.gateways).into_iter().flatten().filter(|gateway| pods.contains(&gateway.pod))
    {
        for listener in seen_mut(&mut gateway.listeners).into_iter().flatten() {
            let has_tls = listener.chains.iter().any(|chain| chain.tls);
            if (has_tls || HTTPS_PORTS.contains(&listener.port))
                && !listener.chains.iter().any(FilterChain::matches_without_sni)
            {
                let secrets = vec![format!("kubernetes://{secret}")];
                listener.chains.push(FilterChain { tls: true, secrets, ..FilterChain::default() });
            }
        }
    }
    for endpoint in seen_mut(&mut evidence.probes).into_iter().flat_map(|probes| &mut probes.endpoints) {
        if matches!(&endpoint.place, EndpointOrigin::Pod { pod } if !pods.contains(pod)) {
            continue;
        }
        let session = endpoint.handshakes.iter().find_map(|made| made.session.clone());
        let refused = endpoint.handshakes.iter_mut().filter(|made| made.kind != ClientHelloKind::Named);
        for made in refused.filter(|made| made.was_refused()) {
            made.failure = None;
            made.session.clone_from(&session);
            made.certificates.clone_from(&served);
        }
    }
    for stream in &mut evidence.access_logs {
        if let Some(log) = seen_mut(&mut stream.log) {
            log.reset_without_sni = Tally::default();
        }
    }
}

fn seen_mut<T>(seen: &mut Seen<T>) -> Option<&mut T> {
    match seen {
        Seen::Seen(data) => Some(data),
        Seen::Unavailable(_) => None,
    }
}
