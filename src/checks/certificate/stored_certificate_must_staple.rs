//! AT420: a certificate requires a stapled OCSP response, and the Secret has none.

use crate::checks::facts::loadable;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT420"),
    name: "stored-certificate-must-staple",
    level: Level::Warning,
    summary: "A certificate in a TLS Secret requires an OCSP response that the gateway does not have",
    explanation: Explanation {
        looks_for: "The extension TLS Feature with status_request (must-staple) in the first certificate of \
            each Secret that a route names, if the Secret has no entry for an OCSP response. Not reported if \
            the Envoy of a pod has loaded the certificate.",
        matters: "Envoy refuses a must-staple certificate without a stapled response. The gateway has no \
            certificate to serve, and resets clients.",
        fix: "Get a certificate without must-staple. Write it to the files of the virtual host, or to the \
            Secret of sslSecret, and run helm upgrade.",
    },
    reference: "Envoy source/common/tls/server_context_impl.cc: OCSP response is required for must-staple \
        certificate; RFC 7633",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    loadable::judge(
        evidence,
        "no certificate in the Secrets requires a stapled OCSP response",
        loadable::staple_missing,
    )
}
