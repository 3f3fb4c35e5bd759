//! AT330: the overrides files name no organization.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::overrides::{FaultKind, Overrides, OverridesFile};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT330"),
    name: "organization-missing",
    level: Level::Warning,
    summary: "No overrides file names the organization",
    explanation: Explanation {
        looks_for: "Files with virtual hosts without a value for org in any of them, or a later file that \
            sets org to nothing, which replaces the value of an earlier file.",
        matters: "The chart apigee-virtualhost renders nothing without org: helm upgrade succeeds and removes \
            the ApigeeRouteConfig and the Secret of the environment group. The charts of the organization and of \
            its environments stop.",
        fix: "Set org to the name of the organization, or add the file that has it. If helm gets it with --set \
            org=…, nothing has to be done.",
    },
    reference: "Charts apigee-virtualhost 1.10.3 and 1.15.1, apigee-route-config.yaml and cert.yaml: `if \
        .Values.org`; apigee-org, orgScopeEncodedName",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let files = facts::whole_overrides(evidence)?;
    if files.iter().all(|(_, content)| content.virtual_hosts.is_empty()) {
        return Ok(Outcome::NotApplicable("no file has a virtual host".into()));
    }
    let emptied = emptied(&files);
    if !emptied.is_empty() {
        return Ok(Outcome::Found(emptied));
    }
    let Some((file, org)) = files.iter().find_map(|(file, content)| Some((file, content.org.as_ref()?))) else {
        // AT305 reports a value of another type.
        if files.iter().any(|(_, content)| has_fault(content)) {
            return Ok(Outcome::NotApplicable("org is set, and not to a name".into()));
        }
        let with_hosts = files.iter().filter(|(_, content)| !content.virtual_hosts.is_empty());
        return Ok(Outcome::Found(with_hosts.map(|(file, content)| missing(file, content)).collect()));
    };
    if !facts::is_filled(org) {
        return Err(facts::unfilled(file, org.place, &org.value));
    }
    Ok(Outcome::Passed(format!("the organization is {}", org.value)))
}

fn missing(file: &OverridesFile, content: &Overrides) -> Finding {
    let name = facts::file_name(file);
    let (location, observed) = match content.empty_org {
        Some(place) => (Location::overrides(file, place), "org without a value"),
        None => (Location::Whole, "no org"),
    };
    let message = format!("{name} names no organization, so that the chart renders nothing for its virtual hosts");
    Finding::new(Object::overrides(file), location, message, observed, "org: the name of the organization")
}

/// Returns the files with an org without a value that helm takes in place of that of an earlier file.
fn emptied(files: &[(&OverridesFile, &Overrides)]) -> Vec<Finding> {
    let judge = |(number, (file, content)): (usize, &(&OverridesFile, &Overrides))| {
        let place = content.empty_org?;
        if files.iter().skip(number + 1).any(|(_, later)| later.org.is_some()) {
            return None;
        }
        let (earlier, org) =
            files.iter().take(number).rev().find_map(|(file, content)| Some((file, content.org.as_ref()?)))?;
        let (name, earlier) = (facts::file_name(file), facts::file_name(earlier));
        Some(Finding::new(
            Object::overrides(file),
            Location::overrides(file, place),
            format!(
                "{name} sets org to nothing, which helm takes in place of {} of {earlier}, an earlier file",
                org.value
            ),
            "org without a value",
            format!("org: {}", org.value),
        ))
    };
    files.iter().enumerate().filter_map(judge).collect()
}

fn has_fault(content: &Overrides) -> bool {
    content.faults.iter().any(|fault| fault.path == "org" && fault.kind != FaultKind::DuplicateKey)
}
