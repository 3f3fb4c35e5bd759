//! How the end of a handshake reads: failures, alerts, and what a peer speaks that does not speak TLS.

use std::fmt;
use std::time::Duration;

use super::{Failure, How, NotTls, Stage};
use crate::text::seconds;

impl fmt::Display for Failure {
    /// One fragment: `reset by the server in answer to the ClientHello`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.stage {
            Stage::Lookup => "when the name was looked up",
            Stage::Connect => "before any byte of TLS",
            Stage::Proxy => "by the proxy",
            Stage::ClientHello => "in answer to the ClientHello",
            Stage::ServerFlight => "in the middle of the server's first answer",
            Stage::ClientFlight => "after the client's second flight",
            Stage::Established => "after the handshake",
        };
        match &self.how {
            How::Alert { number, .. } => write!(f, "alert {} ({number}) {when}", alert_name(*number)),
            How::Closed if self.stage == Stage::Connect => f.write_str("closed before any byte of TLS"),
            How::Closed => write!(f, "closed by the server without an alert {when}"),
            How::Local(text) => write!(f, "given up by this program: {text}"),
            How::Malformed(text) => write!(f, "an answer that breaks the rules of TLS {when}: {text}"),
            How::NoAddress => f.write_str("the name has no address"),
            How::NoSuchName => f.write_str("no such name"),
            How::NotTls { speaks, .. } => write!(f, "no TLS: the answer is {}", speaks.words()),
            How::Other(text) | How::Unreachable(text) => write!(f, "{text}"),
            How::ProxyRefused { status, reason } => write!(f, "the proxy answered {status} {reason}"),
            How::Refused => f.write_str("connection refused: nothing listens there"),
            How::Reset => write!(f, "reset by the server {when}"),
            How::TimedOut { milliseconds } => {
                write!(f, "nothing came within {} {when}", seconds(Duration::from_millis(*milliseconds), 1))
            }
        }
    }
}

impl NotTls {
    /// As it reads after "the answer is".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ftp => "a greeting of FTP",
            Self::Http => "HTTP without TLS",
            Self::Http2 => "HTTP/2 without TLS",
            Self::Imap => "a greeting of IMAP",
            Self::MySql => "a greeting of MySQL",
            Self::Pop3 => "a greeting of POP3",
            Self::Smtp => "a greeting of SMTP",
            Self::Ssh => "a greeting of SSH",
            Self::Unknown => "something else than TLS",
        }
    }
}

/// The names of `AlertDescription` as the RFCs write them (RFC 8446 §6, RFC 5246 §7.2, RFC 6066, RFC 7301; Encrypted ClientHello).
const ALERTS: [(u8, &str); 35] = [
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (60, "export_restriction"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
    (121, "ech_required"),
];

/// The name of an alert; `unknown alert` for a number that no RFC gives.
#[must_use]
pub fn alert_name(number: u8) -> &'static str {
    ALERTS.iter().find(|(known, _)| *known == number).map_or("unknown alert", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::handshake::Party;

    #[test]
    fn a_failure_reads_as_a_fragment() {
        let failure = |stage, by, how| Failure { stage, by, how }.to_string();
        assert_eq!(
            failure(Stage::ClientHello, Party::Server, How::Alert { level: 2, number: 70 }),
            "alert protocol_version (70) in answer to the ClientHello"
        );
        assert_eq!(
            failure(Stage::ClientHello, Party::Server, How::Reset),
            "reset by the server in answer to the ClientHello"
        );
        assert_eq!(
            failure(Stage::ServerFlight, Party::Nobody, How::TimedOut { milliseconds: 1500 }),
            "nothing came within 1.5 s in the middle of the server's first answer"
        );
    }

    #[test]
    fn alerts_have_their_names() {
        assert_eq!(
            (alert_name(116), alert_name(112), alert_name(3)),
            ("certificate_required", "unrecognized_name", "unknown alert")
        );
        assert!(ALERTS.is_sorted_by_key(|(number, _)| number));
    }
}
