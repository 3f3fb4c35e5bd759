//! Adds the pages that are derived from the evidence: the README, the reports, and the lists that support
//! asks for.

use std::sync::PoisonError;

use serde_json::Value;

use super::bundle_sink::BundleSink;
use super::readme::{ReadmeInputs, readme};
use super::{groups, why_not};
use crate::bundle::layout;
use crate::commands::Error;
use crate::evidence::{Evidence, Seen};
use crate::gather::plan::folder;
use crate::judgement::{FailOn, Report, Selection, build};
use crate::redact::Redactions;
use crate::report::styles::Styles;
use crate::report::{Format, TextOptions, formats, render};
use crate::text::{joined, table};

/// Width of the report in the bundle, in columns, for pagers and mail.
const WIDTH: usize = 110;

/// Adds all pages to the bundle, and returns the report.
///
/// # Errors
/// The report cannot be rendered as JSON.
pub(super) fn add(sink: &BundleSink, inputs: &ReadmeInputs, evidence: &Evidence) -> Result<Report, Error> {
    let report = build(evidence, &Selection::default(), FailOn::default());
    let options = TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
    // Derived from redacted evidence, and byte for byte what `diagnose --from` prints.
    let as_it_is = |path: &str, why: &str, text: &str| {
        sink.write_clean(path, "report", why, text.as_bytes(), Redactions::default());
    };
    as_it_is(layout::REPORT_TEXT, "findings, for a person", &render(&report, Format::Text, options)?);
    let json = render(&report, Format::Json, options)?;
    as_it_is(layout::REPORT_JSON, "findings, for a program", &json);
    sink.write_derived(
        layout::README,
        "collect",
        "overview: read this first",
        &readme(inputs, evidence, &report, &sink.writer.skipped()),
    );
    let routes = format!("{}/apigeeroutes.txt", folder::ROUTES);
    sink.write_derived(
        &routes,
        "diagnose",
        "kubectl get apigeeroutes, required by the playbook",
        &route_list(evidence),
    );
    let path = format!("{}/environment-groups.txt", folder::ENVIRONMENT_GROUPS);
    let why = "the environment groups with the problem, required by the playbook";
    sink.write_derived(&path, "diagnose, --env-group", why, &groups::page(&inputs.groups, evidence));
    let pods = format!("{}/pods.txt", folder::INGRESS);
    sink.write_derived(&pods, "diagnose", "kubectl get pods -o wide, of the ingress", &pod_list(evidence));
    let events = format!("{}/events.txt", folder::INGRESS);
    let event_list = sink.read.lock().unwrap_or_else(PoisonError::into_inner).events();
    sink.write_derived(&events, "GET events", "events in order of time", &event_list);
    for (name, described) in descriptions(sink) {
        let path = format!("{}/apigeeroutes/{}.txt", folder::ROUTES, layout::segment(&name));
        sink.write_derived(
            &path,
            "GET apigeeroutes, events",
            "description of the route, required by the playbook",
            &described,
        );
    }
    yaml(
        sink,
        folder::CERTIFICATES,
        "stored.yaml",
        "public certificates, and whether the keys match",
        &evidence.stored_certificates,
    );
    yaml(
        sink,
        folder::HANDSHAKES,
        "envoy.yaml",
        "filter chains, certificates and counters of each Envoy",
        &evidence.gateways,
    );
    yaml(sink, folder::HANDSHAKES, "handshakes.yaml", "every handshake of this run and its result", &evidence.probes);
    let releases = format!("{}/helm-releases.txt", folder::PLATFORM);
    sink.write_derived(
        &releases,
        "names of Secrets",
        "names of Helm releases, never their values",
        &helm_releases(evidence),
    );
    Ok(report)
}

fn yaml<T: serde::Serialize>(sink: &BundleSink, folder: &str, file: &str, why: &str, seen: &Seen<T>) {
    let path = format!("{folder}/{file}");
    // A source that was not seen is listed in the manifest.
    let Seen::Seen(value) = seen else { return };
    match formats::yaml::of(value) {
        Ok(text) => sink.write_derived(&path, "diagnose", why, &text),
        Err(error) => sink.lost(&path, "diagnose", &error.to_string()),
    }
}

/// Returns the routes as `kubectl get apigeeroutes` prints them, with the columns that the playbook needs.
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

/// Returns the pods as `kubectl get pods -o wide` prints them, with their images.
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

/// Returns a description of each route with its events, as pairs of name and page.
fn descriptions(sink: &BundleSink) -> Vec<(String, String)> {
    let read = sink.read.lock().unwrap_or_else(PoisonError::into_inner);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    read.routes
        .iter()
        .map(|route| {
            let name = text(&route["metadata"]["name"]);
            let mut page = format!("Name:      {name}\nNamespace: {}\n", text(&route["metadata"]["namespace"]));
            for (title, part) in
                [("Labels", &route["metadata"]["labels"]), ("Spec", &route["spec"]), ("Status", &route["status"])]
            {
                let yaml = serde_yaml::to_string(part).unwrap_or_default();
                page += &format!("{title}:\n{}", indented(&yaml));
            }
            page += &format!("Events:\n{}", read.events_of(&name));
            (name, page)
        })
        .collect()
}

fn indented(yaml: &str) -> String {
    yaml.lines().map(|line| format!("  {line}\n")).collect()
}

/// Returns the Helm releases. Helm stores each revision in a Secret named
/// `sh.helm.release.v1.<release>.v<revision>`.
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
