//! Reads the TLS Secrets that ApigeeRoutes name: their certificates, and whether the private key matches.
//!
//! The API server cannot omit the key. So the response is kept in buffers that are overwritten on drop, is
//! parsed without copies, and lives no longer than one function. No error quotes any of it.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::evidence::hybrid::Routes;
use crate::evidence::stored::{ClientCas, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::{Access, Fault};
use crate::gather::stored::{client_authorities, compared};

/// Name of the resource in errors, after "could not read".
pub(in crate::gather) const WHAT: &str = "the certificates of Secrets";
/// Maximum number of Secrets read. There is one for each environment group; few organisations have dozens.
const MAX_SECRETS: usize = 64;
/// Number of concurrent requests.
const IN_FLIGHT: usize = 8;
/// Maximum length of the name of a Kubernetes object.
const MAX_NAME: usize = 253;
/// Keys of certificate and private key, in the order in which Istio looks for them: the first pair of which
/// both are present and not empty. Source: `pilot/pkg/credentials/kube/secrets.go`.
const PAIRS: [(&str, &str); 2] = [("cert", "key"), ("tls.crt", "tls.key")];
/// Key of the CAs with which Istio verifies client certificates.
const AUTHORITIES: [&str; 2] = ["cacert", "ca.crt"];

/// Reads each Secret that an HTTPS port of a route names, sorted by name.
pub(in crate::gather) async fn stored_certificates(
    api: &Api,
    namespace: &str,
    routes: &Routes,
) -> Vec<StoredCertificate> {
    let permits = Semaphore::new(IN_FLIGHT);
    let reads = named(routes).into_iter().enumerate().map(|(position, (name, mutual))| {
        let permits = &permits;
        async move {
            let content = if position < MAX_SECRETS {
                // Nobody closes the semaphore.
                let _permit = permits.acquire().await;
                content(api, namespace, &name, mutual).await
            } else {
                Err(Reason::NotRequested(format!("no more than {MAX_SECRETS} Secrets are read")))
            };
            let what = format!("Secret {name}");
            let content = content.map_err(|reason| Unavailable::new(what, reason)).into();
            StoredCertificate { origin: StoredIn::Secret { name }, content }
        }
    });
    join_all(reads).await
}

/// Returns the names, each with whether a route requests client certificates with it. A name with a slash
/// belongs to a Secret of another namespace or to another kind of store.
fn named(routes: &Routes) -> BTreeMap<String, bool> {
    let mut named = BTreeMap::new();
    for port in routes.items.iter().flat_map(|route| &route.ports) {
        let Some(tls) = port.tls.as_ref().filter(|_| port.protocol.as_deref() == Some("HTTPS")) else { continue };
        let Some(name) = tls.credential_name.as_ref().filter(|name| !name.contains('/')) else { continue };
        *named.entry(name.clone()).or_insert(false) |= tls.mode.as_deref() == Some("MUTUAL");
    }
    named
}

/// Reads the Secret. For client CAs Istio takes `<name>-cacert` if it exists, and otherwise the Secret
/// itself.
async fn content(api: &Api, namespace: &str, name: &str, mutual: bool) -> Result<StoredContent, Reason> {
    if !is_name(name) {
        return Err(Reason::Missing("no Secret can have this name".into()));
    }
    let access = Access { verb: "get", resource: "secrets", group: "", namespace };
    let beside = format!("{name}-cacert");
    let of_clients = async {
        if !mutual {
            return None;
        }
        match read(api, namespace, &beside).await {
            Ok(content) => content
                .client_cas
                .or_else(|| Some(Seen::Seen(ClientCas { secret: beside.clone(), ..ClientCas::default() }))),
            Err(why) if why.is_not_found() => None,
            Err(why) => Some(Seen::Unavailable(why.unavailable(&format!("Secret {beside}"), access))),
        }
    };
    let (own, of_clients) = futures::join!(read(api, namespace, name), of_clients);
    let mut content = own.map_err(|fault| fault.reason(access))?;
    content.client_cas = of_clients.or(content.client_cas);
    Ok(content)
}

async fn read(api: &Api, namespace: &str, name: &str) -> Result<StoredContent, Fault> {
    let body = api.secret(&format!("/api/v1/namespaces/{namespace}/secrets/{}", encode(name))).await?;
    reduce(&body, name).map_err(Fault::Broken)
}

/// Borrows from the body: base64 and the names of entries never need an escape in JSON.
#[derive(Deserialize)]
struct Form<'a> {
    #[serde(borrow, default)]
    kind: Option<&'a str>,
    #[serde(borrow, default)]
    data: Option<BTreeMap<&'a str, &'a str>>,
}

/// Reduces the JSON of a Secret to what the evidence may hold.
pub(in crate::gather) fn reduce(body: &[u8], name: &str) -> Result<StoredContent, String> {
    // The parser's error text may quote a value.
    let form: Form<'_> = serde_json::from_slice(body).map_err(|_| "the answer is not the JSON of a Secret")?;
    if form.kind != Some("Secret") {
        return Err("the answer is no Secret".into());
    }
    let data = form.data.unwrap_or_default();
    let entry = |name: &str| -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        // A key without a value counts as missing: Istio requires both keys with values.
        let Some(encoded) = data.get(name).filter(|encoded| !encoded.is_empty()) else { return Ok(None) };
        let decoded = openssl::base64::decode_block(encoded).map_err(|_| format!("the entry {name} is not base64"))?;
        Ok(Some(Zeroizing::new(decoded)))
    };
    let filled = |name: &str| data.get(name).is_some_and(|encoded| !encoded.is_empty());
    // Without a complete pair, what is present of one is shown.
    let pair = (PAIRS.iter().find(|(certificate, key)| filled(certificate) && filled(key)))
        .or_else(|| PAIRS.iter().find(|(certificate, _)| data.contains_key(certificate)))
        .or_else(|| PAIRS.iter().find(|(_, key)| data.contains_key(key)));
    let mut content = match pair {
        Some((certificate, key)) => {
            let (pem, key) = (entry(certificate)?, entry(key)?);
            compared(pem.as_deref().map(|pem| (*certificate, pem.as_slice())), key.as_deref().map(Vec::as_slice))
        }
        None => StoredContent::default(),
    };
    if let Some(authorities) = AUTHORITIES.iter().find(|name| filled(name)) {
        let pem = entry(authorities)?.unwrap_or_default();
        content.client_cas = Some(Seen::Seen(client_authorities(name, authorities, &pem)));
    }
    content.keys = data.keys().map(ToString::to_string).collect();
    Ok(content)
}

/// RFC 1123, as Kubernetes requires. Any other text must not become part of a URL.
fn is_name(name: &str) -> bool {
    let ends = name.as_bytes().first().zip(name.as_bytes().last());
    name.len() <= MAX_NAME
        && ends.is_some_and(|(first, last)| first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

#[cfg(test)]
#[path = "tls_secrets_tests.rs"]
mod tests;
