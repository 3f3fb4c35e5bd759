//! What a backend reports of a client certificate, beside the one that the target has configured.
//!
//! One alert has several reasons: the JSSE of a backend sends 46 for a certificate that is untrusted, that
//! has expired or that is not for clients. The certificate itself tells them apart. Where it contradicts the
//! alert, the Message Processor presents another one, and the cause is no more than possible.

use jiff::Timestamp;

use super::configuration::own_certificate;
use super::model::{EdgeCause, Strength};
use super::stores::resolve;
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{AliasOrigin, Edge, Target};
use crate::text::date;

/// A cause that fits what was reported.
pub(super) struct Fitting {
    pub(super) cause: EdgeCause,
    pub(super) strength: Strength,
    /// What the configuration adds, to follow the sentence of the report.
    pub(super) note: Option<String>,
    pub(super) objects: Vec<String>,
    pub(super) expected: String,
}

impl Fitting {
    pub(super) fn new(cause: EdgeCause, strength: Strength) -> Self {
        Self { cause, strength, note: None, objects: Vec::new(), expected: String::new() }
    }

    fn contradicted(cause: EdgeCause, note: String) -> Self {
        Self { note: Some(note), ..Self::new(cause, Strength::Possible) }
    }
}

/// The certificate that a target presents.
struct Identity<'a> {
    /// `keystores/ks/aliases/mp`, or the flag that gives it.
    name: String,
    objects: Vec<String>,
    list: &'a [Certificate],
    /// The API describes it without its extended key usage.
    lacks_use: bool,
}

/// Returns what fits a report about the client certificate of a target. `text` is the report.
pub(super) fn fitting(
    edge: &Edge,
    target: &Target,
    (cause, strength): (EdgeCause, Strength),
    text: &str,
    now: Timestamp,
) -> Vec<Fitting> {
    let is_of_certificate = matches!(
        cause,
        EdgeCause::ClientCertificateExpired
            | EdgeCause::ClientCertificateNoClientAuth
            | EdgeCause::ClientCertificateUntrusted
    );
    let as_reported = || vec![Fitting::new(cause, strength)];
    if !is_of_certificate {
        return as_reported();
    }
    let tls = target.tls.as_ref().filter(|tls| tls.client_auth && tls.key_store.is_some());
    if tls.is_none() && edge.own_certificates.is_empty() {
        let note = format!(
            "{} has no client certificate configured: if the report is right, the Message Processor presents one of \
             other settings, or another target fails",
            target.title()
        );
        return vec![Fitting::contradicted(cause, note)];
    }
    let Some(identity) = identity(edge, target) else { return as_reported() };
    let faults = own_certificate(identity.list, now);
    let is_shared = cause == EdgeCause::ClientCertificateUntrusted && text.contains("certificate_unknown");
    let own: Vec<Fitting> = faults
        .into_iter()
        // A CA that is not known has nothing to do with dates.
        .filter(|fault| is_shared || fault.cause == cause && !text.contains("unknown_ca"))
        .map(|fault| Fitting {
            note: Some(format!("{}: {}", identity.name, fault.what)),
            objects: identity.objects.clone(),
            expected: fault.expected,
            ..Fitting::new(fault.cause, strength)
        })
        .collect();
    if !own.is_empty() {
        return own;
    }
    let Some(leaf) = identity.list.first() else { return as_reported() };
    let other = "if the report is right, the Message Processor presents another certificate";
    match cause {
        EdgeCause::ClientCertificateExpired if !leaf.has_no_dates() => {
            let note = format!("{} is valid until {}: {other}", identity.name, date(leaf.not_after));
            vec![Fitting::contradicted(cause, note)]
        }
        EdgeCause::ClientCertificateNoClientAuth if !identity.lacks_use => {
            let note = format!("{} is for clients: {other}", identity.name);
            vec![Fitting::contradicted(cause, note)]
        }
        _ => as_reported(),
    }
}

/// Returns the certificate that a target presents, if it was seen.
fn identity<'a>(edge: &'a Edge, target: &'a Target) -> Option<Identity<'a>> {
    let tls = target.tls.as_ref().filter(|tls| tls.client_auth);
    let named = tls.and_then(|tls| Some((tls.key_store.as_deref()?, tls.key_alias.as_deref()?)));
    if let Some((store, alias)) = named {
        let resolved = resolve(edge, store);
        if let Some(entry) = resolved.alias(alias).filter(|entry| !entry.certificates.is_empty()) {
            let objects = resolved.objects(Some(alias));
            let name = objects.first().cloned().unwrap_or_default();
            let lacks_use = entry.origin == AliasOrigin::Described;
            return Some(Identity { name, objects, list: &entry.certificates, lacks_use });
        }
    }
    let list = edge.own_certificates.as_slice();
    (!list.is_empty()).then(|| Identity { name: "--mp-cert".into(), objects: Vec::new(), list, lacks_use: false })
}
