//! Counts of a log that does not end: taken from time to time, while the log is read on.

use super::AccessLogScanner;
use crate::evidence::AccessLog;
use crate::evidence::access_log::FailingClients;

impl AccessLogScanner {
    /// Also counts failing clients by address and server name together. Call it after
    /// [`reading`](Self::reading).
    #[must_use]
    pub fn counting_clients(mut self) -> Self {
        self.contents.counter.failing = Some(FailingClients::default());
        self
    }

    /// Returns the counts since the last call, and reads on. The sum of all counts is that of one reading:
    /// what later records depend on, such as the latest probe traffic, is kept.
    pub fn take(&mut self) -> (AccessLog, FailingClients) {
        let failing = self.contents.counter.failing.as_mut().map(std::mem::take).unwrap_or_default();
        (self.contents.counter.take(), failing)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::evidence::access_log::{ClientFailure, FailingClient};

    fn log() -> String {
        let mut text = String::new();
        for second in 0..50 {
            let (name, client) = match second % 5 {
                0 => ("\"x7k2.apigee-tls.invalid\"", "10.0.0.1"),
                1 => ("null", "10.0.0.1"),
                2 => ("null", "10.0.0.2"),
                3 => ("\"Old.example.com\"", "10.0.0.3"),
                _ => ("\"api.example.com\"", "10.0.0.4"),
            };
            let (status, details, flags) =
                if second % 5 == 4 { (200, "via_upstream", "-") } else { (0, "filter_chain_not_found", "NR") };
            let _ = writeln!(
                text,
                "{{\"remote_address\":\"{client}:4711\",\"sni_host\":{name},\
                 \"start_time\":\"2025-06-02T10:00:{second:02}.000Z\",\"status\":{status},\
                 \"status_details\":\"{details}\",\"tls_protocol\":null,\"upstream_response_flags\":\"{flags}\"}}"
            );
        }
        text
    }

    #[test]
    fn the_sum_of_what_is_taken_is_one_reading() {
        let text = log();
        let mut whole = AccessLogScanner::new();
        whole.feed(text.as_bytes());
        let whole = whole.finish();
        for size in [1, 100, 1000, 100_000] {
            let mut scanner = AccessLogScanner::new().counting_clients();
            let (mut sum, mut failures) = (AccessLog::default(), 0);
            for piece in text.as_bytes().chunks(size) {
                scanner.feed(piece);
                let (log, failing) = scanner.take();
                failures += failing.clients.values().map(|span| span.count).sum::<u64>();
                sum.merge(log);
            }
            sum.begins_with_record = whole.begins_with_record;
            assert_eq!(sum, whole, "in pieces of {size}");
            assert_eq!(failures, whole.reset_without_sni.count + whole.reset_with_sni.count);
        }
        assert_eq!(whole.reset_without_sni.count, 10, "those after a probe of this program are its own");
    }

    #[test]
    fn clients_are_counted_with_the_name_that_they_sent() {
        let mut scanner = AccessLogScanner::new().counting_clients();
        scanner.feed(log().as_bytes());
        let (_, failing) = scanner.take();
        let of = |client: &str, name: Option<&str>, failure| FailingClient {
            client: Some(client.to_owned()),
            server_name: name.map(str::to_owned),
            failure,
        };
        let keys: Vec<FailingClient> = failing.clients.into_keys().collect();
        assert_eq!(
            keys,
            [
                of("10.0.0.2", None, ClientFailure::ResetWithoutSni),
                of("10.0.0.3", Some("old.example.com"), ClientFailure::ResetWithSni),
            ]
        );
        assert!(scanner.take().1.is_empty());
    }
}
