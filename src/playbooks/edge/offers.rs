//! The steps that give both sides a TLS version and a cipher suite in common.
//!
//! A refused version says that one side must change, and not which: a server may be too old or too new for
//! its client. Steps name a side only where the versions of the server or those offered show it.

use super::measurement::endpoint;
use super::remedy::{MP_PROPERTIES, ROUTER_PROPERTIES, SERVICE, put_target, step};
use super::uploads::{target, whose};
use crate::checks::facts::edge::Observation;
use crate::checks::{EdgeCause, Owner};
use crate::evidence::edge::{Dialect, Edge, JavaProfile, Target, TlsSettings};
use crate::verdict::{LegStep, shell_word};

const CURRENT: &str = "TLSv1.2";

/// What a backend accepts that refuses every version it is offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Server {
    Older,
    Newer,
    Unknown,
}

impl Server {
    /// Returns what a server accepts that refuses all of these versions.
    fn refusing(offered: &[String]) -> Self {
        let is_offered = |version: &&str| offered.iter().any(|name| name == version);
        let (first, last) =
            (JavaProfile::VERSIONS.iter().position(is_offered), JavaProfile::VERSIONS.iter().rposition(is_offered));
        let (Some(first), Some(last)) = (first, last) else { return Self::Unknown };
        // A server that is older still answers such a ClientHello with its own version.
        if offered.iter().all(|version| version.as_str() < CURRENT) {
            return Self::Newer;
        }
        match (first > 0, last + 1 < JavaProfile::VERSIONS.len()) {
            (true, false) => Self::Older,
            (false, true) => Self::Newer,
            _ => Self::Unknown,
        }
    }

    fn of(edge: &Edge, observation: &Observation, target: Option<&Target>) -> Self {
        if !observation.versions.is_empty() {
            let has_old = observation.versions.iter().any(|version| version.as_str() < CURRENT);
            return if has_old { Self::Older } else { Self::Newer };
        }
        if !observation.offered.is_empty() {
            return Self::refusing(&observation.offered);
        }
        // Without the target, it is not known what it pins.
        let Some(target) = target else { return Self::Unknown };
        let pinned = pinned(Some(target));
        if !pinned.is_empty() {
            return Self::refusing(&pinned.iter().map(|name| standard_name(name)).collect::<Vec<_>>());
        }
        let mut sides = edge.question.java.iter().map(|java| {
            let offered = edge.offered_versions(*java);
            Self::refusing(&offered.into_iter().map(str::to_owned).collect::<Vec<_>>())
        });
        let first = sides.next().unwrap_or(Self::Unknown);
        if sides.all(|side| side == first) { first } else { Self::Unknown }
    }
}

pub(super) fn protocol(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let target = target(edge, observation);
    let pinned = pinned(target);
    let is_current = |version: &&String| version.as_str() >= CURRENT;
    let current: Vec<String> = observation.versions.iter().filter(is_current).cloned().collect();
    let is_unsent = observation.is_unsent();
    let lacks_current = observation.versions.is_empty() && !pinned.iter().any(|name| name == CURRENT);
    if !pinned.is_empty() && (lacks_current || !current.is_empty()) {
        let versions = if current.is_empty() { vec![CURRENT.to_owned()] } else { current };
        return pin_in_place(edge, observation, pinned, versions);
    }
    let all_current = ["TLSv1.2", "TLSv1.3"].map(str::to_owned);
    let needed = if is_unsent { &all_current[..] } else { &current };
    if let Some(steps) = enabled(edge, needed).filter(|_| is_unsent || !observation.is_reported()) {
        return steps;
    }
    if is_unsent {
        return unsent(edge, observation, target);
    }
    let backend = backend(observation);
    if observation.is_of_newest_client() {
        let mut steps = step(
            "Let the Message Processors offer TLS 1.2 as well".to_owned(),
            Owner::of_hosts(edge),
            None,
            Some("look for what pins TLS 1.3: the protocols of the target, and of the Message Processors' Java"),
        );
        steps.extend(step(format!("Or let {backend} accept TLS 1.3"), Owner::BackendOwner, None, None));
        return steps;
    }
    match Server::of(edge, observation, target) {
        Server::Newer if observation.is_of_oldest_client() => step(
            "Let the Message Processors offer TLS 1.2 or later".to_owned(),
            Owner::of_hosts(edge),
            None,
            Some("look for what pins old versions: the protocols of the target, or an old Java"),
        ),
        Server::Newer if current.iter().any(|version| version == CURRENT) => step(
            "Run the Message Processors with a Java that offers TLS 1.2".to_owned(),
            observation.owner,
            None,
            Some("Edge for Private Cloud from 4.16.05 on runs Java 8, which offers it"),
        ),
        Server::Newer => newer(edge, &backend),
        Server::Older => older(edge, observation, target),
        Server::Unknown => either(edge, observation),
    }
}

/// Java finds no version to offer: the target pins what it does not have, or nothing is pinned and all is
/// disabled.
fn unsent(edge: &Edge, observation: &Observation, target: Option<&Target>) -> Vec<LegStep> {
    let note = Some("Java offers no version that jdk.tls.disabledAlgorithms has");
    let pin = || {
        let title =
            format!("Let {} pin versions that the Java of the Message Processors offers, or none", whose(observation));
        step(title, Owner::EdgeAdministrator, None, note)
    };
    let enable = || {
        let title = "Let the Java of the Message Processors offer TLS 1.2: it has disabled every version";
        let operator = Owner::of_hosts(edge);
        step(title.to_owned(), operator, None, note)
    };
    match target {
        Some(target) if pinned(Some(target)).is_empty() => enable(),
        Some(_) => pin(),
        None => [pin(), enable()].concat(),
    }
}

/// Takes current versions that a file of the Message Processors disables out of its list.
fn enabled(edge: &Edge, versions: &[String]) -> Option<Vec<LegStep>> {
    edge.question.java.iter().find_map(|java| edge.disabling_file(*java, versions))?;
    let (file, list) = edge.disabled_algorithms()?;
    let is_kept = |name: &&str| !versions.iter().any(|version| java_name(version) == *name);
    let kept: Vec<&str> = list.split(',').map(str::trim).filter(is_kept).collect();
    let line = format!("conf_jvmsecurity_jdk.tls.disabledAlgorithms={}", kept.join(", "));
    let is_plain = line.chars().all(|letter| letter.is_ascii_alphanumeric() || " ,.<=>_-".contains(letter));
    let paste = format!(
        "sed -i 's|^conf_jvmsecurity_jdk.tls.disabledAlgorithms=.*|{line}|' {MP_PROPERTIES}\n\
         chown apigee:apigee {MP_PROPERTIES}\n{SERVICE} edge-message-processor restart"
    );
    let names: Vec<String> = versions.iter().filter(|version| list.contains(&java_name(version))).cloned().collect();
    Some(step(
        format!("Remove {} from jdk.tls.disabledAlgorithms on every Message Processor", names.join(" and ")),
        Owner::of_hosts(edge),
        (is_plain && !edge.is_cloud()).then_some(paste),
        Some(&format!("{file} has: {list}")),
    ))
}

fn pinned(target: Option<&Target>) -> &[String] {
    target.and_then(|target| target.tls.as_ref()).map(|tls| tls.protocols.as_slice()).unwrap_or_default()
}

/// The backend of an observation, for a sentence.
fn backend(observation: &Observation) -> String {
    match observation.subject() {
        "" => "the backend".to_owned(),
        subject => format!("the backend of {subject}"),
    }
}

fn pin_in_place(edge: &Edge, observation: &Observation, pinned: &[String], versions: Vec<String>) -> Vec<LegStep> {
    vec![LegStep {
        title: format!(
            "Pin {} in place of {}, or nothing, in {}",
            versions.join(" and "),
            pinned.join(", "),
            whose(observation)
        ),
        owner: Owner::EdgeAdministrator,
        paste: target(edge, observation)
            .map(|target| put_target(edge, target, &TlsSettings { protocols: versions, ..TlsSettings::default() })),
        note: Some("targets take Java's names: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3".into()),
    }]
}

/// The backend accepts nothing older than TLS 1.3.
fn newer(edge: &Edge, backend: &str) -> Vec<LegStep> {
    let note = Some("Edge for Private Cloud 4.54 runs Java 17 or 21");
    let accept = step(format!("Let {backend} accept TLS 1.2 as well"), Owner::BackendOwner, None, None);
    if edge.is_cloud() {
        return accept;
    }
    let java = "Or run the Message Processors with a Java that offers TLS 1.3".to_owned();
    [accept, step(java, Owner::EdgeOperator, None, note)].concat()
}

/// The backend accepts nothing newer than TLS 1.1.
fn older(edge: &Edge, observation: &Observation, target: Option<&Target>) -> Vec<LegStep> {
    let mut old = observation.versions.iter().filter(|version| version.as_str() < CURRENT);
    let pins = match old.next_back() {
        Some(version) => vec![java_name(version)],
        None => vec!["TLSv1.1".to_owned(), "TLSv1".to_owned()],
    };
    let upgrade = format!("Upgrade {} to TLS 1.2 (TLSv1.2) or later", backend(observation));
    let mut steps = step(upgrade, Owner::BackendOwner, None, None);
    // Apigee X and hybrid support no older version.
    if edge.question.api == Dialect::Google {
        return steps;
    }
    steps.push(LegStep {
        title: format!("Stop-gap until then: pin {} in {}", pins.join(" and "), whose(observation)),
        owner: Owner::EdgeAdministrator,
        paste: target
            .map(|target| put_target(edge, target, &TlsSettings { protocols: pins, ..TlsSettings::default() })),
        note: Some("Java's name is TLSv1; TLSv1.0, as older texts have it, is no name that Java knows".into()),
    });
    let is_disabled = |java: &JavaProfile| edge.disabled_versions(*java).contains(&"TLSv1.0");
    if edge.question.java.iter().any(is_disabled) && !edge.is_cloud() {
        steps.push(LegStep {
            title: "The stop-gap needs a Java that has not disabled the version: on every Message Processor".into(),
            owner: Owner::EdgeOperator,
            paste: Some(format!(
                "echo 'conf_jvmsecurity_jdk.tls.disabledAlgorithms=SSLv3, RC4, DES, MD5withRSA, DH keySize < 1024, EC keySize < 224, \
                 3DES_EDE_CBC, anon, NULL' >> {MP_PROPERTIES}\nchown apigee:apigee {MP_PROPERTIES}\n{SERVICE} edge-message-processor restart"
            )),
            note: Some("SSLv3 must stay in the list".into()),
        });
    }
    steps
}

/// Nothing shows whether the backend is too old or too new.
fn either(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let backend = backend(observation);
    let place =
        endpoint(edge, observation).map_or_else(|| "HOST:PORT".to_owned(), |(host, port)| format!("{host}:{port}"));
    let scan = format!("kubectl apigee-tls probe {} --full", shell_word(&place));
    let accept = "a Message Processor offers the versions of its Java, unless the target pins others";
    let old = format!("If these are TLS 1.0 or 1.1 alone, upgrade {backend} to TLS 1.2 or later");
    let stop_gap = "until then the target can pin one of them (protocols), if the Java of the Message Processors \
        has not disabled it";
    let new = format!("If it is TLS 1.3 alone, let {backend} accept TLS 1.2 as well");
    let java = "or run the Message Processors with a Java that offers TLS 1.3";
    [
        step(format!("Find out which versions {backend} accepts"), Owner::EdgeAdministrator, Some(scan), Some(accept)),
        step(old, Owner::BackendOwner, None, Some(stop_gap)),
        step(new, Owner::BackendOwner, None, Some(java)),
    ]
    .concat()
}

fn java_name(version: &str) -> String {
    if version == "TLSv1.0" { "TLSv1".into() } else { version.to_owned() }
}

fn standard_name(version: &str) -> String {
    if version == "TLSv1" { "TLSv1.0".into() } else { version.to_owned() }
}

pub(super) fn ciphers(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let subject = whose(observation);
    let tls = target(edge, observation).and_then(|target| target.tls.as_ref());
    if tls.is_some_and(|tls| !tls.ciphers.is_empty()) {
        return vec![LegStep {
            title: format!(
                "Remove the pinned Ciphers of {subject}, or pin suites that the backend accepts, by Java's names"
            ),
            owner: Owner::EdgeAdministrator,
            paste: None,
            note: Some(observation.statement.clone()),
        }];
    }
    let mut steps = Vec::new();
    if let Some((file, list)) = edge.disabled_algorithms().filter(|_| observation.owner == Owner::of_hosts(edge)) {
        steps.push(LegStep {
            title: "Remove what disables the cipher suites of the backend from jdk.tls.disabledAlgorithms on every \
                    Message Processor, and restart all of them one after the other"
                .into(),
            owner: observation.owner,
            paste: (!edge.is_cloud())
                .then(|| format!("chown apigee:apigee {MP_PROPERTIES}\n{SERVICE} edge-message-processor restart")),
            note: Some(format!("{file} has: {list}")),
        });
    }
    if edge.question.java.iter().any(|java| *java <= JavaProfile::Java8Limited) && !edge.is_cloud() {
        steps.push(unlimited(Owner::EdgeOperator, "the Message Processors"));
    }
    steps.push(LegStep {
        title: format!("Let {} accept a cipher suite that the Message Processor offers", backend(observation)),
        owner: Owner::BackendOwner,
        paste: None,
        note: Some(observation.statement.clone()),
    });
    steps
}

/// Gives a Java 8 the strong cipher suites.
fn unlimited(owner: Owner, whose: &str) -> LegStep {
    LegStep {
        title: format!("Install the unlimited-strength JCE policy in the Java of {whose}, or Java 8u161 or later"),
        owner,
        paste: Some("crypto.policy=unlimited".into()),
        note: Some("a line of lib/security/java.security, from Java 8u151; earlier ones need the policy files".into()),
    }
}

/// Widens what Routers accept.
pub(super) fn router(edge: &Edge, observation: &Observation) -> Vec<LegStep> {
    let is_protocol = observation.cause == EdgeCause::ProtocolMismatch;
    // A report of a client app alone does not say which side is too old.
    let is_open = is_protocol && observation.offered.is_empty() && observation.is_reported();
    let mut steps = Vec::new();
    if is_protocol {
        steps.push(LegStep {
            title: match () {
                () if is_open => "If the client app offers older versions alone, let it offer TLS 1.2 or later".into(),
                () if observation.is_of_newest_client() => "Let the client app offer TLS 1.2 as well".into(),
                () => "Let the client app offer TLS 1.2 or later".into(),
            },
            owner: Owner::ClientOwner,
            paste: None,
            note: is_open.then(|| "a capture of its ClientHello shows what it offers (--pcap)".into()),
        });
    } else {
        steps.push(unlimited(Owner::ClientOwner, "the client app, if it runs on Java 8"));
    }
    if edge.is_cloud() {
        return steps;
    }
    let (key, value, property) = if is_protocol {
        ("ssl.protocols", "TLSv1.2 TLSv1.3", "ssl_protocols")
    } else {
        ("ssl.ciphers", "HIGH:!aNULL:!MD5:!DH+3DES:!kEDH", "ssl_ciphers")
    };
    steps.push(LegStep {
        title: if is_open {
            format!("If the Routers accept none of these, set what all accept, or {property} of the virtual host")
        } else {
            format!("Set what all Routers accept, or the property {property} of the virtual host")
        },
        owner: Owner::EdgeOperator,
        paste: Some(format!(
            "echo 'conf_load_balancing_load.balancing.driver.server.{key}={value}' >> {ROUTER_PROPERTIES}\n\
             chown apigee:apigee {ROUTER_PROPERTIES}\n{SERVICE} edge-router restart"
        )),
        note: Some(format!("then look for {property} in /opt/nginx/conf.d/0-default.conf on every Router")),
    });
    steps
}
