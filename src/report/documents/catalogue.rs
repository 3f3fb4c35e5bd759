//! The catalogue: the list, a page for each check, `docs/checks.md`, and the pages as data.

use serde::Serialize;

use crate::checks::{self, Check, Code, Family, Level};
use crate::text::{one_line, wrap};

/// Names the format of [`Pages`] in JSON and YAML.
const SCHEMA: &str = "apigee-tls.checks/v1";

/// Checks with a page each; more are listed with one line each.
const FEW: usize = 3;

/// A check of the catalogue with its family.
pub type Entry = (&'static Family, &'static Check);

/// Pages of checks for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pages {
    schema: &'static str,
    checks: Vec<Page>,
}

/// What is known of one check.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    code: Code,
    name: &'static str,
    family: &'static str,
    level: Level,
    summary: &'static str,
    looks_for: String,
    matters: String,
    fix: String,
    reference: String,
    documentation_url: String,
}

/// Returns the pages of these checks as data.
#[must_use]
pub fn data(entries: &[Entry]) -> Pages {
    let page = |(family, check): &Entry| Page {
        code: check.code,
        name: check.name,
        family: family.name,
        level: check.level,
        summary: check.summary,
        looks_for: one_line(check.explanation.looks_for),
        matters: one_line(check.explanation.matters),
        fix: one_line(check.explanation.fix),
        reference: one_line(check.reference),
        documentation_url: check.documentation_url(),
    };
    Pages { schema: SCHEMA, checks: entries.iter().map(page).collect() }
}

/// Returns the pages of these checks, or a list with their summaries where there are more than three and
/// `list` allows it.
#[must_use]
pub fn pages(entries: &[Entry], list: bool, width: usize) -> String {
    if list && entries.len() > FEW {
        let line = |(_, check): &Entry| {
            let line = format!("{}  {:7}  {}: {}", check.code, check.level.as_str(), check.name, check.summary);
            wrap(&line, width, 16) + "\n"
        };
        return entries.iter().map(line).collect();
    }
    let pages: Vec<String> = entries.iter().map(|(family, check)| page(family, check, width)).collect();
    pages.join("\n")
}

/// `explain` without a code: every check on a line, by family.
#[must_use]
pub fn list(width: usize) -> String {
    let mut text = String::new();
    for family in checks::CATALOGUE {
        text += &format!("{}xx {}: {}\n", family.block, family.name, family.judges);
        for check in family.checks {
            text += &format!("  {}  {:7}  {}\n", check.code, check.level.as_str(), check.name);
        }
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.iter().map(|line| wrap(line, width, 4) + "\n").collect()
}

/// `explain CODE`.
fn page(family: &Family, check: &Check, width: usize) -> String {
    let head = format!("{} {} ({}, family {})", check.code, check.name, check.level.as_str(), family.name);
    let parts = [
        ("", check.summary.to_owned() + "."),
        ("What it looks for", one_line(check.explanation.looks_for)),
        ("Why it matters", one_line(check.explanation.matters)),
        ("How it is fixed", one_line(check.explanation.fix)),
        ("Reference", one_line(check.reference)),
        ("Documentation", check.documentation_url()),
    ];
    let mut text = head + "\n";
    for (heading, body) in parts {
        text.push('\n');
        if heading.is_empty() {
            text += &format!("{}\n", wrap(&body, width, 0));
        } else {
            text += &format!("{heading}\n{}\n", wrap(&format!("  {body}"), width, 2));
        }
    }
    text
}

/// `docs/checks.md`, whole.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# The checks\n\nWritten from the catalogue by `make docs`; a test compares the two. Levels say who is hurt: *error*, clients \
         fail now; *warning*, they will, or some are refused who may not be ours; *notice*, worth knowing.\n",
    );
    for family in checks::CATALOGUE {
        text += &format!("\n## {}xx {}\n\nJudges {}.\n", family.block, family.name, family.judges);
        for check in family.checks {
            text += &format!(
                "\n### {} {}\n\n*{}.* {}.\n\n**Looks for.** {}\n\n**Matters.** {}\n\n**Fix.** {}\n\n**Reference.** {}\n",
                check.code,
                check.name,
                capital(check.level.as_str()),
                check.summary,
                one_line(check.explanation.looks_for),
                one_line(check.explanation.matters),
                one_line(check.explanation.fix),
                one_line(check.reference),
            );
        }
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
