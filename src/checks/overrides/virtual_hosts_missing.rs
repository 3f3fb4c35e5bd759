//! AT315: the overrides files define no virtual host.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::overrides::{Overrides, OverridesFile};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT315"),
    name: "virtual-hosts-missing",
    level: Level::Warning,
    summary: "No overrides file defines a virtual host",
    explanation: Explanation {
        looks_for: "The overrides files that were given have no entry of virtualhosts, or a later file sets \
            virtualhosts to an empty list, which replaces that of an earlier file.",
        matters: "virtualhosts is a required property: without it, no environment group is reachable from \
            outside. More often another file was intended, and this one contains nothing about TLS.",
        fix: "Pass the file that contains virtualhosts, or add virtualhosts to this one.",
    },
    reference: "Configuration property virtualhosts (required); Helm \"Values files\": a list of a later file \
        replaces that of an earlier one",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let files = facts::overrides(evidence)?;
    let hosts = facts::virtual_hosts(evidence)?;
    if !hosts.is_empty() {
        let emptied = emptied(&files);
        if !emptied.is_empty() {
            return Ok(Outcome::Found(emptied));
        }
        return Ok(Outcome::Passed(facts::count(hosts.len() as u64, "virtual host")));
    }
    // AT326 reports the layouts of hybrid 1.1 and 1.2 that have none.
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
        return Ok(Outcome::NotApplicable("the files have the layout of hybrid 1.1 or 1.2 (AT326)".into()));
    }
    Ok(Outcome::Found(findings))
}

/// Returns the files with an empty `virtualhosts` that helm takes in place of the list of an earlier file.
fn emptied(files: &[(&OverridesFile, &Overrides)]) -> Vec<Finding> {
    let judge = |(number, (file, content)): (usize, &(&OverridesFile, &Overrides))| {
        let place = content.empty_virtual_hosts?;
        let defines = |(_, other): &&(&OverridesFile, &Overrides)| {
            !other.virtual_hosts.is_empty() && facts::may_be_of_one_org(other, content)
        };
        if files.iter().skip(number + 1).any(|later| defines(&later)) {
            return None;
        }
        let (earlier, _) = files.iter().take(number).rfind(defines)?;
        let name = facts::file_name(file);
        Some(Finding::new(
            Object::overrides(file),
            Location::overrides(file, place),
            format!(
                "{name} has an empty virtualhosts, which helm takes in place of that of {}, an earlier file",
                facts::file_name(earlier)
            ),
            "no virtual host",
            "the virtual hosts in the last file that has virtualhosts",
        ))
    };
    files.iter().enumerate().filter_map(judge).collect()
}
