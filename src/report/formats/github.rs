//! Annotations of a GitHub workflow: one workflow command for each finding. Findings of the baseline are
//! notices.
//!
//! Source: GitHub, "Workflow commands for GitHub Actions": `::error file=…,line=…::message`, with `%`, line
//! ends and, in properties, `:` and `,` in percent encoding.

use std::convert::Infallible;

use crate::report::document::{Level, Location};
use crate::report::{Document, Located, Rule, TextOptions};
use crate::text::visible;

pub(super) const ABOUT: Option<&str> = Some("Annotations of a GitHub workflow, one for each finding");

#[expect(clippy::unnecessary_wraps, reason = "formats have one shape")]
pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, Infallible> {
    let conclusion = document.conclusion().map(|text| format!("::notice title=kubectl-apigee-tls::{}\n", data(&text)));
    Ok(conclusion.into_iter().chain(document.findings().iter().map(annotation)).collect())
}

fn annotation(finding: &Located<'_>) -> String {
    let command = match finding.level {
        _ if finding.known => "notice",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let mut properties = Vec::new();
    if let Some(Location::File { name, line, column }) = finding.location {
        properties.push(format!("file={},line={line},col={column}", property(name)));
    }
    let name = Rule::of(finding.code).map_or(String::new(), |rule| format!(" {}", rule.name));
    properties.push(format!("title={}", property(&format!("{}{name}", finding.code))));
    format!("::{command} {}::{}\n", properties.join(","), data(&finding.sentence()))
}

fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_commands_are_encoded() {
        assert_eq!(data("50 % of a\nb::c"), "50 %25 of a\\u{a}b::c");
        assert_eq!(property("C:\\a,b"), "C%3A\\a%2Cb");
    }
}
