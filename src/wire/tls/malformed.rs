//! The ways in which a server's bytes break the rules of TLS; one variant for each, so that a caller can match the cause.

use std::fmt;

/// The first rule that a server broke. Displays as a noun: `a record of type 72`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// A ChangeCipherSpec whose body is not the byte 1 (RFC 5246 §7.1).
    #[error("a ChangeCipherSpec that is none")]
    ChangeCipherSpec,
    #[error("a ChangeCipherSpec before the ServerHello")]
    ChangeCipherSpecBeforeHello,
    #[error("a ChangeCipherSpec within a message")]
    ChangeCipherSpecWithinMessage,
    /// A record without a body that is not application data (RFC 8446 §5.1).
    #[error("an empty record of type {0}")]
    EmptyRecord(u8),
    #[error("encrypted data before the ServerHello")]
    EncryptedBeforeHello,
    /// An extension of the ServerHello that is shorter than its lengths claim.
    #[error("an extension of the ServerHello that ends too early")]
    ExtensionTruncated,
    /// A handshake message of this type before the ServerHello.
    #[error("a message of type {0} before the ServerHello")]
    MessageBeforeHello(u8),
    /// A handshake message of this type that TLS 1.3 encrypts.
    #[error("a message of type {0} in clear after the ServerHello of TLS 1.3")]
    MessageInClear(u8),
    /// A message that claims more bytes than are read.
    #[error("a {message} of {bytes} bytes")]
    MessageLength { message: MessageName, bytes: usize },
    /// A message that is shorter than its lengths claim.
    #[error("a {0} that ends too early")]
    MessageTruncated(MessageName),
    /// A body longer than any record of TLS (RFC 5246 §6.2.3).
    #[error("a record of {0} bytes")]
    RecordLength(u16),
    #[error("a record of type {0}")]
    RecordType(u8),
    #[error("a record of version 0x{0:04X}")]
    RecordVersion(u16),
    #[error("a second HelloRetryRequest")]
    SecondRetry,
    #[error("a second ServerHello")]
    SecondServerHello,
    /// A session id of more than 32 bytes (RFC 8446 §4.1.3).
    #[error("a session id of {0} bytes")]
    SessionId(usize),
    #[error("an answer of SSL 2.0")]
    Ssl2,
    /// Handshake messages in clear that are longer, together, than this limit.
    #[error("more than {0} bytes of handshake in clear")]
    TooMuchInClear(usize),
    /// A message with bytes behind its last field.
    #[error("{bytes} bytes after the end of the {message}")]
    TrailingBytes { message: MessageName, bytes: usize },
    /// A ServerHello of a version that does not exist.
    #[error("a ServerHello of version 0x{0:04X}")]
    Version(u16),
}

/// The messages whose bodies are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageName {
    CertificateRequest,
    ServerHello,
}

impl fmt::Display for MessageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateRequest => "CertificateRequest",
            Self::ServerHello => "ServerHello",
        })
    }
}
