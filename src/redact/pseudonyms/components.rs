//! Hostnames written as domain components: `DC=acme,DC=com`, in either order (RFC 4519 §2.4), as OpenSSL,
//! Envoy and LDAP write subjects.

use std::ops::Range;

use super::hostnames::is_top_level;

/// Maximum number of components of a name.
const MAX_COMPONENTS: usize = 16;

/// A name in components.
pub(super) struct Components {
    pub(super) place: Range<usize>,
    labels: Vec<String>,
    /// How it is written: `DC = `, and what separates two components.
    assignment: String,
    separator: String,
}

impl Components {
    /// Returns the next name at or after `from`.
    pub(super) fn next(line: &[u8], from: usize) -> Option<Self> {
        let mut at = from;
        loop {
            let sign = at + memchr::memchr(b'=', line.get(at..)?)?;
            at = sign + 1;
            let Some((mut place, label)) = component(line, sign) else { continue };
            let assignment = line[place.start..place.end - label.len()].to_vec();
            let (mut labels, mut separator) = (vec![label], b", ".to_vec());
            while labels.len() < MAX_COMPONENTS {
                let rest = &line[place.end..];
                let between =
                    rest.iter().take(4).take_while(|byte| matches!(byte, b',' | b'/' | b'+' | b' ' | b'\\')).count();
                let equals = rest.iter().take(between + 6).position(|byte| *byte == b'=');
                let Some((next, label)) = equals.and_then(|equals| component(line, place.end + equals)) else { break };
                if next.start != place.end + between || !rest[..between].iter().any(|byte| *byte != b' ') {
                    break;
                }
                separator = rest[..between].to_vec();
                labels.push(label);
                place.end = next.end;
            }
            // `dc=west` alone is a data centre.
            if labels.len() > 1 || assignment.starts_with(b"DC") {
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                return Some(Self { place, labels, assignment: text(assignment), separator: text(separator) });
            }
        }
    }

    /// Returns the hostname, and whether the last component is its first label.
    pub(super) fn name(&self) -> (String, bool) {
        let (first, last) = (self.labels.first(), self.labels.last());
        let known =
            |label: Option<&String>| label.is_some_and(|label| is_top_level(&label.to_lowercase()) || label.len() == 2);
        let shorter = first.map(String::len) <= last.map(String::len);
        let is_reversed = known(first) && !known(last) || known(first) == known(last) && shorter;
        let mut labels = self.labels.clone();
        if is_reversed {
            labels.reverse();
        }
        (labels.join("."), is_reversed)
    }

    /// Writes another name in the same form.
    pub(super) fn written(&self, name: &str, is_reversed: bool) -> String {
        let mut labels: Vec<String> = name.split('.').map(|label| format!("{}{label}", self.assignment)).collect();
        if is_reversed {
            labels.reverse();
        }
        labels.join(&self.separator)
    }
}

/// Returns the component whose `=` is at `sign`: its range and its label.
fn component(line: &[u8], sign: usize) -> Option<(Range<usize>, String)> {
    let before = line[..sign].trim_ascii_end();
    let name = before.len().checked_sub(2).filter(|name| before[*name..].eq_ignore_ascii_case(b"dc"))?;
    if name > 0 && (line[name - 1].is_ascii_alphanumeric() || matches!(line[name - 1], b'-' | b'_' | b'.')) {
        return None;
    }
    let start = sign + 1 + line[sign + 1..].iter().take(2).take_while(|byte| **byte == b' ').count();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii();
    let end = start + line[start..].iter().take(63).take_while(|byte| part(byte)).count();
    let label = str::from_utf8(&line[start..end]).ok().filter(|label| !label.is_empty())?;
    Some((name..end, label.to_owned()))
}
