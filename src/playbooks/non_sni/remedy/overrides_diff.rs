//! The change of the user's overrides file that adds a gateway to every virtual host, as a unified diff.
//!
//! Made from the evidence alone, without the file: each virtual host has the line to change, or the position
//! to insert one, and the lines around it that may be shown. Where a line may not be shown the context ends,
//! so that `git apply` may need `--unidiff-zero`; `patch` takes it as it is. What cannot be changed by a line
//! is listed to be changed by hand, never guessed.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::evidence::Unavailable;
use crate::evidence::overrides::{
    FaultKind, GatewaysForm, LineEnds, Overrides, OverridesFile, Position as FilePosition, VirtualHost,
};

/// The name in the diff of a file that has none that a tool would find.
const FILE_NAME: &str = "overrides.yaml";

/// Lines of context before and after a change.
const CONTEXT: u32 = 3;

/// Characters of the heading of a hunk.
const LONGEST_HEADING: usize = 80;

/// Plain words that are not strings to a YAML parser.
const NOT_STRINGS: &[&str] = &["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// The diff of one file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct OverridesDiff {
    /// A unified diff; empty where no line is changed.
    pub text: String,
    /// The virtual hosts that lack the gateway and cannot be changed by the diff, in the order of the file.
    pub by_hand: Vec<ByHand>,
}

/// A virtual host that has to be changed by hand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ByHand {
    /// The position of the change.
    pub place: FilePosition,
    /// The path and the name, as `virtualhosts[0] dev-grp`.
    pub virtual_host: String,
}

/// The diff that adds `gateway` to the `additionalGateways` of each virtual host that lacks it.
///
/// # Errors
/// The file was not seen.
pub(super) fn add_gateway(file: &OverridesFile, gateway: &str) -> Result<OverridesDiff, Unavailable> {
    let overrides = file.content.seen()?;
    let mut edits: BTreeMap<Position, Edit> = BTreeMap::new();
    let mut by_hand = Vec::new();
    let quote = overrides.virtual_hosts.iter().find_map(|host| Quote::of_form(&host.additional_gateways.form));

    for (host, heading) in overrides.virtual_hosts.iter().zip(headings(overrides)) {
        if host.additional_gateways.names.iter().any(|name| name.value == gateway) {
            continue;
        }
        match Edit::of(host, gateway, quote.unwrap_or(Quote::Double), overrides.line_ends) {
            // Two virtual hosts may share one list: one edit serves both.
            Ok((position, edit)) => edits.entry(position).or_insert(edit).headings.push(heading),
            Err(place) => by_hand.push(ByHand { place, virtual_host: heading }),
        }
    }
    let name = if file.is_stream() { FILE_NAME } else { &file.name };
    Ok(OverridesDiff { text: rendered(name, &edits, overrides), by_hand })
}

/// The position of an edit: a line is changed before another is inserted below it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Position {
    line: u32,
    below: bool,
}

struct Edit {
    /// The removed line, if any.
    old: Option<String>,
    new: Vec<String>,
    headings: Vec<String>,
}

impl Edit {
    fn of(host: &VirtualHost, gateway: &str, quote: Quote, ends: LineEnds) -> Result<(Position, Self), FilePosition> {
        let edit = |old, new| Self { old, new, headings: Vec::new() };
        match &host.additional_gateways.form {
            GatewaysForm::Absent { after, indentation } => {
                let indent = " ".repeat(usize::try_from(*indentation).unwrap_or_default());
                let line = format!("{indent}additionalGateways: [{}]", quote.around(gateway));
                Ok((Position { line: *after, below: true }, edit(None, vec![line])))
            }
            GatewaysForm::Block { line, text } => {
                let item = text.trim_start_matches([' ', '-']);
                let marker = &text[..text.len() - item.len()];
                let added = format!("{marker}{}", Quote::of(text).around(gateway));
                // Below a line without an end nothing can be put: the line is written again, with an end.
                if ends.unterminated == Some(*line) {
                    Ok((Position { line: *line, below: false }, edit(Some(text.clone()), vec![text.clone(), added])))
                } else {
                    Ok((Position { line: *line, below: true }, edit(None, vec![added])))
                }
            }
            GatewaysForm::Flow { line, text } => Ok((
                Position { line: *line, below: false },
                edit(Some(text.clone()), vec![longer(text, gateway, quote)]),
            )),
            GatewaysForm::Other { place } => Err(*place),
        }
    }
}

/// How a name is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Quote {
    Double,
    Plain,
    Single,
}

impl Quote {
    /// The style of the last name of a line.
    fn of(text: &str) -> Self {
        match text.trim_end_matches([' ', ']', ',']).chars().last() {
            Some('"') => Self::Double,
            Some('\'') => Self::Single,
            _ => Self::Plain,
        }
    }

    fn of_form(form: &GatewaysForm) -> Option<Self> {
        match form {
            GatewaysForm::Block { text, .. } => Some(Self::of(text)),
            GatewaysForm::Flow { text, .. } => {
                listed(text).filter(|(names, _)| !names.ends_with('[')).map(|_| Self::of(text))
            }
            GatewaysForm::Absent { .. } | GatewaysForm::Other { .. } => None,
        }
    }

    fn around(self, name: &str) -> String {
        let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let letter = name.starts_with(|first: char| first.is_ascii_alphabetic());
        let string = !NOT_STRINGS.iter().any(|other| name.eq_ignore_ascii_case(other));
        match self {
            Self::Plain if word && letter && string => name.to_owned(),
            Self::Single if word => format!("'{name}'"),
            _ => format!("\"{}\"", name.escape_default()),
        }
    }
}

/// A line with a flow sequence and one more name in it.
fn longer(text: &str, gateway: &str, quote: Quote) -> String {
    let Some((names, end)) = listed(text) else {
        let key = text.trim_end_matches(' ');
        let key = ["null", "Null", "NULL", "~"].iter().find_map(|nothing| key.strip_suffix(nothing)).unwrap_or(key);
        return format!("{} [{}]", key.trim_end_matches(' '), quote.around(gateway));
    };
    if names.ends_with('[') {
        return format!("{names}{}]", quote.around(gateway));
    }
    let names = names.strip_suffix(',').map_or(names, |names| names.trim_end_matches(' '));
    format!("{names}, {}{end}", Quote::of(names).around(gateway))
}

/// A line with a flow sequence: up to the end of the last name, and the rest of it.
fn listed(text: &str) -> Option<(&str, &str)> {
    let (names, _) = text.rsplit_once(']')?;
    let names = names.trim_end_matches(' ');
    Some((names, &text[names.len()..]))
}

/// `virtualhosts[0] dev-grp` for each virtual host. Entries of another type are not in the evidence, but they
/// count.
fn headings(overrides: &Overrides) -> impl Iterator<Item = String> + '_ {
    let skipped: Vec<&str> = overrides
        .faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::WrongType)
        .map(|fault| fault.path.as_str())
        .filter(|path| path.starts_with("virtualhosts[") && path.ends_with(']') && !path.contains('.'))
        .collect();
    let paths = (0_u32..).map(|number| format!("virtualhosts[{number}]"));
    let paths = paths.filter(move |path| !skipped.contains(&path.as_str()));
    overrides.virtual_hosts.iter().zip(paths).map(|(host, path)| match &host.name {
        Some(name) => format!("{path} {}", name.value),
        None => path,
    })
}

fn rendered(name: &str, edits: &BTreeMap<Position, Edit>, overrides: &Overrides) -> String {
    if edits.is_empty() {
        return String::new();
    }
    let name = name_in_diff(name);
    let mut text = format!("--- a/{name}\n+++ b/{name}\n");
    let file = File::of(overrides);
    let hunks = hunks(edits, &file);
    let mut added = 0;
    for (i, hunk) in hunks.iter().enumerate() {
        let last = i.checked_sub(1).map_or(1, |before| hunks[before].end);
        let next = hunks.get(i + 1).map_or(u32::MAX, |after| after.start);
        let (before, after) = file.context(hunk, last, next);
        hunk.write(&file, before, after, &mut added, &mut text);
    }
    text
}

/// What is known of the file.
struct File<'a> {
    shown: BTreeMap<u32, &'a str>,
    /// 0 if unknown.
    lines: u32,
    ends: LineEnds,
}

/// Edits that share their context.
struct Hunk<'a> {
    edits: Vec<(Position, &'a Edit)>,
    /// The first line that is changed, or below which something is inserted, and the line after the last.
    start: u32,
    end: u32,
}

/// Returns the edits as hunks: two are one if all lines between them may be shown and are few.
fn hunks<'a>(edits: &'a BTreeMap<Position, Edit>, file: &File<'_>) -> Vec<Hunk<'a>> {
    let mut hunks: Vec<Hunk<'a>> = Vec::new();
    for (&position, edit) in edits {
        let start = position.line.saturating_add(u32::from(position.below));
        let end = position.line.saturating_add(1);
        match hunks.last_mut() {
            Some(hunk)
                if start.saturating_sub(hunk.end) <= 2 * CONTEXT
                    && (hunk.end..start).all(|line| file.shown.contains_key(&line)) =>
            {
                hunk.edits.push((position, edit));
                hunk.end = end;
            }
            _ => hunks.push(Hunk { edits: vec![(position, edit)], start, end }),
        }
    }
    hunks
}

impl<'a> File<'a> {
    fn of(overrides: &'a Overrides) -> Self {
        let shown = overrides.context.iter().map(|shown| (shown.line, shown.text.as_str())).collect();
        Self { shown, lines: overrides.lines, ends: overrides.line_ends }
    }

    /// Returns the number of lines of context before and after a hunk, between the end of the last hunk and
    /// the start of the next.
    ///
    /// patch takes a shorter context after the change for the end of the file, and a shorter one before it
    /// for the beginning. So both are cut alike, except where the file really ends.
    fn context(&self, hunk: &Hunk<'_>, last: u32, next: u32) -> (u32, u32) {
        let run = |lines: &mut dyn Iterator<Item = u32>| {
            let shown = lines.take_while(|line| self.shown.contains_key(line)).count();
            u32::try_from(shown).unwrap_or_default()
        };
        let room_before = if last == 1 { CONTEXT } else { CONTEXT.min(hunk.start.saturating_sub(last) / 2) };
        let room_after = if next == u32::MAX { CONTEXT } else { CONTEXT.min(next.saturating_sub(hunk.end) / 2) };
        let first = hunk.start.saturating_sub(room_before).max(1);
        let before = run(&mut (first..hunk.start).rev());
        let after = run(&mut (hunk.end..hunk.end.saturating_add(room_after)));
        let at_begin = before + 1 == hunk.start;
        let at_end = self.lines > 0 && hunk.end + after == self.lines + 1;
        match (before < CONTEXT && !at_begin, after < CONTEXT && !at_end) {
            (true, true) => (before.min(after), before.min(after)),
            (true, false) => (before, after.min(before)),
            (false, true) => (before.min(after), after),
            (false, false) => (before, after),
        }
    }
}

impl Hunk<'_> {
    fn write(&self, file: &File<'_>, before: u32, after: u32, added: &mut u32, text: &mut String) {
        let removed: u32 = self.edits.iter().map(|(_, edit)| u32::from(edit.old.is_some())).sum();
        let new: u32 = self.edits.iter().map(|(_, edit)| u32::try_from(edit.new.len()).unwrap_or(u32::MAX)).sum();
        let old_lines = before + (self.end - self.start) + after;
        let new_lines = old_lines - removed + new;
        let first = self.start - before;
        // A range of no lines is named by the line before it.
        let old_start = if old_lines == 0 { first - 1 } else { first };
        let range = |lines: u32| if lines == 1 { String::new() } else { format!(",{lines}") };
        let headings: Vec<String> = self.edits.iter().flat_map(|(_, edit)| edit.headings.iter().cloned()).collect();
        let heading: String = headings.join(", ").chars().take(LONGEST_HEADING).collect();
        let (old_range, new_range) = (range(old_lines), range(new_lines));
        // Writing to a string does not fail.
        let _ = writeln!(text, "@@ -{old_start}{old_range} +{}{new_range} @@ {heading}", first + *added);
        let context = |from: u32, to: u32, text: &mut String| {
            for line in from..to {
                let shown = file.shown.get(&line).copied().unwrap_or_default();
                push_line(text, ' ', shown, file.ends.unterminated == Some(line), file.ends);
            }
        };
        context(first, self.start, text);
        let mut done = self.start;
        for (position, edit) in &self.edits {
            let Position { line, below } = *position;
            let start = line.saturating_add(u32::from(below));
            context(done, start, text);
            let last = !below && file.ends.unterminated == Some(line);
            if let Some(old) = &edit.old {
                push_line(text, '-', old, last, file.ends);
            }
            for (number, new) in edit.new.iter().enumerate() {
                push_line(text, '+', new, last && number + 1 == edit.new.len(), file.ends);
            }
            done = line.saturating_add(1);
        }
        context(self.end, self.end + after, text);
        *added += new - removed;
    }
}

fn push_line(text: &mut String, sign: char, line: &str, last: bool, ends: LineEnds) {
    text.push(sign);
    text.push_str(line);
    text.push_str(match (last, ends.crlf) {
        (true, _) => "\n\\ No newline at end of file\n",
        (false, true) => "\r\n",
        (false, false) => "\n",
    });
}

/// The path as given, where `patch -p1` finds it from the current directory; else the name of the file alone.
fn name_in_diff(name: &str) -> &str {
    let plain = |name: &str| {
        let words = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./+@".contains(&byte));
        words && !name.split('/').any(|part| matches!(part, "" | "." | ".." | "-"))
    };
    let relative = name.strip_prefix("./").unwrap_or(name);
    let base = name.rsplit('/').next().unwrap_or(name);
    [relative, base].into_iter().find(|name| plain(name)).unwrap_or(FILE_NAME)
}

#[cfg(test)]
mod tests;
