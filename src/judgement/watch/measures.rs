//! What a judgement measured, as numbers with their objects: handshakes, certificates, findings.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::events::VerdictNow;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, Failure, Handshake};
use crate::evidence::stored::StoredIn;
use crate::evidence::{Evidence, Seen};

/// The measurements of one judgement.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    pub handshakes: BTreeMap<ProbeKey, ProbeValue>,
    /// The earliest end of validity of the certificates in each Secret.
    pub stored: BTreeMap<String, Timestamp>,
    /// The same of what was served, by endpoint and server name.
    pub served: BTreeMap<(String, String), Timestamp>,
}

/// A handshake of this program.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ProbeKey {
    /// `Pod gw-1 port 8443`, `api.example.com:443 (203.0.113.7)`
    pub endpoint: String,
    /// `named`, `unknown` or `none`.
    pub sni: &'static str,
    /// The name of `named`; empty for the others, whose name is a new one each time.
    pub server_name: String,
}

/// How a handshake ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeValue {
    pub succeeded: bool,
    /// `completed`, or the end in one or two words.
    pub outcome: String,
    pub seconds: f64,
}

impl Measures {
    /// Returns the measurements in the evidence of a judgement.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let mut measures = Self::default();
        if let Seen::Seen(probes) = &evidence.probes {
            for endpoint in &probes.endpoints {
                for handshake in &endpoint.handshakes {
                    measures.handshake(endpoint, handshake);
                }
            }
        }
        if let Seen::Seen(stored) = &evidence.stored_certificates {
            for certificate in stored {
                let StoredIn::Secret { name } = &certificate.origin else { continue };
                let Seen::Seen(content) = &certificate.content else { continue };
                if let Some(end) = content.certificates.iter().map(|certificate| certificate.not_after).min() {
                    measures.stored.insert(name.clone(), end);
                }
            }
        }
        measures
    }

    fn handshake(&mut self, endpoint: &Endpoint, handshake: &Handshake) {
        let sni = match handshake.kind {
            ClientHelloKind::Named => "named",
            ClientHelloKind::Unknown => "unknown",
            ClientHelloKind::WithoutSni => "none",
        };
        let server_name = handshake.server_name.clone().filter(|_| sni == "named").unwrap_or_default();
        if sni != "unknown"
            && let Some(end) = handshake.certificates.iter().map(|certificate| certificate.not_after).min()
        {
            self.served.insert((endpoint.name(), server_name.clone()), end);
        }
        let outcome = handshake.failure.as_ref().map_or_else(|| "completed".to_owned(), Failure::label);
        let value = ProbeValue {
            succeeded: handshake.failure.is_none(),
            outcome,
            seconds: std::time::Duration::from_millis(handshake.milliseconds).as_secs_f64(),
        };
        self.handshakes.insert(ProbeKey { endpoint: endpoint.name(), sni, server_name }, value);
    }
}

/// Everything that the metrics of a watch show.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub watch: &'a super::Watch,
    pub measures: &'a Measures,
    pub coverage: &'a super::WatchCoverage,
    pub now: Timestamp,
}

impl Snapshot<'_> {
    #[must_use]
    pub fn verdict(&self) -> Option<&VerdictNow> {
        self.watch.verdict()
    }
}
