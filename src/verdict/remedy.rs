//! What to do, in order, ready to paste, with the cluster's own names.
//!
//! One way for everything that concerns the wildcard route: its whole manifest, applied. Then the overrides file, then
//! `helm upgrade` for each environment group that needs it, then the proof.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::causes;
use super::manifest::{self, WildcardRoute};
use super::{Certainty, Verdict, is_found, overrides_diff};
use crate::checks::facts;
use crate::checks::{Level, Verdicted};
use crate::evidence::Evidence;
use crate::evidence::cluster::{Route, RouteConfig};

/// Codes whose cure is the manifest of the wildcard route.
const CURED_BY_MANIFEST: [&str; 5] = ["AT201", "AT202", "AT207", "AT208", "AT209"];

/// Codes whose cure is the gateway in overrides.yaml, and helm upgrade.
const CURED_BY_OVERRIDES: [&str; 7] = ["AT201", "AT203", "AT204", "AT205", "AT306", "AT307", "AT308"];

/// The steps that cure what was found; empty where nothing was.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remedy {
    pub steps: Vec<RemedyStep>,
    /// What else changes when the steps are taken.
    pub side_effects: Vec<String>,
}

/// One step.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemedyStep {
    pub title: String,
    /// To be pasted: a command, or a diff. Absent where there is nothing to paste.
    pub paste: Option<String>,
    pub note: Option<String>,
}

/// The remedy for the causes of the verdict and for every other warning.
pub(super) fn of(evidence: &Evidence, verdict: &Verdict, selected: &[Verdicted]) -> Remedy {
    let mut codes: BTreeSet<&str> = verdict
        .causes
        .iter()
        .filter(|cause| cause.certainty != Certainty::Possible)
        .flat_map(|cause| cause.codes.iter().map(String::as_str))
        .collect();
    let warned = selected.iter().filter(|verdicted| is_found(verdicted) && verdicted.check.level >= Level::Warning);
    codes.extend(warned.clone().map(|verdicted| verdicted.check.code));
    let mut remedy = Remedy::default();
    let wildcards = facts::wildcards(evidence).unwrap_or_default();
    let broken = wildcards.iter().find(|route| !facts::wildcard_obstacles(evidence, route).is_empty()).copied();
    let wildcard = if codes.contains("AT201") && wildcards.is_empty() {
        Some(create(evidence, None, &mut remedy))
    } else if let Some(route) = broken
        && CURED_BY_MANIFEST.iter().any(|code| codes.contains(code))
    {
        Some(create(evidence, Some(route), &mut remedy))
    } else {
        None
    };
    let gateway = wildcard.map(|route| route.name).or_else(|| wildcards.first().map(|route| route.name.clone()));
    if codes.contains("AT206") {
        delete_twin(evidence, &wildcards, &mut remedy);
    }
    if let Some(gateway) = &gateway
        && CURED_BY_OVERRIDES.iter().any(|code| codes.contains(code))
    {
        attach(evidence, gateway, &mut remedy);
    }
    remedy.steps.extend(warned.filter(|verdicted| needs_step_of_its_own(verdicted, broken)).map(by_explanation));
    if !remedy.steps.is_empty() && gateway.is_some() {
        prove(evidence, &mut remedy);
    }
    remedy
}

fn create(evidence: &Evidence, existing: Option<&Route>, remedy: &mut Remedy) -> WildcardRoute {
    let route = manifest::wildcard_route(evidence, existing);
    let title = match existing {
        None => format!("Create the wildcard route {}", route.name),
        Some(_) => format!("Correct the wildcard route {}", route.name),
    };
    let mut notes = Vec::new();
    if route.credential == "SECRET_NAME" {
        notes.push(
            "No route names a Secret that exists: put the name of your TLS Secret in place of SECRET_NAME.".into(),
        );
    }
    if !route.other_credentials.is_empty() {
        notes.push(format!(
            "Clients without SNI all get the certificate of {}; other environment groups use {}. It must cover the \
             hostnames that these clients call.",
            route.credential,
            route.other_credentials.join(", ")
        ));
    }
    remedy.steps.push(RemedyStep {
        title,
        paste: Some(format!("kubectl apply -f - <<'EOF'\n{}EOF", route.yaml)),
        note: (!notes.is_empty()).then(|| notes.join(" ")),
    });
    remedy.side_effects.push(format!(
        "A client with a server name that no route has then gets the certificate of {} (a name that does not match) \
         instead of a reset.",
        route.credential
    ));
    route
}

fn delete_twin(evidence: &Evidence, wildcards: &[&Route], remedy: &mut Remedy) {
    // Keep the one that most environment groups list; of equals the older one, which comes first by name.
    let listed = |route: &&&Route| facts::attachment(evidence, route).map_or(0, |(listing, _)| listing.len());
    let Some(keep) = wildcards.iter().max_by_key(listed) else { return };
    for twin in wildcards.iter().filter(|route| route.name != keep.name && facts::share_pods(evidence, route, keep)) {
        remedy.steps.push(RemedyStep {
            title: format!("Delete the wildcard route {}, and keep {}", twin.name, keep.name),
            paste: Some(format!(
                "kubectl -n {} delete apigeeroute {}",
                shell(&evidence.question.namespace),
                shell(&twin.name)
            )),
            note: (listed(&twin) > 0).then(|| {
                format!("Environment groups list {} too: take it out of additionalGateways first.", twin.name)
            }),
        });
    }
}

/// The gateway in the file, and the file in the cluster.
fn attach(evidence: &Evidence, gateway: &str, remedy: &mut Remedy) {
    let lacking = groups_lacking(evidence, gateway);
    let files: Vec<&str> = evidence.overrides.iter().map(|file| file.name.as_str()).collect();
    if files.is_empty() && !lacking.is_empty() {
        let names: Vec<&str> = lacking.iter().map(|group| group.name.as_str()).collect();
        remedy.steps.push(RemedyStep {
            title: format!("List {gateway} in overrides.yaml, in the virtual host of {}", names.join(", ")),
            paste: Some(format!("  additionalGateways: [\"{gateway}\"]")),
            note: Some("Give the file with -f overrides.yaml to get this as a diff against it.".into()),
        });
    }
    for file in &evidence.overrides {
        // A file that could not be understood has a finding of its own, and nothing to be changed.
        let Ok(change) = overrides_diff::add_gateway(file, gateway) else { continue };
        if !change.text.is_empty() {
            remedy.steps.push(RemedyStep {
                title: format!("List {gateway} in {}", facts::file_name(file)),
                paste: Some(change.text),
                note: Some("To be applied with: git apply --unidiff-zero, or patch -p1.".into()),
            });
        }
        for by_hand in change.by_hand {
            remedy.steps.push(RemedyStep {
                title: format!("List {gateway} by hand at {}", facts::place(file, by_hand.place)),
                paste: None,
                note: Some(format!("additionalGateways of {} must contain \"{gateway}\".", by_hand.virtual_host)),
            });
        }
    }
    let given: String = if files.is_empty() {
        " -f overrides.yaml".into()
    } else {
        let name = |file: &&str| if *file == "-" { "overrides.yaml".to_owned() } else { shell(file) };
        files.iter().map(|file| format!(" -f {}", name(file))).collect()
    };
    let namespace = shell(&evidence.question.namespace);
    let commands: Vec<String> = lacking
        .iter()
        .map(|group| {
            format!(
                "helm upgrade {} apigee-virtualhost/ --namespace {namespace} --atomic --set envgroup={}{given}",
                shell(&group.release),
                shell(&group.name)
            )
        })
        .collect();
    if !commands.is_empty() {
        remedy.steps.push(RemedyStep {
            title: "Bring it to the cluster, for each environment group".into(),
            paste: Some(commands.join("\n")),
            note: Some("From the folder that holds the Apigee charts.".into()),
        });
    }
}

struct Group {
    name: String,
    release: String,
}

/// The environment groups of which the ApigeeRouteConfig or an ApigeeRoute does not list the gateway.
fn groups_lacking(evidence: &Evidence, gateway: &str) -> Vec<Group> {
    let routes = facts::group_routes(evidence).unwrap_or_default();
    let configs: &[RouteConfig] = evidence.route_configs.seen().map_or(&[], |configs| &configs.items);
    let has = |gateways: &[String]| gateways.iter().any(|name| name == gateway);
    let mut full_names: Vec<&str> = configs
        .iter()
        .filter(|config| {
            !has(&config.additional_gateways)
                || facts::routes_of(&routes, config).iter().any(|route| !has(&route.additional_gateways))
        })
        .map(|config| config.name.as_str())
        .collect();
    for route in &routes {
        let known = configs.iter().any(|config| config.name == route.group());
        if !known && !has(&route.additional_gateways) && !full_names.contains(&route.group()) {
            full_names.push(route.group());
        }
    }
    full_names
        .into_iter()
        .map(|full| {
            let name = group_name(evidence, full);
            let release = configs
                .iter()
                .find(|config| config.name == full)
                .and_then(|config| config.helm_release.clone())
                .unwrap_or_else(|| name.clone());
            Group { name, release }
        })
        .collect()
}

/// The environment group without the organisation in front, where the organisation is known.
fn group_name(evidence: &Evidence, full: &str) -> String {
    let from_files = facts::overrides(evidence)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(_, content)| content.org.as_ref().map(|org| org.value.clone()));
    let from_pods =
        facts::pods(evidence).unwrap_or_default().into_iter().filter_map(|pod| pod.labels.get("org").cloned());
    from_files
        .chain(from_pods)
        .find_map(|org| full.strip_prefix(&org)?.strip_prefix('-').map(str::to_owned))
        .unwrap_or_else(|| full.to_owned())
}

/// A warning that none of the steps above cures.
fn needs_step_of_its_own(verdicted: &Verdicted, broken: Option<&Route>) -> bool {
    let code = verdicted.check.code;
    let symptom_with_cause = matches!(code, "AT101" | "AT103" | "AT105" | "AT106");
    let by_manifest = CURED_BY_MANIFEST.contains(&code)
        && broken.is_some_and(|route| {
            verdicted.findings().iter().all(|finding| finding.object == format!("ApigeeRoute/{}", route.name))
        });
    !symptom_with_cause && !by_manifest && !CURED_BY_OVERRIDES.contains(&code) && code != "AT206"
}

fn by_explanation(verdicted: &Verdicted) -> RemedyStep {
    let places: Vec<&str> = verdicted
        .findings()
        .iter()
        .map(|finding| if finding.place.contains(':') { finding.place.as_str() } else { finding.object.as_str() })
        .collect();
    RemedyStep {
        title: format!("{} ({}): {}", verdicted.check.summary, verdicted.check.code, facts::some_of(&places)),
        paste: None,
        note: Some(verdicted.check.explanation.fix.to_owned()),
    }
}

fn prove(evidence: &Evidence, remedy: &mut Remedy) {
    remedy.steps.push(RemedyStep {
        title: "See that it works".into(),
        paste: Some(causes::probe(evidence).command),
        note: Some("A certificate in the answer means that clients without SNI are accepted.".into()),
    });
}

/// The word as a shell takes it: plain names as they are, anything else between quotes.
pub(super) fn shell(word: &str) -> String {
    let plain =
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
