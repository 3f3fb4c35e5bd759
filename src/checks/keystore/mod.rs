//! The handshakes of Apigee Edge on both legs: keystores, truststores, Routers, backends.

pub(super) mod alias_missing;
pub(super) mod alias_without_key;
pub(super) mod certificate_expired;
pub(super) mod certificate_expiring;
pub(super) mod certificate_not_for_servers;
pub(super) mod certificate_not_yet_valid;
pub(super) mod certificate_self_signed;
pub(super) mod certificate_weak;
pub(super) mod chain_incomplete;
pub(super) mod chain_wrong_issuer;
pub(super) mod chain_wrong_order;
pub(super) mod cipher_mismatch;
pub(super) mod client_certificate_authority_not_listed;
pub(super) mod client_certificate_expired;
pub(super) mod client_certificate_missing;
pub(super) mod client_certificate_no_client_auth;
pub(super) mod client_certificate_untrusted;
pub(super) mod closed_in_hello;
pub(super) mod handshake_timeout;
pub(super) mod hostname_mismatch;
pub(super) mod keystore_missing;
pub(super) mod name_not_resolved;
pub(super) mod plain_text_port;
pub(super) mod protocol_mismatch;
pub(super) mod reference_dangling;
pub(super) mod reset_in_hello;
pub(super) mod router_not_reloaded;
pub(super) mod routers_differ;
pub(super) mod sni_missing;
pub(super) mod sni_not_sent_for_name;
pub(super) mod sni_unknown;
pub(super) mod tls_not_enabled;
pub(super) mod truststore_mismatch;
pub(super) mod truststore_missing;
pub(super) mod unreachable;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "keystore",
    block: "AT7",
    judges: "both legs of Apigee Edge: keystores and truststores, virtual hosts, target servers, handshakes with Routers \
        and backends, logs and captures",
    checks: &[
        name_not_resolved::CHECK,
        unreachable::CHECK,
        plain_text_port::CHECK,
        tls_not_enabled::CHECK,
        protocol_mismatch::CHECK,
        cipher_mismatch::CHECK,
        sni_missing::CHECK,
        sni_not_sent_for_name::CHECK,
        sni_unknown::CHECK,
        handshake_timeout::CHECK,
        reset_in_hello::CHECK,
        closed_in_hello::CHECK,
        reference_dangling::CHECK,
        keystore_missing::CHECK,
        alias_missing::CHECK,
        alias_without_key::CHECK,
        router_not_reloaded::CHECK,
        routers_differ::CHECK,
        certificate_expired::CHECK,
        certificate_not_yet_valid::CHECK,
        certificate_expiring::CHECK,
        certificate_self_signed::CHECK,
        certificate_weak::CHECK,
        certificate_not_for_servers::CHECK,
        hostname_mismatch::CHECK,
        chain_incomplete::CHECK,
        chain_wrong_order::CHECK,
        chain_wrong_issuer::CHECK,
        truststore_mismatch::CHECK,
        truststore_missing::CHECK,
        client_certificate_missing::CHECK,
        client_certificate_expired::CHECK,
        client_certificate_no_client_auth::CHECK,
        client_certificate_untrusted::CHECK,
        client_certificate_authority_not_listed::CHECK,
    ],
};
