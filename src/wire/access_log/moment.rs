//! `start_time` → a timestamp.
//!
//! Envoy writes RFC 3339 with milliseconds, and neighbouring records share their minute: the calendar is used
//! once per minute, the rest is two numbers. jiff parses every other form: those of log stores, and the
//! pattern of `%START_TIME(…)%` in the mesh settings.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Bytes of `2025-05-19T04:46:20.117Z`, and of its part up to the minute.
const USUAL_LENGTH: usize = 24;
const TO_THE_MINUTE: usize = 16;

/// Reads timestamps, and caches the minute of the last one.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The text of the minute that `minute_start` belongs to.
    minute: [u8; TO_THE_MINUTE],
    minute_start: i64,
    /// The minute since the epoch of the text in `name`.
    named: Option<i64>,
    name: String,
    /// The pattern of `%START_TIME(…)%`, in jiff's spelling.
    pattern: Option<String>,
}

impl Clock {
    /// Reads timestamps of this pattern too. Envoy writes fractions as `%f` and `%1f` to `%9f`.
    pub(super) fn stated(&mut self, pattern: Option<&str>) {
        self.pattern = pattern.map(str::to_owned);
    }

    /// Returns the milliseconds since the epoch of a timestamp in the usual form; `None` for every other
    /// form, well-formed or not.
    pub(super) fn milliseconds(&mut self, text: &[u8]) -> Option<i64> {
        let text: &[u8; USUAL_LENGTH] = text.try_into().ok()?;
        let [.., colon, s1, s2, dot, m1, m2, m3, zulu] = *text;
        if colon != b':' || dot != b'.' || zulu != b'Z' {
            return None;
        }
        let digit = |byte: u8| i64::from(byte.wrapping_sub(b'0'));
        let digits = [s1, s2, m1, m2, m3].map(digit);
        let [s1, s2, m1, m2, m3] = digits;
        // jiff handles leap seconds.
        if digits.iter().any(|&digit| digit > 9) || s1 > 5 {
            return None;
        }
        let (minute, _) = text.split_first_chunk::<TO_THE_MINUTE>()?;
        let into_minute = (s1 * 10 + s2) * 1000 + m1 * 100 + m2 * 10 + m3;
        if *minute != self.minute {
            // Only the usual form up to the minute may be cached, not a basic-format date of the same length.
            let usual = minute.iter().zip(b"0000-00-00T00:00").all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte == form,
            });
            if !usual {
                return None;
            }
            let moment: Timestamp = std::str::from_utf8(text).ok()?.parse().ok()?;
            self.minute_start = moment.as_millisecond() - into_minute;
            self.minute = *minute;
        }
        Some(self.minute_start + into_minute)
    }

    /// Returns the timestamp, in the configured form, or in any that RFC 3339 allows: fractions to the
    /// nanosecond, any offset.
    pub(super) fn moment(&mut self, text: &[u8]) -> Option<Timestamp> {
        if let Some(milliseconds) = self.milliseconds(text) {
            return Timestamp::from_millisecond(milliseconds).ok();
        }
        let text = std::str::from_utf8(text).ok()?;
        if let Some(moment) = self.pattern.as_deref().and_then(|pattern| by_pattern(pattern, text)) {
            return Some(moment);
        }
        // BigQuery and Log Analytics write this suffix.
        match text.strip_suffix(" UTC") {
            Some(text) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()),
            None => text.parse().ok(),
        }
    }

    /// Returns the key of the timestamp's minute, as `2025-05-19T04:46Z`.
    pub(super) fn minute_name(&mut self, moment: Timestamp) -> &str {
        let minute = moment.as_second().div_euclid(60);
        if self.named != Some(minute) {
            self.named = Some(minute);
            self.name = moment.strftime("%Y-%m-%dT%H:%MZ").to_string();
        }
        &self.name
    }
}

/// Parses a timestamp as Envoy's `%START_TIME(pattern)%` writes it; without an offset it is UTC. Source:
/// Envoy documentation, "Access logging", command operators.
fn by_pattern(pattern: &str, text: &str) -> Option<Timestamp> {
    if let Some(fraction) = pattern.strip_prefix("%s") {
        return since_epoch(fraction, text);
    }
    let mut time = jiff::fmt::strtime::BrokenDownTime::parse(pattern, text).ok()?;
    time.to_timestamp().ok().or_else(|| {
        time.set_offset(Some(jiff::tz::Offset::UTC));
        time.to_timestamp().ok()
    })
}

/// Parses seconds since the epoch, with a fraction of the given number of digits, which may follow a point.
fn since_epoch(fraction: &str, text: &str) -> Option<Timestamp> {
    let (seconds, digits) = match fraction.strip_prefix('.').unwrap_or(fraction) {
        "" => (text, ""),
        digits => {
            let count = match digits.strip_prefix('%')?.strip_suffix('f')? {
                "" => 9,
                count => count.parse::<usize>().ok().filter(|count| (1..=9).contains(count))?,
            };
            let (seconds, digits) = text.split_at_checked(text.len().checked_sub(count)?)?;
            (if fraction.starts_with('.') { seconds.strip_suffix('.')? } else { seconds }, digits)
        }
    };
    let nanoseconds: i64 = if digits.is_empty() { 0 } else { format!("{digits:0<9}").parse().ok()? };
    let whole = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    whole.checked_add(SignedDuration::from_nanos(nanoseconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_what_jiff_gives() {
        let mut clock = Clock::default();
        for text in [
            "2025-05-19T04:46:20.117Z",
            "2025-05-19T04:46:59.999Z",
            "2025-05-19T04:46:60.000Z",
            "2025-05-19T04:46:6x.000Z",
            "2025-05-19T04:47:00.000Z",
            "2025-02-30T04:47:00.000Z",
            "2025-02-28T24:47:00.000Z",
            "2024-02-29T23:59:59.001Z",
            "1969-12-31T23:59:59.999Z",
            "0000-00-00T00:00:00.000Z",
            "2025-05-19T04:46:20Z",
            "2025-05-19T04:46:20.117123Z",
            "2025-05-19T04:46:20.117123456Z",
            "2025-05-19T06:46:20.117+02:00",
            "2025-05-19T04:46:20,117Z",
            "20250519T044620.1171111Z",
            "yesterday",
            "",
        ] {
            assert_eq!(clock.moment(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn stated_forms_are_read() {
        for (pattern, text, expected) in [
            ("%s", "1748858401", "2025-06-02T10:00:01Z"),
            ("%s.%3f", "1748858401.005", "2025-06-02T10:00:01.005Z"),
            ("%s%3f", "1748858401005", "2025-06-02T10:00:01.005Z"),
            ("%s.%f", "1748858401.000000005", "2025-06-02T10:00:01.000000005Z"),
            ("%Y/%m/%dT%H:%M:%S%z", "2025/06/02T12:00:01+0200", "2025-06-02T10:00:01Z"),
            ("%Y/%m/%d %H:%M:%S", "2025/06/02 10:00:01", "2025-06-02T10:00:01Z"),
            ("%Y-%m-%dT%H:%M:%S.%3fZ", "2025-06-02T10:00:01.005Z", "2025-06-02T10:00:01.005Z"),
            ("%Y/%m/%d %H:%M:%S.%3f", "2025/06/02 10:00:01.005", "2025-06-02T10:00:01.005Z"),
            ("", "2025-06-02 10:00:01.005 UTC", "2025-06-02T10:00:01.005Z"),
            ("", "2025-06-02 10:00:01.005Z", "2025-06-02T10:00:01.005Z"),
        ] {
            let mut clock = Clock::default();
            clock.stated(Some(pattern));
            assert_eq!(clock.moment(text.as_bytes()), expected.parse().ok(), "{pattern} {text}");
        }
        let mut clock = Clock::default();
        clock.stated(Some("%s%3f"));
        for text in ["", "5", "é5", "xx005", "17488584010050000000000"] {
            assert_eq!(clock.moment(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn minutes_are_those_of_utc() {
        let mut clock = Clock::default();
        for (text, name) in [
            ("2025-05-19T06:46:20.117+02:00", "2025-05-19T04:46Z"),
            ("2025-05-19T04:46:59.999Z", "2025-05-19T04:46Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59Z"),
        ] {
            let moment = clock.moment(text.as_bytes()).expect(text);
            assert_eq!(clock.minute_name(moment), name);
        }
    }
}
