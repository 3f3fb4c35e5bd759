//! The page of `pcap`: each kind of connection with its first packet, its clients and what may cause it.

use std::collections::BTreeMap;
use std::fmt::Display;

use askama::Template;

use super::Content;
use super::parts::{Gap, Paste, Tone, cut, gaps, grouped, rest, short, time};
use crate::checks::captured::Standing;
use crate::judgement::capture::{CaptureReport, KindReport};
use crate::report::Rule;
use crate::text::count;

/// Maximum number of kinds, of entries of a list, of sources that were not seen, and of characters.
const MAX_KINDS: usize = 100;
const MAX_LISTED: usize = 12;
const MAX_GAPS: usize = 100;
const MAX_TEXT: usize = 600;

#[derive(Template)]
#[template(path = "capture.html")]
struct Page<'a> {
    tone: Tone,
    headline: &'a str,
    version: &'a str,
    files: Vec<String>,
    filters: &'a [String],
    written: Option<String>,
    kinds: Vec<KindView<'a>>,
    other_kinds: Option<String>,
    beside: Vec<String>,
    gaps: Vec<Gap<'a>>,
    other_gaps: Option<String>,
}

/// Connections that went alike.
struct KindView<'a> {
    tone: Tone,
    is_open: bool,
    flows: String,
    sentence: &'a str,
    first: String,
    last: String,
    filter: Paste,
    facts: Vec<(&'static str, String)>,
    causes: &'a [String],
    rule: Option<Rule>,
}

/// Returns the page.
pub(in crate::report) fn content(report: &CaptureReport) -> Result<Content, askama::Error> {
    let failing = report.kinds.iter().any(|kind| kind.kind.standing.is_failure());
    let is_beside = |kind: &&KindReport| kind.kind.standing == Standing::Beside;
    let judged: Vec<&KindReport> = report.kinds.iter().filter(|kind| !is_beside(kind)).collect();
    let (kinds, other_kinds) = cut(&judged, MAX_KINDS, "kind");
    let traffic = &report.capture.traffic;
    let unread = [
        (traffic.quic_flows, "QUIC connections, whose ClientHello is encrypted and not read"),
        (traffic.dtls_flows, "DTLS associations, not read"),
    ];
    let beside = report.kinds.iter().filter(is_beside).map(|kind| (kind.tally.flows, kind.kind.sentence.as_str()));
    let beside = beside.chain(unread.into_iter().filter(|(flows, _)| *flows > 0)).take(MAX_KINDS);
    let not_seen = gaps(report.not_seen.get(..MAX_GAPS).unwrap_or(&report.not_seen));
    let page = Page {
        tone: match (failing, report.not_seen.is_empty()) {
            (true, _) => Tone::Bad,
            (false, true) => Tone::Good,
            (false, false) => Tone::Unknown,
        },
        headline: &report.verdict,
        version: &report.tool_version,
        files: files(report),
        filters: &report.question.filters,
        written: report
            .question
            .written
            .as_ref()
            .map(|(name, packets)| format!("{} to {name}", count(*packets, "packet"))),
        kinds: kinds.into_iter().map(|kind| KindView::of(kind, report)).collect(),
        other_kinds,
        beside: beside.map(|(flows, what)| format!("{}: {what}", grouped(flows))).collect(),
        other_gaps: rest(report.not_seen.len().saturating_sub(not_seen.len()) as u64, "source"),
        gaps: not_seen,
    };
    Content::new(report.verdict.clone(), &page)
}

fn files(report: &CaptureReport) -> Vec<String> {
    let file = |file: &crate::evidence::capture::CaptureFile| {
        let mut line = format!("{} · {}", file.name, file.format);
        if file.compressed {
            line += ", gzip";
        }
        line += &format!(" · {}", count(file.packets, "packet"));
        if let (Some(first), Some(last)) = (file.first_at, file.last_at) {
            line += &format!(" · {} to {} UTC", time(first), time(last));
        }
        line
    };
    report.capture.files.iter().take(MAX_KINDS).map(file).collect()
}

impl<'a> KindView<'a> {
    fn of(report: &'a KindReport, all: &CaptureReport) -> Self {
        let KindReport { kind, tally } = report;
        let names: BTreeMap<&str, u64> = tally
            .server_names
            .iter()
            .map(|(name, count)| (if name.is_empty() { "none" } else { name.as_str() }, *count))
            .collect();
        let mut facts = vec![
            (
                "clients",
                list(&tally.clients.iter().map(|(client, span)| (client, span.count)).collect(), tally.other_clients),
            ),
            ("servers", list(&tally.servers, 0)),
            ("SNI", list(&names, tally.other_server_names)),
        ];
        if !tally.requested_authorities.is_empty() {
            facts.push(("CAs requested", super::parts::names(&tally.requested_authorities, MAX_LISTED)));
        }
        if let Some(sample) = tally.sample.as_ref().filter(|sample| !sample.is_empty()) {
            facts.push(("first bytes", short(sample, MAX_TEXT)));
        }
        facts.retain(|(_, text)| !text.is_empty());
        let name = usize::try_from(tally.first.file).ok().and_then(|file| all.capture.files.get(file));
        let name =
            name.filter(|_| all.capture.files.len() > 1).map_or_else(String::new, |file| format!(" of {}", file.name));
        let (tone, is_open) = match kind.standing {
            Standing::Failed(level) => (Tone::of_level(level), true),
            Standing::Unknown => (Tone::Unknown, false),
            Standing::Good => (Tone::Good, false),
            Standing::Beside => (Tone::Dim, false),
        };
        Self {
            tone,
            is_open,
            flows: grouped(tally.flows),
            sentence: &kind.sentence,
            first: format!("{} UTC, packet {}{name}", time(tally.first_at), tally.first.number),
            last: format!("{} UTC", time(tally.last_at)),
            filter: Paste::new(&tally.filter),
            facts,
            causes: &kind.causes,
            rule: kind.code.and_then(Rule::of),
        }
    }
}

/// Returns the most frequent of a map: `10.0.0.1 (12), 10.0.0.2 (3) and 4 more`.
fn list<K: Display + Ord>(map: &BTreeMap<K, u64>, other: u64) -> String {
    let mut sorted: Vec<(&K, &u64)> = map.iter().collect();
    sorted.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let shown: Vec<String> = sorted.iter().take(MAX_LISTED).map(|(key, count)| format!("{key} ({count})")).collect();
    let hidden: u64 = sorted.iter().skip(MAX_LISTED).map(|(_, count)| **count).fold(other, u64::saturating_add);
    let more = if hidden > 0 { format!(" and {} of others", grouped(hidden)) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
