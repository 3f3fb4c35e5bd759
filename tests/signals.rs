//! Ctrl-C, SIGTERM and SIGHUP, sent to processes: the run reports what was seen, and that it is not complete.

#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
    command.current_dir(folder).env_remove("KUBECONFIG").env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the program, sends the signals once `is_under_way`, and waits for its end.
fn interrupted(command: &mut Command, signals: &[&str], is_under_way: impl FnOnce(u32)) -> Output {
    let child = command.spawn().expect("the program starts");
    is_under_way(child.id());
    for signal in signals {
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.expect("kill starts").success());
        // Two equal signals at once count as one.
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().expect("it ends")
}

fn wait_until_it_listens(process: u32) {
    let status = format!("/proc/{process}/status");
    let listens = || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
        // Bit 14 is SIGTERM's.
        u64::from_str_radix(caught.trim(), 16).is_ok_and(|mask| mask & (1 << 14) != 0)
    };
    for _ in 0..500 {
        if listens() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(listens(), "it never listened for signals");
}

/// Returns a log that never arrives: a pipe without a writer.
fn with_a_pipe(folder: &Path) -> Command {
    let made = Command::new("mkfifo").arg(folder.join("pipe")).status().expect("mkfifo starts");
    assert!(made.success());
    let mut command = program(folder);
    command.args(["diagnose", "--offline", "--access-log", "pipe"]);
    command
}

#[test]
fn reports_what_was_seen_after_any_signal() {
    for signal in SIGNALS {
        let folder = tempfile::tempdir().expect("a folder");
        let output = interrupted(&mut with_a_pipe(folder.path()), &[signal], wait_until_it_listens);
        assert_eq!(output.status.code(), Some(130), "{signal}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("the run was interrupted"), "{signal}: {text}");
    }
}

/// Whatever reads a file that the user names ends with the run, as a log does.
#[test]
fn every_input_of_edge_ends_with_the_run() {
    let flags: &[&[&str]] = &[
        &["--router-conf", "pipe"],
        &["--router-properties", "pipe"],
        &["--system-properties", "pipe"],
        &["--mp-properties", "pipe"],
        &["--mp-log", "pipe"],
        &["--symptom", "@pipe"],
        &["--keystore-file", "ks=pipe"],
        &["--keystore-file", "ks=absent.p12", "--keystore-password-file", "pipe"],
        &["--proxy-bundle", "pipe"],
        &["--pcap", "pipe"],
        &["--symptom", "curl: (60)", "--client-cert", "pipe"],
        &["--symptom", "curl: (60)", "--ca-file", "pipe"],
        &["--api-dump", "dump"],
    ];
    for (number, flags) in flags.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(with_a_pipe(folder.path()));
        std::fs::create_dir(folder.path().join("dump")).expect("a folder");
        let made = Command::new("mkfifo").arg(folder.path().join("dump/virtualhosts.json")).status();
        assert!(made.expect("mkfifo starts").success());
        let mut command = program(folder.path());
        command.args(["edge", "diagnose", "--org", "o", "--env", "e", "--offline"]).args(*flags);
        let signal = SIGNALS[number % SIGNALS.len()];
        let output = interrupted(&mut command, &[signal], wait_until_it_listens);
        assert_eq!(output.status.code(), Some(130), "{flags:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn ignores_sighup_under_nohup() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plain = with_a_pipe(folder.path());
    let mut command = Command::new("nohup");
    command.arg(plain.get_program()).args(plain.get_args()).args(["--timeout", "2s"]);
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = interrupted(&mut command, &["HUP"], wait_until_it_listens);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    // The same run without nohup ends at once.
    assert_eq!(interrupted(plain.process_group(0), &["HUP"], wait_until_it_listens).status.code(), Some(130));
}

/// With an API server that accepts the connection and never responds, there is nothing to collect or to
/// leave.
#[test]
fn leaves_no_bundle_before_the_first_response() {
    for signals in [&["INT"][..], &["TERM"], &["HUP"], &["INT", "INT"], &["TERM", "INT"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("it has an address"));
        let kubeconfig = format!(
            "{{clusters: [{{name: c, cluster: {{server: '{server}'}}}}], users: [{{name: u, user: {{}}}}], \
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
        );
        std::fs::write(folder.path().join("config"), kubeconfig).expect("it can be written");
        std::fs::create_dir(folder.path().join("bundles")).expect("a folder");
        let mut command = program(folder.path());
        command.args(["collect", "--kubeconfig", "config", "--to", "bundles"]);
        let output = interrupted(&mut command, signals, |_| {
            let (stream, _) = listener.accept().expect("the program connects");
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).expect("it asks");
            // The connection stays open beyond the signals.
            std::mem::forget(stream);
        });
        assert_eq!(output.status.code(), Some(130), "{signals:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read_dir(folder.path().join("bundles")).expect("the folder").count(), 0, "{signals:?}");
    }
}
