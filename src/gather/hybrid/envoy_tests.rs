//! Tests Envoy's formats as Envoy 1.40 writes them, shortened, and its HTTP over an in-memory stream.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::gather::test_server::{Answer, TestServer};
use crate::run::stop::Stop;

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

fn context(rest: &Value) -> Value {
    let mut context = json!({"@type": TLS, "common_tls_context": {"tls_certificate_sds_secret_configs": [{"name": "kubernetes://a"}]}});
    for (key, value) in rest.as_object().into_iter().flatten() {
        context[key] = value.clone();
    }
    json!({"name": "envoy.transport_sockets.tls", "typed_config": context})
}

fn dumped(listener: &Value) -> Vec<Listener> {
    let dump = json!({"configs": [
        {"name": "warms", "warming_state": {"listener": listener}},
        {"name": "l", "active_state": {"version_info": "1", "listener": listener}, "draining_state": {"listener": listener}},
    ]});
    listeners(dump.to_string().as_bytes()).unwrap()
}

#[test]
fn parses_matches_and_client_certificate_modes_of_chains() {
    let matching = |matching: Value| json!({"filter_chain_match": matching, "transport_socket": context(&json!({}))});
    let found = dumped(&json!({
        "name": "0.0.0.0_8443",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8443}},
        "filter_chains": [
            {
                "name": "mutual",
                "filter_chain_match": {"transport_protocol": "tls", "server_names": ["m.example"], "application_protocols": []},
                "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {"stat_prefix": "x"}}],
                "transport_socket": context(&json!({"require_client_certificate": true, "common_tls_context": {
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLS_AUTO",
                        "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"]},
                    "tls_certificate_sds_secret_configs": [{"name": "kubernetes://a", "sds_config": {"ads": {}}}],
                    "combined_validation_context": {"validation_context_sds_secret_config": {"name": "kubernetes://a-cacert"}},
                }})),
            },
            matching(json!({"destination_port": 443})),
            matching(json!({"application_protocols": ["h2"]})),
            matching(json!({"transport_protocol": "raw_buffer"})),
            matching(json!({"server_names": ["a.example", "*.b.example"], "source_type": null})),
            {"filters": []},
        ],
        "default_filter_chain": {"transport_socket": context(&json!({}))},
    }));
    let [listener] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (listener.name.as_str(), listener.address.as_str(), listener.port),
        ("0.0.0.0_8443", "0.0.0.0:8443", 8443)
    );
    assert_eq!(
        listener.chains[0],
        FilterChain {
            name: Some("mutual".into()),
            server_names: vec!["m.example".into()],
            conditional: false,
            tls: true,
            secrets: vec!["kubernetes://a".into()],
            requires_client_certificate: true,
            min_version: Some("TLSv1_2".into()),
            max_version: None,
            cipher_suites: vec!["ECDHE-RSA-AES128-GCM-SHA256".into()],
        }
    );
    let conditional: Vec<bool> = listener.chains.iter().map(|chain| chain.conditional).collect();
    assert_eq!(conditional, [false, true, true, true, false, false, false]);
    let without_sni: Vec<bool> = listener.chains.iter().map(FilterChain::matches_without_sni).collect();
    assert_eq!(without_sni, [false, false, false, false, false, false, true]);
    assert!(!listener.chains[5].tls);
}

#[test]
fn parses_static_listeners_and_listeners_without_a_port() {
    let dump = json!({"configs": [
        {"listener": {"address": {"socket_address": {"address": "::", "port_value": 15021}}, "filter_chains": [{}]}},
        {"listener": {"address": {"socket_address": {"address": "0.0.0.0", "port_value": 443, "protocol": "UDP"}}}},
        {"listener": {"address": {"pipe": {"path": "/x"}}}},
        {"listener": {"address": {"socket_address": {"address": "0.0.0.0", "named_port": "x"}}}},
        {"listener": {}},
        {"name": "refused", "error_state": {"details": "x"}},
        {"name": "ends", "draining_state": {"listener": {}}},
    ]});
    let found = listeners(dump.to_string().as_bytes()).unwrap();
    assert_eq!(found.iter().map(|found| found.address.as_str()).collect::<Vec<_>>(), ["[::]:15021"]);
    assert_eq!(listeners(b"{}"), Ok(Vec::new()));
    assert!(matches!(listeners(b"<html>"), Err(Reason::Broken(_))));
}

#[test]
fn certificates_are_listed_once_each() {
    let entry = |serial: &str| {
        json!({"ca_cert": [{"serial_number": "99"}], "cert_chain": [{
            "path": "<inline>", "serial_number": serial,
            "subject_alt_names": [{"dns": "api.example.com"}, {"uri": "spiffe://x"}],
            "valid_from": "2026-11-24T04:39:27Z", "expiration_time": "2027-11-24T04:39:27Z",
        }]})
    };
    let answer = json!({"certificates": [entry("0CBD8"), entry("0cbd8"), entry("00"), {"cert_chain": []}]});
    let found = loaded(answer.to_string().as_bytes()).unwrap();
    let serials: Vec<&str> = found.iter().map(|one| one.serial.as_str()).collect();
    assert_eq!(serials, ["cbd8", "0"]);
    assert_eq!(found[0].dns_names, ["api.example.com"]);
    assert_eq!(found[0].not_after, Some("2027-11-24T04:39:27Z".parse().unwrap()));
}

/// A 200 without the required content counts as malformed, never as an empty result.
#[test]
fn an_answer_without_its_keys_is_not_an_empty_one() {
    let no_answers = ["null", "[]", "\"\"", "7", "{\"error\": \"x\"}", "", " \n"];
    for answer in no_answers.map(str::as_bytes) {
        let shown = String::from_utf8_lossy(answer);
        assert!(matches!(listeners(answer), Err(Reason::Broken(_))), "{shown}");
        assert!(matches!(loaded(answer), Err(Reason::Broken(_))), "{shown}");
        assert!(matches!(values(answer), Err(Reason::Broken(_))), "{shown}");
    }
    assert!(matches!(listeners(b"{\"configs\": null, \"x\": 1}"), Err(Reason::Broken(_))));
    assert!(matches!(listeners(b"{\"configs\": [{}]}"), Err(Reason::Broken(_))));
    assert!(matches!(listeners(b"{\"configs\": [{\"name\": \"l\"}]}"), Err(Reason::Broken(_))));
    assert!(matches!(loaded(b"{}"), Err(Reason::Broken(_))));
    assert!(matches!(values(b"{}"), Err(Reason::Broken(_))));
    for odd in [json!([7]), json!([{}]), json!([{"cert_chain": [{}]}]), json!([{"cert_chain": {}}]), json!({})] {
        let answer = json!({ "certificates": odd }).to_string();
        assert!(matches!(loaded(answer.as_bytes()), Err(Reason::Broken(_))), "{answer}");
    }
    assert_eq!(loaded(b"{\"certificates\": []}"), Ok(Vec::new()));
    assert_eq!(values(b"{\"stats\": []}"), Ok(BTreeMap::new()));
}

#[test]
fn counters_are_those_of_the_whole_listener() {
    let answer = json!({"stats": [
        {"name": "listener.0.0.0.0_8443.no_filter_chain_match", "value": 3},
        {"name": "listener.0.0.0.0_8443.worker_0.downstream_cx_total", "value": 3},
        {"name": "listener.admin.downstream_cx_total", "value": 9},
        {"name": "tls_inspector.sni_not_found", "value": 2},
        {"name": "a text", "value": "x"},
        {"histograms": {"computed_quantiles": []}},
    ]});
    let values = values(answer.to_string().as_bytes()).unwrap();
    let expected =
        [("listener.0.0.0.0_8443.no_filter_chain_match".into(), 3), ("tls_inspector.sni_not_found".into(), 2)];
    assert_eq!(values, BTreeMap::from(expected));
}

/// Answers one request after the other with the given bytes.
async fn admin(mut stream: DuplexStream, answers: Vec<Vec<u8>>) -> usize {
    let mut asked = Vec::new();
    for (index, answer) in answers.into_iter().enumerate() {
        let requests = |asked: &[u8]| asked.windows(4).filter(|window| window == b"\r\n\r\n").count();
        while requests(&asked) <= index {
            if stream.read_buf(&mut asked).await.unwrap() == 0 {
                return index;
            }
        }
        if stream.write_all(&answer).await.is_err() {
            return index;
        }
    }
    usize::MAX
}

async fn talk(answers: &[&[u8]]) -> [Result<Vec<u8>, Trouble>; 3] {
    let (mut here, there) = duplex(1 << 16);
    let server = tokio::spawn(admin(there, answers.iter().map(|answer| answer.to_vec()).collect()));
    let found = ask_all(&mut here, ["/a", "/b", "/c"], Duration::from_secs(2)).await;
    drop(here);
    server.await.unwrap();
    found
}

#[tokio::test]
async fn one_connection_carries_all_answers() {
    let found = talk(&[
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthree",
    ])
    .await;
    assert_eq!(found, [Ok(b"one".to_vec()), Err(Trouble::Status(StatusCode::NOT_FOUND)), Ok(b"three".to_vec())]);
}

#[tokio::test]
async fn a_failed_connection_is_the_reason_for_the_remaining_requests() {
    let [first, second, third] = talk(&[b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none", b"garbage\r\n\r\n"]).await;
    assert_eq!(first, Ok(b"one".to_vec()));
    assert!(matches!(&second, Err(Trouble::Lost(_))), "{second:?}");
    assert_eq!(second, third);

    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    let hangs = [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".as_slice(), half, b""];
    let [first, second, third] = talk(&hangs).await;
    assert_eq!((first, second, third), (Ok(Vec::new()), Err(Trouble::TimedOut), Err(Trouble::TimedOut)));

    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_ANSWER + 1).into_bytes();
    let mut large = large;
    large.resize(large.len() + MAX_ANSWER + 1, b'x');
    let [first, ..] = talk(&[&large]).await;
    assert_eq!(first, Err(Trouble::Broken("Envoy's answer is larger than 32 MiB".into())));
}

#[test]
fn a_closed_admin_port_is_distinguished_from_a_failed_transport() {
    let at_port = "at port 15000 of the pod, where Envoy's admin interface listens";
    let text = || "no answer".to_owned();
    assert_eq!(lost(Ended::Refused, text()), Reason::Missing(format!("connection refused {at_port}")));
    assert_eq!(lost(Ended::Reset, text()), Reason::Unreachable(format!("connection reset by peer {at_port}")));
    assert_eq!(lost(Ended::Lost("the way broke".into()), text()), Reason::Unreachable("the way broke".into()));
    assert_eq!(lost(Ended::Closed, text()), Reason::Unreachable(text()));
}

#[tokio::test]
async fn without_port_forward_permission_everything_is_unavailable() {
    let server = TestServer::start(|_| Answer::Status(403, "", "pods \"gw\" is forbidden: "));
    let api = server.api(Stop::never(), Duration::from_secs(5));
    let (listeners, certificates) = account(&api, "apigee", "gw").await;
    let rule = "forbidden: the rule \"create pods/portforward\" in namespace apigee is missing";
    let why = [
        listeners.seen().unwrap_err().to_string(),
        certificates.seen().unwrap_err().to_string(),
        counters(&api, "apigee", "gw").await.seen().unwrap_err().to_string(),
    ];
    assert_eq!(
        why,
        ["listeners", "certificates", "counters"].map(|part| format!("the {part} of Envoy in pod gw: {rule}"))
    );
    // One connection for the state, one for the counters.
    assert_eq!(api.requests(), 2);
}
