//! A stand-in of Cloud Logging's `entries:list`, made from the documented requests and answers. It applies
//! the filter, so that a filter that is malformed or selects other records fails a test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;
use serde_json::{Value, json};

use super::server::{self, Answer, Request};

/// What goes wrong, in the order of requests.
#[derive(Clone)]
pub(crate) enum Fault {
    /// So many requests are answered with 429, without Retry-After.
    Busy(u32),
    Forbidden,
    Html,
    /// From this page on, all fail.
    BrokenFrom(u32),
}

#[derive(Default)]
struct State {
    entries: Vec<Value>,
    fault: Option<Fault>,
    requests: u32,
    filters: Vec<String>,
}

/// A running API.
pub(crate) struct Cloud {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Cloud {
    /// Serves these entries to who has this token.
    pub(crate) fn new(token: &str, entries: Vec<Value>, fault: Option<Fault>) -> Self {
        let state = Arc::new(Mutex::new(State { entries, fault, ..State::default() }));
        let (shared, expected) = (Arc::clone(&state), format!("Bearer {token}"));
        let port = server::plain(move |request| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&mut state, request, &expected)
        });
        Self { port, state }
    }

    pub(crate) fn requests(&self) -> u32 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests
    }

    pub(crate) fn filters(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).filters.clone()
    }
}

fn error(code: u16, status: &str, message: &str) -> Answer {
    (code, json!({"error": {"code": code, "message": message, "status": status}}).to_string())
}

fn answer(state: &mut State, request: &Request, expected: &str) -> Answer {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v2/entries:list"));
    state.requests += 1;
    let number = state.requests;
    match &mut state.fault {
        Some(Fault::Busy(left)) if *left > 0 => {
            *left -= 1;
            return error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Read requests'");
        }
        Some(Fault::Forbidden) => {
            return error(403, "PERMISSION_DENIED", "Permission denied for all log views");
        }
        Some(Fault::Html) => return (200, "<!doctype html><title>Sign in</title>".into()),
        Some(Fault::BrokenFrom(page)) if number >= *page => {
            return error(400, "INVALID_ARGUMENT", "page_token is invalid");
        }
        _ => {}
    }
    if request.header("Authorization") != Some(expected) {
        return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    }
    let asked: Value = serde_json::from_str(&request.body).expect("a body of JSON");
    let filter = asked["filter"].as_str().expect("a filter").to_owned();
    assert_eq!(asked["resourceNames"], json!(["projects/my-project"]));
    state.filters.push(filter.clone());
    let condition = Parser::new(&filter).whole();
    let mut chosen: Vec<&Value> = state.entries.iter().filter(|entry| condition.holds(entry)).collect();
    if asked["orderBy"] == "timestamp desc" {
        chosen.reverse();
    }
    let size = usize::try_from(asked["pageSize"].as_u64().expect("a size")).expect("a size");
    let start: usize = asked["pageToken"].as_str().map_or(0, |token| token.parse().expect("a token"));
    let page: Vec<&Value> = chosen.iter().skip(start).take(size).copied().collect();
    let mut answer = json!({});
    // The API leaves out an empty list.
    if !page.is_empty() {
        answer["entries"] = json!(page);
    }
    if start + size < chosen.len() {
        answer["nextPageToken"] = json!((start + size).to_string());
    }
    (200, answer.to_string())
}

/// Wraps a record as GKE's agent does: as `jsonPayload`, or as `textPayload`.
pub(crate) fn entry(number: usize, record: &Value, as_text: bool) -> Value {
    let mut entry = json!({
        "insertId": format!("id{number}"),
        "timestamp": record["start_time"],
        "resource": {"type": "k8s_container", "labels": {
            "project_id": "my-project", "location": "europe-west1", "cluster_name": "prod", "namespace_name": "apigee",
            "pod_name": "apigee-ingressgateway-1", "container_name": "apigee-ingressgateway",
        }},
    });
    if as_text {
        entry["textPayload"] = json!(record.to_string());
    } else {
        entry["jsonPayload"] = record.clone();
    }
    entry
}

/// A condition of Logging's query language.
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(String, String, Vec<Operand>),
}

enum Operand {
    Null,
    Anything,
    Number(f64),
    Text(String),
}

impl Condition {
    fn holds(&self, entry: &Value) -> bool {
        match self {
            Self::All(list) => list.iter().all(|condition| condition.holds(entry)),
            Self::Any(list) => list.iter().any(|condition| condition.holds(entry)),
            Self::Not(inner) => !inner.holds(entry),
            Self::Compare(path, operator, operands) => {
                let value = entry.pointer(&format!("/{}", path.replace('.', "/")));
                operands.iter().any(|operand| compare(value, operator, operand))
            }
        }
    }
}

/// A field that is missing equals nothing. Comparisons of text ignore its case, but for regular expressions.
fn compare(value: Option<&Value>, operator: &str, operand: &Operand) -> bool {
    let Some(value) = value else { return false };
    let text = || value.as_str().map(str::to_lowercase);
    match (operator, operand) {
        (":", Operand::Anything) => true,
        ("=", Operand::Null) => value.is_null(),
        ("=", Operand::Number(number)) => value.as_f64() == Some(*number),
        ("=", Operand::Text(other)) => text() == Some(other.to_lowercase()),
        (":", Operand::Text(other)) => text().is_some_and(|text| text.contains(&other.to_lowercase())),
        ("=~", Operand::Text(pattern)) => {
            static KNOWN: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
            let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
            let regex =
                known.entry(pattern.clone()).or_insert_with(|| Regex::new(pattern).expect("a regular expression"));
            value.as_str().is_some_and(|text| regex.is_match(text))
        }
        (">=", Operand::Number(number)) => value.as_f64().is_some_and(|value| value >= *number),
        (">=", Operand::Text(other)) => moment(value) >= other.parse().ok(),
        ("<", Operand::Text(other)) => moment(value) < other.parse().ok(),
        (operator, _) => panic!("an operator that is not used so: {operator}"),
    }
}

fn moment(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str()?.parse().ok()
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        assert!(text.len() <= 20_000, "the API takes no longer filter");
        Self { rest: text }
    }

    fn whole(mut self) -> Condition {
        let condition = self.any();
        assert_eq!(self.rest.trim(), "", "a filter with more after its end");
        condition
    }

    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(word);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }

    fn any(&mut self) -> Condition {
        let mut list = vec![self.all()];
        while self.takes("OR ") {
            list.push(self.all());
        }
        Condition::Any(list)
    }

    fn all(&mut self) -> Condition {
        let mut list = vec![self.one()];
        while self.takes("AND ") {
            list.push(self.one());
        }
        Condition::All(list)
    }

    fn one(&mut self) -> Condition {
        if self.takes("NOT ") {
            return Condition::Not(Box::new(self.one()));
        }
        if self.takes("(") {
            let inner = self.any();
            assert!(self.takes(")"), "a bracket that is not closed before {:?}", self.rest);
            return inner;
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._".contains(c))).expect("an operator");
        let (path, rest) = self.rest.split_at(end);
        let path = path.to_owned();
        self.rest = rest;
        let operator = ["=~", ">=", "<", "=", ":"].into_iter().find(|operator| self.takes(operator));
        let operator = operator.unwrap_or_else(|| panic!("no operator before {:?}", self.rest)).to_owned();
        let mut operands = Vec::new();
        if self.takes("(") {
            operands.push(self.operand());
            while self.takes("OR ") {
                operands.push(self.operand());
            }
            assert!(self.takes(")"), "a bracket that is not closed before {:?}", self.rest);
        } else {
            operands.push(self.operand());
        }
        Condition::Compare(path, operator, operands)
    }

    fn operand(&mut self) -> Operand {
        if self.takes("NULL_VALUE") {
            return Operand::Null;
        }
        if self.takes("*") {
            return Operand::Anything;
        }
        if !self.takes("\"") {
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Operand::Number(number.parse().expect("a number"));
        }
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Operand::Text(text);
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        panic!("a text that does not end");
    }
}
