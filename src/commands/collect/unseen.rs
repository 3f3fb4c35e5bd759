//! What the evidence of a bundle does not hold, item by item, for the manifest's list of what is missing.

use crate::evidence::{Evidence, Seen, Unavailable};

/// Everything that was to be seen and was not, with the name of the plan's item.
pub(super) fn unseen(evidence: &Evidence) -> Vec<(&'static str, &Unavailable)> {
    let mut unseen = vec![
        ("apigeeroutes", why(&evidence.routes)),
        ("apigeerouteconfigs", why(&evidence.route_configs)),
        ("apigeeissues", why(&evidence.issues)),
        ("pods", why(&evidence.pods)),
        // Which logs there are, and where to shake hands, only the pods tell.
        ("logs", why(&evidence.pods)),
        ("handshakes", seen(&evidence.probes).and_then(|_| why(&evidence.pods))),
        ("secret-names", why(&evidence.secrets)),
        ("services", why(&evidence.services)),
        ("mesh-config", why(&evidence.mesh_logging)),
        ("tls-secrets", why(&evidence.stored_certificates)),
        ("handshakes", why(&evidence.probes)),
        ("handshakes", why(&evidence.gateways)),
    ];
    unseen.extend(evidence.access_logs.iter().map(|stream| ("logs", why(&stream.log))));
    for stored in seen(&evidence.stored_certificates).into_iter().flatten() {
        let authorities = seen(&stored.content).and_then(|content| content.client_authorities.as_ref());
        unseen.extend([("tls-secrets", why(&stored.content)), ("tls-secrets", authorities.and_then(why))]);
    }
    let unprobed = seen(&evidence.probes).into_iter().flat_map(|probes| &probes.unprobed);
    unseen.extend(unprobed.map(|why| ("handshakes", Some(why))));
    for gateway in seen(&evidence.gateways).into_iter().flatten() {
        let parts = [why(&gateway.listeners), why(&gateway.certificates), why(&gateway.before), why(&gateway.after)];
        unseen.extend(parts.map(|part| ("handshakes", part)));
    }
    unseen.into_iter().filter_map(|(item, why)| Some((item, why?))).collect()
}

fn seen<T>(seen: &Seen<T>) -> Option<&T> {
    match seen {
        Seen::Seen(value) => Some(value),
        Seen::Unavailable(_) => None,
    }
}

fn why<T>(seen: &Seen<T>) -> Option<&Unavailable> {
    match seen {
        Seen::Seen(_) => None,
        Seen::Unavailable(why) => Some(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeSet;

    use crate::evidence::Question;
    use crate::gather::plan::{PLAN, Stage};

    #[test]
    fn nothing_that_is_judged_is_silently_absent() {
        let question = Question { namespace: "apigee".into(), ..Question::default() };
        let evidence = Evidence::unasked(question, jiff::Timestamp::UNIX_EPOCH, "nothing was asked for");
        let named: BTreeSet<&str> = unseen(&evidence).into_iter().map(|(item, _)| item).collect();
        let judged = PLAN.iter().filter(|item| item.stage != Stage::Collect).map(|item| item.name).collect();
        assert_eq!(named, judged);
    }
}
