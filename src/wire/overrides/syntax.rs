//! Syntax errors in words that help: tabs and templates are named, the parser's own words stand for the rest.

use granit_parser::{ErrorKind, ScanError};

use super::faults::{Faults, Texts};
use super::text::{Source, count};
use super::words::{has_template, nearest};
use super::{MAX_DEPTH, MAX_DIRECTIVES, MAX_LINE};
use crate::evidence::overrides::{FaultKind, Place};

/// Other spellings of `virtualhosts` that no distance finds.
const ALSO_VIRTUAL_HOSTS: &[&str] = &["vhost", "vhosts"];

/// Reports where and why the file is not YAML.
pub(super) fn report(source: &Source<'_>, error: &ScanError, faults: &mut Faults) {
    let marker = error.marker();
    let place = Place { line: count(marker.line().max(1)), column: count(marker.col() + 1) };
    let at = marker.byte_offset().unwrap_or_default();
    let indentation = source.around(at, at, MAX_LINE).map(|(before, after)| (before, format!("{before}{after}")));

    if let Some((_, line)) = &indentation {
        if let Some(blanks) = tab_in_indentation(line) {
            let place = Place { line: place.line, column: count(blanks + 1) };
            faults.add(FaultKind::Malformed, place, || {
                Texts::new("", format!("a tab at {place}"), "YAML indents with blanks")
            });
            return;
        }
        if has_template(line) {
            faults.add(FaultKind::Malformed, place, template);
            return;
        }
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
        ErrorKind::MappingValueNotAllowed | ErrorKind::MappingKeyNotAllowed => {
            "one \"key: value\" in a line, indented as its neighbours; a value with \": \" in quotes"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "\"key: value\", with a colon and a blank",
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::InvalidIndentation => {
            "the same indentation as the neighbours"
        }
        ErrorKind::UnclosedQuotedScalar => "a closing quote",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping => "a closing bracket",
        _ => "YAML",
    };
    (format!("not YAML: {kind}"), wanted)
}
