//! The routes, and the certificates that they or the overrides file name.

use jiff::{SignedDuration, Timestamp};

use super::{CertificateSummary, RouteSummary};
use crate::checks::facts;
use crate::evidence::hybrid::Route;
use crate::evidence::stored::{StoredCertificate, StoredIn};
use crate::evidence::{Evidence, Seen};

pub(super) fn routes(evidence: &Evidence) -> Option<Vec<RouteSummary>> {
    let routes = facts::routes(evidence).ok()?;
    Some(
        routes
            .into_iter()
            .map(|route| RouteSummary {
                name: route.name.clone(),
                group: (!route.is_wildcard()).then(|| route.group().to_owned()),
                hostnames: route.hostnames.clone(),
                state: route.status.state.clone(),
                enable_non_sni_client: route.enable_non_sni_client,
                additional_gateways: route.additional_gateways.clone(),
                secrets: secrets(route).into_iter().map(str::to_owned).collect(),
                created_at: route.created_at,
            })
            .collect(),
    )
}

/// Returns the Secrets that the ports of the route name, each once.
fn secrets(route: &Route) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in route.ports.iter().filter_map(|port| port.tls.as_ref()?.credential_name.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub(super) fn certificates(evidence: &Evidence) -> Option<Vec<CertificateSummary>> {
    let Seen::Seen(stored) = &evidence.stored_certificates else { return None };
    let routes = facts::routes(evidence).unwrap_or_default();
    Some(stored.iter().map(|stored| certificate(stored, &routes, evidence.now())).collect())
}

fn certificate(stored: &StoredCertificate, routes: &[&Route], now: Timestamp) -> CertificateSummary {
    let (secret, file, used_by) = match &stored.origin {
        StoredIn::Secret { name } => {
            let users = routes.iter().filter(|route| secrets(route).contains(&name.as_str()));
            (Some(name.clone()), None, users.map(|route| route.name.clone()).collect())
        }
        StoredIn::File { path, named_at } => (None, Some(path.clone()), vec![String::from(named_at.clone())]),
    };
    let mut summary = CertificateSummary {
        secret,
        file,
        used_by,
        subject: None,
        serial: None,
        names: Vec::new(),
        not_before: None,
        not_after: None,
        days_left: None,
        missing: None,
    };
    let content = match &stored.content {
        Seen::Seen(content) => content,
        Seen::Unavailable(why) => return CertificateSummary { missing: Some(why.reason.to_string()), ..summary },
    };
    let Some(leaf) = content.certificates.first() else {
        let why = content.certificate_fault.clone().unwrap_or_else(|| "it has no certificate".into());
        return CertificateSummary { missing: Some(why), ..summary };
    };
    summary.subject = Some(leaf.subject.clone());
    summary.serial = Some(leaf.serial.clone());
    summary.names = leaf.dns_names.iter().cloned().chain(leaf.ip_addresses.iter().map(ToString::to_string)).collect();
    if !leaf.has_no_dates() {
        summary.not_before = Some(leaf.not_before);
        summary.not_after = Some(leaf.not_after);
        summary.days_left = Some(days(leaf.not_after.duration_since(now)));
    }
    summary
}

/// Whole days, rounded down: an hour after the end it is -1.
fn days(length: SignedDuration) -> i64 {
    length.as_secs().div_euclid(24 * 60 * 60)
}
