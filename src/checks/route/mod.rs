//! ApigeeRoutes and ApigeeRouteConfigs.

pub(super) mod additional_gateway_dangling;
pub(super) mod credential_name_missing;
pub(super) mod credential_secret_missing;
pub(super) mod environment_group_without_route;
pub(super) mod hostname_duplicate;
pub(super) mod hostnames_missing;
pub(super) mod ingress_pod_without_wildcard;
pub(super) mod port_protocol_conflict;
pub(super) mod route_cipher_suite_unknown;
pub(super) mod route_config_drift;
pub(super) mod route_error;
pub(super) mod route_not_running;
pub(super) mod route_old_tls_version_unserved;
pub(super) mod route_tls_mode_unknown;
pub(super) mod route_tls_versions_unservable;
pub(super) mod selector_without_pods;
pub(super) mod wildcard_port_unsuitable;
pub(super) mod wildcard_route_duplicate;
pub(super) mod wildcard_route_flag_off;
pub(super) mod wildcard_route_missing;
pub(super) mod wildcard_route_partly_attached;
pub(super) mod wildcard_route_unattached;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "route",
    block: "AT2",
    judges: "ApigeeRoutes and ApigeeRouteConfigs: wildcard, enableNonSniClient, additionalGateways, state, \
        selectors, ports, TLS settings, duplicates",
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
        hostname_duplicate::CHECK,
        port_protocol_conflict::CHECK,
        hostnames_missing::CHECK,
        route_tls_versions_unservable::CHECK,
        route_old_tls_version_unserved::CHECK,
        route_cipher_suite_unknown::CHECK,
        route_tls_mode_unknown::CHECK,
    ],
};
