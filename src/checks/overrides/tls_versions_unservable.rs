//! AT322: the TLS versions of a virtual host leave none to serve.

use super::judge_hosts;
use crate::checks::facts::tls_settings::{is_old, is_reversed, serves_old_versions};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT322"),
    name: "tls-versions-unservable",
    level: Level::Warning,
    summary: "The TLS versions of a virtual host leave none to serve",
    explanation: Explanation {
        looks_for: "A minTLSProtocolVersion above maxTLSProtocolVersion; or a maxTLSProtocolVersion of 1.0 \
            or 1.1 without a suite in cipherSuites that these versions can use.",
        matters: "The chart refuses the values, or the gateway refuses every handshake of the environment \
            group.",
        fix: "Set minTLSProtocolVersion to the oldest version that clients need, and remove \
            maxTLSProtocolVersion.",
    },
    reference: "Chart apigee-virtualhost, validateTLSProtocols; configuration property \
        virtualhosts[].cipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "every virtual host has a TLS version to serve", |host| {
        let settings = host.settings;
        let Some(max) = &settings.max_version else { return Ok(None) };
        host.filled(max)?;
        let min = settings.min_version.as_ref();
        if let Some(min) = min.filter(|min| is_reversed(&min.value, &max.value)) {
            return Ok(Some(host.finding(
                min.place,
                format!(
                    "virtual host {} has minTLSProtocolVersion {} above maxTLSProtocolVersion {}",
                    host.name(),
                    min.value,
                    max.value
                ),
                format!("{} to {}", min.value, max.value),
                "a minimum that is not above the maximum",
            )));
        }
        if !is_old(&max.value) || serves_old_versions(&settings.cipher_suites) {
            min.map(|min| host.filled(min)).transpose()?;
            return Ok(None);
        }
        host.all_filled(&settings.cipher_suites)?;
        Ok(Some(host.finding(
            max.place,
            format!(
                "virtual host {} allows nothing above TLS {}, and has no cipher suite for that version",
                host.name(),
                max.value
            ),
            format!("maxTLSProtocolVersion \"{}\"", max.value),
            "maxTLSProtocolVersion \"1.2\" or \"1.3\", or none",
        )))
    })
}
