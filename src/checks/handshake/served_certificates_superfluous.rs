//! AT535: the server sends certificates that no client needs.

use crate::checks::facts::probed::{Fault, Probe};
use crate::checks::facts::{self, chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::certificate::Certificate;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT535"),
    name: "served-certificates-superfluous",
    level: Level::Notice,
    summary: "The server sends certificates twice, or of another chain",
    explanation: Explanation {
        looks_for: "Certificates in the served list that were sent before already, or that are neither on \
            the path from the leaf nor another version of a certificate on it. A root at the end is usual \
            and not reported.",
        matters: "Most clients ignore them. They make every handshake larger, and often show that the \
            certificate file was put together wrongly: the intermediate that clients need may be missing \
            (AT518, AT520).",
        fix: "Write the leaf and then each issuer, once, to the certificate file (sslCertPath). Then run helm \
            upgrade.",
    },
    reference: "RFC 8446 §4.4.2; RFC 5246 §7.4.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = served::to_clients(probes).flat_map(faults).collect();
    served::settle(probes, faults, "every certificate that is served belongs to its chain, once")
}

fn faults(probe: Probe<'_>) -> Vec<Fault<'_>> {
    let list = &probe.1.certificates;
    let found = chain::superfluous(list);
    let fault = |certificates: &[&Certificate], what: &str| {
        let subjects: Vec<&str> = certificates.iter().map(|certificate| chain::subject(certificate)).collect();
        (!subjects.is_empty()).then(|| Fault {
            probe,
            what: format!("{} {what}", facts::some_of(&subjects)),
            observed: chain::subjects(list),
            expected: "the leaf and each issuer, once".into(),
        })
    };
    let twice = fault(&found.duplicates, "is sent more than once");
    let other = fault(&found.unrelated, "is sent, but does not belong to the chain of the leaf");
    twice.into_iter().chain(other).collect()
}
