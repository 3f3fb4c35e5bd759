//! What each side of a connection knew of the other when it sent a segment, by its acknowledgements.

/// Time in nanoseconds after which an acknowledgement has not crossed the data on their way.
const CROSSING: i64 = 1_000_000_000;
/// Time in nanoseconds for which a client has to wait before no response is proved.
const PATIENCE: i64 = 3_000_000_000;

/// The sequence numbers behind segments that decide.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// Of the ClientHello, if it is whole.
    hello: Option<u32>,
    /// Of the ServerHello.
    answer: Option<u32>,
    /// Of the client's first encrypted record after it.
    flight: Option<u32>,
    /// Of all that the client sent, and the time of its last new byte.
    sent: Option<u32>,
    sent_at: i64,
    /// The highest number that the server acknowledged, other than by its RST.
    by_server: Option<u32>,
    /// The server acknowledged something long after the client's last new byte.
    is_late: bool,
    /// What the segment with which the server ended the connection acknowledged.
    by_end: Option<u32>,
    /// What the server's SYN/ACK acknowledged, and its time.
    accepted: Option<(u32, i64)>,
    /// By its FIN the server received nothing of the client, and the client nothing after its ClientHello.
    pub(super) has_no_request: bool,
    pub(super) has_no_answer: bool,
}

impl Acknowledged {
    /// A ClientHello that ends here was read.
    pub(super) fn hello(&mut self, end: u32) {
        self.hello.get_or_insert(end);
    }

    /// A segment of the server that ends here has the ServerHello, or comes after it.
    pub(super) fn answer(&mut self, end: u32) {
        self.answer.get_or_insert(end);
    }

    /// A segment of the client that ends here has its first encrypted record, or comes after it.
    pub(super) fn flight(&mut self, end: u32) {
        self.flight.get_or_insert(end);
    }

    /// A segment of the client with data ends here.
    pub(super) fn sent(&mut self, end: u32, time: i64) {
        if !covers(self.sent, Some(end)) {
            (self.sent, self.sent_at, self.is_late) = (Some(end), time, false);
        }
    }

    /// The server accepts the connection.
    pub(super) fn accept(&mut self, acknowledged: Option<u32>, time: i64) {
        self.accepted = self.accepted.or(acknowledged.map(|acknowledged| (acknowledged, time)));
    }

    /// The server ended the connection with a segment that acknowledges this.
    pub(super) fn server_ends(&mut self, acknowledged: Option<u32>, is_reset: bool, time: i64) {
        self.by_end = acknowledged;
        self.has_no_request = !is_reset
            && self
                .accepted
                .is_some_and(|(start, at)| acknowledged == Some(start) && time.saturating_sub(at) >= CROSSING);
    }

    /// The client ended the connection with a segment that acknowledges this. `answer` is the number of the
    /// first byte of a response.
    pub(super) fn client_ends(&mut self, acknowledged: Option<u32>, answer: Option<u32>, is_reset: bool, time: i64) {
        let has_waited = self.sent.is_some() && time.saturating_sub(self.sent_at) >= PATIENCE;
        self.has_no_answer = !is_reset && has_waited && acknowledged.is_some() && acknowledged == answer;
    }

    /// Returns whether the client knew the ServerHello.
    pub(super) fn by_client(&self, acknowledged: Option<u32>) -> bool {
        covers(acknowledged, self.answer)
    }

    /// Returns whether the server knew the client's second flight, or its beginning. An RST is not counted
    /// among its acknowledgements: another device may have sent it.
    pub(super) fn by_server(&mut self, acknowledged: Option<u32>, is_reset: bool, time: i64) -> bool {
        if acknowledged.is_some() && !is_reset {
            if !covers(self.by_server, acknowledged) {
                self.by_server = acknowledged;
            }
            self.is_late |= self.sent.is_some() && time.saturating_sub(self.sent_at) >= CROSSING;
        }
        covers(acknowledged, self.flight)
    }

    /// Returns whether the server acknowledged the ClientHello.
    pub(super) fn has_hello(&self) -> bool {
        covers(self.by_server, self.hello)
    }

    /// Returns whether the server's acknowledgements prove that it never had the whole ClientHello. If
    /// `is_part`, the client sent no more than a part of it. `trusts_end` is false for an end that may be
    /// another device's.
    ///
    /// An acknowledgement that crossed the ClientHello on the way proves nothing, unless it came with the
    /// end.
    pub(super) fn lacks_hello(&self, is_part: bool, trusts_end: bool) -> bool {
        let by_end = self.by_end.filter(|_| trusts_end);
        let end = if is_part { self.sent.map(|sent| sent.wrapping_add(1)) } else { self.hello };
        let is_proof = by_end.is_some() || self.is_late;
        is_proof && end.is_some() && !covers(self.by_server, end) && !covers(by_end, end)
    }
}

/// Returns whether a sequence number is at `end` or behind it.
pub(super) fn covers(number: Option<u32>, end: Option<u32>) -> bool {
    number.zip(end).is_some_and(|(number, end)| number.wrapping_sub(end).cast_signed() >= 0)
}
