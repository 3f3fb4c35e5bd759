//! AT415: the certificates of a Secret are in an order that some clients do not accept.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT415"),
    name: "stored-chain-misordered",
    level: Level::Warning,
    summary: "The certificates in a TLS Secret are in the wrong order",
    explanation: Explanation {
        looks_for: "The list in each Secret that a route names: each certificate must be signed by the next \
            one. Certificates that do not belong to the path are a fault only in the middle. An extra root \
            at the end is allowed.",
        matters: "The gateway sends the list in this order. TLS 1.2 requires the right order; in TLS 1.3, \
            servers should keep to it. OpenSSL silently sorts the list; some clients do not, and fail. If \
            the first certificate is not the leaf, the key does not match either (AT403).",
        fix: "Write the leaf first, and then each issuer, to the certificate file (sslCertPath). Then run \
            helm upgrade.",
    },
    reference: "RFC 5246 §7.4.2; RFC 8446 §4.4.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    stored::judge(evidence, "the certificates in the Secrets are in order", stored::NO_CERTIFICATE, |secret| {
        let list = &secret.content.certificates;
        if list.is_empty() {
            return Ok(None);
        }
        let wrong = chain::wrong_order(list).map(|order| Deviation {
            what: format!("its certificates are in the wrong order: {order}"),
            observed: chain::subjects(list),
            expected: "the leaf, then each issuer".into(),
        });
        Ok(Some(wrong.into_iter().map(|wrong| secret.finding(secret.certificate_entry(), wrong)).collect()))
    })
}
