//! Real clients that connect to ingress pods, and the outcome of each.
//!
//! In the testbed's own cluster, clients connect to the pods' addresses, as a load balancer would. In a given
//! cluster, they use `kubectl port-forward`, which the gateway sees as a client on its own loopback.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::scenario::{Client, Outcome, Traffic};
use crate::shell::{Finished, Result, finish, last_lines, run};

const CLIENT_LIMIT: Duration = Duration::from_secs(30);

/// One pod as clients reach it.
pub struct Target {
    pub address: String,
    pub port: u16,
    /// The port-forward, if there is one. kubectl ends when nobody reads its output.
    forwarder: Option<(Child, BufReader<ChildStdout>)>,
}

impl Target {
    pub fn direct(address: &str) -> Self {
        Self { address: address.to_owned(), port: 8443, forwarder: None }
    }

    pub fn forwarded(kubeconfig: &Path, namespace: &str, pod: &str) -> Result<Self> {
        let failed = |reason: &dyn std::fmt::Display| format!("port-forward to {pod}: {reason}");
        let mut forwarder = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["-n", namespace, "port-forward", &format!("pod/{pod}"), ":8443", "--address", "127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(&error))?;
        let stdout = forwarder.stdout.take().ok_or_else(|| failed(&"no output"))?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).map_err(|error| failed(&error))?;
        // Forwarding from 127.0.0.1:40123 -> 8443
        let port = line.split_whitespace().find_map(|word| word.strip_prefix("127.0.0.1:")?.parse().ok());
        let port = port.ok_or_else(|| failed(&line))?;
        Ok(Self { address: "127.0.0.1".into(), port, forwarder: Some((forwarder, stdout)) })
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some((forwarder, _)) = &mut self.forwarder {
            let _ = forwarder.kill();
            let _ = forwarder.wait();
        }
    }
}

/// Connects as often as the entry says, and fails if a client sees another outcome than expected.
///
/// Files for clients are written to `folder`.
pub fn send(
    folder: &Path,
    traffic: &Traffic,
    default_host: &str,
    target: &mut dyn FnMut() -> Result<Target>,
) -> Result<()> {
    let host = traffic.host.as_deref().or(traffic.server_name.as_deref()).unwrap_or(default_host);
    for _ in 0..traffic.count {
        let target = target()?;
        let (seen, told) = connect(folder, traffic, host, &target)?;
        if seen != traffic.outcome {
            return Err(format!(
                "the {:?} client with server name {:?} saw {seen:?}, not {:?}:\n{}",
                traffic.client,
                traffic.server_name,
                traffic.outcome,
                last_lines(&told, 12)
            ));
        }
    }
    Ok(())
}

fn connect(folder: &Path, traffic: &Traffic, host: &str, target: &Target) -> Result<(Outcome, String)> {
    match traffic.client {
        Client::Curl => curl(traffic.server_name.as_deref(), host, target),
        Client::Java => java(folder, traffic.server_name.as_deref(), host, target),
        Client::Openssl => {
            let certificate = traffic.client_certificate.then(|| folder.join("client.pem"));
            openssl(traffic.server_name.as_deref(), host, target, certificate.as_deref())
        }
        Client::Plain => plain(host, target),
    }
}

fn openssl(
    server_name: Option<&str>,
    host: &str,
    target: &Target,
    certificate: Option<&Path>,
) -> Result<(Outcome, String)> {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &format!("{}:{}", target.address, target.port)]);
    match server_name {
        Some(name) => command.args(["-servername", name]),
        None => command.arg("-noservername"),
    };
    if let Some(certificate) = certificate {
        command.arg("-cert").arg(certificate).arg("-key").arg(certificate);
    }
    let request = format!("GET /hello HTTP/1.1\r\nHost: {host}\r\nUser-Agent: openssl\r\nConnection: close\r\n\r\n");
    let finished = finish(&mut command, request.as_bytes(), CLIENT_LIMIT)?;
    Ok(judge(&finished, None))
}

fn curl(server_name: Option<&str>, host: &str, target: &Target) -> Result<(Outcome, String)> {
    let mut command = Command::new("curl");
    command.args(["-sSk", "--noproxy", "*", "-w", "HTTP/1.1 %{http_code}", "-o", "/dev/null"]);
    command.args(["-H", &format!("Host: {host}")]);
    match server_name {
        Some(name) => {
            command.args(["--resolve", &format!("{name}:{}:{}", target.port, target.address)]);
            command.arg(format!("https://{name}:{}/hello", target.port));
        }
        // curl sends no SNI for an address.
        None => {
            command.arg(format!("https://{}:{}/hello", target.address, target.port));
        }
    }
    let finished = finish(&mut command, b"", CLIENT_LIMIT)?;
    Ok(judge(&finished, finished.status.code()))
}

fn plain(host: &str, target: &Target) -> Result<(Outcome, String)> {
    let mut command = Command::new("curl");
    command.args(["-sS", "--noproxy", "*", "-w", "HTTP/1.1 %{http_code}", "-o", "/dev/null"]);
    command.args(["-H", &format!("Host: {host}"), &format!("http://{}:{}/hello", target.address, target.port)]);
    let finished = finish(&mut command, b"", CLIENT_LIMIT)?;
    Ok(judge(&finished, finished.status.code()))
}

fn java(folder: &Path, server_name: Option<&str>, host: &str, target: &Target) -> Result<(Outcome, String)> {
    let classes = java_client(folder)?;
    let mut command = Command::new("java");
    command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1"]);
    if server_name.is_none() {
        command.arg("-Djsse.enableSNIExtension=false");
    }
    command.args([
        "-cp",
        classes,
        "Client",
        &target.address,
        &target.port.to_string(),
        server_name.unwrap_or(host),
        host,
    ]);
    let finished = finish(&mut command, b"", CLIENT_LIMIT)?;
    Ok(judge(&finished, None))
}

/// Compiles the Java client once per run.
fn java_client(folder: &Path) -> Result<&'static str> {
    static COMPILED: OnceLock<Result<String>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(|| {
        let classes = folder.join("java").to_string_lossy().into_owned();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/clients/Client.java");
        run(Command::new("javac").args(["-d", &classes]).arg(source))?;
        Ok(classes)
    });
    compiled.as_deref().map_err(Clone::clone)
}

/// Derives the outcome: clients print a status line or an error. For curl, only the exit code is the same in
/// every version.
fn judge(finished: &Finished, curl_exit: Option<i32>) -> (Outcome, String) {
    let told = format!("{}\n{}", String::from_utf8_lossy(&finished.stdout), finished.stderr);
    let outcome = if told.contains("HTTP/1.1 200") {
        Outcome::Answered
    } else if told.contains("HTTP/1.1 404") {
        Outcome::NotFound
    } else if curl_exit == Some(7) || told.contains("Connection refused") {
        Outcome::Refused
    } else if told.contains(" alert ") || told.contains("Received fatal alert") {
        Outcome::Alert
    } else {
        // A port-forward turns a reset into the end of the connection; the access log shows the reset.
        Outcome::Reset
    };
    (outcome, told)
}
