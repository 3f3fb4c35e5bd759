//! AT419: the gateway cannot load the certificate of a Secret, because of the type or size of its key.

use crate::checks::facts::loadable;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT419"),
    name: "stored-key-unsupported",
    level: Level::Warning,
    summary: "The gateway cannot load the key type of a certificate in a TLS Secret",
    explanation: Explanation {
        looks_for: "The key of the first certificate in each Secret that a route names. Envoy loads RSA keys of \
            at least 2048 bits and EC keys on P-256, from version 1.33 also on P-384 and P-521. It refuses \
            all others: RSA-PSS, Ed25519, Ed448, DSA, other curves. Not reported if the Envoy of a pod has loaded the \
            certificate.",
        matters: "The certificate is well-formed and fits its key, but Envoy refuses it. The gateway has no \
            certificate to serve, and resets clients. Deleting pods does not help.",
        fix: "Get a certificate with an RSA key of 2048 bits or more, or an EC key on P-256. Write it to the \
            files of the virtual host, or to the Secret of sslSecret, and run helm upgrade.",
    },
    reference: "Envoy source/common/tls/context_impl.cc, loadCertificateChain; BoringSSL include/openssl/evp.h: keys \
        of id-RSASSA-PSS are not among the default key types",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let envoy = loadable::envoy(evidence);
    let right = "Envoy loads the key types of the certificates in the Secrets";
    loadable::judge(evidence, right, |leaf, _| loadable::unsupported_key(leaf, envoy))
}
