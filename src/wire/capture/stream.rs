//! One direction of a TCP connection as a stream of bytes, with its gaps.
//!
//! Each byte is delivered once: the first copy wins over later ones. Segments that come too early wait,
//! within limits. When too many wait, or the connection ends, the missing bytes are delivered as a gap.

/// Maximum number of segments, and of their bytes, that wait in one direction.
const MAX_SEGMENTS: usize = 64;
const MAX_BYTES: usize = 64 << 10;
/// Maximum distance of a segment ahead of the stream; one farther ahead belongs to another connection.
const WINDOW: u32 = 1 << 24;

/// A piece of the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// Bytes, and the sequence number of the first.
    Data { sequence: u32, bytes: &'a [u8] },
    /// Bytes that the capture lacks.
    Gap(u64),
}

/// The reader of one direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of the byte that is delivered next; absent until the stream has a base.
    next: Option<u32>,
    /// Number of bytes delivered, including gaps.
    passed: u64,
    waiting: Vec<Segment>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Segment {
    sequence: u32,
    bytes: Box<[u8]>,
    /// On the wire.
    length: u32,
}

impl Stream {
    /// The sequence number that is due.
    pub(super) fn next(&self) -> Option<u32> {
        self.next
    }

    /// Sequence number of the first byte.
    pub(super) fn start(&self) -> Option<u32> {
        let passed = u32::try_from(self.passed & u64::from(u32::MAX)).ok()?;
        self.next.map(|next| next.wrapping_sub(passed))
    }

    /// Returns whether nothing has been delivered.
    pub(super) fn is_fresh(&self) -> bool {
        self.passed == 0
    }

    /// Number of bytes delivered, including gaps.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Sets the start of the stream. Has no effect once a byte was delivered.
    pub(super) fn begin(&mut self, sequence: u32) {
        if self.is_fresh() {
            self.next = Some(sequence);
        }
    }

    /// Number of bytes that wait.
    pub(super) fn buffered(&self) -> usize {
        self.waiting_bytes
    }

    /// Drops the waiting segments.
    pub(super) fn clear(&mut self) {
        self.waiting = Vec::new();
        self.waiting_bytes = 0;
    }

    /// Adds a segment of `length` bytes, of which `bytes` were captured. If `may_wait` is false, a segment
    /// that is too early is dropped. Returns false if it was.
    pub(super) fn add(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        length: usize,
        may_wait: bool,
        on: &mut dyn FnMut(Piece<'_>),
    ) -> bool {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let Some(next) = self.next else { return false };
        let ahead = sequence.wrapping_sub(next);
        // Half of the number space precedes it.
        let is_behind = ahead > u32::MAX / 2;
        if !is_behind && ahead > 0 {
            if ahead > WINDOW {
                return true;
            }
            if !may_wait {
                return false;
            }
            self.wait(sequence, bytes, length);
            if self.waiting.len() > MAX_SEGMENTS || self.waiting_bytes > MAX_BYTES {
                self.pass_gap(on);
            }
            return true;
        }
        self.hand_on(sequence, bytes, length, on);
        self.drain(on);
        true
    }

    /// Delivers all waiting segments, with the gaps between them.
    pub(super) fn flush(&mut self, on: &mut dyn FnMut(Piece<'_>)) {
        while !self.waiting.is_empty() {
            self.pass_gap(on);
        }
    }

    /// Distance of a sequence number from the one that is due, in either direction.
    pub(super) fn distance(&self, sequence: u32) -> u32 {
        self.next.map_or(u32::MAX / 2, |next| sequence.wrapping_sub(next).cast_signed().unsigned_abs())
    }

    fn wait(&mut self, sequence: u32, bytes: &[u8], length: u32) {
        let next = self.next.unwrap_or_default();
        let ahead = |segment: &Segment| segment.sequence.wrapping_sub(next);
        let place = self.waiting.partition_point(|segment| ahead(segment) <= sequence.wrapping_sub(next));
        // The first copy wins.
        let is_known = place.checked_sub(1).and_then(|before| self.waiting.get(before));
        if is_known.is_some_and(|known| known.sequence == sequence && known.length >= length) {
            return;
        }
        self.waiting_bytes += bytes.len();
        self.waiting.insert(place, Segment { sequence, bytes: bytes.into(), length });
    }

    /// Gives up the missing bytes before the first waiting segment.
    fn pass_gap(&mut self, on: &mut dyn FnMut(Piece<'_>)) {
        let (Some(next), Some(first)) = (self.next, self.waiting.first()) else { return };
        let missing = first.sequence.wrapping_sub(next);
        if missing > 0 && missing <= WINDOW {
            on(Piece::Gap(u64::from(missing)));
            self.passed += u64::from(missing);
            self.next = Some(first.sequence);
        }
        self.drain(on);
    }

    fn drain(&mut self, on: &mut dyn FnMut(Piece<'_>)) {
        while let (Some(next), Some(first)) = (self.next, self.waiting.first()) {
            if first.sequence.wrapping_sub(next).cast_signed() > 0 {
                return;
            }
            let segment = self.waiting.remove(0);
            self.waiting_bytes -= segment.bytes.len();
            self.hand_on(segment.sequence, &segment.bytes, segment.length, on);
        }
    }

    /// Delivers the part of a segment that is due or later; its beginning may have been delivered before.
    fn hand_on(&mut self, sequence: u32, bytes: &[u8], length: u32, on: &mut dyn FnMut(Piece<'_>)) {
        let Some(next) = self.next else { return };
        let old = next.wrapping_sub(sequence);
        if old >= length {
            return;
        }
        let skipped = usize::try_from(old).unwrap_or(usize::MAX);
        let new = bytes.get(skipped..).unwrap_or_default();
        let due = u64::from(length - old);
        if !new.is_empty() {
            on(Piece::Data { sequence: next, bytes: new });
        }
        let missing = due.saturating_sub(new.len() as u64);
        if missing > 0 {
            on(Piece::Gap(missing));
        }
        self.passed += due;
        self.next = Some(sequence.wrapping_add(length));
    }
}

/// Fuzz entry point: four bytes per segment (position, length, captured, order), of a stream whose bytes
/// encode their position.
///
/// # Panics
/// If a byte is delivered twice or at the wrong position, or more bytes wait than the limit.
pub fn fuzz_stream(data: &[u8]) {
    let base = 0xFFFF_FF00_u32;
    let content: Vec<u8> = (0..=u16::MAX).map(|place| u8::try_from(place % 251).unwrap_or_default()).collect();
    let mut stream = Stream::default();
    stream.begin(base);
    let mut due = 0;
    let mut on = |piece: Piece<'_>| match piece {
        Piece::Data { sequence, bytes } => {
            let place = usize::try_from(sequence.wrapping_sub(base)).unwrap_or(usize::MAX);
            assert_eq!(place, due, "bytes in order, each once");
            assert_eq!(content.get(place..place + bytes.len()), Some(bytes), "bytes at their place");
            due += bytes.len();
        }
        Piece::Gap(missing) => due += usize::try_from(missing).unwrap_or(usize::MAX),
    };
    for [place, length, captured, _] in data.as_chunks::<4>().0 {
        let (place, length) = (usize::from(*place) * 16, usize::from(*length));
        let captured = length.min(usize::from(*captured));
        let bytes = content.get(place..place + captured).unwrap_or_default();
        let sequence = base.wrapping_add(u32::try_from(place).unwrap_or_default());
        stream.add(sequence, bytes, length, true, &mut on);
        assert!(stream.buffered() <= MAX_BYTES + usize::from(u16::MAX));
    }
    stream.flush(&mut on);
    assert_eq!(stream.buffered(), 0, "nothing waits when all is handed on");
}
