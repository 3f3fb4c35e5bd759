//! How the checks of this playbook relate. Each table is written once, here.

use crate::checks::{Code, codes};
use crate::verdict::{Relations, Symptom, Witness};

pub(super) static RELATIONS: Relations = Relations {
    symptoms: &[
        symptom(codes::ROUTE_KIND_MISSING),
        symptom(codes::INGRESS_POD_MISSING),
        Symptom { has_own_step: false, ..symptom(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET) },
        Symptom { has_own_step: false, ..symptom(codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED) },
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
        Symptom { has_own_step: false, ..symptom(codes::CAPTURED_SERVER_NAME_REFUSED) },
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
            codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED,
            codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
            codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED,
            codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
        ],
        &[codes::DECLARED_SERVER_NAME_RESET, codes::CAPTURED_SERVER_NAME_REFUSED, codes::SERVER_NAME_REFUSED],
        &[codes::UNKNOWN_SERVER_NAME_RESET, codes::CAPTURED_UNKNOWN_SERVER_NAME_REFUSED],
    ],
    same_fault: &[
        (codes::STORED_CERTIFICATE_EXPIRED, codes::SERVED_CERTIFICATE_EXPIRED),
        (codes::STORED_CERTIFICATE_NOT_YET_VALID, codes::SERVED_CERTIFICATE_NOT_YET_VALID),
        (codes::STORED_CERTIFICATE_EXPIRING, codes::SERVED_CERTIFICATE_EXPIRING),
        (codes::STORED_CERTIFICATE_NAME_MISMATCH, codes::SERVED_CERTIFICATE_NAME_MISMATCH),
        (codes::STORED_CERTIFICATE_NOT_FOR_SERVERS, codes::SERVED_CERTIFICATE_NOT_FOR_SERVERS),
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
    strangers: &[codes::UNKNOWN_SERVER_NAME_RESET, codes::CAPTURED_UNKNOWN_SERVER_NAME_REFUSED],
    guesses: &[codes::CAPTURED_ALERT_HIDDEN],
    without_record: &[
        codes::CLIENT_AUTHORITIES_ABSENT,
        codes::CLIENT_AUTHORITIES_MALFORMED,
        codes::CREDENTIAL_NAME_MISSING,
        codes::CREDENTIAL_SECRET_MISSING,
        codes::LOAD_BALANCER_DIFFERS,
        codes::PRIVATE_KEY_MISMATCH,
        codes::PRIVATE_KEY_UNREADABLE,
        codes::STORED_CERTIFICATE_ABSENT,
        codes::STORED_CERTIFICATE_MALFORMED,
        codes::STORED_CERTIFICATE_MUST_STAPLE,
        codes::STORED_CERTIFICATE_NOT_SERVED,
        codes::STORED_KEY_UNSUPPORTED,
    ],
};

/// Returns whether a cause with one of these codes leaves no record in the access logs.
pub(super) fn leaves_no_record(codes: &[Code]) -> bool {
    codes.iter().any(|code| RELATIONS.without_record.contains(code))
}

const fn symptom(code: Code) -> Symptom {
    Symptom { code, has_own_step: true, is_located: true, witness: Witness::Clients }
}

/// Symptoms that clients without SNI have.
pub(super) const WITHOUT_SNI: [Code; 6] = [
    codes::CONNECTION_WITHOUT_SERVER_NAME_RESET,
    codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED,
    codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED,
    codes::LOAD_BALANCER_RESET,
    codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
    codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
];

/// Symptoms that clients with a declared SNI have: it is refused.
pub(super) const NAME_REFUSED: [Code; 3] =
    [codes::DECLARED_SERVER_NAME_RESET, codes::CAPTURED_SERVER_NAME_REFUSED, codes::SERVER_NAME_REFUSED];

/// Symptoms of a gateway that has no usable certificate for a ClientHello. A certificate that Envoy cannot
/// load leaves no record, so of clients without SNI only probes and declarations count.
const NO_CERTIFICATE: [Code; 8] = [
    codes::DECLARED_SERVER_NAME_RESET,
    codes::CAPTURED_SERVER_NAME_REFUSED,
    codes::CAPTURED_CIPHER_SUITE_REFUSED,
    codes::SERVER_NAME_REFUSED,
    codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
    codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED,
    codes::CIPHER_SUITE_REFUSED,
    codes::HANDSHAKE_BROKEN,
];

/// Symptoms of a filter chain that is that of another route.
const OTHER_ROUTE: [Code; 6] = [
    codes::CAPTURED_CIPHER_SUITE_REFUSED,
    codes::CAPTURED_PROTOCOL_VERSION_REFUSED,
    codes::CIPHER_SUITE_REFUSED,
    codes::CLIENT_CERTIFICATE_DEMANDED,
    codes::PROTOCOL_VERSION_REFUSED,
    codes::SERVED_CERTIFICATE_NAME_MISMATCH,
];

/// A fact that explains symptoms.
pub(super) struct Explains {
    /// The check that finds the fact.
    pub(super) code: Code,
    pub(super) on: On,
    pub(super) symptoms: &'static [Code],
}

/// The object that the fact and a symptom have in common.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum On {
    /// The ApigeeRoute that declares the SNI, or the wildcard route.
    Route,
    /// The Secret of that route.
    Secret,
}

/// Facts on the route of a ClientHello or on its Secret, the most frequent first. The obstacles of a wildcard
/// route are those of `facts::wildcard_obstacles`.
pub(super) const EXPLAINS: &[Explains] = &[
    on_route(codes::SELECTOR_WITHOUT_PODS, &NAME_REFUSED),
    on_route(codes::CREDENTIAL_NAME_MISSING, &NO_CERTIFICATE),
    on_route(codes::CREDENTIAL_SECRET_MISSING, &NO_CERTIFICATE),
    on_route(codes::ROUTE_NOT_RUNNING, &NAME_REFUSED),
    on_route(codes::ROUTE_ERROR, &NAME_REFUSED),
    on_route(codes::ROUTE_NOT_IN_GATEWAY, &NAME_REFUSED),
    on_route(codes::PORT_PROTOCOL_CONFLICT, &NOT_SERVED),
    on_route(codes::HOSTNAME_DUPLICATE, &OTHER_ROUTE),
    on_route(codes::ROUTE_TLS_VERSIONS_UNSERVABLE, &LIMITED),
    on_route(codes::PROTOCOL_LIMITS_UNMET, &LIMITED),
    on_secret(codes::STORED_CERTIFICATE_ABSENT, &NO_CERTIFICATE),
    on_secret(codes::STORED_CERTIFICATE_MALFORMED, &NO_CERTIFICATE),
    on_secret(codes::PRIVATE_KEY_MISMATCH, &NO_CERTIFICATE),
    on_secret(codes::PRIVATE_KEY_UNREADABLE, &NO_CERTIFICATE),
    on_secret(codes::STORED_KEY_UNSUPPORTED, &NO_CERTIFICATE),
    on_secret(codes::STORED_CERTIFICATE_MUST_STAPLE, &NO_CERTIFICATE),
    on_secret(codes::CLIENT_AUTHORITIES_ABSENT, &NO_CERTIFICATE),
    on_secret(codes::CLIENT_AUTHORITIES_MALFORMED, &NO_CERTIFICATE),
    on_secret(codes::STORED_CERTIFICATE_NOT_SERVED, &NO_CERTIFICATE),
    on_secret(codes::CLIENT_AUTHORITIES_ABSENT, &CLIENT_REJECTED),
    on_secret(codes::CLIENT_AUTHORITIES_MALFORMED, &CLIENT_REJECTED),
    on_secret(codes::CLIENT_AUTHORITY_EXPIRED, &CLIENT_REJECTED),
    on_secret(codes::STORED_CERTIFICATE_EXPIRED, &[codes::CAPTURED_SERVER_CERTIFICATE_REJECTED]),
    on_secret(codes::STORED_CERTIFICATE_NAME_MISMATCH, &[codes::CAPTURED_SERVER_CERTIFICATE_REJECTED]),
    on_secret(codes::STORED_CERTIFICATE_NOT_FOR_SERVERS, &[codes::CAPTURED_SERVER_CERTIFICATE_REJECTED]),
    on_secret(codes::STORED_CHAIN_INCOMPLETE, &[codes::CAPTURED_SERVER_CERTIFICATE_REJECTED]),
];

/// Symptoms of limits of a route, which its clients do not meet.
const LIMITED: [Code; 4] = [
    codes::CAPTURED_CIPHER_SUITE_REFUSED,
    codes::CAPTURED_PROTOCOL_VERSION_REFUSED,
    codes::CIPHER_SUITE_REFUSED,
    codes::PROTOCOL_VERSION_REFUSED,
];

/// Symptoms of a gateway that does not trust a client certificate.
const CLIENT_REJECTED: [Code; 2] = [codes::CAPTURED_CLIENT_CERTIFICATE_REJECTED, codes::CLIENT_CERTIFICATE_REJECTED];

/// Symptoms of a port that serves no TLS for the route.
const NOT_SERVED: [Code; 5] = [
    codes::CAPTURED_SERVER_NAME_REFUSED,
    codes::DECLARED_SERVER_NAME_RESET,
    codes::SERVER_NAME_REFUSED,
    codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED,
    codes::PEER_NOT_TLS,
];

const fn on_route(code: Code, symptoms: &'static [Code]) -> Explains {
    Explains { code, on: On::Route, symptoms }
}

const fn on_secret(code: Code, symptoms: &'static [Code]) -> Explains {
    Explains { code, on: On::Secret, symptoms }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{self, Level};

    /// Checks that warn and explain no failed handshake, with the reason.
    const EXPLAIN_NONE: &[(&str, &str)] = &[
        ("access-log-unconfirmed", "about the log, not about handshakes"),
        ("additional-gateway-dangling", "may name an Istio Gateway that is not seen"),
        ("apigee-issue-open", "its text is free; the fault itself has a check of its own"),
        ("certificate-file-undeployed", "a file on this machine, which no client meets"),
        ("certificate-file-unfit", "a file on this machine, which no client meets"),
        ("certificate-path-outside-chart", "about the next helm upgrade"),
        ("cipher-suite-unknown", "about the next helm upgrade"),
        ("client-authorities-unnamed", "about the next helm upgrade"),
        ("client-authority-expiring", "valid today"),
        ("environment-group-without-route", "the hostnames of the group are not in the evidence"),
        ("forward-secrecy-missing", "clients with other suites are served"),
        ("gateway-chain-without-route", "handshakes with the name succeed"),
        ("host-without-route-on-connection", "the handshake succeeded; requests get 404"),
        ("hostnames-missing", "the hostnames of the group are not in the evidence"),
        ("ingress-name-too-long", "about the next helm upgrade"),
        ("ingress-name-unknown", "about the next helm upgrade"),
        ("object-name-malformed", "about the next helm upgrade"),
        ("organization-missing", "about the next helm upgrade"),
        ("outdated-version-offered", "clients with newer versions are served"),
        ("overrides-documents-several", "about the next helm upgrade"),
        ("overrides-key-duplicate", "about the next helm upgrade"),
        ("overrides-malformed", "about the next helm upgrade"),
        ("overrides-type-wrong", "about the next helm upgrade"),
        ("protocol-by-alpn-refused", "a client's offer; routes have no setting for it"),
        ("route-cipher-suite-unknown", "the gateway drops the name; which suites clients need is not known"),
        ("route-tls-mode-unknown", "what a gateway serves for another mode is not documented"),
        ("selector-of-other-gateway", "about the next helm upgrade"),
        ("served-client-without-wildcard", "these clients were served; the next ones are symptoms of their own"),
        ("service-missing", "no probe is made with a Service that is missing"),
        ("service-port-missing", "no probe is made with a port that is missing"),
        ("tls-versions-unservable", "about the next helm upgrade"),
        ("unprotected-suite-offered", "clients with other suites are served"),
        ("virtual-host-duplicate", "about the next helm upgrade"),
        ("virtual-host-key-unknown", "about the next helm upgrade"),
        ("virtual-host-undeployed", "about the next helm upgrade"),
        ("virtual-host-unlisted", "about the next helm upgrade"),
        ("virtual-host-without-certificate", "about the next helm upgrade"),
        ("virtual-hosts-missing", "about the next helm upgrade"),
        ("wildcard-certificate-name-mismatch", "clients without SNI that verify no name are served"),
        ("wildcard-gateway-unlisted", "about the next helm upgrade"),
        ("wildcard-route-duplicate", "its own cause of resets without SNI"),
    ];

    /// Checks that see a handshake fail and whose cause is outside of the evidence, with the reason.
    const WITHOUT_FACTS: &[(&str, &str)] = &[
        ("captured-alert-hidden", "the alert is encrypted"),
        ("captured-alpn-refused", "a client's offer; routes have no setting for it"),
        ("captured-client-certificate-missing", "the settings of the client"),
        ("captured-client-gives-up", "the client, or a network"),
        ("captured-connection-refused", "a network or a firewall"),
        ("captured-handshake-broken", "a network, a firewall or a proxy"),
        ("captured-proxy-header-refused", "the settings of the load balancer"),
        ("captured-server-name-is-address", "the URL that the client uses"),
        ("captured-server-not-tls", "the port that the client uses"),
        ("captured-server-silent", "a network or a firewall"),
        ("endpoint-unreachable", "a network, a firewall or a proxy"),
        ("handshake-stalled", "a network or a firewall"),
        ("load-balancer-differs", "the settings of the load balancer"),
        ("addresses-differ", "DNS or the load balancer"),
        ("address-out-of-reach", "a network, a firewall or a proxy"),
        ("protocol-versions-outdated", "the settings of the server"),
        ("served-certificate-self-signed", "the certificate itself"),
        ("served-certificate-weak", "the certificate itself"),
        ("served-chain-untrusted", "the certificate itself"),
    ];

    fn is_in(list: &[(&str, &str)], name: &str) -> bool {
        list.iter().any(|(known, reason)| *known == name && !reason.is_empty())
    }

    fn of_this_playbook() -> impl Iterator<Item = &'static checks::Check> {
        let has =
            |family: &checks::Family, check: &checks::Check| super::super::PLAYBOOK.step_of(family, check).is_some();
        checks::all().filter(move |(family, check)| has(family, check)).map(|(_, check)| check)
    }

    /// A finding without a relation would stand beside the failure that it explains.
    #[test]
    fn every_check_that_warns_is_related_or_says_why_not() {
        let one_step = |code| RELATIONS.one_step.iter().any(|(one, other)| *one == code || *other == code);
        let same_fault = |code| RELATIONS.same_fault.iter().any(|(one, other)| *one == code || *other == code);
        for check in of_this_playbook().filter(|check| check.level >= Level::Warning) {
            let code = check.code;
            let explains = EXPLAINS.iter().any(|fact| fact.code == code)
                || EXPLAINED_BY_ATTACHMENT.contains(&code)
                || CURED_BY_MANIFEST.contains(&code)
                || CURED_BY_OVERRIDES.contains(&code)
                || one_step(code)
                || same_fault(code);
            let is_symptom = RELATIONS.symptom(code).is_some()
                || RELATIONS.strangers.contains(&code)
                || EXPLAINS.iter().any(|fact| fact.symptoms.contains(&code));
            let is_listed = is_in(EXPLAIN_NONE, check.name) || is_in(WITHOUT_FACTS, check.name);
            assert!(explains || is_symptom || is_listed, "{code} {} has no relation and no reason", check.name);
        }
    }

    #[test]
    fn the_lists_of_reasons_name_checks_without_relations() {
        for (name, _) in EXPLAIN_NONE.iter().chain(WITHOUT_FACTS) {
            let (_, check) = checks::find(name).unwrap_or_else(|| panic!("there is no {name}"));
            assert!(EXPLAINS.iter().all(|fact| fact.code != check.code), "{name} explains something");
        }
    }

    /// A kind that rests on a guess is of a check whose causes are never established, and others are not.
    #[test]
    fn guesses_of_captures_are_no_established_causes() {
        let outcomes = [
            r#"{"hiddenAlert": {"by": "client", "stage": "serverFlight", "length": 19}}"#,
            r#"{"hiddenAlert": {"by": "server", "stage": "clientFlight", "length": 19}}"#,
            r#"{"closed": {"by": "client", "stage": "serverFlight"}}"#,
            r#"{"reset": {"by": "client", "stage": "serverFlight"}}"#,
            r#"{"closed": {"by": "client", "stage": "clientHello"}}"#,
            r#"{"reset": {"by": "server", "stage": "clientFlight"}}"#,
            r#"{"undelivered": {"by": "server"}}"#,
        ];
        for outcome in outcomes {
            let signature = format!(
                r#"{{"outcome": {outcome}, "name": "sent", "offered": null, "chosen": null, "preface": null, "speaks": null,
                "warned": null, "certificateRequested": false, "clientCertificate": "notSeen", "helloUnclear": false}}"#
            );
            let kind = checks::captured::judge(&serde_json::from_str(&signature).unwrap());
            assert_eq!(RELATIONS.is_guess(kind.code), kind.is_guess, "{kind:?}");
        }
    }

    /// Errors are causes: an error that explains nothing must be explained, or say why nothing explains it.
    #[test]
    fn every_error_is_a_symptom_or_a_fact_or_says_why_not() {
        for check in of_this_playbook().filter(|check| check.level == Level::Error) {
            let code = check.code;
            let related = RELATIONS.symptom(code).is_some()
                || EXPLAINS.iter().any(|fact| fact.code == code || fact.symptoms.contains(&code))
                || RELATIONS.same_fault.iter().any(|(_, served)| *served == code)
                || RELATIONS.one_step.iter().any(|(one, _)| *one == code);
            let is_listed = is_in(WITHOUT_FACTS, check.name) || is_in(EXPLAIN_NONE, check.name);
            assert!(related || is_listed, "{code} {}", check.name);
        }
    }
}
