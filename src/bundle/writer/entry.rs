//! One entry while it streams: counted, hashed and compressed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::bundle::manifest::{FileEntry, Truncation};

use super::gzip::Member;
use super::spool::SpooledEntry;
use super::{Shared, WriteError, archive};

/// Writes the content of one entry. Nothing of it is in the bundle before [`EntryWriter::finish`].
pub struct EntryWriter {
    shared: Arc<Shared>,
    path: String,
    origin: String,
    why: String,
    bytes: u64,
    limit: u64,
    hash: Sha256,
    /// Created with the first byte, so that entries waiting for a response cost nothing.
    member: Option<Member<SpooledEntry>>,
    failure: Option<io::ErrorKind>,
}

impl EntryWriter {
    pub(super) fn new(shared: Arc<Shared>, path: &str, origin: &str, why: &str) -> Self {
        Self {
            limit: shared.limits.max_bytes_of(path),
            shared,
            path: path.to_owned(),
            origin: origin.to_owned(),
            why: why.to_owned(),
            bytes: 0,
            hash: Sha256::new(),
            member: None,
            failure: None,
        }
    }

    /// Returns the number of bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the entry to the bundle.
    ///
    /// # Errors
    /// Its path is not allowed or already taken, the bundle is full, or an earlier write failed. The bundle
    /// then lacks this entry and stays usable.
    pub fn finish(
        mut self,
        redactions: BTreeMap<String, u64>,
        truncated: Option<Truncation>,
    ) -> Result<(), WriteError> {
        let failed = |source: io::Error| WriteError::Entry { path: self.path.clone(), source };
        if let Some(kind) = self.failure {
            return Err(failed(kind.into()));
        }
        let pieces = match self.member.take() {
            None => Vec::new(),
            Some(mut member) => member
                .write_all(archive::padding(self.bytes))
                .and_then(|()| member.finish())
                .and_then(SpooledEntry::into_pieces)
                .map_err(failed)?,
        };
        let refused = |why: String| WriteError::Refused { path: self.path.clone(), why };
        let limits = &self.shared.limits;
        let mut state = self.shared.state();
        let packed = pieces.iter().map(|piece| piece.bytes).sum::<u64>();
        let beyond_ratio = state.beyond_ratio.saturating_add(limits.beyond_ratio(packed, self.bytes));
        let unpacked = state.unpacked + self.bytes;
        if state.complete {
            return Err(refused("the bundle is complete".into()));
        }
        if state.files.len() >= limits.entries {
            return Err(refused(format!("it already holds {} files", limits.entries)));
        }
        if unpacked > limits.total_bytes {
            return Err(refused(format!("all files would have more than {} bytes in total", limits.total_bytes)));
        }
        // The reader sees the entries in another order, behind the manifest.
        if beyond_ratio > limits.ratio_allowance.saturating_sub(limits.manifest_bytes) {
            return Err(refused("its compression ratio is above what a reader accepts".into()));
        }
        state.paths.add(&self.path).map_err(|fault| WriteError::Path { path: self.path.clone(), fault })?;
        (state.beyond_ratio, state.unpacked) = (beyond_ratio, unpacked);
        let entry = FileEntry {
            path: self.path.clone(),
            origin: mem::take(&mut self.origin),
            why: mem::take(&mut self.why),
            bytes: self.bytes,
            sha256: HEXLOWER.encode(&mem::take(&mut self.hash).finalize()),
            redactions,
            truncated,
        };
        state.files.push((entry, pieces));
        Ok(())
    }

    fn begun(&mut self) -> io::Result<&mut Member<SpooledEntry>> {
        let member = match self.member.take() {
            Some(member) => member,
            None => self.shared.compressors.member(SpooledEntry::new(Arc::clone(&self.shared.spool)))?,
        };
        Ok(self.member.insert(member))
    }
}

impl Write for EntryWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.failure {
            return Err(kind.into());
        }
        let result = if self.bytes + bytes.len() as u64 > self.limit {
            Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} bytes", self.limit)))
        } else {
            self.begun().and_then(|member| member.write_all(bytes))
        };
        match result {
            Ok(()) => {
                self.hash.update(bytes);
                self.bytes += bytes.len() as u64;
                Ok(bytes.len())
            }
            Err(error) => {
                self.failure = Some(error.kind());
                Err(error)
            }
        }
    }

    /// Does nothing: bytes wait for a full piece, and nobody reads them earlier.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for EntryWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EntryWriter")
            .field("path", &self.path)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
