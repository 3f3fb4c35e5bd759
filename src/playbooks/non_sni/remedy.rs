//! Lists what to do, in order, as commands to paste, with the cluster's own names.
//!
//! Every fault of the wildcard route has the same fix: apply its whole manifest. Then follow the overrides
//! file, `helm upgrade` for each environment group that needs it, and the proof.

use std::collections::BTreeSet;

use super::manifest::{self, WildcardRoute};
use super::relations::{CURED_BY_MANIFEST, CURED_BY_OVERRIDES, RELATIONS};
use super::{measurement, overrides_diff};
use crate::checks::facts;
use crate::checks::{CheckResult, Code, Kind, Level, codes};
use crate::evidence::Evidence;
use crate::evidence::hybrid::{Port, Route, RouteConfig};
use crate::evidence::overrides::OverridesFile;
use crate::verdict::remedy::{by_explanation, without_repeated_steps};
use crate::verdict::{Cause, Certainty, Judged, Remedy, RemedyStep, Verdict, is_found, shell_word as word};

/// Returns the remedy for the causes of the verdict and for every other warning.
pub(super) fn of(judged: Judged<'_>, verdict: &Verdict) -> Remedy {
    let Judged { evidence, selected, all } = judged;
    let causes = verdict.causes.iter().filter(|cause| cause.certainty != Certainty::Possible);
    let mut codes: BTreeSet<Code> = causes.flat_map(|cause| &cause.codes).copied().collect();
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
    let mut remedy = Remedy::default();
    let no_namespace = facts::is_empty_namespace(evidence) && codes.contains(&codes::INGRESS_POD_MISSING);
    if no_namespace {
        left.retain(|result| result.check.code != codes::INGRESS_POD_MISSING);
    }
    // If the resets are a health check, nothing else has to be done, so this question comes first.
    if let Some(i) = left.iter().position(|result| result.check.code == codes::LOAD_BALANCER_RESET) {
        remedy.steps.push(by_explanation(left.remove(i)));
    }
    let before = remedy.steps.len();
    if let Ok(wildcards) = facts::wildcards(evidence) {
        let cured = for_wildcard(evidence, &codes, &wildcards, &mut remedy);
        left.retain(|result| !cured.iter().any(|cured| cured.cures(result)));
    }
    let touched_wildcard = remedy.steps[before..].iter().any(changes_cluster);
    if let (true, 1, Some(note)) =
        (touched_wildcard, before, remedy.steps.first_mut().and_then(|step| step.note.as_mut()))
    {
        note.push_str(" The next steps do that.");
    }
    without_repeated_steps(&RELATIONS, &mut left);
    remedy.steps.extend(left.into_iter().map(by_explanation));
    // In the wrong namespace all other advice is wrong.
    if no_namespace {
        remedy.steps.insert(0, right_namespace(evidence));
    }
    if verdict.causes.iter().any(is_without_tls) {
        remedy.steps.push(without_tls(evidence));
    }
    let other_gateway = verdict.causes.iter().filter(|cause| {
        cause.symptom == Some(codes::DECLARED_SERVER_NAME_RESET)
            && cause.codes.is_empty()
            && cause.certainty == Certainty::Established
    });
    remedy.steps.extend(other_gateway.map(|cause| {
        RemedyStep {
        title: cause.statement.clone(),
        paste: None,
        note: Some(
            "Correct the address that clients resolve for this name; or, where it is meant to be served there, the \
             selector of the virtual host in overrides.yaml, and run helm upgrade."
                .into(),
        ), ..RemedyStep::default() }
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
            ), ..RemedyStep::default() });
    } else if !remedy.steps.is_empty()
        && let Some(proof) = declared_name_proof(evidence, &codes, verdict)
    {
        remedy.steps.push(proof);
    }
    remedy
}

/// The step where nothing of Apigee was seen.
fn right_namespace(evidence: &Evidence) -> RemedyStep {
    RemedyStep {
        title: format!("Is {} the namespace of Apigee hybrid? It has no ApigeeRoute", evidence.question.namespace()),
        paste: Some("kubectl get apigeeroutes --all-namespaces".into()),
        note: Some(
            "-n names the namespace where these are, -l the label of its ingress pods. If this one is right, look at the \
             ApigeeDeployment and the ReplicaSet of the ingress gateway."
                .into(),
        ), ..RemedyStep::default() }
}

/// The clients do not speak TLS, so that nothing is wrong with the gateway.
fn is_without_tls(cause: &Cause) -> bool {
    cause.symptom == Some(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET)
        && cause.codes.is_empty()
        && cause.certainty == Certainty::Established
}

/// The step where clients do not speak TLS: the gateway needs no change.
fn without_tls(evidence: &Evidence) -> RemedyStep {
    let clients: BTreeSet<&str> =
        facts::logs(evidence).flat_map(|(_, log)| log.reset_without_sni.clients.keys().map(String::as_str)).collect();
    let clients: Vec<&str> = clients.into_iter().collect();
    RemedyStep {
        title: format!("Let these clients speak TLS to the gateway's port: {}", facts::some_of(&clients)),
        paste: None,
        note: Some(
            "http:// instead of https://, a health check by HTTP, or a load balancer that puts a PROXY-protocol header in \
             front. A wildcard route does not help them: they would be refused in the handshake instead."
                .into(),
        ), ..RemedyStep::default() }
}

/// The step changes the cluster. A changed file alone cannot be seen in a handshake.
fn changes_cluster(step: &RemedyStep) -> bool {
    step.paste.as_deref().is_some_and(|paste| paste.starts_with("kubectl ") || paste.starts_with("helm "))
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

/// Adds the steps for the wildcard route itself, for duplicates, and for the environment groups that must
/// list it. Returns what these steps cure.
fn for_wildcard(evidence: &Evidence, codes: &BTreeSet<Code>, wildcards: &[&Route], remedy: &mut Remedy) -> Vec<Cured> {
    let mut cured = Vec::new();
    // apigee-watcher would overwrite a change of a route that it owns.
    let broken = wildcards
        .iter()
        .filter(|route| route.owner.is_none())
        .find(|route| {
            let obstacles = facts::wildcard_obstacles(evidence, route);
            obstacles.iter().any(|code| CURED_BY_MANIFEST.contains(code) && codes.contains(code))
        })
        .copied();
    let mut gateway = wildcards.first().map(|route| route.name.clone());
    if codes.contains(&codes::WILDCARD_ROUTE_MISSING) && wildcards.is_empty() {
        gateway = Some(create(evidence, None, remedy).name);
        cured.extend(
            [codes::SERVED_CLIENT_WITHOUT_WILDCARD, codes::WILDCARD_ROUTE_MISSING]
                .map(|code| Cured { code, route: None }),
        );
    } else if let Some(route) = broken {
        gateway = Some(create(evidence, Some(route), remedy).name);
        cured.extend(CURED_BY_MANIFEST.map(|code| Cured { code, route: Some(route.name.clone()) }));
    }
    if codes.contains(&codes::WILDCARD_ROUTE_DUPLICATE) {
        delete_twin(evidence, wildcards, remedy);
        cured.push(Cured { code: codes::WILDCARD_ROUTE_DUPLICATE, route: None });
    }
    if let Some(gateway) = &gateway
        && CURED_BY_OVERRIDES.iter().any(|code| codes.contains(code))
        && attach(evidence, gateway, remedy)
    {
        cured.extend(CURED_BY_OVERRIDES.map(|code| Cured { code, route: None }));
    }
    cured
}

/// A handshake with the SNI of a route that was reset, as proof that it is accepted.
fn declared_name_proof(evidence: &Evidence, codes: &BTreeSet<Code>, verdict: &Verdict) -> Option<RemedyStep> {
    let is_cause = verdict.causes.iter().any(|cause| cause.symptom == Some(codes::DECLARED_SERVER_NAME_RESET));
    if !is_cause || !codes.contains(&codes::DECLARED_SERVER_NAME_RESET) {
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
        ..RemedyStep::default()
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
    let passing = facts::wildcards_without_tls(evidence).unwrap_or_default();
    if let Some(other) = passing.iter().find(|other| other.ports.iter().any(Port::passes_through)) {
        notes.push(format!(
            "ApigeeRoute {} passes TLS for hostname * through: on one port and pod only one of the two is served.",
            other.name
        ));
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
        ..RemedyStep::default()
    });
    remedy.side_effects.push(format!(
        "A client with a server name that no route has then gets the certificate of {} (a name that does not match) \
         instead of a reset.",
        route.credential
    ));
    route
}

fn delete_twin(evidence: &Evidence, wildcards: &[&Route], remedy: &mut Remedy) {
    // Keeps the route that most environment groups list; of equal ones the last.
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
            ..RemedyStep::default()
        });
    }
}

/// Adds the steps that list the gateway in the overrides files and bring these to the cluster. Returns false
/// where nothing lacks the gateway, so that this is no cure.
fn attach(evidence: &Evidence, gateway: &str, remedy: &mut Remedy) -> bool {
    let before = remedy.steps.len();
    let lacking = groups_lacking(evidence, gateway);
    let files: Vec<&str> = evidence.overrides.iter().map(|file| file.name.as_str()).collect();
    if files.is_empty() && !lacking.is_empty() {
        remedy.steps.push(RemedyStep {
            title: format!("List {gateway} in overrides.yaml, at the virtual hosts {}", names(&lacking)),
            paste: Some(format!("  additionalGateways: [\"{gateway}\"]")),
            note: Some("Give the file with -f overrides.yaml to get this as a diff against it.".into()),
            ..RemedyStep::default()
        });
    }
    for file in &evidence.overrides {
        // A file that could not be read has a finding of its own.
        let Ok(change) = overrides_diff::add_gateway(file, gateway) else { continue };
        if !change.text.is_empty() {
            remedy.steps.push(RemedyStep {
                title: format!("List {gateway} in {}", facts::file_name(file)),
                paste: Some(format!("patch {} <<'EOF'\n{}EOF", overrides_path(file), change.text)),
                note: None,
                ..RemedyStep::default()
            });
        }
        for by_hand in change.by_hand {
            remedy.steps.push(RemedyStep {
                title: format!("List {gateway} by hand at {}", facts::place(file, by_hand.place)),
                paste: None,
                note: Some(format!("additionalGateways of {} must contain \"{gateway}\".", by_hand.virtual_host)),
                ..RemedyStep::default()
            });
        }
    }
    // helm would remove the entry of a group if the file given did not have it.
    let (elsewhere, lacking): (Vec<Group>, Vec<Group>) =
        lacking.into_iter().partition(|group| !files.is_empty() && !is_in_files(evidence, group));
    if !elsewhere.is_empty() {
        remedy.steps.push(RemedyStep {
            title: format!("List {gateway} in the overrides file of {}", names(&elsewhere)),
            paste: None,
            note: Some(format!(
                "No file given has the virtual host of {}: give its file with -f too, to get the change and the helm line.",
                names(&elsewhere)
            )), ..RemedyStep::default() });
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
            ..RemedyStep::default()
        });
    }
    remedy.steps.len() > before
}

fn names(groups: &[Group]) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.join(", ")
}

/// Returns the path of the file as the user gave it: a diff without context must not be applied to another
/// file. Standard input gets the name of the documentation.
fn overrides_path(file: &OverridesFile) -> String {
    if file.name == "-" { "overrides.yaml".to_owned() } else { word(&file.name) }
}

/// A given file defines the virtual host of this group, or could not be read.
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

/// Returns the environment groups on the gateway's pods whose ApigeeRouteConfig does not list the gateway; of
/// groups without such an object, those whose ApigeeRoute does not. Where only the ApigeeRoute lags, helm
/// upgrade is no cure.
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

/// Returns the name of the environment group without the organisation in front, where the organisation is
/// known.
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
