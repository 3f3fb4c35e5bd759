//! Runs that are disturbed while the program reads the access logs.
//!
//! The moment must not depend on luck: the program talks to the API server through a forwarder that counts
//! the bytes returned, and acts once logs, and not only lists, must be in transfer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{API_SERVER, Components};
use crate::expect;
use crate::shell::{Finished, Result};
use crate::stage::Stage;

/// Number of bytes that is more than all lists of a scenario, and less than its logs.
const MIDWAY: usize = 1_000_000;

/// A connection with more bytes than this transfers a log. Others are not held up, so that all lists
/// complete.
const LIST: usize = 100_000;

/// Time for the lists to complete.
const PAUSE: Duration = Duration::from_secs(1);

const LIMIT: Duration = Duration::from_mins(1);

/// Kills the API server midway.
pub fn stop_api_server(stage: &Stage<'_>, components: &Components, kubeconfig: &PathBuf) -> Result<Finished> {
    let forwarder = Forwarder::start(stage)?;
    let kubeconfig = forwarder.kubeconfig(stage, kubeconfig)?;
    let mut command = expect::diagnose(&stage.folder, &kubeconfig, &stage.namespace, &stage.scenario.diagnose);
    std::thread::scope(|scope| {
        let program = scope.spawn(move || expect::run(&mut command));
        let reached = forwarder.wait(|| program.is_finished());
        components.stop(API_SERVER)?;
        forwarder.paused.store(false, Ordering::Relaxed);
        let finished = program.join().map_err(|_| "the program's thread panicked".to_owned())??;
        if reached {
            Ok(finished)
        } else {
            Err(format!("the program ended before {MIDWAY} bytes had come: {}", finished.stderr))
        }
    })
}

/// Presses Ctrl-C midway.
pub fn interrupt(stage: &Stage<'_>, kubeconfig: &PathBuf) -> Result<Finished> {
    let forwarder = Forwarder::start(stage)?;
    let kubeconfig = forwarder.kubeconfig(stage, kubeconfig)?;
    let mut child = expect::diagnose(&stage.folder, &kubeconfig, &stage.namespace, &stage.scenario.diagnose)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("start the program: {error}"))?;
    let reached = forwarder.wait(|| matches!(child.try_wait(), Ok(Some(_))));
    let process = child.id().to_string();
    let signal = if reached { "-INT" } else { "-KILL" };
    let _ = Command::new("kill").args([signal, &process]).status();
    // A program that ignores Ctrl-C must not hang the test.
    let (ended, over) = mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        if over.recv_timeout(LIMIT).is_err() {
            let _ = Command::new("kill").args(["-KILL", &process]).status();
        }
    });
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        let _ = pipe.read_to_end(&mut stdout);
    }
    let mut stderr = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        let _ = pipe.read_to_string(&mut stderr);
    }
    let status = child.wait().map_err(|error| format!("wait for the program: {error}"))?;
    let _ = ended.send(());
    let _ = watcher.join();
    if reached {
        Ok(Finished { status, stdout, stderr })
    } else {
        Err(format!("the program never read {MIDWAY} bytes: {stderr}"))
    }
}

/// Writes a changed copy of the administrator's kubeconfig beside the scenario's files.
pub fn kubeconfig_with(stage: &Stage<'_>, name: &str, change: impl FnOnce(&mut Value)) -> Result<PathBuf> {
    changed(stage, &stage.testbed.kubeconfig, name, change)
}

fn changed(stage: &Stage<'_>, original: &PathBuf, name: &str, change: impl FnOnce(&mut Value)) -> Result<PathBuf> {
    let failed = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let text = std::fs::read_to_string(original).map_err(|error| failed(&error))?;
    let mut config: Value = serde_yaml::from_str(&text).map_err(|error| failed(&error))?;
    change(&mut config);
    let target = stage.folder.join(name);
    std::fs::write(&target, config.to_string()).map_err(|error| failed(&error))?;
    Ok(target)
}

/// Forwards between the program and the API server. Once `MIDWAY` bytes have been returned, signals it and
/// holds up the logs.
struct Forwarder {
    port: u16,
    midway: mpsc::Receiver<()>,
    paused: Arc<AtomicBool>,
}

impl Forwarder {
    fn start(stage: &Stage<'_>) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| format!("forwarder: {error}");
        let server: http::Uri = stage.testbed.api.server.parse().map_err(|error| failed(&error))?;
        let upstream = format!("{}:{}", server.host().unwrap_or_default(), server.port_u16().unwrap_or(443));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| failed(&error))?;
        let port = listener.local_addr().map_err(|error| failed(&error))?.port();
        let (reached, midway) = mpsc::channel();
        let paused = Arc::new(AtomicBool::new(true));
        let gate = Arc::new(Gate { count: AtomicUsize::new(0), reached, paused: Arc::clone(&paused) });
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // When the API server is killed, its connection ends too.
                let Ok(server) = TcpStream::connect(&upstream) else { continue };
                let (Ok(client_copy), Ok(server_copy)) = (client.try_clone(), server.try_clone()) else { continue };
                let gate = Arc::clone(&gate);
                std::thread::spawn(move || pass(client_copy, server_copy, |_| {}));
                std::thread::spawn(move || {
                    let mut brought = 0;
                    pass(server, client, |count| {
                        brought += count;
                        gate.count(count, brought > LIST);
                    });
                });
            }
        });
        Ok(Self { port, midway, paused })
    }

    /// Waits until midway; returns false if the program ends before, or takes too long.
    fn wait(&self, mut ended: impl FnMut() -> bool) -> bool {
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            if self.midway.recv_timeout(Duration::from_millis(20)).is_ok() {
                std::thread::sleep(PAUSE);
                return true;
            }
            if ended() {
                return false;
            }
        }
        false
    }

    fn kubeconfig(&self, stage: &Stage<'_>, original: &PathBuf) -> Result<PathBuf> {
        changed(stage, original, "forwarded.kubeconfig", |config| {
            config["clusters"][0]["cluster"]["server"] = json!(format!("https://127.0.0.1:{}", self.port));
            // The certificate of every API server is valid for this name, whatever the address.
            config["clusters"][0]["cluster"]["tls-server-name"] = json!("kubernetes");
        })
    }
}

struct Gate {
    count: AtomicUsize,
    reached: mpsc::Sender<()>,
    paused: Arc<AtomicBool>,
}

impl Gate {
    fn count(&self, bytes: usize, is_log: bool) {
        let before = self.count.fetch_add(bytes, Ordering::Relaxed);
        if before < MIDWAY && before + bytes >= MIDWAY {
            let _ = self.reached.send(());
        }
        while is_log && self.count.load(Ordering::Relaxed) >= MIDWAY && self.paused.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut counted: impl FnMut(usize)) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        counted(count);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
