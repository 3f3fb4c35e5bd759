//! AT311: a virtual host names neither a Secret nor a certificate file with its key.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT311"),
    name: "virtual-host-without-certificate",
    level: Level::Warning,
    summary: "A virtual host names no certificate",
    explanation: Explanation {
        looks_for: "Entries of virtualhosts that have no sslSecret and do not have both sslCertPath and \
            sslKeyPath.",
        matters: "After the next helm upgrade the environment group has no certificate to serve.",
        fix: "Name a Secret with sslSecret, or name the certificate and its key with sslCertPath and \
            sslKeyPath.",
    },
    reference: "Configuration properties virtualhosts[].sslSecret, sslCertPath, sslKeyPath",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let hosts = facts::virtual_hosts(evidence)?;
    if hosts.is_empty() {
        return Ok(Outcome::NotApplicable("no file has a virtual host".into()));
    }
    let findings: Vec<Finding> = hosts
        .into_iter()
        .filter(|(_, _, host)| {
            host.ssl_secret.is_none() && (host.ssl_cert_path.is_none() || host.ssl_key_path.is_none())
        })
        .map(|(file, _, host)| {
            let (observed, lacks) = match (&host.ssl_cert_path, &host.ssl_key_path) {
                (Some(_), None) => ("sslCertPath alone", "no certificate with its key"),
                (None, Some(_)) => ("sslKeyPath alone", "no certificate with its key"),
                _ => ("none of them", "no certificate"),
            };
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, host.place),
                format!("virtual host {} names {lacks}", facts::host_name(host)),
                observed,
                "sslSecret, or sslCertPath and sslKeyPath",
            )
        })
        .collect();
    facts::require_all_judged(evidence, &findings)?;
    Ok(Outcome::of(findings, "every virtual host names a certificate"))
}
