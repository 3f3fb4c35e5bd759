//! AT306: neither the overrides file nor the cluster lists the wildcard route for a virtual host.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::overrides::{Overrides, VirtualHost};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT306"),
    name: "wildcard-gateway-unlisted",
    level: Level::Warning,
    summary: "A virtual host does not list the wildcard route in additionalGateways",
    explanation: Explanation {
        looks_for: "additionalGateways of each virtual host of the overrides files: it lists no wildcard \
            route of the cluster, and the ApigeeRouteConfig of that environment group does not either. \
            Groups that share no pod with a wildcard route are left out.",
        matters: "Clients without SNI find no virtual service of this environment group on the gateway of \
            the wildcard route.",
        fix: "Add the wildcard route to additionalGateways, and run helm upgrade for that environment group.",
    },
    reference: "Apigee hybrid playbook, \"additionalGateways\" in overrides.yaml; \"Enable non-SNI \
        clients\", step 2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if facts::virtual_hosts(evidence)?.is_empty() {
        return Ok(Outcome::NotApplicable("no file has a virtual host".into()));
    }
    let wildcards = facts::wildcard_names(evidence);
    let wildcards = match wildcards {
        Ok(names) if names.is_empty() => return Ok(Outcome::NotApplicable("there is no wildcard route".into())),
        Ok(names) => names,
        Err(why) if matches!(why.reason, Reason::NotRequested(_)) => return without_cluster(evidence),
        Err(why) => return Err(why),
    };
    let configs = &evidence.route_configs.seen()?.items;
    let hosts = facts::comparable_hosts(evidence)?;
    let mut findings = Vec::new();
    for (file, content, host) in hosts {
        let is_wildcard = |name: &String| wildcards.contains(&facts::local_name(evidence, name));
        let in_file = host.additional_gateways.names.iter().any(|name| is_wildcard(&name.value));
        let in_cluster = configs
            .iter()
            .filter(|config| facts::renders(content, host, &config.name))
            .any(|config| config.additional_gateways.iter().any(is_wildcard));
        if !in_file && !in_cluster && !on_other_pods(evidence, content, host) {
            findings.push(Finding::new(
                Object::overrides(file),
                Location::overrides(file, host.place),
                format!("virtual host {} does not list {}", facts::host_name(host), wildcards.join(" or ")),
                facts::quoted_list(&facts::gateway_names(host)),
                format!("additionalGateways with \"{}\"", wildcards[0]),
            ));
        }
    }
    facts::require_all_judged(evidence, &findings)?;
    Ok(Outcome::of(findings, "every virtual host lists the wildcard route, in the file or in the cluster"))
}

/// Returns whether the routes of the environment group are known, and none of them shares a pod with a
/// wildcard route.
fn on_other_pods(evidence: &Evidence, content: &Overrides, host: &VirtualHost) -> bool {
    let wildcards = facts::wildcards(evidence).unwrap_or_default();
    let groups = facts::group_routes(evidence).unwrap_or_default();
    let own: Vec<_> = groups.iter().filter(|route| facts::renders(content, host, route.group())).collect();
    !own.is_empty()
        && !own.iter().any(|route| wildcards.iter().any(|wildcard| facts::share_pods(evidence, route, wildcard)))
}

/// Judges the files alone: reports virtual hosts that list no gateway if another one lists a gateway.
fn without_cluster(evidence: &Evidence) -> Judgement {
    let hosts = facts::comparable_hosts(evidence)?;
    let listed: Vec<&str> = hosts
        .iter()
        .flat_map(|(_, _, host)| host.additional_gateways.names.iter().map(|name| name.value.as_str()))
        .collect();
    let Some(gateway) = listed.first() else {
        // Only the cluster knows whether there is a wildcard route to list.
        return Err(facts::wildcard_names(evidence)
            .err()
            .unwrap_or_else(|| Unavailable::new("ApigeeRoutes", Reason::NotRequested("a cluster".into()))));
    };
    let findings: Vec<Finding> = hosts
        .iter()
        .filter(|(_, _, host)| host.additional_gateways.names.is_empty())
        .map(|(file, _, host)| {
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, host.place),
                format!("virtual host {} lists no gateway, while another lists {gateway}", facts::host_name(host)),
                "[]",
                format!("additionalGateways with \"{gateway}\", if clients without SNI use this group too"),
            )
        })
        .collect();
    facts::require_all_judged(evidence, &findings)?;
    Ok(Outcome::of(findings, format!("every virtual host lists a gateway, such as {gateway}")))
}
