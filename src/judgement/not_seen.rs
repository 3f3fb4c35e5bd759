//! Lists what the report does not rest on: steps not done, sources that did not answer, windows that were
//! cut.

use jiff::SignedDuration;

use super::capture;
use crate::checks::facts::{self, probed, served};
use crate::evidence::handshake::{ClientCertificate, Handshake, Probes};
use crate::evidence::overrides::OverridesFile;
use crate::evidence::part::{Extent, Gap, Part};
use crate::evidence::stored::StoredIn;
use crate::evidence::{Evidence, OtherClock, Reason, Seen, Source, Unavailable, Witness};
use crate::playbooks::Run;
use crate::text::{count, days, moment, some_of};
use crate::verdict::NotSeen;

/// Returns everything that was not seen, the playbook's own steps first.
pub(super) fn of(run: &Run, evidence: &Evidence) -> Vec<NotSeen> {
    let mut list = (run.not_done)(evidence);
    if let Seen::Seen(probes) = &evidence.probes {
        list.extend(probes.unprobed.iter().map(unprobed));
        list.extend(probed::lost(probes).iter().map(plain));
        list.extend(untold_trust(probes));
        list.extend(without_client_certificate(probes));
    }
    list.extend(wrong_clock(evidence));
    if let Some(why) = &evidence.interrupted {
        list.push(match why.reason {
            Reason::Interrupted => {
                NotSeen { what: "the rest".into(), why: "the run was interrupted".into(), measurement: None }
            }
            _ => plain(why),
        });
    }
    let gaps: Vec<Gap<'_>> = evidence.parts().into_iter().flat_map(Part::gaps).collect();
    let (parts, items): (Vec<_>, Vec<_>) =
        gaps.iter().filter(|gap| gap.reported).partition(|gap| gap.extent == Extent::Part);
    let asked = |gap: &&Gap<'_>| !matches!(gap.why.reason, Reason::NotRequested(_));
    list.extend(parts.into_iter().filter(asked).map(missing));
    if evidence.question.is_offline() {
        list.push(NotSeen {
            what: "the cluster".into(),
            why: "not requested (--offline): routes, pods, Services and their settings".into(),
            measurement: None,
        });
    }
    let (logs, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|gap| gap.source == Some(Source::Logs));
    list.extend(logs.into_iter().map(missing));
    list.extend(facts::repeated(evidence).into_iter().map(|(file, repeats)| NotSeen {
        what: file.to_string(),
        why: format!("it repeats the log of {}: {} counted once", repeats.origin, count(repeats.records, "record")),
        measurement: None,
    }));
    list.extend(evidence.captures.iter().flat_map(capture::of_capture));
    list.extend(files_elsewhere(evidence));
    list.extend(replaced_overrides(evidence));
    if evidence.overrides.is_empty() {
        list.push(NotSeen {
            what: "overrides.yaml".into(),
            why: "not given (-f overrides.yaml)".into(),
            measurement: None,
        });
    }
    // The cluster's first, then the user's files.
    let (of_files, of_cluster): (Vec<_>, Vec<_>) = others.into_iter().partition(|gap| gap.source.is_none());
    list.extend(of_cluster.into_iter().chain(of_files).map(missing));
    // An API server that does not respond gives the same reason for neighbouring sources.
    list.dedup();
    list
}

/// The overrides files of the earlier run, where others were given: helm gets those.
fn replaced_overrides(evidence: &Evidence) -> Option<NotSeen> {
    let replaced: Vec<&str> = evidence.question.replaced_overrides().iter().map(String::as_str).collect();
    if replaced.is_empty() {
        return None;
    }
    let given: Vec<&str> = evidence.overrides.iter().map(OverridesFile::title).collect();
    Some(NotSeen {
        what: format!("{} of the earlier run", some_of(&replaced)),
        why: format!("not judged: -f gives {} in its place", some_of(&given)),
        measurement: None,
    })
}

/// Two clocks that differ by more than a minute: which one is used, and which source shows the difference.
fn wrong_clock(evidence: &Evidence) -> Option<NotSeen> {
    let clocks = evidence.other_clocks();
    let OtherClock { ahead, witness } = clocks.first()?;
    let (behind, length) = (*ahead > SignedDuration::ZERO, days(ahead.abs()));
    let witnesses = match witness {
        Witness::ApiServer => "the API server's responses".to_owned(),
        Witness::OwnRecord { pod } => format!("the record of this run's handshake in the log of pod {pod}"),
        Witness::LaterRecord { origin } => format!("the latest record of {origin}"),
    };
    let also = match clocks.get(1) {
        Some(OtherClock { witness: Witness::OwnRecord { .. }, .. }) => ", and so do records of this run's handshakes",
        _ => "",
    };
    let (here, there) = (evidence.collected_at, evidence.now());
    let verb = if behind { "behind" } else { "ahead of" };
    Some(if here == there {
        NotSeen {
            what: "one time for all logs".into(),
            why: format!(
                "this machine's clock is {length} {verb} that of {witnesses}; other clocks of the cluster agree with it"
            ),
            measurement: None,
        }
    } else {
        NotSeen {
            what: "the time of this machine".into(),
            why: format!(
                "its clock is {length} {verb} the cluster's, as {witnesses} show{also}; dates are judged at {}",
                moment(there)
            ),
            measurement: None,
        }
    })
}

/// The trusted CAs of this machine do not show whether clients trust a served certificate: clients may have
/// others.
fn untold_trust(probes: &Probes) -> Option<NotSeen> {
    served::with_unknown_trust(probes).next()?;
    Some(NotSeen {
        what: "whether clients trust the certificates".into(),
        why: "not judged (--ca-file FILE)".into(),
        measurement: None,
    })
}

/// A server that requests a client certificate may refuse it, and no probe offered one.
fn without_client_certificate(probes: &Probes) -> Option<NotSeen> {
    let is_asked = |made: &Handshake| matches!(made.client_certificate, ClientCertificate::Requested(_));
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

/// The reason says how the user can raise a limit, so that "not requested" is left out.
fn unprobed(why: &Unavailable) -> NotSeen {
    match &why.reason {
        Reason::NotRequested(text) => NotSeen { what: why.what.clone(), why: text.clone(), measurement: None },
        _ => plain(why),
    }
}

/// Returns a gap of a part, in the words of the part.
fn missing(gap: &Gap<'_>) -> NotSeen {
    let why = match gap.extent {
        Extent::End => gap.why.to_string(),
        Extent::Part | Extent::Dependent | Extent::Item => gap.why.reason.to_string(),
    };
    NotSeen { what: gap.what.clone().into_owned(), why, measurement: None }
}

/// Certificate files that an overrides file names and that are not on this machine.
fn files_elsewhere(evidence: &Evidence) -> Option<NotSeen> {
    let stored = evidence.stored_certificates.seen().ok()?;
    let missing = stored.iter().filter_map(|stored| match (&stored.origin, &stored.content) {
        (StoredIn::File { path, .. }, Seen::Unavailable(why)) => match &why.reason {
            Reason::NotRequested(why) => Some((path.as_str(), why)),
            _ => None,
        },
        _ => None,
    });
    let (mut files, whys): (Vec<&str>, Vec<&String>) = missing.unzip();
    files.dedup();
    let why = (*whys.first()?).clone();
    Some(NotSeen { what: format!("certificate files: {}", some_of(&files)), why, measurement: None })
}

fn plain(why: &Unavailable) -> NotSeen {
    NotSeen { what: why.what.clone(), why: why.reason.to_string(), measurement: None }
}
