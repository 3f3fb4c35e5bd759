//! Steps that create, correct or delete a wildcard route.

use super::certificates::{self, Choice};
use super::{Planned, manifest, patch};
use crate::checks::{Code, codes, facts};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Route;
use crate::text::some_of;
use crate::verdict::{Change, RemedyStep, Target, shell_word as word};

/// What the step of a wildcard route does, and the certificate that it has then.
pub(super) struct WildcardStep {
    pub(super) planned: Planned,
    pub(super) route: Route,
}

/// The step that creates a wildcard route.
pub(super) fn create(evidence: &Evidence, target: &Target) -> WildcardStep {
    let Choice { secret, choices, note, .. } = certificates::choose(evidence);
    let route = manifest::new_route(evidence, &secret);
    let notes: Vec<String> = note.into_iter().chain(manifest::placeholder_note(target, &route)).collect();
    let note = (!notes.is_empty()).then(|| notes.join(" "));
    let step = RemedyStep {
        title: format!("Create wildcard route {}: handshakes without SNI work", route.name),
        paste: Some(apply(evidence, target, &route)),
        note,
        undo: Some(target.kubectl_in_namespace(&format!("delete apigeeroute {}", word(&route.name)))),
        good: Some(format!("apigeeroute.apigee.cloud.google.com/{} created", route.name)),
        choices,
        ..RemedyStep::default()
    };
    let cures = vec![codes::WILDCARD_ROUTE_MISSING, codes::SERVED_CLIENT_WITHOUT_WILDCARD];
    WildcardStep { planned: Planned::new(step, cures).changing(Change::Apply(Box::new(route.clone()))), route }
}

/// The command that creates a route. It reads the manifest from standard input, which every shell can write.
fn apply(evidence: &Evidence, target: &Target, route: &Route) -> String {
    format!("echo '\n{}' | {}", manifest::manifest(evidence, route), target.kubectl("apply -f -"))
}

/// The step that corrects a wildcard route; `None` if nothing of it differs from what it must be.
pub(super) fn correct(evidence: &Evidence, target: &Target, route: &Route, obstacles: &[Code]) -> Option<WildcardStep> {
    let Choice { secret, is_known, choices, note } = certificates::choose(evidence);
    let corrected = match secret_of(route) {
        // Where no other Secret exists, the one that is named has to be made.
        Some(named) if !is_known => manifest::corrected(evidence, route, named),
        _ => manifest::corrected(evidence, route, &secret),
    };
    let paste = patch::between(target, route, &corrected)?;
    let faults: Vec<&str> = obstacles.iter().filter_map(|code| fault(*code)).collect();
    let takes_secret = secret_of(route) != secret_of(&corrected);
    let title = match obstacles {
        [codes::WILDCARD_ROUTE_FLAG_OFF] => format!("Set enableNonSniClient of wildcard route {} to true", route.name),
        [codes::CREDENTIAL_NAME_MISSING | codes::CREDENTIAL_SECRET_MISSING] => {
            format!("Name Secret {secret} in wildcard route {}", route.name)
        }
        _ => format!("Correct {} of wildcard route {}", some_of(&faults), route.name),
    };
    let step = RemedyStep {
        title,
        paste: Some(paste),
        note: note.filter(|_| takes_secret),
        undo: patch::between(target, &corrected, route),
        good: Some(format!("apigeeroute.apigee.cloud.google.com/{} patched", route.name)),
        choices: if takes_secret { choices } else { Vec::new() },
        ..RemedyStep::default()
    };
    let mut cures = obstacles.to_vec();
    cures.retain(|code| takes_secret || *code != codes::CREDENTIAL_SECRET_MISSING);
    let planned = Planned::new(step, cures).changing(Change::Apply(Box::new(corrected.clone())));
    Some(WildcardStep { planned, route: corrected })
}

/// The part of the route that the check is about.
fn fault(code: Code) -> Option<&'static str> {
    match code {
        codes::WILDCARD_ROUTE_FLAG_OFF => Some("enableNonSniClient"),
        codes::SELECTOR_WITHOUT_PODS => Some("the selector"),
        codes::WILDCARD_PORT_UNSUITABLE => Some("port 443"),
        codes::CREDENTIAL_NAME_MISSING | codes::CREDENTIAL_SECRET_MISSING => Some("the Secret"),
        _ => None,
    }
}

/// The Secret of port 443.
pub(super) fn secret_of(route: &Route) -> Option<&str> {
    let port = route.ports.iter().find(|port| port.number == Some(443))?;
    port.tls.as_ref()?.credential_name.as_deref()
}

/// Steps that delete all wildcard routes but the one that most environment groups list.
pub(super) fn delete_twins(evidence: &Evidence, target: &Target, wildcards: &[&Route]) -> Vec<Planned> {
    // Of equal ones the last is kept.
    let listed = |route: &&&Route| facts::attachment(evidence, route).map_or(0, |(listing, _)| listing.len());
    let Some(keep) = wildcards.iter().max_by_key(listed) else { return Vec::new() };
    let twins = wildcards.iter().filter(|route| route.name != keep.name && facts::share_pods(evidence, route, keep));
    twins
        .map(|twin| {
            let why = match (listed(&twin), listed(&keep)) {
                (0, _) => format!("no environment group lists {}", twin.name),
                (few, many) if few < many => format!("more environment groups list {}", keep.name),
                _ => "as many environment groups list each".to_owned(),
            };
            let name = word(&twin.name);
            let step = RemedyStep {
                title: format!("Delete wildcard route {}, and keep {}: {why}", twin.name, keep.name),
                paste: Some(target.kubectl_in_namespace(&format!("delete apigeeroute {name}"))),
                note: (listed(&twin) > 0).then(|| {
                    format!("Environment groups list {} too: take it out of additionalGateways first.", twin.name)
                }),
                undo: Some(apply(evidence, target, twin)),
                good: Some(format!("{} is the only route with hostname *", keep.name)),
                ..RemedyStep::default()
            };
            Planned::new(step, vec![codes::WILDCARD_ROUTE_DUPLICATE]).changing(Change::Delete(twin.name.clone()))
        })
        .collect()
}
