//! Whether and in which format the gateways write access logs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// The access-log settings of ConfigMap `apigee-istio-mesh-config`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
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
    /// The `accessLogFormat` that is not a JSON object; absent in evidence of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl MeshLogging {
    /// Returns whether the access log is disabled.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.file.as_deref().is_none_or(str::is_empty)
    }

    /// `accessLogEncoding` is JSON; Istio's default is text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.encoding.as_deref().is_some_and(|encoding| encoding == "1" || encoding.eq_ignore_ascii_case("json"))
    }

    /// A log is written, and its format states the server name.
    #[must_use]
    pub fn names_server(&self) -> bool {
        !self.is_off() && self.states("REQUESTED_SERVER_NAME")
    }

    /// The format has this command operator, as far as the settings show it. Without an `accessLogFormat`,
    /// and where it does not fit the encoding JSON, Istio writes its default format, which has every operator
    /// that is judged.
    #[must_use]
    pub fn states(&self, operator: &str) -> bool {
        let has = |text: &str| {
            text.split('%').any(|part| {
                let rest = part.strip_prefix(operator);
                // `REQUESTED_SERVER_NAME(SNI_FIRST)` is the host of a request without SNI.
                let is_other = |rest: &str| rest.starts_with("(SNI_FIRST") || rest.starts_with("(HOST_FIRST");
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', ':']) && !is_other(rest))
            })
        };
        match (&self.fields, &self.format) {
            (Some(fields), _) => fields.values().any(|value| has(value)),
            (None, _) if self.is_json() => true,
            (None, Some(format)) => has(format),
            (None, None) => !self.text_format,
        }
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
        let Self { file, encoding, fields, text_format: _, format } = self;
        visitor.strings(Kind::File, file);
        visitor.strings(Kind::Word, encoding);
        if let Some(fields) = fields {
            visitor.keys(Kind::Text, fields);
            visitor.strings(Kind::Text, fields.values_mut());
        }
        visitor.strings(Kind::Text, format);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_tell_whether_records_name_the_server() {
        let fields = |value: &str| Some(BTreeMap::from([("name".to_owned(), value.to_owned())]));
        let on = MeshLogging { file: Some("/dev/stdout".into()), ..MeshLogging::default() };
        let json = MeshLogging { encoding: Some("JSON".into()), ..on.clone() };
        let text = |format: &str| MeshLogging { text_format: true, format: Some(format.into()), ..on.clone() };
        for (mesh, expected) in [
            (on.clone(), true),
            (MeshLogging { file: None, ..on.clone() }, false),
            (MeshLogging { fields: fields("%REQUESTED_SERVER_NAME%"), ..json.clone() }, true),
            (MeshLogging { fields: fields("%REQUESTED_SERVER_NAME:40%"), ..on.clone() }, true),
            (MeshLogging { fields: fields("%REQUESTED_SERVER_NAME(SNI_ONLY)%"), ..on.clone() }, true),
            (MeshLogging { fields: fields("%REQUESTED_SERVER_NAME(SNI_FIRST:HOST)%"), ..on.clone() }, false),
            (MeshLogging { fields: fields("%RESPONSE_CODE%"), ..json.clone() }, false),
            (text("[%START_TIME%] %REQUESTED_SERVER_NAME% %RESPONSE_CODE%"), true),
            (text("[%START_TIME%] %REQUESTED_SERVER_NAMES% REQUESTED_SERVER_NAME x"), false),
            (MeshLogging { format: None, ..text("") }, false),
            // Istio cannot use this one with the encoding JSON, and writes its default.
            (MeshLogging { encoding: Some("1".into()), ..text("%RESPONSE_CODE%") }, true),
        ] {
            assert_eq!(mesh.names_server(), expected, "{mesh:?}");
        }
    }
}
