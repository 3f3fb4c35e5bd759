//! What several checks and the verdict ask of the evidence in the same words.
//!
//! Internal-chaining objects stay out of every answer: no client outside the cluster uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::evidence::access_log::Tally;
use crate::evidence::cluster::{Container, IngressPod, Port, Route, RouteConfig, RouteStatus, Service, selects};
use crate::evidence::overrides::{FaultKind, Overrides, OverridesFile, VirtualHost};
use crate::evidence::{AccessLog, Evidence, LogLimits, LogOrigin, LogStream, Reason, Seen, Unavailable};

/// Sources of Google's health checks and front ends. Source: Cloud Load Balancing, "Firewall rules".
const GOOGLE_FRONT_ENDS: [&str; 4] = ["35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64"];

/// The selector that every ingress pod matches; any other may leave pods out.
const ALL_INGRESS_PODS: &str = "app=apigee-ingressgateway";

/// The container that serves clients. Source: configuration property reference, `hub`.
pub(crate) const GATEWAY_CONTAINER: &str = "apigee-ingressgateway";

/// The first and the last line of a log may be cut, as a window over it leaves them.
const ENDS_OF_A_LOG: u64 = 2;

/// Routes that clients outside the cluster can use.
pub(crate) fn routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(evidence.routes.seen()?.items.iter().filter(|route| !route.is_internal_chaining()).collect())
}

/// Routes with the hostname `*`.
pub(crate) fn wildcards(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(routes(evidence)?.into_iter().filter(|route| route.is_wildcard()).collect())
}

/// Routes of environment groups: those with hostnames of their own.
pub(crate) fn group_routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(routes(evidence)?.into_iter().filter(|route| !route.is_wildcard()).collect())
}

/// Pods that clients outside the cluster can reach.
pub(crate) fn pods(evidence: &Evidence) -> Result<Vec<&IngressPod>, Unavailable> {
    Ok(evidence.pods.seen()?.iter().filter(|pod| !pod.is_internal_chaining()).collect())
}

/// With `-l` only some of the ingress pods were listed: "no pod" then speaks of these alone.
pub(crate) fn pods_are_narrowed(evidence: &Evidence) -> bool {
    evidence.question.selector != ALL_INGRESS_PODS
}

/// The object's last change is behind what the controller has applied.
pub(crate) fn lags(generation: Option<i64>, status: &RouteStatus) -> bool {
    matches!((status.last_applied_generation, generation), (Some(applied), Some(generation)) if applied < generation)
}

/// The route has a hostname of its own that covers the server name; `*` does not declare a name.
pub(crate) fn declares(route: &Route, server_name: &str) -> bool {
    let hostnames = route.hostnames.iter().filter(|hostname| *hostname != "*").cloned().collect();
    Route { hostnames, ..Route::default() }.covers(server_name)
}

/// Whether both routes reach a pod in common; where pods were not seen or are none, they might.
pub(crate) fn share_pods(evidence: &Evidence, one: &Route, other: &Route) -> bool {
    match pods(evidence) {
        Ok(pods) if !pods.is_empty() => {
            pods.iter().any(|pod| selects(&one.selector, &pod.labels) && selects(&other.selector, &pod.labels))
        }
        _ => true,
    }
}

/// The port on which clients without a server name must be accepted. Source: "Enable non-SNI clients", step 1.
pub(crate) fn https_443(port: &Port) -> bool {
    port.number == Some(443) && port.protocol.as_deref() == Some("HTTPS")
}

/// The port terminates TLS here, with a certificate of the route.
pub(crate) fn terminates_tls(port: &Port) -> bool {
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref());
    https_443(port) && matches!(mode, Some("SIMPLE" | "MUTUAL"))
}

/// What keeps a wildcard route from accepting clients without a server name, each with the code of the check that
/// finds it; empty where nothing that was seen does.
pub(crate) fn wildcard_obstacles(evidence: &Evidence, route: &Route) -> Vec<&'static str> {
    let mut codes = Vec::new();
    if route.enable_non_sni_client != Some(true) {
        codes.push("AT202");
    }
    if let Ok(pods) = pods(evidence)
        && !pods.is_empty()
        && !pods_are_narrowed(evidence)
        && !route.selector.is_empty()
        && !pods.iter().any(|pod| selects(&route.selector, &pod.labels))
    {
        codes.push("AT207");
    }
    if !route.ports.iter().any(terminates_tls) {
        codes.push("AT208");
    }
    for tls in route.ports.iter().filter(|port| https_443(port)).filter_map(|port| port.tls.as_ref()) {
        match &tls.credential_name {
            None if !tls.from_files => codes.push("AT209"),
            Some(name) if secret_is_missing(evidence, name) => codes.push("AT210"),
            _ => {}
        }
    }
    if route.status.state.as_deref().is_some_and(|state| state != "running") || lags(route.generation, &route.status) {
        codes.push("AT211");
    }
    if !route.status.errors.is_empty() {
        codes.push("AT212");
    }
    codes
}

/// The Secrets were listed and this one is not among them. A name with a namespace in front is not judged.
pub(crate) fn secret_is_missing(evidence: &Evidence, name: &str) -> bool {
    match &evidence.secrets {
        Seen::Seen(secrets) => !name.contains('/') && !secrets.names.iter().any(|known| known == name),
        Seen::Unavailable(_) => false,
    }
}

/// The ApigeeRoutes that an ApigeeRouteConfig made.
pub(crate) fn routes_of<'a>(routes: &[&'a Route], config: &RouteConfig) -> Vec<&'a Route> {
    routes.iter().copied().filter(|route| route.group() == config.name).collect()
}

/// The streams whose clients come from outside the cluster.
pub(crate) fn streams(evidence: &Evidence) -> impl Iterator<Item = &LogStream> {
    let internal: BTreeSet<&str> = match &evidence.pods {
        Seen::Seen(pods) => pods.iter().filter(|pod| pod.is_internal_chaining()).map(|pod| pod.name.as_str()).collect(),
        Seen::Unavailable(_) => BTreeSet::new(),
    };
    evidence.access_logs.iter().filter(move |stream| match &stream.origin {
        LogOrigin::Container { pod, .. } => !internal.contains(pod.as_str()),
        LogOrigin::File(_) => true,
    })
}

/// The logs that were read, with their origin.
pub(crate) fn logs(evidence: &Evidence) -> impl Iterator<Item = (&LogOrigin, &AccessLog)> {
    streams(evidence).filter_map(|stream| Some((&stream.origin, stream.log.seen().ok()?)))
}

/// Nothing, where "not in the log" may be believed; else the first reason why it may not. A check that has found
/// something need not ask.
pub(crate) fn believe_absence(evidence: &Evidence) -> Result<(), Unavailable> {
    if evidence.access_logs.is_empty() {
        let why = match evidence.pods.seen() {
            Err(why) if evidence.question.offline => match why.reason {
                Reason::NotRequested(_) => Reason::NotRequested("--access-log FILE gives one".into()),
                reason => reason,
            },
            Err(why) => why.reason,
            Ok(_) => Reason::Missing("there is no ingress pod whose log could be read".into()),
        };
        return Err(Unavailable::new("the access logs", why));
    }
    if streams(evidence).all(|stream| never_started(evidence, &stream.origin)) {
        let why = Reason::Missing("no container of an ingress pod has started".into());
        return Err(Unavailable::new("the access logs", why));
    }
    opened(evidence)?;
    if let Some(cut) = streams(evidence).find_map(|stream| stream.cut.as_ref()) {
        return Err(cut.clone());
    }
    if let Seen::Seen(mesh) = &evidence.mesh_logging
        && mesh.is_off()
    {
        let why = Reason::Missing("the mesh ConfigMap switches it off (AT806)".into());
        return Err(Unavailable::new("the access log", why));
    }
    let knocked = super::knocked::logs(evidence);
    if let Some(silent) = knocked.iter().find(|knocked| !knocked.is_heard) {
        let why = "a handshake that this run made left no line in it (AT109): sampled, filtered, held back, or off";
        return Err(Unavailable::new(format!("the access log of {}", silent.origin), Reason::Missing(why.into())));
    }
    let mut sources: Vec<(&str, Vec<&AccessLog>)> = Vec::new();
    for (origin, log) in logs(evidence) {
        let source = origin.source();
        match sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, logs)) => logs.push(log),
            None => sources.push((source, vec![log])),
        }
    }
    for (source, logs) in sources {
        let sum = |count: fn(&AccessLog) -> u64| logs.iter().map(|log| count(log)).fold(0, u64::saturating_add);
        let what = format!("the access log of {source}");
        let records = sum(|log| log.records);
        if records == 0 && sum(|log| log.foreign_records) > 0 || sum(|log| log.text_records) > 0 {
            let why = Reason::Missing("it holds records that tell no server name (AT807)".into());
            return Err(Unavailable::new(what, why));
        }
        // A gateway without traffic has written about itself at least; a login page or a crash leaves other lines.
        let settings_seen = matches!(&evidence.mesh_logging, Seen::Seen(mesh) if mesh.names_server());
        let gateway = LogOrigin::Container { pod: source.to_owned(), container: GATEWAY_CONTAINER.to_owned() };
        // The line of this run's own handshake shows that the log is alive.
        let is_heard = knocked.iter().any(|knocked| knocked.origin.source() == source);
        let is_quiet = is_heard || settings_seen && sum(|log| log.proxy_lines) > 0 || never_started(evidence, &gateway);
        if records == 0 && !is_quiet {
            let limited =
                if evidence.question.log_limits == LogLimits::default() { "" } else { " in the window asked for" };
            let why = format!("it holds no access-log record{limited}: no traffic, rotated away, or off");
            let why = Reason::Missing(why);
            return Err(Unavailable::new(what, why));
        }
        let broken = sum(|log| log.broken_lines);
        if broken > ENDS_OF_A_LOG {
            let why = Reason::Broken(format!("{} hold a part of a record only", count(broken, "line")));
            return Err(Unavailable::new(what, why));
        }
    }
    Ok(())
}

/// Of every log the beginning was read. A container that never started has refused nobody, so its missing log hides
/// nothing.
pub(crate) fn opened(evidence: &Evidence) -> Result<(), Unavailable> {
    streams(evidence)
        .filter(|stream| !never_started(evidence, &stream.origin))
        .try_for_each(|stream| stream.log.seen().map(|_| ()))
}

/// A source without which what was seen cannot be judged: that it was not asked for does not make it needless.
pub(crate) fn needed<T>(source: Result<T, Unavailable>) -> Result<T, Unavailable> {
    source.map_err(|why| match why.reason {
        Reason::NotRequested(how) => Unavailable::new(why.what, Reason::Missing(format!("not asked for ({how})"))),
        reason => Unavailable::new(why.what, reason),
    })
}

/// The container has not run once, as its pod's status says.
fn never_started(evidence: &Evidence, origin: &LogOrigin) -> bool {
    container_of(evidence, origin).is_some_and(|container| {
        container.waiting.is_some()
            && container.started_at.is_none()
            && container.restarts == 0
            && container.last_termination.is_none()
    })
}

/// The container that wrote this log, where its pod was seen.
pub(crate) fn container_of<'a>(evidence: &'a Evidence, origin: &LogOrigin) -> Option<&'a Container> {
    let (Seen::Seen(pods), LogOrigin::Container { pod, container }) = (&evidence.pods, origin) else { return None };
    let pod = pods.iter().find(|known| known.name == *pod)?;
    pod.containers.iter().find(|known| known.name == *container)
}

/// The client is one of Google's health checks or front ends.
pub(crate) fn is_google_front_end(client: &str) -> bool {
    let Ok(address) = client.parse::<IpAddr>().map(|address| address.to_canonical()) else { return false };
    GOOGLE_FRONT_ENDS.iter().filter_map(|range| range.parse::<IpNet>().ok()).any(|range| range.contains(&address))
}

/// How many of these records came from Google's front ends.
pub(crate) fn from_google(tally: &Tally) -> u64 {
    tally.clients.iter().filter(|(client, _)| is_google_front_end(client)).map(|(_, span)| span.count).sum()
}

/// The overrides files that could be read, or that none was given.
pub(crate) fn overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    if evidence.overrides.is_empty() {
        let why = Reason::NotRequested("-f overrides.yaml gives it".into());
        return Err(Unavailable::new("overrides.yaml", why));
    }
    evidence.overrides.iter().map(|file| Ok((file, file.content.seen()?))).collect()
}

/// The overrides files, each understood to its end: what stands after a fault of syntax was not read, so nothing may be
/// concluded from its absence.
pub(crate) fn whole_overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    let files = overrides(evidence)?;
    for (file, content) in &files {
        if let Some(fault) = content.faults.iter().find(|fault| fault.kind == FaultKind::Malformed) {
            let why = Reason::Broken(format!("malformed at {} (AT301)", fault.place));
            return Err(Unavailable::new(file_name(file), why));
        }
    }
    Ok(files)
}

/// The virtual hosts of all files.
pub(crate) fn virtual_hosts(
    evidence: &Evidence,
) -> Result<Vec<(&OverridesFile, &Overrides, &VirtualHost)>, Unavailable> {
    Ok(whole_overrides(evidence)?
        .into_iter()
        .flat_map(|(file, content)| content.virtual_hosts.iter().map(move |host| (file, content, host)))
        .collect())
}

/// The ApigeeRouteConfig is the one that the virtual-host chart renders of this entry: `<org>-<name>`.
pub(crate) fn renders(content: &Overrides, host: &VirtualHost, config_name: &str) -> bool {
    let Some(name) = &host.name else { return false };
    match &content.org {
        Some(org) => config_name == format!("{}-{}", org.value, name.value),
        None => config_name.strip_suffix(name.value.as_str()).is_some_and(|org| org.ends_with('-')),
    }
}

/// `file:line:column`, with standard input by its name.
pub(crate) fn place(file: &OverridesFile, place: crate::evidence::overrides::Place) -> String {
    format!("{}:{place}", file_name(file))
}

/// The file as a person would name it.
pub(crate) fn file_name(file: &OverridesFile) -> &str {
    if file.name == "-" { "standard input" } else { &file.name }
}

/// How often a server name was reset, until when, and in which streams.
#[derive(Default)]
pub(crate) struct NameResets {
    pub(crate) count: u64,
    pub(crate) last: Option<Timestamp>,
    pub(crate) origins: Vec<String>,
}

/// Server names that were reset; the tool's own probes under `.invalid` are not clients.
pub(crate) fn reset_names(evidence: &Evidence) -> BTreeMap<&str, NameResets> {
    let mut names: BTreeMap<&str, NameResets> = BTreeMap::new();
    for (origin, log) in logs(evidence) {
        for (name, span) in log.reset_with_name.server_names.iter().filter(|(name, _)| !name.ends_with(".invalid")) {
            let entry = names.entry(name).or_default();
            entry.count += span.count;
            entry.last = entry.last.max(span.last);
            entry.origins.push(origin.to_string());
        }
    }
    names
}

/// Nothing, where all server names that were reset are known; a scanner may have tried more than there is room for.
pub(crate) fn know_all_names(evidence: &Evidence) -> Result<(), Unavailable> {
    if logs(evidence).any(|(_, log)| log.reset_with_name.beyond > 0) {
        let why = Reason::Broken("too many different names to keep".into());
        return Err(Unavailable::new("all server names that were reset", why));
    }
    Ok(())
}

/// `from 3 addresses`, where the records tell them. A load balancer may have one for all of its clients.
pub(crate) fn from_addresses(number: usize) -> String {
    match number {
        0 => "from addresses that the records do not tell".into(),
        _ => format!("from {number} address{}", if number == 1 { "" } else { "es" }),
    }
}

/// The candidate at the smallest edit distance, if it is at most a quarter of the name.
pub(crate) fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|candidate| (strsim::levenshtein(name, candidate), *candidate))
        .min()
        .filter(|(distance, _)| *distance > 0 && *distance <= name.len() / 4)
        .map(|(_, candidate)| candidate)
}

/// `from 09:02:11 to 09:14:02 UTC`, as far as it is known.
pub(crate) fn moments(tally: &Tally) -> String {
    match (tally.first, tally.last) {
        (Some(first), Some(last)) => format!("first {}, last {}", moment(first), moment(last)),
        _ => "at moments that the records do not tell".into(),
    }
}

/// A moment to the second: `2025-05-19T04:46:20Z`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The window that all readable logs together cover, as it reads after "no reset".
pub(crate) fn window(evidence: &Evidence) -> String {
    let first = logs(evidence).filter_map(|(_, log)| log.first).min();
    let last = logs(evidence).filter_map(|(_, log)| log.last).max();
    match (first, last) {
        (Some(first), Some(last)) => format!("from {} to {}", moment(first), moment(last)),
        _ => "in logs without any record".into(),
    }
}

/// `46 h 12 min`, `3 min`, `20 s`.
pub(crate) fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// `1 reset`, `312 resets`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o']) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

/// Neither an ingress pod nor an ApigeeRoute is there: what is looked at may not be the namespace of Apigee hybrid.
pub(crate) fn is_empty_namespace(evidence: &Evidence) -> bool {
    let has_no_pods = evidence.pods.seen().is_ok_and(Vec::is_empty);
    has_no_pods && evidence.routes.seen().is_ok_and(|routes| routes.items.is_empty())
}

/// At most three of the names, and how many more there are.
pub(crate) fn some_of(names: &[&str]) -> String {
    match names {
        [] => "none".into(),
        [..] if names.len() <= 3 => names.join(", "),
        _ => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
    }
}

/// The environment groups' routes on pods of the wildcard: those that list it, and those that do not.
pub(crate) fn attachment<'a>(
    evidence: &'a Evidence,
    wildcard: &Route,
) -> Result<(Vec<&'a Route>, Vec<&'a Route>), Unavailable> {
    Ok(group_routes(evidence)?
        .into_iter()
        .filter(|route| share_pods(evidence, route, wildcard))
        .partition(|route| route.additional_gateways.contains(&wildcard.name)))
}

/// The port ends TLS in the gateway: HTTPS, and not passed through.
pub(crate) fn ends_tls_here(port: &Port) -> bool {
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref());
    port.protocol.as_deref() == Some("HTTPS") && !matches!(mode, Some("PASSTHROUGH" | "AUTO_PASSTHROUGH"))
}

/// `["a", "b"]`, as it would stand in YAML.
pub(crate) fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// `app=apigee-ingressgateway,org=myorg`, as `kubectl -l` takes it.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "none".into() } else { pairs.join(",") }
}

/// The labels that ingress pods are documented to carry.
pub(crate) fn known_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(key, _)| matches!(key.as_str(), "app" | "ingress_name" | "org"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The names of the wildcard routes.
pub(crate) fn wildcard_names(evidence: &Evidence) -> Result<Vec<&str>, Unavailable> {
    Ok(wildcards(evidence)?.into_iter().map(|route| route.name.as_str()).collect())
}

/// The environment group of a virtual host, as far as the file tells.
pub(crate) fn host_name(host: &VirtualHost) -> &str {
    host.name.as_ref().map_or("without a name", |name| &name.value)
}

/// What a virtual host lists in additionalGateways.
pub(crate) fn gateway_names(host: &VirtualHost) -> Vec<String> {
    host.additional_gateways.names.iter().map(|name| name.value.clone()).collect()
}

/// Services in front of the ingress pods that clients outside the cluster can use.
pub(crate) fn services(evidence: &Evidence) -> Result<Vec<&Service>, Unavailable> {
    Ok(evidence.services.seen()?.iter().filter(|service| !service.is_internal_chaining()).collect())
}
