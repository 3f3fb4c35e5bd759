//! Evidence for tests: the healthy base of `tests/checks/base.yaml` with small patches.
//!
//! A patch is an RFC 7386 merge patch with one addition, because replacing whole lists would hide what a case
//! is about. A mapping in place of a list changes the items with these names; `null` removes an item; an
//! unknown name adds an item, copied from the first one. `~end` selects the name with that ending.

#![expect(clippy::expect_used, reason = "a test that cannot read its files fails there")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use apigee_tls::evidence::part::Extent;
use apigee_tls::evidence::{Evidence, HybridQuestion, Source};
use apigee_tls::plan::{PLAN, Right};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A part of the evidence that a case may forbid as a whole.
pub(crate) struct ForbiddenPart {
    /// Name of its field.
    pub(crate) name: &'static str,
    /// Name of the missing source, from the part.
    what: String,
    /// The missing right.
    right: Right,
}

/// The parts that a case may forbid.
pub(crate) fn sources() -> Vec<ForbiddenPart> {
    let evidence = Evidence::not_gathered(HybridQuestion::default(), Timestamp::UNIX_EPOCH, "a test");
    let parts = evidence.parts();
    let forbidden = parts.iter().filter_map(|part| {
        let gap = part.gaps().into_iter().find(|gap| gap.extent == Extent::Part)?;
        let item = PLAN.iter().find(|item| part.sources().contains(&item.source))?;
        Some(ForbiddenPart { name: part.name(), what: gap.what.into_owned(), right: item.needs().pop()? })
    });
    forbidden.collect()
}

/// How the evidence of a case differs from the base.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Setting {
    /// `offline` starts from the part of the base that `--offline` leaves.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// Sources that respond with 403: a field of the evidence, or `logs` for the logs of all containers.
    #[serde(default)]
    pub(crate) forbidden: Vec<String>,
    /// The patch.
    #[serde(default)]
    pub(crate) evidence: Value,
    /// Connections of a capture `node.pcap`, by kind: patches of a group of completed handshakes with SNI.
    #[serde(default)]
    pub(crate) captured: Option<Vec<Value>>,
    /// A patch of that capture.
    #[serde(default)]
    pub(crate) capture: Value,
}

impl Setting {
    /// The evidence of the case.
    pub(crate) fn evidence(&self) -> Result<Evidence, String> {
        static BASE: LazyLock<Result<Value, String>> = LazyLock::new(|| read(&root().join("tests/checks/base.yaml")));
        let mut value = BASE.clone()?;
        if let Some(name) = &self.from {
            let start: Value = read(&root().join(format!("tests/checks/{name}.yaml")))?;
            merge(&mut value, &start)?;
        }
        if !self.evidence.is_null() {
            merge(&mut value, &self.evidence)?;
        }
        if let Some(groups) = &self.captured {
            value["captures"] = json!([capture(groups, &self.capture)?]);
        }
        for source in &self.forbidden {
            forbid(&mut value, source)?;
        }
        serde_json::from_value(value).map_err(|error| format!("the patched evidence does not fit: {error}"))
    }
}

/// Returns a capture of ten minutes before the base was collected.
fn capture(patches: &[Value], patch: &Value) -> Result<Value, String> {
    let (first, last) = ("2026-11-22T09:03:00Z", "2026-11-22T09:13:00Z");
    let mut groups = Vec::new();
    for (number, patch) in (1_u64..).zip(patches) {
        let mut group = json!({
            "signature": {
                "outcome": "completed", "name": "sent", "offered": "TLSv1.3", "chosen": "TLSv1.3", "preface": null,
                "speaks": null, "warned": null, "certificateRequested": false, "clientCertificate": "notSeen",
                "helloUnclear": false,
            },
            "flows": 1,
            "first": { "file": 0, "number": 10 * number },
            "firstAt": first,
            "lastAt": last,
            "filter": format!("tcp.stream == {number}"),
            "clients": { "10.138.0.28": { "count": 1, "first": first, "last": last } },
            "otherClients": 0,
            "servers": { "10.4.0.9:8443": 1 },
            "serverNames": { "api-test.mydomain.com": 1 },
            "otherServerNames": 0,
            "requestedAuthorities": [],
            "sample": null,
        });
        merge(&mut group, patch)?;
        groups.push(group);
    }
    let sum = |is_wanted: fn(&Value) -> bool| {
        groups.iter().filter(|group| is_wanted(group)).filter_map(|group| group["flows"].as_u64()).sum::<u64>()
    };
    let (flows, completed) = (sum(|_| true), sum(|group| group["signature"]["outcome"] == "completed"));
    let counts: [&str; 8] = [
        "packets",
        "tcpSegments",
        "straySegments",
        "cutPackets",
        "fragments",
        "udpDatagrams",
        "quicFlows",
        "dtlsFlows",
    ];
    let mut capture = json!({
        "files": [{
            "name": "node.pcap", "format": "pcap", "compressed": false, "packets": 400, "firstAt": first, "lastAt": last,
            "damage": null,
        }],
        "interrupted": false,
        "traffic": counts.map(|name| (name.to_owned(), json!(0))).into_iter().collect::<Map<String, Value>>(),
        "unread": {},
        "limits": { "flowsEvicted": 0, "segmentsDropped": 0, "chainsNotDescribed": 0, "packetsNotWritten": 0 },
        "elsewhere": 0,
        "summary": {
            "flows": flows, "withHello": flows, "completed": completed, "groups": groups, "otherGroups": 0,
            "clients": {}, "otherClients": 0, "serverNames": {}, "otherServerNames": 0, "minutes": {},
            "otherMinutes": 0,
        },
    });
    if !patch.is_null() {
        merge(&mut capture, patch)?;
    }
    Ok(capture)
}

/// The folder of the package.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A YAML file of the repository.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // Parsed as a value first, because YAML merge keys are resolved only there.
    let mut value: serde_yaml::Value =
        serde_yaml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    // A merged mapping may hold merges itself.
    loop {
        let before = value.clone();
        value.apply_merge().map_err(|error| format!("{}: {error}", path.display()))?;
        if value == before {
            break;
        }
    }
    serde_yaml::from_value(value).map_err(|error| format!("{}: {error}", path.display()))
}

/// The `.yaml` files of a folder, by name.
pub(crate) fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn forbid(evidence: &mut Value, source: &str) -> Result<(), String> {
    let refusal = |what: &str, verb: &str, resource: &str, group: &str| {
        let rule = json!({ "verb": verb, "resource": resource, "group": group, "namespace": "apigee" });
        json!({ "unavailable": { "what": what, "reason": { "forbidden": rule } } })
    };
    if source == Source::Logs.name() {
        for stream in evidence["accessLogs"].as_array_mut().into_iter().flatten() {
            let what = format!("the log of {}", key_of(stream).unwrap_or_default());
            stream["log"] = refusal(&what, "get", "pods/log", "");
        }
        return Ok(());
    }
    let known = sources().into_iter().find(|part| part.name == source);
    let ForbiddenPart { name, what, right } = known.ok_or_else(|| format!("{source} is no source"))?;
    evidence[name] = refusal(&what, right.verb, right.resource, right.group);
    if right.resource == "pods" {
        // Without pods there is no container whose log could be read.
        evidence["accessLogs"] = json!([]);
    }
    Ok(())
}

fn merge(target: &mut Value, patch: &Value) -> Result<(), String> {
    match (target, patch) {
        (Value::Array(items), Value::Object(changes)) => merge_items(items, changes),
        (target, Value::Object(changes)) => {
            if !target.is_object() {
                *target = json!({});
            }
            for (key, change) in changes {
                if change.is_null() {
                    target.as_object_mut().and_then(|entries| entries.remove(key));
                } else {
                    merge(&mut target[key.as_str()], change)?;
                }
            }
            Ok(())
        }
        (target, other) => {
            *target = other.clone();
            Ok(())
        }
    }
}

fn merge_items(items: &mut Vec<Value>, changes: &Map<String, Value>) -> Result<(), String> {
    let first = items.first().cloned();
    for (key, change) in changes {
        let known = items.iter().position(|item| {
            key_of(item).is_some_and(|name| match key.strip_prefix('~') {
                Some(end) => name.ends_with(end),
                None => name == *key,
            })
        });
        match (known, change) {
            (Some(i), Value::Null) => {
                items.remove(i);
            }
            (Some(i), change) => merge(&mut items[i], change)?,
            (None, _) if key.starts_with('~') => return Err(format!("no name ends with {key}")),
            (None, Value::Null) => return Err(format!("there is no {key} to remove")),
            (None, change) => {
                let mut item = first.clone().ok_or_else(|| format!("no item to copy for {key}"))?;
                name(&mut item, key);
                merge(&mut item, change)?;
                items.push(item);
            }
        }
    }
    Ok(())
}

/// The names of items without a name field: a target and a handshake of Edge its object, an endpoint its
/// place, a handshake its kind, Envoy's account its pod, a certificate its subject or serial number, a scan
/// its version.
const CALLED_BY: [&str; 13] = [
    "/name",
    "/object",
    "/name/value",
    "/place/pod/pod",
    "/place/service/service",
    "/place",
    "/kind",
    "/pod",
    "/subject",
    "/serial",
    "/version",
    "/origin/secret/name",
    "/origin/file/path",
];

/// Returns the name of an item; for a log stream `pod/container` or the file, for an address of a host
/// `dns 203.0.113.7`.
fn key_of(item: &Value) -> Option<String> {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let stream = || Some(format!("{}/{}", text("/origin/container/pod")?, text("/origin/container/container")?));
    let address = || Some(format!("{} {}", text("/place")?, text("/address")?));
    let called = || CALLED_BY.iter().find_map(|pointer| text(pointer));
    address().or_else(called).or_else(stream).or_else(|| text("/origin/file")).or_else(|| text("/origin/store"))
}

fn name(item: &mut Value, key: &str) {
    if item.pointer("/place/pod").is_some() {
        item["place"]["pod"]["pod"] = json!(key);
    } else if item.get("object").is_some() {
        item["object"] = json!(key);
    } else if item.get("serial").is_some() && item.get("subject").is_none() {
        item["serial"] = json!(key);
    } else if item.get("subject").is_some() {
        item["subject"] = json!(key);
    } else if item.get("kind").is_some() && item.get("asked").is_some() {
        item["kind"] = json!(key);
    } else if item.get("pod").is_some() {
        item["pod"] = json!(key);
    } else if item.pointer("/origin/secret").is_some() {
        item["origin"]["secret"]["name"] = json!(key);
    } else if item.get("origin").is_some() {
        item["origin"] = match key.split_once('/') {
            Some((pod, container)) => json!({ "container": { "pod": pod, "container": container } }),
            None if key.starts_with("Cloud Logging") => json!({ "store": key }),
            None => json!({ "file": key }),
        };
    } else if item.pointer("/name/value").is_some() {
        item["name"]["value"] = json!(key);
    } else {
        item["name"] = json!(key);
    }
}
