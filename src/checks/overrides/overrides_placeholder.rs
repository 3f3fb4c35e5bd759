//! AT316: a placeholder of a deployment tool is not filled.

use std::collections::BTreeSet;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::overrides::{FaultKind, OverridesFault};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT316"),
    name: "overrides-placeholder",
    level: Level::Notice,
    summary: "An overrides file contains placeholders that are not filled",
    explanation: Explanation {
        looks_for: "Placeholders such as ${NAME}, $(NAME), $NAME, <name>, @NAME@, __NAME__ or YOUR_NAME in \
            virtual hosts, ingress gateways, org and namespace, and on lines of their own. AT301 reports \
            templates ({{).",
        matters: "A placeholder is not the value. Nothing is concluded from its length, its form or its \
            equality with another one, so checks that need the value are unknown.",
        fix: "Pass the file as helm gets it, with all values filled in.",
    },
    reference: "Values of a file given with helm -f are used as they are",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let files = facts::overrides(evidence)?;
    let findings = files.into_iter().filter_map(|(file, content)| {
        let faults: Vec<&OverridesFault> =
            content.faults.iter().filter(|fault| fault.kind == FaultKind::Placeholder).collect();
        let first = faults.first()?;
        let names: BTreeSet<&str> = faults.iter().map(|fault| fault.observed.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let subject = match first.path.as_str() {
            "" => "a line",
            path => path,
        };
        Some(Finding::new(
            Object::overrides(file),
            Location::overrides(file, first.place),
            format!(
                "{} not filled, the first in {subject}: {}",
                facts::count(faults.len() as u64, "placeholder"),
                facts::some_of(&names)
            ),
            first.observed.clone(),
            "the file as helm gets it",
        ))
    });
    Ok(Outcome::of(findings.collect(), "the files contain no placeholder in what was read"))
}
