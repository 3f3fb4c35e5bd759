//! AT402: the certificate entry of a Secret cannot be parsed as PEM certificates.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT402"),
    name: "stored-certificate-malformed",
    level: Level::Warning,
    step: Step::Routes,
    summary: "The certificate in a TLS Secret is malformed",
    explanation: Explanation {
        looks_for: "The certificate entry (cert, else tls.crt) of each Secret that a route names: there is no PEM \
            certificate in it, or one of its blocks cannot be read. Text between the blocks harms nothing.",
        matters: "Envoy does not take such a list, also where only the last of several blocks is broken, and has \
            nothing to serve: clients are reset, see SSL_ERROR_SYSCALL, or get handshake_failure.",
        fix: "Look at the file by openssl crl2pkcs7 -nocrl -certfile FILE | openssl pkcs7 -print_certs -noout, write \
            it anew (PEM, leaf first, then the intermediates), and run helm upgrade of the virtual host.",
    },
    reference: "Apigee playbook \"API calls failing with TLS errors\": certificate badly formatted; RFC 7468 §5.1",
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
