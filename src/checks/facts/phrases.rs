//! Phrases of findings. Numbers, timestamps and lists are formatted by the room `text`.

use std::collections::BTreeMap;

use crate::evidence::access_log::Tally;
// Checks use these through `facts`, like the functions of this file.
pub(crate) use crate::text::{count, duration, first_of, moment, quoted_list, some_of};

/// Formats a number of client addresses as `from 3 addresses`. A load balancer may use one address for all
/// its clients.
pub(crate) fn from_addresses(number: usize) -> String {
    match number {
        0 => "from unknown addresses".into(),
        _ => format!("from {number} address{}", if number == 1 { "" } else { "es" }),
    }
}

/// Upper bound on the work for the hints of one judgement: sum of the products of the lengths, in bytes, of
/// each two names compared. Clients can send thousands of long names, and a cluster can have thousands of
/// routes. Names beyond the bound get no hint.
const MAX_COMPARED: usize = 20_000_000;

/// Finds the candidate that a misspelt name probably meant.
pub(crate) struct Nearest<'a> {
    candidates: Vec<&'a str>,
    left: usize,
}

impl<'a> Nearest<'a> {
    pub(crate) fn of(candidates: impl IntoIterator<Item = &'a str>) -> Self {
        Self { candidates: candidates.into_iter().collect(), left: MAX_COMPARED }
    }

    /// Returns the candidate with the smallest edit distance, if that is at most a quarter of the name's
    /// length.
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

    /// Returns `; did you mean …?` as the end of a sentence, or an empty string if no candidate is near.
    pub(crate) fn hint(&mut self, name: &str) -> String {
        self.to(name).map_or_else(String::new, |near| format!("; did you mean {near}?"))
    }
}

/// Formats the time span of a tally as `first …, last …`.
pub(crate) fn moments(tally: &Tally) -> String {
    match (tally.first, tally.last) {
        (Some(first), Some(last)) => format!("first {}, last {}", moment(first), moment(last)),
        _ => "at unknown times".into(),
    }
}

/// Formats labels as `app=apigee-ingressgateway,org=myorg`, the syntax of `kubectl -l`.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "none".into() } else { pairs.join(",") }
}
