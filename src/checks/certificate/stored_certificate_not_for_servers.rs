//! AT422: the key usage of a certificate in a Secret does not allow TLS servers.

use crate::checks::facts::{chain, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT422"),
    name: "stored-certificate-not-for-servers",
    level: Level::Warning,
    summary: "A certificate in a TLS Secret must not be used by a server",
    explanation: Explanation {
        looks_for: "The first certificate in each Secret that a route names, with extendedKeyUsage that contains \
            neither serverAuth nor anyExtendedKeyUsage. Without that extension every use is allowed. AT530 \
            judges the certificate that is served.",
        matters: "Envoy loads and serves the certificate, and every client that verifies certificates ends the \
            handshake (OpenSSL: unsuitable certificate purpose, code 26). Often a client certificate was written to \
            the Secret by mistake.",
        fix: "Write a certificate that was issued for servers, with its key, to the files of the virtual host, or \
            to the Secret of sslSecret, and run helm upgrade.",
    },
    reference: "RFC 5280 §4.2.1.12",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    stored::judge(evidence, "the certificates in the Secrets are for servers", stored::NO_CERTIFICATE, |secret| {
        let Some(leaf) = secret.content.certificates.first() else { return Ok(None) };
        let wrong = chain::not_for_servers(leaf);
        Ok(Some(wrong.into_iter().map(|wrong| secret.finding(secret.certificate_entry(), wrong)).collect()))
    })
}
