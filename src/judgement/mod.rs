//! From evidence to the answer: runs the checks of the playbook, lets it conclude, and makes the value that
//! documents show.
//!
//! ```text
//! Evidence ─ chain ─ trace ─ Trace
//! Evidence ─ checks ─ playbook ─ build ─ Report ─┬─ baseline
//!                                                ├─ contexts ─ ContextsReport
//!                                                └─ diff ───── Difference
//! Evidence, remedy ─ rehearsal ─ Rehearsal
//! Evidence of each target ─ playbook ─ probe ─ ProbeReport
//! Capture ─ capture ─ CaptureReport
//! Failing clients, Report ─ watch ─ WatchEvent
//! ```
//!
//! The models of these values are here, where they are made; `report` shows them and concludes nothing.

mod baseline;
mod build;
pub mod capture;
pub mod chain;
pub mod contexts;
pub mod diff;
pub mod edge;
mod exit_code;
mod not_seen;
pub mod probe;
mod rehearsal;
mod report;
mod selection;
mod steps;
mod subject;
pub mod summary;
pub mod trace;
pub mod watch;

pub use self::baseline::Baseline;
pub use self::build::{build, build_beside};
pub use self::rehearsal::{Rehearsal, Rehearsed, rehearse};
pub use self::report::{CheckReport, FindingReport, Mark, OutcomeWord, Report, SCHEMA, StepReport, StepState};
pub use self::selection::{FailOn, Selection};
pub use self::subject::{HybridSubject, Subject};
pub use self::summary::{
    Began, CertificateSummary, CheckCounts, ClientResets, CounterSummary, FileResets, HandshakeResult,
    HandshakeSummary, HelloKind, MinuteResets, NameResets, NearEvent, PodCounters, PodResets, PodSummary,
    RequestSummary, Resets, Rest, RouteSummary, RunSummary, Served, Who, WhoKind,
};
