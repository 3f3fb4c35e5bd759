//! Compares the access-log scanner with known counts, and with a plain reader that parses every line with
//! `serde_json`.
//!
//! The scanner has a fast path for lines similar to preceding ones; the plain reader has none. Both must
//! count the same for generated well-formed, unusual and broken records, however the bytes arrive.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[path = "access_log/exports.rs"]
mod exports;
#[path = "access_log/formats.rs"]
mod formats;
#[path = "access_log/generator.rs"]
mod generator;
#[path = "access_log/plain.rs"]
mod plain;

use std::fs;
use std::path::Path;

use apigee_tls::evidence::access_log::{AccessLog, Tally};
use apigee_tls::wire::access_log::{AccessLogScanner, MAX_RECORD_BYTES};
use jiff::Timestamp;

use self::generator::Random;
use self::plain::{opens_document, plain_reader};

/// Number of generated logs; a failure names the seed of its log.
const SEEDS: u64 = 8;

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> AccessLog {
    let mut scanner = AccessLogScanner::new();
    pieces.into_iter().for_each(|piece| scanner.feed(piece));
    scanner.finish()
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access_log").join(name)).expect(name)
}

/// Lines, records, foreign, text, broken; resets without and with a name; served, unrouted.
fn counts(log: &AccessLog) -> [u64; 9] {
    [
        log.lines,
        log.records,
        log.foreign_records,
        log.text_records,
        log.broken_lines,
        log.reset_without_sni.count,
        log.reset_with_sni.count,
        log.served_without_sni.count,
        log.unrouted_without_sni.count,
    ]
}

#[test]
fn counts_fixtures_however_they_arrive() {
    for (name, expected) in [
        ("document-order.log", [1, 1, 0, 0, 0, 1, 0, 0, 0]),
        ("envoy-sorted.log", [9, 9, 0, 0, 0, 3, 1, 2, 1]),
        ("noise-between.log", [7, 3, 0, 0, 0, 2, 0, 0, 0]),
        ("prefixes.log", [6, 6, 0, 0, 0, 4, 2, 0, 0]),
        ("traps.log", [7, 6, 0, 0, 1, 0, 0, 0, 0]),
        ("cut.log", [4, 2, 0, 0, 2, 1, 1, 0, 0]),
        ("spellings.log", [8, 8, 0, 0, 0, 4, 0, 1, 1]),
        ("text-format.log", [2, 2, 0, 0, 0, 1, 0, 0, 0]),
        ("custom-format.log", [2, 1, 1, 0, 0, 1, 0, 0, 0]),
        ("container-runtime.log", [3, 3, 0, 0, 0, 1, 1, 0, 0]),
        ("cloud-logging-array.json", [0, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-stream.json", [0, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-compact.json", [1, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-lines.json", [9, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("cloud-logging-line-array.json", [11, 6, 1, 1, 0, 2, 1, 1, 0]),
        ("lone-bracket.log", [10, 4, 0, 0, 3, 4, 0, 0, 0]),
    ] {
        let bytes = fixture(name);
        let mut expected = expected;
        if expected[0] == 0 {
            expected[0] = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        }
        let whole = scan([&bytes[..]]);
        assert_eq!(counts(&whole), expected, "{name}");
        assert_eq!(whole.bytes, bytes.len() as u64, "{name}");
        for piece in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(scan(bytes.chunks(piece)), whole, "{name} in pieces of {piece}");
        }
    }
}

#[test]
fn counts_clients_names_and_minutes_exactly() {
    let log = scan([&fixture("envoy-sorted.log")[..]]);
    let moment = |text: &str| Some(text.parse::<Timestamp>().expect(text));
    let keys = |tally: &Tally| -> Vec<(String, u64)> {
        let spans = tally.clients.iter().chain(&tally.server_names).map(|(key, span)| (key.clone(), span.count));
        spans.chain(tally.minutes.iter().map(|(key, count)| (key.clone(), *count))).collect()
    };
    let pairs = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs.iter().map(|&(key, count)| (key.to_owned(), count)).collect()
    };
    let resets = &log.reset_without_sni;
    assert_eq!(
        keys(resets),
        pairs(&[("10.0.0.5", 2), ("2001:db8::7", 1), ("2025-06-02T10:00Z", 2), ("2025-06-02T10:01Z", 1)])
    );
    assert_eq!(resets.first, moment("2025-06-02T10:00:01.005Z"));
    assert_eq!(resets.last, moment("2025-06-02T10:01:00Z"));
    assert_eq!(resets.clients["10.0.0.5"].last, moment("2025-06-02T10:00:59.999Z"));
    assert_eq!(keys(&log.reset_with_sni), pairs(&[("10.0.0.6", 1), ("old.example.net", 1), ("2025-06-02T10:01Z", 1)]));
    assert_eq!((log.first, log.last), (moment("2025-06-02T10:00:01.005Z"), moment("2025-06-02T10:02:03Z")));
}

#[test]
fn leaves_out_records_before_since() {
    let bytes = fixture("envoy-sorted.log");
    let since = "2025-06-02T10:01:00Z".parse().ok();
    let mut scanner = AccessLogScanner::new().since(since);
    scanner.feed(&bytes);
    let log = scanner.finish();
    assert_eq!(counts(&log), [9, 6, 0, 0, 0, 1, 1, 2, 1]);
    assert_eq!((log.bytes, log.first), (bytes.len() as u64, since));
}

#[test]
fn counts_an_oversized_line_as_one_broken_line() {
    let record = fixture("document-order.log");
    for size in [MAX_RECORD_BYTES - 20, MAX_RECORD_BYTES + 1, 3 * MAX_RECORD_BYTES] {
        for head in ["", "{\"sni_host\":null,\"status\":0,\"x\":\""] {
            let mut bytes = record.clone();
            bytes.extend_from_slice(head.as_bytes());
            bytes.resize(bytes.len() + size, b'x');
            bytes.push(b'\n');
            bytes.extend_from_slice(&record);
            let whole = scan([&bytes[..]]);
            let broken = u64::from(size > MAX_RECORD_BYTES || !head.is_empty());
            assert_eq!(counts(&whole), [3, 2, 0, 0, broken, 2, 0, 0, 0], "{size} {head}");
            assert_eq!(scan(bytes.chunks(4096)), whole);
        }
    }
}

/// With one pass over the line per bracket, this test would take hours.
#[test]
fn reads_unusual_lines_in_linear_time() {
    let patterns = [
        "{}",
        "{",
        "{ ",
        "[",
        "[{",
        "{\"",
        "\"",
        "\\",
        "{\"a\":",
        "{\"a\":1}",
        "] \"",
        "sni_host\"",
        "{\"log\":\"",
        "\n{\n",
        "\n",
    ];
    for pattern in patterns {
        let text = pattern.repeat(MAX_RECORD_BYTES / pattern.len());
        let whole = scan([text.as_bytes()]);
        assert_eq!(scan(text.as_bytes().chunks(1000)), whole, "{pattern}");
    }
}

#[test]
fn confines_an_oversized_element_to_itself() {
    let record = String::from_utf8(fixture("document-order.log")).expect("ASCII");
    let large = format!("{{\"sni_host\":null,\"status\":0,\"x\":\"{}\"}}", "x".repeat(2 * MAX_RECORD_BYTES));
    let array = format!("[{},{large},{}]\n{record}", record.trim(), record.trim());
    for piece in [1000, array.len()] {
        assert_eq!(counts(&scan(array.as_bytes().chunks(piece))), [2, 3, 0, 0, 1, 3, 0, 0, 0]);
    }
}

#[test]
fn confines_invalid_utf_8_to_its_line() {
    let mut bytes = fixture("document-order.log");
    let record = bytes.clone();
    bytes.extend_from_slice(b"\xFF\xFE\0\0{\"\xC3\":\xFF}\n");
    bytes.extend_from_slice(&record.iter().map(|&b| if b == b'-' { 0xF8 } else { b }).collect::<Vec<_>>());
    bytes.extend_from_slice(&record);
    let whole = scan([&bytes[..]]);
    assert_eq!(whole.reset_without_sni.count, 3);
    assert_eq!(whole.reset_without_sni.minutes.values().sum::<u64>(), 2);
    assert_eq!(scan(bytes.chunks(1)), whole);
}

#[test]
fn counts_generated_lines_like_the_plain_reader() {
    for seed in 1..=SEEDS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let lines: Vec<String> = (0..400).map(|_| random.line()).filter(|line| !opens_document(line)).collect();
        let own = |line: &String| line.replace("Old.Example.NET", "abc.apigee-tls.invalid");
        let lines: Vec<String> = if seed % 4 == 0 { lines.iter().map(own).collect() } else { lines };
        let mut text = lines.join("\n");
        if seed % 2 == 0 {
            text.push('\n');
        }
        let bytes = text.as_bytes();
        let whole = scan([bytes]);
        let plain = plain_reader(&text);
        if whole != plain {
            for line in &lines {
                // Twice, so that the second one takes the fast path.
                let twice = format!("{line}\n{line}\n");
                assert_eq!(scan([twice.as_bytes()]), plain_reader(&twice), "seed {seed}: {line}");
            }
        }
        assert_eq!(whole, plain, "seed {seed}");

        for piece in [1, 4096] {
            assert_eq!(scan(bytes.chunks(piece)), whole, "seed {seed} in pieces of {piece}");
        }
        // What belongs to this program's own handshakes depends on the lines before, so such a log is never
        // split.
        assert_eq!(whole.own.count > 0, seed % 4 == 0, "seed {seed}");
        for _ in 0..if whole.own.is_empty() { 10 } else { 0 } {
            let line = random.below(lines.len());
            let at = lines[..line].iter().map(|line| line.len() + 1).sum();
            let (left, right) = bytes.split_at(at);
            let mut merged = scan([left]);
            merged.merge(scan([right]));
            assert_eq!(merged, whole, "seed {seed} split at line {line}");
        }
        for _ in 0..10 {
            let at = random.below(bytes.len());
            assert_eq!(scan([&bytes[..at], &bytes[at..]]), whole, "seed {seed} cut at {at}");
        }
    }
}

#[test]
fn counts_a_damaged_line_among_records_of_its_shape_like_the_plain_reader() {
    let record = concat!(
        r#"{"bytes_sent":18060,"user_agent":"curl/8.5.0","start_time":"2025-06-02T10:00:01.005Z","#,
        r#""apigee_dynamic_data":{"x_environment":"prod","x_revision":7},"request_path":null,"#,
        r#""request":"GET /a/path/that/is/longer/than/one/window HTTP/2","status":200,"#,
        r#""status_details":"via_upstream","upstream_response_flags":"-","sni_host":"api.example.net"}"#
    );
    let traps = [
        r#""," "sni_host":null,"x":""#,
        r#"\","sni_host":null,"x":"\"#,
        r#"\"\","sni_host":null,"x":"\"#,
        r"\u0022,",
        "{}",
        "null",
        "12345678",
        ".5",
        "\n",
    ];
    let mut lines = Vec::new();
    for at in 0..record.len() {
        let (before, after) = record.split_at(at);
        let rest = &after[1..];
        lines.push(format!("{before}{rest}"));
        lines.push(before.to_owned());
        lines.push(after.to_owned());
        lines.push(format!("{before}{record}"));
        for byte in "{}[]\",:\\ 0-na.".chars() {
            lines.push(format!("{before}{byte}{rest}"));
            lines.push(format!("{before}{byte}{after}"));
        }
        lines.extend(traps.iter().map(|trap| format!("{before}{trap}{after}")));
    }
    let lines = lines.iter().flat_map(|text| text.split('\n')).filter(|line| !opens_document(line));
    let ordinary = scan([format!("{record}\n").as_bytes()]);
    for (number, line) in lines.enumerate() {
        // The damaged line is the first or the second of a pair, or read by itself.
        let before = format!("{record}\n").repeat(4 + number % 3);
        let text = format!("{before}{line}\n{record}\n{record}\n");
        let counted = scan([text.as_bytes()]);
        // A scanner that has read nothing else knows no shape, and reads the line in full.
        let mut in_full = scan([format!("{line}\n").as_bytes()]);
        (0..6 + number % 3).for_each(|_| in_full.merge(ordinary.clone()));
        in_full.begins_with_record = counted.begins_with_record;
        assert_eq!(counted, in_full, "{line}");
        // The plain reader refuses unknown escapes, and knows one form of each key.
        if !line.contains('\\') && line.contains("\"sni_host\":") {
            assert_eq!(counted, plain_reader(&text), "{line}");
        }
    }
}

#[test]
fn counts_every_record_whose_values_are_lists_of_one() {
    let record = |name: &str, status: &str| {
        format!(
            concat!(
                r#"{{"sni_host":[{}],"start_time":["2025-06-02T10:00:01.005Z"],"status":[{}],"#,
                r#""status_details":["filter_chain_not_found"],"response_flags":["NR"],"remote_address":["10.0.0.5:1"]}}"#,
                "\n"
            ),
            name, status
        )
    };
    for (name, [without_sni, with_sni]) in [
        ("null", [5, 0]),
        (r#""-""#, [5, 0]),
        (r#""\u002d""#, [5, 0]),
        (r#""api.example.net""#, [0, 5]),
        (r#""api.example.net","www.example.net""#, [0, 0]),
    ] {
        let log = scan([record(name, "0").repeat(5).as_bytes()]);
        assert_eq!((log.records, log.first.is_some()), (5, true), "{name}");
        assert_eq!([log.reset_without_sni.count, log.reset_with_sni.count], [without_sni, with_sni], "{name}");
    }
    // The status of a request on a connection that cannot serve its host is read from a list too.
    let misdirected = record(r#""api.example.net""#, "421").replace("filter_chain_not_found", "via_upstream");
    let misdirected = misdirected.replace('{', r#"{"host":["www.example.net"],"#);
    assert_eq!(scan([misdirected.repeat(5).as_bytes()]).other_host.tally.count, 5);
}

#[test]
fn reads_texts_that_journald_writes_as_bytes() {
    let record = br#"{"user_agent":"\u0001","sni_host":null,"status":0,"status_details":"filter_chain_not_found"}"#;
    let entry = format!("{{\"MESSAGE\":{record:?},\"_PID\":\"1\"}}\n");
    let log = scan([entry.repeat(3).as_bytes()]);
    assert_eq!((log.records, log.reset_without_sni.count), (3, 3));
}

/// Wherever a container runtime cuts a line, its parts are one record, also where the text ends or begins with a blank.
#[test]
fn parts_of_a_line_keep_their_blanks() {
    let text = r#"[2026-05-04T07:00:00.100Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.0.0.1:8443 198.51.100.9:50000 - -"#;
    for cut in 0..=text.len() {
        let (first, rest) = text.split_at(cut);
        for end in ["\n", "\r\n"] {
            let lines = format!("2026-05-04T07:00:01Z stdout P {first}{end}2026-05-04T07:00:01Z stdout F {rest}{end}");
            let log = scan([lines.as_bytes()]);
            assert_eq!((log.records, log.reset_without_sni.count, log.broken_lines), (1, 1, 0), "{lines}");
        }
    }
}

#[test]
fn a_status_is_a_number_in_every_form() {
    for status in ["421", "421.0", "4.21e2", r#""421""#] {
        let line = format!(
            "{{\"sni_host\":\"a.example\",\"host\":\"b.example\",\"status\":{status},\"status_details\":\"via_upstream\"}}\n"
        );
        let log = scan([line.repeat(8).as_bytes()]);
        assert_eq!((log.records, log.other_host.tally.count), (8, 8), "{status}");
    }
}
