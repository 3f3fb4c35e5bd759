//! AT411: the CA certificates that verify client certificates cannot be parsed.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT411"),
    name: "client-authorities-malformed",
    level: Level::Warning,
    step: Step::Routes,
    summary: "What client certificates are verified with is malformed",
    explanation: Explanation {
        looks_for: "The entry cacert, else ca.crt, of the Secret <name>-cacert or of the Secret itself, for each \
            Secret that a port with tls.mode MUTUAL names: there is no PEM certificate in it, or one of its blocks \
            cannot be read.",
        matters: "Envoy does not take such a list, and cannot verify any client: clients fail, whatever certificate \
            they have. Apigee raises an ApigeeIssue AIS_INGRESS_MTLS_CA_CERT_INVALID for it.",
        fix: "Write the file of caCertPath anew, as PEM, and run helm upgrade of the virtual host.",
    },
    reference: "Apigee playbook \"CA certificate invalid\"; RFC 7468 §5.1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "the authorities of clients can be read";
    stored::judge_client_cas(evidence, right, |cas| {
        let wrong = cas.fault.as_ref().map(|fault| Deviation {
            what: format!("what client certificates are verified with is malformed: {fault}"),
            observed: fault.clone(),
            expected: "certificates of authorities, as PEM".into(),
        });
        wrong.into_iter().collect()
    })
}
