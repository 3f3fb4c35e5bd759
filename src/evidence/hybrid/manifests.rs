//! Files given with `-f` that hold Kubernetes objects instead of overrides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Source;
use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor};

/// A file with Kubernetes objects.
///
/// ApigeeRoutes, ApigeeRouteConfigs, TLS Secrets and the mesh settings are judged in place of those of the
/// cluster, if the cluster did not return any. They are then in the parts of their kinds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestFile {
    /// Path as the user gave it; `-` for standard input.
    pub name: String,
    /// Kinds whose objects are judged.
    pub judged: Vec<String>,
    /// Kinds whose objects are not judged.
    pub not_judged: Vec<String>,
    /// Why the objects that are not judged are not.
    pub why: Option<String>,
}

impl ManifestFile {
    /// Returns the display name: `standard input` for `-`, else the path.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.name == "-" { "standard input" } else { &self.name }
    }
}

impl Part for Vec<ManifestFile> {
    fn name(&self) -> &'static str {
        "manifests"
    }

    /// Empty: the user gives the files.
    fn sources(&self) -> &'static [Source] {
        &[]
    }

    fn not_gathered(_why: &str) -> Self {
        Self::new()
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        Vec::new()
    }
}

impl Visit for ManifestFile {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, judged, not_judged, why } = self;
        visitor.string(Kind::File, name);
        visitor.strings(Kind::Word, judged);
        visitor.strings(Kind::Word, not_judged);
        visitor.strings(Kind::Text, why);
    }
}
