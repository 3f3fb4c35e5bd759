//! Allowlist for overrides files that are not valid YAML: keeps lines whose name is documented and whose
//! value has the form of a name.
//!
//! Without a reliable structure, the context of a line is unknown, so only known-harmless names are shown; a
//! list of secret names would not be safe. The broken file is often the very fault, so withholding all of it
//! would cost the answer. Every other line becomes a mark.

use crate::redact::Redactions;
use crate::redact::rules::Rule;
use crate::redact::text::{MARK, indentation};

/// Documented names that have names below them.
const PARENTS: &[&str] = &[
    "additionalGateways",
    "ao",
    "apigeeIngressGateway",
    "args",
    "auth",
    "cassandra",
    "certManager",
    "cipherSuites",
    "defaults",
    "envs",
    "gcp",
    "hostAliases",
    "image",
    "ingressGateways",
    "istiod",
    "k8sCluster",
    "limits",
    "logger",
    "mart",
    "metrics",
    "mintTaskScheduler",
    "nodeSelector",
    "redis",
    "requests",
    "resources",
    "runtime",
    "selector",
    "serviceAccountPaths",
    "svcAnnotations",
    "synchronizer",
    "tolerations",
    "udca",
    "virtualhosts",
    "watcher",
];

/// Documented names whose value is a name, a number or a path.
const SHOWN: &[&str] = &[
    "app",
    "caCertPath",
    "contractProvider",
    "enabled",
    "enhanceProxyLimits",
    "healthCheckUserAgents",
    "hub",
    "ingress_name",
    "instanceID",
    "maxTLSProtocolVersion",
    "minTLSProtocolVersion",
    "multiOrgCluster",
    "name",
    "namespace",
    "org",
    "projectID",
    "region",
    "replicaCountMax",
    "replicaCountMin",
    "requestTimeout",
    "revision",
    "sslCertPath",
    "sslKeyPath",
    "sslSecret",
    "svcLoadBalancerIP",
    "svcType",
    "tag",
    "targetCPUUtilizationPercentage",
    "tlsMode",
];

/// Names whose list items are shown.
const LISTS: &[&str] = &["additionalGateways", "cipherSuites", "hostAliases"];

const MAX_VALUE: usize = 128;

/// Returns the text with unknown lines replaced; the number of lines is kept.
pub(super) fn redact(text: &str, redactions: &mut Redactions) -> String {
    let mut out = String::with_capacity(text.len());
    // Lines indented further than this belong to something that is not shown.
    let mut hidden: Option<usize> = None;
    let mut list = false;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let end = &whole[line.len()..];
        let indent = indentation(line.as_bytes());
        let body = line.get(indent..).unwrap_or_default().trim_end();
        if body.is_empty() || body == "---" {
            out.push_str(if line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'-')) { whole } else { end });
            continue;
        }
        let covered = hidden.is_some_and(|outer| indent > outer);
        let allowed = if covered || line.contains('#') {
            Allowed::Nothing
        } else {
            allowed(body, line[..indent].contains('-') && list)
        };
        if !covered {
            hidden = matches!(allowed, Allowed::Nothing).then_some(indent);
        }
        match allowed {
            Allowed::Line | Allowed::Parent(_) => out.push_str(line),
            Allowed::Nothing => {
                out.extend(line.chars().take_while(char::is_ascii_whitespace));
                out.push_str("# ");
                out.push_str(&String::from_utf8_lossy(MARK));
                redactions.count(Rule::NotUnderstood);
            }
        }
        if let Allowed::Parent(is_list) = allowed {
            list = is_list;
        } else if !line[..indent].contains('-') {
            list = false;
        }
        out.push_str(end);
    }
    out
}

enum Allowed {
    Line,
    /// A name without a value of its own; the flag says whether its items are shown.
    Parent(bool),
    Nothing,
}

/// Returns what may be shown of a line, given without its indentation and `-`.
fn allowed(body: &str, item: bool) -> Allowed {
    let Some((name, value)) = body.split_once(':') else {
        return if item && is_name(body) { Allowed::Line } else { Allowed::Nothing };
    };
    let (name, value) = (name.trim_end(), value.trim());
    if value.is_empty() && PARENTS.contains(&name) {
        Allowed::Parent(LISTS.contains(&name))
    } else if SHOWN.contains(&name) && is_name(value) {
        Allowed::Line
    } else {
        Allowed::Nothing
    }
}

fn is_name(value: &str) -> bool {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let inner = inner.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(inner);
    inner.len() <= MAX_VALUE && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/*-".contains(&byte))
}
