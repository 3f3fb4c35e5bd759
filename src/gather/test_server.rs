//! An API server for tests: real HTTP on the loopback interface, with responses that the test defines.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::client::ClientBuilder;
use kube::config::Config;
use serde_json::{Value, json};

use crate::gather::kubernetes::api::{Api, Inner};
use crate::gather::kubernetes::clock::ServerClock;
use crate::run::stop::Stop;

/// A request as received.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// With its query.
    pub path: String,
    /// In lower case, such as `accept: application/json`.
    pub headers: Vec<String>,
    /// The value of `Sec-WebSocket-Key`, needed to accept a WebSocket.
    pub socket_key: Option<String>,
}

pub(super) enum Answer {
    Json(Value),
    /// A Kubernetes Status with additional headers.
    Status(u16, &'static str, &'static str),
    /// Raw bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// Raw bytes, then nothing for a minute.
    Hang(Vec<u8>),
}

pub(super) struct TestServer {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl TestServer {
    pub(super) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Self { address, asked }
    }

    /// Returns the requested paths, sorted: concurrent requests come in no order.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.asked().into_iter().map(|asked| asked.path).collect();
        paths.sort();
        paths
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn api(&self, stop: Stop, request_timeout: Duration) -> Api {
        let mut config = Config::new(self.address.parse().unwrap());
        config.default_retry = false;
        let inner = Inner {
            client: ClientBuilder::try_from(config).unwrap().build(),
            plugin: None,
            request_timeout: Some(request_timeout),
            patience: Some(2 * request_timeout),
            address: self.address.clone(),
            proxy: None,
            compress: true,
            certificate_ends: None,
            requests: AtomicU64::new(0),
            clock: ServerClock::default(),
        };
        Api::new(inner, stop)
    }
}

/// Accepts a WebSocket (RFC 6455 §4.2.2) and sends these messages, each of less than 126 bytes, with its
/// opcode.
pub(super) fn socket(asked: &Asked, messages: &[(u8, &[u8])]) -> Vec<u8> {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let key = asked.socket_key.as_deref().unwrap();
    let accept = openssl::base64::encode_block(&openssl::sha::sha1(format!("{key}{GUID}").as_bytes()));
    let mut bytes = format!(
        "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-protocol: v4.channel.k8s.io\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
    .into_bytes();
    for (opcode, payload) in messages {
        bytes.extend([0x80 | opcode, u8::try_from(payload.len()).unwrap()]);
        bytes.extend_from_slice(payload);
    }
    bytes
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Asked) -> Answer, seen: &Mutex<Vec<Asked>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let lines: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let key = lines.iter().filter_map(|line| line.split_once(": "));
    let mut key = key.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let socket_key = key.next().map(|(_, value)| value.to_owned());
    let headers = lines.iter().map(|line| line.to_lowercase()).collect();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let asked = Asked { path, headers, socket_key };
    seen.lock().unwrap().push(asked.clone());
    let (bytes, hang) = match answer(&asked) {
        Answer::Json(value) => (response(200, "", &value), false),
        Answer::Status(code, headers, message) => {
            let status =
                json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message});
            (response(code, headers, &status), false)
        }
        Answer::Raw(bytes) => (bytes, false),
        Answer::Hang(bytes) => (bytes, true),
    };
    // The client may have closed the connection.
    let _ = stream.write_all(&bytes);
    if hang {
        std::thread::sleep(Duration::from_mins(1));
    }
}

fn response(code: u16, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
