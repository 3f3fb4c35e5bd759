//! Whether the logs are complete enough to conclude that something did not happen.

use std::collections::BTreeSet;

use super::logs::{GATEWAY_CONTAINER, logs, never_started, opened, streams};
use super::marker_probe;
use super::phrases::{count, moment};
use crate::checks::codes;
use crate::evidence::{AccessLog, Evidence, LogLimits, LogOrigin, Reason, Seen, Unavailable};

/// Number of broken lines to tolerate: a time window can cut the first and the last line of a log.
const TOLERATED_BROKEN_LINES: u64 = 2;
/// Number of records for each of them: of a few records, the one that cannot be read may be the only reset.
const RECORDS_BESIDE_BROKEN: u64 = 100;

/// Checks that the access logs are complete enough to conclude "not in the log". A check that has found
/// something does not need to call this.
///
/// # Errors
///
/// Returns the first reason why the logs are not conclusive.
pub(crate) fn require_conclusive_logs(evidence: &Evidence) -> Result<(), Unavailable> {
    if evidence.access_logs.is_empty() {
        let why = match evidence.pods.seen() {
            Err(why) if evidence.question.is_offline() => match why.reason {
                Reason::NotRequested(_) => Reason::NotRequested("pass one with --access-log FILE".into()),
                reason => reason,
            },
            Err(why) => why.reason,
            Ok(_) => Reason::Missing("there is no ingress pod whose log could be read".into()),
        };
        return Err(Unavailable::new("the access logs", why));
    }
    if streams(evidence).all(|stream| never_started(evidence, &stream.origin)) {
        let why = Reason::Missing("no container of an ingress pod has started".into());
        return Err(Unavailable::new("the access logs", why));
    }
    opened(evidence)?;
    if let Some(cut) = streams(evidence).find_map(|stream| stream.cut.as_ref()) {
        return Err(cut.clone());
    }
    let markers = marker_probe::expected(evidence);
    let is_alive = !markers.is_empty() && markers.iter().all(|marker| marker.is_logged);
    if let Seen::Seen(mesh) = &evidence.mesh_logging
        && mesh.is_off()
        && !is_alive
    {
        let why = Reason::Missing(format!("the mesh ConfigMap disables it ({})", codes::ACCESS_LOG_OFF));
        return Err(Unavailable::new("the access log", why));
    }
    if let Some(silent) = markers.iter().find(|marker| !marker.is_logged) {
        let why = format!(
            "it has no record of this run's marker probe ({}): sampled, filtered, buffered, or disabled",
            codes::ACCESS_LOG_UNCONFIRMED
        );
        return Err(Unavailable::new(format!("the access log of {}", silent.origin), Reason::Missing(why)));
    }
    let mut sources: Vec<(&str, Vec<&AccessLog>)> = Vec::new();
    for (origin, log) in logs(evidence) {
        let source = origin.source();
        match sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, logs)) => logs.push(log),
            None => sources.push((source, vec![log])),
        }
    }
    for (source, logs) in sources {
        let sum = |count: fn(&AccessLog) -> u64| logs.iter().map(|log| count(log)).fold(0, u64::saturating_add);
        let what = format!("the access log of {source}");
        let records = sum(|log| log.records);
        if records == 0 && sum(|log| log.foreign_records) > 0 || sum(|log| log.text_records) > 0 {
            return Err(Unavailable::new(what, Reason::Missing(unread_format(&logs))));
        }
        if logs.iter().any(|log| log.lacking.contains("RESPONSE_CODE_DETAILS")) {
            let why = format!(
                "the format of its records has no %RESPONSE_CODE_DETAILS%, by which resets are known ({})",
                codes::ACCESS_LOG_FORMAT_UNKNOWN
            );
            return Err(Unavailable::new(what, Reason::Missing(why)));
        }
        let other_forms = sum(|log| log.other_forms);
        if other_forms > TOLERATED_BROKEN_LINES || records == 0 && other_forms > 0 {
            let why = format!("{} ({})", other_form(other_forms, ""), codes::ACCESS_LOG_FORMAT_UNKNOWN);
            return Err(Unavailable::new(what, Reason::Missing(why)));
        }
        let unreadable = sum(|log| log.unreadable_names);
        if unreadable > 0 {
            let why = format!("the server name of {} is no text, or is there twice", count(unreadable, "record"));
            return Err(Unavailable::new(what, Reason::Broken(why)));
        }
        let absent = sum(|log| log.absent_names);
        if absent > 0 {
            let why = format!(
                "it has {} without sni_host, so whether these clients sent SNI is not known ({})",
                count(absent, "record"),
                codes::ACCESS_LOG_FORMAT_UNKNOWN
            );
            return Err(Unavailable::new(what, Reason::Missing(why)));
        }
        let failures: Vec<String> = logs
            .iter()
            .flat_map(|log| &log.tls_failures)
            .map(|(why, failures)| format!("{why} ({})", count(*failures, "time")))
            .collect();
        if !failures.is_empty() {
            let why = format!("it has TLS failures that no check explains: {}", failures.join(", "));
            return Err(Unavailable::new(what, Reason::Missing(why)));
        }
        // Lines of Envoy about itself do not show that it writes records.
        let gateway = LogOrigin::Container { pod: source.to_owned(), container: GATEWAY_CONTAINER.to_owned() };
        // The record of this run's marker probe shows that the log is live.
        let is_logged = markers.iter().any(|marker| marker.origin.source() == source);
        if records == 0 && !is_logged && !never_started(evidence, &gateway) {
            let why = no_record(evidence, source, &logs);
            return Err(Unavailable::new(what, Reason::Missing(why)));
        }
        let broken = sum(|log| log.broken_lines);
        if broken > TOLERATED_BROKEN_LINES || broken.saturating_mul(RECORDS_BESIDE_BROKEN) > records {
            let lines = count(broken, "line");
            let why =
                Reason::Broken(format!("it has {lines} with only a part of a record, or with one that cannot be read"));
            return Err(Unavailable::new(what, why));
        }
    }
    Ok(())
}

/// Why the logs of a source have no record.
fn no_record(evidence: &Evidence, source: &str, logs: &[&AccessLog]) -> String {
    let sum = |count: fn(&AccessLog) -> u64| logs.iter().map(|log| count(log)).fold(0, u64::saturating_add);
    let is = |origin: LogOrigin| evidence.access_logs.iter().any(|stream| stream.origin == origin);
    let limits = evidence.question.log_limits();
    let older = sum(|log| log.older_records);
    if older > 0 {
        let since = limits.since.map_or_else(String::new, |since| format!(" {}", moment(since)));
        return format!("none of its {} is in the requested window: all are before{since}", count(older, "record"));
    }
    if is(LogOrigin::Store(source.to_owned())) {
        return "it holds no access-log record of this gateway in the requested window: another cluster or namespace, \
            no traffic, or the log is not sent there"
            .into();
    }
    let chaining = sum(|log| log.chaining_lines);
    if chaining > 0 {
        return format!(
            "{} in it belong to internal-chaining pods, and no record belongs to a client",
            count(chaining, "line")
        );
    }
    let broken = sum(|log| log.broken_lines);
    if broken > TOLERATED_BROKEN_LINES {
        return other_form(broken, "");
    }
    let limited = if *limits == LogLimits::default() { "" } else { " in the requested window" };
    let lines = sum(|log| log.lines);
    if is(LogOrigin::File(source.to_owned())) && lines > 0 {
        let lines = count(lines, "line");
        return format!("none of its {lines} is an access-log record{limited}: another log, or no traffic");
    }
    format!("it holds no access-log record{limited}: no traffic, or the log was rotated, or access logging is off")
}

/// Describes lines that name the fields of records but are not read; `place` follows their number.
pub(crate) fn other_form(lines: u64, place: &str) -> String {
    let look = if lines == 1 { "looks like an access-log record" } else { "look like access-log records" };
    format!(
        "{}{place} {look} inside another form, which is not read; give the plain lines (kubectl logs) or JSON (gcloud \
         logging read --format=json)",
        count(lines, "line")
    )
}

/// Why the records of a log are not judged.
fn unread_format(logs: &[&AccessLog]) -> String {
    let code = codes::ACCESS_LOG_FORMAT_UNKNOWN;
    match lacking(logs) {
        Some(operators) => format!("the format of its records has no {operators} ({code})"),
        None => format!("its records do not contain the SNI ({code})"),
    }
}

/// The command operators that are missing in the formats of these logs, as they are written in a format.
pub(crate) fn lacking(logs: &[&AccessLog]) -> Option<String> {
    let operators: BTreeSet<&str> = logs.iter().flat_map(|log| &log.lacking).map(String::as_str).collect();
    let operators: Vec<String> = operators.iter().map(|operator| format!("%{operator}%")).collect();
    (!operators.is_empty()).then(|| operators.join(" and no "))
}

/// A source without which what was seen cannot be judged: that it was not asked for does not make it
/// needless.
pub(crate) fn required<T>(source: Result<T, Unavailable>) -> Result<T, Unavailable> {
    source.map_err(|why| match why.reason {
        Reason::NotRequested(how) => Unavailable::new(why.what, Reason::Missing(format!("not requested ({how})"))),
        reason => Unavailable::new(why.what, reason),
    })
}
