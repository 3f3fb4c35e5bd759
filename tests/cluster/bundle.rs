//! `collect` in a scenario: tar opens the bundle, `diagnose --from` prints the report in it, and no planted
//! secret appears anywhere.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::expect::{program, run};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::shell::{Result, last_lines, run as shell};
use crate::stage::Stage;

/// Prefix of secret values planted by scenarios.
const SENTINEL: &str = "SENTINEL";
/// File name of the added capture.
const CAPTURE: &str = "node.pcap";
/// Flags of `diagnose` that affect the judgement; `collect` leaves them to the reader of the bundle.
const JUDGING: [&str; 3] = ["--fail-on", "--only", "--skip"];

/// Returns whether something is planted. It is then also looked for in a second bundle, with pseudonyms.
pub fn has_secrets(scenario: &Scenario) -> bool {
    scenario.overrides.as_deref().is_some_and(|text| text.contains(SENTINEL))
}

/// Collects, reads back, and compares.
pub fn collect(stage: &Stage<'_>, kubeconfig: &Path) -> Result<()> {
    let has_secrets = has_secrets(stage.scenario);
    if has_secrets {
        fs::write(stage.folder.join(CAPTURE), capture()).map_err(|error| error.to_string())?;
    }
    let flags: &[&str] = if has_secrets { &["--pcap", CAPTURE] } else { &[] };
    let (unpacked, told) = collected(stage, kubeconfig, "bundle", flags)?;
    let report = Report::parse(&read(&unpacked.join("report.json"))?)?;
    if let Some(verdict) = stage.scenario.expect.verdict.as_deref().filter(|verdict| *verdict != report.verdict()) {
        return Err(format!("the bundle's verdict: {}, expected {verdict}", report.verdict()));
    }
    let groups = "03-environment-groups/environment-groups.txt";
    for file in ["README.md", "manifest.json", "evidence.json", "02-routes/apigeeroutes.txt", groups] {
        if !unpacked.join(file).is_file() {
            return Err(format!("there is no {file} in the bundle"));
        }
    }
    if has_secrets {
        was_redacted(&unpacked)?;
        let kept = read(&unpacked.join(format!("09-captures/1-{CAPTURE}")))?;
        let masked = String::from_utf8_lossy(&capture()).replace("Bearer SENTINEL-in-a-packet", &"*".repeat(27));
        if String::from_utf8_lossy(&kept) != masked {
            return Err(format!("the capture is another: {:?}", String::from_utf8_lossy(&kept)));
        }
    }
    if holds_secret(told.as_bytes()) {
        return Err("a secret is in what is printed".into());
    }
    leak(&unpacked, &holds_secret)?.map_or(Ok(()), |path| Err(format!("a secret is in {}", path.display())))
}

/// Collects with pseudonyms: the judgement must be that of the bundle without, and no original name may be
/// left.
pub fn collect_redacted(stage: &Stage<'_>, kubeconfig: &Path) -> Result<()> {
    let note = format!("as seen by {}", names(stage)[0]);
    let flags = ["--redact", "hosts,addresses", "--note", &note, "--pcap", CAPTURE];
    let (unpacked, told) = collected(stage, kubeconfig, "redacted", &flags)?;
    let plain = stage.folder.join("unpacked-bundle");
    let plain = fs::read_dir(&plain).map_err(|error| error.to_string())?.flatten().next().ok_or("no bundle before")?;
    let report = |folder: &Path| Report::parse(&read(&folder.join("report.json"))?);
    let (before, after) = (report(&plain.path())?, report(&unpacked)?);
    for outcome in ["found", "passed", "notApplicable", "unknown"] {
        let (before, after) = (before.codes(outcome), after.codes(outcome));
        if before != after {
            return Err(format!("{outcome}: {after:?} with pseudonyms, {before:?} without"));
        }
    }
    let mut names = names(stage);
    names.extend(seen(&parsed(&plain.path().join("evidence.json"))?));
    names.sort();
    names.dedup();
    if names.iter().all(|name| name.parse::<IpAddr>().is_err()) {
        return Err(format!("no client was seen: {names:?}"));
    }
    let holds = |bytes: &[u8]| names.iter().any(|name| bytes.windows(name.len()).any(|part| part == name.as_bytes()));
    if let Some(path) = leak(&unpacked, &holds)? {
        return Err(format!("one of {names:?} is in {}", path.display()));
    }
    let manifest = parsed(&unpacked.join("manifest.json"))?;
    if manifest["pseudonyms"] != json!(["addresses", "hosts"]) {
        return Err(format!("the manifest says of pseudonyms: {}", manifest["pseudonyms"]));
    }
    let is_capture = |skipped: &&Value| skipped["origin"] == format!("--pcap {CAPTURE}");
    let skipped = manifest["skipped"].as_array().into_iter().flatten().find(is_capture);
    if skipped.is_none_or(|skipped| !skipped["why"].as_str().unwrap_or_default().starts_with("withheld")) {
        return Err(format!("the capture is not withheld: {}", manifest["skipped"]));
    }
    let map = parsed(&stage.folder.join("redacted.names.json"))?;
    let known = map["names"].as_object().ok_or("no names")?;
    let missing = names.iter().find(|name| !known.values().any(|original| original == name.as_str()));
    if let Some(name) = missing {
        return Err(format!("{name} is not among the names"));
    }
    if !told.contains("redacted.names.json: list of pseudonyms; keep it, and do not send it to support") {
        return Err(format!("the names are not told of: {told}"));
    }
    continued(stage, kubeconfig, &map)
}

/// A later bundle written to a stream must have the same pseudonyms.
fn continued(stage: &Stage<'_>, kubeconfig: &Path, map: &Value) -> Result<()> {
    let flags = ["--redact", "hosts", "--redact-as", "redacted.names.json", "--probe", "none", "--logs", "none"];
    let mut command = program(&stage.folder);
    command.args(["collect", "-n", &stage.namespace, "--to", "-", "--kubeconfig"]).arg(kubeconfig).args(flags);
    let refused = run(&mut command)?;
    if refused.status.code() != Some(2) || !refused.stderr.contains("give --redact-map FILE") {
        return Err(format!("a stream without a place for the names: {}, {}", refused.status, refused.stderr));
    }
    let streamed = run(command.args(["--redact-map", "again.names.json"]))?;
    if streamed.status.code() != Some(0) || !streamed.stdout.starts_with(&[0x1f, 0x8b]) {
        return Err(format!("collect to a stream: {}, {}", streamed.status, streamed.stderr));
    }
    let again = parsed(&stage.folder.join("again.names.json"))?;
    let held = |(name, original): (&String, &Value)| again["names"][name] == *original;
    let known = map["names"].as_object().ok_or("no names")?;
    if again["key"] != map["key"] || !known.iter().filter(|(name, _)| name.ends_with(".example")).all(held) {
        return Err("another run with the same names gave others".into());
    }
    Ok(())
}

/// Returns one packet as tcpdump writes it: Ethernet, IP and TCP, and a request with a token.
fn capture() -> Vec<u8> {
    let request =
        b"GET / HTTP/1.1\r\nHost: api-test.mydomain.com\r\nAuthorization: Bearer SENTINEL-in-a-packet\r\n\r\n";
    let length = u8::try_from(40 + request.len()).unwrap_or_default();
    let ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let ip = [0x45, 0, 0, length, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 7, 10, 0, 0, 8];
    let tcp = [0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 2, 0, 0, 0, 0, 0];
    let packet = [&ethernet[..], &ip, &tcp, request].concat();
    let length = u32::try_from(packet.len()).unwrap_or_default().to_le_bytes();
    let header = [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    [&header[..], &[0; 8], &length, &length, &packet].concat()
}

/// Returns the scenario's own names.
fn names(stage: &Stage<'_>) -> Vec<String> {
    let groups = stage.scenario.env_groups.iter().flat_map(|group| group.hostnames.clone());
    let sent = stage.scenario.traffic.iter().filter_map(|traffic| traffic.server_name.clone());
    groups.chain(sent).map(|name| name.trim_start_matches("*.").to_owned()).collect()
}

/// Returns the hostnames and addresses in the evidence.
fn seen(evidence: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    let texts = |value: &Value| list(value).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    for route in list(&evidence["routes"]["seen"]["items"]) {
        names.extend(texts(&route["hostnames"]));
    }
    for endpoint in list(&evidence["probes"]["seen"]["endpoints"]) {
        names
            .extend([&endpoint["host"], &endpoint["address"]].into_iter().filter_map(Value::as_str).map(str::to_owned));
        for certificate in list(&endpoint["handshakes"]).iter().flat_map(|handshake| list(&handshake["certificates"])) {
            names.extend(texts(&certificate["dnsNames"]));
            names.extend(texts(&json!([certificate["fingerprint"], certificate["serial"]])));
        }
    }
    for stream in list(&evidence["accessLogs"]) {
        for tally in ["resetWithoutName", "resetWithName", "servedWithoutName"] {
            for keys in ["clients", "serverNames"] {
                let keys = stream["log"]["seen"][tally][keys].as_object().cloned().unwrap_or_default();
                names.extend(keys.into_iter().map(|(key, _)| key));
            }
        }
    }
    names.retain(|name| name != "*" && !name.ends_with(".apigee-tls.invalid"));
    names.iter().map(|name| name.trim_start_matches("*.").to_owned()).collect()
}

/// Checks that `--from` prints the same reports for the unpacked bundle, and checks the messages of
/// `collect`.
fn collected(stage: &Stage<'_>, kubeconfig: &Path, name: &str, flags: &[&str]) -> Result<(PathBuf, String)> {
    let file = format!("{name}.tar.gz");
    let mut command = program(&stage.folder);
    command.args(["collect", "-n", &stage.namespace, "--to", &file, "--case", "12345678", "--kubeconfig"]);
    command.arg(kubeconfig).args(gathering(&stage.scenario.diagnose)).args(flags);
    if !stage.scenario.diagnose.iter().any(|argument| argument == "--probe") {
        command.args(["--probe", "pods,services"]);
    }
    let collected = run(&mut command)?;
    if collected.status.code() != Some(0) || collected.stdout != format!("{file}\n").as_bytes() {
        let stdout = String::from_utf8_lossy(&collected.stdout);
        return Err(format!("collect: {}, {stdout:?}\n{}", collected.status, last_lines(&collected.stderr, 20)));
    }
    let unpacked = unpack(&stage.folder, &stage.folder.join(&file))?;
    let text = run(program(&stage.folder).args(["diagnose", "--from", &file, "-o", "wide"]))?;
    if text.stdout != read(&unpacked.join("report.txt"))? {
        return Err(format!("--from gives another report than the bundle holds: {}", last_lines(&text.stderr, 20)));
    }
    let of_folder = run(program(&stage.folder).args(["diagnose", "-o", "json", "--from"]).arg(&unpacked))?;
    if of_folder.stdout != read(&unpacked.join("report.json"))? {
        return Err("--from of the unpacked folder gives another report".into());
    }
    Ok((unpacked, collected.stderr + &String::from_utf8_lossy(&text.stdout)))
}

/// Planted secrets must have been found and redacted, not merely left out with their files.
fn was_redacted(unpacked: &Path) -> Result<()> {
    let manifest = parsed(&unpacked.join("manifest.json"))?;
    let files = manifest["files"].as_array().into_iter().flatten();
    let redacted: Vec<&str> = files
        .filter(|file| file["redactions"].as_object().is_some_and(|rules| !rules.is_empty()))
        .filter_map(|file| file["path"].as_str())
        .collect();
    for place in [
        "01-overrides/",
        "02-routes/apigeeroutes/",
        "02-routes/apigeeissues/",
        "05-logs/",
        "08-platform/services/",
        "09-captures/",
    ] {
        if !redacted.iter().any(|path| path.starts_with(place)) {
            return Err(format!("nothing was redacted in {place}; redacted were {redacted:?}"));
        }
    }
    Ok(())
}

/// Returns the arguments that affect gathering.
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

/// Unpacks a bundle beside it, and returns its top-level folder.
pub fn unpack(folder: &Path, bundle: &Path) -> Result<PathBuf> {
    let name = bundle.file_name().unwrap_or_default().to_string_lossy();
    let into = folder.join(format!("unpacked-{}", name.trim_end_matches(".tar.gz")));
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

fn parsed(path: &Path) -> Result<Value> {
    serde_json::from_slice(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns a file that holds a forbidden text, or has it in its name.
fn leak(folder: &Path, holds: &impl Fn(&[u8]) -> bool) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten() {
        let path = entry.path();
        if holds(entry.file_name().as_encoded_bytes()) {
            return Ok(Some(path));
        }
        if path.is_dir() {
            if let Some(found) = leak(&path, holds)? {
                return Ok(Some(found));
            }
        } else if holds(&read(&path)?) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn holds_secret(bytes: &[u8]) -> bool {
    bytes.windows(SENTINEL.len()).any(|window| window == SENTINEL.as_bytes())
        || bytes.windows(27).any(|window| window == b"-----BEGIN PRIVATE KEY-----")
}
