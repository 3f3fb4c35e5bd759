//! The report of `edge` for a person: verdict, causes with their evidence and owner, the playbook's steps,
//! the fix, and what was not seen.

mod markdown;

use owo_colors::{OwoColorize, Style};

use serde::Serialize;

use super::{CheckResult, Located, located_of};
use crate::judgement::edge::{self as judgement, EdgeReport};
use crate::judgement::{OutcomeWord, StepState};
use crate::report::document::Record;
use crate::report::formats::jsonl;
use crate::report::html::{self, Content, FileLink};
use crate::report::{Document, TextOptions};
use crate::text::{LabelledText, moment_in_heading, visible};
use crate::verdict::{Certainty, FailingLeg, LegCause, LegVerdict, LegVerdictKind};

/// Column at which text beside a label begins.
const COLUMN: usize = 12;
/// Column at which what a step shows begins.
const STEP_COLUMN: usize = 34;

impl Document for EdgeReport {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let mut page = Page { out: String::new(), options };
        page.verdict(self);
        for (cause, number) in self.verdict.causes.iter().zip(1..) {
            page.cause(cause, number);
        }
        if let Some(next) = &self.verdict.next_measurement {
            page.row("NEXT", options.styles.heading, &next.why);
            page.paste(&next.command);
        }
        page.steps(self);
        page.fix(self);
        for missing in &self.not_seen {
            page.row("NOT SEEN", options.styles.notice, &format!("{}: {}", missing.what, missing.why));
        }
        page.out
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        html::edge::content(self)
    }

    fn findings(&self) -> Vec<Located<'_>> {
        self.results().into_iter().flat_map(|result| result.findings).collect()
    }

    fn conclusion(&self) -> Option<String> {
        Some(self.verdict.line())
    }

    /// The findings, then the verdict where they do not say it: nothing found is not the same as nothing
    /// known.
    fn lines(&self) -> Vec<String> {
        let mut findings = self.findings();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        findings.iter().map(Located::line).chain(self.open().map(|verdict| visible(&verdict.line()))).collect()
    }

    fn records(&self) -> Result<String, serde_json::Error> {
        let findings = jsonl::of(self.findings().iter().map(Record::of))?;
        let open =
            self.open().map(|verdict| Open { kind: verdict.kind, leg: verdict.leg, headline: &verdict.headline });
        Ok(findings + &jsonl::of(open)?)
    }

    fn markdown(&self) -> String {
        markdown::of(self)
    }

    fn results(&self) -> Vec<CheckResult<'_>> {
        self.checks
            .iter()
            .map(|check| CheckResult {
                code: check.code,
                subject: None,
                outcome: check.outcome,
                reason: check.reason.as_deref(),
                findings: located_of(check.code, check.level, &check.findings, None).collect(),
            })
            .collect()
    }
}

impl EdgeReport {
    /// Returns the verdict if findings cannot say it.
    fn open(&self) -> Option<&LegVerdict> {
        let is_open = matches!(self.verdict.kind, LegVerdictKind::Ambiguous | LegVerdictKind::Unknown);
        Some(&self.verdict).filter(|_| is_open)
    }
}

/// A verdict that is no finding, as one line of JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Open<'a> {
    kind: LegVerdictKind,
    leg: FailingLeg,
    headline: &'a str,
}

struct Page {
    out: String,
    options: TextOptions,
}

impl Page {
    fn verdict(&mut self, report: &EdgeReport) {
        let styles = self.options.styles;
        let verdict = &report.verdict;
        let style = match verdict.kind {
            LegVerdictKind::Cause => styles.error,
            LegVerdictKind::Ambiguous | LegVerdictKind::AtRisk => styles.warning,
            LegVerdictKind::Healthy => styles.good,
            LegVerdictKind::Unknown => styles.notice,
        };
        let subject = &report.subject;
        let offline = if subject.offline { ", offline" } else { "" };
        let url = subject.management_url.as_deref().map(|url| format!(", {url}")).unwrap_or_default();
        self.plain(&format!(
            "organization {} · environment {}{url}{offline} · {}",
            subject.organization,
            subject.environment,
            moment_in_heading(subject.collected_at)
        ));
        self.out.push('\n');
        self.row(verdict.word(), style, &format!("{}.", verdict.headline.trim_end_matches('.')));
        self.row("LEG", styles.heading, verdict.leg.word());
        self.out.push('\n');
    }

    fn cause(&mut self, cause: &LegCause, number: usize) {
        let styles = self.options.styles;
        let (word, style) = match cause.certainty {
            Certainty::Established => ("established", styles.error),
            Certainty::Likely => ("likely", styles.error),
            Certainty::Possible => ("possible", styles.notice),
        };
        let codes: Vec<&str> = cause.codes.iter().map(|code| code.as_str()).collect();
        let head = format!("{} ({}, {word}, {})", cause.cause.name(), cause.leg, codes.join(" "));
        self.row(&format!("{number}."), style, &head);
        self.row("", Style::new(), &format!("{}.", cause.statement.trim_end_matches('.')));
        if !cause.objects.is_empty() {
            self.row("  objects", Style::new(), &cause.objects.join(", "));
        }
        for evidence in &cause.evidence {
            self.row("  evidence", Style::new(), evidence);
        }
        self.row("  owner", Style::new(), cause.owner.name());
        self.out.push('\n');
    }

    fn steps(&mut self, report: &EdgeReport) {
        let styles = self.options.styles;
        self.plain("PLAYBOOK");
        for step in &report.steps {
            let (sign, style) = match step.state {
                StepState::Found => ("✗", styles.error),
                StepState::Passed => ("✓", styles.good),
                StepState::Unknown => ("?", styles.notice),
                StepState::NotApplicable | StepState::NotDone => ("-", styles.dim),
            };
            let label = format!("{sign} {}. {}", step.number, step.title);
            self.beside(&label, style, &step.seen, STEP_COLUMN);
            for mark in &step.marks {
                self.beside("", Style::new(), &format!("{} {}", mark.code, mark.message), STEP_COLUMN);
            }
            let details = if self.options.wide { step.details.len() } else { step.details.len().min(4) };
            for detail in step.details.iter().take(details) {
                self.beside("", Style::new(), detail, STEP_COLUMN);
            }
            if self.options.wide {
                for detail in &step.wide {
                    self.beside("", Style::new(), detail, STEP_COLUMN);
                }
            }
        }
        if self.options.wide {
            for check in report.checks.iter().filter(|check| check.outcome == OutcomeWord::Passed) {
                self.beside(&format!("✓ {}", check.code), styles.dim, &check.name, STEP_COLUMN);
            }
        }
        self.out.push('\n');
    }

    fn fix(&mut self, report: &EdgeReport) {
        let styles = self.options.styles;
        for (step, number) in report.remedy.steps.iter().zip(1..) {
            let label = if number == 1 { "FIX" } else { "" };
            self.row(label, styles.heading, &format!("{number}. {} ({})", step.title, step.owner));
            if let Some(paste) = &step.paste {
                self.paste(paste);
            }
            if let Some(note) = &step.note {
                self.row("", styles.dim, note);
            }
        }
        for effect in &report.remedy.side_effects {
            self.row("NOTE", styles.warning, effect);
        }
        if !report.remedy.steps.is_empty() {
            self.out.push('\n');
        }
    }

    /// Lines to paste, which are not wrapped.
    fn paste(&mut self, text: &str) {
        for line in text.lines() {
            let line = visible(line).style(self.options.styles.command).to_string();
            self.out.push_str(&format!("{}{line}\n", " ".repeat(COLUMN)));
        }
    }

    fn plain(&mut self, text: &str) {
        let line = visible(text).style(self.options.styles.heading).to_string();
        self.out.push_str(&format!("{line}\n"));
    }

    fn row(&mut self, label: &str, style: Style, text: &str) {
        self.beside(label, style, text, COLUMN);
    }

    fn beside(&mut self, label: &str, style: Style, text: &str, column: usize) {
        let label = visible(label);
        let painted = if label.is_empty() { String::new() } else { label.style(style).to_string() };
        let beside = LabelledText { margin: 0, column, width: self.options.width };
        self.out += &beside.lines(&label, &painted, &visible(text), 0);
    }
}
