//! How findings put evidence into words. Numbers, moments and lists are those of `text`.

use std::collections::BTreeMap;

use crate::evidence::access_log::Tally;
// Findings use them through `facts`, like the words of this file.
pub(crate) use crate::text::{count, duration, first_of, moment, quoted_list as list, some_of};

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

/// `from 09:02:11 to 09:14:02 UTC`, as far as it is known.
pub(crate) fn moments(tally: &Tally) -> String {
    match (tally.first, tally.last) {
        (Some(first), Some(last)) => format!("first {}, last {}", moment(first), moment(last)),
        _ => "at moments that the records do not tell".into(),
    }
}

/// `app=apigee-ingressgateway,org=myorg`, as `kubectl -l` takes it.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "none".into() } else { pairs.join(",") }
}
