//! Secrets in packets: masked in place, with everything else unchanged.

use super::*;
use crate::wire::capture::RecordKind;

fn masked(packet: &[u8]) -> (Vec<u8>, Redactions) {
    let mut record = [b"HEADER", packet, b"END"].concat();
    let mut redactions = Redactions::default();
    let content = 6..6 + packet.len();
    Redactor::secrets_only().record(RecordKind::Packet, content, &mut record, &mut redactions);
    assert!(record.starts_with(b"HEADER") && record.ends_with(b"END"));
    (record[6..record.len() - 3].to_vec(), redactions)
}

#[test]
fn masks_secrets_in_place() {
    // Ethernet, IP and TCP headers before the payload.
    let headers =
        b"\x02\x00\x00\x00\x00\x01\x08\x00E\x00\x01\x10@\x00@\x06\n\x00\x00\x07\x80\x18\x02\x00\xfe\x30\x00\x00";
    let key = key_pem();
    for (text, secret) in [
        ("GET /v1?apikey=hunter2hunter2&y=1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "hunter2hunter2"),
        ("Host: a\r\nAuthorization: Basic dXNlcjpwYXNz\r\nX: y\r\n".to_owned(), "dXNlcjpwYXNz"),
        ("Host: a\r\nCookie: session=hunter2; b=c\r\nX: y\r\n".to_owned(), "hunter2"),
        ("X: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl\r\n".to_owned(), "eyJzdWIiOiJhIn0"),
        (format!("{{\"key\":1}}\n{key}after\n"), key.lines().nth(3).unwrap()),
        (format!("cert={}&x=1", encoded(key.as_bytes())), &encoded(key.as_bytes())[..40]),
    ] {
        let packet = [&headers[..], text.as_bytes(), &[0, 255, 17]].concat();
        let (output, redactions) = masked(&packet);
        let shown = String::from_utf8_lossy(&output);
        assert_eq!(output.len(), packet.len());
        assert!(!shown.contains(secret) && shown.contains("***"), "{shown}");
        assert!(!redactions.is_empty());
        assert!(output.starts_with(headers) && output.ends_with(&[0, 255, 17]), "{shown}");
        let changed = output.iter().zip(&packet).filter(|(new, old)| new != old).count();
        assert!(changed < text.len(), "{shown}");
    }
}

#[test]
fn leaves_other_bytes_unchanged() {
    // A ClientHello is binary: what looks like lines in it implies nothing for the next one.
    let mut state = 0x9E37_79B9_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    })
    .take(100_000)
    .collect();
    for packet in
        [&noise[..], b"GET / HTTP/1.1\r\nHost: api.acme.com\r\nUser-Agent: curl/8\r\n\r\n", b"password:\n  x\n"]
    {
        let (output, redactions) = masked(packet);
        assert!(output == packet && redactions.is_empty(), "{redactions:?}");
    }
}

#[test]
fn drops_records_with_decryption_secrets() {
    let mut record = b"CLIENT_RANDOM 0 1".to_vec();
    let mut redactions = Redactions::default();
    Redactor::secrets_only().record(RecordKind::Secrets, 0..17, &mut record, &mut redactions);
    assert!(record.is_empty());
    assert_eq!(redactions.0["decryption-secrets"], 1);
}
