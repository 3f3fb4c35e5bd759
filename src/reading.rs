//! What is read, and what it shows: readers of every form, and the evidence that they fill.
//!
//! Pure: bytes come in, facts go out. No file is opened here and no connection made. `wire` knows forms and
//! fills `evidence`; both use `text` and `secrets`, which know nothing else.

pub mod evidence;
pub mod secrets;
pub mod text;
pub mod wire;
