//! AT325: the chart cannot read a certificate path of a virtual host.

use super::judge_all_hosts;
use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT325"),
    name: "certificate-path-outside-chart",
    level: Level::Warning,
    summary: "The chart cannot read a certificate path of a virtual host",
    explanation: Explanation {
        looks_for: "sslCertPath, sslKeyPath and caCertPath of a virtual host without sslSecret: absolute \
            paths, and paths that lead out of their folder (../ or ~).",
        matters: "The chart reads files of its own folder apigee-virtualhost only. helm upgrade stops: the \
            file is either empty or unreachable.",
        fix: "Copy the file into the folder apigee-virtualhost, such as apigee-virtualhost/certs, and \
            write the path relative to apigee-virtualhost: certs/FILE.",
    },
    reference: "Chart apigee-virtualhost, tryFileContent.get; Helm \".Files.Get\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_all_hosts(evidence, "every certificate path is below the folder of the chart", |host| {
        let paths = [
            ("sslCertPath", host.entry.ssl_cert_path.as_ref()),
            ("sslKeyPath", host.entry.ssl_key_path.as_ref()),
            ("caCertPath", host.settings.ca_cert_path.as_ref()),
        ];
        let paths = paths.into_iter().filter(|_| host.entry.ssl_secret.is_none());
        let outside = paths.filter_map(|(name, path)| Some((name, path?))).filter_map(|(name, path)| {
            let why = outside(&path.value).filter(|_| facts::is_filled(path))?;
            Some(host.finding(
                path.place,
                format!("virtual host {} has {name} {}: {why}, which the chart cannot read", host.name(), path.value),
                path.value.clone(),
                "a path below apigee-virtualhost, such as certs/FILE",
            ))
        });
        outside.collect()
    })
}

/// Returns what leads the path out of the folder of the chart, if anything does.
fn outside(path: &str) -> Option<&'static str> {
    let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    if path.starts_with(['/', '\\']) || drive {
        Some("an absolute path")
    } else if path.starts_with('~') {
        Some("a path in a home folder")
    } else if path.split(['/', '\\']).any(|part| part == "..") {
        Some("a path outside its folder")
    } else {
        None
    }
}
