//! AT408: the certificate of a Secret does not cover a hostname of the routes that name it.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::{self, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT408"),
    name: "stored-certificate-name-mismatch",
    level: Level::Warning,
    summary: "The certificate in a TLS Secret does not cover a hostname of its routes",
    explanation: Explanation {
        looks_for: "subjectAltName of the leaf of each Secret, compared with the hostnames of the routes \
            that name the Secret, except * (AT416). The common name is ignored. In a certificate, * means \
            for one label. The hostname *.example.com is covered by the same wildcard. A certificate that \
            has only some names below it is not reported, because it may have all names that clients use.",
        matters: "Clients that connect to such a hostname end the handshake: hostname mismatch, No subject \
            alternative DNS name matching.",
        fix: "Get a certificate with every hostname of the environment group in subjectAltName. Write it to \
            the files of the virtual host, and run helm upgrade. Or correct the hostnames of the environment \
            group.",
    },
    reference: "RFC 9525 §6; configuration properties, virtualhosts[].sslCertPath",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "the certificates in the Secrets cover the hostnames of their routes";
    let nothing = "no Secret with a certificate is named by a route with a hostname of its own";
    stored::judge(evidence, right, nothing, |secret| {
        let hostnames: Vec<&str> = secret
            .routes
            .iter()
            .flat_map(|route| &route.hostnames)
            .map(String::as_str)
            .filter(|name| *name != "*")
            .collect();
        let Some(leaf) = secret.content.certificates.first().filter(|_| !hostnames.is_empty()) else { return Ok(None) };
        let uncovered = stored::uncovered(leaf, hostnames.into_iter())?;
        if uncovered.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let routes: Vec<&str> = secret
            .routes
            .iter()
            .filter(|route| route.hostnames.iter().any(|hostname| uncovered.contains(&hostname.as_str())))
            .map(|route| route.name.as_str())
            .collect();
        let wrong = Deviation {
            what: format!(
                "{} does not cover {} of ApigeeRoute {}",
                chain::subject_and_serial(leaf),
                facts::some_of(&uncovered),
                facts::some_of(&routes)
            ),
            observed: chain::names(leaf),
            expected: format!("{} in subjectAltName", facts::first_of(&uncovered)),
        };
        Ok(Some(vec![secret.finding(secret.certificate_entry(), wrong)]))
    })
}
