//! AT327: a name in an overrides file cannot be the name of a Kubernetes object.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT327"),
    name: "object-name-malformed",
    level: Level::Warning,
    summary: "A name in an overrides file cannot be the name of a Kubernetes object",
    explanation: Explanation {
        looks_for: "Names of virtual hosts and of ingress gateways, and values of sslSecret and \
            additionalGateways, that contain other characters than lowercase letters, digits, hyphens and \
            dots, or do not begin and end with a letter or digit.",
        matters: "The names become names of objects. The API server refuses such a name, so helm upgrade \
            fails; or the object that is meant is not found.",
        fix: "Correct the name. sslSecret is the name of a Secret, not the path of a file.",
    },
    reference: "RFC 1123 labels and subdomains, as Kubernetes requires them; configuration property \
        ingressGateways[].name",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let mut findings = Vec::new();
    let mut unfilled = None;
    let files = facts::readable_overrides(evidence)?;
    if files.iter().all(|(_, content)| content.virtual_hosts.is_empty() && content.ingress_gateways.is_empty()) {
        facts::whole_overrides(evidence)?;
        return Ok(Outcome::NotApplicable("no file has a virtual host or an ingress gateway".into()));
    }
    for (file, content) in files {
        let gateways = content.ingress_gateways.iter().map(|name| ("the name of an ingress gateway", name));
        let hosts = content.virtual_hosts.iter().flat_map(|host| {
            let name = host.name.iter().map(|name| ("the name of a virtual host", name));
            let secret = host.ssl_secret.iter().map(|name| ("sslSecret", name));
            // Istio accepts a gateway of another namespace, as namespace/name.
            let listed = host.additional_gateways.names.iter().filter(|name| !name.value.contains('/'));
            name.chain(secret).chain(listed.map(|name| ("an entry of additionalGateways", name)))
        });
        let (filled, open): (Vec<_>, Vec<_>) = gateways.chain(hosts).partition(|(_, name)| facts::is_filled(name));
        let first = open.first().map(|(_, name)| facts::unfilled(file, name.place, &name.value));
        unfilled = unfilled.or(first);
        let wrong = filled.into_iter().filter(|(_, name)| !is_name(&name.value));
        findings.extend(wrong.map(|(what, name)| {
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, name.place),
                format!("{what} is \"{}\", which no Kubernetes object can have as its name", name.value),
                name.value.clone(),
                "lowercase letters, digits, - and .; a letter or digit at both ends",
            )
        }));
    }
    if let Some(why) = unfilled.filter(|_| findings.is_empty()) {
        return Err(why);
    }
    facts::require_all_judged(evidence, &findings)?;
    Ok(Outcome::of(findings, "every name can be the name of an object"))
}

fn is_name(name: &str) -> bool {
    let ends = name.as_bytes().first().zip(name.as_bytes().last());
    ends.is_some_and(|(first, last)| first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}
