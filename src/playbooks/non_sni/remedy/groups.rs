//! Environment groups: their Helm releases, the overrides files that define them, and the helm line that
//! brings these to the cluster.
//!
//! helm replaces lists: of several files with `virtualhosts`, only the last one counts. So each group gets
//! the files that define it, and those without virtual hosts, which hold settings for all groups.

use std::collections::BTreeSet;

use crate::checks::facts;
use crate::evidence::Evidence;
use crate::evidence::hybrid::{Route, RouteConfig};
use crate::evidence::overrides::{Overrides, OverridesFile, VirtualHost};
use crate::verdict::{Target, shell_word as word};

/// The usual name of an overrides file.
const USUAL_FILE: &str = "overrides.yaml";

/// An environment group.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Group {
    /// As the ApigeeRouteConfig is named, `<org>-<name>`.
    pub(super) full_name: String,
    pub(super) name: String,
    pub(super) release: String,
}

impl Group {
    /// The group whose ApigeeRouteConfig has, or would have, this name.
    pub(super) fn of_config(evidence: &Evidence, full_name: &str) -> Self {
        let name = short_name(evidence, full_name);
        let release = configs(evidence)
            .iter()
            .find(|config| config.name == full_name)
            .and_then(|config| config.helm_release.clone())
            .unwrap_or_else(|| name.clone());
        Self { full_name: full_name.to_owned(), name, release }
    }

    /// The group that a virtual host defines, known or not yet in the cluster; `None` if it has no name.
    pub(super) fn of_host(evidence: &Evidence, content: &Overrides, host: &VirtualHost) -> Option<Self> {
        let name = host.name.as_ref().filter(|name| facts::is_filled(name))?;
        let known = configs(evidence).iter().find(|config| facts::renders(content, host, &config.name));
        if let Some(config) = known {
            return Some(Self::of_config(evidence, &config.name));
        }
        let org = content.org.as_ref().filter(|org| facts::is_filled(org)).map(|org| org.value.as_str());
        // Without an organization, a name that ends like this one is rendered by the same file.
        let full_name = format!("{}-{}", org.unwrap_or_default(), name.value);
        Some(Self { full_name, name: name.value.clone(), release: name.value.clone() })
    }

    /// Returns the `helm upgrade` line of the group, with its own files.
    pub(super) fn helm_upgrade(&self, evidence: &Evidence, target: &Target) -> String {
        let files = self.files(evidence);
        let files = if files.is_empty() { USUAL_FILE.to_owned() } else { files.join(" -f ") };
        let command = format!("upgrade {} apigee-virtualhost/", word(&self.release));
        target.helm(&command, &format!("--atomic --set envgroup={} -f {files}", word(&self.name)))
    }

    /// Returns the command that undoes the last upgrade.
    pub(super) fn helm_rollback(&self, target: &Target) -> String {
        target.helm(&format!("rollback {}", word(&self.release)), "")
    }

    /// Paths of the files that define the group or hold settings of all groups, in the order given.
    fn files(&self, evidence: &Evidence) -> Vec<String> {
        facts::helm_files(evidence, &self.full_name).into_iter().map(path).collect()
    }

    /// Names of the files that define the group. Of several, the last one counts.
    pub(super) fn defining_files<'a>(&self, evidence: &'a Evidence) -> Vec<&'a str> {
        let files = evidence.overrides.iter().filter(|file| self.is_defined_in(file));
        files.map(facts::file_name).collect()
    }

    /// A given file defines the virtual host of this group, or could not be read.
    pub(super) fn is_in_files(&self, evidence: &Evidence) -> bool {
        facts::whole_overrides(evidence).is_err() || self.virtual_host(evidence).is_some()
    }

    /// The virtual host of this group, and its file.
    pub(super) fn virtual_host<'a>(&self, evidence: &'a Evidence) -> Option<(&'a OverridesFile, &'a VirtualHost)> {
        let hosts = facts::virtual_hosts(evidence).ok()?;
        let mut own = hosts.into_iter().filter(|(_, content, host)| facts::renders(content, host, &self.full_name));
        own.next_back().map(|(file, _, host)| (file, host))
    }

    pub(super) fn is_defined_in(&self, file: &OverridesFile) -> bool {
        let defines = |content: &Overrides| {
            content.virtual_hosts.iter().any(|host| facts::renders(content, host, &self.full_name))
        };
        file.content.seen().is_ok_and(defines)
    }
}

/// Returns the names of groups, for a sentence.
pub(super) fn names(groups: &[Group]) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.join(", ")
}

/// Returns the helm lines of these groups, and those that undo them.
pub(super) fn upgrade(evidence: &Evidence, target: &Target, groups: &[Group]) -> (String, String) {
    let lines: Vec<String> = groups.iter().map(|group| group.helm_upgrade(evidence, target)).collect();
    let undo: Vec<String> = groups.iter().map(|group| group.helm_rollback(target)).collect();
    (lines.join("\n"), undo.join("\n"))
}

/// Returns what has to be known where several files define a group.
pub(super) fn order_note(evidence: &Evidence, groups: &[Group]) -> Option<String> {
    groups.iter().find_map(|group| {
        let files = group.defining_files(evidence);
        let (last, _) = files.split_last().filter(|(_, others)| !others.is_empty())?;
        Some(format!(
            "{} is in {}: helm takes the virtualhosts of the last file alone, {last}.",
            group.name,
            files.join(" and ")
        ))
    })
}

/// Returns the groups whose routes or ApigeeRouteConfig name this Secret, or whose routes declare the
/// hostname.
pub(super) fn concerned(evidence: &Evidence, secret: Option<&str>, hostname: Option<&str>) -> Vec<Group> {
    let by_config =
        configs(evidence).iter().filter(|config| secret.is_some() && config.secret_name.as_deref() == secret);
    let mut names: BTreeSet<&str> = by_config.map(|config| config.name.as_str()).collect();
    let routes = facts::group_routes(evidence).unwrap_or_default();
    let uses = |route: &Route| {
        secret.is_some_and(|secret| super::wildcard::secret_of(route) == Some(secret))
            || hostname.is_some_and(|name| facts::declares(route, name))
    };
    names.extend(routes.iter().filter(|route| uses(route)).map(|route| route.group()));
    names.into_iter().map(|name| Group::of_config(evidence, name)).collect()
}

/// Returns the environment groups on the gateway's pods whose ApigeeRouteConfig does not list the gateway; of
/// groups without such an object, those whose ApigeeRoute does not. Where only the ApigeeRoute lags, helm
/// upgrade is no cure.
pub(super) fn lacking(evidence: &Evidence, gateway: &str) -> Vec<Group> {
    let routes = facts::group_routes(evidence).unwrap_or_default();
    let wildcards = facts::wildcards(evidence).unwrap_or_default();
    let wildcard = wildcards.iter().find(|route| route.name == gateway);
    let on_pods = |route: &Route| wildcard.is_none_or(|wildcard| facts::share_pods(evidence, route, wildcard));
    let configs = configs(evidence);
    let has = |gateways: &[String]| gateways.iter().any(|name| facts::local_name(evidence, name) == gateway);
    let mut full_names: Vec<&str> = configs
        .iter()
        .filter(|config| !has(&config.additional_gateways))
        .filter(|config| {
            let own = facts::routes_of(&routes, config);
            own.is_empty() || own.iter().any(|route| on_pods(route))
        })
        .map(|config| config.name.as_str())
        .collect();
    for route in routes.iter().filter(|route| on_pods(route)) {
        let known = configs.iter().any(|config| config.name == route.group());
        if !known && !has(&route.additional_gateways) && !full_names.contains(&route.group()) {
            full_names.push(route.group());
        }
    }
    full_names.into_iter().map(|full| Group::of_config(evidence, full)).collect()
}

/// Returns `-f FILE` for all files, in the order given, for charts that read no virtual hosts.
pub(in crate::playbooks::non_sni) fn all_files(evidence: &Evidence) -> String {
    let files: Vec<String> = evidence.overrides.iter().map(|file| format!("-f {}", path(file))).collect();
    if files.is_empty() { format!("-f {USUAL_FILE}") } else { files.join(" ") }
}

/// Returns the path of a file as the user gave it, for a command line. A stream has the usual name: its own
/// leads nowhere later.
pub(super) fn path(file: &OverridesFile) -> String {
    if file.is_stream() { USUAL_FILE.to_owned() } else { word(&file.name) }
}

/// Returns the path of the copy that patch makes before it changes a file.
pub(super) fn backup_path(file: &OverridesFile) -> String {
    word(&format!("{}.orig", file_label(file)))
}

/// Returns the name of a file in a sentence.
pub(super) fn file_label(file: &OverridesFile) -> &str {
    if file.is_stream() { USUAL_FILE } else { &file.name }
}

fn configs(evidence: &Evidence) -> &[RouteConfig] {
    evidence.route_configs.seen().map_or(&[], |configs| &configs.items)
}

/// Returns the name of the environment group without the organisation in front, where that is known: by the
/// organisation, by the label of a route, or by the Helm release, which usually has the name of the group.
fn short_name(evidence: &Evidence, full: &str) -> String {
    let from_files = facts::overrides(evidence)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(_, content)| content.org.as_ref().filter(|org| facts::is_filled(org)))
        .map(|org| org.value.clone());
    let from_pods =
        facts::pods(evidence).unwrap_or_default().into_iter().filter_map(|pod| pod.labels.get("org").cloned());
    let without = |org: &str| full.strip_prefix(org)?.strip_prefix('-').map(str::to_owned);
    from_files.chain(from_pods).find_map(|org| without(&org)).unwrap_or_else(|| {
        let routes = facts::group_routes(evidence).unwrap_or_default();
        let labels = routes.iter().filter(|route| route.group() == full).filter_map(|route| facts::group_label(route));
        let releases = configs(evidence).iter().filter(|config| config.name == full);
        let mut names = labels.chain(releases.filter_map(|config| config.helm_release.as_deref()));
        let is_end = |name: &&str| full.strip_suffix(name).is_some_and(|org| org.len() > 1 && org.ends_with('-'));
        names.find(is_end).unwrap_or(full).to_owned()
    })
}
