//! A report in little memory: compressed, with the results of its checks beside it, which several formats
//! list.
//!
//! A report is some hundred kilobytes of names and sentences that repeat, and a fleet has hundreds of them.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::judgement::{CheckReport, Report, Resets, Rest};
use crate::text::{count, json};
use crate::verdict::NotSeen;

/// Maximum number of findings that are kept of a check.
const MAX_FINDINGS: usize = 100;
/// Maximum number of clients, and of minutes, that are kept of a report with more than [`MAX_PACKED`] bytes.
const MAX_CLIENTS: usize = 100;
const MAX_MINUTES: usize = 240;
/// Number of compressed bytes above which the lists of a report are cut.
const MAX_PACKED: usize = 32 << 10;

/// One report of several. In JSON it is the report itself.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedReport {
    /// The report as compressed JSON, without its checks.
    packed: Box<[u8]>,
    checks: Vec<CheckReport>,
}

impl PackedReport {
    /// Packs a report. A large one is cut, and reports under NOT SEEN what was left out.
    ///
    /// # Errors
    /// The report could not be serialised.
    pub fn new(mut report: Report) -> Result<Self, serde_json::Error> {
        let mut checks = std::mem::take(&mut report.checks);
        let mut left_out = cut_findings(&mut checks);
        let mut packed = packed(&report)?;
        if packed.len() > MAX_PACKED
            && let Some(resets) = &mut report.summary.resets
        {
            left_out.extend(cut_resets(resets));
        }
        if !left_out.is_empty() {
            report.not_seen.push(NotSeen {
                what: "parts of this report".to_owned(),
                why: format!("left out of a report of several contexts: {}", left_out.join(", ")),
                measurement: None,
            });
            packed = self::packed(&report)?;
        }
        Ok(Self { packed: packed.into(), checks })
    }

    /// Returns the report.
    ///
    /// # Errors
    /// The report could not be read back.
    pub fn unpack(&self) -> Result<Report, serde_json::Error> {
        let mut json = Vec::new();
        DeflateDecoder::new(&*self.packed).read_to_end(&mut json).map_err(serde_json::Error::io)?;
        let report: Report = serde_json::from_slice(&json)?;
        Ok(Report { checks: self.checks.clone(), ..report })
    }

    /// Every check that was selected, as in the report.
    #[must_use]
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }
}

fn packed(report: &Report) -> Result<Vec<u8>, serde_json::Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&json(report)?).and_then(|()| encoder.finish()).map_err(serde_json::Error::io)
}

/// Returns what was left out, one text for each check.
fn cut_findings(checks: &mut [CheckReport]) -> Vec<String> {
    let cut = checks.iter_mut().filter(|check| check.findings.len() > MAX_FINDINGS).map(|check| {
        let rest = check.findings.len() - MAX_FINDINGS;
        check.findings.truncate(MAX_FINDINGS);
        check.findings.shrink_to_fit();
        format!("{} of {}", count(rest as u64, "finding"), check.code)
    });
    cut.collect()
}

/// Keeps the clients with most resets and the latest minutes, and counts the rest.
fn cut_resets(resets: &mut Resets) -> Vec<String> {
    let add = |rest: &mut Rest, left_out: &[u64]| {
        rest.entries = rest.entries.saturating_add(left_out.len() as u64);
        rest.resets = left_out.iter().fold(rest.resets, |sum, count| sum.saturating_add(*count));
    };
    let clients: Vec<u64> = resets.clients.iter().skip(MAX_CLIENTS).map(|client| client.count).collect();
    resets.clients.truncate(MAX_CLIENTS);
    add(&mut resets.other_clients, &clients);
    let earlier = resets.per_minute.len().saturating_sub(MAX_MINUTES);
    let minutes: Vec<u64> = resets.per_minute.drain(..earlier).map(|minute| minute.count).collect();
    add(&mut resets.other_minutes, &minutes);
    let cut = [(clients.len(), "client"), (minutes.len(), "minute")];
    cut.into_iter().filter(|(left_out, _)| *left_out > 0).map(|(left_out, noun)| count(left_out as u64, noun)).collect()
}

impl Serialize for PackedReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unpack().map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PackedReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Report::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for PackedReport {
    fn schema_name() -> Cow<'static, str> {
        Report::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Report::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Report::json_schema(generator)
    }
}
