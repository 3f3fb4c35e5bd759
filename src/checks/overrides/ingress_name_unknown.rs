//! AT312: a virtual host selects an ingress gateway that the file does not define.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT312"),
    name: "ingress-name-unknown",
    level: Level::Warning,
    summary: "A virtual host selects an ingress gateway that the file does not define",
    explanation: Explanation {
        looks_for: "selector.ingress_name of each virtual host, compared with the names in ingressGateways \
            of the same file, or of a file without virtualhosts, which helm gets with it.",
        matters: "The route of the environment group selects no pod. Clients that request its hostnames are \
            reset.",
        fix: "Correct selector.ingress_name, or add the gateway to ingressGateways.",
    },
    reference: "Configuration properties virtualhosts[].selector and ingressGateways[].name",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let hosts = facts::virtual_hosts(evidence)?;
    let mut judged = 0;
    let mut findings = Vec::new();
    let mut unfilled = None;
    for (file, content, host) in hosts {
        let Some(ingress) = &host.ingress_name else { continue };
        // Files with only virtual hosts define no gateways, so there is nothing to compare with.
        let Some(gateways) = facts::ingress_gateways(evidence, content) else { continue };
        let mut values = gateways.iter().chain([ingress]);
        if let Some(value) = values.find(|value| !facts::is_filled(value)) {
            unfilled.get_or_insert_with(|| facts::unfilled(file, value.place, &value.value));
            continue;
        }
        judged += 1;
        let names: Vec<&str> = gateways.iter().map(|gateway| gateway.value.as_str()).collect();
        let expected = match names.as_slice() {
            [] => "an entry of ingressGateways, which is empty".to_owned(),
            names => format!("one of {}", facts::first_of(names)),
        };
        let shown = if ingress.value.is_empty() { "\"\"" } else { &ingress.value };
        if !names.contains(&ingress.value.as_str()) {
            findings.push(Finding::new(
                Object::overrides(file),
                Location::overrides(file, ingress.place),
                format!(
                    "virtual host {} selects ingress gateway {}, which is not defined",
                    facts::host_name(host),
                    shown
                ),
                shown,
                expected,
            ));
        }
    }
    if let Some(why) = unfilled.filter(|_| findings.is_empty()) {
        return Err(why);
    }
    facts::require_all_judged(evidence, &findings)?;
    if judged == 0 {
        return Ok(Outcome::NotApplicable("no file names both an ingress_name and ingressGateways".into()));
    }
    Ok(Outcome::of(findings, "every ingress_name is an entry of ingressGateways"))
}
