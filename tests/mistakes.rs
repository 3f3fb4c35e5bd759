//! What users of kubectl, curl and openssl type by mistake: the first line of the answer, and exit code 2.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A kubeconfig with two contexts whose server listens nowhere.
const KUBECONFIG: &str = "
apiVersion: v1
kind: Config
current-context: east
contexts:
- {name: east, context: {cluster: one, user: red}}
- {name: west, context: {cluster: one, user: red}}
clusters:
- {name: one, cluster: {server: 'http://127.0.0.1:1'}}
users:
- {name: red, user: {}}
";

/// What was typed, the first line of standard error in part, and a part of the rest.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("diagnoze", "error: unrecognized subcommand 'diagnoze'", "'diagnose'"),
    ("diagnose --namspace x", "error: unexpected argument '--namspace' found", "'--namespace'"),
    ("diagnose -A", "error: unexpected argument '-A': Apigee hybrid is in one namespace", "--all-contexts"),
    ("collect --all-namespaces", "error: unexpected argument '--all-namespaces': Apigee hybrid is in one", ""),
    ("diagnose -o table", "error: invalid value 'table' for '--output <FORMAT>'", "short, wide, json"),
    ("diagnose -o jsonpath={.verdict.kind}", "error: templates are not supported; use jq:", "jq -r '.verdict.kind'"),
    ("probe x -o go-template={{.exitCode}}", "error: templates are not supported; use jq:", "probe … -o json | jq"),
    ("diagnose -o custom-columns=A:.exitCode", "error: templates are not supported; use jq:", "@tsv"),
    ("diagnose --offline -f nofile.yaml", "error: could not read nofile.yaml: No such file", ""),
    ("diagnose --kubeconfig nofile", "error: could not read the kubeconfig nofile", "hint: check the path"),
    ("diagnose --context north", "error: could not find the context \"north\" in the kubeconfig", "east, west"),
    ("diagnose --cluster two", "error: could not find the cluster \"two\"", "one"),
    ("diagnose", "error: could not reach the API server at http://127.0.0.1:1: connection refused", "hint:"),
    ("-n apigee diagnose", "error: could not reach the API server at http://127.0.0.1:1", "hint:"),
    ("--context=north --color never diagnose", "error: could not find the context \"north\"", ""),
    ("-n apigee", "Diagnose TLS handshake failures", "Usage:"),
    ("diagnose -l a=b=c", "error: could not understand the label selector", "hint: selectors"),
    ("diagnose --since 1x", "error: invalid value '1x' for '--since <DURATION>': expected a duration", "1d"),
    ("diagnose --since-time yesterday", "error: invalid value 'yesterday'", "2026-11-29T10:00:00Z"),
    ("pcap x --since yesterday", "error: invalid value 'yesterday'", "2026-11-29T10:00:00Z"),
    ("diagnose --since 1h --since-time 2026-11-29T10:00:00Z", "error: the argument '--since", "cannot be used"),
    ("diagnose --tail abc", "error: invalid value 'abc' for '--tail <LINES>': expected a number of lines", ""),
    ("diagnose --limit-bytes lots", "error: invalid value 'lots' for '--limit-bytes", "10MB or 10Mi"),
    ("collect --log-limit lots", "error: invalid value 'lots' for '--log-limit", "10MB or 10Mi"),
    ("diagnose --timeout soon", "error: invalid value 'soon' for '--timeout", "30s, 10m"),
    ("diagnose -v=x", "error: invalid value 'x' for '--verbose", "-v=1"),
    ("diagnose -v 6", "error: unexpected argument '6': write -v=6", ""),
    ("diagnose --client-key nofile", "error: could not read nofile, which is given as --client-key", ""),
    ("diagnose --certificate-authority nofile", "error: could not read nofile, which is given as --cert", ""),
    ("diagnose --skip AT999", "error: invalid value 'AT999' for '--skip", "explain"),
    ("diagnose --write-evidence -", "error: could not use these flags together", "hint: give --write-evidence"),
    ("diagnose --from nofile", "error: could not read the evidence nofile: No such file", ""),
    ("trace", "error: give the server name that clients send: trace HOST", "trace --no-sni"),
    (
        "trace a.example -o junit",
        "error: invalid value 'junit' for '--output <FORMAT>'",
        "text, wide, json, yaml, html",
    ),
    (
        "completion --install=no/folder",
        "error: could not use --install=no/folder: there is no such folder",
        "create it",
    ),
    ("trace http://x", "error: could not use HOST \"http://x\": http:// is not TLS", "HOST:PORT or a URL"),
    ("trace https://api.example.com:443/a --from nofile", "error: could not read the evidence nofile", ""),
    ("probe", "error: the following required arguments were not provided:", "HOST[:PORT]"),
    ("probe -k x", "error: unexpected argument '-k': not needed: probe never stops", ""),
    ("probe -servername x y", "error: unexpected argument '-servername': use --sni NAME", ""),
    ("probe x -noservername", "error: unexpected argument '-noservername': use --no-sni", ""),
    ("probe -connect x:443", "error: unexpected argument '-connect': give HOST:PORT", ""),
    ("probe x -p 443", "error: unexpected argument '-p': give the port with the host", ""),
    ("probe x -n apigee", "error: unexpected argument '-n': probe contacts no cluster", ""),
    ("probe x --parallel many", "error: invalid value 'many' for '--parallel", "1 to 1024"),
    ("probe --via-proxy http://me:sesame@p:1 x", "error: could not use --via-proxy URL with a space", "with ="),
    ("probe --via-proxy=http://p:1/ x y z --timeout 0s", "error: invalid value '0s' for '--timeout", "above zero"),
    ("pcap x --host gw", "error: invalid value 'gw' for '--host <IP>': expected an IP address", ""),
    ("pcap x --port https", "error: invalid value 'https' for '--port <PORT>': expected a port", ""),
    ("explain wildcard-route-mising", "error: could not use \"wildcard-route-mising\"", "did you mean wildcard"),
    ("explain AT999", "error: could not use \"AT999\": no check has this code", "hint:"),
    ("reveal nofile.json", "error: could not read", "hint:"),
    ("collect --env-group shop,", "error: a value is required for '--env-group", ""),
];

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
        .args(arguments)
        .current_dir(folder)
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("kubeconfig"), KUBECONFIG).expect("it can be written");
    folder
}

#[test]
fn each_mistake_has_an_answer_in_its_first_line() {
    let folder = folder();
    let mut wrong = Vec::new();
    for (typed, first, rest) in MISTAKES {
        let arguments: Vec<&str> = typed.split(' ').collect();
        let output = run(&arguments, folder.path());
        let told = String::from_utf8_lossy(&output.stderr);
        let line = told.lines().next().unwrap_or_default();
        let is_right = line.starts_with(first) && told.contains(rest) && output.status.code() == Some(2);
        // The parsers' own words, and what was given as a secret.
        let is_clean = !["invalid digit", "four digit", "sesame"].iter().any(|word| told.contains(word));
        if !(is_right && is_clean && output.stdout.is_empty()) {
            wrong.push(format!("{typed}: exit {:?}\n{told}", output.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), MISTAKES.len(), wrong.join("\n"));
}

/// A token on the command line, as kubectl takes it, is in no message.
#[test]
fn a_token_is_never_shown() {
    let folder = folder();
    for typed in [
        "diagnose --token sesame",
        "diagnose --token sesame -v=9 --fail-on nonsense",
        "--token sesame diagnose",
        "diagnose --token=sesame --client-key nofile",
        "collect --token sesame --list",
    ] {
        let arguments: Vec<&str> = typed.split(' ').collect();
        let output = run(&arguments, folder.path());
        let told = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&told).contains("sesame"), "{typed}: {}", String::from_utf8_lossy(&told));
    }
}

#[test]
fn the_version_has_a_flag_and_formats() {
    let folder = folder();
    let version = env!("CARGO_PKG_VERSION");
    for (typed, expected) in [
        ("--version", format!("kubectl apigee-tls {version}\n")),
        ("version", format!("kubectl apigee-tls {version}\n")),
        ("version -o yaml", format!("version: {version}\n")),
    ] {
        let output = run(&typed.split(' ').collect::<Vec<_>>(), folder.path());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{typed}");
    }
}

/// The shell's pipe has no name that could be printed, in a diff or in a command.
#[cfg(unix)]
#[test]
fn a_pipe_of_the_shell_is_called_overrides_yaml() {
    let folder = folder();
    let text = "virtualhosts:\n- name: north\n  name: south\n";
    let script =
        format!("printf '%s' '{text}' | {} diagnose --offline -f /dev/fd/0", env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().expect("sh is there");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("overrides.yaml:3") && !report.contains("/dev/fd"), "{report}");
}

/// Text that is piped is not wrapped, unless a width is requested.
#[test]
fn piped_text_is_not_wrapped() {
    let folder = folder();
    let width = |columns: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        command.args(["explain", "AT101"]).current_dir(folder.path()).env_remove("COLUMNS");
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        let text = String::from_utf8_lossy(&command.output().expect("the program starts").stdout).into_owned();
        text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    };
    assert!(width(None) > 200);
    assert!(width(Some("60")) < 120);
}
