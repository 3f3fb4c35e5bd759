//! Calls of the Management API that change keystores, with the user's own names.

use jiff::Timestamp;

use crate::checks::Owner;
use crate::checks::facts::edge::{Observation, Resolved, resolve};
use crate::evidence::edge::{Dialect, Edge, Leg, Login};
use crate::text::date;
use crate::verdict::{LegStep, shell_word};

const JSON: &str = "-H 'Content-Type: application/json'";

/// Returns the URL of the environment.
pub(super) fn environment(edge: &Edge) -> String {
    let question = &edge.question;
    let default = match question.api {
        Dialect::Edge => "https://api.enterprise.apigee.com/v1",
        Dialect::Google => "https://apigee.googleapis.com/v1",
    };
    let base = question.management_url.as_deref().unwrap_or(default).trim_end_matches('/');
    format!("{base}/organizations/{}/environments/{}", question.organization, question.environment)
}

/// Returns the login of the run as options of curl. Secrets stay in their files and variables.
pub(super) fn login(edge: &Edge) -> String {
    match &edge.question.login {
        Login::Token => "-H \"Authorization: Bearer $TOKEN\"".to_owned(),
        Login::User => "-u \"$APIGEE_TLS_USER:$APIGEE_TLS_PASSWORD\"".to_owned(),
        Login::UserFile(file) => format!("-u \"$(cat {})\"", shell_word(file)),
        Login::NetrcFile(file) => format!("--netrc-file {}", shell_word(file)),
    }
}

/// Returns a call with a body of JSON.
pub(super) fn call(edge: &Edge, method: &str, path: &str, body: &str) -> String {
    let url = shell_word(&format!("{}/{path}", environment(edge)));
    format!("curl -X {method} {url} {} {JSON} -d '{}'", login(edge), body.replace('\'', "'\\''"))
}

/// Returns the upload of a certificate file to an entry, with its key if there is one.
fn upload(edge: &Edge, store: &str, alias: &str, key: Option<&str>, certificates: &str) -> String {
    let url = shell_word(&format!("{}/keystores/{store}/aliases?alias={alias}&format=keycertfile", environment(edge)));
    let key = key.map(|file| format!(" -F keyFile=@{file}")).unwrap_or_default();
    format!("curl -X POST {url} {}{key} -F certFile=@{certificates}", login(edge))
}

/// Returns the object of an observation, or what it is where no source names it.
pub(super) fn whose(observation: &Observation) -> &str {
    match (observation.subject(), observation.leg) {
        ("", Leg::Northbound) => "the virtual host",
        ("", Leg::Southbound) => "the target",
        (subject, _) => subject,
    }
}

/// Returns the steps that bring a new certificate into use: a new keystore, and the reference to it.
pub(super) fn certificate(edge: &Edge, observation: &Observation, now: Timestamp, what: &str) -> Vec<LegStep> {
    let owner = Owner::EdgeAdministrator;
    let Some((store_name, alias)) = configured(edge, observation) else {
        return vec![LegStep {
            title: format!("{what} for {}", whose(observation)),
            owner,
            paste: Some("openssl verify -CAfile root.pem -untrusted intermediates.pem leaf.pem".into()),
            note: Some(format!(
                "upload it, the leaf first and then each issuer, to a keystore: {}",
                upload(edge, "NEW", "ALIAS", Some("key.pem"), "chain.pem")
            )),
        }];
    };
    let resolved = resolve(edge, &store_name);
    let (old, reference) = match &resolved {
        Resolved::Found { name, reference, .. } | Resolved::Missing { name, reference } => {
            ((*name).to_owned(), *reference)
        }
        Resolved::Dangling { reference, .. } => (format!("{reference}-keystore"), Some(*reference)),
        Resolved::Unseen => {
            let name = store_name.trim_start_matches("ref://");
            (name.to_owned(), store_name.strip_prefix("ref://"))
        }
    };
    let new = format!("{old}-{}", date(now));
    let mut steps = vec![
        LegStep {
            title: format!("{what} for {}, and verify its chain before the upload", whose(observation)),
            owner,
            paste: Some("openssl verify -CAfile root.pem -untrusted intermediates.pem leaf.pem".into()),
            note: Some("chain.pem holds the leaf first, then each issuer, without the root".into()),
        },
        LegStep {
            title: format!("Create the keystore {new} and upload certificate and key under the same alias {alias}"),
            owner,
            paste: Some(format!(
                "{}\n{}",
                call(edge, "POST", "keystores", &format!("{{\"name\": \"{new}\"}}")),
                upload(edge, &new, &alias, Some("key.pem"), "chain.pem")
            )),
            note: None,
        },
    ];
    if let Some(reference) = reference {
        let body = format!("{{\"name\": \"{reference}\", \"refers\": \"{new}\", \"resourceType\": \"KeyStore\"}}");
        steps.push(LegStep {
            title: format!("Point references/{reference} to the new keystore"),
            owner,
            paste: Some(call(edge, "PUT", &format!("references/{reference}"), &body)),
            note: Some("references take effect without a restart; keep the old keystore until clients succeed".into()),
        });
    } else {
        steps.extend(to_reference(edge, observation, &old, &new));
    }
    steps
}

/// Returns the steps for a keystore that is named directly: a reference takes its place, and Routers
/// restart once.
fn to_reference(edge: &Edge, observation: &Observation, old: &str, new: &str) -> Vec<LegStep> {
    let reference = format!("{old}-ref");
    let body = format!("{{\"name\": \"{reference}\", \"refers\": \"{new}\", \"resourceType\": \"KeyStore\"}}");
    let create = LegStep {
        title: format!(
            "Create the reference {reference}, and name it in {} as ref://{reference}",
            observation.subject()
        ),
        owner: Owner::EdgeAdministrator,
        paste: Some(call(edge, "POST", "references", &body)),
        note: Some(format!(
            "change keyStore in {} from {old} to ref://{reference} and leave the rest as it is",
            observation.subject()
        )),
    };
    std::iter::once(create).chain(restart(edge, observation.leg)).collect()
}

/// Returns the restart after which a keystore that is named directly is read again.
pub(super) fn restart(edge: &Edge, leg: Leg) -> Vec<LegStep> {
    let (what, component) = match leg {
        Leg::Northbound => ("Routers", "edge-router"),
        Leg::Southbound => ("Message Processors", "edge-message-processor"),
    };
    if edge.is_cloud() {
        return vec![LegStep {
            title: format!("Ask Apigee support to reload the {what} of this environment"),
            owner: Owner::ApigeeSupport,
            paste: None,
            note: Some("in the public cloud only Apigee can restart them".into()),
        }];
    }
    vec![LegStep {
        title: format!("Restart all {what}, one after the other"),
        owner: Owner::EdgeOperator,
        paste: Some(format!("/opt/apigee/apigee-service/bin/apigee-service {component} restart")),
        note: None,
    }]
}

/// Returns the step that adds a CA to a truststore.
pub(super) fn authority(edge: &Edge, observation: &Observation) -> Option<LegStep> {
    let trust = match observation.leg {
        Leg::Southbound => target(edge, observation)?.tls.as_ref()?.trust_store.clone()?,
        Leg::Northbound => virtual_host(edge, observation)?.trust_store.clone()?,
    };
    let name = match resolve(edge, &trust) {
        Resolved::Found { name, .. } | Resolved::Missing { name, .. } => name.to_owned(),
        Resolved::Dangling { .. } | Resolved::Unseen => trust.trim_start_matches("ref://").to_owned(),
    };
    let (ca, fingerprint) = observation.authority.clone().unwrap_or_default();
    let ca = if ca.is_empty() { "the CA of the certificate".to_owned() } else { ca };
    let fingerprint = if fingerprint.is_empty() {
        "compare its fingerprint with that of the CA's owner".to_owned()
    } else {
        format!("SHA-256 {fingerprint}")
    };
    Some(LegStep {
        title: format!("Add {ca} to the truststore {name}"),
        owner: Owner::EdgeAdministrator,
        paste: Some(upload(edge, &name, "NEW-CA", None, "ca.pem")),
        note: Some(fingerprint),
    })
}

/// The keystore and the alias that the object of an observation presents.
fn configured(edge: &Edge, observation: &Observation) -> Option<(String, String)> {
    let tls = match observation.leg {
        Leg::Northbound => virtual_host(edge, observation)?,
        Leg::Southbound => target(edge, observation)?.tls.as_ref()?,
    };
    Some((tls.key_store.clone()?, tls.key_alias.clone()?))
}

pub(super) fn virtual_host<'a>(
    edge: &'a Edge,
    observation: &Observation,
) -> Option<&'a crate::evidence::edge::TlsSettings> {
    let name = observation.objects.iter().find_map(|object| object.strip_prefix("virtualhosts/"))?;
    edge.virtual_hosts.get(name)?.tls.as_ref()
}

pub(super) fn target<'a>(edge: &'a Edge, observation: &Observation) -> Option<&'a crate::evidence::edge::Target> {
    edge.targets.iter().find(|target| observation.objects.contains(&target.object))
}
