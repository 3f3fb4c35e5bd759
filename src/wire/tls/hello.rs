//! Reads the ServerHello, and the HelloRetryRequest, which has the same format (RFC 8446 §4.1.3).

use super::extensions::{ALPN, KEY_SHARE, PRE_SHARED_KEY, SUPPORTED_VERSIONS};
use super::fields::Fields;
use super::malformed::{Malformed, MessageName};
use super::{Version, groups};

/// The random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11,
    0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// Numbers of TLS 1.3 before it was published, in `supported_versions`.
const DRAFTS: std::ops::RangeInclusive<u16> = 0x7F00..=0x7FFF;
/// The same in the place of the version, up to draft 21; the oldest had the number of the final version
/// there.
const EARLY_DRAFTS: [u16; 9] = [0x0304, 0x7F0E, 0x7F0F, 0x7F10, 0x7F11, 0x7F12, 0x7F13, 0x7F14, 0x7F15];

/// What the server chose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerHello {
    /// The version in `supported_versions` if the extension is present, else `legacy_version`.
    pub version: Version,
    pub suite: u16,
    /// The ALPN protocol, which TLS 1.3 encrypts.
    pub alpn: Option<String>,
    /// Group of the key share; up to TLS 1.2 that of the ServerKeyExchange, once it was read. See
    /// [`groups::name`].
    pub group: Option<u16>,
    /// TLS 1.3 resumes a session, so that the server may accept early data.
    pub resumes: bool,
    /// The message is a HelloRetryRequest.
    pub retry: bool,
    pub compression: u8,
    /// The session id, which up to TLS 1.2 is that of the client where the session is resumed.
    pub session: Vec<u8>,
}

impl ServerHello {
    /// Returns the name of the group.
    #[must_use]
    pub fn group_name(&self) -> Option<String> {
        self.group.map(groups::name)
    }
}

/// Returns the protocol of ALPN in the body of `EncryptedExtensions` (RFC 8446 §4.3.1); `None` without one.
pub(in crate::wire) fn protocol(body: &[u8]) -> Option<String> {
    let mut extensions = Fields(Fields(body).long()?);
    while !extensions.is_empty() {
        let number = extensions.u16()?;
        let content = extensions.long()?;
        if number == ALPN {
            return chosen(Fields(content));
        }
    }
    None
}

/// Returns the protocol of an ALPN extension.
fn chosen(mut content: Fields<'_>) -> Option<String> {
    let protocol = Fields(content.long()?).short()?;
    Some(String::from_utf8_lossy(protocol).into_owned())
}

/// Reads the body of a ServerHello.
///
/// # Errors
/// Returns the rule of the message that `body` breaks.
pub(in crate::wire) fn read(body: &[u8]) -> Result<ServerHello, Malformed> {
    let message = MessageName::ServerHello;
    let truncated = Malformed::MessageTruncated(message);
    let broken = Malformed::ExtensionTruncated;
    let mut fields = Fields(body);
    let mut version = fields.u16().ok_or(truncated)?;
    let random: [u8; 32] = fields.array().ok_or(truncated)?;
    // Up to draft 21 a ServerHello of TLS 1.3 gave its version here, and had neither session id nor
    // compression.
    let is_early_draft = EARLY_DRAFTS.contains(&version);
    let session = if is_early_draft { &[] } else { fields.short().ok_or(truncated)? };
    if session.len() > 32 {
        return Err(Malformed::SessionId(session.len()));
    }
    let suite = fields.u16().ok_or(truncated)?;
    let compression = if is_early_draft { 0 } else { fields.u8().ok_or(truncated)? };
    let mut extensions = Fields(if fields.is_empty() { &[] } else { fields.long().ok_or(truncated)? });
    if !fields.is_empty() {
        return Err(Malformed::TrailingBytes { message, bytes: fields.0.len() });
    }
    let retry = random == RETRY;
    let (mut alpn, mut group, mut resumes) = (None, None, false);
    while !extensions.is_empty() {
        let number = extensions.u16().ok_or(broken)?;
        let mut content = Fields(extensions.long().ok_or(broken)?);
        match number {
            // Exactly one protocol (RFC 7301 §3.1).
            ALPN => alpn = Some(chosen(content).ok_or(broken)?),
            SUPPORTED_VERSIONS => version = content.u16().ok_or(broken)?,
            KEY_SHARE => group = Some(content.u16().ok_or(broken)?),
            PRE_SHARED_KEY => resumes = true,
            _ => {}
        }
    }
    if is_early_draft || DRAFTS.contains(&version) {
        version = Version::Tls13.number();
    }
    let version = Version::from_number(version).ok_or(Malformed::Version(version))?;
    Ok(ServerHello { version, suite, alpn, group, resumes, retry, compression, session: session.to_vec() })
}
