//! The reader on whole files: what is understood, what is found, what is never shown.

mod faults;
mod hostile;
mod secrets;
mod values;

use super::read;
use crate::evidence::overrides::{FaultKind, Overrides, OverridesFault, Placed};

/// `line:column kind path`, one for each fault.
fn places(overrides: &Overrides) -> Vec<String> {
    let text = |fault: &OverridesFault| format!("{} {:?} {}", fault.place, fault.kind, fault.path);
    overrides.faults.iter().map(|fault| text(fault).trim_end().to_owned()).collect()
}

/// `value@line:column`.
fn shown(value: &Placed<String>) -> String {
    format!("{}@{}", value.value, value.place)
}

/// The only fault of a file.
fn only(file: &[u8]) -> OverridesFault {
    let overrides = read(file);
    assert_eq!(overrides.faults.len(), 1, "{:#?}", overrides.faults);
    overrides.faults[0].clone()
}

/// The only fault of a file, which is of this kind.
fn malformed(file: &[u8]) -> (String, String) {
    let fault = only(file);
    assert_eq!(fault.kind, FaultKind::Malformed, "{fault:?}");
    (fault.place.to_string(), fault.observed)
}
