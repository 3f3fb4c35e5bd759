//! Discovers which versions of Apigee's custom resources the API server serves.
//!
//! Releases differ (ApigeeRoute is v1alpha1 in old ones, v1alpha2 as well in newer ones), so no version is
//! hard-coded. The preferred version of the group need not serve a kind, so the list of each version is read.

use futures::future::join_all;
use serde_json::Value;

use crate::evidence::{Reason, Unavailable};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::fault::{Access, Fault};
use crate::gather::kubernetes::json;
use crate::plan::GROUP;

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

/// The location of a kind.
pub(in crate::gather) struct Resource {
    /// `apigee.cloud.google.com/v1alpha2`.
    pub api_version: String,
    pub served_versions: Vec<String>,
    pub plural: String,
}

/// Reads the versions of the group.
pub(in crate::gather) async fn group(api: &Api) -> Result<Value, Fault> {
    api.document(&group_path(), JSON).await
}

/// Reads the kinds of each version.
pub(in crate::gather) async fn kinds(api: &Api, group: Result<Value, Fault>, namespace: &str) -> Group {
    let unknown = |fault: Fault| {
        let failed = Some(fault.reason(access(&group_path(), namespace)));
        Group { failed, ..Group::default() }
    };
    let group = match group {
        Ok(group) => group,
        // The API server itself reports that it has no such group, and so none of its kinds.
        Err(fault) if fault.is_not_found() => return Group::default(),
        Err(fault) => return unknown(fault),
    };
    let Some(mut versions) = versions(&group) else {
        return unknown(Fault::Broken("the answer is no APIGroup with versions".into()));
    };
    let preferred = json::text(&group, &["preferredVersion", "groupVersion"]);
    // A stable sort: after the preferred version the server's order is kept.
    versions.sort_by_key(|version| Some(version) != preferred.as_ref());
    let asked = versions.into_iter().map(async |version| {
        let path = format!("/apis/{version}");
        let kinds = match api.document(&path, JSON).await {
            Ok(list) => resources(&list).ok_or_else(|| Reason::Broken("the answer is no APIResourceList".into())),
            Err(fault) => Err(fault.of_listed().reason(access(&path, namespace))),
        };
        (version, kinds)
    });
    Group { versions: join_all(asked).await, failed: None }
}

impl Group {
    /// Returns where `kind` is served.
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

/// Discovery has URLs, not resources; the missing rule names the URL.
fn access<'a>(path: &'a str, namespace: &'a str) -> Access<'a> {
    Access { verb: "get", resource: path, group: "", namespace }
}

/// Returns the versions of an `APIGroup`; absent if the response is not one. A group without any version does
/// not exist.
fn versions(group: &Value) -> Option<Vec<String>> {
    let listed = json::at(group, &["versions"])?.as_array().filter(|listed| !listed.is_empty())?;
    let version = |version: &Value| {
        let version = json::text(version, &["groupVersion"])?;
        version.strip_prefix(GROUP)?.strip_prefix('/')?;
        Some(version)
    };
    is_kind(group, "APIGroup").then(|| listed.iter().map(version).collect())?
}

/// Returns the kinds of an `APIResourceList`, without subresources; absent if the response is not one. The
/// API server does not serve a version without any kind.
fn resources(list: &Value) -> Option<Vec<Kind>> {
    let listed = json::at(list, &["resources"])?.as_array().filter(|listed| !listed.is_empty())?;
    let kind = |resource: &Value| {
        Some(Kind { name: json::text(resource, &["kind"])?, plural: json::text(resource, &["name"])? })
    };
    let all: Option<Vec<Kind>> = listed.iter().map(kind).collect();
    let of_objects = |kinds: Vec<Kind>| kinds.into_iter().filter(|kind| !kind.plural.contains('/')).collect();
    all.filter(|_| is_kind(list, "APIResourceList")).map(of_objects)
}

fn is_kind(answer: &Value, kind: &str) -> bool {
    json::text(answer, &["kind"]).as_deref() == Some(kind)
}
