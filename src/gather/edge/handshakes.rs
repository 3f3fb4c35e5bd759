//! Handshakes on both legs: at each Router with each host alias, and at each backend as a Message Processor.
//!
//! What is made at one address, and which comparisons follow a failure, is in
//! [`comparisons`](super::comparisons).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use openssl::x509::X509;
use tokio::sync::Semaphore;

use super::disabled_suites::is_disabled;
use super::{ConnectTo, Gathering};
use crate::evidence::edge::{Edge, JavaProfile, Leg, LegHandshake, Purpose, Target, is_sendable};
use crate::evidence::handshake::{ClientCertificate, ClientHelloKind, Failure, Handshake, Stage};
use crate::evidence::{Reason, Unavailable};
use crate::gather::probe::lookup::{self, Family};
use crate::gather::probe::{ProbeOptions, Prober, ProberError};
use crate::run::Stop;
use crate::wire::tls::{Version, suites};

/// Number of endpoints that are probed at the same time.
const PARALLEL: usize = 16;
/// Maximum number of handshakes of one run; more are reported as not made.
const MAX_JOBS: usize = 2000;
/// The label in place of the wildcard of a host alias.
const LABEL: &str = "apigee-tls-probe";

/// What a client offers.
#[derive(Clone, PartialEq)]
struct Offer {
    profile: Option<JavaProfile>,
    versions: (Version, Version),
    /// Absent for those of a current client.
    suites: Option<Vec<String>>,
}

/// One endpoint with one offer.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) leg: Leg,
    object: String,
    endpoint: Option<String>,
    pub(super) host: String,
    port: u16,
    /// Where to connect, if it is not where DNS leads.
    to: Option<(String, u16)>,
    pub(super) sends_sni: bool,
    offer: Offer,
    pub(super) purpose: Purpose,
    /// Client certificates are requested, and refused within TLS.
    pub(super) requests: bool,
    pub(super) proxy_protocol: bool,
}

/// A handshake, and the list that the server sent.
pub(super) struct Made {
    pub(super) result: LegHandshake,
    pub(super) chain: Vec<X509>,
}

impl Gathering<'_> {
    /// Makes all handshakes. Returns the reason if the run ended before.
    pub(super) async fn handshakes(&mut self, stop: &Stop) -> Result<Option<Reason>, ProberError> {
        let question = &self.edge.question;
        let mut jobs = Vec::new();
        if question.probed.contains(&Leg::Northbound) && self.judges(Leg::Northbound) {
            jobs.extend(self.northbound());
        }
        if question.probed.contains(&Leg::Southbound) && self.judges(Leg::Southbound) {
            jobs.extend(self.southbound());
        }
        if jobs.len() > MAX_JOBS {
            let reason = Reason::NotRequested(format!("more than {MAX_JOBS}; name virtual hosts or target servers"));
            let what = format!("{} handshakes", jobs.len() - MAX_JOBS);
            self.unseen(Unavailable::new(what, reason), None);
            jobs.truncate(MAX_JOBS);
        }
        let turn = Arc::new(Semaphore::new(PARALLEL));
        let mut running = Vec::new();
        for job in jobs {
            let prober = Arc::new(self.prober(&job)?);
            let turn = Arc::clone(&turn);
            running.push(tokio::spawn(async move {
                // Nobody closes the semaphore.
                let _turn = turn.acquire().await;
                job.run(&prober).await
            }));
        }
        let aborts: Vec<_> = running.iter().map(tokio::task::JoinHandle::abort_handle).collect();
        let made = match stop.bound(join_all(running)).await {
            Ok(made) => made,
            Err(reason) => {
                aborts.iter().for_each(tokio::task::AbortHandle::abort);
                self.unseen(Unavailable::new("handshakes", reason.clone()), None);
                return Ok(Some(reason));
            }
        };
        self.undocumented();
        for Made { mut result, chain } in made.into_iter().flatten().flatten() {
            let is_made_up = result.host.starts_with(LABEL);
            let is_unknown = result.handshake.failure.as_ref().is_some_and(|failure| failure.stage == Stage::Lookup);
            if is_made_up && is_unknown {
                let reason = Reason::NotRequested("no address of a made-up name below it; give --router".into());
                let what = format!("handshakes with {} for {}", result.object, result.host.replacen(LABEL, "*", 1));
                self.unseen(Unavailable::new(what, reason), Some(Leg::Northbound));
                continue;
            }
            if !chain.is_empty() {
                result.handshake.certificates = self.pool.add(&chain);
            }
            self.edge.handshakes.push(result);
        }
        self.unpresented();
        Ok(None)
    }

    /// Records the targets whose pinned names Java does not know: what a Message Processor does then is not
    /// documented.
    fn undocumented(&mut self) {
        let mut missing = Vec::new();
        for target in self.edge.targets.iter().filter(|target| target.enabled && target.has_tls()) {
            let Some(tls) = &target.tls else { continue };
            let unknown = tls.protocols.iter().chain(&tls.ciphers).filter(|name| !is_java(name));
            for name in unknown {
                let reason = Reason::Missing(format!(
                    "{name} is no name that Java knows; what a Message Processor does with it is not documented"
                ));
                missing.push(Unavailable::new(format!("{} with {name}", target.title()), reason));
            }
        }
        for why in missing {
            self.unseen(why, Some(Leg::Southbound));
        }
    }

    /// Records the targets whose backend demands a client certificate of any CA, which this program cannot
    /// present without the key.
    fn unpresented(&mut self) {
        let mut missing: Vec<Unavailable> = Vec::new();
        for made in self.edge.handshakes.iter().filter(|made| made.leg == Leg::Southbound) {
            let target = self.edge.targets.iter().find(|target| {
                target.object == made.object
                    && target.endpoint == made.endpoint
                    && target.tls.as_ref().is_some_and(|tls| tls.client_auth && tls.key_store.is_some())
            });
            let is_any = matches!(&made.handshake.client_certificate, ClientCertificate::Requested(names)
                if names.as_ref().is_none_or(Vec::is_empty));
            let is_refused =
                made.handshake.failure.as_ref().is_some_and(|failure| failure.stage >= Stage::ClientFlight);
            if let Some(target) = target.filter(|_| is_any && is_refused && self.edge.own_certificates.is_empty()) {
                let reason = Reason::Missing(
                    "the backend demands it, and its key is not here: give --mp-cert and --mp-key".into(),
                );
                let why = Unavailable::new(format!("{} with its client certificate", target.title()), reason);
                if !missing.contains(&why) {
                    missing.push(why);
                }
            }
        }
        for why in missing {
            self.unseen(why, Some(Leg::Southbound));
        }
    }

    fn northbound(&self) -> Vec<Job> {
        let profile = self.edge.question.client;
        let mut jobs = Vec::new();
        for (name, host) in &self.edge.virtual_hosts {
            let Some(tls) = host.tls.as_ref().filter(|tls| tls.enabled) else { continue };
            let Some(port) = host.port else { continue };
            let job = |alias: &str, to: Option<(String, u16)>| Job {
                leg: Leg::Northbound,
                object: format!("virtualhosts/{name}"),
                endpoint: None,
                host: alias.replacen('*', LABEL, 1),
                port,
                to,
                sends_sni: true,
                offer: client_offer(profile),
                purpose: Purpose::AsClient,
                requests: tls.client_auth,
                proxy_protocol: host.proxy_protocol,
            };
            for alias in &host.aliases {
                jobs.extend(self.routers(port, alias).into_iter().map(|to| job(alias, to)));
            }
            if self.edge.question.expect_non_sni
                && let Some(alias) = host.aliases.first()
            {
                let without = self.routers(port, alias).into_iter().map(|to| Job {
                    sends_sni: false,
                    purpose: Purpose::ExpectedWithoutSni,
                    requests: false,
                    ..job(alias, to)
                });
                jobs.extend(without);
            }
        }
        jobs
    }

    /// Where the Routers of a host alias are: those that the user names, else where DNS leads (`None`).
    fn routers(&self, port: u16, alias: &str) -> Vec<Option<(String, u16)>> {
        if let Some(to) = connect_to(&self.options.connect_to, alias, port) {
            return vec![Some(to)];
        }
        if self.options.routers.is_empty() {
            return vec![None];
        }
        let to = |(address, own): &(IpAddr, Option<u16>)| Some((address.to_string(), own.unwrap_or(port)));
        self.options.routers.iter().map(to).collect()
    }

    fn southbound(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        for target in self.edge.targets.iter().filter(|target| target.enabled) {
            let Some(host) = target.host.clone() else { continue };
            let job = |offer: Offer, sends_sni: bool, purpose: Purpose| Job {
                leg: Leg::Southbound,
                object: target.object.clone(),
                endpoint: target.endpoint.clone(),
                host: host.clone(),
                port: target.port,
                to: connect_to(&self.options.connect_to, &host, target.port),
                sends_sni,
                offer,
                purpose,
                requests: false,
                proxy_protocol: false,
            };
            if !target.has_tls() {
                jobs.push(job(client_offer(None), is_sendable(&host), Purpose::WithoutSettings));
                continue;
            }
            let mut made: Vec<(Offer, bool)> = Vec::new();
            let mut choices: BTreeSet<bool> = self.edge.sends_sni().into_iter().collect();
            if !is_sendable(&host) {
                choices = [false].into();
            }
            for profile in &self.edge.question.java {
                // Nothing is sent where the Message Processor itself finds no version or suite.
                let Some(offer) = self.offer(target, *profile) else { continue };
                for sends_sni in &choices {
                    if made.iter().all(|(known, sni)| {
                        known.suites != offer.suites || known.versions != offer.versions || sni != sends_sni
                    }) {
                        made.push((offer.clone(), *sends_sni));
                        jobs.push(job(offer.clone(), *sends_sni, Purpose::AsClient));
                    }
                }
            }
        }
        jobs
    }

    /// What a Message Processor with this Java offers to a target.
    fn offer(&self, target: &Target, profile: JavaProfile) -> Option<Offer> {
        let tls = target.tls.as_ref();
        if tls.is_some_and(|tls| tls.protocols.iter().chain(&tls.ciphers).any(|name| !is_java(name))) {
            return None;
        }
        let pinned = tls.map(|tls| tls.protocols.as_slice()).unwrap_or_default();
        let versions: Vec<Version> = if pinned.is_empty() {
            self.edge.offered_versions(profile).iter().filter_map(|name| Version::from_name(name)).collect()
        } else {
            let disabled = self.edge.disabled_versions(profile);
            let supported = profile.supported_versions();
            let known = pinned.iter().map(|name| if name == "TLSv1" { "TLSv1.0" } else { name });
            let usable = known.filter(|name| supported.contains(name) && !disabled.contains(name));
            usable.filter_map(Version::from_name).collect()
        };
        let (min, max) = (versions.iter().min()?, versions.iter().max()?);
        let pinned = tls.map(|tls| tls.ciphers.as_slice()).unwrap_or_default();
        let mut names: Vec<String> = if pinned.is_empty() {
            profile.suites().into_iter().map(str::to_owned).collect()
        } else {
            pinned.iter().filter_map(|name| suites::number(name).map(suites::name)).collect()
        };
        if let Some((_, disabled)) = self.edge.disabled_algorithms() {
            names.retain(|name| !is_disabled(name, disabled));
        }
        // A list with suites of TLS 1.3 alone, or without any, would shift the versions.
        names.retain(|name| if name.starts_with("TLS_") { *max == Version::Tls13 } else { *min < Version::Tls13 });
        (!names.is_empty()).then_some(Offer { profile: Some(profile), versions: (*min, *max), suites: Some(names) })
    }

    fn prober(&self, job: &Job) -> Result<Prober, ProberError> {
        let identity = match job.leg {
            Leg::Northbound => &self.options.client_identity,
            Leg::Southbound => &self.options.own_identity,
        };
        let (min, max) = job.offer.versions;
        let options = ProbeOptions {
            min_version: Some(min),
            max_version: Some(max),
            ciphers: job.offer.suites.as_ref().map(|names| names.join(":")),
            client: None,
            alpn: Vec::new(),
            ca_file: None,
            identity: identity.clone(),
            proxy_protocol: job.proxy_protocol,
            timeout: self.options.handshake_time,
        };
        let prober = match Prober::new(options.clone()) {
            // A list of suites that the TLS library has dropped cannot be offered whole; the scan that
            // follows offers every suite.
            Err(ProberError::Ciphers { .. } | ProberError::NothingToOffer { .. }) => {
                Prober::new(ProbeOptions { ciphers: None, ..options })?
            }
            prober => prober?,
        };
        match job.leg {
            Leg::Northbound => prober.trusting(&self.options.client_authorities),
            Leg::Southbound => Ok(prober),
        }
    }
}

/// Returns whether Java knows a protocol or cipher suite by this name.
fn is_java(name: &str) -> bool {
    let is_protocol = ["SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].contains(&name);
    // Java writes the suites of SSL 3 with SSL_.
    let registered = name.strip_prefix("SSL_").map(|rest| format!("TLS_{rest}"));
    let is_suite = name.starts_with("TLS_") || registered.is_some();
    is_protocol || is_suite && suites::number(registered.as_deref().unwrap_or(name)).is_some()
}

impl Offer {
    /// Names of the versions, the oldest first.
    fn versions(&self) -> Vec<String> {
        let (min, max) = self.versions;
        let offered = Version::ALL.into_iter().filter(|version| (min..=max).contains(version));
        offered.map(|version| version.name().to_owned()).collect()
    }
}

/// What current clients have in common; those of Java 17 are among them.
fn current_suites() -> Vec<String> {
    JavaProfile::Java17.suites().into_iter().map(str::to_owned).collect()
}

fn client_offer(profile: Option<JavaProfile>) -> Offer {
    match profile {
        None => Offer { profile, versions: (Version::Tls12, Version::Tls13), suites: None },
        Some(java) => {
            let versions = Edge::default().offered_versions(java);
            let known = || versions.iter().filter_map(|name| Version::from_name(name));
            let versions = (known().min().unwrap_or(Version::Tls12), known().max().unwrap_or(Version::Tls12));
            Offer { profile, versions, suites: Some(java.suites().into_iter().map(str::to_owned).collect()) }
        }
    }
}

fn connect_to(list: &[ConnectTo], host: &str, port: u16) -> Option<(String, u16)> {
    let fits = |entry: &&ConnectTo| {
        (entry.host.is_empty() || entry.host.eq_ignore_ascii_case(host)) && (entry.port == 0 || entry.port == port)
    };
    let entry = list.iter().find(fits)?;
    let address = if entry.address.is_empty() { host } else { &entry.address };
    Some((address.to_owned(), if entry.to_port == 0 { port } else { entry.to_port }))
}

impl Job {
    /// Makes the handshake, and what tells the causes of a failure apart.
    async fn run(self, prober: &Arc<Prober>) -> Vec<Made> {
        let (host, port) = self.to.clone().unwrap_or_else(|| (self.host.clone(), self.port));
        let addresses = match lookup::addresses(&host, Family::Any, prober.options.timeout).await {
            Ok(addresses) => addresses,
            Err(failure) => return vec![self.failed(failure)],
        };
        let mut made = Vec::new();
        // Every address is a Router or a backend of its own.
        for address in addresses {
            made.extend(self.at(prober, SocketAddr::new(address, port)).await);
            // Of a name without a chosen address, a failure to connect may be that of one family alone.
            if self.leg == Leg::Southbound && made.last().is_some_and(|last| last.result.handshake.succeeded()) {
                break;
            }
        }
        made
    }

    fn failed(&self, failure: Failure) -> Made {
        #[expect(clippy::disallowed_methods, reason = "the time of a handshake is evidence")]
        let started_at = jiff::Timestamp::now();
        let server_name = self.sends_sni.then(|| self.host.clone());
        let kind = if server_name.is_some() { ClientHelloKind::Named } else { ClientHelloKind::WithoutSni };
        let begun = Handshake::begun(kind, server_name, true, started_at);
        let handshake = Handshake { failure: Some(failure), ..begun };
        Made { result: self.result(None, self.purpose, handshake, None), chain: Vec::new() }
    }

    pub(super) fn result(
        &self,
        address: Option<IpAddr>,
        purpose: Purpose,
        handshake: Handshake,
        http_status: Option<u16>,
    ) -> LegHandshake {
        LegHandshake {
            leg: self.leg,
            object: self.object.clone(),
            endpoint: self.endpoint.clone(),
            host: self.host.clone(),
            port: self.port,
            connected_port: self.to.as_ref().map(|(_, port)| *port).filter(|port| *port != self.port),
            address,
            given_address: self.to.is_some(),
            purpose,
            profile: self.offer.profile,
            versions: self.offer.versions(),
            suites: self.offer.suites.clone().unwrap_or_else(current_suites),
            handshake,
            http_status,
            scan: None,
        }
    }
}

/// Returns the status of an HTTP response.
pub(super) fn status(response: &[u8]) -> Option<u16> {
    let rest = response.strip_prefix(b"HTTP/1.")?;
    std::str::from_utf8(rest.get(2..5)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_to_matches_as_in_curl() {
        let list = [
            ConnectTo { host: "a".into(), port: 443, address: "10.0.0.1".into(), to_port: 8443 },
            ConnectTo { host: String::new(), port: 0, address: String::new(), to_port: 9 },
        ];
        assert_eq!(connect_to(&list, "A", 443), Some(("10.0.0.1".into(), 8443)));
        assert_eq!(connect_to(&list, "b", 443), Some(("b".into(), 9)));
        assert_eq!(connect_to(&[], "b", 443), None);
    }

    #[test]
    fn reads_the_status_of_a_response() {
        assert_eq!(status(b"HTTP/1.1 400 Bad Request\r\n"), Some(400));
        assert_eq!(status(b"HTTP/1.0 200"), Some(200));
        assert_eq!(status(b"garbage"), None);
    }
}
