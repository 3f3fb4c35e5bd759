//! Access-log lines written to a pod's stdout, and counts of logs in Apigee's format.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scenario::Recorded;

/// Time between recorded lines; about the interval of a load balancer's health check.
const INTERVAL: Duration = Duration::from_secs(10);

/// Maximum time that a long log is spread over.
const LONGEST: Duration = Duration::from_mins(30);

/// Domain of the SNI values made up by the program under test; its evidence lists its other handshakes.
const PROBE_NAME_SUFFIX: &str = ".apigee-tls.invalid\"";

/// Counts of access logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// Resets of connections without SNI.
    pub without_name: u64,
    /// Resets of connections with SNI.
    pub with_name: u64,
    /// All other records.
    pub requests: u64,
}

impl Logged {
    pub fn count(log: &str) -> Self {
        let mut counted = Self::default();
        let of_clients = |line: &&str| line.contains("\"sni_host\"") && !line.contains(PROBE_NAME_SUFFIX);
        for line in log.lines().filter(of_clients) {
            if !line.contains("filter_chain_not_found") {
                counted.requests += 1;
                continue;
            }
            match serde_json::from_str::<Value>(line) {
                Ok(record) if record["sni_host"].is_null() => counted.without_name += 1,
                Ok(_) => counted.with_name += 1,
                Err(_) => {}
            }
        }
        counted
    }

    pub fn add(&mut self, other: Self) {
        self.without_name += other.without_name;
        self.with_name += other.with_name;
        self.requests += other.requests;
    }
}

/// Returns the text of an entry; a long log is spread over the pods' `age`.
pub fn text(recorded: &Recorded, age: Duration) -> String {
    let mut lines = Vec::new();
    let mut size = 0;
    let wanted = usize::try_from(recorded.megabytes * 1_000_000).unwrap_or(usize::MAX);
    // Answered requests fill the rest; resets are spread evenly among them.
    let answered = answered_line(0, "2026-01-01T00:00:00.000Z").len() + 1;
    let fillers = u64::try_from(wanted / answered).unwrap_or_default();
    let total = recorded.resets + fillers;
    let interval = if fillers == 0 { INTERVAL } else { age.min(LONGEST) / u32::try_from(total).unwrap_or(u32::MAX) };
    let mut resets = 0;
    for index in 0..total {
        let start = timestamp(total - 1 - index, interval);
        let due = (index + 1) * recorded.resets / total.max(1);
        let line = if resets < due {
            let line = reset_line(recorded, resets, &start);
            resets += 1;
            line
        } else {
            answered_line(index, &start)
        };
        size += line.len() + 1;
        lines.push(line);
    }
    let mut text = String::with_capacity(size + recorded.text.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str(&recorded.text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn reset_line(recorded: &Recorded, turn: u64, start: &str) -> String {
    let fallback = "10.138.0.28".to_owned();
    let count = recorded.clients.len().max(1);
    let client = recorded.clients.get(usize::try_from(turn).unwrap_or_default() % count).unwrap_or(&fallback);
    line(&json!({
        "bytes_received": 0, "bytes_sent": 0,
        "remote_address": format!("{client}:{}", 10_000 + turn % 50_000),
        "request": "- - -", "request_time": 0, "sni_host": recorded.server_name, "start_time": start,
        "status": 0, "status_details": "filter_chain_not_found", "upstream_response_flags": "NR",
    }))
}

fn answered_line(turn: u64, start: &str) -> String {
    line(&json!({
        "bytes_received": 0, "bytes_sent": 18, "host": "api-test.mydomain.com",
        "remote_address": format!("10.138.0.{}:{}", 1 + turn % 200, 10_000 + turn % 50_000),
        "request": "GET /hello HTTP/2", "request_id": "5c2b1e1e-0f4f-4c5d-9a53-4f6d6c1f2a10", "request_method": "GET",
        "request_path": "/hello", "request_protocol": "HTTP/2", "request_time": 12, "sni_host": "api-test.mydomain.com",
        "start_time": start, "status": 200, "status_details": "via_upstream", "tls_protocol": "TLSv1.3",
        "upstream_address": "10.8.1.7:8443", "upstream_cluster": "outbound|8443||apigee-runtime-x.apigee.svc.cluster.local",
        "upstream_response_flags": "-", "upstream_response_time": 11, "upstream_service_time": "11",
        "user_agent": "curl/8.5.0", "x_forwarded_for": "10.138.0.28",
    }))
}

/// Returns a record with all 23 fields of Apigee's format; those that are not given are null.
fn line(given: &Value) -> String {
    let mut record = json!({
        "apigee_dynamic_data": null, "bytes_received": null, "bytes_sent": null, "host": null, "remote_address": null,
        "request": null, "request_id": null, "request_method": null, "request_path": null, "request_protocol": null,
        "request_time": null, "sni_host": null, "start_time": null, "status": null, "status_details": null,
        "tls_protocol": null, "upstream_address": null, "upstream_cluster": null, "upstream_response_flags": null,
        "upstream_response_time": null, "upstream_service_time": null, "user_agent": null, "x_forwarded_for": null,
    });
    for (name, value) in given.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    record.to_string()
}

/// Returns the time this many lines ago.
fn timestamp(ago: u64, interval: Duration) -> String {
    let back = interval * u32::try_from(ago).unwrap_or(u32::MAX);
    #[expect(clippy::disallowed_methods, reason = "lines that are to look fresh need the clock")]
    let now = Timestamp::now();
    now.checked_sub(back).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}
