//! AT315: the overrides files define no virtual host.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT315"),
    name: "virtual-hosts-missing",
    level: Level::Warning,
    summary: "No overrides file defines a virtual host",
    explanation: Explanation {
        looks_for: "The overrides files that were given have no entry of virtualhosts.",
        matters: "virtualhosts is a required property: without it, no environment group is reachable from \
            outside. More often another file was intended, and this one contains nothing about TLS.",
        fix: "Pass the file that contains virtualhosts, or add virtualhosts to this one.",
    },
    reference: "Configuration property virtualhosts (required)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let files = facts::overrides(evidence)?;
    let hosts = facts::virtual_hosts(evidence)?;
    if !hosts.is_empty() {
        return Ok(Outcome::Passed(facts::count(hosts.len() as u64, "virtual host")));
    }
    // AT326 reports the layout of hybrid 1.1, which has none.
    let findings: Vec<Finding> = files
        .into_iter()
        .filter(|(_, content)| content.environment_alias.is_none())
        .map(|(file, _)| {
            let name = facts::file_name(file);
            Finding::new(
                Object::overrides(file),
                Location::Whole,
                format!("{name} defines no virtual host"),
                "no virtualhosts",
                "a list of virtual hosts",
            )
        })
        .collect();
    if findings.is_empty() {
        return Ok(Outcome::NotApplicable("the files have the layout of hybrid 1.1 (AT326)".into()));
    }
    Ok(Outcome::Found(findings))
}
