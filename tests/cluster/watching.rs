//! `watch` at real pods: failing clients are named while they fail, and no log line is lost or counted twice
//! while API server, kubelet, containers and pods go away and come back.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::{Value, json};

use crate::capturing::client_without_sni;
use crate::cluster::{API_SERVER, KUBELET, import};
use crate::expect::{self, program};
use crate::images;
use crate::objects::{self, text};
use crate::plugin;
use crate::runs;
use crate::sandbox;
use crate::settings::{API_PORT, NODE_ADDRESS, path};
use crate::setup;
use crate::shell::{Result, last_lines, run, run_with, wait_until};
use crate::stage::Stage;
use crate::testbed::Testbed;

/// Time limit of everything that a test waits for.
const LIMIT: Duration = Duration::from_mins(1);
/// How long a component is away.
const AWAY: Duration = Duration::from_secs(2);
const ADDRESS: &str = "127.0.0.1:9464";
/// Lines that each pod writes while components go away, at about a hundred a second.
const LINES: u64 = 1_200;
/// Lines that are written at once before a container or a pod ends.
const LAST_LINES: u64 = 400;

pub fn pods(testbed: &Testbed) -> Result<()> {
    let _turn = testbed.turn.write().unwrap_or_else(PoisonError::into_inner);
    let components = testbed.components.as_ref().ok_or("it needs a cluster of its own")?;
    let mut scenario = runs::scenario("watch")?;
    scenario.wildcard_routes.clear();
    scenario.recorded.clear();
    scenario.bulk_routes = 0;
    scenario.ingress.pods = 2;
    let mut stage = Stage::set(testbed, &scenario)?;
    let watch = Watch::start(&stage, "watch", &["--every", "20s", "--listen", ADDRESS])?;
    let names = names(&stage)?;
    watch.wait_for(2, &|event| event["event"] == "stream" && event["state"] == "followed")?;
    watch.wait_for(1, &|event| event["event"] == "verdict")?;

    // A client is named while it fails.
    client_without_sni(&stage, &names[0])?;
    watch.wait_for(1, &|event| event["event"] == "client" && event["serverName"].is_null())?;

    // Lines come while the API server and the kubelet are away.
    for (number, pod) in names.iter().enumerate() {
        write_slowly(&stage, pod, &server_name(number), LINES)?;
    }
    components.stop(API_SERVER)?;
    std::thread::sleep(AWAY);
    components.restart(API_SERVER, &testbed.api)?;
    components.stop(KUBELET)?;
    std::thread::sleep(AWAY);
    components.restart(KUBELET, &testbed.api)?;
    for number in 0..names.len() {
        watch.wait_for_total(&server_name(number), LINES)?;
    }

    // The last lines of a container, and of a pod.
    write_at_once(&stage, &names[0], "container.lines.test", LAST_LINES, "kill 1")?;
    watch.wait_for_total("container.lines.test", LAST_LINES)?;
    write_at_once(&stage, &names[1], "pod.lines.test", LAST_LINES, "true")?;
    testbed.api.delete(&format!("/api/v1/namespaces/{}/pods/{}", stage.namespace, names[1]))?;
    watch.wait_for(1, &|event| event["event"] == "stream" && event["state"] == "ended" && event["pod"] == names[1])?;
    watch.wait_for_total("pod.lines.test", LAST_LINES)?;

    // A new pod is followed.
    let pod = objects::pods(&scenario, &testbed.images).into_iter().nth(1).ok_or("no pod")?;
    let mut pod = pod;
    pod["metadata"]["name"] = json!(format!("{}-new", text(&pod["metadata"]["name"])));
    let new = text(&pod["metadata"]["name"]).to_owned();
    testbed.api.create(&objects::collection(&pod, &stage.namespace)?, &pod)?;
    watch.wait_for(1, &|event| event["event"] == "stream" && event["state"] == "followed" && event["pod"] == *new)?;
    write_slowly(&stage, &new, "new.lines.test", 50)?;
    watch.wait_for_total("new.lines.test", 50)?;
    check_metrics(&stage)?;

    let (status, summary) = watch.interrupted()?;
    let coverage = &summary["coverage"];
    let told = format!("{status}: {summary}");
    if status.code() != Some(1) || summary["verdict"]["kind"] != "cause" {
        return Err(format!("unexpected verdict: {told}"));
    }
    if coverage["gaps"] != 0 || coverage["reconnects"].as_u64() < Some(2) {
        return Err(format!("unexpected coverage: {told}"));
    }
    let totals = [(server_name(0), LINES), (server_name(1), LINES), ("container.lines.test".into(), LAST_LINES)];
    for (name, lines) in
        totals.into_iter().chain([("pod.lines.test".into(), LAST_LINES), ("new.lines.test".into(), 50)])
    {
        let row = summary["clients"].as_array().into_iter().flatten().find(|row| row["serverName"] == *name);
        if row.is_none_or(|row| row["total"] != lines) {
            return Err(format!("{name}: {row:?}, expected {lines}"));
        }
    }
    until_healthy(&mut stage)?;
    deployed(&stage)
}

/// Ends with 0 once the fix is applied.
fn until_healthy(stage: &mut Stage<'_>) -> Result<()> {
    // The container that was killed and the new pod have no routes yet.
    stage.push_again()?;
    client_without_sni(stage, names(stage)?.first().ok_or("there is no pod")?)?;
    let finished = expect::run(&mut expect::diagnose(&stage.folder, &stage.testbed.kubeconfig, &stage.namespace, &[]))?;
    let wait = ["--until-healthy", "--for", "4s", "--timeout", "60s", "--fail-on", "error"];
    let watch = Watch::start(stage, "until-healthy", &wait)?;
    watch.wait_for(1, &|event| event["event"] == "verdict" && event["exitCode"] == 1)?;
    plugin::apply_remedy(stage, &finished)?;
    let (status, summary) = watch.ended()?;
    if status.code() == Some(0) && summary["exitCode"] == 0 {
        return Ok(());
    }
    Err(format!("{status}: {summary}"))
}

fn check_metrics(stage: &Stage<'_>) -> Result<()> {
    let text = metrics()?;
    fs::write(stage.folder.join("metrics.txt"), &text).map_err(|error| error.to_string())?;
    let expected = [
        "apigee_tls_followed_pods 2.0".to_owned(),
        "apigee_tls_log_gaps_total 0".to_owned(),
        "apigee_tls_findings{code=\"AT101\",level=\"error\"} 1.0".to_owned(),
        "# EOF".to_owned(),
    ];
    match expected.iter().find(|line| !text.lines().any(|found| found == line.as_str())) {
        None => parse(&text),
        Some(line) => Err(format!("the metrics lack {line:?}:\n{text}")),
    }
}

/// The Deployment of `deploy/` runs with its Role alone, and is ready once it has judged.
fn deployed(stage: &Stage<'_>) -> Result<()> {
    import(&images::program(Path::new(&path("program-image")), Path::new(expect::PROGRAM))?)?;
    let folder = stage.folder.join("overlay");
    sandbox::create_folder(&folder)?;
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    run(Command::new("cp").arg("-r").arg(&base).arg(stage.folder.join("deploy")))?;
    let (image, tag) = images::PROGRAM.rsplit_once(':').unwrap_or_default();
    // The testbed has no Services: the API server is reached at the node.
    let container = json!({
        "name": "watch", "imagePullPolicy": "Never",
        "env": [
            { "name": "KUBERNETES_SERVICE_HOST", "value": NODE_ADDRESS },
            { "name": "KUBERNETES_SERVICE_PORT", "value": API_PORT.to_string() },
        ],
    });
    let patch = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "apigee-tls-watch" },
        "spec": { "template": { "spec": { "containers": [container] } } },
    });
    let overlay = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": stage.namespace,
        "resources": ["../deploy"], "patches": [{ "patch": patch.to_string() }],
        "images": [{ "name": "registry.example.com/kubectl-apigee-tls", "newName": image, "newTag": tag }],
    });
    fs::write(folder.join("kustomization.yaml"), overlay.to_string()).map_err(|error| error.to_string())?;
    let kubectl = || {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&stage.testbed.kubeconfig).args(["-n", &stage.namespace]);
        command
    };
    run(kubectl().args(["apply", "-k"]).arg(&folder))?;
    let address = wait_until("the watch is ready", LIMIT, || {
        let selector = "labelSelector=app.kubernetes.io%2Fname%3Dapigee-tls-watch";
        let pods = stage.testbed.api.list(&format!("/api/v1/namespaces/{}/pods?{selector}", stage.namespace))?;
        let pod = pods.first().ok_or("there is no pod")?;
        if pod["status"]["containerStatuses"][0]["ready"] == true {
            return Ok(text(&pod["status"]["podIP"]).to_owned());
        }
        let log = run(kubectl().args(["logs", "--tail=5", "deployment/apigee-tls-watch"]));
        Err(format!("{}\n{}", pod["status"], log.unwrap_or_else(|reason| reason)))
    })?;
    let metrics = metrics_of(&format!("{address}:9464"))?;
    if !metrics.lines().any(|line| line == "apigee_tls_followed_pods 2.0") {
        return Err(format!("the Deployment does not follow the pods:\n{metrics}"));
    }
    parse(&metrics)
}

/// Reads metrics with the parser that defines the format.
fn parse(text: &str) -> Result<()> {
    let script = "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse; \
                  print(sum(len(family.samples) for family in parse(sys.stdin.read())))";
    let mut python = Command::new("python3");
    let samples =
        run_with(python.args(["-c", script]).env("PYTHONPATH", setup::paths()?.openmetrics), text.as_bytes())?;
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    if samples.trim() == lines.to_string() { Ok(()) } else { Err(format!("{samples} samples of {lines}:\n{text}")) }
}

fn metrics() -> Result<String> {
    metrics_of(ADDRESS)
}

fn metrics_of(address: &str) -> Result<String> {
    run(Command::new("curl").args(["-sS", "--fail", "--noproxy", "*", &format!("http://{address}/metrics")]))
}

/// The server name of the lines of one pod.
fn server_name(number: usize) -> String {
    format!("pod-{number}.lines.test")
}

fn names(stage: &Stage<'_>) -> Result<Vec<String>> {
    Ok(stage.running_pods()?.iter().map(|pod| text(&pod["metadata"]["name"]).to_owned()).collect())
}

fn record(server_name: &str) -> String {
    json!({
        "remote_address": "198.51.100.7:4711", "sni_host": server_name, "start_time": "2026-01-01T00:00:00.000Z",
        "status": 0, "status_details": "filter_chain_not_found", "tls_protocol": null, "upstream_response_flags": "NR",
    })
    .to_string()
}

/// Has a pod write lines for some seconds, in the background.
fn write_slowly(stage: &Stage<'_>, pod: &str, server_name: &str, lines: u64) -> Result<()> {
    let script = format!(
        "read line; (for i in $(seq {lines}); do echo \"$line\"; [ $((i % 20)) != 0 ] || sleep 0.2; done) \
         >/proc/1/fd/1 2>/dev/null </dev/null &"
    );
    run_with(&mut stage.exec(pod, &script), format!("{}\n", record(server_name)).as_bytes()).map(drop)
}

/// Has a pod write lines, and then runs a command in it.
fn write_at_once(stage: &Stage<'_>, pod: &str, server_name: &str, lines: u64, then: &str) -> Result<()> {
    let script = format!("read line; for i in $(seq {lines}); do echo \"$line\"; done >/proc/1/fd/1; {then}");
    run_with(&mut stage.exec(pod, &script), format!("{}\n", record(server_name)).as_bytes()).map(drop)
}

/// A watch in the background.
struct Watch {
    child: RefCell<Child>,
    name: &'static str,
    folder: PathBuf,
}

impl Watch {
    fn start(stage: &Stage<'_>, name: &'static str, further: &[&str]) -> Result<Self> {
        let folder = stage.folder.clone();
        let file =
            |ending: &str| File::create(folder.join(format!("{name}.{ending}"))).map_err(|error| error.to_string());
        let mut command = program(&folder);
        command.args(["watch", "-n", &stage.namespace, "-o", "jsonl", "--probe", "pods,services", "--kubeconfig"]);
        command.arg(&stage.testbed.kubeconfig).args(further);
        let child = command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?).spawn();
        let child = child.map_err(|error| format!("start the program: {error}"))?;
        Ok(Self { child: child.into(), name, folder })
    }

    fn events(&self) -> Result<Vec<Value>> {
        let told = fs::read_to_string(self.folder.join(format!("{}.stdout", self.name)));
        let told = told.map_err(|error| error.to_string())?;
        Ok(told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Waits until so many events are such.
    fn wait_for(&self, count: usize, is_such: &dyn Fn(&Value) -> bool) -> Result<()> {
        wait_until("an event of the watch", LIMIT, || {
            let events = self.events()?;
            if events.iter().filter(|event| is_such(event)).count() >= count {
                return Ok(());
            }
            Err(format!("{events:#?}"))
        })
    }

    /// Waits until the metrics have this number of failures with a server name. More are an error, which the
    /// summary shows.
    fn wait_for_total(&self, server_name: &str, lines: u64) -> Result<()> {
        let start =
            format!("apigee_tls_failed_connections_total{{failure=\"resetWithSni\",server_name=\"{server_name}\"}} ");
        wait_until(server_name, LIMIT, || {
            let text = metrics()?;
            let count = text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok()).unwrap_or(0);
            if count >= lines { Ok(()) } else { Err(format!("{count} of {lines} lines; {:#?}", self.events()?.last())) }
        })
    }

    fn interrupted(&self) -> Result<(ExitStatus, Value)> {
        let process = self.child.borrow().id().to_string();
        run(Command::new("kill").args(["-INT", &process]))?;
        self.ended()
    }

    /// Waits for the end, and returns the summary.
    fn ended(&self) -> Result<(ExitStatus, Value)> {
        let status = wait_until("it ends", 2 * LIMIT, || match self.child.borrow_mut().try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(format!("{:#?}", self.events()?.last())),
            Err(error) => Err(error.to_string()),
        })?;
        let summary = self.events()?.into_iter().rfind(|event| event["event"] == "summary");
        let told = || fs::read_to_string(self.folder.join(format!("{}.stderr", self.name))).unwrap_or_default();
        summary.map(|summary| (status, summary)).ok_or_else(|| format!("{status}\n{}", last_lines(&told(), 20)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
