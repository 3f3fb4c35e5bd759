//! Determines the time at the API server from the `Date` of its responses (RFC 9110 §6.6.1).

use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::{AGE, DATE};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// A `Date` has whole seconds; the expected moment of its creation is in the middle of its second.
const HALF_A_SECOND: SignedDuration = SignedDuration::from_millis(500);

/// How far the server's clock is ahead, by the fastest response: the less time it took, the smaller the
/// uncertainty.
#[derive(Debug, Default)]
pub(in crate::gather) struct ServerClock(Mutex<Option<(SignedDuration, SignedDuration)>>);

impl ServerClock {
    /// Records the time in a response to a request, with the moments of sending and receiving by this
    /// machine's clock. A response from a cache has the time of its creation.
    pub(in crate::gather) fn note(&self, headers: &HeaderMap, sent: Timestamp, answered: Timestamp) {
        let date = headers.get(DATE).filter(|_| !headers.contains_key(AGE)).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()) else { return };
        let took = answered.duration_since(sent);
        let ahead = date.duration_since(sent) + HALF_A_SECOND - took / 2;
        let mut best = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Setting the clock during the wait makes time run backwards.
        if !took.is_negative() && best.is_none_or(|(known, _)| took < known) {
            *best = Some((took, ahead));
        }
    }

    /// Returns the seconds by which the server's clock is ahead of this machine's; absent if no response had
    /// the time.
    pub(in crate::gather) fn ahead_seconds(&self) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|(_, ahead)| ahead.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(date: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(DATE, date.parse().unwrap())])
    }

    #[test]
    fn the_fastest_response_gives_the_time() {
        let clock = ServerClock::default();
        let at = |seconds: i64| Timestamp::from_second(784_111_777 + seconds).unwrap();
        assert_eq!(clock.ahead_seconds(), None);
        clock.note(&HeaderMap::new(), at(0), at(1));
        clock.note(&headers("yesterday"), at(0), at(1));
        assert_eq!(clock.ahead_seconds(), None);
        // 784111777 is Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
        clock.note(&headers("Sun, 06 Nov 1994 09:49:37 GMT"), at(0), at(30));
        assert_eq!(clock.ahead_seconds(), Some(3585));
        clock.note(&headers("Sun, 06 Nov 1994 09:49:37 GMT"), at(0), at(0));
        assert_eq!(clock.ahead_seconds(), Some(3600));
        clock.note(&headers("Sun, 06 Nov 1994 08:49:37 GMT"), at(0), at(9));
        assert_eq!(clock.ahead_seconds(), Some(3600));
        let cached = ServerClock::default();
        let mut old = headers("Sun, 06 Nov 1994 08:00:00 GMT");
        old.insert(AGE, "3000".parse().unwrap());
        cached.note(&old, at(0), at(0));
        assert_eq!(cached.ahead_seconds(), None);
    }
}
