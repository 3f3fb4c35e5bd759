//! Handshakes made on purpose, and what the gateways say of themselves.

mod address_out_of_reach;
mod addresses_differ;
mod cipher_suite_refused;
mod client_certificate_asked;
mod client_certificate_demanded;
mod client_certificate_rejected;
mod client_without_server_name_refused;
mod endpoint_unreachable;
mod gateway_chain_without_route;
mod handshake_broken;
mod handshake_stalled;
mod load_balancer_differs;
mod peer_not_tls;
mod pods_differ;
mod pods_serve_different_certificates;
mod protocol_by_alpn_refused;
mod protocol_limits_unmet;
mod protocol_version_refused;
mod route_not_in_gateway;
mod served_certificate_expired;
mod served_certificate_expiring;
mod served_certificate_name_mismatch;
mod served_certificate_not_for_servers;
mod served_certificate_not_yet_valid;
mod served_certificate_self_signed;
mod served_certificate_weak;
mod served_chain_incomplete;
mod served_chain_misordered;
mod served_chain_untrusted;
mod server_name_refused;
mod server_name_required;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "handshake",
    block: "AT5",
    judges: "handshakes made on purpose: server name, version, cipher, client certificate, the certificates served, pods and load \
        balancer compared, and what Envoy says of itself",
    checks: &[
        server_name_required::CHECK,
        endpoint_unreachable::CHECK,
        peer_not_tls::CHECK,
        server_name_refused::CHECK,
        client_without_server_name_refused::CHECK,
        protocol_version_refused::CHECK,
        cipher_suite_refused::CHECK,
        protocol_by_alpn_refused::CHECK,
        client_certificate_demanded::CHECK,
        client_certificate_asked::CHECK,
        client_certificate_rejected::CHECK,
        handshake_stalled::CHECK,
        handshake_broken::CHECK,
        served_certificate_expired::CHECK,
        served_certificate_not_yet_valid::CHECK,
        served_certificate_expiring::CHECK,
        served_certificate_name_mismatch::CHECK,
        served_chain_incomplete::CHECK,
        served_chain_misordered::CHECK,
        served_chain_untrusted::CHECK,
        served_certificate_self_signed::CHECK,
        served_certificate_weak::CHECK,
        addresses_differ::CHECK,
        pods_differ::CHECK,
        load_balancer_differs::CHECK,
        route_not_in_gateway::CHECK,
        gateway_chain_without_route::CHECK,
        protocol_limits_unmet::CHECK,
        address_out_of_reach::CHECK,
        served_certificate_not_for_servers::CHECK,
        pods_serve_different_certificates::CHECK,
    ],
};
