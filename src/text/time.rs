//! Timestamps and durations as text. All timestamps are UTC.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Formats a timestamp to the second by RFC 3339: `2025-05-19T04:46:20Z`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Formats a timestamp to the second for a heading: `2025-05-19 04:46:20 UTC`.
#[must_use]
pub fn moment_in_heading(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Formats the date of a timestamp: `2025-05-19`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Formats a duration: `46 h 12 min`, `3 min`, `20 s`. A negative duration is `0 s`.
#[must_use]
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Formats a duration in days: `12 days`; less than two days as [`duration`] does.
#[must_use]
pub fn days(length: SignedDuration) -> String {
    match length.as_hours() / 24 {
        0 | 1 => duration(length),
        days => format!("{days} days"),
    }
}

/// Formats seconds with this number of decimals: `1.5 s`.
#[must_use]
pub fn seconds(length: Duration, decimals: usize) -> String {
    format!("{:.decimals$} s", length.as_secs_f64())
}

/// Formats a time limit: `1.5 s`, and below a second `500 ms`.
#[must_use]
pub fn time_limit(length: Duration) -> String {
    if length < Duration::from_secs(1) { format!("{} ms", length.as_millis()) } else { seconds(length, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_formatted_to_the_second() {
        let at: Timestamp = "2025-05-19T04:46:20.917Z".parse().unwrap();
        assert_eq!(moment(at), "2025-05-19T04:46:20Z");
        assert_eq!(moment_in_heading(at), "2025-05-19 04:46:20 UTC");
        assert_eq!(date(at), "2025-05-19");
    }

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, expected) in
            [(-5, "0 s"), (20, "20 s"), (200, "3 min"), (166_320, "46 h 12 min"), (86_400 * 2, "48 h 0 min")]
        {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), expected);
        }
        assert_eq!(days(SignedDuration::from_hours(47)), "47 h 0 min");
        assert_eq!(days(SignedDuration::from_hours(48)), "2 days");
        assert_eq!(seconds(Duration::from_millis(1250), 2), "1.25 s");
        assert_eq!(seconds(Duration::from_secs(5), 1), "5.0 s");
        assert_eq!(time_limit(Duration::from_millis(1)), "1 ms");
        assert_eq!(time_limit(Duration::from_millis(1500)), "1.5 s");
    }
}
