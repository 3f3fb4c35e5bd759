//! The steps, in the playbook's order, each with its checks and what it shows of the evidence.

use crate::checks::codes;
use crate::checks::facts::edge::{describe_handshake, leg_of_capture, outcome_of};
use crate::evidence::Evidence;
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{Edge, Leg, Purpose};
use crate::playbooks::{Covers, Step, StepKey, StepLines, StepSeen};
use crate::text::{at_most, count, date};

/// Number of lines of a step; `-o wide` has more.
const LINES: usize = 8;

pub(super) const STEPS: &[Step] = &[
    Step { key: StepKey::new("failingLeg"), title: "Which leg fails", covers: &[], see: see_leg, names_source: false },
    Step {
        key: StepKey::new("edgeConnection"),
        title: "Connection",
        covers: &[
            Covers::Check(codes::EDGE_NAME_NOT_RESOLVED),
            Covers::Check(codes::EDGE_UNREACHABLE),
            Covers::Check(codes::EDGE_PLAIN_TEXT_PORT),
            Covers::Check(codes::EDGE_TLS_NOT_ENABLED),
            Covers::Check(codes::EDGE_HANDSHAKE_TIMEOUT),
            Covers::Check(codes::EDGE_RESET_IN_HELLO),
            Covers::Check(codes::EDGE_CLOSED_IN_HELLO),
        ],
        see: see_connection,
        names_source: false,
    },
    Step {
        key: StepKey::new("protocolMismatch"),
        title: "Protocol",
        covers: &[Covers::Check(codes::EDGE_PROTOCOL_MISMATCH)],
        see: see_protocol,
        names_source: false,
    },
    Step {
        key: StepKey::new("cipherMismatch"),
        title: "Cipher suites",
        covers: &[Covers::Check(codes::EDGE_CIPHER_MISMATCH)],
        see: see_ciphers,
        names_source: false,
    },
    Step {
        key: StepKey::new("hostnameMismatch"),
        title: "Hostname",
        covers: &[Covers::Check(codes::EDGE_HOSTNAME_MISMATCH)],
        see: see_names,
        names_source: false,
    },
    Step {
        key: StepKey::new("certificateChain"),
        title: "Certificate chain",
        covers: &[
            Covers::Check(codes::EDGE_CHAIN_INCOMPLETE),
            Covers::Check(codes::EDGE_CHAIN_WRONG_ORDER),
            Covers::Check(codes::EDGE_CHAIN_WRONG_ISSUER),
        ],
        see: see_chains,
        names_source: false,
    },
    Step {
        key: StepKey::new("expiredOrUnknownCertificate"),
        title: "Dates and trust",
        covers: &[
            Covers::Check(codes::EDGE_CERTIFICATE_EXPIRED),
            Covers::Check(codes::EDGE_CERTIFICATE_NOT_YET_VALID),
            Covers::Check(codes::EDGE_CERTIFICATE_EXPIRING),
            Covers::Check(codes::EDGE_CERTIFICATE_SELF_SIGNED),
            Covers::Check(codes::EDGE_CERTIFICATE_WEAK),
            Covers::Check(codes::EDGE_CERTIFICATE_NOT_FOR_SERVERS),
            Covers::Check(codes::EDGE_TRUSTSTORE_MISMATCH),
            Covers::Check(codes::EDGE_TRUSTSTORE_MISSING),
        ],
        see: see_dates,
        names_source: false,
    },
    Step {
        key: StepKey::new("clientCertificate"),
        title: "Client certificate",
        covers: &[
            Covers::Check(codes::EDGE_CLIENT_CERTIFICATE_MISSING),
            Covers::Check(codes::EDGE_CLIENT_CERTIFICATE_EXPIRED),
            Covers::Check(codes::EDGE_CLIENT_CERTIFICATE_NO_CLIENT_AUTH),
            Covers::Check(codes::EDGE_CLIENT_CERTIFICATE_UNTRUSTED),
            Covers::Check(codes::EDGE_CLIENT_CERTIFICATE_AUTHORITY_NOT_LISTED),
        ],
        see: see_client_certificates,
        names_source: false,
    },
    Step {
        key: StepKey::new("serverNameIndication"),
        title: "SNI",
        covers: &[
            Covers::Check(codes::EDGE_SNI_MISSING),
            Covers::Check(codes::EDGE_SNI_NOT_SENT_FOR_NAME),
            Covers::Check(codes::EDGE_SNI_UNKNOWN),
        ],
        see: see_sni,
        names_source: false,
    },
    Step {
        key: StepKey::new("keystores"),
        title: "Keystores and Routers",
        covers: &[
            Covers::Check(codes::EDGE_REFERENCE_DANGLING),
            Covers::Check(codes::EDGE_KEYSTORE_MISSING),
            Covers::Check(codes::EDGE_ALIAS_MISSING),
            Covers::Check(codes::EDGE_ALIAS_WITHOUT_KEY),
            Covers::Check(codes::EDGE_ROUTER_NOT_RELOADED),
            Covers::Check(codes::EDGE_ROUTERS_DIFFER),
        ],
        see: see_keystores,
        names_source: false,
    },
];

#[expect(clippy::unnecessary_wraps, reason = "steps have one shape")]
fn lines(seen: impl Into<String>, mut details: Vec<String>) -> StepSeen {
    let wide = details.split_off(details.len().min(LINES));
    let is_unused = details.is_empty();
    Ok(StepLines { seen: seen.into(), details, wide, is_unused, ..StepLines::default() })
}

fn see_leg(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let legs: Vec<String> = edge.question.legs.iter().map(ToString::to_string).collect();
    let mut all: Vec<String> = edge
        .symptoms
        .iter()
        .map(|text| {
            let leg = crate::checks::facts::edge::meaning_of_symptom(edge, text)
                .map_or_else(|| "not understood".to_owned(), |meaning| format!("{}, {}", meaning.leg, meaning.what));
            format!("symptom: {leg}")
        })
        .collect();
    all.extend(edge.notes.iter().cloned());
    if let Some(log) = &edge.log {
        let failures: u64 = log.all_failures().map(|failure| failure.count).sum();
        all.push(format!("Message Processor log: {}", count(failures, "failed handshake")));
    }
    for captured in &edge.captured {
        let leg = leg_of_capture(edge, captured).map_or_else(|| "unknown leg".to_owned(), |leg| leg.to_string());
        all.push(format!("capture: {leg}, {} to {}: {}", captured.client, captured.server, captured.outcome));
    }
    lines(format!("judged: {}", legs.join(", ")), all)
}

fn see_connection(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let made = edge.handshakes.iter().filter(|made| made.purpose != Purpose::OtherSni);
    let mut all: Vec<String> = made
        .map(|made| format!("{}, {}: {}", made.object, describe_handshake(made), outcome_of(&made.handshake)))
        .collect();
    let disabled = edge.targets.iter().filter(|target| !target.enabled);
    all.extend(disabled.map(|target| format!("{}: disabled, not judged", target.title())));
    lines(count(edge.handshakes.len() as u64, "handshake"), all)
}

fn see_protocol(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let profiles = edge.question.java.iter().map(|java| format!("{java}: {}", edge.offered_versions(*java).join(" ")));
    let routers = edge
        .routers
        .iter()
        .filter_map(|router| Some(format!("{}: {}", router.file, router.protocols.as_ref()?.join(" "))));
    let pinned = edge.targets.iter().filter_map(|target| {
        let pinned = &target.tls.as_ref()?.protocols;
        (!pinned.is_empty()).then(|| format!("{}: pinned to {}", target.title(), pinned.join(" ")))
    });
    let scanned = edge.handshakes.iter().filter_map(|made| {
        let accepted = made.scan.as_ref()?.versions.iter().filter(|version| !version.suites.is_empty());
        let accepted: Vec<&str> = accepted.map(|version| version.version.as_str()).collect();
        let sni = if made.handshake.server_name.is_some() { "with" } else { "without" };
        Some(format!("{} accepts {sni} SNI: {}", made.object, crate::text::joined(&accepted, " ", "nothing")))
    });
    let known: Vec<String> = routers.chain(pinned).chain(scanned).collect();
    // What Java offers by itself was not looked at.
    let is_unused = known.is_empty() && edge.handshakes.is_empty();
    let lines = lines("versions offered and accepted", profiles.chain(known).collect())?;
    Ok(StepLines { is_unused, ..lines })
}

fn see_ciphers(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let routers =
        edge.routers.iter().filter_map(|router| Some(format!("{}: {}", router.file, router.ciphers.as_ref()?.text)));
    let hosts = edge
        .virtual_hosts
        .iter()
        .filter_map(|(name, host)| Some(format!("virtualhosts/{name}: {}", host.ciphers.as_ref()?.text)));
    let pinned = edge.targets.iter().filter_map(|target| {
        let pinned = &target.tls.as_ref()?.ciphers;
        (!pinned.is_empty()).then(|| format!("{}: pinned to {}", target.title(), at_most(pinned, 4)))
    });
    let chosen = edge
        .handshakes
        .iter()
        .filter_map(|made| Some(format!("{} chose {}", made.object, made.handshake.session.as_ref()?.cipher)));
    let mut all: Vec<String> = routers.chain(hosts).chain(pinned).chain(chosen).collect();
    all.dedup();
    lines("cipher suites allowed and chosen", all)
}

/// The first certificates of lists, with what presents them.
fn leaves(edge: &Edge) -> Vec<(String, &Certificate)> {
    let mut leaves: Vec<(String, &Certificate)> = Vec::new();
    for made in &edge.handshakes {
        if let Some(leaf) = made.handshake.certificates.first() {
            let object = format!("{} ({})", made.object, made.host);
            if !leaves.iter().any(|(known, other)| *known == object && other.fingerprint == leaf.fingerprint) {
                leaves.push((object, leaf));
            }
        }
    }
    for (name, store) in &edge.keystores {
        let Ok(store) = store.seen() else { continue };
        for (alias, entry) in &store.aliases {
            leaves.extend(entry.certificates.first().map(|leaf| (format!("keystores/{name}/aliases/{alias}"), leaf)));
        }
        let unnamed = store.unnamed.iter().filter_map(|entry| entry.certificates.first());
        leaves.extend(unnamed.map(|leaf| (format!("keystores/{name} (file without alias)"), leaf)));
    }
    leaves
}

fn see_names(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let all = leaves(edge).into_iter().map(|(object, leaf)| {
        let names = if leaf.dns_names.is_empty() { leaf.subject.clone() } else { at_most(&leaf.dns_names, 4) };
        format!("{object}: {names}")
    });
    lines("names of the certificates", all.collect())
}

fn see_chains(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let served = edge.handshakes.iter().filter(|made| !made.handshake.certificates.is_empty());
    let mut all: Vec<String> = served
        .map(|made| {
            let subjects: Vec<&str> = made.handshake.certificates.iter().map(|one| one.subject.as_str()).collect();
            format!("{}: {}", made.object, subjects.join(" ← "))
        })
        .collect();
    all.dedup();
    lines("chains that servers present", all)
}

fn see_dates(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let all = leaves(edge).into_iter().map(|(object, leaf)| {
        let end = if leaf.has_no_dates() { "an end that cannot be read".to_owned() } else { date(leaf.not_after) };
        format!("{object}: until {end}")
    });
    lines("dates of the certificates", all.collect())
}

fn see_client_certificates(evidence: &Evidence) -> StepSeen {
    use crate::evidence::handshake::ClientCertificate;
    let edge = evidence.edge.seen()?;
    let requested = edge.handshakes.iter().filter_map(|made| match &made.handshake.client_certificate {
        ClientCertificate::Requested(Some(list)) if !list.is_empty() => {
            Some(format!("{} requests one of {}", made.object, at_most(list, 3)))
        }
        ClientCertificate::Requested(_) => Some(format!("{} requests one", made.object)),
        _ => None,
    });
    let mut all: Vec<String> = requested.collect();
    all.dedup();
    let is_known =
        edge.handshakes.iter().any(|made| made.handshake.client_certificate == ClientCertificate::NotRequested);
    let seen = match (all.is_empty(), is_known) {
        (false, _) => "servers that request one",
        (true, true) => "no server requests one",
        (true, false) => "no server was seen that requests one",
    };
    lines(seen, all)
}

fn see_sni(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let seen = match edge.sends_sni().as_slice() {
        [true] => "Message Processors send server_name",
        [false] => "Message Processors send no server_name",
        _ => "whether Message Processors send server_name is not known",
    };
    let compared = edge.handshakes.iter().filter(|made| made.purpose == Purpose::OtherSni);
    let all =
        compared.map(|made| format!("{}, {}: {}", made.object, describe_handshake(made), outcome_of(&made.handshake)));
    let seen = if edge.question.judges(Leg::Southbound) { seen } else { "northbound alone" };
    lines(seen, all.collect())
}

fn see_keystores(evidence: &Evidence) -> StepSeen {
    let edge = evidence.edge.seen()?;
    let references = edge.references.iter().map(|(name, refers)| match refers {
        crate::evidence::Seen::Seen(store) => format!("references/{name} names {store}"),
        crate::evidence::Seen::Unavailable(why) => format!("references/{name}: {}", why.reason),
    });
    let stores = edge.keystores.iter().map(|(name, store)| match store {
        crate::evidence::Seen::Seen(store) => {
            let mut aliases: Vec<String> = store.aliases.keys().cloned().collect();
            if !store.unnamed.is_empty() {
                aliases
                    .push(format!("files without alias ({})", count(store.unnamed.len() as u64, "certificate list")));
            }
            format!("keystores/{name}: {}", crate::text::joined(&aliases, ", ", "empty"))
        }
        crate::evidence::Seen::Unavailable(why) => format!("keystores/{name}: {}", why.reason),
    });
    lines(count(edge.keystores.len() as u64, "keystore"), references.chain(stores).collect())
}
