//! A real OpenSearch node, whose modules `tests/setup.sh all` has fetched.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Records of one request.
const BULK: usize = 5_000;

/// A node that ends with this process.
pub(crate) struct Node {
    pub(crate) port: u16,
    /// The node ends when its standard input does.
    _child: Child,
}

impl Node {
    pub(crate) fn start() -> Self {
        let modules = modules();
        // The node removes it.
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let mut child = Command::new("java")
            .args(["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{0}/classes:{0}/lib/*", modules.display()))
            .arg("StoreNode")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("java starts; run tests/setup.sh all");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let port = lines
            .find_map(|line| line.ok()?.strip_prefix("port ")?.trim().parse().ok())
            .expect("the node says its port; run tests/setup.sh all");
        // What it still writes must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { port, _child: child }
    }

    /// Sends a request, and returns the answer.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the node answers");
        let media = if path.ends_with("_bulk") { "application/x-ndjson" } else { "application/json" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Type: {media}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        assert!(head.contains(" 200 "), "{method} {path}: {head}\n{body}");
        answer
    }

    /// Creates an index with these properties, and fills it.
    pub(crate) fn fill(&self, index: &str, properties: &Value, documents: &[Value]) {
        let settings = serde_json::json!({
            "settings": {"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "-1"},
            "mappings": {"properties": properties},
        });
        self.request("PUT", &format!("/{index}"), &settings.to_string());
        for part in documents.chunks(BULK) {
            let lines: String = part.iter().map(|document| format!("{{\"index\":{{}}}}\n{document}\n")).collect();
            let answer = self.request("POST", &format!("/{index}/_bulk"), &lines);
            assert_eq!(answer["errors"], false, "{}", answer["items"][0]);
        }
        self.request("POST", &format!("/{index}/_refresh"), "");
    }
}

/// Returns the folder of the modules.
fn modules() -> PathBuf {
    let paths = Command::new("tests/setup.sh").arg("paths").output().expect("tests/setup.sh runs");
    let paths = String::from_utf8_lossy(&paths.stdout).into_owned();
    let folder = paths.lines().find_map(|line| line.strip_prefix("opensearch=")).expect("tests/setup.sh names it");
    let folder = PathBuf::from(folder);
    assert!(folder.join("classes").is_dir(), "OpenSearch is not there; run tests/setup.sh all");
    folder
}
