//! Makes the `openssl s_client` command that repeats a handshake, so that it can be verified without this
//! program.

use super::shell::word;
use crate::evidence::handshake::{
    ClientHelloKind, Endpoint, EndpointOrigin, Handshake, ProbeQuestion, Trust, is_legacy_version, socket,
};

/// Local port of the port-forward in the command.
const LOCAL_PORT: u16 = 18443;

/// What `probe` offers by ALPN without --alpn, and its time limit in milliseconds without --timeout.
const USUAL_ALPN: &str = "h2,http/1.1";
const USUAL_TIMEOUT: u64 = 10_000;

/// Returns the command, with a port-forward before it where a pod is the endpoint.
#[must_use]
pub(crate) fn command(question: &ProbeQuestion, namespace: &str, endpoint: &Endpoint, handshake: &Handshake) -> String {
    // openssl sends no PROXY protocol header.
    if question.proxy_protocol {
        return of_this_program(question, endpoint, handshake);
    }
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
    let is_legacy = [&question.min_version, &question.max_version].into_iter().flatten();
    let chosen = handshake.session.as_ref().map(|session| &session.protocol);
    let is_legacy = is_legacy.into_iter().chain(chosen).any(|version| is_legacy_version(version));
    if question.ciphers.is_some() || is_legacy {
        let ciphers = question.ciphers.as_deref().unwrap_or("DEFAULT");
        let (new, mut old): (Vec<&str>, Vec<&str>) =
            ciphers.split([':', ',', ' ']).filter(|name| !name.is_empty()).partition(|name| name.starts_with("TLS_"));
        // As this program does: otherwise openssl offers no old version.
        if is_legacy && !old.is_empty() {
            old.push("@SECLEVEL=0");
        }
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

/// Returns the command of this program that makes the handshake again.
fn of_this_program<'a>(question: &'a ProbeQuestion, endpoint: &Endpoint, handshake: &Handshake) -> String {
    let address = endpoint.address.map(|address| address.to_string());
    let host = endpoint.host.clone().or_else(|| address.clone()).unwrap_or_else(|| "HOST".to_owned());
    let mut words = vec![format!("kubectl apigee-tls probe {}", word(&socket(&host, endpoint.named_port())))];
    if let Some(address) = address.filter(|address| *address != host) {
        words.push(format!("--connect-to {}", word(&socket(&address, endpoint.port))));
    }
    match &handshake.server_name {
        Some(name) if *name == host => {}
        Some(name) => words.push(format!("--sni {}", word(name))),
        None => words.push("--no-sni".into()),
    }
    words.push("--proxy-protocol".into());
    // The name of a client implies its versions and suites.
    let unless_client = |text: &'a Option<String>| text.as_deref().filter(|_| question.client.is_none());
    let texts = [
        ("--client", question.client.as_deref()),
        ("--tls-min", unless_client(&question.min_version)),
        ("--tls-max", unless_client(&question.max_version)),
        ("--ciphers", unless_client(&question.ciphers)),
        ("--cert", question.client_certificate.as_deref()),
        ("--key", question.client_key.as_deref()),
    ];
    words.extend(texts.iter().filter_map(|(flag, text)| Some(format!("{flag} {}", word((*text)?)))));
    let alpn = question.alpn.join(",");
    if alpn.is_empty() {
        words.push("--alpn=".into());
    } else if alpn != USUAL_ALPN {
        words.push(format!("--alpn {}", word(&alpn)));
    }
    if let Trust::File(path) = &question.trust {
        words.push(format!("--ca-file {}", word(path)));
    }
    if question.timeout_milliseconds != USUAL_TIMEOUT {
        let milliseconds = question.timeout_milliseconds;
        let is_whole = milliseconds.is_multiple_of(1000);
        words.push(if is_whole {
            format!("--timeout {}s", milliseconds / 1000)
        } else {
            format!("--timeout {milliseconds}ms")
        });
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Seen;
    use crate::evidence::handshake::{Scan, Session};
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
        let old = ProbeQuestion { max_version: Some("TLSv1.0".into()), ..ProbeQuestion::default() };
        assert_eq!(
            command(&old, "apigee", &given, &handshake(None)),
            "echo Q | openssl s_client -connect '[::1]:8443' -noservername -max_protocol TLSv1 -cipher \
             DEFAULT:@SECLEVEL=0"
        );
        let mut answered = handshake(None);
        answered.session = Some(Session { protocol: "TLSv1.0".into(), ..Session::default() });
        assert_eq!(
            command(&ProbeQuestion::default(), "apigee", &given, &answered),
            "echo Q | openssl s_client -connect '[::1]:8443' -noservername -cipher DEFAULT:@SECLEVEL=0"
        );
        let pod = endpoint(EndpointOrigin::Pod { pod: "gw-1".into() }, None);
        assert_eq!(
            command(&ProbeQuestion::default(), "apigee", &pod, &handshake(Some("a.example"))),
            "kubectl -n apigee port-forward pod/gw-1 18443:8443 & sleep 2; echo Q | openssl s_client -connect \
             127.0.0.1:18443 -servername a.example"
        );
    }

    #[test]
    fn a_run_with_a_proxy_header_is_repeated_by_this_program_with_all_its_flags() {
        let question = ProbeQuestion {
            min_version: Some("TLSv1.2".into()),
            alpn: vec!["h2".into()],
            trust: Trust::File("ca.pem".into()),
            client_certificate: Some("me.pem".into()),
            proxy_protocol: true,
            timeout_milliseconds: 2500,
            ..ProbeQuestion::default()
        };
        let given = endpoint(EndpointOrigin::Given, Some("203.0.113.7"));
        let flags = "--proxy-protocol --tls-min TLSv1.2 --cert me.pem --alpn h2 --ca-file ca.pem --timeout 2500ms";
        let begin = "kubectl apigee-tls probe api.example.com:8443 --connect-to 203.0.113.7:8443";
        assert_eq!(
            command(&question, "apigee", &given, &handshake(Some("api.example.com"))),
            format!("{begin} {flags}")
        );
        assert_eq!(
            command(&question, "apigee", &given, &handshake(Some("other.example"))),
            format!("{begin} --sni other.example {flags}")
        );
        assert_eq!(command(&question, "apigee", &given, &handshake(None)), format!("{begin} --no-sni {flags}"));
        let plain = ProbeQuestion {
            alpn: vec!["h2".into(), "http/1.1".into()],
            proxy_protocol: true,
            timeout_milliseconds: 10_000,
            ..ProbeQuestion::default()
        };
        assert_eq!(command(&plain, "apigee", &given, &handshake(None)), format!("{begin} --no-sni --proxy-protocol"));
        let java = ProbeQuestion {
            client: Some("java8-classic".into()),
            min_version: Some("TLSv1.0".into()),
            ciphers: Some("AES128-SHA".into()),
            ..plain
        };
        assert_eq!(
            command(&java, "apigee", &given, &handshake(None)),
            format!("{begin} --no-sni --proxy-protocol --client java8-classic")
        );
    }
}
