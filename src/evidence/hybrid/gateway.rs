//! Listeners, certificates and counters of the Envoy in an ingress pod, from its admin interface.
//!
//! This is the configuration that clients meet, so routes, logs and probes are compared with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, item, not_requested, whole};
use crate::evidence::{Seen, Source};

/// The Envoy of one ingress pod.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    pub pod: String,
    pub listeners: Seen<Vec<Listener>>,
    pub certificates: Seen<Vec<LoadedCertificate>>,
    /// Counters before the probes; `after` holds those after them.
    pub before: Seen<Counters>,
    pub after: Seen<Counters>,
}

/// One listener.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    pub name: String,
    /// Socket address such as `0.0.0.0:8443`.
    pub address: String,
    pub port: u16,
    pub chains: Vec<FilterChain>,
}

/// One filter chain. The default filter chain of a listener is one without conditions.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterChain {
    pub name: Option<String>,
    /// `filter_chain_match.server_names`; an empty list matches every client, including those without SNI.
    pub server_names: Vec<String>,
    /// The chain has other conditions (addresses, ports, protocols), so an empty list does not match every
    /// client.
    pub conditional: bool,
    /// The chain terminates TLS.
    pub tls: bool,
    /// Names of the SDS secrets that hold the chain's certificates, such as `kubernetes://myorg-hyb-dev-grp`.
    pub secrets: Vec<String>,
    pub requires_client_certificate: bool,
    /// In Envoy's spelling, such as `TLSv1_2`; absent if Envoy's default applies.
    pub min_version: Option<String>,
    pub max_version: Option<String>,
    /// Empty if Envoy's default applies.
    pub cipher_suites: Vec<String>,
}

/// An entry of `GET /certs`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadedCertificate {
    /// Hexadecimal, in lower case, without leading zeros, like
    /// [`Certificate::serial`](crate::evidence::certificate::Certificate::serial).
    pub serial: String,
    pub dns_names: Vec<String>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

/// Counters by their full name, such as `listener.0.0.0.0_8443.no_filter_chain_match`. Istio may leave some
/// out, so an absent counter is not zero.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counters {
    pub at: Timestamp,
    pub values: BTreeMap<String, u64>,
}

impl Counters {
    /// Ends of names. Source: Envoy's statistics of listeners and of the TLS inspector.
    pub const NO_FILTER_CHAIN: &str = ".no_filter_chain_match";
    pub const NOT_TLS: &str = "tls_inspector.tls_not_found";
    pub const WITHOUT_SNI: &str = "tls_inspector.sni_not_found";

    /// Returns the sum of the counters whose name ends so; `None` if there is none.
    #[must_use]
    pub fn total(&self, end: &str) -> Option<u64> {
        let named = self.values.iter().filter(|(name, _)| name.ends_with(end));
        named.map(|(_, value)| *value).reduce(u64::saturating_add)
    }
}

impl FilterChain {
    /// Returns whether a client without SNI matches this chain. Source: Istio leaves `server_names` unset if
    /// the hosts contain `*`.
    #[must_use]
    pub fn matches_without_sni(&self) -> bool {
        self.tls && self.server_names.is_empty() && !self.conditional
    }

    /// Returns whether a client with this server name matches this chain, unless another chain matches
    /// better. Envoy matches the whole name, or `*.` with any number of labels.
    #[must_use]
    pub fn matches(&self, server_name: &str) -> bool {
        let name = server_name.to_ascii_lowercase();
        self.matches_without_sni()
            || self.tls
                && self.server_names.iter().any(|pattern| match pattern.to_ascii_lowercase().strip_prefix('*') {
                    Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
                    None => pattern.eq_ignore_ascii_case(&name),
                })
    }
}

impl Part for Seen<Vec<Gateway>> {
    fn name(&self) -> &'static str {
        "gateways"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Handshakes]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("Envoy's configuration and counters", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let Self::Seen(gateways) = self else { return whole(self, Source::Handshakes) };
        gateways.iter().flat_map(Gateway::gaps).collect()
    }
}

impl Gateway {
    fn gaps(&self) -> impl Iterator<Item = Gap<'_>> {
        let Self { pod: _, listeners, certificates, before, after } = self;
        // No conclusion rests on the counters before the probes alone.
        let before = item(before, Source::Handshakes, Extent::Item).map(Gap::unreported);
        let listeners = item(listeners, Source::Handshakes, Extent::Item);
        let certificates = item(certificates, Source::Handshakes, Extent::Item);
        let after = item(after, Source::Handshakes, Extent::Item);
        [listeners, certificates, before, after].into_iter().flatten()
    }
}

impl Visit for Gateway {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { pod, listeners, certificates, before, after } = self;
        visitor.string(Kind::Object, pod);
        listeners.visit(visitor);
        certificates.visit(visitor);
        before.visit(visitor);
        after.visit(visitor);
    }
}

impl Visit for Listener {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, address, port: _, chains } = self;
        visitor.string(Kind::Object, name);
        // A socket address, or the path of a Unix socket.
        visitor.string(Kind::Text, address);
        chains.visit(visitor);
    }
}

impl Visit for FilterChain {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            name,
            server_names,
            conditional: _,
            tls: _,
            secrets,
            requires_client_certificate: _,
            min_version,
            max_version,
            cipher_suites,
        } = self;
        visitor.strings(Kind::Object, name);
        visitor.strings(Kind::Hostname, server_names);
        visitor.strings(Kind::Object, secrets);
        visitor.strings(Kind::Word, [min_version, max_version].into_iter().flatten());
        visitor.strings(Kind::Word, cipher_suites);
    }
}

impl Visit for LoadedCertificate {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { serial, dns_names, not_before: _, not_after: _ } = self;
        visitor.string(Kind::Number, serial);
        visitor.strings(Kind::Hostname, dns_names);
    }
}

impl Visit for Counters {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { at: _, values } = self;
        visitor.keys(Kind::Counter, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_without_server_names_matches_every_client() {
        let chain = |names: &[&str], conditional| FilterChain {
            server_names: names.iter().map(ToString::to_string).collect(),
            tls: true,
            conditional,
            ..FilterChain::default()
        };
        assert!(chain(&[], false).matches_without_sni() && chain(&[], false).matches("x"));
        assert!(!chain(&[], true).matches_without_sni());
        assert!(!chain(&["a.example"], false).matches_without_sni());
        assert!(chain(&["*.example"], false).matches("A.b.example"));
        assert!(!chain(&["*.example"], false).matches("example"));
        assert!(chain(&["a.example"], false).matches("A.example"));
    }
}
