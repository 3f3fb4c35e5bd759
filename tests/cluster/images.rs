//! Container images as docker-archives: one layer of files of this machine, without registry or image
//! builder.
//!
//! The ingress image holds Envoy with its libraries, and busybox for the harness's commands. The small image
//! holds only busybox, and serves as sidecar and as pause container. The recorder image holds tcpdump and
//! busybox, for `capture`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use openssl::sha::Sha256;
use serde_json::{Value, json};

use crate::objects::hex;
use crate::sandbox::create_folder;
use crate::shell::{Result, find_program, run};

pub const INGRESS: &str = "apigee-tls.test/ingressgateway:1";
pub const SMALL: &str = "apigee-tls.test/small:1";

pub const RECORDER: &str = "apigee-tls.test/recorder:1";

pub const PROGRAM: &str = "apigee-tls.test/kubectl-apigee-tls:1";

/// Writes the images into a folder unless they exist, and returns their paths.
pub fn prepare(folder: &Path, envoy: &Path) -> Result<Vec<PathBuf>> {
    create_folder(folder)?;
    let busybox = find_program("busybox").ok_or("busybox is not installed: run tests/setup.sh")?;
    let tcpdump = find_program("tcpdump").ok_or("tcpdump is not installed: run tests/setup.sh")?;
    let shell = (busybox, "bin/busybox".to_owned());
    let with_shell = |mut files: Vec<(PathBuf, String)>| {
        files.push(shell.clone());
        files
    };
    let ingress = with_shell(with_libraries(envoy, "usr/local/bin/envoy")?);
    let mut recorder = with_shell(with_libraries(&tcpdump, "usr/local/bin/tcpdump")?);
    // tcpdump looks up the user that it is to remain.
    recorder.push(("/etc/passwd".into(), "etc/passwd".into()));
    Ok(vec![
        archive(folder, "ingressgateway.tar", INGRESS, &ingress)?,
        archive(folder, "recorder.tar", RECORDER, &recorder)?,
        archive(folder, "small.tar", SMALL, &with_shell(Vec::new()))?,
    ])
}

/// Writes the image of the program under test, whose entry point it is.
pub fn program(folder: &Path, program: &Path) -> Result<PathBuf> {
    create_folder(folder)?;
    let place = "opt/kubectl-apigee-tls";
    archive_with(folder, "program.tar", PROGRAM, &with_libraries(program, place)?, &json!([format!("/{place}")]))
}

/// Returns a program and its libraries, with their places in an image.
fn with_libraries(program: &Path, place: &str) -> Result<Vec<(PathBuf, String)>> {
    let mut files = vec![(program.to_owned(), place.to_owned())];
    for library in linked_libraries(program)? {
        let place = library.to_string_lossy().trim_start_matches('/').to_owned();
        files.push((library, place));
    }
    Ok(files)
}

fn archive(folder: &Path, name: &str, image: &str, files: &[(PathBuf, String)]) -> Result<PathBuf> {
    // Pause containers start the command of the image; all others name theirs.
    archive_with(folder, name, image, files, &json!(["/bin/busybox", "sleep", "2147483647"]))
}

fn archive_with(
    folder: &Path,
    name: &str,
    image: &str,
    files: &[(PathBuf, String)],
    entry_point: &Value,
) -> Result<PathBuf> {
    let target = folder.join(name);
    if target.is_file() {
        return Ok(target);
    }
    // Two runs may build at once: each in its own folder, and the rename decides.
    let work = folder.join(format!("{name}.{}", std::process::id()));
    let root = work.join("root");
    for (from, to) in files {
        let to = root.join(to);
        create_folder(to.parent().unwrap_or(&root))?;
        fs::copy(from, &to).map_err(|error| format!("copy {} into an image: {error}", from.display()))?;
    }
    for applet in ["cat", "echo", "grep", "kill", "mkdir", "mv", "seq", "sh", "sleep"] {
        create_folder(&root.join("bin"))?;
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet))
            .map_err(|error| format!("link {applet} in an image: {error}"))?;
    }
    create_folder(&root.join("tmp"))?;
    let tar = |archive: &Path, folder: &Path| {
        run(Command::new("tar")
            .args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-cf"])
            .arg(archive)
            .arg("-C")
            .arg(folder)
            .arg("."))
    };
    let content = work.join("content");
    create_folder(&content)?;
    tar(&content.join("layer.tar"), &root)?;
    let config = json!({
        "architecture": architecture(), "os": "linux",
        "config": { "Entrypoint": entry_point, "Env": ["PATH=/usr/local/bin:/bin"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", digest(&content.join("layer.tar"))?)] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"] }]);
    for (file, value) in [("config.json", &config), ("manifest.json", &manifest)] {
        fs::write(content.join(file), value.to_string()).map_err(|error| format!("write {file}: {error}"))?;
    }
    let whole = work.join("image.tar");
    tar(&whole, &content)?;
    fs::rename(&whole, &target).map_err(|error| format!("create {}: {error}", target.display()))?;
    let _ = fs::remove_dir_all(&work);
    Ok(target)
}

/// Returns the shared libraries of a program and the loader, as `ldd` lists them.
fn linked_libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let listing = run(Command::new("ldd").arg(program))?;
    Ok(listing
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect())
}

fn digest(file: &Path) -> Result<String> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| format!("read {}: {error}", file.display());
    let mut source = fs::File::open(file).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = source.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    Ok(hex(&hash.finish()))
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "amd64",
        other => other,
    }
}
