//! What a run asks of the cluster, item by item: why, from where, and by which right.
//!
//! The one list that collecting, `collect --list` and `rbac` read, so that the Role that is printed is the one that is needed.
//! Nothing here asks anything.

use std::collections::{BTreeMap, BTreeSet};

use super::discovery::GROUP;

/// One thing that is asked for.
pub struct Item {
    /// As the plan, the manifest and `rbac` name it.
    pub name: &'static str,
    /// What it is good for.
    pub why: &'static str,
    /// Where the bundle has it.
    pub folder: &'static str,
    pub source: Source,
    pub stage: Stage,
}

/// When an item is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// By `diagnose`; `collect` does the same first.
    Diagnose,
    /// By `diagnose`, unless `--probe` leaves the pods out.
    Probe,
    /// By `collect` alone.
    Collect,
}

/// Where an item comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
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
    /// Absent where the API server is asked which versions it has.
    pub version: Option<&'static str>,
    pub resource: &'static str,
    pub kind: &'static str,
    pub scope: Scope,
    /// The one object that is asked for; absent for a list.
    pub name: Option<&'static str>,
}

/// Where objects live.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    Namespace,
    Cluster,
}

/// A right, as RBAC has it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Right {
    pub scope: Scope,
    pub group: &'static str,
    pub resource: &'static str,
    pub verb: &'static str,
}

/// Everything that is asked for, in the order in which support reads it.
pub static PLAN: &[Item] = &[
    Item {
        name: "apigeeroutes",
        why: "the hostnames, the wildcard route and its flag, the Secret of each, and what the operator said of them",
        folder: "02-routes/apigeeroutes",
        source: apigee("apigeeroutes", "ApigeeRoute"),
        stage: Stage::Diagnose,
    },
    Item {
        name: "apigeeissues",
        why: "what Apigee's own watcher found wrong",
        folder: "02-routes/apigeeissues",
        source: apigee("apigeeissues", "ApigeeIssue"),
        stage: Stage::Diagnose,
    },
    Item {
        name: "apigeerouteconfigs",
        why: "each environment group as the virtual-host chart rendered it",
        folder: "03-environment-groups/apigeerouteconfigs",
        source: apigee("apigeerouteconfigs", "ApigeeRouteConfig"),
        stage: Stage::Diagnose,
    },
    Item {
        name: "apigeeorganizations",
        why: "the ingress gateways that the organisation declares, and their state",
        folder: "03-environment-groups/apigeeorganizations",
        source: apigee("apigeeorganizations", "ApigeeOrganization"),
        stage: Stage::Collect,
    },
    Item {
        name: "apigeedeployments",
        why: "the deployments behind ingress and watcher, and their state",
        folder: "03-environment-groups/apigeedeployments",
        source: apigee("apigeedeployments", "ApigeeDeployment"),
        stage: Stage::Collect,
    },
    Item {
        name: "apigeeenvironments",
        why: "the environments that the routes lead to, and their state",
        folder: "03-environment-groups/apigeeenvironments",
        source: apigee("apigeeenvironments", "ApigeeEnvironment"),
        stage: Stage::Collect,
    },
    Item {
        name: "events",
        why: "what happened to pods and routes in the last hour",
        folder: "04-ingress/events",
        source: core("events", "Event"),
        stage: Stage::Collect,
    },
    Item {
        name: "pods",
        why: "which ingress pods run, since when, on which nodes, with which images",
        folder: "04-ingress/pods",
        source: core("pods", "Pod"),
        stage: Stage::Diagnose,
    },
    Item {
        name: "logs",
        why: "resets without a server name and with one, and what the proxy, the manager and the watcher complain of",
        folder: "05-logs",
        source: Source::Logs,
        stage: Stage::Diagnose,
    },
    Item {
        name: "secret-names",
        why: "whether the Secrets that routes name exist, and which Helm releases there are; names alone, asked for as metadata",
        folder: "06-certificates",
        source: core("secrets", "Secret"),
        stage: Stage::Diagnose,
    },
    Item {
        name: "tls-secrets",
        why: "the public certificates of the Secrets that routes name, and whether the key fits; the key itself is dropped",
        folder: "06-certificates",
        source: Source::Secrets,
        stage: Stage::Diagnose,
    },
    Item {
        name: "handshakes",
        why: "what each ingress pod answers to clients, and what its Envoy has: filter chains, certificates, counters",
        folder: "07-handshakes",
        source: Source::PortForward,
        stage: Stage::Probe,
    },
    Item {
        name: "services",
        why: "which addresses and ports lead to the ingress pods",
        folder: "08-platform/services",
        source: core("services", "Service"),
        stage: Stage::Diagnose,
    },
    Item {
        name: "endpointslices",
        why: "which pods the Services really lead to",
        folder: "08-platform/endpointslices",
        source: Source::Objects(Objects {
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
        name: "mesh-config",
        why: "whether and how the gateways write access logs",
        folder: "08-platform/configmaps",
        source: Source::Objects(Objects {
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
        name: "certificates",
        why: "whether cert-manager could renew what webhooks and ingress stand on",
        folder: "08-platform/certificates",
        source: Source::Objects(Objects {
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
        name: "nodes",
        why: "the versions of kubelet, container runtime and kernel under the ingress",
        folder: "08-platform/nodes",
        source: Source::Objects(Objects {
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
        name: "validating-webhooks",
        why: "the webhook that must accept each ApigeeRoute, and until when its certificate holds",
        folder: "08-platform/validatingwebhookconfigurations",
        source: webhooks("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
        stage: Stage::Collect,
    },
    Item {
        name: "mutating-webhooks",
        why: "the webhook that changes each ApigeeRoute, and until when its certificate holds",
        folder: "08-platform/mutatingwebhookconfigurations",
        source: webhooks("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
        stage: Stage::Collect,
    },
];

const fn core(resource: &'static str, kind: &'static str) -> Source {
    Source::Objects(Objects { group: "", version: Some("v1"), resource, kind, scope: Scope::Namespace, name: None })
}

const fn apigee(resource: &'static str, kind: &'static str) -> Source {
    Source::Objects(Objects { group: GROUP, version: None, resource, kind, scope: Scope::Namespace, name: None })
}

const fn webhooks(resource: &'static str, kind: &'static str) -> Source {
    let group = "admissionregistration.k8s.io";
    Source::Objects(Objects { group, version: Some("v1"), resource, kind, scope: Scope::Cluster, name: None })
}

impl Item {
    /// The rights without which it is lost, that to what leads to it first.
    #[must_use]
    pub fn needs(&self) -> Vec<Right> {
        let core = |resource, verb| Right { scope: Scope::Namespace, group: "", resource, verb };
        let pods = core("pods", "list");
        match self.source {
            Source::Objects(objects) => {
                let verb = if objects.name.is_some() { "get" } else { "list" };
                vec![Right { scope: objects.scope, group: objects.group, resource: objects.resource, verb }]
            }
            Source::Logs => vec![pods, core("pods/log", "get")],
            Source::Secrets => {
                let routes = Right { scope: Scope::Namespace, group: GROUP, resource: "apigeeroutes", verb: "list" };
                vec![routes, core("secrets", "get")]
            }
            // Over WebSockets the verb is get; Kubernetes 1.35 asks for create as well (KEP 5411).
            Source::PortForward => vec![pods, core("pods/portforward", "create"), core("pods/portforward", "get")],
        }
    }
}

/// The rights of these items: verbs by scope, group and resource.
#[must_use]
pub fn rights<'a>(
    items: impl Iterator<Item = &'a Item>,
) -> BTreeMap<(Scope, &'static str, &'static str), BTreeSet<&'static str>> {
    let mut rights: BTreeMap<_, BTreeSet<&'static str>> = BTreeMap::new();
    for right in items.flat_map(Item::needs) {
        rights.entry((right.scope, right.group, right.resource)).or_default().insert(right.verb);
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_say_why() {
        let names: BTreeSet<&str> = PLAN.iter().map(|item| item.name).collect();
        assert_eq!(names.len(), PLAN.len());
        assert!(PLAN.iter().all(|item| !item.why.is_empty() && !item.folder.is_empty()));
        assert!(
            PLAN.is_sorted_by_key(|item| item.folder.split('-').next()),
            "folders are numbered in the order of the plan"
        );
    }

    #[test]
    fn diagnose_asks_nothing_of_the_whole_cluster() {
        let asked = rights(PLAN.iter().filter(|item| item.stage != Stage::Collect));
        assert!(asked.keys().all(|(scope, _, _)| *scope == Scope::Namespace));
        assert_eq!(asked[&(Scope::Namespace, "", "secrets")], BTreeSet::from(["get", "list"]));
        assert_eq!(asked[&(Scope::Namespace, "", "pods/portforward")], BTreeSet::from(["create", "get"]));
    }
}
