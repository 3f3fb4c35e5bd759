//! Tests of redaction: tables of what is redacted and what is kept, whole and in pieces.

mod fields;
mod forms;
mod lines;
mod objects;
mod overrides;
mod packets;
mod pseudonyms;
mod random;
mod sentinels;
mod streams;
mod tables;

use super::*;

const PIECES: [usize; 4] = [1, 7, 200, usize::MAX];

fn text(text: &str) -> String {
    Redactor::secrets_only().text(text, &mut Redactions::default())
}

fn streamed(text: &[u8], piece: usize) -> (Vec<u8>, Redactions) {
    let mut stream = Redactor::secrets_only().stream();
    let mut out = Vec::new();
    for piece in text.chunks(piece.min(text.len().max(1))) {
        stream.feed(piece, &mut out);
    }
    let redactions = stream.finish(&mut out);
    (out, redactions)
}

/// Returns a generated key as OpenSSL writes it, so that none is in the repository.
fn key_pem() -> String {
    let key = openssl::rsa::Rsa::generate(1024).unwrap();
    String::from_utf8(openssl::pkey::PKey::from_rsa(key).unwrap().private_key_to_pem_pkcs8().unwrap()).unwrap()
}

fn certificate_pem() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/certificate/chain.pem");
    std::fs::read_to_string(path).unwrap()
}

fn encoded(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}
