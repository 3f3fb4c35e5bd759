//! AT403: the private key of a Secret does not belong to its certificate.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::stored::KeyFit;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT403"),
    name: "private-key-mismatch",
    level: Level::Warning,
    summary: "The private key in a TLS Secret does not belong to its certificate",
    explanation: Explanation {
        looks_for: "The public key of the first certificate of each Secret that a route names, compared with \
            the private key in the same Secret. The private key is compared in memory and dropped; only the \
            result is kept. A file whose first certificate is not the leaf shows the same fault.",
        matters: "Envoy refuses such a pair and has no certificate to serve. Clients are reset, report \
            SSL_ERROR_SYSCALL, or get handshake_failure.",
        fix: "Set sslCertPath and sslKeyPath to the certificate and the key of the same request, with the \
            leaf first in its file. Then run helm upgrade. For a pair, these two commands print the same: \
            openssl x509 -pubkey -noout -in CERT and openssl pkey -pubout -in KEY.",
    },
    reference: "Apigee playbook \"API calls failing with TLS errors\": the key does not match the \
        certificate",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let nothing = "no Secret that a route names has a key and a certificate to compare (AT401, AT402, AT404)";
    stored::judge(evidence, "every private key belongs to its certificate", nothing, |secret| {
        let Some(leaf) = secret.content.certificates.first() else { return Ok(None) };
        match &secret.content.key {
            KeyFit::Fits => Ok(Some(Vec::new())),
            KeyFit::Differs => {
                let wrong = Deviation {
                    what: format!(
                        "the private key does not belong to the first certificate, {}",
                        chain::subject_and_serial(leaf)
                    ),
                    observed: format!("a public key other than that of {}", chain::subject_and_serial(leaf)),
                    expected: "the private key of the first certificate".into(),
                };
                Ok(Some(vec![secret.finding(secret.key_entry(), wrong)]))
            }
            KeyFit::NotRead(why) => Err(why.clone()),
            KeyFit::NotCompared => Err(stored::not_compared(&format!("Secret {}", secret.name), leaf)),
            KeyFit::Absent | KeyFit::Unreadable(_) => Ok(None),
        }
    })
}
