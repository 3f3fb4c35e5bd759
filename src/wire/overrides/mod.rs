//! Reads overrides.yaml into [`Overrides`], with the position of every value.
//!
//! ```text
//! bytes ─ source ─ marks ─ reader ──────────────── judge ── Overrides
//!           │        │    duplicates, aliases, tree  │ form, host, mapping
//!           └────────┴──────── faults ───────────────┘
//! ```
//!
//! The file is read as a stream of events (`wire::yaml`). Only `org`, `namespace`, `istiod`, `virtualhosts`,
//! `ingressGateways` and anchored values are kept. Nothing that may be secret enters the evidence: see
//! `disclosure`.

mod context;
mod disclosure;
mod faults;
mod form;
mod host;
mod judge;
mod keys;
mod mapping;
mod marks;
mod path;
mod reader;
mod source;
mod syntax;

#[cfg(test)]
mod tests;

use self::faults::{FaultText, Faults};
use crate::evidence::overrides::{FaultKind, Overrides, Position};
use crate::wire::encoding::{marked_utf16, unmarked_wide};

/// Maximum size of a file, in bytes. Files of 50 MB exist because data was pasted into them.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Maximum number of virtual hosts, and of ingress gateways, of one file. An organisation has at most a few
/// hundred environment groups. Each takes 18 KB of memory until it is judged and redacted.
pub const MAX_VIRTUAL_HOSTS: usize = 2_500;
/// Maximum number of faults that do not prevent reading.
const MAX_FAULTS: usize = 100;
/// Maximum number of faults of the kinds [`FaultKind::Malformed`] and [`FaultKind::Unjudged`].
const MAX_MALFORMED: usize = 20;
/// Maximum number of anchors of one file.
const MAX_ANCHORS: usize = 50_000;
/// Maximum number of values of all aliases together, with aliases expanded.
const MAX_EXPANSION: u64 = 1_000_000;
/// Maximum number of values kept of the judged parts.
const MAX_JUDGED_NODES: usize = 200_000;
/// Maximum number of values kept for anchors.
const MAX_ANCHORED_NODES: usize = 100_000;
/// Maximum number of values of the judged parts that are visited, with aliases expanded.
const MAX_VISITED_NODES: u32 = 250_000;
/// Maximum number of keys of open mappings that are remembered to find duplicates.
const MAX_WATCHED_KEYS: usize = 250_000;
/// Maximum number of directives (`%`) of a file.
const MAX_DIRECTIVES: usize = 100;
/// Maximum length of a line kept for a diff, and of the text examined on each side of a position, in bytes.
const MAX_LINE: usize = 512;
/// Approximate maximum length of a path of keys, in bytes.
const MAX_PATH: usize = 512;
/// Maximum number of characters of a key name or a value in a text.
const MAX_SHOWN: usize = 63;
/// Maximum length of an `accessLogFormat`, in bytes. That of the chart has 1,200.
const MAX_LOG_FORMAT: usize = 16 * 1024;
/// Maximum number of characters of a value in the evidence.
const MAX_VALUE: usize = 512;

/// Reads what can be parsed of a file. Never fails: errors become faults in the result.
#[must_use]
pub fn read(bytes: &[u8]) -> Overrides {
    let mut faults = Faults::default();
    let mut overrides = Overrides::default();
    if bytes.len() > MAX_BYTES {
        faults.add(FaultKind::Unjudged, Position { line: 1, column: 1 }, || {
            FaultText::new("", "the whole file", format!("at most {MAX_BYTES} bytes are read"))
        });
    } else {
        let wide = marked_utf16(bytes);
        let source = source::decode(bytes, wide.as_ref(), &mut faults);
        let text = marks::masked(source.text, &mut faults);
        let source = source.masked(&text);
        let document = reader::read(&source, &mut faults);
        overrides = judge::judge(&document, &source, &mut faults);
        overrides.line_ends = source.line_ends;
        (overrides.lines, overrides.context) = context::lines(&source, &overrides);
    }
    (overrides.faults, overrides.faults_left_out) = faults.finish();
    overrides
}

/// Returns the text of a file in UTF-16 with a byte order mark, as YAML for Go reads it; `None` for other
/// bytes, and where a part of it is not UTF-16.
#[must_use]
pub fn text_of_utf16(bytes: &[u8]) -> Option<String> {
    let wide = if bytes.len() > MAX_BYTES { None } else { marked_utf16(bytes) };
    wide.filter(|wide| wide.broken_at.is_none()).map(|wide| wide.text)
}

/// Returns the encoding of a file that is not read: whether helm reads it is not known either.
#[must_use]
pub fn encoding_not_read(bytes: &[u8]) -> Option<&'static str> {
    unmarked_wide(bytes)
}

/// Fuzzing entry: reads any bytes and checks that the result is within the limits of [`read`].
///
/// # Panics
/// Panics if the result exceeds a limit, is unsorted or contains control characters.
pub fn fuzz_overrides(data: &[u8]) {
    let overrides = read(data);
    assert!(overrides.faults.len() <= MAX_FAULTS + MAX_MALFORMED, "too many faults");
    assert!(overrides.virtual_hosts.len() <= MAX_VIRTUAL_HOSTS, "too many virtual hosts");
    assert!(overrides.faults.is_sorted_by_key(|fault| fault.place), "faults are not in the order of the file");
    for fault in &overrides.faults {
        assert!(fault.place.line > 0 && fault.place.column > 0, "a fault without a position");
        for text in [&fault.path, &fault.observed, &fault.expected] {
            assert!(!text.chars().any(char::is_control), "a control character in a text");
            assert!(text.len() <= 2 * MAX_PATH, "a text that is too long");
        }
    }
}
