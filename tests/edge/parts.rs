//! Real parts of Edge, started once for all tests: nginx as the Router, Java as Message Processor and
//! backend, Go as backend. Each ends with its standard input, and so with the test process, however that
//! ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::pki::Pki;
use crate::servers::Server;

/// The lists of certificates that parts present and trust, each a file of this name.
const LISTS: [(&str, &[&str]); 15] = [
    ("api", &["api", "issuing"]),
    ("backend", &["backend", "issuing"]),
    ("leaf", &["backend"]),
    ("expired-backend", &["expired-backend", "issuing"]),
    ("expired-leaf", &["expired-backend"]),
    ("renamed", &["renamed", "issuing"]),
    ("elsewhere", &["elsewhere", "other-root"]),
    ("root", &["root"]),
    ("issuing", &["issuing"]),
    ("other-root", &["other-root"]),
    ("app", &["app", "issuing"]),
    ("expired-app", &["expired-app", "issuing"]),
    ("early-app", &["early-app", "issuing"]),
    ("server-app", &["api", "issuing"]),
    ("other-app", &["other-app", "other-root"]),
];
const ROUTERS: [&str; 7] = ["bad-request", "current", "old", "strong", "mutual-12", "mutual-13", "plain"];
/// Longest time until a part listens.
const START: Duration = Duration::from_mins(1);

/// The running parts.
pub(crate) struct Parts {
    folder: TempDir,
    routers: BTreeMap<String, u16>,
    backends: BTreeMap<String, u16>,
    java: Mutex<Java>,
    /// Held open: the parts end when these close.
    _inputs: Vec<ChildStdin>,
}

struct Java {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Returns the parts, which the first caller starts.
pub(crate) fn parts() -> &'static Parts {
    static PARTS: OnceLock<Parts> = OnceLock::new();
    PARTS.get_or_init(Parts::start)
}

/// How a Message Processor connects.
#[derive(Clone, Copy)]
pub(crate) struct MessageProcessor<'a> {
    pub(crate) trusted: &'a str,
    /// Its own certificates, or `-`.
    pub(crate) own: &'a str,
    /// Java's names with commas, or `-` for those of its Java.
    pub(crate) versions: &'a str,
    pub(crate) sends_sni: bool,
}

impl Parts {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pki = Pki::shared();
        for (name, list) in LISTS {
            fs::write(folder.path().join(format!("{name}.pem")), pki.pem(list)).expect("a file");
        }
        let key = pki.key.private_key_to_pem_pkcs8().expect("a key");
        fs::write(folder.path().join("key.pem"), key).expect("a file");
        let mut java = spawn(Command::new("java").arg(source("Peers.java")).arg(folder.path()));
        let (requests, answers) = ends(&mut java);
        let mut go = spawn(Command::new(prepared("backend")).arg(folder.path()));
        let (of_go, printed) = ends(&mut go);
        let (of_nginx, routers) = nginx(folder.path());
        let lines = printed.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let backends = lines.filter_map(|line| {
            let (name, port) = line.split_once(' ')?;
            Some((name.to_owned(), port.parse().ok()?))
        });
        Self {
            backends: backends.collect(),
            routers,
            java: Mutex::new(Java { requests, answers }),
            folder,
            _inputs: vec![of_go, of_nginx],
        }
    }

    /// A file of certificates, or `key`.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(format!("{name}.pem")).display().to_string()
    }

    pub(crate) fn router(&self, name: &str) -> Server {
        Server { port: *self.routers.get(name).expect("a server of nginx.conf") }
    }

    pub(crate) fn go(&self, name: &str) -> Server {
        Server { port: *self.backends.get(name).expect("a server of backend.go") }
    }

    /// A backend on JSSE. `clients` is the CA of the client certificates that it demands, or `-`.
    pub(crate) fn java(&self, chain: &str, versions: &str, clients: &str) -> Server {
        let port = self.ask(&format!("serve {chain} {versions} {clients}"));
        Server { port: port.parse().unwrap_or_else(|_| panic!("no port: {port}")) }
    }

    /// What JSSE says about a handshake with a port: `ok`, or the message that a Message Processor logs.
    pub(crate) fn says(&self, host: &str, port: u16, of: MessageProcessor<'_>) -> String {
        let sni = if of.sends_sni { "on" } else { "off" };
        self.ask(&format!("connect {host} {port} {} {} {} {sni}", of.trusted, of.own, of.versions))
    }

    fn ask(&self, request: &str) -> String {
        let mut java = self.java.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(java.requests, "{request}").expect("Java runs");
        let mut answer = String::new();
        java.answers.read_line(&mut answer).expect("Java answers");
        assert!(!answer.is_empty(), "Java has ended, see its message above: {request}");
        answer.trim_end().to_owned()
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edge/peers").join(name)
}

/// Returns where the set-up script has prepared a program.
fn prepared(name: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup.sh");
    let output = Command::new("bash").arg(script).arg("paths").output().expect("bash runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let path = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(PathBuf::from);
    path.filter(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is missing: run tests/setup.sh all"))
}

fn spawn(command: &mut Command) -> Child {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    child.unwrap_or_else(|error| panic!("{command:?}: {error}; run tests/setup.sh all"))
}

fn ends(child: &mut Child) -> (ChildStdin, BufReader<ChildStdout>) {
    let output = child.stdout.take().expect("a pipe");
    (child.stdin.take().expect("a pipe"), BufReader::new(output))
}

/// Starts nginx on free ports. Another thread may take one before nginx listens; then others are tried.
fn nginx(folder: &Path) -> (ChildStdin, BTreeMap<String, u16>) {
    for _ in 0..5 {
        let ports: BTreeMap<String, u16> = ROUTERS.iter().map(|name| ((*name).to_owned(), free_port())).collect();
        let mut text = fs::read_to_string(source("nginx.conf")).expect("the configuration");
        for (name, port) in &ports {
            text = text.replace(&format!("@PORT-{name}@"), &port.to_string());
        }
        let file = folder.join("nginx.conf");
        fs::write(&file, text.replace("@FOLDER@", &folder.display().to_string())).expect("a file");
        // nginx does not end with its standard input: a shell waits for that, and ends it.
        let script = format!(
            "exec 3<&0; nginx -c '{}' -p '{}' & nginx=$!; (cat <&3 >&2; kill $nginx) & wait $nginx",
            file.display(),
            folder.display()
        );
        let path = format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default());
        let mut shell = spawn(Command::new("sh").args(["-c", &script]).env("PATH", path));
        let input = shell.stdin.take().expect("a pipe");
        if ports.values().all(|port| listens(*port, &mut shell)) {
            return (input, ports);
        }
    }
    panic!("nginx does not listen: see its message above, or run tests/setup.sh all");
}

fn listens(port: u16, shell: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < START {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        if !matches!(shell.try_wait(), Ok(None)) {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
