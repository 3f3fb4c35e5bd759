//! What a bundle says of itself: `manifest.json`, its first entry.
//!
//! Plain data. It lists every file with its size and hash, so that a reader knows what has to come before it comes, and
//! everything that was left out with the reason. It holds no clock: `collectedAt` is the evidence's own, and timings are
//! what the run measured while gathering, so that the same evidence gives the same bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Names the format of a bundle. The number grows when an older reader would misread a newer bundle; within one number
/// fields may be added, which is why unknown ones are no error.
pub const SCHEMA: &str = "apigee-tls.bundle/v1";

/// What [`SCHEMA`] says before its number.
pub const SCHEMA_FAMILY: &str = "apigee-tls.bundle/v";

/// The number of [`SCHEMA`].
pub const SCHEMA_VERSION: u64 = 1;

/// The whole manifest.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the tool that wrote the bundle.
    pub tool_version: String,
    /// Name of the one top folder.
    pub name: String,
    /// When gathering began; the modification time of every entry.
    pub collected_at: Timestamp,
    /// Number of the support case, where the user gave one.
    #[serde(default)]
    pub case: Option<String>,
    /// What the user wanted to say.
    #[serde(default)]
    pub note: Option<String>,
    /// What was replaced by pseudonyms: `addresses`, `hosts`.
    #[serde(default)]
    pub pseudonyms: Vec<String>,
    /// Name of the kubeconfig context, where a cluster was asked.
    #[serde(default)]
    pub context: Option<String>,
    pub namespace: String,
    /// Why the run ended early, where it did.
    #[serde(default)]
    pub partial: Option<String>,
    /// What was to be collected, in the order of the plan.
    #[serde(default)]
    pub plan: Vec<PlannedItem>,
    /// Every file but this one, in the order of the archive.
    pub files: Vec<FileEntry>,
    /// What was planned and is not there, in order of item and origin.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    /// Milliseconds by item, as far as the run measured them.
    #[serde(default)]
    pub timings: BTreeMap<String, u64>,
}

/// Something that was to be collected.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedItem {
    pub item: String,
    /// Where it comes from, as in [`FileEntry::origin`].
    pub origin: String,
    pub why: String,
}

/// One file of the bundle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Below the top folder, with `/`.
    pub path: String,
    /// Where it comes from: `GET /api/v1/…`, `report`, `-f overrides.yaml`.
    pub origin: String,
    /// Why support needs it.
    pub why: String,
    pub bytes: u64,
    /// Of the content, in lower-case hexadecimal.
    pub sha256: String,
    /// How often something was taken out, by kind.
    #[serde(default)]
    pub redactions: BTreeMap<String, u64>,
    /// Present where this is not the whole.
    #[serde(default)]
    pub truncated: Option<Truncation>,
}

/// What is missing of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Truncation {
    pub kept: Kept,
    /// The limit that was met, or what cut the source off.
    pub why: String,
    /// Size of the whole, where it is known.
    #[serde(default)]
    pub whole_bytes: Option<u64>,
}

/// Which part of a source is there.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kept {
    Beginning,
    End,
    /// Beginning and end, and what matters in between.
    Window,
}

/// Whether something that is not there is a loss.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Absence {
    /// It was to be there; so are all of bundles from before this was told apart.
    #[default]
    Lost,
    /// No flag asked for it.
    NotAsked,
    /// It was looked for, and there is none.
    Empty,
}

/// Something that was planned and is not there.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    pub item: String,
    pub origin: String,
    #[serde(default)]
    pub absence: Absence,
    pub why: String,
    /// The RBAC rule that would give it.
    #[serde(default)]
    pub needs: Option<String>,
}
