//! Cloud Logging: filters for `entries:list`, and the pages of its answers.
//!
//! Only the failing forms are requested: a gateway writes millions of records of served requests. Source:
//! Cloud Logging, "Logging query language" and method `entries.list`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::evidence::handshake::PROBE_NAME_SUFFIX;
use crate::wire::access_log::{Field, Format};

/// Maximum number of entries of one page, which the API sets.
pub const PAGE_SIZE: usize = 1_000;

/// How much later than the record's time an agent may date an entry.
const AGENT_DELAY: SignedDuration = SignedDuration::from_secs(2);

/// Keys of Apigee's format and of Istio's, by field.
const NAMES: [&str; 2] = ["sni_host", "requested_server_name"];
const DETAILS: [&str; 2] = ["status_details", "response_code_details"];
const STATUSES: [&str; 2] = ["status", "response_code"];
const FLAGS: [&str; 2] = ["upstream_response_flags", "response_flags"];

/// The records that are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub location: Option<String>,
    pub cluster: Option<String>,
    pub namespace: String,
    /// Names of the containers that write the access log.
    pub containers: Vec<String>,
    /// Pods of internal chaining, whose clients are pods.
    pub without_pods: Vec<String>,
    /// Logs of pods whose records are counted already, from the first to the last.
    pub without_logs: Vec<(String, Timestamp, Timestamp)>,
    pub since: Timestamp,
    pub until: Timestamp,
    keys: Keys,
}

/// The keys of each field, those of the mesh settings first.
#[derive(Clone, Debug)]
struct Keys {
    names: Vec<String>,
    details: Vec<String>,
    statuses: Vec<String>,
    flags: Vec<String>,
}

/// In which order entries are returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

impl Wanted {
    /// Creates the selection of a gateway's records between two times.
    #[must_use]
    pub fn new(
        namespace: &str,
        containers: Vec<String>,
        (since, until): (Timestamp, Timestamp),
        format: &Format,
    ) -> Self {
        let keys = |field: Field, known: [&str; 2]| {
            let own = format.key_of(field).map(|key| String::from_utf8_lossy(key).into_owned());
            let known = known.into_iter().map(str::to_owned).filter(|key| Some(key) != own.as_ref());
            own.clone().into_iter().chain(known).collect()
        };
        Self {
            location: None,
            cluster: None,
            namespace: namespace.to_owned(),
            containers,
            without_pods: Vec::new(),
            without_logs: Vec::new(),
            since,
            until,
            keys: Keys {
                names: keys(Field::Name, NAMES),
                details: keys(Field::Details, DETAILS),
                statuses: keys(Field::Status, STATUSES),
                flags: keys(Field::Flags, FLAGS),
            },
        }
    }

    /// Returns the filter for the records that are counted as failures, and for those of this program's probe
    /// traffic.
    #[must_use]
    pub fn failing(&self) -> String {
        format!("{} AND ({})", self.uncounted(), self.failing_forms())
    }

    fn failing_forms(&self) -> String {
        let Keys { names, details, statuses, flags } = &self.keys;
        let mut forms = Vec::new();
        for key in details {
            forms.push(format!("{}=(\"filter_chain_not_found\" OR \"route_not_found\")", payload(key)));
        }
        for status in statuses {
            forms.push(format!("{}=421", payload(status)));
            for flag in flags {
                forms.push(format!("({}=0 AND {}=~\"(^|,)(NR|NoRouteFound)(,|$)\")", payload(status), payload(flag)));
            }
        }
        let own = PROBE_NAME_SUFFIX.trim_start_matches('.');
        for name in names {
            forms.push(format!("{}:\"{own}\"", payload(name)));
        }
        for word in ["filter_chain_not_found", "route_not_found", own] {
            forms.push(format!("textPayload:\"{word}\""));
        }
        // As JSON in text, and in Envoy's text formats, where the status has spaces around it.
        forms.push("textPayload=~\"(status|response_code)\\\":\\\"?421[^0-9]|\\\" 421 \"".to_owned());
        forms.join(" OR ")
    }

    /// Returns the filter for requests without SNI that were served, but for those of [`Self::failing`].
    #[must_use]
    pub fn served(&self) -> String {
        let Keys { names, statuses, .. } = &self.keys;
        let mut forms = Vec::new();
        for name in names {
            for status in statuses {
                let name = payload(name);
                forms.push(format!("(({name}=NULL_VALUE OR {name}=(\"-\" OR \"\")) AND {}>=100)", payload(status)));
            }
        }
        let names = names.join("|");
        forms.push(format!(
            "(textPayload=~\"({names})\\\": ?(null|\\\"-?\\\")\" AND textPayload=~\"(status|response_code)\\\": ?\\\"?[1-9]\")"
        ));
        forms.push("textPayload=~\"^.{1,64}\\\" [1-5][0-9][0-9] .* - [^ ]+$\"".to_owned());
        format!("{} AND ({}) AND NOT ({})", self.uncounted(), forms.join(" OR "), self.failing_forms())
    }

    /// Returns the filter for entries that no log of a pod has. The agent's time of an entry is a little
    /// later than the record's own.
    fn uncounted(&self) -> String {
        let mut filter = self.any();
        for (pod, first, last) in &self.without_logs {
            let pod = quoted(pod);
            filter += &format!(
                " AND NOT (resource.labels.pod_name={pod} AND timestamp>=\"{first}\" AND timestamp<\"{}\")",
                last.checked_add(AGENT_DELAY).unwrap_or(*last)
            );
        }
        filter
    }

    /// Returns the filter for every entry of the gateway's containers.
    #[must_use]
    pub fn any(&self) -> String {
        let mut parts = vec!["resource.type=\"k8s_container\"".to_owned()];
        let label = |name: &str, value: &str| format!("resource.labels.{name}={}", quoted(value));
        parts.extend(self.location.iter().map(|value| label("location", value)));
        parts.extend(self.cluster.iter().map(|value| label("cluster_name", value)));
        parts.push(label("namespace_name", &self.namespace));
        parts.push(format!("resource.labels.container_name={}", one_of(&self.containers)));
        if !self.without_pods.is_empty() {
            parts.push(format!("NOT resource.labels.pod_name={}", one_of(&self.without_pods)));
        }
        parts.push(format!("timestamp>=\"{}\"", self.since));
        parts.push(format!("timestamp<\"{}\"", self.until));
        parts.join(" AND ")
    }

    /// Returns the filter for every access-log record of the gateway's containers.
    #[must_use]
    pub fn records(&self) -> String {
        let mut forms: Vec<String> = self.keys.statuses.iter().map(|key| format!("{}:*", payload(key))).collect();
        forms.push(format!(
            "textPayload:({})",
            self.keys.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" OR ")
        ));
        // Envoy's text formats begin with the time in brackets and the request in quotes.
        forms.push("textPayload=~\"^\\\\[[0-9T:.Z-]+\\\\] \\\"\"".to_owned());
        format!("{} AND ({})", self.any(), forms.join(" OR "))
    }
}

/// Returns the body of a request for one page.
#[must_use]
pub fn request(project: &str, filter: &str, order: Order, size: usize, page: Option<&str>) -> Value {
    let mut body = json!({
        "resourceNames": [format!("projects/{project}")],
        "filter": filter,
        "orderBy": match order {
            Order::OldestFirst => "timestamp asc",
            Order::NewestFirst => "timestamp desc",
        },
        "pageSize": size,
    });
    if let (Some(page), Some(object)) = (page, body.as_object_mut()) {
        object.insert("pageToken".into(), page.into());
    }
    body
}

/// One page of entries.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// Each entry with its `insertId`, as one line of JSON.
    pub entries: Vec<(String, String)>,
    /// Absent after the last page. A page can be empty and not the last one.
    pub next: Option<String>,
}

/// Parses an answer.
///
/// # Errors
/// What it is instead of a page.
pub fn page(bytes: &[u8]) -> Result<Page, String> {
    let answer = super::json(bytes)?;
    if !answer.is_object() {
        return Err("JSON that is no answer of entries:list".into());
    }
    let entries = match &answer["entries"] {
        Value::Null => Vec::new(),
        Value::Array(entries) => entries
            .iter()
            .map(|entry| (entry["insertId"].as_str().unwrap_or_default().to_owned(), format!("{entry}\n")))
            .collect(),
        _ => return Err("an answer whose entries are no list".into()),
    };
    let next = answer["nextPageToken"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
    Ok(Page { entries, next })
}

fn payload(key: &str) -> String {
    let is_plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain { format!("jsonPayload.{key}") } else { format!("jsonPayload.{}", quoted(key)) }
}

fn one_of(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    match values.as_slice() {
        [only] => only.clone(),
        several => format!("({})", several.join(" OR ")),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::access_log::AccessLogScanner;

    fn wanted() -> Wanted {
        let window = ("2026-11-01T00:00:00Z".parse().unwrap(), "2026-11-29T00:00:00Z".parse().unwrap());
        Wanted::new("apigee", vec!["apigee-ingressgateway".into()], window, &Format::default())
    }

    #[test]
    fn a_filter_names_the_cluster_and_the_failing_forms() {
        let mut wanted = wanted();
        wanted.cluster = Some("a\"b".into());
        wanted.without_pods = vec!["p".into(), "q".into()];
        let of_pod = ("gw-1", "2026-11-20T00:00:00Z".parse().unwrap(), "2026-11-21T00:00:00Z".parse().unwrap());
        wanted.without_logs = vec![(of_pod.0.into(), of_pod.1, of_pod.2)];
        let filter = wanted.failing();
        for part in [
            "resource.labels.cluster_name=\"a\\\"b\"",
            "NOT resource.labels.pod_name=(\"p\" OR \"q\")",
            "NOT (resource.labels.pod_name=\"gw-1\" AND timestamp>=\"2026-11-20T00:00:00Z\" AND",
            "timestamp>=\"2026-11-01T00:00:00Z\" AND timestamp<\"2026-11-29T00:00:00Z\"",
            "jsonPayload.status_details=(\"filter_chain_not_found\" OR \"route_not_found\")",
            "jsonPayload.response_code=421",
            "jsonPayload.sni_host:\"apigee-tls.invalid\"",
            "textPayload:\"filter_chain_not_found\"",
        ] {
            assert!(filter.contains(part), "{part} in {filter}");
        }
        assert!(filter.len() < 20_000, "the API's limit");
        assert_eq!(filter.matches('(').count(), filter.matches(')').count());
    }

    #[test]
    fn pages_are_lines_that_the_scanner_counts() {
        let record = r#"{"start_time":"2026-11-22T09:00:00.000Z","remote_address":"192.0.2.1:4","status":0,"status_details":"filter_chain_not_found","upstream_response_flags":"NR","sni_host":null}"#;
        let text = serde_json::to_string(record).unwrap();
        let answer = format!(
            r#"{{"entries":[{{"insertId":"a","jsonPayload":{record}}},{{"insertId":"b","textPayload":{text}}}],"nextPageToken":"t"}}"#
        );
        let page = page(answer.as_bytes()).unwrap();
        assert_eq!(page.next.as_deref(), Some("t"));
        let mut scanner = AccessLogScanner::new();
        page.entries.iter().for_each(|(_, line)| scanner.feed(line.as_bytes()));
        assert_eq!(scanner.finish().reset_without_sni.count, 2);
        assert_eq!(super::page(b"{}").unwrap(), Page::default());
        assert!(super::page(b"[]").is_err() && super::page(br#"{"entries":7}"#).is_err());
    }
}
