//! Tests of the whole module: the ClientHello against OpenSSL and an independent reader, and the readers
//! against recorded responses.

mod reader;
mod writer;

use std::fs;
use std::path::Path;

use super::{ClientFlight, FlightFacts, ServerFlight};

/// Returns the fuzzer's corpus: flights recorded between OpenSSL 3.0's `s_server` and `s_client` with
/// throw-away keys, and the first bytes of servers of other protocols.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tls_flight");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file")))
        .collect();
    files.sort();
    assert!(files.len() > 20);
    files
}

fn recorded(name: &str) -> Vec<u8> {
    corpus().into_iter().find(|(file, _)| file == name).unwrap_or_else(|| panic!("no file {name}")).1
}

/// Returns the facts of a stream that arrived in one chunk and ended.
fn facts(bytes: &[u8]) -> FlightFacts {
    let mut flight = ServerFlight::default();
    flight.push(bytes);
    flight.end();
    flight.facts().clone()
}

/// Returns the number of encrypted records of a client.
fn encrypted(bytes: &[u8]) -> u32 {
    let mut flight = ClientFlight::default();
    flight.push(bytes);
    flight.encrypted_records()
}

/// Returns a record with this body.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 1];
    record.extend(u16::try_from(body.len()).expect("a body of one record").to_be_bytes());
    record.extend(body);
    record
}

/// Returns a handshake message with this body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = u32::try_from(body.len()).expect("a short body").to_be_bytes().to_vec();
    message[0] = kind;
    message.extend(body);
    message
}

/// A pseudorandom generator with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).expect("a limit")).expect("below the limit")
    }
}
