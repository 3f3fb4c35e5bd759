//! Addresses and configuration files of the testbed's own cluster.
//!
//! Settings differ from defaults only where a sandbox on one machine needs it, with the reason beside them.

use serde_json::{Value, json};

use crate::images;
use crate::sandbox::STATE;

pub const NODE: &str = "testbed";

/// Address of the node. The kubelet rejects addresses in 127/8 and addresses without an interface; this one
/// is on the sandbox's loopback.
pub const NODE_ADDRESS: &str = "10.89.0.1";

pub const API_PORT: u16 = 6443;

/// First address of the Service range, which the API server uses for itself.
pub const SERVICE_ADDRESS: &str = "10.90.0.1";
pub const SERVICE_RANGE: &str = "10.90.0.0/16";

const POD_RANGE: &str = "10.86.0.0/16";

/// Size at which the kubelet rotates a container's log; `kubectl logs` reads only the newest file. Larger
/// than any log that a scenario needs whole, smaller than the one to be rotated.
pub const LOG_SIZE_LIMIT: &str = "16Mi";

pub fn kubelet() -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": path("pki/ca.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "cgroupDriver": "cgroupfs",
        // The sandbox may use cgroup v1, and does not divide the machine's resources.
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        // The sandbox must not depend on free space of the machine's disk.
        "evictionHard": { "imagefs.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%" },
        "imageGCHighThresholdPercent": 100,
        "containerLogMaxSize": LOG_SIZE_LIMIT,
        "containerLogMonitorInterval": "3s",
        "containerRuntimeEndpoint": format!("unix://{}", path("containerd/containerd.sock")),
        "maxPods": 250,
        "podLogsDir": path("pod-logs"),
        "readOnlyPort": 0,
        "registerNode": true,
        "resolvConf": "",
        "serializeImagePulls": false,
        "tlsCertFile": path("pki/kubelet-server.crt"),
        "tlsPrivateKeyFile": path("pki/kubelet-server.key"),
        "volumePluginDir": path("volume-plugins"),
    })
}

pub fn containerd() -> String {
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Without CAP_SYS_RESOURCE nobody may make a process less likely to be killed, and runc ends over it.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{network}"
"#,
        root = path("containerd/root"),
        state = path("containerd/state"),
        socket = path("containerd/containerd.sock"),
        pause = images::SMALL,
        network = path("cni"),
    )
}

pub fn network() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "testbed",
        "plugins": [{
            "type": "bridge",
            "bridge": "testbed0",
            "isGateway": true,
            "ipam": {
                "type": "host-local", "ranges": [[{ "subnet": POD_RANGE }]], "dataDir": path("cni-addresses"),
                // For pods that ask the API server; nothing else is beyond their own network.
                "routes": [{ "dst": format!("{NODE_ADDRESS}/32") }],
            },
        }],
    })
}

/// Returns a kubeconfig for one user of the cluster.
pub fn kubeconfig(server: &str, authority: &str, user: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testbed", "cluster": {
            "server": server,
            "certificate-authority-data": openssl::base64::encode_block(authority.as_bytes()),
        } }],
        "users": [{ "name": "testbed", "user": user }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": "testbed" } }],
        "current-context": "testbed",
    })
}

/// Returns a path below the sandbox's state folder.
pub fn path(name: &str) -> String {
    format!("{STATE}/{name}")
}
