//! The patch that turns one state of an ApigeeRoute into another, and changes nothing else: fields that this
//! program does not know stay as they are.
//!
//! The patch that undoes it is the one between the same states in the opposite direction.

use super::flow::Flow;
use super::manifest;
use crate::evidence::hybrid::{Port, Route};
use crate::verdict::{Target, shell_word as word};

/// Returns the `kubectl patch` command from one state of a route to another; `None` if they do not differ.
pub(super) fn between(target: &Target, before: &Route, after: &Route) -> Option<String> {
    let (kind, patch) =
        if before.ports == after.ports { ("merge", merge(before, after)?) } else { ("json", json(before, after)) };
    let name = word(&before.name);
    Some(target.kubectl_in_namespace(&format!("patch apigeeroute {name} --type {kind} -p '{patch}'")))
}

/// A merge patch. kubectl takes a text that begins with `{` for JSON, so the outermost mapping is in block
/// style.
fn merge(before: &Route, after: &Route) -> Option<String> {
    let mut spec = Vec::new();
    if before.enable_non_sni_client != after.enable_non_sni_client {
        spec.push(("enableNonSniClient".to_owned(), after.enable_non_sni_client.map_or(Flow::Null, Flow::Flag)));
    }
    if before.selector != after.selector {
        let gone = before.selector.keys().filter(|key| !after.selector.contains_key(*key));
        let gone = gone.map(|key| (key.clone(), Flow::Null));
        let now = after.selector.iter().filter(|(key, value)| before.selector.get(*key) != Some(value));
        let now = now.map(|(key, value)| (key.clone(), Flow::text(value)));
        spec.push(("selector".to_owned(), Flow::Map(now.chain(gone).collect())));
    }
    (!spec.is_empty()).then(|| format!("spec: {}", Flow::Map(spec)))
}

/// A JSON patch: a merge patch would replace the whole list of ports. Each port is tested before it is
/// changed, because the list may have changed since it was read.
fn json(before: &Route, after: &Route) -> String {
    let mut operations = Vec::new();
    if before.enable_non_sni_client != after.enable_non_sni_client {
        let value = after.enable_non_sni_client.map(Flow::Flag);
        operations.push(set("/spec/enableNonSniClient".into(), value));
    }
    if before.selector != after.selector {
        operations.push(set("/spec/selector".into(), Some(manifest::labels(&after.selector))));
    }
    match (before.ports.as_slice(), after.ports.as_slice()) {
        ([], ports) => {
            let ports = ports.iter().map(manifest::port).collect();
            operations.push(set("/spec/ports".into(), Some(Flow::List(ports))));
        }
        (ports, []) => {
            operations.extend(test(0, &ports[0]));
            operations.push(set("/spec/ports".into(), None));
        }
        (old, new) => {
            for (number, (old, new)) in old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
                operations.extend(test(number, old));
                operations.extend(change(number, old, new));
            }
            for new in new.iter().skip(old.len()) {
                operations.push(set("/spec/ports/-".into(), Some(manifest::port(new))));
            }
            for (number, old) in old.iter().enumerate().skip(new.len()).rev() {
                operations.extend(test(number, old));
                operations.push(set(format!("/spec/ports/{number}"), None));
            }
        }
    }
    Flow::List(operations).to_string()
}

fn test(number: usize, port: &Port) -> Option<Flow> {
    let value = Flow::Number(port.number?);
    let path = Flow::text(format!("/spec/ports/{number}/number"));
    Some(Flow::map([("op", Flow::text("test")), ("path", path), ("value", value)]))
}

fn change(number: usize, old: &Port, new: &Port) -> Vec<Flow> {
    let path = |field: &str| format!("/spec/ports/{number}/{field}");
    let text = |value: &Option<String>| value.as_ref().map(Flow::text);
    let mut operations = Vec::new();
    if old.protocol != new.protocol {
        operations.push(set(path("protocol"), text(&new.protocol)));
    }
    match (&old.tls, &new.tls) {
        (Some(old), Some(new)) => {
            for (field, old, new) in
                [("mode", &old.mode, &new.mode), ("credentialName", &old.credential_name, &new.credential_name)]
            {
                if old != new {
                    operations.push(set(path(&format!("tls/{field}")), text(new)));
                }
            }
        }
        (None, Some(new)) => operations.push(set(path("tls"), Some(manifest::tls(new)))),
        (Some(_), None) => operations.push(set(path("tls"), None)),
        (None, None) => {}
    }
    operations
}

/// `add` also replaces what is there.
fn set(path: String, value: Option<Flow>) -> Flow {
    match value {
        Some(value) => Flow::map([("op", Flow::text("add")), ("path", Flow::Text(path)), ("value", value)]),
        None => Flow::map([("op", Flow::text("remove")), ("path", Flow::Text(path))]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evidence::hybrid::Tls;

    fn route() -> Route {
        let tls = Tls { mode: Some("SIMPLE".into()), credential_name: Some("shop".into()), ..Tls::default() };
        Route {
            name: "catch-all".into(),
            enable_non_sni_client: Some(true),
            selector: BTreeMap::from([("app".into(), "gate".into())]),
            ports: vec![Port { number: Some(443), protocol: Some("HTTPS".into()), tls: Some(tls) }],
            ..Route::default()
        }
    }

    fn patch(before: &Route, after: &Route) -> String {
        let target = Target { namespace: "apigee".into(), ..Target::default() };
        let command = between(&target, before, after).unwrap_or_default();
        command.replace("kubectl -n apigee patch apigeeroute catch-all --type ", "")
    }

    #[test]
    fn one_fault_is_one_change_and_undone_by_one() {
        let right = route();
        let flag = Route { enable_non_sni_client: Some(false), ..route() };
        assert_eq!(patch(&flag, &right), "merge -p 'spec: {enableNonSniClient: true}'");
        assert_eq!(patch(&right, &flag), "merge -p 'spec: {enableNonSniClient: false}'");
        let absent = Route { enable_non_sni_client: None, ..route() };
        assert_eq!(patch(&right, &absent), "merge -p 'spec: {enableNonSniClient: null}'");
        let selector = Route { selector: BTreeMap::from([("ingress_name".into(), "true".into())]), ..route() };
        assert_eq!(patch(&selector, &right), "merge -p 'spec: {selector: {app: gate, ingress_name: null}}'");
        assert_eq!(patch(&right, &selector), "merge -p 'spec: {selector: {ingress_name: \"true\", app: null}}'");
        assert_eq!(patch(&right, &right), "");
    }

    #[test]
    fn a_port_is_tested_before_it_is_changed() {
        let right = route();
        let mut secret = route();
        secret.ports[0].tls.as_mut().unwrap().credential_name = Some("gone".into());
        assert_eq!(
            patch(&secret, &right),
            "json -p '[{op: test, path: /spec/ports/0/number, value: 443}, \
             {op: add, path: /spec/ports/0/tls/credentialName, value: shop}]'"
        );
        let mut plain = route();
        plain.ports[0] = Port { number: Some(80), protocol: Some("HTTP".into()), tls: None };
        let mut both = plain.clone();
        both.ports.extend(route().ports);
        assert_eq!(
            patch(&plain, &both),
            "json -p '[{op: add, path: /spec/ports/-, value: {number: 443, protocol: HTTPS, tls: {mode: SIMPLE, \
             credentialName: shop}}}]'"
        );
        assert_eq!(
            patch(&both, &plain),
            "json -p '[{op: test, path: /spec/ports/1/number, value: 443}, {op: remove, path: /spec/ports/1}]'"
        );
    }
}
