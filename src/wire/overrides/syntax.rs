//! Texts for syntax errors: tabs and templates are named; other errors have the parser's text.

use super::disclosure::{has_template, nearest};
use super::faults::{FaultText, Faults};
use super::source::Source;
use super::{MAX_DIRECTIVES, MAX_LINE};
use crate::evidence::overrides::{FaultKind, Position};
use crate::wire::yaml::{ErrorKind, MAX_DEPTH, ScanError, saturated};

/// Other spellings of `virtualhosts` that are too far for an edit distance.
const ALSO_VIRTUAL_HOSTS: &[&str] = &["vhost", "vhosts"];

/// Reports the position and the cause of a syntax error.
pub(super) fn report(source: &Source<'_>, error: &ScanError, faults: &mut Faults) {
    let marker = error.marker();
    let place = Position { line: saturated(marker.line().max(1)), column: saturated(marker.col() + 1) };
    let at = marker.byte_offset().unwrap_or_default();

    let line = source.around(at, at, MAX_LINE).map(|(before, after)| format!("{before}{after}")).unwrap_or_default();
    let tab = match tab_in_indentation(&line) {
        Some(indentation) => Some(Position { line: place.line, column: saturated(indentation + 1) }),
        // A value may continue on the next line, so the parser reports the end of the line above the tab.
        None if *error.kind() == ErrorKind::TabInPlainScalar => tab_below(source, at, place.line),
        None => None,
    };
    if let Some(tab) = tab {
        faults.add(FaultKind::Malformed, tab, || {
            FaultText::new("", format!("a tab at {tab}"), "spaces: YAML does not allow tabs in the indentation")
        });
        return;
    }
    if has_template(&line) {
        faults.add(FaultKind::Malformed, place, template);
        return;
    }
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        faults.add(FaultKind::Unjudged, place, || {
            FaultText::new("", "the rest of the file", format!("at most {MAX_DEPTH} levels of nesting are read"))
        });
        return;
    }
    faults.add(FaultKind::Malformed, place, || {
        let (observed, expected) = described(error.kind());
        FaultText::new("", observed, expected)
    });
}

/// Returns the texts for a template (`{{`).
pub(super) fn template() -> FaultText {
    FaultText::new(
        "",
        "a template that was not rendered",
        "plain YAML: helm does not expand templates in a file given with -f",
    )
}

/// Returns the judged key of which a top-level key is probably a misspelling.
///
/// Only `virtualhosts` is compared, because too many other keys are valid at the top level.
pub(super) fn misspelt(key: &str) -> Option<&'static str> {
    const MEANT: &str = "virtualhosts";
    if key == MEANT {
        return None;
    }
    let other = ALSO_VIRTUAL_HOSTS.iter().any(|name| key.eq_ignore_ascii_case(name));
    (other || nearest(key, &[MEANT]).is_some()).then_some(MEANT)
}

fn tab_in_indentation(line: &str) -> Option<usize> {
    let indentation = line.len() - line.trim_start_matches([' ', '-']).len();
    line[indentation..].starts_with('\t').then_some(indentation)
}

/// Returns the position of a tab that indents the first non-empty line below `line`. `at` is a byte offset in
/// `line`.
fn tab_below(source: &Source<'_>, at: usize, line: u32) -> Option<Position> {
    let end = source.text.len().min(at.saturating_add(MAX_LINE));
    let rest = source.text.as_bytes().get(at..end)?;
    let mut lines = rest.split(|byte| *byte == b'\n').zip(line..).skip(1);
    let (text, line) = lines.find(|(text, _)| !text.trim_ascii().is_empty())?;
    let indentation = text.iter().position(|byte| *byte != b' ')?;
    (text[indentation] == b'\t').then_some(Position { line, column: saturated(indentation + 1) })
}

fn described(kind: &ErrorKind) -> (String, &'static str) {
    let wanted = match kind {
        ErrorKind::DirectiveDisallowed => {
            return (format!("more than {MAX_DIRECTIVES} directives (%)"), "no directives");
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => {
            let number = u32::from(*character);
            return (format!("not YAML: the control character U+{number:04X}"), "text without it");
        }
        // Not shown: the character may be the first of a password.
        ErrorKind::UnexpectedCharacter { .. } => {
            return ("not YAML: a character that no value begins with".to_owned(), "quotes around the value");
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::MappingKeyNotAllowed => {
            "one \"key: value\" on a line, indented like adjacent lines; a value with \": \" in quotes"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "\"key: value\", with a colon and a space",
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::InvalidIndentation => {
            "the same indentation as adjacent lines"
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => "a closing quote",
        ErrorKind::InvalidColonPlacement
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping => "a closing bracket",
        _ => "YAML",
    };
    (format!("not YAML: {kind}"), wanted)
}
