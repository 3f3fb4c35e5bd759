//! Stored certificates: in the TLS Secrets that routes name, and in the files that overrides files name.

pub(super) mod certificate_file_undeployed;
pub(super) mod certificate_file_unfit;
pub(super) mod client_authorities_absent;
pub(super) mod client_authorities_malformed;
pub(super) mod client_authority_expired;
pub(super) mod client_authority_expiring;
pub(super) mod private_key_mismatch;
pub(super) mod private_key_unreadable;
pub(super) mod stored_certificate_absent;
pub(super) mod stored_certificate_expired;
pub(super) mod stored_certificate_expiring;
pub(super) mod stored_certificate_malformed;
pub(super) mod stored_certificate_must_staple;
pub(super) mod stored_certificate_name_mismatch;
pub(super) mod stored_certificate_not_for_servers;
pub(super) mod stored_certificate_not_served;
pub(super) mod stored_certificate_not_yet_valid;
pub(super) mod stored_chain_incomplete;
pub(super) mod stored_chain_misordered;
pub(super) mod stored_key_unsupported;
pub(super) mod wildcard_certificate_incomplete;
pub(super) mod wildcard_certificate_name_mismatch;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "certificate",
    block: "AT4",
    judges: "TLS Secrets and local certificate files: missing, malformed, key mismatch, dates, names, chain, \
        client CAs, what Envoy cannot load, and whether the gateway has the certificate in the Secret",
    checks: &[
        stored_certificate_absent::CHECK,
        stored_certificate_malformed::CHECK,
        private_key_mismatch::CHECK,
        private_key_unreadable::CHECK,
        stored_certificate_expired::CHECK,
        stored_certificate_not_yet_valid::CHECK,
        stored_certificate_expiring::CHECK,
        stored_certificate_name_mismatch::CHECK,
        stored_chain_incomplete::CHECK,
        client_authorities_absent::CHECK,
        client_authorities_malformed::CHECK,
        client_authority_expired::CHECK,
        client_authority_expiring::CHECK,
        stored_certificate_not_served::CHECK,
        stored_chain_misordered::CHECK,
        wildcard_certificate_name_mismatch::CHECK,
        certificate_file_undeployed::CHECK,
        certificate_file_unfit::CHECK,
        stored_key_unsupported::CHECK,
        stored_certificate_must_staple::CHECK,
        wildcard_certificate_incomplete::CHECK,
        stored_certificate_not_for_servers::CHECK,
    ],
};
