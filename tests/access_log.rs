//! The access-log scanner against logs whose counts are known, and against a plain reader that parses every line with
//! serde_json.
//!
//! The scanner takes a short way for lines like the ones before; the plain reader here has none. Both must count the same on
//! whatever lines a generator makes of well-formed, odd and broken records, and however the bytes arrive.

use std::fs;
use std::path::Path;

use apigee_tls::evidence::access_log::{AccessLog, Tally};
use apigee_tls::wire::access_log::{AccessLogScanner, MAX_RECORD_BYTES};
use jiff::Timestamp;
use serde_json::Value;

/// Logs that are generated; a failure names the seed of its log.
const SEEDS: u64 = 8;

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> AccessLog {
    let mut scanner = AccessLogScanner::new();
    pieces.into_iter().for_each(|piece| scanner.feed(piece));
    scanner.finish()
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/access_log")
            .join(name),
    )
    .expect(name)
}

/// Lines, records, foreign, text, broken; resets without and with a name; served, unrouted.
fn counts(log: &AccessLog) -> [u64; 9] {
    [
        log.lines,
        log.records,
        log.foreign_records,
        log.text_records,
        log.broken_lines,
        log.reset_without_name.count,
        log.reset_with_name.count,
        log.served_without_name.count,
        log.unrouted_without_name.count,
    ]
}

#[test]
fn fixtures_are_counted_however_they_arrive() {
    for (name, expected) in [
        ("document-order.log", [1, 1, 0, 0, 0, 1, 0, 0, 0]),
        ("envoy-sorted.log", [9, 9, 0, 0, 0, 3, 1, 2, 1]),
        ("noise-between.log", [7, 3, 0, 0, 0, 2, 0, 0, 0]),
        ("prefixes.log", [6, 6, 0, 0, 0, 4, 2, 0, 0]),
        ("traps.log", [7, 6, 0, 0, 1, 0, 1, 0, 0]),
        ("cut.log", [4, 2, 0, 0, 2, 1, 1, 0, 0]),
        ("spellings.log", [8, 8, 0, 0, 0, 4, 0, 1, 1]),
        ("text-format.log", [2, 0, 0, 2, 0, 0, 0, 0, 0]),
        ("custom-format.log", [2, 0, 2, 0, 0, 0, 0, 0, 0]),
        ("container-runtime.log", [3, 3, 0, 0, 0, 1, 1, 0, 0]),
        ("cloud-logging-array.json", [0, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-stream.json", [0, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-compact.json", [1, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-lines.json", [9, 6, 1, 1, 0, 2, 1, 1, 0]),
        (
            "cloud-logging-line-array.json",
            [11, 6, 1, 1, 0, 2, 1, 1, 0],
        ),
        ("lone-bracket.log", [10, 4, 0, 0, 3, 4, 0, 0, 0]),
    ] {
        let bytes = fixture(name);
        let mut expected = expected;
        if expected[0] == 0 {
            expected[0] = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
        let whole = scan([&bytes[..]]);
        assert_eq!(counts(&whole), expected, "{name}");
        assert_eq!(whole.bytes, bytes.len() as u64, "{name}");
        for piece in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(
                scan(bytes.chunks(piece)),
                whole,
                "{name} in pieces of {piece}"
            );
        }
    }
}

#[test]
fn clients_names_and_minutes_are_exact() {
    let log = scan([&fixture("envoy-sorted.log")[..]]);
    let moment = |text: &str| Some(text.parse::<Timestamp>().expect(text));
    let keys = |tally: &Tally| -> Vec<(String, u64)> {
        let spans = tally
            .clients
            .iter()
            .chain(&tally.server_names)
            .map(|(key, span)| (key.clone(), span.count));
        spans
            .chain(
                tally
                    .minutes
                    .iter()
                    .map(|(key, count)| (key.clone(), *count)),
            )
            .collect()
    };
    let pairs = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs
            .iter()
            .map(|&(key, count)| (key.to_owned(), count))
            .collect()
    };
    let resets = &log.reset_without_name;
    assert_eq!(
        keys(resets),
        pairs(&[
            ("10.0.0.5", 2),
            ("2001:db8::7", 1),
            ("2025-06-02T10:00Z", 2),
            ("2025-06-02T10:01Z", 1)
        ])
    );
    assert_eq!(resets.first, moment("2025-06-02T10:00:01.005Z"));
    assert_eq!(resets.last, moment("2025-06-02T10:01:00Z"));
    assert_eq!(
        resets.clients["10.0.0.5"].last,
        moment("2025-06-02T10:00:59.999Z")
    );
    assert_eq!(
        keys(&log.reset_with_name),
        pairs(&[
            ("10.0.0.6", 1),
            ("old.example.net", 1),
            ("2025-06-02T10:01Z", 1)
        ])
    );
    assert_eq!(
        (log.first, log.last),
        (
            moment("2025-06-02T10:00:01.005Z"),
            moment("2025-06-02T10:02:03Z")
        )
    );
}

#[test]
fn records_before_since_are_left_out() {
    let bytes = fixture("envoy-sorted.log");
    let since = "2025-06-02T10:01:00Z".parse().ok();
    let mut scanner = AccessLogScanner::new().since(since);
    scanner.feed(&bytes);
    let log = scanner.finish();
    assert_eq!(counts(&log), [9, 6, 0, 0, 0, 1, 1, 2, 1]);
    assert_eq!((log.bytes, log.first), (bytes.len() as u64, since));
}

#[test]
fn a_line_of_any_size_is_one_broken_line() {
    let record = fixture("document-order.log");
    for size in [
        MAX_RECORD_BYTES - 20,
        MAX_RECORD_BYTES + 1,
        3 * MAX_RECORD_BYTES,
    ] {
        for head in ["", "{\"sni_host\":null,\"status\":0,\"x\":\""] {
            let mut bytes = record.clone();
            bytes.extend_from_slice(head.as_bytes());
            bytes.resize(bytes.len() + size, b'x');
            bytes.push(b'\n');
            bytes.extend_from_slice(&record);
            let whole = scan([&bytes[..]]);
            let broken = u64::from(size > MAX_RECORD_BYTES || !head.is_empty());
            assert_eq!(
                counts(&whole),
                [3, 2, 0, 0, broken, 2, 0, 0, 0],
                "{size} {head}"
            );
            assert_eq!(scan(bytes.chunks(4096)), whole);
        }
    }
}

#[test]
fn an_element_of_any_size_costs_only_itself() {
    let record = String::from_utf8(fixture("document-order.log")).expect("ASCII");
    let large = format!(
        "{{\"sni_host\":null,\"status\":0,\"x\":\"{}\"}}",
        "x".repeat(2 * MAX_RECORD_BYTES)
    );
    let array = format!("[{},{large},{}]\n{record}", record.trim(), record.trim());
    for piece in [1000, array.len()] {
        assert_eq!(
            counts(&scan(array.as_bytes().chunks(piece))),
            [2, 3, 0, 0, 1, 3, 0, 0, 0]
        );
    }
}

#[test]
fn bytes_that_are_no_text_cost_only_their_line() {
    let mut bytes = fixture("document-order.log");
    let record = bytes.clone();
    bytes.extend_from_slice(b"\xFF\xFE\0\0{\"\xC3\":\xFF}\n");
    bytes.extend_from_slice(
        &record
            .iter()
            .map(|&b| if b == b'-' { 0xF8 } else { b })
            .collect::<Vec<_>>(),
    );
    bytes.extend_from_slice(&record);
    let whole = scan([&bytes[..]]);
    assert_eq!(whole.reset_without_name.count, 3);
    assert_eq!(whole.reset_without_name.minutes.values().sum::<u64>(), 2);
    assert_eq!(scan(bytes.chunks(1)), whole);
}

#[test]
fn generated_lines_are_counted_as_the_plain_reader_counts_them() {
    for seed in 1..=SEEDS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let lines: Vec<String> = (0..400)
            .map(|_| random.line())
            .filter(|line| !opens_document(line))
            .collect();
        let mut text = lines.join("\n");
        if seed % 2 == 0 {
            text.push('\n');
        }
        let bytes = text.as_bytes();
        let whole = scan([bytes]);
        let plain = plain_reader(&text);
        if whole != plain {
            for line in &lines {
                // Twice, so that the second one goes the short way.
                let twice = format!("{line}\n{line}\n");
                assert_eq!(
                    scan([twice.as_bytes()]),
                    plain_reader(&twice),
                    "seed {seed}: {line}"
                );
            }
        }
        assert_eq!(whole, plain, "seed {seed}");

        for piece in [1, 13, 4096] {
            assert_eq!(
                scan(bytes.chunks(piece)),
                whole,
                "seed {seed} in pieces of {piece}"
            );
        }
        for _ in 0..10 {
            let line = random.below(lines.len());
            let at = lines[..line].iter().map(|line| line.len() + 1).sum();
            let (left, right) = bytes.split_at(at);
            let mut merged = scan([left]);
            merged.merge(scan([right]));
            assert_eq!(merged, whole, "seed {seed} split at line {line}");
        }
        for _ in 0..10 {
            let at = random.below(bytes.len());
            assert_eq!(
                scan([&bytes[..at], &bytes[at..]]),
                whole,
                "seed {seed} cut at {at}"
            );
        }
    }
}

#[test]
fn the_fuzz_target_holds_on_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/access_log");
    let mut seen = 0;
    for entry in fs::read_dir(corpus).expect("the corpus") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        for end in (0..bytes.len()).step_by(17).chain([bytes.len()]) {
            apigee_tls::wire::access_log::fuzz_access_log(&bytes[..end]);
        }
        seen += 1;
    }
    assert!(seen > 5);
}

/// Counts line by line, each parsed in full.
fn plain_reader(text: &str) -> AccessLog {
    let mut log = AccessLog {
        bytes: text.len() as u64,
        ..AccessLog::default()
    };
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        log.lines += 1;
        plain_line(line.trim_ascii(), &mut log);
    }
    log
}

/// What the plain reader, which reads lines, is spared.
fn opens_document(line: &str) -> bool {
    let line = line.trim();
    line == "{"
        || line
            .strip_prefix('[')
            .is_some_and(|rest| rest.trim_start().starts_with('{'))
}

fn plain_line(line: &str, log: &mut AccessLog) {
    if !line.starts_with('{')
        && let Some((before, _)) = line.split_once("] \"")
        && let Some((_, moment)) = before.rsplit_once('[')
        && moment.parse::<Timestamp>().is_ok()
    {
        log.text_records += 1;
        return;
    }
    let is_part = [
        "sni_host\"",
        "status_details\"",
        "upstream_response_flags\"",
    ]
    .iter()
    .any(|key| line.contains(key));
    let mut objects = Vec::new();
    let mut rest = line;
    let mut begins_with_object = false;
    loop {
        let before_quote = &rest[..rest.find('"').unwrap_or(rest.len())];
        let start = before_quote
            .match_indices('{')
            .map(|(at, _)| at)
            .find(|at| {
                matches!(
                    rest[at + 1..].trim_start().bytes().next(),
                    Some(b'"' | b'}')
                )
            });
        let Some(start) = start else { break };
        begins_with_object |= objects.is_empty() && start == 0;
        let mut stream = serde_json::Deserializer::from_str(&rest[start..]).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else {
            log.broken_lines += u64::from(begins_with_object || is_part);
            return;
        };
        objects.push(value);
        rest = &rest[start + stream.byte_offset()..];
    }
    if rest.contains('"') || (objects.is_empty() && is_part) {
        log.broken_lines += u64::from(begins_with_object || is_part);
        return;
    }
    for object in &objects {
        plain_record(object, log);
    }
}

fn plain_record(record: &Value, log: &mut AccessLog) {
    let has = |key| record.get(key).is_some();
    let text = |key| record.get(key).and_then(Value::as_str);
    if !has("sni_host")
        || !(has("status") || has("status_details") || has("upstream_response_flags"))
    {
        let known = [
            "sni_host",
            "status",
            "status_details",
            "start_time",
            "remote_address",
            "host",
            "request",
        ];
        log.foreign_records += u64::from(known.iter().filter(|key| has(key)).count() >= 2);
        return;
    }
    log.records += 1;
    let moment = text("start_time").and_then(|text| text.parse::<Timestamp>().ok());
    if let Some(moment) = moment {
        log.first = Some(log.first.map_or(moment, |first| first.min(moment)));
        log.last = Some(log.last.map_or(moment, |last| last.max(moment)));
    }
    let status = record["status"]
        .as_f64()
        .or_else(|| text("status").and_then(|text| text.trim().parse().ok()));
    let flags =
        text("upstream_response_flags").map(|flags| flags.split(',').any(|flag| flag == "NR"));
    let no_chain = text("status_details") == Some("filter_chain_not_found")
        && matches!(status, None | Some(0.0))
        && match flags {
            Some(no_route) => no_route,
            None => record["upstream_response_flags"].is_null(),
        };
    let minute = moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%MZ").to_string());
    let at = moment.zip(minute.as_deref());
    let client = text("remote_address")
        .map(plain_client)
        .filter(|client| !matches!(*client, "" | "-"));
    let name = text("sni_host")
        .filter(|name| !matches!(*name, "" | "-"))
        .map(str::to_lowercase);
    if name.is_none() && !record["sni_host"].is_null() && !record["sni_host"].is_string() {
        return;
    }
    if no_chain {
        let tally = if name.is_some() {
            &mut log.reset_with_name
        } else {
            &mut log.reset_without_name
        };
        tally.count(at, client, name.as_deref());
    } else if name.is_none() && status.is_some_and(|status| status >= 100.0) {
        log.served_without_name.count(at, client, None);
        if status == Some(404.0)
            && flags == Some(true)
            && text("status_details") == Some("route_not_found")
        {
            log.unrouted_without_name.count(at, client, None);
        }
    }
}

fn plain_client(address: &str) -> &str {
    match address
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((client, _)) => client,
        None if address.starts_with('[') || address.matches(':').count() != 1 => address,
        None => address.split(':').next().unwrap_or_default(),
    }
}

/// A deterministic source of lines (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn line(&mut self) -> String {
        let record = self.record();
        match self.below(24) {
            0 => self
                .pick(&[
                    "",
                    "  \t",
                    "plain text",
                    "say \"hello\"",
                    "config {id=3} done",
                    "}",
                    "\"sni_host\":null}",
                ])
                .into(),
            1 => format!("2025-06-02T10:00:01.123Z {record}"),
            2 => format!("[pod/gateway-1/istio-proxy] {record}\r"),
            3 => format!("  {record} "),
            4 => record.chars().take(self.below(record.len())).collect(),
            5 => record.chars().skip(self.below(record.len())).collect(),
            6 => format!("{record}{}", self.record()),
            7 => format!("{record},"),
            8 => "[2025-06-02T10:00:01.005Z] \"- - -\" 0 NR filter_chain_not_found".into(),
            9..=12 if !record.contains('\\') => {
                let mut bytes = record.into_bytes();
                for _ in 0..=self.below(2) {
                    let at = self.below(bytes.len());
                    let byte = b"{}[]\",: 0-na"[self.below(12)];
                    match self.below(3) {
                        0 => bytes[at] = byte,
                        1 => bytes.insert(at, byte),
                        _ => {
                            bytes.remove(at);
                        }
                    }
                }
                String::from_utf8(bytes).expect("ASCII")
            }
            _ => record,
        }
    }

    fn record(&mut self) -> String {
        let blank = if self.below(3) == 0 { " " } else { "" };
        let clock = format!(
            "2025-06-02T10:{:02}:{:02}.{:03}Z",
            self.below(3),
            self.below(60),
            self.below(1000)
        );
        let start = match self.below(12) {
            0 => self
                .pick(&[
                    "null",
                    "\"-\"",
                    "\"2025-06-02T12:00:00.5+02:00\"",
                    "\"2025-06-31T10:00:00.000Z\"",
                    "17",
                    "{}",
                ])
                .into(),
            _ => format!("\"{clock}\""),
        };
        let agent = self.pick(&[
            "null", "\"curl/8.5.0\"", r#""a \"sni_host\":null,\" b""#, r#""\\""#, r#""\u0041\/""#, "\"filter_chain_not_found\"",
            "\"a much longer user agent (with {braces}, [brackets]: and colons) that spans several words of bits\"",
        ]);
        let nested = self.pick(&[
            "null",
            "{}",
            "[]",
            "[1,[2,{}],\"]\"]",
            r#"{"sni_host":null,"status":0,"status_details":"filter_chain_not_found"}"#,
            r#"{"x":{"y":[true,false,-1.5e3]},"z":"}"}"#,
        ]);
        let remote = format!("\"10.0.0.{}:{}\"", self.below(9), self.below(60000));
        let magnitude = [
            1,
            10,
            1_000,
            1_000_000,
            10_000_000,
            100_000_000,
            2_000_000_000,
        ][self.below(7)];
        let bytes = self.below(magnitude).to_string();
        let name = self.pick(&[
            "\"api.example.net\"",
            "\"api.example.net\"",
            "null",
            "\"-\"",
            "\"\"",
            "\"Old.Example.NET\"",
            "7",
            r#""\u002d""#,
        ]);
        let (status, details, flags) = [
            ("200", "\"via_upstream\"", "\"-\""),
            ("200", "\"via_upstream\"", "\"-\""),
            ("0", "\"filter_chain_not_found\"", "\"NR\""),
            ("0", r#""filter\u005fchain_not_found""#, "\"NR\""),
            ("\"0\"", "\"filter_chain_not_found\"", "\"DC,NR\""),
            ("404", "\"route_not_found\"", "\"NR\""),
            ("0.0", "\"filter_chain_not_found\"", "null"),
            ("503", "\"filter_chain_not_found\"", "\"NRX\""),
            ("null", "null", "\"-\""),
        ][self.below(9)];
        let mut members = vec![
            ("bytes_sent", bytes.as_str()),
            ("user_agent", agent),
            ("apigee_dynamic_data", nested),
            ("remote_address", &remote),
            ("start_time", &start),
            ("status", status),
            ("status_details", details),
            ("upstream_response_flags", flags),
            ("sni_host", name),
        ];
        match self.below(8) {
            0 => members.reverse(),
            1 => {
                let at = self.below(members.len());
                members.remove(at);
            }
            2 => {
                let again = members[self.below(members.len())];
                members.insert(0, (again.0, "null"));
            }
            3 => members.rotate_left(4),
            _ => {}
        }
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("\"{key}\":{blank}{value}"))
            .collect();
        format!("{{{blank}{}{blank}}}", members.join(&format!(",{blank}")))
    }
}
