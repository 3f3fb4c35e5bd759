//! The interface of documents for formats.

use serde::Serialize;

use super::formats::{jsonl, markdown};
use super::html::{Content, FileLink};
use super::styles::Styles;
use crate::checks;
use crate::text::visible;

// What a finding is made of, for formats.
pub(super) use crate::checks::{Code, Kind, Level, Location, Object};
pub(super) use crate::judgement::OutcomeWord;

/// A value that can be printed in every [`Format`](super::Format).
pub trait Document: Serialize {
    /// Identifies the shape of the value in JSON and YAML. The number grows when an older reader would
    /// misread a newer file.
    const SCHEMA: &'static str;

    /// Returns the whole document as text.
    fn text(&self, options: TextOptions) -> String;

    /// Returns the findings and their places, in the order of the document, for formats that show findings
    /// only.
    fn findings(&self) -> Vec<Located<'_>>;

    /// Returns the conclusion as one line, for formats that otherwise show findings only; `None` where the
    /// findings say all.
    fn conclusion(&self) -> Option<String> {
        None
    }

    /// Returns one line for each finding, the gravest first, and what the baseline has last; a document about
    /// endpoints has one for each endpoint.
    fn lines(&self) -> Vec<String> {
        let mut findings = self.findings();
        findings.sort_by_key(|finding| (finding.known, std::cmp::Reverse(finding.level)));
        findings.iter().map(Located::line).collect()
    }

    /// Returns the result of each check, for formats that list what passed too. A document without checks has
    /// its findings alone.
    fn results(&self) -> Vec<CheckResult<'_>> {
        let mut results: Vec<CheckResult<'_>> = Vec::new();
        for finding in self.findings() {
            let of_check =
                |result: &&mut CheckResult<'_>| (result.code, result.subject) == (finding.code, finding.subject);
            match results.iter_mut().find(of_check) {
                Some(result) => result.findings.push(finding),
                None => results.push(CheckResult {
                    code: finding.code,
                    subject: finding.subject,
                    outcome: OutcomeWord::Found,
                    reason: None,
                    findings: vec![finding],
                }),
            }
        }
        results
    }

    /// Returns the document as an HTML page. `files` are those of the bundle that the page is in; empty
    /// elsewhere.
    ///
    /// # Errors
    /// A template could not be rendered.
    fn html(&self, files: &[FileLink]) -> Result<Content, askama::Error>;

    /// Returns the document as Markdown, for tickets and comments.
    fn markdown(&self) -> String {
        markdown::table(&self.findings())
    }

    /// Returns JSON lines, one for each entry of [`Document::lines`].
    ///
    /// # Errors
    /// As for [`jsonl::of`].
    fn records(&self) -> Result<String, serde_json::Error> {
        jsonl::of(self.findings().iter().map(Record::of))
    }
}

/// The result of one check, with its findings.
#[derive(Clone, Debug)]
pub struct CheckResult<'a> {
    pub code: Code,
    /// As for [`Located::subject`].
    pub subject: Option<&'a str>,
    pub outcome: OutcomeWord,
    /// The observation, why the check does not apply, or why it is unknown.
    pub reason: Option<&'a str>,
    pub findings: Vec<Located<'a>>,
}

/// What the catalogue says about a check, for formats that describe their rules.
#[derive(Clone, Debug)]
pub struct Rule {
    pub code: Code,
    pub name: &'static str,
    /// Name of the family.
    pub family: &'static str,
    pub level: Level,
    pub summary: &'static str,
    pub looks_for: &'static str,
    pub matters: &'static str,
    pub fix: &'static str,
    /// Page about the check.
    pub url: String,
}

impl Rule {
    /// Returns the rule of a code; `None` for a code that this version does not have.
    #[must_use]
    pub fn of(code: Code) -> Option<Self> {
        let (family, check) = checks::find(code.as_str())?;
        Some(Self {
            code,
            name: check.name,
            family: family.name,
            level: check.level,
            summary: check.summary,
            looks_for: check.explanation.looks_for,
            matters: check.explanation.matters,
            fix: check.explanation.fix,
            url: check.documentation_url(),
        })
    }
}

/// A finding as one line of JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(flatten)]
    finding: &'a Located<'a>,
    /// Page about the check.
    documentation_url: Option<String>,
}

impl<'a> Record<'a> {
    pub(super) fn of(finding: &'a Located<'a>) -> Self {
        let documentation_url = checks::find(finding.code.as_str()).map(|(_, check)| check.documentation_url());
        Self { finding, documentation_url }
    }
}

/// Options of text output.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions {
    pub styles: Styles,
    /// Columns of the terminal.
    pub width: usize,
    /// With every pod, stream and passed check. Formats decide it.
    pub wide: bool,
}

/// A finding and its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Located<'a> {
    pub code: Code,
    pub level: Level,
    /// The context or target that the finding is of; absent where the document is of one.
    pub subject: Option<&'a str>,
    pub objects: &'a [Object],
    /// Absent if the document does not have it.
    pub location: Option<&'a Location>,
    /// Names of the pods that the finding concerns, as far as the document has them.
    pub pods: &'a [String],
    pub message: &'a str,
    /// The report of `--baseline` has it too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
}

impl Located<'_> {
    /// Returns the message with the subject and the objects in front, where it does not name them.
    #[must_use]
    pub fn sentence(&self) -> String {
        let subject = self.subject_in_front();
        if self.objects.is_empty() || Object::are_named_in(self.objects, self.message) {
            return format!("{subject}{}", self.message);
        }
        format!("{subject}{}: {}", Object::describe(self.objects), self.message)
    }

    /// Returns `east: `, or nothing in a document of one subject, or where the objects name it: endpoints of
    /// `api.example.com:443` are `api.example.com:443 (203.0.113.7)`.
    pub(super) fn subject_in_front(&self) -> String {
        let is_endpoint = |object: &Object| matches!(object.kind, Kind::Endpoint | Kind::Host);
        let names =
            |subject: &str| self.objects.iter().any(|object| is_endpoint(object) && object.name.starts_with(subject));
        self.subject.filter(|subject| !names(subject)).map(|subject| format!("{subject}: ")).unwrap_or_default()
    }

    /// `error AT101 Pod/gw-1: 3 resets without SNI`, after the subject if there is one. What the baseline has
    /// begins with `known`, so that a search for `^error` finds what is new.
    pub(super) fn line(&self) -> String {
        let subject = self.subject_in_front();
        // The log of a container is known by its pod.
        let object = match (self.objects, self.pods) {
            ([Object { kind: Kind::Log, .. }], [pod]) => format!("{}/{pod}", Kind::Pod),
            (objects, _) => Object::describe(objects),
        };
        let message = self.message.strip_prefix(&object).and_then(|rest| rest.strip_prefix(": "));
        let message = message.unwrap_or(self.message);
        let known = if self.known { "known " } else { "" };
        visible(&format!("{subject}{known}{} {} {object}: {message}", self.level.as_str(), self.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_level_code_object_and_message() {
        let (_, check) = checks::find("connection-without-server-name-reset").unwrap();
        let log = [Object::new(Kind::Log, "gw-1/istio-proxy")];
        let pods = ["gw-1".to_owned()];
        let found = Located {
            code: check.code,
            level: check.level,
            subject: None,
            objects: &log,
            location: None,
            pods: &pods,
            message: "3 resets\nwithout SNI",
            known: false,
        };
        assert_eq!(found.line(), "error AT101 Pod/gw-1: 3 resets\\u{a}without SNI");
        let known = Located { known: true, ..found.clone() };
        assert_eq!(known.line(), "known error AT101 Pod/gw-1: 3 resets\\u{a}without SNI");
        let file = [Object::new(Kind::File, "overrides.yaml")];
        let found = Located { subject: Some("east"), objects: &file, pods: &[], message: "m", ..found };
        assert_eq!(found.line(), "east: error AT101 overrides.yaml: m");
        let found = Located { message: "overrides.yaml: m", ..found };
        assert_eq!(found.line(), "east: error AT101 overrides.yaml: m");
        let endpoint = [Object::new(Kind::Endpoint, "a.example:443 (203.0.113.7)")];
        let message = "a.example:443 (203.0.113.7): it expired";
        let found = Located { subject: Some("a.example:443"), objects: &endpoint, message, ..found };
        assert_eq!(found.sentence(), "a.example:443 (203.0.113.7): it expired");
        assert_eq!(found.line(), "error AT101 a.example:443 (203.0.113.7): it expired");
    }
}
