//! AT417: the certificate file of a virtual host differs from the Secret of its environment group.

use crate::checks::facts::stored::{self, JudgementBuilder, ObjectJudgement};
use crate::checks::facts::{self, chain, probed};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object};
use crate::evidence::Evidence;
use crate::evidence::certificate::Certificate;
use crate::evidence::hybrid::RouteConfig;
use crate::evidence::overrides::{Overrides, OverridesFile, OverridesPlace, Positioned, VirtualHost};
use crate::evidence::stored::StoredIn;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT417"),
    name: "certificate-file-undeployed",
    level: Level::Warning,
    summary: "The certificate file of a virtual host differs from the certificate in the cluster",
    explanation: Explanation {
        looks_for: "The first certificate of the file that sslCertPath of a virtual host names, if the file \
            is on this machine. It is compared by fingerprint with the first certificate in the Secret of \
            the ApigeeRouteConfig.",
        matters: "If the file is newer, helm upgrade has not been run, and clients still get the old \
            certificate. If the file is not the one that was deployed, the next helm upgrade replaces the \
            present certificate with an old or foreign one.",
        fix: "Compare the dates and names of both. If the file is right, run helm upgrade for the \
            environment group. If the Secret is right, correct the file or sslCertPath.",
    },
    reference: "Apigee hybrid \"Configuring TLS and mTLS on the ingress gateway\": sslCertPath becomes the \
        Secret of the environment group",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let hosts = facts::virtual_hosts(evidence)?;
    let mut builder = JudgementBuilder::default();
    for (file, content, host) in hosts {
        // With sslSecret the chart does not read the file (AT317).
        if host.ssl_secret.is_some() {
            continue;
        }
        if let Some(path) = host.ssl_cert_path.as_ref().filter(|path| !path.value.is_empty()) {
            builder.add(judge_host(evidence, file, content, host, path));
        }
    }
    if let Err(why) = facts::whole_overrides(evidence) {
        builder.add(Err(why));
    }
    let nothing = "no virtual host has a certificate file and a Secret to compare it with";
    builder.without_unrequested().judgement("the certificate files match the Secrets", nothing)
}

fn judge_host(
    evidence: &Evidence,
    file: &OverridesFile,
    content: &Overrides,
    host: &VirtualHost,
    path: &Positioned<String>,
) -> ObjectJudgement {
    let configs = &evidence.route_configs.seen()?.items;
    let Some(config) = configs.iter().find(|config| facts::renders(content, host, &config.name)) else {
        return Ok(None);
    };
    let Some(local) = leaf_of_file(evidence, file, path)? else { return Ok(None) };
    let name = secret_of(config);
    let Some(deployed) = stored::secret_content(evidence, name)?.and_then(|content| content.certificates.first())
    else {
        return Ok(None);
    };
    if local.fingerprint == deployed.fingerprint {
        return Ok(Some(Vec::new()));
    }
    let describe = |leaf: &Certificate| {
        format!("{} ({})", chain::subject_and_serial(leaf), probed::short_fingerprint(&leaf.fingerprint))
    };
    let newer = if local.not_before > deployed.not_before { "the file" } else { "the Secret" };
    Ok(Some(vec![Finding::new(
        Object::overrides(file),
        Location::overrides(file, path.place),
        format!(
            "{} contains {}, but Secret {name} contains {}: either helm upgrade is pending for {}, or the file is \
             not the one that was deployed; {newer} has the newer certificate",
            path.value,
            describe(local),
            describe(deployed),
            facts::host_name(host)
        ),
        describe(local),
        describe(deployed),
    )]))
}

/// Returns the Secret of the environment group. By default it has the name of the group.
fn secret_of(config: &RouteConfig) -> &str {
    config.secret_name.as_deref().unwrap_or(&config.name)
}

/// Returns the first certificate of the file; `None` if it has none, which AT418 reports.
fn leaf_of_file<'a>(
    evidence: &'a Evidence,
    file: &OverridesFile,
    path: &Positioned<String>,
) -> Result<Option<&'a Certificate>, crate::evidence::Unavailable> {
    let place = OverridesPlace::new(file, path.place);
    let stored = evidence.stored_certificates.seen()?.iter().find(|stored| match &stored.origin {
        StoredIn::File { named_at, .. } => *named_at == place,
        StoredIn::Secret { .. } => false,
    });
    match stored {
        Some(stored) => Ok(stored.content.seen()?.certificates.first()),
        None => Ok(None),
    }
}
