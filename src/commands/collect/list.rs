//! `collect --list`: prints what a run with these flags would request, why, from where, with which right, and
//! how much of it.

use super::bundle_sink::OVERRIDES;
use crate::bundle::manifest::PlannedItem;
use crate::cli::{CollectArgs, KeptLogs, ProbePlace};
use crate::evidence::Source;
use crate::plan::{Item, Origin, PLAN, folder};

/// Returns the plan as text for a person.
pub(super) fn list(args: &CollectArgs) -> String {
    let mut text = String::new();
    let mut line = |name: &str, lines: &[String]| {
        for (i, line) in lines.iter().enumerate() {
            text += &format!("{:22} {line}\n", if i == 0 { name } else { "" });
        }
    };
    for name in &args.evidence.overrides {
        line(OVERRIDES, &[format!("-f {name}, with secrets redacted; {}/", folder::OVERRIDES)]);
    }
    if args.evidence.overrides.is_empty() {
        line(OVERRIDES, &["not given: -f overrides.yaml".into()]);
    }
    for item in PLAN.iter().filter(|item| is_requested(item, args)) {
        let needs: Vec<String> =
            item.needs().iter().map(|right| format!("{} {}", right.verb, right.resource)).collect();
        let from = format!("{}; {}/", PlannedItem::from(item).origin, item.path());
        line(item.name(), &[item.why.into(), from, format!("needs {}", needs.join(", ")), limit(item, args)]);
    }
    for name in &args.evidence.access_logs {
        line(Source::Logs.name(), &[format!("--access-log {name}; {}/given/", folder::LOGS)]);
    }
    for name in &args.captures {
        let fate = if args.pseudonyms.redact.is_empty() { "secrets in packets masked" } else { "withheld: --redact" };
        line("captures", &[format!("--pcap {name}, {fate}; {}/", folder::CAPTURES)]);
    }
    line("never", &["values of Secrets, private keys, tokens, passwords, environment values that look secret".into()]);
    text
}

fn is_requested(item: &Item, args: &CollectArgs) -> bool {
    item.origin != Origin::PortForward || args.evidence.probing.probe.contains(&ProbePlace::Pods)
}

/// Returns how much of an item is kept.
fn limit(item: &Item, args: &CollectArgs) -> String {
    match item.origin {
        Origin::Objects(objects) if objects.name.is_some() => "limit: this object".into(),
        Origin::Objects(_) if item.source == Source::Events => "limit: all, in one file".into(),
        Origin::Objects(_) => "limit: all, one file each".into(),
        Origin::Logs => match args.kept_logs {
            KeptLogs::Full => "limit: all of each log (--logs full)".into(),
            KeptLogs::Window => format!(
                "limit: beginning, end, and {} bytes of relevant lines per container (--logs, --log-limit)",
                args.log_limit
            ),
            KeptLogs::None => "limit: counts only (--logs none)".into(),
        },
        Origin::Secrets => "limit: certificates, and whether the key matches".into(),
        Origin::PortForward => "limit: listeners, certificates and counters; 50 hostnames".into(),
    }
}
