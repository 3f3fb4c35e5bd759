//! Gzip members (RFC 1952), from compressors that are reused.
//!
//! A compressor needs a quarter of a MiB, and a bundle of a thousand files has two members for each. Creating
//! a compressor for each member is slower than compressing, and the allocator keeps what several threads free
//! that often.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Compression level. Measured on 40 MB of access log with zlib-rs, one thread of a machine with two cores:
/// level 1 takes 379 MB/s and compresses 5.7-fold; 2: 274 MB/s, 7.6; 4: 193 MB/s, 9.0; 6: 133 MB/s, 9.9. The
/// API server delivers logs slower than level 2 compresses them.
const LEVEL: Compression = Compression::new(2);

/// Header of every member: deflate, no flags, no time, XFL 4 (fastest), unknown file system. It is the same
/// on every machine.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// Number of bytes reserved for the output of one step.
const STEP_BYTES: usize = 32 << 10;

/// Idle compressors; never more than were in use at the same time.
#[derive(Default)]
pub(super) struct Compressors(Mutex<Vec<Compress>>);

impl Compressors {
    /// Returns the member of a content in memory.
    pub(super) fn whole(self: &Arc<Self>, parts: &[&[u8]]) -> io::Result<Vec<u8>> {
        let mut member = self.member(Vec::new())?;
        for part in parts {
            member.write_all(part)?;
        }
        member.finish()
    }

    /// Begins a member that is written to `to`.
    pub(super) fn member<W: Write>(self: &Arc<Self>, mut to: W) -> io::Result<Member<W>> {
        to.write_all(&HEADER)?;
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let compress = idle.unwrap_or_else(|| Compress::new(LEVEL, false));
        Ok(Member { home: Arc::clone(self), compress, checksum: Crc::new(), packed: Vec::new(), to })
    }
}

impl fmt::Debug for Compressors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compressors").finish_non_exhaustive()
    }
}

/// One member while it is written; complete after [`Member::finish`].
pub(super) struct Member<W> {
    home: Arc<Compressors>,
    compress: Compress,
    checksum: Crc,
    packed: Vec<u8>,
    to: W,
}

impl<W: Write> Member<W> {
    pub(super) fn finish(mut self) -> io::Result<W> {
        while self.step(&[], FlushCompress::Finish)?.1 != Status::StreamEnd {}
        self.to.write_all(&self.checksum.sum().to_le_bytes())?;
        // Size modulo 2^32 (RFC 1952 §2.3.1).
        self.to.write_all(&self.checksum.amount().to_le_bytes())?;
        self.compress.reset();
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.compress);
        Ok(self.to)
    }

    /// Compresses once, and returns the number of bytes consumed.
    fn step(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<(usize, Status)> {
        self.packed.reserve(STEP_BYTES);
        let before = self.compress.total_in();
        let status = self.compress.compress_vec(bytes, &mut self.packed, flush)?;
        let taken = usize::try_from(self.compress.total_in() - before).map_err(io::Error::other)?;
        self.to.write_all(&self.packed)?;
        self.packed.clear();
        Ok((taken, status))
    }
}

impl<W: Write> Write for Member<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (taken, _) = self.step(rest, FlushCompress::None)?;
            rest = &rest[taken..];
        }
        self.checksum.update(bytes);
        Ok(bytes.len())
    }

    /// Does nothing: bytes wait for a full block.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;

    #[test]
    fn reads_back_members_of_one_compressor() {
        let compressors = Arc::new(Compressors::default());
        let long: Vec<u8> = (0..3_000_000_u32).flat_map(|number| (number % 70_001).to_le_bytes()).collect();
        let contents: [&[u8]; 5] = [b"one", b"", &long, b"two", &long[..70_000]];
        let mut archive = Vec::new();
        for content in contents {
            let mut member = compressors.member(Vec::new()).unwrap();
            for piece in content.chunks(99_991) {
                member.write_all(piece).unwrap();
            }
            archive.extend(member.finish().unwrap());
        }
        assert_eq!(compressors.0.lock().unwrap().len(), 1);
        let mut read = Vec::new();
        MultiGzDecoder::new(&archive[..]).read_to_end(&mut read).unwrap();
        assert!(read == contents.concat());
    }

    #[test]
    fn reuses_no_state_of_an_abandoned_member() {
        let compressors = Arc::new(Compressors::default());
        compressors.whole(&[b"first"]).unwrap();
        let mut abandoned = compressors.member(Vec::new()).unwrap();
        abandoned.write_all(b"half of something").unwrap();
        drop(abandoned);
        let member = compressors.whole(&[b"se", b"cond"]).unwrap();
        let mut text = String::new();
        MultiGzDecoder::new(&member[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "second");
    }
}
