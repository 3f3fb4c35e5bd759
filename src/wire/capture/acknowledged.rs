//! What each side of a connection knew of the other when it sent a segment, by its acknowledgements.

/// The sequence numbers behind segments that decide.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// Of the ClientHello.
    hello: Option<u32>,
    /// Of the ServerHello.
    answer: Option<u32>,
    /// Of the client's first encrypted record after it.
    flight: Option<u32>,
    /// The server acknowledged the ClientHello.
    pub(super) has_hello: bool,
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

    /// Returns whether the client knew the ServerHello.
    pub(super) fn by_client(&self, acknowledged: Option<u32>) -> bool {
        covers(acknowledged, self.answer)
    }

    /// Returns whether the server knew the client's second flight, or its beginning.
    pub(super) fn by_server(&mut self, acknowledged: Option<u32>) -> bool {
        self.has_hello |= covers(acknowledged, self.hello);
        covers(acknowledged, self.flight)
    }
}

/// Returns whether a sequence number is at `end` or behind it.
pub(super) fn covers(number: Option<u32>, end: Option<u32>) -> bool {
    number.zip(end).is_some_and(|(number, end)| number.wrapping_sub(end).cast_signed() >= 0)
}
