//! AT324: a virtual host has no selector, and the default of the chart selects no ingress gateway.

use super::judge_hosts;
use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT324"),
    name: "selector-unset",
    level: Level::Notice,
    summary: "A virtual host has no selector, and the chart selects another gateway by default",
    explanation: Explanation {
        looks_for: "Virtual hosts without selector, if the file (or a file without virtualhosts, which \
            helm gets with it) defines ingressGateways.",
        matters: "The property reference states the default app: apigee-ingressgateway. The charts that \
            were seen (1.10 to 1.16) write app: istio-ingressgateway, which no pod of ingressGateways has. \
            Then clients of the environment group are reset.",
        fix: "Write the selector: app: apigee-ingressgateway, and ingress_name where there are several \
            gateways.",
    },
    reference: "Chart apigee-virtualhost, apigee-route-config.yaml; configuration property \
        virtualhosts[].selector",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "every virtual host has a selector, or no file defines ingressGateways", |host| {
        if host.settings.has_selector || facts::ingress_gateways(evidence, host.content).is_none_or(<[_]>::is_empty) {
            return Ok(None);
        }
        Ok(Some(host.finding(
            host.entry.place,
            format!(
                "virtual host {} has no selector; the chart writes app: istio-ingressgateway, which no pod of \
                 ingressGateways has",
                host.name()
            ),
            "no selector",
            "selector with app: apigee-ingressgateway",
        )))
    })
}
