//! The bytes of the archive: tar headers, each in a gzip member of its own, between contents that are compressed already.
//!
//! A gzip file is any number of members one after the other, so that a content is compressed once, while its size and
//! hash are not yet known, and only copied when the manifest that names them can be written before it.

use std::io;
use std::sync::Arc;

use tar::{Builder, EntryType, Header};

use crate::bundle::layout;

use super::gzip::Compressors;

/// Tar counts in blocks.
const BLOCK_BYTES: usize = 512;

/// Files are as private as the archive also when it is unpacked on a machine of many: they hold addresses of clients.
const MODE: u32 = 0o600;

/// The gzip member with the header of one file.
pub(super) fn header(
    compressors: &Arc<Compressors>,
    top: &str,
    path: &str,
    bytes: u64,
    seconds: u64,
) -> io::Result<Vec<u8>> {
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
    compressors.whole(&[&blocks])
}

/// A gzip member with a content that is in memory.
pub(super) fn content(compressors: &Arc<Compressors>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    compressors.whole(&[bytes, padding(bytes.len() as u64)])
}

/// The gzip member that ends an archive: two empty blocks.
pub(super) fn end(compressors: &Arc<Compressors>) -> io::Result<Vec<u8>> {
    compressors.whole(&[&[0; 2 * BLOCK_BYTES]])
}

/// What fills the last block of a content of that size.
pub(super) fn padding(bytes: u64) -> &'static [u8] {
    const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
    // Less than a block, which fits any pointer.
    let beyond = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or_default();
    &ZEROS[..(BLOCK_BYTES - beyond) % BLOCK_BYTES]
}
