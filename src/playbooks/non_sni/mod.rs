//! The playbook of clients without SNI: the ingress gateway refuses them unless a wildcard route accepts
//! them.
//!
//! Source: Apigee's playbook for TLS handshake failures of non-SNI clients, step by step; what is outside
//! it (platform) comes last. Clients with SNI whose hostname a route declares are judged on the way, because
//! the same objects serve both.

mod causes;
mod headline;
mod measurement;
mod relations;
mod remedy;
mod risk;
mod steps;

use jiff::Timestamp;

use super::{Judges, Material, Open, Playbook, Reading, Run};
use crate::checks::facts;
use crate::evidence::{Evidence, Question, Seen, Source};
use crate::text::moment;
use crate::verdict::{Measurement, NotSeen};

pub(super) static PLAYBOOK: Playbook = Playbook {
    name: "non-sni",
    title: "TLS handshakes of clients without SNI fail",
    steps: steps::STEPS,
    judges: Judges::Run(RUN),
};

pub(super) const RUN: Run = Run {
    applies_to: |question| matches!(question, Question::Hybrid(_)),
    relations: &relations::RELATIONS,
    causes_of: causes::of,
    causes_unseen: causes::unseen,
    shows_failures: |evidence| facts::require_conclusive_logs(evidence).is_ok(),
    next_measurement,
    nobody_seen: headline::nobody_seen,
    risk: risk::of,
    healthy: headline::healthy,
    remedy: remedy::of,
    changes: remedy::changes,
    not_done,
    must_gather: MUST_GATHER,
};

/// The playbook's "must gather" list, and after it what explains what it shows.
const MUST_GATHER: &[Reading] = &[
    Reading {
        materials: &[
            Material::Overrides,
            Material::Source(Source::ApigeeRoutes),
            Material::Source(Source::ApigeeRouteConfigs),
        ],
        what: "what the playbook's \"must gather\" asks for",
    },
    Reading {
        materials: &[Material::Source(Source::Pods), Material::Source(Source::Logs)],
        what: "the pods, their events and their logs",
    },
    Reading {
        materials: &[Material::Source(Source::TlsSecrets), Material::Source(Source::Handshakes)],
        what: "what is stored, what Envoy has, what clients get",
    },
    Reading {
        materials: &[Material::Source(Source::Services)],
        what: "Services, mesh settings, webhooks, nodes, Helm releases",
    },
];

fn next_measurement(evidence: &Evidence, open: Open<'_>) -> Measurement {
    match open {
        Open::Cause(first) => measurement::next(evidence, first),
        Open::Unknown(why) => measurement::of_unknown(evidence, why),
    }
}

/// The steps of the playbook that a run cannot do, or did not.
fn not_done(evidence: &Evidence) -> Vec<NotSeen> {
    let capture = NotSeen {
        what: "packet capture".into(),
        why: "needs the node of a pod".into(),
        measurement: Some(measurement::capture(evidence)),
    };
    let capture = evidence.captures.is_empty().then_some(capture);
    let probe = match &evidence.probes {
        Seen::Seen(_) => None,
        Seen::Unavailable(_) => Some(NotSeen {
            what: "handshake probe".into(),
            why: "not done".into(),
            measurement: Some(measurement::probe(evidence)),
        }),
    };
    let silent = match captured_window(evidence) {
        None => NotSeen {
            what: "clients that fail by version, cipher or client certificate".into(),
            why: "not in the access log".into(),
            measurement: None,
        },
        Some((first, last)) => NotSeen {
            what: "clients that fail by version, cipher or client certificate at other times".into(),
            why: format!("not in the access log; the captures hold {} to {}", moment(first), moment(last)),
            measurement: None,
        },
    };
    [capture, probe, Some(silent)].into_iter().flatten().collect()
}

/// The time from the first to the last packet of the captures.
fn captured_window(evidence: &Evidence) -> Option<(Timestamp, Timestamp)> {
    let files = || evidence.captures.iter().flat_map(|capture| &capture.files);
    Some((files().filter_map(|file| file.first_at).min()?, files().filter_map(|file| file.last_at).max()?))
}
