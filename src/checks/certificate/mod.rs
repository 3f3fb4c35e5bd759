//! Certificates as they are stored: in the TLS Secrets that routes name, and in the files that overrides name.

mod certificate_file_undeployed;
mod certificate_file_unfit;
mod client_authorities_absent;
mod client_authorities_malformed;
mod client_authority_expired;
mod client_authority_expiring;
mod private_key_mismatch;
mod private_key_unreadable;
mod stored_certificate_absent;
mod stored_certificate_expired;
mod stored_certificate_expiring;
mod stored_certificate_malformed;
mod stored_certificate_name_mismatch;
mod stored_certificate_not_served;
mod stored_certificate_not_yet_valid;
mod stored_chain_incomplete;
mod stored_chain_misordered;
mod wildcard_certificate_name_mismatch;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "certificate",
    block: "AT4",
    judges: "TLS Secrets and local certificate files: missing, malformed, key mismatch, dates, names, chain, the authorities of \
        clients, and whether the gateway has what the Secret holds",
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
    ],
};
