//! Syntax errors in words that help: tabs and templates are named, the parser's own words stand for the rest.

use super::disclosure::{has_template, nearest};
use super::faults::{Faults, Texts};
use super::source::Source;
use super::{MAX_DIRECTIVES, MAX_LINE};
use crate::evidence::overrides::{FaultKind, Place};
use crate::wire::yaml::{ErrorKind, MAX_DEPTH, ScanError, saturated};

/// Other spellings of `virtualhosts` that no distance finds.
const ALSO_VIRTUAL_HOSTS: &[&str] = &["vhost", "vhosts"];

/// Reports where and why the file is not YAML.
pub(super) fn report(source: &Source<'_>, error: &ScanError, faults: &mut Faults) {
    let marker = error.marker();
    let place = Place { line: saturated(marker.line().max(1)), column: saturated(marker.col() + 1) };
    let at = marker.byte_offset().unwrap_or_default();

    let line = source.around(at, at, MAX_LINE).map(|(before, after)| format!("{before}{after}")).unwrap_or_default();
    let tab = match tab_in_indentation(&line) {
        Some(blanks) => Some(Place { line: place.line, column: saturated(blanks + 1) }),
        // A value may go on in the next line, so the parser stops at its end.
        None if *error.kind() == ErrorKind::TabInPlainScalar => tab_below(source, at, place.line),
        None => None,
    };
    if let Some(tab) = tab {
        faults.add(FaultKind::Malformed, tab, || Texts::new("", format!("a tab at {tab}"), "YAML indents with blanks"));
        return;
    }
    if has_template(&line) {
        faults.add(FaultKind::Malformed, place, template);
        return;
    }
    faults.add(FaultKind::Malformed, place, || {
        let (observed, expected) = described(error.kind());
        Texts::new("", observed, expected)
    });
}

/// The texts for `{{`.
pub(super) fn template() -> Texts {
    Texts::new(
        "",
        "a template that was not rendered",
        "plain YAML: helm does not expand templates in a file given with -f",
    )
}

/// The judged key that a top-level key was probably meant to be.
///
/// Only for `virtualhosts`: there are too many other keys at the top to judge them.
pub(super) fn misspelt(key: &str) -> Option<&'static str> {
    const MEANT: &str = "virtualhosts";
    if key == MEANT {
        return None;
    }
    let other = ALSO_VIRTUAL_HOSTS.iter().any(|name| key.eq_ignore_ascii_case(name));
    (other || nearest(key, &[MEANT]).is_some()).then_some(MEANT)
}

fn tab_in_indentation(line: &str) -> Option<usize> {
    let blanks = line.len() - line.trim_start_matches([' ', '-']).len();
    line[blanks..].starts_with('\t').then_some(blanks)
}

/// The first line below `line` that is not blank, if a tab indents it; `at` is a byte of `line`.
fn tab_below(source: &Source<'_>, at: usize, line: u32) -> Option<Place> {
    let end = source.text.len().min(at.saturating_add(MAX_LINE));
    let rest = source.text.as_bytes().get(at..end)?;
    let mut lines = rest.split(|byte| *byte == b'\n').zip(line..).skip(1);
    let (text, line) = lines.find(|(text, _)| !text.trim_ascii().is_empty())?;
    let blanks = text.iter().position(|byte| *byte != b' ')?;
    (text[blanks] == b'\t').then_some(Place { line, column: saturated(blanks + 1) })
}

fn described(kind: &ErrorKind) -> (String, &'static str) {
    let wanted = match kind {
        ErrorKind::RecursionLimitExceeded => {
            return (
                format!("more than {MAX_DEPTH} levels of nesting"),
                "fewer levels; the rest of the file was not read",
            );
        }
        ErrorKind::DirectiveDisallowed => {
            return (format!("more than {MAX_DIRECTIVES} directives (%)"), "no directives");
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => {
            let number = u32::from(*character);
            return (format!("not YAML: the control character U+{number:04X}"), "text without it");
        }
        // It may be the first character of a password.
        ErrorKind::UnexpectedCharacter { .. } => {
            return ("not YAML: a character that no value begins with".to_owned(), "quotes around the value");
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::MappingKeyNotAllowed => {
            "one \"key: value\" in a line, indented as its neighbours; a value with \": \" in quotes"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "\"key: value\", with a colon and a blank",
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::InvalidIndentation => {
            "the same indentation as the neighbours"
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
