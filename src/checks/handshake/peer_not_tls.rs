//! AT503: the server on this port does not speak TLS.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{How, NotTls};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT503"),
    name: "peer-not-tls",
    level: Level::Error,
    summary: "The server on this port does not speak TLS",
    explanation: Explanation {
        looks_for: "A first answer that is not a TLS record: an HTTP response, the greeting of another \
            protocol, or unknown bytes.",
        matters: "Every TLS client fails there, with \"wrong version number\" (OpenSSL) or \"Unsupported or \
            unrecognized SSL message\" (Java). Either the port is wrong, or a device in front terminates TLS \
            and speaks HTTP to this port.",
        fix: "Correct the port, or the protocol of the load balancer's backend. If the server expects a \
            PROXY protocol header before the ClientHello, probe with --proxy-protocol. If it expects none, \
            probe without.",
    },
    reference: "RFC 8446 §5.1 (record layer); HAProxy PROXY protocol",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let header = if probes.question.proxy_protocol {
        "the connection began with a PROXY header, which the server may not expect"
    } else {
        "the connection began without a PROXY header, which the server may expect"
    };
    let faults = probed::once_per_endpoint(probed::ended(probes, Ending::NotTls))
        .filter_map(|(probe, failure)| {
            let How::NotTls { speaks, sample } = &failure.how else { return None };
            Some(Fault {
                probe,
                what: match speaks {
                    NotTls::Unknown | NotTls::Http => {
                        format!("does not speak TLS: the answer is {}; {header}", speaks.description())
                    }
                    _ => format!("does not speak TLS: the answer is {}", speaks.description()),
                },
                observed: format!("it answers {sample:?}"),
                expected: "a ServerHello".into(),
            })
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "every server that answered speaks TLS")
}
