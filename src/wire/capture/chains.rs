//! Certificate lists of a capture, each described once: a server sends the same one in every handshake.
//!
//! The SHA-256 is of the bytes as they were sent. Data that is not a certificate has one too, and does not
//! affect the others.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use openssl::sha::sha256;
use openssl::x509::X509;

use crate::evidence::capture::CapturedCertificate;
use crate::evidence::certificate::MAX_CERTIFICATES;
use crate::wire::certificate;
use crate::wire::tls::fields::Fields;

/// Maximum number of lists that are described, and of their bytes; others are only hashed.
const MAX_CHAINS: usize = 256;
const MAX_BYTES: usize = 512 << 10;

/// A list as it was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) certificates: Vec<CapturedCertificate>,
    /// The list is incomplete, or above the limit for descriptions.
    pub(super) is_cut: bool,
}

type ByContent = HashMap<Box<[u8]>, Arc<Chain>, RandomState>;

/// The known lists.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// By the length of the message, then by its bytes in the capture: what is cut alike may be of different
    /// lists. Searched for each handshake, so that the hash is a fast one, with a random seed.
    known: HashMap<usize, ByContent, RandomState>,
    /// Their number, and their bytes.
    count: usize,
    bytes: usize,
    /// Lists that were hashed and not described.
    pub(super) not_described: u64,
}

impl Chains {
    /// Reads the body of a Certificate message of TLS 1.3 (RFC 8446 §4.4.2), which is complete.
    pub(super) fn read_tls13(&mut self, body: &[u8]) -> Arc<Chain> {
        match without_extensions(body) {
            Some(list) => self.read(&list, list.len()),
            None => Arc::new(Chain { is_cut: true, ..Chain::default() }),
        }
    }

    /// Reads the body of a Certificate message up to TLS 1.2, of which there are `body.len()` of `length`
    /// bytes.
    pub(super) fn read(&mut self, body: &[u8], length: usize) -> Arc<Chain> {
        if let Some(chain) = self.known.get(&length).and_then(|known| known.get(body)) {
            return Arc::clone(chain);
        }
        let has_room = self.count < MAX_CHAINS && self.bytes + body.len() <= MAX_BYTES;
        let chain = Arc::new(read(body, length, has_room));
        if has_room {
            self.count += 1;
            self.bytes += body.len();
            self.known.entry(length).or_default().insert(body.into(), Arc::clone(&chain));
        } else {
            self.not_described += 1;
        }
        chain
    }
}

/// Writes the list of a Certificate message of TLS 1.3 as TLS 1.2 does: without context and extensions.
fn without_extensions(body: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Fields(body);
    fields.short()?;
    let length = size(fields.array()?);
    let mut list = Fields(fields.bytes(length)?);
    let mut entries = Vec::new();
    while !list.is_empty() {
        let length = list.array::<3>()?;
        entries.extend(length);
        entries.extend(list.bytes(size(length))?);
        list.long()?;
    }
    let [_, length @ ..] = u32::try_from(entries.len()).ok()?.to_be_bytes();
    Some([&length, &*entries].concat())
}

/// Returns a length of three bytes.
fn size([a, b, c]: [u8; 3]) -> usize {
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}

fn read(body: &[u8], length: usize, is_described: bool) -> Chain {
    let mut fields = Fields(body);
    // The length alone shows that a list is empty.
    let Some(total) = fields.array().map(size) else { return Chain { is_cut: length > 3, ..Chain::default() } };
    let mut chain = Chain { is_cut: body.len() < length || total + 3 != length, ..Chain::default() };
    let mut parsed = Vec::new();
    let mut list = Fields(fields.0);
    while !list.is_empty() {
        let length = list.array().map(size);
        let (Some(der), true) = (length.and_then(|length| list.bytes(length)), parsed.len() < MAX_CERTIFICATES) else {
            chain.is_cut = true;
            break;
        };
        chain.certificates.push(CapturedCertificate {
            sha256: sha256(der).iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: u32::try_from(der.len()).unwrap_or(u32::MAX),
            certificate: None,
        });
        parsed.push(is_described.then(|| X509::from_der(der).ok()).flatten());
    }
    // Positions of signers count only certificates that can be read, so a list with others is described one
    // by one.
    if parsed.iter().all(Option::is_some) {
        let described = certificate::describe(parsed.iter().flatten().map(AsRef::as_ref));
        for (captured, described) in chain.certificates.iter_mut().zip(described) {
            captured.certificate = Some(described);
        }
    } else {
        for (captured, parsed) in chain.certificates.iter_mut().zip(&parsed) {
            captured.certificate = parsed.as_ref().and_then(|one| certificate::describe([one.as_ref()]).pop());
        }
    }
    chain
}
