//! Whether the logs are complete enough to conclude that something did not happen.

use super::logs::{GATEWAY_CONTAINER, logs, never_started, opened, streams};
use super::marker_probe;
use super::phrases::count;
use crate::checks::codes;
use crate::evidence::{AccessLog, Evidence, LogLimits, LogOrigin, Reason, Seen, Unavailable};

/// Number of broken lines to tolerate: a time window can cut the first and the last line of a log.
const TOLERATED_BROKEN_LINES: u64 = 2;

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
    if let Seen::Seen(mesh) = &evidence.mesh_logging
        && mesh.is_off()
    {
        let why = Reason::Missing(format!("the mesh ConfigMap disables it ({})", codes::ACCESS_LOG_OFF));
        return Err(Unavailable::new("the access log", why));
    }
    let markers = marker_probe::expected(evidence);
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
            let why = Reason::Missing(format!(
                "it contains records without the server name ({})",
                codes::ACCESS_LOG_FORMAT_UNKNOWN
            ));
            return Err(Unavailable::new(what, why));
        }
        // Envoy writes lines about itself even without traffic. A login page or a crash leaves other lines.
        let settings_seen = matches!(&evidence.mesh_logging, Seen::Seen(mesh) if mesh.names_server());
        let gateway = LogOrigin::Container { pod: source.to_owned(), container: GATEWAY_CONTAINER.to_owned() };
        // The record of this run's marker probe shows that the log is live.
        let is_logged = markers.iter().any(|marker| marker.origin.source() == source);
        let is_quiet =
            is_logged || settings_seen && sum(|log| log.proxy_lines) > 0 || never_started(evidence, &gateway);
        if records == 0 && !is_quiet {
            let limited =
                if *evidence.question.log_limits() == LogLimits::default() { "" } else { " in the requested window" };
            let why = format!("it contains no access-log record{limited}: no traffic, rotated away, or disabled");
            let why = Reason::Missing(why);
            return Err(Unavailable::new(what, why));
        }
        let broken = sum(|log| log.broken_lines);
        if broken > TOLERATED_BROKEN_LINES {
            let why = Reason::Broken(format!("{} contain only part of a record", count(broken, "line")));
            return Err(Unavailable::new(what, why));
        }
    }
    Ok(())
}

/// Marks a source as required: if it was not requested, it counts as missing, because nothing can be judged
/// without it.
pub(crate) fn required<T>(source: Result<T, Unavailable>) -> Result<T, Unavailable> {
    source.map_err(|why| match why.reason {
        Reason::NotRequested(how) => Unavailable::new(why.what, Reason::Missing(format!("not requested ({how})"))),
        reason => Unavailable::new(why.what, reason),
    })
}
