//! AT516: a served certificate expires within 14 days.

use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT516"),
    name: "served-certificate-expiring",
    level: Level::Warning,
    summary: "A served certificate expires within 14 days",
    explanation: Explanation {
        looks_for: "notAfter of the leaf and of the intermediates on its path: in the future, and at most 14 \
            days away. Apigee's own ApigeeIssue uses the same limit. Checked in the requested handshakes, \
            and in handshakes without SNI that get another certificate.",
        matters: "On that date every client begins to fail.",
        fix: "Renew the certificate and write it to the Secret of the route. Repeat this probe to confirm \
            that it is served.",
    },
    reference: "Apigee playbook \"Ingress certificate expiry\": an ApigeeIssue is raised 14 days before",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    served::judge_dates(evidence, "no certificate that is served expires within 14 days", |certificate| {
        chain::expiring(certificate, at)
    })
}
