//! How findings put numbers, moments and lists into words.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::evidence::access_log::Tally;

/// `from 3 addresses`, where the records tell them. A load balancer may have one for all of its clients.
pub(crate) fn from_addresses(number: usize) -> String {
    match number {
        0 => "from addresses that the records do not tell".into(),
        _ => format!("from {number} address{}", if number == 1 { "" } else { "es" }),
    }
}

/// Letters of names that are compared for the hints of one judgement. Clients can send thousands of names, each as long as they like,
/// and a cluster may have thousands of routes; those after them get no hint.
const MAX_COMPARED: usize = 20_000_000;

/// Finds names that are almost others.
pub(crate) struct Nearest<'a> {
    candidates: Vec<&'a str>,
    left: usize,
}

impl<'a> Nearest<'a> {
    pub(crate) fn of(candidates: impl IntoIterator<Item = &'a str>) -> Self {
        Self { candidates: candidates.into_iter().collect(), left: MAX_COMPARED }
    }

    /// The candidate at the smallest edit distance, if it is at most a quarter of the name.
    fn to(&mut self, name: &str) -> Option<&'a str> {
        let farthest = name.len() / 4;
        let mut nearest = None;
        for candidate in self.candidates.iter().filter(|candidate| candidate.len().abs_diff(name.len()) <= farthest) {
            self.left = self.left.checked_sub(name.len() * candidate.len())?;
            let found = (strsim::levenshtein(name, candidate), *candidate);
            nearest = Some(nearest.map_or(found, |known| found.min(known)));
        }
        nearest.filter(|(distance, _)| (1..=farthest).contains(distance)).map(|(_, candidate)| candidate)
    }

    /// What a finding says of it.
    pub(crate) fn hint(&mut self, name: &str) -> String {
        self.to(name).map_or_else(String::new, |near| format!("; did it mean {near}?"))
    }
}

/// `a, b, c`, and how many more there are than a line bears.
pub(crate) fn first_of(names: &[&str]) -> String {
    at_most(names, 20)
}

/// At most three of the names, and how many more there are.
pub(crate) fn some_of(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { at_most(names, 3) }
}

fn at_most(names: &[&str], most: usize) -> String {
    match names.split_at_checked(most) {
        Some((first, rest @ [_, ..])) => format!("{} and {} more", first.join(", "), rest.len()),
        _ => names.join(", "),
    }
}

/// `from 09:02:11 to 09:14:02 UTC`, as far as it is known.
pub(crate) fn moments(tally: &Tally) -> String {
    match (tally.first, tally.last) {
        (Some(first), Some(last)) => format!("first {}, last {}", moment(first), moment(last)),
        _ => "at moments that the records do not tell".into(),
    }
}

/// A moment to the second: `2025-05-19T04:46:20Z`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `46 h 12 min`, `3 min`, `20 s`.
pub(crate) fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// `1 reset`, `312 resets`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o']) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

/// `["a", "b"]`, as it would stand in YAML.
pub(crate) fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// `app=apigee-ingressgateway,org=myorg`, as `kubectl -l` takes it.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "none".into() } else { pairs.join(",") }
}
