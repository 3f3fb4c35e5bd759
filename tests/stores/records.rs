//! Access-log records of every class, made from a seed.

use std::fmt::Write;

use serde_json::{Value, json};

/// The first moment of the records, in milliseconds since the epoch: 2025-05-01T00:00:00Z.
pub(crate) const BEGIN: i64 = 1_746_057_600_000;
/// The length of the time that the records cover: 20 days.
pub(crate) const LENGTH: i64 = 20 * 86_400_000;

/// A generator of numbers, the same for the same seed (xorshift).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(values.len() as u64)).unwrap_or(0);
        values.get(at).copied().unwrap_or_default()
    }
}

/// Names of the fields: Apigee's format, and Istio's.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Names {
    Apigee,
    Istio,
}

impl Names {
    fn of(self, field: &'static str) -> &'static str {
        if self == Self::Apigee {
            return field;
        }
        match field {
            "remote_address" => "downstream_remote_address",
            "sni_host" => "requested_server_name",
            "status" => "response_code",
            "status_details" => "response_code_details",
            "upstream_response_flags" => "response_flags",
            "tls_protocol" => "downstream_tls_version",
            "host" => "authority",
            same => same,
        }
    }
}

/// Makes records in the order of their times.
pub(crate) fn records(seed: u64, count: usize, names: Names) -> Vec<Value> {
    let mut numbers = Numbers::new(seed);
    let mut records = Vec::with_capacity(count);
    let step = LENGTH / i64::try_from(count).unwrap_or(i64::MAX).max(1);
    let mut pending: Vec<(i64, Value)> = Vec::new();
    for i in 0..count {
        let at = BEGIN
            + i64::try_from(i).unwrap_or(0) * step
            + i64::try_from(numbers.below(step.unsigned_abs().max(1))).unwrap_or(0);
        let record = record(&mut numbers, names, at, &mut pending);
        pending.push((at, record));
    }
    // Records of one time keep the order in which they were made.
    pending.sort_by_key(|(at, _)| *at);
    records.extend(pending.into_iter().map(|(_, record)| record));
    records
}

/// One record; adds those that follow a marker probe.
fn record(numbers: &mut Numbers, names: Names, at: i64, more: &mut Vec<(i64, Value)>) -> Value {
    let client = client(numbers);
    let sni =
        numbers.one_of(&["api.example.com", "Shop.Example.com", "shop.example.com", "b.example.com", "x.example.org"]);
    let make =
        |at: i64, client: &str, sni: Value, status: u16, details: Value, flags: &str, tls: Value, host: Value| {
            json!({
                "start_time": time(at),
                names.of("remote_address"): if client == "null" { Value::Null } else { Value::from(client) },
                names.of("sni_host"): sni,
                names.of("status"): status,
                names.of("status_details"): details,
                names.of("upstream_response_flags"): if flags == "null" { Value::Null } else { Value::from(flags) },
                names.of("tls_protocol"): tls,
                names.of("host"): host,
                "request_path": "/v1/x", "bytes_sent": 17, "user_agent": "curl/8.5.0",
            })
        };
    let no_chain = Value::from("filter_chain_not_found");
    let tls = || Value::from("TLSv1.3");
    match numbers.below(1_000) {
        0..200 => {
            let absent = numbers.one_of(&["null", "-", ""]);
            let absent = if absent == "null" { Value::Null } else { Value::from(absent) };
            let flags = numbers.one_of(&["NR", "NR", "DC,NR", "NoRouteFound", "null"]);
            make(at, &client, absent, 0, no_chain, flags, Value::Null, Value::Null)
        }
        200..260 => {
            let name = format!("{}{}", numbers.below(40), sni);
            make(at, &client, Value::from(name), 0, no_chain, "NR", Value::Null, Value::Null)
        }
        // Ends that are no resets, though one of the values says so.
        260..270 => make(at, &client, Value::Null, 0, no_chain, "UC", Value::Null, Value::Null),
        270..280 => make(at, &client, Value::Null, 503, no_chain, "NR", Value::Null, Value::Null),
        280..290 => {
            make(at, &client, Value::Null, 0, Value::from("downstream_remote_disconnect"), "DC", tls(), Value::Null)
        }
        290..340 => make(at, &client, Value::Null, 200, Value::from("via_upstream"), "-", tls(), Value::from(sni)),
        340..350 => {
            make(at, &client, Value::from("-"), 404, Value::from("route_not_found"), "NR", tls(), Value::from(sni))
        }
        // Without TLS: a request to another port.
        350..370 => {
            let absent = if numbers.below(2) == 0 { Value::Null } else { Value::from("-") };
            make(at, &client, Value::Null, 200, Value::from("via_upstream"), "-", absent, Value::from(sni))
        }
        370..380 => {
            let host =
                numbers.one_of(&["other.example.com:443", "API.example.com.", "shop.example.com", "[2001:db8::1]:443"]);
            make(at, &client, Value::from(sni), 404, Value::from("route_not_found"), "NR", tls(), Value::from(host))
        }
        380..390 => {
            let host = numbers.one_of(&["other.example.com", "api.example.com", "-", ""]);
            make(at, &client, Value::from(sni), 421, Value::Null, "-", tls(), Value::from(host))
        }
        390..392 => own(numbers, at, more, &make),
        _ => make(at, &client, Value::from(sni), 200, Value::from("via_upstream"), "-", tls(), Value::from(sni)),
    }
}

/// Makes a record of time, client, server name, status, details, flags, TLS version and host.
type Make<'a> = &'a dyn Fn(i64, &str, Value, u16, Value, &str, Value, Value) -> Value;

/// A marker probe, and what this program does after it; clients come between.
fn own(numbers: &mut Numbers, at: i64, more: &mut Vec<(i64, Value)>, make: Make<'_>) -> Value {
    let address = numbers.one_of(&["127.0.0.1", "[::1]", "10.0.0.7", "10.0.0.71"]).to_owned();
    let port = 30_000 + numbers.below(20_000);
    let no_chain = || Value::from("filter_chain_not_found");
    let from = |port: u64| format!("{address}:{port}");
    let reset = |at: i64, port: u64, sni: Value| {
        (at, make(at, &from(port), sni, 0, no_chain(), "NR", Value::Null, Value::Null))
    };
    for after in [700, 4_000, 5_001, 9_000] {
        if numbers.below(3) > 0 {
            more.push(reset(at + after, port + 1, Value::Null));
        }
    }
    for after in [20_000, 59_000, 61_000] {
        if numbers.below(2) > 0 {
            more.push(reset(at + after, port + 2, Value::from("api.example.com")));
        }
    }
    let name = format!("k{}.apigee-tls.invalid", numbers.below(100_000));
    reset(at, port, Value::from(name)).1
}

fn client(numbers: &mut Numbers) -> String {
    let port = 1_024 + numbers.below(60_000);
    match numbers.below(100) {
        0 => "null".into(),
        1 => "-".into(),
        2..10 => format!("[2001:db8::{:x}]:{port}", numbers.below(300)),
        10..12 => format!("198.51.100.{}", numbers.below(9)),
        _ => format!("10.{}.{}.{}:{port}", numbers.below(3), numbers.below(4), numbers.below(200)),
    }
}

/// Returns a time as Envoy writes it.
pub(crate) fn time(milliseconds: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(milliseconds).expect("a time");
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Returns one record per line.
pub(crate) fn lines(records: &[Value]) -> String {
    records.iter().fold(String::new(), |mut text, record| {
        let _ = writeln!(text, "{record}");
        text
    })
}
