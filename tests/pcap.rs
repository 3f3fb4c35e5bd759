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

use builder::{ACK, FIN, HelloBuilder, RST, Talk, alert, framed, good13, hello, merged, pcap, pcapng};
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
    framed(&conversation())
}

/// The same from IP on.
fn conversation() -> Vec<builder::Packet> {
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
    merged(&talks)
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

/// A capture of the same conversation in another form: its name, its files, and whether it holds all.
struct Form {
    name: &'static str,
    files: Vec<Vec<u8>>,
    is_whole: bool,
}

fn form(name: &'static str, file: Vec<u8>) -> Form {
    Form { name, files: vec![file], is_whole: true }
}

/// Each packet with other bytes before it.
fn wrapped(packets: &[builder::Packet], wrap: impl Fn(&[u8]) -> Vec<u8>) -> Vec<builder::Packet> {
    packets.iter().map(|(time, packet)| (*time, wrap(packet))).collect()
}

/// The frame of a tunnel over UDP.
fn over_udp(port: u16, header: &[u8], inner: &[u8]) -> Vec<u8> {
    let to = format!("192.0.2.2:{port}");
    builder::ethernet(&[], &builder::udp("192.0.2.1:40000", &to, &[header, inner].concat()))
}

/// The frame of a tunnel over IP.
fn over_ip(protocol: u8, header: &[u8], inner: &[u8]) -> Vec<u8> {
    let [from, to] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().expect("an address"));
    builder::ethernet(&[], &builder::ip(from, to, protocol, &[header, inner].concat()))
}

/// The conversation in every form that captures of gateways have.
fn forms() -> Vec<Form> {
    let packets = conversation();
    let ethernet = framed(&packets);
    let tagged = |tags: &'static [u8]| pcap(1, &wrapped(&packets, |packet| builder::ethernet(tags, packet)));
    let sll2 = wrapped(&packets, |packet| [&builder::ether_type(packet)[..], &[0; 18], packet].concat());
    let twice: Vec<builder::Packet> = sll2.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
    let middle = packets.len() / 2;
    // Written by several queues: each packet has its time, and stands up to three places from it.
    let shuffled: Vec<builder::Packet> = ethernet.chunks(4).flat_map(|part| part.iter().rev().cloned()).collect();
    let mut all = vec![form("pcap", pcap(1, &ethernet))];
    for (name, big, nano, modified) in [
        ("pcap in big-endian order", true, false, false),
        ("pcap of nanoseconds", false, true, false),
        ("pcap of nanoseconds in big-endian order", true, true, false),
        ("modified pcap", false, false, true),
    ] {
        all.push(form(name, builder::pcap_form(big, nano, modified, 1, &ethernet)));
    }
    all.extend([
        form("pcap with FCS bits", builder::pcap_form(false, false, false, 0x2400_0001, &ethernet)),
        form("pcapng", pcapng(false, 1, &ethernet)),
        form("pcapng in big-endian order", pcapng(true, 1, &ethernet)),
        form(
            "pcapng of two sections, orders and link types",
            [pcapng(false, 1, &ethernet[..middle]), pcapng(true, 101, &packets[middle..])].concat(),
        ),
        form("raw IP", pcap(101, &packets)),
        form("loopback", pcap(0, &wrapped(&packets, |packet| [&[2, 0, 0, 0], packet].concat()))),
        form(
            "SLL",
            pcap(113, &wrapped(&packets, |packet| [&[0; 14][..], &builder::ether_type(packet), packet].concat())),
        ),
        form("SLL2", pcap(276, &sll2)),
        form("SLL2 with each packet twice", pcap(276, &twice)),
        form("VLAN", tagged(&[0x81, 0, 0, 7])),
        form("two VLANs", tagged(&[0x88, 0xA8, 0, 7, 0x81, 0, 0, 8])),
        form("MPLS", pcap(1, &wrapped(&packets, |packet| [&[2; 12][..], &[0x88, 0x47, 0, 1, 1, 64], packet].concat()))),
        form(
            "VXLAN",
            pcap(
                1,
                &wrapped(&packets, |packet| over_udp(4789, &[8, 0, 0, 0, 0, 0, 7, 0], &builder::ethernet(&[], packet))),
            ),
        ),
        form("GENEVE", pcap(1, &wrapped(&packets, |packet| over_udp(6081, &[0, 0, 8, 0, 0, 0, 7, 0], packet)))),
        form("GRE", pcap(1, &wrapped(&packets, |packet| over_ip(47, &[0, 0, 8, 0], packet)))),
        form("IP in IP", pcap(1, &wrapped(&packets, |packet| over_ip(4, &[], packet)))),
        form("gzip", gzip(&pcap(1, &ethernet))),
        form("packets out of order", pcap(1, &shuffled)),
        Form {
            name: "two files, the later one first",
            files: vec![pcap(1, &ethernet[middle..]), gzip(&pcapng(true, 1, &ethernet[..middle]))],
            is_whole: true,
        },
        Form { name: "a short snap length", files: vec![snapped(&ethernet, 100)], is_whole: false },
        Form {
            name: "cut in a packet",
            files: vec![pcap(1, &ethernet).split_last_chunk::<5>().expect("bytes").0.to_vec()],
            is_whole: false,
        },
    ]);
    all
}

/// A capture that keeps so many bytes of each packet.
fn snapped(packets: &[builder::Packet], snap: usize) -> Vec<u8> {
    let mut file = pcap(1, &wrapped(packets, |packet| packet[..packet.len().min(snap)].to_vec()));
    let mut at = 24;
    for (_, packet) in packets {
        let length = u32::try_from(packet.len()).expect("a length").to_le_bytes();
        file[at + 12..at + 16].copy_from_slice(&length);
        at += 16 + packet.len().min(snap);
    }
    file
}

/// The connections of a run with `-o jsonl`, by client, without what differs by the form: numbers of packets,
/// and what carried them.
fn flows_of(output: &Output) -> Vec<Value> {
    let mut flows: Vec<Value> = text(output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    flows.sort_by_key(|flow| flow["client"].to_string());
    for flow in &mut flows {
        for key in ["number", "firstPacket", "lastPacket", "tunnel"] {
            flow[key] = Value::Null;
        }
        for part in ["hello", "answer", "end"] {
            if let Some(part) = flow[part].as_object_mut() {
                part.remove("packet");
            }
        }
        for alert in flow["alerts"].as_array_mut().expect("a list") {
            alert["packet"] = Value::Null;
        }
    }
    flows
}

#[test]
fn every_form_of_a_capture_gives_the_same_connections() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |form: &Form| {
        let names: Vec<String> = (0..)
            .zip(&form.files)
            .map(|(number, bytes)| file(folder.path(), &number.to_string(), bytes).display().to_string())
            .collect();
        let arguments: Vec<&str> = names.iter().map(String::as_str).chain(["-o", "jsonl"]).collect();
        run(&arguments, b"")
    };
    let forms = forms();
    let expected = flows_of(&read(&forms[0]));
    assert_eq!(expected.len(), 6);
    for form in &forms {
        let output = read(form);
        let flows = flows_of(&output);
        if form.is_whole {
            assert_eq!((&flows, output.status.code()), (&expected, Some(1)), "{}", form.name);
            continue;
        }
        // What is cut is not known, and no other failure takes its place.
        for (flow, expected) in flows.iter().zip(&expected) {
            let (is, was) = (&flow["outcome"], &expected["outcome"]);
            assert!(is == was || is == "notCaptured" || is == "undecided", "{}: {is} for {was}", form.name);
        }
        let shown = text(&run(&[folder.path().join("0").to_str().expect("a path")], b""));
        assert!(shown.contains("NOT SEEN") && shown.contains("cut"), "{}: {shown}", form.name);
    }
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

/// A server that ends ClientHellos with SNI and without alike does so for another reason.
#[test]
fn resets_of_every_client_hello_are_not_of_its_name() {
    let reset = |client: &str, name: Option<&str>| {
        let mut talk = Talk::open(client, SERVER);
        talk.client_says(&hello(name));
        talk.server_sends(ACK | RST, b"");
        talk
    };
    let talks = [reset("10.1.0.1:40001", Some("api.example.com")), reset("10.1.0.2:40002", None)];
    let output = run(&["-", "-o", "json"], &pcap(1, &framed(&merged(&talks))));
    let report = json(&output);
    let kinds = report["kinds"].as_array().unwrap();
    assert_eq!((output.status.code(), kinds.len()), (Some(1), 1), "{report}");
    assert_eq!((&kinds[0]["kind"]["code"], &kinds[0]["flows"]), (&"AT617".into(), &2.into()));
    let sentence = kinds[0]["kind"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("so that missing SNI is not the cause"), "{sentence}");
}

#[test]
fn one_direction_alone_is_a_verdict_in_so_far_as_it_shows_one() {
    let mut talk = Talk::open("10.1.0.1:40001", SERVER);
    talk.client_says(&hello(Some("api.example.com")));
    talk.server_says(&builder::server_hello(false));
    talk.client_sends(ACK | FIN, &alert(2, 48));
    let client = |(_, packet): &builder::Packet| packet[12..16] == [10, 1, 0, 1];
    talk.packets.retain(client);
    let output = run(&["-"], &pcap(101, &talk.packets));
    let shown = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("client rejects the server's certificate, alert unknown_ca (48)"), "{shown}");
    assert!(shown.contains("the server's part is not in the capture"), "{shown}");
    assert!(shown.contains("the server's part of 1 connection: the capture holds one direction only"), "{shown}");
}

#[test]
fn characters_that_a_terminal_obeys_are_escapes_in_every_output() {
    let name = "a\u{202e}b.example.com";
    let mut talk = Talk::open("10.1.0.1:40001", SERVER);
    talk.client_says(&hello(Some(name)));
    talk.server_sends(ACK | RST, b"");
    for format in ["text", "wide", "json", "jsonl", "yaml", "html"] {
        let shown = text(&run(&["-", "-o", format], &pcap(101, &talk.packets)));
        assert!(!shown.contains('\u{202e}') && shown.contains("b.example.com"), "{format}: {shown}");
    }
}

/// What a client puts into its ClientHello leaves the program as evidence does, in every format.
#[test]
fn secrets_in_a_hello_are_redacted() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "password=hunter2secretABC";
    let alpn = [&[0, 26, 25][..], name.as_bytes()].concat();
    let hello = HelloBuilder { name: Some(name), more: vec![(16, alpn)], ..HelloBuilder::default() };
    let mut talk = Talk::open("10.1.0.1:40001", SERVER);
    talk.client_says(&hello.record());
    talk.server_sends(ACK | RST, b"");
    let bytes = pcap(101, &talk.packets);
    let target = folder.path().join("failing.pcapng");
    run(&["-", "--write", target.to_str().unwrap()], &bytes);
    let written = String::from_utf8_lossy(&std::fs::read(target).expect("it was written")).into_owned();
    let shown =
        ["text", "wide", "json", "jsonl", "yaml", "html"].map(|format| text(&run(&["-", "-o", format], &bytes)));
    for shown in shown.iter().chain([&written]) {
        assert!(shown.contains("password=") && !shown.contains("hunter2"), "{shown}");
    }
    // A filter is compared with what was sent.
    let report = json(&run(&["-", "-o", "json", "--sni", name], &bytes));
    assert_eq!(report["capture"]["summary"]["flows"], 1);
}

#[test]
fn packets_are_not_written_to_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in [&["pcap", "nowhere.pcap"][..], &["capture"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
            .args(command)
            .args(["--write", "-"])
            .current_dir(&folder)
            .output()
            .expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("--write -: standard output is for the report"), "{error}");
        assert!(!folder.path().join("-").exists());
    }
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
    assert!(shown.contains("the filters leave none of the 6 TCP connections."), "{shown}");
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
