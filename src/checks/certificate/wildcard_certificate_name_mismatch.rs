//! AT416: the certificate of the wildcard route does not cover a hostname of its environment groups.

use crate::checks::facts;
use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::stored::{self, JudgementBuilder, Secret};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Route;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT416"),
    name: "wildcard-certificate-name-mismatch",
    level: Level::Warning,
    summary: "The certificate of the wildcard route does not cover a hostname that it serves",
    explanation: Explanation {
        looks_for: "subjectAltName of the leaf in the Secret of each route with hostname *, against the hostnames of \
            the environment groups that list the route in additionalGateways and share a pod with it. Groups with the \
            same Secret are judged by AT408.",
        matters: "Clients without SNI get the certificate of the wildcard route, whatever host they mean. \
            Those that compare names end the handshake; a Google load balancer does not compare.",
        fix: "Let all environment groups and the wildcard route use one pair whose certificate has every hostname: its \
            Secret in credentialName of the wildcard route. HTTP/2 clients may then reuse a connection of one hostname \
            for another, which a route of their own group does not serve (AT110).",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", FAQ: all hostnames of all environment groups use \
        the same pair; RFC 9525 §6",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let mut builder = JudgementBuilder::default();
    for wildcard in wildcards {
        let (groups, _) = facts::attachment(evidence, wildcard)?;
        for name in secrets(wildcard) {
            builder.add(judge_secret(evidence, wildcard, name, &groups));
        }
    }
    let right = "the wildcard route's certificate covers the hostnames of the environment groups that list it";
    builder.judgement(right, "no environment group lists a wildcard route whose Secret contains a certificate")
}

fn judge_secret(evidence: &Evidence, wildcard: &Route, name: &str, groups: &[&Route]) -> stored::ObjectJudgement {
    if groups.is_empty() {
        return Ok(None);
    }
    let Some(content) = stored::secret_content(evidence, name)? else { return Ok(None) };
    let Some(leaf) = content.certificates.first() else { return Ok(None) };
    let others = groups.iter().filter(|group| secrets(group) != [name]);
    let hostnames = others.flat_map(|group| &group.hostnames).map(String::as_str);
    let uncovered = stored::uncovered(leaf, hostnames)?;
    if uncovered.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let secret = Secret { name, routes: vec![wildcard], content };
    let wrong = Deviation {
        what: format!(
            "{} does not cover {}, for which wildcard route {} serves it to clients without SNI",
            chain::subject_and_serial(leaf),
            facts::some_of(&uncovered),
            wildcard.name
        ),
        observed: chain::names(leaf),
        expected: format!("{} in subjectAltName", facts::first_of(&uncovered)),
    };
    Ok(Some(vec![secret.finding(secret.certificate_entry(), wrong)]))
}

/// Returns the Secrets of the ports on which clients without SNI connect.
fn secrets(route: &Route) -> Vec<&str> {
    let ports = route.ports.iter().filter(|port| facts::terminates_tls(port)).filter_map(|port| port.tls.as_ref());
    ports.filter_map(|tls| tls.credential_name.as_deref()).collect()
}
