//! What a report has beside its findings: the summary with the numbers of the evidence, who clients are and
//! when failures began; and the chain of one server name, alone as `trace` shows it.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "the cases of checks need more of it")]
mod support;

use apigee_tls::bundle::BundleReader;
use apigee_tls::evidence::hybrid::RouteConfig;
use apigee_tls::evidence::{Evidence, Seen};
use apigee_tls::judgement::chain::{LinkKey, LinkState};
use apigee_tls::judgement::trace::{self, Trace};
use apigee_tls::judgement::{
    ClientResets, FailOn, HandshakeResult, HelloKind, Report, Rest, RunSummary, Selection, WhoKind, build, diff, probe,
};
use apigee_tls::report::styles::Styles;
use apigee_tls::report::{Document, TextOptions};
use serde_json::{Value, json};
use support::Setting;

/// Resets of six clients in two pods, with and without a server name.
const RESETS: &str = r#"
evidence:
  services: {seen: {~8f2c412: {externalTrafficPolicy: Cluster}}}
  accessLogs:
    ~aaaaa/apigee-ingressgateway:
      log:
        seen:
          resetWithoutName:
            count: 12
            first: 2026-11-22T09:02:40Z
            last: 2026-11-22T09:09:10Z
            clients:
              10.4.0.1: {count: 4, first: 2026-11-22T09:02:40Z, last: 2026-11-22T09:04:00Z}
              10.138.0.5: {count: 2, first: 2026-11-22T09:05:00Z, last: 2026-11-22T09:06:00Z}
              35.191.8.1: {count: 1, first: 2026-11-22T09:06:00Z, last: 2026-11-22T09:06:00Z}
              "::ffff:168.63.129.16": {count: 1, first: 2026-11-22T09:07:00Z, last: 2026-11-22T09:07:00Z}
              10.4.1.12: {count: 1, first: 2026-11-22T09:08:00Z, last: 2026-11-22T09:08:00Z}
              198.51.100.9: {count: 2, first: 2026-11-22T09:09:00Z, last: 2026-11-22T09:09:10Z}
            minutes: {2026-11-22T09:02Z: 3, 2026-11-22T09:06Z: 5, 2026-11-22T09:09Z: 4, no minute: 9}
          resetWithName:
            count: 3
            first: 2026-11-22T09:01:00Z
            last: 2026-11-22T09:06:30Z
            clients: {198.51.100.9: {count: 3, first: 2026-11-22T09:01:00Z, last: 2026-11-22T09:06:30Z}}
            serverNames:
              old.mydomain.com: {count: 2, first: 2026-11-22T09:01:00Z, last: 2026-11-22T09:06:30Z}
              a.mydomain.com: {count: 1, first: 2026-11-22T09:02:00Z, last: 2026-11-22T09:02:00Z}
            minutes: {2026-11-22T09:01Z: 1, 2026-11-22T09:06Z: 2}
    ~bbbbb/apigee-ingressgateway:
      log:
        seen:
          servedWithoutName: {clients: {198.51.100.9: {count: 7, first: 2026-11-22T08:10:00Z, last: 2026-11-22T08:11:00Z}}}
          resetWithoutName:
            count: 20
            first: 2026-11-22T09:00:30Z
            last: 2026-11-22T09:09:30Z
            clients: {10.200.7.7: {count: 20, first: 2026-11-22T09:00:30Z, last: 2026-11-22T09:09:30Z}}
            minutes: {2026-11-22T09:00Z: 1, 2026-11-22T09:01Z: 3, 2026-11-22T09:02Z: 3, 2026-11-22T09:03Z: 3, 2026-11-22T09:04Z: 3, 2026-11-22T09:05Z: 3, 2026-11-22T09:06Z: 3, 2026-11-22T09:07Z: 1}
"#;

fn evidence(patch: &str) -> Evidence {
    let setting: Setting = serde_yaml::from_str(patch).expect("the patch reads");
    setting.evidence().expect("the patch fits")
}

fn of_case(name: &str) -> Evidence {
    let path = support::root().join(format!("tests/verdicts/{name}.yaml"));
    let setting: Setting = support::read(&path).expect("the case reads");
    setting.evidence().expect("the evidence fits")
}

fn judged(evidence: &Evidence) -> Report {
    build(evidence, &Selection::default(), FailOn::default())
}

fn client<'a>(summary: &'a RunSummary, address: &str) -> &'a ClientResets {
    let resets = summary.resets.as_ref().expect("logs were read");
    resets.clients.iter().find(|client| client.address == address).expect("the client is listed")
}

#[test]
fn resets_are_counted_by_name_minute_client_and_pod() {
    let summary = judged(&evidence(RESETS)).summary;
    let resets = summary.resets.as_ref().expect("logs were read");
    assert_eq!((resets.total, resets.without_server_name, resets.with_server_name), (35, 32, 3));
    assert_eq!(resets.first.map(|at| at.to_string()).as_deref(), Some("2026-11-22T09:00:30Z"));
    assert_eq!(resets.last.map(|at| at.to_string()).as_deref(), Some("2026-11-22T09:09:30Z"));
    let names: Vec<(&str, u64)> = resets.server_names.iter().map(|name| (name.name.as_str(), name.count)).collect();
    assert_eq!(names, [("old.mydomain.com", 2), ("a.mydomain.com", 1)]);
    assert_eq!(resets.other_server_names, Rest::default());
    let minutes: Vec<(String, u64, u64)> = resets
        .per_minute
        .iter()
        .map(|minute| (minute.minute.strftime("%H:%M").to_string(), minute.count, minute.without_server_name))
        .collect();
    let expected = [("09:00", 1, 1), ("09:01", 4, 3), ("09:02", 6, 6), ("09:03", 3, 3), ("09:04", 3, 3)];
    assert_eq!(minutes[..5], expected.map(|(minute, all, without)| (minute.to_owned(), all, without)));
    // A key that is no minute is counted as left out, as resets without a time are.
    let counted: u64 = resets.per_minute.iter().map(|minute| minute.count).sum();
    assert_eq!(resets.other_minutes, Rest { entries: 0, resets: 35 - counted.min(35) });
    assert_eq!(resets.clients[0].address, "10.200.7.7");
    assert_eq!(resets.other_clients, Rest { entries: 0, resets: 1 });
    let pods: Vec<(&str, u64, u64)> =
        resets.pods.iter().map(|pod| (&pod.pod[pod.pod.len() - 5..], pod.count, pod.without_server_name)).collect();
    assert_eq!(pods, [("bbbbb", 20, 20), ("aaaaa", 15, 12)]);
    assert_eq!((resets.logs_read, resets.logs_incomplete), (4, 0));
}

#[test]
fn a_client_is_named_after_what_the_cluster_and_published_ranges_show() {
    let summary = judged(&evidence(RESETS)).summary;
    let who = |address: &str| {
        let who = &client(&summary, address).who;
        (who.kind, who.to_string())
    };
    let hidden = ", which may hide the real client (Service apigee-ingressgateway-ext-myorg-hyb-8f2c412: \
                  externalTrafficPolicy Cluster)";
    for (address, kind, words) in [
        ("10.4.0.1", WhoKind::PodNetwork, format!("in the network of the pods on node node-1{hidden}")),
        ("10.138.0.5", WhoKind::Node, format!("node node-2{hidden}")),
        ("35.191.8.1", WhoKind::GoogleLoadBalancer, "Google load balancer or health check".to_owned()),
        ("::ffff:168.63.129.16", WhoKind::AzureHealthProbe, "health probe of an Azure load balancer".to_owned()),
        ("10.4.1.12", WhoKind::Pod, "pod apigee-ingressgateway-ext-myorg-hyb-8f2c412-1150-bbbbb".to_owned()),
        ("198.51.100.9", WhoKind::Public, "public address".to_owned()),
        ("10.200.7.7", WhoKind::Private, "private address".to_owned()),
    ] {
        assert_eq!(who(address), (kind, words), "{address}");
    }
    let served = client(&summary, "198.51.100.9").also_served.as_ref().expect("it was served, too");
    assert_eq!(served.without_server_name, 7);
    assert_eq!((client(&summary, "198.51.100.9").count, client(&summary, "198.51.100.9").without_server_name), (5, 2));
    assert!(client(&summary, "10.200.7.7").also_served.is_none());
}

#[test]
fn a_steady_beat_is_called_a_health_check() {
    let summary = judged(&of_case("steady-beat-only")).summary;
    let who = &client(&summary, "10.4.0.9").who;
    assert_eq!((who.kind, who.per_minute, who.beat_seconds), (WhoKind::PodNetwork, Some(3), Some(20)));
    assert_eq!(who.to_string(), "the beat of a health check, every 20 s; in the network of the pods on node node-1");
}

#[test]
fn what_was_not_seen_is_absent_and_never_zero() {
    let nothing = judged(&evidence("forbidden: [logs, pods, routes, storedCertificates]")).summary;
    assert!(nothing.resets.is_none() && nothing.pods.is_none());
    assert!(nothing.routes.is_none() && nothing.certificates.is_none());
    assert!(nothing.checks.unknown > 0);
    let healthy = judged(&evidence("{}")).summary;
    assert_eq!(healthy.resets.map(|resets| (resets.total, resets.logs_read)), Some((0, 4)));
    let requests = healthy.requests.expect("the evidence counts them");
    assert_eq!((requests.count, requests.milliseconds), (34, 2600));
}

#[test]
fn handshakes_routes_certificates_and_counters_are_data() {
    let report = judged(&of_case("reproduced-no-wildcard"));
    let summary = &report.summary;
    let handshakes = summary.handshakes.as_ref().expect("handshakes were made");
    let at_pods: Vec<(HelloKind, HandshakeResult)> = handshakes
        .iter()
        .filter(|made| made.pod.as_deref().is_some_and(|pod| pod.ends_with("aaaaa")))
        .map(|made| (made.kind, made.result))
        .collect();
    assert_eq!(
        at_pods,
        [
            (HelloKind::Named, HandshakeResult::Served),
            (HelloKind::WithoutSni, HandshakeResult::Reset),
            (HelloKind::Unknown, HandshakeResult::Reset),
        ]
    );
    let pods = summary.pods.as_ref().expect("pods were listed");
    assert_eq!(pods.iter().map(|pod| pod.ending.as_str()).collect::<Vec<_>>(), ["…aaaaa", "…bbbbb"]);
    assert_eq!(pods[0].gateway.as_deref(), Some("ext"));
    let counters = summary.counters.as_ref().expect("the Envoys counted");
    assert_eq!(counters.without_sni, Some(312));
    assert_eq!((counters.not_tls, counters.own_subtracted), (Some(0), true));
    let certificates = summary.certificates.as_ref().expect("they were read");
    let secret = certificates.iter().find(|stored| stored.secret.is_some()).expect("one is of a Secret");
    assert_eq!(secret.names, ["api-test.mydomain.com", "*.mydomain.com"]);
    assert_eq!((secret.days_left, secret.used_by.len()), (Some(282), 1));
    let routes = summary.routes.as_ref().expect("they were listed");
    assert_eq!(routes[0].group.as_deref(), Some("myorg-hyb-dev-grp"));
    assert_eq!(routes[0].secrets, ["myorg-hyb-dev-grp"]);
    let checks = summary.checks;
    let sum = checks.errors + checks.warnings + checks.notices + checks.passed + checks.not_applicable + checks.unknown;
    assert_eq!((sum, checks.total), (checks.total, report.checks.len() as u64));
}

/// Programs read the numbers by these paths, and reports of older versions, which lack them, are still read.
#[test]
fn the_json_has_the_numbers_and_older_reports_read() {
    let mut value = serde_json::to_value(judged(&evidence(RESETS))).expect("a report serialises");
    assert_eq!(value.pointer("/summary/resets/total"), Some(&json!(35)));
    assert_eq!(value.pointer("/summary/resets/clients/0/who/kind"), Some(&json!("private")));
    assert_eq!(value.pointer("/summary/resets/perMinute/0/minute"), Some(&json!("2026-11-22T09:00:00Z")));
    assert_eq!(value.pointer("/summary/routes/1/enableNonSniClient"), Some(&json!(true)));
    value.as_object_mut().and_then(|report| report.remove("summary")).expect("it has a summary");
    let older: Report = serde_json::from_value::<Report>(value).expect("an older report reads");
    assert_eq!(serde_json::to_value(older.summary.resets).expect("it serialises"), Value::Null);
}

/// Resets that begin two minutes after a Helm revision, and one stray reset hours before.
const BEGAN: &str = r"
evidence:
  secrets: {seen: {createdAt: {sh.helm.release.v1.dev-grp.v3: 2026-11-22T08:58:00Z}}}
  accessLogs:
    ~aaaaa/apigee-ingressgateway:
      log:
        seen:
          first: 2026-11-22T06:00:00Z
          resetWithoutName:
            count: 41
            first: 2026-11-22T07:00:00Z
            last: 2026-11-22T09:03:59Z
            clients: {10.200.7.7: {count: 41, first: 2026-11-22T07:00:00Z, last: 2026-11-22T09:03:59Z}}
            minutes: {2026-11-22T07:00Z: 1, 2026-11-22T09:00Z: 10, 2026-11-22T09:01Z: 10, 2026-11-22T09:02Z: 10, 2026-11-22T09:03Z: 10}
";

/// The group that differs comes last by name, behind more groups than are listed.
#[test]
fn of_many_environment_groups_those_that_differ_are_listed() {
    let mut evidence = evidence("{}");
    let Seen::Seen(configs) = &mut evidence.route_configs else { panic!("they were seen") };
    let agrees = RouteConfig { additional_gateways: Vec::new(), ..configs.items[0].clone() };
    configs.items[0].additional_gateways = vec!["elsewhere".into()];
    configs.items.extend((0..700).map(|number| RouteConfig { name: format!("a-{number:03}"), ..agrees.clone() }));
    let (differs, all) = (configs.items[0].name.clone(), configs.items.len() as u64);
    let groups = judged(&evidence).summary.groups.expect("they are summarised");
    assert_eq!(groups.groups.len() as u64 + groups.not_listed, all);
    assert!(
        groups.not_listed > 100 && groups.groups.iter().any(|group| group.name == differs),
        "{}",
        groups.not_listed
    );
    assert!(groups.groups.is_sorted_by(|one, other| one.name <= other.name));
}

#[test]
fn failures_are_dated_by_the_minute_and_compared_with_events() {
    let began = judged(&evidence(BEGAN)).summary.began.expect("the resets have times");
    assert_eq!((began.at.to_string().as_str(), began.resets_before), ("2026-11-22T09:00:00Z", 1));
    assert!(began.without_server_name && !began.or_earlier);
    assert_eq!(began.events[0].what, "Helm revision 3 of dev-grp");
    assert_eq!(
        began.sentence(),
        "began 2026-11-22T09:00:00Z, 1 stray reset in 3 h 0 min before; 2 min earlier: Helm revision 3 of dev-grp"
    );
    let began = judged(&of_case("reproduced-no-wildcard")).summary.began.expect("the resets have times");
    assert!(began.or_earlier, "no minute is recorded: {began:?}");
    assert!(judged(&evidence("{}")).summary.began.is_none());
}

/// Where each case breaks the chain of clients without SNI, and of the hostname of the route.
#[test]
fn the_last_broken_link_is_the_one_to_fix() {
    let name = Some("api-test.mydomain.com");
    for (case, server_name, broken) in [
        ("served-now", None, None),
        ("reproduced-no-wildcard", Some("api-tets.mydomain.com"), Some(LinkKey::Route)),
        ("reproduced-no-wildcard", None, Some(LinkKey::Route)),
        ("reproduced-no-wildcard", name, None),
        ("flag-off", None, Some(LinkKey::Route)),
        ("upgrade-pending", None, Some(LinkKey::Group)),
        ("secret-missing", None, Some(LinkKey::Secret)),
        ("wildcard-not-pushed", None, Some(LinkKey::FilterChain)),
        ("load-balancer-pending", None, None),
        ("no-pods", None, Some(LinkKey::Pod)),
    ] {
        let trace = trace::build(&of_case(case), server_name);
        assert_eq!(trace.chain.broken, broken, "{case} {server_name:?}: {trace:#?}");
        assert_eq!(trace.exit_code == 1, broken.is_some(), "{case}");
    }
}

/// The Secrets of other names are no part of a chain without a route.
#[test]
fn a_chain_without_a_route_has_no_secret() {
    for server_name in [Some("api-tets.mydomain.com"), None] {
        let trace = trace::build(&of_case("reproduced-no-wildcard"), server_name);
        let secret = trace.chain.links.iter().find(|link| link.link == LinkKey::Secret).expect("each chain has it");
        assert_eq!(secret.state, LinkState::NotApplicable, "{server_name:?}");
        assert!(secret.objects.is_empty() && server_name.is_none_or(|_| secret.facts.is_empty()), "{secret:?}");
        assert!(secret.facts.iter().all(|fact| fact.starts_with("of other clients: Secret ")), "{secret:?}");
    }
}

#[test]
fn what_was_not_seen_of_a_chain_is_unknown() {
    let trace = trace::build(&evidence("forbidden: [pods, routes, services]"), None);
    assert_eq!((trace.exit_code, trace.state, trace.chain.broken), (3, LinkState::Unknown, None));
    let state = |key: LinkKey| trace.chain.links.iter().find(|link| link.link == key).map(|link| link.state);
    for key in [LinkKey::Service, LinkKey::Pod, LinkKey::Route, LinkKey::Group] {
        assert_eq!(state(key), Some(LinkState::Unknown), "{key:?}");
    }
}

/// The chain of a report is that of the clients it is about.
#[test]
fn a_report_has_the_chain_of_its_clients() {
    let chain = |case: &str| judged(&of_case(case)).chain.expect("reports have it");
    assert_eq!(chain("reproduced-no-wildcard").server_name, None);
    assert!(chain("unknown-server-name").server_name.is_some());
}

#[test]
fn chains_read_as_recorded() {
    let mut shown = String::new();
    for (case, server_name) in [
        ("reproduced-no-wildcard", None),
        ("upgrade-pending", None),
        ("reproduced-no-wildcard", Some("API-test.mydomain.com")),
        ("reproduced-no-wildcard", Some("api-tets.mydomain.com")),
        ("offline-log", None),
    ] {
        let trace: Trace = trace::build(&of_case(case), server_name);
        let options = TextOptions { styles: Styles::default(), width: 100, wide: false };
        let name = server_name.unwrap_or("--no-sni");
        shown += &format!("==== {case} {name}, exit code {}\n{}\n", trace.exit_code, trace.text(options));
    }
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("trace", shown);
    });
}

/// Every document that this program writes follows the schema that is published for it. Those of `pcap` and
/// of several contexts are compared where they are made.
#[test]
fn documents_follow_their_published_schemas() {
    let evidence = of_case("reproduced-no-wildcard");
    let everything = std::fs::read_to_string(support::root().join("tests/evidence/everything.json")).expect("it reads");
    let difference = diff::compare(&of_case("healthy"), &evidence, FailOn::default());
    let probed = probe::build(&evidence, FailOn::default());
    let bundle = BundleReader::open(&support::root().join("examples/no-wildcard-route.tar.gz").to_string_lossy())
        .expect("it opens");
    for (name, value) in [
        ("evidence", serde_json::to_value(&evidence)),
        ("evidence", serde_json::from_str(&everything)),
        ("diff", serde_json::to_value(difference)),
        ("probe", serde_json::to_value(probed)),
        ("trace", serde_json::to_value(trace::build(&evidence, None))),
        ("manifest", serde_json::to_value(bundle.manifest())),
    ] {
        let text = std::fs::read_to_string(support::root().join(format!("docs/{name}.schema.json"))).expect("it reads");
        let schema: Value = serde_json::from_str(&text).expect("it is JSON");
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        let value = value.expect("a document serialises");
        let faults: Vec<String> =
            validator.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
}
