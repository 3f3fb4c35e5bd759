//! What to do, in order, ready to paste, with the cluster's own names.
//!
//! One way for everything that concerns the wildcard route: its whole manifest, applied. Then the overrides file, then
//! `helm upgrade` for each environment group that needs it, then the proof.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::causes::{NOT_SERVED, STORED_AND_SERVED};
use super::manifest::{self, WildcardRoute};
use super::shell::word;
use super::{Cause, Certainty, Verdict, is_found, measurement, overrides_diff};
use crate::checks::facts;
use crate::checks::{Level, Verdicted};
use crate::evidence::cluster::{Route, RouteConfig};
use crate::evidence::overrides::OverridesFile;
use crate::evidence::{Evidence, Seen};

/// Codes whose cure is the manifest of the wildcard route.
const CURED_BY_MANIFEST: [&str; 5] = ["AT201", "AT202", "AT207", "AT208", "AT209"];

/// Codes whose cure is the gateway in overrides.yaml, and helm upgrade.
const CURED_BY_OVERRIDES: [&str; 6] = ["AT201", "AT203", "AT204", "AT306", "AT307", "AT308"];

/// One step for one fault: AT205 tells why no group lists the route, AT526 what the odd pod lacks, AT802 which pods do not run.
const ONE_STEP: [(&str, &str); 5] =
    [("AT203", "AT205"), ("AT204", "AT205"), ("AT524", "AT526"), ("AT531", "AT526"), ("AT801", "AT802")];

/// Pods that answer otherwise than others, for want of a certificate or for another reason.
const ODD_PODS: [&str; 2] = ["AT524", "AT531"];

/// Codes of symptoms, whose cause has the steps.
const SYMPTOMS: [&str; 6] = ["AT101", "AT103", "AT105", "AT106", "AT504", "AT505"];

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
pub(super) fn of(evidence: &Evidence, verdict: &Verdict, selected: &[Verdicted], all: &[Verdicted]) -> Remedy {
    let causes = verdict.causes.iter().filter(|cause| cause.certainty != Certainty::Possible);
    let mut codes: BTreeSet<&str> = causes.flat_map(|cause| cause.codes.iter().map(String::as_str)).collect();
    let warned = selected.iter().filter(|verdicted| is_found(verdicted) && verdicted.check.level >= Level::Warning);
    codes.extend(warned.map(|verdicted| verdicted.check.code));
    // Clients whose wildcard route is gone need it as those do that are reset.
    if codes.contains("AT108") {
        codes.insert("AT201");
    }
    let mut left: Vec<&Verdicted> = all
        .iter()
        .filter(|verdicted| codes.contains(verdicted.check.code) && is_found(verdicted))
        .filter(|verdicted| !SYMPTOMS.contains(&verdicted.check.code))
        .collect();
    let mut remedy = Remedy::default();
    let no_namespace = facts::is_empty_namespace(evidence) && codes.contains("AT801");
    if no_namespace {
        left.retain(|verdicted| verdicted.check.code != "AT801");
    }
    // Whether it is a health check decides whether anything else is to be done at all.
    if let Some(i) = left.iter().position(|verdicted| verdicted.check.code == "AT104") {
        remedy.steps.push(by_explanation(left.remove(i)));
    }
    let before = remedy.steps.len();
    if let Ok(wildcards) = facts::wildcards(evidence) {
        let cured = for_wildcard(evidence, &codes, &wildcards, &mut remedy);
        left.retain(|verdicted| !cured.iter().any(|cured| cured.cures(verdicted)));
    }
    let touched_wildcard = remedy.steps[before..].iter().any(changes_cluster);
    if let (true, 1, Some(note)) =
        (touched_wildcard, before, remedy.steps.first_mut().and_then(|step| step.note.as_mut()))
    {
        note.push_str(" The next steps do that.");
    }
    let by_secret = STORED_AND_SERVED.into_iter().flat_map(|(stored, served)| [(served, stored), (served, NOT_SERVED)]);
    for (told, by) in ONE_STEP.into_iter().chain(by_secret) {
        if left.iter().any(|verdicted| verdicted.check.code == by) {
            left.retain(|verdicted| verdicted.check.code != told);
        }
    }
    if let Some(not_served) = left.iter().find(|verdicted| verdicted.check.code == NOT_SERVED).copied() {
        left.retain(|told| !ODD_PODS.contains(&told.check.code) || !are_pods_of(evidence, told, not_served));
    }
    remedy.steps.extend(left.into_iter().map(by_explanation));
    // In the wrong namespace all other advice is wrong.
    if no_namespace {
        remedy.steps.insert(0, right_namespace(evidence));
    }
    if verdict.causes.iter().any(Cause::is_without_tls) {
        remedy.steps.push(without_tls(evidence));
    }
    let other_gateway = verdict.causes.iter().filter(|cause| {
        cause.symptom.as_deref() == Some("AT103") && cause.codes.is_empty() && cause.certainty == Certainty::Established
    });
    remedy.steps.extend(other_gateway.map(|cause| {
        RemedyStep {
        title: cause.statement.clone(),
        paste: None,
        note: Some(
            "Correct the address that clients resolve for this name; or, where it is meant to be served there, the \
             selector of the virtual host in overrides.yaml, and run helm upgrade."
                .into(),
        ),
    }
    }));
    if touched_wildcard {
        remedy.steps.push(RemedyStep {
            title: "See that it works".into(),
            paste: Some(measurement::probe(evidence).command),
            note: Some(
                "A certificate in the answer means that clients without SNI are accepted. Then call each environment group \
                 without SNI, by address: curl -k https://ADDRESS/BASE_PATH -H 'Host: HOSTNAME'. 404 for a base path that \
                 exists means that the group does not list the wildcard route."
                    .into(),
            ),
        });
    } else if !remedy.steps.is_empty()
        && let Some(proof) = declared_name_proof(evidence, &codes, verdict)
    {
        remedy.steps.push(proof);
    }
    remedy
}

/// Where nothing of Apigee was seen.
fn right_namespace(evidence: &Evidence) -> RemedyStep {
    RemedyStep {
        title: format!("Is {} the namespace of Apigee hybrid? It has no ApigeeRoute", evidence.question.namespace()),
        paste: Some("kubectl get apigeeroutes --all-namespaces".into()),
        note: Some(
            "-n names the namespace where these are, -l the label of its ingress pods. If this one is right, look at the \
             ApigeeDeployment and the ReplicaSet of the ingress gateway."
                .into(),
        ),
    }
}

/// All pods that `told` is about are named by `other` too, so that its step is for them.
fn are_pods_of(evidence: &Evidence, told: &Verdicted, other: &Verdicted) -> bool {
    let Seen::Seen(pods) = &evidence.pods else { return false };
    let names =
        |text: &str| pods.iter().filter(|pod| text.contains(&pod.name)).map(|pod| &pod.name).collect::<Vec<_>>();
    let of_other: Vec<_> = other.findings().iter().flat_map(|finding| names(&finding.message)).collect();
    let of_told: Vec<_> = told.findings().iter().flat_map(|finding| names(&finding.object)).collect();
    !of_told.is_empty() && of_told.iter().all(|pod| of_other.contains(pod))
}

/// For connections that begin with something else than TLS nothing of the gateway is to be changed.
fn without_tls(evidence: &Evidence) -> RemedyStep {
    let clients: BTreeSet<&str> =
        facts::logs(evidence).flat_map(|(_, log)| log.reset_without_name.clients.keys().map(String::as_str)).collect();
    let clients: Vec<&str> = clients.into_iter().collect();
    RemedyStep {
        title: format!("Let these clients speak TLS to the gateway's port: {}", facts::some_of(&clients)),
        paste: None,
        note: Some(
            "http:// instead of https://, a health check by HTTP, or a load balancer that puts a PROXY-protocol header in \
             front. A wildcard route does not help them: they would be refused in the handshake instead."
                .into(),
        ),
    }
}

/// A change of the file alone cannot be seen in a handshake.
fn changes_cluster(step: &RemedyStep) -> bool {
    step.paste.as_deref().is_some_and(|paste| paste.starts_with("kubectl ") || paste.starts_with("helm "))
}

/// What a step has cured: a check as a whole, or its findings on one object.
struct Cured {
    code: &'static str,
    object: Option<String>,
}

impl Cured {
    fn cures(&self, verdicted: &Verdicted) -> bool {
        self.code == verdicted.check.code
            && self
                .object
                .as_ref()
                .is_none_or(|object| verdicted.findings().iter().all(|finding| finding.object == *object))
    }
}

/// The wildcard route itself, its twin, and the environment groups that are to list it.
fn for_wildcard(evidence: &Evidence, codes: &BTreeSet<&str>, wildcards: &[&Route], remedy: &mut Remedy) -> Vec<Cured> {
    let mut cured = Vec::new();
    // A route that apigee-watcher owns would be written over again.
    let broken = wildcards
        .iter()
        .filter(|route| route.owner.is_none())
        .find(|route| {
            let obstacles = facts::wildcard_obstacles(evidence, route);
            obstacles.iter().any(|code| CURED_BY_MANIFEST.contains(code) && codes.contains(code))
        })
        .copied();
    let mut gateway = wildcards.first().map(|route| route.name.clone());
    if codes.contains("AT201") && wildcards.is_empty() {
        gateway = Some(create(evidence, None, remedy).name);
        cured.extend(["AT108", "AT201"].map(|code| Cured { code, object: None }));
    } else if let Some(route) = broken {
        gateway = Some(create(evidence, Some(route), remedy).name);
        let object = format!("ApigeeRoute/{}", route.name);
        cured.extend(CURED_BY_MANIFEST.map(|code| Cured { code, object: Some(object.clone()) }));
    }
    if codes.contains("AT206") {
        delete_twin(evidence, wildcards, remedy);
        cured.push(Cured { code: "AT206", object: None });
    }
    if let Some(gateway) = &gateway
        && CURED_BY_OVERRIDES.iter().any(|code| codes.contains(code))
        && attach(evidence, gateway, remedy)
    {
        cured.extend(CURED_BY_OVERRIDES.map(|code| Cured { code, object: None }));
    }
    cured
}

/// The handshake with the server name that was reset, where a declared one was.
fn declared_name_proof(evidence: &Evidence, codes: &BTreeSet<&str>, verdict: &Verdict) -> Option<RemedyStep> {
    let is_cause = verdict.causes.iter().any(|cause| cause.symptom.as_deref() == Some("AT103"));
    if !is_cause || !codes.contains("AT103") {
        return None;
    }
    let routes = facts::routes(evidence).ok()?;
    let name = facts::reset_names(evidence)
        .into_keys()
        .find(|name| routes.iter().any(|route| facts::declares(route, name)))?;
    Some(RemedyStep {
        title: "See that it works".into(),
        paste: Some(format!(
            "openssl s_client -connect {} -servername {} </dev/null",
            word(&format!("{name}:443")),
            word(name)
        )),
        note: Some("A certificate in the answer means that the server name is accepted.".into()),
    })
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
                word(evidence.question.namespace()),
                word(&twin.name)
            )),
            note: (listed(&twin) > 0).then(|| {
                format!("Environment groups list {} too: take it out of additionalGateways first.", twin.name)
            }),
        });
    }
}

/// The gateway in the file, and the file in the cluster. False where neither lacks it, so that this is no cure.
fn attach(evidence: &Evidence, gateway: &str, remedy: &mut Remedy) -> bool {
    let before = remedy.steps.len();
    let lacking = groups_lacking(evidence, gateway);
    let files: Vec<&str> = evidence.overrides.iter().map(|file| file.name.as_str()).collect();
    if files.is_empty() && !lacking.is_empty() {
        remedy.steps.push(RemedyStep {
            title: format!("List {gateway} in overrides.yaml, at the virtual hosts {}", names(&lacking)),
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
                paste: Some(format!("patch {} <<'EOF'\n{}EOF", overrides_path(file), change.text)),
                note: None,
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
    // helm would take the group's entry away if it were given a file that has none.
    let (elsewhere, lacking): (Vec<Group>, Vec<Group>) =
        lacking.into_iter().partition(|group| !files.is_empty() && !is_in_files(evidence, group));
    if !elsewhere.is_empty() {
        remedy.steps.push(RemedyStep {
            title: format!("List {gateway} in the overrides file of {}", names(&elsewhere)),
            paste: None,
            note: Some(format!(
                "No file given has the virtual host of {}: give its file with -f too, to get the change and the helm line.",
                names(&elsewhere)
            )),
        });
    }
    let given: Vec<String> = match evidence.overrides.as_slice() {
        [] => vec!["overrides.yaml".into()],
        files => files.iter().map(overrides_path).collect(),
    };
    let given = given.join(" -f ");
    let namespace = word(evidence.question.namespace());
    let commands: Vec<String> = lacking
        .iter()
        .map(|group| {
            format!(
                "helm upgrade {} apigee-virtualhost/ --namespace {namespace} --atomic --set envgroup={} -f {given}",
                word(&group.release),
                word(&group.name)
            )
        })
        .collect();
    if !commands.is_empty() {
        remedy.steps.push(RemedyStep {
            title: format!("Bring it to the cluster, for {}", names(&lacking)),
            paste: Some(commands.join("\n")),
            note: Some("From the folder that holds the Apigee charts.".into()),
        });
    }
    remedy.steps.len() > before
}

fn names(groups: &[Group]) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.join(", ")
}

/// The file as the user named it: a diff without context must not be laid on another one. What came through standard
/// input has the name that the documentation gives it.
fn overrides_path(file: &OverridesFile) -> String {
    if file.name == "-" { "overrides.yaml".to_owned() } else { word(&file.name) }
}

/// A file given defines the virtual host of this group. One that could not be understood may.
fn is_in_files(evidence: &Evidence, group: &Group) -> bool {
    facts::virtual_hosts(evidence)
        .map_or(true, |hosts| hosts.iter().any(|(_, content, host)| facts::renders(content, host, &group.full_name)))
}

struct Group {
    /// As the ApigeeRouteConfig is named, `<org>-<name>`.
    full_name: String,
    name: String,
    release: String,
}

/// The environment groups on the gateway's pods of which the ApigeeRouteConfig does not list it; where there is no such
/// object, those of which an ApigeeRoute does not. Where only the ApigeeRoute lags, helm upgrade is no cure.
fn groups_lacking(evidence: &Evidence, gateway: &str) -> Vec<Group> {
    let routes = facts::group_routes(evidence).unwrap_or_default();
    let wildcards = facts::wildcards(evidence).unwrap_or_default();
    let wildcard = wildcards.iter().find(|route| route.name == gateway);
    let on_pods = |route: &Route| wildcard.is_none_or(|wildcard| facts::share_pods(evidence, route, wildcard));
    let configs: &[RouteConfig] = evidence.route_configs.seen().map_or(&[], |configs| &configs.items);
    let has = |gateways: &[String]| gateways.iter().any(|name| name == gateway);
    let mut full_names: Vec<&str> = configs
        .iter()
        .filter(|config| !has(&config.additional_gateways))
        .filter(|config| {
            let own = facts::routes_of(&routes, config);
            own.is_empty() || own.iter().any(|route| on_pods(route))
        })
        .map(|config| config.name.as_str())
        .collect();
    for route in routes.iter().filter(|route| on_pods(route)) {
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
            Group { full_name: full.to_owned(), name, release }
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

fn by_explanation(verdicted: &Verdicted) -> RemedyStep {
    let places: Vec<&str> = verdicted
        .findings()
        .iter()
        .map(|finding| {
            // A place in a file says where; elsewhere the object does.
            let in_file = finding.place.strip_prefix(finding.object.as_str()).is_some_and(|rest| rest.starts_with(':'));
            if in_file { finding.place.as_str() } else { finding.object.as_str() }
        })
        .collect();
    RemedyStep {
        title: format!("{} ({}): {}", verdicted.check.summary, verdicted.check.code, facts::some_of(&places)),
        paste: None,
        note: Some(verdicted.check.explanation.fix.to_owned()),
    }
}
