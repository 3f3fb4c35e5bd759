//! What the access logs show of clients.

mod access_log_unconfirmed;
mod client_without_sni_unrouted;
mod connection_without_server_name_reset;
mod declared_server_name_reset;
mod expected_client_without_sni_refused;
mod host_without_route_on_connection;
mod load_balancer_reset;
mod log_window_incomplete;
mod served_client_without_wildcard;
mod unknown_server_name_reset;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "client",
    block: "AT1",
    judges: "what the access logs show of clients: no server name, a name no route has, load-balancer health checks, the log window",
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
    ],
};
