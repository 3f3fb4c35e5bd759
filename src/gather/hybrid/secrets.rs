//! Reads the names of the Secrets and when they were created, and nothing else: the API server is asked only
//! for metadata, so that it sends no value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::evidence::Unavailable;
use crate::evidence::hybrid::SecretNames;
use crate::gather::kubernetes::api::Api;
use crate::gather::kubernetes::fault::Access;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::list::{Listing, list};

/// Accepts only this form: a server that cannot omit the data must answer 406.
const METADATA_ALONE: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Lists the names of all Secrets of the namespace.
pub(in crate::gather) async fn secrets(api: &Api, namespace: &str) -> Result<SecretNames, Unavailable> {
    let path = format!("/api/v1/namespaces/{namespace}/secrets");
    let access = Access { verb: "list", resource: "secrets", group: "", namespace };
    let listing =
        Listing { path: &path, selector: "", accept: METADATA_ALONE, kind: Some("PartialObjectMetadataList") };
    let entry = |secret: &Value| {
        let name = json::text(secret, &["metadata", "name"])?;
        Some((name, json::time(secret, &["metadata", "creationTimestamp"])))
    };
    let listed = list(api, listing, entry).await.map_err(|fault| fault.unavailable("Secrets", access))?;
    let entries: BTreeMap<String, Option<Timestamp>> = listed.into_iter().flatten().collect();
    let names = entries.keys().cloned().collect();
    Ok(SecretNames { names, created_at: entries.into_iter().filter_map(|(name, at)| Some((name, at?))).collect() })
}
