//! How the checks of this playbook relate. Each table is written once, here.

use crate::checks::{Code, codes};
use crate::verdict::{Relations, Symptom, Witness};

pub(super) static RELATIONS: Relations = Relations {
    symptoms: &[
        symptom(codes::ROUTE_KIND_MISSING),
        symptom(codes::INGRESS_POD_MISSING),
        Symptom { has_own_step: false, ..symptom(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET) },
        Symptom { has_own_step: false, is_located: false, ..symptom(codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED) },
        Symptom {
            has_own_step: false,
            witness: Witness::Counters,
            ..symptom(codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED)
        },
        Symptom {
            has_own_step: false,
            is_located: false,
            witness: Witness::Probe,
            ..symptom(codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED)
        },
        Symptom { has_own_step: false, ..symptom(codes::DECLARED_SERVER_NAME_RESET) },
        Symptom {
            has_own_step: false,
            is_located: false,
            witness: Witness::Probe,
            ..symptom(codes::SERVER_NAME_REFUSED)
        },
        Symptom { has_own_step: false, ..symptom(codes::CLIENT_WITHOUT_SNI_UNROUTED) },
        symptom(codes::LOAD_BALANCER_RESET),
    ],
    alike: &[
        &[
            codes::CONNECTION_WITHOUT_SERVER_NAME_RESET,
            codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
            codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED,
            codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
        ],
        &[codes::DECLARED_SERVER_NAME_RESET, codes::SERVER_NAME_REFUSED],
    ],
    same_fault: &[
        (codes::STORED_CERTIFICATE_EXPIRED, codes::SERVED_CERTIFICATE_EXPIRED),
        (codes::STORED_CERTIFICATE_NOT_YET_VALID, codes::SERVED_CERTIFICATE_NOT_YET_VALID),
        (codes::STORED_CERTIFICATE_EXPIRING, codes::SERVED_CERTIFICATE_EXPIRING),
        (codes::STORED_CERTIFICATE_NAME_MISMATCH, codes::SERVED_CERTIFICATE_NAME_MISMATCH),
        (codes::STORED_CHAIN_INCOMPLETE, codes::SERVED_CHAIN_INCOMPLETE),
        (codes::STORED_CHAIN_MISORDERED, codes::SERVED_CHAIN_MISORDERED),
    ],
    not_served: Some(codes::STORED_CERTIFICATE_NOT_SERVED),
    // AT205 says why no group lists the route, AT526 what the diverging pod lacks, AT802 which pods do not
    // run.
    one_step: &[
        (codes::WILDCARD_ROUTE_UNATTACHED, codes::ROUTE_CONFIG_DRIFT),
        (codes::WILDCARD_ROUTE_PARTLY_ATTACHED, codes::ROUTE_CONFIG_DRIFT),
        (codes::PODS_DIFFER, codes::ROUTE_NOT_IN_GATEWAY),
        (codes::PODS_SERVE_DIFFERENT_CERTIFICATES, codes::ROUTE_NOT_IN_GATEWAY),
        (codes::INGRESS_POD_MISSING, codes::INGRESS_POD_NOT_RUNNING),
    ],
    diverging_pods: &[codes::PODS_DIFFER, codes::PODS_SERVE_DIFFERENT_CERTIFICATES],
    strangers: &[codes::UNKNOWN_SERVER_NAME_RESET],
    without_record: &[codes::LOAD_BALANCER_DIFFERS],
};

const fn symptom(code: Code) -> Symptom {
    Symptom { code, has_own_step: true, is_located: true, witness: Witness::Clients }
}

/// Symptoms that clients without SNI have.
pub(super) const WITHOUT_SNI: [Code; 5] = [
    codes::CONNECTION_WITHOUT_SERVER_NAME_RESET,
    codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED,
    codes::LOAD_BALANCER_RESET,
    codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
    codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
];

/// Explain a refused SNI: facts on a route that keep the gateway from having it.
pub(super) const EXPLAINED_BY_ROUTE: [Code; 6] = [
    codes::SELECTOR_WITHOUT_PODS,
    codes::CREDENTIAL_NAME_MISSING,
    codes::CREDENTIAL_SECRET_MISSING,
    codes::ROUTE_NOT_RUNNING,
    codes::ROUTE_ERROR,
    codes::ROUTE_NOT_IN_GATEWAY,
];

/// Explain a refused SNI: facts on the Secret of its route.
pub(super) const EXPLAINED_BY_SECRET: [Code; 6] = [
    codes::STORED_CERTIFICATE_ABSENT,
    codes::STORED_CERTIFICATE_MALFORMED,
    codes::PRIVATE_KEY_MISMATCH,
    codes::PRIVATE_KEY_UNREADABLE,
    codes::STORED_KEY_UNSUPPORTED,
    codes::STORED_CERTIFICATE_MUST_STAPLE,
];

/// Explain requests without SNI that find no route.
pub(super) const EXPLAINED_BY_ATTACHMENT: [Code; 2] =
    [codes::WILDCARD_ROUTE_UNATTACHED, codes::WILDCARD_ROUTE_PARTLY_ATTACHED];

/// Cured by the manifest of the wildcard route, or a patch of it.
pub(super) const CURED_BY_MANIFEST: [Code; 6] = [
    codes::WILDCARD_ROUTE_MISSING,
    codes::WILDCARD_ROUTE_FLAG_OFF,
    codes::SELECTOR_WITHOUT_PODS,
    codes::WILDCARD_PORT_UNSUITABLE,
    codes::CREDENTIAL_NAME_MISSING,
    codes::CREDENTIAL_SECRET_MISSING,
];

/// Cured by the gateway in overrides.yaml, and helm upgrade.
pub(super) const CURED_BY_OVERRIDES: [Code; 6] = [
    codes::WILDCARD_ROUTE_MISSING,
    codes::WILDCARD_ROUTE_UNATTACHED,
    codes::WILDCARD_ROUTE_PARTLY_ATTACHED,
    codes::WILDCARD_GATEWAY_UNLISTED,
    codes::HELM_UPGRADE_PENDING,
    codes::OVERRIDES_OUTDATED,
];
