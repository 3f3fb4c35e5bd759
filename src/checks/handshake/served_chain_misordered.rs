//! AT519: the server sends its certificates in an order that some clients do not accept.

use crate::checks::facts::probed::Fault;
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT519"),
    name: "served-chain-misordered",
    level: Level::Warning,
    summary: "The certificates are served in the wrong order",
    explanation: Explanation {
        looks_for: "The list as the server sent it: each certificate must be signed by the next one. \
            Certificates that do not belong to the path are a fault only in the middle. An extra root at the \
            end is allowed.",
        matters: "TLS 1.2 requires the right order. In TLS 1.3, servers should keep to it, and clients \
            should accept others. OpenSSL silently sorts the list, and so do most diagnostic commands. Some \
            clients do not, and fail.",
        fix: "Write the leaf first, and then each issuer, to the certificate file (sslCertPath). Then run \
            helm upgrade.",
    },
    reference: "RFC 5246 §7.4.2; RFC 8446 §4.4.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = served::to_clients(probes)
        .filter_map(|probe| {
            let order = chain::wrong_order(&probe.1.certificates)?;
            Some(Fault {
                probe,
                what: format!("the certificates are sent in the wrong order: {order}"),
                observed: chain::subjects(&probe.1.certificates),
                expected: "the leaf, then each issuer".into(),
            })
        })
        .collect();
    served::settle(probes, faults, "the certificates are served in order")
}
