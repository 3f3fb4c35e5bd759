//! The playbook's steps in its order, each with what was looked at and seen.

mod probes;

use std::collections::BTreeSet;

use super::{Mark, StepReport, StepState};
use crate::checks::facts;
use crate::checks::{CheckResult, Outcome, Step};
use crate::evidence::access_log::Tally;
use crate::evidence::{AccessLog, Evidence, LogOrigin, Unavailable};
use crate::text::{count, moment, quoted_list, some_of};
use crate::verdict::{capture, is_unknown};

/// Clients that the text shows; the evidence holds them all.
const TOP_CLIENTS: usize = 5;

/// Logs whose window the text shows; beyond that it counts them.
const TOP_WINDOWS: usize = 4;

/// Routes that a step names; beyond that it counts them.
const TOP_ROUTES: usize = 8;

/// Every step, numbered.
pub(super) fn of(evidence: &Evidence, selected: &[CheckResult]) -> Vec<StepReport> {
    let steps: [(Step, &str, Told); 10] = [
        (Step::Pods, "Ingress pods", pods(evidence)),
        (Step::AccessLogs, "Access logs", access_logs(evidence)),
        (Step::Capture, "Packet capture", Ok(Lines::not_done(capture(evidence).command))),
        (Step::Probe, "Handshake probe", probes::of(evidence)),
        (Step::Routes, "Routes", routes(evidence)),
        (Step::Wildcard, "Wildcard route", wildcard(evidence)),
        (Step::NonSniFlag, "enableNonSniClient", flag(evidence)),
        (Step::Overrides, "overrides.yaml", overrides(evidence)),
        (Step::AdditionalGateways, "additionalGateways", additional_gateways(evidence)),
        (Step::Platform, "Platform", platform(evidence)),
    ];
    steps
        .into_iter()
        .zip(1..)
        .map(|((step, title, told), number)| {
            let checks: Vec<&CheckResult> = selected.iter().filter(|result| result.check.step == step).collect();
            let marks: Vec<Mark> = checks.iter().flat_map(|result| marks(result)).collect();
            let (state, lines) = match told {
                Ok(lines) if lines.not_done => (StepState::NotDone, lines),
                Ok(lines) if !marks.is_empty() => (StepState::Found, lines),
                Ok(lines) if checks.iter().any(|result| is_unknown(result)) => (StepState::Unknown, lines),
                Ok(lines) if checks.iter().all(|result| !matches!(result.judgement, Ok(Outcome::Passed(_)))) => {
                    (StepState::NotApplicable, lines)
                }
                Ok(lines) => (StepState::Passed, lines),
                Err(why) => {
                    let asked = !matches!(why.reason, crate::evidence::Reason::NotRequested(_));
                    let state = if !marks.is_empty() {
                        StepState::Found
                    } else if asked {
                        StepState::Unknown
                    } else {
                        StepState::NotApplicable
                    };
                    // The title names the file already.
                    let seen = if step == Step::Overrides { why.reason.to_string() } else { why.to_string() };
                    (state, Lines { seen, ..Lines::default() })
                }
            };
            let mut details = lines.details;
            details.extend(unknowns(&checks, &lines.seen));
            StepReport {
                number,
                step,
                title: title.to_owned(),
                state,
                seen: lines.seen,
                details,
                wide: lines.wide,
                marks,
            }
        })
        .collect()
}

type Told = Result<Lines, Unavailable>;

#[derive(Default)]
struct Lines {
    seen: String,
    details: Vec<String>,
    wide: Vec<String>,
    not_done: bool,
}

impl Lines {
    fn not_done(command: String) -> Self {
        Self { seen: "not done; by hand:".into(), details: vec![command], not_done: true, ..Self::default() }
    }
}

fn marks(result: &CheckResult) -> Vec<Mark> {
    result
        .findings()
        .iter()
        .map(|finding| Mark { code: result.check.code, level: result.check.level, message: finding.message.clone() })
        .collect()
}

/// Why checks of this step could not judge, each reason once; not again where the step's own line gives it.
fn unknowns(checks: &[&CheckResult], seen: &str) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for result in checks.iter().filter(|result| is_unknown(result)) {
        let Err(why) = &result.judgement else { continue };
        let why = why.to_string();
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, codes)) => codes.push(result.check.code.as_str()),
            None => reasons.push((why, vec![result.check.code.as_str()])),
        }
    }
    reasons
        .into_iter()
        .map(|(why, codes)| match codes.join(", ") {
            codes if why == seen => format!("unknown: {codes}"),
            codes => format!("unknown: {codes}: {why}"),
        })
        .collect()
}

fn pods(evidence: &Evidence) -> Told {
    let pods = facts::pods(evidence)?;
    let running = pods.iter().filter(|pod| pod.is_running()).count();
    let internal = evidence.pods.seen()?.len() - pods.len();
    let mut details: Vec<String> = Vec::new();
    if internal > 0 {
        details.push(format!("{} of internal chaining left out", count(internal as u64, "pod")));
    }
    let wide: Vec<String> = pods
        .iter()
        .map(|pod| {
            let ready = pod.containers.iter().filter(|container| container.ready).count();
            let restarts: u32 = pod.containers.iter().map(|container| container.restarts).sum();
            let node = pod.node.as_deref().unwrap_or("no node");
            let total = pod.containers.len();
            format!("{}  {ready}/{total} {}, {}, on {node}", pod.name, pod.phase, count(u64::from(restarts), "restart"))
        })
        .collect();
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    let seen = match running {
        _ if pods.is_empty() => format!("none matches {}", evidence.question.selector()),
        running if running == pods.len() => format!("{running} running ({})", some_of(&names)),
        running => format!("{running} of {} running ({})", pods.len(), some_of(&names)),
    };
    Ok(Lines { seen, details, wide, not_done: false })
}

fn access_logs(evidence: &Evidence) -> Told {
    let streams: Vec<_> = facts::streams(evidence).collect();
    if streams.is_empty() {
        facts::require_conclusive_logs(evidence)?;
    }
    let logs: Vec<(&LogOrigin, &AccessLog)> = facts::logs(evidence).collect();
    let records: u64 = logs.iter().map(|(_, log)| log.records).sum();
    let seen = format!(
        "{} of {} read, {}{}",
        logs.len(),
        count(streams.len() as u64, "stream"),
        count(records, "record"),
        if records > 0 { format!(" {}", facts::window(evidence)) } else { String::new() }
    );
    let mut details = windows(evidence, &logs);
    let sum = |tally: fn(&AccessLog) -> &Tally| merged(logs.iter().map(|(_, log)| tally(log)));
    let refused = sum(|log| &log.reset_without_name);
    if refused.count > 0 {
        details.push(format!(
            "{} without a server name, {}; {}",
            count(refused.count, "reset"),
            facts::from_addresses(refused.clients.len()),
            facts::moments(&refused)
        ));
        details.extend(top_clients(&refused));
    }
    let foreign = sum(|log| &log.reset_with_name);
    if foreign.count > 0 {
        let names: Vec<&str> = foreign.server_names.keys().map(String::as_str).collect();
        details.push(format!("{} with a server name: {}", count(foreign.count, "reset"), some_of(&names)));
    }
    let served = sum(|log| &log.served_without_name);
    if served.count > 0 {
        let unrouted = sum(|log| &log.unrouted_without_name).count;
        let of_them =
            if unrouted > 0 { format!("; {unrouted} of them got 404 route_not_found") } else { String::new() };
        details.push(format!(
            "{} without a server name reached HTTP: clients without SNI are accepted{of_them}",
            count(served.count, "request")
        ));
    }
    let wide = streams.iter().map(|stream| describe(&stream.origin, &stream.log)).collect();
    Ok(Lines { seen, details, wide, not_done: false })
}

/// Which window was seen of each log with records, and since when its container runs. Many logs are counted here, and
/// listed by `-o wide` alone.
fn windows(evidence: &Evidence, logs: &[(&LogOrigin, &AccessLog)]) -> Vec<String> {
    let seen: Vec<String> = logs
        .iter()
        .filter_map(|(origin, log)| {
            let (first, last) = (log.first?, log.last?);
            let started = facts::container_of(evidence, origin).and_then(|container| container.started_at);
            let since = started.map_or(String::new(), |at| format!(", running since {}", moment(at)));
            Some(format!("{origin}: {} to {}{since}", moment(first), moment(last)))
        })
        .collect();
    match seen.len() {
        // One file says no more than the line above.
        1 if matches!(logs, [(LogOrigin::File(_), _)]) => Vec::new(),
        0..=TOP_WINDOWS => seen,
        many => vec![format!("{many} logs with records; -o wide lists the window of each")],
    }
}

fn describe(origin: &LogOrigin, log: &crate::evidence::Seen<AccessLog>) -> String {
    match log.seen() {
        Err(why) => format!("{origin}: {}", why.reason),
        Ok(log) => {
            let window = match (log.first, log.last) {
                (Some(first), Some(last)) => format!(", from {} to {}", moment(first), moment(last)),
                _ => String::new(),
            };
            format!("{origin}: {}, {}{window}", count(log.lines, "line"), count(log.records, "record"))
        }
    }
}

/// All tallies as one.
fn merged<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    let mut sum = Tally::default();
    for tally in tallies {
        sum.merge(tally.clone());
    }
    sum
}

/// The clients with most resets, with their pace.
fn top_clients(tally: &Tally) -> Vec<String> {
    let mut clients: Vec<_> = tally.clients.iter().collect();
    clients.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(other.0)));
    let width = clients.iter().take(TOP_CLIENTS).map(|(client, _)| client.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = clients
        .iter()
        .take(TOP_CLIENTS)
        .map(|(client, span)| {
            let mut line = format!("  {client:width$}  {:>6}", span.count);
            if let (Some(first), Some(last)) = (span.first, span.last) {
                let minutes = last.duration_since(first).as_secs() / 60;
                if minutes >= 2 {
                    let pace = span.count / minutes.unsigned_abs();
                    line += &format!("  ~{}/min", pace.max(1));
                }
            }
            if facts::is_google_front_end(client) {
                line += "  Google load balancer or health check";
            }
            line
        })
        .collect();
    if clients.len() > TOP_CLIENTS {
        lines.push(format!("  and {} more", clients.len() - TOP_CLIENTS));
    }
    lines
}

fn routes(evidence: &Evidence) -> Told {
    let routes = facts::routes(evidence)?;
    let all = evidence.routes.seen()?;
    let group_routes = facts::group_routes(evidence)?;
    let groups: BTreeSet<&str> = group_routes.iter().map(|route| route.group()).collect();
    let hostnames: Vec<&str> = routes
        .iter()
        .flat_map(|route| &route.hostnames)
        .map(String::as_str)
        .filter(|hostname| *hostname != "*")
        .collect();
    let mut details = Vec::new();
    let internal: Vec<&str> =
        all.items.iter().filter(|route| route.is_internal_chaining()).map(|route| route.name.as_str()).collect();
    if !internal.is_empty() {
        details.push(format!("internal chaining, not for clients outside: {}", some_of(&internal)));
    }
    let wide = routes
        .iter()
        .map(|route| {
            let state = route.status.state.as_deref().unwrap_or("no state");
            let names: Vec<&str> = route.hostnames.iter().map(String::as_str).collect();
            format!("{}  {state}  {}", route.name, some_of(&names))
        })
        .collect();
    let mut seen =
        format!("{}, {}", count(routes.len() as u64, "route"), count(groups.len() as u64, "environment group"));
    if !hostnames.is_empty() {
        seen += &format!("; hostnames {}", some_of(&hostnames));
    }
    Ok(Lines { seen, details, wide, not_done: false })
}

fn wildcard(evidence: &Evidence) -> Told {
    let wildcards = facts::wildcards(evidence)?;
    let names: Vec<&str> = wildcards.iter().map(|route| route.name.as_str()).collect();
    Ok(Lines { seen: some_of(&names), ..Lines::default() })
}

fn flag(evidence: &Evidence) -> Told {
    let flags: Vec<String> = facts::wildcards(evidence)?
        .iter()
        .map(|route| {
            format!("{}: {}", route.name, route.enable_non_sni_client.map_or("absent".into(), |flag| flag.to_string()))
        })
        .collect();
    let seen = if flags.is_empty() { "there is no wildcard route to have it".into() } else { flags.join(", ") };
    Ok(Lines { seen, ..Lines::default() })
}

fn overrides(evidence: &Evidence) -> Told {
    let files = facts::overrides(evidence)?;
    let hosts: Vec<_> =
        files.iter().flat_map(|(file, content)| content.virtual_hosts.iter().map(move |host| (file, host))).collect();
    let names: Vec<&str> = files.iter().map(|(file, _)| facts::file_name(file)).collect();
    let details = hosts
        .iter()
        .take(TOP_ROUTES)
        .map(|(file, host)| {
            let gateways = quoted_list(&facts::gateway_names(host));
            format!("{}  {}  additionalGateways {gateways}", facts::place(file, host.place), facts::host_name(host))
        })
        .chain((hosts.len() > TOP_ROUTES).then(|| format!("and {} more", hosts.len() - TOP_ROUTES)))
        .collect();
    let seen = format!("{}: {}", some_of(&names), count(hosts.len() as u64, "virtual host"));
    Ok(Lines { seen, details, ..Lines::default() })
}

fn additional_gateways(evidence: &Evidence) -> Told {
    let routes = facts::group_routes(evidence)?;
    let row = |kind: &str, name: &str, gateways: &[String]| format!("{kind} {name}  {}", quoted_list(gateways));
    let mut rows: Vec<String> =
        routes.iter().map(|route| row("ApigeeRoute", &route.name, &route.additional_gateways)).collect();
    if let Ok(configs) = evidence.route_configs.seen() {
        rows.extend(
            configs.items.iter().map(|config| row("ApigeeRouteConfig", &config.name, &config.additional_gateways)),
        );
    }
    let listing = routes.iter().filter(|route| !route.additional_gateways.is_empty()).count();
    let seen = match routes.len() {
        0 => "no route of an environment group".into(),
        number => format!("listed by {listing} of {}", count(number as u64, "route")),
    };
    let (details, wide) = if rows.len() <= TOP_ROUTES { (rows, Vec::new()) } else { (Vec::new(), rows) };
    Ok(Lines { seen, details, wide, not_done: false })
}

fn platform(evidence: &Evidence) -> Told {
    let services = facts::services(evidence)?;
    let described: Vec<String> = services
        .iter()
        .map(|service| {
            let ports: Vec<String> =
                service.ports.iter().map(|port| format!("{}→{}", port.number, port.target)).collect();
            let addresses: Vec<&str> = service.addresses.iter().map(String::as_str).collect();
            let at = match service.kind.as_str() {
                _ if !addresses.is_empty() => format!(" at {}", some_of(&addresses)),
                "LoadBalancer" => " without an address".into(),
                _ => String::new(),
            };
            format!("Service {} ({}) {}{at}", service.name, service.kind, ports.join(" "))
        })
        .collect();
    let issues = evidence
        .issues
        .seen()
        .map_or_else(|why| format!("ApigeeIssues: {}", why.reason), |issues| count(issues.len() as u64, "ApigeeIssue"));
    Ok(Lines {
        seen: format!("{}, {issues}", count(services.len() as u64, "Service")),
        details: described,
        ..Lines::default()
    })
}
