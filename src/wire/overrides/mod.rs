//! overrides.yaml: bytes to [`Overrides`], with the line and column of everything.
//!
//! ```text
//! bytes ─ source ─ reader ──────────────── judge ── Overrides
//!           │      duplicates, aliases, tree  │ form, fields
//!           └──────── faults ─────────────────┘
//! ```
//!
//! The file is read as a stream of events (`wire::yaml`); only `org`, `namespace`, `virtualhosts`, `ingressGateways` and what
//! anchors name is kept on the way. Nothing that may be secret is shown: see `disclosure`.

mod disclosure;
mod faults;
mod fields;
mod form;
mod judge;
mod keys;
mod path;
mod reader;
mod source;
mod syntax;

#[cfg(test)]
mod tests;

use self::faults::{Faults, Texts};
use crate::evidence::overrides::{FaultKind, Overrides, Place};

/// Largest file that is read, in bytes. Files of 50 MB exist where data was pasted into them.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Virtual hosts kept of one file, and ingress gateways. An organisation has at most some hundred environment groups.
pub const MAX_VIRTUAL_HOSTS: usize = 10_000;
/// Faults kept that do not hinder reading.
const MAX_FAULTS: usize = 100;
/// Faults kept that do.
const MAX_MALFORMED: usize = 20;
/// Anchors of one file.
const MAX_ANCHORS: usize = 50_000;
/// Values that all aliases together may stand for, counted one by one.
const MAX_EXPANSION: u64 = 1_000_000;
/// Values kept of the judged parts.
const MAX_JUDGED_NODES: usize = 200_000;
/// Values kept because an anchor names them.
const MAX_ANCHORED_NODES: usize = 100_000;
/// Values of the judged parts that are looked at, aliases expanded.
const MAX_STEPS: u32 = 250_000;
/// Keys of the mappings that are open at one time, remembered to find a second one.
const MAX_WATCHED_KEYS: usize = 250_000;
/// Directives (`%`) of a file before they are refused.
const MAX_DIRECTIVES: usize = 100;
/// Bytes of a line that is kept for a diff, and to each side of a place when its line is looked at.
const MAX_LINE: usize = 512;
/// Bytes of a path of keys, about.
const MAX_PATH: usize = 512;
/// Characters of a key name or a value in a text.
const MAX_SHOWN: usize = 63;
/// Characters of a value that is kept.
const MAX_VALUE: usize = 512;

/// What can be understood of a file. Never fails: what is wrong is a fault in the result.
#[must_use]
pub fn read(bytes: &[u8]) -> Overrides {
    let mut faults = Faults::default();
    let mut overrides = Overrides::default();
    if bytes.len() > MAX_BYTES {
        faults.add(FaultKind::Malformed, Place { line: 1, column: 1 }, || {
            Texts::new("", format!("more than {MAX_BYTES} bytes"), "a smaller file; it was not read")
        });
    } else {
        let source = source::decode(bytes, &mut faults);
        let document = reader::read(&source, &mut faults);
        overrides = judge::judge(&document, &source, &mut faults);
        overrides.line_ends = source.line_ends;
    }
    (overrides.faults, overrides.faults_left_out) = faults.finish();
    overrides
}

/// Entry for the fuzzer: reads any bytes and looks whether the result keeps the promises of [`read`].
///
/// # Panics
/// A promise is broken.
pub fn fuzz_overrides(data: &[u8]) {
    let overrides = read(data);
    assert!(overrides.faults.len() <= MAX_FAULTS + MAX_MALFORMED, "too many faults");
    assert!(overrides.virtual_hosts.len() <= MAX_VIRTUAL_HOSTS, "too many virtual hosts");
    assert!(overrides.faults.is_sorted_by_key(|fault| fault.place), "faults in another order than the file");
    for fault in &overrides.faults {
        assert!(fault.place.line > 0 && fault.place.column > 0, "a fault without a place");
        for text in [&fault.path, &fault.observed, &fault.expected] {
            assert!(!text.chars().any(char::is_control), "a control character in a text");
            assert!(text.len() <= 2 * MAX_PATH, "a text that is too long");
        }
    }
}
