//! What changed between two runs: what was fixed, the numbers before and after; findings resolved, new and
//! unchanged; routes and certificates.

mod fixed;
pub mod fleet;
mod relation;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckReport, FailOn, FindingReport, OutcomeWord, Report, Selection, build};
use crate::checks::{self, Code, Level, Location, Object, facts};
use crate::evidence::handshake::Handshake;
use crate::evidence::hybrid::Route;
use crate::evidence::stored::StoredIn;
use crate::evidence::{Evidence, Seen};
use crate::text::{count, moment, quoted_list};

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
    /// The result in one word; `same` in a comparison of an older version.
    #[serde(default)]
    pub outcome: DifferenceOutcome,
    /// What was fixed, and how many findings are new: one or two sentences.
    #[serde(default)]
    pub headline: String,
    /// What clients could not do before and can do now, as fragments.
    #[serde(default)]
    pub fixed: Vec<String>,
    /// Numbers that differ.
    #[serde(default)]
    pub numbers: Vec<Measure>,
    pub new: Vec<Told>,
    pub gone: Vec<Told>,
    pub still: Vec<Told>,
    /// Checks that could judge before and cannot now, and the reverse.
    pub no_longer_told: Vec<String>,
    pub told_now: Vec<String>,
    /// Sentences about routes and certificates.
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
    /// The section about the check; empty in a comparison that was written before there was this field.
    #[serde(default)]
    pub documentation_url: String,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DifferenceOutcome {
    /// Errors or warnings are gone, and none is new.
    Better,
    /// Clients that failed are served now, and nothing got worse.
    Fixed,
    /// Nothing changed for clients.
    #[default]
    Same,
    /// Nothing got worse that could be judged, but something can no longer be judged; or the runs are of two
    /// clusters or namespaces, so that their findings cannot be compared.
    Unknown,
    /// An error or a warning is new.
    Worse,
}

/// A number in both runs.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measure {
    pub what: String,
    /// Absent where it was not seen.
    pub before: Option<u64>,
    pub after: Option<u64>,
}

/// Compares two runs. The exit code is 1 where a finding at or above the level is new, else 3 where
/// a check can no longer judge, else 0. It is 3 for runs of two clusters or namespaces, whose findings are
/// not compared.
#[must_use]
pub fn compare(before: &Evidence, after: &Evidence, fail_on: FailOn) -> Difference {
    let reports = [before, after].map(|evidence| build(evidence, &Selection::default(), FailOn::default()));
    if let Some(why) = relation::unrelated(before, after) {
        return Difference {
            schema: SCHEMA.to_owned(),
            before: run(before, &reports[0]),
            after: run(after, &reports[1]),
            doubts: doubts(before, after),
            outcome: DifferenceOutcome::Unknown,
            headline: format!("{why} Their findings are not comparable."),
            fixed: Vec::new(),
            numbers: Vec::new(),
            new: Vec::new(),
            gone: Vec::new(),
            still: Vec::new(),
            no_longer_told: Vec::new(),
            told_now: Vec::new(),
            changes: Vec::new(),
            exit_code: 3,
        };
    }
    let [old, new] = reports.each_ref().map(findings);
    let only = |these: &BTreeMap<Key, Told>, those: &BTreeMap<Key, Told>| {
        these.iter().filter(|(key, _)| !those.contains_key(*key)).map(|(_, told)| told.clone()).collect::<Vec<_>>()
    };
    let [unknown_before, unknown_after] = reports.each_ref().map(unknown);
    let mut gone = only(&old, &new);
    // What the second run did not see is not gone.
    let lost = not_judged(&gone.iter().map(|told| told.code).collect(), after);
    gone.retain(|told| !lost.contains(&told.code));
    let lost: BTreeSet<String> = lost.iter().map(Code::to_string).collect();
    let no_longer_told: Vec<String> =
        unknown_after.difference(&unknown_before).chain(&lost).cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let fixed = fixed::fixed(before, after);
    let added = only(&new, &old);
    let is_worse = added.iter().any(|told| fail_on.reaches(told.level));
    let harmful = |told: &&Told| told.level > Level::Notice;
    let outcome = match () {
        () if added.iter().any(|told| harmful(&told)) => DifferenceOutcome::Worse,
        () if !fixed.is_empty() => DifferenceOutcome::Fixed,
        () if !no_longer_told.is_empty() => DifferenceOutcome::Unknown,
        () if gone.iter().filter(harmful).count() > 0 => DifferenceOutcome::Better,
        () => DifferenceOutcome::Same,
    };
    Difference {
        schema: SCHEMA.to_owned(),
        headline: headline(outcome, &fixed, &added, &gone),
        outcome,
        numbers: fixed::numbers(before, after),
        fixed,
        doubts: doubts(before, after),
        before: run(before, &reports[0]),
        after: run(after, &reports[1]),
        gone,
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

/// What was fixed, and the new errors and warnings; without both, what is gone.
fn headline(outcome: DifferenceOutcome, fixed: &[String], added: &[Told], gone: &[Told]) -> String {
    let mut sentences = Vec::new();
    if !fixed.is_empty() {
        sentences.push(format!("{}.", fixed.join("; ")));
    }
    for (word, findings) in [("New", added), ("Gone", gone)] {
        let counts = counted(findings);
        if !counts.is_empty() && (word == "New" || fixed.is_empty()) {
            sentences.push(format!("{word}: {counts}."));
        }
    }
    if sentences.is_empty() {
        sentences.push(match outcome {
            DifferenceOutcome::Unknown => "Something can no longer be judged.".into(),
            _ => "Nothing changed for clients.".into(),
        });
    }
    let sentences = sentences.join(" ");
    let mut letters = sentences.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the errors and warnings by number, with their codes: `1 error (AT101), 2 warnings (AT405, AT416)`.
fn counted(findings: &[Told]) -> String {
    let kinds = [(Level::Error, "error"), (Level::Warning, "warning")].map(|(level, word)| {
        let of_level: Vec<&Told> = findings.iter().filter(|told| told.level == level).collect();
        let codes: BTreeSet<&str> = of_level.iter().map(|told| told.code.as_str()).collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        (!of_level.is_empty()).then(|| format!("{} ({})", count(of_level.len() as u64, word), codes.join(", ")))
    });
    kinds.into_iter().flatten().collect::<Vec<_>>().join(", ")
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

/// Returns the kubeconfig context of a run.
fn context(evidence: &Evidence) -> Option<&str> {
    evidence.connection.seen().ok().and_then(|known| known.context.as_deref())
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

/// Two findings are the same if code, object and place are equal, without addresses and names that differ
/// from run to run. The message may differ, because its numbers change.
pub(super) type Key = (Code, String, String);

/// Returns the keys of all findings of a report.
pub(super) fn keys(report: &Report) -> impl Iterator<Item = Key> {
    report.checks.iter().flat_map(|check| check.findings.iter().map(|finding| key(check.code, finding)))
}

/// Returns the key of one finding.
pub(super) fn key(code: Code, finding: &FindingReport) -> Key {
    let place = match &finding.location {
        // Lines move when others are added, and one file may have the same fault at several.
        Some(Location::File { name, .. }) => format!("{name}: {}", finding.message),
        // Times differ between runs.
        Some(location) if location.is_time() => String::new(),
        _ => fixed::comparable(&finding.place),
    };
    (code, fixed::comparable(&finding.object), place)
}

fn findings(report: &Report) -> BTreeMap<Key, Told> {
    let all = report.checks.iter().flat_map(|check| {
        check.findings.iter().cloned().map(move |finding| {
            let key = key(check.code, &finding);
            let told = Told {
                code: check.code,
                level: check.level,
                object: finding.object,
                message: finding.message,
                objects: finding.objects,
                documentation_url: finding.documentation_url,
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

/// Returns the checks for which the evidence lacks what they judge, whether it was requested or not.
fn not_judged(wanted: &BTreeSet<Code>, evidence: &Evidence) -> BTreeSet<Code> {
    let results = checks::judge_by(evidence, |_, check| wanted.contains(&check.code));
    results.iter().filter(|result| result.judgement.is_err()).map(|result| result.check.code).collect()
}

fn changes(before: &Evidence, after: &Evidence) -> Vec<String> {
    let mut changes = routes(before, after);
    changes.extend(certificates(before, after));
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
