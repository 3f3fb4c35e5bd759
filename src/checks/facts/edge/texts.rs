//! The texts of Java and of clients that are understood, with the causes that fit.
//!
//! Sources: Apigee's playbooks for TLS errors, and the messages of JSSE 17 with OpenSSL and Java peers. Rows
//! of other clients are only those whose words state one of these facts, such as the name of an alert or of a
//! result of OpenSSL's verification.

use super::model::{EdgeCause, Strength};

const LIKELY: Strength = Strength::Likely;
pub(super) const POSSIBLE: Strength = Strength::Possible;

/// Words of a text, the causes that fit, and what it says. Any of the words is enough, in either case.
pub(super) type Row = (&'static [&'static str], &'static [(EdgeCause, Strength)], &'static str);

/// What texts mean to Java as the client of a backend. The first row that fits counts: the more special ones
/// come first.
pub(super) const JAVA: &[Row] = &[
    (
        &["CertificateNotYetValidException", "NotBefore:"],
        &[(EdgeCause::CertificateNotYetValid, LIKELY)],
        "the backend's certificate is not valid yet",
    ),
    (
        &["CertificateExpiredException", "NotAfter:", "validity check failed"],
        &[(EdgeCause::CertificateExpired, LIKELY)],
        "the backend's certificate has expired",
    ),
    (
        &["timestamp check failed"],
        &[(EdgeCause::CertificateExpired, POSSIBLE), (EdgeCause::CertificateNotYetValid, POSSIBLE)],
        "a certificate of the backend is not valid now",
    ),
    (
        &["Extended key usage does not permit use for TLS server"],
        &[(EdgeCause::CertificateNotForServers, LIKELY)],
        "the backend's certificate is not for servers",
    ),
    (
        &["conform to algorithm constraints", "Algorithm constraints check failed"],
        &[(EdgeCause::CertificateWeak, LIKELY)],
        "a certificate of the backend is too weak for this Java",
    ),
    (
        &[
            "PKIX path building failed",
            "unable to find valid certification path",
            "No trusted certificate found",
            "does not chain with any of the trust anchors",
        ],
        &[
            (EdgeCause::TruststoreMismatch, POSSIBLE),
            (EdgeCause::ChainIncomplete, POSSIBLE),
            (EdgeCause::CertificateSelfSigned, POSSIBLE),
        ],
        "no path leads from the backend's certificate to the truststore",
    ),
    (
        &["No subject alternative", "No name matching", "hostname in certificate didn't match", "HTTPS hostname wrong"],
        &[(EdgeCause::HostnameMismatch, LIKELY)],
        "the backend's certificate has another name",
    ),
    (
        &["trustAnchors parameter must be non-empty"],
        &[(EdgeCause::TruststoreMismatch, LIKELY)],
        "the truststore of the Message Processor holds no certificate",
    ),
    (
        &["Unsupported CipherSuite"],
        &[(EdgeCause::CipherMismatch, LIKELY)],
        "the settings name a cipher suite that the Message Processor's Java does not know, and it sends nothing",
    ),
    (
        &["Unsupported protocol"],
        &[(EdgeCause::ProtocolMismatch, LIKELY)],
        "the settings name a version that the Message Processor's Java does not know, and it sends nothing",
    ),
    (
        &["No appropriate protocol"],
        &[(EdgeCause::ProtocolMismatch, LIKELY)],
        "the Message Processor's Java finds no version or cipher suite that it may use, and sends nothing",
    ),
    (
        &["protocol version is not enabled or not supported by the client"],
        &[(EdgeCause::ProtocolMismatch, LIKELY)],
        "the backend chooses a version that the Message Processor does not accept",
    ),
    (&["protocol_version"], &[(EdgeCause::ProtocolMismatch, LIKELY)], "the backend refuses the version"),
    (
        &["Received close_notify during handshake"],
        &[(EdgeCause::ProtocolMismatch, LIKELY)],
        "the backend answers the ClientHello with a fatal close_notify",
    ),
    (&["unrecognized_name"], &[(EdgeCause::SniUnknown, LIKELY)], "the backend does not know the server name"),
    (&["insufficient_security"], &[(EdgeCause::CipherMismatch, LIKELY)], "the backend requires stronger cipher suites"),
    (
        &["handshake_failure"],
        &[
            (EdgeCause::CipherMismatch, POSSIBLE),
            (EdgeCause::SniMissing, POSSIBLE),
            (EdgeCause::ClientCertificateMissing, POSSIBLE),
        ],
        "the backend sends alert 40: cipher suite, SNI or client certificate",
    ),
    (
        &["bad_certificate", "certificate_required"],
        &[(EdgeCause::ClientCertificateMissing, LIKELY)],
        "the backend got no client certificate that it accepts",
    ),
    (
        &["certificate_expired"],
        &[(EdgeCause::ClientCertificateExpired, LIKELY)],
        "the backend reports that the client certificate has expired",
    ),
    (
        &["unsupported_certificate"],
        &[(EdgeCause::ClientCertificateNoClientAuth, LIKELY)],
        "the backend reports that the client certificate is not for clients",
    ),
    (
        &["unknown_ca"],
        &[(EdgeCause::ClientCertificateUntrusted, LIKELY)],
        "the backend does not trust the client certificate",
    ),
    (
        &["certificate_unknown"],
        &[(EdgeCause::ClientCertificateUntrusted, LIKELY)],
        "the backend does not accept the client certificate",
    ),
    (
        &["Unsupported or unrecognized SSL message", "plaintext connection"],
        &[(EdgeCause::PlainTextPort, LIKELY)],
        "the backend's port does not speak TLS",
    ),
    (
        &["Remote host terminated the handshake", "Remote host closed connection during handshake"],
        &[(EdgeCause::ClosedInHello, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE)],
        "the backend closes the connection",
    ),
    (
        &["Connection reset", "Broken pipe"],
        &[(EdgeCause::ResetInHello, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE)],
        "the backend resets the connection",
    ),
    (
        &["handshake timeout", "handshake timed out"],
        &[(EdgeCause::HandshakeTimeout, LIKELY)],
        "the backend does not answer the ClientHello",
    ),
    (&["UnknownHostException"], &[(EdgeCause::NameNotResolved, LIKELY)], "the name of the backend cannot be resolved"),
    (
        &["Connection refused", "connect timed out"],
        &[(EdgeCause::Unreachable, LIKELY)],
        "the backend cannot be reached",
    ),
];

/// What client apps report of a Router: curl, wget, OpenSSL, Go, Node.js, Python, .NET. The first row that
/// fits counts.
pub(super) const CLIENT: &[Row] = &[
    (
        &["alert certificate expired", "alert_certificate_expired", "tls: expired certificate", "alert number 45"],
        &[(EdgeCause::ClientCertificateExpired, POSSIBLE)],
        "the client certificate is refused as expired (alert 45)",
    ),
    (
        &[
            "alert unsupported certificate",
            "alert_unsupported_certificate",
            "tls: unsupported certificate",
            "alert number 43",
        ],
        &[(EdgeCause::ClientCertificateNoClientAuth, POSSIBLE)],
        "the client certificate is refused as not for clients (alert 43)",
    ),
    (
        &[
            "alert unknown ca",
            "alert_unknown_ca",
            "tls: unknown certificate",
            "alert certificate unknown",
            "alert_certificate_unknown",
            "alert number 46",
            "alert number 48",
        ],
        &[(EdgeCause::ClientCertificateUntrusted, POSSIBLE)],
        "the client certificate is not trusted (alert 46 or 48)",
    ),
    (
        &["alert bad certificate", "alert_bad_certificate", "tls: bad certificate", "alert number 42"],
        &[(EdgeCause::ClientCertificateMissing, POSSIBLE), (EdgeCause::ClientCertificateUntrusted, POSSIBLE)],
        "no client certificate that is accepted was sent (alert 42)",
    ),
    (
        &["certificate has expired or is not yet valid", "NotTimeValid"],
        &[(EdgeCause::CertificateExpired, POSSIBLE), (EdgeCause::CertificateNotYetValid, POSSIBLE)],
        "the client reports a certificate that is not valid now",
    ),
    (
        &["certificate has expired", "CERT_HAS_EXPIRED"],
        &[(EdgeCause::CertificateExpired, POSSIBLE)],
        "the client reports an expired certificate",
    ),
    (
        &["certificate is not yet valid"],
        &[(EdgeCause::CertificateNotYetValid, POSSIBLE)],
        "the client reports a certificate that is not valid yet",
    ),
    (
        &[
            "does not match target host",
            "doesn't match requested host name",
            "no alternative certificate subject name matches",
            "no certificate subject alternative name matches",
            "does not match certificate's altnames",
            "Hostname mismatch",
            "ALTNAME_INVALID",
            "certificate is valid for",
            "RemoteCertificateNameMismatch",
        ],
        &[(EdgeCause::HostnameMismatch, POSSIBLE)],
        "the client reports another name in the certificate",
    ),
    (
        &[
            "self signed certificate in certificate chain",
            "self-signed certificate in certificate chain",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "UntrustedRoot",
        ],
        &[(EdgeCause::TruststoreMismatch, POSSIBLE)],
        "the client does not trust the root that it gets",
    ),
    (
        // wget says the same of a root and of a leaf.
        &["self-signed certificate encountered"],
        &[(EdgeCause::CertificateSelfSigned, POSSIBLE), (EdgeCause::TruststoreMismatch, POSSIBLE)],
        "the client gets a self-signed certificate",
    ),
    (
        &["self signed certificate", "self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"],
        &[(EdgeCause::CertificateSelfSigned, POSSIBLE)],
        "the client gets a self-signed certificate",
    ),
    (
        &[
            "unable to get local issuer",
            "unable to locally verify the issuer",
            "unable to verify the first certificate",
            "UNABLE_TO_GET_ISSUER_CERT",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "certificate signed by unknown authority",
            "PartialChain",
        ],
        &[(EdgeCause::ChainIncomplete, POSSIBLE), (EdgeCause::TruststoreMismatch, POSSIBLE)],
        "the client finds no path to a CA that it trusts",
    ),
    (
        &[
            "Invalid certificate chain",
            "certificate problem",
            "certificate verify failed",
            "CERTIFICATE_VERIFY_FAILED",
            "curl: (60)",
            "curl (60)",
        ],
        &[
            (EdgeCause::ChainIncomplete, POSSIBLE),
            (EdgeCause::TruststoreMismatch, POSSIBLE),
            (EdgeCause::HostnameMismatch, POSSIBLE),
        ],
        "the client does not accept the certificate chain",
    ),
    (
        &["unrecognized name", "unrecognized_name", "alert number 112"],
        &[(EdgeCause::SniUnknown, POSSIBLE)],
        "the Router does not know the server name",
    ),
    (
        &[
            "alert protocol version",
            "protocol_version",
            "protocol version not supported",
            "unsupported protocol",
            "UNSUPPORTED_PROTOCOL",
            "alert: 'ProtocolVersion'",
            "alert number 70",
        ],
        &[(EdgeCause::ProtocolMismatch, POSSIBLE)],
        "the Router refuses the version",
    ),
    (
        // An OpenSSL that knows no such alert prints its number.
        &["alert number 0"],
        &[(EdgeCause::ProtocolMismatch, POSSIBLE)],
        "the Router answers the ClientHello with a fatal close_notify",
    ),
    (
        &[
            "alert handshake failure",
            "handshake_failure",
            "tls: handshake failure",
            "alert: 'HandshakeFailure'",
            "alert number 40",
        ],
        &[(EdgeCause::CipherMismatch, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE), (EdgeCause::SniUnknown, POSSIBLE)],
        "the Router sends alert 40: cipher suite or SNI",
    ),
    (
        &["alert insufficient security", "insufficient_security", "tls: insufficient security", "alert number 71"],
        &[(EdgeCause::CipherMismatch, POSSIBLE)],
        "the Router requires stronger cipher suites (alert 71)",
    ),
    (
        &[
            "No required SSL certificate was sent",
            "alert certificate required",
            "ALERT_CERTIFICATE_REQUIRED",
            "tls: certificate required",
            "alert number 116",
        ],
        &[(EdgeCause::ClientCertificateMissing, LIKELY)],
        "the Router got no client certificate",
    ),
    (
        &["The SSL certificate error"],
        &[
            (EdgeCause::ClientCertificateUntrusted, POSSIBLE),
            (EdgeCause::ClientCertificateExpired, POSSIBLE),
            (EdgeCause::ClientCertificateNoClientAuth, POSSIBLE),
        ],
        "the Router refuses the client certificate",
    ),
    (
        &["The plain HTTP request was sent to HTTPS port"],
        // The handshake is not made at all.
        &[],
        "the client app speaks HTTP without TLS to a port of TLS",
    ),
    (
        &[
            "wrong version number",
            "WRONG_VERSION_NUMBER",
            "first record does not look like a TLS handshake",
            "server gave HTTP response to HTTPS client",
        ],
        &[(EdgeCause::PlainTextPort, POSSIBLE)],
        "the port does not speak TLS",
    ),
    (
        &["Could not resolve host", "curl: (6)", "curl (6)", "ENOTFOUND", "no such host", "Name or service not known"],
        &[(EdgeCause::NameNotResolved, POSSIBLE)],
        "the name cannot be resolved",
    ),
    (
        &["Connection refused", "ECONNREFUSED", "Failed to connect", "curl: (7)", "curl (7)"],
        &[(EdgeCause::Unreachable, POSSIBLE)],
        "the Router cannot be reached",
    ),
    (
        &["Connection reset", "ECONNRESET", "errno=104", "errno=54"],
        &[(EdgeCause::ResetInHello, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE)],
        "the connection is reset",
    ),
    (
        &[
            "unexpected eof",
            "unexpected_eof",
            "EOF occurred in violation of protocol",
            "SSL_ERROR_SYSCALL",
            "curl: (52)",
            "curl (52)",
        ],
        &[(EdgeCause::ClosedInHello, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE)],
        "the connection is closed within the handshake",
    ),
    (
        &["timed out", "connection timeout", "curl: (28)", "curl (28)"],
        &[(EdgeCause::HandshakeTimeout, POSSIBLE)],
        "the handshake is not answered",
    ),
];

/// Words that only a client of a Router reports.
pub(super) const CLIENT_WORDS: &[&str] = &[
    "CERT_HAS_EXPIRED",
    "ALTNAME_INVALID",
    "SELF_SIGNED_CERT",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT",
    "certificate's altnames",
    "EPROTO",
    "Verify return code",
    "verify error",
    "alert number",
    "certificate verify failed",
    "CERTIFICATE_VERIFY_FAILED",
    "_ssl.c:",
    "[SSL: ",
    "errno=104",
    "errno=54",
    "remote error: tls:",
    "x509: ",
    "tls: first record",
    "HTTP response to HTTPS client",
    "curl:",
    "curl (",
    "wget",
    "requested host name",
    "issuer's authority",
    "Self-signed certificate encountered",
    "SSL certificate problem",
    "The SSL connection could not be established",
    "RemoteCertificate",
    "remote certificate",
    "remote party sent a TLS alert",
    "s_client",
    "The SSL certificate error",
    "No required SSL certificate",
    "The plain HTTP request was sent to HTTPS port",
    "SSL routines",
    "HTTP/1.1 400",
    "400 Bad Request",
];

/// Words of the faults that Apigee writes into an answer, in lower case.
pub(super) const FAULT_WORDS: &[&str] = &["faultstring", "messaging.adaptors", "sslhandshakefailed"];

/// Words that a message of the Message Processor has: it answers a client app whose own handshake was well.
pub(super) const TARGET_WORDS: &[&str] =
    &["SslHandshakeFailed", "faultstring", "messaging.adaptors.http", " 503", "503 Service", " 502", "502 Bad Gateway"];
