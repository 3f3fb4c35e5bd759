//! An environment with one virtual host and one target server, and runs of the program on it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::SECRET;
use crate::api::Api;
use crate::pki::{ALIAS, BACKEND, Pki};
use crate::servers::Server;

pub(crate) struct World {
    pub(crate) pki: &'static Pki,
    pub(crate) api: Api,
    pub(crate) router: Server,
    pub(crate) backend: Server,
    /// The name of the virtual host.
    pub(crate) alias: &'static str,
    /// The virtual host requires client certificates of the truststore.
    pub(crate) is_mutual: bool,
    /// The virtual host names no truststore.
    pub(crate) lacks_truststore: bool,
    /// The virtual host requires a PROXY header.
    pub(crate) is_proxied: bool,
    pub(crate) folder: TempDir,
}

impl World {
    /// A healthy environment: one-way TLS on both legs.
    pub(crate) fn new() -> Self {
        let pki = Pki::shared();
        let api = Api::new(SECRET);
        let router = Server::tls(pki, &["api", "issuing"]).start();
        let backend = Server::tls(pki, &["backend", "issuing"]).start();
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self {
            pki,
            api,
            router,
            backend,
            alias: ALIAS,
            is_mutual: false,
            lacks_truststore: false,
            is_proxied: false,
            folder,
        };
        world.file("token", SECRET);
        world.file("root.pem", &world.pki.pem(&["root"]));
        world.api.add("/virtualhosts", &json!(["default", "secure"]));
        world.api.add("/virtualhosts/default", &json!({ "name": "default", "hostAliases": [ALIAS], "port": "80" }));
        world.api.add("/targetservers", &json!(["orders"]));
        world.target(&json!({ "enabled": "true", "clientAuthEnabled": "false", "trustStore": "ref://ts-ref" }));
        for (reference, store) in [("ks-ref", "ks"), ("ts-ref", "ts")] {
            let answer = json!({ "name": reference, "refers": store, "resourceType": "KeyStore" });
            world.api.add(&format!("/references/{reference}"), &answer);
        }
        let keys = json!({ "aliases": [{ "aliasName": "api", "cert": "api-cert", "key": "api-key" }], "keys": ["api"], "name": "ks" });
        world.api.add("/keystores/ks", &keys);
        let trust = json!({ "aliases": [{ "aliasName": "ca", "cert": "ca-cert" }], "keys": [], "name": "ts" });
        world.api.add("/keystores/ts", &trust);
        world.keystore(&["api", "issuing"]);
        world.truststore("root");
        world
    }

    /// The TLS settings of the target server.
    pub(crate) fn target(&self, tls: &Value) {
        self.target_at(BACKEND, tls);
    }

    /// The host and the TLS settings of the target server.
    pub(crate) fn target_at(&self, host: &str, tls: &Value) {
        let target = json!({ "name": "orders", "host": host, "port": 443, "isEnabled": true, "sSLInfo": tls });
        self.api.add("/targetservers/orders", &target);
    }

    /// The target server presents a certificate of this list.
    pub(crate) fn target_presents(&self, chain: &[&str]) {
        self.target(&json!({ "enabled": "true", "clientAuthEnabled": "true", "trustStore": "ref://ts-ref",
            "keyStore": "mp-keys", "keyAlias": "mp" }));
        let keys = json!({ "aliases": [{ "aliasName": "mp", "cert": "mp-cert", "key": "mp-key" }], "keys": ["mp"] });
        self.api.add("/keystores/mp-keys", &keys);
        self.api.add_text("/keystores/mp-keys/aliases/mp/certificate", self.pki.pem(chain));
    }

    /// What the keystore of the virtual host holds.
    fn keystore(&self, chain: &[&str]) {
        self.api.add_text("/keystores/ks/aliases/api/certificate", self.pki.pem(chain));
    }

    /// What the truststore of the target server holds.
    pub(crate) fn truststore(&self, name: &str) {
        self.api.add_text("/keystores/ts/aliases/ca/certificate", self.pki.pem(&[name]));
    }

    /// The Router presents this list, and its keystore holds it.
    pub(crate) fn router_presents(&mut self, chain: &[&str]) {
        self.keystore(chain);
        self.router = Server::tls(self.pki, chain).start();
    }

    fn virtual_host(&self) {
        let mut tls = json!({ "enabled": "true", "clientAuthEnabled": "false", "ignoreValidationErrors": false,
            "keyStore": "ref://ks-ref", "keyAlias": "api", "ciphers": [], "protocols": [] });
        if self.is_mutual {
            tls["clientAuthEnabled"] = json!("true");
            tls["trustStore"] = if self.lacks_truststore { Value::Null } else { json!("ref://ts-ref") };
        }
        let port = self.router.port.to_string();
        let options: &[&str] = if self.is_proxied { &["proxy_protocol"] } else { &[] };
        let host = json!({ "name": "secure", "hostAliases": [self.alias], "port": port, "sSLInfo": tls,
            "listenOptions": options });
        self.api.add("/virtualhosts/secure", &host);
    }

    /// Writes a file of the test, and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        self.bytes(name, text.as_bytes())
    }

    pub(crate) fn bytes(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Saves the answers as in a bundle, and returns the folder.
    pub(crate) fn dump(&self) -> String {
        self.virtual_host();
        for (path, answer) in self.api.answers() {
            let path = match path.strip_suffix("/certificate") {
                Some(alias) => format!("dump{alias}.pem"),
                None => format!("dump{path}.json"),
            };
            self.bytes(&path, &answer);
        }
        self.path("dump")
    }

    /// A log of a Message Processor with three failures of this environment and one of another.
    pub(crate) fn log(&self, message: &str) -> String {
        self.log_of("203.0.113.10:443", message)
    }

    /// The same of another backend.
    pub(crate) fn log_of(&self, backend: &str, message: &str) -> String {
        let line = |environment: &str, second: u8| {
            format!(
                "2026-11-20 09:00:0{second},000 org:o env:{environment} api:orders rev:3 messageid:m NIOThread@0 ERROR \
                 HTTP.CLIENT - HTTPClient$Context.handshakeFailed() : SSLClientChannel[C:{backend} Remote \
                 host:10.20.0.5:40000]@6 useCount=1 handshake failed, message: {message}\n"
            )
        };
        format!("{}{}\tat java.lang.Thread.run\n{}{}", line("e", 1), line("test", 2), line("e", 3), line("e", 4))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"));
        command.env_clear().env("COLUMNS", "110").current_dir(self.folder.path()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().expect("the program starts")
    }

    /// Runs on the environment, as JSON and as text.
    fn judged(&self, arguments: &[&str]) -> Outcome {
        let run = |format: &str| {
            let with_format: Vec<&str> = arguments.iter().copied().chain(["-o", format]).collect();
            self.run(&with_format)
        };
        let (output, text) = (run("json"), run("text"));
        Outcome::new(&output, &text, self.api.requests())
    }

    fn online<'a>(&'a self, own: &'a [String], java: bool, sni: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments: Vec<&str> =
            vec!["edge", "diagnose", "--org", "o", "--env", "e", "--router", "127.0.0.1", "--sni", sni];
        arguments.extend(own.iter().map(String::as_str));
        if java && !more.contains(&"--java") {
            arguments.extend(["--java", "17"]);
        }
        arguments.extend(more);
        arguments
    }

    fn own(&self) -> Vec<String> {
        self.virtual_host();
        [
            ("--management-url", format!("http://127.0.0.1:{}", self.api.port)),
            ("--token-file", self.path("token")),
            ("--ca-file", self.path("root.pem")),
            ("--connect-to", format!("{BACKEND}:443:127.0.0.1:{}", self.backend.port)),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }

    pub(crate) fn diagnose(&self, more: &[&str]) -> Outcome {
        self.judged(&self.online(&self.own(), true, "on", more))
    }

    pub(crate) fn diagnose_without_java(&self, more: &[&str]) -> Outcome {
        self.judged(&self.online(&self.own(), false, "on", more))
    }

    pub(crate) fn diagnose_with_sni(&self, sni: &str, more: &[&str]) -> Outcome {
        self.judged(&self.online(&self.own(), true, sni, more))
    }

    pub(crate) fn offline(&self, more: &[&str]) -> Outcome {
        let mut arguments = vec!["edge", "diagnose", "--org", "o", "--env", "e", "--offline"];
        arguments.extend(more);
        self.judged(&arguments)
    }

    /// Writes a bundle, and returns its path.
    pub(crate) fn collect(&self, more: &[&str]) -> String {
        self.collect_from(more, b"")
    }

    /// Writes a bundle with this standard input.
    pub(crate) fn collect_from(&self, more: &[&str], input: &[u8]) -> String {
        let own = self.own();
        let mut arguments = self.online(&own, true, "on", more);
        arguments[1] = "collect";
        let bundle = self.path("bundle.tar.gz");
        arguments.extend(["--to", &bundle]);
        let mut command = self.command(&arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(input).expect("it reads its input");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        bundle
    }

    /// Judges a bundle again.
    pub(crate) fn from(&self, bundle: &str) -> String {
        let output = self.run(&["edge", "diagnose", "--from", bundle, "-o", "json"]);
        String::from_utf8(output.stdout).expect("JSON")
    }

    /// The files of a bundle, by path.
    pub(crate) fn unpacked(&self, bundle: &str) -> BTreeMap<String, String> {
        let file = fs::File::open(Path::new(bundle)).expect("the bundle is there");
        let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
        let entries = archive.entries().expect("it is an archive");
        entries
            .map(|entry| {
                let mut entry = entry.expect("it is whole");
                let path = entry.path().expect("it has a name").to_string_lossy().into_owned();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).expect("it is whole");
                (path, String::from_utf8_lossy(&bytes).into_owned())
            })
            .collect()
    }
}

/// What a run printed.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    report: Value,
    text: String,
    requests: (u32, u32),
}

impl Outcome {
    fn new(output: &Output, text: &Output, requests: (u32, u32)) -> Self {
        let strings = |output: &Output| {
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        };
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!({ "raw": strings(output) }));
        Self { code: output.status.code().unwrap_or(-1), report, text: strings(text), requests }
    }

    /// Kind of the verdict, leg, and exit code.
    pub(crate) fn is(&self, kind: &str, leg: &str, code: i32) {
        let verdict = &self.report["verdict"];
        let seen = (verdict["kind"].as_str(), verdict["leg"].as_str(), self.code);
        assert_eq!(seen, (Some(kind), Some(leg), code), "{self:?}");
    }

    fn cause(&self, cause: &str, leg: &str) -> &Value {
        let causes = self.report["verdict"]["causes"].as_array().expect("causes");
        let found = causes.iter().find(|found| found["cause"] == cause && found["leg"] == leg);
        found.unwrap_or_else(|| panic!("no {cause}: {self:?}"))
    }

    pub(crate) fn claims(&self, cause: &str, leg: &str, owner: &str, certainty: &str) {
        let found = self.cause(cause, leg);
        let seen = (found["owner"].as_str(), found["certainty"].as_str());
        assert_eq!(seen, (Some(owner), Some(certainty)), "{self:?}");
        assert!(self.text.contains(cause) && self.text.contains(owner), "the text says the same: {}", self.text);
    }

    pub(crate) fn claims_any_owner(&self, cause: &str, leg: &str, least: &str) {
        let certainty = self.cause(cause, leg)["certainty"].as_str().unwrap_or_default().to_owned();
        assert!(certainty == "established" || certainty == least, "{self:?}");
    }

    pub(crate) fn has(&self, cause: &str) -> bool {
        let causes = self.report["verdict"]["causes"].as_array();
        causes.is_some_and(|causes| causes.iter().any(|found| found["cause"] == cause))
    }

    /// The causes that are named, best first.
    pub(crate) fn causes(&self) -> Vec<&str> {
        let causes = self.report["verdict"]["causes"].as_array().expect("causes");
        causes.iter().filter_map(|cause| cause["cause"].as_str()).collect()
    }

    /// The objects of a cause.
    pub(crate) fn objects(&self, cause: &str) -> Vec<String> {
        let causes = self.report["verdict"]["causes"].as_array().expect("causes");
        let found = causes.iter().find(|found| found["cause"] == cause);
        let found = found.unwrap_or_else(|| panic!("no {cause}: {self:?}"));
        serde_json::from_value(found["objects"].clone()).expect("a list of texts")
    }

    /// What must be pasted or read in the fix.
    pub(crate) fn fixes(&self, wanted: &[&str]) {
        for text in wanted {
            assert!(self.text.contains(text), "the fix lacks {text}: {}", self.text);
        }
    }

    /// Outcome and reason of a check.
    pub(crate) fn check(&self, code: &str) -> (&str, &str) {
        let checks = self.report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["code"] == code).expect("the check runs");
        (check["outcome"].as_str().unwrap_or_default(), check["reason"].as_str().unwrap_or_default())
    }

    /// Codes of the checks with this outcome.
    pub(crate) fn codes(&self, outcome: &str) -> Vec<&str> {
        let checks = self.report["checks"].as_array().expect("checks");
        let of_outcome = checks.iter().filter(|check| check["outcome"] == outcome);
        of_outcome.filter_map(|check| check["code"].as_str()).collect()
    }

    pub(crate) fn next(&self) -> String {
        self.report["verdict"]["nextMeasurement"]["command"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn not_seen(&self) -> String {
        self.report["notSeen"].to_string()
    }

    /// Everything that was printed.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.report, self.text)
    }

    /// What a person reads.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Every request had the credentials.
    pub(crate) fn authorized(&self) -> bool {
        self.requests.0 > 0 && self.requests.1 == 0
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}, {:#}\nnot seen: {}", self.code, self.report["verdict"], self.report["notSeen"])
    }
}
