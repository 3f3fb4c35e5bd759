//! The answer of a playbook about the two legs of Apigee Edge, as plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Certainty, Measurement, NotSeen};
use crate::checks::{Code, EdgeCause, Owner};
use crate::evidence::edge::Leg;

/// What a playbook concludes.
#[derive(Clone, Debug)]
pub struct LegAnswer {
    pub verdict: LegVerdict,
    pub remedy: LegRemedy,
    pub not_seen: Vec<NotSeen>,
}

/// The conclusion.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegVerdict {
    pub kind: LegVerdictKind,
    pub leg: FailingLeg,
    /// One sentence.
    pub headline: String,
    /// Best first.
    pub causes: Vec<LegCause>,
    /// The measurement that would decide between the remaining causes, one command on each line for each
    /// failure, or resolve what is unknown.
    pub next_measurement: Option<Measurement>,
}

impl LegVerdict {
    /// Returns the word that leads a report: a cause is only likely where no observation establishes it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        let is_established = self.causes.iter().any(|cause| cause.certainty == Certainty::Established);
        match self.kind {
            LegVerdictKind::Cause if !is_established => "LIKELY",
            kind => kind.word(),
        }
    }

    /// Returns the word, the leg and the sentence in one line, the leg once.
    #[must_use]
    pub fn line(&self) -> String {
        let leg = format!("{}: ", self.leg.word());
        let headline = self.headline.strip_prefix(&leg).unwrap_or(&self.headline);
        format!("{} {leg}{headline}", self.word())
    }
}

/// The kinds of answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LegVerdictKind {
    /// Several causes fit, and none is established.
    Ambiguous,
    /// Nobody fails yet, or as far as was seen.
    AtRisk,
    /// Clients fail, and this is why.
    Cause,
    /// Nothing keeps clients from completing a handshake.
    Healthy,
    /// Too little could be seen.
    Unknown,
}

impl LegVerdictKind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ambiguous => "AMBIGUOUS",
            Self::AtRisk => "AT RISK",
            Self::Cause => "CAUSE",
            Self::Healthy => "HEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The leg on which handshakes fail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FailingLeg {
    Northbound,
    Southbound,
    Both,
    None,
    Unknown,
}

impl FailingLeg {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Northbound => "northbound",
            Self::Southbound => "southbound",
            Self::Both => "both",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the leg of several, or both.
    #[must_use]
    pub fn of(legs: impl IntoIterator<Item = Leg>) -> Self {
        let mut all = Self::None;
        for leg in legs {
            let one = match leg {
                Leg::Northbound => Self::Northbound,
                Leg::Southbound => Self::Southbound,
            };
            all = if all == Self::None || all == one { one } else { Self::Both };
        }
        all
    }
}

/// One reason why handshakes fail.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegCause {
    pub cause: EdgeCause,
    pub leg: Leg,
    pub certainty: Certainty,
    pub owner: Owner,
    /// The broken objects, the most important first: `virtualhosts/secure`, `keystores/ks/aliases/api`, a
    /// host.
    pub objects: Vec<String>,
    /// One sentence.
    pub statement: String,
    /// The observations that support it.
    pub evidence: Vec<String>,
    /// Codes of the checks that make it up.
    pub codes: Vec<Code>,
}

/// The steps that fix the causes; empty if there are none.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegRemedy {
    pub steps: Vec<LegStep>,
    pub side_effects: Vec<String>,
}

/// One step.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegStep {
    /// In the imperative.
    pub title: String,
    pub owner: Owner,
    /// To be pasted: commands, or lines of a file. Absent where there is nothing to paste.
    pub paste: Option<String>,
    pub note: Option<String>,
}
