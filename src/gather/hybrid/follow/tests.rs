//! Followed logs, with a server that breaks off, restarts, rotates and deletes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::evidence::Seen;
use crate::gather::test_server::{Answer, Asked, TestServer};

const POD: &str = "gw-1";
const LIMIT: Duration = Duration::from_secs(20);

fn record(second: u32, client: &str) -> String {
    format!(
        "2025-06-02T10:00:{second:02}.000000001Z {{\"remote_address\":\"{client}:1\",\"sni_host\":null,\
         \"start_time\":\"2025-06-02T10:00:{second:02}.000Z\",\"status\":0,\"tls_protocol\":null,\
         \"status_details\":\"filter_chain_not_found\",\"upstream_response_flags\":\"NR\"}}\n"
    )
}

fn pod(restarts: u32) -> Value {
    json!({
        "metadata": {"name": POD, "uid": "u-1", "resourceVersion": "5"},
        "spec": {"containers": [{"name": "apigee-ingressgateway"}, {"name": "other"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "apigee-ingressgateway", "restartCount": restarts, "state": {"running": {"startedAt": "2025-06-02T10:00:00Z"}}}]},
    })
}

/// A body in chunks; without its end, it breaks off.
fn chunks(parts: &[&str], ends: bool) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for part in parts {
        bytes.extend(format!("{:x}\r\n{part}\r\n", part.len()).into_bytes());
    }
    if ends {
        bytes.extend(b"0\r\n\r\n");
    }
    bytes
}

/// A server with one pod. `logs` answers the requests for its log, in order; `previous` those for the run
/// before. Changes of the pods are those of `changes`, sent with the first watch after so many requests for
/// logs.
fn server(logs: Vec<Answer>, previous: Option<String>, changes: (usize, String)) -> TestServer {
    let logs: Mutex<std::collections::VecDeque<Answer>> = Mutex::new(logs.into());
    let asked_logs = AtomicUsize::new(0);
    TestServer::start(move |asked: &Asked| {
        let path = asked.path.as_str();
        if path.contains("previous=true") {
            return match &previous {
                Some(text) => Answer::Raw(chunks(&[text], true)),
                None => Answer::Status(400, "", "previous terminated container not found"),
            };
        }
        if path.contains("/log?") {
            asked_logs.fetch_add(1, Ordering::Relaxed);
            return logs.lock().unwrap().pop_front().unwrap_or(Answer::Status(404, "", "pods \"gw-1\" not found"));
        }
        if path.contains("watch=true") {
            if path.contains("resourceVersion=5") {
                while asked_logs.load(Ordering::Relaxed) < changes.0 {
                    std::thread::sleep(Duration::from_millis(10));
                }
                return Answer::Hang(chunks(&[&changes.1], false));
            }
            return Answer::Hang(chunks(&[], false));
        }
        if path.contains("/pods?") {
            return Answer::Json(json!({
                "kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": [pod(0)],
            }));
        }
        Answer::Status(404, "", "not found")
    })
}

fn follow(server: &TestServer) -> Follow {
    Follow {
        api: server.api(Stop::never(), Duration::from_secs(5)),
        context: None,
        options: FollowOptions {
            connection: ConnectionOptions::default(),
            namespace: "apigee".into(),
            selector: "app=apigee-ingressgateway".into(),
            container: None,
            since: "2025-06-02T09:00:00Z".parse().unwrap(),
            window: Duration::from_mins(10),
        },
        format: Arc::default(),
        followed: Followed::new(Duration::from_mins(10)),
    }
}

/// Follows until the news are such; returns all of them.
async fn until(follow: &Follow, is_such: impl Fn(&News) -> bool) -> Vec<News> {
    let mut received = follow.start();
    let mut all = Vec::new();
    let waiting = async {
        while let Some(news) = received.recv().await {
            let is_last = is_such(&news);
            all.push(news);
            if is_last {
                break;
            }
        }
    };
    timeout(LIMIT, waiting).await.unwrap();
    all
}

fn clients(news: &[News]) -> Vec<(String, u64)> {
    let mut clients: BTreeMap<String, u64> = BTreeMap::new();
    for news in news {
        if let News::Failing(failing) = news {
            for (client, span) in &failing.clients {
                *clients.entry(client.client.clone().unwrap_or_default()).or_default() += span.count;
            }
        }
    }
    clients.into_iter().collect()
}

fn is_of(client: &'static str) -> impl Fn(&News) -> bool {
    move |news| matches!(news, News::Failing(failing) if failing.clients.keys().any(|key| key.client.as_deref() == Some(client)))
}

fn counted(clients: &[(&str, u64)]) -> Vec<(String, u64)> {
    clients.iter().map(|(client, count)| ((*client).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_stream_that_breaks_off_goes_on_after_the_last_whole_line() {
    let (a, b, c) = (record(1, "10.0.0.1"), record(1, "10.0.0.2"), record(3, "10.0.0.3"));
    let (half, _) = b.split_at(60);
    let server = server(
        vec![
            Answer::Raw(chunks(&[&a, half], false)),
            Answer::Status(500, "", "the kubelet is away"),
            // The second is repeated from its beginning: the same line, and then those that follow.
            Answer::Hang(chunks(&[&a, &b, &b, &c], false)),
        ],
        None,
        (usize::MAX, String::new()),
    );
    let follow = follow(&server);
    let news = until(&follow, is_of("10.0.0.3")).await;
    assert_eq!(clients(&news), counted(&[("10.0.0.1", 1), ("10.0.0.2", 2), ("10.0.0.3", 1)]));
    let coverage = follow.followed().coverage();
    assert_eq!((coverage.lines, coverage.gaps, coverage.reconnects, coverage.pods), (4, 0, 1, 1));
    let lost = news.iter().filter(|news| matches!(news, News::Stream { state: StreamState::Lost(_), .. })).count();
    assert_eq!(lost, 1);
    let of_log = server.asked().into_iter().map(|asked| asked.path).filter(|path| path.contains("/log?"));
    let since: Vec<bool> = of_log.map(|path| path.contains("sinceTime=2025-06-02T10%3A00%3A00Z")).collect();
    assert_eq!(since, [false, true, true]);
}

#[tokio::test]
async fn the_rest_of_an_earlier_run_is_read_before_the_new_one() {
    let lines: Vec<String> = (1..=4).map(|second| record(second, &format!("10.0.0.{second}"))).collect();
    let server = server(
        vec![Answer::Raw(chunks(&[&lines[0]], false)), Answer::Hang(chunks(&[&lines[3]], false))],
        Some(lines[..3].concat()),
        (usize::MAX, String::new()),
    );
    let follow = follow(&server);
    let news = until(&follow, is_of("10.0.0.4")).await;
    let all = [("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.3", 1), ("10.0.0.4", 1)];
    assert_eq!(clients(&news), counted(&all));
    assert_eq!(follow.followed().coverage().gaps, 0);
}

#[tokio::test]
async fn lines_that_nobody_has_any_more_are_a_gap() {
    for previous in [None, Some(record(0, "10.0.0.9")), Some(record(3, "10.0.0.3"))] {
        let has_third = previous.as_ref().is_some_and(|text| text.contains("10.0.0.3"));
        let server = server(
            vec![
                Answer::Raw(chunks(&[&record(2, "10.0.0.1")], false)),
                Answer::Hang(chunks(&[&record(4, "10.0.0.4")], false)),
            ],
            previous,
            (usize::MAX, String::new()),
        );
        let follow = follow(&server);
        let news = until(&follow, is_of("10.0.0.4")).await;
        let gaps: Vec<_> = news
            .iter()
            .filter_map(|news| match news {
                News::Gap { from, until, .. } => {
                    Some((from.unwrap().as_second() % 60, until.unwrap().as_second() % 60))
                }
                _ => None,
            })
            .collect();
        assert_eq!(gaps, [(2, 4)]);
        assert_eq!(follow.followed().coverage().lines, if has_third { 3 } else { 2 });
        let pods = [parse_pod(&pod(0))];
        let logs = follow.followed().logs(&Stop::never(), &pods, None, &[], "").await;
        assert_eq!(logs.len(), 1, "the other container serves no clients");
        assert!(matches!(&logs[0].log, Seen::Seen(log) if log.reset_without_sni.count >= 2));
        assert!(logs[0].cut.is_some(), "the log is incomplete for a judgement");
    }
}

#[tokio::test]
async fn a_deleted_pod_is_read_to_its_end() {
    let deleted = json!({"type": "DELETED", "object": pod(0)}).to_string() + "\n";
    for ends in [true, false] {
        let server = server(
            vec![Answer::Raw(chunks(&[&record(1, "10.0.0.1"), "2025-06-02T10:00:02Z half"], ends))],
            None,
            (1, deleted.clone()),
        );
        let follow = follow(&server);
        let is_end = |news: &News| matches!(news, News::Stream { state: StreamState::Ended, .. });
        let news = until(&follow, is_end).await;
        assert_eq!(clients(&news), counted(&[("10.0.0.1", 1)]));
        let gaps = news.iter().filter(|news| matches!(news, News::Gap { .. })).count();
        assert_eq!(gaps, usize::from(!ends), "one that broke off lacks its rest");
        assert_eq!(follow.followed().coverage().pods, 0);
    }
}

#[tokio::test]
async fn memory_of_a_line_is_bounded() {
    let long = "x".repeat(1 << 20);
    let server = server(
        vec![Answer::Hang(chunks(
            &["2025-06-02T10:00:00Z ", &long, "\n", "a message of the kubelet\n", &record(1, "10.0.0.1")],
            false,
        ))],
        None,
        (usize::MAX, String::new()),
    );
    let follow = follow(&server);
    until(&follow, is_of("10.0.0.1")).await;
    let coverage = follow.followed().coverage();
    assert_eq!((coverage.lines, coverage.cut, coverage.unreadable), (2, 1, 1));
    assert!(coverage.bytes < 200_000);
}
