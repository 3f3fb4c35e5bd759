//! A sandbox of kernel namespaces: processes, network, mounts, IPC, host name and cgroups of its own.
//!
//! ```text
//! test runner ──stdin──▶ supervisor ──▶ setpriv ─exec▶ unshare ──▶ PID 1 of the sandbox ──▶ cluster,
//! clients, tests
//! ```
//!
//! Clean-up does not depend on code that might not run: when PID 1 ends, the kernel ends every process,
//! interface and mount inside. The supervisor has its own process group, so Ctrl-C does not reach it; it
//! notices the end of the runner as the end of its stdin. The kernel keeps cgroup directories: the supervisor
//! removes its own, and those left by killed supervisors.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::shell::{Result, find_program, run, wait_until};

/// First argument of the supervisor.
pub const SUPERVISE: &str = "--sandbox-supervise";

/// First argument of the sandbox's PID 1.
pub const INSIDE: &str = "--sandbox-inside";

/// Folder of everything that the sandbox writes; a tmpfs of its own, which disappears with it.
pub const STATE: &str = "/run/testbed";

const CGROUP_PREFIX: &str = "apigee-tls-testbed-";

/// Starts the supervisor, runs the sandbox with the given arguments, and waits for its end.
pub fn run_to_end(arguments: &[String]) -> Result<ExitCode> {
    let mut supervisor = start_supervisor(arguments, Stdio::inherit())?;
    // `wait` closes the child's stdin, which would end the sandbox.
    let _lifeline = supervisor.stdin.take();
    let status = supervisor.wait().map_err(|error| format!("the sandbox's supervisor: {error}"))?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(101)).unwrap_or(101)))
}

/// Starts the supervisor. The sandbox ends when the returned child's stdin is closed.
pub fn start_supervisor(arguments: &[String], output: Stdio) -> Result<Child> {
    check_possible()?;
    Command::new(own_program()?)
        .arg(SUPERVISE)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(output)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("the sandbox's supervisor: could not start: {error}"))
}

/// Runs the supervisor; the end of stdin means the end of the runner.
pub fn supervise(arguments: &[String]) -> Result<ExitCode> {
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    std::thread::spawn(move || {
        let mut rest = [0; 64];
        while std::io::stdin().read(&mut rest).is_ok_and(|count| count > 0) {}
        told.store(true, Ordering::Relaxed);
    });
    hold(arguments, Stdio::null(), || over.load(Ordering::Relaxed))
}

/// Runs a sandbox until it ends or `over` returns true, and removes its cgroups.
pub fn hold(arguments: &[String], stdin: Stdio, over: impl Fn() -> bool) -> Result<ExitCode> {
    remove_abandoned_cgroups();
    let cgroups = Cgroups::create()?;
    let mut child = cgroups.start_in(|| start_sandbox(arguments, stdin))?;
    let code = loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("the sandbox: {error}"))? {
            break status.code().unwrap_or(101);
        }
        if over() {
            let _ = child.kill();
            let _ = child.wait();
            break 130;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    cgroups.remove();
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(101)))
}

/// Checks the prerequisites of a sandbox; the error says what to do.
pub fn check_possible() -> Result<()> {
    const INSTEAD: &str =
        "or set APIGEE_TLS_TEST_KUBECONFIG to the kubeconfig of a throw-away cluster (kind, k3d, minikube)";
    if !cfg!(target_os = "linux") {
        return Err(format!("the test cluster starts on Linux only: run the tests there, {INSTEAD}"));
    }
    let status = fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc/self/status: {error}"))?;
    let is_root = status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    if !is_root {
        return Err(format!("the test cluster needs root for its namespaces: run the tests with sudo, {INSTEAD}"));
    }
    for program in ["setpriv", "unshare", "mount", "ip", "containerd", "ctr", "runc", "busybox", "kubectl"] {
        if find_program(program).is_none() {
            return Err(format!("{program} is not installed: run tests/setup.sh, {INSTEAD}"));
        }
    }
    Ok(())
}

/// Prepares the new namespaces for a cluster. Runs once, in PID 1.
pub fn furnish(node_address: &str, node_name: &str) -> Result<()> {
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"]))?;
    for folder in ["tmp", "var-lib", "var-lib-work"] {
        create_folder(&Path::new(STATE).join(folder))?;
    }
    // The kubelet and the CNI library write to fixed paths below /var/lib: overlay them.
    let layers = format!("lowerdir=/var/lib,upperdir={STATE}/var-lib,workdir={STATE}/var-lib-work");
    run(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &layers, "/var/lib"]))?;
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/log"]))?;
    // Names added by scenarios apply only inside the sandbox.
    let hosts = Path::new(STATE).join("hosts");
    fs::copy("/etc/hosts", &hosts).map_err(|error| format!("copy /etc/hosts: {error}"))?;
    run(Command::new("mount").arg("--bind").arg(&hosts).arg("/etc/hosts"))?;
    mount_cgroups()?;
    run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    run(Command::new("ip").args(["addr", "add", &format!("{node_address}/32"), "dev", "lo"]))?;
    fs::write("/proc/sys/kernel/hostname", node_name).map_err(|error| format!("set the host name: {error}"))
}

/// Returns the path of this test program, to start itself again in another role.
pub fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))
}

pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| format!("create {}: {error}", path.display()))
}

fn start_sandbox(arguments: &[String], stdin: Stdio) -> Result<Child> {
    // setpriv kills the child if the supervisor is killed, and with it everything inside.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup"])
        .args(["--fork", "--kill-child", "--mount-proc", "--"])
        .arg(own_program()?)
        .arg(INSIDE)
        .args(arguments)
        .stdin(stdin)
        .spawn()
        .map_err(|error| format!("the sandbox: could not start: {error}"))
}

/// One directory of ours in every cgroup hierarchy.
struct Cgroups {
    directories: Vec<PathBuf>,
    /// The supervisor's original cgroups, in the same order.
    origins: Vec<PathBuf>,
}

impl Cgroups {
    fn create() -> Result<Self> {
        let origins = own_cgroups()?;
        let name = format!("{CGROUP_PREFIX}{}", std::process::id());
        let mut directories = Vec::new();
        for origin in &origins {
            let directory = origin.join(&name);
            create_folder(&directory)?;
            // In cgroup v1 a new cpuset is empty, and no process can enter it.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if let Ok(value) = fs::read_to_string(origin.join(file)) {
                    let _ = fs::write(directory.join(file), value.trim());
                }
            }
            directories.push(directory);
        }
        Ok(Self { directories, origins })
    }

    /// Starts a process in these cgroups from its first instruction on: it inherits them from the supervisor.
    fn start_in<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = enter(&self.directories).and_then(|()| start());
        enter(&self.origins)?;
        started
    }

    fn remove(&self) {
        for directory in &self.directories {
            // The last processes of the sandbox may still be exiting.
            let _ = wait_until("remove cgroups", Duration::from_secs(10), || remove_cgroup(directory));
        }
    }
}

fn enter(directories: &[PathBuf]) -> Result<()> {
    for directory in directories {
        let file = directory.join("cgroup.procs");
        fs::write(&file, std::process::id().to_string())
            .map_err(|error| format!("write {}: {error}", file.display()))?;
    }
    Ok(())
}

/// Returns the cgroup paths of this process, one per hierarchy.
fn own_cgroups() -> Result<Vec<PathBuf>> {
    let memberships = fs::read_to_string("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))?;
    let mut found = Vec::new();
    for (controllers, mount_point) in cgroup_mounts()? {
        let Some(path) = memberships.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let same = parts.next() == Some(controllers.as_str());
            parts.next().filter(|_| same)
        }) else {
            continue;
        };
        let own = mount_point.join(path.trim_start_matches('/'));
        // In a container, the mount shows only a part of the hierarchy, and the path does not exist there.
        found.push(if own.is_dir() { own } else { mount_point });
    }
    Ok(found)
}

/// Returns the mounted cgroup hierarchies: controllers as in `/proc/self/cgroup` (none for v2), and mount
/// point.
fn cgroup_mounts() -> Result<Vec<(String, PathBuf)>> {
    let memberships = fs::read_to_string("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))?;
    let mounts = fs::read_to_string("/proc/self/mounts").map_err(|error| format!("/proc/self/mounts: {error}"))?;
    let mut found = Vec::new();
    for controllers in memberships.lines().filter_map(|line| line.split(':').nth(1)) {
        let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|fields| match fields[..] {
            [_, _, "cgroup2", ..] => controllers.is_empty(),
            [_, _, "cgroup", options, ..] => {
                !controllers.is_empty()
                    && controllers.split(',').all(|name| options.split(',').any(|option| option == name))
            }
            _ => false,
        });
        if let Some(fields) = mount {
            found.push((controllers.to_owned(), PathBuf::from(fields[1])));
        }
    }
    Ok(found)
}

/// Mounts every hierarchy again: inside the cgroup namespace its root is our own directory, so nothing
/// outside is visible.
fn mount_cgroups() -> Result<()> {
    let mounts = cgroup_mounts()?;
    let _ = run(Command::new("umount").args(["--recursive", "--lazy", "/sys/fs/cgroup"]));
    // A sysfs mounted in another network namespace shows the interfaces of that namespace.
    run(Command::new("mount").args(["-t", "sysfs", "sysfs", "/sys"]))?;
    if mounts.iter().all(|(controllers, _)| controllers.is_empty()) {
        run(Command::new("mount").args(["-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"]))?;
        return delegate_controllers(Path::new("/sys/fs/cgroup"));
    }
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/sys/fs/cgroup"]))?;
    for (controllers, mount_point) in mounts {
        create_folder(&mount_point)?;
        let kind = if controllers.is_empty() { "cgroup2" } else { "cgroup" };
        let mut command = Command::new("mount");
        command.args(["-t", kind]);
        if !controllers.is_empty() {
            command.args(["-o", &controllers]);
        }
        run(command.arg(kind).arg(&mount_point))?;
    }
    Ok(())
}

/// In cgroup v2, a directory either holds processes or passes controllers to its children, never both.
fn delegate_controllers(root: &Path) -> Result<()> {
    let leaf = root.join("sandbox");
    create_folder(&leaf)?;
    let failed = |error: std::io::Error| format!("pass cgroup controllers on: {error}");
    for process in fs::read_to_string(root.join("cgroup.procs")).map_err(failed)?.lines() {
        let _ = fs::write(leaf.join("cgroup.procs"), process);
    }
    for controller in fs::read_to_string(root.join("cgroup.controllers")).map_err(failed)?.split_whitespace() {
        let _ = fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"));
    }
    Ok(())
}

/// Removes the directories of dead supervisors.
fn remove_abandoned_cgroups() {
    for parent in own_cgroups().unwrap_or_default() {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(process) = name.strip_prefix(CGROUP_PREFIX)
                && !Path::new("/proc").join(process).exists()
            {
                let _ = wait_until("remove old cgroups", Duration::from_secs(5), || remove_cgroup(&entry.path()));
            }
        }
    }
}

fn remove_cgroup(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path())?;
        }
    }
    match fs::remove_dir(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("remove {}: {error}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the existing cgroup directories of a supervisor.
pub fn cgroups_of(supervisor: u32) -> Result<Vec<PathBuf>> {
    let name = format!("{CGROUP_PREFIX}{supervisor}");
    Ok(own_cgroups()?.into_iter().map(|parent| parent.join(&name)).filter(|path| path.exists()).collect())
}
