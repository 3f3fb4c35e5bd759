//! AT201: no ApigeeRoute accepts connections without SNI.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::hybrid::Route;
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT201"),
    name: "wildcard-route-missing",
    level: Level::Notice,
    summary: "No ApigeeRoute has the hostname * for TLS",
    explanation: Explanation {
        looks_for: "The hostnames and ports of all ApigeeRoutes of the namespace, except internal-chaining \
            routes. Only the hostname * itself matches connections without SNI; *.example.com does not. A \
            route with this hostname that serves only plain HTTP or TCP, or that passes TLS through, does \
            not count.",
        matters: "Without a wildcard route, every filter chain of the gateway requires SNI. Clients without \
            SNI are reset before they get a certificate. If there are no such clients, this is the normal \
            configuration, so the check is a notice. Together with resets in the log (AT101) or --expect \
            non-sni (AT106) it is the cause of an error.",
        fix: "Create an ApigeeRoute with hostnames [\"*\"] and enableNonSniClient true. List it in \
            additionalGateways of every environment group, and run helm upgrade for each of them.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\", step 1; playbook, \"wildcard route\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if let Some(wildcard) = wildcards.first() {
        return Ok(Outcome::Passed(format!("ApigeeRoute {} has hostname *", wildcard.name)));
    }
    let routes = facts::routes(evidence)?;
    let is_flagged = |route: &&&Route| route.enable_non_sni_client == Some(true) && !route.is_wildcard();
    if let Some(flagged) = routes.iter().find(is_flagged) {
        let why = Reason::Missing(format!(
            "no route has hostname *, but ApigeeRoute {} has enableNonSniClient true; whether that alone is enough is not \
             documented",
            flagged.name
        ));
        return Err(Unavailable::new("whether connections without SNI are accepted", why));
    }
    let without_tls = facts::wildcards_without_tls(evidence)?;
    let message = match without_tls.first() {
        None => "no ApigeeRoute has the hostname *, so every connection must send SNI".to_owned(),
        Some(route) => format!(
            "no ApigeeRoute terminates TLS for the hostname *; {} has it for {}, which serves no client without SNI",
            route.name,
            facts::without_tls(route)
        ),
    };
    Ok(Outcome::Found(vec![Finding::new(
        Object::namespace(evidence),
        Location::Listing("ApigeeRoutes".into()),
        message,
        format!("{} without hostname * for TLS", facts::count(routes.len() as u64, "route")),
        "where clients without SNI exist: an ApigeeRoute with hostnames [\"*\"]",
    )]))
}
