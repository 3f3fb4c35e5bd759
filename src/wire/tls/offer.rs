//! Reads the ClientHello of any client: what it offers, and which parts of it are known.
//!
//! Of a ClientHello that is cut or inconsistent, the part before the fault is still read; what was not
//! reached is unknown and never "absent". That is the difference between "sent no server_name" and
//! "server_name was not captured".

use std::borrow::Cow;
use std::net::IpAddr;

use super::extensions::{
    ALPN, EARLY_DATA, ENCRYPTED_CLIENT_HELLO, ENCRYPTED_SERVER_NAME, PRE_SHARED_KEY, SERVER_NAME, SESSION_TICKET,
    SUPPORTED_GROUPS, SUPPORTED_VERSIONS,
};
use super::fields::Fields;
use super::{Version, groups, suites};
use crate::evidence::capture::{Resumption, ServerName};

/// Maximum length of a server_name, in bytes. DNS allows 253; a longer one is not a hostname (RFC 1035
/// §2.3.4).
const MAX_NAME_BYTES: usize = 255;
/// Maximum number of suites, groups, versions and protocols that are listed.
const MAX_LISTED: usize = 256;
/// Length of a random, and maximum length of a session id, in bytes (RFC 8446 §4.1.2).
const RANDOM_BYTES: usize = 32;
const MAX_SESSION_ID_BYTES: u8 = 32;

/// Drafts of TLS 1.3, and experimental versions of Google and Facebook.
const TLS13_DRAFTS: [std::ops::RangeInclusive<u16>; 3] = [0x7E01..=0x7E0F, 0x7F00..=0x7FFF, 0xFB00..=0xFBFF];

/// What a ClientHello offers.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Offer<'a> {
    /// It has the framing of SSL 2.0.
    pub ssl2: bool,
    /// Number of bytes present and expected; absent if it is complete.
    pub cut: Option<(usize, usize)>,
    /// Violations of the protocol.
    pub malformed: Option<String>,
    pub server_name: Option<ServerName>,
    /// It has the extension `encrypted_client_hello`.
    pub encrypted: bool,
    encrypted_name: bool,
    /// Lists of numbers as they were sent.
    versions: &'a [u8],
    suites: &'a [u8],
    groups: &'a [u8],
    pub alpn: Vec<String>,
    pub early_data: bool,
    legacy_version: Option<u16>,
    has_session: bool,
    has_ticket: bool,
    has_psk: bool,
}

/// Where reading stopped.
enum Stop {
    /// The bytes end before this.
    Short(&'static str),
    Fault(String),
}

impl<'a> Offer<'a> {
    /// Reads the body of a ClientHello of which there are `body.len()` of `length` bytes.
    #[must_use]
    pub fn read(body: &'a [u8], length: usize) -> Self {
        let mut offer = Self::default();
        let result = offer.parse(body, length);
        offer.conclude(result, body.len(), length);
        offer
    }

    /// Reads a ClientHello in the framing of SSL 2.0 (RFC 5246 §E.2), without its two bytes of length.
    #[must_use]
    pub fn read_ssl2(body: &'a [u8], length: usize) -> Self {
        let mut offer = Self { ssl2: true, ..Self::default() };
        let result = offer.parse_ssl2(body, length);
        offer.conclude(result, body.len(), length);
        // This framing has no extensions.
        offer.server_name = Some(ServerName::None);
        offer
    }

    /// Returns the versions offered, the highest first, without GREASE. Empty if they are not known.
    #[must_use]
    pub fn versions(&self) -> Vec<Cow<'static, str>> {
        let mut versions: Vec<u16> = numbers(self.versions).collect();
        if versions.is_empty()
            && let Some(legacy) = self.legacy_version
            && (self.cut.is_none() && self.malformed.is_none() || legacy < Version::Tls12.number())
        {
            versions.push(legacy);
        }
        for version in &mut versions {
            if TLS13_DRAFTS.iter().any(|drafts| drafts.contains(version)) {
                *version = Version::Tls13.number();
            }
        }
        versions.sort_unstable_by(|one, other| other.cmp(one));
        versions.dedup();
        versions.into_iter().map(version_name).collect()
    }

    #[must_use]
    pub fn suites(&self) -> Vec<Cow<'static, str>> {
        // In SSL 2.0 a suite has three bytes: those of its own, and those of TLS behind a zero.
        if self.ssl2 {
            let specs = self.suites.as_chunks::<3>().0.iter();
            let suites = specs.filter(|spec| spec[0] == 0).map(|spec| u16::from_be_bytes([spec[1], spec[2]]));
            return suites.take(MAX_LISTED).map(suites::label).collect();
        }
        labels(self.suites, suites::label)
    }

    #[must_use]
    pub fn groups(&self) -> Vec<Cow<'static, str>> {
        labels(self.groups, groups::label)
    }

    /// Returns how it offers to resume a session.
    #[must_use]
    pub fn resumption(&self) -> Resumption {
        let is_tls13 = numbers(self.versions).next().is_some();
        match () {
            () if self.has_psk => Resumption::PreSharedKey,
            () if self.has_ticket => Resumption::Ticket,
            // In TLS 1.3 the session id is filled for compatibility with middleboxes (RFC 8446 §D.4).
            () if self.has_session && !is_tls13 => Resumption::SessionId,
            () => Resumption::None,
        }
    }

    fn conclude(&mut self, result: Result<(), Stop>, have: usize, length: usize) {
        let is_cut = have < length;
        match result {
            Err(Stop::Fault(what)) => self.malformed = Some(what),
            Err(Stop::Short(what)) if !is_cut => self.malformed = Some(format!("it ends within {what}")),
            Err(Stop::Short(_)) | Ok(()) if is_cut => self.cut = Some((have, length)),
            Err(Stop::Short(_)) | Ok(()) => {}
        }
        if self.server_name.is_none() {
            let is_whole = self.cut.is_none() && self.malformed.is_none();
            self.server_name = Some(match () {
                () if self.encrypted_name => ServerName::Encrypted,
                () if is_whole => ServerName::None,
                () => ServerName::Unknown,
            });
        }
    }

    fn parse(&mut self, body: &'a [u8], length: usize) -> Result<(), Stop> {
        let mut fields = Fields(body);
        self.legacy_version = Some(fields.u16().ok_or(Stop::Short("the version"))?);
        fields.bytes(RANDOM_BYTES).ok_or(Stop::Short("the random"))?;
        let session = fields.u8().ok_or(Stop::Short("the session id"))?;
        if session > MAX_SESSION_ID_BYTES {
            return Err(Stop::Fault(format!("a session id of {session} bytes")));
        }
        self.has_session = session > 0;
        fields.bytes(usize::from(session)).ok_or(Stop::Short("the session id"))?;
        let size = usize::from(fields.u16().ok_or(Stop::Short("the cipher suites"))?);
        if size % 2 == 1 || size > length {
            return Err(Stop::Fault(format!("cipher suites of {size} bytes")));
        }
        let available = fields.0.get(..size).unwrap_or(fields.0);
        self.suites = available;
        fields.bytes(size).ok_or(Stop::Short("the cipher suites"))?;
        fields.short().ok_or(Stop::Short("the compression methods"))?;
        if body.len() - fields.0.len() == length {
            return Ok(());
        }
        let size = usize::from(fields.u16().ok_or(Stop::Short("the extensions"))?);
        let position = body.len() - fields.0.len();
        if position + size != length {
            let left = length.saturating_sub(position);
            return Err(Stop::Fault(format!("extensions of {size} bytes where {left} are left")));
        }
        let mut left = size;
        while left > 0 {
            let number = fields.u16().ok_or(Stop::Short("an extension"))?;
            let size = usize::from(fields.u16().ok_or(Stop::Short("an extension"))?);
            left = left
                .checked_sub(4 + size)
                .ok_or_else(|| Stop::Fault(format!("extension {number} of {size} bytes leaves the ClientHello")))?;
            self.encrypted |= number == ENCRYPTED_CLIENT_HELLO;
            self.encrypted_name |= number == ENCRYPTED_SERVER_NAME;
            self.has_psk |= number == PRE_SHARED_KEY;
            self.early_data |= number == EARLY_DATA;
            self.has_ticket |= number == SESSION_TICKET && size > 0;
            let content = fields.bytes(size).ok_or(Stop::Short("an extension"))?;
            if number == SERVER_NAME
                && let Some(length) = host_name(content).map(<[u8]>::len).filter(|length| *length > MAX_NAME_BYTES)
            {
                let fault = format!("a server name of {length} bytes; names have at most {MAX_NAME_BYTES}");
                return Err(Stop::Fault(fault));
            }
            self.extension(number, content)
                .ok_or_else(|| Stop::Fault(format!("extension {number} breaks its form")))?;
        }
        Ok(())
    }

    fn extension(&mut self, number: u16, content: &'a [u8]) -> Option<()> {
        let mut fields = Fields(content);
        match number {
            SERVER_NAME if self.server_name.is_none() => self.server_name = Some(server_name(content)?),
            SERVER_NAME => return None,
            SUPPORTED_GROUPS => self.groups = fields.long()?,
            SUPPORTED_VERSIONS => self.versions = fields.short()?,
            ALPN => {
                let mut list = Fields(fields.long()?);
                while !list.is_empty() {
                    let protocol = list.short()?;
                    let is_grease = protocol.as_array().is_some_and(|two| is_grease(u16::from_be_bytes(*two)));
                    if !is_grease && self.alpn.len() < MAX_LISTED {
                        self.alpn.push(String::from_utf8_lossy(protocol).into_owned());
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    fn parse_ssl2(&mut self, body: &'a [u8], length: usize) -> Result<(), Stop> {
        let mut fields = Fields(body);
        fields.u8().ok_or(Stop::Short("the message type"))?;
        self.legacy_version = Some(fields.u16().ok_or(Stop::Short("the version"))?);
        let mut size = || fields.u16().map(usize::from).ok_or(Stop::Short("the lengths"));
        let (specs, session, challenge) = (size()?, size()?, size()?);
        if specs % 3 != 0 || 9 + specs + session + challenge != length {
            return Err(Stop::Fault("lengths that contradict each other".to_owned()));
        }
        self.suites = fields.0.get(..specs).unwrap_or(fields.0);
        self.has_session = session > 0;
        Ok(())
    }
}

/// Returns the name of a TLS version by its number; an unknown number as `0x0305`.
#[must_use]
pub fn version_name(number: u16) -> Cow<'static, str> {
    match Version::from_number(number) {
        Some(version) => Cow::Borrowed(version.name()),
        None if number == 2 => Cow::Borrowed("SSLv2"),
        None => Cow::Owned(format!("0x{number:04X}")),
    }
}

/// Returns whether a number is reserved for GREASE (RFC 8701).
fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0F == 0x0A
}

/// Returns the numbers of a list without GREASE.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let pairs = bytes.as_chunks::<2>().0.iter();
    pairs.map(|pair| u16::from_be_bytes(*pair)).filter(|&number| !is_grease(number)).take(MAX_LISTED)
}

/// Returns the names of a list of numbers.
fn labels(bytes: &[u8], label: impl Fn(u16) -> Cow<'static, str>) -> Vec<Cow<'static, str>> {
    // A captured ClientHello is one of thousands: one allocation for each list.
    let mut labels = Vec::with_capacity(bytes.len().min(2 * MAX_LISTED) / 2);
    labels.extend(numbers(bytes).map(label));
    labels
}

/// Returns the first host name of the extension (RFC 6066 §3).
fn server_name(content: &[u8]) -> Option<ServerName> {
    let name = host_name(content).filter(|name| !name.is_empty() && name.len() <= MAX_NAME_BYTES)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    Some(if is_address { ServerName::Address(name) } else { ServerName::Sent(name) })
}

/// Returns the bytes of the first host name, of any length.
fn host_name(content: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields(content);
    let mut list = Fields(fields.long()?);
    if !fields.is_empty() || list.u8()? != 0 {
        return None;
    }
    list.long()
}

/// Fuzz entry point: reads any bytes as a ClientHello, whole and cut at several lengths.
///
/// # Panics
/// If the name of a cut ClientHello differs from that of the whole one, or if an incomplete ClientHello has
/// "no" name.
pub fn fuzz_client_hello(bytes: &[u8]) {
    let whole = Offer::read(bytes, bytes.len());
    let _ = (whole.versions(), whole.suites(), whole.groups(), whole.resumption());
    for end in (0..bytes.len()).step_by(bytes.len().div_ceil(64).max(1)) {
        let cut = Offer::read(bytes.get(..end).unwrap_or_default(), bytes.len());
        assert!(cut.server_name != Some(ServerName::None), "a cut ClientHello cannot show that there is no name");
        if let Some(ServerName::Sent(name)) = &cut.server_name {
            let same = matches!(&whole.server_name, Some(ServerName::Sent(other)) if other == name);
            assert!(same, "the name must not depend on where the ClientHello is cut");
        }
    }
    let _ = Offer::read_ssl2(bytes, bytes.len());
}
