//! Why a client fails, according to the latest judgement.

use std::collections::BTreeMap;

use crate::checks::{Code, Kind, codes};
use crate::evidence::access_log::{ClientFailure, FailingClient};
use crate::judgement::Report;

/// The checks that find each failure in the log, the gravest first.
const SYMPTOMS: [(ClientFailure, &[Code]); 3] = [
    (ClientFailure::OtherHost, &[codes::HOST_WITHOUT_ROUTE_ON_CONNECTION]),
    (ClientFailure::ResetWithSni, &[codes::DECLARED_SERVER_NAME_RESET, codes::UNKNOWN_SERVER_NAME_RESET]),
    (
        ClientFailure::ResetWithoutSni,
        &[codes::CONNECTION_WITHOUT_SERVER_NAME_RESET, codes::LOAD_BALANCER_RESET, codes::HEALTH_CHECK_RESET],
    ),
];

type Reason = (String, Vec<Code>);

/// The reasons that the latest judgement gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Reasons {
    by_failure: BTreeMap<ClientFailure, Reason>,
    /// Names that were reset, each with what was found of it.
    by_name: BTreeMap<String, Reason>,
}

impl Reasons {
    pub(super) fn of(report: &Report) -> Self {
        let mut reasons = Self::default();
        for (failure, symptoms) in SYMPTOMS {
            for symptom in symptoms {
                let Some(check) = report.checks.iter().find(|check| check.code == *symptom) else { continue };
                if check.findings.is_empty() {
                    continue;
                }
                let cause = report.verdict.causes.iter().find(|cause| cause.symptom == Some(check.code));
                let reason = match cause {
                    Some(cause) => (cause.statement.clone(), with_symptom(check.code, &cause.codes)),
                    None => (failure.to_string(), vec![check.code]),
                };
                if failure == ClientFailure::ResetWithSni {
                    for object in check.findings.iter().flat_map(|finding| &finding.objects) {
                        if object.kind == Kind::ServerName {
                            reasons.by_name.entry(object.name.clone()).or_insert_with(|| match cause {
                                Some(_) => reason.clone(),
                                None => (of_name(*symptom).to_owned(), vec![check.code]),
                            });
                        }
                    }
                } else {
                    reasons.by_failure.entry(failure).or_insert(reason);
                }
            }
        }
        reasons
    }

    /// Returns why a client fails, and the checks that say so.
    pub(super) fn of_client(&self, client: &FailingClient) -> Reason {
        let by_name = client.server_name.as_ref().filter(|_| client.failure == ClientFailure::ResetWithSni);
        let known = match by_name {
            Some(name) => self.by_name.get(name),
            None => self.by_failure.get(&client.failure),
        };
        known.cloned().unwrap_or_else(|| (client.failure.to_string(), Vec::new()))
    }
}

fn of_name(symptom: Code) -> &'static str {
    if symptom == codes::DECLARED_SERVER_NAME_RESET {
        "reset, although an ApigeeRoute has this server name"
    } else {
        "reset: no ApigeeRoute has this server name"
    }
}

fn with_symptom(symptom: Code, causes: &[Code]) -> Vec<Code> {
    let mut codes = vec![symptom];
    codes.extend(causes.iter().filter(|code| **code != symptom));
    codes
}
