//! Moments and lengths of time. All moments are UTC.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A moment to the second, as RFC 3339 has it: `2025-05-19T04:46:20Z`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A moment to the second, easier to read: `2025-05-19 04:46:20 UTC`.
#[must_use]
pub fn moment_in_heading(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2025-05-19`
#[must_use]
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// `46 h 12 min`, `3 min`, `20 s`. A negative length is `0 s`.
#[must_use]
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// `12 days`; less than two days as [`duration`].
#[must_use]
pub fn days(length: SignedDuration) -> String {
    match length.as_hours() / 24 {
        0 | 1 => duration(length),
        days => format!("{days} days"),
    }
}

/// Seconds with so many decimals: `1.5 s`.
#[must_use]
pub fn seconds(length: Duration, decimals: usize) -> String {
    format!("{:.decimals$} s", length.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_to_the_second() {
        let at: Timestamp = "2025-05-19T04:46:20.917Z".parse().unwrap();
        assert_eq!(moment(at), "2025-05-19T04:46:20Z");
        assert_eq!(moment_in_heading(at), "2025-05-19 04:46:20 UTC");
        assert_eq!(date(at), "2025-05-19");
    }

    #[test]
    fn lengths_have_the_two_largest_units() {
        for (seconds, expected) in
            [(-5, "0 s"), (20, "20 s"), (200, "3 min"), (166_320, "46 h 12 min"), (86_400 * 2, "48 h 0 min")]
        {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), expected);
        }
        assert_eq!(days(SignedDuration::from_hours(47)), "47 h 0 min");
        assert_eq!(days(SignedDuration::from_hours(48)), "2 days");
        assert_eq!(seconds(Duration::from_millis(1250), 2), "1.25 s");
        assert_eq!(seconds(Duration::from_secs(5), 1), "5.0 s");
    }
}
