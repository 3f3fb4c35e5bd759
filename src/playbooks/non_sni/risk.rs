//! What a warning means where no client was seen to fail: the object with its value, and whom it would hit.

use super::causes;
use crate::checks::CheckResult;
use crate::verdict::Cause;
use crate::verdict::ranking::direct_saying;

/// Returns a warning as a cause of failures to come.
pub(super) fn of(result: &CheckResult) -> Cause {
    let cause = direct_saying(result, |finding| causes::reason(result.check.code, finding));
    match hit(result.check.name) {
        Some(hit) => Cause { statement: format!("{}: {hit}", cause.statement), ..cause },
        None => cause,
    }
}

/// Returns whom the fault of a check hits, as the end of a sentence.
fn hit(check: &str) -> Option<&'static str> {
    HIT.iter().find(|(name, _)| *name == check).map(|(_, hit)| *hit)
}

const GATEWAY_REFUSES: &str = "clients of its routes would be reset or get handshake_failure";
const WITHOUT_SNI: &str = "clients without SNI would be reset";
const GROUP_REFUSED: &str = "clients of this environment group would be reset after the next helm upgrade";
const HELM: &str =
    "the next helm upgrade would fail or render something else, which would hit clients of these environment groups";
const VERIFIES: &str = "clients that verify the certificate would end the handshake";
const MUTUAL: &str = "all clients of its routes would be reset, whatever certificate they have";

/// By the name of the check, in the order of the catalogue.
const HIT: &[(&str, &str)] = &[
    ("unknown-server-name-reset", "clients that ask for it are reset"),
    ("load-balancer-reset", "health checks, or all clients behind that load balancer, are refused"),
    (
        "served-client-without-wildcard",
        "clients without SNI, which exist, are refused from now on or after the next change",
    ),
    ("access-log-unconfirmed", "clients that are reset may leave no record there"),
    ("host-without-route-on-connection", "HTTP/2 clients that use one connection for several names get 404 or 421"),
    ("wildcard-route-flag-off", WITHOUT_SNI),
    ("wildcard-route-unattached", "requests of clients without SNI would get 404"),
    (
        "wildcard-route-partly-attached",
        "requests of clients without SNI for the other environment groups would get 404",
    ),
    ("route-config-drift", "clients of this environment group would meet the old settings"),
    (
        "wildcard-route-duplicate",
        "which certificate clients without SNI get, or whether they are served, is not documented",
    ),
    ("selector-without-pods", "clients that ask for its hostnames would be reset"),
    ("wildcard-port-unsuitable", WITHOUT_SNI),
    ("credential-name-missing", "every handshake on that port would fail"),
    ("credential-secret-missing", GATEWAY_REFUSES),
    ("route-not-running", "clients may meet a gateway that does not follow it yet"),
    ("route-error", "clients may meet other settings than the object has"),
    ("environment-group-without-route", "all clients of this environment group would be reset"),
    ("hostname-duplicate", "clients of the route that came second would get another certificate, or 404"),
    ("port-protocol-conflict", "clients of the route that came second would be reset"),
    ("hostnames-missing", "all clients of this environment group would be reset"),
    ("route-tls-versions-unservable", GATEWAY_REFUSES),
    ("route-cipher-suite-unknown", "clients that offer only that suite would get handshake_failure"),
    ("route-tls-mode-unknown", "the API server refuses the object, so that its clients meet the old settings or none"),
    ("overrides-malformed", HELM),
    ("overrides-key-duplicate", HELM),
    ("virtual-host-duplicate", HELM),
    ("virtual-host-key-unknown", "the setting has no effect on clients"),
    ("overrides-type-wrong", HELM),
    ("wildcard-gateway-unlisted", "requests of clients without SNI for this environment group would get 404"),
    ("helm-upgrade-pending", "clients without SNI would meet the state before it: 404 or a reset"),
    ("overrides-outdated", "clients without SNI would fail after the next helm upgrade"),
    ("virtual-host-without-certificate", GROUP_REFUSED),
    ("ingress-name-unknown", GROUP_REFUSED),
    ("ingress-name-too-long", HELM),
    ("overrides-documents-several", HELM),
    ("virtual-hosts-missing", HELM),
    ("client-authorities-unnamed", GROUP_REFUSED),
    ("cipher-suite-unknown", "clients that offer only that suite would get handshake_failure"),
    ("tls-versions-unservable", GROUP_REFUSED),
    ("selector-of-other-gateway", GROUP_REFUSED),
    ("certificate-path-outside-chart", HELM),
    ("object-name-malformed", HELM),
    ("organization-missing", GROUP_REFUSED),
    ("stored-certificate-absent", GATEWAY_REFUSES),
    ("stored-certificate-malformed", GATEWAY_REFUSES),
    ("private-key-mismatch", GATEWAY_REFUSES),
    ("private-key-unreadable", GATEWAY_REFUSES),
    ("stored-certificate-expired", VERIFIES),
    ("stored-certificate-not-yet-valid", VERIFIES),
    ("stored-certificate-expiring", "from that date on, clients that verify it would end the handshake"),
    ("stored-certificate-name-mismatch", "clients that call that name would end the handshake"),
    ("stored-chain-incomplete", "clients that do not have the intermediate already would end the handshake"),
    ("client-authorities-absent", MUTUAL),
    ("client-authorities-malformed", MUTUAL),
    ("client-authority-expired", "clients whose certificate is of this CA would be rejected"),
    ("client-authority-expiring", "from that date on, clients whose certificate is of this CA would be rejected"),
    ("stored-certificate-not-served", "clients get the other certificate, and fail when it expires"),
    ("stored-chain-misordered", "clients that do not sort the list would end the handshake"),
    ("wildcard-certificate-name-mismatch", "clients without SNI that verify the other names would end the handshake"),
    (
        "certificate-file-undeployed",
        "clients get the certificate of the Secret, and that of the file after the next helm upgrade",
    ),
    ("certificate-file-unfit", "all clients of this virtual host would fail after the next helm upgrade"),
    ("stored-key-unsupported", GATEWAY_REFUSES),
    ("stored-certificate-must-staple", GATEWAY_REFUSES),
    ("stored-certificate-not-for-servers", VERIFIES),
    ("served-certificate-expiring", "from that date on, clients that verify it would end the handshake"),
    ("served-chain-misordered", "clients that do not sort the list would end the handshake"),
    ("served-certificate-weak", "clients that refuse weak keys and signatures end the handshake"),
    ("addresses-differ", "clients fail or not, by the address that they use"),
    ("load-balancer-differs", "clients that come through it do not get what the pods serve"),
    ("gateway-chain-without-route", "clients of these names would be reset after the next change or restart"),
    ("protocol-limits-unmet", "clients at those limits would be refused, or served although they should not be"),
    ("pods-serve-different-certificates", "clients of one pod get the old certificate, and fail when it expires"),
    ("outdated-version-offered", "clients may use a version whose cryptography is broken"),
    ("forward-secrecy-missing", "recorded traffic of these clients can be decrypted with the key of the server"),
    ("unprotected-suite-offered", "clients may use a suite that hides nothing, or proves nothing about the server"),
    ("captured-unknown-server-name-refused", "clients that ask for it are refused"),
    ("captured-client-gives-up", "these clients end their handshakes, or are scanners or health checks"),
    ("ingress-pod-not-running", "the other pods serve clients; without one, nobody does"),
    ("service-missing", "clients that come through a Service reach no pod"),
    ("service-port-missing", "clients that connect to port 443 of a Service reach no pod"),
    ("apigee-issue-open", "Apigee itself reports when clients are affected"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{self, Level};
    use crate::playbooks::non_sni::PLAYBOOK;

    #[test]
    fn every_warning_says_whom_it_hits() {
        let warnings = checks::all()
            .filter(|(family, check)| check.level == Level::Warning && PLAYBOOK.step_of(family, check).is_some());
        let warnings: Vec<&str> = warnings.map(|(_, check)| check.name).collect();
        let missing: Vec<&&str> = warnings.iter().filter(|name| hit(name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let stale: Vec<&str> = HIT.iter().map(|(name, _)| *name).filter(|name| !warnings.contains(name)).collect();
        assert!(stale.is_empty(), "{stale:?}");
    }
}
