//! Pseudonyms: which names get one, and that it is the same everywhere.

use serde_json::json;

use super::*;

#[test]
fn one_name_has_one_pseudonym_in_the_whole_bundle() {
    let redactor = Redactor::new(Pseudonyms::Both);
    let mut redactions = Redactions::default();
    assert_eq!(redactor.text("api.acme.com from 10.138.0.28:20111", &mut redactions), "host-1.example from ip-1:20111");
    let mut object = json!({ "kind": "ApigeeRoute", "spec": { "hostnames": ["*.acme.com", "API.acme.com"] } });
    redactor.object(&mut object, &mut redactions).unwrap();
    assert_eq!(object["spec"]["hostnames"], json!(["*.host-2.example", "host-1.example"]));
    let overrides = redactor.overrides("httpProxy:\n  host: api.acme.com\n  password: x\n", &mut redactions).unwrap();
    assert_eq!(overrides, "httpProxy:\n  host: host-1.example\n  password: <redacted>\n");
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for piece in
        b"{\"remote_address\":\"10.138.0.28:9\",\"host\":\"api.acme.com:443\",\"x\":\"2001:db8::1\"}\n".chunks(3)
    {
        stream.feed(piece, &mut out);
    }
    redactions.merge(&stream.finish(&mut out));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"remote_address\":\"ip-1:9\",\"host\":\"host-1.example:443\",\"x\":\"ip-2\"}\n"
    );
    assert_eq!(
        redactor.pseudonym_map(),
        [
            ("host-1.example", "api.acme.com"),
            ("host-2.example", "acme.com"),
            ("ip-1", "10.138.0.28"),
            ("ip-2", "2001:db8::1")
        ]
        .map(|(name, original)| (name.to_owned(), original.to_owned()))
        .into()
    );
    assert_eq!((redactions.0["hostname"], redactions.0["client-address"]), (5, 3));
}

#[test]
fn what_names_no_one_stays() {
    let redactor = Redactor::new(Pseudonyms::Both);
    for text in [
        "apigee.cloud.google.com/v1alpha1 kubectl.kubernetes.io/x gcr.io/x:1.16.0",
        "apigee-runtime.apigee.svc.cluster.local x.svc:443",
        "2025-05-19T04:50:00.000Z 04:50:00 v1.16.0 1.16.0-build.2",
        "51:9A:CD:3B:44:8D:C3:A9:08:12:4D:23:AC:E0:BA:7E:21:26:59:54 aa:bb:cc:dd:ee:ff:00:11",
        "tls.crt ./certs/tls.key overrides.yaml:14:5 main.go:12",
        "metadata.name spec.tls.mode com.google.apigee.Handler java.lang.String",
        "127.0.0.1:15000 ::1 0.0.0.0 host-1.example",
        "one.apigee-tls.invalid",
        "a: b, c:d e=f",
    ] {
        assert_eq!(redactor.text(text, &mut Redactions::default()), text);
    }
}

#[test]
fn each_kind_can_be_asked_for_alone() {
    for (kinds, expected) in [
        (Pseudonyms::None, "api.acme.com 10.0.0.1 192.168.1.9"),
        (Pseudonyms::Hosts, "host-1.example 10.0.0.1 192.168.1.9"),
        (Pseudonyms::Addresses, "api.acme.com ip-1 ip-2"),
        (Pseudonyms::Both, "host-1.example ip-1 ip-2"),
    ] {
        let redactor = Redactor::new(kinds);
        assert_eq!(redactor.text("api.acme.com 10.0.0.1 192.168.1.9", &mut Redactions::default()), expected);
    }
}

#[test]
fn certificates_name_hosts_and_go_with_them() {
    let redactor = Redactor::new(Pseudonyms::Hosts);
    let certificate = certificate_pem();
    let output = redactor.text(
        &format!("a\n{certificate}b\ncaBundle: {}\n", encoded(certificate.as_bytes())),
        &mut Redactions::default(),
    );
    assert!(
        output.starts_with("a\n<redacted>\n") && output.contains("\nb\n") && output.ends_with("caBundle: <redacted>\n"),
        "{output}"
    );
    let mut secret = json!({ "kind": "Secret", "data": { "tls.crt": encoded(certificate.as_bytes()) } });
    redactor.object(&mut secret, &mut Redactions::default()).unwrap();
    assert!(secret["data"]["tls.crt"].as_str().unwrap().starts_with("<redacted: "));
}

#[test]
fn names_beyond_the_limit_share_one() {
    let redactor = Redactor::new(Pseudonyms::Both);
    let text: String = (0..70_000).map(|number| format!("h{number}.acme.com\n")).collect();
    let output = redactor.text(&text, &mut Redactions::default());
    assert!(output.ends_with("host-other.example\n") && output.contains("host-65536.example\n"));
    assert_eq!(redactor.pseudonym_map().len(), 65_536);
}
