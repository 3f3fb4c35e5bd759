//! AT310: an environment group of the cluster is in none of the given overrides files.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT310"),
    name: "virtual-host-unlisted",
    level: Level::Notice,
    summary: "An ApigeeRouteConfig of the cluster is in none of the overrides files",
    explanation: Explanation {
        looks_for: "ApigeeRouteConfigs of the namespace whose virtual host is in none of the given files.",
        matters: "Their settings come from a file that was not given, so they could not be compared.",
        fix: "Pass all overrides files; repeat -f for each file.",
    },
    reference: "Data flow overrides → ApigeeRouteConfig",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    facts::whole_overrides(evidence)?;
    let configs = &evidence.route_configs.seen()?.items;
    let hosts = facts::comparable_hosts(evidence)?;
    let findings = configs
        .iter()
        .filter(|config| !hosts.iter().any(|(_, content, host)| facts::renders(content, host, &config.name)))
        .map(|config| {
            Finding::new(
                Object::new(Kind::ApigeeRouteConfig, &config.name),
                Location::field("virtualhosts"),
                format!("no given file has the virtual host of ApigeeRouteConfig {}", config.name),
                facts::count(hosts.len() as u64, "virtual host"),
                "an entry of virtualhosts for it",
            )
        })
        .collect();
    Ok(Outcome::of(findings, "every ApigeeRouteConfig has its virtual host in the files"))
}
