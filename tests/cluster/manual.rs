//! A cluster kept for working by hand: `--up [SCENARIO]`, `--exec COMMAND...`, `--down`.
//!
//! The sandbox has its own network, so the API server is reached through a listener opened outside and passed
//! in as stdin. Pods have no such listener: programs that need them run inside, by `--exec`.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::{self, create_folder, own_program};
use crate::scenario;
use crate::settings::{API_PORT, NODE_ADDRESS};
use crate::setup;
use crate::shell::{Result, last_lines, wait_until};
use crate::stage::Stage;
use crate::testbed::Testbed;

/// Argument of the process that holds the sandbox; its sandbox starts with [`KEEP`].
pub const HOLD: &str = "--sandbox-hold";
pub const KEEP: &str = "--sandbox-keep";

/// Starts a cluster in the background, with a scenario if one is named, and prints how to use it.
pub fn up(scenario: Option<&str>) -> Result<ExitCode> {
    sandbox::check_possible()?;
    let kept = kept_folder()?;
    if holder(&kept).is_some() {
        return Err("a cluster is up already: end it with --down".into());
    }
    for file in ["ready", "stop", "kubeconfig"] {
        let _ = fs::remove_file(kept.join(file));
    }
    let failed = |error: std::io::Error| format!("start the cluster: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let log = fs::File::create(kept.join("log")).map_err(failed)?;
    let mut child = Command::new(own_program()?)
        .args([HOLD, &port.to_string()])
        .args(scenario)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    wait_until("the cluster is up", Duration::from_mins(3), || {
        if let Ok(Some(status)) = child.try_wait() {
            // A permanent error, returned through the loop's result.
            return Ok(Err(format!("the cluster ended with {status}:\n{}", end_of_log(&kept))));
        }
        if kept.join("ready").is_file() { Ok(Ok(())) } else { Err(end_of_log(&kept)) }
    })??;
    println!("export KUBECONFIG={}", kept.join("kubeconfig").display());
    if let Some(scenario) = scenario {
        println!("kubectl -n apigee-{scenario} get pods,apigeeroutes");
    }
    println!("# inside, where pods can be reached: cargo test --test cluster -- --exec COMMAND");
    println!("# to end it:                         cargo test --test cluster -- --down");
    Ok(ExitCode::SUCCESS)
}

/// Ends the kept cluster.
pub fn down() -> Result<ExitCode> {
    let kept = kept_folder()?;
    if holder(&kept).is_none() {
        println!("no cluster is up");
        return Ok(ExitCode::SUCCESS);
    }
    fs::write(kept.join("stop"), "").map_err(|error| format!("stop: {error}"))?;
    wait_until("the cluster has ended", Duration::from_secs(30), || {
        if holder(&kept).is_none() { Ok(()) } else { Err(end_of_log(&kept)) }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command inside the kept sandbox.
pub fn exec(arguments: &[String]) -> Result<ExitCode> {
    let kept = kept_folder()?;
    let inside = first_process(&kept).ok_or("no cluster is up: start one with --up")?;
    let error = Command::new("nsenter")
        .args(["--target", &inside, "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--"])
        .args(arguments)
        .env("KUBECONFIG", crate::settings::path("admin.kubeconfig"))
        .exec();
    Err(format!("nsenter: {error}"))
}

/// Runs the process that holds the sandbox until it is told to stop.
pub fn hold(arguments: &[String]) -> Result<ExitCode> {
    let kept = kept_folder()?;
    fs::write(kept.join("pid"), std::process::id().to_string()).map_err(|error| format!("pid: {error}"))?;
    let mut inner = vec![KEEP.to_owned()];
    inner.extend_from_slice(arguments);
    let outcome = sandbox::hold(&inner, Stdio::inherit(), || kept.join("stop").exists());
    for file in ["ready", "stop", "kubeconfig", "pid"] {
        let _ = fs::remove_file(kept.join(file));
    }
    outcome
}

/// Runs the first process of the kept sandbox.
pub fn keep(arguments: &[String]) -> Result<ExitCode> {
    let kept = kept_folder()?;
    let port = arguments.first().ok_or("no port was given")?;
    let listener = std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| format!("the listener: {error}"))?;
    let testbed = Testbed::start()?;
    std::thread::spawn(move || forward(&TcpListener::from(listener)));
    let mut config: Value = fs::read_to_string(&testbed.kubeconfig)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))?;
    config["clusters"][0]["cluster"]["server"] = json!(format!("https://127.0.0.1:{port}"));
    write_private(&kept.join("kubeconfig"), &config.to_string())?;
    let chosen = match arguments.get(1) {
        Some(name) => {
            Some(scenario::all()?.into_iter().find(|scenario| scenario.name == *name).ok_or("no such scenario")?)
        }
        None => None,
    };
    let mut stage = match &chosen {
        Some(scenario) => {
            let mut stage = Stage::set(&testbed, scenario)?;
            stage.send(&scenario.traffic)?;
            stage.record()?;
            Some(stage)
        }
        None => None,
    };
    fs::write(kept.join("ready"), "").map_err(|error| format!("ready: {error}"))?;
    loop {
        // Manual changes take effect, as under Apigee's manager.
        if let Some(Err(reason)) = stage.as_mut().map(Stage::reconcile) {
            eprintln!("{reason}");
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

fn kept_folder() -> Result<PathBuf> {
    let kept = setup::paths()?.kept;
    create_folder(&kept)?;
    Ok(kept)
}

/// Returns the process that holds the cluster, if it is alive.
fn holder(kept: &Path) -> Option<String> {
    let process = fs::read_to_string(kept.join("pid")).ok()?;
    let command = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
    command.contains(HOLD).then_some(process)
}

/// Returns the outer PID of the sandbox's first process: the child of the holder's child.
fn first_process(kept: &Path) -> Option<String> {
    let child = |process: String| {
        let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
        children.split_whitespace().next().map(ToOwned::to_owned)
    };
    child(child(holder(kept)?)?)
}

fn forward(listener: &TcpListener) {
    for outside in listener.incoming().flatten() {
        let Ok(inside) = TcpStream::connect((NODE_ADDRESS, API_PORT)) else { continue };
        let (Ok(outside_copy), Ok(inside_copy)) = (outside.try_clone(), inside.try_clone()) else { continue };
        std::thread::spawn(move || pass(outside, inside));
        std::thread::spawn(move || pass(inside_copy, outside_copy));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn write_private(file: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |error: std::io::Error| format!("write {}: {error}", file.display());
    let mut open =
        fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(file).map_err(failed)?;
    open.write_all(text.as_bytes()).map_err(failed)
}

fn end_of_log(kept: &Path) -> String {
    last_lines(&fs::read_to_string(kept.join("log")).unwrap_or_default(), 20)
}
