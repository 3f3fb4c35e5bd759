//! AT807: the format of the access log does not contain the server name.

use crate::checks::facts;
use crate::checks::{
    Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, Step, codes,
};
use crate::evidence::{Evidence, LogOrigin};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT807"),
    name: "access-log-format-unknown",
    level: Level::Notice,
    step: Step::AccessLogs,
    summary: "The access log is not in Apigee's format",
    explanation: Explanation {
        looks_for: "Logs whose records are in Envoy's text format, or in JSON without sni_host. Also \
            accessLogEncoding and accessLogFormat in the mesh ConfigMap.",
        matters: "Without sni_host, a record does not show whether the connection had SNI. Resets cannot be \
            counted.",
        fix: "Remove istiod.accessLogFormat from overrides.yaml, or add sni_host: \
            \"%REQUESTED_SERVER_NAME%\" to it. Apigee's own evaluations need the default format too.",
    },
    reference: "Configuration property istiod.accessLogFormat; Apigee hybrid playbook, step 2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    // The other containers of a pod write no access records.
    let has_server_names = |origin: &LogOrigin| {
        facts::logs(evidence).any(|(other, log)| log.records > 0 && other.source() == origin.source())
    };
    let mut findings: Vec<Finding> = facts::logs(evidence)
        .filter(|(origin, log)| log.text_records > 0 || log.foreign_records > 0 && !has_server_names(origin))
        .map(|(origin, log)| {
            Finding::in_log(
                origin,
                Location::Records,
                if log.records > 0 {
                    format!("some records of {origin} do not contain the server name")
                } else {
                    format!("no record of {origin} contains the server name")
                },
                format!("{} in text, {} in JSON without sni_host", log.text_records, log.foreign_records),
                "JSON records with sni_host",
            )
        })
        .collect();
    if findings.is_empty() && !facts::logs(evidence).any(|(_, log)| log.records > 0) {
        let mesh = evidence.mesh_logging.seen()?;
        if mesh.is_off() {
            return Ok(Outcome::NotApplicable(format!("the access log is disabled ({})", codes::ACCESS_LOG_OFF)));
        }
        if mesh.names_server() {
            return Ok(Outcome::Passed("the configured format contains the server name; no record was read".into()));
        }
        findings.push(Finding::new(
            Object::new(Kind::ConfigMap, "apigee-istio-mesh-config"),
            Location::field("data.mesh accessLogFormat"),
            "the access-log format does not contain the server name",
            if mesh.fields.is_some() { "JSON without sni_host" } else { "text" },
            "JSON with sni_host: %REQUESTED_SERVER_NAME%",
        ));
    }
    Ok(Outcome::of(findings, "records contain the server name"))
}
