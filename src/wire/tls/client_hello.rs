//! Writes a ClientHello that OpenSSL cannot send, with any version, cipher suites and server name.
//!
//! All other fields follow common clients, because servers and middleboxes are tested with those.

use std::net::IpAddr;

use super::Version;
use super::extensions;
use super::fields::{long, message, short};

/// Maximum number of suites, more than exist. Suites beyond it are not sent.
pub(super) const MAX_SUITES: usize = 1024;
/// Maximum number of ALPN protocols; those beyond are not sent. With the limit of names, a ClientHello fits
/// in one record of 16384 bytes.
const MAX_PROTOCOLS: usize = 32;
/// Maximum length of a DNS name (RFC 1035 §2.3.4). A longer name is invalid and is not sent.
const MAX_NAME_BYTES: usize = 253;

/// Sizes of a ClientHello that make old F5 load balancers hang. RFC 7685 defines the padding that avoids
/// them.
const PADDED_SIZES: std::ops::RangeInclusive<usize> = 256..=511;

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const X25519: u16 = 29;

/// Groups offered up to TLS 1.2: every curve that a server may still use. No finite-field groups, because a
/// server that implements RFC 7919 would then refuse DHE with other groups (§4).
const EARLY_GROUPS: [u16; 12] = [X25519, 23, 24, 25, 30, 26, 27, 28, 22, 21, 14, 9];
const TLS13_GROUPS: [u16; 5] = [X25519, 23, 24, 25, 256];

/// ECDSA, `EdDSA`, RSA-PSS and RSA, with SHA-1 last for old certificates.
const SIGNATURES: [u16; 17] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601,
    0x0303, 0x0203, 0x0201,
];
/// Algorithms that TLS 1.3 does not define: RSA with SHA-224, and DSA.
const TLS12_SIGNATURES: [u16; 6] = [0x0301, 0x0402, 0x0502, 0x0602, 0x0302, 0x0202];

/// The fields of a ClientHello.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// The only offered version; before TLS 1.3 the highest one.
    pub version: Version,
    /// A DNS name, with or without a trailing dot. IP addresses, empty names and overlong names are not sent
    /// (RFC 6066 §3).
    pub server_name: Option<&'a str>,
    /// Cipher suites in the client's order of preference.
    pub suites: &'a [u16],
    /// ALPN protocols; the extension is omitted if there are none.
    pub alpn: &'a [&'a str],
    /// 32 bytes of random, 32 of session id, 32 of key share. Any bytes are a valid X25519 share.
    pub random: [u8; 96],
}

impl ClientHello<'_> {
    /// Returns the ClientHello as one TLS record.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let plain = self.message(None);
        let handshake = if PADDED_SIZES.contains(&plain.len()) {
            // The header of the extension counts too. Other servers fail on an empty extension at the end.
            let missing = PADDED_SIZES.end() + 1 - plain.len();
            self.message(Some(missing.saturating_sub(4).max(1)))
        } else {
            plain
        };
        let mut record = vec![RECORD_HANDSHAKE];
        // Some servers refuse a first record with a version above TLS 1.0 (RFC 8446 §5.1).
        let outer = if self.version == Version::Ssl3 { Version::Ssl3 } else { Version::Tls10 };
        put(&mut record, outer.number());
        long(&mut record, |record| record.extend(handshake));
        record
    }

    fn message(&self, padding: Option<usize>) -> Vec<u8> {
        let [random, session, share] = self.parts();
        let is_tls13 = self.version == Version::Tls13;
        let mut out = vec![CLIENT_HELLO];
        message(&mut out, |out| {
            put(out, self.version.min(Version::Tls12).number());
            out.extend(random);
            // In TLS 1.3 a session id is for middlebox compatibility (RFC 8446 §D.4). Before, it would
            // request a resumption.
            short(out, |out| out.extend(if is_tls13 { session } else { &[] }));
            long(out, |out| list(out, self.suites.iter().take(MAX_SUITES)));
            short(out, |out| out.push(0));
            long(out, |out| self.extensions(out, share, padding));
        });
        out
    }

    /// Writes the extensions. SSL 3.0 has them too, because a gateway that routes by server name needs SNI.
    fn extensions(&self, out: &mut Vec<u8>, share: &[u8], padding: Option<usize>) {
        let is_tls13 = self.version == Version::Tls13;
        if let Some(name) = self.server_name.and_then(sendable) {
            extension(out, extensions::SERVER_NAME, |out| {
                long(out, |out| {
                    out.push(0);
                    long(out, |out| out.extend(name.as_bytes()));
                });
            });
        }
        if !is_tls13 {
            // RFC 7627, RFC 5746 and RFC 8422. TLS 1.3 uses none of them.
            extension(out, extensions::EXTENDED_MASTER_SECRET, |_| ());
            extension(out, extensions::RENEGOTIATION_INFO, |out| out.push(0));
        }
        let groups = if is_tls13 { &TLS13_GROUPS[..] } else { &EARLY_GROUPS[..] };
        extension(out, extensions::SUPPORTED_GROUPS, |out| long(out, |out| list(out, groups)));
        if !is_tls13 {
            extension(out, extensions::EC_POINT_FORMATS, |out| short(out, |out| out.push(0)));
        }
        if self.protocols().next().is_some() {
            extension(out, extensions::ALPN, |out| {
                long(out, |out| {
                    self.protocols().for_each(|protocol| short(out, |out| out.extend(protocol.as_bytes())));
                });
            });
        }
        if self.version >= Version::Tls12 {
            let more = if is_tls13 { &[][..] } else { &TLS12_SIGNATURES[..] };
            extension(out, extensions::SIGNATURE_ALGORITHMS, |out| {
                long(out, |out| list(out, SIGNATURES.iter().chain(more)));
            });
        }
        if is_tls13 {
            extension(out, extensions::SUPPORTED_VERSIONS, |out| short(out, |out| put(out, Version::Tls13.number())));
            extension(out, extensions::PSK_KEY_EXCHANGE_MODES, |out| short(out, |out| out.push(1)));
            extension(out, extensions::KEY_SHARE, |out| {
                long(out, |out| {
                    put(out, X25519);
                    long(out, |out| out.extend(share));
                });
            });
        }
        if let Some(zeros) = padding {
            extension(out, extensions::PADDING, |out| out.resize(out.len() + zeros, 0));
        }
    }

    fn protocols(&self) -> impl Iterator<Item = &str> {
        let has_room = |protocol: &&str| (1..=usize::from(u8::MAX)).contains(&protocol.len());
        self.alpn.iter().copied().filter(has_room).take(MAX_PROTOCOLS)
    }

    fn parts(&self) -> [&[u8]; 3] {
        let (random, rest) = self.random.split_at(32);
        let (session, share) = rest.split_at(32);
        [random, session, share]
    }
}

fn sendable(name: &str) -> Option<&str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let is_name = (1..=MAX_NAME_BYTES).contains(&name.len()) && address.parse::<IpAddr>().is_err();
    is_name.then_some(name)
}

fn extension(out: &mut Vec<u8>, number: u16, write: impl FnOnce(&mut Vec<u8>)) {
    put(out, number);
    long(out, write);
}

fn list<'a>(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = &'a u16>) {
    for number in numbers {
        put(out, *number);
    }
}

fn put(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_be_bytes());
}
