//! Handshakes made by this program, and the state that the gateways report.

pub(super) mod address_out_of_reach;
pub(super) mod addresses_differ;
pub(super) mod cipher_suite_refused;
pub(super) mod client_certificate_asked;
pub(super) mod client_certificate_demanded;
pub(super) mod client_certificate_rejected;
pub(super) mod client_without_server_name_refused;
pub(super) mod endpoint_unreachable;
pub(super) mod forward_secrecy_missing;
pub(super) mod gateway_chain_without_route;
pub(super) mod handshake_broken;
pub(super) mod handshake_stalled;
pub(super) mod load_balancer_differs;
pub(super) mod outdated_version_offered;
pub(super) mod peer_not_tls;
pub(super) mod pods_differ;
pub(super) mod pods_serve_different_certificates;
pub(super) mod protocol_by_alpn_refused;
pub(super) mod protocol_limits_unmet;
pub(super) mod protocol_version_refused;
pub(super) mod protocol_versions_outdated;
pub(super) mod route_not_in_gateway;
pub(super) mod served_certificate_expired;
pub(super) mod served_certificate_expiring;
pub(super) mod served_certificate_name_mismatch;
pub(super) mod served_certificate_not_for_servers;
pub(super) mod served_certificate_not_yet_valid;
pub(super) mod served_certificate_self_signed;
pub(super) mod served_certificate_weak;
pub(super) mod served_certificates_superfluous;
pub(super) mod served_chain_incomplete;
pub(super) mod served_chain_misordered;
pub(super) mod served_chain_untrusted;
pub(super) mod server_name_refused;
pub(super) mod server_name_required;
pub(super) mod server_name_warned;
pub(super) mod unprotected_suite_offered;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "handshake",
    block: "AT5",
    judges: "handshakes of this program: server name, version, cipher suite, client certificate, served \
        certificates, pods and load balancer compared, and the configuration of Envoy",
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
        outdated_version_offered::CHECK,
        forward_secrecy_missing::CHECK,
        protocol_versions_outdated::CHECK,
        served_certificates_superfluous::CHECK,
        server_name_warned::CHECK,
        unprotected_suite_offered::CHECK,
    ],
};
