//! Unpacks a gzip file of any number of members within limits, and tells cut off, damaged and too large
//! apart.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::bundle::limits::Limits;

use super::ReadError;

/// Number of packed bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// A reader of the unpacked bytes.
pub(super) struct Inflated<R> {
    decoder: MultiGzDecoder<Counted<R>>,
    unpacked: u64,
    limits: Limits,
    /// Whether the packed bytes ended where a member may end.
    ended: bool,
    too_much: Option<String>,
}

impl<R: Read> Inflated<Detected<R>> {
    /// Returns a reader for a gzip file.
    ///
    /// # Errors
    /// The source cannot be read, is empty, or is not a gzip file.
    pub(super) fn new(name: &str, source: R, limits: &Limits) -> Result<Self, ReadError> {
        let (kind, source) =
            detect(source).map_err(|source| ReadError::Unreadable { name: name.to_owned(), source })?;
        let why = match kind {
            Kind::Empty => "it is empty",
            Kind::Other => "it is not a gzip file",
            Kind::Gzip => {
                let inner = BufReader::with_capacity(BUFFER_BYTES, source);
                let decoder = MultiGzDecoder::new(Counted { inner, bytes: 0, failure: None });
                return Ok(Self { decoder, unpacked: 0, limits: *limits, ended: false, too_much: None });
            }
        };
        Err(ReadError::NoBundle { name: name.to_owned(), why: why.to_owned() })
    }
}

impl<R: Read> Inflated<R> {
    /// Converts a read error into its cause. `place` says where it happened.
    pub(super) fn explain(self, name: &str, place: &str, error: io::Error) -> ReadError {
        let name = name.to_owned();
        if let Some(what) = self.too_much {
            return ReadError::TooMuch { name, what };
        }
        if let Some(source) = self.decoder.into_inner().failure {
            return ReadError::Unreadable { name, source };
        }
        if self.ended || error.kind() == io::ErrorKind::UnexpectedEof {
            return ReadError::CutOff { name, place: place.to_owned() };
        }
        ReadError::Damaged { name, place: place.to_owned(), source: error }
    }
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(room)?;
        self.ended |= count == 0 && !room.is_empty();
        self.unpacked += count as u64;
        let limits = &self.limits;
        // Headers, padding and the manifest add to the bytes of the files.
        let most =
            limits.total_bytes.saturating_add(limits.manifest_bytes).saturating_add(limits.entries as u64 * 2048);
        if self.unpacked > most {
            self.too_much = Some(format!("it unpacks to more than {most} bytes"));
        } else if !limits.ratio_is_fine(self.decoder.get_ref().bytes, self.unpacked) {
            self.too_much = Some(format!("it unpacks to more than {} times its size", limits.ratio));
        }
        if self.too_much.is_some() { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(count) }
    }
}

/// Counts the packed bytes, and keeps a read error that the layers above would wrap.
struct Counted<R> {
    inner: BufReader<R>,
    bytes: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(room)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.inner.fill_buf() {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.bytes += count as u64;
        self.inner.consume(count);
    }
}

/// The kind of a source by its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::bundle) enum Kind {
    Empty,
    Gzip,
    Other,
}

/// A source whose first bytes were inspected.
pub(in crate::bundle) type Detected<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Inspects the first bytes of a source. A pipe may return them one at a time.
pub(in crate::bundle) fn detect<R: Read>(mut source: R) -> io::Result<(Kind, Detected<R>)> {
    const MAGIC: [u8; 2] = [0x1F, 0x8B];
    let mut start = Vec::new();
    source.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start)?;
    let kind = match start[..] {
        [] => Kind::Empty,
        _ if start == MAGIC => Kind::Gzip,
        _ => Kind::Other,
    };
    Ok((kind, Cursor::new(start).chain(source)))
}
