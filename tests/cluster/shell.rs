//! Runs programs and waits for conditions, with errors that a person can act on.
//!
//! Every wait of the testbed goes through [`wait_until`] or [`run`], so every wait is bounded.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// An error text, ready to print. No caller of the testbed needs the kind of an error.
pub type Result<T> = std::result::Result<T, String>;

/// Exit code and output of a finished program.
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs a program for at most `limit`, and returns its output whatever its exit code.
pub fn finish(command: &mut Command, input: &[u8], limit: Duration) -> Result<Finished> {
    let name = describe(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{name}: could not start: {error}"))?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // A program may end before it has read everything; its exit code decides.
                let _ = stdin.write_all(input);
            }
        });
        let out = scope.spawn(move || read_all(stdout));
        let err = scope.spawn(move || read_all(stderr));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| format!("{name}: {error}"))? {
                break status;
            }
            if started.elapsed() > limit {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name}: not finished after {limit:?}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok(Finished {
            status,
            stdout: out.join().unwrap_or_default(),
            stderr: String::from_utf8_lossy(&err.join().unwrap_or_default()).into_owned(),
        })
    })
}

/// Runs a program that must succeed, and returns its standard output.
pub fn run(command: &mut Command) -> Result<String> {
    run_with(command, b"")
}

/// Like [`run`], with input on standard input.
pub fn run_with(command: &mut Command, input: &[u8]) -> Result<String> {
    let finished = finish(command, input, Duration::from_mins(2))?;
    let stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
    if finished.status.success() {
        return Ok(stdout);
    }
    Err(format!(
        "{}: {}\n{}",
        describe(command),
        finished.status,
        last_lines(&format!("{stdout}{}", finished.stderr), 20)
    ))
}

/// Calls `ask` repeatedly until it succeeds. The error after `limit` includes the last reason.
pub fn wait_until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(reason) if started.elapsed() > limit => {
                return Err(format!("{what}: not so after {limit:?}: {reason}"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Returns the end of a text, for error messages.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept = String::new();
    for line in &lines[lines.len().saturating_sub(count)..] {
        let _ = writeln!(kept, "    {line}");
    }
    kept
}

/// Returns the path of a program of the `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    // Debian's PATH for users lacks the folders of root's programs.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin";
    path.split(':').map(|folder| Path::new(folder).join(name)).find(|candidate| candidate.is_file())
}

fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args().take(8) {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

fn read_all(source: Option<impl std::io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut source) = source {
        let _ = source.read_to_end(&mut bytes);
    }
    bytes
}
