//! AT530: the key usage of the served certificate does not allow TLS servers.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::probed::Fault;
use crate::checks::facts::served;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT530"),
    name: "served-certificate-not-for-servers",
    level: Level::Error,
    summary: "The served certificate must not be used by a server",
    explanation: Explanation {
        looks_for: "A leaf with extendedKeyUsage that contains neither serverAuth nor anyExtendedKeyUsage, \
            in the requested handshakes. Without that extension every use is allowed.",
        matters: "Every client that verifies certificates ends the handshake (OpenSSL: unsuitable \
            certificate purpose, code 26; Java: Extended key usage does not permit use for TLS server \
            authentication). Often a client certificate was written to the Secret of the route by mistake.",
        fix: "Serve a certificate that was issued for servers: extendedKeyUsage with serverAuth.",
    },
    reference: "RFC 5280 §4.2.1.12",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = served::to_clients(probes)
        .filter_map(|probe| {
            let Deviation { what, observed, expected } = chain::not_for_servers(probe.1.certificates.first()?)?;
            Some(Fault { probe, what, observed, expected })
        })
        .collect();
    served::settle(probes, faults, "the served certificates are for servers")
}
