//! AT317: the paths of a virtual host have no effect beside sslSecret.

use super::judge_hosts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::Position;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT317"),
    name: "certificate-path-ignored",
    level: Level::Notice,
    summary: "Certificate paths of a virtual host have no effect beside sslSecret",
    explanation: Explanation {
        looks_for: "sslCertPath, sslKeyPath or caCertPath of a virtual host that also has sslSecret.",
        matters: "With sslSecret the chart reads none of these files and writes no Secret. A changed file \
            does not reach the clients.",
        fix: "Remove the paths, or remove sslSecret if the files are meant. Put CA certificates for \
            clients into the Secret, as cacert, or into the Secret with the suffix -cacert.",
    },
    reference: "Chart apigee-virtualhost, cert.yaml and ca-cert.yaml",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "no virtual host has paths beside sslSecret", |host| {
        let Some(secret) = &host.entry.ssl_secret else { return Ok(None) };
        let paths = [
            ("sslCertPath", host.entry.ssl_cert_path.as_ref()),
            ("sslKeyPath", host.entry.ssl_key_path.as_ref()),
            ("caCertPath", host.settings.ca_cert_path.as_ref()),
        ];
        let ignored: Vec<(&str, Position)> =
            paths.into_iter().filter_map(|(name, path)| Some((name, path?.place))).collect();
        let Some((_, place)) = ignored.first().copied() else { return Ok(None) };
        let names: Vec<&str> = ignored.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        Ok(Some(host.finding(
            place,
            format!(
                "{names} of virtual host {} {} no effect: the chart uses sslSecret {}",
                host.name(),
                if ignored.len() == 1 { "has" } else { "have" },
                secret.value
            ),
            format!("{names} beside sslSecret"),
            "either sslSecret or the paths",
        )))
    })
}
