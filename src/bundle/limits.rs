//! Limits of a bundle. The reader rejects larger ones, and the writer writes nothing that its reader would
//! reject.

/// Limits of one reader or writer; tests use smaller ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) entries: usize,
    pub(crate) entry_bytes: u64,
    pub(crate) evidence_bytes: u64,
    pub(crate) manifest_bytes: u64,
    pub(crate) total_bytes: u64,
    /// Number of unpacked bytes allowed beyond the ratio.
    pub(crate) ratio_allowance: u64,
    pub(crate) ratio: u64,
}

impl Limits {
    pub(crate) const STANDARD: Self = Self {
        entries: MAX_ENTRIES,
        entry_bytes: MAX_ENTRY_BYTES,
        evidence_bytes: MAX_EVIDENCE_BYTES,
        manifest_bytes: MAX_MANIFEST_BYTES,
        total_bytes: MAX_TOTAL_BYTES,
        ratio_allowance: RATIO_ALLOWANCE_BYTES,
        ratio: MAX_RATIO,
    };

    /// Returns the maximum number of bytes of the file at `path`.
    pub(crate) fn max_bytes_of(&self, path: &str) -> u64 {
        match path {
            super::layout::EVIDENCE => self.evidence_bytes,
            _ => self.entry_bytes,
        }
    }

    /// Returns whether `packed` bytes may unpack to `unpacked` bytes.
    ///
    /// A repetitive log compresses up to a thousandfold, so the ratio applies only beyond an allowance that
    /// disk and processor handle easily.
    pub(crate) fn ratio_is_fine(&self, packed: u64, unpacked: u64) -> bool {
        self.beyond_ratio(packed, unpacked) <= self.ratio_allowance
    }

    /// Returns the number of bytes beyond the ratio. For any sequence of entries it is at most the sum over
    /// each.
    pub(crate) fn beyond_ratio(&self, packed: u64, unpacked: u64) -> u64 {
        unpacked.saturating_sub(packed.saturating_mul(self.ratio))
    }
}

/// Rejects a JSON document that would need much more memory than it has bytes.
///
/// # Errors
/// The document has more than [`MAX_VALUES`] values.
pub(crate) fn within_values(json: &[u8]) -> Result<(), serde_json::Error> {
    if memchr::memchr_iter(b',', json).count() < MAX_VALUES {
        return Ok(());
    }
    Err(serde::de::Error::custom(format!("it has more than {MAX_VALUES} values")))
}

/// Maximum number of files besides the manifest. A manifest of that many has about 5 MB; a large cluster has
/// 600 files.
pub(crate) const MAX_ENTRIES: usize = 10_000;

/// Maximum number of bytes of one file. Container logs are rotated long before.
pub(crate) const MAX_ENTRY_BYTES: u64 = 4 * GIB;

/// Maximum number of bytes of the evidence, which is held in memory. With 20 pods and 500 routes it has less
/// than 1 MiB.
pub(crate) const MAX_EVIDENCE_BYTES: u64 = 32 * MIB;

/// Maximum number of values of a document that is held in memory. An empty string has three bytes there, and
/// eight times that once parsed. A route has about 20 values.
const MAX_VALUES: usize = 2_000_000;

/// Maximum number of bytes of the manifest, which is held in memory.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 16 * MIB;

/// Maximum number of unpacked bytes of all files together.
pub(crate) const MAX_TOTAL_BYTES: u64 = 64 * GIB;

/// Maximum compression ratio. Access logs compress nine- to thirtyfold.
pub(crate) const MAX_RATIO: u64 = 200;

/// See [`Limits::ratio_is_fine`].
pub(crate) const RATIO_ALLOWANCE_BYTES: u64 = GIB;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
