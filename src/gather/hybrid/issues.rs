//! Reads the problems that Apigee itself has found: ApigeeIssues.

use serde_json::Value;

use crate::evidence::Unavailable;
use crate::evidence::hybrid::ApigeeIssue;
use crate::gather::hybrid::routes::custom_resources;
use crate::gather::kubernetes::api::Api;
use crate::gather::kubernetes::discovery::Resource;
use crate::gather::kubernetes::json;

/// Lists all ApigeeIssues of the namespace, sorted by name.
pub(in crate::gather) async fn issues(
    api: &Api,
    resource: Resource,
    namespace: &str,
) -> Result<Vec<ApigeeIssue>, Unavailable> {
    let mut issues = custom_resources(api, &resource, namespace, "ApigeeIssues", issue).await?;
    issues.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(issues)
}

fn issue(object: &Value) -> ApigeeIssue {
    ApigeeIssue {
        name: json::text(object, &["metadata", "name"]).unwrap_or_default(),
        severity: field(object, "severity"),
        reason: field(object, "reason").or_else(|| json::text(object, &["metadata", "labels", "ais-reason"])),
        details: field(object, "details"),
        documentation: field(object, "documentation"),
    }
}

/// Returns a field of the spec. The documentation has the keys with a capital letter, samples without; both
/// are accepted.
fn field(object: &Value, name: &str) -> Option<String> {
    let spec = json::at(object, &["spec"])?.as_object()?;
    let (_, value) = spec.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    json::scalar(value, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn keys_are_found_in_either_spelling() {
        let found = issue(&json!({
            "metadata": {"name": "ingress-cert-expired-x", "labels": {"ais-reason": "AIS_INGRESS_CERT_EXPIREY"}},
            "spec": {"Details": "expired", "documentation": "https://example.com", "Severity": "HIGH"},
        }));
        assert_eq!(found.reason.as_deref(), Some("AIS_INGRESS_CERT_EXPIREY"));
        assert_eq!(found.details.as_deref(), Some("expired"));
        assert_eq!(found.documentation.as_deref(), Some("https://example.com"));
        assert_eq!(found.severity.as_deref(), Some("HIGH"));
        assert_eq!(issue(&json!({"spec": [], "metadata": 1})), ApigeeIssue::default());
    }
}
