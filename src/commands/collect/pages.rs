//! The pages of a bundle that are made of the evidence: what to read first, and the lists that support asks for.

use std::sync::PoisonError;

use serde_json::Value;

use super::keep::Keep;
use super::readme::{Front, readme};
use super::{groups, why_not};
use crate::bundle::layout;
use crate::commands::Error;
use crate::evidence::{Evidence, Seen};
use crate::gather::plan::folder;
use crate::redact::Redactions;
use crate::report::styles::Styles;
use crate::report::{FailOn, Report, Selection, build, machine, text};
use crate::text::{joined, table};

/// Columns of the report in the bundle: a pager and a mail take them.
const WIDTH: usize = 110;

/// Adds them all, and returns the report that they begin with.
pub(super) fn add(keep: &Keep, front: &Front, evidence: &Evidence) -> Result<Report, Error> {
    let report = build(evidence, &Selection::default(), FailOn::default());
    let options = text::TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
    // Made of evidence that is clean, and the very bytes that `--from` gives.
    let as_it_is = |path: &str, why: &str, text: &str| {
        keep.whole(path, "report", why, text.as_bytes(), Redactions::default());
    };
    as_it_is(layout::REPORT_TEXT, "what was found, for a person", &text::text(&report, options));
    let json = machine::json(&report)?;
    as_it_is(layout::REPORT_JSON, "what was found, for a program", &json);
    keep.text(
        layout::README,
        "collect",
        "what to read first",
        &readme(front, evidence, &report, &keep.writer.skipped()),
    );
    let routes = format!("{}/apigeeroutes.txt", folder::ROUTES);
    keep.text(&routes, "diagnose", "kubectl get apigeeroutes, which the playbook asks for", &route_list(evidence));
    let path = format!("{}/environment-groups.txt", folder::ENVIRONMENT_GROUPS);
    let why = "the environment groups with the problem, which the playbook asks for";
    keep.text(&path, "diagnose, --env-group", why, &groups::page(&front.groups, evidence));
    let pods = format!("{}/pods.txt", folder::INGRESS);
    keep.text(&pods, "diagnose", "kubectl get pods -o wide, of the ingress", &pod_list(evidence));
    let events = format!("{}/events.txt", folder::INGRESS);
    keep.text(&events, "GET events", "what happened, in order of time", &event_list(keep));
    for (name, described) in descriptions(keep) {
        let path = format!("{}/apigeeroutes/{}.txt", folder::ROUTES, layout::segment(&name));
        keep.text(&path, "GET apigeeroutes, events", "the route described, which the playbook asks for", &described);
    }
    yaml(
        keep,
        folder::CERTIFICATES,
        "stored.yaml",
        "public certificates, and whether keys fit",
        &evidence.stored_certificates,
    );
    yaml(
        keep,
        folder::HANDSHAKES,
        "envoy.yaml",
        "filter chains, certificates and counters of each Envoy",
        &evidence.gateways,
    );
    yaml(
        keep,
        folder::HANDSHAKES,
        "handshakes.yaml",
        "every handshake of this run, and how it ended",
        &evidence.probes,
    );
    let releases = format!("{}/helm-releases.txt", folder::PLATFORM);
    keep.text(
        &releases,
        "names of Secrets",
        "which Helm releases there are; never their values",
        &helm_releases(evidence),
    );
    Ok(report)
}

fn yaml<T: serde::Serialize>(keep: &Keep, folder: &str, file: &str, why: &str, seen: &Seen<T>) {
    let path = format!("{folder}/{file}");
    // What was not seen is listed as such.
    let Seen::Seen(value) = seen else { return };
    match machine::yaml(value) {
        Ok(text) => keep.text(&path, "diagnose", why, &text),
        Err(error) => keep.lost(&path, "diagnose", &error.to_string()),
    }
}

/// As `kubectl get apigeeroutes` shows it, with what the playbook looks at.
fn route_list(evidence: &Evidence) -> String {
    let routes = match &evidence.routes {
        Seen::Seen(routes) if !routes.items.is_empty() => &routes.items,
        seen => return format!("{}\n", why_not(seen)),
    };
    let mut rows = vec![["NAME", "STATE", "HOSTNAMES", "NON_SNI", "GATEWAYS"].map(str::to_owned)];
    rows.extend(routes.iter().map(|route| {
        [
            route.name.clone(),
            route.status.state.clone().unwrap_or_else(|| "<none>".into()),
            joined(&route.hostnames, ",", "<none>"),
            route.enable_non_sni_client.map_or_else(|| "<none>".into(), |flag| flag.to_string()),
            joined(&route.additional_gateways, ",", "<none>"),
        ]
    }));
    table(&rows)
}

/// As `kubectl get pods -o wide` shows them, with their images.
fn pod_list(evidence: &Evidence) -> String {
    let pods = match &evidence.pods {
        Seen::Seen(pods) if !pods.is_empty() => pods,
        seen => return format!("{}\n", why_not(seen)),
    };
    let mut rows = vec![["NAME", "READY", "STATUS", "RESTARTS", "NODE", "IMAGES"].map(str::to_owned)];
    rows.extend(pods.iter().map(|pod| {
        let ready = pod.containers.iter().filter(|container| container.ready).count();
        let images: Vec<String> = pod.containers.iter().map(|container| container.image.clone()).collect();
        [
            pod.name.clone(),
            format!("{ready}/{}", pod.containers.len()),
            if pod.terminating { "Terminating".to_owned() } else { pod.phase.clone() },
            pod.containers.iter().map(|container| container.restarts).max().unwrap_or(0).to_string(),
            pod.node.clone().unwrap_or_else(|| "<none>".into()),
            joined(&images, ",", "<none>"),
        ]
    }));
    table(&rows)
}

/// Each route as a person wants to read it, with its events.
fn descriptions(keep: &Keep) -> Vec<(String, String)> {
    let read = keep.read.lock().unwrap_or_else(PoisonError::into_inner);
    let of_kind = |kind: &'static str| read.iter().filter(move |object| object["kind"] == kind);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_kind("ApigeeRoute")
        .map(|route| {
            let name = text(&route["metadata"]["name"]);
            let mut page = format!("Name:      {name}\nNamespace: {}\n", text(&route["metadata"]["namespace"]));
            for (title, part) in
                [("Labels", &route["metadata"]["labels"]), ("Spec", &route["spec"]), ("Status", &route["status"])]
            {
                let yaml = serde_yaml::to_string(part).unwrap_or_default();
                page += &format!("{title}:\n{}", indented(&yaml));
            }
            page += "Events:\n";
            let mut events: Vec<String> = of_kind("Event")
                .filter(|event| {
                    event["involvedObject"]["name"] == name.as_str() && event["involvedObject"]["kind"] == "ApigeeRoute"
                })
                .map(|event| {
                    format!(
                        "  {}  {}  {}  {}\n",
                        text(&event["lastTimestamp"]),
                        text(&event["type"]),
                        text(&event["reason"]),
                        text(&event["message"])
                    )
                })
                .collect();
            events.sort();
            page += &if events.is_empty() { "  <none>\n".to_owned() } else { events.concat() };
            (name, page)
        })
        .collect()
}

/// One line for each event, the latest last.
fn event_list(keep: &Keep) -> String {
    let read = keep.read.lock().unwrap_or_else(PoisonError::into_inner);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut lines: Vec<String> = read
        .iter()
        .filter(|object| object["kind"] == "Event")
        .map(|event| {
            let at = if event["lastTimestamp"].is_string() { &event["lastTimestamp"] } else { &event["eventTime"] };
            let of = &event["involvedObject"];
            // `spec.containers{istio-proxy}`
            let container = of["fieldPath"].as_str().and_then(|path| path.find('{').map(|at| &path[at..]));
            let object = format!("{}/{}{}", text(&of["kind"]), text(&of["name"]), container.unwrap_or_default());
            let (kind, reason, message) = (text(&event["type"]), text(&event["reason"]), text(&event["message"]));
            format!("{}  {kind}  {reason}  {object}  {message}\n", text(at))
        })
        .collect();
    lines.sort();
    if lines.is_empty() { "none was seen\n".into() } else { lines.concat() }
}

fn indented(yaml: &str) -> String {
    yaml.lines().map(|line| format!("  {line}\n")).collect()
}

/// Helm keeps each revision in a Secret named `sh.helm.release.v1.<release>.v<revision>`.
fn helm_releases(evidence: &Evidence) -> String {
    let Seen::Seen(secrets) = &evidence.secrets else { return format!("{}\n", why_not(&evidence.secrets)) };
    let mut releases: Vec<String> = secrets
        .names
        .iter()
        .filter_map(|name| name.strip_prefix("sh.helm.release.v1.")?.rsplit_once(".v"))
        .map(|(release, revision)| format!("{release} revision {revision}\n"))
        .collect();
    releases.sort();
    if releases.is_empty() { "none in this namespace\n".into() } else { releases.concat() }
}
