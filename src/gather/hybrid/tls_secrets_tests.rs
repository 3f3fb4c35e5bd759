//! Tests Secrets of both layouts, complete and incomplete, from an API server on the loopback interface. No
//! output contains a key.

use std::time::Duration;

use openssl::base64::encode_block;
use serde_json::{Value, json};

use super::*;
use crate::evidence::Seen;
use crate::evidence::hybrid::{Port, Route, Tls};
use crate::evidence::stored::KeyFit;
use crate::gather::test_certificates::Issuer;
use crate::gather::test_server::{Answer, TestServer};
use crate::run::stop::Stop;

/// Certificates and key as PEM.
struct Pair {
    list: String,
    key: String,
}

fn pair() -> Pair {
    let root = Issuer::root("root");
    let (leaf, key) = root.leaf("api.example.com", 20_000, 20_090);
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    Pair {
        list: text(leaf.to_pem().unwrap()) + &text(root.certificate.to_pem().unwrap()),
        key: text(key.private_key_to_pem_pkcs8().unwrap()),
    }
}

fn secret(entries: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        entries.iter().map(|(name, text)| ((*name).to_owned(), json!(encode_block(text.as_bytes())))).collect();
    json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "grp", "annotations": {"a": "\"\\\u{1}"}}, "data": data})
}

fn routes(ports: &[(&str, &str, &str)]) -> Routes {
    let port = |(protocol, mode, name): &(&str, &str, &str)| Port {
        number: Some(443),
        protocol: Some((*protocol).into()),
        tls: Some(Tls { mode: Some((*mode).into()), credential_name: Some((*name).into()), ..Tls::default() }),
    };
    let items = ports.iter().map(|one| Route { ports: vec![port(one)], ..Route::default() }).collect();
    Routes { items, ..Routes::default() }
}

/// Returns the result for each Secret that the routes name, and the requested paths.
async fn found(
    ports: &[(&str, &str, &str)],
    secrets: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
) -> (Vec<StoredCertificate>, Vec<String>) {
    let server = TestServer::start(move |asked| {
        assert!(!asked.headers.iter().any(|header| header.starts_with("accept-encoding")));
        let name = asked.path.strip_prefix("/api/v1/namespaces/apigee/secrets/").unwrap();
        secrets(name).unwrap_or(Answer::Status(404, "", "secrets \"x\" not found"))
    });
    let api = server.api(Stop::never(), Duration::from_secs(5));
    let found = stored_certificates(&api, "apigee", &routes(ports)).await;
    let paths = server.paths().iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
    (found, paths)
}

fn only(secret: &Value) -> Result<StoredContent, String> {
    reduce(secret.to_string().as_bytes(), "grp")
}

#[tokio::test]
async fn no_output_contains_a_private_key() {
    let pair = pair();
    let (list, key) = (pair.list.clone(), pair.key.clone());
    let (found, _) = found(&[("HTTPS", "SIMPLE", "grp")], move |_| {
        Some(Answer::Json(secret(&[("cert", &list), ("key", &key), ("note", "x")])))
    })
    .await;
    let content = found[0].content.seen().unwrap();
    assert_eq!((content.keys.join(" "), &content.key), ("cert key note".into(), &KeyFit::Fits));
    assert_eq!(content.certificate_entry.as_deref(), Some("cert"));
    assert_eq!(content.certificates[0].dns_names, ["api.example.com"]);
    assert_eq!((content.certificates.len(), content.certificates[0].signer), (2, Some(1)));
    assert_ne!(content.trusted_here, Some(true));
    let output = format!("{found:?} {}", serde_json::to_string(&found).unwrap());
    for line in pair.key.lines().filter(|line| !line.starts_with("--")) {
        assert!(!output.contains(line) && !output.contains(&encode_block(line.as_bytes())));
    }
    assert!(!output.contains("PRIVATE"));
}

#[test]
fn the_pair_is_the_one_that_istio_takes() {
    let (one, other) = (pair(), pair());
    let fit = |entries: &[(&str, &str)]| {
        let content = only(&secret(entries)).unwrap();
        (content.certificate_entry.unwrap_or_default(), content.key)
    };
    let both = [("cert", one.list.as_str()), ("key", &one.key), ("tls.crt", &other.list), ("tls.key", &other.key)];
    assert_eq!(fit(&both), ("cert".into(), KeyFit::Fits));
    assert_eq!(fit(&both[1..]), ("tls.crt".into(), KeyFit::Fits));
    assert_eq!(fit(&[("cert", &one.list), ("key", &other.key)]), ("cert".into(), KeyFit::Differs));
    assert_eq!(fit(&[("cert", ""), both[1], both[2], both[3]]), ("tls.crt".into(), KeyFit::Fits));
    assert_eq!(fit(&[("cert", &one.list), ("tls.key", &one.key)]), ("cert".into(), KeyFit::Absent));
    assert_eq!(fit(&[("cert", ""), ("key", &one.key)]), (String::new(), KeyFit::NotCompared));
    assert_eq!(fit(&[("cert", &one.list), ("key", "")]), ("cert".into(), KeyFit::Absent));
    assert_eq!(fit(&[("key", &one.key)]), (String::new(), KeyFit::NotCompared));
    assert_eq!(fit(&[("cert", &one.list), ("key", "text")]).1, KeyFit::Unreadable("no PEM".into()));
    assert_eq!(fit(&[]), (String::new(), KeyFit::Absent));
    assert_eq!(only(&json!({"kind": "Secret", "data": null})), Ok(StoredContent::default()));
}

#[test]
fn a_malformed_response_is_not_quoted() {
    let sentinel = "c2VzYW1l";
    for odd in [
        json!({"kind": "Secret", "data": sentinel}),
        json!({"kind": "Secret", "data": {"key": [sentinel]}}),
        json!({"kind": "Status", "data": {"key": sentinel}}),
        json!({"kind": "Secret", "data": {"cert": "", "key": format!("{sentinel}!")}}),
        json!(sentinel),
    ] {
        let error = only(&odd).unwrap_err();
        assert!(!error.contains(sentinel), "{error}");
    }
    assert!(reduce(b"{\"kind\": \"Secret\"", "grp").is_err());
}

#[tokio::test]
async fn client_cas_are_in_the_cacert_secret_or_in_the_secret() {
    let pair = pair();
    let list = pair.list.clone();
    let ports = [
        ("HTTPS", "MUTUAL", "both"),
        ("HTTPS", "SIMPLE", "both"),
        ("HTTPS", "MUTUAL", "inside"),
        ("HTTPS", "SIMPLE", "plain"),
        ("HTTPS", "MUTUAL", "odd"),
        ("HTTPS", "MUTUAL", "closed"),
    ];
    let (found, paths) = found(&ports, move |name| match name {
        "both-cacert" => Some(Answer::Json(secret(&[("cacert", &list)]))),
        "inside-cacert" => None,
        "odd-cacert" => Some(Answer::Json(secret(&[("other", "x")]))),
        "closed-cacert" => Some(Answer::Status(403, "", "no")),
        _ => Some(Answer::Json(secret(&[("tls.crt", &list), ("ca.crt", "text")]))),
    })
    .await;
    assert_eq!(
        paths,
        ["both", "both-cacert", "closed", "closed-cacert", "inside", "inside-cacert", "odd", "odd-cacert", "plain"]
    );
    let authorities = |position: usize| {
        let content = found[position].content.seen().unwrap();
        match content.client_cas.as_ref().unwrap() {
            Seen::Seen(found) => {
                let entry = found.entry.as_deref().unwrap_or("nothing");
                let fault = found.fault.clone().unwrap_or_default();
                (format!("{entry} of {}", found.secret), found.certificates.len(), fault)
            }
            Seen::Unavailable(why) => (why.what.clone(), 0, why.reason.to_string()),
        }
    };
    let one = |entry: &str, number, fault: &str| (entry.to_owned(), number, fault.to_owned());
    let no_certificate = "there is no BEGIN CERTIFICATE line";
    assert_eq!(authorities(0), one("cacert of both-cacert", 2, ""));
    let forbidden = "forbidden: the rule \"get secrets\" in namespace apigee is missing";
    assert_eq!(authorities(1), one("Secret closed-cacert", 0, forbidden));
    assert_eq!(authorities(2), one("ca.crt of inside", 0, no_certificate));
    assert_eq!(authorities(3), one("nothing of odd-cacert", 0, ""));
    assert_eq!(authorities(4), one("ca.crt of plain", 0, no_certificate));
}

#[tokio::test]
async fn a_missing_secret_has_a_reason_and_does_not_affect_others() {
    let long = "x".repeat(MAX_NAME + 1);
    let ports = [
        ("HTTPS", "SIMPLE", "forbidden"),
        ("HTTPS", "SIMPLE", "gone"),
        ("HTTPS", "SIMPLE", "huge"),
        ("HTTPS", "SIMPLE", "well"),
        ("HTTPS", "SIMPLE", ".."),
        ("HTTPS", "SIMPLE", "a%2Fb"),
        ("HTTPS", "SIMPLE", &long),
        ("HTTPS", "SIMPLE", "other-namespace/grp"),
        ("HTTP", "SIMPLE", "unused"),
    ];
    let (found, paths) = found(&ports, |name| match name {
        "forbidden" => Some(Answer::Status(403, "", "no")),
        "huge" => Some(Answer::Raw([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b' '; 5 << 20]].concat())),
        "well" => Some(Answer::Json(secret(&[]))),
        _ => None,
    })
    .await;
    assert_eq!(paths, ["forbidden", "gone", "huge", "well"]);
    let reasons: Vec<String> = found
        .iter()
        .map(|stored| match &stored.content {
            Seen::Seen(_) => "seen".into(),
            Seen::Unavailable(why) => why.to_string(),
        })
        .collect();
    let no_name = "no Secret can have this name";
    assert_eq!(
        reasons,
        [
            format!("Secret ..: {no_name}"),
            format!("Secret a%2Fb: {no_name}"),
            "Secret forbidden: forbidden: the rule \"get secrets\" in namespace apigee is missing".into(),
            "Secret gone: secrets \"x\" not found".into(),
            "Secret huge: the answer is larger than 4 MiB".into(),
            "seen".into(),
            format!("Secret {long}: {no_name}"),
        ]
    );
}

#[tokio::test]
async fn the_number_of_secrets_is_limited() {
    let names: Vec<String> = (0..=MAX_SECRETS).map(|number| format!("s{number:03}")).collect();
    let ports: Vec<(&str, &str, &str)> = names.iter().map(|name| ("HTTPS", "SIMPLE", name.as_str())).collect();
    let (found, paths) = found(&ports, |_| Some(Answer::Json(secret(&[])))).await;
    assert_eq!((found.len(), paths.len()), (MAX_SECRETS + 1, MAX_SECRETS));
    let why = found[MAX_SECRETS].content.seen().unwrap_err();
    assert_eq!(why.to_string(), "Secret s064: not requested (no more than 64 Secrets are read)");
}
