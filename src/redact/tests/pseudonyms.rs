//! Pseudonyms: which names get one, that it is the same everywhere, and that names keep what checks compare.

use serde_json::json;

use super::*;
use crate::evidence::gateway::{Counters, Gateway};
use crate::evidence::{HybridQuestion, Reason, Seen, Unavailable};

const KEY: [u8; 32] = [7; 32];

fn redactor(kinds: Pseudonyms) -> Redactor {
    Redactor::new(kinds, Names::new(KEY))
}

fn renamed(redactor: &Redactor, text: &str) -> String {
    redactor.text(text, &mut Redactions::default())
}

fn both(text: &str) -> String {
    renamed(&redactor(Pseudonyms::Both), text)
}

#[test]
fn gives_a_name_one_pseudonym_in_the_whole_bundle() {
    let redactor = redactor(Pseudonyms::Both);
    let mut redactions = Redactions::default();
    let (api, acme) = (renamed(&redactor, "api.acme.com"), renamed(&redactor, "acme.com"));
    let (four, six) = (renamed(&redactor, "10.138.0.28"), renamed(&redactor, "2001:470::1"));
    assert!(api.ends_with(&format!(".{acme}")) && acme.ends_with(".example"), "{api} {acme}");
    assert!(four.starts_with("198.18.") || four.starts_with("198.19."), "{four}");
    assert!(six.starts_with("2001:db8:"), "{six}");

    let mut object = json!({ "kind": "ApigeeRoute", "spec": { "hostnames": ["*.acme.com", "api.acme.com", "*"] } });
    redactor.object(&mut object, &mut redactions).unwrap();
    assert_eq!(object["spec"]["hostnames"], json!([format!("*.{acme}"), api, "*"]));
    let overrides = redactor.overrides("httpProxy:\n  host: api.acme.com\n  password: x\n", &mut redactions).unwrap();
    assert_eq!(overrides, format!("httpProxy:\n  host: {api}\n  password: <redacted>\n"));
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for piece in
        b"{\"remote_address\":\"10.138.0.28:9\",\"host\":\"api.acme.com:443\",\"x\":\"2001:470::1\"}\n".chunks(3)
    {
        stream.feed(piece, &mut out);
    }
    redactions.merge(&stream.finish(&mut out));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!("{{\"remote_address\":\"{four}:9\",\"host\":\"{api}:443\",\"x\":\"{six}\"}}\n")
    );
    let names = redactor.names();
    for (pseudonym, original) in [(&api, "api.acme.com"), (&acme, "acme.com"), (&four, "10.138.0.28")] {
        assert_eq!(names.originals[pseudonym], original);
    }
    assert!(!names.incomplete);
    assert_eq!((redactions.0["hostname"], redactions.0["client-address"]), (4, 2));
}

#[test]
fn gives_pseudonyms_independent_of_order() {
    let words = ["api.acme.com", "10.0.0.1", "2001:470::1", "acme.de", "a.b.c.acme.com"];
    let forth = redactor(Pseudonyms::Both);
    let back = redactor(Pseudonyms::Both);
    let one: Vec<String> = words.iter().map(|word| renamed(&forth, word)).collect();
    let mut other: Vec<String> = words.iter().rev().map(|word| renamed(&back, word)).collect();
    other.reverse();
    assert_eq!(one, other);
    // The list of an earlier run gives the same names, and another key others.
    let later = Redactor::new(Pseudonyms::Both, forth.names());
    assert!(words.iter().map(|word| renamed(&later, word)).eq(one.iter().cloned()));
    assert!(later.names() == forth.names());
    let stranger = Redactor::new(Pseudonyms::Both, Names::new([8; 32]));
    assert!(words.iter().zip(&one).all(|(word, known)| renamed(&stranger, word) != *known));
}

#[test]
fn keeps_colliding_addresses_apart() {
    let redactor = redactor(Pseudonyms::Both);
    let text: String = (0..10_000).map(|number| format!("10.0.{}.{}\n", number / 256, number % 256)).collect();
    let output = renamed(&redactor, &text);
    let distinct: std::collections::BTreeSet<&str> = output.lines().collect();
    assert_eq!(distinct.len(), 10_000);
}

#[test]
fn keeps_what_checks_compare_of_names() {
    let redactor = redactor(Pseudonyms::Both);
    let named = |name: &str| redactor.engine.table.host_or_address(name).map_or(name.to_owned(), |(_, name)| name);
    let acme = named("acme.com");
    assert_eq!(named("*.acme.com"), format!("*.{acme}"));
    assert_eq!(named("acme.com."), format!("{acme}."));
    assert!(named("a.b.acme.com").ends_with(&format!(".{}", named("b.acme.com"))));
    assert!(!named("xacme.com").ends_with(&acme) && !named("acme.org").ends_with(&acme));
    assert_eq!(named("a.b.acme.com").split('.').count(), named("x.y.acme.com").split('.').count());
    // Upper case stays upper case, and is the same name.
    assert_ne!(named("API.acme.com"), named("api.acme.com"));
    assert!(named("API.acme.com").eq_ignore_ascii_case(&named("api.acme.com")));
    // The SNI of this program's own handshakes below a wildcard.
    assert_eq!(named("apigee-tls.acme.com"), format!("apigee-tls.{acme}"));
    // Special-use domains are judged differently.
    assert!(named("gone.invalid").ends_with(".invalid") && named("gone.invalid") != "gone.invalid");
    for name in ["*", "localhost", "x.apigee-tls.invalid", "a.svc.cluster.local", "", "127.0.0.1", "[::1]"] {
        assert_eq!(named(name), name);
    }
    assert!(named("gateway").ends_with(".example"), "a type says that it is one");
    assert!(named("[2001:470::1]").starts_with("[2001:db8:"));
    assert!(named("::ffff:10.0.0.1").ends_with(&named("10.0.0.1")));
}

#[test]
fn keeps_names_that_identify_nobody() {
    for text in [
        "apigee.cloud.google.com/v1alpha1 kubectl.kubernetes.io/x gcr.io/x:1.16.0 meta.helm.sh/release-name",
        "apigee-runtime.apigee.svc.cluster.local x.svc:443",
        "2025-05-19T04:50:00.000Z 04:50:00 v1.16.0 1.16.0-build.2 1.3.6.1.5.5.7.3.1",
        "51:9A:CD:3B:44:8D:C3:A9:08:12:4D:23:AC:E0:BA:7E:21:26:59:54 aa:bb:cc:dd:ee:ff:00:11",
        "tls.crt ./certs/tls.key overrides.yaml:14:5 main.go:12 server.cc:1059] ./install.sh libssl.so README.md example.json gateway.access.log data.json-old 1.2.3-rc1",
        "metadata.name spec.tls.mode com.google.apigee.Handler java.lang.String metadata.labels.app",
        "127.0.0.1:15000 ::1 0.0.0.0 listener.0.0.0.0_8443.no_filter_chain_match 130.211.0.7:9 Chrome/120.0.0.0",
        "one.apigee-tls.invalid envoy.filters.http.router",
        "a: b, c:d e=f",
        "prometheus.io/scrape github.com/x golang.org/x/net 255.255.255.0 169.254.169.254 context.deadlineExceeded x509.Certificate kubelet.service",
        "envoy.filters.network.http_connection_manager envoy.resource_monitors.global_downstream_max_connections",
        "listener.0.0.0.0_8443.ssl.handshake 5.15.0-1044.gke config.ini jvm.options fe80::1 ff02::1 a::b cafe::babe",
        "ghcr.io/x cilium.io/v2 involvedObject.name resources.requests.cpu kubernetes.io/config.hash",
        "v1.2.3.4.5 1:2:3:4:5:6:7:8:9 envoy.extensions.tls.v3 a.b.sha256 2025-05-19-04 1-2-3-4",
    ] {
        assert_eq!(both(text), text);
    }
}

#[test]
fn finds_names_in_every_position() {
    let redactor = redactor(Pseudonyms::Both);
    for (text, name) in [
        ("status.acme.com", "status.acme.com"),
        ("data.acme.com", "data.acme.com"),
        ("host:api.acme.com:443 then:b.acme.com", "b.acme.com"),
        ("a.acme.com:b.acme.com", "b.acme.com"),
        ("api.acme.com:10.1.2.3", "10.1.2.3"),
        ("api.acme.com/10.1.2.3", "10.1.2.3"),
        ("fileserver.corp.local", "fileserver.corp.local"),
        ("api.acme.rs", "api.acme.rs"),
        ("certs/api.acme.com.crt.bak", "api.acme.com"),
        ("%2Fapi.acme.com%2F", "api.acme.com"),
        ("\\u003dapi.acme.com\\u0026", "api.acme.com"),
        ("line\\napi.acme.com", "api.acme.com"),
        ("müller.acme.com", "müller.acme.com"),
        ("“api.acme.com”", "api.acme.com"),
        ("myorg-test.apigee.net", "myorg-test.apigee.net"),
        ("listener.10.1.2.3_8443.ssl", "10.1.2.3"),
        ("\"10.1.2.3,10.1.2.4\"", "10.1.2.4"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("cidr 10.1.2.0/24", "10.1.2.0"),
        ("GET /geo/10.1.2.3", "10.1.2.3"),
        ("node/10.1.2.3", "10.1.2.3"),
        ("kubernetes://api.acme.com-cacert", "api.acme.com"),
        ("certs/api.acme.com_key.pem", "api.acme.com"),
        ("api.acme.de_8443", "api.acme.de"),
        ("acme.dev-000-33620d0", "acme.dev"),
        ("https://secretcorp.sh/x", "secretcorp.sh"),
        ("host: secretcorp.rs:443", "secretcorp.rs"),
        ("status.acme.bank", "status.acme.bank"),
        ("api.acme.k8s", "api.acme.k8s"),
        ("db.acme.dc1", "db.acme.dc1"),
        ("to%3Dapi%2Eacme%252Ecom%2Fx", "api.acme.com"),
        ("\\x22api\\u002eacme\\u002ecom\\x22", "api.acme.com"),
        ("a=10%2E1%2E2%2E3", "10.1.2.3"),
        ("2001%3A470%3A%3A1", "2001:470::1"),
        ("\\x2210.1.2.3\\x22", "10.1.2.3"),
        ("\u{1b}[1m10.1.2.3\u{1b}[0m", "10.1.2.3"),
        ("Host:2001:470::1", "2001:470::1"),
        ("2a00:1450:4001:82a:0:0:0:200e:443", "2a00:1450:4001:82a::200e"),
        ("http2.10.1.2.3_8443", "10.1.2.3"),
        ("010.001.002.003", "10.1.2.3"),
        ("Normal Ready Node/10.1.2.3 ok", "10.1.2.3"),
        ("cluster.outbound|443||api.acme.com.upstream_cx_total: 1", "api.acme.com"),
        ("\"regex\":\"api\\\\.acme\\\\.com\"", "api.acme.com"),
        ("status.acme.services", "status.acme.services"),
    ] {
        let output = renamed(&redactor, text);
        assert!(!output.contains(name) && output.contains(&renamed(&redactor, name)), "{text}: {output}");
    }
    // Without a URL, it is a library.
    assert!(!renamed(&redactor, "https://libacme.sh/x").contains("libacme"));
}

#[test]
fn replaces_addresses_in_machine_names() {
    let redactor = redactor(Pseudonyms::Addresses);
    let other = renamed(&redactor, "10.1.2.3").replace('.', "-");
    for text in ["node ip-10-1-2-3 is ready", "10-1-2-3.apigee.pod.cluster.local", "ip-10-1-2-3.ec2.internal:9"] {
        assert_eq!(renamed(&redactor, text), text.replace("10-1-2-3", &other));
    }
}

#[test]
fn replaces_only_the_requested_kind() {
    let text = "api.acme.com 10.0.0.1 192.168.1.9";
    let words = both(text);
    let words: Vec<&str> = words.split(' ').collect();
    for (kinds, expected) in [
        (Pseudonyms::None, text.to_owned()),
        (Pseudonyms::Hosts, format!("{} 10.0.0.1 192.168.1.9", words[0])),
        (Pseudonyms::Addresses, format!("api.acme.com {} {}", words[1], words[2])),
        (Pseudonyms::Both, words.join(" ")),
    ] {
        let redactor = redactor(kinds);
        assert_eq!(renamed(&redactor, text), expected);
        assert_eq!(redactor.engine.table.host_or_address("192.0.2.1").is_some(), kinds.addresses());
        assert_eq!(redactor.engine.table.host_or_address("acme.com").is_some(), kinds.hosts());
        // Only pseudonyms that were given out are listed.
        let listed = redactor.names().originals;
        assert_eq!(listed.values().any(|original| original == "192.0.2.1"), kinds.addresses());
    }
}

#[test]
fn redacts_certificates_together_with_names() {
    for kinds in [Pseudonyms::Hosts, Pseudonyms::Addresses] {
        let redactor = redactor(kinds);
        let certificate = certificate_pem();
        let header = format!("Cert=\"{}\";x", certificate.replace('\n', "%0A").replace(' ', "%20").replace('+', "%2B"));
        let output = renamed(
            &redactor,
            &format!("a\n{certificate}b\ncaBundle: {}\n{header}\n", encoded(certificate.as_bytes())),
        );
        assert!(
            output.starts_with("a\n<redacted>\n")
                && output.contains("\nb\n")
                && output.ends_with("caBundle: <redacted>\nCert=\"<redacted>%0A<redacted>%0A\";x\n"),
            "{output}"
        );
        let mut secret = json!({ "kind": "Secret", "data": { "tls.crt": encoded(certificate.as_bytes()) } });
        redactor.object(&mut secret, &mut Redactions::default()).unwrap();
        assert!(secret["data"]["tls.crt"].as_str().unwrap().starts_with("<redacted: "));
    }
}

#[test]
fn replaces_contexts_that_hold_more_than_a_word() {
    let redactor = redactor(Pseudonyms::Addresses);
    assert_eq!(redactor.context("gke_project_west_prod"), "gke_project_west_prod");
    let other = redactor.context("default/api-ocp4-acme-com:6443/admin");
    assert!(other.starts_with("context-") && other.len() == 14, "{other}");
    assert_eq!(redactor.names().originals[&other], "default/api-ocp4-acme-com:6443/admin");
}

/// The name of a listener may hold an address; the text behind it is Envoy's, and checks search for it.
#[test]
fn keeps_names_of_counters() {
    let values = ["listener.10.1.2.3_8443.ssl.handshake", "listener.0.0.0.0_8443.ssl.handshake"];
    let values = values.map(|name| (name.to_owned(), 7)).into();
    let none = || Unavailable::new("", Reason::Interrupted);
    let mut evidence = nothing();
    evidence.gateways = Seen::Seen(vec![Gateway {
        pod: "gw".into(),
        listeners: Seen::Unavailable(none()),
        certificates: Seen::Unavailable(none()),
        before: Seen::Seen(Counters { at: evidence.collected_at, values }),
        after: Seen::Unavailable(none()),
    }]);
    let redactor = redactor(Pseudonyms::Both);
    redactor.evidence(&mut evidence, &mut Redactions::default());
    let Seen::Seen(gateways) = &evidence.gateways else { panic!("there are gateways") };
    let Seen::Seen(counters) = &gateways[0].before else { panic!("there are counters") };
    let names: Vec<&String> = counters.values.keys().collect();
    let address = renamed(&redactor, "10.1.2.3");
    assert_eq!(names, ["listener.0.0.0.0_8443.ssl.handshake", &format!("listener.{address}_8443.ssl.handshake")]);
}

fn nothing() -> Evidence {
    let question = HybridQuestion {
        namespace: "apigee".into(),
        selector: "app=x".into(),
        offline: true,
        ..HybridQuestion::default()
    };
    let at = "2026-11-24T20:19:22Z".parse().unwrap();
    Evidence::not_gathered(question, at, "a test")
}

#[test]
fn keeps_pseudonyms_in_derived_text() {
    let redactor = redactor(Pseudonyms::Both);
    let text = both("api.acme.com 10.0.0.1 password: hunter2\n");
    let derived = redactor.derived(&text, &mut Redactions::default());
    assert_eq!(derived, text.replace("hunter2", "<redacted>"));
}

#[test]
fn hides_names_beyond_the_limits() {
    let redactor = redactor(Pseudonyms::Both);
    let address = |number: u32| std::net::Ipv4Addr::from(0x0A00_0000 + number);
    let text: String = (0..140_000).map(|number| format!("h{number}.acme.com {}\n", address(number))).collect();
    let output = renamed(&redactor, &text);
    assert!(!output.contains(".acme.com"));
    assert!(output.ends_with(" 198.19.255.255\n"), "{}", output.lines().last().unwrap());
    let names = redactor.names();
    assert!(names.incomplete && names.originals.len() < 300_000);
    // Evidence comes last, and has room of its own.
    assert_ne!(redactor.engine.table.host_or_address("192.0.2.1").unwrap().1, "198.19.255.255");
}

#[test]
fn replaces_domains_split_into_domain_components() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/no-wildcard-route.tar.gz");
    let evidence = crate::bundle::source::read(example.to_str().unwrap()).unwrap();
    let json = serde_json::to_string(&evidence).unwrap();
    for domain in ["DC=secretcorp, DC=com", "DC=com, DC=secretcorp", "DC=com, DC=secretcorp, DC=ad"] {
        let issued = json.replace("\"issuer\":\"", &format!("\"issuer\":\"{domain}, "));
        assert!(issued.contains(domain));
        let mut evidence = serde_json::from_str(&issued).unwrap();
        redactor(Pseudonyms::Hosts).evidence(&mut evidence, &mut Redactions::default());
        let output = serde_json::to_string(&evidence).unwrap();
        assert!(output.contains("DC=example") && !output.contains("secretcorp"), "{domain}");
    }
}
