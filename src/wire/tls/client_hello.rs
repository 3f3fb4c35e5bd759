//! The ClientHello that is sent where OpenSSL would not: with versions, suites and names of the caller's choice.
//!
//! It looks like that of common clients wherever the question leaves a choice, because servers and the boxes before
//! them are tested with those.

use std::net::IpAddr;

use super::Version;
use super::extensions;
use super::fields::{long, message, short};

/// More suites than exist; what is beyond is not sent.
pub(super) const MAX_SUITES: usize = 1024;
/// Protocols of ALPN; what is beyond is not sent. With the limits of names, a ClientHello stays below one record's
/// 16384 bytes.
const MAX_PROTOCOLS: usize = 32;
/// The longest DNS name (RFC 1035 §2.3.4); what is longer is none, and is not sent.
const MAX_NAME_BYTES: usize = 253;

/// Handshake messages of these sizes make old F5 load balancers wait for ever: RFC 7685, which has the remedy.
const PADDED_SIZES: std::ops::RangeInclusive<usize> = 256..=511;

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const X25519: u16 = 29;

/// Groups offered up to TLS 1.2: every curve a server may still use. None of finite fields: a server that knows RFC 7919
/// would then refuse DHE with a group of its own (§4).
const EARLY_GROUPS: [u16; 12] = [X25519, 23, 24, 25, 30, 26, 27, 28, 22, 21, 14, 9];
const TLS13_GROUPS: [u16; 5] = [X25519, 23, 24, 25, 256];

/// ECDSA, `EdDSA`, RSA-PSS and RSA; with SHA-1 at the end, for certificates that were never renewed.
const SIGNATURES: [u16; 17] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601,
    0x0303, 0x0203, 0x0201,
];
/// What TLS 1.3 has no place for: RSA with SHA-224, and DSA.
const TLS12_SIGNATURES: [u16; 6] = [0x0301, 0x0402, 0x0502, 0x0602, 0x0302, 0x0202];

/// What a ClientHello asks for.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// The only version that is offered, or with versions before TLS 1.3 the highest.
    pub version: Version,
    /// A DNS name, with or without a trailing dot. An IP address, an empty name and what is too long for a name are not
    /// sent (RFC 6066 §3).
    pub server_name: Option<&'a str>,
    /// In the client's order.
    pub suites: &'a [u16],
    /// Protocols of ALPN; no extension where there are none.
    pub alpn: &'a [&'a str],
    /// 32 bytes of random, 32 of session id, 32 of key share: any bytes are a share of X25519.
    pub random: [u8; 96],
}

impl ClientHello<'_> {
    /// One TLS record, ready to be sent.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let plain = self.message(None);
        let handshake = if PADDED_SIZES.contains(&plain.len()) {
            // The extension's own header counts, and an empty one at the end is what others stumble over.
            let missing = PADDED_SIZES.end() + 1 - plain.len();
            self.message(Some(missing.saturating_sub(4).max(1)))
        } else {
            plain
        };
        let mut record = vec![RECORD_HANDSHAKE];
        // Some servers refuse a first record above TLS 1.0 (RFC 8446 §5.1).
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
            // TLS 1.3 looks like a resumption to boxes on the way (RFC 8446 §D.4); before it, an id would be one.
            short(out, |out| out.extend(if is_tls13 { session } else { &[] }));
            long(out, |out| list(out, self.suites.iter().take(MAX_SUITES)));
            short(out, |out| out.push(0));
            long(out, |out| self.extensions(out, share, padding));
        });
        out
    }

    /// SSL 3.0 has extensions too: a gateway that routes by server name has nothing to go by without.
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
            // RFC 7627, RFC 5746 and RFC 8422; TLS 1.3 has a place for none of them.
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
                long(out, |out| list(out, SIGNATURES.iter().chain(more)))
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
