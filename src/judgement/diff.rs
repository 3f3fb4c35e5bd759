//! What changed between two runs: findings resolved, new and unchanged; routes, certificates and counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckReport, FailOn, OutcomeWord, Report, Selection, build};
use crate::checks::facts;
use crate::checks::{Code, Level, Location, Object};
use crate::evidence::access_log::Tally;
use crate::evidence::handshake::Handshake;
use crate::evidence::hybrid::Route;
use crate::evidence::stored::StoredIn;
use crate::evidence::{AccessLog, Evidence, Seen};
use crate::text::{moment, quoted_list};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.diff/v1";

/// Two runs compared.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Difference {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub before: Run,
    pub after: Run,
    /// Why the two may not be comparable.
    pub doubts: Vec<String>,
    pub new: Vec<Told>,
    pub gone: Vec<Told>,
    pub still: Vec<Told>,
    /// Checks that could judge before and cannot now, and the reverse.
    pub no_longer_told: Vec<String>,
    pub told_now: Vec<String>,
    /// Sentences about routes, certificates and counts.
    pub changes: Vec<String>,
    pub exit_code: u8,
}

/// One of the two runs.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    pub collected_at: Timestamp,
    pub context: Option<String>,
    pub namespace: String,
    /// The answer of its report: `CAUSE Clients without SNI are reset`.
    pub verdict: String,
}

/// A finding of one of the runs.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    pub code: Code,
    pub level: Level,
    pub object: String,
    pub message: String,
    /// All objects that `object` names; none in a comparison that was written before there was this field.
    #[serde(default)]
    pub objects: Vec<Object>,
}

/// Compares two runs. The exit code is 1 where a finding at or above the level is new, else 3 where a check
/// can no longer judge, else 0.
#[must_use]
pub fn compare(before: &Evidence, after: &Evidence, fail_on: FailOn) -> Difference {
    let reports = [before, after].map(|evidence| build(evidence, &Selection::default(), FailOn::default()));
    let [old, new] = reports.each_ref().map(findings);
    let only = |these: &BTreeMap<Key, Told>, those: &BTreeMap<Key, Told>| {
        these.iter().filter(|(key, _)| !those.contains_key(*key)).map(|(_, told)| told.clone()).collect::<Vec<_>>()
    };
    let [unknown_before, unknown_after] = reports.each_ref().map(unknown);
    let no_longer_told: Vec<String> = unknown_after.difference(&unknown_before).cloned().collect();
    let added = only(&new, &old);
    let is_worse = added.iter().any(|told| fail_on.reaches(told.level));
    Difference {
        schema: SCHEMA.to_owned(),
        doubts: doubts(before, after),
        before: run(before, &reports[0]),
        after: run(after, &reports[1]),
        gone: only(&old, &new),
        still: new.iter().filter(|(key, _)| old.contains_key(*key)).map(|(_, told)| told.clone()).collect(),
        told_now: unknown_before.difference(&unknown_after).cloned().collect(),
        changes: changes(before, after),
        exit_code: match () {
            () if is_worse => 1,
            () if !no_longer_told.is_empty() => 3,
            () => 0,
        },
        no_longer_told,
        new: added,
    }
}

fn run(evidence: &Evidence, report: &Report) -> Run {
    let verdict = &report.verdict;
    Run {
        collected_at: evidence.collected_at,
        context: report.subject.context().map(str::to_owned),
        namespace: report.subject.namespace().to_owned(),
        verdict: format!("{} {}", verdict.kind.word(), verdict.headline),
    }
}

fn doubts(before: &Evidence, after: &Evidence) -> Vec<String> {
    let context = |evidence: &Evidence| evidence.connection.seen().ok().and_then(|known| known.context.clone());
    let mut doubts = Vec::new();
    if before.collected_at > after.collected_at {
        doubts.push("the first was collected after the second: are they in the right order?".to_owned());
    }
    if let (Some(old), Some(new)) = (context(before), context(after))
        && old != new
    {
        doubts.push(format!("they are of two contexts, {old} and {new}"));
    }
    if before.question.namespace() != after.question.namespace() {
        doubts.push(format!(
            "they are of two namespaces, {} and {}",
            before.question.namespace(),
            after.question.namespace()
        ));
    }
    if has_pseudonyms(before) != has_pseudonyms(after) {
        doubts.push("one has pseudonyms for hostnames and the other has not, so none of them fits".to_owned());
    } else if has_pseudonyms(before) && hostnames(before).is_disjoint(&hostnames(after)) {
        let why =
            "they have no hostname in common: pseudonyms of two runs fit where `collect --redact-as` made the second";
        doubts.push(why.to_owned());
    }
    doubts
}

/// The hostnames are pseudonyms of `collect --redact hosts`, which end in the reserved `.example` (RFC 2606).
fn has_pseudonyms(evidence: &Evidence) -> bool {
    let names = hostnames(evidence);
    !names.is_empty() && names.iter().all(|name| name.ends_with(".example"))
}

/// Returns the hostnames of the routes, without `*`.
fn hostnames(evidence: &Evidence) -> BTreeSet<&str> {
    let routes = evidence.routes.seen().map(|routes| routes.items.as_slice()).unwrap_or_default();
    routes.iter().flat_map(|route| &route.hostnames).map(String::as_str).filter(|name| *name != "*").collect()
}

/// Two findings are the same if code, object and place are equal. The message may differ, because its numbers
/// change.
type Key = (Code, String, String);

fn findings(report: &Report) -> BTreeMap<Key, Told> {
    let all = report.checks.iter().flat_map(|check| {
        check.findings.iter().cloned().map(move |finding| {
            // Times differ between runs.
            let is_time = finding.location.as_ref().is_some_and(Location::is_time);
            let place = if is_time { String::new() } else { finding.place };
            let key = (check.code, finding.object.clone(), place);
            let told = Told {
                code: check.code,
                level: check.level,
                object: finding.object,
                message: finding.message,
                objects: finding.objects,
            };
            (key, told)
        })
    });
    all.collect()
}

fn unknown(report: &Report) -> BTreeSet<String> {
    let unknown = |check: &CheckReport| check.outcome == OutcomeWord::Unknown;
    report.checks.iter().filter(|check| unknown(check)).map(|check| check.code.to_string()).collect()
}

fn changes(before: &Evidence, after: &Evidence) -> Vec<String> {
    let mut changes = routes(before, after);
    changes.extend(certificates(before, after));
    changes.extend(counts(before, after));
    changes
}

fn routes(before: &Evidence, after: &Evidence) -> Vec<String> {
    let (Seen::Seen(old), Seen::Seen(new)) = (&before.routes, &after.routes) else { return Vec::new() };
    let by_name = |routes: &[Route]| routes.iter().map(|route| (route.name.clone(), route.clone())).collect();
    let (old, new): (BTreeMap<String, Route>, BTreeMap<String, Route>) = (by_name(&old.items), by_name(&new.items));
    let mut changes = Vec::new();
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        match (old.get(name), new.get(name)) {
            (None, Some(_)) => changes.push(format!("ApigeeRoute {name} is new")),
            (Some(_), None) => changes.push(format!("ApigeeRoute {name} is gone")),
            (Some(old), Some(new)) => changes.extend(route_changes(old, new)),
            (None, None) => {}
        }
    }
    changes
}

fn route_changes(old: &Route, new: &Route) -> Vec<String> {
    let name = &new.name;
    let credential = |route: &Route| {
        let names = route.ports.iter().filter_map(|port| port.tls.as_ref()?.credential_name.clone());
        names.collect::<Vec<_>>()
    };
    let fields = [
        ("hostnames", quoted_list(&old.hostnames), quoted_list(&new.hostnames)),
        ("enableNonSniClient", flag(old.enable_non_sni_client), flag(new.enable_non_sni_client)),
        ("additionalGateways", quoted_list(&old.additional_gateways), quoted_list(&new.additional_gateways)),
        ("selector", facts::labels(&old.selector), facts::labels(&new.selector)),
        ("credentialName", quoted_list(&credential(old)), quoted_list(&credential(new))),
        ("state", text_or_absent(old.status.state.as_deref()), text_or_absent(new.status.state.as_deref())),
    ];
    fields
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(field, old, new)| format!("ApigeeRoute {name}: {field} was {old} and is {new}"))
        .collect()
}

fn flag(value: Option<bool>) -> String {
    value.map_or_else(|| "absent".into(), |value| value.to_string())
}

fn text_or_absent(value: Option<&str>) -> String {
    value.unwrap_or("absent").to_owned()
}

/// Returns fingerprint and end of the leaf of each Secret, and of each handshake by endpoint and SNI.
fn certificates(before: &Evidence, after: &Evidence) -> Vec<String> {
    let (old, new) = (leaves(before), leaves(after));
    new.into_iter()
        .filter_map(|(place, (fingerprint, until))| {
            let (old_fingerprint, old_until) = old.get(&place)?;
            (*old_fingerprint != fingerprint).then(|| {
                format!(
                    "{place}: another certificate, {} until {} (before: {} until {})",
                    fingerprint_start(&fingerprint),
                    moment(until),
                    fingerprint_start(old_fingerprint),
                    moment(*old_until)
                )
            })
        })
        .collect()
}

/// Returns the first 16 characters of a fingerprint, enough to distinguish two.
fn fingerprint_start(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

fn leaves(evidence: &Evidence) -> BTreeMap<String, (String, Timestamp)> {
    let mut leaves = BTreeMap::new();
    if let Seen::Seen(stored) = &evidence.stored_certificates {
        for certificate in stored {
            let place = match &certificate.origin {
                StoredIn::Secret { name } => format!("Secret {name}"),
                StoredIn::File { path, .. } => path.clone(),
            };
            if let Seen::Seen(content) = &certificate.content
                && let Some(leaf) = content.certificates.first()
            {
                leaves.insert(place, (leaf.fingerprint.clone(), leaf.not_after));
            }
        }
    }
    if let Seen::Seen(probes) = &evidence.probes {
        for endpoint in &probes.endpoints {
            for handshake in &endpoint.handshakes {
                if let Some(leaf) = handshake.certificates.first() {
                    let place = format!("{} {}", endpoint.name(), hello(handshake));
                    leaves.insert(place, (leaf.fingerprint.clone(), leaf.not_after));
                }
            }
        }
    }
    leaves
}

/// Describes the SNI of a handshake. An unknown name differs from run to run and is left out.
fn hello(handshake: &Handshake) -> String {
    use crate::evidence::handshake::ClientHelloKind;
    match (handshake.kind, &handshake.server_name) {
        (ClientHelloKind::Named, Some(name)) => format!("with server name {name}"),
        (ClientHelloKind::Unknown, _) => "with an unknown server name".into(),
        _ => "without SNI".into(),
    }
}

/// Selects the tally of a log to compare.
type Counted = fn(&AccessLog) -> &Tally;

fn counts(before: &Evidence, after: &Evidence) -> Vec<String> {
    let sum = |evidence: &Evidence, tally: Counted| {
        facts::logs(evidence).map(|(_, log)| tally(log).count).fold(0, u64::saturating_add)
    };
    let kinds: [(&str, Counted); 4] = [
        ("resets without SNI", |log| &log.reset_without_sni),
        ("resets with SNI", |log| &log.reset_with_sni),
        ("requests without SNI", |log| &log.served_without_sni),
        ("requests without SNI that found no route", |log| &log.unrouted_without_sni),
    ];
    kinds
        .into_iter()
        .map(|(what, tally)| (what, sum(before, tally), sum(after, tally)))
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| format!("{what} in the logs: {old} before, {new} now"))
        .collect()
}
