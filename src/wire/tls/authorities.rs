//! The trusted CAs in the `certificate_authorities` of a CertificateRequest (RFC 5246 §7.4.4), written by
//! [`certificate::name`](crate::wire::certificate::name).

use data_encoding::HEXLOWER;
use openssl::x509::X509Name;

use super::Version;
use super::fields::Fields;
use super::malformed::{Malformed, MessageName};
use crate::wire::certificate;

/// Maximum number of names that are described. A server that trusts the CAs of a whole system lists some 150.
const MAX_AUTHORITIES: usize = 1024;
/// Number of the extension.
const CERTIFICATE_AUTHORITIES: u16 = 47;

/// Returns the names that a CertificateRequest lists, in its order. An unreadable name is returned as
/// hexadecimal DER.
///
/// # Errors
/// Returns the rule of the message that `body` breaks.
pub(in crate::wire) fn read(body: &[u8], version: Version) -> Result<Vec<String>, Malformed> {
    let message = MessageName::CertificateRequest;
    let truncated = Malformed::MessageTruncated(message);
    let mut fields = Fields(body);
    fields.short().ok_or(truncated)?;
    if version >= Version::Tls12 {
        fields.long().ok_or(truncated)?;
    }
    let list = fields.long().ok_or(truncated)?;
    if !fields.is_empty() {
        return Err(Malformed::TrailingBytes { message, bytes: fields.0.len() });
    }
    names(list)
}

/// Returns the names in the `certificate_authorities` extension of a CertificateRequest of TLS 1.3 (RFC 8446
/// §4.2.4, §4.3.2).
///
/// # Errors
/// Returns the rule of the message that `body` breaks.
pub(in crate::wire) fn read_tls13(body: &[u8]) -> Result<Vec<String>, Malformed> {
    let truncated = Malformed::MessageTruncated(MessageName::CertificateRequest);
    let mut fields = Fields(body);
    fields.short().ok_or(truncated)?;
    let mut extensions = Fields(fields.long().ok_or(truncated)?);
    while !extensions.is_empty() {
        let number = extensions.u16().ok_or(truncated)?;
        let content = extensions.long().ok_or(truncated)?;
        if number == CERTIFICATE_AUTHORITIES {
            return names(Fields(content).long().ok_or(truncated)?);
        }
    }
    Ok(Vec::new())
}

fn names(list: &[u8]) -> Result<Vec<String>, Malformed> {
    let truncated = Malformed::MessageTruncated(MessageName::CertificateRequest);
    let mut list = Fields(list);
    let mut names = Vec::new();
    while !list.is_empty() {
        let der = list.long().ok_or(truncated)?;
        if names.len() < MAX_AUTHORITIES {
            names.push(name(der).unwrap_or_else(|| HEXLOWER.encode(der)));
        }
    }
    Ok(names)
}

/// Writes a name; `None` if OpenSSL cannot read all of it.
fn name(der: &[u8]) -> Option<String> {
    let name = X509Name::from_der(der).ok()?;
    // OpenSSL ignores bytes after the name, and accepts values that are not text.
    let is_whole = name.to_der().is_ok_and(|read| read == der);
    (is_whole && name.entries().all(|entry| entry.data().to_string().is_ok())).then(|| certificate::name(&name))
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Type;
    use openssl::nid::Nid;

    use super::*;

    #[test]
    fn writes_names_like_those_of_certificates() {
        let mut builder = X509Name::builder().unwrap();
        for (key, value) in [
            ("C", "DE"),
            ("O", "Example, Inc."),
            ("OU", "a=b"),
            ("DC", "example"),
            ("emailAddress", "root@example.com"),
            ("organizationIdentifier", "VATDE-1"),
            ("CN", "Zürich \u{1F512} Root"),
        ] {
            builder.append_entry_by_text(key, value).unwrap();
        }
        // The crate takes the encoded bytes: two and four for each character.
        builder.append_entry_by_nid_with_type(Nid::TITLE, "\0A\u{41}\u{42}", Asn1Type::BMPSTRING).unwrap();
        builder.append_entry_by_nid_with_type(Nid::STREETADDRESS, "\0\0\0S", Asn1Type::UNIVERSALSTRING).unwrap();
        builder.append_entry_by_nid_with_type(Nid::POSTALCODE, "12345", Asn1Type::T61STRING).unwrap();
        assert_eq!(
            name(&builder.build().to_der().unwrap()).unwrap(),
            "postalCode=12345, street=S, title=A\u{4142}, CN=Zürich \u{1F512} Root, organizationIdentifier=VATDE-1, \
             emailAddress=root@example.com, DC=example, OU=\"a=b\", O=\"Example, Inc.\", C=DE"
        );
        // The unregistered OID 2.999.3.
        let unregistered = [0x30, 13, 0x31, 11, 0x30, 9, 6, 3, 0x88, 0x37, 3, 0x0C, 2, b'a', b'b'];
        assert_eq!(name(&unregistered).unwrap(), "2.999.3=ab");
    }

    #[test]
    fn returns_unreadable_names_as_hexadecimal() {
        let request = |name: &[u8]| {
            let mut body = vec![1, 1, 0, 2, 4, 1];
            body.extend(u16::try_from(name.len() + 2).unwrap().to_be_bytes());
            body.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
            body.extend(name);
            body
        };
        let common_name =
            |kind: u8, value: [u8; 2]| [&[0x30, 13, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 3, kind, 2][..], &value].concat();
        assert_eq!(read(&request(&common_name(0x0C, *b"ab")), Version::Tls12), Ok(vec!["CN=ab".to_owned()]));
        for (der, why) in [
            (vec![0x30, 0x81], "a length is missing"),
            ([common_name(0x0C, *b"ab"), vec![0]].concat(), "a byte follows the name"),
            (common_name(0x0C, [0xC3, 0x28]), "the value is not UTF-8"),
            (common_name(0x03, [0, 1]), "the value is a BIT STRING"),
            (common_name(0x02, [1, 2]), "the value is a number"),
        ] {
            assert_eq!(read(&request(&der), Version::Tls12), Ok(vec![HEXLOWER.encode(&der)]), "{why}");
        }
        assert_eq!(read(&request(&[0x30, 0]), Version::Tls12), Ok(vec![String::new()]));
    }

    #[test]
    fn refuses_malformed_requests() {
        let request = |bytes: &[u8]| read(bytes, Version::Tls10);
        let truncated = Malformed::MessageTruncated(MessageName::CertificateRequest);
        assert_eq!(request(&[1, 1, 0, 0]), Ok(Vec::new()));
        assert_eq!(request(&[1, 1]), Err(truncated));
        assert_eq!(request(&[1, 1, 0, 1, 0]), Err(truncated));
        let message = MessageName::CertificateRequest;
        assert_eq!(request(&[1, 1, 0, 0, 9]), Err(Malformed::TrailingBytes { message, bytes: 1 }));
    }
}
