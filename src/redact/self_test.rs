//! The self test: plants a secret of every kind, a hostname and an address in every kind of content, and
//! redacts them with the code that bundles use.
//!
//! Run by `collect --self-test` and by the tests. The secrets are made up and open nothing.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Names, Pseudonyms, Redactions, Redactor};
use crate::evidence::hybrid::ApigeeIssue;
use crate::evidence::{Evidence, HybridQuestion, Seen};
use crate::text;
use crate::wire::capture::RecordKind;

/// The content in which a sentinel is planted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Container {
    Text,
    /// A log, fed in pieces of a few bytes.
    Stream,
    /// A log file in which the container runtime split each line into two pieces.
    RuntimeFile,
    /// A text reported by the cluster, in evidence.
    Evidence,
    Secret,
    SecretList,
    ConfigMap,
    Pod,
    CustomResource,
    Overrides,
    /// An overrides file that is not valid YAML.
    BrokenOverrides,
}

/// A content with a planted secret.
#[derive(Clone, Debug)]
pub struct Sentinel {
    pub kind: &'static str,
    pub container: Container,
    pub content: String,
    /// The text that must be redacted.
    pub secret: String,
    /// The text that must be kept; otherwise losing everything would pass.
    pub kept: &'static str,
}

/// The result for one sentinel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SelfTestResult {
    pub kind: &'static str,
    pub container: Container,
    pub passed: bool,
    /// What went wrong; empty if it passed.
    pub why: &'static str,
}

const WORD: &str = "sentinel-7f3a9c51";
/// 40 letters and digits.
const TOKEN: &str = "s3nt1nelS3NT1NELs3nt1nelS3NT1NELs3nt1nel";
const RANDOM: &str = "k7Qm2Zx9Lw4Rt8Vb1N";
/// A line that begins like PKCS#8 and is not a key.
const KEY_LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCsentinel7f3a9";
const KEPT: &str = "stays-readable";

/// Returns secrets that are recognised by shape, with the part of each that must be redacted.
fn shapes() -> Vec<(&'static str, String, String)> {
    let key = format!("-----BEGIN PRIVATE KEY-----\n{KEY_LINE}\n{TOKEN}\n-----END PRIVATE KEY-----");
    let legacy = key.replace("PRIVATE KEY", "EC PRIVATE KEY");
    let unfinished = key.lines().take(3).collect::<Vec<_>>().join("\n");
    // Base64 of `-----BEGIN PRIVATE KEY-----` and of a line that is the same in any key.
    let encoded = format!("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJna3Foa2lHOXcw{TOKEN}");
    let token = format!("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZW50aW5lbCJ9.{TOKEN}");
    let word = |text: &str| (text.replace("WORD", WORD), WORD.to_owned());
    let mut shapes = vec![
        ("private key as PEM", key.clone(), TOKEN.to_owned()),
        ("private key as PEM with escaped line ends", key.replace('\n', "\\n"), TOKEN.to_owned()),
        ("private key of a curve as PEM", legacy, TOKEN.to_owned()),
        ("private key in base64", encoded, TOKEN.to_owned()),
        ("private key as DER in base64", KEY_LINE.to_owned(), KEY_LINE.to_owned()),
        ("JSON web token", token, TOKEN.to_owned()),
        ("Google API key", format!("AIza{}", &TOKEN[..35]), TOKEN[..35].to_owned()),
        ("Google access token", format!("ya29.{TOKEN}"), TOKEN.to_owned()),
        ("Google refresh token", format!("1//0{TOKEN}"), TOKEN.to_owned()),
        ("AWS access key", "AKIASENTINEL23456789".to_owned(), "SENTINEL23456789".to_owned()),
        ("GitHub token", format!("ghp_{TOKEN}"), TOKEN.to_owned()),
        ("token that looks random", format!("exchanged {RANDOM} for it"), RANDOM.to_owned()),
    ];
    for (kind, text) in [
        ("authorization header", "Authorization: Digest username=bob, response=WORD"),
        ("proxy authorization header", "Proxy-Authorization: Basic WORD"),
        ("bearer token", "sent Bearer WORD to the server"),
        ("cookie", "Cookie: a=b; session=WORD"),
        ("cookie that is set", "set-cookie: session=WORD; Path=/"),
        ("user and password of a URL", "https://bob:WORD@proxy.example.com:3128/"),
        ("API key in a request path", "GET /v1/items?apikey=WORD&page=2 HTTP/1.1"),
        ("key in a request path", "GET /v1/items?page=2&key=WORD HTTP/1.1"),
        ("signature in a request path", "GET /v1/items?sig=WORD HTTP/1.1"),
        ("password in JSON", "{\"user\":\"bob\",\"password\":\"WORD\"}"),
        ("password in JSON in JSON", "{\"log\":\"{\\\"password\\\":\\\"WORD\\\"}\"}"),
        ("password in YAML", "password: WORD and more"),
        ("password in a block of YAML", "password: |\n  first\n  WORD"),
        ("client secret", "client_secret=WORD"),
        ("encryption key", "kmsEncryptionKey: WORD"),
        ("value of a variable", "- name: DB_TOKEN\n  value: WORD"),
        ("password with escaped quotes", "{\\x22password\\x22:\\x22WORD\\x22}"),
        ("password in a URL in a URL", "?next=%2Fx%3Fpassword%3DWORD"),
        ("password in HTML", "&lt;password&gt;WORD&lt;/password&gt;"),
        ("name and value in a list", "[\"authorization\",\"WORD\"]"),
        ("secret part of a JSON web key", "{\"kty\":\"oct\",\"k\":\"WORD\"}"),
        ("user and password of a call", "curl -u bob:WORD https://example.com"),
    ] {
        let (text, secret) = word(text);
        shapes.push((kind, text, secret));
    }
    // An unfinished key takes the following lines with it, so it comes last.
    shapes.push(("private key without an end", unfinished, TOKEN.to_owned()));
    shapes
}

/// Returns every sentinel with a secret.
#[must_use]
pub fn sentinels() -> Vec<Sentinel> {
    let mut all = Vec::new();
    let mut add = |kind, container, content: String, secret: &str| {
        all.push(Sentinel { kind, container, content, secret: secret.to_owned(), kept: KEPT });
    };
    for (kind, text, secret) in shapes() {
        for container in [Container::Text, Container::Stream, Container::RuntimeFile, Container::Evidence] {
            add(kind, container, format!("{KEPT}\n{text}\n"), &secret);
        }
        let text = format!("{KEPT}\n{text}\n");
        add(kind, Container::ConfigMap, json!({ "kind": "ConfigMap", "data": { "file": text } }).to_string(), &secret);
        let spec = json!({ "kind": "ApigeeDatastore", "spec": { "notes": [text] } });
        add(kind, Container::CustomResource, spec.to_string(), &secret);
        let pod = json!({ "kind": "Pod", "spec": { "containers": [{ "args": [text] }] } });
        add(kind, Container::Pod, pod.to_string(), &secret);
        let block: String = text.lines().map(|line| format!("    {line}\n")).collect();
        add(kind, Container::Overrides, format!("runtime:\n  cwcAppend: |\n{block}"), &secret);
    }
    typed(&mut add);
    all
}

/// Adds secrets that are recognised only by their position.
fn typed(add: &mut impl FnMut(&'static str, Container, String, &str)) {
    let secret = json!({
        "kind": "Secret",
        "metadata": { "name": KEPT, "annotations": { "kubectl.kubernetes.io/last-applied-configuration": WORD } },
        "data": { "tls.crt": "c2VudGluZWwtN2YzYTljNTE=" },
        "stringData": { "harmless": WORD },
    });
    let bare = |object: &Value| {
        let mut bare = object.clone();
        bare.as_object_mut().map(|map| map.remove("kind"));
        bare
    };
    let list = json!({ "kind": "SecretList", "items": [bare(&secret)] }).to_string();
    let encoded = "c2VudGluZWwtN2YzYTljNTE";
    add("plain data of a Secret", Container::Secret, secret.to_string(), WORD);
    add("encoded data of a Secret", Container::Secret, secret.to_string(), encoded);
    add("plain data of a Secret in a list", Container::SecretList, list.clone(), WORD);
    add("encoded data of a Secret in a list", Container::SecretList, list, encoded);
    for kind in ["Pod", "ConfigMap", "ApigeeRoute"] {
        let container = if kind == "Pod" { Container::Pod } else { Container::CustomResource };
        let annotated = json!({ "kind": kind, "metadata": {
            "name": KEPT, "annotations": { "kubectl.kubernetes.io/last-applied-configuration": WORD },
        } });
        add("last applied configuration", container, annotated.to_string(), WORD);
        let managed = json!({ "kind": kind, "metadata": { "name": KEPT, "managedFields": [WORD] } });
        add("managed fields", container, managed.to_string(), WORD);
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let pod = |container: Value| {
            json!({ "kind": "Pod", "metadata": { "name": KEPT }, "spec": { list: [container] } }).to_string()
        };
        let variable = json!({ "env": [{ "name": "APIGEE_AUTH", "value": WORD }] });
        add("variable of a container", Container::Pod, pod(variable), WORD);
        add("argument of a container", Container::Pod, pod(json!({ "args": ["--password", WORD] })), WORD);
    }
    for field in ["username", "password"] {
        let resource = json!({ "kind": "ApigeeOrganization", "metadata": { "name": KEPT }, "spec": { "httpForwardProxy": { field: WORD } } });
        add("proxy of a custom resource", Container::CustomResource, resource.to_string(), WORD);
    }
    for (kind, text) in [
        ("password of Cassandra", "cassandra: {auth: {admin: {password: WORD}}}"),
        ("user of Cassandra's JMX", "cassandra: {auth: {jmx: {username: WORD}}}"),
        ("password of Redis", "redis:\n  auth:\n    password: \"WORD\""),
        ("user of the proxy", "envs:\n- httpProxy:\n    username: WORD"),
        ("encryption key of an organisation", "defaults:\n  org:\n    kvmEncryptionKey: >-\n      WORD"),
        ("salt", "axHashSalt: 'WORD'"),
        ("variable of a component", "runtime:\n  envVars:\n    HARMLESS: WORD"),
        ("value behind an alias", "x: &x WORD\nredis: {auth: {password: *x}}"),
        ("comment", "# the old one was WORD"),
        ("URL of a proxy", "logger:\n  proxyURL: http://WORD@proxy"),
    ] {
        let text = text.replace("WORD", WORD);
        add(kind, Container::Overrides, format!("org: {KEPT}\n{text}\n"), WORD);
        add(kind, Container::BrokenOverrides, format!("org: {KEPT}\n\tbroken\n{text}\n"), WORD);
    }
}

/// Returns sentinels with hostnames and addresses, which `--redact` replaces.
#[must_use]
pub fn named_sentinels() -> Vec<Sentinel> {
    let mut all = Vec::new();
    for (kind, text, name) in [
        ("hostname", "served NAME today", "sentinel.acme.com"),
        ("hostname below a wildcard", "hostnames: ['*.NAME']", "sentinel-below.acme.com"),
        ("hostname in a URL", "see https://NAME:8443/path?x=1", "sentinel.url.acme.de"),
        ("hostname in a parameter", "?to=https%3A%2F%2FNAME%2Fx", "sentinel.parameter.acme.com"),
        ("hostname in punycode", "{\"sni_host\":\"NAME\"}", "sentinel.xn--mller-kva.xn--p1ai"),
        ("hostname of a file", "read ./certs/NAME.crt", "sentinel.file.acme.com"),
        ("address", "from NAME:20111", "203.0.113.77"),
        ("address behind others", "\"x-forwarded-for\":\"127.0.0.1,NAME\"", "203.0.113.78"),
        ("address of version 6", "from [NAME]:20111", "2001:470:0:64::2"),
        ("address in a name", "listener.NAME_8443.downstream_cx_total: 1", "203.0.113.79"),
    ] {
        let text = format!("{KEPT}\n{}\n", text.replace("NAME", name));
        let object = |kind: &str| json!({ "kind": kind, "data": { "file": text } }).to_string();
        for (container, content) in [
            (Container::Text, text.clone()),
            (Container::Stream, text.clone()),
            (Container::ConfigMap, object("ConfigMap")),
            (Container::CustomResource, object("ApigeeDatastore")),
            (Container::Overrides, format!("org: {KEPT}\nnote: {}\n", Value::from(text.as_str()))),
        ] {
            all.push(Sentinel { kind, container, content, secret: name.to_owned(), kept: KEPT });
        }
    }
    all
}

/// Redacts every sentinel with the code that bundles use.
#[must_use]
pub fn self_test() -> Vec<SelfTestResult> {
    let (secrets_only, pseudonymizing) =
        (Redactor::secrets_only(), Redactor::new(Pseudonyms::Both, Names::new([0; 32])));
    let secrets = sentinels();
    let results = secrets.iter().map(|sentinel| judge(&secrets_only, sentinel));
    let hidden =
        secrets.iter().chain(&named_sentinels()).map(|sentinel| judge(&pseudonymizing, sentinel)).collect::<Vec<_>>();
    results.chain(hidden).collect()
}

pub(super) fn judge(redactor: &Redactor, sentinel: &Sentinel) -> SelfTestResult {
    let why = match redact(redactor, sentinel) {
        None => "the content was withheld",
        Some((output, _)) if output.contains(&sentinel.secret) => "the secret was not redacted",
        Some((output, _)) if !output.contains(sentinel.kept) => "harmless text was redacted too",
        Some((_, redactions)) if redactions.is_empty() => "the redaction was not counted",
        Some(_) => "",
    };
    SelfTestResult { kind: sentinel.kind, container: sentinel.container, passed: why.is_empty(), why }
}

fn redact(redactor: &Redactor, sentinel: &Sentinel) -> Option<(String, Redactions)> {
    let mut redactions = Redactions::default();
    let output = match sentinel.container {
        Container::Text => redactor.text(&sentinel.content, &mut redactions),
        Container::Stream => {
            let mut stream = redactor.stream();
            let mut out = Vec::new();
            for piece in sentinel.content.as_bytes().chunks(5) {
                stream.feed(piece, &mut out);
            }
            redactions = stream.finish(&mut out);
            super::string(out)
        }
        Container::RuntimeFile => {
            let mut stream = redactor.stream();
            let mut out = Vec::new();
            stream.feed(in_pieces(&sentinel.content).as_bytes(), &mut out);
            redactions = stream.finish(&mut out);
            joined(&super::string(out))
        }
        Container::Evidence => {
            let mut evidence = Evidence::not_gathered(HybridQuestion::default(), Timestamp::UNIX_EPOCH, "not asked");
            evidence.issues = Seen::Seen(vec![ApigeeIssue {
                name: "issue".into(),
                severity: None,
                reason: None,
                details: Some(sentinel.content.clone()),
                documentation: None,
            }]);
            let clean = redactor.clean(&evidence, &mut redactions).ok()?;
            super::string(text::json(&clean).ok()?)
        }
        Container::Overrides | Container::BrokenOverrides => {
            redactor.overrides(&sentinel.content, &mut redactions).ok()?
        }
        Container::Secret
        | Container::SecretList
        | Container::ConfigMap
        | Container::Pod
        | Container::CustomResource => {
            let mut object: Value = serde_json::from_str(&sentinel.content).ok()?;
            redactor.object(&mut object, &mut redactions).ok()?;
            object.to_string()
        }
    };
    Some((output, redactions))
}

/// Returns each line as two pieces of a container log, cut in its middle.
fn in_pieces(text: &str) -> String {
    let line = |line: &str| {
        let middle = (0..=line.len() / 2).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
        let (first, last) = line.split_at(middle);
        format!("2026-01-01T00:00:00.1Z stdout P {first}\n2026-01-01T00:00:00.2Z stdout F {last}\n")
    };
    text.lines().map(line).collect()
}

/// Joins the pieces to lines of the log again.
fn joined(file: &str) -> String {
    let mut text = String::new();
    for line in file.lines() {
        let mut parts = line.splitn(4, ' ').skip(2);
        let is_last = parts.next() == Some("F");
        text += parts.next().unwrap_or_default();
        if is_last {
            text.push('\n');
        }
    }
    text
}

/// Entry point of the fuzzer: redacts any bytes as a log, a text, an object and a file, and checks the
/// invariants of each.
///
/// # Panics
/// An invariant is violated.
pub fn fuzz_redact(bytes: &[u8]) {
    // Building a redactor costs more than most inputs.
    static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::secrets_only);
    static PSEUDONYMIZING: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(Pseudonyms::Both, Names::new([7; 32])));
    let redactor = &*REDACTOR;
    let streamed = |size: usize| {
        let mut stream = redactor.stream();
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            stream.feed(piece, &mut out);
        }
        let redactions = stream.finish(&mut out);
        (out, redactions)
    };
    let whole = streamed(bytes.len().max(1));
    assert_eq!(streamed(7), whole, "pieces give something else than the whole");
    let lines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
    assert_eq!(lines(&whole.0), lines(bytes), "lines were lost");

    let mut packet = bytes.to_vec();
    redactor.record(RecordKind::Packet, 0..bytes.len(), &mut packet, &mut Redactions::default());
    assert_eq!(packet.len(), bytes.len(), "a packet has another length");

    let text = String::from_utf8_lossy(bytes);
    let mut redactions = Redactions::default();
    let once = redactor.text(&text, &mut redactions);
    assert_eq!(lines(once.as_bytes()), lines(text.as_bytes()), "lines were lost");
    assert!(once == text || !redactions.is_empty(), "what was replaced was not counted");
    let named = PSEUDONYMIZING.text(&text, &mut Redactions::default());
    assert_eq!(lines(named.as_bytes()), lines(text.as_bytes()), "lines were lost with names");
    // Whatever surrounds it, a secret that starts its own line behind an empty one is found.
    let planted = format!("{text}\n-----END X-----\n\nx\npassword: {WORD}\n");
    assert!(!redactor.text(&planted, &mut redactions).contains(&format!("password: {WORD}")), "a password came out");
    if let Ok(file) = redactor.overrides(&text, &mut redactions) {
        assert_eq!(lines(file.as_bytes()), lines(text.as_bytes()), "lines were lost");
    }
    if let Ok(mut object) = serde_json::from_slice::<Value>(bytes)
        && redactor.object(&mut object, &mut redactions).is_err()
    {
        assert_eq!(object, Value::Null, "something is left of what was withheld");
    }
}
