//! Recognises the log records of this program's probe traffic, so that they do not count as clients.
//!
//! A marker probe is recognised by its unique server name. A handshake without SNI looks like that of any
//! client, and is recognised only by the record before it. A refused handshake with the name of a route is
//! too, but only if it came through a port-forward: no client's record has the same address there.

use std::collections::VecDeque;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::evidence::access_log::MAX_KEY_BYTES;
use crate::evidence::handshake::PROBE_NAME_SUFFIX;

/// Maximum time between a marker probe and the handshake without SNI that follows it. The prober makes the
/// two in sequence at an endpoint, the unknown name first, and a handshake that is reset takes one round
/// trip.
pub(in crate::wire) const FOLLOWS_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// Maximum time between a marker probe and the handshakes with the names of routes through the same
/// port-forward: they wait until the logs have been read.
pub(in crate::wire) const NAMED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// Maximum number of marker probes whose next handshake is expected; the oldest is dropped. More endpoints
/// are not probed at the same time.
const MAX_EXPECTED: usize = 64;

/// Returns whether this program generated the server name.
#[inline]
pub(super) fn is_own(name: &[u8]) -> bool {
    name.ends_with(PROBE_NAME_SUFFIX.as_bytes())
}

/// The resets that are still expected.
#[derive(Debug, Default)]
pub(super) struct Followers {
    /// Resets without SNI, in the order of the marker probes before them.
    without_sni: VecDeque<(String, Timestamp)>,
    /// The latest handshake that came from the pod's own loopback, where a port-forward ends.
    forwarded: Option<Timestamp>,
}

impl Followers {
    /// Records a marker probe: a handshake without SNI may follow from the same address.
    pub(super) fn expect(&mut self, client: Option<&str>, at: Option<Timestamp>) {
        let (Some(client), Some(at)) = (client, at) else { return };
        if client.len() > MAX_KEY_BYTES {
            return;
        }
        if is_loopback(client) {
            self.forwarded = self.forwarded.max(Some(at));
        }
        if self.without_sni.len() == MAX_EXPECTED {
            self.without_sni.pop_front();
        }
        self.without_sni.push_back((client.to_owned(), at));
    }

    /// Returns whether a reset without SNI was expected; each is expected once.
    pub(super) fn take(&mut self, client: Option<&str>, at: Option<Timestamp>) -> bool {
        if self.without_sni.is_empty() {
            return false;
        }
        let (Some(client), Some(at)) = (client, at) else { return false };
        let found = self
            .without_sni
            .iter()
            .position(|(address, before)| address == client && is_within(*before, at, FOLLOWS_WITHIN));
        found.and_then(|position| self.without_sni.remove(position)).is_some()
    }

    /// Returns whether a reset with SNI was caused by this program.
    pub(super) fn has_forwarded(&self, client: Option<&str>, at: Option<Timestamp>) -> bool {
        let (Some(before), Some(client), Some(at)) = (self.forwarded, client, at) else { return false };
        is_within(before, at, NAMED_WITHIN) && is_loopback(client)
    }
}

fn is_within(before: Timestamp, at: Timestamp, limit: SignedDuration) -> bool {
    let since = at.duration_since(before);
    !since.is_negative() && since <= limit
}

pub(in crate::wire) fn is_loopback(client: &str) -> bool {
    client.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::super::AccessLogScanner;
    use super::*;
    use crate::evidence::AccessLog;

    const OWN: &str = "\"x7k2.apigee-tls.invalid\"";
    const ROUTES: &str = "\"api.example.com\"";

    /// A reset of a client at a second of the hour.
    fn reset(name: &str, client: &str, second: u32) -> String {
        record(name, client, second, "0", "\"filter_chain_not_found\"", "\"NR\"")
    }

    fn record(name: &str, client: &str, second: u32, status: &str, details: &str, flags: &str) -> String {
        let (minute, second) = (second / 60, second % 60);
        format!(
            "{{\"remote_address\":\"{client}:4711\",\"sni_host\":{name},\
             \"start_time\":\"2025-06-02T10:{minute:02}:{second:02}.000Z\",\
             \"status\":{status},\"status_details\":{details},\"tls_protocol\":null,\"upstream_response_flags\":{flags}}}\n"
        )
    }

    fn scanned(lines: &[String]) -> AccessLog {
        let text = lines.concat();
        let scan = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut scanner = AccessLogScanner::new();
            pieces.for_each(|piece| scanner.feed(piece));
            scanner.finish()
        };
        let whole = scan(&mut [text.as_bytes()].into_iter());
        for size in [1, 7, 200] {
            assert_eq!(scan(&mut text.as_bytes().chunks(size)), whole, "in pieces of {size}");
        }
        whole
    }

    /// Records of this program, resets with SNI, resets without SNI.
    fn counts(lines: &[String]) -> [u64; 3] {
        let log = scanned(lines);
        assert_eq!((log.records, log.broken_lines), (lines.len() as u64, 0));
        [log.own.count, log.reset_with_sni.count, log.reset_without_sni.count]
    }

    #[test]
    fn own_handshakes_are_no_clients() {
        let (a, b) = ("10.0.0.1", "10.0.0.2");
        for (lines, expected) in [
            (vec![reset(OWN, a, 0), reset("null", a, 1)], [2, 0, 0]),
            (vec![reset(OWN, "[2001:db8::1]", 0), reset("null", "[2001:db8::1]", 5)], [2, 0, 0]),
            // Too late, from another address, too early, or of a client with a reason of its own.
            (vec![reset(OWN, a, 0), reset("null", a, 6)], [1, 0, 1]),
            (vec![reset(OWN, a, 0), reset("null", b, 1)], [1, 0, 1]),
            (vec![reset("null", a, 0), reset(OWN, a, 0)], [1, 0, 1]),
            (vec![reset(OWN, a, 3), reset("null", a, 2)], [1, 0, 1]),
            (vec![reset(OWN, a, 0), reset("null", a, 1), reset("null", a, 1)], [2, 0, 1]),
            (vec![reset(OWN, a, 0), reset("\"api.example.com\"", a, 1)], [1, 1, 0]),
            // Two endpoints probed at once, and clients between.
            (
                vec![reset(OWN, a, 0), reset(OWN, a, 1), reset("null", b, 1), reset("null", a, 1), reset("null", a, 2)],
                [4, 0, 1],
            ),
            (vec![reset(OWN, "", 0), reset("null", "", 1)], [1, 0, 1]),
            // Names of routes, through a port-forward: not before, not too late, not from elsewhere.
            (
                vec![reset(OWN, "127.0.0.1", 0), reset(ROUTES, "127.0.0.1", 9), reset(ROUTES, "127.0.0.1", 60)],
                [3, 0, 0],
            ),
            (vec![reset(OWN, "[::1]", 0), reset(ROUTES, "[::1]", 9)], [2, 0, 0]),
            (vec![reset(ROUTES, "127.0.0.1", 0), reset(OWN, "127.0.0.1", 1), reset(ROUTES, a, 2)], [1, 2, 0]),
            (vec![reset(OWN, "127.0.0.1", 0), reset(ROUTES, "127.0.0.1", 61)], [1, 1, 0]),
            // Names that only look like ours.
            (vec![reset("\"apigee-tls.invalid\"", a, 0), reset("\"x.apigee-tls.invalid.\"", a, 0)], [0, 2, 0]),
        ] {
            assert_eq!(counts(&lines), expected, "{}", lines.concat());
        }
    }

    #[test]
    fn those_without_a_name_are_known_by_their_moment() {
        let lines = [reset(OWN, "127.0.0.1", 0), reset("null", "127.0.0.1", 1), reset(ROUTES, "127.0.0.1", 2)];
        let log = scanned(&lines);
        assert_eq!(log.own.count, 3);
        assert_eq!(Vec::from_iter(log.own.without_sni), ["2025-06-02T10:00:01Z".parse().unwrap()]);
    }

    #[test]
    fn what_was_served_under_an_own_name_is_own_too() {
        // Twice, so that the second one takes the fast path; and with an escape, which never takes it.
        let log = scanned(&[
            record(OWN, "10.0.0.1", 0, "404", "\"route_not_found\"", "\"NR\""),
            record(OWN, "10.0.0.1", 1, "0", "null", "\"-\""),
            record("\"x7k2.apigee\\u002dtls.invalid\"", "10.0.0.1", 2, "200", "\"via_upstream\"", "\"-\""),
        ]);
        assert_eq!((log.own.count, log.served_without_sni.count, log.own.names.len()), (3, 0, 1));
        assert_eq!(log.own.last, "2025-06-02T10:00:02Z".parse().ok());
        assert_eq!(log.own.names["x7k2.apigee-tls.invalid"], log.own.last);
    }

    #[test]
    fn a_follower_can_ask_for_a_name() {
        let mut scanner = AccessLogScanner::new();
        scanner.feed(reset("\"api.example.com\"", "10.0.0.1", 0).as_bytes());
        assert!(!scanner.depends_on_order());
        let line = reset(OWN, "10.0.0.1", 1);
        let (left, right) = line.split_at(line.len() - 1);
        scanner.feed(left.as_bytes());
        assert!(!scanner.saw("x7k2.apigee-tls.invalid"));
        scanner.feed(right.as_bytes());
        assert!(scanner.saw("x7k2.apigee-tls.invalid") && scanner.depends_on_order());
        assert!(!scanner.saw("other.apigee-tls.invalid") && !scanner.saw("api.example.com"));
    }

    #[test]
    fn what_is_expected_is_bounded() {
        let mut followers = Followers::default();
        let at = Some(Timestamp::UNIX_EPOCH);
        for i in 0..=MAX_EXPECTED {
            followers.expect(Some(&format!("10.0.0.{i}")), at);
        }
        followers.expect(Some(&"1".repeat(MAX_KEY_BYTES + 1)), at);
        followers.expect(None, at);
        followers.expect(Some("10.0.1.1"), None);
        assert_eq!(followers.without_sni.len(), MAX_EXPECTED);
        assert!(!followers.take(Some("10.0.0.0"), at), "the oldest has given way");
        assert!(followers.take(Some("10.0.0.1"), at) && !followers.take(Some("10.0.0.1"), at));
        assert!(!followers.take(None, at) && !followers.take(Some("10.0.0.2"), None));
    }

    #[test]
    fn records_before_since_are_nobodys() {
        let mut scanner = AccessLogScanner::new().since("2025-06-02T10:00:10Z".parse().ok());
        for line in [reset(OWN, "10.0.0.1", 9), reset("null", "10.0.0.1", 10)] {
            scanner.feed(line.as_bytes());
        }
        let log = scanner.finish();
        assert_eq!((log.records, log.own.count, log.reset_without_sni.count), (1, 0, 1));
    }
}
