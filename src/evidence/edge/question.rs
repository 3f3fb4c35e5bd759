//! The options of `edge` that change what can be concluded.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JavaProfile;

/// The part of the command line that a judgement depends on. Never a token, a password or a key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EdgeQuestion {
    pub organization: String,
    pub environment: String,
    pub api: Dialect,
    /// URL of the Management API; absent with `--offline`.
    pub management_url: Option<String>,
    pub offline: bool,
    /// The legs to judge.
    pub legs: Vec<Leg>,
    /// The legs on which handshakes were to be made.
    pub probed: Vec<Leg>,
    /// `--expect non-sni`: client apps without SNI exist.
    pub expect_non_sni: bool,
    /// The profiles that the Message Processor may have.
    pub java: Vec<JavaProfile>,
    /// `--edge-version`, as the user gave it.
    pub edge_version: Option<String>,
    pub sni: SniChoice,
    /// The profile of client apps; absent for a current client.
    pub client: Option<JavaProfile>,
    /// Files of the CAs that client apps trust; empty for those of this machine.
    pub client_authorities: Vec<String>,
    pub client_certificate: Option<String>,
    pub own_certificate: Option<String>,
    pub message_processor_addresses: Vec<IpAddr>,
    pub router_addresses: Vec<IpAddr>,
    /// How the run logs in at the Management API.
    #[serde(skip_serializing_if = "Login::is_token")]
    pub login: Login,
    /// The other flags of the run and their values, for the commands that a report prints. Of credentials,
    /// only the names of their files.
    pub flags: Vec<String>,
}

/// The dialect of a Management API.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// Apigee Edge, public and private cloud.
    #[default]
    Edge,
    /// Apigee X and hybrid.
    Google,
}

/// How a run logs in at the Management API, as far as a printed call needs it: never a secret.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// With an OAuth token, or not at all.
    #[default]
    Token,
    /// With user and password, from the environment or standard input.
    User,
    /// With the line `user:password` of a file.
    UserFile(String),
    /// With an entry of a netrc file.
    NetrcFile(String),
}

/// Where a handshake is made.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Leg {
    /// From a client app to a Router.
    Northbound,
    /// From a Message Processor to a backend.
    Southbound,
}

/// `--sni`: whether a Message Processor sends `server_name`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SniChoice {
    On,
    Off,
    /// As its files say; unknown without them.
    #[default]
    Auto,
}

impl Login {
    fn is_token(&self) -> bool {
        *self == Self::Token
    }
}

impl EdgeQuestion {
    /// Returns whether this leg is judged.
    #[must_use]
    pub fn judges(&self, leg: Leg) -> bool {
        self.legs.contains(&leg)
    }

    /// Returns the leg that is judged, if it is one.
    #[must_use]
    pub fn only_leg(&self) -> Option<Leg> {
        match self.legs.as_slice() {
            [leg] => Some(*leg),
            _ => None,
        }
    }

    /// Returns whether the version that the user gives is that of the public cloud; absent without one.
    pub(super) fn is_cloud_version(&self) -> Option<bool> {
        self.edge_version.as_deref().map(|version| version.eq_ignore_ascii_case("cloud"))
    }

    /// Returns whether the Management API is that of the public cloud.
    pub(super) fn is_cloud_url(&self) -> bool {
        let host = self.management_url.as_deref().and_then(|url| url.split("://").nth(1));
        let host = host.and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
        host.ends_with(".apigee.com") || host.ends_with(".googleapis.com")
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Northbound => "northbound",
            Self::Southbound => "southbound",
        })
    }
}
