//! Which certificate a wildcard route can serve, and which hostnames it lacks.
//!
//! Clients without SNI all get one certificate. Google's page asks for one pair with every hostname of all
//! environment groups; where no Secret has them all, some are better than others.

use super::stored::{self, JudgementBuilder, ObjectJudgement, Secret};
use super::{attachment, chain, first_of, some_of, terminates_tls, wildcards};
use crate::checks::facts::chain::Deviation;
use crate::checks::{Judgement, Outcome};
use crate::evidence::certificate::Certificate;
use crate::evidence::hybrid::Route;
use crate::evidence::stored::{KeyFit, StoredContent, StoredIn};
use crate::evidence::{Evidence, Seen, Unavailable};

/// Returns the Secrets whose pair can be served now, each with its leaf.
///
/// # Errors
/// The Secrets were not read.
pub(crate) fn servable(evidence: &Evidence) -> Result<Vec<(&str, &Certificate)>, Unavailable> {
    let secrets =
        evidence.stored_certificates.seen()?.iter().filter_map(|stored| match (&stored.origin, &stored.content) {
            (StoredIn::Secret { name }, Seen::Seen(content)) => {
                Some((name.as_str(), servable_leaf(evidence, content)?))
            }
            _ => None,
        });
    Ok(secrets.filter(|(name, _)| !super::secret_is_missing(evidence, name)).collect())
}

/// The leaf of a pair that Envoy can serve and that is valid now.
fn servable_leaf<'a>(evidence: &Evidence, content: &'a StoredContent) -> Option<&'a Certificate> {
    let fits = matches!(content.key, KeyFit::Fits | KeyFit::NotCompared | KeyFit::NotRead(_));
    let leaf = content.certificates.first().filter(|_| fits && content.certificate_fault.is_none())?;
    let now = evidence.now();
    (leaf.not_before <= now && now < leaf.not_after).then_some(leaf)
}

/// Returns the hostnames that a certificate does not cover at all, each once and sorted.
pub(crate) fn lacking<'a>(leaf: &Certificate, hostnames: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lacking: Vec<&str> = hostnames
        .filter(|hostname| *hostname != "*" && stored::coverage(leaf, hostname) == stored::Coverage::Nothing)
        .collect();
    lacking.sort_unstable();
    lacking.dedup();
    lacking
}

/// Judges the hostnames that the certificates of wildcard routes lack. `has_better` selects whether a Secret
/// with more of the hostnames must exist, or none.
pub(crate) fn judge(evidence: &Evidence, has_better: bool, right: &str) -> Judgement {
    let wildcards = wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let mut builder = JudgementBuilder::default();
    for wildcard in wildcards {
        let (groups, _) = attachment(evidence, wildcard)?;
        for name in secrets(wildcard) {
            builder.add(judge_secret(evidence, wildcard, name, &groups, has_better));
        }
    }
    builder.judgement(right, "no environment group lists a wildcard route whose Secret contains a certificate")
}

fn judge_secret(
    evidence: &Evidence,
    wildcard: &Route,
    name: &str,
    groups: &[&Route],
    has_better: bool,
) -> ObjectJudgement {
    if groups.is_empty() {
        return Ok(None);
    }
    let Some(content) = stored::secret_content(evidence, name)? else { return Ok(None) };
    let Some(leaf) = content.certificates.first() else { return Ok(None) };
    let others = groups.iter().filter(|group| secrets(group) != [name]);
    let hostnames = others.flat_map(|group| &group.hostnames).map(String::as_str);
    let uncovered = stored::uncovered(leaf, hostnames)?;
    let all = || groups.iter().flat_map(|group| &group.hostnames).map(String::as_str);
    let own = lacking(leaf, all()).len();
    let better = servable(evidence)?.into_iter().find(|(_, other)| lacking(other, all()).len() < own);
    if uncovered.is_empty() || better.is_some() != has_better {
        return Ok(Some(Vec::new()));
    }
    let secret = Secret { name, routes: vec![wildcard], content };
    let wrong = Deviation {
        what: format!(
            "{} does not cover {}, for which wildcard route {} serves it to clients without SNI",
            chain::subject_and_serial(leaf),
            some_of(&uncovered),
            wildcard.name
        ),
        observed: chain::names(leaf),
        expected: format!("{} in subjectAltName", first_of(&uncovered)),
    };
    Ok(Some(vec![secret.finding(secret.certificate_entry(), wrong)]))
}

/// Returns the Secrets of the ports on which clients without SNI connect.
fn secrets(route: &Route) -> Vec<&str> {
    let ports = route.ports.iter().filter(|port| terminates_tls(port)).filter_map(|port| port.tls.as_ref());
    ports.filter_map(|tls| tls.credential_name.as_deref()).collect()
}
