//! What the access logs show about clients.

pub(super) mod access_log_unconfirmed;
pub(super) mod client_without_sni_unrouted;
pub(super) mod connection_without_server_name_reset;
pub(super) mod connections_without_filter_chain_counted;
pub(super) mod declared_server_name_reset;
pub(super) mod expected_client_without_sni_refused;
pub(super) mod health_check_reset;
pub(super) mod host_without_route_on_connection;
pub(super) mod load_balancer_reset;
pub(super) mod log_window_incomplete;
pub(super) mod served_client_without_wildcard;
pub(super) mod unknown_server_name_reset;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "client",
    block: "AT1",
    judges: "what the access logs show about clients: no SNI, unknown server names, load-balancer \
        health checks, the log window",
    checks: &[
        connection_without_server_name_reset::CHECK,
        unknown_server_name_reset::CHECK,
        declared_server_name_reset::CHECK,
        load_balancer_reset::CHECK,
        client_without_sni_unrouted::CHECK,
        expected_client_without_sni_refused::CHECK,
        log_window_incomplete::CHECK,
        served_client_without_wildcard::CHECK,
        access_log_unconfirmed::CHECK,
        host_without_route_on_connection::CHECK,
        health_check_reset::CHECK,
        connections_without_filter_chain_counted::CHECK,
    ],
};
