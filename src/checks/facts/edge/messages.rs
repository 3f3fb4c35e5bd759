//! What texts of Java, curl, OpenSSL and Apigee mean, as alternatives that exclude each other.
//!
//! A text that no row of [`texts`](super::texts) has is not understood. It then counts as a failure whose
//! cause is unknown.

use super::model::{EdgeCause, Strength};
use super::texts::{CLIENT, CLIENT_WORDS, FAULT_WORDS, JAVA, POSSIBLE, Row, TARGET_WORDS};
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

/// Returns what Java's text in the log of a Message Processor means.
pub(crate) fn java(text: &str) -> Option<Meaning> {
    row(JAVA, text).map(|(causes, what)| Meaning { leg: Leg::Southbound, causes, what })
}

/// Returns only what Java's text says, in the words of the protocol.
pub(crate) fn sentence(text: &str) -> Option<&'static str> {
    java(text).map(|meaning| meaning.what)
}

/// Returns what a client or a trace showed. A 503 is always about the backend: without a handshake, a
/// client app gets no HTTP answer. `only` is the leg that is judged, if it is one: Java on the other leg is a
/// client app.
pub(crate) fn symptom(text: &str, only: Option<Leg>) -> Option<Meaning> {
    let is_of_target = TARGET_WORDS.iter().any(|word| text.contains(word)) && !is_of_other_server(text);
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

/// Returns whether an HTTP answer says that another server than Apigee's sent it, such as a load balancer in
/// front of the Routers.
fn is_of_other_server(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_apigee = FAULT_WORDS.iter().any(|word| lower.contains(word));
    let mut words = lower.split_whitespace();
    let server = words.find(|word| *word == "server:" || word.starts_with("server:")).map(|word| {
        let value = word.trim_start_matches("server:");
        if value.is_empty() { words.next().unwrap_or_default() } else { value }
    });
    !is_apigee && server.is_some_and(|server| !server.contains("apigee"))
}

/// Returns what Java's text means where a client app is Java. What it does not accept of the Router is the
/// same, and what it reports is no more than possible.
fn java_client(text: &str) -> Option<Meaning> {
    let (causes, _) = row(JAVA, text)?;
    let causes = causes.into_iter().map(|(cause, _)| (cause, POSSIBLE)).collect();
    Some(Meaning { leg: Leg::Northbound, causes, what: "a client app on Java reports it of the Router" })
}

/// Returns the version that a backend chose and Java does not accept, as in `Server chose TLSv1, but …`.
pub(super) fn chosen_version(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Server chose ")?;
    match rest.split([',', ' ']).next()? {
        "TLSv1" => Some("TLSv1.0".to_owned()),
        version if version.starts_with("TLSv1.") => Some(version.to_owned()),
        _ => None,
    }
}

fn row(rows: &'static [Row], text: &str) -> Option<(Vec<(EdgeCause, Strength)>, &'static str)> {
    let lower = text.to_lowercase();
    let fits = |words: &[&str]| words.iter().any(|word| lower.contains(&word.to_lowercase()));
    rows.iter().find(|(words, _, _)| fits(words)).map(|(_, causes, what)| (causes.to_vec(), *what))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIKELY: Strength = Strength::Likely;

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
        assert_eq!(cause("PKIX path validation failed: NotBefore: Mon").0, EdgeCause::CertificateNotYetValid);
        assert_eq!(cause("Path does not chain with any of the trust anchors").0, EdgeCause::TruststoreMismatch);
        let chosen = "Server chose TLSv1, but that protocol version is not enabled or not supported by the client.";
        assert_eq!(cause(chosen), (EdgeCause::ProtocolMismatch, LIKELY));
        let causes = java("PKIX path validation failed: timestamp check failed").unwrap().causes;
        assert!(causes.len() == 2 && causes.iter().all(|(_, strength)| *strength == POSSIBLE), "{causes:?}");
    }

    #[test]
    fn texts_that_no_source_explains_are_not_understood() {
        for text in [
            "something else",
            "PKIX path validation failed: certificate has been revoked",
            "PKIX path validation failed: basic constraints check failed",
            "Could not generate DH keypair",
            "Received fatal alert: certificate_revoked",
            "Received fatal alert: decrypt_error",
            "Received fatal alert: internal_error",
        ] {
            assert_eq!(java(text), None, "{text}");
        }
        for text in [
            "",
            "net::ERR_SSL_PROTOCOL_ERROR",
            "curl: (35) error:14094438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error",
            "remote error: tls: error decrypting message",
            "HTTP/1.1 504 Gateway timeout",
            "wget: Unable to establish SSL connection.",
            "ssl.SSLError: [SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed (_ssl.c:2580)",
            "Error (6): the seventh (7) of 28 (28)",
        ] {
            assert_eq!(symptom(text, None), None, "{text}");
        }
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
        for (text, cause) in [
            (
                "ERROR: no certificate subject alternative name matches requested host name 'a'",
                EdgeCause::HostnameMismatch,
            ),
            ("Unable to locally verify the issuer's authority.", EdgeCause::ChainIncomplete),
            ("remote error: tls: handshake failure", EdgeCause::CipherMismatch),
            ("remote error: tls: protocol version not supported", EdgeCause::ProtocolMismatch),
            ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure", EdgeCause::CipherMismatch),
            ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:1)", EdgeCause::ClientCertificateUntrusted),
            ("sslv3 alert certificate expired, SSL alert number 45", EdgeCause::ClientCertificateExpired),
            ("Error: certificate has expired, code: 'CERT_HAS_EXPIRED'", EdgeCause::CertificateExpired),
            ("write EPROTO: sslv3 alert handshake failure", EdgeCause::CipherMismatch),
            ("The remote certificate is invalid: RemoteCertificateNameMismatch", EdgeCause::HostnameMismatch),
            ("the remote party sent a TLS alert: 'HandshakeFailure'", EdgeCause::CipherMismatch),
            ("reason(1000), SSL alert number 0", EdgeCause::ProtocolMismatch),
        ] {
            let meaning = symptom(text, None).unwrap();
            assert_eq!((meaning.leg, meaning.causes[0]), (Leg::Northbound, (cause, POSSIBLE)), "{text}");
        }
        let plain = symptom("400 Bad Request: The plain HTTP request was sent to HTTPS port", None).unwrap();
        assert_eq!((plain.leg, plain.causes.len()), (Leg::Northbound, 0));
        let closed = symptom("curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to api", None).unwrap();
        assert_eq!(closed.causes[0], (EdgeCause::ClosedInHello, POSSIBLE));
    }

    #[test]
    fn an_answer_of_another_server_is_none_of_the_message_processor() {
        for text in [
            "HTTP/1.1 502 Bad Gateway\nserver: awselb/2.0",
            "< HTTP/1.1 503 Service Unavailable\r\n< Server:nginx",
            "HTTP/2 503\ndate: x\nServer: envoy\n\nno healthy upstream",
        ] {
            assert_eq!(symptom(text, None), None, "{text}");
        }
        for text in [
            "HTTP/1.1 503 Service Unavailable\nServer: Apigee Router",
            "HTTP/1.1 503 Service Unavailable\nServer: awselb/2.0\n\n{\"fault\":{\"faultstring\":\"The Service is temporarily \
             unavailable\"}}",
            "HTTP/1.1 502 Bad Gateway",
        ] {
            assert_eq!(symptom(text, None).unwrap().leg, Leg::Southbound, "{text}");
        }
    }

    #[test]
    fn java_names_the_version_that_a_backend_chose() {
        let text = |version: &str| format!("Server chose {version}, but that protocol version is not enabled");
        assert_eq!(chosen_version(&text("TLSv1")).as_deref(), Some("TLSv1.0"));
        assert_eq!(chosen_version(&text("TLSv1.1")).as_deref(), Some("TLSv1.1"));
        assert_eq!(chosen_version("Server chose nothing"), None);
    }

    #[test]
    fn java_is_a_client_app_where_only_that_leg_is_judged() {
        let text = "javax.net.ssl.SSLHandshakeException: PKIX path building failed";
        assert_eq!(symptom(text, None).unwrap().leg, Leg::Southbound);
        let meaning = symptom(text, Some(Leg::Northbound)).unwrap();
        assert_eq!((meaning.leg, meaning.causes[0]), (Leg::Northbound, (EdgeCause::TruststoreMismatch, POSSIBLE)));
    }
}
