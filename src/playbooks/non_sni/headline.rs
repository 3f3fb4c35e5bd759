//! Headlines of verdicts without a symptom.

use crate::checks::codes;
use crate::checks::facts::{self, chain, served};
use crate::evidence::{Evidence, Seen};
use crate::verdict::Judged;

/// "No client was seen to fail" proves little if the logs could not be read, and is false if there were
/// resets that are over.
pub(super) fn nobody_seen(judged: Judged<'_>) -> String {
    let unread = !judged
        .selected
        .iter()
        .any(|result| result.check.code == codes::CONNECTION_WITHOUT_SERVER_NAME_RESET && result.judgement.is_ok());
    let last = facts::logs(judged.evidence).filter_map(|(_, log)| log.reset_without_sni.last).max();
    match last {
        _ if unread => "Whether clients fail could not be seen".into(),
        Some(last) => format!("No client was seen to fail since {}", facts::moment(last)),
        None => "No client was seen to fail".into(),
    }
}

/// Nothing is wrong, as far as was looked.
pub(super) fn healthy(judged: Judged<'_>) -> String {
    let evidence = judged.evidence;
    let selected_alone = judged.selected.len() < judged.all.len();
    let headline = match judged.found(codes::WILDCARD_ROUTE_MISSING) {
        _ if selected_alone => "The checks that were selected found nothing wrong",
        _ if evidence.question.is_offline() => {
            "Nothing wrong was found in the files given; the cluster was not contacted"
        }
        Some(_) => {
            "Nothing that was checked keeps clients with SNI from completing a handshake; \
             clients without SNI are not accepted, and none was seen"
        }
        None => "Nothing that was checked keeps clients from completing a handshake",
    };
    let mut headline = headline.to_owned();
    if !selected_alone && has_untold_issuer(evidence) {
        headline += "; whether they trust the certificates was not judged";
    }
    headline
}

/// Returns whether a leaf was served without its issuer while the CAs that clients trust are not known:
/// clients may be right to refuse it.
fn has_untold_issuer(evidence: &Evidence) -> bool {
    let Seen::Seen(probes) = &evidence.probes else { return false };
    served::with_unknown_trust(probes).any(|(_, made)| chain::leaf_without_issuer(&made.certificates).is_some())
}
