//! The names of the Secrets, and nothing else of them: the API server is asked for metadata alone, so that no value leaves it.

use super::api::Api;
use super::fault::Access;
use super::json;
use super::list::{Listing, list};
use crate::evidence::Unavailable;
use crate::evidence::cluster::SecretNames;

/// No other form is acceptable: a server that cannot leave the data out has to answer 406.
const METADATA_ALONE: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// The names of all Secrets of the namespace.
pub(super) async fn secrets(api: &Api, namespace: &str) -> Result<SecretNames, Unavailable> {
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
