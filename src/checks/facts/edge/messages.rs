//! What texts of Java, curl, OpenSSL and Apigee mean, as alternatives that exclude each other.
//!
//! Sources: Apigee's playbooks for TLS errors, and the messages of JSSE 17 with OpenSSL and Java peers.

use super::model::{EdgeCause, Strength};
use crate::evidence::edge::Leg;

/// What a text means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meaning {
    pub(crate) leg: Leg,
    /// The causes that fit; several exclude each other.
    pub(crate) causes: Vec<(EdgeCause, Strength)>,
    /// What it says, in the words of the protocol.
    pub(crate) what: &'static str,
}

const LIKELY: Strength = Strength::Likely;
const POSSIBLE: Strength = Strength::Possible;

/// Words of a text, and what they mean to Java as the client of a backend.
type Row = (&'static [&'static str], &'static [(EdgeCause, Strength)], &'static str);

/// The first row that fits counts: the more special ones come first.
const JAVA: &[Row] = &[
    (
        &["PKIX path validation failed", "CertificateExpiredException", "NotAfter:"],
        &[(EdgeCause::CertificateExpired, LIKELY)],
        "the backend's certificate has expired",
    ),
    (
        &["CertificateNotYetValidException", "NotBefore:"],
        &[(EdgeCause::CertificateNotYetValid, LIKELY)],
        "the backend's certificate is not valid yet",
    ),
    (
        &["Extended key usage does not permit use for TLS server"],
        &[(EdgeCause::CertificateNotForServers, LIKELY)],
        "the backend's certificate is not for servers",
    ),
    (
        &["conform to algorithm constraints"],
        &[(EdgeCause::CertificateWeak, LIKELY)],
        "a certificate of the backend is too weak for this Java",
    ),
    (
        &["PKIX path building failed", "unable to find valid certification path", "No trusted certificate found"],
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
        &["No appropriate protocol"],
        &[(EdgeCause::ProtocolMismatch, LIKELY)],
        "the Message Processor's Java has disabled the pinned version",
    ),
    (&["protocol_version"], &[(EdgeCause::ProtocolMismatch, LIKELY)], "the backend refuses the version"),
    (
        &["Received close_notify during handshake"],
        &[(EdgeCause::ProtocolMismatch, LIKELY)],
        "the backend answers the ClientHello with a fatal close_notify",
    ),
    (&["unrecognized_name"], &[(EdgeCause::SniUnknown, LIKELY)], "the backend does not know the server name"),
    (
        &["Received fatal alert: handshake_failure", "handshake_failure"],
        &[
            (EdgeCause::CipherMismatch, POSSIBLE),
            (EdgeCause::SniMissing, POSSIBLE),
            (EdgeCause::ClientCertificateMissing, POSSIBLE),
        ],
        "the backend sends alert 40: cipher suite, SNI or client certificate",
    ),
    (
        &[
            "Received fatal alert: bad_certificate",
            "Received fatal alert: certificate_required",
            "bad_certificate",
            "certificate_required",
        ],
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

/// What client apps report of a Router: curl, OpenSSL, Go, Node.js, Python.
const CLIENT: &[Row] = &[
    (
        &["certificate has expired", "CERT_HAS_EXPIRED", "certificate has expired or is not yet valid"],
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
            "no alternative certificate subject name matches",
            "Hostname mismatch",
            "ALTNAME_INVALID",
            "certificate is valid for",
        ],
        &[(EdgeCause::HostnameMismatch, POSSIBLE)],
        "the client reports another name in the certificate",
    ),
    (
        &[
            "self signed certificate in certificate chain",
            "self-signed certificate in certificate chain",
            "SELF_SIGNED_CERT_IN_CHAIN",
        ],
        &[(EdgeCause::TruststoreMismatch, POSSIBLE)],
        "the client does not trust the root that it gets",
    ),
    (
        &["self signed certificate", "self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"],
        &[(EdgeCause::CertificateSelfSigned, POSSIBLE)],
        "the client gets a self-signed certificate",
    ),
    (
        &[
            "unable to get local issuer",
            "unable to verify the first certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "certificate signed by unknown authority",
        ],
        &[(EdgeCause::ChainIncomplete, POSSIBLE), (EdgeCause::TruststoreMismatch, POSSIBLE)],
        "the client finds no path to a CA that it trusts",
    ),
    (
        &["Invalid certificate chain", "certificate problem", "(60)"],
        &[
            (EdgeCause::ChainIncomplete, POSSIBLE),
            (EdgeCause::TruststoreMismatch, POSSIBLE),
            (EdgeCause::HostnameMismatch, POSSIBLE),
        ],
        "the client does not accept the certificate chain",
    ),
    (
        &["unrecognized name", "unrecognized_name"],
        &[(EdgeCause::SniUnknown, POSSIBLE)],
        "the Router does not know the server name",
    ),
    (
        &["protocol version", "protocol_version", "unsupported protocol"],
        &[(EdgeCause::ProtocolMismatch, POSSIBLE)],
        "the Router refuses the version",
    ),
    (
        &["alert handshake failure", "handshake_failure", "tls: handshake failure", "SSL alert number 40"],
        &[(EdgeCause::CipherMismatch, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE), (EdgeCause::SniUnknown, POSSIBLE)],
        "the Router sends alert 40: cipher suite or SNI",
    ),
    (
        &["No required SSL certificate was sent", "alert certificate required"],
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
    (&["wrong version number"], &[(EdgeCause::PlainTextPort, POSSIBLE)], "the port does not speak TLS"),
    (&["Could not resolve host", "(6)"], &[(EdgeCause::NameNotResolved, POSSIBLE)], "the name cannot be resolved"),
    (
        &["Connection refused", "Failed to connect", "(7)"],
        &[(EdgeCause::Unreachable, POSSIBLE)],
        "the Router cannot be reached",
    ),
    (
        &["Connection reset", "ECONNRESET", "errno=104", "errno=54"],
        &[(EdgeCause::ResetInHello, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE)],
        "the connection is reset",
    ),
    (
        &["unexpected eof", "SSL_ERROR_SYSCALL", "(52)"],
        &[(EdgeCause::ClosedInHello, POSSIBLE), (EdgeCause::SniMissing, POSSIBLE)],
        "the connection is closed within the handshake",
    ),
    (
        &["timed out", "connection timeout", "(28)"],
        &[(EdgeCause::HandshakeTimeout, POSSIBLE)],
        "the handshake is not answered",
    ),
];

/// Words that only a client of a Router reports.
const CLIENT_WORDS: &[&str] = &[
    "CERT_HAS_EXPIRED",
    "ALTNAME_INVALID",
    "SELF_SIGNED_CERT",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "Verify return code",
    "verify error",
    "alert number",
    "certificate verify failed",
    "errno=104",
    "errno=54",
    "remote error: tls:",
    "x509: ",
    "curl:",
    "SSL certificate problem",
    "s_client",
    "The SSL certificate error",
    "No required SSL certificate",
    "SSL routines",
    "HTTP/1.1 400",
    "400 Bad Request",
];

/// Returns what Java's text in the log of a Message Processor means.
pub(crate) fn java(text: &str) -> Option<Meaning> {
    row(JAVA, text).map(|(causes, what)| Meaning { leg: Leg::Southbound, causes, what })
}

/// Words that a message of the Message Processor has: it answers a client app whose own handshake was well.
const TARGET_WORDS: &[&str] =
    &["SslHandshakeFailed", "faultstring", "messaging.adaptors.http", " 503", "503 Service", " 502", "502 Bad Gateway"];

/// Returns what a client or a trace showed. A 503 is always about the backend: without a handshake, a
/// client app gets no HTTP answer. `only` is the leg that is judged, if it is one: Java on the other leg is a
/// client app.
pub(crate) fn symptom(text: &str, only: Option<Leg>) -> Option<Meaning> {
    let is_of_target = TARGET_WORDS.iter().any(|word| text.contains(word));
    let is_of_client = CLIENT_WORDS.iter().any(|word| text.contains(word)) || only == Some(Leg::Northbound);
    if !is_of_target && is_of_client {
        let of_client = row(CLIENT, text).map(|(causes, what)| Meaning { leg: Leg::Northbound, causes, what });
        return of_client.or_else(|| java_client(text).filter(|_| only == Some(Leg::Northbound)));
    }
    if text.contains("messaging.adaptors.http.flow.BadGateway") && java(text).is_none() {
        let causes = vec![(EdgeCause::HandshakeTimeout, POSSIBLE)];
        let what = "HTTP 502: a backend that never answers the ClientHello fits";
        return Some(Meaning { leg: Leg::Southbound, causes, what });
    }
    java(text).or_else(|| {
        is_of_target.then(|| Meaning {
            leg: Leg::Southbound,
            causes: Vec::new(),
            what: "an HTTP answer of the Message Processor: the target failed, not the handshake of the client app",
        })
    })
}

/// Returns what Java's text means where a client app is Java. What it does not accept of the Router is the
/// same, and what it reports is no more than possible.
fn java_client(text: &str) -> Option<Meaning> {
    let (causes, _) = row(JAVA, text)?;
    let causes = causes.into_iter().map(|(cause, _)| (cause, POSSIBLE)).collect();
    Some(Meaning { leg: Leg::Northbound, causes, what: "a client app on Java reports it of the Router" })
}

fn row(rows: &'static [Row], text: &str) -> Option<(Vec<(EdgeCause, Strength)>, &'static str)> {
    let lower = text.to_lowercase();
    let fits = |words: &[&str]| words.iter().any(|word| lower.contains(&word.to_lowercase()));
    rows.iter().find(|(words, _, _)| fits(words)).map(|(_, causes, what)| (causes.to_vec(), *what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_special_row_counts() {
        let cause = |text: &str| java(text).unwrap().causes[0];
        assert_eq!(
            cause("PKIX path validation failed: … validity check failed"),
            (EdgeCause::CertificateExpired, LIKELY)
        );
        assert_eq!(cause("Received fatal alert: certificate_expired"), (EdgeCause::ClientCertificateExpired, LIKELY));
        assert_eq!(cause("Received fatal alert: certificate_unknown"), (EdgeCause::ClientCertificateUntrusted, LIKELY));
        assert_eq!(
            cause("No subject alternative DNS name matching b.example found."),
            (EdgeCause::HostnameMismatch, LIKELY)
        );
        assert_eq!(java("Received fatal alert: handshake_failure").unwrap().causes.len(), 3);
        assert_eq!(java("something else"), None);
    }

    #[test]
    fn the_leg_follows_from_who_reports() {
        assert_eq!(
            symptom("curl: (60) SSL certificate problem: Invalid certificate chain", None).unwrap().leg,
            Leg::Northbound
        );
        let fault = "{\"fault\":{\"faultstring\":\"SSL Handshake failed Received fatal alert: certificate_expired\"}}";
        assert_eq!(symptom(fault, None).unwrap().leg, Leg::Southbound);
        assert!(symptom("HTTP/1.1 503 Service Unavailable", None).unwrap().causes.is_empty());
        assert_eq!(symptom("400 The SSL certificate error", None).unwrap().leg, Leg::Northbound);
        let timeout = symptom("502 {\"errorcode\":\"messaging.adaptors.http.flow.BadGateway\"}", None).unwrap();
        assert_eq!((timeout.leg, timeout.causes), (Leg::Southbound, vec![(EdgeCause::HandshakeTimeout, POSSIBLE)]));
        for text in [
            "Verify return code: 20 (unable to get local issuer certificate)",
            "x509: certificate signed by unknown authority",
            "Error: unable to verify the first certificate, code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'",
        ] {
            let meaning = symptom(text, None).unwrap();
            assert_eq!((meaning.leg, meaning.causes[0].0), (Leg::Northbound, EdgeCause::ChainIncomplete), "{text}");
        }
        let closed = symptom("curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to api", None).unwrap();
        assert_eq!(closed.causes[0], (EdgeCause::ClosedInHello, POSSIBLE));
    }

    #[test]
    fn java_is_a_client_app_where_only_that_leg_is_judged() {
        let text = "javax.net.ssl.SSLHandshakeException: PKIX path building failed";
        assert_eq!(symptom(text, None).unwrap().leg, Leg::Southbound);
        let meaning = symptom(text, Some(Leg::Northbound)).unwrap();
        assert_eq!((meaning.leg, meaning.causes[0]), (Leg::Northbound, (EdgeCause::TruststoreMismatch, POSSIBLE)));
    }
}
