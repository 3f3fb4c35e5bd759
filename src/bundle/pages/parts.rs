//! Parts of the evidence as YAML: stored certificates, each Envoy, the handshakes.

use serde::Serialize;

use super::{Input, Page};
use crate::evidence::{Evidence, Seen};
use crate::plan::folder;
use crate::report::formats;

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let Evidence { stored_certificates, gateways, probes, .. } = input.evidence;
    let certificates = "public certificates, and whether the keys match";
    let gateway = "filter chains, certificates and counters of each Envoy";
    let handshakes = "every handshake of this run and its result";
    let pages = [
        page(folder::CERTIFICATES, "stored.yaml", certificates, stored_certificates),
        page(folder::HANDSHAKES, "envoy.yaml", gateway, gateways),
        page(folder::HANDSHAKES, "handshakes.yaml", handshakes, probes),
    ];
    pages.into_iter().flatten().collect()
}

/// Returns `None` for a part that was not seen: the manifest lists its source as missing.
fn page<T: Serialize>(folder: &str, file: &str, why: &'static str, part: &Seen<T>) -> Option<Page> {
    let Seen::Seen(value) = part else { return None };
    let text = formats::yaml::of(value).map_err(|error| error.to_string());
    Some(Page { path: format!("{folder}/{file}"), origin: "diagnose", why, text, is_verbatim: false })
}
