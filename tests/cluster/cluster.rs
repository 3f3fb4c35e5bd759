//! Starts the components of a real Kubernetes cluster inside the sandbox, and stops single ones on demand.
//!
//! Everything below [`crate::sandbox::STATE`] is on the sandbox's own tmpfs. Independent components start in
//! parallel: etcd and the API server on one thread, containerd with its images on another.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Api;
use crate::pki::{Subject, TestCa, signing_key};
use crate::sandbox::{STATE, create_folder};
use crate::settings::{self, API_PORT, NODE, NODE_ADDRESS, SERVICE_ADDRESS, SERVICE_RANGE, path};
use crate::shell::{Result, last_lines, run, wait_until};
use crate::{images, setup};

/// Time limit for the start of a component: several times what a slow machine needs.
const START_LIMIT: Duration = Duration::from_mins(1);

pub const API_SERVER: &str = "kube-apiserver";
pub const KUBELET: &str = "kubelet";
const CONTAINERD: &str = "containerd";

/// The components started by the testbed.
pub struct Components {
    program: PathBuf,
    running: Mutex<BTreeMap<&'static str, Child>>,
}

impl Components {
    /// Starts everything, and returns with the administrator's kubeconfig when the node is Ready.
    pub fn start() -> Result<(Self, PathBuf)> {
        let started = Instant::now();
        let paths = setup::paths()?;
        let components = Self { program: paths.components, running: Mutex::default() };
        let kubeconfig = write_files()?;
        std::thread::scope(|scope| {
            let runtime = scope.spawn(|| components.start_runtime(&paths.images, &paths.envoy));
            components.start_control_plane()?;
            runtime.join().map_err(|_| "the thread that starts containerd panicked".to_owned())?
        })?;
        components.launch(KUBELET)?;
        let api = Api::connect(&kubeconfig)?;
        components.wait_for(KUBELET, || node_is_ready(&api))?;
        eprintln!("cluster: Ready after {:.1} s", started.elapsed().as_secs_f32());
        Ok((components, kubeconfig))
    }

    /// Kills a component, as a crash would.
    pub fn stop(&self, name: &'static str) -> Result<()> {
        let child = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let mut child = child.ok_or_else(|| format!("{name} does not run"))?;
        child.kill().and_then(|()| child.wait()).map_err(|error| format!("stop {name}: {error}"))?;
        Ok(())
    }

    /// Starts a stopped component again, and waits until the cluster works.
    pub fn restart(&self, name: &'static str, api: &Api) -> Result<()> {
        self.launch(name)?;
        self.wait_for(API_SERVER, || api.get("/readyz").map(drop))?;
        self.wait_for(KUBELET, || kubelet_listens().and_then(|()| node_is_ready(api)))
    }

    fn start_control_plane(&self) -> Result<()> {
        self.launch("etcd")?;
        self.wait_for("etcd", || listens("127.0.0.1:2379"))?;
        self.launch(API_SERVER)?;
        let api = Api::connect(Path::new(&path("admin.kubeconfig")))?;
        self.wait_for(API_SERVER, || api.get("/readyz").map(drop))?;
        self.launch("kube-controller-manager")?;
        self.launch("kube-scheduler")
    }

    fn start_runtime(&self, image_folder: &Path, envoy: &Path) -> Result<()> {
        let archives = images::prepare(image_folder, envoy)?;
        self.launch(CONTAINERD)?;
        self.wait_for(CONTAINERD, || run(ctr().arg("version")).map(drop))?;
        archives.iter().try_for_each(|archive| import(archive))
    }

    fn launch(&self, name: &'static str) -> Result<()> {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(log_of(name))
            .map_err(|error| format!("{}: {error}", log_of(name)))?;
        let copy = log.try_clone().map_err(|error| format!("{}: {error}", log_of(name)))?;
        let mut command = Command::new(if name == CONTAINERD { Path::new(name) } else { &self.program });
        if name != CONTAINERD {
            command.arg(name);
        }
        let child = command
            .args(arguments_of(name))
            .env("TMPDIR", path("tmp"))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(copy)
            .spawn()
            .map_err(|error| format!("{name}: could not start: {error}"))?;
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(name, child);
        Ok(())
    }

    /// Waits until a component works. The error includes the last lines of its log.
    fn wait_for(&self, name: &'static str, mut ask: impl FnMut() -> Result<()>) -> Result<()> {
        let mut ended = None;
        let outcome = wait_until(name, START_LIMIT, || {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Ok(Some(status))) = running.get_mut(name).map(Child::try_wait) {
                ended = Some(status);
                return Ok(());
            }
            drop(running);
            ask()
        });
        let reason = match (ended, outcome) {
            (Some(status), _) => format!("{name} ended with {status}"),
            (None, Err(reason)) => reason,
            (None, Ok(())) => return Ok(()),
        };
        let log = fs::read_to_string(log_of(name)).unwrap_or_default();
        Err(format!("{reason}\n  the end of its log:\n{}", last_lines(&log, 20)))
    }
}

/// Makes an image known to the kubelet.
pub fn import(archive: &Path) -> Result<()> {
    run(ctr().args(["images", "import"]).arg(archive)).map(drop)
}

fn ctr() -> Command {
    let mut command = Command::new("ctr");
    command.args(["--address", &path("containerd/containerd.sock"), "--namespace", "k8s.io"]);
    command
}

fn arguments_of(name: &str) -> Vec<String> {
    let admin = path("admin.kubeconfig");
    let pki = |file: &str| path(&format!("pki/{file}"));
    let flags: Vec<(&str, String)> = match name {
        CONTAINERD => vec![("config", path("containerd.toml"))],
        "etcd" => vec![
            ("data-dir", path("etcd")),
            ("listen-client-urls", "http://127.0.0.1:2379".into()),
            ("advertise-client-urls", "http://127.0.0.1:2379".into()),
            ("listen-peer-urls", "http://127.0.0.1:2380".into()),
            ("initial-advertise-peer-urls", "http://127.0.0.1:2380".into()),
            ("initial-cluster", "default=http://127.0.0.1:2380".into()),
            ("unsafe-no-fsync", "true".into()),
            ("log-level", "warn".into()),
        ],
        API_SERVER => vec![
            ("advertise-address", NODE_ADDRESS.into()),
            ("allow-privileged", "true".into()),
            ("authorization-mode", "Node,RBAC".into()),
            ("cert-dir", path("tmp")),
            ("client-ca-file", pki("ca.crt")),
            ("etcd-servers", "http://127.0.0.1:2379".into()),
            ("kubelet-certificate-authority", pki("ca.crt")),
            ("kubelet-client-certificate", pki("admin.crt")),
            ("kubelet-client-key", pki("admin.key")),
            ("kubelet-preferred-address-types", "InternalIP".into()),
            ("secure-port", API_PORT.to_string()),
            ("service-account-issuer", "https://kubernetes.default.svc".into()),
            ("service-account-key-file", pki("service-accounts.pub")),
            ("service-account-signing-key-file", pki("service-accounts.key")),
            ("service-cluster-ip-range", SERVICE_RANGE.into()),
            ("tls-cert-file", pki("api.crt")),
            ("tls-private-key-file", pki("api.key")),
        ],
        "kube-controller-manager" => vec![
            ("kubeconfig", admin),
            ("leader-elect", "false".into()),
            ("root-ca-file", pki("ca.crt")),
            ("service-account-private-key-file", pki("service-accounts.key")),
        ],
        "kube-scheduler" => vec![("kubeconfig", admin), ("leader-elect", "false".into())],
        KUBELET => vec![
            ("config", path("kubelet.json")),
            ("hostname-override", NODE.into()),
            ("kubeconfig", path("kubelet.kubeconfig")),
            ("node-ip", NODE_ADDRESS.into()),
            ("root-dir", path("kubelet")),
        ],
        _ => Vec::new(),
    };
    flags.into_iter().map(|(flag, value)| format!("--{flag}={value}")).collect()
}

/// Writes certificates, kubeconfigs and configuration files; returns the administrator's kubeconfig.
fn write_files() -> Result<PathBuf> {
    for folder in ["pki", "cni", "containerd", "kubelet", "pod-logs", "logs"] {
        create_folder(&Path::new(STATE).join(folder))?;
    }
    let ca = TestCa::new("testbed")?;
    let node_name = format!("system:node:{NODE}");
    let api_names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"];
    let api_addresses = [NODE_ADDRESS, SERVICE_ADDRESS, "127.0.0.1"];
    let subjects = [
        (
            "api",
            Subject {
                common_name: "kube-apiserver",
                names: &api_names,
                addresses: &api_addresses,
                ..Subject::default()
            },
        ),
        ("admin", Subject { common_name: "admin", organization: Some("system:masters"), ..Subject::default() }),
        ("kubelet", Subject { common_name: &node_name, organization: Some("system:nodes"), ..Subject::default() }),
        ("kubelet-server", Subject { common_name: NODE, addresses: &[NODE_ADDRESS], ..Subject::default() }),
    ];
    write("pki/ca.crt", &ca.certificate()?)?;
    for (name, subject) in subjects {
        let pair = ca.issue(&subject)?;
        write(&format!("pki/{name}.crt"), &pair.certificate)?;
        write(&format!("pki/{name}.key"), &pair.key)?;
        let user = json!({
            "client-certificate-data": openssl::base64::encode_block(pair.certificate.as_bytes()),
            "client-key-data": openssl::base64::encode_block(pair.key.as_bytes()),
        });
        let server = format!("https://{NODE_ADDRESS}:{API_PORT}");
        let kubeconfig = settings::kubeconfig(&server, &ca.certificate()?, &user);
        write(&format!("{name}.kubeconfig"), &kubeconfig.to_string())?;
    }
    let (private, public) = signing_key()?;
    write("pki/service-accounts.key", &private)?;
    write("pki/service-accounts.pub", &public)?;
    write("kubelet.json", &settings::kubelet().to_string())?;
    write("containerd.toml", &settings::containerd())?;
    write("cni/10-testbed.conflist", &settings::network().to_string())?;
    Ok(PathBuf::from(path("admin.kubeconfig")))
}

fn write(name: &str, text: &str) -> Result<()> {
    fs::write(path(name), text).map_err(|error| format!("write {}: {error}", path(name)))
}

fn node_is_ready(api: &Api) -> Result<()> {
    let node = api.get(&format!("/api/v1/nodes/{NODE}"))?;
    let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready").cloned().unwrap_or(Value::Null);
    if ready["status"] == "True" {
        return Ok(());
    }
    Err(format!("the node is not Ready: {}", ready["message"]))
}

fn kubelet_listens() -> Result<()> {
    listens(&format!("{NODE_ADDRESS}:10250"))
}

fn listens(address: &str) -> Result<()> {
    TcpStream::connect(address).map(drop).map_err(|error| format!("{address}: {error}"))
}

fn log_of(name: &str) -> String {
    path(&format!("logs/{name}.log"))
}
