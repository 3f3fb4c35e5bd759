//! The bytes of the archive: tar headers, each in a gzip member of its own, between contents that are compressed already.
//!
//! A gzip file is any number of members one after the other, so that a content is compressed once, while its size and
//! hash are not yet known, and only copied when the manifest that names them can be written before it.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::bundle::layout;

/// Of zlib's levels, measured on 40 MB of access log with zlib-rs, one thread of a machine with two cores: level 1 takes
/// 379 MB/s and shrinks to a 5.7th, 2 takes 274 MB/s and 7.6, 4 takes 193 MB/s and 9.0, 6 takes 133 MB/s and 9.9. Logs
/// come from the API server slower than level 2 takes them.
pub(super) const LEVEL: Compression = Compression::new(2);

/// Tar counts in blocks.
const BLOCK_BYTES: usize = 512;

/// Files are as private as the archive also when it is unpacked on a machine of many: they hold addresses of clients.
const MODE: u32 = 0o600;

/// The gzip member with the header of one file.
pub(super) fn header(top: &str, path: &str, bytes: u64, seconds: u64) -> io::Result<Vec<u8>> {
    let path = format!("{top}/{path}");
    let mut header = Header::new_ustar();
    let mut blocks = Vec::new();
    // Only the extended header says in which encoding a name is, and holds long ones.
    if !path.is_ascii() || header.set_path(&path).is_err() {
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions([("path", path.as_bytes())])?;
        blocks = std::mem::take(builder.get_mut());
        // For readers that do not know extended headers: some name.
        let name = layout::segment(&path);
        header.set_path(&name[name.len().saturating_sub(100)..])?;
    }
    header.set_entry_type(EntryType::Regular);
    header.set_mode(MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(seconds);
    header.set_size(bytes);
    header.set_cksum();
    blocks.extend_from_slice(header.as_bytes());
    member(&blocks)
}

/// A gzip member with a content that is in memory.
pub(super) fn content(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
    encoder.write_all(bytes)?;
    encoder.write_all(padding(bytes.len() as u64))?;
    encoder.finish()
}

/// The gzip member that ends an archive: two empty blocks.
pub(super) fn end() -> io::Result<Vec<u8>> {
    member(&[0; 1024])
}

/// What fills the last block of a content of that size.
pub(super) fn padding(bytes: u64) -> &'static [u8] {
    const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
    // Less than a block, which fits any pointer.
    let beyond = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or_default();
    &ZEROS[..(BLOCK_BYTES - beyond) % BLOCK_BYTES]
}

fn member(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
    encoder.write_all(bytes)?;
    encoder.finish()
}
