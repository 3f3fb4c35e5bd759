//! What was fixed between two runs, and the numbers before and after.

use std::net::{IpAddr, SocketAddr};

use super::Measure;
use crate::checks::facts::{self, without_sni};
use crate::evidence::access_log::Tally;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake, PROBE_NAME_SUFFIX};
use crate::evidence::{AccessLog, Evidence, Seen};
use crate::text::{count, moment, some_of};

/// Returns what clients could not do in the first run and can do in the second, the most important first.
pub(super) fn fixed(before: &Evidence, after: &Evidence) -> Vec<String> {
    clients_without_sni(before, after).into_iter().chain(server_names(before, after)).collect()
}

/// Clients without SNI failed, in logs or by a handshake of the first run, and are served now.
fn clients_without_sni(before: &Evidence, after: &Evidence) -> Option<String> {
    let (old, new) = (resets_without_sni(before), resets_without_sni(after));
    let refused = without_sni::refused_at(before).len();
    let failed = refused > 0 || old.count > 0 && !without_sni::resets_are_over(before);
    let at_pods = without_sni::at_pods(after);
    let is_served = !at_pods.is_empty() && at_pods.iter().all(|(_, made)| made.succeeded());
    if !failed || !is_served || new.count > 0 && !without_sni::resets_are_over(after) {
        return None;
    }
    let was = match old.count {
        0 => format!("refused at {} before", count(refused as u64, "pod")),
        resets => format!("{} before", count(resets, "reset")),
    };
    let since = new.last.max(old.last).map_or_else(String::new, |last| format!(", none since {}", moment(last)));
    Some(format!("clients without SNI are served ({was}{since})"))
}

/// Server names that pods refused in the first run, and that every pod serves in the second.
fn server_names(before: &Evidence, after: &Evidence) -> Option<String> {
    let refused: Vec<&str> =
        named(before).into_iter().filter(|(_, made)| made.was_refused()).map(|(name, _)| name).collect();
    let after = named(after);
    let mut served: Vec<&str> = refused
        .into_iter()
        .filter(|name| {
            let mut made = after.iter().filter(|(known, _)| known == name).peekable();
            made.peek().is_some() && made.all(|(_, made)| made.succeeded())
        })
        .collect();
    served.sort_unstable();
    served.dedup();
    (!served.is_empty()).then(|| format!("clients of {} are served (refused before)", some_of(&served)))
}

/// The handshakes with a hostname at pods, by the name.
fn named(evidence: &Evidence) -> Vec<(&str, &Handshake)> {
    let Seen::Seen(probes) = &evidence.probes else { return Vec::new() };
    let at_pods = probes.endpoints.iter().filter(|endpoint| matches!(endpoint.place, EndpointOrigin::Pod { .. }));
    at_pods
        .flat_map(|endpoint| &endpoint.handshakes)
        .filter(|made| made.kind == ClientHelloKind::Named)
        .filter_map(|made| Some((made.server_name.as_deref()?, made)))
        .collect()
}

fn resets_without_sni(evidence: &Evidence) -> Tally {
    let mut sum = Tally::default();
    facts::logs(evidence).for_each(|(_, log)| sum.merge(log.reset_without_sni.clone()));
    sum
}

/// Selects the tally of a log to compare.
type Counted = fn(&AccessLog) -> &Tally;

/// Returns the numbers that differ, those of failures first.
pub(super) fn numbers(before: &Evidence, after: &Evidence) -> Vec<Measure> {
    let kinds: [(&str, Counted); 4] = [
        ("resets without SNI in the logs", |log| &log.reset_without_sni),
        ("resets with a server name in the logs", |log| &log.reset_with_sni),
        ("requests without SNI in the logs", |log| &log.served_without_sni),
        ("requests without SNI that found no route in the logs", |log| &log.unrouted_without_sni),
    ];
    let counted = kinds.into_iter().map(|(what, tally)| {
        let [before, after] = [before, after]
            .map(|evidence| facts::logs(evidence).map(|(_, log)| tally(log).count).reduce(u64::saturating_add));
        Measure { what: what.to_owned(), before, after }
    });
    let [served_before, served_after] = [before, after].map(|evidence| {
        let at_pods = without_sni::at_pods(evidence);
        let served = at_pods.iter().filter(|(_, made)| made.succeeded()).count() as u64;
        (!at_pods.is_empty()).then_some(served)
    });
    let pods =
        Measure { what: "pods that serve this program without SNI".into(), before: served_before, after: served_after };
    counted.chain([pods]).filter(|measure| measure.before != measure.after).collect()
}

/// Returns the text with what differs between runs of the same cluster taken out: addresses, and the server
/// names that this program makes up.
pub(super) fn comparable(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(['(', ')', ',', ';']);
        let other = if bare.parse::<IpAddr>().is_ok() {
            "address".to_owned()
        } else if let Ok(socket) = bare.parse::<SocketAddr>() {
            format!("port {}", socket.port())
        } else if bare.ends_with(PROBE_NAME_SUFFIX) {
            "unknown".to_owned()
        } else {
            return word.to_owned();
        };
        word.replacen(bare, &other, 1)
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_of_probes_do_not_differ() {
        for (text, expected) in [
            ("Service s at 10.88.0.58:443 and 1 more", "Service s at port 443 and 1 more"),
            (
                "api.example.com:443 (203.0.113.7), Pod gw-1 port 8443",
                "api.example.com:443 (address), Pod gw-1 port 8443",
            ),
            (
                "for comparison: unknown server name p965.apigee-tls.invalid",
                "for comparison: unknown server name unknown",
            ),
            ("[2001:db8::1]:443", "port 443"),
            ("ApigeeRoute/non-sni", "ApigeeRoute/non-sni"),
        ] {
            assert_eq!(comparable(text), expected);
        }
    }
}
