//! The address of the Service: a pod whose Envoy is the load balancer in front of the ingress pods, or an
//! unrelated gateway.
//!
//! No controller in the testbed gives Services of type `LoadBalancer` an address, so the pod's own address is
//! written to the status, as a cloud's controller would. Names are resolved by the sandbox's `/etc/hosts`.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::json;

use crate::envoy;
use crate::objects::{self, text};
use crate::pki::Subject;
use crate::scenario::LoadBalancer;
use crate::shell::{Result, wait_until};
use crate::stage::{POD_LIMIT, Stage};

const NAME: &str = "load-balancer";

/// Starts the pod, and returns when it accepts connections and the Service has its address.
pub fn start(stage: &Stage<'_>, kind: LoadBalancer) -> Result<()> {
    let testbed = stage.testbed;
    let command = match kind {
        LoadBalancer::Pods => {
            let pods = stage.running_pods()?;
            let addresses: Vec<&str> = pods.iter().map(|pod| text(&pod["status"]["podIP"])).collect();
            envoy::balancer(&addresses)
        }
        LoadBalancer::Elsewhere => {
            let names = ["*.mydomain.com"];
            let subject = Subject { common_name: "elsewhere.mydomain.com", names: &names, ..Subject::default() };
            envoy::terminator(&testbed.cas.ingress.issue(&subject)?)
        }
    };
    let pods = format!("/api/v1/namespaces/{}/pods", stage.namespace);
    testbed.api.create(&pods, &objects::gateway_pod(NAME, &json!({ "app": NAME }), &testbed.images, &command))?;
    let address = wait_until("the load balancer listens", POD_LIMIT, || {
        let pod = testbed.api.get(&format!("{pods}/{NAME}"))?;
        let address = text(&pod["status"]["podIP"]);
        let listens = TcpStream::connect((address, 443)).map_err(|error| format!("{address}: {error}"));
        listens.map(|_| address.to_owned())
    })?;
    let service = objects::base_name(stage.scenario);
    let path = format!("/api/v1/namespaces/{}/services/{service}/status", stage.namespace);
    testbed.api.merge(&path, &json!({ "status": { "loadBalancer": { "ingress": [{ "ip": address }] } } }))?;
    if kind == LoadBalancer::Pods { name(stage, &address) } else { Ok(()) }
}

/// Makes the hostnames of the env groups resolve to the address.
fn name(stage: &Stage<'_>, address: &str) -> Result<()> {
    let names: Vec<&str> =
        stage.scenario.env_groups.iter().flat_map(|group| &group.hostnames).map(String::as_str).collect();
    let failed = |error: std::io::Error| format!("/etc/hosts: {error}");
    let mut hosts = std::fs::File::options().append(true).open("/etc/hosts").map_err(failed)?;
    writeln!(hosts, "{address} {}", names.join(" ")).map_err(failed)
}
