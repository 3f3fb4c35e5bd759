//! An identity of the command line alone: kubectl's flags for certificates and tokens, and a command to paste
//! that carries them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::expect;
use crate::objects::text;
use crate::runs;
use crate::shell::{Finished, Result, last_lines, run};
use crate::stage::Stage;
use crate::testbed::Testbed;

/// Reaches the cluster by address, certificate and token, without any kubeconfig.
pub fn of_the_command_line(testbed: &Testbed) -> Result<()> {
    let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
    let mut scenario = runs::scenario("identity-flags")?;
    scenario.wildcard_routes.clear();
    let stage = Stage::set(testbed, &scenario)?;
    let folder = stage.folder.as_path();
    let kubeconfig = fs::read_to_string(&testbed.kubeconfig).map_err(|error| error.to_string())?;
    let kubeconfig: Value = serde_yaml::from_str(&kubeconfig).map_err(|error| error.to_string())?;
    let (cluster, user) = (&kubeconfig["clusters"][0]["cluster"], &kubeconfig["users"][0]["user"]);
    write(folder, "ca.pem", &cluster["certificate-authority-data"])?;
    write(folder, "client.pem", &user["client-certificate-data"])?;
    write(folder, "client.key", &user["client-key-data"])?;
    let server = text(&cluster["server"]);
    let reach = ["-s", server, "--certificate-authority", "ca.pem"];
    let certificate = ["--client-certificate", "client.pem", "--client-key", "client.key"];

    let report = report(&stage, &[&reach[..], &certificate].concat(), 1)?;
    let steps = report["remedy"]["steps"].as_array().into_iter().flatten();
    let mut commands = steps.filter_map(|step| step["paste"].as_str());
    let command = commands.find(|command| command.contains(" apply -f -")).ok_or("the report has no route to apply")?;
    run(without_kubeconfig(Command::new("sh").args(["-c", command]), folder))?;

    let path = format!("/api/v1/namespaces/{}/serviceaccounts/default/token", stage.namespace);
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let answer = testbed.api.create(&path, &request)?;
    let token = text(&answer["status"]["token"]);
    let report = self::report(&stage, &[&reach[..], &["--token", token]].concat(), 3)?;
    let kind = text(&report["verdict"]["kind"]);
    if kind != "noAccess" {
        return Err(format!("verdict of an account without rights: {kind}"));
    }
    if report.to_string().contains(token) {
        return Err("the token is in the report".into());
    }
    Ok(())
}

fn report(stage: &Stage<'_>, identity: &[&str], exit: i32) -> Result<Value> {
    let mut command = expect::program(&stage.folder);
    command.args(["diagnose", "-n", &stage.namespace, "--expect", "non-sni", "--probe", "none", "-o", "json"]);
    let finished: Finished = expect::run(without_kubeconfig(command.args(identity), &stage.folder))?;
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

fn write(folder: &Path, name: &str, encoded: &Value) -> Result<()> {
    let bytes = openssl::base64::decode_block(text(encoded)).map_err(|error| format!("{name}: {error}"))?;
    fs::write(folder.join(name), bytes).map_err(|error| format!("{name}: {error}"))
}
