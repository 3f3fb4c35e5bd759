//! ApigeeRoutes and ApigeeRouteConfigs.

mod additional_gateway_dangling;
mod credential_name_missing;
mod credential_secret_missing;
mod environment_group_without_route;
mod ingress_pod_without_wildcard;
mod route_config_drift;
mod route_error;
mod route_not_running;
mod selector_without_pods;
mod wildcard_port_unsuitable;
mod wildcard_route_duplicate;
mod wildcard_route_flag_off;
mod wildcard_route_missing;
mod wildcard_route_partly_attached;
mod wildcard_route_unattached;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "route",
    block: "AT2",
    judges: "ApigeeRoutes and ApigeeRouteConfigs: wildcard, enableNonSniClient, additionalGateways, state, selectors, ports, duplicates",
    checks: &[
        wildcard_route_missing::CHECK,
        wildcard_route_flag_off::CHECK,
        wildcard_route_unattached::CHECK,
        wildcard_route_partly_attached::CHECK,
        route_config_drift::CHECK,
        wildcard_route_duplicate::CHECK,
        selector_without_pods::CHECK,
        wildcard_port_unsuitable::CHECK,
        credential_name_missing::CHECK,
        credential_secret_missing::CHECK,
        route_not_running::CHECK,
        route_error::CHECK,
        additional_gateway_dangling::CHECK,
        ingress_pod_without_wildcard::CHECK,
        environment_group_without_route::CHECK,
    ],
};
