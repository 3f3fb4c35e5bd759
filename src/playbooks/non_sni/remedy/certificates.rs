//! The Secrets whose certificate a wildcard route can serve: the one with most hostnames first.
//!
//! Google's page asks for one pair with every hostname of all environment groups. Where no Secret has them
//! all, the user chooses, and must know which hostnames each one lacks.

use std::cmp::Reverse;

use crate::checks::facts::{self, wildcard_certificate};
use crate::evidence::Evidence;
use crate::evidence::certificate::Certificate;
use crate::text::{date, some_of};
use crate::verdict::CertificateChoice;

/// In place of the name of a Secret that nothing names.
const UNKNOWN: &str = "SECRET_NAME";

/// The Secret that a step uses, and those in its place.
pub(super) struct Choice {
    pub(super) secret: String,
    /// The name is that of a Secret, and no placeholder.
    pub(super) is_known: bool,
    /// Empty where no certificate could be read.
    pub(super) choices: Vec<CertificateChoice>,
    /// What the user must know about the choice.
    pub(super) note: Option<String>,
}

/// Chooses a Secret for a wildcard route: of those that can be served, the one with most hostnames. Never one
/// that has expired, or whose key does not belong to it, unless there is no other.
pub(super) fn choose(evidence: &Evidence) -> Choice {
    let mut choices = choices(evidence);
    let note = note(&choices);
    if let Some(first) = choices.first_mut() {
        first.chosen = true;
        return Choice { secret: first.secret.clone(), is_known: true, note, choices };
    }
    let named = named(evidence);
    let note = match (named.first(), evidence.stored_certificates.seen()) {
        (None, _) => {
            Some(format!("No route names a Secret that exists: put the name of your TLS Secret in place of {UNKNOWN}."))
        }
        (Some(first), Ok(_)) => Some(format!(
            "No Secret of a route holds a valid certificate with its key: replace the certificate in {first} as well."
        )),
        (Some(first), Err(_)) if named.len() > 1 => Some(format!(
            "Clients without SNI all get the certificate of {first}; other environment groups use {}. It must cover the \
             hostnames that these clients call.",
            named[1..].join(", ")
        )),
        (Some(_), Err(_)) => None,
    };
    let is_known = !named.is_empty();
    let secret = named.into_iter().next().unwrap_or_else(|| UNKNOWN.to_owned());
    Choice { secret, is_known, choices, note }
}

/// Returns the Secrets whose certificate can be served now, the one that covers most hostnames first.
fn choices(evidence: &Evidence) -> Vec<CertificateChoice> {
    let groups = facts::serving_routes(evidence).unwrap_or_default();
    let hostnames = || groups.iter().flat_map(|route| &route.hostnames).map(String::as_str);
    let choice = |(name, leaf): (&str, &Certificate)| CertificateChoice {
        secret: name.to_owned(),
        names: leaf.dns_names.clone(),
        not_after: Some(leaf.not_after),
        uncovered: wildcard_certificate::lacking(leaf, hostnames()).into_iter().map(str::to_owned).collect(),
        chosen: false,
    };
    let servable = wildcard_certificate::servable(evidence).unwrap_or_default();
    let mut choices: Vec<CertificateChoice> = servable.into_iter().map(choice).collect();
    choices.sort_by_cached_key(|choice| (choice.uncovered.len(), Reverse(choice.not_after), choice.secret.clone()));
    choices
}

/// Says what the choice means, where there is one or no certificate has every hostname.
fn note(choices: &[CertificateChoice]) -> Option<String> {
    let first = choices.first()?;
    let until = first.not_after.map(|at| format!(", valid until {}", date(at))).unwrap_or_default();
    match (choices.len(), first.uncovered.is_empty()) {
        (1, true) => None,
        (_, true) => Some(format!(
            "All clients without SNI get the certificate of {} (it has every hostname{until}).",
            first.secret
        )),
        (_, false) => Some(format!(
            "Your choice: all clients without SNI get this one certificate, and no Secret has every hostname. {} lacks {} \
             and has most{until}; clients without SNI that verify these names fail.",
            first.secret,
            some_of(&first.uncovered)
        )),
    }
}

/// Returns the Secrets that the routes name and that are not known to be missing, each once, in the order of
/// the routes.
fn named(evidence: &Evidence) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let routes = facts::serving_routes(evidence).unwrap_or_default();
    let ports = routes.iter().flat_map(|route| &route.ports);
    for name in ports.filter_map(|port| port.tls.as_ref().and_then(|tls| tls.credential_name.as_ref())) {
        if !names.contains(name) && !facts::secret_is_missing(evidence, name) {
            names.push(name.clone());
        }
    }
    names
}
