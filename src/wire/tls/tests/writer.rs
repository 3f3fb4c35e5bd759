//! The ClientHello, parsed by a reader that shares no code with the writer, and answered by OpenSSL.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{AlpnError, NameType, Ssl, SslContext, SslMethod, SslStream, SslVersion};
use openssl::x509::{X509, X509Name};

use super::super::{ClientHello, Version, suites};
use super::facts;

fn client_hello(version: Version, server_name: Option<&str>) -> ClientHello<'_> {
    let mut random = [0; 96];
    for (i, byte) in random.iter_mut().enumerate() {
        *byte = u8::try_from(i).expect("a small number") + 1;
    }
    ClientHello { version, server_name, suites: suites::of(version), alpn: &[], random }
}

/// The fields of a ClientHello.
#[derive(Debug)]
struct Parsed {
    record_version: [u8; 2],
    version: [u8; 2],
    random: Vec<u8>,
    session: Vec<u8>,
    suites: Vec<u8>,
    compressions: Vec<u8>,
    extensions: BTreeMap<u16, Vec<u8>>,
    order: Vec<u16>,
    message_bytes: usize,
}

/// Parses by fixed offsets and length fields.
fn parse(bytes: &[u8]) -> Parsed {
    let u16_at = |at: usize| usize::from(bytes[at]) * 256 + usize::from(bytes[at + 1]);
    assert_eq!((bytes[0], bytes[5], bytes[6]), (22, 1, 0));
    assert_eq!(u16_at(3), bytes.len() - 5);
    assert_eq!(u16_at(7), bytes.len() - 9);
    let session_end = 44 + usize::from(bytes[43]);
    let suites_end = session_end + 2 + u16_at(session_end);
    let compressions_end = suites_end + 1 + usize::from(bytes[suites_end]);
    assert_eq!(u16_at(compressions_end), bytes.len() - compressions_end - 2);
    let mut at = compressions_end + 2;
    let (mut extensions, mut order) = (BTreeMap::new(), Vec::new());
    while at < bytes.len() {
        let number = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let end = at + 4 + u16_at(at + 2);
        assert!(extensions.insert(number, bytes[at + 4..end].to_vec()).is_none(), "extension {number} twice");
        order.push(number);
        at = end;
    }
    Parsed {
        record_version: [bytes[1], bytes[2]],
        version: [bytes[9], bytes[10]],
        random: bytes[11..43].to_vec(),
        session: bytes[44..session_end].to_vec(),
        suites: bytes[session_end + 2..suites_end].to_vec(),
        compressions: bytes[suites_end + 1..compressions_end].to_vec(),
        extensions,
        order,
        message_bytes: bytes.len() - 5,
    }
}

#[test]
fn each_version_has_its_fields() {
    let early = [0, 23, 0xFF01, 10, 11];
    for (version, record_version, legacy_version, order) in [
        (Version::Ssl3, [3, 0], [3, 0], &early[..]),
        (Version::Tls10, [3, 1], [3, 1], &early),
        (Version::Tls11, [3, 1], [3, 2], &early),
        (Version::Tls12, [3, 1], [3, 3], &[0, 23, 0xFF01, 10, 11, 13]),
        (Version::Tls13, [3, 1], [3, 3], &[0, 10, 13, 43, 45, 51]),
    ] {
        let sent = client_hello(version, Some("api.example.com."));
        let parsed = parse(&sent.write());
        assert_eq!((parsed.record_version, parsed.version), (record_version, legacy_version), "{version:?}");
        let order_without_padding: Vec<u16> = parsed.order.iter().copied().filter(|number| *number != 21).collect();
        assert_eq!(order_without_padding, order, "{version:?}");
        assert_eq!(parsed.random, sent.random[..32]);
        assert_eq!(parsed.session, if version == Version::Tls13 { &sent.random[32..64] } else { &[] });
        let numbers: Vec<u8> = sent.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        assert_eq!(parsed.suites, numbers, "{version:?}");
        assert_eq!(parsed.compressions, [0]);
        assert_eq!(parsed.extensions[&0], b"\x00\x12\x00\x00\x0Fapi.example.com");
    }
    let sent = client_hello(Version::Tls13, None);
    let parsed = parse(&sent.write());
    assert_eq!(parsed.extensions[&10], [0, 10, 0, 29, 0, 23, 0, 24, 0, 25, 1, 0]);
    assert_eq!(parsed.extensions[&43], [2, 3, 4]);
    assert_eq!(parsed.extensions[&45], [1, 1]);
    assert_eq!(parsed.extensions[&51], [&[0, 36, 0, 29, 0, 32], &sent.random[64..]].concat());
}

#[test]
fn only_dns_names_are_sent_as_server_names() {
    for (name, sent) in [
        (Some("a.example"), Some("a.example")),
        (Some("a.example."), Some("a.example")),
        (Some("localhost"), Some("localhost")),
        (Some("10.0.0.1"), None),
        (Some("::1"), None),
        (Some("[::1]"), None),
        (Some(""), None),
        (Some("."), None),
        (None, None),
        (Some(&"a".repeat(254)[..]), None),
    ] {
        let parsed = parse(&client_hello(Version::Ssl3, name).write());
        let got = parsed.extensions.get(&0).map(|extension| String::from_utf8(extension[5..].to_vec()).expect("ASCII"));
        assert_eq!(got.as_deref(), sent, "{name:?}");
    }
}

#[test]
fn alpn_protocols_are_offered_if_given() {
    let long = "x".repeat(256);
    let mut sent = client_hello(Version::Tls12, None);
    sent.alpn = &["h2", "http/1.1"];
    assert_eq!(parse(&sent.write()).extensions[&16], b"\x00\x0C\x02h2\x08http/1.1");
    let none = ["", &long];
    sent.alpn = &none;
    assert!(!parse(&sent.write()).extensions.contains_key(&16));
}

#[test]
fn no_client_hello_has_a_size_that_hangs_old_load_balancers() {
    for version in Version::ALL {
        for suites in 0..suites::of(version).len() {
            let mut sent = client_hello(version, Some("api.example.com"));
            sent.suites = &suites::of(version)[..suites];
            let parsed = parse(&sent.write());
            assert!(!(256..512).contains(&parsed.message_bytes), "{version:?} {suites}: {}", parsed.message_bytes);
            // Some servers refuse an empty extension at the end.
            assert!(
                parsed.order.last().is_some_and(|last| !parsed.extensions[last].is_empty()),
                "{version:?} {suites}"
            );
            assert!(parsed.extensions.get(&21).is_none_or(|zeros| zeros.iter().all(|byte| *byte == 0)));
        }
    }
}

#[test]
fn the_largest_client_hello_fits_in_one_record() {
    let many: Vec<u16> = (0..u16::MAX).collect();
    let protocol = "p".repeat(255);
    let protocols = vec![&protocol[..]; 1000];
    let name = "n".repeat(253);
    for version in Version::ALL {
        let sent =
            ClientHello { suites: &many, alpn: &protocols, server_name: Some(&name), ..client_hello(version, None) };
        let parsed = parse(&sent.write());
        assert!(parsed.message_bytes <= 16384, "{}", parsed.message_bytes);
    }
}

/// Runs an OpenSSL server in memory. Returns its response to a ClientHello and the server name that it
/// received.
fn respond(context: &SslContext, client_hello: &[u8]) -> (Vec<u8>, Option<String>) {
    #[derive(Debug)]
    struct Pipe {
        unread: io::Cursor<Vec<u8>>,
        written: Vec<u8>,
    }
    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.unread.read(buffer)? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                length => Ok(length),
            }
        }
    }
    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let pipe = Pipe { unread: io::Cursor::new(client_hello.to_vec()), written: Vec::new() };
    let mut stream = SslStream::new(Ssl::new(context).unwrap(), pipe).unwrap();
    let _ = stream.accept();
    let name = stream.ssl().servername(NameType::HOST_NAME).map(str::to_owned);
    (std::mem::take(&mut stream.get_mut().written), name)
}

fn server(version: SslVersion) -> openssl::ssl::SslContextBuilder {
    let (certificate, key) = identity();
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_certificate(&certificate).unwrap();
    context.set_private_key(&key).unwrap();
    context.set_alpn_select_callback(|_, offered| {
        openssl::ssl::select_next_proto(b"\x02h2\x08http/1.1", offered).ok_or(AlpnError::NOACK)
    });
    context
}

fn identity() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "api.example.com").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    (certificate.build(), key)
}

#[test]
fn openssl_answers_each_version() {
    for (version, theirs) in [
        (Version::Tls10, SslVersion::TLS1),
        (Version::Tls11, SslVersion::TLS1_1),
        (Version::Tls12, SslVersion::TLS1_2),
        (Version::Tls13, SslVersion::TLS1_3),
    ] {
        let mut sent = client_hello(version, Some("api.example.com"));
        sent.alpn = &["http/1.1"];
        let (bytes, name) = respond(&server(theirs).build(), &sent.write());
        let facts = facts(&bytes);
        let hello = facts.hello.clone().unwrap_or_else(|| panic!("{version:?}: {facts:?}"));
        assert_eq!((hello.version, hello.retry), (version, false));
        assert_eq!(hello.group_name().as_deref(), Some("X25519"), "{version:?}");
        assert!(sent.suites.contains(&hello.suite));
        assert_eq!((facts.alert, facts.malformed), (None, None), "{version:?}");
        assert_eq!(name.as_deref(), Some("api.example.com"));
        // TLS 1.3 encrypts the ALPN protocol and the certificate.
        let in_clear = version < Version::Tls13;
        assert_eq!(hello.alpn.as_deref(), in_clear.then_some("http/1.1"));
        assert_eq!((facts.certificate, facts.done, facts.encrypted_records > 0), (in_clear, in_clear, !in_clear));
    }
}

#[test]
fn openssl_refuses_versions_and_suites_that_it_lacks() {
    let refused = |version, theirs, suites: &[u16]| {
        let sent = ClientHello { suites, ..client_hello(version, None) };
        let facts = facts(&respond(&server(theirs).build(), &sent.write()).0);
        assert_eq!(facts.hello, None);
        facts.alert
    };
    assert_eq!(refused(Version::Tls11, SslVersion::TLS1_2, suites::of(Version::Tls11)), Some((2, 70)));
    assert_eq!(refused(Version::Tls13, SslVersion::TLS1_2, suites::of(Version::Tls13)), Some((2, 70)));
    assert_eq!(refused(Version::Tls12, SslVersion::TLS1_2, &[0x0005]), Some((2, 40)));
    assert_eq!(refused(Version::Tls13, SslVersion::TLS1_3, &[0x1305]), Some((2, 40)));
}

#[test]
fn openssl_sends_a_hello_retry_request_for_another_group() {
    let mut context = server(SslVersion::TLS1_3);
    context.set_groups_list("P-384").unwrap();
    let (bytes, _) = respond(&context.build(), &client_hello(Version::Tls13, None).write());
    let facts = facts(&bytes);
    let hello = facts.hello.expect("a HelloRetryRequest");
    assert!(hello.retry);
    assert_eq!((hello.group_name().as_deref(), facts.malformed), (Some("P-384"), None));
}
