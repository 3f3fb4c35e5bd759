//! The catalogue as text: the list, a page for each check, and `docs/checks.md`.

use crate::checks::{self, Check, Family};
use crate::text::{one_line, wrap};

/// `explain` without a code: every check on a line, by family.
#[must_use]
pub fn list(width: usize) -> String {
    let mut text = String::new();
    for family in checks::CATALOGUE {
        text += &format!("{}xx {}: {}\n", family.block, family.name, family.judges);
        for check in family.checks {
            text += &format!("  {}  {:7}  {}  {}\n", check.code, check.level.as_str(), check.name, "");
        }
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.iter().map(|line| wrap(line, width, 4) + "\n").collect()
}

/// `explain CODE`.
#[must_use]
pub fn page(family: &Family, check: &Check, width: usize) -> String {
    let head = format!("{} {} ({}, family {})", check.code, check.name, check.level.as_str(), family.name);
    let parts = [
        ("", check.summary.to_owned() + "."),
        ("What it looks for", one_line(check.explanation.looks_for)),
        ("Why it matters", one_line(check.explanation.matters)),
        ("How it is fixed", one_line(check.explanation.fix)),
        ("Reference", one_line(check.reference)),
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
