//! Which facts explain a symptom, best first.
//!
//! Symptoms are clients that fail: in the access logs, or reproduced by the probes of this run. A log record
//! without SNI and without a filter chain does not prove a TLS client, so wherever only the log speaks, "not
//! TLS" remains among the causes.

mod with_name;
mod without_name;

use super::relations::WITHOUT_SNI;
use crate::checks::facts;
use crate::checks::{CheckResult, codes};
use crate::evidence::Evidence;
use crate::verdict::ranking::direct;
use crate::verdict::{Cause, Judged};

/// Returns the causes of one symptom; none if nothing that was seen explains a symptom of the logs.
pub(super) fn of(judged: Judged<'_>, symptom: &CheckResult) -> Vec<Cause> {
    let Judged { evidence, all, .. } = judged;
    match symptom.check.code {
        code if WITHOUT_SNI.contains(&code) => without_name::refused(evidence, code, all),
        codes::DECLARED_SERVER_NAME_RESET => with_name::refused(evidence, all),
        codes::SERVER_NAME_REFUSED => {
            let causes = with_name::refused(evidence, all);
            // A name that no route declares is refused: nothing that was seen explains it.
            if causes.is_empty() { vec![direct(symptom)] } else { causes }
        }
        codes::CLIENT_WITHOUT_SNI_UNROUTED => without_name::unrouted(all),
        codes::INGRESS_POD_MISSING => vec![without_pods(evidence, symptom)],
        _ => vec![direct(symptom)],
    }
}

/// The cause where no ingress pod runs. Where no pod matches at all, the namespace or the selector may be
/// wrong.
fn without_pods(evidence: &Evidence, missing: &CheckResult) -> Cause {
    let mut cause = direct(missing);
    if facts::pods(evidence).is_ok_and(|pods| pods.is_empty()) {
        let question = &evidence.question;
        cause.statement = format!("No pod of namespace {} matches {}", question.namespace(), question.selector());
        cause.evidence = Vec::new();
        if facts::is_empty_namespace(evidence) {
            cause.evidence.push("there is no ApigeeRoute in this namespace either".into());
        }
    }
    cause
}
