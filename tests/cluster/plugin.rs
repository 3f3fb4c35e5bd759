//! Calls the program as a plugin of kubectl, and applies the remedy, as a user would.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::objects::{GROUP, text};
use crate::report::Report;
use crate::shell::{Finished, Result, run};
use crate::stage::Stage;
use crate::testbed::Testbed;

/// The file name by which kubectl finds the plugin.
const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-apigee_tls");

/// `kubectl apigee-tls` works if the program's folder is on the `PATH`.
pub fn kubectl_finds_it(testbed: &Testbed) -> Result<()> {
    let folder = Path::new(PLUGIN).parent().unwrap_or(Path::new("."));
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let answer = run(Command::new("kubectl")
        .args(["apigee-tls", "version"])
        .env("PATH", path)
        .env("KUBECONFIG", &testbed.kubeconfig))?;
    if answer.contains(env!("CARGO_PKG_VERSION")) {
        return Ok(());
    }
    Err(format!("kubectl apigee-tls version does not tell the version: {answer}"))
}

/// The shells in which every command is pasted. PowerShell is not in Debian.
const SHELLS: [&str; 4] = ["fish", "zsh", "bash", "sh"];

/// Applies the remedy of a report: its commands as printed, in every shell, and the effect of its
/// `helm upgrade` lines.
pub fn apply_remedy(stage: &mut Stage<'_>, finished: &Finished) -> Result<()> {
    let report = Report::parse(&finished.stdout)?;
    let mut gateway = stage.scenario.wildcard_routes.first().map(|route| route.name.clone());
    for (paste, undo) in report.remedy_of_routes() {
        for shell in SHELLS {
            // Discovery of its own: the clusters of scenarios share an address and serve different versions.
            let cache = stage.folder.join("kubectl-cache");
            let run_in = |command: &str| {
                let mut shell = Command::new(shell);
                run(shell.args(["-c", command]).env("KUBECACHEDIR", &cache).current_dir(&stage.folder))
            };
            let answer = run_in(paste)?;
            if let Some((_, name)) = answer.lines().find_map(|line| line.split(' ').next()?.split_once('/')) {
                gateway.get_or_insert(name.to_owned());
            }
            if shell != "sh" {
                run_in(undo)?;
            }
        }
    }
    let gateway = gateway.ok_or("the remedy names no wildcard route")?;
    // The manager accepts the route and sets its status.
    let version = &stage.scenario.route_version;
    let path = format!("/apis/{GROUP}/{version}/namespaces/{}/apigeeroutes/{gateway}", stage.namespace);
    let generation = stage.testbed.api.get(&path)?["metadata"]["generation"].clone();
    let status = json!({ "status": { "state": "running", "lastAppliedGeneration": generation } });
    stage.testbed.api.merge(&format!("{path}/status"), &status)?;
    for group in report.remedy_env_groups() {
        upgrade(stage, &group, &gateway)?;
    }
    stage.reconcile()
}

/// Does what `helm upgrade GROUP apigee-virtualhost` and the watcher do once the overrides list the gateway.
fn upgrade(stage: &Stage<'_>, group: &str, gateway: &str) -> Result<()> {
    for (version, plural) in
        [("v1alpha1", "apigeerouteconfigs"), (stage.scenario.route_version.as_str(), "apigeeroutes")]
    {
        let collection = format!("/apis/{GROUP}/{version}/namespaces/{}/{plural}", stage.namespace);
        for object in stage.testbed.api.list(&format!("{collection}?labelSelector=envGroupId%3D{group}"))? {
            let path = format!("{collection}/{}", text(&object["metadata"]["name"]));
            stage.testbed.api.merge(&path, &json!({ "spec": { "additionalGateways": [gateway] } }))?;
            let generation = stage.testbed.api.get(&path)?["metadata"]["generation"].clone();
            let status = json!({ "status": { "lastAppliedGeneration": generation } });
            stage.testbed.api.merge(&format!("{path}/status"), &status)?;
        }
    }
    Ok(())
}
