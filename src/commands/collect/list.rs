//! `collect --list`: what would be asked for with these flags, why, from where, by which right, and how much of it.

use crate::bundle::manifest::PlannedItem;
use crate::cli::{CollectArgs, KeptLogs, ProbePlace};
use crate::gather::plan::{Item, PLAN, Source};

/// The plan, for a person.
pub(super) fn list(args: &CollectArgs) -> String {
    let mut text = String::new();
    let mut line = |name: &str, lines: &[String]| {
        for (i, line) in lines.iter().enumerate() {
            text += &format!("{:22} {line}\n", if i == 0 { name } else { "" });
        }
    };
    for name in &args.evidence.overrides {
        line("overrides.yaml", &[format!("-f {name}, less its secrets; 01-overrides/")]);
    }
    if args.evidence.overrides.is_empty() {
        line("overrides.yaml", &["not given: -f overrides.yaml".into()]);
    }
    for item in PLAN.iter().filter(|item| is_asked(item, args)) {
        let needs: Vec<String> =
            item.needs().iter().map(|right| format!("{} {}", right.verb, right.resource)).collect();
        let from = format!("{}; {}/", planned(item).origin, item.folder);
        line(item.name, &[item.why.into(), from, format!("needs {}", needs.join(", ")), limit(item, args)]);
    }
    for name in &args.evidence.access_logs {
        line("logs", &[format!("--access-log {name}; 05-logs/given/")]);
    }
    for name in &args.captures {
        let fate = if args.redact.is_empty() { "secrets in its packets masked" } else { "withheld: --redact" };
        line("captures", &[format!("--pcap {name}, {fate}; 09-captures/")]);
    }
    line("never", &["values of Secrets, private keys, tokens, passwords, environment values that look secret".into()]);
    text
}

/// What the manifest says was planned.
pub(super) fn planned(item: &Item) -> PlannedItem {
    let origin = match item.source {
        Source::Objects(objects) => match objects.name {
            Some(name) => format!("GET {}/{name}", objects.resource),
            None => format!("GET {}", objects.resource),
        },
        Source::Logs => "GET pods/log".into(),
        Source::Secrets => "GET secrets that routes name".into(),
        Source::PortForward => "pods/portforward: handshakes, Envoy's admin interface".into(),
    };
    PlannedItem { item: item.name.into(), origin, why: item.why.into() }
}

fn is_asked(item: &Item, args: &CollectArgs) -> bool {
    item.source != Source::PortForward || args.evidence.probe.contains(&ProbePlace::Pods)
}

/// How much of it is kept.
fn limit(item: &Item, args: &CollectArgs) -> String {
    match item.source {
        Source::Objects(objects) if objects.name.is_some() => "limit: the one object".into(),
        Source::Objects(_) if item.name == "events" => "limit: all, in one file".into(),
        Source::Objects(_) => "limit: all, each in a file of its own".into(),
        Source::Logs => match args.kept_logs {
            KeptLogs::Full => "limit: all of each log (--logs full)".into(),
            KeptLogs::Window => format!(
                "limit: beginning, end and what matters, of that {} bytes of each container (--logs, --log-limit)",
                args.log_limit
            ),
            KeptLogs::None => "limit: counts alone (--logs none)".into(),
        },
        Source::Secrets => "limit: certificates, and whether the key fits".into(),
        Source::PortForward => "limit: listeners, certificates and counters; 50 hostnames".into(),
    }
}
