//! `helm-releases.txt`: names and revisions of the Helm releases, from the names of their Secrets.

use super::{Input, Page, why_not};
use crate::evidence::{Evidence, Seen};
use crate::plan::folder;

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let path = format!("{}/helm-releases.txt", folder::PLATFORM);
    let why = "names of Helm releases, never their values";
    vec![Page::new(path, "names of Secrets", why, &helm_releases(input.evidence))]
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
