//! Reads and writes the fields of TLS messages: numbers in network order, and length-prefixed bytes.

/// The unread bytes of a message. Every read takes bytes from the front, or returns `None` and takes nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire) struct Fields<'a>(pub(in crate::wire) &'a [u8]);

impl<'a> Fields<'a> {
    pub(in crate::wire) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::wire) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(in crate::wire) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(in crate::wire) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(in crate::wire) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A vector of at most 255 bytes.
    pub(in crate::wire) fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.bytes(usize::from(length))
    }

    /// A vector of at most 65535 bytes.
    pub(in crate::wire) fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }
}

/// Writes the output of `write`, prefixed with its length in one byte.
pub(super) fn short(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    prefixed::<1>(out, write);
}

/// Like [`short`], with a length of two bytes.
pub(super) fn long(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    prefixed::<2>(out, write);
}

/// Like [`short`], with a length of three bytes, for handshake messages.
pub(super) fn message(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    prefixed::<3>(out, write);
}

/// The limits of the caller keep every length in range.
fn prefixed<const BYTES: usize>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; BYTES]);
    write(out);
    let length = (out.len() - start - BYTES).to_be_bytes();
    for (to, from) in out.iter_mut().skip(start).zip(length.iter().skip(length.len() - BYTES)) {
        *to = *from;
    }
}
