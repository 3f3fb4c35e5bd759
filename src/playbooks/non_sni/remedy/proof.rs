//! The check after the other steps, by a way that works from this machine; and steps for clients where the
//! gateway needs no change.

use std::collections::BTreeSet;

use super::{Planned, is_of_captures};
use crate::checks::{codes, facts};
use crate::evidence::hybrid::selects;
use crate::evidence::{Evidence, LogOrigin};
use crate::text::some_of;
use crate::verdict::{Cause, Purpose, RemedyStep, Target, Verdict, shell_word as word};

/// Returns the check that the cures worked; `None` if there is none. It goes through the API server to the
/// pods, so that neither DNS nor a load balancer is needed.
pub(super) fn check(evidence: &Evidence, target: &Target, verdict: &Verdict, steps: &[Planned]) -> Option<Planned> {
    let cures: Vec<&Planned> = steps.iter().filter(|planned| planned.step.purpose == Purpose::Cure).collect();
    if cures.is_empty() {
        return None;
    }
    let (title, paste, good, note) = if cures.iter().any(|planned| planned.opens_gateway()) {
        let pods = pods_of_gateway(evidence);
        let served = match pods {
            0 => "\"without SNI: served\" at every pod".to_owned(),
            pods => format!("\"without SNI: served at {pods} of {pods} pods\""),
        };
        // A handshake alone is served before an environment group lists the route.
        let good = format!("{served}, and no {}", codes::WILDCARD_ROUTE_UNATTACHED);
        let paste = target.tool("diagnose", "--expect non-sni --since 2m");
        let note = "A request that gets 404 for a base path that exists means that its environment group does not list the \
            wildcard route.";
        ("Check that it worked", paste, good, Some(note.to_owned()))
    } else if let Some(name) = reset_name(evidence, verdict) {
        let paste = target.tool("diagnose", &format!("--probe-host {} --since 2m", word(name)));
        ("Check that the server name is accepted", paste, format!("{name} served by every pod"), None)
    } else {
        let mut fixed: Vec<String> = cures.iter().flat_map(|planned| &planned.cures).map(ToString::to_string).collect();
        fixed.sort();
        fixed.dedup();
        if fixed.is_empty() {
            return None;
        }
        let good = format!("a report without {}", fixed.join(", "));
        let files = super::all_files(evidence);
        let again = match (evidence.question.is_offline(), evidence.overrides.is_empty()) {
            (true, _) => format!("kubectl apigee-tls diagnose --offline {}", offline_inputs(evidence)),
            (false, true) => target.tool("diagnose", "--since 2m"),
            (false, false) => target.tool("diagnose", &format!("{files} --since 2m")),
        };
        let is_captured = |planned: &&&Planned| is_of_captures(&planned.cures);
        match cures.iter().filter(is_captured).count() {
            0 if again.ends_with("NEW.log") => ("Check with a new log that it worked", again, good, None),
            0 => ("Check that it worked", again, good, None),
            all if all == cures.len() => {
                ("Capture again, and check that it worked", "kubectl apigee-tls pcap NEW.pcap".into(), good, None)
            }
            _ => ("Capture again, and check that it worked", format!("{again} --pcap NEW.pcap"), good, None),
        }
    };
    let step = RemedyStep {
        title: title.into(),
        purpose: Purpose::Check,
        paste: Some(paste),
        good: Some(good),
        note,
        ..RemedyStep::default()
    };
    Some(Planned::new(step, Vec::new()))
}

/// The flags that give the same files again. A log that shows the fault shows it for ever: a new one is
/// needed.
fn offline_inputs(evidence: &Evidence) -> String {
    let log = facts::logs(evidence).next().map(|_| "--access-log NEW.log".to_owned());
    let inputs: Vec<String> = objects_and_overrides(evidence).chain(log).collect();
    if inputs.is_empty() { super::all_files(evidence) } else { inputs.join(" ") }
}

/// The flags that give all files of the run again. Standard input cannot be read again: it has a usual name.
pub(in crate::playbooks::non_sni) fn same_inputs(evidence: &Evidence) -> String {
    let logs = evidence.access_logs.iter().filter_map(|stream| match &stream.origin {
        LogOrigin::File(name) => Some(format!("--access-log {}", path(name, "gateway.log"))),
        // Its address is not part of the evidence.
        LogOrigin::Store(_) => Some("--log-store STORE".to_owned()),
        LogOrigin::Container { .. } => None,
    });
    let captures = evidence.captures.iter().flat_map(|capture| &capture.files);
    let captures = captures.map(|file| format!("--pcap {}", path(&file.name, "gateway.pcap")));
    objects_and_overrides(evidence).chain(logs).chain(captures).collect::<Vec<_>>().join(" ")
}

fn objects_and_overrides(evidence: &Evidence) -> impl Iterator<Item = String> {
    let overrides = evidence.overrides.iter().map(|file| format!("-f {}", super::groups::path(file)));
    let manifests = evidence.manifests.iter().map(|file| format!("-f {}", path(&file.name, "objects.yaml")));
    manifests.chain(overrides)
}

fn path(name: &str, usual: &str) -> String {
    if name == "-" { usual.to_owned() } else { word(name) }
}

/// Number of ingress pods that the wildcard routes select, or all where there is none.
fn pods_of_gateway(evidence: &Evidence) -> usize {
    let pods = facts::pods(evidence).unwrap_or_default();
    let wildcards = facts::wildcards(evidence).unwrap_or_default();
    let selected = pods.iter().filter(|pod| wildcards.iter().any(|route| selects(&route.selector, &pod.labels)));
    match selected.count() {
        0 => pods.len(),
        some => some,
    }
}

/// A server name of a route that was reset, where that is a cause.
fn reset_name<'a>(evidence: &'a Evidence, verdict: &Verdict) -> Option<&'a str> {
    let is_cause = |cause: &Cause| cause.symptom == Some(codes::DECLARED_SERVER_NAME_RESET);
    if !verdict.causes.iter().any(is_cause) {
        return None;
    }
    let routes = facts::routes(evidence).ok()?;
    let mut names = facts::reset_names(evidence).into_keys();
    names.find(|name| routes.iter().any(|route| facts::declares(route, name)))
}

/// The step where clients do not speak TLS: the gateway needs no change.
pub(super) fn without_tls(evidence: &Evidence, target: &Target) -> Planned {
    let clients: BTreeSet<&str> =
        facts::logs(evidence).flat_map(|(_, log)| log.reset_without_sni.clients.keys().map(String::as_str)).collect();
    let clients: Vec<&str> = clients.into_iter().collect();
    let step = RemedyStep {
        title: format!("Let these clients speak TLS to the gateway's port: {}", some_of(&clients)),
        paste: Some(target.kubectl("get 'pods,nodes,services' --all-namespaces -o wide")),
        note: Some(
            "http:// instead of https://, a health check by HTTP, or a load balancer that puts a PROXY-protocol header in \
             front. A wildcard route does not help them: they would be refused in the handshake instead. The command \
             shows whether an address belongs to this cluster."
                .into(),
        ),
        good: Some("no reset from these addresses".into()),
        ..RemedyStep::default()
    };
    Planned::new(step, Vec::new())
}

/// The step where clients resolve a name to another gateway.
pub(super) fn elsewhere(cause: &Cause, target: &Target) -> Planned {
    let step = RemedyStep {
        title: format!("Correct the address or the gateway of the name: {}", cause.statement),
        paste: Some(target.kubectl_in_namespace("get services -o wide")),
        note: Some(
            "Correct the address that clients resolve for this name; or, where it is meant to be served there, the \
             selector of the virtual host in overrides.yaml, and run helm upgrade."
                .into(),
        ),
        good: Some("clients resolve the name to the Service of its own gateway".into()),
        ..RemedyStep::default()
    };
    Planned::new(step, Vec::new())
}
