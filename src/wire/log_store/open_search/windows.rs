//! The times in which records may be of this program's probe traffic.
//!
//! A reset without SNI is recognised by the marker probe before it, which an aggregation cannot see. So the
//! records near marker probes are read and not aggregated: what is read and what is aggregated are two parts
//! of all records, and the sum is exact.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::classes::{Class, all, any};
use super::layout::Layout;
use crate::wire::access_log::{FOLLOWS_WITHIN, NAMED_WITHIN, is_loopback, without_port};

/// Maximum number of windows in a query. A query has at most 1,024 clauses by default.
const MAX_WINDOWS: usize = 100;

const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// Times, the end left out, in order and apart from each other.
type Times = Vec<(Timestamp, Timestamp)>;

/// The windows after marker probes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Windows {
    /// For resets without SNI, by client address.
    without_sni: BTreeMap<String, Times>,
    /// For resets with SNI that came from loopback.
    named: BTreeMap<String, Times>,
}

impl Windows {
    /// Returns the windows after these marker probes, each with the address that it came from.
    #[must_use]
    pub fn after(markers: &[(String, Timestamp)]) -> Self {
        let mut windows = Self::default();
        for (address, at) in markers {
            let Some(client) = without_port(address.as_bytes()) else { continue };
            let client = String::from_utf8_lossy(client).into_owned();
            let window = |length: SignedDuration| {
                let end = at.checked_add(length).and_then(|end| end.checked_add(MILLISECOND));
                (*at, end.unwrap_or(Timestamp::MAX))
            };
            if is_loopback(&client) {
                windows.named.entry(client.clone()).or_default().push(window(NAMED_WITHIN));
            }
            windows.without_sni.entry(client).or_default().push(window(FOLLOWS_WITHIN));
        }
        bounded(&mut windows.without_sni);
        bounded(&mut windows.named);
        windows
    }

    /// Returns the query for the records to read: those that may be of this program, but for the marker
    /// probes.
    #[must_use]
    pub fn query(&self, layout: &Layout) -> Value {
        let of = |windows: &BTreeMap<String, Times>, class: Class| {
            let clients = windows.iter().map(|(client, times)| {
                all([layout.from(client), any(times.iter().map(|(from, until)| layout.between(*from, *until)))])
            });
            all([layout.class(class), any(clients)])
        };
        any([of(&self.without_sni, Class::ResetWithoutSni), of(&self.named, Class::ResetWithSni)])
    }
}

/// Joins windows that overlap, and then those that are nearest to each other, until there are few enough. A
/// wider window is read as exactly, only with more records. Of too many clients, the last ones are left out.
fn bounded(windows: &mut BTreeMap<String, Times>) {
    let mut gap = SignedDuration::ZERO;
    while windows.len() > MAX_WINDOWS {
        windows.pop_last();
    }
    loop {
        for times in windows.values_mut() {
            times.sort_unstable();
            let mut joined: Times = Vec::with_capacity(times.len());
            for &(from, until) in times.iter() {
                match joined.last_mut() {
                    Some(last) if from.duration_since(last.1) <= gap => last.1 = last.1.max(until),
                    _ => joined.push((from, until)),
                }
            }
            *times = joined;
        }
        if windows.values().map(Vec::len).sum::<usize>() <= MAX_WINDOWS {
            return;
        }
        gap = (gap * 2).max(SignedDuration::from_mins(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn windows_that_overlap_are_one() {
        let windows =
            Windows::after(&[("10.0.0.1:4".into(), at(10)), ("10.0.0.1:5".into(), at(13)), ("-".into(), at(0))]);
        let end = at(18).checked_add(MILLISECOND).unwrap();
        assert_eq!(windows.without_sni["10.0.0.1"], [(at(10), end)]);
        assert!(windows.named.is_empty());
        let windows = Windows::after(&[("127.0.0.1:4".into(), at(10)), ("[::1]:4".into(), at(10))]);
        assert_eq!(windows.named.keys().collect::<Vec<_>>(), ["127.0.0.1", "::1"]);
    }

    #[test]
    fn the_number_of_windows_is_bounded() {
        let markers: Vec<_> = (0..5_000).map(|i| (format!("10.0.0.{}:1", i % 7), at(i * 3_600))).collect();
        let windows = Windows::after(&markers);
        assert!(windows.without_sni.values().map(Vec::len).sum::<usize>() <= MAX_WINDOWS);
        assert_eq!(windows.without_sni.len(), 7);
        let markers: Vec<_> = (0..5_000).map(|i| (format!("c{i}"), at(i))).collect();
        assert_eq!(Windows::after(&markers).without_sni.len(), MAX_WINDOWS);
    }
}
