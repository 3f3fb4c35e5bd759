//! `README.md` of a bundle: findings, reading order, and what is missing.

use std::collections::BTreeSet;

use super::environment_groups;
use super::{Input, Page};
use crate::bundle::layout;
use crate::bundle::manifest::{Absence, Skipped};
use crate::evidence::Evidence;
use crate::judgement::Report;
use crate::plan::{PLAN, folder};
use crate::playbooks::{self, Material};
use crate::redact::Pseudonyms;
use crate::text::{joined, moment_in_heading, one_line, visible};
use crate::verdict::VerdictKind;

/// Maximum number of lines about missing items.
const MISSING_LINES: usize = 20;

const CAPTURES: &str = "\
    recorded packets; secrets are masked with stars, so checksums of those packets do not match; secrets\n   \
    that are split over two packets or compressed are not masked";

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    vec![Page::new(layout::README, "collect", "overview: read this first", &readme(input))]
}

/// Returns the page: case, findings, reading order, what is missing.
fn readme(input: &Input<'_>) -> String {
    let Input { evidence, report, request, skipped, .. } = *input;
    let mut page = format!("# {} {}\n\n", report.verdict.kind.word(), report.verdict.headline);
    let at = moment_in_heading(evidence.collected_at);
    let context = report.subject.context().unwrap_or("no context");
    page += &format!(
        "Context {context}, namespace {}, {at}, kubectl apigee-tls {}.\n",
        report.subject.namespace(),
        report.tool_version
    );
    if let Some(case) = &request.case {
        page += &format!("Case {}.\n", visible(case));
    }
    if let Some(note) = &request.note {
        // Joined to one paragraph, so that a note cannot add headings.
        page += &format!("Note: {}\n", visible(&one_line(note)));
    }
    page += &versions(evidence);
    page += &format!("{}\n", environment_groups::line(&request.groups, evidence));
    if let Some(why) = &request.partial {
        page += &format!("\n**Partial**: {why}. The bundle holds what was seen by then.\n");
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
        let kind = report.verdict.kind;
        let statement =
            if kind == VerdictKind::Unknown { &report.verdict.headline } else { "nothing that makes clients fail" };
        page += &format!("- {statement}\n");
    }
    page += &reading_order(input);
    page += "\n`kubectl apigee-tls diagnose --from THIS-BUNDLE` prints this report again. manifest.json lists the origin, purpose and hash\n\
        of every file.\n";
    page += &pseudonyms(request.pseudonyms);
    page += "\n## Missing\n\n";
    for item in &report.not_seen {
        page += &format!("- {}: {}\n", item.what, item.why);
    }
    page += &missing(report, skipped);
    page
}

/// Returns the section that lists what to read, in the order of the playbook. Lines are numbered from 1;
/// captures come last.
fn reading_order(input: &Input<'_>) -> String {
    let report = "the cause, the fix (under FIX), and the playbook step by step";
    let reports = format!("{}, or {} in a browser", layout::REPORT_TEXT, layout::REPORT_HTML);
    let mut lines = vec![(reports, report)];
    lines.extend(materials(input).into_iter().map(|(folders, what)| (folders.join(", "), what)));
    let numbered = lines.iter().zip(1..).map(|((places, what), number)| format!("{number}. {places}: {what}\n"));
    format!("\n## Read\n\n{}", numbered.collect::<String>())
}

/// Returns the folders of what the playbook asks for, with what they hold.
pub(super) fn materials(input: &Input<'_>) -> Vec<(Vec<&'static str>, &'static str)> {
    let (_, run) = playbooks::of_run(&input.evidence.question);
    let mut materials: Vec<(Vec<&'static str>, &'static str)> = run
        .must_gather
        .iter()
        .map(|reading| {
            let mut folders: Vec<&str> = reading.materials.iter().filter_map(|material| folder_of(*material)).collect();
            folders.dedup();
            (folders, reading.what)
        })
        .collect();
    if input.request.has_captures && input.request.pseudonyms == Pseudonyms::None {
        materials.push((vec![folder::CAPTURES], CAPTURES));
    }
    materials
}

/// Returns the folder of the bundle that holds the material.
fn folder_of(material: Material) -> Option<&'static str> {
    match material {
        Material::Overrides => Some(folder::OVERRIDES),
        Material::Source(source) => PLAN.iter().find(|item| item.source == source).map(|item| item.folder),
    }
}

/// Returns the versions of Kubernetes and of the ingress images.
fn versions(evidence: &Evidence) -> String {
    let kubernetes = evidence.connection.seen().ok().and_then(|connection| connection.server_version.as_deref());
    let pods = evidence.pods.seen().map(Vec::as_slice).unwrap_or_default();
    let images: BTreeSet<&str> =
        pods.iter().flat_map(|pod| &pod.containers).map(|container| container.image.as_str()).collect();
    let images: Vec<&str> = images.into_iter().collect();
    let images = joined(&images, ", ", "no image was seen");
    format!("Versions: Kubernetes {}; ingress {images}.\n", kubernetes.unwrap_or("unknown"))
}

/// Returns what could not be collected, at most [`MISSING_LINES`] items.
///
/// Empty items are not missing, and sources that the report lists as not seen are already on the page.
fn missing(report: &Report, skipped: &[Skipped]) -> String {
    let is_listed = |skipped: &&Skipped| {
        report.not_seen.iter().any(|seen| skipped.item == seen.what || skipped.origin.ends_with(&seen.what))
    };
    let lost: Vec<&Skipped> =
        skipped.iter().filter(|skipped| skipped.absence != Absence::Empty && !is_listed(skipped)).collect();
    if skipped.iter().all(|skipped| skipped.absence == Absence::Empty) {
        return "\nNothing is missing.\n".into();
    }
    if lost.is_empty() {
        return "\nEverything that is missing is listed above, and in manifest.json under `skipped`.\n".into();
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

/// Returns the section that explains the pseudonyms; empty where there are none.
fn pseudonyms(kinds: Pseudonyms) -> String {
    let mut page = String::new();
    if kinds == Pseudonyms::None {
        return page;
    }
    page += "\n## Pseudonyms\n\n";
    if kinds.hosts() {
        page += "- Hostnames end in `.example` (RFC 2606) and replace the originals label by label: names with the same ending\n  \
            still have the same ending. Serial numbers and fingerprints of certificates are replaced too, and certificates\n  \
            are removed from objects and logs.\n- Object names are replaced if they look like a hostname; other names may contain one.\n";
    }
    if kinds.addresses() {
        page += "- Addresses of 198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849) replace the originals;\n  \
            198.19.255.255 stands for all beyond the limit. Addresses of Google's health checks, loopback and unspecified\n  \
            addresses are not replaced.\n";
    }
    page +=
        "- A name has the same pseudonym in every file. Only the creator of the bundle has the list of originals.\n";
    page
}
