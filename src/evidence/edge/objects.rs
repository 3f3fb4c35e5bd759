//! The objects of an environment: virtual hosts, targets, keystores.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CipherList;
use crate::evidence::Unavailable;
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::Verification;

/// A virtual host: where Routers listen for client apps.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VirtualHost {
    /// The names by which client apps call it; the first label may be `*`.
    pub aliases: Vec<String>,
    /// Absent if the answer has no valid port.
    pub port: Option<u16>,
    /// Absent without TLS.
    pub tls: Option<TlsSettings>,
    /// The property `ssl_protocols`.
    pub protocols: Vec<String>,
    /// The property `ssl_ciphers`.
    pub ciphers: Option<CipherList>,
    /// It serves Apigee's certificate of `*.apigee.net`.
    pub built_in_certificate: bool,
    /// Connections must begin with a PROXY protocol header.
    pub proxy_protocol: bool,
}

/// Where Message Processors connect to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// `targetservers/orders`, `proxies/weather`.
    pub object: String,
    pub origin: TargetOrigin,
    /// Name of the target endpoint of a proxy.
    pub endpoint: Option<String>,
    /// Absent if it cannot be known, as in a flow variable.
    pub host: Option<String>,
    pub port: u16,
    pub enabled: bool,
    /// Absent if there are no settings.
    pub tls: Option<TlsSettings>,
    /// A URL with `https`, which needs no settings.
    pub is_https: bool,
}

/// The form of a target.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetOrigin {
    TargetServer,
    /// The URL of a target endpoint in a proxy.
    Url,
}

/// `sSLInfo` of a virtual host or target server, `SSLInfo` of a target endpoint.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TlsSettings {
    pub enabled: bool,
    pub client_auth: bool,
    /// As it is written: `ref://NAME`, `NAME`, or a flow variable `{NAME}`.
    pub key_store: Option<String>,
    pub key_alias: Option<String>,
    pub trust_store: Option<String>,
    /// Java's names on targets.
    pub protocols: Vec<String>,
    /// Java's names on targets.
    pub ciphers: Vec<String>,
    pub ignore_validation_errors: bool,
    /// Only Apigee X and hybrid have it.
    pub enforce: Option<bool>,
    pub common_name: Option<String>,
}

/// How the settings name a keystore.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreName<'a> {
    Reference(&'a str),
    Direct(&'a str),
    /// A flow variable, whose value only a request has.
    Variable(&'a str),
}

impl<'a> StoreName<'a> {
    /// Reads a name as it is written.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let text = text.trim();
        match text.strip_prefix("ref://") {
            _ if text.contains('{') => Self::Variable(text),
            Some(name) => Self::Reference(name),
            None => Self::Direct(text),
        }
    }
}

impl TlsSettings {
    /// Returns the stores that it names.
    pub fn stores(&self) -> impl Iterator<Item = StoreName<'_>> {
        [&self.key_store, &self.trust_store].into_iter().flatten().map(|name| StoreName::of(name))
    }
}

impl Target {
    /// Returns the object with the endpoint, for people: `proxies/weather, TargetEndpoint default`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{}, TargetEndpoint {endpoint}", self.object),
            None => self.object.clone(),
        }
    }

    /// Returns whether a Message Processor speaks TLS to it.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.is_https || self.tls.as_ref().is_some_and(|tls| tls.enabled)
    }
}

/// A keystore or truststore.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Keystore {
    pub aliases: BTreeMap<String, Alias>,
    /// Entries of files that name no alias. Under which names Edge has them is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<Alias>,
    /// Only files were given, so that it may have aliases that are not listed here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
}

impl Keystore {
    /// Returns the entries that a file gives or, without a file that holds the whole store, all of them.
    pub fn contents(&self) -> impl Iterator<Item = &Alias> {
        let is_replaced = !self.unnamed.is_empty();
        let named = self.aliases.values().filter(move |alias| !is_replaced || alias.origin == AliasOrigin::File);
        named.chain(&self.unnamed)
    }
}

/// An entry of a keystore.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alias {
    /// It has a private key; absent if that cannot be known.
    pub has_key: Option<bool>,
    /// In the order of the entry.
    pub certificates: Vec<Certificate>,
    pub origin: AliasOrigin,
    /// The result for the CAs that client apps trust. Absent if the encoding was not read.
    pub verification: Option<Verification>,
    /// Why there are no certificates.
    pub unseen: Option<Unavailable>,
}

/// Where the certificates of an entry come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AliasOrigin {
    /// Their encoding.
    Encoded,
    /// The fields that the API describes them with: no key usage, no signature.
    Described,
    /// A file of the user.
    File,
}
