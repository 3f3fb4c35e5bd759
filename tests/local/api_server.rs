//! Stand-in API servers for fleets: clusters that reset clients, that answer late, that refuse, and that
//! never answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::Value;

/// The answers of a cluster with one gateway and one route, by path. `benches/fleet.py` serves them too.
static CLUSTER: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("cluster.json")).expect("the answers are JSON"));

/// A stand-in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stub {
    /// Number of resets in the log of the gateway.
    pub(crate) resets: usize,
    /// Time before each answer.
    pub(crate) delay: Duration,
    /// Refuses every request with this code.
    pub(crate) refuses: Option<u16>,
}

impl Stub {
    /// Starts it; returns its port.
    pub(crate) fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let log: Arc<str> = (0..self.resets).map(reset).collect::<String>().into();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                // The client may close the connection at any time.
                std::thread::spawn(move || drop(self.serve(&stream, &log)));
            }
        });
        port
    }

    fn serve(self, stream: &TcpStream, log: &str) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        while let Some(first) = lines.next().transpose()? {
            while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
            std::thread::sleep(self.delay);
            let path = first.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
            let (code, body) = match (self.refuses, CLUSTER.get(path)) {
                (Some(code), _) => (code, status(code)),
                (None, Some(answer)) => (200, answer.to_string()),
                (None, None) if path.ends_with("/log") => (200, log.to_owned()),
                (None, None) => (404, status(404)),
            };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
            let mut output = stream;
            output.write_all(head.as_bytes())?;
            output.write_all(body.as_bytes())?;
        }
        Ok(())
    }
}

fn status(code: u16) -> String {
    format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no {code}","code":{code}}}"#)
}

/// A record of a connection without SNI that no filter chain matched.
fn reset(number: usize) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    format!(
        "{{\"start_time\":\"2026-11-22T09:{minute:02}:{second:02}.000Z\",\"remote_address\":\"203.0.113.{}:40001\",\
         \"host\":null,\"status\":0,\"status_details\":\"filter_chain_not_found\",\"upstream_response_flags\":\"NR\",\
         \"sni_host\":null}}\n",
        number % 9 + 1
    )
}
