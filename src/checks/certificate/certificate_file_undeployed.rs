//! AT417: the certificate file of a virtual host is not what the Secret of its environment group holds.

use crate::checks::facts::stored::{self, Said, Settled};
use crate::checks::facts::{self, chain, probed};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Step};
use crate::evidence::Evidence;
use crate::evidence::certificate::Certificate;
use crate::evidence::cluster::RouteConfig;
use crate::evidence::overrides::{Overrides, OverridesFile, Placed, VirtualHost};
use crate::evidence::stored::StoredIn;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT417"),
    name: "certificate-file-undeployed",
    level: Level::Warning,
    step: Step::Overrides,
    summary: "The certificate file of a virtual host is not the one in the cluster",
    explanation: Explanation {
        looks_for: "The first certificate of the file that sslCertPath of a virtual host names, where the file is on \
            this machine, against the first one of the Secret of its ApigeeRouteConfig, by fingerprint.",
        matters: "Either the file is the new one and helm upgrade has not been run; then clients still get the old \
            one. Or the file is not what was deployed; then the next helm upgrade puts an old or foreign certificate \
            in the place of the present one.",
        fix: "Compare dates and names of both. If the file is right, run helm upgrade for the environment group; if \
            the Secret is, correct the file or sslCertPath.",
    },
    reference: "Apigee hybrid \"Configuring TLS and mTLS on the ingress gateway\": sslCertPath becomes the Secret of the environment group",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let hosts = facts::virtual_hosts(evidence)?;
    let mut settled = Settled::default();
    for (file, content, host) in hosts {
        if let Some(path) = host.ssl_cert_path.as_ref().filter(|path| !path.value.is_empty()) {
            settled.add(say(evidence, file, content, host, path));
        }
    }
    let nothing = "no virtual host has a certificate file and a Secret to compare it with";
    settled.without_unasked().judgement("the certificate files are those that the Secrets hold", nothing)
}

fn say(
    evidence: &Evidence,
    file: &OverridesFile,
    content: &Overrides,
    host: &VirtualHost,
    path: &Placed<String>,
) -> Said {
    let configs = &evidence.route_configs.seen()?.items;
    let Some(config) = configs.iter().find(|config| facts::renders(content, host, &config.name)) else {
        return Ok(None);
    };
    let Some(local) = leaf_of_file(evidence, file, path)? else { return Ok(None) };
    let name = secret_of(config);
    let Some(deployed) = stored::content(evidence, name)?.and_then(|content| content.certificates.first()) else {
        return Ok(None);
    };
    if local.fingerprint == deployed.fingerprint {
        return Ok(Some(Vec::new()));
    }
    let told = |leaf: &Certificate| format!("{} ({})", chain::called(leaf), probed::short(&leaf.fingerprint));
    let newer = if local.not_before > deployed.not_before { "the file" } else { "the Secret" };
    Ok(Some(vec![Finding::new(
        Object::overrides(file),
        Location::overrides(file, path.place),
        format!(
            "{} holds {}, and Secret {name} holds {}: helm upgrade is pending for {}, or the file is not the one that was \
             deployed; {newer} has the newer one",
            path.value,
            told(local),
            told(deployed),
            facts::host_name(host)
        ),
        told(local),
        told(deployed),
    )]))
}

/// The Secret of the environment group, which has its name unless another one is given.
fn secret_of(config: &RouteConfig) -> &str {
    config.secret_name.as_deref().unwrap_or(&config.name)
}

/// The first certificate in the file; absent where it has none, which is AT418's.
fn leaf_of_file<'a>(
    evidence: &'a Evidence,
    file: &OverridesFile,
    path: &Placed<String>,
) -> Result<Option<&'a Certificate>, crate::evidence::Unavailable> {
    let place = format!("{}:{}", file.name, path.place);
    let stored = evidence.stored_certificates.seen()?.iter().find(|stored| match &stored.origin {
        StoredIn::File { named_at, .. } => *named_at == place,
        StoredIn::Secret { .. } => false,
    });
    match stored {
        Some(stored) => Ok(stored.content.seen()?.certificates.first()),
        None => Ok(None),
    }
}
