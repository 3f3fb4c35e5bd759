//! Which versions of Apigee's custom resources the API server serves.
//!
//! Releases differ (ApigeeRoute is v1alpha1 in old ones, v1alpha2 as well in newer ones), so no version is written down
//! anywhere. The preferred version of the group need not serve a kind, so each version's own list is asked.

use futures::future::join_all;
use serde_json::Value;

use crate::evidence::{Reason, Unavailable};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::fault::{Access, Fault};
use crate::gather::kubernetes::json;

/// The API group of all custom resources of Apigee.
pub(in crate::gather) const GROUP: &str = "apigee.cloud.google.com";

/// What the server serves of the group.
#[derive(Default)]
pub(in crate::gather) struct Group {
    /// Preferred first: the version (`apigee.cloud.google.com/v1alpha1`) and its kinds with their plurals.
    versions: Vec<(String, Result<Vec<Kind>, Reason>)>,
    /// Why nothing is known of the group.
    failed: Option<Reason>,
}

struct Kind {
    name: String,
    plural: String,
}

/// Where a kind is found.
pub(in crate::gather) struct Resource {
    /// `apigee.cloud.google.com/v1alpha2`.
    pub api_version: String,
    pub served_versions: Vec<String>,
    pub plural: String,
}

/// Asks for the versions of the group.
pub(in crate::gather) async fn group(api: &Api) -> Result<Value, Fault> {
    api.document(&group_path(), JSON).await
}

/// Asks each version for its kinds.
pub(in crate::gather) async fn kinds(api: &Api, group: Result<Value, Fault>, namespace: &str) -> Group {
    let group = match group {
        Ok(group) => group,
        // A group that is not there serves no kind, which is what an empty one says.
        Err(Fault::Refused { code: 404, .. }) => return Group::default(),
        Err(fault) => {
            let failed = Some(fault.reason(access(&group_path(), namespace)));
            return Group { failed, ..Group::default() };
        }
    };
    let preferred = json::text(&group, &["preferredVersion", "groupVersion"]);
    let mut versions: Vec<String> = json::items(&group, &["versions"])
        .iter()
        .filter_map(|version| json::text(version, &["groupVersion"]))
        .collect();
    // Stable: behind the preferred one the server's order stays.
    versions.sort_by_key(|version| Some(version) != preferred.as_ref());
    let asked = versions.into_iter().map(async |version| {
        let path = format!("/apis/{version}");
        let kinds = match api.document(&path, JSON).await {
            Ok(list) => Ok(json::items(&list, &["resources"]).iter().filter_map(kind).collect()),
            Err(fault) => Err(fault.reason(access(&path, namespace))),
        };
        (version, kinds)
    });
    Group { versions: join_all(asked).await, failed: None }
}

impl Group {
    /// Where `kind` is served.
    pub(in crate::gather) fn find(&self, kind: &str) -> Result<Resource, Unavailable> {
        let serving = |kinds: &[Kind]| kinds.iter().find(|served| served.name == kind).map(|kind| kind.plural.clone());
        let served: Vec<(&String, String)> = self
            .versions
            .iter()
            .filter_map(|(version, kinds)| Some((version, serving(kinds.as_ref().ok()?)?)))
            .collect();
        if let Some((version, plural)) = served.first() {
            return Ok(Resource {
                api_version: (*version).clone(),
                served_versions: served.iter().map(|(version, _)| (*version).clone()).collect(),
                plural: plural.clone(),
            });
        }
        let of_version = self.versions.iter().find_map(|(_, kinds)| kinds.as_ref().err());
        let reason = self.failed.as_ref().or(of_version).cloned();
        let not_served = || Reason::Missing(format!("the API server serves no {kind} (CRD not installed)"));
        Err(Unavailable::new(format!("{kind}s"), reason.unwrap_or_else(not_served)))
    }
}

fn group_path() -> String {
    format!("/apis/{GROUP}")
}

/// Discovery has URLs, not resources; the rule that is missing names the URL.
fn access<'a>(path: &'a str, namespace: &'a str) -> Access<'a> {
    Access { verb: "get", resource: path, group: "", namespace }
}

fn kind(resource: &Value) -> Option<Kind> {
    let plural = json::text(resource, &["name"]).filter(|name| !name.contains('/'))?;
    Some(Kind { name: json::text(resource, &["kind"])?, plural })
}
