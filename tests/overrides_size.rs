//! Reads an overrides file of 50 MB, in a process of its own so that its memory can be measured.
//!
//! Only memory is bounded, generously: the file, the parser's copy of the longest value, and the limits of
//! the reader.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write;
use std::fs;

use apigee_tls::wire::overrides::read;

const SIZE: usize = 50_000_000;

/// Twice the file, and 64 MiB.
const MOST_KIB: u64 = (2 * SIZE as u64) / 1024 + 64 * 1024;

#[test]
fn reads_fifty_megabytes_in_bounded_memory() {
    let mut file = String::with_capacity(SIZE + 1024);
    file.push_str("org: meadow\nenvs:\n");
    let mut number = 0;
    while file.len() < SIZE {
        number += 1;
        let path = "x".repeat(700);
        writeln!(
            file,
            "- name: env-{number}\n  annotations: {{a: b, text: \"{path}\"}}\n  components:\n  - one\n  - |\n    {path}"
        )
        .expect("written");
    }
    file.push_str("virtualhosts:\n- name: north\n  additionalGateways: [wild]\n  additionalGateways: [last]\n");

    let overrides = read(file.as_bytes());

    assert_eq!(overrides.faults.len(), 1, "{:?}", overrides.faults);
    assert_eq!(overrides.virtual_hosts[0].additional_gateways.names[0].value, "last");
    let peak = peak_kib();
    assert!(peak < MOST_KIB, "{peak} KiB of memory, at most {MOST_KIB}");
}

/// Returns the peak memory of this process.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
