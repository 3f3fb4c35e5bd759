//! What the lengths of encrypted records show of a TLS 1.3 handshake whose secrets are not known.
//!
//! Nothing but its length tells a Finished, a session ticket and an alert apart, and padding can hide that
//! too. Two facts do not depend on padding: nothing follows a fatal alert of the same side, and a server that
//! requested no client certificate has nothing to refuse after the client's Finished. What neither shows is
//! undecided.

use crate::evidence::handshake::Party;

/// Length of the content type behind the content (RFC 8446 §5.2).
const TYPE_BYTES: usize = 1;
/// Length of an alert, and of the message that ends early data.
const ALERT_BYTES: usize = 2;
const END_OF_EARLY_DATA_BYTES: usize = 4;
/// JSSE adds so many bytes to each record; Mbed TLS fills records up to a multiple of it.
const PADDING: usize = 16;
/// Maximum length of a record that is taken for an alert. A longer one is the client's certificate.
const MAX_ALERT: usize = 1024;
/// Number of bytes, and of records, of the server after which they are more than session tickets.
const MAX_TICKET_BYTES: usize = 4096;
const MAX_TICKETS: u32 = 4;

/// The encrypted records of both sides since the ServerHello.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Hidden {
    lengths: Lengths,
    early: Early,
    /// Records of the client, and the length of the last.
    client_records: u32,
    client_last: usize,
    /// How the client pads its records, if one of them has the length of a Finished.
    client_padding: Option<Padding>,
    /// The client's records hold its second flight, so that it accepted the server's.
    is_accepted: bool,
    /// The second flight does not begin with the Finished: the client was asked for a certificate.
    has_certificate: bool,
    /// Records of the server in response to the second flight that have not the length of an alert.
    answers: u32,
    answer_bytes: usize,
    first_answer: usize,
    /// They differ in length, so that they are more than tickets; and did so before the last of them.
    is_varied: bool,
    was_varied: bool,
    /// Length of the server's last record in response to a record of the client.
    server_last: usize,
    /// The client had sent a record of the length of an alert before that: both close.
    was_left: bool,
    /// The client sent more after an answer, and the server answered that.
    has_continued: bool,
    is_answered_again: bool,
    /// One of the answers was decrypted: it is no alert.
    is_known: bool,
}

/// Early data, which the client sends before it knows the server's Finished.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Early {
    #[default]
    NotOffered,
    /// The server may accept them: then a message of its own ends them.
    Offered,
    /// The server did not resume the session, so that it accepts none.
    Refused,
    /// The ClientHello is cut or malformed, so that it is not known whether it announces them. The server
    /// resumed the session, and may accept them.
    Unknown,
    /// The same, and the server accepts none: the client stops when it knows the ServerHello.
    UnknownRefused,
}

/// Lengths of records of a suite.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths {
    /// Of the hash in a Finished.
    hash: usize,
    /// Of the authentication tag.
    tag: usize,
}

/// How a library pads its records: all of them alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Padding {
    None,
    /// [`PADDING`] more bytes.
    Added,
    /// Up to a multiple of [`PADDING`].
    Filled,
}

/// What the records of a connection show at its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    /// No more than the stage of the handshake.
    Nothing,
    Completed,
    /// The last record of this side may be an alert, of this length.
    Alert(Party, usize),
    /// The handshake may have completed, or not.
    Undecided,
}

impl Hidden {
    /// The server chose this suite.
    pub(super) fn begin(&mut self, suite: u16, early: Early) {
        let hash = if suite == 0x1302 { 48 } else { 32 };
        let tag = if suite == 0x1305 { 8 } else { 16 };
        *self = Self { lengths: Lengths { hash, tag }, early, ..Self::default() };
    }

    /// Adds a record of the client. `knows` is true if the client had received the ServerHello.
    pub(super) fn client(&mut self, length: usize, knows: bool) {
        let lengths = self.lengths;
        let is_alert = self.is_alert_of_client(length);
        if self.early == Early::UnknownRefused && !knows {
            return;
        }
        if !self.is_accepted {
            let is_finished = lengths.is_finished(length);
            self.is_accepted = match self.early {
                // Nothing follows an alert.
                Early::NotOffered | Early::UnknownRefused => {
                    is_finished || self.client_records > 0 && !lengths.is_alert(self.client_last)
                }
                Early::Offered => is_finished && lengths.ends_early_data(self.client_last),
                Early::Refused | Early::Unknown => is_finished && knows,
            };
            self.has_certificate = self.early.are_none_mixed_in() && (self.client_records > 0 || !is_finished);
        } else if self.answers > 0 && !is_alert {
            self.has_continued = true;
        }
        if self.is_accepted && self.answers == 0 {
            self.client_padding = self.client_padding.or_else(|| lengths.padding_of_finished(length));
        }
        self.client_records = self.client_records.saturating_add(1);
        self.client_last = length;
    }

    /// Adds a record of the server. `knows` is true if the server had received the client's first record.
    pub(super) fn server(&mut self, length: usize, knows: bool) {
        if self.client_records == 0 || !knows {
            return;
        }
        if !self.is_accepted && !self.early.are_none_mixed_in() {
            return;
        }
        let is_alert = self.lengths.is_alert(length);
        self.server_last = length;
        self.was_left = self.is_alert_of_client(self.client_last);
        // A server that received an alert sends no more than one of its own.
        self.is_accepted |= !is_alert && !self.was_left;
        if !self.is_accepted || is_alert {
            return;
        }
        self.was_varied = self.is_varied;
        self.is_varied |= self.answers > 0 && self.first_answer != length;
        if self.answers == 0 {
            self.first_answer = length;
        }
        self.answers = self.answers.saturating_add(1);
        self.answer_bytes = self.answer_bytes.saturating_add(length);
        self.is_answered_again |= self.has_continued;
    }

    /// The client's Finished was decrypted.
    pub(super) fn accept(&mut self, has_certificate: bool) {
        self.is_accepted = true;
        self.has_certificate = has_certificate;
    }

    /// A session ticket of the server was decrypted.
    pub(super) fn ticket(&mut self, knows: bool) {
        if self.is_accepted && knows {
            self.answers = self.answers.saturating_add(1);
            self.is_known = true;
        }
    }

    /// Returns whether the client sent its second flight.
    pub(super) fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    /// Returns whether the server responded to the second flight with more than an alert.
    pub(super) fn is_answered(&self) -> bool {
        self.answers > 0
    }

    /// Returns whether the server accepted the second flight, whatever follows.
    pub(super) fn is_proved(&self) -> bool {
        self.is_answered_again || self.answers > MAX_TICKETS || self.answer_bytes > MAX_TICKET_BYTES
    }

    /// Returns what the records show when the connection has been ended by a side, or the capture ends.
    pub(super) fn shown(&self, end: Option<Party>) -> Shown {
        match self.guessed(end) {
            // The record may be early data.
            Shown::Alert(..) if self.early == Early::Unknown => Shown::Undecided,
            shown => shown,
        }
    }

    fn guessed(&self, end: Option<Party>) -> Shown {
        let has_alert = self.lengths.is_alert(self.server_last) && end.is_some();
        if !self.is_accepted {
            return match end {
                Some(_) if !self.early.are_none_mixed_in() && self.client_records > 0 => Shown::Undecided,
                // The client's second flight is one record.
                _ if has_alert && !self.was_left => Shown::Alert(Party::Server, self.server_last),
                Some(Party::Client) if self.client_records > 0 && self.client_last <= MAX_ALERT => {
                    Shown::Alert(Party::Client, self.client_last)
                }
                _ => Shown::Nothing,
            };
        }
        // A server that resumes a session requests no certificate (RFC 8446 §4.3.2).
        let may_refuse = self.has_certificate || matches!(self.early, Early::Refused | Early::Unknown);
        let has_left = self.client_records > 1 && self.is_alert_of_client(self.client_last);
        // A short request may have the length of an alert: a server that closes without an answer may refuse.
        let is_refusal = may_refuse && self.answers == 0 && end == Some(Party::Server);
        let may_be_alert = has_alert && (is_refusal || !self.was_left);
        // A padded alert can only be the last record.
        let may_be_padded = end == Some(Party::Server) && !may_be_alert && self.server_last <= MAX_ALERT;
        match (self.answers, end) {
            (0, _) if may_be_alert => Shown::Alert(Party::Server, self.server_last),
            // A client that leaves after its Finished has what it wanted.
            (0, Some(Party::Client)) => Shown::Completed,
            (0, Some(_)) if has_left => {
                if may_refuse {
                    Shown::Undecided
                } else {
                    Shown::Completed
                }
            }
            (0, _) => Shown::Nothing,
            // There was nothing to refuse, or data followed the tickets.
            _ if !may_refuse || self.is_known || self.has_continued && !may_be_alert => Shown::Completed,
            _ if self.was_varied || self.is_varied && !may_be_padded => Shown::Completed,
            _ if self.is_varied => Shown::Undecided,
            _ if may_be_alert => Shown::Alert(Party::Server, self.server_last),
            (1, Some(Party::Client)) if !has_left => Shown::Undecided,
            (1, _) if may_be_padded => Shown::Alert(Party::Server, self.server_last),
            _ => Shown::Completed,
        }
    }

    /// Returns whether a record of the client has the length of an alert, with the client's padding if that
    /// is known: the request `GET / HTTP/1.0` is as long as an alert of JSSE.
    fn is_alert_of_client(&self, length: usize) -> bool {
        match self.client_padding {
            Some(padding) => self.lengths.of(ALERT_BYTES, padding) == length,
            None => self.lengths.is_alert(length),
        }
    }
}

impl Early {
    /// Returns whether no record that is counted is early data.
    fn are_none_mixed_in(self) -> bool {
        matches!(self, Self::NotOffered | Self::UnknownRefused)
    }
}

impl Lengths {
    fn is_alert(self, length: usize) -> bool {
        self.padding(ALERT_BYTES, length).is_some()
    }

    fn is_finished(self, length: usize) -> bool {
        self.padding_of_finished(length).is_some()
    }

    fn padding_of_finished(self, length: usize) -> Option<Padding> {
        const HEADER_BYTES: usize = 4;
        self.padding(HEADER_BYTES + self.hash, length)
    }

    fn ends_early_data(self, length: usize) -> bool {
        self.padding(END_OF_EARLY_DATA_BYTES, length).is_some()
    }

    /// Returns how a record of this length is padded if it holds so many bytes and a library has made it.
    fn padding(self, content: usize, length: usize) -> Option<Padding> {
        [Padding::None, Padding::Added, Padding::Filled]
            .into_iter()
            .find(|&padding| self.of(content, padding) == length)
    }

    /// Returns the length of a record that holds so many bytes.
    fn of(self, content: usize, padding: Padding) -> usize {
        let inner = content + TYPE_BYTES;
        let padded = match padding {
            Padding::None => inner,
            Padding::Added => inner + PADDING,
            Padding::Filled => inner.next_multiple_of(PADDING),
        };
        padded + self.tag
    }
}
