//! Reads capture files, standard input and pipes: decompresses them, merges them by time, and follows each
//! connection.
//!
//! Packets before a damaged place count, and the place is recorded. A file that is not a capture is an error:
//! reporting "no TLS connections" for it would be misleading.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;

use super::packed::packed_or_gzip;
use super::read_ahead::{self, ReadAhead, is_stopped};
use crate::evidence::capture::{Capture, CaptureFile, Damage, Keys, PacketPlace};
use crate::run::{Progress, Stop};
use crate::wire::capture::{self, Analysis, Break, MAGIC_BYTES, OrderedReader, Packet, PacketReader, Sink, is_capture};
use crate::wire::tls::KeyLog;

/// Maximum number of captures that are merged.
pub const MAX_CAPTURES: usize = 64;
/// Memory of all read buffers, in bytes, and the limits of one.
const BUFFERS: usize = 4 << 20;
const LEAST_BUFFER: usize = 32 << 10;
const MOST_BUFFER: usize = 1 << 20;
/// Part of a buffer that packets may wait in to be put in order, and that is read in advance at once.
const WAITING: usize = 4;
const PIECE: usize = 8;
/// Number of packets between two checks whether the run has to end.
const LOOK: u64 = 4096;

const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Unsupported formats of captures that the error names, by their first bytes.
const OTHER_FORMATS: [(&[u8], &str); 4] = [
    (b"snoop\0\0\0", "a capture of snoop; convert it with editcap"),
    (b"RTSS", "a capture of Network Monitor; convert it with editcap"),
    (b"GMBU", "a capture of Network Monitor; convert it with editcap"),
    (&[0x30, 0, 0, 0], "an event trace of Windows; convert it with etl2pcapng"),
];

/// Why a capture cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("read {name}")]
pub struct CaptureError {
    pub name: String,
    pub source: io::Error,
}

/// One capture in progress.
struct Source {
    reader: OrderedReader<'static>,
    file: CaptureFile,
    /// Bytes already reported as progress.
    reported: u64,
    is_open: bool,
    /// The run ended before the file did.
    is_stopped: bool,
}

impl Source {
    /// Records the properties of the file as a whole.
    fn close(&mut self) {
        self.file.format = self.reader.file().format().to_owned();
        self.file.packets = self.reader.file().packets();
        self.file.misplaced = self.reader.misplaced();
        let time = |time: i64| Timestamp::from_nanosecond(i128::from(time)).ok();
        let times = self.reader.times();
        self.file.first_at = times.and_then(|(first, _)| time(first));
        self.file.last_at = times.and_then(|(_, last)| time(last));
    }
}

/// Reads captures, the earliest packet first, and hands each connection to `sink` when it is over. If `keeps`
/// is true, the packets of handshakes come with it. Handshakes are decrypted with `keys` and with those in
/// the captures.
///
/// # Errors
/// A file cannot be opened, or is not a capture.
pub fn read(
    names: &[String],
    keys: Option<KeyLog>,
    keeps: bool,
    stop: &Stop,
    progress: &dyn Progress,
    sink: &mut Sink<'_>,
) -> Result<Capture, CaptureError> {
    let buffer = (BUFFERS / names.len().max(1)).clamp(LEAST_BUFFER, MOST_BUFFER);
    let mut sources = Vec::new();
    for name in names {
        let fail = |source| CaptureError { name: name.clone(), source };
        match open(name, buffer, stop) {
            Ok(mut source) => {
                advance(&mut source).map_err(fail)?;
                sources.push(source);
            }
            Err(error) if is_stopped(&error) => {
                let files = names.iter().map(|name| CaptureFile { name: name.clone(), ..CaptureFile::default() });
                return Ok(Capture { files: files.collect(), interrupted: true, ..Capture::default() });
            }
            Err(error) => return Err(fail(error)),
        }
    }
    let mut analysis = Analysis::new(keeps);
    let has_keys = keys.is_some();
    *analysis.keys() = keys.unwrap_or_default();
    let mut interrupted = false;
    let mut packets = 0_u64;
    while let Some(index) = earliest(&sources) {
        let is_only = sources.iter().filter(|source| source.is_open).count() == 1;
        let most = if is_only { LOOK } else { 1 };
        let Some(source) = sources.get_mut(index) else { break };
        let result = analysis.packets(&mut source.reader, u32::try_from(index).unwrap_or(u32::MAX), most, sink);
        advanced(source, result).map_err(|error| CaptureError { name: source.file.name.clone(), source: error })?;
        packets += most;
        if packets >= LOOK {
            packets = 0;
            let offset = source.reader.file().offset();
            progress.bytes(offset.saturating_sub(source.reported));
            source.reported = offset;
            if stop.reason().is_some() {
                interrupted = true;
                break;
            }
        }
    }
    interrupted |= sources.iter().any(|source| source.is_stopped);
    let (lines, dropped) = (analysis.keys().lines, analysis.keys().dropped);
    let unread_secrets = sources.iter().map(|source| source.reader.file().unread_secrets()).sum();
    let rest = analysis.finish(sink);
    sources.iter_mut().for_each(Source::close);
    let files = sources.into_iter().map(|source| source.file).collect();
    let capture::Rest { traffic, unread, limits, decrypted } = rest;
    let has_keys = has_keys || lines > 0 || unread_secrets > 0;
    let keys = has_keys.then_some(Keys { lines, decrypted, dropped, unread: unread_secrets });
    Ok(Capture { files, interrupted, traffic, unread, limits, keys, ..Capture::default() })
}

/// Reads a capture that is still being recorded, and hands on each packet when it comes.
///
/// # Errors
/// The stream is not a capture.
pub fn follow(
    name: &str,
    file: u32,
    stream: Box<dyn Read + Send>,
    each: &mut dyn FnMut(&Packet<'_>, PacketPlace),
) -> io::Result<CaptureFile> {
    // Nothing is held back: who records wants to see what fails at once.
    let mut source = source(name, stream, LEAST_BUFFER, 0, None)?;
    advance(&mut source)?;
    while source.is_open {
        let place = PacketPlace { file, number: source.reader.number() };
        if let Some(packet) = source.reader.packet() {
            each(&packet, place);
        }
        advance(&mut source)?;
    }
    Ok(source.file)
}

/// Returns the source whose next packet is the earliest; the first of them if several are.
fn earliest(sources: &[Source]) -> Option<usize> {
    if let [only] = sources {
        return only.is_open.then_some(0);
    }
    let open = sources.iter().enumerate().filter(|(_, source)| source.is_open);
    open.min_by_key(|(_, source)| source.reader.packet().map(|packet| packet.time)).map(|(index, _)| index)
}

/// Reads the next packet of a source, or closes the source.
fn advance(source: &mut Source) -> io::Result<()> {
    let result = source.reader.next_packet();
    advanced(source, result)
}

/// Closes a source that has no next packet.
fn advanced(source: &mut Source, result: io::Result<capture::Progress>) -> io::Result<()> {
    let broken = |what: &str, cut: bool, reader: &OrderedReader<'static>| Damage {
        offset: reader.file().offset(),
        packets: reader.file().packets(),
        cut,
        what: what.to_owned(),
    };
    match result {
        Ok(capture::Progress::Packet) => return Ok(()),
        Ok(capture::Progress::End) => {}
        Ok(capture::Progress::Broken(why)) => {
            source.file.damage = Some(broken(why.text(), matches!(why, Break::Cut(_)), &source.reader));
        }
        Err(error) if is_stopped(&error) => source.is_stopped = true,
        Err(error) if source.file.compressed => {
            let is_cut = error.kind() == io::ErrorKind::UnexpectedEof;
            let what = if is_cut { "the compressed data are cut" } else { "the compressed data are damaged" };
            source.file.damage = Some(broken(what, is_cut, &source.reader));
        }
        Err(error) if source.reader.file().packets() > 0 => {
            source.file.damage = Some(broken(&error.to_string(), false, &source.reader));
        }
        Err(error) => return Err(error),
    }
    source.is_open = false;
    source.close();
    Ok(())
}

fn open(name: &str, buffer: usize, stop: &Stop) -> io::Result<Source> {
    source(name, read_ahead::open(name, buffer / PIECE, stop)?, buffer, buffer / WAITING, Some(stop))
}

/// Opens a stream. At most `waiting` bytes of packets wait to be put in order. With `stop`, compressed data
/// are decompressed in advance.
fn source(
    name: &str,
    mut plain: Box<dyn Read + Send>,
    buffer: usize,
    waiting: usize,
    stop: Option<&Stop>,
) -> io::Result<Source> {
    let mut head = head(&mut plain)?;
    let compressed = head.starts_with(&GZIP);
    if compressed {
        let packed = BufReader::with_capacity(LEAST_BUFFER, Cursor::new(head).chain(plain));
        let unpacked = MultiGzDecoder::new(packed);
        plain = match stop {
            Some(stop) => Box::new(ReadAhead::new(move || Ok(unpacked), buffer / PIECE, stop)?),
            None => Box::new(unpacked),
        };
        head = self::head(&mut plain).map_err(|error| {
            if is_stopped(&error) {
                return error;
            }
            invalid(&format!("it is compressed with gzip and damaged ({error})"))
        })?;
    }
    if !is_capture(&head) {
        let other = OTHER_FORMATS
            .iter()
            .find(|(magic, _)| head.starts_with(magic))
            .map(|(_, name)| *name)
            .or(packed_or_gzip(&head));
        return Err(match other {
            Some(other) => invalid(&format!("it is {other}")),
            None if head.is_empty() => invalid("it is empty"),
            None => invalid("it is neither pcap nor pcapng"),
        });
    }
    let reader = PacketReader::new(Cursor::new(head).chain(plain), buffer);
    let reader = OrderedReader::new(reader, waiting);
    let file = CaptureFile { name: name.to_owned(), compressed, ..CaptureFile::default() };
    Ok(Source { reader, file, reported: 0, is_open: true, is_stopped: false })
}

/// Reads the first bytes, in as many reads as necessary: a pipe may deliver one byte at a time.
fn head(source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(2 * MAGIC_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
