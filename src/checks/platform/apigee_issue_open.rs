//! AT808: Apigee has an open ApigeeIssue about the ingress.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::ApigeeIssue;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT808"),
    name: "apigee-issue-open",
    level: Level::Warning,
    summary: "An ApigeeIssue about the ingress is open",
    explanation: Explanation {
        looks_for: "ApigeeIssues of the namespace whose reason begins with AIS_INGRESS, or whose name refers \
            to ingress certificates, client CAs or virtual hosts. Other issues are only counted.",
        matters: "Apigee's watcher scans every minute and removes an issue when it is fixed. An issue that \
            exists is true now.",
        fix: "Follow the documentation that the issue names.",
    },
    reference: "Apigee hybrid \"Automated issue surfacing\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let issues = evidence.issues.seen()?;
    let findings = issues
        .iter()
        .filter(|issue| concerns_ingress(issue))
        .map(|issue| {
            Finding::new(
                Object::new(Kind::ApigeeIssue, &issue.name),
                Location::Reason(issue.reason.clone()),
                match details(issue) {
                    Some(details) => format!("ApigeeIssue {} is open: {details}", issue.name),
                    None => format!("ApigeeIssue {} is open", issue.name),
                },
                format!("severity {}", issue.severity.as_deref().unwrap_or("unknown")),
                issue.documentation.as_deref().map_or("no issue".into(), |page| format!("no issue; see {page}")),
            )
        })
        .collect();
    Ok(Outcome::of(findings, format!("{} open, none about the ingress", facts::count(issues.len() as u64, "issue"))))
}

/// Name patterns from the documentation of automated issue surfacing and its playbooks.
fn concerns_ingress(issue: &ApigeeIssue) -> bool {
    issue.reason.as_deref().is_some_and(|reason| reason.starts_with("AIS_INGRESS"))
        || ["ingress-cert-", "ca-cert-", "vhost-"].iter().any(|start| issue.name.starts_with(start))
}

/// Returns the details of the issue as the end of a sentence: without line breaks and final full stop.
fn details(issue: &ApigeeIssue) -> Option<String> {
    let words: Vec<&str> = issue.details.as_deref()?.split_whitespace().collect();
    let text = words.join(" ").trim_end_matches('.').to_owned();
    (!text.is_empty()).then_some(text)
}
