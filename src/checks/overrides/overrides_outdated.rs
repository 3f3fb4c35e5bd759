//! AT308: the cluster lists a gateway that the overrides file does not.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;
use crate::evidence::hybrid::is_chart_made;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT308"),
    name: "overrides-outdated",
    level: Level::Warning,
    summary: "The cluster lists a gateway that the overrides file does not",
    explanation: Explanation {
        looks_for: "Names in additionalGateways of an ApigeeRouteConfig that its virtual host in the file \
            does not list. Left out are names that the charts make themselves for the internal-chaining \
            gateway.",
        matters: "This works today. The next helm upgrade with this file removes the gateway from the list, \
            and clients without SNI fail from then on.",
        fix: "Add the gateway to the file before the next helm upgrade, or find the file that was used last.",
    },
    reference: "Data flow overrides → ApigeeRouteConfig",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    facts::virtual_hosts(evidence)?;
    let configs = &evidence.route_configs.seen()?.items;
    let hosts = facts::comparable_hosts(evidence)?;
    let mut findings = Vec::new();
    let mut compared = 0;
    for (file, content, host) in hosts {
        let names = facts::gateway_names(host);
        for config in configs.iter().filter(|config| facts::renders(content, host, &config.name)) {
            compared += 1;
            let own = config.additional_gateways.iter().filter(|gateway| !is_chart_made(gateway));
            for gateway in own.filter(|gateway| !names.contains(gateway)) {
                findings.push(Finding::new(
                    Object::overrides(file),
                    Location::overrides(file, host.place),
                    format!(
                        "ApigeeRouteConfig {} lists {gateway}, but virtual host {} does not",
                        config.name,
                        facts::host_name(host)
                    ),
                    facts::quoted_list(&names),
                    facts::quoted_list(&config.additional_gateways),
                ));
            }
        }
    }
    facts::require_all_judged(evidence, &findings)?;
    if compared == 0 {
        return Ok(Outcome::NotApplicable(format!(
            "no virtual host has an ApigeeRouteConfig ({})",
            codes::VIRTUAL_HOST_UNDEPLOYED
        )));
    }
    Ok(Outcome::of(findings, "the files list every gateway that the cluster lists"))
}
