//! The ServerHello, and the HelloRetryRequest that is one by its form (RFC 8446 §4.1.3).

use super::extensions::{ALPN, KEY_SHARE, SUPPORTED_VERSIONS};
use super::fields::Fields;
use super::malformed::{Malformed, MessageName};
use super::{Version, groups};

/// The random of a HelloRetryRequest: SHA-256 of these words.
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11,
    0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// What the server chose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerHello {
    /// That of `supported_versions` where the extension is there.
    pub version: Version,
    pub suite: u16,
    /// In clear up to TLS 1.2.
    pub alpn: Option<String>,
    /// Of the key share, or up to TLS 1.2 of the ServerKeyExchange, once it has come. See [`groups::name`].
    pub group: Option<u16>,
    /// It is a HelloRetryRequest.
    pub retry: bool,
    pub compression: u8,
}

impl ServerHello {
    /// The name of the group.
    #[must_use]
    pub fn group_name(&self) -> Option<String> {
        self.group.map(groups::name)
    }
}

/// Reads the body of the message.
///
/// # Errors
/// Returns the rule of the message that `body` breaks.
pub(super) fn read(body: &[u8]) -> Result<ServerHello, Malformed> {
    let message = MessageName::ServerHello;
    let truncated = Malformed::MessageTruncated(message);
    let broken = Malformed::ExtensionTruncated;
    let mut fields = Fields(body);
    let mut version = fields.u16().ok_or(truncated)?;
    let random: [u8; 32] = fields.array().ok_or(truncated)?;
    let session = fields.short().ok_or(truncated)?;
    if session.len() > 32 {
        return Err(Malformed::SessionId(session.len()));
    }
    let suite = fields.u16().ok_or(truncated)?;
    let compression = fields.u8().ok_or(truncated)?;
    let mut extensions = Fields(if fields.is_empty() { &[] } else { fields.long().ok_or(truncated)? });
    if !fields.is_empty() {
        return Err(Malformed::TrailingBytes { message, bytes: fields.0.len() });
    }
    let retry = random == RETRY;
    let (mut alpn, mut group) = (None, None);
    while !extensions.is_empty() {
        let number = extensions.u16().ok_or(broken)?;
        let mut content = Fields(extensions.long().ok_or(broken)?);
        match number {
            // Exactly one protocol (RFC 7301 §3.1).
            ALPN => {
                let list = content.long().ok_or(broken)?;
                let protocol = Fields(list).short().ok_or(broken)?;
                alpn = Some(String::from_utf8_lossy(protocol).into_owned());
            }
            SUPPORTED_VERSIONS => version = content.u16().ok_or(broken)?,
            KEY_SHARE => group = Some(content.u16().ok_or(broken)?),
            _ => {}
        }
    }
    let version = Version::from_number(version).ok_or(Malformed::Version(version))?;
    Ok(ServerHello { version, suite, alpn, group, retry, compression })
}
