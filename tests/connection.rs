//! From a kubeconfig to the first response, over real TLS: reaches what kubectl would reach, and reports why
//! if it cannot.

#![expect(clippy::disallowed_methods, reason = "the credentials made here end at a time from now")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apigee_tls::evidence::{AccessLog, Evidence, HybridQuestion, LogLimits, LogOrigin, Unavailable};
use apigee_tls::gather::error::ConnectFailure;
use apigee_tls::gather::hybrid::retained::{RetainedLog, RetainedObjects};
use apigee_tls::gather::{BundleSink, ConnectionOptions, Error, GatherOptions, LogSink, cluster};
use apigee_tls::plan::Item;
use apigee_tls::run::{Silent, Stop};
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};
use serde_json::Value;
use tempfile::TempDir;

struct NoLog;

impl LogSink for NoLog {
    fn feed(&mut self, _piece: &[u8]) {}

    fn finish(self, _cut: Option<&Unavailable>) -> AccessLog {
        AccessLog::default()
    }

    fn saw(&self, _server_name: &str) -> bool {
        false
    }
}

/// Counts what a bundle sink receives.
#[derive(Default)]
struct CountingSink(AtomicU32);

impl BundleSink for CountingSink {
    fn objects(&self, _item: &'static Item, _origin: &str) -> Box<dyn RetainedObjects> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::new(Dropped)
    }

    fn missing(&self, _item: &'static Item, _origin: &str, _why: Unavailable) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn overrides(&self, _number: usize, name: &str, _content: Result<&[u8], &Unavailable>) {
        panic!("no file was given, and so not {name}");
    }

    fn log(&self, origin: &LogOrigin, _is_previous: bool) -> Box<dyn RetainedLog> {
        panic!("no pod was listed, and so not {origin}");
    }
}

struct Dropped;

impl RetainedObjects for Dropped {
    fn page(&mut self, _objects: Vec<Value>) {}

    fn finish(self: Box<Self>, _cut: Option<Unavailable>) {}
}

struct Pair {
    certificate: X509,
    key: PKey<Private>,
}

/// Returns a certificate for `names` (IP addresses or DNS names) that expires `days` from now, signed by
/// `issuer` or by itself.
fn pair(names: &[&str], days: i64, issuer: Option<&Pair>) -> Pair {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", if issuer.is_some() { "leaf" } else { "authority" }).unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.map_or(&*name, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    let now = jiff::Timestamp::now().as_second();
    builder.set_not_before(&Asn1Time::from_unix(now - 30 * 86_400).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + days * 86_400).unwrap()).unwrap();
    if issuer.is_none() {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    if !names.is_empty() {
        let mut alternative = SubjectAlternativeName::new();
        for name in names {
            if name.parse::<std::net::IpAddr>().is_ok() {
                alternative.ip(name)
            } else {
                alternative.dns(name)
            };
        }
        let issuer = issuer.map(|issuer| &*issuer.certificate);
        let extension = alternative.build(&builder.x509v3_context(issuer, None)).unwrap();
        builder.append_extension(extension).unwrap();
    }
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Pair { certificate: builder.build(), key }
}

/// Starts a TLS server at `listen` that answers every request with a Status of this code; returns its port.
fn serve(listen: &str, leaf: &Pair, code: u16) -> u16 {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(&leaf.certificate).unwrap();
    acceptor.set_private_key(&leaf.key).unwrap();
    let acceptor = Arc::new(acceptor.build());
    let listener = TcpListener::bind((listen, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let acceptor = Arc::clone(&acceptor);
            std::thread::spawn(move || {
                let Ok(mut stream) = acceptor.accept(stream) else { return };
                let mut reader = BufReader::new(&mut stream);
                let mut lines = Vec::new();
                loop {
                    let mut line = String::new();
                    match reader.read_line(&mut line) {
                        Ok(read) if read > 0 && line != "\r\n" => lines.push(line),
                        _ => break,
                    }
                }
                let known = lines.iter().any(|line| line.trim().eq_ignore_ascii_case("authorization: Bearer good"));
                let code = if known { 403 } else { code };
                let body = format!("{{\"kind\":\"Status\",\"message\":\"says the server\",\"code\":{code}}}");
                let _ = write!(
                    stream,
                    "HTTP/1.1 {code} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.shutdown();
            });
        }
    });
    port
}

struct Home {
    folder: TempDir,
    authority: Pair,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: TempDir::new().unwrap(), authority: pair(&[], 30, None) };
        home.write("ca.pem", &home.authority.certificate.to_pem().unwrap());
        home
    }

    fn leaf(&self, names: &[&str], days: i64) -> Pair {
        pair(names, days, Some(&self.authority))
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    async fn ask(&self, cluster_entry: &str, user: &str) -> Result<Evidence, Error> {
        self.ask_with(cluster_entry, user, None).await
    }

    async fn ask_with(
        &self,
        cluster_entry: &str,
        user: &str,
        bundle: Option<&dyn BundleSink>,
    ) -> Result<Evidence, Error> {
        let text = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n\
             clusters: [{{name: x, cluster: {{{cluster_entry}}}}}]\nusers: [{{name: x, user: {{{user}}}}}]\n"
        );
        let options = GatherOptions {
            connection: ConnectionOptions {
                kubeconfig: Some(self.write("config", text.as_bytes())),
                request_timeout: Some(Duration::from_secs(20)),
                ..ConnectionOptions::default()
            },
            namespace: "apigee".into(),
            selector: "app=apigee-ingressgateway".into(),
            container: None,
            log_limits: LogLimits::default(),
            probe: None,
            followed: None,
        };
        let mut evidence = Evidence::not_gathered(HybridQuestion::default(), Timestamp::UNIX_EPOCH, "a test");
        cluster(&options, &mut evidence, Stop::never(), Arc::new(Silent), &|_| NoLog, bundle).await?;
        Ok(evidence)
    }
}

fn failure(result: Result<Evidence, Error>) -> ConnectFailure {
    match result {
        Err(Error::Unreachable { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

fn untrusted(reason: &str) -> ConnectFailure {
    ConnectFailure::UntrustedCertificate(reason.into())
}

#[tokio::test]
async fn the_server_is_verified_as_the_kubeconfig_says() {
    let home = Home::new();
    let good = serve("127.0.0.1", &home.leaf(&["127.0.0.1", "api.test"], 30), 403);
    let of_good = format!("server: 'https://127.0.0.1:{good}'");
    assert!(home.ask(&format!("{of_good}, certificate-authority: ca.pem"), "").await.is_ok());
    assert!(home.ask(&format!("{of_good}, insecure-skip-tls-verify: true"), "").await.is_ok());
    assert!(
        home.ask(&format!("{of_good}, certificate-authority: ca.pem, tls-server-name: api.test"), "").await.is_ok()
    );
    let wrong = home.ask(&format!("{of_good}, certificate-authority: ca.pem, tls-server-name: other.test"), "").await;
    assert_eq!(failure(wrong), untrusted("hostname mismatch"));
    // Without a configured CA, the trust store of the machine is used, which does not hold ours.
    assert_eq!(failure(home.ask(&of_good, "").await), untrusted("unable to get local issuer certificate"));

    let other = serve("127.0.0.1", &home.leaf(&["10.0.0.1"], 30), 403);
    let result = home.ask(&format!("server: 'https://127.0.0.1:{other}', certificate-authority: ca.pem"), "").await;
    assert_eq!(failure(result), untrusted("IP address mismatch"));

    let expired = serve("127.0.0.1", &home.leaf(&["127.0.0.1"], -1), 403);
    let result = home.ask(&format!("server: 'https://127.0.0.1:{expired}', certificate-authority: ca.pem"), "").await;
    assert_eq!(failure(result), untrusted("certificate has expired"));
}

#[tokio::test]
async fn a_server_is_reached_by_its_ipv6_address() {
    let home = Home::new();
    let port = serve("::1", &home.leaf(&["::1"], 30), 403);
    let result = home.ask(&format!("server: 'https://[::1]:{port}', certificate-authority: ca.pem"), "").await;
    assert!(result.is_ok(), "{result:?}");
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let result = home.ask(&format!("server: 'https://127.0.0.1:{port}', certificate-authority: ca.pem"), "").await;
    assert_eq!(failure(result), ConnectFailure::Tls("the server does not speak TLS on this port".into()));
}

#[tokio::test]
async fn a_401_names_the_expired_client_certificate() {
    let home = Home::new();
    let port = serve("127.0.0.1", &home.leaf(&["127.0.0.1"], 30), 401);
    let of_cluster = format!("server: 'https://127.0.0.1:{port}', certificate-authority: ca.pem");
    for (days, expected) in [(-1, true), (30, false)] {
        let client = home.leaf(&[], days);
        home.write("me.pem", &client.certificate.to_pem().unwrap());
        home.write("me.key", &client.key.private_key_to_pem_pkcs8().unwrap());
        let error = home.ask(&of_cluster, "client-certificate: me.pem, client-key: me.key").await.unwrap_err();
        assert_eq!(matches!(error, Error::ExpiredClientCertificate { .. }), expected, "{error}");
        assert_eq!(matches!(error, Error::Unauthorized { .. }), !expected, "{error}");
    }
}

#[tokio::test]
async fn without_a_first_answer_nothing_else_is_waited_for() {
    let home = Home::new();
    for (code, expected) in [(401, 0), (403, 1)] {
        let port = serve("127.0.0.1", &home.leaf(&["127.0.0.1"], 30), code);
        let of_cluster = format!("server: 'https://127.0.0.1:{port}', certificate-authority: ca.pem");
        let sink = CountingSink::default();
        let asked = home.ask_with(&of_cluster, "", Some(&sink)).await;
        assert_eq!(asked.is_ok(), code == 403, "{asked:?}");
        assert_eq!(u32::from(sink.0.into_inner() > 0), expected, "{code}");
    }
}

#[tokio::test]
async fn a_credential_plugin_runs_once_and_again_after_a_401() {
    let home = Home::new();
    let port = serve("127.0.0.1", &home.leaf(&["127.0.0.1"], 30), 401);
    let of_cluster = format!("server: 'https://127.0.0.1:{port}', certificate-authority: ca.pem");
    let plugin = |token: &str| {
        let script = format!("cd {} && echo >>runs && {token}", home.folder.path().display());
        home.write("plugin", script.as_bytes());
        let path = home.folder.path().join("plugin").display().to_string();
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: ['{path}']}}"
        )
    };
    let runs = || fs::read_to_string(home.folder.path().join("runs")).unwrap().lines().count();

    let user = plugin("echo '{\"status\":{\"token\":\"good\"}}'");
    assert!(home.ask(&of_cluster, &user).await.is_ok());
    assert_eq!(runs(), 1);

    fs::remove_file(home.folder.path().join("runs")).unwrap();
    let user = plugin(
        "if [ $(wc -l <runs) = 1 ]; then t=stale; else t=good; fi; echo \"{\\\"status\\\":{\\\"token\\\":\\\"$t\\\"}}\"",
    );
    assert!(home.ask(&of_cluster, &user).await.is_ok());
    assert_eq!(runs(), 2);

    let user = plugin("echo '{\"status\":{\"token\":\"bad\"}}'");
    let error = home.ask(&of_cluster, &user).await.unwrap_err();
    assert!(error.hint().unwrap().contains("the credential comes from `sh`"), "{error}");
}

#[tokio::test]
async fn the_proxy_of_the_kubeconfig_is_used_and_named_without_its_password() {
    let home = Home::new();
    let port = serve("127.0.0.1", &home.leaf(&["127.0.0.1"], 30), 403);
    let of_cluster = format!(
        "server: 'https://127.0.0.1:{port}', certificate-authority: ca.pem, proxy-url: 'http://me:sesame@127.0.0.1:1'"
    );
    let error = home.ask(&of_cluster, "").await.unwrap_err();
    let Error::Unreachable { address, source: ConnectFailure::Refused } = error else { panic!("{error:?}") };
    assert_eq!(address, format!("https://127.0.0.1:{port} through the proxy http://127.0.0.1:1"));
}
