//! The pages of a bundle that are made of the evidence: what to read first, and the lists that support asks for.

use std::sync::PoisonError;

use serde_json::Value;

use super::keep::{Keep, NONE};
use super::{groups, why_not};
use crate::bundle::layout;
use crate::bundle::manifest::Skipped;
use crate::bundle::redact::Pseudonyms;
use crate::commands::Error;
use crate::evidence::{Evidence, Seen};
use crate::report::styles::Styles;
use crate::report::{FailOn, Report, Selection, build, machine, text};

/// Columns of the report in the bundle: a pager and a mail take them.
const WIDTH: usize = 110;
/// Lines on the front page about what is missing.
const MISSING_LINES: usize = 20;

/// What the front page says beside what was seen; without secrets, and with pseudonyms.
pub(super) struct Front {
    pub(super) case: Option<String>,
    pub(super) note: Option<String>,
    /// Environment groups with the problem, as the user names them.
    pub(super) groups: Vec<String>,
    /// Why the run ended early, where it did.
    pub(super) partial: Option<String>,
    pub(super) pseudonyms: Pseudonyms,
    pub(super) has_captures: bool,
}

const CAPTURES: &str = "\
    6. 09-captures: what was recorded; stars stand for secrets, in their places, so checksums of such packets do not fit; a\n   \
    secret that is split over two packets or compressed is not known\n";

/// Adds them all, and returns the report that they begin with.
pub(super) fn add(keep: &Keep, front: &Front, evidence: &Evidence) -> Result<Report, Error> {
    let report = build(evidence, &Selection::default(), FailOn::default());
    let options = text::TextOptions { styles: Styles::default(), width: WIDTH, wide: false };
    keep.text(layout::REPORT_TEXT, "report", "what was found, for a person", &text::text(&report, options));
    let json = machine::json(&report).map_err(|error| Error::Rendering(error.to_string()))?;
    keep.text(layout::REPORT_JSON, "report", "what was found, for a program", &json);
    keep.text(
        layout::README,
        "collect",
        "what to read first",
        &readme(front, evidence, &report, &keep.writer.skipped()),
    );
    let routes = format!("{}/apigeeroutes.txt", layout::folder::ROUTES);
    keep.text(&routes, "diagnose", "kubectl get apigeeroutes, which the playbook asks for", &route_list(evidence));
    let path = format!("{}/environment-groups.txt", layout::folder::ENVIRONMENT_GROUPS);
    let why = "the environment groups with the problem, which the playbook asks for";
    keep.text(&path, "diagnose, --env-group", why, &groups::page(&front.groups, evidence));
    let events = format!("{}/events.txt", layout::folder::INGRESS);
    keep.text(&events, "GET events", "what happened, in order of time", &event_list(keep));
    for (name, described) in descriptions(keep) {
        let path = format!("{}/apigeeroutes/{}.txt", layout::folder::ROUTES, layout::segment(&name));
        keep.text(&path, "GET apigeeroutes, events", "the route described, which the playbook asks for", &described);
    }
    yaml(
        keep,
        layout::folder::CERTIFICATES,
        "stored.yaml",
        "public certificates, and whether keys fit",
        &evidence.stored_certificates,
    );
    yaml(
        keep,
        layout::folder::HANDSHAKES,
        "envoy.yaml",
        "filter chains, certificates and counters of each Envoy",
        &evidence.gateways,
    );
    yaml(
        keep,
        layout::folder::HANDSHAKES,
        "handshakes.yaml",
        "every handshake of this run, and how it ended",
        &evidence.probes,
    );
    let releases = format!("{}/helm-releases.txt", layout::folder::PLATFORM);
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
        Err(error) => keep.skip(&path, "diagnose", &error.to_string(), None),
    }
}

/// The front page: case, finding, what to read, what is missing.
fn readme(front: &Front, evidence: &Evidence, report: &Report, skipped: &[Skipped]) -> String {
    let mut page = format!("# {} {}\n\n", report.verdict.kind.word(), report.verdict.headline);
    let at = evidence.collected_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let context = report.subject.context.as_deref().unwrap_or("no context");
    page += &format!(
        "Context {context}, namespace {}, {at}, kubectl apigee-tls {}.\n",
        report.subject.namespace, report.tool_version
    );
    if let Some(case) = &front.case {
        page += &format!("Case {case}.\n");
    }
    if let Some(note) = &front.note {
        page += &format!("Note: {note}\n");
    }
    page += &format!("{}\n", groups::line(&front.groups, evidence));
    if let Some(why) = &front.partial {
        page += &format!("\n**Partial**: {why}. What had been seen by then is here.\n");
    }
    page += "\n## Found\n\n";
    let causes = report.verdict.causes.iter().take(3);
    for cause in causes {
        page += &format!("- {}\n", cause.statement);
        for line in cause.evidence.iter().take(2) {
            page += &format!("  - {line}\n");
        }
    }
    if report.verdict.causes.is_empty() {
        page += "- nothing that clients fail by\n";
    }
    page += "\n## Read\n\n\
        1. report.txt: the playbook step by step, the cause, the fix\n\
        2. 01-overrides, 02-routes, 03-environment-groups: what the playbook's \"must gather\" asks for\n\
        3. 04-ingress, 05-logs: the pods, their events and their logs\n\
        4. 06-certificates, 07-handshakes: what is stored, what Envoy has, what clients get\n\
        5. 08-platform: Services, mesh settings, webhooks, nodes, Helm releases\n";
    if front.has_captures {
        page += CAPTURES;
    }
    page += "\n`kubectl apigee-tls diagnose --from THIS-BUNDLE` gives the same report again; every file has its origin, its reason\n\
        and its hash in manifest.json.\n";
    page += &pseudonyms(front.pseudonyms);
    page += "\n## Missing\n\n";
    for item in &report.not_seen {
        page += &format!("- {}: {}\n", item.what, item.why);
    }
    page += &missing(report, skipped);
    page
}

/// What could not be collected, in so many lines as a front page bears. An item that is empty is no loss, and what the report has
/// not seen stands there already.
fn missing(report: &Report, skipped: &[Skipped]) -> String {
    let is_told = |skipped: &&Skipped| {
        report.not_seen.iter().any(|seen| skipped.item == seen.what || skipped.origin.ends_with(&seen.what))
    };
    let lost: Vec<&Skipped> = skipped.iter().filter(|skipped| skipped.why != NONE && !is_told(skipped)).collect();
    if lost.is_empty() {
        return "\nNothing that was to be collected is missing.\n".into();
    }
    let mut page = "\nNot collected:\n\n".to_owned();
    for Skipped { item, origin, why, .. } in lost.iter().take(MISSING_LINES) {
        page += &format!("- {item} ({origin}): {why}\n");
    }
    if lost.len() > MISSING_LINES {
        page += &format!("- and {} more, in manifest.json under `skipped`\n", lost.len() - MISSING_LINES);
    }
    page
}

/// What a reader has to know of names that are none.
fn pseudonyms(kinds: Pseudonyms) -> String {
    let mut page = String::new();
    if kinds == Pseudonyms::None {
        return page;
    }
    page += "\n## Pseudonyms\n\n";
    if kinds.hosts() {
        page += "- Hostnames end in `.example` (RFC 2606) and stand for others, label by label: names that end alike end alike\n  \
            here. Serial numbers and fingerprints of certificates are replaced too, and certificates are left out of objects\n  \
            and logs.\n- Names of objects are replaced where they have the form of a hostname; other names may be made of one.\n";
    }
    if kinds.addresses() {
        page += "- Addresses of 198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849) stand for others; 198.19.255.255 for all\n  \
            that were too many. Google's health checks, loopback and unspecified addresses are real.\n";
    }
    page +=
        "- The same name has the same pseudonym in every file. What each stands for, only who made the bundle knows.\n";
    page
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
            listed(&route.hostnames),
            route.enable_non_sni_client.map_or_else(|| "<none>".into(), |flag| flag.to_string()),
            listed(&route.additional_gateways),
        ]
    }));
    table(&rows)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "<none>".into() } else { names.join(",") }
}

fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            cells.join("   ").trim_end().to_owned() + "\n"
        })
        .collect()
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
            let object = format!("{}/{}", text(&of["kind"]), text(&of["name"]));
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
