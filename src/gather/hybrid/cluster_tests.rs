//! Gathering against a server that answers what a cluster answered, and what a broken one might.

use super::*;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use crate::evidence::hybrid::Container;
use crate::evidence::stored::StoredIn;
use crate::evidence::{AccessLog, HybridQuestion, Reason};
use crate::gather::error::ConnectFailure;
use crate::gather::test_server::{Answer, Asked, TestServer};
use crate::run::progress::Silent;

#[derive(Default)]
struct Count(AccessLog);

impl LogSink for Count {
    fn feed(&mut self, piece: &[u8]) {
        self.0.bytes += piece.len() as u64;
        self.0.lines += memchr::memchr_iter(b'\n', piece).count() as u64;
    }

    fn finish(self, _cut: Option<&Unavailable>) -> AccessLog {
        self.0
    }

    fn saw(&self, _server_name: &str) -> bool {
        false
    }
}

const NAMESPACE: &str = "/api/v1/namespaces/apigee";
const ROUTES: &str = "/apis/apigee.cloud.google.com/v1alpha2/namespaces/apigee/apigeeroutes";

fn options() -> GatherOptions {
    GatherOptions {
        connection: ConnectionOptions::default(),
        namespace: "apigee".into(),
        selector: "app=apigee-ingressgateway".into(),
        container: None,
        log_limits: LogLimits::default(),
        probe: None,
        followed: None,
    }
}

async fn run(server: &TestServer, stop: Stop) -> Result<Evidence, Error> {
    run_counted(server, stop).await.map(|(evidence, _)| evidence)
}

/// The evidence and the number of requests.
async fn run_counted(server: &TestServer, stop: Stop) -> Result<(Evidence, u64), Error> {
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    let api = server.api(stop, Duration::from_millis(700));
    let (mut evidence, context) = (unasked(), Some("prod".into()));
    let sinks = |_: &LogOrigin| Count::default();
    let options = options();
    let gathering = gather(&api, context, &options, &mut evidence, &progress, &sinks, None);
    let requests = Box::pin(gathering).await?;
    Ok((evidence, requests))
}

fn unasked() -> Evidence {
    Evidence::not_gathered(HybridQuestion::default(), Timestamp::UNIX_EPOCH, "a test")
}

/// Returns the responses of a healthy cluster with two pods.
fn healthy(asked: &Asked) -> Answer {
    let path = asked.path.split('?').next().unwrap_or_default();
    let resources = |kinds: &[(&str, &str)]| {
        let list: Vec<Value> = kinds.iter().map(|(kind, name)| json!({"kind": kind, "name": name})).collect();
        Answer::Json(json!({"kind": "APIResourceList", "resources": list}))
    };
    let items = |items: Value| Answer::Json(json!({"kind": "List", "metadata": {}, "items": items}));
    match path.strip_prefix(NAMESPACE) {
        Some("") => Answer::Json(json!({"kind": "Namespace", "metadata": {"name": "apigee"}})),
        Some("/pods") => items(json!([pod("gw-2"), pod("gw-1")])),
        Some("/services") => items(json!([
            {"metadata": {"name": "public"}, "spec": {"selector": {"app": "apigee-ingressgateway"}, "ports": [{"port": 443}]}},
            {"metadata": {"name": "other"}, "spec": {"selector": {"app": "x"}}},
        ])),
        Some("/secrets") => {
            Answer::Json(json!({"kind": "PartialObjectMetadataList", "items": [{"metadata": {"name": "tls"}}]}))
        }
        Some("/secrets/tls") => Answer::Json(json!({"kind": "Secret", "data": {"key": ""}})),
        Some("/configmaps/apigee-istio-mesh-config") => {
            Answer::Json(json!({"data": {"mesh": "accessLogFile: /dev/stdout"}}))
        }
        Some(log) if log.ends_with("/log") => {
            Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\none\ntwo\n".to_vec())
        }
        _ => match path {
            "/version" => Answer::Json(json!({"gitVersion": "v1.36.3"})),
            "/apis/apigee.cloud.google.com" => Answer::Json(json!({"kind": "APIGroup",
                "versions": [
                    {"groupVersion": "apigee.cloud.google.com/v1alpha1"},
                    {"groupVersion": "apigee.cloud.google.com/v1alpha2"},
                    {"groupVersion": "apigee.cloud.google.com/v1alpha3"}],
                "preferredVersion": {"groupVersion": "apigee.cloud.google.com/v1alpha3"}})),
            "/apis/apigee.cloud.google.com/v1alpha1" => {
                resources(&[("ApigeeRouteConfig", "apigeerouteconfigs"), ("ApigeeIssue", "apigeeissues")])
            }
            "/apis/apigee.cloud.google.com/v1alpha2" => {
                resources(&[("ApigeeRoute", "apigeeroutes"), ("ApigeeRoute", "apigeeroutes/status")])
            }
            "/apis/apigee.cloud.google.com/v1alpha3" => resources(&[("ApigeeDeployment", "apigeedeployments")]),
            ROUTES => items(json!([
                {"metadata": {"name": "r2"}, "spec": {"ports": [{"protocol": "HTTPS", "tls": {"credentialName": "tls"}}]}},
                {"metadata": {"name": "r1"}, "spec": 7},
            ])),
            "/apis/apigee.cloud.google.com/v1alpha1/namespaces/apigee/apigeerouteconfigs" => {
                items(json!([{"metadata": {"name": "c"}}]))
            }
            "/apis/apigee.cloud.google.com/v1alpha1/namespaces/apigee/apigeeissues" => items(json!(null)),
            _ => Answer::Status(404, "", "the server could not find the requested resource"),
        },
    }
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": "apigee-ingressgateway"}},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}]}, "status": {"phase": "Running"}})
}

/// A healthy cluster, except for the responses of `odd`.
fn but(odd: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> TestServer {
    TestServer::start(move |asked| odd(asked).unwrap_or_else(|| healthy(asked)))
}

fn why<T: std::fmt::Debug>(seen: &Seen<T>) -> Reason {
    seen.seen().unwrap_err().reason
}

fn page(names: &[&str], next: &str) -> Answer {
    let items: Vec<Value> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    Answer::Json(json!({"kind": "List", "metadata": {"continue": next}, "items": items}))
}

fn route_names(evidence: &Evidence) -> Vec<String> {
    evidence.routes.seen().unwrap().items.iter().map(|route| route.name.clone()).collect()
}

#[tokio::test]
async fn reads_a_healthy_cluster_completely() {
    let server = but(|_| None);
    let (evidence, requests) = run_counted(&server, Stop::never()).await.unwrap();
    assert_eq!(evidence.connection.seen().unwrap().server_version.as_deref(), Some("v1.36.3"));
    assert_eq!(route_names(&evidence), ["r1", "r2"]);
    let routes = evidence.routes.seen().unwrap();
    assert_eq!(routes.api_version, "apigee.cloud.google.com/v1alpha2");
    assert_eq!(routes.served_versions, ["apigee.cloud.google.com/v1alpha2"]);
    assert_eq!(evidence.route_configs.seen().unwrap().api_version, "apigee.cloud.google.com/v1alpha1");
    assert!(evidence.issues.seen().unwrap().is_empty());
    assert_eq!(evidence.secrets.seen().unwrap().names, ["tls"]);
    assert_eq!(evidence.services.seen().unwrap().len(), 1);
    let streams: Vec<String> = evidence.access_logs.iter().map(|stream| stream.origin.to_string()).collect();
    assert_eq!(streams, ["gw-1/a", "gw-1/b", "gw-2/a", "gw-2/b"]);
    assert!(evidence.access_logs.iter().all(|stream| stream.log.seen().unwrap().lines == 2 && stream.cut.is_none()));
    assert_eq!(evidence.interrupted, None);
    assert_eq!(requests, server.paths().len() as u64);
    let [stored] = evidence.stored_certificates.seen().unwrap().as_slice() else { panic!("one Secret is named") };
    assert_eq!(
        (&stored.origin, stored.content.seen().unwrap().keys.len()),
        (&StoredIn::Secret { name: "tls".into() }, 1)
    );
    assert_eq!(requests, 18);
}

#[tokio::test]
async fn only_metadata_is_requested_of_secrets_that_no_route_names() {
    let server = but(|_| None);
    run(&server, Stop::never()).await.unwrap();
    let mut secrets: Vec<Asked> = server.asked();
    secrets.retain(|asked| asked.path.contains("/secrets") && !asked.path.ends_with("/secrets/tls"));
    assert_eq!(secrets.len(), 1);
    let accept = secrets[0].headers.iter().find(|header| header.starts_with("accept:")).unwrap();
    assert_eq!(accept, "accept: application/json;as=partialobjectmetadatalist;g=meta.k8s.io;v=v1");

    let server = but(|asked| asked.path.contains("/secrets").then(|| page(&["tls"], "")));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.secrets), Reason::Broken("the answer is no PartialObjectMetadataList".into()));
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let server = but(|asked| {
        let (path, query) = asked.path.split_once('?')?;
        (path == ROUTES).then(|| match query {
            "limit=500" => page(&["a"], "to/2="),
            "limit=500&continue=to%2F2%3D" => page(&["b"], "3"),
            "limit=500&continue=3" => page(&["c"], ""),
            other => panic!("{other}"),
        })
    });
    assert_eq!(route_names(&run(&server, Stop::never()).await.unwrap()), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_list_that_expired_is_read_again_at_once() {
    let server = but(|asked| match asked.path.strip_prefix(ROUTES)? {
        "?limit=500" => Some(page(&["a"], "2")),
        "?limit=500&continue=2" => Some(Answer::Status(410, "", "the provided continue parameter is too old")),
        _ => Some(page(&["a", "b"], "")),
    });
    assert_eq!(route_names(&run(&server, Stop::never()).await.unwrap()), ["a", "b"]);
}

#[tokio::test]
async fn an_endless_list_is_an_error() {
    let server = but(|asked| asked.path.starts_with(ROUTES).then(|| page(&["a"], "again")));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Broken("the list does not end after 400 objects".into()));
}

#[tokio::test]
async fn a_list_in_memory_is_bounded() {
    let names = vec!["a"; 500];
    let server = but(move |asked| asked.path.starts_with(ROUTES).then(|| page(&names, "again")));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Broken("the list does not end after 20500 objects".into()));
}

#[tokio::test]
async fn a_missing_permission_does_not_affect_other_sources() {
    let server = but(|asked| {
        let forbidden =
            asked.path.starts_with(ROUTES) || asked.path.contains("/secrets") || asked.path.contains("/log");
        (forbidden || asked.path == NAMESPACE).then_some(Answer::Status(403, "", "forbidden: User \"x\" cannot"))
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(
        why(&evidence.routes).to_string(),
        "forbidden: the rule \"list apigeeroutes.apigee.cloud.google.com\" in namespace apigee is missing"
    );
    assert!(why(&evidence.secrets).to_string().contains("\"list secrets\""));
    // Without routes the Secrets to read are unknown.
    assert_eq!(why(&evidence.stored_certificates), why(&evidence.routes));
    assert!(why(&evidence.access_logs[0].log).to_string().contains("\"get pods/log\""));
    assert!(evidence.pods.seen().is_ok() && evidence.mesh_logging.seen().is_ok());
}

#[tokio::test]
async fn a_crd_that_is_not_installed() {
    let server = but(|asked| asked.path.starts_with("/apis/").then_some(Answer::Status(404, "", "not found")));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(
        why(&evidence.routes),
        Reason::Missing("the API server serves no ApigeeRoute (CRD not installed)".into())
    );
    assert_eq!(
        why(&evidence.issues),
        Reason::Missing("the API server serves no ApigeeIssue (CRD not installed)".into())
    );

    let server = but(|asked| asked.path.ends_with("/v1alpha2").then_some(Answer::Status(500, "", "etcd is down")));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Unreachable("the server answered 500: etcd is down".into()));
    assert!(evidence.route_configs.seen().is_ok());
}

#[tokio::test]
async fn a_busy_server_is_retried_after_its_delay() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let server = but(move |asked| {
        let busy = asked.path.starts_with(ROUTES) && counted.fetch_add(1, Ordering::Relaxed) < 2;
        busy.then_some(Answer::Status(429, "retry-after: 0\r\n", "too many requests"))
    });
    let (evidence, requests) = run_counted(&server, Stop::never()).await.unwrap();
    assert_eq!(route_names(&evidence), ["r1", "r2"]);
    assert_eq!((tries.load(Ordering::Relaxed), requests), (3, 20));

    let server = but(|asked| asked.path.starts_with(ROUTES).then_some(Answer::Status(503, "", "no endpoints")));
    let (evidence, requests) = run_counted(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Unreachable("the server answered 503: no endpoints".into()));
    assert_eq!(requests, 19);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let server = but(|asked| {
        asked.path.starts_with(ROUTES).then_some(Answer::Status(429, "retry-after: 3600\r\n", "come back later"))
    });
    let began = Instant::now();
    let stop = Stop::new(Some(Duration::from_secs(30)), watch::channel(false).1);
    let evidence = run(&server, stop).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Unreachable("the server answered 429: come back later".into()));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn retries_end_at_the_time_limit_of_one_request() {
    let server = but(|asked| {
        asked.path.starts_with(ROUTES).then_some(Answer::Status(429, "retry-after: 1\r\n", "come back later"))
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Unreachable("the server answered 429: come back later".into()));
    // A second wait would have been longer than the remaining time limit of the request.
    assert_eq!(server.paths().iter().filter(|path| path.starts_with(ROUTES)).count(), 2);

    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let server = but(move |asked| {
        let is_late = asked.path.starts_with(ROUTES);
        is_late.then(|| match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::Status(503, "retry-after: 1\r\n", "starting"),
            _ => Answer::Hang(Vec::new()),
        })
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::TimedOut { milliseconds: 1400 });
    assert!(evidence.route_configs.seen().is_ok());
}

#[tokio::test]
async fn a_long_list_with_progress_is_not_cut_off() {
    let server = but(|asked| {
        let (path, query) = asked.path.split_once('?')?;
        (path == ROUTES).then(|| {
            std::thread::sleep(Duration::from_millis(400));
            match query.rsplit_once("continue=").map_or(0, |(_, page)| page.parse().unwrap()) {
                4 => page(&["e"], ""),
                number => page(&["x"], &(number + 1).to_string()),
            }
        })
    });
    let began = Instant::now();
    assert_eq!(route_names(&run(&server, Stop::never()).await.unwrap()).len(), 5);
    assert!(began.elapsed() > Duration::from_millis(1400), "longer than the patience for one page");
}

#[tokio::test]
async fn malformed_responses_are_reported() {
    for (answer, text) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"items\": [", "the answer broke off"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ite", "the answer broke off"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", "the answer is not JSON"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "the answer is no list"),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", "the compressed answer is broken"),
    ] {
        let server = but(move |asked| asked.path.starts_with(ROUTES).then(|| Answer::Raw(answer.into())));
        let evidence = run(&server, Stop::never()).await.unwrap();
        let Reason::Broken(message) = why(&evidence.routes) else { panic!("{:?}", evidence.routes) };
        assert!(message.starts_with(text), "{message}");
    }
    let server = but(|asked| asked.path.starts_with(ROUTES).then(|| Answer::Raw(Vec::new())));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Unreachable(ConnectFailure::Closed.to_string()));
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let server = but(|asked| {
        asked.path.starts_with(ROUTES).then(|| {
            assert!(asked.headers.iter().any(|header| header == "accept-encoding: gzip"));
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packed, br#"{"items":[{"metadata":{"name":"zipped"}}]}"#).unwrap();
            let packed = packed.finish().unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
            Answer::Raw([head.into_bytes(), packed].concat())
        })
    });
    assert_eq!(route_names(&run(&server, Stop::never()).await.unwrap()), ["zipped"]);
}

#[tokio::test]
async fn a_slow_source_does_not_affect_others() {
    let server = but(|asked| asked.path.starts_with(ROUTES).then(|| Answer::Hang(Vec::new())));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::TimedOut { milliseconds: 700 });
    assert!(evidence.route_configs.seen().is_ok());
    assert_eq!(evidence.interrupted, None);
}

#[tokio::test]
async fn the_deadline_leaves_a_report() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\none\ntwo\n";
    let server = but(move |asked| match asked.path.as_str() {
        path if path.contains("/gw-1/log?container=a") => Some(Answer::Hang(head.to_vec())),
        path if path.contains("/gw-2/log?container=a") => Some(Answer::Hang(Vec::new())),
        _ => None,
    });
    let began = Instant::now();
    let stop = Stop::new(Some(Duration::from_millis(400)), watch::channel(false).1);
    let evidence = run(&server, stop).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    let timed_out = Reason::TimedOut { milliseconds: 400 };
    assert_eq!(evidence.interrupted.unwrap().reason, timed_out);
    assert_eq!(evidence.access_logs[0].log.seen().unwrap().lines, 2);
    assert_eq!(evidence.access_logs[0].cut.as_ref().unwrap().reason, timed_out);
    assert_eq!(why(&evidence.access_logs[2].log), timed_out);
    assert!(evidence.access_logs[3].log.seen().is_ok() && evidence.routes.seen().is_ok());
}

#[tokio::test]
async fn an_interruption_keeps_the_evidence_so_far() {
    let (interrupt, interrupted) = watch::channel(false);
    let server = but(move |asked| {
        asked.path.starts_with(ROUTES).then(|| {
            std::thread::sleep(Duration::from_millis(300));
            interrupt.send(true).unwrap();
            Answer::Hang(Vec::new())
        })
    });
    let evidence = run(&server, Stop::new(None, interrupted)).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Interrupted);
    assert_eq!(evidence.interrupted.as_ref().unwrap().reason, Reason::Interrupted);
    assert!(evidence.pods.seen().is_ok());
}

#[tokio::test]
async fn reports_truncated_and_missing_logs() {
    let server = but(|asked| {
        let raw = |text: &str| Some(Answer::Raw(text.as_bytes().to_vec()));
        match asked.path.as_str() {
            path if path.contains("/gw-1/log?container=a") => {
                raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\none\ntwo\nthr")
            }
            path if path.contains("/gw-1/log?container=b") => {
                raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\none\n\r\n4\r\nt")
            }
            path if path.contains("/gw-2/log?container=a") => {
                Some(Answer::Status(400, "", "container \"a\" in pod \"gw-2\" is waiting to start: ImagePullBackOff"))
            }
            path if path.contains("/gw-2/log?container=b") => Some(Answer::Status(
                500,
                "",
                "Get \"https://10.0.0.1:10250/containerLogs/apigee/gw-2/b\": dial tcp 10.0.0.1:10250: connect: connection refused",
            )),
            _ => None,
        }
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    let [one, two, three, four] = evidence.access_logs.as_slice() else { panic!() };
    assert_eq!(one.log.seen().unwrap().bytes, 11);
    let Reason::Broken(text) = &one.cut.as_ref().unwrap().reason else { panic!() };
    assert!(text.starts_with("the stream broke off after 11 bytes: "), "{text}");
    assert_eq!(two.log.seen().unwrap().bytes, 5);
    assert!(two.cut.is_some());
    let waiting = "container \"a\" in pod \"gw-2\" is waiting to start: ImagePullBackOff";
    assert_eq!(why(&three.log), Reason::Missing(waiting.into()));
    assert!(why(&four.log).to_string().ends_with("connect: connection refused"));
}

#[tokio::test]
async fn a_followed_log_that_ends_before_the_marker_probe_was_cut_off() {
    let server = but(|_| None);
    let api = server.api(Stop::never(), Duration::from_secs(5));
    let containers = vec![Container { name: "apigee-ingressgateway".into(), ..Container::default() }];
    let pods = [IngressPod { name: "gw-1".into(), containers, ..IngressPod::default() }];
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    for (limit_bytes, expected) in [(None, true), (Some(8), false)] {
        let limits = LogLimits { limit_bytes, ..LogLimits::default() };
        let marked_pods = ["gw-1".to_owned()];
        let request = LogRequest {
            namespace: "apigee",
            container: None,
            limits: &limits,
            marked_pods: &marked_pods,
            marker: "k",
            format: &Arc::default(),
        };
        let streams = logs(&api, request, &pods, &progress, &|_: &LogOrigin| Count::default()).await;
        assert_eq!(streams[0].log.seen().unwrap().lines, 2);
        let is_broken = streams[0].cut.as_ref().is_some_and(|cut| matches!(cut.reason, Reason::Broken(_)));
        assert_eq!(is_broken, expected, "{:?}", streams[0].cut);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_of_many_small_pieces_are_whole() {
    // The kubelet flushes every line, so there are more pieces than are taken at once.
    let lines = 50_000;
    let body: String = (0..lines).map(|number| format!("6\r\n{number:05}\n\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}0\r\n\r\n");
    let server = but(move |asked| asked.path.contains("/log?").then(|| Answer::Raw(answer.as_bytes().to_vec())));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(evidence.access_logs.len(), 4);
    for stream in &evidence.access_logs {
        assert_eq!(stream.cut, None);
        assert_eq!(stream.log.seen().unwrap().bytes, 6 * lines);
    }
}

#[tokio::test]
async fn a_container_that_a_pod_does_not_have() {
    let server = but(|_| None);
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    let options = GatherOptions { container: Some("istio-proxy".into()), ..options() };
    let api = server.api(Stop::never(), Duration::from_secs(5));
    let mut evidence = unasked();
    let sinks = |_: &LogOrigin| Count::default();
    Box::pin(gather(&api, None, &options, &mut evidence, &progress, &sinks, None)).await.unwrap();
    assert_eq!(evidence.access_logs.len(), 2);
    let text = "the pod has no container \"istio-proxy\" (it has a, b)";
    assert_eq!(why(&evidence.access_logs[0].log), Reason::Missing(text.into()));
}

#[tokio::test]
async fn requests_do_not_grow_with_routes() {
    let server = but(|asked| {
        let names: Vec<String> = (0..500).map(|number| format!("r{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        asked.path.starts_with(ROUTES).then(|| page(&names, ""))
    });
    let (evidence, requests) = run_counted(&server, Stop::never()).await.unwrap();
    assert_eq!((route_names(&evidence).len(), requests), (500, 17));
}

#[tokio::test]
async fn a_failed_first_request_is_an_error() {
    let failing = async |code: u16, text: &'static str| {
        let server = but(move |_| Some(Answer::Status(code, "", text)));
        run(&server, Stop::never()).await.unwrap_err()
    };
    let error = failing(401, "Unauthorized").await;
    assert!(matches!(&error, Error::Unauthorized { message, .. } if message == "Unauthorized"), "{error}");
    assert!(error.hint().unwrap().starts_with("log in again"));

    let server =
        but(|asked| (asked.path == NAMESPACE).then_some(Answer::Status(404, "", "namespaces \"apigee\" not found")));
    let error = run(&server, Stop::never()).await.unwrap_err();
    assert!(matches!(&error, Error::MissingNamespace { namespace, .. } if namespace == "apigee"), "{error}");

    let login = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>";
    let server = but(move |_| Some(Answer::Raw(login.into())));
    assert!(matches!(run(&server, Stop::never()).await, Err(Error::NotAnApiServer { .. })));

    let server = but(|_| Some(Answer::Hang(Vec::new())));
    let error = run(&server, Stop::never()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { source: ConnectFailure::Slow(_), .. }), "{error}");

    let server = but(|_| Some(Answer::Raw(Vec::new())));
    let error = run(&server, Stop::never()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { source: ConnectFailure::Closed, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let mut server = but(|_| None);
    // Nothing listens on port 1 of this machine.
    server.address = "http://127.0.0.1:1".into();
    let error = run(&server, Stop::never()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { source: ConnectFailure::Refused, .. }), "{error}");
    server.address = "http://no-such-host.invalid:6443".into();
    let error = run(&server, Stop::never()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { source: ConnectFailure::UnknownHost, .. }), "{error:?}");
}

#[path = "incomplete_answers_tests.rs"]
mod honest_answers;

#[path = "wrong_namespace_tests.rs"]
mod wrong_namespace;
