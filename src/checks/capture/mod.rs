//! What packet captures show about clients and the server.

pub(super) mod captured_alert_hidden;
pub(super) mod captured_alpn_refused;
pub(super) mod captured_cipher_suite_refused;
pub(super) mod captured_client_certificate_missing;
pub(super) mod captured_client_certificate_rejected;
pub(super) mod captured_client_gives_up;
pub(super) mod captured_client_not_tls;
pub(super) mod captured_client_without_sni_refused;
pub(super) mod captured_connection_refused;
pub(super) mod captured_handshake_broken;
pub(super) mod captured_protocol_version_refused;
pub(super) mod captured_proxy_header_refused;
pub(super) mod captured_server_certificate_rejected;
pub(super) mod captured_server_name_is_address;
pub(super) mod captured_server_name_refused;
pub(super) mod captured_server_not_tls;
pub(super) mod captured_server_silent;
pub(super) mod captured_unknown_server_name_refused;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "capture",
    block: "AT6",
    judges: "packet captures: ClientHellos without SNI, versions, cipher suites, certificates, alerts by sender, resets",
    checks: &[
        captured_client_without_sni_refused::CHECK,
        captured_server_name_refused::CHECK,
        captured_unknown_server_name_refused::CHECK,
        captured_server_name_is_address::CHECK,
        captured_protocol_version_refused::CHECK,
        captured_cipher_suite_refused::CHECK,
        captured_server_certificate_rejected::CHECK,
        captured_client_certificate_missing::CHECK,
        captured_client_certificate_rejected::CHECK,
        captured_proxy_header_refused::CHECK,
        captured_client_not_tls::CHECK,
        captured_server_not_tls::CHECK,
        captured_server_silent::CHECK,
        captured_connection_refused::CHECK,
        captured_client_gives_up::CHECK,
        captured_alert_hidden::CHECK,
        captured_handshake_broken::CHECK,
        captured_alpn_refused::CHECK,
    ],
};
