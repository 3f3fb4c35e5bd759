//! What the checks of stored certificates ask in the same words: which Secrets routes name, what each holds, and what follows
//! where one could not be read.
//!
//! A Secret that does not exist is AT210's business, so nothing here speaks of it.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::{self, Wrong};
use super::{probed, routes, words};
use crate::checks::{Finding, Judgement, Kind, Location, Object, Outcome};
use crate::evidence::certificate::Certificate;
use crate::evidence::cluster::{Port, Route};
use crate::evidence::handshake::{Handshake, HelloKind};
use crate::evidence::stored::{ClientAuthorities, KeyFit, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Evidence, Reason, Unavailable};

/// What there is to say where no Secret has a certificate.
pub(crate) const NO_CERTIFICATE: &str = "no Secret that a route names holds a certificate (AT210, AT401, AT402)";

/// A Secret that HTTPS ports of routes name.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    /// The routes that name it.
    pub(crate) routes: Vec<&'a Route>,
    /// One of them asks for client certificates with it.
    pub(crate) mutual: bool,
}

/// One of them that was read.
pub(crate) struct Secret<'a> {
    pub(crate) name: &'a str,
    pub(crate) routes: Vec<&'a Route>,
    pub(crate) content: &'a StoredContent,
}

/// What a check says of one Secret: its findings, that there is nothing in it to judge, or what would have to be known.
pub(crate) type Said = Result<Option<Vec<Finding>>, Unavailable>;

/// Judges each Secret that an HTTPS port of a route names. `right` is said where nothing is wrong, `nothing` where no Secret has
/// what is judged.
pub(crate) fn judge<'a>(
    evidence: &'a Evidence,
    right: &str,
    nothing: &str,
    say: impl Fn(&Secret<'a>) -> Said,
) -> Judgement {
    let named = named(evidence)?;
    if named.is_empty() {
        return Ok(Outcome::NotApplicable("no route names a Secret".into()));
    }
    judge_those(evidence, named, right, nothing, say)
}

/// The same of each Secret that a port with mode MUTUAL names.
pub(crate) fn judge_mutual<'a>(
    evidence: &'a Evidence,
    right: &str,
    nothing: &str,
    say: impl Fn(&Secret<'a>) -> Said,
) -> Judgement {
    let mut named: Vec<Named<'a>> = named(evidence)?.into_iter().filter(|named| named.mutual).collect();
    for named in &mut named {
        named.routes.retain(|route| probed::is_mutual(route));
    }
    if named.is_empty() {
        return Ok(Outcome::NotApplicable("no route asks for client certificates by a Secret".into()));
    }
    judge_those(evidence, named, right, nothing, say)
}

/// The same of what client certificates are verified with, where there is something.
pub(crate) fn judge_authorities<'a>(
    evidence: &'a Evidence,
    right: &str,
    say: impl Fn(&'a ClientAuthorities) -> Vec<Wrong>,
) -> Judgement {
    judge_mutual(evidence, right, "no Secret has what client certificates are verified with (AT410)", |secret| {
        let Some((authorities, entry)) = authorities(secret)? else { return Ok(None) };
        let findings = say(authorities).into_iter().map(|wrong| at(&authorities.secret, entry, wrong));
        Ok(Some(findings.collect()))
    })
}

/// What client certificates are verified with, and the entry that holds it; absent where there is none.
pub(crate) fn authorities<'a>(secret: &Secret<'a>) -> Result<Option<(&'a ClientAuthorities, &'a str)>, Unavailable> {
    let content: &'a StoredContent = secret.content;
    let Some(authorities) = &content.client_authorities else { return Ok(None) };
    let authorities = authorities.seen()?;
    Ok(authorities.entry.as_deref().map(|entry| (authorities, entry)))
}

fn judge_those<'a>(
    evidence: &'a Evidence,
    named: Vec<Named<'a>>,
    right: &str,
    nothing: &str,
    say: impl Fn(&Secret<'a>) -> Said,
) -> Judgement {
    evidence.stored_certificates.seen()?;
    let mut settled = Settled::default();
    for Named { name, routes, .. } in named {
        let said = match content(evidence, name) {
            Ok(Some(content)) => say(&Secret { name, routes, content }),
            Ok(None) => Ok(None),
            Err(why) => Err(why),
        };
        settled.add(said);
    }
    settled.judgement(right, nothing)
}

/// What was said of several objects, on its way to one judgement.
#[derive(Default)]
pub(crate) struct Settled {
    findings: Vec<Finding>,
    untold: Vec<Unavailable>,
    judged: usize,
}

impl Settled {
    /// Adds what was said of one object.
    pub(crate) fn add(&mut self, said: Said) {
        match said {
            Ok(Some(findings)) => {
                self.judged += 1;
                self.findings.extend(findings);
            }
            Ok(None) => {}
            Err(why) => self.untold.push(why),
        }
    }

    /// Leaves out what was not asked for, where something else was judged.
    pub(crate) fn without_unasked(mut self) -> Self {
        if self.judged > 0 {
            self.untold.retain(|why| !matches!(why.reason, Reason::NotRequested(_)));
        }
        self
    }

    /// What was not told counts only where nothing was found, and what could not be seen more than what nobody asked for.
    pub(crate) fn judgement(self, right: &str, nothing: &str) -> Judgement {
        if !self.findings.is_empty() {
            return Ok(Outcome::Found(self.findings));
        }
        let unseen = self.untold.iter().find(|why| !matches!(why.reason, Reason::NotRequested(_)));
        if let Some(why) = unseen.or(self.untold.first()) {
            return Err(why.clone());
        }
        Ok(if self.judged == 0 { Outcome::NotApplicable(nothing.into()) } else { Outcome::Passed(right.into()) })
    }
}

/// The Secrets that HTTPS ports of routes name, in the order of their names.
fn named(evidence: &Evidence) -> Result<Vec<Named<'_>>, Unavailable> {
    let mut all: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    for route in routes::routes(evidence)? {
        for port in route.ports.iter().filter(|port| routes::ends_tls_here(port)) {
            let Some(tls) = &port.tls else { continue };
            let Some(name) = tls.credential_name.as_deref() else { continue };
            let named = all.entry(name).or_insert_with(|| Named { name, routes: Vec::new(), mutual: false });
            named.mutual |= tls.mode.as_deref() == Some("MUTUAL");
            // Several ports of one route are one after the other.
            if named.routes.last().is_none_or(|known| known.name != route.name) {
                named.routes.push(route);
            }
        }
    }
    Ok(all.into_values().collect())
}

/// What the Secret holds; nothing where it does not exist, as AT210 tells.
pub(crate) fn content<'a>(evidence: &'a Evidence, name: &str) -> Result<Option<&'a StoredContent>, Unavailable> {
    if routes::secret_is_missing(evidence, name) {
        return Ok(None);
    }
    let unread = |reason| Err(Unavailable::new(format!("Secret {name}"), reason));
    if name.contains('/') {
        return unread(Reason::NotRequested("only Secrets of the namespace are read".into()));
    }
    let is_it =
        |stored: &&StoredCertificate| matches!(&stored.origin, StoredIn::Secret { name: known } if known == name);
    if let Some(stored) = evidence.stored_certificates.seen()?.iter().find(is_it) {
        return stored.content.seen().map(Some);
    }
    // Only Secrets that routes name are read, so that without routes none is.
    let names_it = |port: &Port| port.tls.as_ref().is_some_and(|tls| tls.credential_name.as_deref() == Some(name));
    if routes::routes(evidence)?.iter().any(|route| route.ports.iter().any(names_it)) {
        return unread(Reason::Missing("it was not read".into()));
    }
    unread(Reason::NotRequested("only Secrets that routes name are read".into()))
}

impl Secret<'_> {
    /// A finding at one entry of the Secret.
    pub(crate) fn finding(&self, entry: &str, wrong: Wrong) -> Finding {
        at(self.name, entry, wrong)
    }

    /// The entry with the certificates.
    pub(crate) fn certificate_entry(&self) -> &str {
        self.content.certificate_entry.as_deref().unwrap_or("data")
    }

    /// The entry with the key: each certificate entry has its own beside it.
    pub(crate) fn key_entry(&self) -> &'static str {
        if self.content.certificate_entry.as_deref() == Some("tls.crt") { "tls.key" } else { "key" }
    }

    /// The leaf of a pair in which AT401 to AT404 find no fault.
    pub(crate) fn fit_leaf(&self) -> Option<&Certificate> {
        let is_fit = self.content.certificate_fault.is_none() && self.content.key == KeyFit::Fits;
        self.content.certificates.first().filter(|_| is_fit)
    }
}

fn at(secret: &str, entry: &str, wrong: Wrong) -> Finding {
    let message = format!("Secret {secret}: {}", wrong.what);
    Finding::new(
        Object::new(Kind::Secret, secret),
        Location::Entry(entry.to_owned()),
        message,
        wrong.observed,
        wrong.expected,
    )
}

/// How much of what a hostname stands for the names of a certificate cover.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Coverage {
    Whole,
    /// The hostname is `*.example.com`, and the certificate has only these names below it.
    Partly(Vec<String>),
    Nothing,
}

/// Compares a hostname of a route with the names of its certificate.
///
/// Envoy takes any number of labels for the `*` of a route, a certificate's `*` stands for one (RFC 9525 §6.3). So no certificate
/// covers all that such a hostname stands for; the same wildcard is the most that it can have.
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

/// The hostnames of which the certificate covers nothing. Where there is none, and only a part of another is covered, it is not
/// known whether clients use the rest.
pub(crate) fn uncovered<'a>(
    leaf: &Certificate,
    hostnames: impl Iterator<Item = &'a str>,
) -> Result<Vec<&'a str>, Unavailable> {
    let mut uncovered: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    let mut untold = None;
    for hostname in hostnames.filter(|hostname| *hostname != "*") {
        match coverage(leaf, hostname) {
            Coverage::Nothing if leaf.names_cut => {
                untold.get_or_insert_with(|| chain::untold_names(leaf));
            }
            Coverage::Nothing if known.insert(hostname) => uncovered.push(hostname),
            Coverage::Partly(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let what = format!("whether clients use other names of {hostname} than {}", words::some_of(&names));
                let how = "kubectl apigee-tls probe NAME judges one of them";
                untold.get_or_insert_with(|| Unavailable::new(what, Reason::NotRequested(how.into())));
            }
            Coverage::Nothing | Coverage::Whole => {}
        }
    }
    match untold {
        Some(why) if uncovered.is_empty() => Err(why),
        _ => Ok(uncovered),
    }
}

/// The Secret whose certificate a pod is to serve in answer to this hello, by the routes that select the pod; absent where that is
/// not clear.
pub(crate) fn secret_to_serve<'a>(routes: &[&'a Route], handshake: &Handshake) -> Option<&'a str> {
    let hostname = match (&handshake.server_name, handshake.kind) {
        (Some(name), HelloKind::Named) => best(routes, name)?,
        (_, HelloKind::Nameless) => "*",
        _ => return None,
    };
    let has = |route: &&&Route| {
        // Source: ApigeeRoute v1alpha1, spec.enableNonSniClient: it puts * among the hosts of any route.
        let everybody = hostname == "*" && route.enable_non_sni_client == Some(true);
        everybody || route.hostnames.iter().any(|known| known.eq_ignore_ascii_case(hostname))
    };
    // What handshakes are made with is the port behind 443.
    let ports = routes.iter().filter(has).flat_map(|route| &route.ports).filter(|port| routes::terminates_tls(port));
    let mut names = ports.map(|port| port.tls.as_ref().and_then(|tls| tls.credential_name.as_deref()));
    let first = names.next()?;
    first.filter(|_| names.all(|name| name == first))
}

/// The hostname by which Envoy finds the filter chain of a server name: the name itself, else the longest `*.` above.
fn best<'a>(routes: &[&'a Route], name: &str) -> Option<&'a str> {
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

/// The place in an overrides file that names a certificate file. The evidence has it as `file:line:column`; where it does
/// not, the certificate file alone is known.
pub(crate) fn named_at(place: &str) -> Location {
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next().and_then(|column| column.parse().ok());
    let line = parts.next().and_then(|line| line.parse().ok());
    match (parts.next(), line, column) {
        (Some(name), Some(line), Some(column)) => {
            let name = if name == "-" { "standard input" } else { name };
            Location::File { name: name.to_owned(), line, column }
        }
        _ => Location::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    use crate::evidence::certificate::tests::leaf;
    use crate::evidence::cluster::Tls;

    #[test]
    fn a_hostname_is_covered_as_far_as_a_certificate_can() {
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
    fn a_part_is_told_only_where_nothing_is_wrong() {
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
    fn a_pod_is_to_serve_the_secret_of_the_chain_that_envoy_finds() {
        let own = route(&["api.example.com"], "own");
        let above = route(&["*.example.com", "*.eu.example.com"], "above");
        let wildcard = route(&["*"], "wildcard");
        let routes = [&above, &own, &wildcard];
        let named = |routes: &[&Route], name: &str| secret_to_serve(routes, &hello(Some(name))).map(str::to_owned);
        assert_eq!(named(&routes, "API.example.com").as_deref(), Some("own"));
        assert_eq!(named(&routes, "x.eu.example.com").as_deref(), Some("above"));
        assert_eq!(named(&routes, "example.org"), None);
        assert_eq!(secret_to_serve(&routes, &hello(None)), Some("wildcard"));
        // The hostname *.eu.example.com goes before *.example.com, whose route has another Secret.
        let eu = route(&["*.eu.example.com"], "eu");
        let longer = [&route(&["*.example.com"], "above"), &eu];
        assert_eq!(named(&longer, "x.eu.example.com").as_deref(), Some("eu"));
        // Two routes with different Secrets leave it open, and so does one that lets everybody in beside the wildcard.
        assert_eq!(named(&[&own, &route(&["api.example.com"], "other")], "api.example.com"), None);
        assert_eq!(named(&[&own, &own], "api.example.com").as_deref(), Some("own"));
        let open = Route { enable_non_sni_client: Some(true), ..own.clone() };
        assert_eq!(secret_to_serve(&[&open, &wildcard], &hello(None)), None);
        assert_eq!(secret_to_serve(&[&open], &hello(None)), Some("own"));
    }

    fn hello(name: Option<&str>) -> Handshake {
        let kind = if name.is_some() { HelloKind::Named } else { HelloKind::Nameless };
        Handshake::begun(kind, name.map(str::to_owned), true, Timestamp::UNIX_EPOCH)
    }
}
