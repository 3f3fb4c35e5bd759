//! AT421: no Secret has a certificate for every hostname that the wildcard route serves.

use crate::checks::facts::wildcard_certificate;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT421"),
    name: "wildcard-certificate-incomplete",
    level: Level::Notice,
    summary: "No Secret has a certificate for every hostname that the wildcard route serves",
    explanation: Explanation {
        looks_for: "subjectAltName of the leaf in the Secret of each route with hostname *, against the hostnames of \
            the environment groups that list the route, as AT416. Here no other Secret that was read has more of \
            these hostnames.",
        matters: "Clients without SNI get the certificate of the wildcard route, whatever host they mean. \
            Those that compare names end the handshake for the hostnames that it lacks; a Google load balancer does \
            not compare.",
        fix: "If clients without SNI call these hostnames and compare names, get one certificate with every hostname, \
            and use its pair in all environment groups and in the wildcard route.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", FAQ: all hostnames of all environment groups use \
        the same pair; RFC 9525 §6",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "the wildcard route's certificate covers the hostnames of the environment groups, or AT416 reports it";
    wildcard_certificate::judge(evidence, false, right)
}
