//! Records packets at ingress pods: an ephemeral container with tcpdump in the network namespace of the pod,
//! whose output comes here while it records.
//!
//! ```text
//! choose pods ─ add the container ─ wait until it runs ─ attach, first line ─ packets ─ last line ─ ended?
//! ```
//!
//! This is the only place that changes anything in a cluster. Kubernetes cannot remove an ephemeral
//! container, only end it. How packets are judged is decided elsewhere.

mod container;
mod error;
mod state;

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use self::error::refused;
use self::state::State;
use super::cluster::contact;
use super::pods;
use crate::evidence::hybrid::IngressPod;
use crate::evidence::{Reason, Unavailable};
use crate::gather::error::Error;
use crate::gather::kubernetes::api::{Api, JSON, brief, encode};
use crate::gather::kubernetes::attach::{self, Attached, Piece};
use crate::gather::kubernetes::connection::connect;
use crate::gather::kubernetes::fault::{Access, Fault};
use crate::gather::kubernetes::kubeconfig::{ConnectionOptions, Places, target};
use crate::gather::random;
use crate::run::Stop;

pub use self::error::RecorderError;
pub use tokio_tungstenite::tungstenite::Bytes;

/// Maximum number of pods at the same time.
pub const MAX_PODS: usize = 16;

/// Time limit from the creation of the container to its first packet: most of it is for pulling the image.
const START: Duration = Duration::from_mins(2);
/// Time limit for the container to end once it was asked to.
const END: Duration = Duration::from_secs(10);
/// Interval between two looks at the state of the container.
const LOOK: Duration = Duration::from_millis(500);
/// Maximum number of bytes kept of what tcpdump writes beside packets.
const MAX_MESSAGES: usize = 4 << 10;

/// What to record, where and how.
#[derive(Clone, Debug, Default)]
pub struct RecordOptions {
    pub connection: ConnectionOptions,
    pub namespace: String,
    /// Label selector of the ingress pods.
    pub selector: String,
    /// Names of pods; all running pods of the selector if empty.
    pub pods: Vec<String>,
    pub image: String,
    /// `Always`, `IfNotPresent` or `Never`.
    pub pull_policy: &'static str,
    /// Ports of the pods.
    pub ports: Vec<u16>,
    /// Addresses of clients; all clients if empty.
    pub clients: Vec<IpAddr>,
    pub duration: Duration,
    /// Number of packets at each pod after which recording ends.
    pub count: Option<u64>,
}

/// Records at one pod.
pub struct Recorder {
    api: Api,
    namespace: String,
    pod: IngressPod,
    /// Name of the container.
    container: String,
    change: Value,
    duration: Duration,
    is_counted: bool,
    on_node: String,
}

/// What is known of a recording besides its packets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recorded {
    /// Why it ended before it should have.
    pub lost: Option<String>,
    /// Packets that the kernel dropped, because tcpdump did not read them in time.
    pub dropped: u64,
}

/// Chooses the pods to record at. Changes nothing.
///
/// # Errors
/// The cluster cannot be reached, or has no such pod.
pub async fn recorders(options: &RecordOptions) -> Result<Vec<Recorder>, RecorderError> {
    let namespace = options.namespace.as_str();
    // A text that is not a name must not become part of a URL.
    if namespace.is_empty() || !namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let hint = "name the namespace of Apigee with -n".to_owned();
        return Err(RecorderError::NoPod { why: format!("no namespace can have the name {namespace:?}"), hint });
    }
    let target = target(&options.connection, &Places::of_this_process())?;
    // Interruptions are the caller's: the state of a container is read after them, too.
    let api = connect(target, &options.connection, Stop::never()).await?;
    drop(Box::pin(contact(&api, namespace)).await?);
    let pods = chosen(&api, options).await?;
    pods.into_iter().map(|pod| Recorder::new(&api, options, pod)).collect()
}

async fn chosen(api: &Api, options: &RecordOptions) -> Result<Vec<IngressPod>, RecorderError> {
    let namespace = options.namespace.as_str();
    let no_pod = |why: String, hint: &str| RecorderError::NoPod { why, hint: hint.to_owned() };
    let selector = options.selector.as_str();
    let names = format!("`kubectl get pods -n {namespace} -l '{selector}'` lists the pods to name");
    let unread = |why: Unavailable| match why.reason {
        Reason::Forbidden { .. } => no_pod(why.to_string(), &error::role(namespace)),
        _ => no_pod(why.to_string(), &names),
    };
    let mut pods = Vec::new();
    for name in &options.pods {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{}", encode(name));
        let access = Access { verb: "get", resource: "pods", group: "", namespace };
        let object = api.document(&path, JSON).await;
        let object = object.map_err(|fault| unread(fault.unavailable(name, access)))?;
        pods.push(pods::pod(&object));
    }
    if options.pods.is_empty() {
        let listed = pods::pods(api, namespace, &options.selector).await;
        pods = listed.map_err(unread)?;
        pods.retain(|pod| pod.phase == "Running" && !pod.terminating);
    }
    if let Some(pod) = pods.iter().find(|pod| pod.phase != "Running" || pod.addresses.is_empty()) {
        return Err(no_pod(format!("pod {} does not run ({})", pod.name, pod.phase), &names));
    }
    match pods.len() {
        0 => Err(no_pod(format!("no pod runs in namespace {namespace} with {selector}"), &names)),
        1..=MAX_PODS => Ok(pods),
        many => {
            let hint = "name those that the clients reach";
            Err(no_pod(format!("{many} pods run, and at most {MAX_PODS} are recorded at once"), hint))
        }
    }
}

impl Recorder {
    fn new(api: &Api, options: &RecordOptions, pod: IngressPod) -> Result<Self, RecorderError> {
        let key = random::key().map_err(|error| RecorderError::NoPod {
            why: format!("no random name for the container: {error}"),
            hint: "this system has no random numbers".into(),
        })?;
        let suffix: String = key.iter().take(5).map(|byte| char::from(b'a' + byte % 26)).collect();
        let container = format!("apigee-tls-capture-{suffix}");
        let node = pod.node.as_deref().map_or_else(|| "the node of the pod".to_owned(), |node| format!("node {node}"));
        let ports: Vec<String> = options.ports.iter().map(|port| format!("tcp port {port}")).collect();
        let on_node = format!(
            "record on {node} with tcpdump -n -i any -s 0 '{}' -w apigee-tls.pcap, and read it with \
             kubectl apigee-tls pcap apigee-tls.pcap",
            ports.join(" or ")
        );
        Ok(Self {
            api: api.clone(),
            namespace: options.namespace.clone(),
            change: container::change(options, &container, &pod.addresses),
            pod,
            container,
            duration: options.duration,
            is_counted: options.count.is_some(),
            on_node,
        })
    }

    /// Returns the name of the pod.
    #[must_use]
    pub fn pod(&self) -> &str {
        &self.pod.name
    }

    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.pod.addresses
    }

    /// Returns the name of the ephemeral container.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Returns the path of the API server that [`change`](Self::change) is sent to.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/ephemeralcontainers", self.pod_path())
    }

    /// Returns what is created.
    #[must_use]
    pub fn change(&self) -> &Value {
        &self.change
    }

    fn pod_path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, encode(&self.pod.name))
    }

    /// Adds the container, and sends what it records to `pieces` until the time is over or `stop` ends it.
    /// `begun` is called when packets are recorded.
    ///
    /// # Errors
    /// Nothing is recorded.
    pub async fn record(
        &self,
        stop: &Stop,
        pieces: mpsc::Sender<Bytes>,
        begun: &(dyn Fn() + Sync),
    ) -> Result<Recorded, RecorderError> {
        let start = stop.part(Some(START));
        let starting = async {
            let added = self.api.patch(&self.path(), &self.change).await;
            added.map_err(|fault| self.refused(fault, "patch", "pods/ephemeralcontainers"))?;
            self.wait_until_running().await?;
            let attached = Attached::open(&self.api, &self.namespace, &self.pod.name, &self.container).await;
            let mut attached = attached.map_err(|fault| self.not_attached(fault))?;
            attached.line().await;
            Ok::<_, RecorderError>(attached)
        };
        let mut attached = match start.bound(starting).await {
            Ok(attached) => attached?,
            Err(Reason::Interrupted) => return Err(Error::Interrupted.into()),
            Err(_) => {
                let why = format!("the container does not run after {} s", START.as_secs());
                return Err(self.failed(match self.state().await {
                    State::Waiting { reason, message } => format!("{why}: {reason} {message}"),
                    _ => why,
                }));
            }
        };
        self.receive(&mut attached, stop, &pieces, begun).await
    }

    async fn receive(
        &self,
        attached: &mut Attached,
        stop: &Stop,
        pieces: &mpsc::Sender<Bytes>,
        begun: &(dyn Fn() + Sync),
    ) -> Result<Recorded, RecorderError> {
        let mut end = stop.part(Some(START));
        let mut has_begun = false;
        let mut is_asked = false;
        let mut messages = Vec::new();
        let lost = loop {
            match end.bound(attached.next()).await {
                Ok(Piece::Output(piece)) => {
                    // Nobody reads if the output cannot be written.
                    if pieces.send(piece).await.is_err() {
                        break None;
                    }
                }
                Ok(Piece::Errors(piece)) => {
                    messages.extend(piece.iter().take(MAX_MESSAGES - messages.len()));
                    if !has_begun && contains(&messages, b"listening on") {
                        has_begun = true;
                        end = stop.part(Some(self.duration));
                        begun();
                    }
                }
                Ok(Piece::End(why)) => break why,
                Err(_) if is_asked => break Some("tcpdump did not end in time".to_owned()),
                Err(_) => {
                    is_asked = true;
                    end = Stop::never().part(Some(END));
                    attached.line().await;
                }
            }
        };
        let messages = String::from_utf8_lossy(&messages);
        if !has_begun {
            if stop.reason().is_some() {
                return Err(Error::Interrupted.into());
            }
            let words = messages.lines().last().map(brief).or(lost).unwrap_or_else(|| "it says nothing".into());
            return Err(self.failed(format!("tcpdump does not start: {words}")));
        }
        let lost = if is_asked { lost } else { self.why_ended().await.or(lost) };
        Ok(Recorded { lost, dropped: dropped(&messages) })
    }

    /// Waits until the container runs, however long. What the kubelet reports in its place is an error.
    async fn wait_until_running(&self) -> Result<(), RecorderError> {
        loop {
            match self.state().await {
                State::Running => return Ok(()),
                State::Waiting { reason, message } if state::is_fault(&reason) => {
                    let why = format!("the container does not start: {reason}: {}", brief(&message));
                    // Every reason of this kind is about the image.
                    let image =
                        if reason.contains("Image") { "--image names one that the node can pull; or " } else { "" };
                    let hint = format!("{image}{}", self.on_node);
                    return Err(RecorderError::Pod { pod: self.pod.name.clone(), why, hint });
                }
                State::Ended { code, reason, message } => {
                    let what = format!("the container ended at once ({reason}, exit code {code})");
                    return Err(self.failed(format!("{what} {}", brief(&message)).trim_end().to_owned()));
                }
                State::PodGone => return Err(self.failed("the pod was deleted".to_owned())),
                State::Waiting { .. } | State::Absent | State::Unknown(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Returns why the container ended although nobody asked it to; `None` if it had recorded enough packets.
    async fn why_ended(&self) -> Option<String> {
        match self.settled().await {
            State::PodGone => Some("the pod was deleted".into()),
            State::Ended { code: 0, .. } if self.is_counted => None,
            State::Ended { code, reason, .. } => Some(format!("tcpdump ended ({reason}, exit code {code})")),
            State::Unknown(why) => Some(format!("the connection ended, and the state of the pod is unknown: {why}")),
            _ => Some("the connection to the container ended".into()),
        }
    }

    /// Says what remains of the container in the cluster; `None` if it was not created.
    pub async fn remains(&self) -> Option<String> {
        let limit = (self.duration + container::SLACK).as_secs();
        let later = format!("ends by itself, {limit} s after it has started");
        let ended = match self.settled().await {
            State::Absent => return None,
            State::PodGone => return Some("is gone with its pod".into()),
            State::Ended { .. } => "has ended".to_owned(),
            State::Waiting { reason, .. } => format!("waits ({reason}), and {later}"),
            State::Running => format!("still runs, and {later}"),
            State::Unknown(why) => format!("is in an unknown state ({why}), and {later}"),
        };
        Some(format!("{ended}; it stays listed, and its log on the node, until the pod is deleted"))
    }

    /// Returns the state of the container, once it has ended or the time for that is over.
    async fn settled(&self) -> State {
        let ended = async {
            loop {
                match self.state().await {
                    State::Running | State::Unknown(_) => tokio::time::sleep(LOOK).await,
                    state => return state,
                }
            }
        };
        match tokio::time::timeout(END, ended).await {
            Ok(state) => state,
            Err(_) => self.state().await,
        }
    }

    async fn state(&self) -> State {
        match self.api.document(&self.pod_path(), JSON).await {
            Ok(pod) => state::of(&pod, &self.container),
            Err(fault) if fault.is_not_found() => State::PodGone,
            Err(fault) => {
                let access = Access { verb: "get", resource: "pods", group: "", namespace: &self.namespace };
                State::Unknown(fault.reason(access).to_string())
            }
        }
    }

    fn refused(&self, fault: Fault, verb: &str, resource: &str) -> RecorderError {
        let access = Access { verb, resource, group: "", namespace: &self.namespace };
        refused(fault, access, &self.pod.name, &self.on_node)
    }

    fn not_attached(&self, fault: Fault) -> RecorderError {
        let reason = attach::reason(fault, &self.namespace);
        let is_forbidden = matches!(reason, Reason::Forbidden { .. });
        RecorderError::Pod {
            pod: self.pod.name.clone(),
            why: reason.to_string(),
            hint: if is_forbidden { error::role_or(&self.namespace, &self.on_node) } else { self.on_node.clone() },
        }
    }

    fn failed(&self, why: String) -> RecorderError {
        RecorderError::Pod { pod: self.pod.name.clone(), why, hint: self.on_node.clone() }
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// Returns the number in `3 packets dropped by kernel`, which tcpdump writes at its end.
fn dropped(messages: &str) -> u64 {
    let line = messages.lines().find(|line| line.ends_with("dropped by kernel"));
    line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_tcpdump() {
        let end = "9 packets captured\n12 packets received by filter\n3 packets dropped by kernel\n";
        assert_eq!((dropped(end), dropped("tcpdump: listening on any")), (3, 0));
    }
}
