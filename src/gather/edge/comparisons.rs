//! The handshakes at one address: that of the client in question, and those that tell the causes of its
//! failure apart.
//!
//! A refused ClientHello is followed by a scan and by a handshake with the other choice of `server_name`, so
//! that version, cipher suite and SNI can be distinguished. A connection that ends without an alert is
//! repeated: the next one may succeed. What a server accepts in place of the refused offer shows its
//! certificates.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::handshakes::{Job, Made, status};
use crate::evidence::edge::{Leg, Purpose};
use crate::evidence::handshake::{ClientCertificate, ClientHelloKind, Failure, How, Scan, Stage};
use crate::gather::probe::handshake::{ClientHelloOptions, handshake_and_received};
use crate::gather::probe::transport::Transport;
use crate::gather::probe::{ProbeOptions, Prober, name_authorities, scan};
use crate::wire::tls::Version;

/// How often a connection that ended without an alert is repeated. A server behind a load balancer may be one
/// of several.
const REPEATS: usize = 2;

impl Job {
    pub(super) async fn at(&self, prober: &Arc<Prober>, address: SocketAddr) -> Vec<Made> {
        let transport = Transport::Tcp(address);
        let mut first = self.shake(prober, &transport, address.ip(), self.sends_sni, self.purpose).await;
        // A Router may request certificates that the virtual host does not.
        let is_requested = matches!(first.result.handshake.client_certificate, ClientCertificate::Requested(_));
        if self.leg == Leg::Northbound && is_requested && !self.requests && first.result.handshake.succeeded() {
            let mut asking = self.clone();
            asking.requests = true;
            first = asking.shake(prober, &transport, address.ip(), self.sends_sni, self.purpose).await;
        }
        let mut made = vec![first];
        let failure = made[0].result.handshake.failure.clone();
        let is_refused = |failure: &Failure| matches!(failure.stage, Stage::ClientHello | Stage::ServerFlight);
        if let Some(failure) = failure.filter(|failure| self.purpose != Purpose::WithoutSettings && is_refused(failure))
        {
            let others = self.compared(prober, &transport, address.ip(), &failure, &mut made[0]).await;
            made.extend(others);
        } else if self.leg == Leg::Southbound
            && self.purpose == Purpose::AsClient
            && !self.sends_sni
            && made[0].result.handshake.certificates.first().is_some_and(|leaf| !leaf.covers(&self.host))
            && self.host.parse::<IpAddr>().is_err()
        {
            // Without SNI, a server may present the certificate of another name.
            made.push(self.shake(prober, &transport, address.ip(), true, Purpose::OtherSni).await);
        }
        made
    }

    /// Makes the handshakes that show why a ClientHello is refused.
    async fn compared(
        &self,
        prober: &Arc<Prober>,
        transport: &Transport,
        address: IpAddr,
        failure: &Failure,
        first: &mut Made,
    ) -> Vec<Made> {
        if self.proxy_protocol
            && self.purpose == Purpose::AsClient
            && let Ok(bare) = prober.with(ProbeOptions { proxy_protocol: false, ..prober.options.clone() })
        {
            let without = Purpose::WithoutProxyHeader;
            let made = self.shake(&Arc::new(bare), transport, address, self.sends_sni, without).await;
            if made.result.handshake.succeeded() {
                return vec![made];
            }
        }
        let is_silent = matches!(failure.how, How::TimedOut { .. });
        let is_plain = matches!(failure.how, How::NotTls { .. });
        let is_name = matches!(failure.how, How::Alert { number: 112, .. });
        let name = self.sends_sni.then_some(self.host.as_str());
        let scanned = async {
            if is_silent || is_plain || is_name { None } else { Some(scan::scan(prober, transport, name).await.0) }
        };
        let compared = async {
            if is_plain || self.purpose == Purpose::ExpectedWithoutSni {
                return None;
            }
            Some(self.shake(prober, transport, address, !self.sends_sni, Purpose::OtherSni).await)
        };
        let (scan, other): (Option<Scan>, Option<Made>) = futures::join!(scanned, compared);
        // Only a server that ends every connection alike is sure to end the next one so.
        let refusals = scan.iter().flat_map(|scan| &scan.versions).filter_map(|one| one.refusal.as_ref());
        let failed = other.as_ref().and_then(|other| other.result.handshake.failure.as_ref());
        let is_mixed = !refusals.chain(failed).all(|one| one.how.ends_like(&failure.how));
        let is_accepting = scan.as_ref().is_some_and(|scan| scan.versions.iter().any(|one| !one.suites.is_empty()));
        let other_passed = other.as_ref().is_some_and(|other| other.result.handshake.succeeded());
        let mut made: Vec<Made> = Vec::new();
        if failure.how.is_ending() && (is_accepting || other_passed || is_mixed) {
            for _ in 0..REPEATS {
                let again = self.shake(prober, transport, address, self.sends_sni, self.purpose).await;
                let is_over = again.result.handshake.succeeded();
                made.push(again);
                if is_over {
                    break;
                }
            }
        }
        let has_passed = made.iter().any(|again| again.result.handshake.succeeded());
        if let Some(scan) = scan.as_ref().filter(|_| !has_passed)
            && let Some(prober) = prober_of(prober, scan)
        {
            let mut accepted = self.shake(&prober, transport, address, self.sends_sni, Purpose::AsAccepted).await;
            let versions = scan.versions.iter().filter(|one| !one.suites.is_empty());
            accepted.result.versions = versions.clone().map(|one| one.version.clone()).collect();
            accepted.result.suites = versions.flat_map(|one| one.suites.clone()).collect();
            made.push(accepted);
        }
        first.result.scan = scan;
        made.extend(other);
        made
    }

    async fn shake(
        &self,
        prober: &Arc<Prober>,
        transport: &Transport,
        address: IpAddr,
        sends_sni: bool,
        purpose: Purpose,
    ) -> Made {
        let is_address = self.host.parse::<IpAddr>().is_ok();
        let server_name = (sends_sni && !is_address).then(|| self.host.clone());
        let kind = if server_name.is_some() { ClientHelloKind::Named } else { ClientHelloKind::WithoutSni };
        let hello =
            ClientHelloOptions { kind, server_name, requested: purpose == self.purpose, is_marker: self.requests };
        let (mut handshake, received) = handshake_and_received(prober, transport, &hello).await;
        name_authorities(prober, transport, std::slice::from_mut(&mut handshake), None).await;
        let http_status = self.requests.then(|| status(&received.response)).flatten();
        Made { result: self.result(Some(address), purpose, handshake, http_status), chain: received.chain }
    }
}

/// Returns a prober that offers what a server accepts, as far as the TLS library can.
fn prober_of(prober: &Prober, scan: &Scan) -> Option<Arc<Prober>> {
    let accepted = scan.versions.iter().filter(|one| !one.suites.is_empty());
    let versions: Vec<Version> = accepted.clone().filter_map(|one| Version::from_name(&one.version)).collect();
    let suites: Vec<&str> = accepted.flat_map(|one| one.suites.iter().map(String::as_str)).collect();
    let options = ProbeOptions {
        min_version: versions.iter().min().copied(),
        max_version: versions.iter().max().copied(),
        ciphers: (!suites.is_empty()).then(|| suites.join(":")),
        ..prober.options.clone()
    };
    options.min_version?;
    prober.with(options).ok().map(Arc::new)
}
