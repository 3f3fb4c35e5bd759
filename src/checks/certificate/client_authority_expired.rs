//! AT412: a CA certificate that verifies client certificates has expired.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT412"),
    name: "client-authority-expired",
    level: Level::Warning,
    summary: "A CA certificate that verifies client certificates has expired",
    explanation: Explanation {
        looks_for: "notAfter of each certificate in cacert or ca.crt, for each Secret that a port with \
            tls.mode MUTUAL names. An expired certificate is not reported if the list also contains a valid \
            one with the same subject.",
        matters: "Clients whose certificate was issued by this CA are rejected, although their own \
            certificate is valid. Apigee raises the ApigeeIssue AIS_INGRESS_MTLS_CA_CERT_EXPIREY for this \
            fault.",
        fix: "Write the new certificate of the CA to the file of caCertPath, and run helm upgrade. Clients \
            need new certificates only if the CA has a new key.",
    },
    reference: "RFC 5280 §6.1.3; Apigee playbook \"CA certificate expiry\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    let right = "no authority of clients has expired";
    stored::judge_client_cas(evidence, right, |authorities| {
        chain::without_successor(&authorities.certificates, at)
            .filter_map(|authority| chain::expired(authority, at))
            .map(|wrong| Deviation { what: format!("the client CA {}", wrong.what), ..wrong })
            .collect()
    })
}
