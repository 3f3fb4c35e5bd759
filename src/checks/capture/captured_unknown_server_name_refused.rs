//! AT603: a server name that no ApigeeRoute has is refused, according to a packet capture.

use crate::checks::facts::{self, captured};
use crate::checks::{Check, Code, Explanation, Judgement, Level, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT603"),
    name: "captured-unknown-server-name-refused",
    level: Level::Warning,
    summary: "A server name that no ApigeeRoute has is refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "The connections of AT602 whose server_name no hostname of an ApigeeRoute covers.",
        matters: "Either the client uses a wrong name, or the environment group lacks the hostname. It may also be \
            a scanner that tries names; then no client is affected.",
        fix: "If the name is yours, add it to the hostnames of the environment group, or correct the URL in \
            the client. If it is not yours, do nothing.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 3; Envoy filter chain match on server_names",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if captured::found(evidence, codes::CAPTURED_SERVER_NAME_REFUSED).is_empty() {
        return captured::concluded(evidence, Vec::new());
    }
    let routes = facts::required(facts::routes(evidence))?;
    let mut nearest = facts::Nearest::of(routes.iter().flat_map(|route| &route.hostnames).map(String::as_str));
    let findings = captured::by_name(
        evidence,
        |name| !routes.iter().any(|route| facts::declares(route, name)),
        |name| format!(", which no ApigeeRoute has{},", nearest.hint(name)),
    )?;
    captured::concluded(evidence, findings)
}
