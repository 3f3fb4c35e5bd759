//! What a release consists of: an archive that krew itself installs, runs, upgrades and removes, a manifest that
//! its own checker accepts, and workflows that their checker accepts.
//!
//! The archive holds the program of the tests, which is larger than a published one.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use flate2::read::GzDecoder;
use tar::Archive;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-apigee_tls");

/// The folder of krew and of the checkers, which `tests/setup.sh all` builds.
fn tools() -> PathBuf {
    let paths = Command::new(Path::new(ROOT).join("tests/setup.sh")).arg("paths").output().expect("setup.sh runs");
    let paths = String::from_utf8(paths.stdout).expect("paths are text");
    let folder = paths.lines().find_map(|line| line.strip_prefix("tools=")).expect("setup.sh names the tools");
    assert!(Path::new(folder).join("krew").is_file(), "tests/setup.sh all builds krew");
    folder.into()
}

fn succeeds(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Packs the program of the tests.
fn packed(folder: &Path) -> PathBuf {
    let mut pack = Command::new("python3");
    pack.arg(Path::new(ROOT).join("packaging/archive.py")).args([PROGRAM, "linux_amd64", "--any-size", "--to"]);
    PathBuf::from(succeeds(pack.arg(folder)).trim())
}

fn manifest(folder: &Path, url: &str) -> PathBuf {
    let mut fill = Command::new("python3");
    fill.arg(Path::new(ROOT).join("packaging/krew-manifest.py")).arg(folder).args(["--url", url]);
    PathBuf::from(succeeds(&mut fill).trim())
}

/// Serves the files of a folder over HTTP until the test ends. Returns the URL.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client connects");
            let mut request = [0; 4096];
            let length = stream.read(&mut request).expect("a request comes");
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let name = request.split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            let content = fs::read(folder.join(name)).expect("the file is there");
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
            stream.write_all(&[head.as_bytes(), &content].concat()).expect("the client reads");
        }
    });
    url
}

/// The files of an archive, with their modes.
fn content(archive: &Path) -> BTreeMap<String, u32> {
    let mut archive = Archive::new(GzDecoder::new(fs::File::open(archive).expect("the archive is there")));
    let entries = archive.entries().expect("it is an archive");
    let entries = entries.map(|entry| {
        let entry = entry.expect("an entry can be read");
        assert!(entry.header().entry_type().is_file(), "krew refuses links");
        let name = entry.path().expect("it has a name").to_string_lossy().into_owned();
        (name, entry.header().mode().expect("it has a mode"))
    });
    entries.collect()
}

#[test]
fn the_archive_holds_what_it_has_to_and_twice_the_same_bytes() {
    let [one, two] = [(), ()].map(|()| tempfile::tempdir().expect("a folder"));
    let (first, second) = (packed(one.path()), packed(two.path()));
    assert!(fs::read(&first).expect("it is there") == fs::read(&second).expect("it is there"), "the bytes differ");
    let files = content(&first);
    assert_eq!(files.get("kubectl-apigee_tls"), Some(&0o755));
    assert_eq!(files.get("completions/kubectl_complete-apigee_tls"), Some(&0o755));
    for name in [
        "LICENSE",
        "NOTICES",
        "README.md",
        "SECURITY.md",
        "completions/_kubectl-apigee-tls",
        "man/kubectl-apigee-tls.1",
    ] {
        assert_eq!(files.get(name), Some(&0o644), "{name} in {files:?}");
    }
}

#[test]
fn notices_hold_the_licences_of_what_is_built_in() {
    let notices = succeeds(
        Command::new("python3").arg(Path::new(ROOT).join("packaging/notices.py")).arg("x86_64-unknown-linux-gnu"),
    );
    for title in ["openssl-src", "kube ", "tokio ", "zlib-rs ", "owo-colors "] {
        assert!(notices.lines().any(|line| line.starts_with(title)), "{title}");
    }
    assert!(notices.contains("Permission is hereby granted, free of charge") && notices.contains("Apache License"));
    assert!(!notices.contains("\ninsta "), "what only tests use is not built in");
}

#[test]
fn krew_installs_runs_upgrades_and_removes_the_plugin() {
    let tools = tools();
    let home = tempfile::tempdir().expect("a folder");
    let archives = home.path().join("archives");
    fs::create_dir(&archives).expect("it can be created");
    let archive = packed(&archives);
    let url = serve(archives.clone());
    let manifest = manifest(&archives, &url);
    let root = home.path().join("krew");
    let run_in = |root: &Path, program: &Path, arguments: &[&str]| {
        let path = format!("{}:{}", root.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command.args(arguments).env("KREW_ROOT", root).env("HOME", home.path()).env("PATH", path);
        command.env("KREW_OS", "linux").env("KREW_ARCH", "amd64").env("KREW_NO_UPGRADE_CHECK", "1");
        succeeds(&mut command)
    };
    let run = |program: &Path, arguments: &[&str]| run_in(&root, program, arguments);
    let krew = |arguments: &[&str]| run(&tools.join("krew"), arguments);
    let git = |folder: &Path, arguments: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-C"];
        run(Path::new("git"), &[&identity[..], &[&folder.to_string_lossy()], arguments].concat())
    };

    // An index of one's own: a repository with `plugins/`.
    let index = home.path().join("index");
    fs::create_dir_all(index.join("plugins")).expect("it can be created");
    let publish = |text: &str| {
        fs::write(index.join("plugins/apigee-tls.yaml"), text).expect("it can be written");
        git(&index, &["add", "-A"]);
        git(&index, &["commit", "-q", "-m", "a version"]);
    };
    git(&index, &["init", "-q"]);
    let text = fs::read_to_string(&manifest).expect("the manifest is there");
    publish(&text);
    run(&tools.join("validate-krew-manifest"), &["-manifest", &manifest.to_string_lossy(), "-skip-install"]);
    krew(&["index", "add", "own", &format!("file://{}", index.display())]);
    krew(&["install", "own/apigee-tls"]);
    let kubectl = |arguments: &[&str]| run(Path::new("kubectl"), arguments);
    let version = kubectl(&["apigee-tls", "version"]);
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");

    // kubectl completes the plugin once its own line is followed.
    let told = kubectl(&["apigee-tls", "completion", "--install"]);
    assert!(told.contains("kubectl_complete-apigee_tls"), "{told}");
    let candidates = kubectl(&["__complete", "apigee-tls", "diag"]);
    assert!(candidates.lines().any(|line| line.starts_with("diagnose")), "{candidates}");

    let next = archive.with_file_name("kubectl-apigee_tls_99.0.0_linux_amd64.tar.gz");
    fs::copy(&archive, &next).expect("it can be copied");
    publish(&text.replace(&format!("v{}", env!("CARGO_PKG_VERSION")), "v99.0.0").replace(
        &*archive.file_name().expect("it has a name").to_string_lossy(),
        "kubectl-apigee_tls_99.0.0_linux_amd64.tar.gz",
    ));
    krew(&["update"]);
    krew(&["upgrade", "apigee-tls"]);
    let list = krew(&["list"]);
    assert!(list.contains("apigee-tls"), "{list}");
    assert!(root.join("store/apigee-tls/v99.0.0").is_dir());
    krew(&["uninstall", "apigee-tls"]);
    assert!(!root.join("bin/kubectl-apigee_tls").exists());

    // From the archive alone, as the README shows it.
    let other = home.path().join("other");
    let given = ["install", "--manifest", &manifest.to_string_lossy(), "--archive", &archive.to_string_lossy()];
    run_in(&other, &tools.join("krew"), &given);
    run_in(&other, Path::new("kubectl"), &["apigee-tls", "version"]);
}

#[test]
fn the_template_names_all_platforms() {
    let folder = tempfile::tempdir().expect("a folder");
    for platform in ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"] {
        let name = format!("kubectl-apigee_tls_{}_{platform}.tar.gz", env!("CARGO_PKG_VERSION"));
        fs::write(folder.path().join(name), platform).expect("it can be written");
    }
    let name = format!("kubectl-apigee_tls_{}_windows_amd64.zip", env!("CARGO_PKG_VERSION"));
    fs::write(folder.path().join(name), "windows").expect("it can be written");
    let manifest = manifest(folder.path(), "https://example.com/download");
    succeeds(Command::new(tools().join("validate-krew-manifest")).args(["-skip-install", "-manifest"]).arg(&manifest));
    let text = fs::read_to_string(manifest).expect("it is there");
    assert_eq!(text.matches("sha256: \"").count(), 5);
    assert!(!text.contains("{{"), "{text}");
}

#[test]
fn workflows_have_no_faults_and_pinned_actions() {
    let folder = Path::new(ROOT).join(".github/workflows");
    let mut lint = Command::new(tools().join("actionlint"));
    for entry in fs::read_dir(folder).expect("there are workflows") {
        let path = entry.expect("it can be listed").path();
        let text = fs::read_to_string(&path).expect("a workflow is text");
        for line in text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action) {
            let pin = line.split_once('@').map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
            let is_pinned = pin.is_some_and(|pin| pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(is_pinned, "{}: {line}", path.display());
        }
        assert!(text.contains("\npermissions: {}\n"), "{}: permissions are given job by job", path.display());
        lint.arg(path);
    }
    succeeds(&mut lint);
}
