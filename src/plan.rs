//! Lists what a run requests from the cluster, item by item: why, from where, with which permission, and
//! where a bundle has it.
//!
//! Collecting, `collect --list` and `rbac` share this list, so that the printed Role is the necessary one.
//! Nothing here sends a request.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::Source;

/// The API group of all custom resources of Apigee.
pub const GROUP: &str = "apigee.cloud.google.com";

/// One item to request.
pub struct Item {
    /// The source, as parts of the evidence name it.
    pub source: Source,
    /// The purpose of the item.
    pub why: &'static str,
    /// The numbered folder of the bundle that contains the item.
    pub folder: &'static str,
    /// The folder in that one; absent if the files are in the numbered folder itself, or in one with another
    /// name.
    pub within: Option<&'static str>,
    pub origin: Origin,
    pub stage: Stage,
}

/// Numbered folders of a bundle, in the order of triage: the items of the playbook's "must gather" list come
/// first.
pub mod folder {
    /// `overrides.yaml`, unchanged.
    pub const OVERRIDES: &str = "01-overrides";
    /// The list of `ApigeeRoutes`, and each of them.
    pub const ROUTES: &str = "02-routes";
    /// `ApigeeRouteConfigs`: the environment groups in the cluster.
    pub const ENVIRONMENT_GROUPS: &str = "03-environment-groups";
    /// Pods of the ingress, and what the cluster reports about them.
    pub const INGRESS: &str = "04-ingress";
    /// Access logs, one file for each container.
    pub const LOGS: &str = "05-logs";
    /// Public certificates.
    pub const CERTIFICATES: &str = "06-certificates";
    /// Handshakes of the probes.
    pub const HANDSHAKES: &str = "07-handshakes";
    /// Context of the other folders: Services, mesh settings, issues, events.
    pub const PLATFORM: &str = "08-platform";
    /// Packet captures of the user.
    pub const CAPTURES: &str = "09-captures";
}

/// When an item is requested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// By `diagnose`; `collect` does the same first.
    Diagnose,
    /// By `diagnose`, unless `--probe` excludes the pods.
    Probe,
    /// By `collect` alone.
    Collect,
}

/// The origin of an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Objects of a kind.
    Objects(Objects),
    /// Logs of containers.
    Logs,
    /// The single objects that routes name.
    Secrets,
    /// A port of a pod.
    PortForward,
}

/// Objects of one resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Objects {
    pub group: &'static str,
    /// Absent if the versions come from the discovery of the API server.
    pub version: Option<&'static str>,
    pub resource: &'static str,
    pub kind: &'static str,
    pub scope: Scope,
    /// The name of the single object; absent for a list.
    pub name: Option<&'static str>,
}

/// The scope of objects.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    Namespace,
    Cluster,
}

/// A permission in the terms of RBAC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Right {
    pub scope: Scope,
    pub group: &'static str,
    pub resource: &'static str,
    pub verb: &'static str,
}

/// All items, in the order in which support reads them.
pub static PLAN: &[Item] = &[
    Item {
        source: Source::ApigeeRoutes,
        why: "the hostnames, the wildcard route and its flag, the Secret of each, and what the operator reported about them",
        folder: folder::ROUTES,
        within: Some("apigeeroutes"),
        origin: apigee("apigeeroutes", "ApigeeRoute"),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::ApigeeIssues,
        why: "what Apigee's own watcher found wrong",
        folder: folder::ROUTES,
        within: Some("apigeeissues"),
        origin: apigee("apigeeissues", "ApigeeIssue"),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::ApigeeRouteConfigs,
        why: "each environment group as the virtual-host chart rendered it",
        folder: folder::ENVIRONMENT_GROUPS,
        within: Some("apigeerouteconfigs"),
        origin: apigee("apigeerouteconfigs", "ApigeeRouteConfig"),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::ApigeeOrganizations,
        why: "the ingress gateways that the organisation declares, and their state",
        folder: folder::ENVIRONMENT_GROUPS,
        within: Some("apigeeorganizations"),
        origin: apigee("apigeeorganizations", "ApigeeOrganization"),
        stage: Stage::Collect,
    },
    Item {
        source: Source::ApigeeDeployments,
        why: "the deployments behind ingress and watcher, and their state",
        folder: folder::ENVIRONMENT_GROUPS,
        within: Some("apigeedeployments"),
        origin: apigee("apigeedeployments", "ApigeeDeployment"),
        stage: Stage::Collect,
    },
    Item {
        source: Source::ApigeeEnvironments,
        why: "the environments that the routes lead to, and their state",
        folder: folder::ENVIRONMENT_GROUPS,
        within: Some("apigeeenvironments"),
        origin: apigee("apigeeenvironments", "ApigeeEnvironment"),
        stage: Stage::Collect,
    },
    Item {
        source: Source::Events,
        why: "what happened to pods and routes in the last hour",
        folder: folder::INGRESS,
        within: Some("events"),
        origin: core("events", "Event"),
        stage: Stage::Collect,
    },
    Item {
        source: Source::Pods,
        why: "which ingress pods run, since when, on which nodes, with which images",
        folder: folder::INGRESS,
        within: Some("pods"),
        origin: core("pods", "Pod"),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::Logs,
        why: "resets without SNI and with one, and what the proxy, the manager and the watcher complain of",
        folder: folder::LOGS,
        within: None,
        origin: Origin::Logs,
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::SecretNames,
        why: "whether the Secrets that routes name exist, and which Helm releases there are; names alone are asked for, but the right lets its holder read values",
        folder: folder::CERTIFICATES,
        within: None,
        origin: core("secrets", "Secret"),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::TlsSecrets,
        why: "the public certificates of the Secrets that routes name, and whether the key fits; the right lets its holder read private keys, which the program compares and drops",
        folder: folder::CERTIFICATES,
        within: None,
        origin: Origin::Secrets,
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::Handshakes,
        why: "what each ingress pod answers to clients, and what its Envoy has: filter chains, certificates, counters",
        folder: folder::HANDSHAKES,
        within: None,
        origin: Origin::PortForward,
        stage: Stage::Probe,
    },
    Item {
        source: Source::Services,
        why: "which addresses and ports lead to the ingress pods",
        folder: folder::PLATFORM,
        within: Some("services"),
        origin: core("services", "Service"),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::EndpointSlices,
        why: "which pods the Services really lead to",
        folder: folder::PLATFORM,
        within: Some("endpointslices"),
        origin: Origin::Objects(Objects {
            group: "discovery.k8s.io",
            version: Some("v1"),
            resource: "endpointslices",
            kind: "EndpointSlice",
            scope: Scope::Namespace,
            name: None,
        }),
        stage: Stage::Collect,
    },
    Item {
        source: Source::MeshConfig,
        why: "whether and how the gateways write access logs",
        folder: folder::PLATFORM,
        within: Some("configmaps"),
        origin: Origin::Objects(Objects {
            group: "",
            version: Some("v1"),
            resource: "configmaps",
            kind: "ConfigMap",
            scope: Scope::Namespace,
            name: Some("apigee-istio-mesh-config"),
        }),
        stage: Stage::Diagnose,
    },
    Item {
        source: Source::Certificates,
        why: "whether cert-manager could renew what webhooks and ingress stand on",
        folder: folder::PLATFORM,
        within: Some("certificates"),
        origin: Origin::Objects(Objects {
            group: "cert-manager.io",
            version: Some("v1"),
            resource: "certificates",
            kind: "Certificate",
            scope: Scope::Namespace,
            name: None,
        }),
        stage: Stage::Collect,
    },
    Item {
        source: Source::Nodes,
        why: "the versions of kubelet, container runtime and kernel under the ingress",
        folder: folder::PLATFORM,
        within: Some("nodes"),
        origin: Origin::Objects(Objects {
            group: "",
            version: Some("v1"),
            resource: "nodes",
            kind: "Node",
            scope: Scope::Cluster,
            name: None,
        }),
        stage: Stage::Collect,
    },
    Item {
        source: Source::ValidatingWebhooks,
        why: "the webhook that must accept each ApigeeRoute, and until when its certificate holds",
        folder: folder::PLATFORM,
        within: Some("validatingwebhookconfigurations"),
        origin: webhooks("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
        stage: Stage::Collect,
    },
    Item {
        source: Source::MutatingWebhooks,
        why: "the webhook that changes each ApigeeRoute, and until when its certificate holds",
        folder: folder::PLATFORM,
        within: Some("mutatingwebhookconfigurations"),
        origin: webhooks("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
        stage: Stage::Collect,
    },
];

/// What `capture` requests: why, and with which verbs on which resource of the namespace. A bundle has none
/// of it.
pub static CAPTURE: &[(&str, &[Right])] = &[
    (
        "the ingress pods, and the state of the container that records",
        &[of_core("pods", "get"), of_core("pods", "list")],
    ),
    ("the ephemeral container with tcpdump, which changes the pod", &[of_core("pods/ephemeralcontainers", "patch")]),
    // Over WebSockets the verb is get; Kubernetes 1.35 requires create as well (KEP 5411).
    ("the packets that it records", &[of_core("pods/attach", "create"), of_core("pods/attach", "get")]),
];

/// What `watch` requests besides the items of `diagnose`.
pub static WATCH: &[(&str, &[Right])] = &[
    ("ingress pods that come and go; without it the pods are listed every ten seconds", &[of_core("pods", "watch")]),
    (
        "a judgement at once when routes change; without it at the next interval",
        &[Right { scope: Scope::Namespace, group: GROUP, resource: "apigeeroutes", verb: "watch" }],
    ),
];

const fn of_core(resource: &'static str, verb: &'static str) -> Right {
    Right { scope: Scope::Namespace, group: "", resource, verb }
}

const fn core(resource: &'static str, kind: &'static str) -> Origin {
    Origin::Objects(Objects { group: "", version: Some("v1"), resource, kind, scope: Scope::Namespace, name: None })
}

const fn apigee(resource: &'static str, kind: &'static str) -> Origin {
    Origin::Objects(Objects { group: GROUP, version: None, resource, kind, scope: Scope::Namespace, name: None })
}

const fn webhooks(resource: &'static str, kind: &'static str) -> Origin {
    let group = "admissionregistration.k8s.io";
    Origin::Objects(Objects { group, version: Some("v1"), resource, kind, scope: Scope::Cluster, name: None })
}

impl Item {
    /// Returns the name in the plan, the manifest of a bundle and the comments of `rbac`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.source.name()
    }

    /// Returns the path of its folder in the bundle.
    #[must_use]
    pub fn path(&self) -> String {
        match self.within {
            Some(within) => format!("{}/{within}", self.folder),
            None => self.folder.to_owned(),
        }
    }

    /// Returns the permissions without which the item is missing; those for the objects that lead to it come
    /// first.
    #[must_use]
    pub fn needs(&self) -> Vec<Right> {
        let pods = of_core("pods", "list");
        match self.origin {
            Origin::Objects(objects) => {
                let verb = if objects.name.is_some() { "get" } else { "list" };
                vec![Right { scope: objects.scope, group: objects.group, resource: objects.resource, verb }]
            }
            Origin::Logs => vec![pods, of_core("pods/log", "get")],
            Origin::Secrets => {
                let routes = Right { scope: Scope::Namespace, group: GROUP, resource: "apigeeroutes", verb: "list" };
                vec![routes, of_core("secrets", "get")]
            }
            // Over WebSockets the verb is get; Kubernetes 1.35 requires create as well (KEP 5411).
            Origin::PortForward => {
                vec![pods, of_core("pods/portforward", "create"), of_core("pods/portforward", "get")]
            }
        }
    }
}

/// Returns these permissions as verbs by scope, group and resource.
#[must_use]
pub fn rights(
    needs: impl Iterator<Item = Right>,
) -> BTreeMap<(Scope, &'static str, &'static str), BTreeSet<&'static str>> {
    let mut rights: BTreeMap<_, BTreeSet<&'static str>> = BTreeMap::new();
    for right in needs {
        rights.entry((right.scope, right.group, right.resource)).or_default().insert(right.verb);
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_reasons_present() {
        let names: BTreeSet<&str> = PLAN.iter().map(Item::name).collect();
        assert_eq!(names.len(), PLAN.len());
        assert!(PLAN.iter().all(|item| !item.why.is_empty() && !item.folder.is_empty()));
        assert!(PLAN.is_sorted_by_key(|item| item.folder), "folders are numbered in the order of the plan");
    }

    #[test]
    fn diagnose_needs_no_cluster_wide_permission() {
        let asked = rights(PLAN.iter().filter(|item| item.stage != Stage::Collect).flat_map(Item::needs));
        assert!(asked.keys().all(|(scope, _, _)| *scope == Scope::Namespace));
        assert_eq!(asked[&(Scope::Namespace, "", "secrets")], BTreeSet::from(["get", "list"]));
        assert_eq!(asked[&(Scope::Namespace, "", "pods/portforward")], BTreeSet::from(["create", "get"]));
    }
}
