//! AT307: the overrides file lists a gateway that the cluster does not have yet.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT307"),
    name: "helm-upgrade-pending",
    level: Level::Warning,
    summary: "The overrides file lists a gateway that the cluster does not have",
    explanation: Explanation {
        looks_for: "Names in additionalGateways of a virtual host that its ApigeeRouteConfig does not list.",
        matters: "The file is correct, but the cluster does not follow it. helm upgrade was not run for this \
            environment group, or was run with another file.",
        fix: "Run helm upgrade for the environment group with this file.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", step 4",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    facts::virtual_hosts(evidence)?;
    let configs = &evidence.route_configs.seen()?.items;
    let hosts = facts::comparable_hosts(evidence)?;
    let mut findings = Vec::new();
    let mut compared = 0;
    for (file, content, host) in hosts {
        for config in configs.iter().filter(|config| facts::renders(content, host, &config.name)) {
            compared += 1;
            for gateway in &host.additional_gateways.names {
                if !config.additional_gateways.contains(&gateway.value) {
                    findings.push(Finding::new(
                        Object::new(Kind::ApigeeRouteConfig, &config.name),
                        Location::overrides(file, gateway.place),
                        format!(
                            "{} lists {} for {}, but the ApigeeRouteConfig does not",
                            facts::file_name(file),
                            gateway.value,
                            facts::host_name(host)
                        ),
                        facts::quoted_list(&config.additional_gateways),
                        facts::quoted_list(&facts::gateway_names(host)),
                    ));
                }
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
    Ok(Outcome::of(findings, "every gateway that the files list is in the cluster"))
}
