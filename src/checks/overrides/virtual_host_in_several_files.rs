//! AT329: several overrides files define the same virtual host.

use std::collections::HashMap;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::overrides::{Overrides, OverridesFile, VirtualHost};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT329"),
    name: "virtual-host-in-several-files",
    level: Level::Notice,
    summary: "Several overrides files define the virtual host of one environment group",
    explanation: Explanation {
        looks_for: "Entries of virtualhosts with the same name in two of the given files, if their org is \
            the same or not stated.",
        matters: "helm replaces lists. Of several -f files, the last one with virtualhosts replaces all \
            virtual hosts of the others. So the order of the files decides, and the settings of the first \
            file have no effect.",
        fix: "Define each virtual host in one file, and pass that file alone, with the files that have no \
            virtualhosts.",
    },
    reference: "Helm \"Values files\": a list of a later file replaces that of an earlier one",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let hosts = facts::virtual_hosts(evidence)?;
    let mut findings = Vec::new();
    // The first of each name in each file.
    let mut first: HashMap<&str, Vec<&(&OverridesFile, &Overrides, &VirtualHost)>> = HashMap::new();
    for entry in &hosts {
        let (file, content, host) = *entry;
        let Some(name) = host.name.as_ref().filter(|name| facts::is_filled(name)) else { continue };
        let others = first.entry(&name.value).or_default();
        let mut of_files = others.iter().filter(|(other, _, _)| other.name != file.name);
        let earlier = of_files.find(|(_, other_content, _)| facts::may_be_of_one_org(other_content, content)).copied();
        if others.iter().all(|(other, _, _)| other.name != file.name) {
            others.push(entry);
        }
        let Some((other, _, other_host)) = earlier else { continue };
        findings.push(Finding::new(
            Object::overrides(file),
            Location::overrides(file, host.place),
            format!(
                "virtual host {} is in {} and in {}: the order of the files decides, and helm takes the last one",
                name.value,
                facts::place(other, other_host.place),
                facts::file_name(file)
            ),
            "two definitions",
            "one file for each environment group",
        ));
    }
    if hosts.is_empty() {
        return Ok(Outcome::NotApplicable("no file has a virtual host".into()));
    }
    facts::require_all_judged(evidence, &findings)?;
    Ok(Outcome::of(findings, "no virtual host is in two files"))
}
