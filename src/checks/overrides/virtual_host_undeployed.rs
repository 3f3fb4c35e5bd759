//! AT309: a virtual host of an overrides file has no ApigeeRouteConfig.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT309"),
    name: "virtual-host-undeployed",
    level: Level::Notice,
    summary: "A virtual host of the overrides file has no ApigeeRouteConfig in the cluster",
    explanation: Explanation {
        looks_for: "Entries of virtualhosts for which the namespace has no ApigeeRouteConfig <org>-<name>.",
        matters: "Either helm upgrade was not run for this environment group here, or the file belongs to \
            another cluster or organization.",
        fix: "Run helm upgrade for the environment group, or pass the overrides file of this cluster.",
    },
    reference: "Data flow overrides → ApigeeRouteConfig",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if facts::virtual_hosts(evidence)?.is_empty() {
        return Ok(Outcome::NotApplicable("no file has a virtual host".into()));
    }
    let configs = &evidence.route_configs.seen()?.items;
    let hosts = facts::comparable_hosts(evidence)?;
    let findings: Vec<Finding> = hosts
        .into_iter()
        .filter(|(_, content, host)| {
            host.name.is_some() && !configs.iter().any(|config| facts::renders(content, host, &config.name))
        })
        .map(|(file, content, host)| {
            let org = content.org.as_ref().map_or("<org>", |org| org.value.as_str());
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, host.place),
                format!("virtual host {} has no ApigeeRouteConfig", facts::host_name(host)),
                format!(
                    "{} in namespace {}",
                    facts::count(configs.len() as u64, "ApigeeRouteConfig"),
                    evidence.question.namespace()
                ),
                format!("ApigeeRouteConfig {org}-{}", facts::host_name(host)),
            )
        })
        .collect();
    facts::require_all_judged(evidence, &findings)?;
    if !findings.is_empty() {
        facts::require_all_route_configs(evidence)?;
    }
    Ok(Outcome::of(findings, "every virtual host has its ApigeeRouteConfig"))
}
