//! AT413: a CA certificate that verifies client certificates expires within 14 days.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT413"),
    name: "client-authority-expiring",
    level: Level::Warning,
    summary: "A CA certificate that verifies client certificates expires within 14 days",
    explanation: Explanation {
        looks_for: "notAfter of each certificate in cacert or ca.crt, for each Secret that a port with \
            tls.mode MUTUAL names: in the future, and at most 14 days away. Apigee's own ApigeeIssue uses \
            the same limit. A certificate is not reported if the list also contains one with the same \
            subject that is valid for longer.",
        matters: "On that date clients whose certificate was issued by this CA begin to be rejected.",
        fix: "Add the new certificate of the CA to the file of caCertPath, and run helm upgrade. The file \
            may contain both until the old one expires.",
    },
    reference: "Apigee playbook \"CA certificate expiry\": an ApigeeIssue is raised 14 days before",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    let right = "no authority of clients expires within 14 days";
    stored::judge_client_cas(evidence, right, |authorities| {
        chain::without_successor(&authorities.certificates, at)
            .filter_map(|authority| chain::expiring(authority, at))
            .map(|wrong| Deviation { what: format!("the client CA {}", wrong.what), ..wrong })
            .collect()
    })
}
