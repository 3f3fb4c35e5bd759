//! AT323: the selector of a virtual host selects no ingress gateway of the file.

use super::judge_hosts;
use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT323"),
    name: "selector-of-other-gateway",
    level: Level::Warning,
    summary: "The selector of a virtual host selects no ingress gateway of the overrides file",
    explanation: Explanation {
        looks_for: "selector.app of each virtual host, if the file (or a file without virtualhosts, which \
            helm gets with it) defines ingressGateways. Their pods have the label app: \
            apigee-ingressgateway. Not reported if an ingress pod of the cluster has the label that is \
            selected.",
        matters: "The route of the environment group selects no pod, so the gateway has no filter chain \
            for its hostnames. Clients that request them are reset.",
        fix: "Set selector.app to apigee-ingressgateway. Only Anthos Service Mesh, up to hybrid 1.8, has \
            istio-ingressgateway.",
    },
    reference: "Configuration property virtualhosts[].selector; Apigee hybrid \"Expose Apigee ingress \
        gateway\"",
    judge,
};

/// The label of the pods that the chart apigee-org makes for ingressGateways.
const APP: &str = "apigee-ingressgateway";

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "every selector selects the ingress gateways of the files", |host| {
        let Some(app) = host.settings.app.as_ref().filter(|app| app.value != APP) else { return Ok(None) };
        let pods = facts::pods(evidence).unwrap_or_default();
        let is_on_pod = pods.iter().any(|pod| pod.labels.get("app") == Some(&app.value));
        if is_on_pod || facts::ingress_gateways(evidence, host.content).is_none_or(<[_]>::is_empty) {
            return Ok(None);
        }
        host.filled(app)?;
        Ok(Some(host.finding(
            app.place,
            format!(
                "virtual host {} selects app: {}, but the pods of ingressGateways have app: {APP}",
                host.name(),
                app.value
            ),
            app.value.clone(),
            APP,
        )))
    })
}
