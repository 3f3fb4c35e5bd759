//! What the configuration alone shows: names that lead nowhere, and the certificates in keystores.

use jiff::Timestamp;

use super::list;
use super::model::{EdgeCause, Observation, Origin, Owner, Strength};
use super::names;
use super::stores::{Resolved, resolve};
use crate::evidence::Seen;
use crate::evidence::edge::{AliasOrigin, Dialect, Edge, JavaProfile, Leg, Purpose, Target, TlsSettings, VirtualHost};

/// Maximum number of characters of a list of cipher suites that are shown.
const MAX_LIST: usize = 120;

pub(super) fn observe(edge: &Edge, now: Timestamp) -> Vec<Observation> {
    let mut found = Vec::new();
    if edge.question.judges(Leg::Northbound) {
        for (name, host) in &edge.virtual_hosts {
            if let Some(tls) = host.tls.as_ref().filter(|tls| tls.enabled) {
                let object = format!("virtualhosts/{name}");
                virtual_host(edge, &object, host, tls, now, &mut found);
                found.extend(allowed(edge, &object, host));
            }
        }
    }
    if edge.question.judges(Leg::Southbound) {
        for target in edge.targets.iter().filter(|target| target.enabled && target.has_tls()) {
            if let Some(tls) = &target.tls {
                self::target(edge, target, tls, now, &mut found);
            }
        }
    }
    found
}

fn virtual_host(
    edge: &Edge,
    object: &str,
    host: &VirtualHost,
    tls: &TlsSettings,
    now: Timestamp,
    found: &mut Vec<Observation>,
) {
    let north = |cause, strength, objects: Vec<String>, statement: String| {
        let objects = std::iter::once(object.to_owned()).chain(objects).collect();
        Observation::new(cause, Leg::Northbound, strength, Owner::EdgeAdministrator, objects, statement)
            .from(Origin::Configuration)
    };
    if tls.client_auth && tls.trust_store.is_none() {
        let statement = format!("{object} requires client certificates (clientAuthEnabled) and names no truststore");
        let observation = north(EdgeCause::TruststoreMissing, Strength::Likely, Vec::new(), statement);
        found.push(observation.expecting("a truststore with the CAs of the client apps"));
    }
    if let Some(store) = &tls.trust_store {
        found.extend(store_fault(edge, object, Leg::Northbound, "truststore", store));
    }
    let served = served(edge, object, now);
    // A Router keeps what it has loaded, so that nobody fails until it loads the virtual host again.
    let as_felt = |observation: Observation| {
        let said = "the Routers serve a certificate that they loaded before";
        if served.is_empty() { observation } else { observation.unfelt().because(said) }
    };
    let Some(store) = &tls.key_store else {
        if !host.built_in_certificate {
            let statement = format!("{object} has TLS and names no keystore");
            found.push(as_felt(north(EdgeCause::KeystoreMissing, Strength::Established, Vec::new(), statement)));
        }
        return;
    };
    found.extend(store_fault(edge, object, Leg::Northbound, "keystore", store).map(as_felt));
    let resolved = resolve(edge, store);
    let Some(alias) = &tls.key_alias else { return };
    found.extend(alias_fault(object, Leg::Northbound, &resolved, alias).map(as_felt));
    let Some(entry) = resolved.alias(alias) else { return };
    let objects = resolved.objects(Some(alias));
    let mut faults = list::of_dates(&entry.certificates, now);
    faults.extend(list::of_strength(&entry.certificates));
    let has_leaf_first = !list::is_misplaced(&entry.certificates);
    let is_given = !edge.question.client_authorities.is_empty();
    faults.extend(list::of_chain(&entry.certificates, entry.verification.as_ref(), is_given));
    for name in host.aliases.iter().filter(|_| has_leaf_first) {
        // A wildcard alias needs the same wildcard in the certificate.
        faults.extend(list::of_name(&entry.certificates, &name.replacen('*', "wildcard-label", 1)).map(|fault| {
            let what = format!(
                "the certificate is for {}, not for {name}",
                entry.certificates.first().map(names::of).unwrap_or_default()
            );
            list::ListFault { what, ..fault }
        }));
    }
    for fault in faults.into_iter().filter(|fault| has_leaf_first || fault.cause == EdgeCause::ChainWrongOrder) {
        // Which CAs client apps trust is not known without --ca-file, and nobody was seen to fail.
        let is_about_trust = matches!(fault.cause, EdgeCause::TruststoreMismatch | EdgeCause::CertificateSelfSigned);
        if is_about_trust && !is_given {
            continue;
        }
        let strength = Strength::Likely;
        let statement = format!("{}: {}", objects.first().map_or(object, String::as_str), fault.what);
        let read = match entry.origin {
            AliasOrigin::Encoded => "the certificate in the keystore was read",
            AliasOrigin::Described => "the API describes the certificate so; its encoding was not read",
            AliasOrigin::File => "the certificate in the file was read",
        };
        let mut observation =
            north(fault.cause, strength, objects.clone(), statement).because(read).expecting(fault.expected);
        if !served.is_empty() && !served.iter().any(|faults| faults.contains(&fault.cause)) {
            observation = observation.unfelt().because("what the Routers serve does not have this fault");
        }
        let owner =
            if fault.cause == EdgeCause::TruststoreMismatch { Owner::ClientOwner } else { Owner::EdgeAdministrator };
        found.push(Observation { authority: fault.authority, owner, ..observation });
    }
}

/// The faults of each list that Routers serve for a virtual host.
fn served(edge: &Edge, object: &str, now: Timestamp) -> Vec<Vec<EdgeCause>> {
    let made = edge.handshakes.iter().filter(|made| made.leg == Leg::Northbound && made.object == object);
    let shown = made.filter(|made| made.purpose == Purpose::AsClient && !made.handshake.certificates.is_empty());
    let causes = |made| super::northbound::faults(edge, made, now).into_iter().map(|fault| fault.cause).collect();
    shown.map(causes).collect()
}

/// Compares what a virtual host or its Routers allow with what client apps offer. A handshake that was made
/// says more, so that nothing is concluded where one passed.
fn allowed(edge: &Edge, object: &str, host: &VirtualHost) -> Vec<Observation> {
    let passed = edge.handshakes.iter().any(|made| {
        made.leg == Leg::Northbound && made.object == object && super::refusal::passed_hello(&made.handshake)
    });
    if passed {
        return Vec::new();
    }
    let client = edge.question.client;
    let versions = client.map_or_else(|| vec!["TLSv1.2", "TLSv1.3"], |java| Edge::default().offered_versions(java));
    let suites = client.unwrap_or(JavaProfile::Java17).suites();
    let effective = edge.routers.iter().filter(|router| router.is_effective);
    let routers: Vec<_> = effective.chain(edge.routers.iter().filter(|router| !router.is_effective)).collect();
    let of_host = (!host.protocols.is_empty()).then(|| (format!("ssl_protocols of {object}"), host.protocols.clone()));
    let of_router = || routers.iter().find_map(|router| Some((router.file.clone(), router.protocols.clone()?)));
    let north = |cause, strength, statement: String, file: String, expected: &str| {
        let owner = super::refusal::owner(edge, cause, Leg::Northbound, false);
        Observation::new(cause, Leg::Northbound, strength, owner, vec![object.to_owned(), file], statement)
            .from(Origin::Configuration)
            .expecting(expected)
    };
    let mut found = Vec::new();
    let protocols = of_host.or_else(of_router);
    if let Some((file, protocols)) = &protocols {
        let known: Vec<&str> = protocols.iter().filter_map(|name| of_nginx(name)).collect();
        if !known.iter().any(|version| versions.contains(version)) {
            let foreign: Vec<&String> = protocols.iter().filter(|name| of_nginx(name).is_none()).collect();
            let (strength, statement) = match foreign.as_slice() {
                [] => {
                    let all = protocols.join(" ");
                    let statement = format!("{object}: {file} allows {all}, and clients offer {}", versions.join(" "));
                    (Strength::Likely, statement)
                }
                // What Edge makes of such a list is not documented.
                foreign => {
                    let all = crate::text::at_most(foreign, 3);
                    let statement = format!(
                        "{object}: {file} names {all}, which is no version of nginx; versions have spaces between"
                    );
                    (Strength::Possible, statement)
                }
            };
            found.push(north(EdgeCause::ProtocolMismatch, strength, statement, file.clone(), "TLSv1.2 or later"));
            return found;
        }
    }
    let has_13 = protocols.is_none_or(|(_, protocols)| protocols.iter().any(|name| of_nginx(name) == Some("TLSv1.3")));
    let of_host = host.ciphers.clone().map(|ciphers| (format!("ssl_ciphers of {object}"), ciphers));
    let of_router = || routers.iter().find_map(|router| Some((router.file.clone(), router.ciphers.clone()?)));
    let ciphers = of_host.or_else(of_router);
    if let Some((file, ciphers)) = ciphers.as_ref().filter(|(_, ciphers)| ciphers.text.contains("_WITH_")) {
        let names = crate::text::first_words(&ciphers.text, MAX_LIST);
        let statement = format!("{object}: {file} names {names} as Java does, which older OpenSSL does not know");
        let expected = "names of OpenSSL, such as ECDHE-RSA-AES128-GCM-SHA256";
        found.push(north(EdgeCause::CipherMismatch, Strength::Possible, statement, file.clone(), expected));
        return found;
    }
    if let Some((file, ciphers)) = ciphers
        && !(has_13 && versions.contains(&"TLSv1.3"))
        && !ciphers.suites.is_empty()
        && !ciphers.suites.iter().any(|suite| suites.contains(&suite.as_str()))
    {
        let statement = format!(
            "{object}: {file} allows {}, and clients offer none of these",
            crate::text::at_most(&ciphers.suites, 3)
        );
        let expected = "a cipher suite that clients offer";
        found.push(north(EdgeCause::CipherMismatch, Strength::Likely, statement, file, expected));
    }
    found
}

/// Returns the usual name of a version in `ssl_protocols`, which nginx reads without regard to case.
fn of_nginx(name: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 6] = [
        ("SSLv2", "SSLv2"),
        ("SSLv3", "SSLv3"),
        ("TLSv1", "TLSv1.0"),
        ("TLSv1.1", "TLSv1.1"),
        ("TLSv1.2", "TLSv1.2"),
        ("TLSv1.3", "TLSv1.3"),
    ];
    NAMES.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, usual)| usual)
}

fn target(edge: &Edge, target: &Target, tls: &TlsSettings, now: Timestamp, found: &mut Vec<Observation>) {
    let object = target.object.as_str();
    let south = |cause, strength, owner, statement: String| {
        Observation::new(cause, Leg::Southbound, strength, owner, vec![object.to_owned()], statement)
            .from(Origin::Configuration)
    };
    for (what, store) in [("truststore", &tls.trust_store), ("keystore", &tls.key_store)] {
        // Without client authentication the keystore is not used.
        if let Some(store) = store.as_ref().filter(|_| what == "truststore" || tls.client_auth) {
            found.extend(store_fault(edge, object, Leg::Southbound, what, store));
        }
    }
    for profile in &edge.question.java {
        found.extend(disabled(edge, target, tls, *profile).map(|observation| south_of(observation, object)));
    }
    if tls.client_auth && tls.trust_store.is_none() && edge.question.api == Dialect::Edge {
        let statement = format!("{} has two-way TLS and names no truststore", target.title());
        found.push(south(EdgeCause::TruststoreMissing, Strength::Possible, Owner::EdgeAdministrator, statement));
    }
    if !tls.client_auth {
        return;
    }
    let (Some(store), Some(alias)) = (&tls.key_store, &tls.key_alias) else {
        let statement = format!("{} has clientAuthEnabled without keyStore and keyAlias", target.title());
        let observation =
            south(EdgeCause::ClientCertificateMissing, Strength::Possible, Owner::EdgeAdministrator, statement);
        found.push(observation.expecting("keyStore and keyAlias of the certificate to present"));
        return;
    };
    let resolved = resolve(edge, store);
    found.extend(alias_fault(object, Leg::Southbound, &resolved, alias));
    let Some(entry) = resolved.alias(alias) else { return };
    let objects: Vec<String> = std::iter::once(object.to_owned()).chain(resolved.objects(Some(alias))).collect();
    let name = objects.get(1).cloned().unwrap_or_default();
    let ends_soon = |fault: &list::ListFault| fault.cause == EdgeCause::CertificateExpiring;
    let expiring = list::of_dates(&entry.certificates, now).into_iter().filter(ends_soon);
    for fault in own_certificate(&entry.certificates, now).into_iter().chain(expiring) {
        let statement = format!("{name}: {}", fault.what);
        let observation = Observation::new(
            fault.cause,
            Leg::Southbound,
            Strength::Likely,
            Owner::EdgeAdministrator,
            objects.clone(),
            statement,
        );
        found.push(observation.from(Origin::Configuration).expecting(fault.expected));
    }
}

fn south_of(observation: Observation, object: &str) -> Observation {
    Observation { objects: vec![object.to_owned()], ..observation }
}

/// Returns why a certificate that a client presents will be refused, as far as the certificate shows it.
pub(super) fn own_certificate(
    list: &[crate::evidence::certificate::Certificate],
    now: Timestamp,
) -> Vec<list::ListFault> {
    let of_client = |fault: list::ListFault| {
        let cause = match fault.cause {
            EdgeCause::CertificateExpired => EdgeCause::ClientCertificateExpired,
            // No cause of its own: nobody trusts it yet.
            EdgeCause::CertificateNotYetValid => EdgeCause::ClientCertificateUntrusted,
            _ => return None,
        };
        Some(list::ListFault { cause, ..fault })
    };
    let mut faults: Vec<list::ListFault> = list::of_dates(list, now).into_iter().filter_map(of_client).collect();
    if let Some(leaf) = list.first().filter(|leaf| leaf.client_use == Some(false)) {
        faults.push(list::ListFault {
            cause: EdgeCause::ClientCertificateNoClientAuth,
            what: format!("{} is not for clients: its extendedKeyUsage lacks clientAuth", list::who(0, leaf)),
            expected: "extendedKeyUsage with clientAuth".into(),
            is_certain: true,
            authority: None,
        });
    }
    faults
}

/// Returns what is wrong where the Message Processor itself finds no version to offer.
fn disabled(edge: &Edge, target: &Target, tls: &TlsSettings, profile: JavaProfile) -> Option<Observation> {
    let strength = if edge.question.java.len() == 1 { Strength::Established } else { Strength::Possible };
    let unsent = |owner, statement: String| {
        Observation::new(EdgeCause::ProtocolMismatch, Leg::Southbound, strength, owner, Vec::new(), statement)
            .from(Origin::Configuration)
            .because("Java reports: No appropriate protocol (protocol is disabled or cipher suites are inappropriate)")
            .expecting("a version that the Message Processor offers")
    };
    let operator = Owner::of_hosts(edge);
    if tls.protocols.is_empty() {
        let versions: Vec<String> = profile.client_versions().iter().map(ToString::to_string).collect();
        let file = edge.disabling_file(profile, &versions).filter(|_| edge.offered_versions(profile).is_empty())?;
        let statement = format!(
            "{}: {file} disables every version that {profile} offers ({}): nothing is sent",
            target.title(),
            versions.join(", ")
        );
        return Some(unsent(operator, statement));
    }
    let known: Vec<String> =
        tls.protocols.iter().map(|name| if name == "TLSv1" { "TLSv1.0".to_owned() } else { name.clone() }).collect();
    // What a Message Processor does with a name that Java does not know is not documented.
    let is_java =
        |name: &String| ["SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].contains(&name.as_str());
    if !tls.protocols.iter().all(is_java) {
        return None;
    }
    let disabled = edge.disabled_versions(profile);
    let usable =
        |name: &&String| profile.supported_versions().contains(&name.as_str()) && !disabled.contains(&name.as_str());
    if known.iter().any(|name| usable(&name)) {
        return None;
    }
    // Who pins has a choice, unless the files of the Message Processors take a current version from it.
    let is_current = |name: &&String| name.as_str() >= "TLSv1.2";
    let current: Vec<String> = known.iter().filter(is_current).cloned().collect();
    let disabling = edge.disabling_file(profile, &current);
    let owner = if disabling.is_some() { operator } else { Owner::EdgeAdministrator };
    let pinned = tls.protocols.join(", ");
    let by = disabling.map(|file| format!(" ({file})")).unwrap_or_default();
    let statement =
        format!("{} pins {pinned}, which {profile} has disabled or does not know{by}: nothing is sent", target.title());
    Some(unsent(owner, statement))
}

fn store_fault(edge: &Edge, object: &str, leg: Leg, what: &str, store: &str) -> Option<Observation> {
    let resolved = resolve(edge, store);
    let (cause, statement) = match &resolved {
        Resolved::Dangling { reference, why } => {
            (EdgeCause::ReferenceDangling, format!("{object} names the {what} by references/{reference}: {why}"))
        }
        Resolved::Missing { name, reference: None } => {
            (EdgeCause::KeystoreMissing, format!("{object} names the {what} {name}, which does not exist"))
        }
        Resolved::Missing { name, reference: Some(reference) } => {
            let statement =
                format!("{object} names the {what} by references/{reference}, whose keystore {name} does not exist");
            (EdgeCause::KeystoreMissing, statement)
        }
        Resolved::Found { .. } | Resolved::Unseen => return None,
    };
    let objects = std::iter::once(object.to_owned()).chain(resolved.objects(None)).collect();
    let observation = Observation::new(cause, leg, Strength::Established, Owner::EdgeAdministrator, objects, statement);
    let observation = observation.from(Origin::Configuration).expecting(format!("an existing {what}"));
    let reference = |name: &str| edge.references.get(name)?.unavailable();
    let shown = match &resolved {
        Resolved::Dangling { reference: name, .. } => reference(name),
        Resolved::Missing { name, .. } => edge.keystores.get(*name).and_then(Seen::unavailable),
        Resolved::Found { .. } | Resolved::Unseen => None,
    };
    Some(match shown {
        Some(why) => observation.because(format!("it was requested: {why}")),
        None => observation,
    })
}

fn alias_fault(object: &str, leg: Leg, resolved: &Resolved<'_>, alias: &str) -> Option<Observation> {
    let Resolved::Found { name, keystore, .. } = resolved else { return None };
    let (cause, statement) = match keystore.aliases.get(alias) {
        // Only the Management API lists the aliases. A file shows what is in the store, not under which
        // names.
        None if keystore.is_partial => return None,
        None => {
            let known: Vec<&str> = keystore.aliases.keys().map(String::as_str).collect();
            let known = crate::text::joined(&known, ", ", "none");
            (
                EdgeCause::AliasMissing,
                format!("{object} names the alias {alias}; the aliases of keystores/{name} are: {known}"),
            )
        }
        Some(entry) if entry.has_key == Some(false) => (
            EdgeCause::AliasWithoutKey,
            format!("keystores/{name}/aliases/{alias} has no private key, so that {object} cannot use it"),
        ),
        Some(_) => return None,
    };
    let objects = std::iter::once(object.to_owned()).chain(resolved.objects(Some(alias))).collect();
    let observation = Observation::new(cause, leg, Strength::Established, Owner::EdgeAdministrator, objects, statement);
    Some(observation.from(Origin::Configuration).expecting("an entry with certificate and key"))
}
