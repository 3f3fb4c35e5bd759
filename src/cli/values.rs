//! Parsers of single values. Each error says what was expected, with an example.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::checks;

const DAY: Duration = Duration::from_hours(24);

/// Units of a number of bytes, with the factor of one `k` and its power. `Mi` is binary, `M` and `MB` are
/// decimal, as in Kubernetes.
const UNITS: [(&str, u64, u32); 9] = [
    ("ki", 1024, 1),
    ("mi", 1024, 2),
    ("gi", 1024, 3),
    ("ti", 1024, 4),
    ("k", 1000, 1),
    ("m", 1000, 2),
    ("g", 1000, 3),
    ("t", 1000, 4),
    ("", 1, 1),
];

/// Parses a duration like kubectl: `90s`, `10m`, `1h30m`, or a bare number of seconds; also `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as 30s, 10m, 1h30m or 1d".to_owned();
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    // Days are not a unit of jiff's durations, because days of a calendar differ in length.
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) => (days.parse::<u32>().map_err(|_| wrong())?, rest),
        None => (0, text),
    };
    let rest = match rest {
        "" if days > 0 => Duration::ZERO,
        rest => rest.parse::<SignedDuration>().ok().and_then(|rest| rest.try_into().ok()).ok_or_else(wrong)?,
    };
    DAY.checked_mul(days).and_then(|days| days.checked_add(rest)).ok_or_else(wrong)
}

pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected a duration above zero, such as 5s or 500ms".into()),
        length => Ok(length),
    }
}

/// Parses the length of a window of logs. A number without a unit is refused, as by `kubectl logs`: who means
/// minutes would get seconds, and a report of hardly any records.
pub(super) fn window(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(number) if number > 0 => Err(format!("expected a duration with a unit, such as {number}s or {number}m")),
        _ => duration(text),
    }
}

/// Parses a time of RFC 3339.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time such as 2026-11-29T10:00:00Z".into())
}

/// The value of `--until`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    At(Timestamp),
    /// So long before the run.
    Ago(Duration),
}

/// Parses a time of RFC 3339, or a duration before the run.
pub(super) fn until(text: &str) -> Result<Until, String> {
    let at = moment(text).map(Until::At);
    at.or_else(|_| window(text).map(Until::Ago))
        .map_err(|_| "expected a time such as 2026-11-29T10:00:00Z, or a duration such as 2h".into())
}

/// Parses the number of lines of `--tail`; -1 means all.
pub(super) fn lines(text: &str) -> Result<i64, String> {
    let lines = text.parse().ok().filter(|lines: &i64| *lines >= -1);
    lines.ok_or_else(|| "expected a number of lines such as 1000, or -1 for all".into())
}

/// Parses a number of bytes above zero: `5000000`, `10MB`, `10Mi`, `10MiB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number of bytes such as 5000000, 10MB or 10Mi".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (_, base, power) = UNITS.iter().find(|(name, ..)| *name == unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    base.checked_pow(*power).and_then(|factor| number.checked_mul(factor)).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// Parses the number of endpoints that are probed at the same time.
pub(super) fn parallel(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=1024).contains(number));
    number.ok_or_else(|| "expected a number from 1 to 1024".into())
}

/// Parses a number of packets.
pub(super) fn packets(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a number of packets above zero, such as 1000".into())
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "expected a port from 1 to 65535".into())
}

pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "expected an IP address such as 203.0.113.7".into())
}

/// Parses the level of `-v=LEVEL`, which kubectl takes too.
pub(super) fn verbosity(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| "expected a level such as -v=1".into())
}

/// Parses a code or name of the catalogue, the beginning of a code, or a family.
pub(super) fn check_name(text: &str) -> Result<String, String> {
    if let Some(family) = checks::CATALOGUE.iter().find(|family| family.name.eq_ignore_ascii_case(text)) {
        return Ok(family.name.to_owned());
    }
    if let Some((_, check)) = checks::find(text) {
        return Ok(check.code.to_string());
    }
    if checks::all().any(|(family, check)| checks::denotes(text, family, check)) {
        return Ok(text.to_owned());
    }
    let families: Vec<&str> = checks::CATALOGUE.iter().map(|family| family.name).collect();
    Err(format!(
        "no check has this code or name, nor is it a family ({}); `kubectl apigee-tls explain` lists them",
        families.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_units_of_kubectl_and_days() {
        let seconds = |text: &str| duration(text).map(|length| length.as_secs()).ok();
        for (text, expected) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("1h30m", Some(5400)),
            ("1d", Some(86_400)),
            ("2d12h", Some(216_000)),
            ("0", Some(0)),
            ("d", None),
            ("0dx", None),
            ("1x", None),
            ("-5s", None),
            ("1day", None),
            ("99999999999999d", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert!(positive_duration("0s").unwrap_err().contains("above zero"));
        assert!(window("5").unwrap_err().contains("5s or 5m"));
        assert_eq!((window("0"), window("5m")), (Ok(Duration::ZERO), Ok(Duration::from_mins(5))));
    }

    #[test]
    fn bytes_have_decimal_and_binary_units() {
        for (text, expected) in [
            ("5", Some(5)),
            ("10MB", Some(10_000_000)),
            ("10M", Some(10_000_000)),
            ("10Mi", Some(10 << 20)),
            ("10 MiB", Some(10 << 20)),
            ("2kb", Some(2000)),
            ("3B", Some(3)),
            ("0", None),
            ("MB", None),
            ("-1", None),
            ("1.5Mi", None),
            ("10X", None),
            ("99999999999Ti", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_have_their_range() {
        assert_eq!((lines("-1"), lines("20")), (Ok(-1), Ok(20)));
        assert!(lines("-2").is_err() && lines("abc").unwrap_err().contains("a number of lines"));
        assert!(parallel("0").is_err() && parallel("1025").is_err() && parallel("32") == Ok(32));
        assert!(packets("0").is_err() && packets("-1").is_err() && packets("1000") == Ok(1000));
        assert!(port("0").is_err() && port("x").is_err() && port("443") == Ok(443));
        assert!(moment("yesterday").unwrap_err().contains("2026-11-29T10:00:00Z"));
        assert!(address("gw").is_err() && verbosity("x").is_err() && verbosity("6") == Ok(6));
    }
}
