//! Shared parts of the playbooks, from single findings to one answer: the model of the answer, the ranking of
//! causes by relations that a playbook gives as data, and the words of command lines.
//!
//! ```text
//! CheckResult ─┬─ ranking (Relations) ─ Verdict
//!              └─ remedy ─────────────── Remedy
//! ```
//!
//! Pure, like the checks. Knows no playbook; formats nothing.

mod change;
mod legs;
mod model;
pub(crate) mod ranking;
mod relations;
pub(crate) mod remedy;
mod results;
pub(crate) mod s_client;
mod shell;
mod target;

pub(crate) use self::change::Change;
pub use self::legs::{FailingLeg, LegAnswer, LegCause, LegRemedy, LegStep, LegVerdict, LegVerdictKind};
pub use self::model::{
    Cause, Certainty, CertificateChoice, Measurement, NotSeen, Purpose, Remedy, RemedyStep, Verdict, VerdictKind,
};
pub(crate) use self::relations::{Relations, Symptom, Witness};
pub use self::results::Judged;
pub(crate) use self::results::{findings_on, is_found, is_unknown, judged_nothing, messages};
pub(crate) use self::shell::{quoted as shell_quoted, word as shell_word};
pub use self::target::Target;
