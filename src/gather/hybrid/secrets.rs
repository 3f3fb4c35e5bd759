//! Reads the names of the Secrets, and nothing else: the API server is asked only for metadata, so that it
//! sends no value.

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
    let names = list(api, listing, |secret| json::text(secret, &["metadata", "name"])).await;
    let mut names: Vec<String> =
        names.map_err(|fault| fault.unavailable("Secrets", access))?.into_iter().flatten().collect();
    names.sort();
    Ok(SecretNames { names })
}
