//! The plain reader: parses every line of a log in full into a value.

use std::fmt;

use apigee_tls::evidence::access_log::AccessLog;
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// Counts line by line, each parsed in full.
pub(crate) fn plain_reader(text: &str) -> AccessLog {
    let mut log = AccessLog { bytes: text.len() as u64, ..AccessLog::default() };
    let mut expected = Vec::new();
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        log.lines += 1;
        plain_line(line.trim_ascii(), &mut log, &mut expected);
        if log.lines == 1 {
            log.begins_with_record = log.records == 1;
        }
    }
    log
}

/// Returns whether a line opens a JSON document over several lines, which the plain reader cannot read.
pub(crate) fn opens_document(line: &str) -> bool {
    let line = line.trim();
    line == "{" || line.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{'))
}

/// Addresses and times of this program's own handshakes, each of which explains one reset without SNI.
type Expected = Vec<(String, Timestamp)>;

fn plain_line(line: &str, log: &mut AccessLog, expected: &mut Expected) {
    if !line.starts_with('{')
        && let Some((before, _)) = line.split_once("] \"")
        && let Some((_, moment)) = before.rsplit_once('[')
        && moment.parse::<Timestamp>().is_ok()
    {
        log.text_records += 1;
        return;
    }
    let is_part = ["sni_host\"", "status_details\"", "response_flags\""].iter().any(|key| line.contains(key));
    let is_other_form = names_fields(line) && !has_proper_key(line);
    let unread = |log: &mut AccessLog, is_broken: bool| {
        log.other_forms += u64::from(is_other_form);
        log.broken_lines += u64::from(is_broken && !is_other_form);
    };
    let mut objects = Vec::new();
    let mut rest = line;
    let mut begins_with_object = false;
    loop {
        let before_quote = &rest[..rest.find('"').unwrap_or(rest.len())];
        let start = before_quote
            .match_indices('{')
            .map(|(at, _)| at)
            .find(|at| matches!(rest[at + 1..].trim_start().bytes().next(), Some(b'"' | b'}')));
        let Some(start) = start else { break };
        begins_with_object |= objects.is_empty() && start == 0;
        let mut stream = serde_json::Deserializer::from_str(&rest[start..]).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else {
            unread(log, begins_with_object || is_part);
            return;
        };
        let names: Names = serde_json::from_str(&rest[start..start + stream.byte_offset()]).unwrap_or_default();
        objects.push((value, names.differ()));
        rest = &rest[start + stream.byte_offset()..];
    }
    log.proxy_lines += u64::from(objects.is_empty() && is_dated(line));
    if rest.contains('"') || objects.is_empty() {
        unread(log, begins_with_object || is_part);
        return;
    }
    for (object, is_ambiguous) in &objects {
        plain_record(object, *is_ambiguous, log, expected);
    }
}

/// All values of `sni_host` in an object.
#[derive(Default)]
struct Names(Vec<Value>);

impl Names {
    /// Returns whether two of them differ; an absent name has several forms.
    fn differ(&self) -> bool {
        let plain = |name: &Value| if matches!(name.as_str(), Some("" | "-")) { Value::Null } else { name.clone() };
        self.0.windows(2).any(|two| plain(&two[0]) != plain(&two[1]))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self::default())
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        while let Some((key, value)) = members.next_entry::<String, Value>()? {
            if key == "sni_host" {
                self.0.push(value);
            }
        }
        Ok(self)
    }
}

fn plain_record(record: &Value, is_ambiguous: bool, log: &mut AccessLog, expected: &mut Expected) {
    let has = |key| record.get(key).is_some();
    let text = |key| record.get(key).and_then(Value::as_str);
    if !has("sni_host") || !(has("status") || has("status_details") || has("upstream_response_flags")) {
        let known =
            ["sni_host", "status", "status_details", "start_time", "remote_address", "host", "request", "tls_protocol"];
        let is_foreign = known.iter().filter(|key| has(key)).count() >= 2;
        log.foreign_records += u64::from(is_foreign);
        let lacking = if has("sni_host") { "RESPONSE_CODE_DETAILS" } else { "REQUESTED_SERVER_NAME" };
        log.lacking.extend(is_foreign.then(|| lacking.to_owned()));
        let tells_resets = has("status_details") || has("status") && has("upstream_response_flags");
        if is_foreign && !has("sni_host") && tells_resets {
            let is_served = plain_status(record).is_some_and(|status| status >= 100.0) && is_over_tls(record);
            log.absent_names += u64::from(is_served || is_without_chain(record));
        }
        log.other_forms += u64::from(!is_foreign && record.to_string().contains("filter_chain_not_found"));
        return;
    }
    log.records += 1;
    let moment = text("start_time").and_then(|text| text.parse::<Timestamp>().ok());
    if let Some(moment) = moment {
        log.first = Some(log.first.map_or(moment, |first| first.min(moment)));
        log.last = Some(log.last.map_or(moment, |last| last.max(moment)));
    }
    if !(has("status_details") || has("status") && has("upstream_response_flags")) {
        log.lacking.insert("RESPONSE_CODE_DETAILS".to_owned());
    }
    let status = plain_status(record);
    let no_chain = is_without_chain(record);
    let minute = moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%MZ").to_string());
    let at = moment.zip(minute.as_deref());
    let client = text("remote_address").map(plain_client).filter(|client| !matches!(*client, "" | "-"));
    let name = text("sni_host").filter(|name| !matches!(*name, "" | "-")).map(str::to_lowercase);
    if is_ambiguous || name.is_none() && !record["sni_host"].is_null() && !record["sni_host"].is_string() {
        let is_served = status.is_some_and(|status| status >= 100.0) && is_over_tls(record);
        log.unreadable_names += u64::from(no_chain || is_served || is_ambiguous);
        return;
    }
    if name.as_ref().is_some_and(|name| name.ends_with(".apigee-tls.invalid")) {
        expected.extend(client.map(str::to_owned).zip(moment));
        log.own.count(moment, name.as_deref());
        return;
    }
    if no_chain
        && name.is_none()
        && let (Some(client), Some(moment)) = (client, moment)
        && let Some(at) = expected.iter().position(|(address, before)| {
            address == client && (0..=5_000).contains(&moment.duration_since(*before).as_millis())
        })
    {
        expected.remove(at);
        log.own.count_without_sni(Some(moment));
        return;
    }
    if no_chain {
        let tally = if name.is_some() { &mut log.reset_with_sni } else { &mut log.reset_without_sni };
        tally.count(at, client, name.as_deref());
    } else if let Some(name) = &name {
        let no_route = status == Some(404.0) && is_without_route(record);
        let host =
            text("host").map(|host| plain_client(host).to_lowercase()).filter(|host| !matches!(&**host, "" | "-"));
        if let Some(host) = host.filter(|host| (no_route || status == Some(421.0)) && host != name) {
            log.other_host.count(at, client, name, &host);
        }
    } else if name.is_none() && status.is_some_and(|status| status >= 100.0) && is_over_tls(record) {
        log.served_without_sni.count(at, client, None);
        if status == Some(404.0) && is_without_route(record) {
            log.unrouted_without_sni.count(at, client, None);
        }
    }
}

fn plain_status(record: &Value) -> Option<f64> {
    let status = record.get("status")?;
    status.as_f64().or_else(|| status.as_str()?.trim().parse().ok())
}

/// Whether the flags have that of a missing route; absent where they are no text.
fn plain_flags(record: &Value) -> Option<bool> {
    let flags = record.get("upstream_response_flags")?.as_str()?;
    Some(flags.split(',').any(|flag| flag == "NR"))
}

fn is_without_route(record: &Value) -> bool {
    let flags = plain_flags(record);
    match record.get("status_details").and_then(Value::as_str) {
        None | Some("" | "-") => flags == Some(true),
        Some(details) => {
            let confirms = flags.unwrap_or(record.get("upstream_response_flags").is_none_or(Value::is_null));
            details == "route_not_found" && confirms
        }
    }
}

fn is_without_chain(record: &Value) -> bool {
    let (status, flags) = (plain_status(record), plain_flags(record));
    match record.get("status_details") {
        None | Some(Value::Null) => status == Some(0.0) && flags == Some(true),
        Some(Value::String(details)) if matches!(&**details, "" | "-") => status == Some(0.0) && flags == Some(true),
        Some(details) => {
            let confirms = flags.unwrap_or(record.get("upstream_response_flags").is_none_or(Value::is_null));
            details == "filter_chain_not_found" && matches!(status, None | Some(0.0)) && confirms
        }
    }
}

fn names_fields(line: &str) -> bool {
    line.contains("filter_chain_not_found")
        || line.contains("sni_host") && ["response_flags", "status_details"].iter().any(|word| line.contains(word))
}

/// A field's name in quotes that are neither escaped nor doubled.
fn has_proper_key(line: &str) -> bool {
    let words = ["sni_host", "filter_chain_not_found", "response_flags", "upstream_response_flags", "status_details"];
    words.iter().any(|word| {
        line.match_indices(&format!("\"{word}\""))
            .any(|(at, quoted)| !line[..at].ends_with(['"', '\\']) && !line[at + quoted.len()..].starts_with('"'))
    })
}

/// A format without the key leaves nothing to contradict.
fn is_over_tls(record: &Value) -> bool {
    match record.get("tls_protocol") {
        None => true,
        Some(Value::Null) => false,
        Some(value) => !value.as_str().is_some_and(|text| matches!(text, "" | "-")),
    }
}

fn is_dated(line: &str) -> bool {
    let shape: String = line
        .trim_start_matches('[')
        .chars()
        .take(10)
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    shape == "0000-00-00" && !line.starts_with("[[")
}

fn plain_client(address: &str) -> &str {
    match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((client, _)) => client,
        None if address.starts_with('[') || address.matches(':').count() != 1 => address,
        None => address.split(':').next().unwrap_or_default(),
    }
}
