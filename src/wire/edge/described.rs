//! Certificates as the Management API describes them (`certInfo`), where their encoding was not read.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fields::{self, Fields};
use crate::evidence::certificate::{Certificate, MAX_CERTIFICATES, PublicKey};

/// 1988, the year of the first edition of X.509, in milliseconds since 1970. No certificate ended before it,
/// so that 0, a negative number or a number of seconds is no date of an end.
const FIRST_END: i64 = 567_993_600_000;
/// The last millisecond of the year 9999, which RFC 5280 gives certificates without an end.
const NO_END: i64 = 253_402_300_799_999;

/// Returns the certificates that an alias or a certificate is described with. A date that cannot be read is
/// [`Timestamp::MIN`].
///
/// # Errors
/// The fields have another shape, or a certificate has no subject.
pub fn described(answer: &Value) -> Result<Vec<Certificate>, String> {
    let fields = Fields::of(answer)?;
    let inner = fields.object("certsInfo")?.and_then(|inner| inner.get("certInfo"));
    let Some(list) = inner.or_else(|| fields.get("certInfo")) else { return Ok(Vec::new()) };
    // A list of one may come as the entry alone.
    let list = if list.is_object() { std::slice::from_ref(list) } else { fields::entries(list)? };
    let mut certificates: Vec<Certificate> =
        list.iter().take(MAX_CERTIFICATES).map(certificate).collect::<Result<_, _>>()?;
    let subjects: Vec<String> = certificates.iter().map(|certificate| certificate.subject.clone()).collect();
    for certificate in &mut certificates {
        certificate.signer = subjects.iter().position(|subject| *subject == certificate.issuer);
    }
    Ok(certificates)
}

fn certificate(info: &Value) -> Result<Certificate, String> {
    let fields = Fields::of(info)?;
    let text = |name: &str| fields.text(name).map(Option::unwrap_or_default);
    let subject = fields.text("subject")?.ok_or("a certificate without a subject")?;
    let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
    for name in fields.texts("subjectAlternativeNames")? {
        let name = name
            .split_once(':')
            .filter(|(kind, _)| kind.chars().all(char::is_alphabetic))
            .map_or(name.as_str(), |(_, rest)| rest.trim());
        match name.parse() {
            Ok(address) => ip_addresses.push(address),
            Err(_) => dns_names.push(name.to_ascii_lowercase()),
        }
    }
    let key = text("publicKey")?;
    let bits = key.split(|character: char| !character.is_ascii_digit()).find_map(|word| word.parse().ok());
    let serial: String = text("serialNumber")?.chars().filter(char::is_ascii_hexdigit).collect();
    Ok(Certificate {
        subject,
        issuer: text("issuer")?,
        serial: serial.trim_start_matches('0').to_ascii_lowercase(),
        dns_names,
        ip_addresses,
        names_cut: false,
        not_before: fields.get("validFrom").and_then(|value| date(value, 0)).unwrap_or(Timestamp::MIN),
        not_after: fields.get("expiryDate").and_then(|value| date(value, FIRST_END)).unwrap_or(Timestamp::MIN),
        key: PublicKey {
            algorithm: key.split_whitespace().next().unwrap_or("unknown").to_owned(),
            bits: bits.unwrap_or(0),
            curve: None,
        },
        signature_algorithm: text("sigAlgName")?,
        fingerprint: String::new(),
        is_ca: text("basicConstraints")?.to_ascii_uppercase().contains("CA:TRUE"),
        server_use: None,
        client_use: None,
        issuer_urls: Vec::new(),
        must_staple: false,
        signer: None,
    })
}

/// Reads a date that is not before `first`: milliseconds since 1970 as a number or as a string, or ISO 8601.
/// A time without a zone is one of UTC, as in certificates.
fn date(value: &Value, first: i64) -> Option<Timestamp> {
    let text = || value.as_str().map(str::trim);
    let whole = value.as_i64().or_else(|| text()?.parse().ok());
    // Some serialisers write large numbers with an exponent. A date is exact to the second.
    let exponent = || value.as_f64().or_else(|| text()?.parse().ok()).filter(|number: &f64| number.abs() < 1e15);
    let milliseconds = whole.or_else(|| format!("{:.0}", exponent()?).parse().ok());
    let milliseconds = milliseconds.or_else(|| iso(text()?).map(Timestamp::as_millisecond))?;
    if !(first..=NO_END).contains(&milliseconds) {
        return None;
    }
    Some(Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX))
}

fn iso(text: &str) -> Option<Timestamp> {
    let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let with_zone = text.parse::<Timestamp>().ok();
    let time = || text.parse::<DateTime>().ok().and_then(utc);
    let day = || text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0)));
    with_zone.or_else(time).or_else(day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dated(from: &Value, until: &Value) -> Certificate {
        let info = json!({"expiryDate": until, "validFrom": from, "isValid": "Yes", "subject": "CN=a", "issuer": "CN=i",
            "serialNumber": "07:bc", "publicKey": "RSA Public Key, 1024 bits", "sigAlgName": "SHA1withRSA",
            "subjectAlternativeNames": null});
        let mut list =
            described(&json!({"certsInfo": {"certInfo": [info, {"subject": "CN=i", "issuer": "CN=i"}]}})).unwrap();
        assert!(list[1].is_self_signed(1));
        list.remove(0)
    }

    #[test]
    fn dates_count_and_a_described_certificate_has_no_fingerprint() {
        for expiry in [
            json!(1_456_258_950_000_i64),
            json!("1456258950000"),
            json!(" 1456258950000 "),
            json!(1.456_258_95e12),
            json!("1.45625895E12"),
            json!("2016-02-23T20:22:30Z"),
            json!("2016-02-23T21:22:30.000+0100"),
            json!("2016-02-23 20:22:30"),
        ] {
            let leaf = dated(&json!(0), &expiry);
            assert_eq!(leaf.not_after.as_millisecond(), 1_456_258_950_000, "{expiry}");
            assert_eq!((leaf.serial.as_str(), leaf.key.bits, leaf.signer), ("7bc", 1024, Some(1)));
            assert!(leaf.fingerprint.is_empty() && leaf.not_before == Timestamp::UNIX_EPOCH);
        }
        assert_eq!(dated(&json!(0), &json!("2016-02-23")).not_after.to_string(), "2016-02-23T00:00:00Z");
        assert_eq!(dated(&json!(0), &json!(NO_END)).not_after, Timestamp::MAX);
    }

    #[test]
    fn what_is_no_date_is_not_read_as_one() {
        for text in [
            json!(null),
            json!(-1),
            json!(0),
            json!("-1"),
            json!(1_456_258_950),
            json!(9.9e17),
            json!("99999999999999999999"),
            json!(i64::MAX),
            json!("soon"),
            json!(""),
            json!("Tue Feb 23 20:22:30 UTC 2016"),
            json!("2016-02-31"),
            json!([1_456_258_950_000_i64]),
            json!({}),
            json!(true),
        ] {
            let leaf = dated(&json!(0), &text);
            assert!(leaf.has_no_dates(), "{text}");
        }
        assert_eq!(dated(&json!("soon"), &json!(1_456_258_950_000_i64)).not_before, Timestamp::MIN);
    }

    #[test]
    fn what_is_no_description_is_refused() {
        for answer in [
            json!([]),
            json!({"certInfo": "x"}),
            json!({"certInfo": [1]}),
            json!({"certInfo": [{}]}),
            json!({"certsInfo": []}),
            json!({"certInfo": [{"subject": "CN=a", "subjectAlternativeNames": "a"}]}),
            json!({"certInfo": [{"subject": "CN=a", "issuer": {}}]}),
        ] {
            assert!(described(&answer).is_err(), "{answer}");
        }
        assert_eq!(described(&json!({"certInfo": {"subject": "CN=a"}})).unwrap().len(), 1);
        assert!(described(&json!({"name": "k"})).unwrap().is_empty());
    }
}
