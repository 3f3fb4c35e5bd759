//! One scenario in its namespace: creates it, acts as Apigee's manager, sends traffic and cleans up.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use openssl::sha::sha256;
use serde_json::{Value, json};

use crate::envoy::{self, World};
use crate::expect;
use crate::load_balancer;
use crate::objects::{self, GATEWAY, GROUP, MESH_CONFIG, hex, text};
use crate::recorded::{self, Logged};
use crate::report::own_resets;
use crate::scenario::{Outcome, Scenario, Traffic};
use crate::shell::{Result, run, run_with, wait_until};
use crate::testbed::Testbed;
use crate::traffic::{self, Target};

pub const POD_LIMIT: Duration = Duration::from_secs(90);

/// Minimum container age for a log gap: the program takes a log that starts within a minute of its container
/// for complete.
const OLD: Duration = Duration::from_secs(75);

pub struct Stage<'a> {
    pub testbed: &'a Testbed,
    pub scenario: &'a Scenario,
    pub namespace: String,
    /// Working folder of the program, with the scenario's files.
    pub folder: PathBuf,
    /// Log records caused by clients so far.
    pub clients: Logged,
    /// Log records caused by the program's own handshakes.
    own: Logged,
    /// Number of connections so far, so that pods take turns.
    turns: usize,
    /// Time at which the pods were running.
    born: Instant,
    /// Last configuration pushed to each pod.
    pushed: BTreeMap<String, String>,
}

impl<'a> Stage<'a> {
    /// Creates everything, and returns when the pods run with the configuration derived from the routes.
    pub fn set(testbed: &'a Testbed, scenario: &'a Scenario) -> Result<Self> {
        let namespace = format!("apigee-{}", scenario.name);
        let folder = testbed.folder.join(&scenario.name);
        crate::sandbox::create_folder(&folder)?;
        if let Some(overrides) = &scenario.overrides {
            std::fs::write(folder.join("overrides.yaml"), overrides)
                .map_err(|error| format!("overrides.yaml: {error}"))?;
        }
        let mut stage = Self {
            testbed,
            scenario,
            namespace,
            folder,
            clients: Logged::default(),
            own: Logged::default(),
            turns: 0,
            born: Instant::now(),
            pushed: BTreeMap::new(),
        };
        if scenario.namespace {
            let objects = objects::installation(scenario, &testbed.cas)?;
            stage.create_objects(&objects)?;
            stage.wait_for_pods()?;
            stage.born = Instant::now();
            stage.reconcile()?;
            stage.restart_pods()?;
            stage.change(&objects::later(scenario, &objects, &testbed.cas)?)?;
            if let Some(kind) = scenario.load_balancer {
                load_balancer::start(&stage, kind)?;
            }
        }
        Ok(stage)
    }

    /// Acts as the manager: derives each pod's configuration from the API server, and pushes changes.
    pub fn reconcile(&mut self) -> Result<()> {
        if !self.scenario.ingress.envoy || self.scenario.ingress.pods == 0 {
            return Ok(());
        }
        let world = self.world()?;
        let pods = self.running_pods()?;
        let reached = pods.len().saturating_sub(self.scenario.ingress.pods_behind);
        let pushes: Vec<(String, String)> = pods
            .iter()
            .enumerate()
            .map(|(index, pod)| {
                let name = text(&pod["metadata"]["name"]).to_owned();
                (index, name, envoy::listeners(&world, &pod["metadata"]["labels"]).to_string())
            })
            .filter(|(index, name, _)| *index < reached || !self.pushed.contains_key(name))
            .map(|(_, name, configuration)| (name, configuration))
            .filter(|(name, configuration)| self.pushed.get(name) != Some(configuration))
            .collect();
        std::thread::scope(|scope| {
            let handles: Vec<_> = pushes.iter().map(|(pod, text)| scope.spawn(|| self.push(pod, text))).collect();
            handles.into_iter().try_for_each(|handle| handle.join().map_err(|_| "a push panicked".to_owned())?)
        })?;
        self.pushed.extend(pushes);
        Ok(())
    }

    /// Pushes the configuration to all pods again, because some of them are new.
    pub fn push_again(&mut self) -> Result<()> {
        self.pushed.clear();
        self.reconcile()
    }

    /// Writes the recorded lines to the pods.
    pub fn record(&mut self) -> Result<()> {
        let pods = self.running_pods()?;
        for recorded in &self.scenario.recorded {
            let lines = recorded::text(recorded, self.born.elapsed());
            let chosen: Vec<&Value> = match recorded.pod {
                Some(index) => vec![pods.get(index).ok_or_else(|| format!("recorded: there is no pod {index}"))?],
                None => pods.iter().collect(),
            };
            for pod in chosen {
                self.print(text(&pod["metadata"]["name"]), &lines)?;
                self.clients.add(Logged::count(&lines));
            }
        }
        Ok(())
    }

    /// Connects clients to the pods in turn.
    pub fn send(&mut self, traffic: &[Traffic]) -> Result<()> {
        let pods = self.running_pods()?;
        let default_host = self.scenario.env_groups.iter().flat_map(|group| &group.hostnames).next();
        let default_host = default_host.cloned().unwrap_or_else(|| "api-test.mydomain.com".into());
        for entry in traffic {
            traffic::send(&self.testbed.folder, entry, &default_host, &mut || {
                let pod =
                    pods.get(self.turns % pods.len().max(1)).ok_or("there is no pod for clients to connect to")?;
                self.turns += 1;
                if self.testbed.components.is_some() {
                    return Ok(Target::direct(text(&pod["status"]["podIP"])));
                }
                Target::forwarded(&self.testbed.kubeconfig, &self.namespace, text(&pod["metadata"]["name"]))
            })?;
            match (entry.outcome, &entry.server_name) {
                (Outcome::Answered | Outcome::NotFound, _) => self.clients.requests += entry.count,
                (Outcome::Reset, Some(_)) => self.clients.with_name += entry.count,
                (Outcome::Reset, None) => self.clients.without_name += entry.count,
                (Outcome::Alert | Outcome::Refused, _) => {}
            }
        }
        Ok(())
    }

    /// Waits until the containers are old enough that a log which starts now counts as having a gap.
    pub fn wait_for_age(&self) {
        std::thread::sleep(OLD.saturating_sub(self.born.elapsed()));
    }

    /// Waits until the kubelet has rotated the recorded lines away.
    pub fn wait_for_rotation(&mut self) -> Result<()> {
        wait_until("the kubelet rotates the log", Duration::from_mins(1), || {
            let pods = self.running_pods()?;
            let path = |pod: &Value| self.log_path(text(&pod["metadata"]["name"]));
            let sizes: Result<Vec<usize>> =
                pods.iter().map(|pod| Ok(self.testbed.api.get_text(&path(pod))?.len())).collect();
            let sizes = sizes?;
            if sizes.iter().all(|size| *size < 1_000_000) { Ok(()) } else { Err(format!("sizes {sizes:?}")) }
        })?;
        // The last lines may have been written after the rotation.
        self.clients = self.count()?;
        Ok(())
    }

    /// Counts the handshakes that the program reports to have made.
    pub fn probed(&mut self) -> Result<()> {
        self.own.add(own_resets(&expect::evidence(&self.folder)?)?);
        Ok(())
    }

    /// Waits until the pods' logs hold exactly the records caused by clients and the program.
    pub fn wait_for_logs(&self) -> Result<()> {
        let mesh = self.world()?.mesh;
        let is_apigees = mesh["accessLogEncoding"] == 1 && text(&mesh["accessLogFormat"]).contains("sni_host");
        if mesh["accessLogFile"] != "/dev/stdout" || !is_apigees {
            std::thread::sleep(Duration::from_secs(2));
            return Ok(());
        }
        wait_until("the connections in the access logs", Duration::from_secs(20), || {
            let counted = self.count()?;
            let mut expected = self.clients;
            expected.add(self.own);
            if counted == expected { Ok(()) } else { Err(format!("{counted:?}, not {expected:?}")) }
        })
    }

    /// Returns the running ingress pods, by age.
    pub fn running_pods(&self) -> Result<Vec<Value>> {
        let selector = format!("labelSelector=app%3D{GATEWAY}");
        let mut pods = self.testbed.api.list(&format!("/api/v1/namespaces/{}/pods?{selector}", self.namespace))?;
        pods.retain(|pod| text(&pod["status"]["phase"]) == "Running");
        Ok(pods)
    }

    /// Prints lines as the pod's main process would. A truncated stream is detected before anything is
    /// printed.
    fn print(&self, pod: &str, lines: &str) -> Result<()> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let packed =
            packed.write_all(lines.as_bytes()).and_then(|()| packed.finish()).map_err(|error| error.to_string())?;
        let script =
            "cat > /tmp/lines.gz && busybox gunzip -t /tmp/lines.gz && busybox gunzip -c /tmp/lines.gz > /proc/1/fd/1";
        run_with(&mut self.exec(pod, script), &packed).map(drop)
    }

    /// Returns a command in a pod's main container that reads the harness's input.
    pub fn exec(&self, pod: &str, script: &str) -> Command {
        let mut command = Command::new("kubectl");
        // Over WebSockets, kubectl sometimes loses the end of a long input.
        command.env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false").arg("--kubeconfig").arg(&self.testbed.kubeconfig);
        command.args(["-n", &self.namespace, "exec", "-i", pod, "-c", GATEWAY, "--", "sh", "-c", script]);
        command
    }

    /// Changes objects as an operator would, then lets the manager accept routes and push configurations.
    fn change(&mut self, changes: &[(Value, Value)]) -> Result<()> {
        for (object, patch) in changes {
            let collection = objects::collection(object, &self.namespace)?;
            let path = format!("{collection}/{}", text(&object["metadata"]["name"]));
            let object_now = self.testbed.api.merge(&path, patch)?;
            if text(&object["apiVersion"]).starts_with(GROUP) {
                let status = json!({ "status": { "lastAppliedGeneration": object_now["metadata"]["generation"] } });
                self.testbed.api.merge(&format!("{path}/status"), &status)?;
            }
        }
        self.reconcile()
    }

    fn create_objects(&self, objects: &[Value]) -> Result<()> {
        let api = &self.testbed.api;
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace } });
        // A given cluster may still hold the objects of an earlier run, or be busy removing them.
        wait_until("create the namespace", POD_LIMIT, || {
            api.create("/api/v1/namespaces", &namespace).inspect_err(|_| {
                let _ = api.delete(&format!("/api/v1/namespaces/{}", self.namespace));
            })
        })?;
        let mut owners = BTreeMap::new();
        for mut object in objects.iter().cloned() {
            for owner in object["metadata"]["ownerReferences"].as_array_mut().into_iter().flatten() {
                owner["uid"] = owners.get(text(&owner["name"])).cloned().unwrap_or(json!("none"));
            }
            let created = self.create(&object)?;
            if object["kind"] == "ApigeeRouteConfig" {
                owners.insert(text(&object["metadata"]["name"]).to_owned(), created["metadata"]["uid"].clone());
            }
        }
        // Pods need the service account of their namespace, which the controller manager creates.
        for pod in objects::pods(self.scenario, &self.testbed.images) {
            wait_until("create a pod", POD_LIMIT, || self.create(&pod))?;
        }
        Ok(())
    }

    fn create(&self, object: &Value) -> Result<Value> {
        if self.testbed.kinds_are_missing() && text(&object["apiVersion"]).starts_with(GROUP) {
            return Ok(Value::Null);
        }
        let collection = objects::collection(object, &self.namespace)?;
        let created = self.testbed.api.create(&collection, object)?;
        if text(&object["apiVersion"]).starts_with(GROUP) && object["status"].is_object() {
            let path = format!("{collection}/{}/status", text(&object["metadata"]["name"]));
            self.testbed.api.merge(&path, &json!({ "status": object["status"] }))?;
        }
        Ok(created)
    }

    fn wait_for_pods(&self) -> Result<()> {
        wait_until("the ingress pods run", POD_LIMIT, || {
            let ready = self.running_pods()?.iter().filter(|pod| all_containers_ready(pod)).count();
            if ready == self.scenario.ingress.pods { Ok(()) } else { Err(self.describe_pods()) }
        })
    }

    fn describe_pods(&self) -> String {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.testbed.kubeconfig).args(["-n", &self.namespace, "get", "pods,events"]);
        run(&mut command).unwrap_or_else(|reason| reason)
    }

    fn restart_pods(&mut self) -> Result<()> {
        for pod in self.running_pods()?.iter().take(self.scenario.ingress.pods_restarted) {
            let name = text(&pod["metadata"]["name"]);
            run(&mut self.exec(name, "kill 1"))?;
            wait_until("the killed container runs again", POD_LIMIT, || {
                let now = self.testbed.api.get(&format!("/api/v1/namespaces/{}/pods/{name}", self.namespace))?;
                let count = now["status"]["containerStatuses"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|status| &status["restartCount"]);
                if count.into_iter().any(|count| count.as_u64() > Some(0)) && all_containers_ready(&now) {
                    return Ok(());
                }
                Err(now["status"]["containerStatuses"].to_string())
            })?;
            // The new Envoy starts with the old configuration; pushing it again shows when it is active.
            self.pushed.remove(name);
        }
        self.reconcile()
    }

    fn world(&self) -> Result<World> {
        let api = &self.testbed.api;
        let namespace = &self.namespace;
        let mesh = match api.get(&format!("/api/v1/namespaces/{namespace}/configmaps/{MESH_CONFIG}")) {
            Ok(object) => serde_yaml::from_str(text(&object["data"]["mesh"]))
                .map_err(|error| format!("{MESH_CONFIG}: {error}"))?,
            Err(_) => Value::Null,
        };
        let version = &self.scenario.route_version;
        let routes = if self.testbed.kinds_are_missing() {
            Vec::new()
        } else {
            api.list(&format!("/apis/{GROUP}/{version}/namespaces/{namespace}/apigeeroutes"))?
        };
        let secrets = api.list(&format!("/api/v1/namespaces/{namespace}/secrets"))?;
        Ok(World { mesh, routes, secrets })
    }

    fn push(&self, pod: &str, configuration: &str) -> Result<()> {
        let version: String = hex(&sha256(configuration.as_bytes())[..8]);
        let mut file: Value = serde_json::from_str(configuration).map_err(|error| error.to_string())?;
        let sign = if file["resources"][0].is_null() { None } else { Some(version.as_str()) };
        file["version_info"] = json!(version);
        run_with(
            &mut self.exec(pod, &envoy::push_script(sign, self.scenario.ingress.admin_port)),
            file.to_string().as_bytes(),
        )
        .map(drop)
        .map_err(|reason| format!("Envoy in {pod} did not take its configuration: {reason}"))
    }

    fn log_path(&self, pod: &str) -> String {
        format!("/api/v1/namespaces/{}/pods/{pod}/log?container={GATEWAY}", self.namespace)
    }

    fn count(&self) -> Result<Logged> {
        let mut counted = Logged::default();
        for pod in self.running_pods()? {
            counted.add(Logged::count(&self.testbed.api.get_text(&self.log_path(text(&pod["metadata"]["name"])))?));
        }
        Ok(counted)
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if self.scenario.namespace {
            // Removal continues in the background: our cluster ends soon, and a given one has a controller
            // for it. controller for it.
            let _ = self.testbed.api.delete(&format!("/api/v1/namespaces/{}", self.namespace));
        }
    }
}

fn all_containers_ready(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array();
    statuses.is_some_and(|statuses| statuses.iter().all(|status| status["ready"] == true))
}
