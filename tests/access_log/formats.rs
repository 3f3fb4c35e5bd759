//! Formats that the mesh settings state, and the default formats of Istio and Envoy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apigee_tls::evidence::access_log::AccessLog;
use apigee_tls::evidence::hybrid::MeshLogging;
use apigee_tls::wire::access_log::{AccessLogScanner, Format};

use super::scan;

fn scan_as(mesh: &MeshLogging, text: &str) -> AccessLog {
    let scan = |piece: usize| {
        let mut scanner = AccessLogScanner::new().reading(Arc::new(Format::of(mesh)));
        text.as_bytes().chunks(piece).for_each(|piece| scanner.feed(piece));
        scanner.finish()
    };
    let whole = scan(text.len());
    assert_eq!(scan(13), whole);
    whole
}

fn json(fields: &[(&str, &str)]) -> MeshLogging {
    let fields: BTreeMap<String, String> =
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let file = Some("/dev/stdout".to_owned());
    MeshLogging { file, encoding: Some("JSON".into()), fields: Some(fields), ..MeshLogging::default() }
}

fn text(format: &str) -> MeshLogging {
    let file = Some("/dev/stdout".to_owned());
    MeshLogging { file, text_format: true, format: Some(format.to_owned()), ..MeshLogging::default() }
}

/// Records; resets without and with SNI; requests without; requests on another name's connection.
fn classes(log: &AccessLog) -> [u64; 5] {
    [
        log.records,
        log.reset_without_sni.count,
        log.reset_with_sni.count,
        log.served_without_sni.count,
        log.other_host.tally.count,
    ]
}

#[test]
fn istios_default_json_is_read() {
    let line = |name: &str, authority: &str, code: u64, details: &str, flags: &str| {
        format!(
            r#"{{"authority":{authority},"bytes_received":0,"bytes_sent":0,"connection_termination_details":null,"downstream_local_address":"10.0.2.9:8443","downstream_remote_address":"10.0.0.4:40122","duration":0,"method":null,"path":null,"protocol":null,"request_id":null,"requested_server_name":{name},"response_code":{code},"response_code_details":"{details}","response_flags":"{flags}","route_name":null,"start_time":"2025-06-02T10:00:01.005Z","upstream_cluster":null,"upstream_host":null}}"#
        ) + "\n"
    };
    let log = [
        line("null", "null", 0, "filter_chain_not_found", "NR"),
        line("\"old.example.net\"", "null", 0, "filter_chain_not_found", "NR"),
        line("\"a.example.net\"", "\"a.example.net\"", 200, "via_upstream", "-"),
        line("\"a.example.net\"", "\"B.example.net:443\"", 404, "route_not_found", "NR"),
        line("\"a.example.net\"", "\"a.example.net\"", 404, "route_not_found", "NR"),
        line("\"a.example.net\"", "\"b.example.net\"", 421, "direct_response", "-"),
        line("null", "\"a.example.net\"", 200, "via_upstream", "-"),
    ]
    .concat();
    let read = scan([log.as_bytes()]);
    assert_eq!(classes(&read), [7, 1, 1, 1, 2]);
    assert_eq!(read.reset_without_sni.clients.keys().collect::<Vec<_>>(), ["10.0.0.4"]);
    assert_eq!(read.other_host.hosts["a.example.net"]["b.example.net"].count, 2);
    assert_eq!((read.foreign_records, read.lacking.len()), (0, 0));
}

#[test]
fn default_texts_are_read_and_say_what_they_lack() {
    let head = r#"[2025-06-02T10:00:01.005Z] "- - -" 0 NR"#;
    let tail = r#""-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.4.0.9:8443 10.0.0.5:4001"#;
    let log = format!(
        "{head} filter_chain_not_found - {tail} - -\n{head} filter_chain_not_found - {tail} old.example.net -\n\
         {head} {tail} - -\n{head} \"-\" {tail} - -\n"
    );
    let read = scan([log.as_bytes()]);
    assert_eq!((classes(&read), read.text_records), ([4, 3, 1, 0, 0], 0));

    let envoy = format!("{head} 0 0 0 - \"-\" \"-\" \"-\" \"-\" \"-\"\n");
    let read = scan([envoy.as_bytes()]);
    assert_eq!((read.records, read.text_records), (0, 1));
    assert_eq!(read.lacking, BTreeSet::from(["REQUESTED_SERVER_NAME".to_owned(),]));
}

/// A client can write anything into a path: that concerns its own line alone.
#[test]
fn a_line_that_cannot_be_read_does_not_hide_the_others() {
    let line = |path: &str, name: &str| {
        format!(
            r#"[2025-06-02T10:00:02.005Z] "GET {path} HTTP/2" 200 - via_upstream - "-" 0 12 3 - "-" "curl" "id" "b.example.com" "-" - - 10.4.0.9:8443 10.0.0.9:4002 {name} -"#
        ) + "\n"
    };
    let reset = r#"[2025-06-02T10:00:01.005Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.4.0.9:8443 10.0.0.5:4001 - -"#;
    // A quote is read; a space, which no request line has, is not.
    for (path, read_lines) in [(r#"/a"b"#, 4), (r#"/a\"b"#, 4), ("/a b", 3)] {
        for lines in [
            [line(path, "a.example.com"), line("/", "a.example.com"), line("/", "-"), format!("{reset}\n")],
            [line("/", "a.example.com"), line("/", "-"), format!("{reset}\n"), line(path, "a.example.com")],
        ] {
            let read = scan([lines.concat().as_bytes()]);
            assert_eq!(classes(&read), [read_lines, 1, 0, 1, 0], "{path}");
            assert_eq!((read.text_records, read.broken_lines), (0, 4 - read_lines), "{path}");
        }
    }
}

#[test]
fn a_stated_json_format_names_its_keys() {
    let mesh = json(&[
        ("at", "%START_TIME(%s.%3f)%"),
        ("sni", "%REQUESTED_SERVER_NAME%"),
        ("code", "%RESPONSE_CODE%"),
        ("end", "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"),
        ("peer", r#"{"address":"%DOWNSTREAM_REMOTE_ADDRESS%"}"#),
        ("status", "%GRPC_STATUS%"),
        ("host", "%REQ(:AUTHORITY)%"),
    ]);
    let line = |sni: &str, code: u64, end: &str| {
        format!(
            r#"{{"at":"1748858401.005","sni":{sni},"code":{code},"end":"{end}","peer":{{"address":"10.0.0.5:1"}},"status":"0","host":"b.example.net"}}"#
        ) + "\n"
    };
    let log = [
        line("null", 0, "NR filter_chain_not_found"),
        line("\"old.example.net\"", 0, "NR filter_chain_not_found"),
        line("\"a.example.net\"", 404, "NR route_not_found"),
        line("null", 200, "- via_upstream"),
    ]
    .concat();
    let read = scan_as(&mesh, &log);
    assert_eq!(classes(&read), [4, 1, 1, 1, 1]);
    assert_eq!(read.first, "2025-06-02T10:00:01.005Z".parse().ok());
    assert_eq!(read.reset_without_sni.clients.keys().collect::<Vec<_>>(), ["10.0.0.5"]);
    // Without the settings nobody knows these keys.
    assert_eq!(scan([log.as_bytes()]).records, 0);
}

#[test]
fn a_stated_json_format_takes_the_short_way_too() {
    let mesh = json(&[
        ("t", "%START_TIME%"),
        ("sni", "%REQUESTED_SERVER_NAME%"),
        ("code", "%RESPONSE_CODE%"),
        ("why", "%RESPONSE_CODE_DETAILS%"),
        ("peer", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
    ]);
    let line = |sni: &str, code: u64, why: &str| {
        format!(
            "{{\"t\":\"2025-06-02T10:00:01.005Z\",\"sni\":{sni},\"code\":{code},\"why\":\"{why}\",\"peer\":\"10.0.0.5:1\"}}\n"
        )
    };
    let log = [line("\"a\"", 200, "via_upstream"), line("null", 0, "filter_chain_not_found")].concat().repeat(50);
    assert_eq!(classes(&scan_as(&mesh, &log)), [100, 50, 0, 0, 0]);
    // Records of Apigee's own format, from before the settings were changed.
    let before = "{\"start_time\":\"2025-06-02T10:00:01.005Z\",\"sni_host\":null,\"status\":0,\"status_details\":\"filter_chain_not_found\"}\n";
    assert_eq!(classes(&scan_as(&mesh, &format!("{before}{log}"))), [101, 51, 0, 0, 0]);
}

#[test]
fn a_stated_text_format_is_read() {
    let mesh = text(
        "%START_TIME(%Y/%m/%d %H:%M:%S)% %REQUESTED_SERVER_NAME% %RESPONSE_CODE% %RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS% \"%REQ(USER-AGENT)%\"\n",
    );
    let log = "2025/06/02 10:00:01 - 0 NR 10.0.0.5:1 \"-\"\n2025/06/02 10:00:02 a.example.net 0 NR 10.0.0.5:2 \"-\"\n\
        2025/06/02 10:00:03 a.example.net 200 - 10.0.0.5:3 \"agent - 0 NR 10.0.0.5:1 \"\nother line\n";
    let read = scan_as(&mesh, log);
    assert_eq!(classes(&read), [3, 1, 1, 0, 0]);
    assert_eq!(read.first, "2025-06-02T10:00:01Z".parse().ok());
    assert!(read.lacking.is_empty());
}

#[test]
fn exports_of_a_stated_json_format_are_read() {
    let mesh = json(&[
        ("t", "%START_TIME%"),
        ("servername", "%REQUESTED_SERVER_NAME%"),
        ("code", "[\"%RESPONSE_CODE%\"]"),
        ("why", "%RESPONSE_CODE_DETAILS%"),
    ]);
    for text in [
        "insertId,jsonPayload.t,jsonPayload.servername,jsonPayload.code,jsonPayload.why\na,x,,0,filter_chain_not_found\n",
        r#"{"body":{"kvlistValue":{"values":[{"key":"servername","value":{}},{"key":"why","value":{"stringValue":"filter_chain_not_found"}}]}}}"#,
        r#"{"results":[[{"field":"servername","value":"-"},{"field":"why","value":"filter_chain_not_found"}]]}"#,
        r#"{"tables":[{"columns":[{"name":"servername"},{"name":"why"}],"rows":[[null,"filter_chain_not_found"]]}]}"#,
        r#"{"jsonPayload.servername":null,"jsonPayload.why":"filter_chain_not_found"}"#,
        r#"{"servername":null,"code":[0],"why":"filter_chain_not_found"}"#,
    ] {
        assert_eq!(classes(&scan_as(&mesh, &format!("{text}\n"))), [1, 1, 0, 0, 0], "{text}");
    }
}

#[test]
fn a_stated_text_format_is_read_behind_a_prefix_and_in_entries() {
    let mesh = text("%START_TIME% sni=%REQUESTED_SERVER_NAME% code=%RESPONSE_CODE% why=%RESPONSE_CODE_DETAILS%");
    let record = "2025-06-02T10:00:01.005Z sni=- code=0 why=filter_chain_not_found";
    for line in [
        format!("[pod/gw-1/apigee-ingressgateway] {record}"),
        format!("2025-06-02T10:00:01.5Z {record}"),
        format!("gw-1 apigee-ingressgateway {record}"),
        format!("{{\"msg\":\"{record}\"}}"),
        format!("{{\"event\":\"{record}\"}}"),
    ] {
        let read = scan_as(&mesh, &format!("{line}\n"));
        assert_eq!(classes(&read), [1, 1, 0, 0, 0], "{line}");
        assert_eq!(read.first, "2025-06-02T10:00:01.005Z".parse().ok(), "{line}");
    }
    // Text that looks like JSON.
    let mesh = text(
        r#"{"sni":"%REQUESTED_SERVER_NAME%","code":%RESPONSE_CODE%,"why":"%RESPONSE_FLAGS%","ua":"%REQ(USER-AGENT)%"}"#,
    );
    let line = r#"{"sni":"-","code":0,"why":"NR","ua":"a "quoted" agent"}"#;
    assert_eq!(classes(&scan_as(&mesh, line)), [1, 1, 0, 0, 0]);
    // An overrides file states the encoding of the chart, whatever wrote this log.
    let mesh = MeshLogging {
        encoding: Some("1".into()),
        ..text("%START_TIME% %REQUESTED_SERVER_NAME% %RESPONSE_CODE% %RESPONSE_FLAGS%")
    };
    assert_eq!(classes(&scan_as(&mesh, "2025-06-02T10:00:01.005Z - 0 NR\n")), [1, 1, 0, 0, 0]);
}

/// `SNI_FIRST` and `HOST_FIRST` write the host of the request in the place of a server name that is absent.
#[test]
fn a_name_that_may_be_the_host_is_no_server_name() {
    for argument in ["SNI_FIRST", "HOST_FIRST:ORIG"] {
        let mesh = json(&[
            ("sni_host", &format!("%REQUESTED_SERVER_NAME({argument})%")),
            ("code", "%RESPONSE_CODE%"),
            ("why", "%RESPONSE_CODE_DETAILS%"),
        ]);
        let line = r#"{"sni_host":null,"code":0,"why":"filter_chain_not_found"}"#;
        let read = scan_as(&mesh, &format!("{line}\n"));
        assert_eq!((classes(&read), read.foreign_records, read.absent_names), ([0; 5], 1, 1), "{argument}");
        assert_eq!(read.lacking, BTreeSet::from(["REQUESTED_SERVER_NAME".to_owned()]));
    }
}

/// Of details and flags, one suffices; where both are stated they must agree.
#[test]
fn requests_without_a_route_are_known_by_details_or_flags() {
    for (end, expected) in [
        (r#""status_details":"route_not_found""#, 1),
        (r#""status_details":null,"upstream_response_flags":"NR""#, 1),
        (r#""upstream_response_flags":"NR""#, 1),
        (r#""status_details":"route_not_found","upstream_response_flags":"UF""#, 0),
        (r#""status_details":"via_upstream","upstream_response_flags":"NR""#, 0),
        (r#""upstream_response_flags":"-""#, 0),
    ] {
        let line = format!("{{\"sni_host\":\"a.test\",\"host\":\"b.test\",\"status\":404,{end}}}\n");
        assert_eq!(scan([line.repeat(5).as_bytes()]).other_host.tally.count, 5 * expected, "{end}");
        let line = format!("{{\"sni_host\":null,\"host\":\"b.test\",\"status\":404,{end}}}\n");
        assert_eq!(scan([line.repeat(5).as_bytes()]).unrouted_without_sni.count, 5 * expected, "{end}");
    }
}

#[test]
fn what_a_stated_format_lacks_is_named() {
    for (mesh, line, expected) in [
        (
            text("[%START_TIME%] %RESPONSE_CODE% x"),
            "[2025-06-02T10:00:01.005Z] 0 x",
            &["REQUESTED_SERVER_NAME", "RESPONSE_CODE_DETAILS"][..],
        ),
        (text("%REQUESTED_SERVER_NAME% %PROTOCOL% x"), "- - x", &["RESPONSE_CODE_DETAILS"]),
        (
            json(&[("a", "%REQUESTED_SERVER_NAME%"), ("b", "%PROTOCOL%")]),
            r#"{"a":null,"b":null}"#,
            &["RESPONSE_CODE_DETAILS"],
        ),
        (
            json(&[("a", "%RESPONSE_CODE_DETAILS%"), ("b", "%PROTOCOL%")]),
            r#"{"a":null,"b":null}"#,
            &["REQUESTED_SERVER_NAME"],
        ),
        (
            json(&[("a", "%REQUESTED_SERVER_NAME%"), ("b", "%RESPONSE_CODE%")]),
            r#"{"a":null,"b":0}"#,
            &["RESPONSE_CODE_DETAILS"],
        ),
    ] {
        let read = scan_as(&mesh, &format!("{line}\n"));
        assert_eq!(read.lacking.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{line}");
    }
}
