//! From evidence to the answer: runs the checks of the playbook, lets it conclude, and makes the value that
//! documents show.
//!
//! ```text
//! Evidence ─ checks ─ playbook ─ build ─ Report ─┬─ contexts ─ ContextsReport
//!                                                └─ diff ───── Difference
//! Evidence, remedy ─ rehearsal ─ Rehearsal
//! Evidence of each target ─ playbook ─ probe ─ ProbeReport
//! Capture ─ capture ─ CaptureReport
//! ```
//!
//! The models of these values are here, where they are made; `report` shows them and concludes nothing.

mod build;
pub mod capture;
pub mod contexts;
pub mod diff;
mod exit_code;
mod not_seen;
pub mod probe;
mod rehearsal;
mod report;
mod selection;
mod steps;
mod subject;

pub use self::build::build;
pub use self::rehearsal::{Rehearsal, Rehearsed, rehearse};
pub use self::report::{CheckReport, FindingReport, Mark, OutcomeWord, Report, SCHEMA, StepReport, StepState};
pub use self::selection::{FailOn, Selection};
pub use self::subject::{HybridSubject, Subject};
