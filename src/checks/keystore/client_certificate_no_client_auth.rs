//! AT733: the client certificate must not be used by a client.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT733"),
    name: "client-certificate-no-client-auth",
    level: Level::Error,
    summary: "The client certificate must not be used by a client",
    explanation: Explanation {
        looks_for: "Certificates with extendedKeyUsage that does not contain clientAuth; alert 43 of a \
            server.",
        matters: "The server refuses it. Public CAs issue certificates without clientAuth.",
        fix: "Use a certificate with clientAuth, of a private CA if need be.",
    },
    reference: "Apigee: API proxy configuration reference",
    judge: |evidence| judge(evidence, EdgeCause::ClientCertificateNoClientAuth),
};
