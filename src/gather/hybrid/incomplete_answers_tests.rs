//! Tests responses that contain less than they seem to: without required keys, from an intermediary,
//! compressed, or truncated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::*;

/// Only the API server's own 404 shows that kinds are missing. A 200 without the required content shows
/// nothing.
#[tokio::test]
async fn an_answer_without_its_keys_is_not_an_empty_one() {
    const GROUP: &str = "/apis/apigee.cloud.google.com";
    const VERSION: &str = "/apis/apigee.cloud.google.com/v1alpha2";
    let no_answers = || {
        [json!(null), json!([]), json!("text"), json!(7), json!({}), json!({"items": null}), json!({"items": []})]
            .into_iter()
            .chain([json!({"kind": "APIGroup", "versions": []}), json!({"kind": "APIGroup", "versions": [{}]})])
            .chain([json!({"kind": "APIResourceList"}), json!({"kind": "APIResourceList", "resources": [7]})])
            .chain([json!({"kind": "APIResourceList", "resources": []})])
            .chain([json!({"kind": "APIResourceList", "resources": null})])
            .chain([json!({"kind": "ApigeeRouteList", "items": [null]}), json!({"kind": "ApigeeRouteList"})])
    };
    for path in [GROUP, VERSION, ROUTES] {
        for answer in no_answers() {
            let odd = answer.clone();
            let server =
                but(move |asked| (asked.path.split('?').next() == Some(path)).then(|| Answer::Json(odd.clone())));
            let evidence = run(&server, Stop::never()).await.unwrap();
            assert!(matches!(why(&evidence.routes), Reason::Broken(_)), "{path} {answer}: {:?}", evidence.routes);
        }
    }
    let server = but(|asked| asked.path.ends_with("-mesh-config").then(|| Answer::Json(json!([]))));
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.mesh_logging), Reason::Broken("the answer is no ConfigMap".into()));
}

#[tokio::test]
async fn only_the_api_server_can_report_missing_kinds() {
    let text = |body: &str| {
        Answer::Raw(format!("HTTP/1.1 404 X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    };
    for (body, is_missing) in [("404 page not found\n", true), ("<h1>no such page</h1>", false), ("", false)] {
        let server = but(move |asked| asked.path.starts_with("/apis/").then(|| text(body)));
        let evidence = run(&server, Stop::never()).await.unwrap();
        assert_eq!(matches!(why(&evidence.routes), Reason::Missing(_)), is_missing, "{body}: {:?}", evidence.routes);
    }
}

#[tokio::test]
async fn a_404_for_what_discovery_lists_shows_nothing() {
    for path in ["/apis/apigee.cloud.google.com/v1alpha2", ROUTES] {
        let server = but(move |asked| {
            let answer = "HTTP/1.1 404 X\r\ncontent-length: 18\r\n\r\n404 page not found";
            (asked.path.split('?').next() == Some(path)).then(|| Answer::Raw(answer.into()))
        });
        let evidence = run(&server, Stop::never()).await.unwrap();
        assert!(matches!(why(&evidence.routes), Reason::Broken(_)), "{path}: {:?}", evidence.routes);
    }
}

#[tokio::test]
async fn a_balancer_without_api_servers_is_asked_again_and_named() {
    for code in [502, 503, 504] {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let server = but(move |asked| {
            let text = "no healthy upstream";
            let head = format!("HTTP/1.1 {code} X\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            let is_early = asked.path.starts_with(ROUTES) && counted.fetch_add(1, Ordering::Relaxed) < 2;
            is_early.then(|| Answer::Raw(head.into_bytes()))
        });
        let evidence = run(&server, Stop::never()).await.unwrap();
        assert_eq!((route_names(&evidence).len(), tries.load(Ordering::Relaxed)), (2, 3), "{code}");

        let head = format!("HTTP/1.1 {code} X\r\ncontent-length: 4\r\n\r\nlate");
        let server = but(move |_| Some(Answer::Raw(head.clone().into_bytes())));
        let error = run(&server, Stop::never()).await.unwrap_err();
        assert!(matches!(&error, Error::NoApiServerBehind { .. }), "{error}");
        assert!(error.to_string().ends_with(&format!("({code} late)")), "{error}");
        assert!(error.hint().unwrap().starts_with("try again"), "{error}");
    }
}

/// The API server rejects with plain text what exceeds its limits.
#[tokio::test]
async fn a_limit_on_requests_is_no_foreign_server() {
    let text = "Too many requests, please try again later.";
    let head = format!("HTTP/1.1 429 X\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    let server = but(move |_| Some(Answer::Raw(head.clone().into_bytes())));
    let error = run(&server, Stop::never()).await.unwrap_err();
    assert!(matches!(&error, Error::Busy { .. }), "{error}");
    assert!(error.to_string().ends_with("(429 Too many requests, please try again later.)"), "{error}");
    assert!(error.hint().unwrap().starts_with("try again"), "{error}");
}

/// Internal errors of the API server come as plain text. The same status with another text may be a proxy's.
#[tokio::test]
async fn an_internal_error_is_no_foreign_server() {
    let own = ["Internal Server Error: \"/api\": unable to proxy", "This request caused apiserver to panic. Look in"];
    for (text, expected) in own.into_iter().map(|text| (text, true)).chain([("<h1>Oops</h1>", false)]) {
        let head = format!("HTTP/1.1 500 X\r\ncontent-length: {}\r\n\r\n{text}", text.len());
        let server = but(move |_| Some(Answer::Raw(head.clone().into_bytes())));
        let error = run(&server, Stop::never()).await.unwrap_err();
        assert_eq!(matches!(&error, Error::Failing { .. }), expected, "{error}");
        assert!(error.to_string().ends_with(&format!("(500 {text})")), "{error}");
    }
}

/// A proxy may compress without being asked to. A readable response is read; any other is reported with its
/// reason.
#[tokio::test]
async fn an_unrequested_compressed_response_is_read_or_rejected() {
    let packed = |text: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, text).unwrap();
        packed.finish().unwrap()
    };
    let answer = move |code: u16, encoding: &str, body: Vec<u8>| {
        let head =
            format!("HTTP/1.1 {code} X\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n", body.len());
        Answer::Raw([head.into_bytes(), body].concat())
    };
    let server = but(move |asked| match asked.path.as_str() {
        path if path.contains("/log?") => Some(answer(200, "gzip", packed(b"one\ntwo\n"))),
        path if path.ends_with("/secrets/tls") => Some(answer(200, "gzip", packed(b"{\"kind\": \"Secret\"}"))),
        path if path.starts_with(ROUTES) => {
            let item =
                b"{\"kind\": \"ApigeeRouteList\", \"items\": [{\"spec\": {\"ports\": [{\"protocol\": \"HTTPS\", \
                \"tls\": {\"credentialName\": \"tls\"}}]}, \"metadata\": {\"name\": \"zipped\"}}]}";
            Some(answer(200, "x-gzip", packed(item)))
        }
        path if path.contains("/services") => Some(answer(200, "br", b"??".to_vec())),
        path if path.ends_with("-mesh-config") => {
            Some(answer(500, "gzip", packed(b"{\"kind\": \"Status\", \"message\": \"etcd is down\"}")))
        }
        _ => None,
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(route_names(&evidence), ["zipped"]);
    let refused = |encoding: &str| {
        Reason::Broken(format!(
            "the answer is compressed ({encoding}), which was not requested: a proxy may have done it"
        ))
    };
    assert_eq!(why(&evidence.services), refused("br"));
    assert_eq!(why(&evidence.access_logs[0].log), refused("gzip"));
    assert_eq!(why(&evidence.stored_certificates.seen().unwrap()[0].content), refused("gzip"));
    assert_eq!(why(&evidence.mesh_logging), Reason::Unreachable("the server answered 500: etcd is down".into()));
}

#[tokio::test]
async fn a_body_without_an_end_is_bounded() {
    let server = but(|asked| {
        asked.path.starts_with(ROUTES).then(|| {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            let piece = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
            Answer::Raw([head, piece.repeat(9)].concat())
        })
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(why(&evidence.routes), Reason::Broken("the answer is larger than 8 MiB".into()));
}

/// A page that is too large is requested again in smaller pages.
#[tokio::test]
async fn a_large_page_is_requested_again_in_smaller_pages() {
    let server = but(|asked| {
        let (path, query) = asked.path.split_once('?')?;
        (path == ROUTES).then(|| match query {
            "limit=500" => {
                let body = " ".repeat(9 << 20);
                Answer::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
            }
            "limit=50" => page(&["a"], "next"),
            _ => page(&["b"], ""),
        })
    });
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert_eq!(route_names(&evidence), ["a", "b"]);
}

/// What a bundle sink received: the item, the objects of each page, and whether the list was cut off.
#[derive(Clone, Default)]
struct Pages(Arc<std::sync::Mutex<Vec<String>>>);

struct Of(&'static str, Pages);

impl retained::RetainedObjects for Of {
    fn page(&mut self, objects: Vec<Value>) {
        self.1.0.lock().unwrap().push(format!("{} {}", self.0, objects.len()));
    }

    fn finish(self: Box<Self>, cut: Option<Unavailable>) {
        let end = cut.map_or("whole".to_owned(), |cut| cut.reason.to_string());
        self.1.0.lock().unwrap().push(format!("{} {end}", self.0));
    }
}

struct NoLog;

impl retained::RetainedLog for NoLog {
    fn feed(&mut self, _piece: &[u8]) {}
    fn finish(self: Box<Self>, _cut: Option<Unavailable>) {}
    fn missing(self: Box<Self>, _why: Unavailable) {}
}

impl BundleSink for Pages {
    fn objects(&self, item: &'static crate::plan::Item, _origin: &str) -> Box<dyn retained::RetainedObjects> {
        Box::new(Of(item.name(), self.clone()))
    }

    fn missing(&self, _item: &'static crate::plan::Item, _origin: &str, _why: Unavailable) {}
    fn overrides(&self, _number: usize, _name: &str, _content: Result<&[u8], &Unavailable>) {}

    fn log(&self, _origin: &LogOrigin, _is_previous: bool) -> Box<dyn retained::RetainedLog> {
        Box::new(NoLog)
    }
}

/// Memory must not grow with a list, so pages are handed on as they come.
#[tokio::test]
async fn objects_of_a_bundle_are_handed_over_page_by_page() {
    for (last, end) in [(200, "events whole"), (410, "events the server answered 410: too old")] {
        let server = but(move |asked| {
            let (path, query) = asked.path.split_once('?')?;
            path.ends_with("/events").then(|| match query.rsplit_once("continue=").map(|(_, page)| page) {
                None => page(&["a", "b"], "1"),
                Some("1") => page(&["c"], "2"),
                Some(_) if last == 410 => Answer::Status(410, "", "too old"),
                Some(_) => page(&["d", "e", "f"], ""),
            })
        });
        let progress: Arc<dyn Progress> = Arc::new(Silent);
        let api = server.api(Stop::never(), Duration::from_secs(5));
        let pages = Pages::default();
        let sinks = |_: &LogOrigin| Count::default();
        let mut evidence = unasked();
        let options = options();
        let gathering = gather(&api, None, &options, &mut evidence, &progress, &sinks, Some(&pages));
        Box::pin(gathering).await.unwrap();
        let recorded = pages.0.lock().unwrap();
        let of_events: Vec<&str> =
            recorded.iter().map(String::as_str).filter(|recorded| recorded.starts_with("events ")).collect();
        let pages: &[&str] =
            if last == 410 { &["events 2", "events 1"] } else { &["events 2", "events 1", "events 3"] };
        assert_eq!(of_events, [pages, &[end]].concat());
    }
}

/// The evidence records the API server's time; a proxy's does not count.
#[tokio::test]
async fn the_clock_of_the_api_server_is_compared_with_this_machines() {
    let dated = |code: u16, body: &str| {
        let head = "date: Mon, 01 Jan 2001 00:00:00 GMT\r\nconnection: close";
        Answer::Raw(format!("HTTP/1.1 {code} X\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    };
    let server = but(move |asked| (asked.path == "/version").then(|| dated(200, "{\"gitVersion\": \"v1\"}")));
    let ahead = |evidence: &Evidence| evidence.connection.seen().unwrap().clock_ahead_seconds;
    let evidence = run(&server, Stop::never()).await.unwrap();
    assert!(ahead(&evidence).unwrap() < -700_000_000, "{:?}", evidence.connection);
    let server = but(move |asked| asked.path.starts_with(ROUTES).then(|| dated(500, "<h1>no</h1>")));
    assert_eq!(ahead(&run(&server, Stop::never()).await.unwrap()), None);
}
