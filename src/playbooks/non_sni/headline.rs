//! Headlines of verdicts without a symptom.

use jiff::SignedDuration;

use crate::checks::codes;
use crate::checks::facts::{self, HealthChecks, chain, served, without_sni};
use crate::evidence::{AccessLog, Evidence, Seen};
use crate::verdict::{Judged, VerdictKind};

/// "No client was seen to fail" proves little if the logs could not be read, and is false if there were
/// resets that are over.
pub(super) fn nobody_seen(judged: Judged<'_>) -> String {
    let unread = !judged
        .selected
        .iter()
        .any(|result| result.check.code == codes::CONNECTION_WITHOUT_SERVER_NAME_RESET && result.judgement.is_ok());
    let checks = HealthChecks::of_resets(judged.evidence);
    let of_clients = |(origin, log): (&_, &AccessLog)| {
        let resets = &log.reset_without_sni;
        resets.last.filter(|_| checks.clients(origin, resets).count > 0)
    };
    let last = facts::logs(judged.evidence).filter_map(of_clients).max();
    match last {
        _ if unread => "Whether clients fail could not be seen".into(),
        Some(last) => format!("No client was seen to fail since {}", facts::moment(last)),
        None => "No client was seen to fail".into(),
    }
}

/// A log of less time than this says little about clients that call rarely.
const SHORT_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Nothing is wrong, as far as was looked.
pub(super) fn healthy(judged: Judged<'_>) -> (VerdictKind, String) {
    let evidence = judged.evidence;
    let window = window_asked_for(evidence);
    let within = window.as_ref().map_or(String::new(), |window| format!(" {window}"));
    if evidence.question.is_offline() {
        let text = "Nothing wrong was found in the files given; the cluster was not contacted";
        return (VerdictKind::Passed, text.to_owned());
    }
    let (kind, mut headline) = match judged.found(codes::WILDCARD_ROUTE_MISSING) {
        Some(_) => (
            VerdictKind::SniOnly,
            format!("Clients with SNI are served; clients without SNI are not accepted, and none was seen{within}"),
        ),
        None if window.is_some() => (VerdictKind::Passed, format!("No client was seen to fail{within}")),
        None => fixed(evidence).unwrap_or_else(|| {
            (VerdictKind::Healthy, "Nothing that was checked keeps clients from completing a handshake".to_owned())
        }),
    };
    if has_unknown_issuer(evidence) {
        headline += "; whether they trust the certificates was not judged";
    }
    (kind, headline)
}

/// Clients without SNI were reset, as the logs show, and are served now.
fn fixed(evidence: &Evidence) -> Option<(VerdictKind, String)> {
    let checks = HealthChecks::of_resets(evidence);
    let reset = |(origin, log): (&_, &AccessLog)| checks.clients(origin, &log.reset_without_sni).count;
    let resets = facts::logs(evidence).map(reset).fold(0, u64::saturating_add);
    if resets == 0 || !without_sni::resets_are_over(evidence) {
        return None;
    }
    let last = facts::logs(evidence).filter_map(|(_, log)| log.reset_without_sni.last).max()?;
    let served = facts::logs(evidence).filter_map(|(_, log)| log.served_without_sni.first);
    let since = served.filter(|served| *served > last).min();
    let since = since.map_or_else(String::new, |since| format!(" since {}", facts::moment(since)));
    let before = facts::count(resets, "reset");
    let none = facts::duration(evidence.now().duration_since(last).max(SignedDuration::ZERO));
    Some((VerdictKind::Fixed, format!("Clients without SNI are served{since} ({before} before, none for {none})")))
}

/// Returns the window of the logs in words, if the user limited them to a short one. The length of a window
/// by lines or bytes is not known, so it counts as short.
fn window_asked_for(evidence: &Evidence) -> Option<String> {
    let limits = evidence.question.log_limits();
    let by_size = limits.tail.is_some() || limits.limit_bytes.is_some();
    match limits.since {
        _ if evidence.access_logs.is_empty() => None,
        since if limits.until.is_some() => {
            let from = since.map_or(String::new(), |since| format!("since {} and ", facts::moment(since)));
            limits.until.map(|until| format!("{from}until {}", facts::moment(until)))
        }
        Some(since) if by_size || evidence.now().duration_since(since) < SHORT_WINDOW => {
            Some(format!("since {}", facts::moment(since)))
        }
        _ if by_size => Some("in the lines asked for".to_owned()),
        _ => None,
    }
}

/// Returns whether a leaf was served without its issuer while the CAs that clients trust are not known:
/// clients may be right to refuse it.
fn has_unknown_issuer(evidence: &Evidence) -> bool {
    let Seen::Seen(probes) = &evidence.probes else { return false };
    served::with_unknown_trust(probes).any(|(_, made)| chain::leaf_without_issuer(&made.certificates).is_some())
}
