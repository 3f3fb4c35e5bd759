//! What the files of Routers and Message Processors say about TLS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The TLS settings of Routers in one file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RouterSettings {
    /// As the user gave it.
    pub file: String,
    /// The configuration that the Router runs with, not an override.
    pub is_effective: bool,
    /// nginx's names; absent if the file does not set them.
    pub protocols: Option<Vec<String>>,
    pub ciphers: Option<CipherList>,
}

/// A list of cipher suites in OpenSSL's syntax.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CipherList {
    /// As it is written.
    pub text: String,
    /// OpenSSL's names of the suites up to TLS 1.2 that it means; empty if it cannot be read.
    pub suites: Vec<String>,
}

/// The TLS settings of Message Processors in one file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MessageProcessorSettings {
    /// As the user gave it.
    pub file: String,
    /// The properties that the process reads, not an override.
    pub is_effective: bool,
    /// `jsse.enableSNIExtension`
    pub sni: Option<bool>,
    /// `jdk.tls.disabledAlgorithms`
    pub disabled_algorithms: Option<String>,
    /// `https.protocols`. Whether it acts on calls of targets is not known.
    pub https_protocols: Option<String>,
}
