//! An HTTP proxy between the program and the API server that spoils the responses chosen by a test.
//!
//! ```text
//! program ─ HTTP ─ Proxy ─ HTTP ─ kubectl proxy ─ TLS, the administrator's credentials ─ API server
//! ```
//!
//! It counts the responses that it forwarded whole, so that a test knows what the program received. Each
//! request has a connection of its own, which ends with the response.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::midway;
use crate::shell::Result;
use crate::stage::Stage;

/// Maximum number of bytes fetched of a response that is spoiled in transfer.
const FETCHED: usize = 256 << 10;
/// Pace of a slow response.
const TRICKLE: (usize, Duration) = (64, Duration::from_millis(100));
/// Interval at which a waiting connection checks whether the program has closed it.
const GLANCE: Duration = Duration::from_millis(50);

/// How a response is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// This status, with a Retry-After in seconds if given.
    Status(u16, Option<u64>),
    /// The connection is reset after half of it.
    Reset,
    /// A complete response with truncated JSON.
    Truncated,
    /// A response that is not JSON.
    Garbage,
    /// A few bytes at a time.
    Trickle,
    /// Half of it, then silence.
    Stalled,
    /// Silence.
    Silent,
}

/// Which responses are spoiled, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Part of the URL; empty for all.
    pub target: &'static str,
    pub spoilt: Spoilt,
    /// Number of responses to spoil; further ones are forwarded.
    pub times: usize,
}

/// A running `kubectl proxy`, ended when this is dropped.
pub struct KubectlProxy {
    child: Child,
    port: u16,
}

impl KubectlProxy {
    pub fn start(kubeconfig: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| format!("kubectl proxy: {error}");
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(kubeconfig).args(["proxy", "--port=0"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(&error))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| failed(&error))?;
        }
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port = port.ok_or_else(|| failed(&format!("it says {line:?}")))?;
        Ok(Self { child, port })
    }
}

impl Drop for KubectlProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The proxy of one run of the program.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    upstream: u16,
    fault: Option<Fault>,
    spoilt: AtomicUsize,
    /// Number of whole responses without an error, by [`source`].
    whole: Mutex<BTreeMap<String, usize>>,
    closed: AtomicBool,
}

impl Proxy {
    pub fn start(upstream: &KubectlProxy, fault: Option<Fault>) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| format!("proxy: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| failed(&error))?;
        let port = listener.local_addr().map_err(|error| failed(&error))?.port();
        let state = Arc::new(State {
            upstream: upstream.port,
            fault,
            spoilt: AtomicUsize::new(0),
            whole: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if serving.closed.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&serving);
                // An error here is an error for the program, which is what is tested.
                std::thread::spawn(move || state.serve(&client));
            }
        });
        Ok(Self { port, state })
    }

    pub fn kubeconfig(&self, stage: &Stage<'_>, name: &str) -> Result<PathBuf> {
        midway::kubeconfig_with(stage, name, |config| {
            config["clusters"][0]["cluster"] = json!({ "server": format!("http://127.0.0.1:{}", self.port) });
            config["users"][0]["user"] = json!({});
        })
    }

    /// Returns how often each source was forwarded whole.
    pub fn whole(&self) -> BTreeMap<String, usize> {
        self.state.whole.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of spoiled responses.
    pub fn spoilt(&self) -> usize {
        self.state.spoilt.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::Relaxed);
        // The listener notices with its next connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Returns a URL without parts that do not identify the source: of the query, only the container of a log is
/// kept.
fn source(url: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let told = query.split('&').filter(|part| part.starts_with("container=") || part.starts_with("previous="));
    told.fold(path.to_owned(), |source, part| format!("{source} {part}"))
}

impl State {
    fn serve(&self, mut client: &TcpStream) -> Option<()> {
        let Request { head, url, consumed } = Request::peek(client)?;
        let spoilt = self
            .fault
            .filter(|fault| url.contains(fault.target) && self.spoilt.fetch_add(1, Ordering::Relaxed) < fault.times);
        // Closing a connection with unread bytes resets it.
        let unread = usize::from(spoilt.is_some_and(|fault| fault.spoilt == Spoilt::Reset));
        client.read_exact(&mut vec![0; consumed - unread]).ok()?;
        match spoilt.map(|fault| fault.spoilt) {
            None => self.pass(client, &head, &url),
            Some(Spoilt::Status(code, wait)) => answer(client, code, wait, &status(code)),
            Some(Spoilt::Truncated) => answer(client, 200, None, r#"{"kind":"List","metadata":{},"items":[{"meta"#),
            Some(Spoilt::Garbage) => answer(client, 200, None, "<html><body>Sign in</body></html>"),
            Some(Spoilt::Silent) => wait_for_end(client),
            Some(Spoilt::Reset) => {
                let half = self.half(&head)?;
                client.write_all(&half).ok()?;
                // Let the sent bytes arrive before the reset.
                std::thread::sleep(GLANCE);
                Some(())
            }
            Some(Spoilt::Stalled) => {
                let half = self.half(&head)?;
                client.write_all(&half).ok()?;
                wait_for_end(client)
            }
            Some(Spoilt::Trickle) => {
                let half = self.half(&head)?;
                let (size, pause) = TRICKLE;
                for piece in half.chunks(size) {
                    client.write_all(piece).ok()?;
                    std::thread::sleep(pause);
                }
                wait_for_end(client)
            }
        }
    }

    fn ask(&self, head: &str) -> Option<TcpStream> {
        let mut server = TcpStream::connect(("127.0.0.1", self.upstream)).ok()?;
        server.write_all(head.as_bytes()).ok()?;
        Some(server)
    }

    /// Returns the first half of the API server's response.
    fn half(&self, head: &str) -> Option<Vec<u8>> {
        let mut server = self.ask(head)?;
        server.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let mut fetched = Vec::new();
        let mut buffer = [0; 1 << 14];
        // A followed log has no end; what arrives within a second suffices.
        while let Ok(count @ 1..) = server.read(&mut buffer) {
            fetched.extend_from_slice(&buffer[..count]);
            if fetched.len() > FETCHED {
                break;
            }
        }
        let body = fetched.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
        fetched.truncate(body + (fetched.len() - body) / 2);
        Some(fetched)
    }

    /// Forwards a response, or both directions of a port-forward.
    fn pass(&self, mut client: &TcpStream, head: &str, url: &str) -> Option<()> {
        let mut server = self.ask(head)?;
        let mut to_server = server.try_clone().ok()?;
        let mut from_client = client.try_clone().ok()?;
        // The program closes the connection when it has what it needs; then the other side is closed too.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Both);
        });
        let mut passed = Passed::default();
        let mut buffer = vec![0; 1 << 16];
        let mut has_left = false;
        while let Ok(count @ 1..) = server.read(&mut buffer) {
            passed.note(&buffer[..count]);
            if client.write_all(&buffer[..count]).is_err() {
                has_left = true;
                break;
            }
        }
        // The program stops following a log at the line that it waits for.
        let is_followed = url.contains("follow=true");
        if passed.is_whole() || (is_followed && passed.is_success() && (has_left || is_gone(client))) {
            let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
            *whole.entry(source(url)).or_default() += 1;
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        Some(())
    }
}

struct Request {
    /// The request as forwarded: one response, uncompressed.
    head: String,
    url: String,
    /// Number of bytes of the original head.
    consumed: usize,
}

impl Request {
    /// Peeks at the head without consuming it.
    fn peek(client: &TcpStream) -> Option<Self> {
        let mut buffer = vec![0; 1 << 14];
        let consumed = loop {
            let count = client.peek(&mut buffer).ok().filter(|count| *count > 0)?;
            match buffer[..count].windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let text = String::from_utf8_lossy(&buffer[..consumed]).into_owned();
        let url = text.split(' ').nth(1)?.to_owned();
        let upgrades = text.to_ascii_lowercase().contains("upgrade: websocket");
        let mut head = String::new();
        for line in text.trim_end().split("\r\n") {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if name != "accept-encoding" && (upgrades || name != "connection") {
                head += &format!("{line}\r\n");
            }
        }
        head += if upgrades { "\r\n" } else { "Connection: close\r\n\r\n" };
        Some(Self { head, url, consumed })
    }
}

/// The forwarded part of a response.
#[derive(Default)]
struct Passed {
    /// The head, as far as received.
    head: Vec<u8>,
    body: usize,
    /// The last bytes.
    end: Vec<u8>,
}

impl Passed {
    fn note(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.head.ends_with(b"\r\n\r\n") {
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let Some(at) = self.head.windows(4).position(|window| window == b"\r\n\r\n") else { return };
            self.head.truncate(at + 4);
            rest = &bytes[at + 4 - before..];
        }
        self.body += rest.len();
        self.end.extend_from_slice(&rest[rest.len().saturating_sub(5)..]);
        self.end.drain(..self.end.len().saturating_sub(5));
    }

    fn is_success(&self) -> bool {
        self.head.starts_with(b"HTTP/1.1 200 ")
    }

    fn is_whole(&self) -> bool {
        let head = String::from_utf8_lossy(&self.head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        self.is_success() && length.map_or(self.end == b"0\r\n\r\n", |length| self.body == length)
    }
}

fn answer(mut client: &TcpStream, code: u16, wait: Option<u64>, body: &str) -> Option<()> {
    let wait = wait.map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
    let length = body.len();
    let kind = "content-type: application/json\r\nconnection: close";
    write!(client, "HTTP/1.1 {code} X\r\n{kind}\r\n{wait}content-length: {length}\r\n\r\n{body}").ok()
}

fn status(code: u16) -> String {
    let message = format!("the test says {code}");
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message }).to_string()
}

/// Waits until the program closes the connection.
fn wait_for_end(client: &TcpStream) -> Option<()> {
    while client.peek(&mut [0]).ok()? > 0 {
        std::thread::sleep(GLANCE);
    }
    None
}

fn is_gone(client: &TcpStream) -> bool {
    let waits = |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    if client.set_nonblocking(true).is_err() {
        return true;
    }
    let seen = client.peek(&mut [0]);
    let _ = client.set_nonblocking(false);
    !matches!(&seen, Ok(1..)) && !seen.is_err_and(|error| waits(&error))
}
