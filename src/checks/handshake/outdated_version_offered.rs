//! AT532: the endpoint accepts a version of TLS that no server may offer any more.

use crate::checks::facts::scanned;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT532"),
    name: "outdated-version-offered",
    level: Level::Warning,
    summary: "The endpoint accepts SSL 3.0, TLS 1.0 or TLS 1.1",
    explanation: Explanation {
        looks_for: "Versions that a scan (probe --full) found to be accepted: SSL 3.0, TLS 1.0 and TLS 1.1.",
        matters: "These versions are deprecated, because their cryptography is broken or weak. Audits (such as PCI \
            DSS) reject servers that offer them. Clients that speak TLS 1.2 or 1.3 are not affected.",
        fix: "Set the lowest version of the server to TLS 1.2. For Apigee hybrid, set minTLSProtocolVersion of the \
            virtual host to 1.2, and run helm upgrade. Clients that speak nothing newer will then fail.",
    },
    reference: "RFC 8996 §4 and §5; RFC 7568 §3 for SSL 3.0",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    scanned::judge(probes, "no version below TLS 1.2 is accepted", |scan| {
        let outdated = scan.versions.iter().filter(|version| scanned::is_outdated(version));
        let names: Vec<&str> = outdated.map(|version| version.version.as_str()).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let message = format!("{} {verb} offered, deprecated by RFC 8996", names.join(" and "));
        (!names.is_empty()).then(|| (message, names.join(", "), "TLSv1.2 and later".into()))
    })
}
