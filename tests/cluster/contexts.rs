//! Several contexts in one run: one of the administrator, one of the scenario's user, and one without a
//! server.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use serde_json::{Value, json};

use crate::expect::{compare, program, run};
use crate::midway::kubeconfig_with;
use crate::report::Report;
use crate::shell::{Finished, Result, last_lines};
use crate::stage::Stage;

/// The contexts in order, with the exit code of each.
const CONTEXTS: [(&str, i32); 3] = [("admin", 0), ("gone", 2), ("team/engineer:x", 3)];
/// Exit code: no findings, but one context failed.
const EXIT_CODE: i32 = 2;

/// Diagnoses and collects all three; `kubeconfig` is that of the scenario's user.
pub fn ask(stage: &Stage<'_>, kubeconfig: &Path) -> Result<()> {
    let text = fs::read_to_string(kubeconfig).map_err(|error| format!("{}: {error}", kubeconfig.display()))?;
    let of_user: Value = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    let user = of_user["users"][0]["user"].clone();
    kubeconfig_with(stage, "contexts.kubeconfig", |config| {
        let (cluster, administrator) = (config["clusters"][0]["name"].clone(), config["users"][0]["name"].clone());
        if let Some(clusters) = config["clusters"].as_array_mut() {
            clusters.push(json!({ "name": "gone", "cluster": { "server": "https://127.0.0.1:1" } }));
        }
        if let Some(users) = config["users"].as_array_mut() {
            users.push(json!({ "name": "engineer", "user": user }));
        }
        config["contexts"] = json!([
            { "name": "team/engineer:x", "context": { "cluster": cluster, "user": "engineer" } },
            { "name": "gone", "context": { "cluster": "gone", "user": "engineer" } },
            { "name": "admin", "context": { "cluster": cluster, "user": administrator } },
        ]);
    })?;
    diagnose(stage)?;
    collect(stage)
}

fn finished(stage: &Stage<'_>, arguments: &[&str]) -> Result<Finished> {
    let mut command = program(&stage.folder);
    command.args(arguments).args(["-n", &stage.namespace, "--probe", "pods,services"]);
    let names = CONTEXTS.map(|(name, _)| name).join(",");
    let finished = run(command.args(["--kubeconfig", "contexts.kubeconfig", "--contexts", &names]))?;
    if finished.status.code() != Some(EXIT_CODE) {
        let told = last_lines(&finished.stderr, 20);
        return Err(format!("{arguments:?} of several contexts: {}, expected {EXIT_CODE}\n{told}", finished.status));
    }
    Ok(finished)
}

fn diagnose(stage: &Stage<'_>) -> Result<()> {
    let finished = finished(stage, &["diagnose", "-o", "json"])?;
    let document: Value = serde_json::from_slice(&finished.stdout).map_err(|error| error.to_string())?;
    // Those with a report first: the context that failed is last.
    let [administrator, gone, engineer] = CONTEXTS;
    let codes = [administrator, engineer, gone].map(|(name, code)| json!({ "context": name, "exitCode": code }));
    let summary = document["summary"].as_array().into_iter().flatten();
    let told: Vec<Value> =
        summary.map(|line| json!({ "context": line["context"], "exitCode": line["exitCode"] })).collect();
    if told != codes {
        return Err(format!("the summary says {told:?}, expected {codes:?}"));
    }
    let of = |index: usize| &document["contexts"][index];
    let bytes = |index: usize| of(index)["report"].to_string().into_bytes();
    let verdict = Report::parse(&bytes(0))?.verdict().to_owned();
    if verdict != "healthy" {
        return Err(format!("the administrator's verdict: {verdict}"));
    }
    if !of(2)["error"]["message"].as_str().is_some_and(|why| why.ends_with("connection refused")) {
        return Err(format!("of the cluster that is not there: {}", of(2)));
    }
    let (stdout, status) = (bytes(1), ExitStatus::from_raw(engineer.1 << 8));
    compare(&Finished { status, stdout, stderr: String::new() }, &stage.scenario.expect)
}

fn collect(stage: &Stage<'_>) -> Result<()> {
    fs::create_dir_all(stage.folder.join("bundles")).map_err(|error| format!("bundles: {error}"))?;
    let finished = finished(stage, &["collect", "--to", "bundles"])?;
    let paths = String::from_utf8_lossy(&finished.stdout).into_owned();
    let paths: Vec<&str> = paths.lines().collect();
    let verdicts: Vec<String> = paths
        .iter()
        .map(|path| {
            let again = run(program(&stage.folder).args(["diagnose", "-o", "json", "--from", path]))?;
            Ok(Report::parse(&again.stdout)?.verdict().to_owned())
        })
        .collect::<Result<_>>()?;
    if verdicts != ["healthy", "unknown"] {
        return Err(format!("bundles {paths:?} with the verdicts {verdicts:?}\n{}", finished.stderr));
    }
    Ok(())
}
