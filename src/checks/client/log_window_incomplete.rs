//! AT107: a log begins in the middle of traffic: earlier records were rotated away.

use jiff::SignedDuration;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome};
use crate::evidence::{Evidence, LogOrigin, Reason, Unavailable};

/// If the container started earlier than this before its first record, records were lost.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT107"),
    name: "log-window-incomplete",
    level: Level::Notice,
    summary: "The access log does not reach back to the start of the gateway",
    explanation: Explanation {
        looks_for: "A container whose log begins with an access-log record more than a minute after the \
            container started, where no log store has earlier ones. The kubelet rotates a log when it reaches a size limit (10 MiB by default). \
            The API server returns only the newest file.",
        matters: "Resets before the first record cannot be seen here. \"No resets in the log\" then covers \
            minutes, not the days for which the pod has been running.",
        fix: "Read older records from the log store of the cluster: --log-store cloud-logging, or --log-store URL \
            for OpenSearch and Elasticsearch. Export them from another store, and pass the file with \
            --access-log FILE.",
    },
    reference: "Kubernetes \"Logging architecture\", log rotation",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let limits = evidence.question.log_limits();
    if limits.since.is_some() || limits.tail.is_some() || limits.limit_bytes.is_some() {
        return Ok(Outcome::NotApplicable("the window was limited by a flag".into()));
    }
    if !facts::streams(evidence).any(|stream| matches!(stream.origin, LogOrigin::Container { .. })) {
        facts::pods(evidence)?;
        return Ok(Outcome::NotApplicable("no container log was requested".into()));
    }
    facts::pods(evidence)?;
    let in_stores = facts::logs(evidence).filter(|(origin, _)| matches!(origin, LogOrigin::Store(_)));
    let earliest_in_store = in_stores.filter_map(|(_, log)| log.first).min();
    let mut findings = Vec::new();
    let mut judged = 0;
    let mut untold = None;
    for (origin, log) in facts::logs(evidence) {
        let started = facts::container_of(evidence, origin).and_then(|container| container.started_at);
        let (Some(first), Some(started)) = (log.first, started) else {
            // Records without a time, or a container of which the pod does not say since when it runs.
            if log.records > 0 && matches!(origin, LogOrigin::Container { .. }) {
                untold.get_or_insert(origin);
            }
            continue;
        };
        judged += 1;
        // A log store has what was rotated away.
        if earliest_in_store.is_some_and(|earliest| earliest < first) {
            continue;
        }
        if log.begins_with_record && first.duration_since(started) > GRACE {
            findings.push(Finding::in_log(
                origin,
                Location::Moment(first),
                format!(
                    "the log of {origin} begins {} after the container started",
                    facts::duration(first.duration_since(started))
                ),
                format!("first record {}", facts::moment(first)),
                format!("a log from the start of the container, {}", facts::moment(started)),
            ));
        }
    }
    if findings.is_empty() {
        facts::opened(evidence)?;
        if let Some(origin) = untold {
            let why = Reason::Missing("the time of its records, or the start of its container, is not known".into());
            return Err(Unavailable::new(format!("how far back the log of {origin} reaches"), why));
        }
        if judged == 0 {
            return Ok(Outcome::NotApplicable("no container log contains a record".into()));
        }
    }
    Ok(Outcome::of(
        findings,
        "every log with records reaches back to the start of its container, nothing was cut off, or a log store has \
         what came before",
    ))
}
