//! The steps of the playbook: which checks each has, and what each shows of the evidence.

mod capture;
mod probes;

use std::collections::BTreeSet;

use crate::checks::codes;
use crate::checks::facts::{self, HealthCheck, HealthChecks};
use crate::evidence::access_log::{Counting, StoreQuery, Tally};
use crate::evidence::hybrid::is_chart_made;
use crate::evidence::{AccessLog, Evidence, LogOrigin};
use crate::playbooks::{Covers, Step, StepKey, StepLines, StepSeen};
use crate::text::{count, moment, quoted_list, some_of};

/// Maximum number of clients that a step lists.
const TOP_CLIENTS: usize = 5;

/// Maximum number of logs whose window a step lists; more are counted.
const TOP_WINDOWS: usize = 4;

/// Maximum number of routes that a step lists; more are counted.
const TOP_ROUTES: usize = 8;

/// In the order of the playbook. The platform, which the playbook does not have, is last.
pub(super) const STEPS: &[Step] = &[
    Step {
        key: StepKey::new("pods"),
        title: "Ingress pods",
        covers: &[
            Covers::Check(codes::INGRESS_POD_MISSING),
            Covers::Check(codes::INGRESS_POD_NOT_RUNNING),
            Covers::Check(codes::INGRESS_POD_RESTARTED),
        ],
        see: pods,
        names_source: false,
    },
    Step {
        key: StepKey::new("accessLogs"),
        title: "Access logs",
        covers: &[
            Covers::Check(codes::CONNECTION_WITHOUT_SERVER_NAME_RESET),
            Covers::Check(codes::UNKNOWN_SERVER_NAME_RESET),
            Covers::Check(codes::DECLARED_SERVER_NAME_RESET),
            Covers::Check(codes::LOAD_BALANCER_RESET),
            Covers::Check(codes::HEALTH_CHECK_RESET),
            Covers::Check(codes::CLIENT_WITHOUT_SNI_UNROUTED),
            Covers::Check(codes::HOST_WITHOUT_ROUTE_ON_CONNECTION),
            Covers::Check(codes::CONNECTIONS_WITHOUT_FILTER_CHAIN_COUNTED),
            Covers::Check(codes::LOG_WINDOW_INCOMPLETE),
            Covers::Check(codes::ACCESS_LOG_UNCONFIRMED),
            Covers::Check(codes::ACCESS_LOG_OFF),
            Covers::Check(codes::ACCESS_LOG_FORMAT_UNKNOWN),
        ],
        see: access_logs,
        names_source: false,
    },
    Step {
        key: StepKey::new("capture"),
        title: "Packet capture",
        covers: &[Covers::Family("capture")],
        see: capture::of,
        names_source: false,
    },
    Step {
        key: StepKey::new("probe"),
        title: "Handshake probe",
        covers: &[Covers::Family("handshake"), Covers::Check(codes::STORED_CERTIFICATE_NOT_SERVED)],
        see: probes::of,
        names_source: false,
    },
    Step {
        key: StepKey::new("routes"),
        title: "Routes",
        covers: &[
            Covers::Check(codes::SELECTOR_WITHOUT_PODS),
            Covers::Check(codes::CREDENTIAL_NAME_MISSING),
            Covers::Check(codes::CREDENTIAL_SECRET_MISSING),
            Covers::Check(codes::ROUTE_NOT_RUNNING),
            Covers::Check(codes::ROUTE_ERROR),
            Covers::Check(codes::ENVIRONMENT_GROUP_WITHOUT_ROUTE),
            Covers::Check(codes::HOSTNAMES_MISSING),
            Covers::Check(codes::HOSTNAME_DUPLICATE),
            Covers::Check(codes::PORT_PROTOCOL_CONFLICT),
            Covers::Check(codes::ROUTE_TLS_VERSIONS_UNSERVABLE),
            Covers::Check(codes::ROUTE_OLD_TLS_VERSION_UNSERVED),
            Covers::Check(codes::ROUTE_CIPHER_SUITE_UNKNOWN),
            Covers::Check(codes::ROUTE_TLS_MODE_UNKNOWN),
            Covers::Check(codes::STORED_CERTIFICATE_ABSENT),
            Covers::Check(codes::STORED_CERTIFICATE_MALFORMED),
            Covers::Check(codes::PRIVATE_KEY_MISMATCH),
            Covers::Check(codes::PRIVATE_KEY_UNREADABLE),
            Covers::Check(codes::STORED_CERTIFICATE_EXPIRED),
            Covers::Check(codes::STORED_CERTIFICATE_NOT_YET_VALID),
            Covers::Check(codes::STORED_CERTIFICATE_EXPIRING),
            Covers::Check(codes::STORED_CERTIFICATE_NAME_MISMATCH),
            Covers::Check(codes::STORED_CHAIN_INCOMPLETE),
            Covers::Check(codes::CLIENT_AUTHORITIES_ABSENT),
            Covers::Check(codes::CLIENT_AUTHORITIES_MALFORMED),
            Covers::Check(codes::CLIENT_AUTHORITY_EXPIRED),
            Covers::Check(codes::CLIENT_AUTHORITY_EXPIRING),
            Covers::Check(codes::STORED_CHAIN_MISORDERED),
            Covers::Check(codes::STORED_KEY_UNSUPPORTED),
            Covers::Check(codes::STORED_CERTIFICATE_MUST_STAPLE),
            Covers::Check(codes::STORED_CERTIFICATE_NOT_FOR_SERVERS),
            Covers::Check(codes::ROUTE_KIND_MISSING),
        ],
        see: routes,
        names_source: false,
    },
    Step {
        key: StepKey::new("wildcard"),
        title: "Wildcard route",
        covers: &[
            Covers::Check(codes::EXPECTED_CLIENT_WITHOUT_SNI_REFUSED),
            Covers::Check(codes::SERVED_CLIENT_WITHOUT_WILDCARD),
            Covers::Check(codes::WILDCARD_ROUTE_MISSING),
            Covers::Check(codes::WILDCARD_ROUTE_DUPLICATE),
            Covers::Check(codes::WILDCARD_PORT_UNSUITABLE),
            Covers::Check(codes::INGRESS_POD_WITHOUT_WILDCARD),
            Covers::Check(codes::WILDCARD_CERTIFICATE_NAME_MISMATCH),
            Covers::Check(codes::WILDCARD_CERTIFICATE_INCOMPLETE),
        ],
        see: wildcard,
        names_source: false,
    },
    Step {
        key: StepKey::new("nonSniFlag"),
        title: "enableNonSniClient",
        covers: &[Covers::Check(codes::WILDCARD_ROUTE_FLAG_OFF)],
        see: flag,
        names_source: false,
    },
    Step {
        key: StepKey::new("overrides"),
        title: "overrides.yaml",
        covers: &[
            Covers::Family("overrides"),
            Covers::Check(codes::CERTIFICATE_FILE_UNDEPLOYED),
            Covers::Check(codes::CERTIFICATE_FILE_UNFIT),
        ],
        see: overrides,
        names_source: true,
    },
    Step {
        key: StepKey::new("additionalGateways"),
        title: "additionalGateways",
        covers: &[
            Covers::Check(codes::WILDCARD_ROUTE_UNATTACHED),
            Covers::Check(codes::WILDCARD_ROUTE_PARTLY_ATTACHED),
            Covers::Check(codes::ROUTE_CONFIG_DRIFT),
            Covers::Check(codes::ADDITIONAL_GATEWAY_DANGLING),
        ],
        see: additional_gateways,
        names_source: false,
    },
    Step {
        key: StepKey::new("platform"),
        title: "Platform",
        covers: &[
            Covers::Check(codes::SERVICE_MISSING),
            Covers::Check(codes::SERVICE_PORT_MISSING),
            Covers::Check(codes::APIGEE_ISSUE_OPEN),
        ],
        see: platform,
        names_source: false,
    },
];

fn pods(evidence: &Evidence) -> StepSeen {
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
    Ok(StepLines { seen, details, wide, ..StepLines::default() })
}

fn access_logs(evidence: &Evidence) -> StepSeen {
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
    details.extend(streams.iter().flat_map(|stream| asked(&stream.origin, stream.store.as_ref())));
    details.extend(logs.iter().flat_map(|(origin, log)| {
        log.repeats.iter().map(move |repeats| {
            let of = match &repeats.origin {
                LogOrigin::Container { pod, .. } => format!("pod {pod}"),
                LogOrigin::File(_) | LogOrigin::Store(_) => repeats.origin.to_string(),
            };
            format!("{origin} repeats the log of {of}: {} counted once", count(repeats.records, "record"))
        })
    }));
    let sum = |tally: fn(&AccessLog) -> &Tally| merged(logs.iter().map(|(_, log)| tally(log)));
    let refused = sum(|log| &log.reset_without_sni);
    if refused.count > 0 {
        details.push(format!(
            "{} without SNI, {}; {}",
            count(refused.count, "reset"),
            facts::from_addresses(refused.clients.len()),
            facts::moments(&refused)
        ));
        let checks = HealthChecks::of_resets(evidence);
        details.extend(top_clients(&refused, |client| sender(&logs, &checks, client)));
    }
    let foreign = sum(|log| &log.reset_with_sni);
    if foreign.count > 0 {
        let names: Vec<&str> = foreign.server_names.keys().map(String::as_str).collect();
        details.push(format!("{} with SNI: {}", count(foreign.count, "reset"), some_of(&names)));
    }
    let served = sum(|log| &log.served_without_sni);
    if served.count > 0 {
        let unrouted = sum(|log| &log.unrouted_without_sni).count;
        let of_them =
            if unrouted > 0 { format!("; {unrouted} of them got 404 route_not_found") } else { String::new() };
        details.push(format!(
            "{} without SNI reached HTTP: clients without SNI are accepted{of_them}",
            count(served.count, "request")
        ));
    }
    let wide = streams.iter().map(|stream| describe(&stream.origin, &stream.log)).collect();
    Ok(StepLines { seen, details, wide, ..StepLines::default() })
}

/// Returns the window of each log with records, and since when its container runs. Many logs are counted;
/// only `-o wide` lists them.
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
        1 if matches!(logs, [(LogOrigin::File(_) | LogOrigin::Store(_), _)]) => Vec::new(),
        0..=TOP_WINDOWS => seen,
        many => vec![format!("{many} logs with records; -o wide lists the window of each")],
    }
}

/// Returns what a store was asked, and how exact its counts are.
fn asked(origin: &LogOrigin, store: Option<&StoreQuery>) -> Vec<String> {
    let Some(store) = store else { return Vec::new() };
    let default = if store.is_default_window { " (the default; --since asks for more)" } else { "" };
    let how = match store.counting {
        Counting::ByStore => "counted by the store",
        Counting::FailuresOnly => "only failing records were requested, and counted here",
    };
    let window = format!("from {} to {}{default}", moment(store.since), moment(store.until));
    let requests = count(store.requests, "request");
    let mut lines = vec![format!("{origin}: asked {window}; {how}, with {requests}")];
    lines.extend(store.approximate.iter().map(|why| format!("approximate: {why}")));
    lines
}

fn describe(origin: &LogOrigin, log: &crate::evidence::Seen<AccessLog>) -> String {
    match log.seen() {
        Err(why) => format!("{origin}: {}", why.reason),
        Ok(log) => {
            let window = match (log.first, log.last) {
                (Some(first), Some(last)) => format!(", from {} to {}", moment(first), moment(last)),
                _ => String::new(),
            };
            let absent = match log.absent_names {
                0 => String::new(),
                absent => format!(", {} without sni_host", count(absent, "record")),
            };
            let records = count(log.records, "record") + &absent;
            // A store that counts has read no line.
            match origin {
                LogOrigin::Store(_) => format!("{origin}: {records}{window}"),
                _ => format!("{origin}: {}, {records}{window}", count(log.lines, "line")),
            }
        }
    }
}

/// Returns the sum of the tallies.
fn merged<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    let mut sum = Tally::default();
    for tally in tallies {
        sum.merge(tally.clone());
    }
    sum
}

/// Returns what an address is, if it is known to be no client.
fn sender(logs: &[(&LogOrigin, &AccessLog)], checks: &HealthChecks<'_>, address: &str) -> Option<&'static str> {
    if facts::is_google_front_end(address) {
        return Some("Google load balancer or health check");
    }
    logs.iter().find_map(|(origin, _)| checks.kind(origin, address)).map(|kind| match kind {
        HealthCheck::Azure => "Azure load-balancer probe",
        HealthCheck::Beat { .. } => "steady beat, as of a health check",
    })
}

/// Returns the clients with most resets, each with its resets per minute.
fn top_clients(tally: &Tally, sender: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
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
            if let Some(words) = sender(client) {
                line += "  ";
                line += words;
            }
            line
        })
        .collect();
    if clients.len() > TOP_CLIENTS {
        lines.push(format!("  and {} more", clients.len() - TOP_CLIENTS));
    }
    lines
}

fn routes(evidence: &Evidence) -> StepSeen {
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
    let given = evidence.manifests.iter().filter(|file| !file.judged.is_empty());
    details.extend(given.map(|file| {
        let kinds: Vec<&str> = file.judged.iter().map(String::as_str).collect();
        format!("{} of {}, not read from the cluster", some_of(&kinds), file.title())
    }));
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
    Ok(StepLines { seen, details, wide, ..StepLines::default() })
}

fn wildcard(evidence: &Evidence) -> StepSeen {
    let wildcards = facts::wildcards(evidence)?;
    let names: Vec<&str> = wildcards.iter().map(|route| route.name.as_str()).collect();
    let without_tls = facts::wildcards_without_tls(evidence)?;
    let details = without_tls.iter().map(|route| {
        format!("{} has hostname * for {}: not for clients without SNI", route.name, facts::without_tls(route))
    });
    Ok(StepLines { seen: some_of(&names), details: details.collect(), ..StepLines::default() })
}

fn flag(evidence: &Evidence) -> StepSeen {
    let flags: Vec<String> = facts::wildcards(evidence)?
        .iter()
        .map(|route| {
            format!("{}: {}", route.name, route.enable_non_sni_client.map_or("absent".into(), |flag| flag.to_string()))
        })
        .collect();
    let seen = if flags.is_empty() { "there is no wildcard route to have it".into() } else { flags.join(", ") };
    Ok(StepLines { seen, ..StepLines::default() })
}

fn overrides(evidence: &Evidence) -> StepSeen {
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
    Ok(StepLines { seen, details, ..StepLines::default() })
}

fn additional_gateways(evidence: &Evidence) -> StepSeen {
    let routes = facts::group_routes(evidence)?;
    let row = |kind: &str, name: &str, gateways: &[String]| format!("{kind} {name}  {}", quoted_list(gateways));
    let mut rows: Vec<String> =
        routes.iter().map(|route| row("ApigeeRoute", &route.name, &route.additional_gateways)).collect();
    if let Ok(configs) = evidence.route_configs.seen() {
        rows.extend(
            configs.items.iter().map(|config| row("ApigeeRouteConfig", &config.name, &config.additional_gateways)),
        );
    }
    let listing =
        routes.iter().filter(|route| route.additional_gateways.iter().any(|name| !is_chart_made(name))).count();
    let seen = match routes.len() {
        0 => "no route of an environment group".into(),
        number => format!("listed by {listing} of {}", count(number as u64, "route")),
    };
    let (details, wide) = if rows.len() <= TOP_ROUTES { (rows, Vec::new()) } else { (Vec::new(), rows) };
    Ok(StepLines { seen, details, wide, is_unused: listing == 0, ..StepLines::default() })
}

fn platform(evidence: &Evidence) -> StepSeen {
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
    Ok(StepLines {
        seen: format!("{}, {issues}", count(services.len() as u64, "Service")),
        details: described,
        ..StepLines::default()
    })
}
