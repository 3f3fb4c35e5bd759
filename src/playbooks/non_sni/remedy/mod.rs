//! Lists what to do, in order, as commands to paste, with the cluster's own names.
//!
//! ```text
//! causes, findings ─┬─ wildcard (certificates, manifest, patch) ─┐
//!                   ├─ overrides (groups, overrides_diff) ───────┼─ Planned ─ Remedy, changes
//!                   └─ by_check ─────────────────────────────────┘
//! ```
//!
//! Cures of the causes come first, then the check that they worked, then what reduces a risk.

mod by_check;
mod certificates;
mod flow;
mod groups;
mod manifest;
mod overrides;
mod overrides_diff;
mod patch;
mod proof;
mod wildcard;

use std::collections::BTreeSet;

pub(super) use self::groups::all_files;
pub(super) use self::proof::same_inputs;
use self::wildcard::WildcardStep;
use super::relations::{CURED_BY_MANIFEST, CURED_BY_OVERRIDES, RELATIONS, WITHOUT_SNI};
use crate::checks::{self, CheckResult, Code, Kind, Level, codes, facts};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Route;
use crate::verdict::remedy::without_repeated_steps;
use crate::verdict::{Cause, Certainty, Change, Judged, Purpose, Remedy, RemedyStep, Target, Verdict, is_found};

/// A step, with the findings that it cures and the changes that it makes.
struct Planned {
    step: RemedyStep,
    cures: Vec<Code>,
    changes: Vec<Change>,
}

impl Planned {
    fn new(step: RemedyStep, cures: Vec<Code>) -> Self {
        Self { step, cures, changes: Vec::new() }
    }

    fn changing(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// The step changes what the gateway does with clients without SNI. A changed file alone is not seen in a
    /// handshake.
    fn opens_gateway(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, Change::ListInFiles(_)))
    }
}

/// Returns the remedy for the causes of the verdict and for every other warning.
pub(super) fn of(judged: Judged<'_>, verdict: &Verdict) -> Remedy {
    let planned = plan(judged, verdict);
    // With another certificate, the same clients are served as before.
    let certificate_alone = [codes::WILDCARD_CERTIFICATE_NAME_MISMATCH];
    let is_wildcard = |change: &Change| matches!(change, Change::Apply(route) if route.is_wildcard());
    let opens =
        planned.iter().any(|planned| planned.cures != certificate_alone && planned.changes.iter().any(is_wildcard));
    let effect = "Clients with a server name that no route has get this certificate instead of a reset.";
    let side_effects = if opens { vec![effect.to_owned()] } else { Vec::new() };
    let target = Target::of(judged.evidence);
    let collect = target.tool("collect", &groups::all_files(judged.evidence));
    Remedy { target, steps: planned.into_iter().map(|planned| planned.step).collect(), side_effects, collect }
}

/// Returns what the steps of the remedy change.
pub(super) fn changes(judged: Judged<'_>, verdict: &Verdict) -> Vec<Change> {
    plan(judged, verdict).into_iter().flat_map(|planned| planned.changes).collect()
}

fn plan(judged: Judged<'_>, verdict: &Verdict) -> Vec<Planned> {
    let Judged { evidence, selected, all } = judged;
    let target = &Target::of(evidence);
    let of_causes = codes_of_causes(verdict);
    let mut codes = of_causes.clone();
    let warned = selected.iter().filter(|result| is_found(result) && result.check.level >= Level::Warning);
    codes.extend(warned.map(|result| result.check.code));
    // Clients that were served and have lost their wildcard route need it as much as clients that are reset.
    if codes.contains(&codes::SERVED_CLIENT_WITHOUT_WILDCARD) {
        codes.insert(codes::WILDCARD_ROUTE_MISSING);
    }
    let mut left: Vec<&CheckResult> = all
        .iter()
        .filter(|result| codes.contains(&result.check.code) && is_found(result))
        .filter(|result| RELATIONS.symptom(result.check.code).is_none_or(|symptom| symptom.has_own_step))
        .collect();
    // In the wrong namespace all other advice is wrong.
    if facts::is_empty_namespace(evidence) && codes.contains(&codes::INGRESS_POD_MISSING) {
        return vec![right_namespace(evidence, target)];
    }
    let mut steps = Vec::new();
    // If the resets are a health check, nothing else has to be done, so this question comes first.
    if let Some(i) = left.iter().position(|result| result.check.code == codes::LOAD_BALANCER_RESET) {
        steps.push(by_check::step(evidence, target, left.remove(i)));
    }
    if let Ok(wildcards) = facts::wildcards(evidence) {
        let (of_wildcard, cured) = for_wildcard(evidence, target, &codes, &wildcards);
        left.retain(|result| !cured.iter().any(|cured| cured.cures(result)));
        steps.extend(of_wildcard);
    }
    without_repeated_steps(&RELATIONS, &mut left);
    steps.extend(left.into_iter().map(|result| by_check::step(evidence, target, result)));
    if verdict.causes.iter().any(is_without_tls) {
        steps.push(proof::without_tls(evidence, target));
    }
    steps.extend(
        verdict.causes.iter().filter(|cause| is_other_gateway(cause)).map(|cause| proof::elsewhere(cause, target)),
    );
    // Connections of a capture are shown by one command.
    let mut pastes = BTreeSet::new();
    for planned in steps.iter_mut().filter(|planned| is_of_captures(&planned.cures)) {
        if !planned.step.paste.as_ref().is_none_or(|paste| pastes.insert(paste.clone())) {
            planned.step.paste = None;
        }
    }
    let uncured = uncured_symptoms(evidence, verdict, selected, &steps);
    steps.splice(0..0, uncured.into_iter().map(|symptom| by_check::step(evidence, target, symptom)));
    // Nothing that was seen explains the symptom.
    if steps.is_empty() {
        let symptom = selected.iter().find(|result| is_found(result) && RELATIONS.symptom(result.check.code).is_some());
        steps.extend(symptom.map(|symptom| by_check::step(evidence, target, symptom)));
    }
    let symptoms: BTreeSet<Code> = verdict.causes.iter().filter_map(|cause| cause.symptom).collect();
    for planned in &mut steps {
        let is_cause = |code: &Code| of_causes.contains(code) || symptoms.contains(code);
        let is_cure = planned.cures.is_empty() || planned.cures.iter().any(is_cause);
        planned.step.purpose = if is_cure { Purpose::Cure } else { Purpose::Later };
    }
    // A wildcard route that no group lists serves handshakes and answers requests with 404.
    if steps.iter().any(|planned| planned.step.purpose == Purpose::Cure && planned.opens_gateway()) {
        for planned in steps.iter_mut().filter(|planned| planned.cures == CURED_BY_OVERRIDES) {
            planned.step.purpose = Purpose::Cure;
        }
    }
    steps.extend(proof::check(evidence, target, verdict, &steps));
    // The sort is stable, and the purposes have the order of a report.
    steps.sort_by_key(|planned| planned.step.purpose);
    steps
}

/// All these checks judge captures.
fn is_of_captures(codes: &[Code]) -> bool {
    let is_captured = |code: &Code| checks::find(code.as_str()).is_some_and(|(family, _)| family.name == "capture");
    !codes.is_empty() && codes.iter().all(is_captured)
}

/// The symptoms of the causes that no step cures, where what was seen does not lead to one: those of
/// captures, and those of logs that are judged without the routes.
fn uncured_symptoms<'a>(
    evidence: &Evidence,
    verdict: &Verdict,
    selected: &'a [CheckResult],
    steps: &[Planned],
) -> Vec<&'a CheckResult> {
    let is_without_step = |symptom: Code| match symptom {
        codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED | codes::CAPTURED_SERVER_NAME_REFUSED => true,
        codes::CONNECTION_WITHOUT_SERVER_NAME_RESET => facts::wildcards(evidence).is_err(),
        _ => false,
    };
    let is_cured = |cause: &Cause| {
        let is_about = |code: &Code| cause.symptom == Some(*code) || cause.codes.contains(code);
        let is_without_sni = cause.symptom.is_some_and(|symptom| WITHOUT_SNI.contains(&symptom));
        let serves = |planned: &Planned| is_without_sni && planned.opens_gateway();
        steps.iter().any(|planned| serves(planned) || planned.cures.iter().any(is_about))
            || is_without_tls(cause)
            || is_other_gateway(cause)
    };
    let causes = verdict.causes.iter().filter(|cause| cause.certainty != Certainty::Possible && !is_cured(cause));
    let mut symptoms: Vec<Code> =
        causes.filter_map(|cause| cause.symptom).filter(|code| is_without_step(*code)).collect();
    symptoms.dedup();
    let found = |code: Code| selected.iter().find(move |result| result.check.code == code && is_found(result));
    symptoms.into_iter().filter_map(found).collect()
}

/// Codes of the causes that a remedy is for, with their symptoms.
fn codes_of_causes(verdict: &Verdict) -> BTreeSet<Code> {
    let causes = verdict.causes.iter().filter(|cause| cause.certainty != Certainty::Possible);
    let mut codes: BTreeSet<Code> = causes.flat_map(|cause| cause.codes.iter().copied()).collect();
    if codes.contains(&codes::SERVED_CLIENT_WITHOUT_WILDCARD) {
        codes.insert(codes::WILDCARD_ROUTE_MISSING);
    }
    codes
}

/// The only step where nothing of Apigee was seen.
fn right_namespace(evidence: &Evidence, target: &Target) -> Planned {
    let step = RemedyStep {
        title: format!("Find the namespace of Apigee hybrid: {} has no ApigeeRoute", evidence.question.namespace()),
        paste: Some(target.kubectl("get apigeeroutes --all-namespaces")),
        note: Some(
            "-n names the namespace where these are, -l the label of its ingress pods. If this one is right, look at the \
             ApigeeDeployment and the ReplicaSet of the ingress gateway."
                .into(),
        ),
        good: Some("the list names the namespace for -n".into()),
        ..RemedyStep::default()
    };
    Planned::new(step, Vec::new())
}

/// The clients do not speak TLS, so that nothing is wrong with the gateway.
fn is_without_tls(cause: &Cause) -> bool {
    cause.symptom == Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET)
        && cause.codes.is_empty()
        && cause.certainty == Certainty::Established
}

/// Clients resolve the name to another gateway.
fn is_other_gateway(cause: &Cause) -> bool {
    matches!(cause.symptom, Some(codes::DECLARED_SERVER_NAME_RESET | codes::CAPTURED_SERVER_NAME_REFUSED))
        && cause.codes.is_empty()
        && cause.certainty == Certainty::Established
}

/// What a step fixes: all findings of a check, or its findings on one `ApigeeRoute`.
struct Cured {
    code: Code,
    route: Option<String>,
}

impl Cured {
    fn cures(&self, result: &CheckResult) -> bool {
        self.code == result.check.code
            && self
                .route
                .as_ref()
                .is_none_or(|route| result.findings().iter().all(|finding| finding.is_at(Kind::ApigeeRoute, route)))
    }
}

/// Returns the steps for the wildcard route itself, for duplicates, and for the environment groups that must
/// list it; and what these steps cure.
fn for_wildcard(
    evidence: &Evidence,
    target: &Target,
    codes: &BTreeSet<Code>,
    wildcards: &[&Route],
) -> (Vec<Planned>, Vec<Cured>) {
    let mut steps = Vec::new();
    let mut cured = Vec::new();
    let mut gateway = wildcards.first().map(|route| route.name.clone());
    if codes.contains(&codes::WILDCARD_ROUTE_MISSING) && wildcards.is_empty() {
        let WildcardStep { planned, route } = wildcard::create(evidence, target);
        cured.extend(planned.cures.iter().map(|code| Cured { code: *code, route: None }));
        steps.push(planned);
        gateway = Some(route.name);
    } else if let Some(WildcardStep { planned, route }) = broken(evidence, target, codes, wildcards) {
        cured.extend(planned.cures.iter().map(|code| Cured { code: *code, route: Some(route.name.clone()) }));
        steps.push(planned);
        gateway = Some(route.name);
    }
    if codes.contains(&codes::WILDCARD_ROUTE_DUPLICATE) {
        steps.extend(wildcard::delete_twins(evidence, target, wildcards));
        cured.push(Cured { code: codes::WILDCARD_ROUTE_DUPLICATE, route: None });
    }
    if let Some(gateway) = &gateway
        && CURED_BY_OVERRIDES.iter().any(|code| codes.contains(code))
    {
        let attached = overrides::attach(evidence, target, gateway);
        if !attached.is_empty() {
            cured.extend(CURED_BY_OVERRIDES.map(|code| Cured { code, route: None }));
            steps.extend(attached);
        }
    }
    (steps, cured)
}

/// The step for the first wildcard route with a fault of its own. apigee-watcher would overwrite a change of
/// a route that it owns.
fn broken(evidence: &Evidence, target: &Target, codes: &BTreeSet<Code>, wildcards: &[&Route]) -> Option<WildcardStep> {
    wildcards.iter().filter(|route| route.owner.is_none()).find_map(|route| {
        let mut obstacles = facts::wildcard_obstacles(evidence, route);
        obstacles.retain(|code| CURED_BY_MANIFEST.contains(code));
        obstacles.dedup();
        if !obstacles.iter().any(|code| codes.contains(code)) {
            return None;
        }
        wildcard::correct(evidence, target, route, &obstacles)
    })
}
