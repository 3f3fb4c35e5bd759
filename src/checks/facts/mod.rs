//! Facts about the evidence that several checks and the verdict share.
//!
//! All functions leave out internal-chaining objects, because no client outside the cluster uses them.

pub(crate) mod absence;
pub(crate) mod answers;
pub(crate) mod captured;
pub(crate) mod chain;
pub(crate) mod edge;
pub(crate) mod envoy;
mod health_checks;
pub(crate) mod loadable;
pub(crate) mod loaded;
mod logs;
pub(crate) mod marker_probe;
mod overrides;
mod phrases;
mod pods;
pub(crate) mod probed;
pub(crate) mod protocol_limits;
mod routes;
pub(crate) mod scanned;
pub(crate) mod served;
pub(crate) mod stored;
pub(crate) mod tls_settings;
pub(crate) mod versions;
pub(crate) mod wildcard_certificate;
pub(crate) mod without_sni;

pub(crate) use self::absence::{require_conclusive_logs, required};
pub(crate) use self::health_checks::{HealthCheck, HealthChecks};
pub(crate) use self::logs::{
    GATEWAY_CONTAINER, container_of, from_google, google_range, is_azure_probe, is_google_front_end, know_all_names,
    logs, opened, repeated, reset_names, streams, window,
};
pub(crate) use self::overrides::{
    comparable_hosts, file_name, gateway_names, helm_files, host_name, ingress_gateways, is_filled, is_unfilled,
    may_be_of_one_org, overrides, place, readable_overrides, rendered_name, renders, require_all_judged, unfilled,
    virtual_hosts, whole_overrides,
};
pub(crate) use self::phrases::{
    Nearest, count, duration, first_of, from_addresses, labels, moment, moments, quoted_list, some_of,
};
pub(crate) use self::pods::{is_empty_namespace, is_of_node, known_labels, pods, pods_are_narrowed, services};
pub(crate) use self::routes::{
    NEW_ROUTE, attachment, by_age, covers, declares, describe_port, group_label, group_routes, is_older,
    known_to_share_pods, lags, local_name, may_be_of, require_all_route_configs, require_all_routes, routes, routes_of,
    secret_is_missing, serving_routes, share_pods, terminates_https, terminates_tls, tls_ports, wildcard_names,
    wildcard_obstacles, wildcards, wildcards_without_tls, without_tls,
};
