//! JUnit XML: a suite for each subject and a test case for each check, for pipelines that show test results.
//!
//! Errors and warnings are failures, unless the baseline has them. JUnit has one word for what was not
//! tested: `skipped`, with a message that tells *unknown* from *not applicable*.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::report::document::Level;
use crate::report::document::OutcomeWord;
use crate::report::{CheckResult, Document, Located, Rule, TextOptions};
use crate::text::visible;

pub(super) const ABOUT: Option<&str> = Some("JUnit XML: a test case for each check");

const NAME: &str = "kubectl-apigee-tls";

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, SerializeError> {
    let mut report = Report::new(NAME);
    let results = document.results();
    let mut subjects: Vec<Option<&str>> = Vec::new();
    for result in &results {
        if !subjects.contains(&result.subject) {
            subjects.push(result.subject);
        }
    }
    let mut conclusion = document.conclusion();
    if subjects.is_empty() && conclusion.is_some() {
        subjects.push(None);
    }
    for subject in subjects {
        let mut suite = TestSuite::new(visible(subject.unwrap_or(NAME)));
        if let Some(conclusion) = conclusion.take() {
            suite.set_system_out(visible(&conclusion));
        }
        suite.add_test_cases(results.iter().filter(|result| result.subject == subject).map(case));
        report.add_test_suite(suite);
    }
    report.to_string().map(|text| text + "\n")
}

fn case(result: &CheckResult<'_>) -> TestCase {
    let rule = Rule::of(result.code);
    let name = rule.as_ref().map_or("", |rule| rule.name);
    let mut case = TestCase::new(format!("{} {name}", result.code), status(result));
    case.set_classname(rule.map_or(NAME, |rule| rule.family));
    // What fails nothing is not lost.
    if result.outcome == OutcomeWord::Found && !is_failure(result) {
        case.set_system_out(sentences(&result.findings));
    }
    case
}

fn is_failure(result: &CheckResult<'_>) -> bool {
    result.findings.iter().any(|finding| finding.level > Level::Notice && !finding.known)
}

fn status(result: &CheckResult<'_>) -> TestCaseStatus {
    let reason = visible(result.reason.unwrap_or_default());
    let skipped = |word: &str| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("{word}: {reason}"));
        status
    };
    match result.outcome {
        OutcomeWord::Found if is_failure(result) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let new: Vec<Located<'_>> = result.findings.iter().filter(|finding| !finding.known).cloned().collect();
            let level = new.iter().map(|finding| finding.level).max().unwrap_or(Level::Error);
            status.set_type(level.as_str());
            status.set_message(new.first().map_or(String::new(), |first| visible(first.message)));
            status.set_description(sentences(&new));
            status
        }
        OutcomeWord::Found | OutcomeWord::Passed => TestCaseStatus::success(),
        OutcomeWord::NotApplicable => skipped("not applicable"),
        OutcomeWord::Unknown => skipped("unknown"),
    }
}

fn sentences(findings: &[Located<'_>]) -> String {
    findings.iter().map(|finding| visible(&finding.sentence()) + "\n").collect()
}
