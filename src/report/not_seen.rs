//! What the report does not rest on: steps that were not done, sources that did not answer, windows that were cut.

use super::NotSeen;
use crate::checks::facts::{probed, served};
use crate::evidence::handshake::{ClientCertificate, Handshake, Probes};
use crate::evidence::part::{Extent, Gap};
use crate::evidence::{Evidence, Reason, Seen, Source, Unavailable};
use crate::text::some_of;
use crate::verdict::{capture, probe};

/// Everything that was not seen, the playbook's own steps first.
pub(super) fn of(evidence: &Evidence) -> Vec<NotSeen> {
    let mut list = vec![
        NotSeen {
            what: "packet capture".into(),
            why: "not done: it needs the node of an ingress pod".into(),
            measurement: Some(capture(evidence)),
        },
        NotSeen {
            what: "clients that failed by version, cipher or client certificate".into(),
            why: "they leave no line in the access log".into(),
            measurement: None,
        },
    ];
    match &evidence.probes {
        Seen::Seen(probes) => {
            list.extend(probes.unprobed.iter().map(unprobed));
            list.extend(unknown_trust(probes));
            list.extend(without_client_certificate(probes));
        }
        Seen::Unavailable(_) => {
            let why = "not done".to_owned();
            list.insert(1, NotSeen { what: "handshake probe".into(), why, measurement: Some(probe(evidence)) });
        }
    }
    if let Some(why) = &evidence.interrupted {
        list.push(match why.reason {
            Reason::Interrupted => {
                NotSeen { what: "the rest".into(), why: "the run was interrupted".into(), measurement: None }
            }
            _ => plain(why),
        });
    }
    let gaps: Vec<Gap<'_>> = evidence.parts().into_iter().flat_map(|part| part.gaps()).collect();
    let (parts, items): (Vec<_>, Vec<_>) =
        gaps.iter().filter(|gap| gap.reported).partition(|gap| gap.extent == Extent::Part);
    let asked = |gap: &&Gap<'_>| !matches!(gap.why.reason, Reason::NotRequested(_));
    list.extend(parts.into_iter().filter(asked).map(missing));
    if evidence.question.is_offline() {
        list.push(NotSeen {
            what: "the cluster".into(),
            why: "not asked (--offline): routes, pods, Services and their settings".into(),
            measurement: None,
        });
    }
    let (logs, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|gap| gap.source == Some(Source::Logs));
    list.extend(logs.into_iter().map(missing));
    if evidence.overrides.is_empty() {
        list.push(NotSeen {
            what: "overrides.yaml".into(),
            why: "not given; -f overrides.yaml compares it with the cluster".into(),
            measurement: None,
        });
    }
    // The cluster's first, then the user's files.
    let (of_files, of_cluster): (Vec<_>, Vec<_>) = others.into_iter().partition(|gap| gap.source.is_none());
    list.extend(of_cluster.into_iter().chain(of_files).map(missing));
    // One API server that is gone says the same of every source once.
    list.dedup();
    list
}

/// The authorities of this machine are not those of the clients.
fn unknown_trust(probes: &Probes) -> Option<NotSeen> {
    served::with_unknown_trust(probes).next()?;
    Some(NotSeen {
        what: "whether clients trust the certificates that are served".into(),
        why: "not judged; --ca-file FILE says which authorities they have".into(),
        measurement: None,
    })
}

/// Who asks for a certificate may refuse those that clients have, and nobody showed one.
fn without_client_certificate(probes: &Probes) -> Option<NotSeen> {
    let is_asked = |made: &Handshake| matches!(made.client_certificate, ClientCertificate::Asked(_));
    let mut hosts: Vec<&str> = probed::requested(probes)
        .filter(|(_, made)| probes.question.client_certificate.is_none() && is_asked(made))
        .filter_map(|(endpoint, made)| made.server_name.as_deref().or(endpoint.host.as_deref()))
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    let host = hosts.first()?;
    Some(NotSeen {
        what: format!("handshakes with a client certificate at {}", some_of(&hosts)),
        why: format!("diagnose has none to offer; `kubectl apigee-tls probe {host} --cert FILE --key FILE`"),
        measurement: None,
    })
}

/// That the user can raise a limit stands in the reason; that nobody asked need not be said.
fn unprobed(why: &Unavailable) -> NotSeen {
    match &why.reason {
        Reason::NotRequested(text) => NotSeen { what: why.what.clone(), why: text.clone(), measurement: None },
        _ => plain(why),
    }
}

/// A gap of a part, as the part words it.
fn missing(gap: &Gap<'_>) -> NotSeen {
    let why = match gap.extent {
        Extent::End => gap.why.to_string(),
        Extent::Part | Extent::Dependent | Extent::Item => gap.why.reason.to_string(),
    };
    NotSeen { what: gap.what.clone().into_owned(), why, measurement: None }
}

fn plain(why: &Unavailable) -> NotSeen {
    NotSeen { what: why.what.clone(), why: why.reason.to_string(), measurement: None }
}
