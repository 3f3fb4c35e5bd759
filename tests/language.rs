//! The word list of the project's prose: one term for one thing, and the field's own where it has one.
//!
//! Source is read as text. A word counts where people read it: in comments, in doc comments and in string
//! literals. Wire names of older files are kept, so the text of a `serde` attribute does not count.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use apigee_tls::checks;

/// Words of the house in place of the field's, with the word to use. Compared whole and in lower case.
const REPLACED: [(&str, &str); 20] = [
    ("asunder", "apart"),
    ("blanks", "spaces"),
    ("greets", "preflight"),
    ("greeted", "preflight"),
    ("hello", "ClientHello"),
    ("hellos", "ClientHellos"),
    ("keeper", "bundle sink"),
    ("knock", "marker probe"),
    ("knocked", "marker probe"),
    ("knocks", "marker probe"),
    ("nameless", "without SNI"),
    ("no server name", "no SNI"),
    ("said", "reported"),
    ("stands", "is in, or applies"),
    ("told", "reported"),
    ("untold", "not reported"),
    ("verdicted", "check result"),
    ("without a server name", "without SNI"),
    ("whosoever", "whoever"),
    ("written anew", "re-encoded"),
];

/// Folders and files that people read.
const READ: [&str; 5] = ["src", "docs", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Longest line of prose in source, in characters.
const LONGEST_LINE: usize = 110;

#[test]
fn prose_uses_the_word_of_the_field() {
    let mut found = Vec::new();
    for (path, text) in files() {
        for (number, line) in (1..).zip(text.lines()) {
            // The heading of a check is its name.
            let is_name = line.starts_with("### AT");
            let prose = if is_rust(&path) { prose_of(line) } else { line.to_owned() };
            let prose = if is_name { String::new() } else { prose };
            let words = words(&prose);
            for (word, better) in REPLACED {
                let parts: Vec<&str> = word.split(' ').collect();
                if words.windows(parts.len()).any(|window| window == parts.as_slice()) {
                    found.push(format!("{path}:{number}: {word:?}, better {better:?}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn explanations_use_the_word_of_the_field() {
    for (_, check) in checks::all() {
        let explanation = &check.explanation;
        for text in [check.summary, explanation.looks_for, explanation.matters, explanation.fix] {
            let words = words(text);
            for (word, better) in REPLACED {
                assert!(!words.iter().any(|known| known == word), "{}: {word:?}, better {better:?}", check.code);
            }
        }
    }
}

#[test]
fn comments_have_at_most_110_columns() {
    let mut long = Vec::new();
    for (path, text) in files().into_iter().filter(|(path, _)| is_rust(path)) {
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim_start().starts_with("//") && line.chars().count() > LONGEST_LINE {
                long.push(format!("{path}:{number}"));
            }
        }
    }
    assert!(long.is_empty(), "{} lines: {}", long.len(), long.join(", "));
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The comment and the string literals of a line of Rust; nothing of an attribute, which names what is on the
/// wire.
fn prose_of(line: &str) -> String {
    let trimmed = line.trim_start();
    if trimmed.starts_with("#[") {
        return String::new();
    }
    if trimmed.starts_with("//") {
        return without_code(trimmed);
    }
    let mut prose = String::new();
    let mut quoted = false;
    let mut escaped = false;
    let mut previous = ' ';
    for character in line.chars() {
        match character {
            // Bytes are data.
            '"' if !escaped && previous == 'b' => return String::new(),
            '"' if !escaped => {
                quoted = !quoted;
                prose.push(' ');
            }
            _ if quoted => prose.push(character),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
        previous = character;
    }
    // A literal of one word is a key or a name, not prose.
    if prose.split_whitespace().count() > 1 { prose } else { String::new() }
}

/// A comment less what is in backticks: that is code.
fn without_code(comment: &str) -> String {
    comment.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Paths relative to the package, and texts, of everything that [`READ`] names.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = READ.iter().map(|name| root.join(name)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            open.extend(entries.map(|entry| entry.expect("it can be listed").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "md") {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.push((name, text));
        }
    }
    found.sort();
    assert!(found.len() > 100, "the sources are there");
    found
}
