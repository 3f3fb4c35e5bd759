//! Combines both directions of a connection: how far the handshake got, and which of its messages are in
//! clear.

use std::net::SocketAddr;
use std::sync::Arc;

use super::chains::Chain;
use super::decryption::{self, Decryption, Plain};
use super::hidden::{Early, Hidden, Shown};
use super::shared::Shared;
use crate::evidence::capture::{Alert, Answer, Hello, HelloState, MAX_ALERTS, PacketPlace, ServerName};
use crate::evidence::handshake::{Party, Stage};
use crate::wire::tls::passive::{self, Event, Next};
use crate::wire::tls::{Offer, Version, authorities, groups, hello, suites, version_name};

/// Maximum number of CAs of a CertificateRequest that are listed, and of their characters.
const MAX_AUTHORITIES: usize = 64;
const MAX_AUTHORITIES_TEXT: usize = 8 << 10;
/// `named_curve` of `ECCurveType` (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;
/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;
const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// The position and time of the packet that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) place: PacketPlace,
    /// Nanoseconds since 1970.
    pub(super) time: i64,
}

/// One handshake, as far as it has been seen.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Handshake {
    pub(super) hello: Option<Hello>,
    pub(super) retried: bool,
    pub(super) answer: Option<Answer>,
    version: Option<Version>,
    suite: u16,
    session: Vec<u8>,
    pub(super) alerts: Vec<Alert>,
    /// The side that ended the connection, before the packet that is being read or with it.
    pub(super) ended_by: Option<Party>,
    /// Alerts that are no response to the end of the connection by the other side.
    decisive: Vec<Alert>,
    pub(super) chain: Option<Arc<Chain>>,
    pub(super) certificate_request: Option<Vec<String>>,
    pub(super) client_chain: Option<Arc<Chain>>,
    pub(super) resumed: bool,
    pub(super) stage: Stage,
    /// Violations of the protocol by the server.
    pub(super) malformed: Option<String>,
    decryption: Option<Box<Decryption>>,
    /// A record was decrypted.
    pub(super) is_decrypted: bool,
    hidden: Hidden,
    /// The sender of the current segment had received the ServerHello, or the client's first record after it.
    pub(super) knows_other: bool,
    client: Side,
    server: Side,
}

/// The encrypted records of one side.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    changed: bool,
    /// Encrypted records after the ServerHello.
    records: u32,
    /// Up to TLS 1.2: the Finished, or what only follows it, was seen.
    finished: bool,
    /// Any message or record of TLS.
    spoke: bool,
}

impl Default for Handshake {
    fn default() -> Self {
        Self {
            hello: None,
            retried: false,
            answer: None,
            version: None,
            suite: 0,
            session: Vec::new(),
            alerts: Vec::new(),
            ended_by: None,
            decisive: Vec::new(),
            chain: None,
            certificate_request: None,
            client_chain: None,
            resumed: false,
            stage: Stage::Connect,
            malformed: None,
            decryption: None,
            is_decrypted: false,
            hidden: Hidden::default(),
            knows_other: false,
            client: Side::default(),
            server: Side::default(),
        }
    }
}

impl Handshake {
    /// Adds the next message of a side.
    #[expect(clippy::needless_pass_by_value, reason = "an event is handed on once")]
    pub(super) fn event(&mut self, by: Party, event: Event<'_>, at: Moment, shared: &mut Shared) -> Next {
        if !matches!(event, Event::Broken(_)) {
            self.side(by).spoke = true;
        }
        match event {
            Event::Message { kind, body, length } => {
                self.message(by, kind, body, length, at, shared);
                return self.keeps(by, kind, body, shared);
            }
            Event::ChangeCipherSpec => return self.change(by),
            Event::Alert { level, number } => self.alert(by, level, number, at),
            Event::Encrypted { kind, length, record } => {
                let plain = self.decryption.as_mut().and_then(|keys| keys.open(by, record));
                if let Some(plain) = plain {
                    self.is_decrypted |= !plain.is_empty();
                    if by == Party::Client {
                        self.encrypted(by, kind, length);
                    }
                    for plain in plain {
                        self.decrypted(by, plain, at, shared);
                    }
                } else {
                    self.encrypted(by, kind, length);
                }
            }
            Event::Broken(why) => {
                if by == Party::Server {
                    self.malformed.get_or_insert_with(|| why.to_owned());
                }
            }
        }
        Next::Same
    }

    /// Encrypted records are kept from the ClientHello and the ServerHello on, if there are secrets for them.
    fn keeps(&mut self, by: Party, kind: u8, body: &[u8], shared: &Shared) -> Next {
        match (by, kind) {
            (Party::Client, passive::CLIENT_HELLO) if self.decryption.is_none() => {
                self.decryption = Decryption::of_hello(body, &shared.keys).map(Box::new);
            }
            (Party::Server, passive::SERVER_HELLO) if self.is_tls13() && self.answer.is_some() => {
                let suite = self.suite;
                self.decryption.iter_mut().for_each(|keys| keys.begin(suite));
            }
            _ => return Next::Same,
        }
        if self.decryption.is_some() { Next::Keep } else { Next::Same }
    }

    /// Adds what an encrypted record of TLS 1.3 holds.
    fn decrypted(&mut self, by: Party, plain: Plain, at: Moment, shared: &mut Shared) {
        let (kind, body) = match plain {
            Plain::Message { kind, body } => (kind, body),
            // A side that has finished may leave; a fatal alert behind a ticket is a refusal.
            Plain::Alert { number: CLOSE_NOTIFY | USER_CANCELED, .. } if self.may_leave(by) => return,
            Plain::Alert { level, number } => return self.alert(by, level, number, at),
            Plain::Data => (passive::APPLICATION_DATA, Vec::new()),
        };
        match (by, kind) {
            (Party::Client, passive::CERTIFICATE) => {
                self.client_chain = Some(shared.chains.read_tls13(&body));
            }
            (Party::Client, decryption::FINISHED) => {
                self.hidden.accept(self.client_chain.is_some());
                self.reach(Stage::ClientFlight);
            }
            (Party::Server, passive::CERTIFICATE) if self.chain.is_none() => {
                self.chain = Some(shared.chains.read_tls13(&body));
            }
            (Party::Server, passive::CERTIFICATE_REQUEST) => {
                self.requested(authorities::read_tls13(&body).unwrap_or_default());
            }
            (Party::Server, decryption::ENCRYPTED_EXTENSIONS) => {
                if let (Some(protocol), Some(answer)) = (hello::protocol(&body), &mut self.answer) {
                    answer.alpn = Some(protocol);
                }
            }
            // A ticket may be sent before the client's second flight was read.
            (Party::Server, decryption::NEW_SESSION_TICKET) => self.hidden.ticket(self.knows_other),
            (Party::Server, passive::APPLICATION_DATA) if self.hidden.is_accepted() && self.knows_other => {
                self.reach(Stage::Established);
            }
            _ => {}
        }
    }

    /// Leaves the rest encrypted, where there is no room for decrypted messages.
    pub(super) fn stop_decrypting(&mut self) {
        self.decryption = None;
    }

    /// Returns the number of bytes of decrypted messages in memory.
    pub(super) fn buffered(&self) -> usize {
        self.decryption.as_ref().map_or(0, |keys| keys.buffered())
    }

    /// Adds a ClientHello in the framing of SSL 2.0, without its length.
    pub(super) fn ssl2_hello(&mut self, body: &[u8], length: usize, at: Moment) {
        self.client.spoke = true;
        self.client_hello(Offer::read_ssl2(body, length), at);
    }

    /// Returns whether both sides have finished the handshake.
    pub(super) fn is_complete(&self) -> bool {
        self.stage == Stage::Established
    }

    /// Returns whether a side sent any TLS data.
    pub(super) fn spoke(&self, by: Party) -> bool {
        if by == Party::Client { self.client.spoke } else { self.server.spoke }
    }

    /// Returns whether the client continued as it only does after a response of the server.
    pub(super) fn proves_answer(&self) -> bool {
        self.client_chain.is_some() || self.client.finished || (self.client.changed && self.client.records > 0)
    }

    /// Returns what the encrypted records of TLS 1.3 show when a side has ended the connection, or nobody
    /// has.
    pub(super) fn shown(&self, end: Option<Party>) -> Shown {
        if self.is_tls13() { self.hidden.shown(end) } else { Shown::Nothing }
    }

    /// Returns whether the server responded to the client's second flight of TLS 1.3 with more than an alert.
    pub(super) fn is_answered(&self) -> bool {
        self.hidden.is_answered()
    }

    /// Returns whether the client has sent a record after the ServerHello of TLS 1.3.
    pub(super) fn has_client_record(&self) -> bool {
        self.is_tls13() && self.client.records > 0
    }

    /// Returns whether a close_notify of this side is no refusal.
    fn may_leave(&self, by: Party) -> bool {
        self.hidden.is_accepted() && (by == Party::Client || self.hidden.is_answered())
    }

    fn side(&mut self, by: Party) -> &mut Side {
        if by == Party::Client { &mut self.client } else { &mut self.server }
    }

    fn is_tls13(&self) -> bool {
        self.version == Some(Version::Tls13)
    }

    fn reach(&mut self, stage: Stage) {
        self.stage = self.stage.max(stage);
    }

    fn message(&mut self, by: Party, kind: u8, body: &[u8], length: usize, at: Moment, shared: &mut Shared) {
        // TLS 1.3 encrypts what follows the ServerHello.
        if !matches!(kind, passive::CLIENT_HELLO | passive::SERVER_HELLO) && self.hello.is_some() {
            self.version.get_or_insert(Version::Tls12);
        }
        match (by, kind) {
            (Party::Client, passive::CLIENT_HELLO) => self.client_hello(Offer::read(body, length), at),
            (Party::Client, passive::CERTIFICATE) => {
                self.client_chain = Some(shared.chains.read(body, length));
                self.reach(Stage::ClientFlight);
            }
            (Party::Client, passive::CLIENT_KEY_EXCHANGE | passive::CERTIFICATE_VERIFY) => {
                self.reach(Stage::ClientFlight);
            }
            (Party::Client, _) => {}
            (_, passive::SERVER_HELLO) => self.server_hello(body, length, at),
            (_, passive::CERTIFICATE) if self.chain.is_none() => self.chain = Some(shared.chains.read(body, length)),
            (_, passive::SERVER_KEY_EXCHANGE) => {
                if let [NAMED_CURVE, high, low, ..] = *body
                    && suites::names_its_curve(self.suite)
                    && let Some(answer) = &mut self.answer
                {
                    answer.group = Some(groups::label(u16::from_be_bytes([high, low])));
                }
            }
            (_, passive::CERTIFICATE_REQUEST) => {
                let version = self.version.unwrap_or(Version::Tls12);
                self.requested(authorities::read(body, version).unwrap_or_default());
            }
            _ => {}
        }
    }

    /// The server requested a client certificate of these CAs.
    fn requested(&mut self, names: Vec<String>) {
        let mut room = MAX_AUTHORITIES_TEXT;
        let fits = |name: &String| {
            let fits = name.len() <= room;
            room = room.saturating_sub(name.len());
            fits
        };
        self.certificate_request = Some(names.into_iter().take(MAX_AUTHORITIES).take_while(fits).collect());
    }

    fn client_hello(&mut self, offer: Offer<'_>, at: Moment) {
        self.reach(Stage::ClientHello);
        // The first complete one counts: a later one answers a HelloRetryRequest, or is a retry of a library.
        if self.hello.as_ref().is_some_and(|known| known.state == HelloState::Whole || offer.cut.is_some()) {
            return;
        }
        let (versions, suites, groups) = (offer.versions(), offer.suites(), offer.groups());
        let resumption = offer.resumption();
        let state = match (offer.malformed, offer.cut) {
            (Some(what), _) => HelloState::Malformed(what),
            (None, Some((read, length))) => HelloState::Cut {
                read: u32::try_from(read).unwrap_or(u32::MAX),
                length: u32::try_from(length).unwrap_or(u32::MAX),
            },
            (None, None) => HelloState::Whole,
        };
        self.hello = Some(Hello {
            packet: at.place,
            at: timestamp(at.time),
            ssl2: offer.ssl2,
            state,
            server_name: offer.server_name.unwrap_or(ServerName::Unknown),
            encrypted_client_hello: offer.encrypted,
            versions,
            suites,
            groups,
            alpn: offer.alpn,
            resumption,
            early_data: offer.early_data,
        });
    }

    fn server_hello(&mut self, body: &[u8], length: usize, at: Moment) {
        let hello = match hello::read(body) {
            // The capture cut it, which is no fault of the server. Without its extensions it would look like
            // one of TLS 1.2.
            _ if body.len() < length => return,
            Ok(hello) => hello,
            Err(why) => {
                self.malformed.get_or_insert(why.to_string());
                return;
            }
        };
        if hello.retry {
            self.retried = true;
            self.version = Some(hello.version);
            return;
        }
        if self.answer.is_some() {
            return;
        }
        self.reach(Stage::ServerFlight);
        self.version = Some(hello.version);
        self.suite = hello.suite;
        let offer = self.hello.as_ref();
        let offers_early_data = offer.is_some_and(|offer| offer.early_data);
        let is_whole = offer.is_some_and(|offer| offer.state == HelloState::Whole);
        let early = match hello.resumes {
            // A HelloRetryRequest ends early data.
            _ if self.retried => Early::NotOffered,
            _ if !offers_early_data && is_whole => Early::NotOffered,
            false if offers_early_data => Early::Refused,
            true if offers_early_data => Early::Offered,
            true => Early::Unknown,
            false => Early::UnknownRefused,
        };
        self.hidden.begin(hello.suite, early);
        self.answer = Some(Answer {
            packet: at.place,
            at: timestamp(at.time),
            version: version_name(hello.version.number()),
            suite: suites::label(hello.suite),
            group: hello.group.map(groups::label),
            alpn: hello.alpn,
        });
        self.session = hello.session;
    }

    fn change(&mut self, by: Party) -> Next {
        // In TLS 1.3 it means nothing (RFC 8446 §D.4), and a ClientHello in clear may follow that of a
        // HelloRetryRequest.
        if self.is_tls13() || self.retried {
            return Next::Same;
        }
        if by == Party::Client && self.answer.is_none() && self.chain.is_none() && self.client_chain.is_none() {
            // Without the server's packets the version is unknown here; the following bytes show it.
            self.client.changed = true;
            return Next::Encrypted;
        }
        if by == Party::Server && !self.client.changed && self.chain.is_none() && self.answer.is_some() {
            self.resumed = true;
        }
        self.side(by).changed = true;
        if by == Party::Client {
            self.reach(Stage::ClientFlight);
        }
        Next::Encrypted
    }

    fn alert(&mut self, by: Party, level: u8, number: u8, at: Moment) {
        if self.is_complete() || self.alerts.len() >= MAX_ALERTS {
            return;
        }
        let alert = Alert { packet: at.place, by, stage: self.stage, level, number };
        self.alerts.push(alert);
        if self.ended_by.is_none_or(|ended| ended == by) {
            self.decisive.push(alert);
        }
    }

    fn encrypted(&mut self, by: Party, kind: u8, length: usize) {
        // A ClientHello that is cut may announce them too.
        let is_early = self.hello.as_ref().is_some_and(|hello| hello.early_data || hello.state != HelloState::Whole);
        if by == Party::Client && self.answer.is_none() && (is_early || !self.client.changed) {
            // Early data, or a connection whose beginning is not in the capture.
            return;
        }
        if kind == passive::HANDSHAKE {
            self.version.get_or_insert(Version::Tls12);
        }
        let is_known = self.version.is_some();
        let side = self.side(by);
        side.records = side.records.saturating_add(1);
        // Up to TLS 1.2 data follow the Finished, even if that is in a gap. TLS 1.3 encrypts everything as
        // data, so without the ServerHello these show nothing.
        side.finished |= kind == passive::HANDSHAKE || kind == passive::APPLICATION_DATA && is_known;
        if self.is_tls13() {
            if kind == passive::APPLICATION_DATA {
                self.hidden_record(by, length);
            }
            return;
        }
        if self.client.finished && self.server.finished {
            self.reach(Stage::Established);
        }
    }

    fn hidden_record(&mut self, by: Party, length: usize) {
        match by {
            Party::Client => self.hidden.client(length, self.knows_other),
            _ => self.hidden.server(length, self.knows_other),
        }
        if self.hidden.is_accepted() {
            self.reach(Stage::ClientFlight);
        }
        if self.hidden.is_proved() {
            self.reach(Stage::Established);
        }
    }

    /// Returns the first alert that ends the handshake, otherwise the last warning. The side that closes
    /// first has ended it: an alert of the other one after that is a response.
    pub(super) fn ending_alert(&self) -> Option<Alert> {
        let fatal = self.decisive.iter().find(|alert| alert.level != WARNING);
        fatal.or(self.decisive.last()).copied()
    }

    /// Returns a warning of the server before the alert that ended the handshake.
    pub(super) fn warning(&self) -> Option<u8> {
        let ending = self.ending_alert()?;
        let warning = self.alerts.iter().find(|alert| alert.by == Party::Server && alert.level == WARNING)?;
        (warning.packet != ending.packet || warning.number != ending.number).then_some(warning.number)
    }
}

/// Converts a time of a capture to a time of evidence; a time out of range becomes the last one.
pub(super) fn timestamp(nanoseconds: i64) -> jiff::Timestamp {
    // Every value of 64 bits is in range, and they are divided in one step, unlike those of 128.
    let fraction = i32::try_from(nanoseconds % SECOND).unwrap_or_default();
    jiff::Timestamp::new(nanoseconds / SECOND, fraction).unwrap_or(jiff::Timestamp::MAX)
}

/// Two sockets of a connection, the client's first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
}
