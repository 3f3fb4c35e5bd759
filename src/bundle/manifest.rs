//! The manifest of a bundle: `manifest.json`, its first entry.
//!
//! Plain data. It lists every file with its size and hash, so that a reader knows them before the content
//! arrives, and everything left out with the reason. It holds no clock: `collectedAt` is that of the
//! evidence, and timings are measured while gathering. The same evidence therefore gives the same bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::{Item, Origin};

/// Name and version of the bundle format. The version grows when an older reader would misread a newer
/// bundle. Within one version fields may be added, so unknown fields are accepted.
pub const SCHEMA: &str = "apigee-tls.bundle/v1";

/// The part of [`SCHEMA`] before its version.
pub const SCHEMA_FAMILY: &str = "apigee-tls.bundle/v";

/// The version in [`SCHEMA`].
pub const SCHEMA_VERSION: u64 = 1;

/// The schema that `docs/manifest.schema.json` publishes.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = schema_for!(Manifest).to_value();
    if let Some(name) = schema.pointer_mut("/properties/schema") {
        *name = json!({ "const": SCHEMA });
    }
    schema
}

/// The whole manifest.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the tool that wrote the bundle.
    pub tool_version: String,
    /// Name of the only top-level folder.
    pub name: String,
    /// When gathering began; the modification time of every entry.
    pub collected_at: Timestamp,
    /// Number of the support case, if given with `--case`.
    #[serde(default)]
    pub case: Option<String>,
    /// Text given with `--note`.
    #[serde(default)]
    pub note: Option<String>,
    /// Kinds replaced by pseudonyms: `addresses`, `hosts`.
    #[serde(default)]
    pub pseudonyms: Vec<String>,
    /// Name of the kubeconfig context, if a cluster was queried.
    #[serde(default)]
    pub context: Option<String>,
    pub namespace: String,
    /// Why the run ended early, if it did.
    #[serde(default)]
    pub partial: Option<String>,
    /// What was planned, in the order of the plan.
    #[serde(default)]
    pub plan: Vec<PlannedItem>,
    /// Every file except the manifest, in the order of the archive.
    pub files: Vec<FileEntry>,
    /// What was planned and is missing, in order of item and origin.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    /// Milliseconds by task, as far as measured.
    #[serde(default)]
    pub timings: BTreeMap<String, u64>,
}

/// One planned item.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedItem {
    pub item: String,
    /// Where it comes from, as in [`FileEntry::origin`].
    pub origin: String,
    pub why: String,
}

impl From<&Item> for PlannedItem {
    fn from(item: &Item) -> Self {
        let origin = match item.origin {
            Origin::Objects(objects) => match objects.name {
                Some(name) => format!("GET {}/{name}", objects.resource),
                None => format!("GET {}", objects.resource),
            },
            Origin::Logs => "GET pods/log".into(),
            Origin::Secrets => "GET secrets that routes name".into(),
            Origin::PortForward => "pods/portforward: handshakes, Envoy's admin interface".into(),
        };
        Self { item: item.name().into(), origin, why: item.why.into() }
    }
}

/// One file of the bundle.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Path below the top-level folder, with `/`.
    pub path: String,
    /// Where the file comes from: `GET /api/v1/…`, `report`, `-f overrides.yaml`.
    pub origin: String,
    /// Why support needs it.
    pub why: String,
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hexadecimal.
    pub sha256: String,
    /// Number of redactions, by rule.
    #[serde(default)]
    pub redactions: BTreeMap<String, u64>,
    /// Present if the file is not the whole source.
    #[serde(default)]
    pub truncated: Option<Truncation>,
}

/// Which part of a source a file holds, and why not all of it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Truncation {
    pub kept: Kept,
    /// The limit that was reached, or what cut the source off.
    pub why: String,
    /// Number of bytes of the whole source, if known.
    #[serde(default)]
    pub whole_bytes: Option<u64>,
}

/// The part of a source that a file holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kept {
    Beginning,
    End,
    /// Beginning and end, and the relevant lines in between.
    Window,
}

/// Whether a missing item is a loss.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Absence {
    /// It could not be collected. Bundles written before this field existed have no other value.
    #[default]
    Lost,
    /// No flag requested it.
    NotAsked,
    /// The cluster has none.
    Empty,
}

/// A planned item that is missing.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    pub item: String,
    pub origin: String,
    #[serde(default)]
    pub absence: Absence,
    pub why: String,
    /// The missing right, as `verb resource`.
    #[serde(default)]
    pub needs: Option<String>,
}
