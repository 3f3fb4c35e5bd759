//! The same records as log stores, collectors and container runtimes hand them out: every form must give the
//! counts that the plain lines give.

use apigee_tls::evidence::access_log::AccessLog;
use apigee_tls::wire::access_log::MAX_RECORD_BYTES;
use serde_json::{Value, json};

use super::scan;

/// Two resets without SNI, one with, two requests; the last text has what CSV and YAML must quote.
fn records() -> Vec<Value> {
    let record = |number: u64, name: Value, status: u64, details: &str, flags: &str| {
        json!({
            "start_time": format!("2025-06-02T10:00:0{number}.005Z"),
            "remote_address": format!("10.0.0.{number}:4001"),
            "user_agent": if status == 0 { Value::Null } else { json!("agent \"x\", 'y': {z}\n; é") },
            "host": name,
            "status": status,
            "status_details": details,
            "upstream_response_flags": flags,
            "tls_protocol": if status == 0 { Value::Null } else { json!("TLSv1.3") },
            "sni_host": name,
            "apigee_dynamic_data": Value::Null,
        })
    };
    vec![
        record(1, Value::Null, 0, "filter_chain_not_found", "NR"),
        record(2, Value::Null, 0, "filter_chain_not_found", "NR"),
        record(3, json!("old.example.net"), 0, "filter_chain_not_found", "NR"),
        record(4, json!("api.example.net"), 200, "via_upstream", "-"),
        record(5, Value::Null, 200, "via_upstream", "-"),
    ]
}

fn lines(entries: impl IntoIterator<Item = Value>) -> String {
    entries.into_iter().map(|entry| format!("{entry}\n")).collect()
}

/// Each record in an entry of its own, one per line.
fn wrapped(wrap: impl Fn(Value) -> Value) -> String {
    lines(records().into_iter().map(wrap))
}

/// Each record's text.
fn texts() -> Vec<String> {
    records().iter().map(Value::to_string).collect()
}

/// The record with other keys.
fn renamed(record: &Value, rename: impl Fn(&str) -> String) -> Value {
    let members = record.as_object().expect("a record").iter();
    members.map(|(key, value)| (rename(key), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

fn csv(header: &[&str], rows: Vec<Vec<String>>, delimiter: &str) -> String {
    let header = header.iter().map(ToString::to_string).collect();
    let quoted = |row: Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| {
                let is_plain = !cell.contains([',', ';', '\t', '"', '\n']);
                if is_plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
            })
            .collect();
        format!("{}\r\n", cells.join(delimiter))
    };
    std::iter::once(header).chain(rows).map(quoted).collect()
}

/// The values of a record, as flattened columns have them.
fn cells(record: &Value, keys: &[&str]) -> Vec<String> {
    let cell = |key: &&str| match &record[*key] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    keys.iter().map(cell).collect()
}

fn yaml(entries: &[Value], before: &str) -> String {
    let document = |entry: &Value| {
        let text = serde_yaml::to_string(entry).expect("it can be written");
        match before {
            "- " => text
                .lines()
                .enumerate()
                .map(|(n, line)| format!("{}{line}\n", if n == 0 { "- " } else { "  " }))
                .collect(),
            before => format!("{before}{text}"),
        }
    };
    entries.iter().map(document).collect()
}

const KEYS: [&str; 7] =
    ["remote_address", "sni_host", "start_time", "status", "status_details", "upstream_response_flags", "tls_protocol"];

/// Every form that is read, by what writes it.
#[expect(clippy::too_many_lines, reason = "a table of forms")]
fn forms() -> Vec<(&'static str, String)> {
    let entry = |record: Value| json!({"insertId": "a", "jsonPayload": record, "timestamp": "2025-06-02T10:00:01Z"});
    let entries: Vec<Value> = records().into_iter().map(entry).collect();
    let text_entries: Vec<Value> =
        texts().into_iter().map(|text| json!({"insertId": "a", "textPayload": text, "severity": "INFO"})).collect();
    let split_at =
        |text: &str| text.len() / 2 + (0..4).find(|n| text.is_char_boundary(text.len() / 2 + n)).unwrap_or(0);
    let cri = |split: bool| -> String {
        let line = |text: String| {
            let (left, right) = text.split_at(split_at(&text));
            let date = "2025-06-02T10:00:09.123456789Z";
            if split {
                format!(
                    "{date} stdout P {left}\n{date} stderr F 2025-06-02T10:00:09Z info x\n{date} stdout F {right}\n"
                )
            } else {
                format!("{date} stdout F {text}\n")
            }
        };
        texts().into_iter().map(line).collect()
    };
    let docker = |split: bool| -> String {
        let entry = |text: &str| json!({"log": text, "stream": "stdout", "time": "2025-06-02T10:00:01.5Z"});
        let parts = |text: String| {
            let (left, right) = text.split_at(split_at(&text));
            if split { vec![entry(left), entry(&format!("{right}\n"))] } else { vec![entry(&format!("{text}\n"))] }
        };
        lines(texts().into_iter().flat_map(parts))
    };
    let docker_at = |length: usize| -> String {
        let entry = |text: &str| json!({"log": text, "stream": "stdout", "time": "2025-06-02T10:00:01.5Z"});
        let other =
            json!({"log": "2025-06-02T10:00:09Z info x\n", "stream": "stderr", "time": "2025-06-02T10:00:01.5Z"});
        let parts = |text: String| {
            let (first, rest) = text.split_at(length);
            let (second, third) = rest.split_at(if length > 20 { length } else { 0 });
            let parts = [first, second, third].map(str::to_owned).into_iter().filter(|part| !part.is_empty());
            let mut entries: Vec<Value> = parts.map(|part| entry(&part)).collect();
            if let Some(last) = entries.last_mut() {
                let text = format!("{}\n", last["log"].as_str().unwrap_or_default());
                *last = entry(&text);
            }
            entries.insert(1, other.clone());
            entries
        };
        lines(texts().into_iter().flat_map(parts))
    };
    let insights = |rows: Vec<Vec<(&str, Value)>>| {
        let row = |row: Vec<(&str, Value)>| -> Value {
            row.into_iter().map(|(field, value)| json!({"field": field, "value": value})).collect()
        };
        json!({"status": "Complete", "statistics": {"recordsMatched": 5.0}, "results": rows.into_iter().map(row).collect::<Value>()})
    };
    let pairs = |record: &Value| KEYS.iter().map(|key| (*key, record[*key].clone())).collect();
    let attribute = |record: &Value, key: &str| {
        let value = match &record[key] {
            Value::Null => json!({}),
            Value::Number(number) => json!({"intValue": number.to_string()}),
            other => json!({"stringValue": other}),
        };
        json!({"key": key, "value": value})
    };
    let otlp = |body: &dyn Fn(&Value) -> Value| {
        let bodies: Vec<Value> =
            records().iter().map(|record| json!({"timeUnixNano": "1", "body": body(record)})).collect();
        json!({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {}, "logRecords": bodies}]}]})
    };
    let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("it can be written");
    let values: Vec<Value> = texts().into_iter().map(|text| json!(["1748858401005000000", text])).collect();
    let columns: Vec<Value> = KEYS.iter().map(|key| json!({"name": key, "type": "string"})).collect();
    let rows: Vec<Value> =
        records().iter().map(|record| KEYS.iter().map(|key| record[*key].clone()).collect()).collect();
    let hits = |source: &dyn Fn(Value) -> Value| {
        let hits: Vec<Value> =
            records().into_iter().map(|record| json!({"_index": "i", "_source": source(record)})).collect();
        json!({"took": 1, "hits": {"total": {"value": 5}, "hits": hits}})
    };
    let in_text =
        |key: &'static str| move |record: Value| json!({key: record.to_string(), "time": "2025-06-02T10:00:01Z"});
    let prefixed = |prefix: &str| -> String { texts().iter().map(|text| format!("{prefix}{text}\n")).collect() };
    let payload_rows = |before: &str| texts().into_iter().map(|text| vec![before.to_owned(), text]).collect::<Vec<_>>();
    vec![
        ("kubectl", lines(records())),
        ("kubectl --prefix --timestamps", prefixed("[pod/gw-1/apigee-ingressgateway] 2025-06-02T10:00:01.5Z ")),
        ("cri", cri(false)),
        ("cri, split", cri(true)),
        ("docker", docker(false)),
        ("docker, split", docker(true)),
        ("docker, split early", docker_at(12)),
        ("docker, split in three", docker_at(40)),
        ("camelCase", wrapped(|record| renamed(&record, camel))),
        ("PascalCase", wrapped(|record| renamed(&record, |key| { let key = camel(key); key[..1].to_uppercase() + &key[1..] }))),
        ("UPPER_CASE", wrapped(|record| renamed(&record, str::to_uppercase))),
        ("kebab-case", wrapped(|record| renamed(&record, |key| key.replace('_', "-")))),
        ("nested", wrapped(|record| json!({
            "@timestamp": record["start_time"],
            "envoy": {
                "start_time": record["start_time"], "downstream_remote_address": record["remote_address"],
                "response_code_details": record["status_details"], "response_flags": record["upstream_response_flags"],
            },
            "http": {"response": {"status_code": record["status"]}},
            "tls": {"client": {"server_name": record["sni_host"]}, "tls_protocol": record["tls_protocol"]},
            "host": {"name": "node"},
        }))),
        ("stern", prefixed("\u{1b}[36mgw-1\u{1b}[0m apigee-ingressgateway ")),
        ("stern -o json", wrapped(|record| json!({"message": record.to_string(), "nodeName": "n", "podName": "p"}))),
        ("stern -o extjson", wrapped(|record| json!({"pod": "p", "container": "c", "message": record}))),
        ("journalctl -o short", prefixed("Jun 02 10:00:01 node containerd[1]: ")),
        ("journalctl -o json", wrapped(in_text("MESSAGE"))),
        ("logcli", prefixed("2025-06-02T10:00:01Z {app=\"gw\", pod=\"gw-1\"} ")),
        ("logcli -o jsonl", wrapped(|record| json!({"labels": {"app": "gw"}, "line": record.to_string(), "timestamp": "t"}))),
        ("Loki", json!({"status": "success", "data": {"result": [{"stream": {"app": "gw"}, "values": values}]}}).to_string()),
        ("Grafana, CSV", csv(&["labels", "Time", "Line"], payload_rows("{}").into_iter().map(|row| vec![row[0].clone(), "t".into(), row[1].clone()]).collect(), ",")),
        ("gcloud --format=json", pretty(&Value::Array(entries.clone()))),
        ("gcloud", yaml(&entries, "---\n")),
        ("gcloud, textPayload", yaml(&text_entries, "---\n")),
        ("gcloud, items", yaml(&entries, "- ")),
        (
            "Logs Explorer, CSV",
            csv(
                &["insertId", "jsonPayload.remote_address", "jsonPayload.sni_host", "jsonPayload.start_time",
                  "jsonPayload.status", "jsonPayload.status_details", "jsonPayload.upstream_response_flags",
                  "jsonPayload.tls_protocol", "jsonPayload.user_agent", "resource.labels.host"],
                records().iter().map(|record| {
                    let mut row = vec!["a0".to_owned()];
                    row.extend(cells(record, &KEYS));
                    row.extend(cells(record, &["user_agent"]));
                    row.push("node".into());
                    row
                }).collect(),
                ",",
            ),
        ),
        ("BigQuery", wrapped(|record| json!({"jsonPayload": record, "timestamp": "2025-06-02 10:00:00 UTC"}))),
        ("CloudWatch", pretty(&json!({"events": texts().iter().map(|text| json!({"logStreamName": "s", "timestamp": 1, "message": text, "eventId": "1"})).collect::<Value>()}))),
        ("Container Insights", pretty(&json!({"events": texts().iter().map(|text| json!({"message": json!({"log": text, "stream": "stdout", "kubernetes": {"host": "n"}}).to_string()})).collect::<Value>()}))),
        ("Logs Insights, message", pretty(&insights(texts().iter().map(|text| vec![("@message", json!(text)), ("@ptr", json!("p"))]).collect()))),
        ("Logs Insights, fields", pretty(&insights(records().iter().map(pairs).collect()))),
        ("Logs Insights, CSV", csv(&["@timestamp", "@message"], payload_rows("2025-06-02 10:00:01.005"), ",")),
        ("Log Analytics, text", pretty(&texts().iter().map(|text| json!({"LogMessage": text, "TimeGenerated": "t", "PodName": "p"})).collect::<Value>())),
        ("Log Analytics, dynamic", pretty(&records().iter().map(|record| json!({"LogMessage": record, "ContainerName": "c"})).collect::<Value>())),
        ("Log Analytics, ContainerLog", pretty(&texts().iter().map(|text| json!({"LogEntry": text})).collect::<Value>())),
        ("Log Analytics, tables", json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}).to_string()),
        ("Log Analytics, CSV", csv(&["TimeGenerated [UTC]", "LogMessage"], payload_rows("6/2/2025, 10:00:01.005 AM"), ",")),
        ("az -o yaml", yaml(&texts().into_iter().map(|text| json!({"LogMessage": text})).collect::<Vec<_>>(), "- ")),
        ("Elastic", pretty(&hits(&|record| record))),
        ("Elastic, one line", hits(&|record| record).to_string()),
        ("Elastic, message", pretty(&hits(&|record| json!({"message": record.to_string(), "host": {"name": "n"}})))),
        ("Elastic, hits", lines(hits(&|record| record)["hits"]["hits"].as_array().expect("hits").clone())),
        ("Elastic, fields", wrapped(|record| json!({"fields": record.as_object().expect("a record").iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), json!([value]))).chain(record["sni_host"].is_null().then(|| ("sni_host".to_owned(), json!(["-"])))).collect::<serde_json::Map<_, _>>()}))),
        ("Kibana, CSV", csv(&["@timestamp", "message"], payload_rows("Jun 2, 2025 @ 10:00:01.005"), ",")),
        ("filebeat", wrapped(|record| json!({"message": record.to_string(), "log": {"file": {"path": "/x"}}, "host": {"name": "n"}, "stream": "stdout"}))),
        ("Splunk", wrapped(|record| json!({"preview": false, "result": {"_raw": record.to_string(), "_time": "t", "host": "n"}}))),
        ("Splunk, results", json!({"preview": false, "results": texts().iter().map(|text| json!({"_raw": text})).collect::<Value>()}).to_string()),
        ("Splunk, CSV", csv(&["_time", "_raw"], payload_rows("t"), ";")),
        ("OpenTelemetry, text", otlp(&|record| json!({"stringValue": record.to_string()})).to_string()),
        ("OpenTelemetry, pairs", pretty(&otlp(&|record| json!({"kvlistValue": {"values": KEYS.iter().map(|key| attribute(record, key)).collect::<Value>()}})))),
        ("OpenTelemetry, collector", wrapped(|record| json!({"body": record.to_string(), "attributes": {"k8s.pod.name": "p"}}))),
        ("fluent-bit, parsed", wrapped(|mut record| { record["kubernetes"] = json!({"pod_name": "p"}); record["stream"] = json!("stdout"); record })),
        ("fluent-bit", wrapped(|record| json!({"date": 1.5, "log": record.to_string(), "logtag": "F", "kubernetes": {"pod_name": "p"}}))),
        ("vector", wrapped(|record| json!({"file": "f", "host": "n", "message": record.to_string(), "source_type": "kubernetes_logs"}))),
        ("Datadog", json!({"data": records().iter().map(|record| json!({"id": "1", "attributes": {"host": "n", "service": "s", "status": "info", "attributes": record}})).collect::<Value>()}).to_string()),
        ("Datadog, CSV", csv(&KEYS.map(|key| format!("@{key}")).each_ref().map(String::as_str), records().iter().map(|record| cells(record, &KEYS)).collect(), ",")),
        ("gcloud, flattened", records().iter().map(|record| {
            let value = |key: &&str| if record[*key].is_null() { "null".to_owned() } else { cells(record, &[*key]).remove(0) };
            let lines = KEYS.iter().map(|key| format!("{:<40} {}\n", format!("jsonPayload.{key}:"), value(key)));
            format!("---\n{}", lines.collect::<String>())
        }).collect()),
        ("aws --query, JSON", serde_json::to_string_pretty(&texts()).expect("they can be written")),
        ("aws --query, one line", serde_json::to_string(&texts()).expect("they can be written")),
        ("jq, strings", lines(texts().into_iter().map(Value::from))),
        ("grep --color", lines(records()).replace("filter_chain", "filter_\u{1b}[01;31m\u{1b}[Kchain\u{1b}[m\u{1b}[K")),
        ("tab-separated", csv(&["message"], texts().into_iter().map(|text| vec![text]).collect(), "\t")),
    ]
}

/// What must not differ. Dates in front of lines and lines themselves do.
fn judged(log: AccessLog) -> AccessLog {
    AccessLog { bytes: 0, lines: 0, proxy_lines: 0, begins_with_record: false, ..log }
}

#[test]
fn every_form_gives_the_counts_of_plain_lines() {
    let expected = judged(scan([lines(records()).as_bytes()]));
    assert_eq!((expected.records, expected.reset_without_sni.count, expected.reset_with_sni.count), (5, 2, 1));
    assert_eq!(expected.served_without_sni.count, 1);
    for (name, text) in forms() {
        let whole = scan([text.as_bytes()]);
        assert_eq!(judged(whole.clone()), expected, "{name}\n{text}");
        for piece in [1, 3, 64, 1000] {
            assert_eq!(scan(text.as_bytes().chunks(piece)), whole, "{name} in pieces of {piece}");
        }
        // As Windows writes it.
        for wide in [wide(&text, u16::to_le_bytes), wide(&text, u16::to_be_bytes)] {
            let read = scan(wide.chunks(7));
            assert_eq!(AccessLog { bytes: whole.bytes, ..read }, whole, "{name} in UTF-16");
        }
    }
}

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(bytes).collect()
}

/// An answer larger than one record may be is read all the same.
#[test]
fn large_answers_are_read_in_parts() {
    let records: Vec<Value> = records().into_iter().cycle().take(5 * 1000).collect();
    let values: Vec<Value> = records.iter().map(|record| json!(["1", record.to_string()])).collect();
    let half = values.len() / 2;
    let answers = [
        json!({"took": 1, "hits": {"total": 1, "hits": records.iter().map(|record| json!({"_source": record})).collect::<Value>()}}),
        json!({"data": {"result": [{"stream": {"a": "b"}, "values": values[..half]}, {"stream": {}, "values": values[half..]}]}}),
        json!({"events": records.iter().map(|record| json!({"message": record.to_string()})).collect::<Value>(), "nextToken": "x"}),
    ];
    for answer in answers {
        for text in [answer.to_string(), serde_json::to_string_pretty(&answer).expect("it can be written")] {
            let log = scan(text.as_bytes().chunks(64 << 10));
            let counts = [log.records, log.reset_without_sni.count, log.reset_with_sni.count, log.broken_lines];
            assert!(text.len() > MAX_RECORD_BYTES);
            assert_eq!(counts, [5000, 2000, 1000, 0], "{}", &text[..100]);
        }
    }
}

#[test]
fn forms_that_are_not_read_are_counted_as_such() {
    for line in [
        r#"[0] kube.gw: [[1717322401.0, {}], {"log"=>"{\"start_time\":\"x\",\"sni_host\":null,\"status_details\":\"filter_chain_not_found\"}"}]"#,
        "start_time=2025-06-02T10:00:01Z sni_host=- status=0 status_details=filter_chain_not_found",
        r#"t,"{""sni_host"":null,""status_details"":""filter_chain_not_found""}""#,
        "sni_host: null; status_details: filter_chain_not_found",
    ] {
        let log = scan([format!("x\n{line}\n").as_bytes()]);
        assert_eq!((log.records, log.other_forms, log.broken_lines), (0, 1, 0), "{line}");
    }
}

/// A wrapper's own keys, and other JSON, are no records; nor is what a record holds.
#[test]
fn what_only_resembles_a_record_is_none() {
    for (text, expected) in [
        (r#"{"host":"n","status":"info","message":"2025-06-02T10:00:01Z info x"}"#, [0, 0, 1]),
        (r#"{"httpRequest":{"status":200,"protocol":"HTTP/1.1"},"labels":{"host":"n"}}"#, [0, 0, 0]),
        (r#"{"start_time":"x","request_path":"/","apigee_dynamic_data":{"sni_host":null,"status":0}}"#, [0, 1, 0]),
        (r#"{"a":"sni_host is \"x\""}"#, [0, 0, 0]),
    ] {
        let log = scan([format!("{text}\n").as_bytes()]);
        assert_eq!([log.records, log.foreign_records, log.proxy_lines], expected, "{text}");
    }
}

/// What has two values, or a value of another type, is neither there nor absent.
#[test]
fn names_that_cannot_be_read_are_counted() {
    let reset = r#""status":0,"status_details":"filter_chain_not_found","upstream_response_flags":"NR""#;
    for (name, expected) in [
        (r#""sni_host":null"#, [1, 0]),
        (r#""sni_host":7"#, [0, 1]),
        (r#""sni_host":false"#, [0, 1]),
        (r#""sni_host":{}"#, [0, 1]),
        (r#""sni_host":["a","b"]"#, [0, 1]),
        (r#""sni_host":null,"sni_host":"a.test""#, [0, 1]),
        (r#""sni_host":"a.test","x":1,"sni_host":null"#, [0, 1]),
        (r#""sni_host":null,"sniHost":"a.test""#, [0, 1]),
        (r#""sni_host":null,"sni_host":null"#, [1, 0]),
    ] {
        let log = scan([format!("{{{name},{reset}}}\n").as_bytes()]);
        assert_eq!([log.reset_without_sni.count, log.unreadable_names], expected, "{name}");
        assert_eq!(log.reset_with_sni.count, 0, "{name}");
    }
}

/// Docker's entries of a text format are joined, too, and lines of the proxy are not taken for parts.
#[test]
fn parts_of_text_records_are_joined() {
    let record = concat!(
        r#"[2025-06-02T10:00:01.005Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - "#,
        r#"10.0.0.1:8443 10.0.0.5:4001 - -"#
    );
    let entry = |text: &str| json!({"log": text, "stream": "stdout", "time": "2025-06-02T10:00:01.5Z"});
    let own = "[2025-06-02 10:00:01.005][1][info][main] x";
    for at in [5, 40, 100] {
        let (left, right) = record.split_at(at);
        let log = scan([lines([entry(left), entry(&format!("{right}\n")), entry(own), entry(record)]).as_bytes()]);
        assert_eq!((log.records, log.reset_without_sni.count, log.broken_lines), (2, 2, 0), "{at}");
    }
}

/// Records of requests in the words of other schemas are named, if they lack what is judged.
#[test]
fn records_of_other_schemas_are_foreign() {
    for line in [
        r#"{"Method":"GET","Path":"/","Status":200}"#,
        r#"{"RESPONSE_CODE":0,"BYTES_SENT":0}"#,
        r#"{"http":{"request":{"method":"GET"},"response":{"status_code":404}},"url":{"path":"/"},"server":{"domain":"a.test"}}"#,
        r#"{"server":{"domain":"a.test"},"http":{"response":{"status_code":0}}}"#,
    ] {
        let log = scan([format!("{line}\n").as_bytes()]);
        assert_eq!((log.records, log.foreign_records), (0, 1), "{line}");
    }
}

/// Where a collector drops members that are null, it is not known whether the client sent SNI.
#[test]
fn records_without_the_key_of_the_name_are_counted() {
    let mut entries = records();
    let reset = json!({"start_time": "2025-06-02T10:01:00.005Z", "remote_address": "10.0.0.9:1", "status": 0,
        "status_details": "filter_chain_not_found", "upstream_response_flags": "NR"});
    let whole = scan([lines(entries.clone()).as_bytes()]);
    entries.push(reset);
    for text in [lines(entries.clone()), lines(entries.into_iter().map(|record| json!({ "jsonPayload": record })))] {
        let log = scan([text.as_bytes()]);
        assert_eq!((log.records, log.foreign_records, log.absent_names), (whole.records, 1, 1));
        assert_eq!(log.reset_without_sni.count, whole.reset_without_sni.count);
    }
}

/// With and without the key of the details, status 0 and `NR` are a reset.
#[test]
fn details_that_are_null_are_as_if_absent() {
    for details in ["", r#","status_details":null"#, r#","status_details":"-""#] {
        for name in ["null", r#""a.test""#] {
            let line = format!("{{\"sni_host\":{name},\"status\":0,\"upstream_response_flags\":\"NR\"{details}}}\n");
            let log = scan([line.repeat(3).as_bytes()]);
            assert_eq!(log.reset_without_sni.count + log.reset_with_sni.count, 3, "{line}");
        }
    }
}

/// Clients of internal chaining are other proxies.
#[test]
fn pods_of_internal_chaining_are_left_out() {
    let pod = "apigee-ingressgateway-internal-chaining-acme-0a1b2c3-x";
    let plain: Vec<String> = records().iter().map(Value::to_string).collect();
    let text: String =
        plain.iter().map(|record| format!("{record}\n[pod/{pod}/apigee-ingressgateway] {record}\n")).collect();
    let entries = wrapped(|record| json!({"resource": {"labels": {"pod_name": pod}}, "jsonPayload": record}));
    let whole = scan([lines(records()).as_bytes()]);
    let log = scan([text.as_bytes()]);
    assert_eq!((log.records, log.chaining_lines), (whole.records, plain.len() as u64));
    let log = scan([entries.as_bytes()]);
    assert_eq!((log.records, log.foreign_records, log.chaining_lines), (0, 0, plain.len() as u64));
}

/// Whatever a store puts in front of the names of columns.
#[test]
fn columns_may_have_any_prefix() {
    for prefix in ["", "json.", "structured.", "kubernetes.log.", "log_processed."] {
        for empty in ["", "-"] {
            let names = ["start_time", "status", "status_details", "upstream_response_flags", "sni_host"];
            let names = names.map(|name| format!("{prefix}{name}")).join(",");
            let row = format!("2025-06-02T10:00:01.005Z,0,filter_chain_not_found,NR,{empty}");
            let log = scan([format!("@timestamp,{names}\nx,{row}\n").as_bytes()]);
            assert_eq!((log.records, log.reset_without_sni.count), (1, 1), "{names}: {row}");
        }
    }
    for prefix in ["json.", "structured.", "log_processed."] {
        let line = format!(
            r#"{{"_source":{{"{prefix}sni_host":null,"{prefix}status":0,"{prefix}status_details":"filter_chain_not_found"}}}}"#
        );
        assert_eq!(scan([line.as_bytes()]).reset_without_sni.count, 1, "{line}");
    }
}

/// A log of one's own format is no log without traffic.
#[test]
fn lines_of_unknown_formats_look_like_records() {
    for line in [
        "2025-06-02T10:00:01.005Z|10.0.0.1:4001|0|filter_chain_not_found|NR|-",
        r#"{"peer":"10.0.0.1:4001","code":0,"detail":"filter_chain_not_found","flag":"NR","servername":null}"#,
    ] {
        let log = scan([format!("{line}\n").as_bytes()]);
        assert_eq!((log.records, log.foreign_records, log.other_forms), (0, 0, 1), "{line}");
    }
}

/// Failures of TLS that the log states are counted by their reason.
#[test]
fn failures_of_tls_are_counted() {
    let record = |name: &str| {
        format!(
            "{{\"sni_host\":{name},\"status\":0,\"status_details\":null,\"upstream_response_flags\":\"-\",\
             \"downstream_transport_failure_reason\":\
             \"TLS_error:|268435640:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER:TLS_error_end\"}}\n"
        )
    };
    let rejected = "2025-06-02T10:00:00Z\twarning\tenvoy config\tgRPC config for Secret rejected: Failed to load \
                    certificate chain from <inline>, only P-256 ECDSA certificates are supported\tthread=20\n";
    let log = scan([(record("null").repeat(3) + &record("\"a.test\"") + rejected).as_bytes()]);
    let found: Vec<(&str, u64)> = log.tls_failures.iter().map(|(why, failures)| (&**why, *failures)).collect();
    let why = "Secret rejected: Failed to load certificate chain from <inline>, only P-256 ECDSA certificates are \
               supported";
    assert_eq!(found, [("NO_SHARED_CIPHER", 4), (why, 1)]);
}

/// Nesting costs no more than its limit.
#[test]
fn deep_nesting_ends() {
    let deep = |open: &str, close: &str, count: usize| format!("{}{}\n", open.repeat(count), close.repeat(count));
    for text in [
        deep(r#"{"log":"#, "}", 110),
        deep(r#"{"x":["#, "]}", 55),
        deep("[{\"events\":", "}]", 55),
        format!("{}\n", r#"{"log":{"x":1}}"#.repeat(60_000)),
    ] {
        let text = text.replace(":}", ":1}").replace("[]", "[1]");
        assert_eq!(scan([text.as_bytes()]).records, 0);
    }
    let mut text = records().remove(0).to_string();
    for _ in 0..4 {
        text = json!({ "message": text }).to_string();
    }
    assert_eq!(scan([text.as_bytes()]).records, 1);
}

/// Fields that a client writes may have tabs, so that such a line is not taken apart.
#[test]
fn text_records_between_tabs_are_read_or_named() {
    let record = concat!(
        r#"[2025-06-02T10:00:01.005Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - "#,
        r#"10.0.0.1:8443 10.0.0.5:4001 - -"#
    );
    let log = scan([format!("EVENTS\t37\t1\tstream\t{record}\t2\n").repeat(3).as_bytes()]);
    assert_eq!((log.records, log.reset_without_sni.count, log.text_records), (3, 3, 0));
    let log = scan([format!("{record}\t{record}\n").as_bytes()]);
    assert_eq!((log.records, log.other_forms), (0, 1));
}

/// A document whose lines cannot be read is no log without traffic.
#[test]
fn records_over_several_lines_that_are_no_yaml_are_named() {
    let text = "---\njsonPayload:\n  sni_host: null\n  request: - x: [\n  status_details: filter_chain_not_found\n";
    assert_eq!(scan([text.as_bytes()]).other_forms, 1);
}
