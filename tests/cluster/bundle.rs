//! `collect` in a scenario: the bundle opens with tar, `diagnose --from` gives the report that is in it, and nothing that was
//! planted as a secret comes out anywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::expect::{program, run};
use crate::report::Report;
use crate::shell::{Result, last_lines, run as shell};
use crate::stage::Stage;

/// What a scenario plants as a secret value begins so.
const SENTINEL: &str = "SENTINEL";
/// Flags of `diagnose` that say how to judge, which `collect` leaves to whoever reads the bundle.
const JUDGING: [&str; 3] = ["--fail-on", "--only", "--skip"];

/// Collects, reads back, compares.
pub fn collect(stage: &Stage<'_>, kubeconfig: &Path) -> Result<()> {
    let bundle = stage.folder.join("bundle.tar.gz");
    let mut command = program(&stage.folder);
    command.args(["collect", "-n", &stage.namespace, "--to", "bundle.tar.gz", "--case", "12345678", "--kubeconfig"]);
    command.arg(kubeconfig).args(gathering(&stage.scenario.diagnose));
    if !stage.scenario.diagnose.iter().any(|argument| argument == "--probe") {
        command.args(["--probe", "pods,services"]);
    }
    let collected = run(&mut command)?;
    if collected.status.code() != Some(0) || collected.stdout != b"bundle.tar.gz\n" {
        let stdout = String::from_utf8_lossy(&collected.stdout);
        return Err(format!("collect: {}, {stdout:?}\n{}", collected.status, last_lines(&collected.stderr, 20)));
    }
    let unpacked = unpack(&stage.folder, &bundle)?;
    let text = run(program(&stage.folder).args(["diagnose", "--from", "bundle.tar.gz"]))?;
    let kept = read(&unpacked.join("report.txt"))?;
    if text.stdout != kept {
        return Err(format!("--from gives another report than the bundle holds: {}", last_lines(&text.stderr, 20)));
    }
    let of_folder = run(program(&stage.folder).args(["diagnose", "-o", "json", "--from"]).arg(&unpacked))?;
    if of_folder.stdout != read(&unpacked.join("report.json"))? {
        return Err("--from of the unpacked folder gives another report".into());
    }
    let report = Report::parse(&of_folder.stdout)?;
    if let Some(verdict) = stage.scenario.expect.verdict.as_deref().filter(|verdict| *verdict != report.verdict()) {
        return Err(format!("the bundle's verdict: {}, expected {verdict}", report.verdict()));
    }
    let groups = "03-environment-groups/environment-groups.txt";
    for file in ["README.md", "manifest.json", "evidence.json", "02-routes/apigeeroutes.txt", groups] {
        if !unpacked.join(file).is_file() {
            return Err(format!("there is no {file} in the bundle"));
        }
    }
    if stage.scenario.overrides.as_deref().is_some_and(|text| text.contains(SENTINEL)) {
        was_redacted(&unpacked)?;
    }
    let mut told = collected.stderr.into_bytes();
    told.extend(text.stdout);
    let leak = leak(&unpacked)?.or_else(|| holds_secret(&told).then(|| PathBuf::from("what is printed")));
    leak.map_or(Ok(()), |path| Err(format!("a secret is in {}", path.display())))
}

/// What was planted was met and taken out, and not merely left out with its files.
fn was_redacted(unpacked: &Path) -> Result<()> {
    let manifest: Value =
        serde_json::from_slice(&read(&unpacked.join("manifest.json"))?).map_err(|error| error.to_string())?;
    let files = manifest["files"].as_array().into_iter().flatten();
    let redacted: Vec<&str> = files
        .filter(|file| file["redactions"].as_object().is_some_and(|rules| !rules.is_empty()))
        .filter_map(|file| file["path"].as_str())
        .collect();
    for place in
        ["01-overrides/", "02-routes/apigeeroutes/", "02-routes/apigeeissues/", "05-logs/", "08-platform/services/"]
    {
        if !redacted.iter().any(|path| path.starts_with(place)) {
            return Err(format!("nothing was redacted in {place}; redacted were {redacted:?}"));
        }
    }
    Ok(())
}

/// The arguments that say what to gather.
fn gathering(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if JUDGING.contains(&argument.as_str()) {
            rest.next();
        } else {
            kept.push(argument.clone());
        }
    }
    kept
}

/// Unpacks a bundle beside it, and gives its one top folder.
pub fn unpack(folder: &Path, bundle: &Path) -> Result<PathBuf> {
    let into = folder.join("unpacked");
    fs::create_dir_all(&into).map_err(|error| format!("{}: {error}", into.display()))?;
    shell(Command::new("tar").arg("xzf").arg(bundle).arg("-C").arg(&into))?;
    let mut top = fs::read_dir(&into).map_err(|error| error.to_string())?.flatten();
    match (top.next(), top.next()) {
        (Some(one), None) => Ok(one.path()),
        _ => Err("the bundle has more or less than one top folder".into()),
    }
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A file that holds what was planted.
fn leak(folder: &Path) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = leak(&path)? {
                return Ok(Some(found));
            }
        } else if holds_secret(&read(&path)?) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn holds_secret(bytes: &[u8]) -> bool {
    bytes.windows(SENTINEL.len()).any(|window| window == SENTINEL.as_bytes())
        || bytes.windows(27).any(|window| window == b"-----BEGIN PRIVATE KEY-----")
}
