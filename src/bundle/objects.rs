//! What the pages of a bundle need of the objects in it: the ApigeeRoutes, and a line for each of the latest
//! events.
//!
//! A cluster does not limit the number of its events, so only lines are kept, up to a limit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde_json::Value;

use crate::evidence::Source;

/// Maximum number of lines that are kept: the latest ones.
const MAX_LINES: usize = 5000;
/// Maximum number of characters of a line. Kubernetes accepts messages of at most 1 KiB.
const MAX_LINE: usize = 2 << 10;

/// The ApigeeRoutes and the latest events, without secrets.
#[derive(Default)]
pub struct RoutesAndEvents {
    routes: Vec<Value>,
    events: Latest,
    /// The events about an ApigeeRoute, by its name.
    of_routes: BTreeMap<String, Latest>,
}

/// The lines that sort last. A line begins with its time, so these are the latest ones.
#[derive(Default)]
struct Latest {
    lines: BinaryHeap<Reverse<String>>,
    left_out: u64,
}

impl Latest {
    fn add(&mut self, mut line: String) {
        if let Some((end, _)) = line.char_indices().nth(MAX_LINE) {
            line.truncate(end);
            line.push_str("…\n");
        }
        self.lines.push(Reverse(line));
        if self.lines.len() > MAX_LINES {
            self.lines.pop();
            self.left_out += 1;
        }
    }

    /// Returns the lines, the latest last.
    fn text(&self) -> String {
        let mut lines: Vec<&str> = self.lines.iter().map(|Reverse(line)| line.as_str()).collect();
        lines.sort_unstable();
        lines.concat()
    }
}

impl RoutesAndEvents {
    /// Takes what is needed of a redacted object from this source.
    pub fn add(&mut self, source: Source, object: &Value) {
        match source {
            Source::ApigeeRoutes => self.routes.push(object.clone()),
            Source::Events => self.add_event(object),
            _ => {}
        }
    }

    fn add_event(&mut self, event: &Value) {
        self.events.add(event_line(event));
        let object = &event["involvedObject"];
        if let (Some("ApigeeRoute"), Some(route)) = (object["kind"].as_str(), object["name"].as_str())
            && (self.of_routes.len() < MAX_LINES || self.of_routes.contains_key(route))
        {
            self.of_routes.entry(route.to_owned()).or_default().add(route_line(event));
        }
    }

    /// Returns the ApigeeRoutes as the API server has them.
    pub(super) fn routes(&self) -> &[Value] {
        &self.routes
    }

    /// Returns one line for each event, the latest last.
    pub(super) fn events(&self) -> String {
        let text = self.events.text();
        match (text.is_empty(), self.events.left_out) {
            (true, _) => "none was seen\n".into(),
            (false, 0) => text,
            (false, left_out) => format!("{left_out} earlier events: see events.yaml\n{text}"),
        }
    }

    /// Returns the lines about one route, indented, the latest last.
    pub(super) fn events_of_route(&self, route: &str) -> String {
        self.of_routes.get(route).map_or_else(|| "  <none>\n".to_owned(), Latest::text)
    }
}

fn event_line(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let at = if event["lastTimestamp"].is_string() { &event["lastTimestamp"] } else { &event["eventTime"] };
    let of = &event["involvedObject"];
    // `spec.containers{istio-proxy}`
    let container = of["fieldPath"].as_str().and_then(|path| path.find('{').map(|at| &path[at..]));
    let object = format!("{}/{}{}", text(&of["kind"]), text(&of["name"]), container.unwrap_or_default());
    let (kind, reason, message) = (text(&event["type"]), text(&event["reason"]), text(&event["message"]));
    format!("{}  {kind}  {reason}  {object}  {message}\n", text(at))
}

fn route_line(event: &Value) -> String {
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    format!("  {}  {}  {}  {}\n", text("lastTimestamp"), text("type"), text("reason"), text("message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    fn event(number: usize, kind: &str) -> Value {
        json!({
            "lastTimestamp": format!("2026-11-22T09:{:02}:{:02}Z", number / 60, number % 60),
            "type": "Warning", "reason": "Failed", "message": format!("m{number}"),
            "involvedObject": {"kind": kind, "name": "r", "fieldPath": "spec.containers{istio-proxy}"},
        })
    }

    #[test]
    fn keeps_the_latest_events_in_order_and_counts_the_rest() {
        let mut objects = RoutesAndEvents::default();
        assert_eq!(objects.events(), "none was seen\n");
        for number in [1, 0] {
            objects.add(Source::Events, &event(number, "ApigeeRoute"));
        }
        assert_eq!(
            objects.events(),
            "2026-11-22T09:00:00Z  Warning  Failed  ApigeeRoute/r{istio-proxy}  m0\n\
             2026-11-22T09:00:01Z  Warning  Failed  ApigeeRoute/r{istio-proxy}  m1\n"
        );
        assert_eq!(
            objects.events_of_route("r"),
            "  2026-11-22T09:00:00Z  Warning  Failed  m0\n  2026-11-22T09:00:01Z  Warning  Failed  m1\n"
        );
        assert_eq!(objects.events_of_route("other"), "  <none>\n");
        for number in 0..MAX_LINES {
            objects.add(Source::Events, &event(number % 3600, "Pod"));
        }
        assert!(objects.events().starts_with("2 earlier events: see events.yaml\n2026-11-22T09:00:00Z"));
        assert_eq!(objects.events().lines().count(), MAX_LINES + 1);
        let mut long = event(0, "Pod");
        long["message"] = "x".repeat(3 * MAX_LINE).into();
        assert!(event_line(&long).len() > MAX_LINE);
        let mut objects = RoutesAndEvents::default();
        objects.add(Source::Events, &long);
        assert!(objects.events().len() < MAX_LINE + 8);
    }
}
