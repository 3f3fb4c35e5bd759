//! What the handshakes of this run proved, and what Envoy's counters confirm.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::names::ShortForms;
use super::section;
use crate::judgement::summary::{HandshakeResult, HandshakeSummary, HelloKind};
use crate::judgement::{Report, RunSummary};
use crate::report::TextOptions;
use crate::text::{count, some_of};

/// Appends the section.
pub(super) fn write(report: &Report, short: &ShortForms, options: TextOptions, out: &mut String) {
    let sentences = sentences(report);
    if sentences.is_empty() {
        return;
    }
    section(out, "PROVED", options.styles.heading, &short.text(&sentences.join(" ")), options.width);
}

/// Returns the sentences of the section; none if this run made no handshake.
pub(super) fn sentences(report: &Report) -> Vec<String> {
    let summary = &report.summary;
    let Some(handshakes) = summary.handshakes.as_deref().filter(|made| !made.is_empty()) else { return Vec::new() };
    let mut sentences = at_pods(handshakes);
    sentences.extend(elsewhere(handshakes));
    sentences.extend(confirmed(summary));
    sentences
}

/// Returns the short name of a pod.
pub(super) fn ending(summary: &RunSummary, pod: &str) -> String {
    let known = summary.pods.iter().flatten().find(|known| known.name == pod);
    known.map_or_else(|| pod.to_owned(), |known| known.ending.clone())
}

/// Returns how handshakes ended at the pods: `Without SNI: reset at 2 of 2 pods.`
fn at_pods(handshakes: &[HandshakeSummary]) -> Vec<String> {
    let at_pods: Vec<&HandshakeSummary> = handshakes.iter().filter(|made| made.pod.is_some()).collect();
    let of_kind = |kind: HelloKind| -> Vec<&HandshakeSummary> {
        at_pods.iter().filter(|made| made.kind == kind).copied().collect()
    };
    let mut sentences = Vec::new();
    sentences.extend(ends("This run, without SNI", &of_kind(HelloKind::WithoutSni)));
    let named = of_kind(HelloKind::Named);
    let mut by_results: BTreeMap<Vec<(&str, &str)>, Vec<&str>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<&HandshakeSummary>> = BTreeMap::new();
    for made in named {
        by_name.entry(made.server_name.as_deref().unwrap_or_default()).or_default().push(made);
    }
    for (name, made) in &by_name {
        let results = made.iter().map(|made| (made.pod.as_deref().unwrap_or_default(), word(made.result))).collect();
        by_results.entry(results).or_default().push(name);
    }
    // Names that every pod treats alike share a sentence.
    for names in by_results.values() {
        let made = by_name.get(names[0]).map_or(&[][..], Vec::as_slice);
        let what = match names.as_slice() {
            [only] => format!("With SNI {only}"),
            several => format!("With SNI ({})", count(several.len() as u64, "hostname")),
        };
        sentences.extend(ends(&what, made));
    }
    sentences
}

/// Returns `{what}: reset at 2 of 2 pods.`, with one part for each result.
fn ends(what: &str, made: &[&HandshakeSummary]) -> Option<String> {
    let mut results: BTreeMap<&str, usize> = BTreeMap::new();
    for handshake in made {
        *results.entry(word(handshake.result)).or_default() += 1;
    }
    if results.is_empty() {
        return None;
    }
    let all = count(made.len() as u64, "pod");
    let parts: Vec<String> = results.iter().map(|(result, number)| format!("{result} at {number} of {all}")).collect();
    Some(format!("{what}: {}.", parts.join(", ")))
}

/// Returns how handshakes ended at load balancers, Services and hostnames, where they were not served.
fn elsewhere(handshakes: &[HandshakeSummary]) -> Option<String> {
    let made: Vec<&HandshakeSummary> =
        handshakes.iter().filter(|made| made.pod.is_none() && made.kind == HelloKind::Named).collect();
    let served = made.iter().filter(|made| made.result == HandshakeResult::Served).count();
    if made.is_empty() {
        return None;
    }
    let failed = made.iter().filter(|made| made.result != HandshakeResult::Served);
    let failed: Vec<String> = failed.map(|made| format!("{} {}", made.endpoint, word(made.result))).collect();
    let rest = if failed.is_empty() { String::new() } else { format!(" ({})", some_of(&failed)) };
    Some(format!("From here: served at {served} of {}{rest}.", made.len()))
}

/// Returns what Envoy's counters say of the resets in the logs.
fn confirmed(summary: &RunSummary) -> Option<String> {
    let resets = summary.resets.as_ref().filter(|resets| resets.total > 0)?;
    let counters = summary.counters.as_ref()?;
    let counted = counters.without_filter_chain?;
    let counted_resets = count(counted, "reset");
    match counted.cmp(&resets.total) {
        // The counters begin with the Envoy, the log with its oldest record; and which handshakes of earlier
        // runs were refused is not known of a gateway that serves them now.
        Ordering::Greater => {
            Some(format!("Envoy counted {counted_resets}, those before the log and of earlier runs included."))
        }
        Ordering::Equal => Some(format!("Envoy counted the same {counted_resets}.")),
        // It started again after the first ones, or those of earlier runs cannot be distinguished.
        Ordering::Less => None,
    }
}

fn word(result: HandshakeResult) -> &'static str {
    match result {
        HandshakeResult::Alert => "refused by an alert",
        HandshakeResult::AlpnRefused => "ALPN refused",
        HandshakeResult::Broken => "broken off",
        HandshakeResult::CipherRefused => "cipher suites refused",
        HandshakeResult::ClientCertificateRejected => "client certificate rejected",
        HandshakeResult::ClientCertificateRequired => "client certificate required",
        HandshakeResult::Closed => "closed",
        HandshakeResult::Lost => "unknown",
        HandshakeResult::NotTls => "no TLS",
        HandshakeResult::Reset => "reset",
        HandshakeResult::Served => "served",
        HandshakeResult::Stalled => "no answer",
        HandshakeResult::Unreachable => "unreachable",
        HandshakeResult::VersionRefused => "version refused",
    }
}
