//! AT325: the chart cannot read a certificate path of a virtual host.

use super::judge_all_hosts;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::Positioned;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT325"),
    name: "certificate-path-outside-chart",
    level: Level::Warning,
    summary: "The chart cannot read a certificate path of a virtual host",
    explanation: Explanation {
        looks_for: "sslCertPath, sslKeyPath and caCertPath of a virtual host without sslSecret: absolute \
            paths, paths that lead out of their folder (../ or ~), and other spellings than the one of the \
            chart, such as certs//FILE, certs/./FILE, certs\\FILE and apigee-virtualhost/certs/FILE.",
        matters: "The chart removes one ./ in front and looks for exactly this path among the files of its \
            own folder apigee-virtualhost. helm upgrade stops: the file is either empty or unreachable.",
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
        let judge = |name: &str, path: &Positioned<String>| {
            let Some(why) = unreadable(&host.filled(path)?.value) else { return Ok(None) };
            Ok(Some(host.finding(
                path.place,
                format!("virtual host {} has {name} {}: {why}, which the chart cannot read", host.name(), path.value),
                path.value.clone(),
                "a path below apigee-virtualhost, such as certs/FILE",
            )))
        };
        paths.filter_map(|(name, path)| judge(name, path?).transpose()).collect()
    })
}

/// Returns why the chart cannot read the path, if that is known. Helm has the files of the chart by their
/// paths with single slashes, and compares the text.
fn unreadable(path: &str) -> Option<&'static str> {
    let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    let parts = || path.strip_prefix("./").unwrap_or(path).split('/');
    if path.starts_with(['/', '\\']) || drive {
        Some("an absolute path")
    } else if path.starts_with('~') {
        Some("a path in a home folder")
    } else if leaves_folder(path) {
        Some("a path outside its folder")
    } else if path.contains('\\') {
        Some("a path with a backslash")
    } else if parts().any(|part| part == "..") {
        Some("a path with ../")
    } else if parts().any(|part| part == ".") {
        Some("a path with ./ inside")
    } else if parts().any(str::is_empty) {
        Some("a path with an empty part")
    } else if path.strip_prefix("./").unwrap_or(path).starts_with("apigee-virtualhost/") {
        Some("a path with the folder of the chart in front")
    } else {
        None
    }
}

/// Returns whether the parts of the path lead above its folder.
fn leaves_folder(path: &str) -> bool {
    let mut depth = 0_i32;
    path.split(['/', '\\']).any(|part| {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        depth < 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_paths_of_the_chart_are_read() {
        for path in ["a.crt", "certs/a.crt", "./certs/a.crt", "certs/..a/a.crt", ".certs/a", "certs/a b.crt"] {
            assert_eq!(unreadable(path), None, "{path}");
        }
        for (path, why) in [
            ("/etc/a.crt", "an absolute path"),
            ("C:\\certs\\a.key", "an absolute path"),
            ("~/a.crt", "a path in a home folder"),
            ("../certs/a.key", "a path outside its folder"),
            ("certs/../../a.key", "a path outside its folder"),
            ("certs\\a.crt", "a path with a backslash"),
            ("certs/../certs/a.crt", "a path with ../"),
            ("certs/./a.key", "a path with ./ inside"),
            ("././certs/a.crt", "a path with ./ inside"),
            ("certs//a.key", "a path with an empty part"),
            ("apigee-virtualhost/certs/a.key", "a path with the folder of the chart in front"),
        ] {
            assert_eq!(unreadable(path), Some(why), "{path}");
        }
    }
}
