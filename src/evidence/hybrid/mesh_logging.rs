//! Whether and in which format the gateways write access logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// The access-log settings of ConfigMap `apigee-istio-mesh-config`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeshLogging {
    /// `accessLogFile`; empty or absent disables the log.
    pub file: Option<String>,
    /// `accessLogEncoding`: `JSON`, `TEXT`, or its number.
    pub encoding: Option<String>,
    /// The keys of a JSON `accessLogFormat`, each with its Envoy operator; absent for Envoy's default text
    /// format.
    pub fields: Option<BTreeMap<String, String>>,
    /// `accessLogFormat` is set and is not a JSON object.
    pub text_format: bool,
}

impl MeshLogging {
    /// Returns whether the access log is disabled.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.file.as_deref().is_none_or(str::is_empty)
    }

    /// Returns whether the format is JSON with the key `sni_host`, which shows whether a client sent SNI.
    #[must_use]
    pub fn names_server(&self) -> bool {
        !self.is_off()
            && !self.text_format
            && self.encoding.as_deref().is_some_and(|encoding| encoding == "1" || encoding.eq_ignore_ascii_case("json"))
            && self.fields.as_ref().is_some_and(|fields| fields.contains_key("sni_host"))
    }
}

impl Part for Seen<MeshLogging> {
    fn name(&self) -> &'static str {
        "meshLogging"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::MeshConfig]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("the mesh settings", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::MeshConfig)
    }
}

impl Visit for MeshLogging {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { file, encoding, fields, text_format: _ } = self;
        visitor.strings(Kind::File, file);
        visitor.strings(Kind::Word, encoding);
        if let Some(fields) = fields {
            visitor.labels(fields);
        }
    }
}
