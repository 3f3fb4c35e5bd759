//! `pcap` with filters: what they leave is judged by all that the capture shows of its servers.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "../src/wire/capture/tests/builder.rs"]
#[expect(dead_code, unreachable_pub, reason = "the builder serves other tests too")]
mod builder;

use std::fs;
use std::process::Command;

use builder::{ACK, RST, Talk, good13, hello, merged, pcap};
use serde_json::Value;

const SERVER: &str = "10.0.0.1:8443";

/// A connection that the server resets after its ClientHello.
fn reset(client: &str, name: Option<&str>) -> Talk {
    let mut talk = Talk::open(client, SERVER);
    talk.client_says(&hello(name));
    talk.server_sends(ACK | RST, b"");
    talk
}

/// The codes and the number of connections of the failures that these filters leave.
fn failures(talks: &[Talk], filters: &[&str]) -> Vec<(String, u64)> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway.pcap");
    fs::write(&file, pcap(101, &merged(talks))).expect("the folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
    let output = command.arg("pcap").arg(&file).args(["-o", "json"]).args(filters).output().expect("it starts");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let kinds = report["kinds"].as_array().expect("kinds").iter();
    let failing = kinds.filter(|kind| kind["kind"]["standing"].get("failed").is_some());
    failing.map(|kind| (kind["kind"]["code"].as_str().unwrap().to_owned(), kind["flows"].as_u64().unwrap())).collect()
}

#[test]
fn filters_change_no_judgement() {
    let broken = |flows: u64| vec![("AT617".to_owned(), flows)];
    let refused = |flows: u64| vec![("AT601".to_owned(), flows)];
    let without = || vec![reset("10.1.0.3:40003", None), reset("10.1.0.3:40004", None)];
    // The server resets every ClientHello, or serves one without SNI.
    let every = [without(), vec![reset("10.1.0.4:40005", Some("api.example.com"))]].concat();
    let served = [without(), vec![good13("10.1.0.5:40006", SERVER, None)]].concat();
    let ours = ["--client", "10.1.0.3"];
    for (talks, filters) in [
        (&every, &["--sni", ""][..]),
        (&every, &ours),
        (&every, &["--until", "2026-11-24T12:00:01Z", "--sni", ""]),
        (&served, &ours),
        (&served, &["--failed"]),
        (&served, &["--sni", "", "--failed"]),
    ] {
        assert_eq!(failures(talks, filters), broken(2), "{filters:?}");
    }
    assert_eq!(failures(&every, &[]), broken(3));
    // Where others with SNI are served, missing SNI is the cause, with filters and without.
    let named = [without(), vec![good13("10.1.0.5:40006", SERVER, Some("api.example.com"))]].concat();
    for filters in [&[][..], &["--sni", ""], &ours, &["--failed"]] {
        assert_eq!(failures(&named, filters), refused(2), "{filters:?}");
    }
}

/// A repeated SYN without a response is no refusal where the capture has nothing that the server sent.
#[test]
fn what_filters_leave_out_shows_that_a_direction_is_missing() {
    let mut unanswered = Talk::new("10.1.0.3:40003", SERVER);
    unanswered.syn();
    let (at, syn) = unanswered.packets[0].clone();
    unanswered.packets.push((at + 1_000_000_000, syn));
    let mut one_way = good13("10.1.0.4:40004", SERVER, None);
    one_way.packets.retain(|(_, packet)| packet[12..16] == [10, 1, 0, 4]);
    let talks = [unanswered, one_way];
    assert_eq!(failures(&talks, &[]), []);
    assert_eq!(failures(&talks, &["--client", "10.1.0.3"]), []);
    assert_eq!(failures(&talks, &["--failed"]), []);
    assert_eq!(failures(&talks[..1], &[]), [("AT614".to_owned(), 1)]);
}
