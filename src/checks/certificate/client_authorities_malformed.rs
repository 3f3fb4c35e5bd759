//! AT411: the CA certificates that verify client certificates cannot be parsed.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT411"),
    name: "client-authorities-malformed",
    level: Level::Warning,
    summary: "The CA certificates that verify client certificates are malformed",
    explanation: Explanation {
        looks_for: "The entry cacert, otherwise ca.crt, of the Secret <name>-cacert or of the Secret itself, \
            for each Secret that a port with tls.mode MUTUAL names. It contains no PEM certificate, or one \
            of its blocks cannot be parsed.",
        matters: "Envoy refuses such a list and cannot verify any client. All clients fail, whatever \
            certificate they have. Apigee raises the ApigeeIssue AIS_INGRESS_MTLS_CA_CERT_INVALID for this \
            fault.",
        fix: "Write the file of caCertPath again as PEM. Then run helm upgrade of the virtual host.",
    },
    reference: "Apigee playbook \"CA certificate invalid\"; RFC 7468 §5.1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "the CA certificates that verify clients can be parsed";
    stored::judge_client_cas(evidence, right, |cas| {
        let wrong = cas.fault.as_ref().map(|fault| Deviation {
            what: format!("the CA certificates that verify clients are malformed: {fault}"),
            observed: fault.clone(),
            expected: "CA certificates as PEM".into(),
        });
        wrong.into_iter().collect()
    })
}
