//! The sources that a run can request, by name.
//!
//! Each [`Part`](super::part::Part) lists the sources it is made from. `plan` holds for each source the
//! reason for the request, its folder in the bundle and the right it needs.

/// One source.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Source {
    ApigeeDeployments,
    ApigeeEnvironments,
    ApigeeIssues,
    ApigeeOrganizations,
    ApigeeRouteConfigs,
    ApigeeRoutes,
    /// Certificates of cert-manager.
    Certificates,
    EndpointSlices,
    Events,
    /// Data read through a port-forward to the ingress pods: handshakes and Envoy's admin interface.
    Handshakes,
    Logs,
    MeshConfig,
    MutatingWebhooks,
    Nodes,
    Pods,
    SecretNames,
    Services,
    /// The Secrets that routes reference.
    TlsSecrets,
    ValidatingWebhooks,
}

impl Source {
    /// Returns the name used in the plan, the manifest of a bundle and the comments of `rbac`.
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
