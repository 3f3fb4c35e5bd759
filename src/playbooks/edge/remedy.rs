//! The steps that fix each cause, in the words of the playbook where they are right.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::offers::{ciphers, protocol, router};
use super::uploads::{self, authority, call, certificate, restart, target, whose};
use crate::checks::facts::edge::Observation;
use crate::checks::{EdgeCause, Owner};
use crate::evidence::Evidence;
use crate::evidence::edge::{Dialect, Edge, Leg, Target, TargetOrigin, TlsSettings};
use crate::verdict::{LegRemedy, LegStep, shell_word};

pub(super) const MP_PROPERTIES: &str = "/opt/apigee/customer/application/message-processor.properties";
pub(super) const ROUTER_PROPERTIES: &str = "/opt/apigee/customer/application/router.properties";
pub(super) const SERVICE: &str = "/opt/apigee/apigee-service/bin/apigee-service";

pub(super) fn of(evidence: &Evidence, edge: &Edge, observations: &[Observation]) -> LegRemedy {
    let mut remedy = LegRemedy::default();
    for observation in observations.iter().filter(|observation| !is_harmful(observation, observations)) {
        for step in steps(evidence, edge, observation) {
            if !remedy.steps.contains(&step) {
                remedy.steps.push(step);
            }
        }
    }
    remedy.side_effects = side_effects(&remedy.steps);
    remedy
}

/// Returns whether a reload would bring what is wrong in the keystore to the clients.
fn is_harmful(observation: &Observation, all: &[Observation]) -> bool {
    let is_stored = |other: &Observation| {
        other.is_unfelt
            && other.cause != observation.cause
            && other
                .objects
                .iter()
                .any(|object| object.starts_with("keystores/") && observation.objects.contains(object))
    };
    observation.cause == EdgeCause::RouterNotReloaded && observation.is_unfelt && all.iter().any(is_stored)
}

fn side_effects(steps: &[LegStep]) -> Vec<String> {
    let pasted = |what: &str| steps.iter().any(|step| step.paste.as_ref().is_some_and(|paste| paste.contains(what)));
    let mut effects = Vec::new();
    if pasted(MP_PROPERTIES) {
        effects.push(
            "a property of the Message Processor acts on all target calls of all organizations that it serves"
                .to_owned(),
        );
    }
    if pasted(ROUTER_PROPERTIES) {
        effects.push("a property of the Router acts on all virtual hosts".to_owned());
    }
    if pasted(" restart") {
        effects.push("a restart drops the connections of that host; restart one host after the other".to_owned());
    }
    if pasted("/aliases?alias=NEW-CA") {
        effects.push(
            "a truststore that is named directly, and not by a reference, is read again only after a restart"
                .to_owned(),
        );
    }
    if pasted("disabledAlgorithms") || pasted("\"TLSv1\"") {
        effects.push(
            "TLS 1.0 and 1.1 are obsolete (RFC 8996): remove the stop-gap as soon as the backend is upgraded"
                .to_owned(),
        );
    }
    effects
}

/// One step.
pub(super) fn step(title: String, owner: Owner, paste: Option<String>, note: Option<&str>) -> Vec<LegStep> {
    vec![LegStep { title, owner, paste, note: note.map(str::to_owned) }]
}

fn steps(evidence: &Evidence, edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let now = evidence.now();
    let own = match observation.leg {
        Leg::Northbound => northbound(edge, observation, now),
        Leg::Southbound => southbound(edge, observation, now),
    };
    own.unwrap_or_else(|| of_both(edge, observation))
}

/// The steps for causes on the way from client apps to Routers.
fn northbound(edge: &Edge, observation: &Observation, now: Timestamp) -> Option<Vec<LegStep>> {
    let subject = whose(observation);
    Some(match observation.cause {
        EdgeCause::CertificateExpired
        | EdgeCause::CertificateNotYetValid
        | EdgeCause::CertificateExpiring
        | EdgeCause::CertificateWeak => certificate(edge, observation, now, "Get a valid certificate"),
        EdgeCause::CertificateSelfSigned => {
            certificate(edge, observation, now, "Get a certificate of a CA that client apps trust")
        }
        EdgeCause::CertificateNotForServers => certificate(edge, observation, now, "Get a certificate with serverAuth"),
        EdgeCause::HostnameMismatch => {
            let host = observation.objects.iter().find(|object| !object.contains('/')).cloned();
            let host = host.or_else(|| first_alias(edge, observation));
            let host = host.unwrap_or_else(|| "the name that client apps call".to_owned());
            let wildcard = host.split_once('.').map(|(_, domain)| format!(" or *.{domain}")).unwrap_or_default();
            certificate(
                edge,
                observation,
                now,
                &format!("Get a certificate whose subjectAltName contains {host}{wildcard}"),
            )
        }
        EdgeCause::ChainIncomplete | EdgeCause::ChainWrongOrder | EdgeCause::ChainWrongIssuer => certificate(
            edge,
            observation,
            now,
            "Put the whole chain into one file, the leaf first and then each issuer,",
        ),
        EdgeCause::TruststoreMismatch => step(
            format!(
                "Let the client apps of {subject} trust {}",
                observation.authority.as_ref().map_or("the root of its chain", |(name, _)| name)
            ),
            Owner::ClientOwner,
            None,
            Some("or use a certificate of a CA that they trust already"),
        ),
        EdgeCause::TruststoreMissing => {
            let body = "{\"name\": \"truststore\"}";
            step(
                format!("Create a truststore with the CAs of the client apps, and name it in {subject} (trustStore)"),
                Owner::EdgeAdministrator,
                Some(call(edge, "POST", "keystores", body)),
                Some("upload each CA with format=keycertfile, and name the truststore by a reference"),
            )
        }
        EdgeCause::SniMissing => step(
            format!("Let the client apps of {subject} send server_name"),
            Owner::ClientOwner,
            None,
            Some("a private cloud can also serve a default certificate to clients without SNI"),
        ),
        EdgeCause::SniUnknown => step(
            "Add the name to the host aliases of a virtual host, or let the client app call one that exists".to_owned(),
            Owner::EdgeAdministrator,
            None,
            Some("the certificate of the virtual host must cover the name"),
        ),
        EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch => router(edge, observation),
        _ => return client_app(observation),
    })
}

/// The steps for what client apps present to Routers, and for how they reach them.
fn client_app(observation: &Observation) -> Option<Vec<LegStep>> {
    let host = whose(observation);
    let (title, note) = match observation.cause {
        EdgeCause::ClientCertificateMissing => (
            format!("Let the client apps of {host} present a certificate of a CA in its truststore"),
            Some("or set clientAuthEnabled to false in the virtual host, if client apps need no certificate"),
        ),
        EdgeCause::ClientCertificateExpired => {
            (format!("Renew the certificate that the client apps of {host} present"), None)
        }
        EdgeCause::ClientCertificateNoClientAuth => {
            (format!("Let the client apps of {host} present a certificate with clientAuth"), None)
        }
        EdgeCause::ClientCertificateUntrusted if observation.is_about_dates() => {
            (format!("Let the client apps of {host} present a certificate that is valid now"), None)
        }
        EdgeCause::ClientCertificateUntrusted => (
            format!("Let the client apps of {host} present a certificate of a CA in its truststore, with its chain"),
            Some("or add the CA of their certificate to the truststore of the virtual host"),
        ),
        EdgeCause::NameNotResolved => {
            (format!("Correct the DNS entry of the host alias of {host}, or the name that client apps call"), None)
        }
        EdgeCause::Unreachable => {
            (format!("Open the firewall between client apps and the Routers, and check the port of {host}"), None)
        }
        EdgeCause::PlainTextPort => {
            (format!("Correct the port that client apps call, or enable TLS in {host} (sSLInfo)"), None)
        }
        _ => return None,
    };
    Some(step(title, observation.owner, None, note))
}

/// The steps for causes on the way from Message Processors to backends.
fn southbound(edge: &Edge, observation: &Observation, now: Timestamp) -> Option<Vec<LegStep>> {
    let subject = whose(observation);
    Some(match observation.cause {
        EdgeCause::TruststoreMismatch | EdgeCause::CertificateSelfSigned => {
            let add = authority(edge, observation).unwrap_or_else(|| LegStep {
                title: format!("Add the CA of the backend's certificate to the truststore of {subject}"),
                owner: Owner::EdgeAdministrator,
                paste: None,
                note: Some("its root, or the certificate itself if it is self-signed".into()),
            });
            let mut steps = vec![add];
            steps.extend(step(
                format!("Or use a certificate of a CA that the truststore holds at the backend of {subject}"),
                Owner::BackendOwner,
                None,
                None,
            ));
            steps
        }
        EdgeCause::ChainIncomplete | EdgeCause::ChainWrongIssuer | EdgeCause::ChainWrongOrder => {
            let mut steps = step(
                format!("Let the backend of {subject} present its whole chain: the leaf first, then each intermediate"),
                Owner::BackendOwner,
                None,
                Some(observation.expected.as_str()).filter(|text| !text.is_empty()),
            );
            steps.extend(authority(edge, observation).map(|step| LegStep {
                title: "Or add the missing intermediate to the truststore, which bridges the gap".into(),
                ..step
            }));
            steps
        }
        EdgeCause::TruststoreMissing => step(
            format!("Name a truststore with the CA of the backend in {subject} (trustStore)"),
            Owner::EdgeAdministrator,
            None,
            Some("whether a Message Processor without truststore checks the backend is not documented"),
        ),
        EdgeCause::SniMissing => sni(edge),
        EdgeCause::SniUnknown => step(
            format!("Let the backend of {subject} serve the name that is sent, or correct the host of the target"),
            Owner::BackendOwner,
            None,
            None,
        ),
        EdgeCause::ProtocolMismatch => protocol(edge, observation),
        EdgeCause::CipherMismatch => ciphers(edge, observation),
        EdgeCause::HostnameMismatch => {
            let mut steps = step(
                format!("Correct the host of {subject} to a name of the certificate"),
                Owner::EdgeAdministrator,
                None,
                None,
            );
            steps.extend(step(
                format!("Or use a certificate at the backend that covers the host of {subject}"),
                Owner::BackendOwner,
                None,
                Some(&observation.statement),
            ));
            steps
        }
        EdgeCause::ClientCertificateMissing | EdgeCause::ClientCertificateAuthorityNotListed => {
            client_certificate(edge, observation)
        }
        EdgeCause::ClientCertificateExpired | EdgeCause::ClientCertificateNoClientAuth => {
            certificate(edge, observation, now, "Get a valid client certificate with clientAuth")
        }
        // That of a backend has another owner.
        EdgeCause::CertificateExpiring if observation.owner == Owner::EdgeAdministrator => {
            certificate(edge, observation, now, "Get a new client certificate with clientAuth")
        }
        EdgeCause::ClientCertificateUntrusted if observation.is_about_dates() => {
            certificate(edge, observation, now, "Get a client certificate that is valid now")
        }
        _ => return None,
    })
}

/// The steps for causes that are alike on both legs.
fn of_both(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let subject = whose(observation);
    match (observation.cause, observation.leg) {
        (
            EdgeCause::ReferenceDangling
            | EdgeCause::KeystoreMissing
            | EdgeCause::AliasMissing
            | EdgeCause::AliasWithoutKey,
            _,
        ) => configured(edge, observation),
        (EdgeCause::RouterNotReloaded | EdgeCause::RoutersDiffer, _) => {
            let mut steps = restart(edge, Leg::Northbound);
            let store = uploads::virtual_host(edge, observation).and_then(|tls| tls.key_store.as_deref());
            let is_named = observation.objects.iter().any(|object| object.starts_with("keystores/"));
            if is_named && store.is_some_and(|store| !store.starts_with("ref://")) {
                steps.extend(step(
                    format!("Name the keystore of {subject} by a reference, so that Routers need no restart next time"),
                    Owner::EdgeAdministrator,
                    None,
                    Some("keyStore: ref://NAME, in the virtual host"),
                ));
            }
            steps
        }
        (EdgeCause::SniNotSentForName, _) => {
            let why = "Java sends no server_name for addresses, names of one label and names with an underscore";
            let off = format!("{why}; Message Processors send none at all now, so that SNI must be turned on as well");
            step(
                format!("Use a fully qualified DNS name, which the backend knows, as the host of {subject}"),
                Owner::EdgeAdministrator,
                None,
                Some(if edge.sends_sni() == [false] { &off } else { why }),
            )
        }
        (EdgeCause::TlsNotEnabled, _) => {
            let settings = TlsSettings { enabled: true, ..TlsSettings::default() };
            let paste = target(edge, observation).map(|target| put_target(edge, target, &settings));
            step(
                format!("Enable TLS in {subject}, with a truststore that holds the CA of the backend"),
                Owner::EdgeAdministrator,
                paste,
                None,
            )
        }
        (cause, _) => {
            let fix = crate::checks::find(cause.name()).map_or("", |(_, check)| check.explanation.fix);
            step(format!("{subject}: {fix}"), observation.owner, None, None)
        }
    }
}

fn first_alias(edge: &Edge, observation: &Observation) -> Option<String> {
    let name = observation.subject().strip_prefix("virtualhosts/")?;
    edge.virtual_hosts.get(name)?.aliases.first().cloned()
}

/// Repairs names that lead nowhere.
fn configured(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let reference = observation.objects.iter().find_map(|object| object.strip_prefix("references/"));
    let mut steps = Vec::new();
    if let (EdgeCause::ReferenceDangling, Some(reference)) = (observation.cause, reference) {
        let stores: Vec<&str> =
            edge.keystores.iter().filter(|(_, store)| store.seen().is_ok()).map(|(name, _)| name.as_str()).collect();
        let body = format!("{{\"name\": \"{reference}\", \"refers\": \"KEYSTORE\", \"resourceType\": \"KeyStore\"}}");
        let known = crate::text::joined(&stores, ", ", "none was seen");
        steps.push(LegStep {
            title: format!("Create references/{reference} with the keystore that {} needs", observation.subject()),
            owner: Owner::EdgeAdministrator,
            paste: Some(call(edge, "POST", "references", &body)),
            note: Some(format!(
                "KEYSTORE is one of: {known}; use PUT references/{reference} if it names another reference"
            )),
        });
        return steps;
    }
    let fix = crate::checks::find(observation.cause.name()).map_or("", |(_, check)| check.explanation.fix);
    steps.push(LegStep {
        title: format!("{}: {fix}", observation.statement),
        owner: Owner::EdgeAdministrator,
        paste: Some(format!(
            "curl {} {}",
            uploads::login(edge),
            shell_word(&format!("{}/keystores", uploads::environment(edge)))
        )),
        note: None,
    });
    steps
}

/// Turns on SNI in Message Processors.
fn sni(edge: &Edge) -> Vec<LegStep> {
    if edge.is_cloud() {
        return vec![LegStep {
            title: "Ask Apigee support to let the Message Processors send server_name".into(),
            owner: Owner::ApigeeSupport,
            paste: None,
            note: None,
        }];
    }
    vec![LegStep {
        title: "Turn on SNI on every Message Processor, and restart all of them one after the other".into(),
        owner: Owner::EdgeOperator,
        paste: Some(format!(
            "echo 'conf_system_jsse.enableSNIExtension=true' >> {MP_PROPERTIES}\nchown apigee:apigee {MP_PROPERTIES}\n\
             {SERVICE} edge-message-processor restart"
        )),
        note: Some("the component is edge-message-processor; older texts write message-processor".into()),
    }]
}

fn client_certificate(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let subject = whose(observation);
    let target = target(edge, observation);
    let is_listed = observation.cause == EdgeCause::ClientCertificateAuthorityNotListed;
    let is_configured = |target: &Target| {
        target.tls.as_ref().is_some_and(|tls| tls.client_auth && tls.key_store.is_some() && tls.key_alias.is_some())
    };
    if !is_listed && target.is_some_and(is_configured) {
        let title = format!("Find out why the Message Processors present none of what {subject} has configured");
        return step(title, Owner::EdgeAdministrator, None, Some(&observation.statement));
    }
    let title = if is_listed {
        format!("Let {subject} present a certificate whose issuer the backend lists, with its whole chain")
    } else {
        format!("Configure the client certificate of {subject}: clientAuthEnabled, keyStore, keyAlias")
    };
    let settings = TlsSettings {
        enabled: true,
        client_auth: true,
        key_store: Some("ref://KEYSTORE-REFERENCE".into()),
        key_alias: Some("ALIAS".into()),
        ..TlsSettings::default()
    };
    let mut steps = vec![LegStep {
        title,
        owner: Owner::EdgeAdministrator,
        paste: target.map(|target| put_target(edge, target, &settings)),
        note: Some(observation.statement.clone()),
    }];
    if is_listed {
        steps.push(LegStep {
            title: "Or let the backend list the issuer of the present certificate".into(),
            owner: Owner::BackendOwner,
            paste: None,
            note: None,
        });
    }
    steps
}

/// Returns the call, or the lines of the TargetEndpoint, that set these settings of a target and keep the
/// rest.
pub(super) fn put_target(edge: &Edge, target: &Target, change: &TlsSettings) -> String {
    let mut tls = target.tls.clone().unwrap_or_default();
    tls.enabled = true;
    if !change.protocols.is_empty() {
        tls.protocols.clone_from(&change.protocols);
    }
    if change.client_auth {
        tls.client_auth = true;
        tls.key_store.clone_from(&change.key_store);
        tls.key_alias.clone_from(&change.key_alias);
    }
    match target.origin {
        TargetOrigin::TargetServer => {
            let name = target.object.trim_start_matches("targetservers/");
            let is_google = edge.question.api == Dialect::Google;
            let flag = |is_on: bool| if is_google { json!(is_on) } else { json!(is_on.to_string()) };
            let mut settings = json!({ "enabled": flag(true), "clientAuthEnabled": flag(tls.client_auth) });
            if let Value::Object(fields) = &mut settings {
                let texts =
                    [("keyStore", &tls.key_store), ("keyAlias", &tls.key_alias), ("trustStore", &tls.trust_store)];
                fields
                    .extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?)))));
                if !tls.protocols.is_empty() {
                    fields.insert("protocols".into(), json!(tls.protocols));
                }
                if !tls.ciphers.is_empty() {
                    fields.insert("ciphers".into(), json!(tls.ciphers));
                }
                if tls.ignore_validation_errors {
                    fields.insert("ignoreValidationErrors".into(), json!(true));
                }
            }
            let body = json!({ "name": name, "host": target.host, "port": target.port, "isEnabled": target.enabled, "sSLInfo": settings });
            call(edge, "PUT", &format!("targetservers/{name}"), &body.to_string())
        }
        TargetOrigin::Url => {
            let element = |name: &str, text: &Option<String>| {
                text.as_ref().map(|text| format!("<{name}>{text}</{name}>")).unwrap_or_default()
            };
            let protocols: String = tls.protocols.iter().map(|name| format!("<Protocol>{name}</Protocol>")).collect();
            let protocols =
                if protocols.is_empty() { protocols } else { format!("<Protocols>{protocols}</Protocols>") };
            let client = if tls.client_auth { "<ClientAuthEnabled>true</ClientAuthEnabled>" } else { "" };
            format!(
                "<SSLInfo><Enabled>true</Enabled>{client}{}{}{}{protocols}</SSLInfo>",
                element("KeyStore", &tls.key_store),
                element("KeyAlias", &tls.key_alias),
                element("TrustStore", &tls.trust_store)
            )
        }
    }
}
