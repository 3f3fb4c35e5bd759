//! The ephemeral container that records: what is created, and what runs in it.
//!
//! A container with an ordinary shell and tcpdump is enough. The shell waits for a line, so that nothing is
//! written before somebody reads; a second line, or the end of its input, ends tcpdump. It also ends by
//! itself, should this machine vanish, and when the pod ends, which it must not delay.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::RecordOptions;

/// Time that the container is given beyond the recording itself: to be attached to, and to end.
pub(super) const SLACK: Duration = Duration::from_mins(2);

/// A background job has no standard input of its own, therefore descriptor 3. Source: POSIX, Asynchronous
/// Lists.
const SCRIPT: &str = r#"exec 3<&0
trap 'exit 143' TERM
(
  read -r begin <&3 || exit 0
  "$@" &
  tcpdump=$!
  (read -r end <&3; kill "$tcpdump") >/dev/null 2>&1 &
  wait "$tcpdump"
) &
work=$!
(sleep LIMIT; kill "$work") >/dev/null 2>&1 &
wait "$work"
"#;

/// Returns the change to a pod that adds the container.
pub(super) fn change(options: &RecordOptions, name: &str, addresses: &[IpAddr]) -> Value {
    let limit = (options.duration + SLACK).as_secs();
    let mut command = vec!["sh".to_owned(), "-c".into(), SCRIPT.replace("LIMIT", &limit.to_string()), "sh".into()];
    // As root, because Kubernetes gives capabilities to no other user; without leaving root, because the
    // shell must be allowed to end it.
    command.extend("tcpdump -i any -n -s 0 -U -w - -Z root".split(' ').map(str::to_owned));
    if let Some(count) = options.count {
        command.extend(["-c".to_owned(), count.to_string()]);
    }
    command.push(filter(&options.ports, addresses, &options.clients));
    json!({ "spec": { "ephemeralContainers": [{
        "name": name,
        "image": options.image,
        "imagePullPolicy": options.pull_policy,
        "command": command,
        "stdin": true,
        "stdinOnce": true,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            // tcpdumps that are built to leave root call setgroups, whoever they stay.
            "capabilities": { "drop": ["ALL"], "add": ["NET_RAW", "SETGID", "SETUID"] },
            "privileged": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": false,
            "runAsUser": 0,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
    }] } })
}

/// Returns the filter for connections to these ports of the pod: the gateway itself connects to the same
/// ports elsewhere.
fn filter(ports: &[u16], addresses: &[IpAddr], clients: &[IpAddr]) -> String {
    let any = |terms: Vec<String>| match terms.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("({})", several.join(" or "))),
    };
    let end = |side: &str| {
        let ports = any(ports.iter().map(|port| format!("tcp {side} port {port}")).collect());
        let hosts = any(addresses.iter().map(|address| format!("{side} host {address}")).collect());
        let terms: Vec<String> = ports.into_iter().chain(hosts).collect();
        format!("({})", terms.join(" and "))
    };
    let ends = format!("({} or {})", end("dst"), end("src"));
    match any(clients.iter().map(|client| format!("host {client}")).collect()) {
        Some(clients) => format!("{ends} and {clients}"),
        None => ends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_connections_to_the_pod_only() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let pod = [address("10.1.0.7")];
        assert_eq!(
            filter(&[8443], &pod, &[]),
            "((tcp dst port 8443 and dst host 10.1.0.7) or (tcp src port 8443 and src host 10.1.0.7))"
        );
        assert_eq!(
            filter(&[443, 8443], &[pod[0], address("fd00::7")], &[address("192.0.2.1")]),
            "(((tcp dst port 443 or tcp dst port 8443) and (dst host 10.1.0.7 or dst host fd00::7)) or \
             ((tcp src port 443 or tcp src port 8443) and (src host 10.1.0.7 or src host fd00::7))) and host 192.0.2.1"
        );
    }

    #[test]
    fn the_container_ends_by_itself() {
        let options = RecordOptions { duration: Duration::from_mins(1), ..RecordOptions::default() };
        let change = change(&options, "recorder", &["10.1.0.7".parse().unwrap()]);
        assert!(change.to_string().contains("(sleep 180;"), "{change}");
    }
}
