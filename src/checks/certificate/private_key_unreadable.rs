//! AT404: the private key of a Secret cannot be read.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::stored::KeyFit;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT404"),
    name: "private-key-unreadable",
    level: Level::Warning,
    summary: "The private key in a TLS Secret cannot be read",
    explanation: Explanation {
        looks_for: "The key entry of each Secret that a route names. It is not PEM, contains no private key, \
            has a damaged block, or is encrypted with a passphrase, which Envoy does not get.",
        matters: "Without a key Envoy has no certificate to serve. Clients are reset, report \
            SSL_ERROR_SYSCALL, or get handshake_failure.",
        fix: "Write the key as PEM without a passphrase: openssl pkey -in KEY -out NEW asks for the \
            passphrase and removes it. Set sslKeyPath to the new file, and run helm upgrade.",
    },
    reference: "Apigee playbook \"API calls failing with TLS errors\"; Envoy DataSource private_key, \
        password",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let nothing = "no Secret that a route names has a key (AT210, AT401)";
    stored::judge(evidence, "every private key can be read", nothing, |secret| match &secret.content.key {
        KeyFit::Unreadable(why) => {
            let wrong = Deviation {
                what: format!("its private key cannot be read: {why}"),
                observed: why.clone(),
                expected: "a private key as PEM, without a passphrase".into(),
            };
            Ok(Some(vec![secret.finding(secret.key_entry(), wrong)]))
        }
        KeyFit::Differs | KeyFit::Fits | KeyFit::NotCompared => Ok(Some(Vec::new())),
        KeyFit::NotRead(why) => Err(why.clone()),
        KeyFit::Absent => Ok(None),
    })
}
