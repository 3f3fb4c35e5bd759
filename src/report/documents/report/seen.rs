//! What clients were seen to suffer: how many, where, when, and who they are.

use jiff::{SignedDuration, Timestamp};

use super::names::ShortForms;
use super::{LABEL_COLUMN, section};
use crate::judgement::summary::{Began, ClientResets, MinuteResets, Resets, StoreResets};
use crate::judgement::{PodResets, Report, RunSummary, WhoKind};
use crate::report::TextOptions;
use crate::text::{columns, count, date, days, some_of};

/// Number of clients and server names that are shown without `-o wide`.
const TOP: usize = 3;

/// Bars of a sparkline. That of nothing is no bar.
const BARS: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Number of bars of a sparkline.
const COLUMNS: usize = 30;

const MINUTE: i64 = 60;

/// Resets are long over if nothing was reset for this many times the time that they took.
const LONG_OVER: i32 = 5;

/// Appends the section.
pub(super) fn write(report: &Report, short: &ShortForms, options: TextOptions, out: &mut String) {
    let lines = lines(report, options);
    for (i, line) in lines.iter().enumerate() {
        let label = if i == 0 { "SEEN" } else { "" };
        section(out, label, options.styles.heading, &short.text(line), options.width);
    }
}

/// Returns one line for each fact.
pub(super) fn lines(report: &Report, options: TextOptions) -> Vec<String> {
    let summary = &report.summary;
    // Counters tell only where the logs do not, and nothing of a gateway that serves its clients.
    let is_good = report.verdict.kind.is_good();
    let Some(resets) = summary.resets.as_ref().filter(|resets| resets.total > 0) else {
        return counted(summary).filter(|_| !is_good).into_iter().chain(captured(summary, options)).collect();
    };
    let now = report.subject.now();
    let mut lines = how_many(resets, summary);
    match (lines.as_mut_slice(), when(resets, now)) {
        // Where both are short, how many and when are one line.
        ([line], Some(when)) if LABEL_COLUMN + columns(line) + columns(&when) + 2 <= options.width => {
            *line += &format!(", {when}");
        }
        (_, when) => lines.extend(when),
    }
    lines.extend(who(resets, options));
    lines.extend(summary.began.as_ref().map(Began::sentence));
    lines.extend(captured(summary, options));
    lines
}

/// Returns how many resets there were and where, without times and clients, and the failures of captures.
pub(super) fn facts(report: &Report) -> Vec<String> {
    let summary = &report.summary;
    let resets = summary.resets.as_ref().filter(|resets| resets.total > 0);
    let seen = resets.map_or_else(|| counted(summary).into_iter().collect(), |resets| how_many(resets, summary));
    let failures = summary.captured.as_deref().unwrap_or_default().iter();
    seen.into_iter().chain(failures.map(|failure| format!("captured: {}", failure.sentence()))).collect()
}

/// Returns a line for each of the most frequent failures in the captures.
fn captured(summary: &RunSummary, options: TextOptions) -> Vec<String> {
    let failures = summary.captured.as_deref().unwrap_or_default();
    let most = if options.wide { failures.len() } else { TOP };
    let mut lines: Vec<String> =
        failures.iter().take(most).map(|failure| format!("captured: {}", failure.sentence())).collect();
    if failures.len() > most {
        lines.push(format!("and {} in the captures: -o wide", count((failures.len() - most) as u64, "other failure")));
    }
    lines
}

/// Returns what the Envoys counted, where no log tells.
fn counted(summary: &RunSummary) -> Option<String> {
    let counters = summary.counters.as_ref()?;
    let without_chain = counters.without_filter_chain.filter(|number| *number > 0)?;
    let own = if counters.own_subtracted { "" } else { ", earlier runs of this program included" };
    let without_sni = counters
        .without_sni
        .map_or(String::new(), |number| format!(" and {} without SNI", count(number, "ClientHello")));
    let pods = count(counters.pods.len() as u64, "pod");
    Some(format!(
        "Envoy counted {} without a filter chain{without_sni} at {pods} since it started{own}",
        count(without_chain, "connection")
    ))
}

fn how_many(resets: &Resets, summary: &RunSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if resets.without_server_name > 0 {
        let of_checks = of_health_checks(resets);
        let apart = match of_checks {
            0 => String::new(),
            all if all == resets.without_server_name => ", all of load balancers and health checks,".to_owned(),
            some => format!(", {some} of them of load balancers and health checks,"),
        };
        let resets_of = format!("{} without SNI{apart}", count(resets.without_server_name, "reset"));
        lines.push(format!("{resets_of}{}", places(resets, summary, |pod| pod.without_server_name)));
    }
    if resets.with_server_name > 0 {
        let names: Vec<String> =
            resets.server_names.iter().take(TOP).map(|name| format!("{} ({})", name.name, name.count)).collect();
        let more = resets.server_names.len().saturating_sub(TOP) as u64 + resets.other_server_names.entries;
        let more = if more > 0 { format!(" and {}", count(more, "other name")) } else { String::new() };
        let line = format!("{} with SNI: {}{more}", count(resets.with_server_name, "reset"), names.join(", "));
        let with_sni = |pod: &PodResets| pod.count.saturating_sub(pod.without_server_name);
        let places = if lines.is_empty() { places(resets, summary, with_sni) } else { String::new() };
        lines.push(line + &places);
    }
    lines
}

/// Number of resets without SNI that are of no client, as far as clients are listed.
fn of_health_checks(resets: &Resets) -> u64 {
    let is_check = |client: &&ClientResets| {
        let who = &client.who;
        who.beat_seconds.is_some() || matches!(who.kind, WhoKind::AzureHealthProbe | WhoKind::GoogleLoadBalancer)
    };
    resets.clients.iter().filter(is_check).map(|client| client.without_server_name).fold(0, u64::saturating_add)
}

/// Returns ` at 2 of 2 pods (…kx2vp 3, …zz9q1 3)`, with the number that `of_pod` counts.
fn places(resets: &Resets, summary: &RunSummary, of_pod: impl Fn(&PodResets) -> u64) -> String {
    let stores: Vec<String> = resets.stores.iter().filter(|store| store.count > 0).map(store).collect();
    if resets.pods.is_empty() {
        let name = |file: &str| if file == "-" { "standard input".to_owned() } else { file.to_owned() };
        let files = resets.files.iter().map(|file| name(&file.file));
        let all: Vec<String> = files.chain(stores).collect();
        return if all.is_empty() { String::new() } else { format!(" in {}", some_of(&all)) };
    }
    let known = summary.pods.as_deref().unwrap_or_default();
    let affected: Vec<&PodResets> = resets.pods.iter().filter(|pod| of_pod(pod) > 0).collect();
    let of = if known.is_empty() { String::new() } else { format!("{} of ", affected.len()) };
    let all = count(known.len().max(affected.len()) as u64, "pod");
    let ending = |pod: &PodResets| super::proved::ending(summary, &pod.pod);
    let pods = match affected.as_slice() {
        [only] => ending(only),
        several => some_of(&several.iter().map(|pod| format!("{} {}", ending(pod), of_pod(pod))).collect::<Vec<_>>()),
    };
    let stores = if stores.is_empty() { String::new() } else { format!(" and in {}", some_of(&stores)) };
    format!(" at {of}{all} ({pods}){stores}")
}

/// Returns `Cloud Logging, 30 days`.
fn store(store: &StoreResets) -> String {
    let about = if store.approximate.is_empty() { "" } else { ", approximate" };
    format!("{}, {}{about}", store.engine, days(store.until.duration_since(store.since)))
}

/// Returns the sparkline of the minutes, and the first and the last reset.
fn when(resets: &Resets, now: Timestamp) -> Option<String> {
    let (first, last) = (resets.first?, resets.last?);
    let (from, to) = (time(first, now), time(last, now));
    // A file may end long before the run; what came after it is not known.
    let is_followed = !resets.pods.is_empty() || !resets.stores.is_empty();
    let quiet = now.duration_since(last);
    let quiet =
        if is_followed && quiet > SignedDuration::ZERO { format!(", none for {}", days(quiet)) } else { String::new() };
    // Of resets that are long over, only their own time is drawn.
    let length = last.duration_since(first).max(SignedDuration::from_mins(1));
    let end = if now.duration_since(last) > length * LONG_OVER { last } else { now };
    Some(match sparkline(&resets.curve(), end) {
        Some((start, bars)) => {
            format!("{} {bars} {}   first {from}, last {to} UTC{quiet}", minute(start, now), minute(end, now))
        }
        None if from == to => format!("at {from} UTC{quiet}"),
        None => format!("{from} to {to} UTC{quiet}"),
    })
}

/// Returns the time of day; with the date where it is not that of the run.
fn time(at: Timestamp, now: Timestamp) -> String {
    let time = at.strftime("%H:%M:%S");
    if date(at) == date(now) { time.to_string() } else { format!("{} {time}", date(at)) }
}

fn minute(at: Timestamp, now: Timestamp) -> String {
    let time = at.strftime("%H:%M");
    if date(at) == date(now) { time.to_string() } else { format!("{} {time}", date(at)) }
}

/// Returns the start of the first bar and the bars, up to `end`. `None` where all resets are in the last
/// minute.
fn sparkline(points: &[MinuteResets], end: Timestamp) -> Option<(Timestamp, String)> {
    let start = points.first()?.minute;
    let length = usize::try_from(end.duration_since(start).as_secs().max(0).div_euclid(MINUTE)).ok()? + 1;
    if length < 2 {
        return None;
    }
    let per_bar = length.div_ceil(COLUMNS);
    let mut bars = vec![0_u64; length.div_ceil(per_bar)];
    for entry in points {
        let at = usize::try_from(entry.minute.duration_since(start).as_secs().div_euclid(MINUTE)).ok()?;
        if let Some(bar) = bars.get_mut(at / per_bar) {
            *bar = bar.saturating_add(entry.count);
        }
    }
    let most = bars.iter().copied().max().filter(|most| *most > 0)?;
    let bar = |number: u64| {
        let height = number.saturating_mul(BARS.len() as u64 - 1).div_ceil(most);
        usize::try_from(height).ok().and_then(|height| BARS.get(height)).copied().unwrap_or(BARS[0])
    };
    Some((start, bars.into_iter().map(bar).collect()))
}

/// Returns a line for each of the clients with most resets.
fn who(resets: &Resets, options: TextOptions) -> Vec<String> {
    let most = if options.wide { resets.clients.len() } else { TOP };
    let mut lines: Vec<String> = resets.clients.iter().take(most).map(client).collect();
    let more = resets.clients.len().saturating_sub(most) as u64 + resets.other_clients.entries;
    if more > 0 {
        let way = if options.wide { "" } else { ": -o wide" };
        lines.push(format!(
            "and {} more{way}",
            if more == 1 { "1 address".into() } else { format!("{more} addresses") }
        ));
    }
    lines
}

fn client(client: &ClientResets) -> String {
    let served = client.also_served.as_ref().map_or(String::new(), |served| {
        format!("; also served without SNI: {}", count(served.without_server_name, "request"))
    });
    format!("from {} ({}): {}{served}", client.address, client.count, client.who)
}
