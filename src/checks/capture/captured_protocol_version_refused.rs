//! AT605: the TLS versions of clients are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT605"),
    name: "captured-protocol-version-refused",
    level: Level::Error,
    summary: "The TLS versions of clients are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "The alert protocol_version of the server in a capture. The finding has the versions that the \
            clients offer, and thus which side is too old.",
        matters: "These clients cannot connect. The access log has no record of them.",
        fix: "Clients that offer TLSv1.3 and are refused meet a server that is older: raise or remove \
            maxTLSProtocolVersion of their virtual host, or let the clients offer TLSv1.2 too. Clients that offer \
            only older versions: update them. If they cannot be updated, lower minTLSProtocolVersion of their \
            virtual host.",
    },
    reference: "RFC 8446 §6.2, RFC 5246 §7.2.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
