//! AT313: the name of an ingress gateway is longer than 17 characters.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

/// Source: configuration property ingressGateways[].name.
const MAX_LENGTH: usize = 17;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT313"),
    name: "ingress-name-too-long",
    level: Level::Warning,
    summary: "The name of an ingress gateway is longer than 17 characters",
    explanation: Explanation {
        looks_for: "Values of ingressGateways[].name with more than 17 characters.",
        matters: "The names of the gateway's objects contain this name and become too long.",
        fix: "Choose a shorter name, and use it in selector.ingress_name of the virtual hosts as well.",
    },
    reference: "Configuration property ingressGateways[].name; Apigee known issue 243167389",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let files = facts::readable_overrides(evidence)?;
    if files.iter().all(|(_, content)| content.ingress_gateways.is_empty()) {
        facts::whole_overrides(evidence)?;
        return Ok(Outcome::NotApplicable("no file defines ingressGateways".into()));
    }
    let gateways =
        files.into_iter().flat_map(|(file, content)| content.ingress_gateways.iter().map(move |name| (file, name)));
    let (filled, unfilled): (Vec<_>, Vec<_>) = gateways.partition(|(_, name)| facts::is_filled(name));
    let findings: Vec<Finding> = filled
        .into_iter()
        .filter(|(_, gateway)| gateway.value.chars().count() > MAX_LENGTH)
        .map(|(file, gateway)| {
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, gateway.place),
                format!("ingress gateway {} has a name of {} characters", gateway.value, gateway.value.chars().count()),
                gateway.value.clone(),
                format!("at most {MAX_LENGTH} characters"),
            )
        })
        .collect();
    if let (true, Some((file, name))) = (findings.is_empty(), unfilled.first()) {
        return Err(facts::unfilled(file, name.place, &name.value));
    }
    facts::require_all_judged(evidence, &findings)?;
    Ok(Outcome::of(findings, format!("every name has at most {MAX_LENGTH} characters")))
}
