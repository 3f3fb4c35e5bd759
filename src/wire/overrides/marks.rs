//! Makes files with placeholders readable: whole lines that are one, and values that no YAML value begins
//! like.
//!
//! The result has the length of the text, so that every position stays valid.

use std::borrow::Cow;

use super::faults::{FaultText, Faults};
use crate::evidence::overrides::{FaultKind, Position};
use crate::text::{has_placeholder, is_placeholder_in_delimiters};
use crate::wire::yaml::saturated;

/// A line of the text without its line end.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    fn indentation(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    fn is_empty(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || (text.starts_with('#') && !text.starts_with("#{"))
    }
}

/// Returns the text with its placeholders replaced by what YAML can read, and reports whole lines.
pub(super) fn masked<'a>(text: &'a str, faults: &mut Faults) -> Cow<'a, str> {
    if memchr::memchr3(b'@', b'%', b'$', text.as_bytes()).is_none()
        && memchr::memchr2(b'<', b'#', text.as_bytes()).is_none()
        && ["__", "((", "[[", "?{", "\\(", "«"].iter().all(|open| !text.contains(open))
    {
        return Cow::Borrowed(text);
    }
    let mut edits = Vec::new();
    let mut before: Option<Line<'_>> = None;
    let mut waiting: Option<(Line<'_>, Option<Line<'_>>)> = None;
    let mut start = 0;
    // Indentation of a key whose value has command operators of Envoy, which look like placeholders.
    let mut format: Option<usize> = None;
    for (number, whole) in (1..).zip(text.split_inclusive('\n')) {
        let line = Line { number, start, text: whole.trim_end_matches(['\n', '\r']) };
        start += whole.len();
        if line.is_empty() || format.is_some_and(|key| line.indentation() > key) {
            continue;
        }
        format = begins_log_format(line.text).then(|| line.indentation());
        if format.is_some() {
            continue;
        }
        if let Some((mark, above)) = waiting.take() {
            decide(mark, above, Some(line), &mut edits, faults);
        }
        // A template (`{{`) is reported where the parser meets it.
        if is_placeholder_in_delimiters(line.text.trim()) && !line.text.trim().starts_with('{') {
            waiting = Some((line, before));
        } else {
            edits.extend(values(line));
        }
        before = Some(line);
    }
    if let Some((mark, above)) = waiting {
        decide(mark, above, None, &mut edits, faults);
    }
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = text.to_owned();
    for (at, replacement) in edits {
        masked.replace_range(at..at + replacement.len(), &replacement);
    }
    Cow::Owned(masked)
}

/// Returns whether a line has the key of a log format, and a value that YAML can read.
fn begins_log_format(line: &str) -> bool {
    let value = line.split_once("accessLogFormat").map(|(_, rest)| rest.trim_start_matches(['"', '\'', ':', ' ']));
    value.is_some_and(|value| !value.starts_with(['@', '%', '#']))
}

/// Makes a line that is a placeholder a comment, unless it is the value of the key above. A directive of
/// Terraform (`%{ for … }`) is never a value.
fn decide(
    line: Line<'_>,
    above: Option<Line<'_>>,
    below: Option<Line<'_>>,
    edits: &mut Vec<(usize, String)>,
    faults: &mut Faults,
) {
    let own = line.indentation();
    let is_below_key = above.is_some_and(|above| above.text.trim_end().ends_with(':') && above.indentation() < own);
    let text = line.text.trim();
    if is_below_key && !text.starts_with("%{") && below.is_none_or(|below| below.indentation() < own) {
        edits.extend(values(line));
        return;
    }
    edits.push((line.start + line.text.len() - line.text.trim_start().len(), "#".repeat(text.len())));
    let place = Position { line: saturated(line.number), column: saturated(own + 1) };
    faults.add(FaultKind::Placeholder, place, || {
        FaultText::new("", super::disclosure::quoted_value(text), "the lines in its place")
    });
}

/// Returns the replacements of the values of a line that begin with a character that YAML reserves.
fn values(line: Line<'_>) -> impl Iterator<Item = (usize, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = line.text.get(at..).and_then(|rest| rest.find(['@', '%', '#'])) {
        let begin = at + next;
        let rest = line.text.get(begin..).unwrap_or_default();
        let directive = rest.strip_prefix("%{").and_then(|inner| Some(inner.find('}')? + "%{}".len()));
        let end = || rest.find([' ', ',', ']', '"', '\'']).unwrap_or(rest.len());
        let length = directive.unwrap_or_else(end);
        let token = rest.get(..length).unwrap_or_default();
        let before = line.text.get(..begin).unwrap_or_default();
        // ytt writes a value as a comment behind its key.
        if token.starts_with("#@") && before.trim_end().ends_with([':', '-']) && before.ends_with(' ') {
            found.push((line.start + begin, "_".repeat(rest.len())));
            break;
        }
        if token.starts_with('#') && !token.starts_with("#{") && before.ends_with(' ') {
            break;
        }
        let is_value = before.trim().is_empty() || before.ends_with([' ', '[', '-']);
        let is_placeholder = || is_placeholder_in_delimiters(token.trim_end_matches('#')) || has_placeholder(token);
        if is_value && length > 2 && is_placeholder() {
            found.push((line.start + begin, token.replace(['@', '%', '#'], "_").replace("_{", "${")));
        }
        at = begin + length.max(1);
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> (String, usize) {
        let mut faults = Faults::default();
        let masked = masked(text, &mut faults).into_owned();
        assert_eq!(masked.len(), text.len());
        (masked, faults.finish().0.len())
    }

    #[test]
    fn whole_lines_become_comments_and_are_reported() {
        assert_eq!(after("a: b\n${MORE}\nc: d\n"), ("a: b\n#######\nc: d\n".to_owned(), 1));
        assert_eq!(after("list:\n  <HOSTS>\n  - a\n"), ("list:\n  #######\n  - a\n".to_owned(), 1));
        for mark in ["#{MORE}#", "((more))", "[[ more ]]", "$[MORE]"] {
            assert_eq!(after(&format!("a: b\n{mark}\nc: d\n")).1, 1, "{mark}");
        }
        assert_eq!(after("a: b\r\n@@X@@"), ("a: b\r\n#####".to_owned(), 1));
    }

    #[test]
    fn directives_of_terraform_become_comments_and_text() {
        let text = "hosts:\n  %{ for x in all ~}\n- name: ${x}\n  %{ endfor ~}\n";
        assert_eq!(after(text).1, 2);
        assert!(after(text).0.ends_with("##\n- name: ${x}\n  ############\n"));
        assert_eq!(after("a: %{ if b }c%{ endif }\n").0, "a: ${ if b }c%{ endif }\n");
    }

    #[test]
    fn a_value_below_its_key_stays() {
        for text in ["list:\n  ${HOSTS}\nb: c\n", "list:\n  [[a]]\nb: c\n"] {
            assert_eq!(after(text), (text.to_owned(), 0), "{text}");
        }
    }

    #[test]
    fn values_that_yaml_cannot_begin_with_are_replaced() {
        assert_eq!(after("a: @ORG@\nb: [%X%, y]\nc: #{D}#\n"), ("a: _ORG_\nb: [_X_, y]\nc: ${D}_\n".to_owned(), 0));
        assert_eq!(
            after("a: @org@-tls\nb: %(org)s\nc: #@ data.values.org\nd: \\(org)\n").0,
            "a: _org_-tls\nb: _(org)s\nc: __________________\nd: \\(org)\n"
        );
        for text in ["a: b # @c@ d\n", "mail: x@y.example, z@y\n", "%YAML 1.2\n---\na: 1%\n", "a: <b>\n"] {
            assert_eq!(after(text), (text.to_owned(), 0), "{text}");
        }
    }
}
