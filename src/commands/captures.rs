//! Packet captures as evidence: reads those that the user gives to `diagnose` and `collect`.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::flow_redactor::FlowRedactor;
use super::{Error, sources};
use crate::checks::captured::FlowJudge;
use crate::checks::facts::captured::ingress_addresses;
use crate::evidence::capture::{Capture, CaptureFile, Flow, Summary};
use crate::evidence::handshake::PROBE_NAME_SUFFIX;
use crate::evidence::{Evidence, Unavailable};
use crate::gather::files::captures::{self, CaptureError, MAX_CAPTURES};
use crate::gather::files::key_log;
use crate::redact::Redactor;
use crate::run::{Progress, Stop};
use crate::wire::capture::{CaptureWriter, KeptPacket};
use crate::wire::tls::KeyLog;

/// Maximum number of bytes of the packets of failing handshakes that are retained for a bundle.
const MAX_HANDSHAKES: usize = 16 << 20;

/// Time within which an interrupted run still waits for what has been read.
const GRACE: Duration = Duration::from_secs(2);

/// The captures that the user gives.
pub(super) struct Given<'a> {
    pub(super) names: &'a [String],
    pub(super) key_log: Option<&'a str>,
    /// The packets of failing handshakes are wanted.
    pub(super) keeps: bool,
}

/// The packets of failing handshakes, as a pcapng file.
pub(super) struct Handshakes {
    pub(super) file: Vec<u8>,
    /// Packets that found no room.
    pub(super) left_out: u64,
}

/// Validates the list of captures.
pub(super) fn check(names: &[String]) -> Result<(), Error> {
    let refused = |what: &str, hint: &str| Err(Error::Argument { what: what.to_owned(), hint: hint.to_owned() });
    if names.len() > MAX_CAPTURES {
        return refused(
            &format!("{} captures at once", names.len()),
            &format!("merge them with mergecap; at most {MAX_CAPTURES} are read together"),
        );
    }
    if names.iter().collect::<HashSet<_>>().len() < names.len() {
        return refused("a capture more than once", "its connections would be counted twice");
    }
    Ok(())
}

/// Reads the key log that the user gives.
pub(super) fn key_log(name: Option<&str>) -> Result<Option<KeyLog>, Error> {
    let input = |name: &str| key_log::read(name).map_err(|source| Error::Input { name: name.to_owned(), source });
    name.map(input).transpose()
}

/// Adds the captures, merged by time, to the evidence. Returns the packets of failing handshakes, if they are
/// wanted.
///
/// # Errors
/// A file cannot be opened, or is not a capture.
pub(super) async fn add(
    given: Given<'_>,
    evidence: &mut Evidence,
    stop: &Stop,
    progress: Arc<dyn Progress>,
) -> Result<Option<Handshakes>, Error> {
    let Given { names, key_log, keeps } = given;
    if names.is_empty() {
        return Ok(None);
    }
    check(names)?;
    let keys = self::key_log(key_log)?;
    let reading = Reading::new(evidence, keeps);
    let (files, ends) = (names.to_vec(), stop.clone());
    let work = move || reading.read(&files, keys, &ends, &*progress);
    let read = sources::in_time_or_soon(stop, GRACE, work).await;
    let (capture, handshakes) = match read {
        Ok(read) => read.map_err(|CaptureError { name, source }| Error::Input { name, source })?,
        Err(reason) => {
            evidence.interrupted.get_or_insert_with(|| Unavailable::new("the captures", reason));
            let files = names.iter().map(|name| CaptureFile { name: name.clone(), ..CaptureFile::default() });
            (Capture { files: files.collect(), interrupted: true, ..Capture::default() }, None)
        }
    };
    if let Some(reason) = stop.reason().filter(|_| capture.interrupted) {
        evidence.interrupted.get_or_insert_with(|| Unavailable::new("the captures", reason));
    }
    // `--from BUNDLE --pcap FILE` may give the capture that the bundle was judged by; it counts once.
    let is_known = |known: &Capture| known.traffic == capture.traffic && known.summary == capture.summary;
    if !evidence.captures.iter().any(is_known) {
        evidence.captures.push(capture);
    }
    Ok(handshakes)
}

/// What is counted while captures are read.
struct Reading {
    /// Addresses of the ingress; empty if they are not known.
    ingress: BTreeSet<IpAddr>,
    /// The evidence is of a cluster, where only port-forwards connect from a loopback address.
    is_of_cluster: bool,
    redactor: FlowRedactor,
    to_ingress: Summary,
    elsewhere: Summary,
    /// Connections that are left out.
    own: u64,
    keeps: bool,
}

impl Reading {
    fn new(evidence: &Evidence, keeps: bool) -> Self {
        Self {
            ingress: ingress_addresses(evidence),
            is_of_cluster: !evidence.question.is_offline(),
            redactor: FlowRedactor::new(Redactor::secrets_only()),
            to_ingress: Summary::default(),
            elsewhere: Summary::default(),
            own: 0,
            keeps,
        }
    }

    fn read(
        mut self,
        names: &[String],
        keys: Option<KeyLog>,
        stop: &Stop,
        progress: &dyn Progress,
    ) -> Result<(Capture, Option<Handshakes>), CaptureError> {
        let task = "packet captures";
        progress.started(task);
        let mut kept = self.keeps.then(Kept::new);
        let mut capture = captures::read(names, keys, self.keeps, stop, progress, &mut |flow, packets| {
            if self.is_probe(&flow) {
                self.own += 1;
                return;
            }
            if let Some(kept) = &mut kept {
                kept.add_failure(&flow, &packets);
            }
            let flow = self.redactor.flow(flow);
            self.count(&flow);
        })?;
        progress.finished(task, &format!("{} packets", capture.traffic.packets));
        // A capture at the client, or in front of a load balancer, may have none of the addresses.
        let Self { to_ingress, elsewhere, own, .. } = self;
        (capture.summary, capture.elsewhere) = match to_ingress.flows {
            0 => (elsewhere, 0),
            _ => (to_ingress, elsewhere.flows),
        };
        capture.own = own;
        capture.summary.finish();
        // What is not written says nothing about what was judged.
        let unwritten = std::mem::take(&mut capture.limits.packets_not_written);
        Ok((capture, kept.and_then(|kept| kept.finish(unwritten))))
    }

    /// Returns whether this program made the connection.
    fn is_probe(&self, flow: &Flow) -> bool {
        let name = flow.hello.as_ref().and_then(|hello| hello.server_name.text()).unwrap_or_default();
        name.ends_with(PROBE_NAME_SUFFIX) || self.is_of_cluster && flow.client.ip().is_loopback()
    }

    fn count(&mut self, flow: &Flow) {
        let is_ingress = self.ingress.contains(&flow.server.ip().to_canonical());
        let summary = if is_ingress { &mut self.to_ingress } else { &mut self.elsewhere };
        summary.add(flow);
    }
}

/// The packets of failing handshakes, while captures are read.
pub(super) struct Kept {
    writer: io::Result<CaptureWriter<Vec<u8>>>,
    bytes: usize,
    left_out: u64,
    judge: FlowJudge,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self { writer: CaptureWriter::new(Vec::new()), bytes: 0, left_out: 0, judge: FlowJudge::default() }
    }

    /// Adds the packets of a connection whose handshake failed.
    pub(super) fn add_failure(&mut self, flow: &Flow, packets: &[KeptPacket]) {
        if self.judge.judge(flow).standing.is_failure() {
            self.add(packets);
        }
    }

    /// Adds the packets of one connection, all or none.
    fn add(&mut self, packets: &[KeptPacket]) {
        let size: usize = packets.iter().map(|packet| packet.data.len()).sum();
        if self.bytes + size > MAX_HANDSHAKES {
            self.left_out += packets.len() as u64;
            return;
        }
        self.bytes += size;
        if let Ok(writer) = &mut self.writer
            && let Err(error) = packets.iter().try_for_each(|packet| writer.packet(packet))
        {
            self.writer = Err(error);
        }
    }

    /// Returns the file; `None` if no handshake failed.
    pub(super) fn finish(self, unwritten: u64) -> Option<Handshakes> {
        let writer = self.writer.ok().filter(|writer| writer.packets() > 0)?;
        Some(Handshakes { file: writer.finish().ok()?, left_out: self.left_out + unwritten })
    }
}
