//! Facts shared by the checks of stored certificates: which Secrets routes name, what each contains, and how
//! a Secret that could not be read affects the judgement.
//!
//! A Secret that does not exist is reported by AT210 only, so the functions here skip it.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::{self, Deviation};
use super::{loadable, phrases, probed, routes};
use crate::checks::{Finding, Judgement, Kind, Location, Object, Outcome};
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{ClientHelloKind, Handshake};
use crate::evidence::hybrid::{Port, Route};
use crate::evidence::stored::{ClientCas, KeyFit, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Evidence, Reason, Unavailable};

/// Reason for not applicable if no Secret has a certificate.
pub(crate) const NO_CERTIFICATE: &str = "no Secret that a route names contains a certificate (AT210, AT401, AT402)";

/// A Secret that is named by HTTPS ports of routes.
pub(crate) struct NamedSecret<'a> {
    pub(crate) name: &'a str,
    /// The routes that name the Secret.
    pub(crate) routes: Vec<&'a Route>,
    /// Whether one of these ports has TLS mode MUTUAL.
    pub(crate) mutual: bool,
}

/// A [`NamedSecret`] that was read.
pub(crate) struct Secret<'a> {
    pub(crate) name: &'a str,
    pub(crate) routes: Vec<&'a Route>,
    pub(crate) content: &'a StoredContent,
}

/// Judgement of one object: its findings, `None` if it contains nothing to judge, or what is unavailable.
pub(crate) type ObjectJudgement = Result<Option<Vec<Finding>>, Unavailable>;

/// Judges each Secret that an HTTPS port of a route names. `right` is the text for passed, `nothing` the
/// reason for not applicable if no Secret contains what is judged.
pub(crate) fn judge<'a>(
    evidence: &'a Evidence,
    right: &str,
    nothing: &str,
    judge_secret: impl Fn(&Secret<'a>) -> ObjectJudgement,
) -> Judgement {
    let named = named_secrets(evidence)?;
    if named.is_empty() {
        return Ok(Outcome::NotApplicable("no route names a Secret".into()));
    }
    judge_secrets(evidence, named, right, nothing, judge_secret)
}

/// Like [`judge`], for each Secret that a port with TLS mode MUTUAL names.
pub(crate) fn judge_mutual<'a>(
    evidence: &'a Evidence,
    right: &str,
    nothing: &str,
    judge_secret: impl Fn(&Secret<'a>) -> ObjectJudgement,
) -> Judgement {
    let mut named: Vec<NamedSecret<'a>> = named_secrets(evidence)?.into_iter().filter(|named| named.mutual).collect();
    for named in &mut named {
        named.routes.retain(|route| probed::is_mutual(route));
    }
    if named.is_empty() {
        return Ok(Outcome::NotApplicable("no route with a Secret requests client certificates".into()));
    }
    judge_secrets(evidence, named, right, nothing, judge_secret)
}

/// Like [`judge_mutual`], for the CA certificates that verify client certificates.
pub(crate) fn judge_client_cas<'a>(
    evidence: &'a Evidence,
    right: &str,
    judge_cas: impl Fn(&'a ClientCas) -> Vec<Deviation>,
) -> Judgement {
    judge_mutual(evidence, right, "no Secret has CA certificates to verify clients with (AT410)", |secret| {
        let Some((cas, entry)) = client_cas(secret)? else { return Ok(None) };
        let findings = judge_cas(cas).into_iter().map(|wrong| entry_finding(&cas.secret, entry, wrong));
        Ok(Some(findings.collect()))
    })
}

/// Returns the CA certificates that verify client certificates, and the name of their entry; `None` if there
/// are none.
pub(crate) fn client_cas<'a>(secret: &Secret<'a>) -> Result<Option<(&'a ClientCas, &'a str)>, Unavailable> {
    let content: &'a StoredContent = secret.content;
    let Some(cas) = &content.client_cas else { return Ok(None) };
    let cas = cas.seen()?;
    Ok(cas.entry.as_deref().map(|entry| (cas, entry)))
}

fn judge_secrets<'a>(
    evidence: &'a Evidence,
    named: Vec<NamedSecret<'a>>,
    right: &str,
    nothing: &str,
    judge_secret: impl Fn(&Secret<'a>) -> ObjectJudgement,
) -> Judgement {
    evidence.stored_certificates.seen()?;
    let mut builder = JudgementBuilder::default();
    for NamedSecret { name, routes, .. } in named {
        let judgement = match secret_content(evidence, name) {
            Ok(Some(content)) => judge_secret(&Secret { name, routes, content }),
            Ok(None) => Ok(None),
            Err(why) => Err(why),
        };
        builder.add(judgement);
    }
    builder.judgement(right, nothing)
}

/// Combines the judgements of several objects into one.
#[derive(Default)]
pub(crate) struct JudgementBuilder {
    findings: Vec<Finding>,
    unavailable: Vec<Unavailable>,
    judged: usize,
}

impl JudgementBuilder {
    /// Adds the judgement of one object.
    pub(crate) fn add(&mut self, judgement: ObjectJudgement) {
        match judgement {
            Ok(Some(findings)) => {
                self.judged += 1;
                self.findings.extend(findings);
            }
            Ok(None) => {}
            Err(why) => self.unavailable.push(why),
        }
    }

    /// Drops the sources that were not requested, if at least one object was judged.
    pub(crate) fn without_unrequested(mut self) -> Self {
        if self.judged > 0 {
            self.unavailable.retain(|why| !matches!(why.reason, Reason::NotRequested(_)));
        }
        self
    }

    /// Returns the combined judgement. Unavailable sources count only if nothing was found; among them, those
    /// that failed take precedence over those that were not requested.
    ///
    /// # Errors
    ///
    /// Returns the most important unavailable source if there are no findings.
    pub(crate) fn judgement(self, right: &str, nothing: &str) -> Judgement {
        if !self.findings.is_empty() {
            return Ok(Outcome::Found(self.findings));
        }
        let unseen = self.unavailable.iter().find(|why| !matches!(why.reason, Reason::NotRequested(_)));
        if let Some(why) = unseen.or(self.unavailable.first()) {
            return Err(why.clone());
        }
        Ok(if self.judged == 0 { Outcome::NotApplicable(nothing.into()) } else { Outcome::Passed(right.into()) })
    }
}

/// Returns the Secrets that HTTPS ports of routes name, sorted by name.
fn named_secrets(evidence: &Evidence) -> Result<Vec<NamedSecret<'_>>, Unavailable> {
    let mut all: BTreeMap<&str, NamedSecret<'_>> = BTreeMap::new();
    for route in routes::routes(evidence)? {
        for port in route.ports.iter().filter(|port| routes::terminates_https(port)) {
            let Some(tls) = &port.tls else { continue };
            let Some(name) = tls.credential_name.as_deref() else { continue };
            let named = all.entry(name).or_insert_with(|| NamedSecret { name, routes: Vec::new(), mutual: false });
            named.mutual |= tls.mode.as_deref() == Some("MUTUAL");
            // The ports of one route follow each other, so comparing with the last route is enough.
            if named.routes.last().is_none_or(|known| known.name != route.name) {
                named.routes.push(route);
            }
        }
    }
    Ok(all.into_values().collect())
}

/// Returns the content of a Secret; `None` if it does not exist (AT210).
///
/// # Errors
///
/// Returns an error if the Secret was not read.
pub(crate) fn secret_content<'a>(evidence: &'a Evidence, name: &str) -> Result<Option<&'a StoredContent>, Unavailable> {
    if routes::secret_is_missing(evidence, name) {
        return Ok(None);
    }
    let unread = |reason| Err(Unavailable::new(format!("Secret {name}"), reason));
    if name.contains('/') {
        return unread(Reason::Missing("it is in another namespace, which this program does not read".into()));
    }
    let is_it =
        |stored: &&StoredCertificate| matches!(&stored.origin, StoredIn::Secret { name: known } if known == name);
    if let Some(stored) = evidence.stored_certificates.seen()?.iter().find(is_it) {
        return stored.content.seen().map(Some);
    }
    // Only Secrets that routes name are read. Without routes, none is read.
    let names_it = |port: &Port| port.tls.as_ref().is_some_and(|tls| tls.credential_name.as_deref() == Some(name));
    let is_named = routes::routes(evidence)?.iter().any(|route| route.ports.iter().any(names_it));
    if is_named && evidence.question.is_offline() {
        return unread(Reason::NotRequested(
            "-f also takes the Secret, as kubectl get secret -o yaml prints it".into(),
        ));
    }
    if is_named {
        return unread(Reason::Missing("it was not read".into()));
    }
    unread(Reason::NotRequested("only Secrets that routes name are read".into()))
}

impl Secret<'_> {
    /// Creates a finding about one entry of the Secret.
    pub(crate) fn finding(&self, entry: &str, wrong: Deviation) -> Finding {
        entry_finding(self.name, entry, wrong)
    }

    /// Returns the name of the certificate entry.
    pub(crate) fn certificate_entry(&self) -> &str {
        self.content.certificate_entry.as_deref().unwrap_or("data")
    }

    /// Returns the name of the key entry that belongs to the certificate entry.
    pub(crate) fn key_entry(&self) -> &'static str {
        if self.content.certificate_entry.as_deref() == Some("tls.crt") { "tls.key" } else { "key" }
    }

    /// The leaf of a pair in which AT401 to AT404 find no fault, and that Envoy loads (AT419, AT420). Whether
    /// its key fits need not be known.
    pub(crate) fn usable_leaf(&self, evidence: &Evidence) -> Option<&Certificate> {
        let may_fit = matches!(self.content.key, KeyFit::Fits | KeyFit::NotCompared | KeyFit::NotRead(_));
        let is_fit = self.content.certificate_fault.is_none() && may_fit;
        self.content.certificates.first().filter(|leaf| {
            is_fit
                && loadable::unsupported_key(leaf, loadable::envoy(evidence)).is_none()
                && loadable::staple_missing(leaf, self.content).is_none()
        })
    }
}

/// The private key was read, and not compared with the leaf beside it: the public key of that cannot be read.
pub(crate) fn not_compared(holder: &str, leaf: &Certificate) -> Unavailable {
    let what = format!("whether the private key of {holder} belongs to {}", chain::subject_and_serial(leaf));
    Unavailable::new(what, Reason::Broken("the public key of the certificate cannot be read".into()))
}

fn entry_finding(secret: &str, entry: &str, wrong: Deviation) -> Finding {
    let message = format!("Secret {secret}: {}", wrong.what);
    Finding::new(
        Object::new(Kind::Secret, secret),
        Location::Entry(entry.to_owned()),
        message,
        wrong.observed,
        wrong.expected,
    )
}

/// How much of a hostname a certificate covers.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Coverage {
    Whole,
    /// The hostname is a wildcard, and the certificate covers only these names that it matches.
    Partly(Vec<String>),
    Nothing,
}

/// Compares a hostname of a route with the names of its certificate.
///
/// The `*` of a route matches any number of labels in Envoy, the `*` of a certificate only one (RFC 9525
/// §6.3). No certificate can cover all names that a wildcard hostname matches, so the same wildcard counts as
/// whole.
pub(crate) fn coverage(leaf: &Certificate, hostname: &str) -> Coverage {
    let Some(parent) = hostname.strip_prefix('*') else {
        return if leaf.covers(hostname) { Coverage::Whole } else { Coverage::Nothing };
    };
    let parent = parent.to_ascii_lowercase();
    let below: Vec<String> = leaf.dns_names.iter().filter(|name| name.ends_with(&parent)).cloned().collect();
    if below.iter().any(|name| name.strip_prefix('*') == Some(&parent)) {
        Coverage::Whole
    } else if below.is_empty() {
        Coverage::Nothing
    } else {
        Coverage::Partly(below)
    }
}

/// Returns the hostnames that the certificate does not cover at all.
///
/// # Errors
///
/// Returns an error if there are none, but a hostname is covered only partly, because it is unknown whether
/// clients use the other names. Also if the certificate has more names than were read.
pub(crate) fn uncovered<'a>(
    leaf: &Certificate,
    hostnames: impl Iterator<Item = &'a str>,
) -> Result<Vec<&'a str>, Unavailable> {
    let mut uncovered: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    let mut unavailable = None;
    for hostname in hostnames.filter(|hostname| *hostname != "*") {
        match coverage(leaf, hostname) {
            Coverage::Nothing if leaf.names_cut => {
                unavailable.get_or_insert_with(|| chain::unknown_names(leaf));
            }
            Coverage::Nothing if known.insert(hostname) => uncovered.push(hostname),
            Coverage::Partly(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let what = format!("whether clients use other names of {hostname} than {}", phrases::some_of(&names));
                let how = "kubectl apigee-tls probe NAME checks one of them";
                unavailable.get_or_insert_with(|| Unavailable::new(what, Reason::NotRequested(how.into())));
            }
            Coverage::Nothing | Coverage::Whole => {}
        }
    }
    match unavailable {
        Some(why) if uncovered.is_empty() => Err(why),
        _ => Ok(uncovered),
    }
}

/// Returns the Secret whose certificate a pod must serve for this ClientHello, according to the routes that
/// select the pod; `None` if that is ambiguous.
pub(crate) fn secret_to_serve<'a>(routes: &[&'a Route], handshake: &Handshake) -> Option<&'a str> {
    let hostname = match (&handshake.server_name, handshake.kind) {
        (Some(name), ClientHelloKind::Named) => best_hostname(routes, name)?,
        (_, ClientHelloKind::WithoutSni) => "*",
        _ => return None,
    };
    let has = |route: &&&Route| {
        // Source: ApigeeRoute v1alpha1, spec.enableNonSniClient: it adds * to the hosts of any route.
        let everybody = hostname == "*" && route.enable_non_sni_client == Some(true);
        everybody || route.hostnames.iter().any(|known| known.eq_ignore_ascii_case(hostname))
    };
    // Handshakes are made with the port behind 443.
    let ports = routes.iter().filter(has).flat_map(|route| &route.ports).filter(|port| routes::terminates_tls(port));
    let mut names = ports.map(|port| port.tls.as_ref().and_then(|tls| tls.credential_name.as_deref()));
    let first = names.next()?;
    first.filter(|_| names.all(|name| name == first))
}

/// Returns the hostname by which Envoy finds the filter chain of a server name: the name itself, otherwise
/// the longest wildcard that matches.
fn best_hostname<'a>(routes: &[&'a Route], name: &str) -> Option<&'a str> {
    let hostnames = || routes.iter().flat_map(|route| &route.hostnames).map(String::as_str);
    let name = name.to_ascii_lowercase();
    let is_above = |hostname: &&str| {
        hostname.strip_prefix('*').is_some_and(|parent| {
            !parent.is_empty() && name.len() > parent.len() && name.ends_with(&parent.to_ascii_lowercase())
        })
    };
    let own = hostnames().find(|hostname| hostname.eq_ignore_ascii_case(&name));
    own.or_else(|| hostnames().filter(is_above).max_by_key(|hostname| hostname.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    use crate::evidence::hybrid::Tls;
    use crate::test_leaf::leaf;

    #[test]
    fn coverage_distinguishes_whole_partly_and_nothing() {
        let certificate =
            leaf(&["api.example.com", "*.wild.example.com", "a.part.example.com", "*.b.part.example.com"]);
        let part = Coverage::Partly(vec!["a.part.example.com".into(), "*.b.part.example.com".into()]);
        for (hostname, expected) in [
            ("API.example.com", Coverage::Whole),
            ("x.wild.example.com", Coverage::Whole),
            ("x.y.wild.example.com", Coverage::Nothing),
            ("*.wild.example.com", Coverage::Whole),
            ("*.Wild.example.com", Coverage::Whole),
            ("*.part.example.com", part),
            ("*.x.wild.example.com", Coverage::Nothing),
            ("*.other.example.com", Coverage::Nothing),
            ("*.api.example.com", Coverage::Nothing),
        ] {
            assert_eq!(coverage(&certificate, hostname), expected, "{hostname}");
        }
    }

    #[test]
    fn partial_coverage_is_an_error_only_without_uncovered_hostnames() {
        let certificate = leaf(&["a.example.com"]);
        let hostnames = |names: &'static [&'static str]| uncovered(&certificate, names.iter().copied());
        assert_eq!(hostnames(&["*.example.com", "b.example.org", "b.example.org"]), Ok(vec!["b.example.org"]));
        assert_eq!(hostnames(&["*", "a.example.com"]), Ok(Vec::new()));
        let why = hostnames(&["*.example.com"]).unwrap_err();
        assert_eq!(why.what, "whether clients use other names of *.example.com than a.example.com");
    }

    fn route(hostnames: &[&str], secret: &str) -> Route {
        let tls = Tls { mode: Some("SIMPLE".into()), credential_name: Some(secret.into()), ..Tls::default() };
        let port = Port { number: Some(443), protocol: Some("HTTPS".into()), tls: Some(tls) };
        let hostnames = hostnames.iter().map(ToString::to_string).collect();
        Route { hostnames, ports: vec![port], ..Route::default() }
    }

    #[test]
    fn secret_to_serve_follows_the_filter_chain_that_envoy_selects() {
        let own = route(&["api.example.com"], "own");
        let above = route(&["*.example.com", "*.eu.example.com"], "above");
        let wildcard = route(&["*"], "wildcard");
        let routes = [&above, &own, &wildcard];
        let named = |routes: &[&Route], name: &str| secret_to_serve(routes, &hello(Some(name))).map(str::to_owned);
        assert_eq!(named(&routes, "API.example.com").as_deref(), Some("own"));
        assert_eq!(named(&routes, "x.eu.example.com").as_deref(), Some("above"));
        assert_eq!(named(&routes, "example.org"), None);
        assert_eq!(secret_to_serve(&routes, &hello(None)), Some("wildcard"));
        // The hostname *.eu.example.com takes precedence over *.example.com, whose route has another Secret.
        let eu = route(&["*.eu.example.com"], "eu");
        let longer = [&route(&["*.example.com"], "above"), &eu];
        assert_eq!(named(&longer, "x.eu.example.com").as_deref(), Some("eu"));
        // Two routes with different Secrets are ambiguous, as is a wildcard route beside one with
        // enableNonSniClient.
        assert_eq!(named(&[&own, &route(&["api.example.com"], "other")], "api.example.com"), None);
        assert_eq!(named(&[&own, &own], "api.example.com").as_deref(), Some("own"));
        let open = Route { enable_non_sni_client: Some(true), ..own.clone() };
        assert_eq!(secret_to_serve(&[&open, &wildcard], &hello(None)), None);
        assert_eq!(secret_to_serve(&[&open], &hello(None)), Some("own"));
    }

    fn hello(name: Option<&str>) -> Handshake {
        let kind = if name.is_some() { ClientHelloKind::Named } else { ClientHelloKind::WithoutSni };
        Handshake::begun(kind, name.map(str::to_owned), true, Timestamp::UNIX_EPOCH)
    }
}
