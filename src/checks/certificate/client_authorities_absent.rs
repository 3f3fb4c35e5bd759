//! AT410: a route has TLS mode MUTUAL, but there are no CA certificates to verify clients with.

use crate::checks::facts::chain::Deviation;
use crate::checks::facts::stored;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT410"),
    name: "client-authorities-absent",
    level: Level::Warning,
    summary: "A route with TLS mode MUTUAL has no CA certificates to verify clients with",
    explanation: Explanation {
        looks_for: "For each Secret that a port with tls.mode MUTUAL names: the Secret <name>-cacert has \
            neither an entry cacert nor ca.crt. If <name>-cacert does not exist, the Secret itself is \
            checked for these entries instead.",
        matters: "Envoy must verify client certificates, but never gets the CA certificates. Until it has \
            every secret of a listener, it resets connections. All clients fail, whatever certificate they \
            have.",
        fix: "Set caCertPath of the virtual host to the file with the CA certificates, and run helm upgrade. \
            If clients need no certificate, set tlsMode SIMPLE.",
    },
    reference: "Istio pilot/pkg/credentials/kube/secrets.go: cacert or ca.crt, of <name>-cacert or of the \
        Secret; Envoy \"Secret discovery service\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "every route with mode MUTUAL has CA certificates to verify clients with";
    stored::judge_mutual(evidence, right, "no Secret that such a route names exists (AT210)", |secret| {
        if stored::client_cas(secret)?.is_some() {
            return Ok(Some(Vec::new()));
        }
        let routes: Vec<&str> = secret.routes.iter().map(|route| route.name.as_str()).collect();
        let beside = format!("{}-cacert", secret.name);
        let observed = match &secret.content.client_cas {
            Some(_) => {
                format!(
                    "Secret {beside} has neither cacert nor ca.crt, and takes precedence over Secret {}",
                    secret.name
                )
            }
            None => format!("no Secret {beside}, and neither cacert nor ca.crt in Secret {}", secret.name),
        };
        let wrong = Deviation {
            what: format!("no CA certificates to verify clients with, as required by {}", describe_routes(&routes)),
            observed,
            expected: format!("cacert in Secret {beside}"),
        };
        Ok(Some(vec![secret.finding("cacert", wrong)]))
    })
}

fn describe_routes(names: &[&str]) -> String {
    format!("ApigeeRoute {}", crate::checks::facts::some_of(names))
}
