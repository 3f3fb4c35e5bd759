//! `capture` at real pods: a client that fails is named while it fails, and every way in which a recording
//! ends is reported.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::expect::{self, program};
use crate::images;
use crate::objects::text;
use crate::rights;
use crate::runs;
use crate::scenario::Traffic;
use crate::shell::{Finished, Result, last_lines, wait_until};
use crate::stage::Stage;
use crate::testbed::Testbed;
use crate::traffic::{self, Target};

/// Time limit of everything that a test waits for.
const LIMIT: Duration = Duration::from_mins(1);
const HOST: &str = "api-test.mydomain.com";
/// The check of a client whose ClientHello without server_name is refused.
const WITHOUT_SNI: &str = "AT601";

pub fn at_pods(testbed: &Testbed) -> Result<()> {
    let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
    let mut scenario = runs::scenario("capture")?;
    scenario.wildcard_routes.clear();
    scenario.recorded.clear();
    scenario.bulk_routes = 0;
    let stage = Stage::set(testbed, &scenario)?;
    let pods: Vec<String> = stage.running_pods()?.iter().map(|pod| text(&pod["metadata"]["name"]).to_owned()).collect();
    let (Some(first), Some(last)) = (pods.first(), pods.last()) else { return Err("there is no pod".into()) };
    let steps: [(&str, Result<()>); 8] = [
        ("--print", prints(&stage, first)),
        ("to its end", to_its_end(&stage, first)),
        ("interrupted", interrupted(&stage, first)),
        ("killed", killed(&stage, first)),
        ("without an image", without_image(&stage, first)),
        ("least role", least_role(&stage, first)),
        ("refused by policy", refused_by_policy(&stage, first)),
        ("deleted", deleted(&stage, last)),
    ];
    let failed: Vec<String> =
        steps.into_iter().filter_map(|(step, result)| Some(format!("{step}: {}", result.err()?))).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn prints(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let finished = expect::run(capture(stage, &stage.testbed.kubeconfig, &["--print"]).args([pod]))?;
    let printed: Value = serde_yaml::from_slice(&finished.stdout).map_err(|error| error.to_string())?;
    let container = &printed["spec"]["ephemeralContainers"][0];
    let added = &container["securityContext"]["capabilities"]["add"];
    if finished.status.code() != Some(0) || added[0] != "NET_RAW" || container["image"] != images::RECORDER {
        return Err(told(&finished));
    }
    match containers(stage, pod)?.as_slice() {
        [] => Ok(()),
        some => Err(format!("it created {some:?}")),
    }
}

/// All pods, one client without SNI: it is named while the others are still recorded.
fn to_its_end(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let run = Run::start(stage, "whole", &["--duration", "10s", "-w", "whole.pcapng"])?;
    run.wait_for("recording at pod", stage.scenario.ingress.pods)?;
    client_without_sni(stage, pod)?;
    run.wait_for(WITHOUT_SNI, 1)?;
    if !run.told()?.contains(&format!("at pod {pod}: ")) {
        return Err(format!("it does not name the pod:\n{}", run.told()?));
    }
    let (status, report) = run.ended()?;
    expect_failure(status, &report)?;
    for pod in stage.running_pods()? {
        ended(stage, text(&pod["metadata"]["name"]))?;
    }
    let again = expect::run(program(&stage.folder).args(["pcap", "whole.pcapng", "-o", "json"]))?;
    let again: Value = serde_json::from_slice(&again.stdout).map_err(|error| error.to_string())?;
    if again["kinds"][0]["kind"]["code"] == WITHOUT_SNI {
        Ok(())
    } else {
        Err(format!("the file holds something else: {}", again["kinds"]))
    }
}

fn interrupted(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let run = Run::start(stage, "interrupted", &["--duration", "10m", "--failed-only", "-w", "failing.pcapng", pod])?;
    run.wait_for("recording at pod", 1)?;
    client_without_sni(stage, pod)?;
    run.wait_for(WITHOUT_SNI, 1)?;
    run.signal("-INT");
    let (status, report) = run.ended()?;
    expect_failure(status, &report)?;
    if report["notSeen"] != json!([]) || report["question"]["written"][1].as_u64() < Some(5) {
        return Err(format!("{} {}", report["notSeen"], report["question"]));
    }
    ended(stage, pod)
}

/// Nobody is left to end the container.
fn killed(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let run = Run::start(stage, "killed", &["--duration", "10m", pod])?;
    run.wait_for("recording at pod", 1)?;
    run.signal("-KILL");
    ended(stage, pod)
}

fn without_image(stage: &Stage<'_>, pod: &str) -> Result<()> {
    for (policy, words) in [("Never", "ErrImageNeverPull"), ("IfNotPresent", "ErrImagePull")] {
        let mut command = capture(stage, &stage.testbed.kubeconfig, &["--image", "apigee-tls.test/no-such-image:1"]);
        let finished = expect::run(command.args(["--image-pull-policy", policy, pod]))?;
        let words = [
            "error: could not record at pod",
            words,
            "it stays listed",
            "hint: --image names one that the node can pull; or record on node testbed",
        ];
        if finished.status.code() != Some(2) || !words.iter().all(|word| finished.stderr.contains(word)) {
            return Err(told(&finished));
        }
    }
    Ok(())
}

/// The printed Role is enough, and without each of its rules nothing is recorded and the rule is named.
fn least_role(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let printed = expect::run(program(&stage.folder).args(["rbac", "capture", "-n", &stage.namespace]))?;
    let document = serde_yaml::Deserializer::from_slice(&printed.stdout).next().ok_or("rbac prints nothing")?;
    let role = Value::deserialize(document).map_err(|error| error.to_string())?;
    let rules = role["rules"].as_array().cloned().unwrap_or_default();
    rights::grant(stage, "recorder", &rules, &[])?;
    let finished = expect::run(&mut capture(stage, &rights::account(stage, "recorder")?, &["--duration", "1s"]))?;
    // Nothing fails, and nothing is judged.
    if finished.status.code() != Some(3) || !finished.stderr.contains("has ended") {
        return Err(told(&finished));
    }
    for (name, resource) in [("no-change", "pods/ephemeralcontainers"), ("no-attach", "pods/attach")] {
        let kept: Vec<Value> = rules.iter().filter(|rule| rule["resources"] != json!([resource])).cloned().collect();
        rights::grant(stage, name, &kept, &[])?;
        let finished = expect::run(&mut capture(stage, &rights::account(stage, name)?, &["--duration", "1s", pod]))?;
        let named = finished.stderr.contains(&format!("{resource}\" in namespace {}", stage.namespace));
        if finished.status.code() != Some(2) || !named || !finished.stderr.contains("rbac capture") {
            return Err(told(&finished));
        }
    }
    Ok(())
}

fn refused_by_policy(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let namespace = format!("/api/v1/namespaces/{}", stage.namespace);
    let labels = |level: Value| json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } });
    stage.testbed.api.merge(&namespace, &labels(json!("baseline")))?;
    let finished = expect::run(&mut capture(stage, &stage.testbed.kubeconfig, &["--duration", "1s", pod]));
    stage.testbed.api.merge(&namespace, &labels(Value::Null))?;
    let finished = finished?;
    let words = ["a policy of the cluster refuses the container", "PodSecurity", "tcpdump -n -i any"];
    if finished.status.code() == Some(2) && words.iter().all(|word| finished.stderr.contains(word)) {
        Ok(())
    } else {
        Err(told(&finished))
    }
}

fn deleted(stage: &Stage<'_>, pod: &str) -> Result<()> {
    let run = Run::start(stage, "deleted", &["--duration", "10m", pod])?;
    run.wait_for("recording at pod", 1)?;
    client_without_sni(stage, pod)?;
    run.wait_for(WITHOUT_SNI, 1)?;
    stage.testbed.api.delete(&format!("/api/v1/namespaces/{}/pods/{pod}", stage.namespace))?;
    let (status, report) = run.ended()?;
    expect_failure(status, &report)?;
    if report["notSeen"].to_string().contains("the pod was deleted") {
        Ok(())
    } else {
        Err(report["notSeen"].to_string())
    }
}

fn expect_failure(status: ExitStatus, report: &Value) -> Result<()> {
    if status.code() == Some(1) && report["kinds"][0]["kind"]["code"] == WITHOUT_SNI {
        return Ok(());
    }
    Err(format!("{status}, {}, {}", report["verdict"], report["notSeen"]))
}

/// Waits until all containers that record at a pod have ended.
fn ended(stage: &Stage<'_>, pod: &str) -> Result<()> {
    wait_until("the container ends", LIMIT, || {
        let containers = containers(stage, pod)?;
        let has_ended = |container: &&Value| container["state"]["terminated"].is_object();
        match containers.iter().find(|container| !has_ended(container)) {
            None if containers.is_empty() => Err("there is none".into()),
            None => Ok(()),
            Some(container) => Err(container["state"].to_string()),
        }
    })
}

/// Returns the states of the ephemeral containers of a pod.
fn containers(stage: &Stage<'_>, pod: &str) -> Result<Vec<Value>> {
    let pod = stage.testbed.api.get(&format!("/api/v1/namespaces/{}/pods/{pod}", stage.namespace))?;
    Ok(pod["status"]["ephemeralContainerStatuses"].as_array().cloned().unwrap_or_default())
}

/// Has a client without SNI connect to the pod of this name.
pub(super) fn client_without_sni(stage: &Stage<'_>, name: &str) -> Result<()> {
    let traffic: Traffic =
        serde_yaml::from_str("{client: openssl, outcome: reset}").map_err(|error| error.to_string())?;
    let pods = stage.running_pods()?;
    let pod = pods.iter().find(|pod| text(&pod["metadata"]["name"]) == name).ok_or("the pod is gone")?;
    traffic::send(&stage.testbed.folder, &traffic, HOST, &mut || Ok(Target::direct(text(&pod["status"]["podIP"]))))
}

fn capture(stage: &Stage<'_>, kubeconfig: &Path, further: &[&str]) -> Command {
    let mut command = program(&stage.folder);
    command.args(["capture", "-n", &stage.namespace, "-o", "json", "--kubeconfig"]).arg(kubeconfig);
    command.args(["--image", images::RECORDER, "--image-pull-policy", "Never"]).args(further);
    command
}

fn told(finished: &Finished) -> String {
    format!("{}\n{}", finished.status, last_lines(&finished.stderr, 20))
}

/// A run in the background.
struct Run<'a> {
    child: std::cell::RefCell<Child>,
    name: &'a str,
    folder: &'a Path,
}

impl<'a> Run<'a> {
    fn start(stage: &'a Stage<'_>, name: &'a str, further: &[&str]) -> Result<Self> {
        let folder = stage.folder.as_path();
        let file =
            |ending: &str| File::create(folder.join(format!("{name}.{ending}"))).map_err(|error| error.to_string());
        let mut command = capture(stage, &stage.testbed.kubeconfig, further);
        let child = command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?).spawn();
        let child = child.map_err(|error| format!("start the program: {error}"))?;
        Ok(Self { child: child.into(), name, folder })
    }

    fn told(&self) -> Result<String> {
        fs::read_to_string(self.folder.join(format!("{}.stderr", self.name))).map_err(|error| error.to_string())
    }

    /// Waits until standard error has this many lines with these words, while the program runs.
    fn wait_for(&self, words: &str, lines: usize) -> Result<()> {
        wait_until(words, LIMIT, || {
            let told = self.told()?;
            if self.child.borrow_mut().try_wait().is_ok_and(|status| status.is_none())
                && told.lines().filter(|line| line.contains(words)).count() >= lines
            {
                return Ok(());
            }
            Err(told)
        })
    }

    fn signal(&self, signal: &str) {
        let process = self.child.borrow().id().to_string();
        let _ = Command::new("kill").args([signal, &process]).status();
    }

    /// Waits for the end, and returns the report.
    fn ended(&self) -> Result<(ExitStatus, Value)> {
        let status = wait_until("it ends", LIMIT, || match self.child.borrow_mut().try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(self.told()?),
            Err(error) => Err(error.to_string()),
        })?;
        let report = fs::read(self.folder.join(format!("{}.stdout", self.name))).map_err(|error| error.to_string())?;
        let report = serde_json::from_slice(&report)
            .map_err(|error| format!("{status}, {error}: {}", self.told().unwrap_or_default()))?;
        Ok((status, report))
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
