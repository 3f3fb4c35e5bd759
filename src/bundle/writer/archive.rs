//! The bytes of the archive: tar headers, each in a gzip member of its own, between contents that are already
//! compressed.
//!
//! A gzip file may consist of any number of members. A content is therefore compressed once, before its size
//! and hash are known, and copied behind the manifest later.

use std::io;
use std::sync::Arc;

use tar::{Builder, EntryType, Header};

use crate::bundle::layout;

use super::gzip::Compressors;

/// Size of a tar block.
const BLOCK_BYTES: usize = 512;

/// Unpacked files stay private on shared machines: they hold client addresses.
const MODE: u32 = 0o600;

/// Returns the gzip member with the header of one file.
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
    // Only the extended header declares the encoding of a name and holds long ones.
    if !path.is_ascii() || header.set_path(&path).is_err() {
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions([("path", path.as_bytes())])?;
        blocks = std::mem::take(builder.get_mut());
        // A substitute name for readers that do not support extended headers.
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

/// Returns the gzip member of a content in memory.
pub(super) fn content(compressors: &Arc<Compressors>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    compressors.whole(&[bytes, padding(bytes.len() as u64)])
}

/// Returns the gzip member that ends an archive: two empty blocks.
pub(super) fn end(compressors: &Arc<Compressors>) -> io::Result<Vec<u8>> {
    compressors.whole(&[&[0; 2 * BLOCK_BYTES]])
}

/// Returns the bytes that fill the last block of a content of that size.
pub(super) fn padding(bytes: u64) -> &'static [u8] {
    const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
    // Less than a block, so the conversion cannot fail.
    let beyond = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or_default();
    &ZEROS[..(BLOCK_BYTES - beyond) % BLOCK_BYTES]
}
