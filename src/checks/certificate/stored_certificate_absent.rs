//! AT401: a Secret that a route names does not contain both a certificate and its key.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::stored::KeyFit;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT401"),
    name: "stored-certificate-absent",
    level: Level::Warning,
    summary: "A TLS Secret lacks its certificate or its key",
    explanation: Explanation {
        looks_for: "The entries of each Secret that an HTTPS port of an ApigeeRoute names. Either cert and \
            key or tls.crt and tls.key must both be present and not empty. A cert with a tls.key is not a \
            pair. AT210 reports a Secret that does not exist.",
        matters: "The gateway finds no pair to serve, as if the Secret did not exist. Clients are reset or \
            get handshake_failure.",
        fix: "Set sslCertPath and sslKeyPath of the virtual host and run helm upgrade. A Secret made by hand \
            must have the entries cert and key, or the type kubernetes.io/tls.",
    },
    reference: "Istio pilot/pkg/credentials/kube/secrets.go: cert and key, else tls.crt and tls.key; Apigee \
        playbook \"API calls failing with TLS errors\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "every Secret that a route names contains a certificate and a key";
    stored::judge(evidence, right, "no Secret that a route names exists (AT210)", |secret| {
        let content = secret.content;
        let (what, entry) = match (&content.certificate_entry, &content.key) {
            (None, KeyFit::Absent) => ("it contains neither a certificate nor a key".to_owned(), "data"),
            (None, _) => ("it contains a key but no certificate".to_owned(), "data"),
            (Some(entry), KeyFit::Absent) => {
                (format!("it contains the certificate {entry} but not its key {}", secret.key_entry()), entry.as_str())
            }
            (Some(_), _) => return Ok(Some(Vec::new())),
        };
        let wrong = Deviation {
            what,
            observed: match content.keys.as_slice() {
                [] => "no entry".into(),
                keys => format!("entries {}", keys.join(", ")),
            },
            expected: "cert and key, or tls.crt and tls.key, both filled".into(),
        };
        Ok(Some(vec![secret.finding(entry, wrong)]))
    })
}
