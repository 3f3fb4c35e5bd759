//! What was observed on a leg: a cause, how sure it is, and whose it is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::edge::{Edge, Leg};

/// Why a handshake on a leg of Apigee Edge fails. Each has a check of its own, with the same name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeCause {
    NameNotResolved,
    Unreachable,
    PlainTextPort,
    TlsNotEnabled,
    ProtocolMismatch,
    CipherMismatch,
    SniMissing,
    SniNotSentForName,
    SniUnknown,
    HandshakeTimeout,
    ResetInHello,
    ClosedInHello,
    ReferenceDangling,
    KeystoreMissing,
    AliasMissing,
    AliasWithoutKey,
    RouterNotReloaded,
    RoutersDiffer,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateExpiring,
    CertificateSelfSigned,
    CertificateWeak,
    CertificateNotForServers,
    HostnameMismatch,
    ChainIncomplete,
    ChainWrongOrder,
    ChainWrongIssuer,
    TruststoreMismatch,
    TruststoreMissing,
    ClientCertificateMissing,
    ClientCertificateExpired,
    ClientCertificateNoClientAuth,
    ClientCertificateUntrusted,
    ClientCertificateAuthorityNotListed,
}

impl EdgeCause {
    /// Returns its name as in JSON, which is also that of its check.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NameNotResolved => "name-not-resolved",
            Self::Unreachable => "unreachable",
            Self::PlainTextPort => "plain-text-port",
            Self::TlsNotEnabled => "tls-not-enabled",
            Self::ProtocolMismatch => "protocol-mismatch",
            Self::CipherMismatch => "cipher-mismatch",
            Self::SniMissing => "sni-missing",
            Self::SniNotSentForName => "sni-not-sent-for-name",
            Self::SniUnknown => "sni-unknown",
            Self::HandshakeTimeout => "handshake-timeout",
            Self::ResetInHello => "reset-in-hello",
            Self::ClosedInHello => "closed-in-hello",
            Self::ReferenceDangling => "reference-dangling",
            Self::KeystoreMissing => "keystore-missing",
            Self::AliasMissing => "alias-missing",
            Self::AliasWithoutKey => "alias-without-key",
            Self::RouterNotReloaded => "router-not-reloaded",
            Self::RoutersDiffer => "routers-differ",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificateExpiring => "certificate-expiring",
            Self::CertificateSelfSigned => "certificate-self-signed",
            Self::CertificateWeak => "certificate-weak",
            Self::CertificateNotForServers => "certificate-not-for-servers",
            Self::HostnameMismatch => "hostname-mismatch",
            Self::ChainIncomplete => "chain-incomplete",
            Self::ChainWrongOrder => "chain-wrong-order",
            Self::ChainWrongIssuer => "chain-wrong-issuer",
            Self::TruststoreMismatch => "truststore-mismatch",
            Self::TruststoreMissing => "truststore-missing",
            Self::ClientCertificateMissing => "client-certificate-missing",
            Self::ClientCertificateExpired => "client-certificate-expired",
            Self::ClientCertificateNoClientAuth => "client-certificate-no-client-auth",
            Self::ClientCertificateUntrusted => "client-certificate-untrusted",
            Self::ClientCertificateAuthorityNotListed => "client-certificate-authority-not-listed",
        }
    }

    /// The cause where a backend needs a server name and Java sent none: no setting sends some hosts as one.
    pub(crate) fn of_unsent_name(edge: &Edge, host: &str) -> Self {
        if edge.sends_name(host) { Self::SniMissing } else { Self::SniNotSentForName }
    }

    /// Returns the leg that it is about, if it is one.
    pub(crate) fn leg(self) -> Option<Leg> {
        match self {
            Self::RouterNotReloaded | Self::RoutersDiffer => Some(Leg::Northbound),
            Self::TlsNotEnabled | Self::SniNotSentForName | Self::ClientCertificateAuthorityNotListed => {
                Some(Leg::Southbound)
            }
            _ => None,
        }
    }

    /// Returns whether a capture can show it. Names and settings that lead nowhere are in the configuration
    /// alone.
    pub(crate) fn is_seen_in_captures(self) -> bool {
        !matches!(
            self,
            Self::NameNotResolved
                | Self::TlsNotEnabled
                | Self::SniNotSentForName
                | Self::ReferenceDangling
                | Self::KeystoreMissing
                | Self::AliasMissing
                | Self::AliasWithoutKey
                | Self::RouterNotReloaded
                | Self::RoutersDiffer
                | Self::CertificateExpiring
                | Self::TruststoreMissing
        )
    }

    /// Returns whether nobody fails because of it yet, or only some clients do.
    #[must_use]
    pub fn is_always_risk(self) -> bool {
        matches!(self, Self::CertificateExpiring | Self::CertificateWeak)
    }
}

/// What is expected in place of a certificate that is over or not valid yet.
pub(super) const VALID_NOW: &str = "a certificate that is valid now";

/// Java's words where it finds no version or suite that it may offer.
pub(super) const UNSENT: &str = "No appropriate protocol";

/// Who has to act.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Administers the organization: keystores, virtual hosts, target servers, proxies.
    EdgeAdministrator,
    /// Operates the hosts of a private cloud.
    EdgeOperator,
    /// What users of the public cloud cannot change.
    ApigeeSupport,
    BackendOwner,
    ClientOwner,
    Network,
}

impl Owner {
    /// Who can change Routers and Message Processors.
    pub(crate) fn of_hosts(edge: &Edge) -> Self {
        if edge.is_cloud() { Self::ApigeeSupport } else { Self::EdgeOperator }
    }

    /// Returns its name as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdgeAdministrator => "edge-administrator",
            Self::EdgeOperator => "edge-operator",
            Self::ApigeeSupport => "apigee-support",
            Self::BackendOwner => "backend-owner",
            Self::ClientOwner => "client-owner",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far an observation carries, the strongest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Strength {
    /// Leaves no other reading.
    Established,
    /// Fits better than everything else.
    Likely,
    /// Cannot be excluded.
    Possible,
}

/// Where an observation comes from.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Origin {
    Handshake,
    Capture,
    Log,
    Symptom,
    Configuration,
}

/// A cause that the evidence supports at one object.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) cause: EdgeCause,
    pub(crate) leg: Leg,
    pub(crate) strength: Strength,
    pub(crate) owner: Owner,
    /// The first one identifies it: `virtualhosts/secure`, `targetservers/orders`, a host.
    pub(crate) objects: Vec<String>,
    /// One sentence without a full stop.
    pub(crate) statement: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) expected: String,
    pub(crate) origin: Origin,
    /// Observations of one failure exclude each other: at most one of them is its cause.
    pub(crate) failures: Vec<String>,
    /// Port of the server, where a capture shows it: servers at other ports of an object fail by themselves.
    pub(crate) port: Option<u16>,
    /// Versions that the server accepts, where they were learned.
    pub(crate) versions: Vec<String>,
    /// Versions that the client offered, where a handshake shows them.
    pub(crate) offered: Vec<String>,
    /// Name and fingerprint of the CA that a truststore lacks.
    pub(crate) authority: Option<(String, String)>,
    /// Handshakes that it would break were seen to succeed.
    pub(crate) is_unfelt: bool,
}

impl Observation {
    pub(crate) fn new(
        cause: EdgeCause,
        leg: Leg,
        strength: Strength,
        owner: Owner,
        objects: Vec<String>,
        statement: impl Into<String>,
    ) -> Self {
        Self {
            cause,
            leg,
            strength,
            owner,
            objects,
            statement: statement.into(),
            evidence: Vec::new(),
            expected: String::new(),
            origin: Origin::Handshake,
            failures: Vec::new(),
            port: None,
            versions: Vec::new(),
            offered: Vec::new(),
            authority: None,
            is_unfelt: false,
        }
    }

    pub(crate) fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    pub(crate) fn because(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    pub(crate) fn expecting(self, expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), ..self }
    }

    pub(crate) fn offering(self, offered: Vec<String>) -> Self {
        Self { offered, ..self }
    }

    pub(crate) fn of_failure(self, failure: impl Into<String>) -> Self {
        Self { failures: vec![failure.into()], ..self }
    }

    pub(crate) fn at_port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Records the versions that the server accepts.
    pub(crate) fn accepting(self, versions: Vec<String>) -> Self {
        Self { versions, ..self }
    }

    /// Records that nobody was seen to fail because of it.
    pub(crate) fn unfelt(self) -> Self {
        Self { is_unfelt: true, ..self }
    }

    /// Returns whether nobody was seen to fail because of it. A certificate that is too weak for some is a
    /// cause where a failure shows it.
    pub(crate) fn is_risk(&self) -> bool {
        self.is_unfelt || self.cause.is_always_risk() && self.failures.is_empty()
    }

    /// Returns whether a certificate is wrong for its dates.
    pub(crate) fn is_about_dates(&self) -> bool {
        self.expected == VALID_NOW
    }

    /// The object that identifies it.
    pub(crate) fn subject(&self) -> &str {
        self.objects.first().map_or("", String::as_str)
    }

    /// Returns whether the client offers nothing but TLS 1.3.
    pub(crate) fn is_of_newest_client(&self) -> bool {
        !self.offered.is_empty() && self.offered.iter().all(|version| version == "TLSv1.3")
    }

    /// Returns whether the client offers nothing that is current.
    pub(crate) fn is_of_oldest_client(&self) -> bool {
        !self.offered.is_empty() && self.offered.iter().all(|version| version.as_str() < "TLSv1.2")
    }

    /// Returns whether Java found no version to offer, so that no server was asked.
    pub(crate) fn is_unsent(&self) -> bool {
        self.evidence.iter().any(|text| text.contains(UNSENT))
    }

    /// Returns whether both are at one place. What names no object may be at any.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        let (own, others) = (self.subject(), other.subject());
        self.leg == other.leg
            && (own == others || own.is_empty() || others.is_empty())
            && (self.port == other.port || self.port.is_none() || other.port.is_none())
    }

    /// Returns whether both are about one failure.
    pub(crate) fn shares_failure(&self, other: &Self) -> bool {
        self.failures.iter().any(|failure| other.failures.contains(failure))
    }

    /// Returns whether others report it, and no handshake of this program or setting shows it.
    pub(crate) fn is_reported(&self) -> bool {
        matches!(self.origin, Origin::Capture | Origin::Log | Origin::Symptom)
    }

    /// Returns whether it is stated as a cause, not only as one that cannot be excluded.
    pub(crate) fn is_claim(&self) -> bool {
        self.strength <= Strength::Likely
    }
}
