//! What an environment of Apigee Edge shows, as causes at objects: the shared source of the checks of the
//! family `keystore` and of the playbook.
//!
//! ```text
//! configuration ─┐
//! given ─────────┤
//! northbound ────┤
//! southbound ────┼─ observations ─ settled ─ checks, playbook
//! captured ──────┤
//! reported ──────┘
//! ```
//!
//! Each source observes for itself. [`observations`] joins what several sources show of one object, and
//! leaves out the alternatives that another source excludes.

mod basis;
mod beside;
mod captured;
mod configuration;
mod given;
mod identity;
mod list;
mod messages;
mod model;
mod names;
mod northbound;
mod refusal;
mod reported;
mod southbound;
mod stores;
mod texts;
mod undated;

use jiff::Timestamp;

use crate::checks::{Finding, Judgement, Kind, Location, Object, Outcome};
use crate::evidence::edge::{Edge, Leg, LegHandshake, Purpose, Unseen};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(crate) use self::captured::{
    hidden as hidden_captures, is_understood as is_understood_capture, leg as leg_of_capture,
};
pub(crate) use self::messages::{Meaning, sentence as sentence_of_java};
pub use self::model::{EdgeCause, Owner};
pub(crate) use self::model::{Observation, Origin, Strength};
pub(crate) use self::northbound::lacks_certificate as lacks_client_certificate;
pub(crate) use self::refusal::{describe as describe_handshake, outcome as outcome_of};
pub(crate) use self::reported::{contradiction, short as short_symptom, symptom as meaning_of_symptom, unexplained};
pub(crate) use self::southbound::lacks_certificate as lacks_own_certificate;
pub(crate) use self::stores::{Resolved, resolve};
pub(crate) use self::undated::undated;

/// Returns everything that was observed on the legs that are judged, the strongest first within its object.
pub(crate) fn observations(evidence: &Evidence) -> Result<Vec<Observation>, Unavailable> {
    let edge = evidence.edge.seen()?;
    let now = evidence.now();
    let mut all = configuration::observe(edge, now);
    all.extend(given::observe(edge, now));
    all.extend(northbound::observe(edge, now));
    all.extend(southbound::observe(edge, now));
    all.extend(captured::observe(edge, now));
    all.extend(reported::observe(edge, now));
    Ok(settled(&joined(all)))
}

/// The handshakes of a client in question that failed, where nothing says why.
pub(crate) fn unexplained_handshakes(edge: &Edge, now: Timestamp) -> impl Iterator<Item = &LegHandshake> {
    let failed = edge.handshakes.iter().filter(|made| made.purpose == Purpose::AsClient && !made.handshake.succeeded());
    let judged = failed.filter(|made| edge.question.judges(made.leg));
    judged.filter(move |made| match made.leg {
        Leg::Northbound => !northbound::is_explained(edge, made, now),
        Leg::Southbound => !southbound::is_explained(edge, made, now),
    })
}

/// Joins observations of one cause at one object.
fn joined(all: Vec<Observation>) -> Vec<Observation> {
    let mut joined: Vec<Observation> = Vec::new();
    for observation in all {
        let same = |known: &&mut Observation| known.cause == observation.cause && known.is_beside(&observation);
        let Some(known) = joined.iter_mut().find(same) else {
            joined.push(observation);
            continue;
        };
        // A sure source words the cause, and a failure that one source explains is explained.
        if observation.strength < known.strength
            || observation.strength == known.strength && observation.origin < known.origin
        {
            known.statement.clone_from(&observation.statement);
            known.owner = observation.owner;
        }
        // Who fails at one place fails, whatever works at another.
        known.is_unfelt &= observation.is_unfelt;
        known.strength = known.strength.min(observation.strength);
        known.origin = known.origin.min(observation.origin);
        for object in observation.objects {
            if !known.objects.contains(&object) {
                known.objects.push(object);
            }
        }
        for evidence in observation.evidence {
            if !known.evidence.contains(&evidence) {
                known.evidence.push(evidence);
            }
        }
        for failure in observation.failures {
            if !known.failures.contains(&failure) {
                known.failures.push(failure);
            }
        }
        if known.versions.is_empty() {
            known.versions = observation.versions;
        }
        known.authority = known.authority.take().or(observation.authority);
        if known.expected.is_empty() {
            known.expected = observation.expected;
        }
    }
    joined
}

/// Leaves out alternatives that a claim at the same object excludes.
fn settled(all: &[Observation]) -> Vec<Observation> {
    let claims: Vec<&Observation> =
        all.iter().filter(|observation| observation.is_claim() && !observation.is_risk()).collect();
    // The end of a connection may hide an alert, so that it says nothing beside a failure that has a reason.
    let is_ending = |observation: &&Observation| {
        matches!(observation.cause, EdgeCause::ResetInHello | EdgeCause::ClosedInHello) && !observation.is_claim()
    };
    let endings: Vec<&Observation> = all.iter().filter(is_ending).collect();
    let is_open = |observation: &Observation| !observation.failures.is_empty() && !observation.is_claim();
    let is_explained = |observation: &Observation| {
        let is_ending = endings.iter().any(|ending| ending.shares_failure(observation));
        claims.iter().any(|claim| claim.is_beside(observation) && (is_ending || explains(claim, observation)))
    };
    let mut settled: Vec<Observation> =
        all.iter().filter(|observation| !(is_open(observation) && is_explained(observation))).cloned().collect();
    settled.sort_by_key(|observation| (observation.strength, observation.is_risk(), observation.leg));
    settled
}

/// Returns whether a claim explains a failure at the same place. Two failures that one source reports are two
/// failures, and the reason of one says nothing about the other.
fn explains(claim: &Observation, open: &Observation) -> bool {
    !claim.is_reported() || claim.origin != open.origin || claim.failures.is_empty() || claim.shares_failure(open)
}

/// Judges one cause: found where it is claimed, unknown where it cannot be excluded or what it needs was not
/// seen, not applicable where nothing that was seen could show it.
pub(crate) fn judge(evidence: &Evidence, cause: EdgeCause) -> Judgement {
    let edge = evidence.edge.seen()?;
    let all = observations(evidence)?;
    let of_cause: Vec<&Observation> = all.iter().filter(|observation| observation.cause == cause).collect();
    let claimed: Vec<Finding> =
        of_cause.iter().filter(|observation| observation.is_claim()).map(|one| finding(one)).collect();
    if !claimed.is_empty() {
        return Ok(Outcome::Found(claimed));
    }
    if let Some(possible) = of_cause.first() {
        return Err(Unavailable::new(possible.statement.clone(), Reason::Broken("it cannot be excluded".into())));
    }
    if let Some(why) = undated(edge).into_iter().next().filter(|_| undated::decides(cause)) {
        return Err(why);
    }
    let is_of_leg = |unseen: &&Unseen| unseen.leg.is_none() || cause.leg().is_none() || unseen.leg == cause.leg();
    if let Some(unseen) = edge.unseen.iter().filter(is_of_leg).find(|unseen| is_relevant(edge, unseen)) {
        return Err(unseen.why.clone());
    }
    if cause.is_seen_in_captures()
        && let Some(unseen) =
            captured::hidden(edge).filter(|unseen| is_of_leg(&unseen)).find(|unseen| is_relevant(edge, unseen))
    {
        return Err(unseen.why);
    }
    basis::of(edge, cause, evidence.now())
}

/// Returns whether a judgement lacks what was not seen. What the user did not request is not lacking.
pub(crate) fn is_relevant(edge: &Edge, unseen: &Unseen) -> bool {
    !matches!(unseen.why.reason, Reason::NotRequested(_)) && unseen.leg.is_none_or(|leg| edge.question.judges(leg))
}

fn finding(observation: &Observation) -> Finding {
    let objects = observation.objects.iter().map(|name| Object::new(Kind::EdgeObject, name.clone())).collect();
    let first = Object::new(Kind::EdgeObject, observation.subject());
    let observed = observation.evidence.first().cloned().unwrap_or_default();
    Finding::new(first, Location::Whole, observation.statement.clone(), observed, observation.expected.clone())
        .at(objects)
}
