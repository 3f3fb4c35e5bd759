//! The sources that a run can ask, by name.
//!
//! Parts say by them what they rest on. `gather/plan` says of each why it is asked, where the bundle has it and which
//! right it needs.

/// One source.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Source {
    ApigeeDeployments,
    ApigeeEnvironments,
    ApigeeIssues,
    ApigeeOrganizations,
    ApigeeRouteConfigs,
    ApigeeRoutes,
    /// cert-manager's.
    Certificates,
    EndpointSlices,
    Events,
    /// Everything through a port-forward to the ingress pods: handshakes and Envoy's admin interface.
    Handshakes,
    Logs,
    MeshConfig,
    MutatingWebhooks,
    Nodes,
    Pods,
    SecretNames,
    Services,
    /// The Secrets that routes name.
    TlsSecrets,
    ValidatingWebhooks,
}

impl Source {
    /// Name in the plan, the manifest of a bundle and the comments of `rbac`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApigeeDeployments => "apigeedeployments",
            Self::ApigeeEnvironments => "apigeeenvironments",
            Self::ApigeeIssues => "apigeeissues",
            Self::ApigeeOrganizations => "apigeeorganizations",
            Self::ApigeeRouteConfigs => "apigeerouteconfigs",
            Self::ApigeeRoutes => "apigeeroutes",
            Self::Certificates => "certificates",
            Self::EndpointSlices => "endpointslices",
            Self::Events => "events",
            Self::Handshakes => "handshakes",
            Self::Logs => "logs",
            Self::MeshConfig => "mesh-config",
            Self::MutatingWebhooks => "mutating-webhooks",
            Self::Nodes => "nodes",
            Self::Pods => "pods",
            Self::SecretNames => "secret-names",
            Self::Services => "services",
            Self::TlsSecrets => "tls-secrets",
            Self::ValidatingWebhooks => "validating-webhooks",
        }
    }
}
