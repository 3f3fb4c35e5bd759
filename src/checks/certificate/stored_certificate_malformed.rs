//! AT402: the certificate entry of a Secret cannot be parsed as PEM certificates.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT402"),
    name: "stored-certificate-malformed",
    level: Level::Warning,
    summary: "The certificate in a TLS Secret is malformed",
    explanation: Explanation {
        looks_for: "The certificate entry (cert, otherwise tls.crt) of each Secret that a route names. It \
            contains no PEM certificate, or one of its blocks cannot be parsed. Text between the blocks is \
            allowed.",
        matters: "Envoy refuses such a list, even if only the last of several blocks is broken. It has no \
            certificate to serve: clients are reset, report SSL_ERROR_SYSCALL, or get handshake_failure.",
        fix: "Inspect the file with openssl crl2pkcs7 -nocrl -certfile FILE | openssl pkcs7 -print_certs \
            -noout. Write it again as PEM: the leaf first, then the intermediates. Then run helm upgrade of \
            the virtual host.",
    },
    reference: "Apigee playbook \"API calls failing with TLS errors\": certificate badly formatted; RFC 7468 \
        §5.1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "the certificates in the Secrets that routes name can be read";
    stored::judge(evidence, right, "no Secret that a route names has a certificate entry (AT210, AT401)", |secret| {
        let Some(entry) = &secret.content.certificate_entry else { return Ok(None) };
        let wrong = secret.content.certificate_fault.as_ref().map(|fault| Deviation {
            what: format!("its entry {entry} is malformed: {fault}"),
            observed: fault.clone(),
            expected: "certificates as PEM, the leaf first".into(),
        });
        Ok(Some(wrong.into_iter().map(|wrong| secret.finding(entry, wrong)).collect()))
    })
}
