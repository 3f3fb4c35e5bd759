//! `apigeeroutes.txt`: the list of the ApigeeRoutes.

use super::{Input, Page, why_not};
use crate::evidence::{Evidence, Seen};
use crate::plan::folder;
use crate::text::{joined, table};

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let path = format!("{}/apigeeroutes.txt", folder::ROUTES);
    let why = "kubectl get apigeeroutes, required by the playbook";
    vec![Page::new(path, "diagnose", why, &route_list(input.evidence))]
}

/// Returns the routes as `kubectl get apigeeroutes` prints them, with the columns that the playbook needs.
fn route_list(evidence: &Evidence) -> String {
    let routes = match &evidence.routes {
        Seen::Seen(routes) if !routes.items.is_empty() => &routes.items,
        seen => return format!("{}\n", why_not(seen)),
    };
    let mut rows = vec![["NAME", "STATE", "HOSTNAMES", "NON_SNI", "GATEWAYS"].map(str::to_owned)];
    rows.extend(routes.iter().map(|route| {
        [
            route.name.clone(),
            route.status.state.clone().unwrap_or_else(|| "<none>".into()),
            joined(&route.hostnames, ",", "<none>"),
            route.enable_non_sni_client.map_or_else(|| "<none>".into(), |flag| flag.to_string()),
            joined(&route.additional_gateways, ",", "<none>"),
        ]
    }));
    table(&rows)
}
