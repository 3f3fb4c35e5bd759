//! What the report does not rest on: steps that were not done, sources that did not answer, windows that were cut.

use super::NotSeen;
use crate::checks::facts;
use crate::evidence::{Evidence, Reason, Unavailable};
use crate::verdict::{capture, probe};

/// Everything that was not seen, the playbook's own steps first.
pub(super) fn of(evidence: &Evidence) -> Vec<NotSeen> {
    let mut list = vec![
        NotSeen {
            what: "packet capture".into(),
            why: "not done: it needs the node of an ingress pod".into(),
            measurement: Some(capture(evidence)),
        },
        NotSeen { what: "handshake probe".into(), why: "not done".into(), measurement: Some(probe(evidence)) },
        NotSeen {
            what: "handshakes that failed by version, cipher or client certificate".into(),
            why: "they leave no line in the access log".into(),
            measurement: None,
        },
    ];
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
    ];
    let asked = |why: &Unavailable| !evidence.question.offline || !matches!(why.reason, Reason::NotRequested(_));
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

fn plain(why: &Unavailable) -> NotSeen {
    NotSeen { what: why.what.clone(), why: why.reason.to_string(), measurement: None }
}
