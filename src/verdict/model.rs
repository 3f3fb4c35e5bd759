//! The answer of a playbook as plain data: verdict, causes, remedy, and what was not seen.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Target;
use crate::checks::Code;

/// The conclusion.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    pub kind: VerdictKind,
    /// One sentence.
    pub headline: String,
    /// Best first, by symptom.
    pub causes: Vec<Cause>,
    /// The one measurement that would decide between the remaining causes, or resolve what is unknown.
    pub next_measurement: Option<Measurement>,
}

/// The kinds of answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VerdictKind {
    /// Several causes fit, and none is established.
    Ambiguous,
    /// No client was seen to fail, but some will, or some are refused who may not be ours.
    AtRisk,
    /// Clients fail, and this is why.
    Cause,
    /// Every check was run, and clients that failed before are served now.
    Fixed,
    /// Every check was run, and nothing keeps clients from completing a handshake.
    Healthy,
    /// Clients fail. One cause fits what was seen; it is not established.
    Likely,
    /// The user may read nothing that the checks need.
    NoAccess,
    /// Only some checks were selected, and these found nothing.
    Passed,
    /// Clients with SNI are served. Clients without SNI are not accepted, and none was seen.
    SniOnly,
    /// Too little could be seen.
    Unknown,
}

impl VerdictKind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ambiguous => "AMBIGUOUS",
            Self::AtRisk => "AT RISK",
            Self::Cause => "CAUSE",
            Self::Fixed => "FIXED",
            Self::Healthy => "HEALTHY",
            Self::Likely => "LIKELY",
            Self::NoAccess => "NO ACCESS",
            Self::Passed => "PASSED",
            Self::SniOnly => "SNI ONLY",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Returns whether nothing needs to be done.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Fixed | Self::Healthy | Self::Passed | Self::SniOnly)
    }
}

/// One reason why clients fail.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cause {
    /// Code of the check that saw clients fail; absent where none did.
    pub symptom: Option<Code>,
    /// Codes of the checks whose facts make up the cause.
    pub codes: Vec<Code>,
    pub certainty: Certainty,
    /// One sentence.
    pub statement: String,
    /// The observations that support it.
    pub evidence: Vec<String>,
}

/// How far the evidence carries.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// Seen, and enough to explain the symptom.
    Established,
    /// Fits what was seen better than the others.
    Likely,
    /// Cannot be excluded.
    Possible,
}

/// Something to do in order to know more.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measurement {
    pub why: String,
    pub command: String,
}

/// The steps that fix the findings; empty if there are none.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remedy {
    /// The cluster and the namespace that the steps act on.
    #[serde(default)]
    pub target: Target,
    /// In order: what cures the cause, the proof, then what reduces a risk.
    pub steps: Vec<RemedyStep>,
    /// Side effects of the steps.
    pub side_effects: Vec<String>,
    /// The command that writes the support bundle of the same cluster and files.
    #[serde(default)]
    pub collect: String,
}

/// One step.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemedyStep {
    /// In the imperative.
    pub title: String,
    #[serde(default)]
    pub purpose: Purpose,
    /// To be pasted: a command, or a diff. Absent where there is nothing to paste.
    pub paste: Option<String>,
    pub note: Option<String>,
    /// The command that undoes the step.
    #[serde(default)]
    pub undo: Option<String>,
    /// The result that shows that the step worked.
    #[serde(default)]
    pub good: Option<String>,
    /// The certificates among which the user can choose, the best first.
    #[serde(default)]
    pub choices: Vec<CertificateChoice>,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// Cures a cause of the verdict.
    #[default]
    Cure,
    /// Shows whether the steps before it worked.
    Check,
    /// Reduces a risk. No client was seen to suffer from it.
    Later,
}

/// A certificate that a step can use.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateChoice {
    pub secret: String,
    /// DNS names of the leaf.
    pub names: Vec<String>,
    pub not_after: Option<Timestamp>,
    /// Hostnames of routes that the leaf does not cover.
    pub uncovered: Vec<String>,
    /// The step as printed uses this one.
    pub chosen: bool,
}

/// Something that the report does not rest on.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotSeen {
    pub what: String,
    pub why: String,
    /// The measurement that would show it.
    pub measurement: Option<Measurement>,
}
