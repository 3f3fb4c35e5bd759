//! What the report does not rest on: steps that were not done, sources that did not answer, windows that were cut.

use super::NotSeen;
use crate::checks::facts::{self, probed, served};
use crate::evidence::handshake::{ClientCertificate, Handshake, Probes};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};
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
            list.extend(untold_trust(probes));
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
    let sources = [
        evidence.connection.seen().err(),
        evidence.pods.seen().err(),
        evidence.mesh_logging.seen().err(),
        evidence.routes.seen().err(),
        evidence.route_configs.seen().err(),
        evidence.secrets.seen().err(),
        evidence.services.seen().err(),
        evidence.issues.seen().err(),
        evidence.stored_certificates.seen().err(),
        evidence.gateways.seen().err(),
    ];
    let asked = |why: &Unavailable| !matches!(why.reason, Reason::NotRequested(_));
    list.extend(sources.into_iter().flatten().filter(asked).map(|why| plain(&why)));
    if evidence.question.offline {
        list.push(NotSeen {
            what: "the cluster".into(),
            why: "not asked (--offline): routes, pods, Services and their settings".into(),
            measurement: None,
        });
    }
    for stream in &evidence.access_logs {
        if let Err(why) = stream.log.seen() {
            list.push(plain(&why));
        }
        if let Some(cut) = &stream.cut {
            list.push(NotSeen {
                what: format!("the end of {}", stream.origin),
                why: cut.to_string(),
                measurement: None,
            });
        }
    }
    if evidence.overrides.is_empty() {
        list.push(NotSeen {
            what: "overrides.yaml".into(),
            why: "not given; -f overrides.yaml compares it with the cluster".into(),
            measurement: None,
        });
    }
    for gateway in evidence.gateways.seen().iter().flat_map(|gateways| gateways.iter()) {
        let parts = [gateway.listeners.seen().err(), gateway.certificates.seen().err(), gateway.after.seen().err()];
        list.extend(parts.into_iter().flatten().map(|why| plain(&why)));
    }
    for file in &evidence.overrides {
        if let Err(why) = file.content.seen() {
            list.push(NotSeen {
                what: facts::file_name(file).to_owned(),
                why: why.reason.to_string(),
                measurement: None,
            });
        }
    }
    // One API server that is gone says the same of every source once.
    list.dedup();
    list
}

/// The authorities of this machine are not those of the clients.
fn untold_trust(probes: &Probes) -> Option<NotSeen> {
    served::with_untold_trust(probes).next()?;
    Some(NotSeen {
        what: "whether clients trust the certificates that are served".into(),
        why: "not judged; --ca-file FILE says which authorities they have".into(),
        measurement: None,
    })
}

/// Who asks for a certificate may refuse those that clients have, and nobody showed one.
fn without_client_certificate(probes: &Probes) -> Option<NotSeen> {
    let is_asked = |made: &Handshake| matches!(made.client_certificate, ClientCertificate::Asked(_));
    let mut hosts: Vec<&str> = probed::asked(probes)
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

fn plain(why: &Unavailable) -> NotSeen {
    NotSeen { what: why.what.clone(), why: why.reason.to_string(), measurement: None }
}
