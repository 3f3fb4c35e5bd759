//! AT319: a virtual host names CA certificates for clients, but does not request client certificates.

use super::judge_hosts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT319"),
    name: "client-certificates-not-requested",
    level: Level::Notice,
    summary: "A virtual host names CA certificates for clients, but does not request client certificates",
    explanation: Explanation {
        looks_for: "caCertPath of a virtual host without tlsMode MUTUAL.",
        matters: "tlsMode is SIMPLE by default, so the gateway does not request client certificates. Every \
            client is accepted, and the CA certificates have no effect.",
        fix: "Set tlsMode MUTUAL if clients must have a certificate. Otherwise remove caCertPath.",
    },
    reference: "Apigee hybrid \"Configuring TLS and mTLS on the ingress gateway\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "no virtual host has CA certificates without tlsMode MUTUAL", |host| {
        let path = host.settings.ca_cert_path.as_ref().filter(|_| host.entry.ssl_secret.is_none());
        let Some(path) = path else { return Ok(None) };
        let mode = host.settings.tls_mode.as_ref().map(|mode| host.filled(mode)).transpose()?;
        if mode.is_some_and(|mode| mode.value != "SIMPLE") {
            return Ok(None);
        }
        let mode = mode.map_or("tlsMode is SIMPLE by default", |_| "tlsMode is SIMPLE");
        Ok(Some(host.finding(
            path.place,
            format!("virtual host {} has caCertPath, but does not request client certificates: {mode}", host.name()),
            "caCertPath without tlsMode MUTUAL",
            "tlsMode MUTUAL, or no caCertPath",
        )))
    })
}
