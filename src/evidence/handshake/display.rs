//! Texts for the end of a handshake: failures, alerts, and protocols other than TLS.

use std::fmt;
use std::time::Duration;

use super::{Failure, How, NotTls, Stage};
use crate::text::time_limit;

impl fmt::Display for Failure {
    /// Writes one lower-case fragment, such as `reset by the server in answer to the ClientHello`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.stage {
            Stage::Lookup => "during the DNS lookup",
            Stage::Connect => "before any byte of TLS",
            Stage::Proxy => "by the proxy",
            Stage::ClientHello => "in answer to the ClientHello",
            Stage::ServerFlight => "during the server's first flight",
            Stage::ClientFlight => "after the client's second flight",
            Stage::Established => "after the handshake",
        };
        match &self.how {
            How::Alert { number, .. } => write!(f, "alert {} ({number}) {when}", alert_name(*number)),
            How::Closed if self.stage == Stage::Connect => f.write_str("closed before any byte of TLS"),
            How::Closed => write!(f, "closed by the server without an alert {when}"),
            How::Local(text) => write!(f, "aborted by this program: {text}"),
            How::Malformed(text) => write!(f, "a response that violates TLS {when}: {text}"),
            How::NoAddress => f.write_str("the name has no address"),
            How::NoSuchName => f.write_str("no such name"),
            How::NotTls { speaks, .. } => write!(f, "not TLS: the answer is {}", speaks.description()),
            How::Other(text) | How::Unreachable(text) => write!(f, "{text}"),
            How::ProxyRefused { status, reason } => write!(f, "the proxy responded {status} {reason}"),
            How::Refused => f.write_str("connection refused: nothing listens there, or a firewall rejects it"),
            How::Reset => write!(f, "reset by the server {when}"),
            How::TimedOut { milliseconds } => {
                write!(f, "no data received within {} {when}", time_limit(Duration::from_millis(*milliseconds)))
            }
        }
    }
}

impl Failure {
    /// The end of a handshake in one or two words, for a column.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.how {
            How::Alert { number, .. } => alert_name(*number).replace('_', " "),
            How::Closed => "closed".into(),
            How::Local(_) => "given up".into(),
            How::Malformed(_) => "broken answer".into(),
            How::NoAddress => "no address".into(),
            How::NoSuchName => "no such name".into(),
            How::NotTls { .. } => "no TLS".into(),
            How::Other(_) if self.stage == Stage::Proxy => "proxy".into(),
            How::Other(_) => "failed".into(),
            How::ProxyRefused { status, .. } => format!("proxy: {status}"),
            How::Refused => "refused".into(),
            How::Reset => "reset".into(),
            How::TimedOut { .. } => "timed out".into(),
            How::Unreachable(_) => "unreachable".into(),
        }
    }
}

impl NotTls {
    /// Returns the text after "the answer is".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Ftp => "an FTP greeting",
            Self::Http => "HTTP without TLS",
            Self::Http2 => "HTTP/2 without TLS",
            Self::Imap => "an IMAP greeting",
            Self::MySql => "a MySQL greeting",
            Self::Pop3 => "a POP3 greeting",
            Self::Smtp => "an SMTP greeting",
            Self::Ssh => "an SSH greeting",
            Self::Unknown => "an unknown protocol",
        }
    }
}

/// Names of `AlertDescription` in the spelling of RFC 8446 §6, RFC 5246 §7.2, RFC 6066, RFC 7301 and
/// Encrypted ClientHello.
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

/// Returns the name of an alert; `unknown alert` for a number that no RFC assigns.
#[must_use]
pub fn alert_name(number: u8) -> &'static str {
    ALERTS.iter().find(|(known, _)| *known == number).map_or("unknown alert", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::handshake::Party;

    #[test]
    fn a_failure_displays_as_a_fragment() {
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
            "no data received within 1.5 s during the server's first flight"
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
