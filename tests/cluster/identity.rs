//! An identity of the command line alone: kubectl's flags for certificates and tokens, and commands to paste
//! that carry them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::expect;
use crate::objects::text;
use crate::shell::{Finished, Result, last_lines, run};
use crate::testbed::Testbed;

/// Has nothing of Apigee, so that the first command to paste looks for it.
const NAMESPACE: &str = "default";

/// Reaches the cluster by address, certificate and token, without any kubeconfig.
pub fn of_the_command_line(testbed: &Testbed) -> Result<()> {
    let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
    let folder = folder.path();
    let kubeconfig = fs::read_to_string(&testbed.kubeconfig).map_err(|error| error.to_string())?;
    let kubeconfig: Value = serde_yaml::from_str(&kubeconfig).map_err(|error| error.to_string())?;
    let (cluster, user) = (&kubeconfig["clusters"][0]["cluster"], &kubeconfig["users"][0]["user"]);
    write(folder, "ca.pem", &cluster["certificate-authority-data"])?;
    write(folder, "client.pem", &user["client-certificate-data"])?;
    write(folder, "client.key", &user["client-key-data"])?;
    let server = text(&cluster["server"]);
    let reach = ["-s", server, "--certificate-authority", "ca.pem"];
    let certificate = ["--client-certificate", "client.pem", "--client-key", "client.key"];

    let report = report(folder, &[&reach[..], &certificate].concat(), 1)?;
    let command = commands(&report)
        .into_iter()
        .find(|command| command.starts_with("kubectl ") && command.contains(" get "))
        .ok_or("the report has no command that reads")?;
    run(without_kubeconfig(Command::new("sh").args(["-c", &command]), folder))?;

    let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token");
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let answer = testbed.api.create(&path, &request)?;
    let token = text(&answer["status"]["token"]);
    let report = self::report(folder, &[&reach[..], &["--token", token]].concat(), 3)?;
    let kind = text(&report["verdict"]["kind"]);
    if kind != "noAccess" {
        return Err(format!("verdict of an account without rights: {kind}"));
    }
    if report.to_string().contains(token) {
        return Err("the token is in the report".into());
    }
    Ok(())
}

fn report(folder: &Path, identity: &[&str], exit: i32) -> Result<Value> {
    let mut command = expect::program(folder);
    command.args(["diagnose", "-n", NAMESPACE, "-o", "json", "--probe", "none"]).args(identity);
    let finished: Finished = expect::run(without_kubeconfig(&mut command, folder))?;
    if finished.status.code() != Some(exit) {
        let told = last_lines(&finished.stderr, 20);
        return Err(format!("{}, expected {exit}\n{told}", finished.status));
    }
    serde_json::from_slice(&finished.stdout).map_err(|error| error.to_string())
}

/// Takes the kubeconfig of this machine away.
fn without_kubeconfig<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command.current_dir(folder).env("HOME", folder).env("KUBECONFIG", folder.join("none"))
}

fn commands(report: &Value) -> Vec<String> {
    let steps = report["remedy"]["steps"].as_array().into_iter().flatten();
    let next = &report["verdict"]["nextMeasurement"]["command"];
    let pastes = steps.map(|step| &step["paste"]).chain([next]);
    pastes.filter_map(|paste| Some(paste.as_str()?.to_owned())).collect()
}

fn write(folder: &Path, name: &str, encoded: &Value) -> Result<()> {
    let bytes = openssl::base64::decode_block(text(encoded)).map_err(|error| format!("{name}: {error}"))?;
    fs::write(folder.join(name), bytes).map_err(|error| format!("{name}: {error}"))
}
