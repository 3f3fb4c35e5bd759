//! The names of authorities in a CertificateRequest (RFC 5246 §7.4.4), as
//! [`certificate::name`](crate::wire::certificate::name) writes names.
//!
//! They are DER outside of any certificate, which the crate for OpenSSL has no way to read.

use super::Version;
use super::fields::Fields;

/// Names that are described. A server that trusts a whole system's authorities lists some 150.
const MAX_AUTHORITIES: usize = 1024;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 6;
const UTF8_STRING: u8 = 12;
const BMP_STRING: u8 = 30;
const UNIVERSAL_STRING: u8 = 28;
/// `NumericString`, `PrintableString`, `T61String`, `IA5String`, `VisibleString`: a byte is a letter. OpenSSL reads them
/// as Latin-1.
const BYTE_STRINGS: [u8; 5] = [18, 19, 20, 22, 26];

/// OpenSSL's short names of what stands in names of authorities, by the DER of the object identifier.
const ATTRIBUTES: [(&[u8], &str); 25] = [
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x01], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x19], "DC"),
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x01], "emailAddress"),
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x02], "unstructuredName"),
    (&[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3C, 0x02, 0x01, 0x01], "jurisdictionL"),
    (&[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3C, 0x02, 0x01, 0x02], "jurisdictionST"),
    (&[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3C, 0x02, 0x01, 0x03], "jurisdictionC"),
    (&[0x55, 0x04, 0x03], "CN"),
    (&[0x55, 0x04, 0x04], "SN"),
    (&[0x55, 0x04, 0x05], "serialNumber"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x09], "street"),
    (&[0x55, 0x04, 0x0A], "O"),
    (&[0x55, 0x04, 0x0B], "OU"),
    (&[0x55, 0x04, 0x0C], "title"),
    (&[0x55, 0x04, 0x0D], "description"),
    (&[0x55, 0x04, 0x0F], "businessCategory"),
    (&[0x55, 0x04, 0x11], "postalCode"),
    (&[0x55, 0x04, 0x2A], "GN"),
    (&[0x55, 0x04, 0x2B], "initials"),
    (&[0x55, 0x04, 0x2C], "generationQualifier"),
    (&[0x55, 0x04, 0x2E], "dnQualifier"),
    (&[0x55, 0x04, 0x61], "organizationIdentifier"),
];

/// The names that a CertificateRequest lists, in its order; one that cannot be read is given as hexadecimal DER.
///
/// # Errors
/// What broke the rules of the message.
pub(in crate::wire) fn read(body: &[u8], version: Version) -> Result<Vec<String>, String> {
    let short = || "a CertificateRequest that ends too early".to_owned();
    let mut fields = Fields(body);
    fields.short().ok_or_else(short)?;
    if version >= Version::Tls12 {
        fields.long().ok_or_else(short)?;
    }
    let mut list = Fields(fields.long().ok_or_else(short)?);
    if !fields.is_empty() {
        return Err(format!("{} bytes after the end of the CertificateRequest", fields.0.len()));
    }
    let mut names = Vec::new();
    while !list.is_empty() {
        let der = list.long().ok_or_else(short)?;
        if names.len() < MAX_AUTHORITIES {
            names.push(name(der).unwrap_or_else(|| der.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
    }
    Ok(names)
}

fn name(der: &[u8]) -> Option<String> {
    let mut rest = Fields(der);
    let mut relative = Fields(content(&mut rest, SEQUENCE)?);
    let mut parts = Vec::new();
    while !relative.is_empty() {
        let mut set = Fields(content(&mut relative, SET)?);
        while !set.is_empty() {
            let mut attribute = Fields(content(&mut set, SEQUENCE)?);
            let key = content(&mut attribute, OBJECT_IDENTIFIER)?;
            let (kind, value) = element(&mut attribute)?;
            let key = match ATTRIBUTES.iter().find(|(known, _)| *known == key) {
                Some((_, name)) => (*name).to_owned(),
                None => dotted(key)?,
            };
            let value = text(kind, value)?;
            if !attribute.is_empty() {
                return None;
            }
            let is_plain = !value.contains([',', '=', '"', '+']);
            parts.push(if is_plain { format!("{key}={value}") } else { format!("{key}=\"{value}\"") });
        }
    }
    if !rest.is_empty() {
        return None;
    }
    parts.reverse();
    Some(parts.join(", "))
}

fn text(kind: u8, value: &[u8]) -> Option<String> {
    match kind {
        UTF8_STRING => String::from_utf8(value.to_vec()).ok(),
        BMP_STRING => {
            let (units, rest) = value.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok()).flatten()
        }
        UNIVERSAL_STRING => {
            let (units, rest) = value.as_chunks::<4>();
            let letters = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit)));
            rest.is_empty().then(|| letters.collect()).flatten()
        }
        kind if BYTE_STRINGS.contains(&kind) => Some(value.iter().map(|&byte| char::from(byte)).collect()),
        _ => None,
    }
}

/// An object identifier as `1.3.6.1` (X.690 §8.19).
fn dotted(der: &[u8]) -> Option<String> {
    let mut arcs = Vec::new();
    let mut arc = 0_u64;
    for &byte in der {
        arc = arc.checked_mul(128)? + u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first.to_string());
                arc -= first * 40;
            }
            arcs.push(arc.to_string());
            arc = 0;
        }
    }
    der.last().is_some_and(|byte| byte & 0x80 == 0).then(|| arcs.join("."))
}

fn content<'a>(fields: &mut Fields<'a>, wanted: u8) -> Option<&'a [u8]> {
    element(fields).filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
}

/// Tag and content of the next element: tags of one byte, lengths of at most three, which is more than fits a message.
fn element<'a>(fields: &mut Fields<'a>) -> Option<(u8, &'a [u8])> {
    let tag = fields.u8()?;
    let length = match fields.u8()? {
        length @ ..=0x7F => usize::from(length),
        octets @ 0x81..=0x83 => {
            fields.bytes(usize::from(octets & 0x7F))?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte))
        }
        _ => return None,
    };
    Some((tag, fields.bytes(length)?))
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Type;
    use openssl::nid::Nid;
    use openssl::x509::X509Name;

    use super::*;

    #[test]
    fn names_are_written_as_those_of_certificates() {
        let mut builder = X509Name::builder().unwrap();
        for (key, value) in [
            ("C", "DE"),
            ("O", "Example, Inc."),
            ("OU", "a=b"),
            ("DC", "example"),
            ("emailAddress", "root@example.com"),
            ("serialNumber", "7"),
            ("jurisdictionC", "DE"),
            ("organizationIdentifier", "VATDE-1"),
            ("CN", "Zürich \u{1F512} Root"),
        ] {
            builder.append_entry_by_text(key, value).unwrap();
        }
        // The crate takes the bytes as they are to stand there: two and four to a letter.
        builder.append_entry_by_nid_with_type(Nid::TITLE, "\0A\u{41}\u{42}", Asn1Type::BMPSTRING).unwrap();
        builder.append_entry_by_nid_with_type(Nid::STREETADDRESS, "\0\0\0S", Asn1Type::UNIVERSALSTRING).unwrap();
        builder.append_entry_by_nid_with_type(Nid::POSTALCODE, "12345", Asn1Type::T61STRING).unwrap();
        let built = builder.build();
        assert_eq!(name(&built.to_der().unwrap()), Some(crate::wire::certificate::name(&built)));
    }

    #[test]
    fn every_attribute_has_openssls_name() {
        for (der, short_name) in ATTRIBUTES {
            let object = openssl::asn1::Asn1Object::from_str(&dotted(der).unwrap()).unwrap();
            assert_eq!(object.nid().short_name().unwrap(), short_name);
        }
        assert_eq!(dotted(&[0x88, 0x37, 0x03]).as_deref(), Some("2.999.3"));
        assert_eq!(dotted(&[0x2A, 0x86]), None);
    }

    #[test]
    fn what_is_no_name_is_hexadecimal() {
        let request = |name: &[u8]| {
            let mut body = vec![1, 1, 0, 2, 4, 1];
            body.extend(u16::try_from(name.len() + 2).unwrap().to_be_bytes());
            body.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
            body.extend(name);
            body
        };
        assert_eq!(read(&request(&[0x30, 0x81]), Version::Tls12), Ok(vec!["3081".to_owned()]));
        assert_eq!(read(&request(&[0x30, 0]), Version::Tls12), Ok(vec![String::new()]));
        let mut longer = request(&[0x30, 0]);
        longer.push(0);
        assert!(read(&longer, Version::Tls12).is_err());
        assert!(read(&[1, 1], Version::Tls11).is_err());
        assert_eq!(read(&[1, 1, 0, 0], Version::Tls10), Ok(Vec::new()));
    }
}
