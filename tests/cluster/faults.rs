//! Runs `collect` a hundred times while something fails: received responses must be in the bundle, and
//! affected sources must be listed as missing.
//!
//! A run without a fault shows how often each source is requested and what it returns. A faulty run is
//! compared with it by what the proxy forwarded whole: a source forwarded as often as without a fault has
//! lost nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{API_SERVER, Components, KUBELET};
use crate::expect::run;
use crate::objects::{GROUP, text};
use crate::proxy::{Fault, KubectlProxy, Proxy, Spoilt};
use crate::runs::{self, Bundle, Dice};
use crate::shell::{Finished, Result, last_lines};
use crate::stage::Stage;
use crate::testbed::Testbed;

const RUNS: usize = 94;
/// Number of runs, per kind of fault, that need the cluster for themselves.
const BREAKDOWNS: usize = 3;
/// Downtime of the API server.
const AWAY: Duration = Duration::from_millis(500);

/// Sources, as parts of their URLs; those that fail in more ways are listed more often.
const TARGETS: [&str; 24] = [
    "/pods?",
    "/services?",
    "/secrets?",
    "/secrets/",
    "/configmaps/",
    "/apigeeroutes?",
    "/apigeeroutes?",
    "/apigeerouteconfigs?",
    "/apigeeissues?",
    "/apigeeorganizations?",
    "/certificates?",
    "/events?",
    "/endpointslices?",
    "/nodes?",
    "/validatingwebhookconfigurations?",
    "/version",
    "/apis/apigee.cloud.google.com/v1",
    LOGS,
    LOGS,
    LOGS,
    PORT_FORWARDS,
    PORT_FORWARDS,
    "",
    "",
];
const LOGS: &str = "/log?";
const PORT_FORWARDS: &str = "/portforward?";

const STATUSES: [Spoilt; 4] =
    [Spoilt::Status(403, None), Spoilt::Status(429, Some(1)), Spoilt::Status(500, None), Spoilt::Status(503, None)];
const CONNECTIONS: [Spoilt; 4] = [Spoilt::Reset, Spoilt::Trickle, Spoilt::Stalled, Spoilt::Silent];
const CONTENTS: [Spoilt; 2] = [Spoilt::Truncated, Spoilt::Garbage];

/// Items of the plan, and the field of the evidence with their data.
const EVIDENCE: [(&str, &str); 7] = [
    ("pods", "pods"),
    ("services", "services"),
    ("secret-names", "secrets"),
    ("mesh-config", "meshLogging"),
    ("apigeeroutes", "routes"),
    ("apigeerouteconfigs", "routeConfigs"),
    ("apigeeissues", "issues"),
];

/// The requests and results of a run without a fault.
struct Sound {
    whole: BTreeMap<String, usize>,
    bundle: Bundle,
}

pub fn hundred(testbed: &Testbed) -> Result<()> {
    let seed = runs::seed("hundred_faults")?;
    // First alone, then with others; no other test may remove the objects installed here.
    let alone = testbed.turn.write().unwrap_or_else(PoisonError::into_inner);
    let scenario = runs::scenario("hundred-faults")?;
    let mut stage = Stage::set(testbed, &scenario)?;
    runs::furnish(&mut stage)?;
    let upstream = KubectlProxy::start(&testbed.kubeconfig)?;
    let began = Instant::now();
    let sound = [sound(&stage, &upstream, false)?, sound(&stage, &upstream, true)?];
    let usual = began.elapsed() / 2;
    if let Some(components) = &testbed.components {
        components.stop(KUBELET)?;
        let outcome = runs::side_by_side(BREAKDOWNS, |number, _| {
            let (finished, proxy) = faulty(&stage, &upstream, &format!("kubelet-{number}"), None, true)?;
            judge(&stage, &format!("kubelet-{number}"), &finished, &proxy, &sound[1], Some(0))
        });
        components.restart(KUBELET, &testbed.api)?;
        outcome.map_err(|why| format!("without a kubelet: {why}"))?;
        for number in 0..BREAKDOWNS {
            let after = usual * u32::try_from(Dice::of(seed, RUNS + number).below(1000)).unwrap_or_default() / 1000;
            restarted(&stage, &upstream, components, after, &sound[1])
                .map_err(|why| format!("the API server is restarted after {after:?}: {why}"))?;
        }
    }
    let alone_for = began.elapsed();
    let _turn = std::sync::RwLockWriteGuard::downgrade(alone);
    runs::side_by_side(RUNS, |number, _| {
        let mut dice = Dice::of(seed, number);
        let fault = drawn(&mut dice);
        // Most runs make no handshakes, which take the longest.
        let probes = fault.target == PORT_FORWARDS || dice.below(4) == 0;
        let name = format!("run-{number}");
        let (finished, proxy) = faulty(&stage, &upstream, &name, Some(fault), probes)?;
        let outcome = judge(&stage, &name, &finished, &proxy, &sound[usize::from(probes)], Some(exit_of(fault)));
        outcome.map_err(|why| format!("{fault:?}, spoilt {}: {why}", proxy.spoilt()))
    })?;
    eprintln!("hundred_faults: {:?}, of these alone {alone_for:?}", began.elapsed());
    Ok(())
}

fn drawn(dice: &mut Dice) -> Fault {
    let target = *dice.pick(&TARGETS);
    let mut ways = STATUSES.to_vec();
    match target {
        // A response that is not JSON is a valid log.
        LOGS => ways.extend(CONNECTIONS),
        // An open stream has no half.
        PORT_FORWARDS => ways.push(Spoilt::Silent),
        _ => ways.extend(CONNECTIONS.iter().chain(&CONTENTS)),
    }
    let spoilt = *dice.pick(&ways);
    // A failed handshake is a result that the bundle reports.
    let is_once = target != PORT_FORWARDS && dice.below(3) == 0;
    Fault { target, spoilt, times: if is_once { 1 } else { usize::MAX } }
}

/// Returns the documented exit code: 2 without a first response of an API server.
fn exit_of(fault: Fault) -> i32 {
    let is_of_kubernetes = matches!(fault.spoilt, Spoilt::Status(..));
    if fault.target.is_empty() && fault.times > 1 && !is_of_kubernetes { 2 } else { 0 }
}

fn sound(stage: &Stage<'_>, upstream: &KubectlProxy, probes: bool) -> Result<Sound> {
    let name = format!("sound-{probes}");
    let (finished, proxy) = faulty(stage, upstream, &name, None, probes)?;
    let (bundles, _) = runs::left(&stage.folder.join(&name))?;
    let (Some(0), [bundle]) = (finished.status.code(), bundles.as_slice()) else {
        return Err(format!("without a fault: {}\n{}", finished.status, last_lines(&finished.stderr, 20)));
    };
    let bundle = Bundle::take(&stage.folder.join(&name), bundle)?;
    let whole = whole(&proxy);
    for (item, key) in EVIDENCE {
        if bundle.evidence[key]["seen"].is_null() || !whole.keys().any(|source| item_of(source) == Some(item)) {
            return Err(format!("without a fault {item} is missing: {whole:?}"));
        }
    }
    Ok(Sound { whole, bundle })
}

/// Runs once through a proxy of its own, in a folder of its own.
fn faulty(
    stage: &Stage<'_>,
    upstream: &KubectlProxy,
    name: &str,
    fault: Option<Fault>,
    probes: bool,
) -> Result<(Finished, Proxy)> {
    let folder = runs::folder(stage, name)?;
    let proxy = Proxy::start(upstream, fault)?;
    let kubeconfig = proxy.kubeconfig(stage, &format!("{name}.kubeconfig"))?;
    let mut command = runs::collect(stage, &folder, &kubeconfig, if probes { "pods" } else { "none" });
    // Only this limit cuts a slow log; a stalled one is cut earlier.
    let is_slow = fault.is_some_and(|fault| fault.target == LOGS && fault.spoilt == Spoilt::Trickle);
    // Many runs share the machine, and an answer that came whole must not come too late.
    command.args(["--request-timeout", "10s", "--timeout", if is_slow { "14s" } else { "60s" }]);
    Ok((run(&mut command)?, proxy))
}

/// Restarts the API server this long after the program has started.
fn restarted(
    stage: &Stage<'_>,
    upstream: &KubectlProxy,
    components: &Components,
    after: Duration,
    sound: &Sound,
) -> Result<()> {
    let name = "api-server";
    let (finished, proxy) = std::thread::scope(|scope| {
        let program = scope.spawn(|| faulty(stage, upstream, name, None, true));
        std::thread::sleep(after);
        let stopped = components.stop(API_SERVER);
        std::thread::sleep(AWAY);
        let restarted = components.restart(API_SERVER, &stage.testbed.api);
        let finished = program.join().map_err(|_| "the program's thread panicked".to_owned())??;
        stopped.and(restarted).map(|()| finished)
    })?;
    judge(stage, name, &finished, &proxy, sound, None)
}

/// Compares the result of a run with what it received. Without an expectation, the exit code says whether
/// there is a bundle.
fn judge(
    stage: &Stage<'_>,
    name: &str,
    finished: &Finished,
    proxy: &Proxy,
    sound: &Sound,
    exit: Option<i32>,
) -> Result<()> {
    let folder = stage.folder.join(name);
    let told = || format!("{}\n{}", finished.status, last_lines(&finished.stderr, 20));
    let (bundles, litter) = runs::left(&folder)?;
    let code = finished.status.code();
    if !litter.is_empty() || exit.is_some_and(|exit| code != Some(exit)) {
        return Err(format!("expected {exit:?}, {litter:?}: {}", told()));
    }
    let bundle = match (code, bundles.as_slice()) {
        (Some(0), [one]) => Bundle::take(&folder, one)?,
        (Some(2), []) if finished.stderr.contains("error: could not ") => return Ok(()),
        (_, bundles) => return Err(format!("{bundles:?}: {}", told())),
    };
    // An outage affects whatever is in progress.
    let is_disturbed = proxy.spoilt() > 0 || !name.starts_with("run-");
    let lost = compare(&bundle, &whole(proxy), is_disturbed, sound);
    if lost.is_empty() { Ok(()) } else { Err(format!("{}\n{}", lost.join("\n"), told())) }
}

/// Returns all deviations.
fn compare(bundle: &Bundle, whole: &BTreeMap<String, usize>, is_disturbed: bool, sound: &Sound) -> Vec<String> {
    let mut wrong = Vec::new();
    let (paths, cut) = (bundle.paths(), bundle.cut());
    let came = |source: &str, times: usize| whole.get(source).is_some_and(|count| *count >= times);
    let of_item = |item: &str| -> Vec<&Value> { bundle.skipped().filter(|entry| entry["item"] == item).collect() };
    let known: BTreeSet<String> = sound.bundle.skipped().map(Value::to_string).collect();
    let is_new = |entry: &Value| !known.contains(&entry.to_string());
    let mut lacking = BTreeSet::new();
    for (source, times) in &sound.whole {
        let Some(item) = item_of(source) else { continue };
        let file = log_file(source);
        if came(source, *times) {
            if let Some(file) = file.filter(|file| !paths.contains(file.as_str()) || cut.contains(file.as_str())) {
                wrong.push(format!("lost: {source} came whole, and {file} is missing or cut"));
            }
            continue;
        }
        // A log that breaks off behind the line where reading stops has lost nothing.
        if file.is_some() && is_heard(bundle, source) {
            continue;
        }
        lacking.insert(item);
        let is_listed = of_item(item).iter().any(|entry| is_new(entry) && !text(&entry["why"]).is_empty());
        if !is_listed && !file.is_some_and(|file| cut.contains(file.as_str())) {
            wrong.push(format!("silently absent: {source} did not come whole {times} times, and {item} is not listed"));
        }
    }
    let is_whole = bundle.partial().is_none() && !is_disturbed;
    for path in sound.bundle.paths().difference(&paths) {
        let Some(item) = item_of_file(path) else {
            wrong.push(format!("lost: {path}"));
            continue;
        };
        // There are many handshakes; the results of all are in one place.
        let may_lack = match item {
            "logs" | "handshakes" => !of_item(item).is_empty(),
            item => lacking.contains(item),
        };
        if !may_lack {
            wrong.push(format!("lost: {path}, though all of {item} came"));
        }
    }
    for entry in bundle.skipped().filter(|entry| is_new(entry)) {
        let item = text(&entry["item"]);
        let may_lack = match item {
            "logs" => lacking.contains("logs") || lacking.contains("pods"),
            // These requests are not counted.
            "handshakes" => !is_whole,
            item => lacking.contains(item),
        };
        if !may_lack {
            wrong.push(format!("listed as missing, though all of it came: {entry}"));
        }
    }
    for (item, key) in EVIDENCE {
        if bundle.evidence[key]["seen"].is_null() && !lacking.contains(item) {
            wrong.push(format!("lost: the evidence has no {key}, though all of {item} came: {}", bundle.evidence[key]));
        }
    }
    wrong
}

/// Returns how often each source was forwarded whole, regardless of the API version.
fn whole(proxy: &Proxy) -> BTreeMap<String, usize> {
    let mut whole = BTreeMap::new();
    for (source, count) in proxy.whole() {
        let source = source.replace(&format!("{GROUP}/v1alpha2/"), &format!("{GROUP}/v1alpha1/"));
        *whole.entry(source).or_default() += count;
    }
    whole
}

/// Returns the item of the plan of a source; `None` for the first request, discovery, and port-forwards,
/// whose number is that of the handshakes.
fn item_of(source: &str) -> Option<&str> {
    let (path, rest) = source.split_once(' ').unwrap_or((source, ""));
    let resource = match path.split_once("/namespaces/").and_then(|(_, path)| path.split_once('/')) {
        Some((_, resource)) => resource,
        None => path.rsplit('/').next().unwrap_or_default(),
    };
    match resource.split_once('/').map_or(resource, |(kind, _)| kind) {
        "pods" if resource.ends_with("/portforward") => None,
        "pods" if rest.contains("container=") => Some("logs"),
        "secrets" if resource.contains('/') => Some("tls-secrets"),
        "secrets" => Some("secret-names"),
        "configmaps" => Some("mesh-config"),
        "validatingwebhookconfigurations" => Some("validating-webhooks"),
        "mutatingwebhookconfigurations" => Some("mutating-webhooks"),
        "pods" | "services" | "events" | "endpointslices" | "nodes" | "certificates" => Some(resource),
        kind if kind.starts_with("apigee") && path.starts_with("/apis/") && path.contains("/namespaces/") => {
            Some(resource)
        }
        _ => None,
    }
}

/// Returns whether the log of this source was read up to the line of the run's own handshake.
fn is_heard(bundle: &Bundle, source: &str) -> bool {
    let knock = text(&bundle.evidence["probes"]["seen"]["question"]["unknownName"]);
    let logs = bundle.evidence["accessLogs"].as_array().into_iter().flatten();
    logs.filter(|stream| stream["cut"].is_null() && !stream["log"]["seen"]["own"]["names"][knock].is_null()).any(
        |stream| {
            let of = &stream["origin"]["container"];
            source.ends_with(&format!("/{}/log container={}", text(&of["pod"]), text(&of["container"])))
        },
    )
}

/// Returns the bundle file of a log.
fn log_file(source: &str) -> Option<String> {
    let (path, query) = source.split_once(" container=")?;
    let (_, rest) = path.split_once("/pods/")?;
    Some(format!("05-logs/{}/{query}.log", rest.strip_suffix("/log")?))
}

/// Returns the item of the plan whose data a file holds; `None` for the pages that are always there.
pub fn item_of_file(path: &str) -> Option<&str> {
    let (folder, rest) = path.split_once('/')?;
    let kind = rest.split(['/', '.']).next().unwrap_or_default();
    match (folder, kind) {
        ("05-logs", _) => Some("logs"),
        ("06-certificates", "stored") => Some("tls-secrets"),
        ("07-handshakes", _) => Some("handshakes"),
        ("08-platform", "configmaps") => Some("mesh-config"),
        ("08-platform", "validatingwebhookconfigurations") => Some("validating-webhooks"),
        ("08-platform", "mutatingwebhookconfigurations") => Some("mutating-webhooks"),
        ("02-routes" | "04-ingress", _) if !rest.contains('/') && rest != "events.yaml" => None,
        ("02-routes" | "03-environment-groups" | "04-ingress" | "08-platform", kind) => Some(kind),
        _ => None,
    }
}
