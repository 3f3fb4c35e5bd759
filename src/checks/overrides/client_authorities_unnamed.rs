//! AT318: a virtual host verifies client certificates without CA certificates.

use super::judge_hosts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT318"),
    name: "client-authorities-unnamed",
    level: Level::Warning,
    summary: "A virtual host with tlsMode MUTUAL names no CA certificates to verify clients with",
    explanation: Explanation {
        looks_for: "Virtual hosts with tlsMode MUTUAL that have sslCertPath and no caCertPath. With \
            sslSecret the CA certificates are in the Secret, which AT410 checks in the cluster.",
        matters: "The chart writes no CA certificates. Envoy must verify client certificates with them, \
            and resets every connection to the environment group until it has them.",
        fix: "Set caCertPath to the file with the CA certificates that issue client certificates. If \
            clients need no certificate, set tlsMode SIMPLE.",
    },
    reference: "Apigee hybrid \"Configuring TLS and mTLS on the ingress gateway\"; chart apigee-virtualhost, \
        ca-cert.yaml",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "every virtual host with tlsMode MUTUAL has CA certificates", |host| {
        let Some(mode) = &host.settings.tls_mode else { return Ok(None) };
        if host.entry.ssl_secret.is_some() || host.settings.ca_cert_path.is_some() {
            return Ok(None);
        }
        if host.filled(mode)?.value != "MUTUAL" {
            return Ok(None);
        }
        Ok(Some(host.finding(
            mode.place,
            format!("virtual host {} has tlsMode MUTUAL and no CA certificates to verify clients with", host.name()),
            "tlsMode MUTUAL without caCertPath",
            "caCertPath, or tlsMode SIMPLE",
        )))
    })
}
