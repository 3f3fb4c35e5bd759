//! Names for the completion of a command line: namespaces and environment groups.

use crate::gather::error::Error;
use crate::gather::hybrid::routes::route_configs;
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::connection::connect;
use crate::gather::kubernetes::discovery;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::kubeconfig::{ConnectionOptions, Places, target};
use crate::gather::kubernetes::list::{Listing, list};
use crate::run::stop::Stop;

/// Returns the namespaces of the cluster; none if they may not be listed.
///
/// # Errors
/// The configuration cannot be used, or the credential plugin failed.
pub async fn namespaces(options: &ConnectionOptions, stop: Stop) -> Result<Vec<String>, Error> {
    let api = api(options, stop).await?;
    let listing = Listing { path: "/api/v1/namespaces", selector: "", accept: JSON, kind: None };
    let names = list(&api, listing, |object| json::text(object, &["metadata", "name"])).await;
    Ok(names.unwrap_or_default().into_iter().flatten().collect())
}

/// Returns the environment groups of the namespace, by the names of their ApigeeRouteConfigs.
///
/// # Errors
/// As for [`namespaces`].
pub async fn environment_groups(
    options: &ConnectionOptions,
    namespace: &str,
    stop: Stop,
) -> Result<Vec<String>, Error> {
    let api = api(options, stop).await?;
    let group = discovery::kinds(&api, discovery::group(&api).await, namespace).await;
    let Ok(resource) = group.find("ApigeeRouteConfig") else { return Ok(Vec::new()) };
    let configs = route_configs(&api, resource, namespace).await;
    Ok(configs.map(|configs| configs.items.into_iter().map(|config| config.name).collect()).unwrap_or_default())
}

async fn api(options: &ConnectionOptions, stop: Stop) -> Result<Api, Error> {
    connect(target(options, &Places::of_this_process())?, options, stop).await
}
