//! Generated certificates, and certificates of the corpus with expected values from `openssl x509`.

use std::fs;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509Builder, X509Name};

use super::*;

/// Reads a file of the fuzzer's corpus.
fn corpus(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/certificate").join(name)).expect(name)
}

fn described(pem: &[u8]) -> Vec<Certificate> {
    let (certificates, fault) = from_pem(pem);
    assert_eq!(fault, None);
    describe(certificates.iter().map(AsRef::as_ref))
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn named(name: &[(&str, &str)]) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    for (key, value) in name {
        builder.append_entry_by_text(key, value).unwrap();
    }
    builder.build()
}

/// Creates a certificate for `subject` and its `key`, signed by `issuer` with the key `signer`.
fn certificate(
    (subject, key): (&str, &PKey<Private>),
    (issuer, signer): (&str, &PKey<Private>),
    extend: impl FnOnce(&mut X509Builder),
) -> X509 {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(0x0A0B).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&named(&[("CN", subject)])).unwrap();
    builder.set_issuer_name(&named(&[("CN", issuer)])).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(1_800_000_000).unwrap()).unwrap();
    extend(&mut builder);
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn only(certificate: &X509) -> Certificate {
    describe([certificate.as_ref()]).remove(0)
}

#[test]
fn a_leaf_has_the_values_that_openssl_prints() {
    let list = described(&corpus("chain.pem"));
    let leaf = &list[0];
    assert_eq!((leaf.subject.as_str(), leaf.issuer.as_str()), ("CN=api.example.com", "CN=Example Issuing, O=Example"));
    assert_eq!(leaf.serial, "f0e1d2c3b4a5968778695a4b3c2d1e0f");
    assert_eq!(leaf.fingerprint, "519acd3b448dc3a908124d23ace0ba7e212659545635d15dc0cb7c7d3f474c50");
    assert_eq!(leaf.dns_names, ["api.example.com", "*.example.net"]);
    assert_eq!(leaf.ip_addresses, ["10.0.0.1".parse::<IpAddr>().unwrap(), "2001:db8::1".parse().unwrap()]);
    assert_eq!(leaf.not_before, "2026-11-24T04:54:38Z".parse().unwrap());
    assert_eq!(leaf.not_after, "2043-04-29T04:54:38Z".parse().unwrap());
    assert_eq!((leaf.key.algorithm.as_str(), leaf.key.bits), ("EC", 256));
    assert_eq!(leaf.signature_algorithm, "ecdsa-with-SHA256");
    assert_eq!((leaf.is_ca, leaf.server_use, leaf.client_use), (false, Some(true), Some(true)));
    assert_eq!(leaf.issuer_urls, ["http://ca.example.com/issuing.cer"]);
    assert_eq!(leaf.signer, Some(1));
    let issuing = &list[1];
    assert_eq!((issuing.serial.as_str(), issuing.key.bits, issuing.is_ca), ("2", 384, true));
    assert_eq!(issuing.signature_algorithm, "sha256WithRSAEncryption");
    assert_eq!((issuing.server_use, issuing.client_use, issuing.signer), (None, None, None));
}

#[test]
fn signers_are_found_in_any_order() {
    let signers: Vec<_> = described(&corpus("misordered.pem")).iter().map(|one| one.signer).collect();
    assert_eq!(signers, [Some(2), Some(1), Some(1)]);
}

#[test]
fn a_signer_is_found_by_its_signature_and_not_by_its_name() {
    let (root, other, leaf) = (key(), key(), key());
    let first = certificate(("leaf", &leaf), ("root", &root), |_| ());
    let namesake = certificate(("root", &other), ("root", &other), |_| ());
    let real = certificate(("root", &root), ("root", &root), |_| ());
    let list = describe([&*first, &namesake, &real]);
    assert_eq!(list.iter().map(|one| one.signer).collect::<Vec<_>>(), [Some(2), Some(1), Some(2)]);
    assert!(!list[0].is_self_signed(0) && list[1].is_self_signed(1) && list[2].is_self_signed(2));
    assert_eq!(describe([&*first, &namesake])[0].signer, None);
}

#[test]
fn is_ca_follows_the_extensions() {
    let (root, leaf) = (key(), key());
    let signed = |extend: &dyn Fn(&mut X509Builder)| {
        only(&certificate(("leaf", &leaf), ("root", &root), |builder| extend(builder)))
    };
    let basic = |builder: &mut X509Builder, bits: Option<&mut KeyUsage>| {
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build().unwrap()).unwrap();
        if let Some(bits) = bits {
            builder.append_extension(bits.build().unwrap()).unwrap();
        }
    };
    assert!(!signed(&|_| ()).is_ca);
    assert!(signed(&|builder| basic(builder, None)).is_ca);
    assert!(signed(&|builder| basic(builder, Some(KeyUsage::new().key_cert_sign()))).is_ca);
    assert!(!signed(&|builder| basic(builder, Some(KeyUsage::new().digital_signature()))).is_ca);
}

#[test]
fn extended_key_usage_is_distinguished_from_its_absence() {
    let (root, leaf) = (key(), key());
    let uses = |usage: Option<&mut ExtendedKeyUsage>| {
        let one = only(&certificate(("leaf", &leaf), ("root", &root), |builder| {
            if let Some(usage) = usage {
                builder.append_extension(usage.build().unwrap()).unwrap();
            }
        }));
        (one.server_use, one.client_use)
    };
    assert_eq!(uses(None), (None, None));
    assert_eq!(uses(Some(ExtendedKeyUsage::new().server_auth())), (Some(true), Some(false)));
    assert_eq!(uses(Some(ExtendedKeyUsage::new().client_auth())), (Some(false), Some(true)));
    assert_eq!(uses(Some(ExtendedKeyUsage::new().code_signing())), (Some(false), Some(false)));
    assert_eq!(uses(Some(ExtendedKeyUsage::new().other("2.5.29.37.0"))), (Some(true), Some(true)));
}

#[test]
fn alternative_names_are_separated_by_kind() {
    let (root, leaf) = (key(), key());
    let issued = certificate(("leaf", &leaf), ("root", &root), |builder| {
        let names = SubjectAlternativeName::new()
            .dns("Api.Example.com")
            .ip("::1")
            .email("a@example.com")
            .uri("https://example.com")
            .dns("*.example.com")
            .ip("192.0.2.1")
            .build(&builder.x509v3_context(None, None))
            .unwrap();
        builder.append_extension(names).unwrap();
    });
    let one = only(&issued);
    assert_eq!(one.dns_names, ["api.example.com", "*.example.com"]);
    assert_eq!(one.ip_addresses, ["::1".parse::<IpAddr>().unwrap(), "192.0.2.1".parse().unwrap()]);
    assert_eq!((one.serial.as_str(), one.not_before.as_second()), ("a0b", 1_700_000_000));
}

#[test]
fn names_up_to_the_limit_are_kept_and_more_are_reported() {
    let (root, leaf) = (key(), key());
    let with = |count: usize| {
        only(&certificate(("leaf", &leaf), ("root", &root), |builder| {
            let mut names = SubjectAlternativeName::new();
            for number in 0..count {
                names.dns(&format!("{number}.a"));
            }
            builder.append_extension(names.build(&builder.x509v3_context(None, None)).unwrap()).unwrap();
        }))
    };
    let many = with(4000);
    assert!(many.covers("3999.a") && !many.names_cut);
    let more = with(MAX_NAMES + 1);
    assert!(more.names_cut);
    assert_eq!(more.dns_names.len(), MAX_NAMES);
}

#[test]
fn an_out_of_range_date_is_clamped_and_an_invalid_date_is_never_valid() {
    let (root, leaf) = (key(), key());
    let plain = certificate(("leaf", &leaf), ("root", &root), |_| ());
    let dated = |from: &str, to: &str| {
        let one = certificate(("leaf", &leaf), ("root", &root), |builder| {
            builder.set_not_before(&Asn1Time::from_str(from).unwrap()).unwrap();
            builder.set_not_after(&Asn1Time::from_str(to).unwrap()).unwrap();
        });
        let one = only(&one);
        (one.not_before, one.not_after)
    };
    assert_eq!(dated("99991231230000Z", "99991231235959Z"), (Timestamp::MAX, Timestamp::MAX));
    assert_eq!(dated("19500101000000Z", "99991231235959Z").0, "1950-01-01T00:00:00Z".parse().unwrap());
    // 2023-11-14 and 2027-01-15, with letters in place of the month.
    for (date, garbage) in [(b"231114", b"23ZZ14"), (b"270115", b"27ZZ15")] {
        let mut der = plain.to_der().unwrap();
        let at = memchr::memmem::find(&der, date).unwrap();
        der[at..at + date.len()].copy_from_slice(garbage);
        let one = only(&X509::from_der(&der).unwrap());
        assert!(one.has_no_dates(), "{one:?}");
    }
}

#[test]
fn names_begin_with_the_most_specific_part() {
    for (parts, expected) in [
        (&[("C", "DE"), ("O", "Example"), ("CN", "a.example")][..], "CN=a.example, O=Example, C=DE"),
        (&[("O", "Example, Inc."), ("CN", "a=b")], "CN=\"a=b\", O=\"Example, Inc.\""),
        (&[("emailAddress", "a@example.com")], "emailAddress=a@example.com"),
        (&[], ""),
    ] {
        assert_eq!(name(&named(parts)), expected);
    }
}

#[test]
fn keys_have_an_algorithm_and_a_size() {
    let rsa = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let one = only(&certificate(("leaf", &rsa), ("leaf", &rsa), |_| ()));
    assert_eq!((one.key.algorithm.as_str(), one.key.bits), ("RSA", 1024));
    let mut context = PkeyCtx::new_id(Id::RSA_PSS).unwrap();
    context.keygen_init().unwrap();
    context.set_rsa_keygen_bits(2048).unwrap();
    let pss = context.keygen().unwrap();
    let one = only(&certificate(("leaf", &pss), ("leaf", &rsa), |_| ()));
    assert_eq!((one.key.algorithm.as_str(), one.key.bits), ("RSA-PSS", 2048));
    let read = |name: &str| only(&X509::from_der(&corpus(name)).unwrap());
    let modern = read("self-signed.der");
    assert_eq!((modern.key.algorithm.as_str(), modern.signature_algorithm.as_str()), ("Ed25519", "ED25519"));
    assert_eq!(modern.serial, "4fb1f2b4dd024970e041e15e9eb79c4a8058cfd7");
    assert_eq!(modern.fingerprint, "65b65c163490b16f0309b725b4c5fd52f57a97a85aa8d9287add0295742424e9");
    assert_eq!(modern.signer, Some(0));
    let old = read("version-1.der");
    assert_eq!(
        (old.subject.as_str(), old.signature_algorithm.as_str()),
        ("CN=old, emailAddress=root@example.com", "md5WithRSAEncryption")
    );
}

#[test]
fn serials_are_hexadecimal_without_leading_zeros() {
    for (bytes, expected) in [(&[][..], "0"), (&[0], "0"), (&[5], "5"), (&[0, 0xA0], "a0"), (&[0x10, 0], "1000")] {
        assert_eq!(serial(bytes), expected);
    }
}

#[test]
fn the_first_fault_of_a_text_is_reported() {
    let fault = |text: &[u8]| from_pem(text).1;
    assert_eq!(fault(b"").as_deref(), Some("there is no BEGIN CERTIFICATE line"));
    assert_eq!(fault(&corpus("leaf.der")).as_deref(), Some("there is no BEGIN CERTIFICATE line"));
    assert_eq!(fault(b"-----BEGIN CERTIFICATE-----\nAAAA").as_deref(), Some("certificate 1 has no END line"));
    assert_eq!(fault(&corpus("crlf.pem")), None);
    // A valid certificate, an invalid one and a truncated one.
    let (certificates, fault) = from_pem(&corpus("broken.pem"));
    assert_eq!((certificates.len(), fault.as_deref()), (1, Some("certificate 2 cannot be read")));
}

#[test]
fn a_list_is_described_up_to_the_limit() {
    let own = key();
    let one = certificate(("root", &own), ("root", &own), |_| ());
    let list = describe(std::iter::repeat_n(one.as_ref(), MAX_CERTIFICATES + 1));
    assert_eq!(list.len(), MAX_CERTIFICATES);
    assert!(list.iter().all(|one| one.signer == Some(0)));
}
