//! Servers as processes: started on a free port, awaited, and ended with the tests.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::certificates::Certificates;
use crate::shell::{Result, run, wait_until};

/// The set-ups of `openssl s_server` with their arguments; `@name` is replaced by a certificate file.
pub const OPENSSL: [(&str, &[&str]); 6] = [
    ("openssl", &["-cert", "@api.pem", "-cert_chain", "@intermediate.pem", "-key", "@api.key"]),
    (
        "openssl-tls10",
        &[
            "-cert",
            "@rsa.pem",
            "-cert_chain",
            "@intermediate.pem",
            "-key",
            "@rsa.key",
            "-tls1",
            "-cipher",
            "ALL:@SECLEVEL=0",
        ],
    ),
    (
        "openssl-mutual",
        &[
            "-cert",
            "@api.pem",
            "-cert_chain",
            "@intermediate.pem",
            "-key",
            "@api.key",
            "-Verify",
            "2",
            "-verify_return_error",
            "-CAfile",
            "@root.pem",
        ],
    ),
    (
        "openssl-alpn",
        &["-cert", "@api.pem", "-cert_chain", "@intermediate.pem", "-key", "@api.key", "-alpn", "acme-tls/1"],
    ),
    (
        "openssl-clients-only",
        &["-cert", "@clients-only.pem", "-cert_chain", "@intermediate.pem", "-key", "@clients-only.key"],
    ),
    (
        "openssl-weak",
        &["-cert", "@weak.pem", "-cert_chain", "@intermediate.pem", "-key", "@weak.key", "-cipher", "ALL:@SECLEVEL=0"],
    ),
];

/// A process that is ended when this is dropped.
pub struct Running {
    name: String,
    child: Child,
    port: u16,
}

impl Running {
    pub fn new(name: &str, command: &mut Command, port: u16) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: could not start: {error}"))?;
        Ok(Self { name: name.to_owned(), child, port })
    }

    /// Waits until it listens.
    pub fn wait(&mut self) -> Result<()> {
        let port = self.port;
        wait_until(&format!("{} on port {port}", self.name), Duration::from_secs(30), || {
            if let Ok(Some(status)) = self.child.try_wait() {
                let said = self.child.stderr.take().map(|stderr| {
                    BufReader::new(stderr).lines().map_while(std::result::Result::ok).collect::<Vec<_>>().join("\n")
                });
                return Err(format!("it has ended with {status}: {}", said.unwrap_or_default()));
            }
            TcpStream::connect(("127.0.0.1", port)).map(|_| ()).map_err(|error| error.to_string())
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

pub fn openssl(name: &str, arguments: &[&str], certificates: &Certificates) -> Result<(Running, u16)> {
    let port = free_port()?;
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")]);
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(file) => command.arg(certificates.path(file)),
            None => command.arg(argument),
        };
    }
    Ok((Running::new(name, &mut command, port)?, port))
}

/// A server on JSSE, as Java backends have.
pub fn java(name: &str, wants_client: bool, folder: &Path, certificates: &Certificates) -> Result<(Running, u16)> {
    let port = free_port()?;
    let store = folder.join("java.p12");
    if !store.exists() {
        run(Command::new("openssl")
            .args(["pkcs12", "-export", "-passout", "pass:changeit", "-name", "api", "-in"])
            .args([
                &certificates.path("api.pem"),
                "-inkey",
                &certificates.path("api.key"),
                "-out",
                &store.display().to_string(),
            ]))?;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probe/servers/Server.java");
    let mut command = Command::new("java");
    command
        .arg(source)
        .arg(port.to_string())
        .arg(&store)
        .arg(certificates.path("root.pem"))
        .arg(wants_client.to_string());
    Ok((Running::new(name, &mut command, port)?, port))
}
