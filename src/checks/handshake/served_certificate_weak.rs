//! AT522: a served certificate has a key or signature that current clients refuse.

use crate::checks::facts::probed::Fault;
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT522"),
    name: "served-certificate-weak",
    level: Level::Warning,
    summary: "A served certificate has a weak key or signature",
    explanation: Explanation {
        looks_for: "Each certificate that the server sent: RSA keys below 2048 bits, curves below 224 bits, \
            DSA keys, and signatures over SHA-1 or MD5, except on a self-signed root.",
        matters: "Current TLS libraries refuse these by default (OpenSSL: EE certificate key too weak, CA \
            signature digest algorithm too weak; Java: disabled algorithms). Others still accept them. Some \
            clients fail, and more will.",
        fix: "Get a new certificate with an RSA key of at least 2048 bits or a P-256 key, signed with \
            SHA-256.",
    },
    reference: "NIST SP 800-131A revision 2; RFC 8446 §4.4.2.4",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut faults = Vec::new();
    let mut unknown = None;
    for probe in served::to_clients(probes) {
        for (i, certificate) in probe.1.certificates.iter().enumerate() {
            unknown = unknown.or_else(|| chain::unknown_strength(certificate));
            let Some(weakness) = chain::weakness(certificate, i) else { continue };
            faults.push(Fault {
                probe,
                what: format!("{} has {weakness}", chain::subject_and_serial(certificate)),
                observed: format!(
                    "{} {} bits, {}",
                    certificate.key.algorithm, certificate.key.bits, certificate.signature_algorithm
                ),
                expected: "RSA of 2048 bits, a curve of 224, SHA-256, or stronger".into(),
            });
        }
    }
    if let Some(unknown) = unknown.filter(|_| faults.is_empty()) {
        return Err(unknown);
    }
    served::settle(probes, faults, "keys and signatures of the served certificates are strong enough")
}
