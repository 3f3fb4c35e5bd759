//! Tests of the reader on whole files: values, faults, and secrets that must not be shown.

mod faults;
mod hostile;
mod secrets;
mod settings;
mod values;

use super::read;
use crate::evidence::overrides::{FaultKind, Overrides, OverridesFault, Positioned};

/// Returns `line:column kind path` for each fault.
fn fault_summaries(overrides: &Overrides) -> Vec<String> {
    let text = |fault: &OverridesFault| format!("{} {:?} {}", fault.place, fault.kind, fault.path);
    overrides.faults.iter().map(|fault| text(fault).trim_end().to_owned()).collect()
}

/// Returns `value@line:column`.
fn with_position(value: &Positioned<String>) -> String {
    format!("{}@{}", value.value, value.place)
}

/// Returns the only fault of a file.
fn only_fault(file: &[u8]) -> OverridesFault {
    let overrides = read(file);
    assert_eq!(overrides.faults.len(), 1, "{:#?}", overrides.faults);
    overrides.faults[0].clone()
}

/// Returns position and `observed` of the only fault of a file, which must be malformed.
fn malformed(file: &[u8]) -> (String, String) {
    let fault = only_fault(file);
    assert_eq!(fault.kind, FaultKind::Malformed, "{fault:?}");
    (fault.place.to_string(), fault.observed)
}
