//! Which facts explain a symptom, best first.
//!
//! Symptoms are clients that fail: in the access logs, or reproduced by the probes of this run. A log record
//! without SNI and without a filter chain does not prove a TLS client, so wherever only the log speaks, "not
//! TLS" remains among the causes.

mod facts_on;
mod with_name;
mod without_name;

use super::relations::WITHOUT_SNI;
use crate::checks::facts::{self, without_sni};
use std::collections::BTreeSet;

use crate::checks::facts::probed::{self, Ending};
use crate::checks::{CheckResult, Code, Finding, codes};
use crate::evidence::handshake::Handshake;
use crate::evidence::{Evidence, Unavailable};
use crate::verdict::ranking::direct;
use crate::verdict::{Cause, Certainty, Judged};

/// Returns the causes of one symptom; none if nothing that was seen explains a symptom of the logs.
pub(super) fn of(judged: Judged<'_>, symptom: &CheckResult) -> Vec<Cause> {
    let Judged { evidence, all, .. } = judged;
    match symptom.check.code {
        code if WITHOUT_SNI.contains(&code) => without_name::refused(evidence, code, all),
        codes::DECLARED_SERVER_NAME_RESET => with_name::refused(evidence, all),
        codes::SERVER_NAME_REFUSED | codes::CAPTURED_SERVER_NAME_REFUSED => {
            let causes = with_name::refused(evidence, all);
            // A name that no route declares is refused: nothing that was seen explains it.
            if causes.is_empty() { vec![direct(symptom)] } else { causes }
        }
        codes::CLIENT_WITHOUT_SNI_UNROUTED => without_name::unrouted(all),
        codes::UNKNOWN_SERVER_NAME_RESET | codes::CAPTURED_UNKNOWN_SERVER_NAME_REFUSED => {
            vec![unknown_names(evidence, symptom)]
        }
        codes::CLIENT_CERTIFICATE_DEMANDED => {
            vec![facts_on::explained(judged, symptom, certificate_demanded(evidence, symptom))]
        }
        codes::INGRESS_POD_MISSING => vec![without_pods(evidence, symptom)],
        _ => vec![facts_on::explained(judged, symptom, direct(symptom))],
    }
}

/// Checks whose message does not contain the value that is wrong.
const WITH_VALUE: [Code; 3] = [codes::ROUTE_ERROR, codes::SELECTOR_WITHOUT_PODS, codes::WILDCARD_PORT_UNSUITABLE];

/// Maximum length of a value in a headline, in characters.
const LONGEST_VALUE: usize = 80;

/// The fault of a finding as the end of a sentence, with the value that is wrong.
pub(super) fn reason(code: Code, finding: &Finding) -> String {
    if WITH_VALUE.contains(&code) && finding.observed.chars().count() <= LONGEST_VALUE {
        format!("{} ({})", finding.message, finding.observed)
    } else {
        finding.message.clone()
    }
}

/// Joins reasons: the first two, and how many more there are.
fn all_of(reasons: &[String]) -> String {
    match reasons {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one}, and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two}, and {} more", facts::count(rest.len() as u64, "fault")),
    }
}

/// Returns the causes of resets that no check could judge: of clients with a server name, where the routes
/// could not be seen; and where no log tells whether clients without SNI exist, and a handshake of this run
/// shows that they would be refused.
pub(super) fn unseen(judged: Judged<'_>) -> Vec<Cause> {
    let Judged { evidence, selected, all } = judged;
    let of_names = selected.iter().find(|result| result.check.code == codes::UNKNOWN_SERVER_NAME_RESET);
    let names: Vec<&str> = facts::reset_names(evidence).into_keys().collect();
    if let (Some(Err(why)), false) = (of_names.map(|result| &result.judgement), names.is_empty()) {
        return vec![unjudged_names(&names, why)];
    }
    let of_logs = selected.iter().find(|result| result.check.code == codes::CONNECTION_WITHOUT_SERVER_NAME_RESET);
    let Some(Err(why)) = of_logs.map(|result| &result.judgement) else { return Vec::new() };
    // Where the logs are complete, they show who was reset; only whether these are clients is open.
    if without_sni::refused_at(evidence).is_empty() || facts::require_conclusive_logs(evidence).is_ok() {
        return Vec::new();
    }
    let causes = without_name::refused(evidence, codes::CLIENT_WITHOUT_SERVER_NAME_REFUSED, all);
    let conditional = |mut cause: Cause| {
        cause.certainty = cause.certainty.max(Certainty::Likely);
        cause.statement += "; whether there are such clients could not be seen";
        cause.evidence.push(why.to_string());
        cause
    };
    causes.into_iter().map(conditional).collect()
}

/// Clients ask for names and are reset; whether a route has these could not be seen.
fn unjudged_names(names: &[&str], why: &Unavailable) -> Cause {
    Cause {
        symptom: Some(codes::UNKNOWN_SERVER_NAME_RESET),
        codes: Vec::new(),
        certainty: Certainty::Likely,
        statement: format!(
            "Clients ask for {} and are reset; whether an ApigeeRoute has {} could not be seen",
            facts::some_of(names),
            if names.len() == 1 { "this name" } else { "these names" }
        ),
        evidence: vec![why.to_string()],
    }
}

/// Clients ask for names that no route has. A similar hostname of a route is named.
fn unknown_names(evidence: &Evidence, symptom: &CheckResult) -> Cause {
    let routes = facts::routes(evidence).unwrap_or_default();
    let mut nearest = facts::Nearest::of(routes.iter().flat_map(|route| &route.hostnames).map(String::as_str));
    let names: Vec<&str> =
        symptom.findings().iter().flat_map(|finding| &finding.objects).map(|object| object.name.as_str()).collect();
    let statement = match names.as_slice() {
        [name] => format!("Clients ask for {name}, which no ApigeeRoute has{}", nearest.hint(name)),
        _ => format!(
            "Clients ask for {} that no ApigeeRoute has: {}",
            facts::count(names.len() as u64, "name"),
            facts::some_of(&names)
        ),
    };
    Cause { statement, ..direct(symptom) }
}

/// The server demands a client certificate that no route declares: which clients meet it, and which routes
/// declare one.
fn certificate_demanded(evidence: &Evidence, symptom: &CheckResult) -> Cause {
    let cause = direct(symptom);
    let (Ok(probes), Ok(routes)) = (evidence.probes.seen(), facts::routes(evidence)) else { return cause };
    let undeclared: Vec<&Handshake> = probed::ended(probes, Ending::CertificateDemanded)
        .map(|((_, handshake), _)| handshake)
        .filter(|handshake| !probed::is_declared_mutual(evidence, handshake))
        .collect();
    let names: BTreeSet<&str> = undeclared.iter().filter_map(|made| made.server_name.as_deref()).collect();
    let route = routes.iter().find(|route| match names.first() {
        Some(name) => facts::declares(route, name),
        None => route.is_tls_wildcard(),
    });
    let Some(route) = route else { return cause };
    let clients = if names.is_empty() {
        "Clients without SNI".to_owned()
    } else {
        format!("Clients for {}", facts::some_of(&names.into_iter().collect::<Vec<_>>()))
    };
    let mutual: Vec<&str> =
        routes.iter().filter(|route| probed::is_mutual(route)).map(|route| route.name.as_str()).collect();
    let others = match mutual.as_slice() {
        [] => "no ApigeeRoute has TLS mode MUTUAL".to_owned(),
        some => {
            format!("only {} {} TLS mode MUTUAL", facts::some_of(some), if some.len() == 1 { "has" } else { "have" })
        }
    };
    let statement = format!(
        "{clients} must present a client certificate, which ApigeeRoute {} does not require: {others}",
        route.name
    );
    Cause { statement, ..cause }
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
