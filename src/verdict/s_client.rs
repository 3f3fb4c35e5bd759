//! Makes the `openssl s_client` command that repeats a handshake, so that it can be verified without this
//! program.

use super::shell::word;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, EndpointOrigin, Handshake, ProbeQuestion, Trust, socket};

/// Local port of the port-forward in the command.
const LOCAL_PORT: u16 = 18443;

/// Returns the command, with a port-forward before it where a pod is the endpoint.
#[must_use]
pub(crate) fn command(question: &ProbeQuestion, namespace: &str, endpoint: &Endpoint, handshake: &Handshake) -> String {
    let mut words = Vec::new();
    let target = match (&endpoint.place, endpoint.address, &endpoint.host) {
        (EndpointOrigin::Pod { pod }, _, _) => {
            words.push(format!(
                "kubectl -n {} port-forward {} {LOCAL_PORT}:{} & sleep 2;",
                word(namespace),
                word(&format!("pod/{pod}")),
                endpoint.port
            ));
            socket("127.0.0.1", LOCAL_PORT)
        }
        (_, Some(address), _) => socket(&address.to_string(), endpoint.port),
        (_, None, Some(host)) => socket(host, endpoint.port),
        (_, None, None) => socket("HOST", endpoint.port),
    };
    // Every shell can pipe. PowerShell cannot read from /dev/null.
    words.push(format!("echo Q | openssl s_client -connect {}", word(&target)));
    if let Some(proxy) = &question.via_proxy {
        words.push(format!("-proxy {}", word(proxy)));
    }
    match &handshake.server_name {
        Some(name) => words.push(format!("-servername {}", word(name))),
        None => words.push("-noservername".into()),
    }
    for (flag, version) in [("-min_protocol", &question.min_version), ("-max_protocol", &question.max_version)] {
        if let Some(version) = version {
            // s_client spells TLS 1.0 without its zero.
            words.push(format!("{flag} {}", if version == "TLSv1.0" { "TLSv1" } else { version }));
        }
    }
    if let Some(ciphers) = &question.ciphers {
        let (new, old): (Vec<&str>, Vec<&str>) =
            ciphers.split([':', ',', ' ']).filter(|name| !name.is_empty()).partition(|name| name.starts_with("TLS_"));
        for (flag, list) in [("-ciphersuites", new), ("-cipher", old)] {
            if !list.is_empty() {
                words.push(format!("{flag} {}", word(&list.join(":"))));
            }
        }
    }
    if !question.alpn.is_empty() && handshake.kind != ClientHelloKind::Unknown {
        words.push(format!("-alpn {}", word(&question.alpn.join(","))));
    }
    if let Trust::File(path) = &question.trust {
        words.push(format!("-CAfile {}", word(path)));
    }
    for (flag, path) in [("-cert", &question.client_certificate), ("-key", &question.client_key)] {
        if let Some(path) = path {
            words.push(format!("{flag} {}", word(path)));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Seen;
    use crate::evidence::handshake::Scan;
    use jiff::Timestamp;

    fn handshake(server_name: Option<&str>) -> Handshake {
        let kind = if server_name.is_some() { ClientHelloKind::Named } else { ClientHelloKind::WithoutSni };
        Handshake::begun(kind, server_name.map(Into::into), true, Timestamp::UNIX_EPOCH)
    }

    fn endpoint(place: EndpointOrigin, address: Option<&str>) -> Endpoint {
        Endpoint {
            place,
            host: Some("api.example.com".into()),
            port: 8443,
            named_port: None,
            address: address.map(|address| address.parse().unwrap()),
            handshakes: Vec::new(),
            scan: Seen::Seen(Scan::default()),
        }
    }

    #[test]
    fn repeats_what_was_done() {
        let question = ProbeQuestion {
            max_version: Some("TLSv1.2".into()),
            ciphers: Some("ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256".into()),
            trust: Trust::File("my ca.pem".into()),
            ..ProbeQuestion::default()
        };
        let given = endpoint(EndpointOrigin::Given, Some("::1"));
        assert_eq!(
            command(&question, "apigee", &given, &handshake(None)),
            "echo Q | openssl s_client -connect '[::1]:8443' -noservername -max_protocol TLSv1.2 -ciphersuites \
             TLS_AES_128_GCM_SHA256 -cipher ECDHE-RSA-AES128-GCM-SHA256 -CAfile 'my ca.pem'"
        );
        let pod = endpoint(EndpointOrigin::Pod { pod: "gw-1".into() }, None);
        assert_eq!(
            command(&ProbeQuestion::default(), "apigee", &pod, &handshake(Some("a.example"))),
            "kubectl -n apigee port-forward pod/gw-1 18443:8443 & sleep 2; echo Q | openssl s_client -connect \
             127.0.0.1:18443 -servername a.example"
        );
    }
}
