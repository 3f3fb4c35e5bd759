//! AT807: the format of the access log does not contain the server name.

use crate::checks::facts;
use crate::checks::facts::absence::{lacking, other_form};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT807"),
    name: "access-log-format-unknown",
    level: Level::Notice,
    summary: "The access log does not state the server name, or is in a form that is not read",
    explanation: Explanation {
        looks_for: "Logs whose records lack %REQUESTED_SERVER_NAME%, or %RESPONSE_CODE_DETAILS% and %RESPONSE_FLAGS%; lines \
            that look like records inside another form; where no record was read, the accessLogFormat of the mesh \
            ConfigMap. Read are the formats of Apigee, Istio and the mesh ConfigMap, and what log stores export of them.",
        matters: "Without the server name nobody can know whether a connection had one, so resets cannot be counted.",
        fix: "Remove istiod.accessLogFormat from overrides.yaml, or add sni_host: \"%REQUESTED_SERVER_NAME%\" to it. Apigee's \
            own evaluations read the default format too. Of a log store give the plain lines, or its export as JSON.",
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
        .filter(|(origin, log)| {
            log.text_records > 0
                || log.foreign_records > 0 && !has_server_names(origin)
                || log.records > 0 && log.absent_names > 0
        })
        .map(|(origin, log)| {
            Finding::in_log(
                origin,
                Location::Records,
                if log.records > 0 {
                    format!("some records of {origin} do not contain the server name")
                } else {
                    format!("no record of {origin} contains the server name")
                },
                format!("{} in text, {} in JSON{}", log.text_records, log.foreign_records, without(log)),
                "records with %REQUESTED_SERVER_NAME%",
            )
        })
        .collect();
    let in_other_forms = facts::logs(evidence).filter(|(origin, log)| log.other_forms > 0 && !has_server_names(origin));
    findings.extend(in_other_forms.map(|(origin, log)| {
        Finding::in_log(
            origin,
            Location::Lines,
            other_form(log.other_forms, &format!(" of {origin}")),
            format!("{} of {}", log.other_forms, facts::count(log.lines, "line")),
            "one record per line, or an export as JSON, YAML or CSV",
        )
    }));
    if findings.is_empty() && !facts::logs(evidence).any(|(_, log)| log.records > 0) {
        let mesh = evidence.mesh_logging.seen()?;
        if mesh.is_off() {
            return Ok(Outcome::NotApplicable(format!("the access log is disabled ({})", codes::ACCESS_LOG_OFF)));
        }
        if mesh.names_server() && facts::logs(evidence).any(|(_, log)| log.lines > 0) {
            let why = Reason::Missing("none of the lines that were read is a record".into());
            return Err(Unavailable::new("the format of the access log's records", why));
        }
        if mesh.names_server() {
            return Ok(Outcome::Passed("the configured format contains the server name; no record was read".into()));
        }
        findings.push(Finding::new(
            Object::new(Kind::ConfigMap, "apigee-istio-mesh-config"),
            Location::field("data.mesh accessLogFormat"),
            "the access-log format does not contain the server name",
            if mesh.fields.is_some() {
                "JSON without %REQUESTED_SERVER_NAME%"
            } else {
                "text without %REQUESTED_SERVER_NAME%"
            },
            "sni_host: %REQUESTED_SERVER_NAME%",
        ));
    }
    Ok(Outcome::of(findings, "records contain the server name"))
}

/// What the format of the records lacks.
fn without(log: &AccessLog) -> String {
    lacking(&[log]).map_or_else(String::new, |operators| format!("; the format has no {operators}"))
}
