//! AT326: an overrides file has keys that only hybrid 1.1 or 1.2 reads.

use std::collections::BTreeSet;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::overrides::{Positioned, VirtualHost};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT326"),
    name: "overrides-layout-old",
    level: Level::Notice,
    summary: "An overrides file has keys that only hybrid 1.1 or 1.2 reads",
    explanation: Explanation {
        looks_for: "envs[].hostAlias or envs[].hostAliases without virtualhosts, the layout of hybrid 1.1 and \
            1.2; hostAliases and routingRules of a virtual host, the layout of hybrid 1.2.",
        matters: "Since hybrid 1.3 these keys have no effect: hostnames and environments are those of the \
            environment group in the organization.",
        fix: "For a newer hybrid, write one entry of virtualhosts for each environment group. Remove the \
            old keys.",
    },
    reference: "Apigee hybrid configuration property reference, 1.1 and 1.2; release notes of 1.2: \
        envs[].hostAliases",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let mut findings = Vec::new();
    for (file, content) in facts::overrides(evidence)? {
        let finding = |place, message: String, observed: String| {
            let expected = "virtualhosts with one entry for each environment group";
            Finding::new(Object::overrides(file), Location::overrides(file, place), message, observed, expected)
        };
        if let Some(place) = content.environment_alias.filter(|_| content.virtual_hosts.is_empty()) {
            let message =
                "the layout is that of hybrid 1.1 or 1.2: host aliases in envs, and no virtualhosts".to_owned();
            findings.push(finding(place, message, "host aliases in envs".into()));
        }
        let old = content.virtual_hosts.iter().flat_map(|host| {
            let keys = host.settings.as_ref().map_or(&[][..], |settings| settings.old_keys.as_slice());
            keys.iter().map(move |key| (host, key))
        });
        let old: Vec<(&VirtualHost, &Positioned<String>)> = old.collect();
        let names: BTreeSet<&str> = old.iter().map(|(_, key)| key.value.as_str()).collect();
        let names = names.into_iter().collect::<Vec<&str>>().join(" and ");
        if let (Some((_, first)), true) = (old.first(), content.ingress_gateways.is_empty()) {
            let message = format!("the layout is that of hybrid 1.2: {names} of virtual hosts; no effect since 1.3");
            findings.push(finding(first.place, message, names));
        } else {
            findings.extend(old.iter().map(|(host, key)| {
                let message =
                    format!("{} of virtual host {} has no effect since hybrid 1.3", key.value, facts::host_name(host));
                finding(key.place, message, key.value.clone())
            }));
        }
    }
    if findings.is_empty() {
        facts::whole_overrides(evidence)?;
    }
    Ok(Outcome::of(findings, "no file has a key of hybrid 1.1 or 1.2"))
}
