//! `pcap` as a user runs it: files, standard input, gzip, formats, filters, exit codes.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "../src/wire/capture/tests/builder.rs"]
#[expect(dead_code, unreachable_pub, reason = "the builder serves other tests too")]
mod builder;
#[path = "../src/wire/capture/tests/sealed.rs"]
#[expect(unreachable_pub, reason = "the records serve other tests too")]
mod sealed;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use builder::{ACK, FIN, RST, Talk, alert, framed, good13, hello, merged, pcap, pcapng};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const SERVER: &str = "10.0.0.1:8443";

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
        .arg("pcap")
        .args(arguments)
        .env("COLUMNS", "110")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // It may end before it has read all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Two clients with SNI, one that does not send it and is reset, one whose version is refused, a health
/// check.
fn gateway() -> Vec<builder::Packet> {
    let mut talks = vec![
        good13("10.1.0.1:40001", SERVER, Some("api.example.com")),
        good13("10.1.0.2:40002", SERVER, Some("api.example.com")),
    ];
    for client in ["10.1.0.3:40003", "10.1.0.3:40004"] {
        let mut reset = Talk::open(client, SERVER);
        reset.client_says(&hello(None));
        reset.server_sends(ACK | RST, b"");
        talks.push(reset);
    }
    let mut refused = Talk::open("10.1.0.4:40005", SERVER);
    refused.client_says(&builder::HelloBuilder { tls13: false, ..Default::default() }.record());
    refused.server_says(&alert(2, 70));
    refused.server_sends(ACK | FIN, b"");
    talks.push(refused);
    let mut idle = Talk::open("10.1.0.5:40006", SERVER);
    idle.client_sends(ACK | FIN, b"");
    talks.push(idle);
    for (number, talk) in (0_u64..).zip(&mut talks) {
        for (time, _) in &mut talk.packets {
            *time += number * 1_000_000_000;
        }
    }
    framed(&merged(&talks))
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("the folder can be written");
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn a_report_names_each_kind_with_its_first_packet_and_filter() {
    let output = run(&["-"], &pcap(1, &gateway()));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("pcap", text(&output)));
}

#[test]
fn the_document_follows_its_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pcap.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("it reads")).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let bytes = pcap(1, &gateway());
    for (input, filters) in [(&bytes[..], &[][..]), (&bytes, &["--failed", "--port", "8443"]), (&bytes[..600], &[])] {
        let report = json(&run(&[&["-", "-o", "json"], filters].concat(), input));
        let faults: Vec<String> =
            validator.iter_errors(&report).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    let report = json(&run(&["-", "-o", "json"], &bytes));
    let codes: Vec<&Value> = report["kinds"].as_array().unwrap().iter().map(|kind| &kind["kind"]["code"]).collect();
    assert_eq!(codes, [&Value::from("AT601"), &Value::from("AT605"), &Value::Null, &Value::Null]);
}

#[test]
fn every_way_in_gives_the_same_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = pcap(1, &gateway());
    let kinds = |output: &Output| json(output)["kinds"].clone();
    let expected = kinds(&run(&["-", "-o", "json"], &bytes));
    assert_eq!(expected.as_array().map(Vec::len), Some(4), "{expected}");

    let plain = file(folder.path(), "a.pcapng", &bytes);
    assert_eq!(kinds(&run(&[plain.to_str().unwrap(), "-o", "json"], b"")), expected, "by content, not by name");
    let (one, two) = bytes.split_at(bytes.len() / 2);
    let members = [gzip(one), gzip(two)].concat();
    let packed = file(folder.path(), "a.pcap.gz", &members);
    assert_eq!(kinds(&run(&[packed.to_str().unwrap(), "-o", "json"], b"")), expected, "two members of gzip");
    assert_eq!(kinds(&run(&["-", "-o", "json"], &members)), expected, "gzip on standard input");
    let other = run(&["-", "-o", "json"], &pcapng(true, 1, &gateway()));
    assert_eq!(kinds(&other), expected, "pcapng");

    // Two halves, given in the wrong order, are one capture.
    let packets = gateway();
    let (first, second) = packets.split_at(packets.len() / 2 + 1);
    let second = file(folder.path(), "1.pcap", &pcap(1, second));
    let first = file(folder.path(), "2.pcap", &pcap(1, first));
    let merged = json(&run(&[second.to_str().unwrap(), first.to_str().unwrap(), "-o", "json"], b""));
    let flows = |kinds: &Value| -> Vec<(Value, Value)> {
        kinds.as_array().unwrap().iter().map(|kind| (kind["kind"]["name"].clone(), kind["flows"].clone())).collect()
    };
    assert_eq!(flows(&merged["kinds"]), flows(&expected));
}

#[test]
fn filters_select_connections() {
    let bytes = pcap(1, &gateway());
    let flows = |arguments: &[&str]| {
        let report = json(&run(&[&["-", "-o", "json"], arguments].concat(), &bytes));
        report["capture"]["summary"]["flows"].as_u64().unwrap()
    };
    for (arguments, expected) in [
        (&[][..], 6),
        (&["--failed"], 3),
        (&["--client", "10.1.0.3"], 2),
        (&["--host", "10.0.0.1"], 6),
        (&["--host", "10.1.0.1"], 1),
        (&["--port", "443"], 0),
        (&["--port", "8443"], 6),
        (&["--sni", "API.example.com"], 2),
        (&["--sni", "*.example.com"], 2),
        (&["--sni", ""], 3),
        (&["--since", "2026-11-24T12:00:02Z"], 4),
        (&["--until", "2026-11-24T12:00:02Z"], 2),
        (&["--since", "2026-11-24T12:00:02Z", "--until", "2026-11-24T12:00:04Z", "--failed"], 2),
    ] {
        assert_eq!(flows(arguments), expected, "{arguments:?}");
    }
}

#[test]
fn filters_that_leave_nothing_say_of_how_many() {
    let bytes = pcap(1, &gateway());
    let output = run(&["-", "--host", "203.0.113.9"], &bytes);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let shown = text(&output);
    assert!(shown.contains("the filters leave none of 6 TCP connections."), "{shown}");
    assert!(shown.contains("6 TCP connections: --host 203.0.113.9"), "{shown}");
    // Handshakes that were judged as good are no gap.
    let output = run(&["-", "--client", "10.1.0.1", "--failed"], &bytes);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output).contains("no handshake fails: 1 TLS handshake completed"), "{}", text(&output));
}

#[test]
fn jsonl_and_wide_have_a_line_for_each_connection() {
    let bytes = pcap(1, &gateway());
    let output = run(&["-", "-o", "jsonl"], &bytes);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<Value> = text(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 6);
    let first = lines.iter().find(|line| line["number"] == 1).unwrap();
    assert_eq!(first["hello"]["serverName"]["sent"], "api.example.com");
    assert_eq!(first["answer"]["version"], "TLSv1.3");
    let wide = text(&run(&["-", "-o", "wide"], &bytes));
    assert_eq!(wide.lines().filter(|line| line.contains(" > 10.0.0.1:8443  ")).count(), 6, "{wide}");
    let yaml: Value = serde_yaml::from_slice(&run(&["-", "-o", "yaml"], &bytes).stdout).expect("YAML");
    assert_eq!(yaml, json(&run(&["-", "-o", "json"], &bytes)));
}

#[test]
fn failing_handshakes_are_written_without_application_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("failing.pcapng");
    let target = target.to_str().unwrap();
    let output = run(&["-", "--write", target], &pcap(1, &gateway()));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = json(&run(&[target, "-o", "json"], b""));
    let summary = &report["capture"]["summary"];
    assert_eq!((summary["flows"].as_u64(), summary["completed"].as_u64()), (Some(3), Some(0)));
    // What is there is not replaced.
    let again = run(&["-", "--write", target], &pcap(1, &gateway()));
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    let error = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(error.contains("could not write ") && error.contains("nothing is replaced"), "{error}");
}

#[test]
fn exit_codes_tell_failing_unreadable_and_unknown_apart() {
    let good = framed(&good13("10.1.0.1:40001", SERVER, Some("api.example.com")).packets);
    let whole = pcap(1, &good);
    let code = |input: &[u8]| run(&["-"], input).status.code();
    assert_eq!(code(&whole), Some(0));
    // Cut behind the handshake: what was read counts, and the place is reported.
    let output = run(&["-"], &whole[..whole.len() - 5]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("cut at byte"), "{}", text(&output));
    let packed = gzip(&whole);
    assert_eq!(code(&packed[..packed.len() - 20]), Some(3));
    assert_eq!(code(&pcap(227, &good)), Some(3), "a link type that is not read");
    assert_eq!(code(&pcap(1, &[])), Some(3), "nothing to judge");
    for (input, reason) in [
        (&b""[..], "it is empty"),
        (b"a text of another kind", "neither pcap nor pcapng"),
        (b"snoop\0\0\0\0\0\0\x02", "snoop"),
        (b"\x28\xb5\x2f\xfd\0\0\0\0", "zstd"),
    ] {
        let output = run(&["-"], input);
        assert_eq!(output.status.code(), Some(2), "{reason}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(reason) && error.starts_with("error: could not read -"), "{error}");
    }
    assert_eq!(run(&["no-such-file.pcap"], b"").status.code(), Some(2));
    assert_eq!(run(&["-", "-"], b"").status.code(), Some(2));
    assert_eq!(run(&["-", "--fail-on", "never"], &pcap(1, &gateway())).status.code(), Some(0));
}

/// A handshake that ends with an encrypted alert, and the key log that shows it.
#[test]
fn a_key_log_shows_what_tls13_encrypts() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = pcap(1, &framed(&sealed::refused("10.1.0.1:40001", SERVER).packets));
    let codes = |arguments: &[&str]| {
        let report = json(&run(&[&["-", "-o", "json"], arguments].concat(), &bytes));
        report["kinds"].as_array().unwrap().iter().map(|kind| kind["kind"]["code"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(codes(&[]), ["AT616"]);
    let keys = file(folder.path(), "keys.log", sealed::key_log().as_bytes());
    assert_eq!(codes(&["--keylog", keys.to_str().unwrap()]), ["AT608"]);
}

#[test]
fn a_file_without_packets_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("failing.pcapng");
    let good = framed(&good13("10.1.0.1:40001", SERVER, Some("api.example.com")).packets);
    let output = run(&["-", "--write", target.to_str().unwrap()], &pcap(1, &good));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output).contains("nothing: there is no packet to write"), "{}", text(&output));
    assert_eq!(std::fs::read_dir(folder.path()).expect("it reads").count(), 0);
    // A folder that is not there is named before anything is read.
    let missing = folder.path().join("no-such-folder/failing.pcapng");
    let output = run(&["-", "--write", missing.to_str().unwrap()], &pcap(1, &good));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("no-such-folder/failing.pcapng"), "{error}");
}

/// A limit of the size of files stands for a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = file(folder.path(), "many.pcap", &pcap(1, &refused_often()));
    let target = folder.path().join("failing.pcapng");
    let program = env!("CARGO_BIN_EXE_kubectl-apigee-tls");
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{program}' pcap '{}' --write '{}'",
        input.display(),
        target.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("could not write ") && error.contains("failing.pcapng"), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("it reads").map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [input]);
}

/// More packets of failing handshakes than fit into 4 KiB.
fn refused_often() -> Vec<builder::Packet> {
    let talk = |number: u16| {
        let mut talk = Talk::open(&format!("10.1.0.3:{}", 40_000 + number), SERVER);
        talk.client_says(&hello(None));
        talk.server_sends(ACK | RST, b"");
        talk
    };
    framed(&merged(&(0..100).map(talk).collect::<Vec<Talk>>()))
}

/// What a silent pipe has delivered is reported when the first Ctrl-C comes.
#[cfg(unix)]
#[test]
fn the_first_interrupt_ends_a_silent_pipe() {
    let bytes = pcap(1, &gateway());
    for (input, flows) in [(&bytes[..], 6), (&bytes[..10], 0), (b"", 0)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
            .args(["pcap", "-", "-o", "json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("it reads");
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.expect("kill starts").success());
        // The pipe stays open until the program has ended.
        let output = child.wait_with_output().expect("it ends");
        drop(stdin);
        let report = json(&output);
        assert_eq!(report["capture"]["summary"]["flows"], flows, "{report}");
        assert_eq!(report["capture"]["interrupted"], true, "{report}");
        assert_eq!(output.status.code(), Some(130), "{report}");
    }
}
