//! How large a bundle may be. The reader refuses what is larger, and the writer writes nothing that its reader would
//! refuse.

/// Numbers that hold for one reader or writer; a test may take smaller ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) entries: usize,
    pub(crate) entry_bytes: u64,
    pub(crate) evidence_bytes: u64,
    pub(crate) manifest_bytes: u64,
    pub(crate) total_bytes: u64,
    /// So many bytes are taken beyond what the ratio allows.
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

    /// The limit for the file at `path`.
    pub(crate) fn of(&self, path: &str) -> u64 {
        match path {
            super::layout::EVIDENCE => self.evidence_bytes,
            _ => self.entry_bytes,
        }
    }

    /// `packed` bytes may become `unpacked` ones. A log that repeats itself shrinks up to a thousandfold, so the ratio
    /// counts only beyond what a disk and a processor take without notice.
    pub(crate) fn ratio_is_fine(&self, packed: u64, unpacked: u64) -> bool {
        self.beyond_ratio(packed, unpacked) <= self.ratio_allowance
    }

    /// How many bytes more there are than the ratio allows. Of any first entries together no more than the sum of each.
    pub(crate) fn beyond_ratio(&self, packed: u64, unpacked: u64) -> u64 {
        unpacked.saturating_sub(packed.saturating_mul(self.ratio))
    }
}

/// Refuses a document that would take much more memory than it has bytes.
pub(crate) fn within_values(json: &[u8]) -> Result<(), serde_json::Error> {
    if memchr::memchr_iter(b',', json).count() < MAX_VALUES {
        return Ok(());
    }
    Err(serde::de::Error::custom(format!("it has more than {MAX_VALUES} values")))
}

/// Files beside the manifest. The manifest of so many has about 5 MB; a large cluster has 600.
pub(crate) const MAX_ENTRIES: usize = 10_000;

/// One file. Logs of a container are rotated long before.
pub(crate) const MAX_ENTRY_BYTES: u64 = 4 * GIB;

/// The evidence, which is held in memory. That of 20 pods and 500 routes has under 1 MiB.
pub(crate) const MAX_EVIDENCE_BYTES: u64 = 32 * MIB;

/// Values in a document that is held in memory: an empty text has three bytes there, and eight times that once it is understood. A
/// route has about 20.
const MAX_VALUES: usize = 2_000_000;

/// The manifest, which is held in memory.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 16 * MIB;

/// All files together, unpacked.
pub(crate) const MAX_TOTAL_BYTES: u64 = 64 * GIB;

/// Access logs shrink nine- to thirtyfold.
pub(crate) const MAX_RATIO: u64 = 200;

/// As for [`Limits::ratio_is_fine`].
pub(crate) const RATIO_ALLOWANCE_BYTES: u64 = GIB;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
