//! `pods.txt`: the list of the ingress pods.

use super::{Input, Page, why_not};
use crate::evidence::{Evidence, Seen};
use crate::plan::folder;
use crate::text::{joined, table};

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let path = format!("{}/pods.txt", folder::INGRESS);
    vec![Page::new(path, "diagnose", "kubectl get pods -o wide, of the ingress", &pod_list(input.evidence))]
}

/// Returns the pods as `kubectl get pods -o wide` prints them, with their images.
fn pod_list(evidence: &Evidence) -> String {
    let pods = match &evidence.pods {
        Seen::Seen(pods) if !pods.is_empty() => pods,
        seen => return format!("{}\n", why_not(seen)),
    };
    let mut rows = vec![["NAME", "READY", "STATUS", "RESTARTS", "NODE", "IMAGES"].map(str::to_owned)];
    rows.extend(pods.iter().map(|pod| {
        let ready = pod.containers.iter().filter(|container| container.ready).count();
        let images: Vec<String> = pod.containers.iter().map(|container| container.image.clone()).collect();
        [
            pod.name.clone(),
            format!("{ready}/{}", pod.containers.len()),
            if pod.terminating { "Terminating".to_owned() } else { pod.phase.clone() },
            pod.containers.iter().map(|container| container.restarts).max().unwrap_or(0).to_string(),
            pod.node.clone().unwrap_or_else(|| "<none>".into()),
            joined(&images, ",", "<none>"),
        ]
    }));
    table(&rows)
}
