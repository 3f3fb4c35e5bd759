//! Reads what earlier runs reported: the report of one context or of several, for `--baseline` and `diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::{Error, sources};
use crate::bundle::source;
use crate::evidence::Evidence;
use crate::gather::files::file_kind;
use crate::judgement::contexts::{self as several, ContextReport, ContextsReport, Entry, PackedReport};
use crate::judgement::{self, FailOn, Report, Selection, build};
use crate::wire::BYTE_ORDER_MARK;

/// Maximum size of a report: several times that of one context with 500 routes, twice that of 200 clusters
/// with 50 routes each.
const MAX_REPORT_BYTES: u64 = 64 << 20;
/// Number of bytes in which the schema of a report is searched.
const LOOK: usize = 64 << 10;

/// The report of `--baseline`.
pub(super) struct Baseline {
    name: String,
    report: Earlier,
}

enum Earlier {
    One(Box<Report>),
    Several(BTreeMap<String, PackedReport>),
}

impl Baseline {
    /// Reads the report.
    ///
    /// # Errors
    /// The file cannot be read, or is no report.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let unreadable = |source| Error::Input { name: name.clone(), source };
        let refused = |why: String| Error::Baseline { name: name.clone(), why };
        let mut input = BufReader::with_capacity(LOOK, File::open(path).map_err(unreadable)?);
        if is_of_several(&mut input).map_err(unreadable)? {
            let report = contexts(input).map_err(refused)?;
            let judged = report.contexts.into_iter().filter_map(|told| match told {
                ContextReport::Judged { context, report } => Some((context, report)),
                ContextReport::Failed { .. } => None,
            });
            return Ok(Self { report: Earlier::Several(judged.collect()), name });
        }
        let bytes = whole(input).map_err(unreadable)?.ok_or_else(|| refused(too_large()))?;
        let report: Report = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
        if report.schema != judgement::SCHEMA {
            return Err(refused(format!("its schema is {}", report.schema)));
        }
        Ok(Self { report: Earlier::One(Box::new(report)), name })
    }

    /// Returns whether it is the report of several contexts.
    pub(super) fn is_of_several(&self) -> bool {
        matches!(self.report, Earlier::Several(_))
    }

    /// Returns the report with which a run of this context is compared.
    ///
    /// # Errors
    /// The report is of several contexts, and has none of this one.
    pub(super) fn of_context(&self, context: Option<&str>) -> Result<Report, Error> {
        let reports = match &self.report {
            Earlier::One(report) => return Ok(Report::clone(report)),
            Earlier::Several(reports) => reports,
        };
        let refused = |why: String| Error::Baseline { name: self.name.clone(), why };
        let found = context.and_then(|context| reports.get(context));
        let found = found.ok_or_else(|| {
            let run = context
                .map_or_else(|| "this run has no context".to_owned(), |name| format!("it has no report of {name}"));
            refused(format!("it is a report of several contexts, and {run}"))
        })?;
        found.unpack().map_err(|error| refused(error.to_string()))
    }

    /// Returns the reports by context, for a run over several contexts.
    ///
    /// # Errors
    /// The report is of one context.
    pub(super) fn into_contexts(self) -> Result<BTreeMap<String, PackedReport>, Error> {
        match self.report {
            Earlier::Several(reports) => Ok(reports),
            Earlier::One(report) => {
                let of = report.subject.context().unwrap_or("files alone");
                let why = format!("it is the report of one context ({of}), and this run has several");
                Err(Error::Baseline { name: self.name, why })
            }
        }
    }
}

/// A run to compare.
pub(super) enum Run {
    One(Box<Evidence>),
    Several(Box<ContextsReport>),
}

impl Run {
    /// Reads a run: a report of several contexts, a folder with a bundle of each context, or the evidence of
    /// one run.
    ///
    /// # Errors
    /// It cannot be read, or is none of these.
    pub(super) fn read(name: &str, keep_random_tokens: bool) -> Result<Self, Error> {
        // Files of older versions or of others may hold secrets that this version redacts.
        let clean = |evidence| sources::clean(&sources::of_cluster(name, evidence)?, keep_random_tokens);
        let unreadable = |source| Error::Input { name: name.to_owned(), source };
        if name != "-" && fs::metadata(name).is_ok_and(|known| known.is_dir()) {
            let bundles = bundles(Path::new(name)).map_err(unreadable)?;
            return if bundles.is_empty() {
                Ok(Self::One(Box::new(clean(source::read(name)?)?)))
            } else {
                Ok(Self::Several(Box::new(of_bundles(&bundles, keep_random_tokens)?)))
            };
        }
        let input: Box<dyn Read> = match name {
            "-" => Box::new(io::stdin().lock()),
            name => match File::open(name) {
                Ok(file) => Box::new(file),
                // The reader of evidence reports it with its own hint.
                Err(_) => return Ok(Self::One(Box::new(clean(source::read(name)?)?))),
            },
        };
        let mut input = BufReader::with_capacity(LOOK, input);
        if is_of_several(&mut input).map_err(unreadable)? {
            let report = contexts(input).map_err(|why| Error::Baseline { name: name.to_owned(), why })?;
            return Ok(Self::Several(Box::new(report)));
        }
        Ok(Self::One(Box::new(clean(source::read_from(name, input)?)?)))
    }
}

/// Returns whether the input is a report of several contexts. Skips a byte order mark.
fn is_of_several(input: &mut impl BufRead) -> io::Result<bool> {
    let start = input.fill_buf()?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        let why = "it is UTF-16, as `>` of older PowerShells writes it; write it with `| Out-File -Encoding utf8`";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    if start.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    Ok(file_kind::is_of_several_contexts(input.fill_buf()?))
}

/// Reads the bytes of a report; `None` if there are too many.
fn whole(input: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    input.take(MAX_REPORT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= MAX_REPORT_BYTES))
}

fn too_large() -> String {
    format!("it has more than {} MiB", MAX_REPORT_BYTES >> 20)
}

/// Reads a report of several contexts, of which one at a time is unpacked.
fn contexts(input: impl Read) -> Result<ContextsReport, String> {
    let bytes = whole(input).map_err(|error| error.to_string())?.ok_or_else(too_large)?;
    let report: ContextsReport = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if report.schema != several::SCHEMA {
        return Err(format!("its schema is {}", report.schema));
    }
    check(&report)?;
    Ok(report)
}

/// Checks that a report of several contexts has each of them once, in its table and in its reports.
fn check(report: &ContextsReport) -> Result<(), String> {
    if report.summary.is_empty() {
        return Err("it has no context".to_owned());
    }
    let mut names = BTreeSet::new();
    if let Some(line) = report.summary.iter().find(|line| !names.insert(line.context.as_str())) {
        return Err(format!("its `summary` has the context {:?} twice", line.context));
    }
    let told = report.contexts.iter().map(ContextReport::context);
    if told.ne(report.summary.iter().map(|line| line.context.as_str())) {
        return Err("its `summary` and its `contexts` are not of the same contexts in the same order".to_owned());
    }
    Ok(())
}

/// Returns the bundles in a folder, by name; none for a folder that is an unpacked bundle.
fn bundles(folder: &Path) -> io::Result<Vec<String>> {
    if folder.join("manifest.json").exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".tar.gz") && path.is_file() {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Judges the bundles, one at a time. Of several bundles of a context, the latest counts.
fn of_bundles(bundles: &[String], keep_random_tokens: bool) -> Result<ContextsReport, Error> {
    let mut latest = BTreeMap::new();
    for name in bundles {
        let evidence = sources::clean(&sources::of_cluster(name, source::read(name)?)?, keep_random_tokens)?;
        let report = build(&evidence, &Selection::default(), FailOn::default());
        let context = report.subject.context().unwrap_or(name).to_owned();
        let collected_at = report.subject.collected_at();
        let entry = Entry::new(&context, Ok(report));
        if latest.get(&context).is_none_or(|(known, _)| *known <= collected_at) {
            latest.insert(context, (collected_at, entry));
        }
    }
    Ok(several::combine(latest.into_values().map(|(_, entry)| entry).collect()))
}
