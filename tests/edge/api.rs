//! A stand-in of the Management API: documented answers by path, over real HTTP, with the faults of a case.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

/// What goes wrong with requests whose path begins so.
#[derive(Clone)]
pub(crate) struct Fault {
    status: u16,
    /// How many requests; all without a number.
    times: Option<u32>,
    /// The answer repeats the header with the credentials.
    echoes: bool,
    /// The connection ends within the answer.
    is_cut: bool,
    location: Option<String>,
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, times: None, echoes: false, is_cut: false, location: None }
    }

    pub(crate) fn cut() -> Self {
        Self { is_cut: true, ..Self::status(200) }
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self { location: Some(location.to_owned()), ..Self::status(302) }
    }

    pub(crate) fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    pub(crate) fn echoing(self) -> Self {
        Self { echoes: true, ..self }
    }
}

/// The answers, by path below the environment.
#[derive(Default)]
struct State {
    answers: BTreeMap<String, Vec<u8>>,
    faults: Vec<(String, Fault)>,
    /// Requests without the expected credentials.
    unauthorized: u32,
    requests: u32,
}

/// A running API.
pub(crate) struct Api {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Api {
    pub(crate) fn new(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, expected) = (Arc::clone(&state), format!("Bearer {secret}"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, expected) = (Arc::clone(&shared), expected.clone());
                thread::spawn(move || serve(stream, &shared, &expected));
            }
        });
        Self { port, state }
    }

    pub(crate) fn add(&self, path: &str, answer: &Value) {
        self.add_text(path, answer.to_string());
    }

    pub(crate) fn add_text(&self, path: &str, answer: String) {
        self.add_bytes(path, answer.into_bytes());
    }

    /// A path of the organization is given as a whole, with its query.
    pub(crate) fn add_bytes(&self, path: &str, answer: Vec<u8>) {
        self.lock().answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn fail(&self, path: &str, fault: Fault) {
        self.lock().faults.push((path.to_owned(), fault));
    }

    pub(crate) fn answers(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().answers.clone()
    }

    /// Returns the numbers of requests, and of those without the expected credentials.
    pub(crate) fn requests(&self) -> (u32, u32) {
        let state = self.lock();
        (state.requests, state.unauthorized)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers requests of one connection.
fn serve(stream: TcpStream, state: &Mutex<State>, expected: &str) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            match reader.by_ref().take(65_536).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) => head.push(line),
            }
        }
        let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let below = path.split_once("/environments/e").map_or(path.as_str(), |(_, below)| below).to_owned();
        let header = |name: &str| {
            head.iter()
                .find_map(|line| line.to_lowercase().starts_with(name).then(|| line[name.len()..].trim().to_owned()))
        };
        let authorization = header("authorization:").unwrap_or_default();
        let (answer, fault) = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.requests += 1;
            state.unauthorized += u32::from(authorization != expected);
            let hit = state
                .faults
                .iter_mut()
                .find(|(start, fault)| (below == *start || start == "/") && fault.times.is_none_or(|times| times > 0));
            let fault = hit.map(|(_, fault)| {
                fault.times = fault.times.map(|times| times - 1);
                fault.clone()
            });
            (state.answers.get(&below).cloned(), fault)
        };
        let (status, body) = match (&fault, answer) {
            (Some(fault), Some(answer)) if fault.is_cut => (200, answer),
            (Some(fault), _) => {
                let repeated = if fault.echoes { authorization } else { String::new() };
                (
                    fault.status,
                    format!("{{\"code\":\"test.Fault\",\"message\":\"refused {repeated}\",\"contexts\":[]}}")
                        .into_bytes(),
                )
            }
            (None, Some(answer)) => (200, answer),
            (None, None) => (404, b"{\"code\":\"messaging.config.beans.DoesNotExist\",\"message\":\"no\"}".to_vec()),
        };
        let location = fault.as_ref().and_then(|fault| fault.location.clone());
        let location = location.map(|location| format!("Location: {location}\r\n")).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Type: text/plain\r\n{location}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let text = [head.into_bytes(), body.clone()].concat();
        let is_cut = fault.is_some_and(|fault| fault.is_cut);
        let end = if is_cut { text.len() - body.len() / 2 - 1 } else { text.len() };
        if writer.write_all(&text[..end]).is_err() || is_cut {
            return;
        }
    }
}
