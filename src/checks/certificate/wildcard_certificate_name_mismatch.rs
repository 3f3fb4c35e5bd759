//! AT416: the certificate of the wildcard route does not cover a hostname of its environment groups, and that
//! of another Secret covers more.

use crate::checks::facts::wildcard_certificate;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT416"),
    name: "wildcard-certificate-name-mismatch",
    level: Level::Warning,
    summary: "The certificate of the wildcard route lacks hostnames that another Secret has",
    explanation: Explanation {
        looks_for: "subjectAltName of the leaf in the Secret of each route with hostname *, against the hostnames of \
            the environment groups that list the route in additionalGateways and share a pod with it. Groups with the \
            same Secret are judged by AT408. Found only if the leaf of another Secret covers more of these hostnames; \
            else AT421 lists them.",
        matters: "Clients without SNI get the certificate of the wildcard route, whatever host they mean. \
            Those that compare names end the handshake; a Google load balancer does not compare.",
        fix: "Name the Secret with more hostnames in credentialName of the wildcard route. Better, let all \
            environment groups and the wildcard route use one pair whose certificate has every hostname. HTTP/2 \
            clients may then reuse a connection of one hostname for another, which a route of their own group does not serve (AT110).",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", FAQ: all hostnames of all environment groups use \
        the same pair; RFC 9525 §6",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "the wildcard route's certificate covers the hostnames of the environment groups that list it, or no \
        Secret has more of them";
    wildcard_certificate::judge(evidence, true, right)
}
