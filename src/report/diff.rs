//! What changed between two runs: findings gone, new and still there; routes, certificates and counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::TextOptions;
use super::{FailOn, Report, Selection, build};
use crate::checks::facts;
use crate::checks::{Code, Level, Location, Object};
use crate::evidence::access_log::Tally;
use crate::evidence::cluster::Route;
use crate::evidence::handshake::Handshake;
use crate::evidence::stored::StoredIn;
use crate::evidence::{AccessLog, Evidence, Seen};
use crate::text::{Beside, moment, quoted_list, visible};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.diff/v1";

/// Column at which the text beside a label begins.
const LABEL_COLUMN: usize = 10;

/// Two runs held side by side.
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
    /// Checks that could tell before and cannot now, and the other way round.
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

/// A finding, as it is told.
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

/// Compares two runs. What is new at or above the level makes the exit code 1; what can no longer be told makes it 3.
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

/// The names that `collect --redact hosts` gives end in a domain that nobody has (RFC 2606).
fn has_pseudonyms(evidence: &Evidence) -> bool {
    let names = hostnames(evidence);
    !names.is_empty() && names.iter().all(|name| name.ends_with(".example"))
}

/// Of routes, but for the one that stands for all.
fn hostnames(evidence: &Evidence) -> BTreeSet<&str> {
    let routes = evidence.routes.seen().map(|routes| routes.items.as_slice()).unwrap_or_default();
    routes.iter().flat_map(|route| &route.hostnames).map(String::as_str).filter(|name| *name != "*").collect()
}

/// A finding is the same where code, object and place are: its numbers may have changed.
type Key = (Code, String, String);

fn findings(report: &Report) -> BTreeMap<Key, Told> {
    let all = report.checks.iter().flat_map(|check| {
        check.findings.iter().cloned().map(move |finding| {
            // Times differ from run to run.
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
    let unknown = |check: &super::CheckReport| check.outcome == super::OutcomeWord::Unknown;
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

/// The leaf of each Secret, and of each handshake by endpoint and server name.
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

/// Enough of a fingerprint to tell two apart.
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

/// The unknown name is another one in each run.
fn hello(handshake: &Handshake) -> String {
    use crate::evidence::handshake::HelloKind;
    match (handshake.kind, &handshake.server_name) {
        (HelloKind::Named, Some(name)) => format!("with server name {name}"),
        (HelloKind::Unknown, _) => "with an unknown server name".into(),
        _ => "without a server name".into(),
    }
}

/// The part of a log that is counted.
type Counted = fn(&AccessLog) -> &Tally;

fn counts(before: &Evidence, after: &Evidence) -> Vec<String> {
    let sum = |evidence: &Evidence, tally: Counted| {
        facts::logs(evidence).map(|(_, log)| tally(log).count).fold(0, u64::saturating_add)
    };
    let kinds: [(&str, Counted); 4] = [
        ("resets without a server name", |log| &log.reset_without_name),
        ("resets with a server name", |log| &log.reset_with_name),
        ("requests without a server name", |log| &log.served_without_name),
        ("requests without a server name that found no route", |log| &log.unrouted_without_name),
    ];
    kinds
        .into_iter()
        .map(|(what, tally)| (what, sum(before, tally), sum(after, tally)))
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| format!("{what} in the logs: {old} before, {new} now"))
        .collect()
}

/// For a person.
#[must_use]
pub fn text(difference: &Difference, options: TextOptions) -> String {
    let beside = Beside { margin: 0, column: LABEL_COLUMN, width: options.width };
    let mut out = String::new();
    for (label, run) in [("BEFORE", &difference.before), ("AFTER", &difference.after)] {
        let context = run.context.as_deref().unwrap_or("no context");
        let at = moment(run.collected_at);
        let line = format!("{at} {context}, namespace {}: {}", run.namespace, run.verdict);
        out += &beside.lines(label, label, &visible(&line), 0);
    }
    for doubt in &difference.doubts {
        out += &beside.lines("BUT", "BUT", &visible(doubt), 0);
    }
    let groups = [("NEW", &difference.new), ("GONE", &difference.gone), ("STILL", &difference.still)];
    for (label, findings) in groups {
        for (i, told) in findings.iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            let is_named = Object::are_named_in(&told.objects, &told.message);
            let place = if is_named { String::new() } else { format!("{}: ", told.object) };
            let what = visible(&format!("{place}{}", told.message));
            let line = format!("{} {} {what}", told.code, told.level.as_str());
            out += &beside.lines(label, label, &line, 0);
        }
    }
    for (label, lines) in
        [("CHANGED", &difference.changes), ("UNKNOWN", &difference.no_longer_told), ("KNOWN", &difference.told_now)]
    {
        for (i, line) in lines.iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            out += &beside.lines(label, label, &visible(line), 0);
        }
    }
    let verdict = match difference.exit_code {
        1 => "Something got worse.",
        3 => "Nothing got worse that could be told; something cannot be told any more.",
        _ if difference.new.is_empty() && difference.gone.is_empty() => "Nothing changed for clients.",
        _ => "Nothing got worse.",
    };
    out + "\n" + verdict + "\n"
}
