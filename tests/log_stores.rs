//! Log stores from end to end: the program against a real OpenSearch node and against a stand-in of Cloud
//! Logging.
//!
//! What the store counts must be what the program counts when it reads the same records from a file.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "stores/cloud.rs"]
mod cloud;
#[path = "stores/home.rs"]
mod home;
#[path = "stores/node.rs"]
mod node;
#[path = "stores/records.rs"]
mod records;
#[path = "stores/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use self::cloud::Cloud;
use self::home::{CLASSES, Home, assert_same, compare, counts, window};
use self::node::Node;
use self::records::{BEGIN, Names, lines, records, time};
use self::server::{Identity, Request};

/// The one node of all tests, and how many records its large index has.
const RECORDS: usize = 60_000;
const SMALL: usize = 6_000;

fn node() -> &'static Node {
    static NODE: OnceLock<Node> = OnceLock::new();
    NODE.get_or_init(Node::start)
}

fn url(index: &str) -> String {
    format!("http://127.0.0.1:{}/{index}", node().port)
}

fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": 1024})
}

/// Mappings as operators write them for Apigee's format.
fn typed() -> Value {
    json!({
        "start_time": {"type": "date"}, "remote_address": keyword(), "sni_host": keyword(), "status": {"type": "short"},
        "status_details": keyword(), "upstream_response_flags": keyword(), "tls_protocol": keyword(), "host": keyword(),
        "request_path": {"type": "keyword", "index": false},
    })
}

#[test]
fn a_store_counts_what_the_same_records_in_a_file_count() {
    let records = records(7, RECORDS, Names::Apigee);
    node().fill("typed", &typed(), &records);
    let stream = compare(&Home::new(), &url("typed"), &records);
    let store = &stream["store"];
    assert_eq!((&store["engine"], &store["counting"]), (&json!("openSearch"), &json!("byStore")));
    assert_eq!(store["approximate"], Value::Null, "all counts are exact");
    let requests = store["requests"].as_u64().expect("a number");
    assert!(requests < 25, "{requests} requests for {RECORDS} records");
    let read = store["read"].as_u64().expect("a number");
    assert!(read < RECORDS as u64 / 50, "{read} records were read");
}

#[test]
fn fields_are_found_wherever_a_collector_puts_them() {
    let home = Home::new();
    let apigee = records(11, SMALL, Names::Apigee);
    let istio = records(12, SMALL, Names::Istio);
    let none = json!({});
    // As Elasticsearch and OpenSearch map fields by themselves: text with a sub-field.
    node().fill("dynamic", &none, &apigee);
    compare(&home, &url("dynamic"), &apigee);
    let nested: Vec<Value> = istio
        .iter()
        .map(|record| json!({"@timestamp": record["start_time"], "json": record, "host": {"name": "n"}}))
        .collect();
    node().fill("nested", &none, &nested);
    compare(&home, &url("nested"), &istio);
    let flat: Vec<Value> = apigee
        .iter()
        .map(|record| {
            let members = record.as_object().expect("a record").iter();
            members
                .map(|(key, value)| (format!("envoy.{key}"), value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect();
    node().fill("flat", &none, &flat);
    compare(&home, &url("flat"), &apigee);
    // Several indices behind one pattern.
    let (left, right) = apigee.split_at(SMALL / 3);
    node().fill("daily-1", &typed(), left);
    node().fill("daily-2", &typed(), right);
    compare(&home, &url("daily-*"), &apigee);
}

#[test]
fn texts_are_searched_and_read() {
    let home = Home::new();
    let records = records(13, 2_000, Names::Apigee);
    let texts: Vec<Value> = records
        .iter()
        .map(|record| json!({"@timestamp": record["start_time"], "message": record.to_string()}))
        .collect();
    node().fill("texts", &json!({}), &texts);
    home.write("gw.log", lines(&records));
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let (of_file, _) = home.streams(&[&window, &["--access-log", "gw.log"][..]].concat());
    let (of_store, _) = home.streams(&[&window, &["--log-store", &url("texts")][..]].concat());
    let (one, other) = (counts(&of_file[0]), counts(&of_store[0]));
    for class in ["first", "last", "resetWithoutName", "resetWithName", "otherHost", "own"] {
        assert_same(&one[class], &other[class], class);
    }
    assert_eq!(of_store[0]["store"]["counting"], "failuresOnly");
    assert!(of_store[0]["store"]["approximate"].is_array());
}

/// The stand-in with these records, alternately in both forms of payload.
fn cloud(records: &[Value], fault: Option<cloud::Fault>) -> Cloud {
    let entries = records.iter().enumerate().map(|(i, record)| cloud::entry(i, record, i % 2 == 1)).collect();
    Cloud::new("tok-1", entries, fault)
}

fn cloud_arguments(cloud: &Cloud) -> Vec<String> {
    let endpoint = format!("http://127.0.0.1:{}", cloud.port);
    let flags = ["--log-store", "cloud-logging:my-project/europe-west1/prod", "--log-store-token-file", "token"];
    let mut arguments: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    arguments.extend(["--log-store-endpoint".to_owned(), endpoint]);
    arguments.extend(window());
    arguments
}

fn ask(home: &Home, cloud: &Cloud) -> (Value, String) {
    home.write("token", "tok-1\n");
    let arguments = cloud_arguments(cloud);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (streams, text) = home.streams(&arguments);
    assert!(!text.contains("tok-1"), "the token is printed");
    (streams[0].clone(), text)
}

#[test]
fn cloud_logging_returns_only_failures_and_counts_as_a_file_does() {
    let home = Home::new();
    let records = records(21, SMALL, Names::Apigee);
    home.write("gw.log", lines(&records));
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let (of_file, _) = home.streams(&[&window, &["--access-log", "gw.log"][..]].concat());
    let cloud = cloud(&records, None);
    let (stream, text) = ask(&home, &cloud);
    let (one, other) = (counts(&of_file[0]), counts(&stream));
    for class in CLASSES {
        assert_same(&one[class], &other[class], class);
    }
    let read = stream["store"]["read"].as_u64().expect("a number");
    assert!(read < SMALL as u64 * 6 / 10, "{read} of {SMALL} records were read");
    assert!(cloud.filters().iter().all(|filter| filter.contains("resource.labels.cluster_name=\"prod\"")));
    assert!(text.contains("Cloud Logging"), "{text}");
}

#[test]
fn cloud_logging_is_asked_again_when_it_is_busy() {
    let home = Home::new();
    let records = records(22, 300, Names::Istio);
    let cloud = cloud(&records, Some(cloud::Fault::Busy(1)));
    let (stream, text) = ask(&home, &cloud);
    assert!(stream["log"]["seen"]["records"].as_u64().expect("a number") > 0, "{text}");
    assert_eq!(cloud.requests(), 5, "one was refused");
}

#[test]
fn faults_of_cloud_logging_are_named_and_cost_only_the_store() {
    let home = Home::new();
    let records = records(23, 5_000, Names::Apigee);
    for (fault, words) in
        [(cloud::Fault::Forbidden, "logging.logEntries.list"), (cloud::Fault::Html, "an HTML page, not JSON")]
    {
        let (stream, text) = ask(&home, &cloud(&records, Some(fault)));
        let why = stream["log"]["unavailable"]["reason"].to_string();
        assert!(why.contains(words), "{why}\n{text}");
    }
    let (stream, _) = ask(&home, &cloud(&records, Some(cloud::Fault::BrokenFrom(4))));
    assert!(stream["cut"]["reason"].to_string().contains("page_token is invalid"), "{}", stream["cut"]);
    assert!(stream["log"]["seen"]["resetWithoutName"]["count"].as_u64().expect("a number") > 0);
}

/// Passes requests on to the node, if they are let through.
fn forward(request: &Request) -> (u16, String) {
    let answer = node().request(&request.method, &request.path, &request.body);
    (200, answer.to_string())
}

#[test]
fn credentials_certificates_and_authorities_come_from_files() {
    let home = Home::new();
    let records = records(31, 500, Names::Apigee);
    node().fill("secured", &typed(), &records);
    let authority = Identity::new("authority", None);
    let server = Identity::new("server", Some(&authority));
    let client = Identity::new("a client", Some(&authority));
    home.write("ca.pem", authority.certificate_pem());
    home.write("client.pem", client.certificate_pem());
    home.write("client.key", client.key_pem());
    home.write("user", "elastic:s3cret-word\n");
    home.write("key", "QUJDOmRlZg==");
    let port = server::secure(&server, Some(&authority), |request| {
        let expected = ["Basic ZWxhc3RpYzpzM2NyZXQtd29yZA==", "ApiKey QUJDOmRlZg=="];
        match request.header("Authorization") {
            Some(given) if expected.contains(&given) => forward(request),
            given => (401, json!({"error": {"reason": format!("unable to authenticate {given:?}")}}).to_string()),
        }
    });
    let store = format!("https://127.0.0.1:{port}/secured");
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let base = [&["--log-store", &store, "--log-store-ca-file", "ca.pem"][..], &window].concat();
    let identity = ["--log-store-client-cert", "client.pem", "--log-store-client-key", "client.key"];
    for credentials in [["--log-store-user-file", "user"], ["--log-store-api-key-file", "key"]] {
        let (streams, text) = home.streams(&[&base[..], &identity, &credentials].concat());
        assert_eq!(streams[0]["log"]["seen"]["records"], records.len(), "{text}");
        assert!(!text.contains("s3cret-word"));
    }
    let (streams, text) = home.streams(&[&base[..], &identity].concat());
    assert!(streams[0]["log"]["unavailable"]["reason"].to_string().contains("--log-store-user-file"), "{text}");
    let (streams, text) = home.streams(&[&base[..], &["--log-store-user-file", "user"]].concat());
    assert!(streams[0]["log"].get("unavailable").is_some(), "without a client certificate: {text}");
    let without_authority = [&["--log-store", &store][..], &window, &identity].concat();
    let (streams, _) = home.streams(&without_authority);
    assert!(streams[0]["log"]["unavailable"]["reason"].to_string().contains("give --log-store-ca-file"));
}

#[test]
fn a_store_without_scripts_or_with_few_buckets_is_counted_all_the_same() {
    let home = Home::new();
    let records = records(32, SMALL, Names::Apigee);
    node().fill("limited", &typed(), &records);
    let port = server::plain(|request| {
        let refuse = |kind: &str, reason: &str| {
            let cause = json!({"type": kind, "reason": reason});
            (400, json!({"error": {"root_cause": [cause], "type": kind, "reason": reason}, "status": 400}).to_string())
        };
        if request.body.contains("painless") {
            return refuse("illegal_argument_exception", "cannot execute [inline] scripts");
        }
        if request.body.contains("\"size\":5000") {
            return refuse("too_many_buckets_exception", "Trying to create too many buckets.");
        }
        forward(request)
    });
    compare(&home, &format!("http://127.0.0.1:{port}/limited"), &records);
}

#[test]
fn faults_of_a_search_engine_are_named() {
    let home = Home::new();
    node().fill("other", &json!({}), &[json!({"level": "info", "@timestamp": time(BEGIN)})]);
    let ask = |store: &str| {
        let (streams, text) = home.streams(&["--log-store", store]);
        assert_eq!(streams.len(), 1, "{text}");
        streams[0]["log"]["unavailable"]["reason"].to_string()
    };
    let node_url = |index: &str| url(index);
    assert!(ask(&node_url("other")).contains("no field of an access log"), "{}", ask(&node_url("other")));
    assert!(ask(&node_url("nothing-*")).contains("no index matches nothing-*"));
    let html = server::plain(|_| (200, "<html>".into()));
    assert!(ask(&format!("http://127.0.0.1:{html}/x")).contains("an HTML page"));
    let json = server::plain(|_| (200, "{}".into()));
    assert!(ask(&format!("http://127.0.0.1:{json}/x")).contains("another server"));
    let forbidden = server::plain(|request| match request.path.as_str() {
        "/" => (200, json!({"version": {"distribution": "opensearch"}}).to_string()),
        _ => (
            403,
            json!({"error": {"type": "security_exception", "reason": "no permissions for [indices:data/read]"}})
                .to_string(),
        ),
    });
    let why = ask(&format!("http://127.0.0.1:{forbidden}/x"));
    assert!(why.contains("no permissions") && why.contains("privilege read"), "{why}");
    assert!(ask("http://127.0.0.1:1/x").contains("unreachable") || ask("http://127.0.0.1:1/x").contains("refused"));
}

#[test]
fn records_that_a_pod_log_has_are_counted_once() {
    let home = Home::new();
    let apigee = records(41, SMALL, Names::Apigee);
    let documents: Vec<Value> = apigee
        .iter()
        .enumerate()
        .map(|(i, record)| json!({"log": record, "kubernetes": {"pod_name": format!("gw-{}", i % 2), "namespace_name": "apigee"}}))
        .collect();
    node().fill("pods", &json!({}), &documents);
    // The log of one pod has only the last third: the rest was rotated away.
    let newest: Vec<Value> = apigee
        .iter()
        .enumerate()
        .filter(|(i, _)| i % 2 == 1 && *i > SMALL * 2 / 3)
        .map(|(_, record)| record.clone())
        .collect();
    home.write("pod.log", lines(&newest));
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let all =
        [&["diagnose", "--offline", "--access-log", "pod.log", "--write-evidence", "pod.json"], &window[..]].concat();
    drop(home.run(&all));
    let evidence = fs::read_to_string(home.path("pod.json")).expect("evidence");
    let mut evidence: Value = serde_json::from_str(&evidence).expect("JSON");
    evidence["accessLogs"][0]["origin"] = json!({"container": {"pod": "gw-1", "container": "apigee-ingressgateway"}});
    home.write("pod.json", evidence.to_string());
    home.write("all.log", lines(&apigee));
    let (of_file, _) = home.streams(&[&window, &["--access-log", "all.log"][..]].concat());
    let from = ["diagnose", "--from", "pod.json", "--log-store", &url("pods"), "--write-evidence", "both.json"];
    let output = home.run(&[&from[..], &window].concat());
    let both = fs::read_to_string(home.path("both.json")).unwrap_or_else(|_| panic!("{output:?}"));
    let both: Value = serde_json::from_str(&both).expect("JSON");
    let number = |stream: &Value, class: &str| stream["log"]["seen"][class]["count"].as_u64().expect("a number");
    for class in ["resetWithoutName", "resetWithName", "servedWithoutName", "unroutedWithoutName"] {
        let streams = both["accessLogs"].as_array().expect("logs");
        let parts: Vec<u64> = streams.iter().map(|stream| number(stream, class)).collect();
        assert!(parts.iter().all(|part| *part > 0), "{class}: {parts:?}");
        // Own probe traffic is recognised by what is before it, which the log of one pod may lack.
        let (sum, whole) = (parts.iter().sum::<u64>(), number(&of_file[0], class));
        assert!(sum.abs_diff(whole) <= 3, "{class}: {parts:?} of {whole}");
    }
    let repeats = &both["accessLogs"][1]["log"]["seen"]["repeats"][0];
    assert_eq!(repeats["origin"]["container"]["pod"], "gw-1");
    assert!(repeats["records"].as_u64().expect("a number") > 0);
}

#[test]
fn a_namespace_without_records_is_told_from_a_quiet_gateway() {
    let home = Home::new();
    let record = records(42, 1, Names::Apigee).remove(0);
    node().fill("elsewhere", &json!({}), &[json!({"log": record, "kubernetes": {"namespace_name": "apigee-prod"}})]);
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let (streams, _) = home.streams(&[&window, &["--log-store", &url("elsewhere")][..]].concat());
    let why = streams[0]["log"]["unavailable"]["reason"].to_string();
    assert!(why.contains("the index has records of apigee-prod"), "{why}");
}

#[test]
fn google_credentials_are_found_as_googles_tools_find_them() {
    let home = Home::new();
    let records = records(51, 50, Names::Apigee);
    let cloud = cloud(&records, None);
    let tokens = server::plain(|request| match request.path.as_str() {
        "/token" if request.body.contains("refresh%2Dword") || request.body.contains("assertion=") => {
            (200, json!({"access_token": "tok-1", "expires_in": 3599}).to_string())
        }
        path if path.starts_with("/computeMetadata/") && request.header("Metadata-Flavor") == Some("Google") => {
            (200, json!({"access_token": "tok-1", "expires_in": 3599}).to_string())
        }
        _ => (400, json!({"error": "invalid_grant", "error_description": "Token has been revoked."}).to_string()),
    });
    let uri = format!("http://127.0.0.1:{tokens}/token");
    let key = String::from_utf8(Identity::new("account", None).key_pem()).expect("PEM");
    let user = |word: &str| {
        json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": word, "token_uri": uri}).to_string()
    };
    home.write("user.json", user("refresh-word"));
    home.write("revoked.json", user("another-word"));
    let account = json!({"type": "service_account", "client_email": "a@p.iam", "private_key": key, "token_uri": uri});
    home.write("account.json", account.to_string());
    home.write("federation.json", json!({"type": "external_account"}).to_string());
    fs::create_dir_all(home.path(".config/gcloud")).expect("a folder");
    let endpoint = format!("http://127.0.0.1:{}", cloud.port);
    let ask = |environment: &[(&str, &str)]| {
        let place = "cloud-logging:my-project";
        let arguments = ["diagnose", "--offline", "--log-store", place, "--log-store-endpoint", &endpoint];
        let all = [&arguments[..], &["--write-evidence", "out.json"]].concat();
        let all: Vec<String> = all.iter().map(|word| (*word).to_owned()).chain(window()).collect();
        let mut command = home.command(&all.iter().map(String::as_str).collect::<Vec<_>>());
        command.envs(environment.iter().copied());
        let output = command.output().expect("the program starts");
        let evidence = fs::read_to_string(home.path("out.json")).unwrap_or_else(|_| panic!("{output:?}"));
        drop(fs::remove_file(home.path("out.json")));
        for secret in ["tok-1", "refresh-word", "another-word", "PRIVATE KEY"] {
            assert!(!evidence.contains(secret), "{secret} in the evidence");
        }
        let evidence: Value = serde_json::from_str(&evidence).expect("JSON");
        match evidence["accessLogs"][0]["log"].get("seen") {
            Some(log) => format!("{} records", log["records"]),
            None => evidence["accessLogs"][0]["log"]["unavailable"]["reason"].to_string(),
        }
    };
    let file = "GOOGLE_APPLICATION_CREDENTIALS";
    for name in ["user.json", "account.json"] {
        assert!(ask(&[(file, name)]).ends_with("records"), "{name}: {}", ask(&[(file, name)]));
    }
    let revoked = ask(&[(file, "revoked.json")]);
    assert!(revoked.contains("Token has been revoked"), "{revoked}");
    assert!(ask(&[(file, "federation.json")]).contains("are left to gcloud"));
    assert!(ask(&[(file, "missing.json")]).contains("missing.json"));
    let metadata = format!("127.0.0.1:{tokens}");
    assert!(ask(&[("GCE_METADATA_HOST", &metadata)]).ends_with("records"));
    assert!(ask(&[("APIGEE_TLS_LOG_STORE_TOKEN", "tok-1")]).ends_with("records"));
    assert!(ask(&[("APIGEE_TLS_LOG_STORE_TOKEN", "wrong")]).contains("gcloud auth application-default login"));
    let none = ask(&[]);
    assert!(
        none.contains("there are no application-default credentials of Google")
            && none.contains("gcloud is not installed"),
        "{none}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        home.write("gcloud", "#!/bin/sh\necho tok-1\n");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(home.path("gcloud"), mode).expect("it is made executable");
        assert!(ask(&[]).ends_with("records"));
        assert!(ask(&[(file, "federation.json")]).ends_with("records"));
        fs::remove_file(home.path("gcloud")).expect("it is removed");
    }
    // Application-default credentials.
    home.write(".config/gcloud/application_default_credentials.json", user("refresh-word"));
    assert!(ask(&[]).ends_with("records"));
}

/// Returns the files of a bundle by path.
fn unpacked(bundle: &std::path::Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(fs::File::open(bundle).expect("the bundle")));
    let entries = archive.entries().expect("an archive");
    let files = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its content");
        (path, String::from_utf8_lossy(&bytes).into_owned())
    });
    files.collect()
}

#[test]
fn a_bundle_has_what_a_store_was_asked_and_the_records_that_were_read() {
    let home = Home::new();
    let records = records(61, 400, Names::Apigee);
    let cloud = cloud(&records, None);
    let api = server::plain(|_| {
        let status =
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403});
        (403, status.to_string())
    });
    let context = "gke_my-project_europe-west1_prod";
    home.write(
        "config",
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\n\
             contexts: [{{name: {context}, context: {{cluster: c}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{api}'}}}}]\n"
        ),
    );
    home.write("token", "tok-1\n");
    let endpoint = format!("http://127.0.0.1:{}", cloud.port);
    let flags =
        ["collect", "--kubeconfig", "config", "--log-store", "cloud-logging", "--log-store-token-file", "token"];
    let flags = [&flags[..], &["--log-store-endpoint", &endpoint, "--to", "bundle.tar.gz"]].concat();
    let window = window();
    let window: Vec<&str> = window.iter().map(String::as_str).collect();
    let output = home.run(&[&flags[..], &window].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let files = unpacked(&home.path("bundle.tar.gz"));
    let log = files.iter().find(|(path, _)| path.contains("/stores/")).expect("the records that were read");
    assert!(log.1.contains("filter_chain_not_found"), "{}", log.1);
    let evidence = files.iter().find(|(path, _)| path.ends_with("evidence.json")).expect("the evidence");
    let evidence: Value = serde_json::from_str(evidence.1).expect("JSON");
    let stream = &evidence["accessLogs"][0];
    assert_eq!(stream["origin"]["store"], "Cloud Logging of cluster prod in project my-project");
    assert!(stream["store"]["query"].as_str().expect("a query").contains("filter_chain_not_found"));
    assert!(files.values().all(|content| !content.contains("tok-1")), "the token is in the bundle");
    assert!(cloud.filters().iter().all(|filter| filter.contains("resource.labels.location=\"europe-west1\"")));
    // The bundle is judged again without the store.
    let again = home.run(&["diagnose", "--from", "bundle.tar.gz"]);
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(text.contains("without SNI in Cloud Logging, 20 days"), "{text}");
}

#[test]
fn what_a_store_cannot_say_makes_the_exit_code_3() {
    let home = Home::new();
    home.write("token", "tok-1\n");
    let cloud = cloud(&[], None);
    let arguments = cloud_arguments(&cloud);
    let run = |arguments: &[String]| {
        let all: Vec<&str> =
            ["diagnose", "--offline"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        home.run(&all)
    };
    let output = run(&arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("it holds no access-log record of this gateway"), "{text}");
    let forbidden = Cloud::new("tok-1", Vec::new(), Some(cloud::Fault::Forbidden));
    let output = run(&cloud_arguments(&forbidden));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("logging.logEntries.list"), "{text}");
    for (store, words) in [
        ("https://user:word@search:9200/logs", "--log-store-user-file"),
        ("https://search:9200", "names no index"),
        ("loki", "cloud-logging:PROJECT"),
        ("cloud-logging", "cloud-logging:PROJECT/LOCATION/CLUSTER"),
    ] {
        let output = home.run(&["diagnose", "--offline", "--log-store", store]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(words) && !text.contains("user:word"), "{text}");
    }
}
