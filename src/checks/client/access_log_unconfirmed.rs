//! AT109: the access log of a gateway has no record of the marker probe.

use crate::checks::facts::{self, marker_probe};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome, codes};
use crate::evidence::{Evidence, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT109"),
    name: "access-log-unconfirmed",
    level: Level::Warning,
    summary: "A gateway's access log does not show the marker probe of this run",
    explanation: Explanation {
        looks_for: "The access-log record of the marker probe: the handshake that `diagnose` first makes \
            with each ingress pod, with a unique server name under apigee-tls.invalid. Usually the record is \
            that of a reset. If the gateway accepts the name, it is that of one request (HEAD / with the \
            name as Host). The log is followed for up to twelve seconds. Envoy writes it every second as \
            Istio starts it, and every ten seconds by default.",
        matters: "If the log lacks this record, it may lack those of clients too. \"No resets in the log\" \
            then proves nothing.",
        fix: "Check whether the log is sampled, filtered or buffered, or is written to a file or a collector \
            instead of stdout. Apigee's own settings (istiod.accessLogFile, istiod.accessLogFormat) log \
            every connection that matches no filter chain.",
    },
    reference: "Istio pilot/pkg/networking/core/accesslog.go: listener access log for response flag NR; \
        Envoy --file-flush-interval-msec",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut logs = marker_probe::expected(evidence);
    if let Seen::Seen(mesh) = &evidence.mesh_logging
        && (mesh.is_off() || !mesh.names_server())
    {
        // The run did not wait for the record, so only a log that has it says anything: the settings are not
        // all.
        logs.retain(|marker| marker.is_logged);
        if logs.is_empty() {
            return Ok(Outcome::NotApplicable(format!(
                "the mesh settings say why ({}, {})",
                codes::ACCESS_LOG_OFF,
                codes::ACCESS_LOG_FORMAT_UNKNOWN
            )));
        }
    }
    let findings: Vec<Finding> = logs
        .iter()
        .filter(|marker| !marker.is_logged)
        .map(|marker| {
            let at = facts::moment(marker.handshake.started_at);
            let result = marker.handshake.failure.as_ref().map_or("was served".to_owned(), ToString::to_string);
            Finding::in_log(
                marker.origin,
                Location::End,
                format!("the log of {} has no record of the marker probe that this run made at {at}", marker.origin),
                format!(
                    "server name {}: {result}; {} in the log, none of this probe",
                    probes.question.unknown_name,
                    facts::count(marker.log.records, "record")
                ),
                "a record with this server name",
            )
        })
        .collect();
    if logs.is_empty() {
        facts::pods(evidence)?;
        facts::opened(evidence)?;
        if let Some(cut) = facts::streams(evidence).find_map(|stream| stream.cut.as_ref()) {
            return Err(cut.clone());
        }
        return Ok(Outcome::NotApplicable("no log of a gateway with a marker probe was read to its end".into()));
    }
    Ok(Outcome::of(findings, "every gateway log that was read to its end shows the marker probe"))
}
