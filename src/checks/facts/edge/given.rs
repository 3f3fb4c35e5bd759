//! Dates of certificates in files whose use is not known: a keystore of `--keystore-file` that no setting
//! names, and what `--client-cert` and `--mp-cert` would present where no handshake is made.

use jiff::Timestamp;

use super::configuration::own_certificate;
use super::list::{self, ListFault};
use super::model::{Observation, Origin, Owner, Strength};
use super::stores::{Resolved, resolve};
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{Alias, AliasOrigin, Edge, Leg, TlsSettings};

pub(super) fn observe(edge: &Edge, now: Timestamp) -> Vec<Observation> {
    let mut found = Vec::new();
    for (name, store) in &edge.keystores {
        let Ok(store) = store.seen() else { continue };
        let users = Users::of(edge, name);
        let named = store.aliases.iter().map(|(alias, entry)| (Some(alias.as_str()), entry));
        let entries = named.chain(store.unnamed.iter().map(|entry| (None, entry)));
        for (alias, entry) in entries.filter(|(_, entry)| entry.origin == AliasOrigin::File) {
            found.extend(of_entry(edge, name, alias, entry, &users, now));
        }
    }
    for (leg, list) in [(Leg::Northbound, &edge.client_certificates), (Leg::Southbound, &edge.own_certificates)] {
        if edge.question.judges(leg) && !edge.question.probed.contains(&leg) {
            found.extend(presented(edge, leg, list, now));
        }
    }
    found
}

/// The settings that present what a keystore holds.
struct Users {
    hosts: Vec<String>,
    targets: Vec<String>,
    is_trusted: bool,
}

impl Users {
    fn of(edge: &Edge, store: &str) -> Self {
        let leads = |text: &Option<String>| {
            let resolved = text.as_deref().map(|text| resolve(edge, text));
            matches!(resolved, Some(Resolved::Found { name, .. }) if name == store)
        };
        let hosts = edge.virtual_hosts.iter().filter_map(|(name, host)| Some((name, host.tls.as_ref()?)));
        let hosts = || hosts.clone().filter(|(_, tls)| tls.enabled);
        let targets = edge.targets.iter().filter(|target| target.enabled && target.has_tls());
        let targets = || targets.clone().filter_map(|target| Some((&target.object, target.tls.as_ref()?)));
        let is_key = |tls: &TlsSettings| leads(&tls.key_store);
        Self {
            hosts: hosts().filter(|(_, tls)| is_key(tls)).map(|(name, _)| format!("virtualhosts/{name}")).collect(),
            targets: targets()
                .filter(|(_, tls)| tls.client_auth && is_key(tls))
                .map(|(object, _)| object.clone())
                .collect(),
            is_trusted: hosts()
                .map(|(_, tls)| tls)
                .chain(targets().map(|(_, tls)| tls))
                .any(|tls| leads(&tls.trust_store)),
        }
    }

    fn is_none(&self) -> bool {
        self.hosts.is_empty() && self.targets.is_empty()
    }
}

/// Judges an entry of a file, unless settings name it: then the configuration is judged. Of a truststore the
/// dates do not count for Java.
fn of_entry(
    edge: &Edge,
    store: &str,
    alias: Option<&str>,
    entry: &Alias,
    users: &Users,
    now: Timestamp,
) -> Vec<Observation> {
    let is_judged = !users.is_none() && alias.is_some() || users.is_none() && users.is_trusted;
    let is_of_ca = entry.certificates.first().is_none_or(|leaf| leaf.is_ca);
    let is_southbound =
        users.hosts.is_empty() && (!users.targets.is_empty() || edge.question.only_leg() == Some(Leg::Southbound));
    let leg = if is_southbound { Leg::Southbound } else { Leg::Northbound };
    // Certificates alone may be those that a Message Processor trusts.
    let is_trust = leg == Leg::Southbound && users.is_none() && entry.has_key != Some(true);
    if is_judged || is_of_ca || is_trust || !edge.question.judges(leg) {
        return Vec::new();
    }
    let faults: Vec<ListFault> = match leg {
        Leg::Northbound => list::of_dates(&entry.certificates, now),
        Leg::Southbound => own_certificate(&entry.certificates, now),
    };
    let own = match alias {
        Some(alias) => format!("keystores/{store}/aliases/{alias}"),
        None => format!("keystores/{store}"),
    };
    let user = users.hosts.first().or(users.targets.first());
    let unknown = match user {
        Some(user) => format!("whether it is what {user} presents is not known, because the file names no alias"),
        None => "no virtual host or target was seen that names this keystore".to_owned(),
    };
    let objects: Vec<String> = user.cloned().into_iter().chain([own.clone()]).collect();
    let observation = |fault: ListFault| {
        let statement = format!("{own}: {}; {unknown}", fault.what);
        let owner = Owner::EdgeAdministrator;
        Observation::new(fault.cause, leg, Strength::Possible, owner, objects.clone(), statement)
            .from(Origin::Configuration)
            .because("the certificate in the file was read")
            .expecting(fault.expected)
    };
    faults.into_iter().map(observation).collect()
}

/// Judges what would be presented. It is refused where a client certificate is requested.
fn presented(edge: &Edge, leg: Leg, list: &[Certificate], now: Timestamp) -> Vec<Observation> {
    let (flag, owner) = match leg {
        Leg::Northbound => ("--client-cert", Owner::ClientOwner),
        Leg::Southbound => ("--mp-cert", Owner::EdgeAdministrator),
    };
    let objects: Vec<String> = match leg {
        Leg::Northbound => edge
            .virtual_hosts
            .iter()
            .filter(|(_, host)| host.tls.as_ref().is_some_and(|tls| tls.enabled && tls.client_auth))
            .map(|(name, _)| format!("virtualhosts/{name}"))
            .collect(),
        Leg::Southbound => edge
            .targets
            .iter()
            .filter(|target| {
                target.enabled && target.has_tls() && target.tls.as_ref().is_some_and(|tls| tls.client_auth)
            })
            .map(|target| target.object.clone())
            .collect(),
    };
    let strength = if objects.is_empty() { Strength::Possible } else { Strength::Likely };
    let observation = |fault: ListFault| {
        let statement = format!("{flag}: {}", fault.what);
        Observation::new(fault.cause, leg, strength, owner, objects.clone(), statement)
            .from(Origin::Configuration)
            .because(format!("the file of {flag} was read"))
            .expecting(fault.expected)
    };
    own_certificate(list, now).into_iter().map(observation).collect()
}
