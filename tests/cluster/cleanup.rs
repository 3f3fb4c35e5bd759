//! Tests that a sandbox leaves nothing behind, however it ends: starts small ones inside the sandbox and
//! kills them.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::sandbox;
use crate::shell::{Result, run, wait_until};

/// Argument for a sandbox that runs [`live_and_wait`].
pub const LIVE_AND_WAIT: &str = "--live-and-wait";

/// Argument for a sandbox that ends at once.
pub const NOTHING: &str = "--nothing";

/// Leaves a process, a mount, an interface and a cgroup with the given mark, as a cluster would, and waits to
/// be killed.
pub fn live_and_wait(mark: &str) -> Result<ExitCode> {
    sandbox::furnish("10.89.0.2", mark)?;
    run(Command::new("mount").args(["-t", "tmpfs", mark, "/mnt"]))?;
    run(Command::new("ip").args(["link", "add", &mark[..mark.len().min(15)], "type", "bridge"]))?;
    if let Some(hierarchy) = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().next() {
        sandbox::create_folder(&hierarchy.path().join(mark))?;
    }
    let mut child = Command::new("sh")
        .args(["-c", "while :; do sleep 1; done", mark])
        .spawn()
        .map_err(|error| error.to_string())?;
    println!("ready");
    child.wait().map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Tests both ways to cut a run short: the runner ends (Ctrl-C, SIGKILL), or the supervisor itself is killed.
pub fn after_a_kill() -> Result<()> {
    for (number, kills_supervisor) in [(1, false), (2, true)] {
        let mark = format!("tb-mark-{number}");
        let arguments = [LIVE_AND_WAIT.to_owned(), mark.clone()];
        let mut supervisor = sandbox::start_supervisor(&arguments, Stdio::piped())?;
        let stdout = supervisor.stdout.take().ok_or("the supervisor has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        if traces(&mark)?.is_empty() {
            return Err(format!("the small sandbox did not start: {line:?}"));
        }
        // For the supervisor, the end of the runner is the end of this pipe.
        drop(supervisor.stdin.take());
        if kills_supervisor {
            let _ = supervisor.kill();
        }
        let _ = supervisor.wait();
        if kills_supervisor {
            // The kernel keeps the cgroup directories; the next sandbox removes them.
            sandbox::start_supervisor(&[NOTHING.to_owned()], Stdio::null())?
                .wait()
                .map_err(|error| error.to_string())?;
        }
        wait_until("nothing is left of the small sandbox", Duration::from_secs(10), || {
            let left = traces(&mark)?;
            let cgroups = sandbox::cgroups_of(supervisor.id())?;
            if left.is_empty() && cgroups.is_empty() { Ok(()) } else { Err(format!("{left:?} {cgroups:?}")) }
        })?;
    }
    Ok(())
}

/// Returns processes, mounts and interfaces with a mark.
fn traces(mark: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?.flatten() {
        let command = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if command.split('\0').any(|argument| argument == mark) {
            found.push(format!("process {}: {}", entry.file_name().to_string_lossy(), command.replace('\0', " ")));
        }
    }
    let tables = [run(Command::new("cat").arg("/proc/self/mounts"))?, run(Command::new("ip").args(["-o", "link"]))?];
    found.extend(
        tables.iter().flat_map(|table| table.lines()).filter(|line| line.contains(mark)).map(ToOwned::to_owned),
    );
    Ok(found)
}
