//! The measurements that tell the remaining causes apart, one for each failure.

use std::net::IpAddr;

use crate::checks::EdgeCause;
use crate::checks::facts::edge::{Observation, Origin};
use crate::evidence::edge::{Edge, Leg, LegHandshake};
use crate::verdict::{Measurement, shell_quoted, shell_word};

/// Maximum number of failures that are measured.
const MAX_FAILURES: usize = 4;

/// What is wrong with the certificate of a client.
const CLIENT_CERTIFICATES: &[EdgeCause] = &[
    EdgeCause::ClientCertificateMissing,
    EdgeCause::ClientCertificateExpired,
    EdgeCause::ClientCertificateNoClientAuth,
    EdgeCause::ClientCertificateUntrusted,
    EdgeCause::ClientCertificateAuthorityNotListed,
];

/// Groups observations by the failure that they explain: alternatives of one failure exclude each other, and
/// two failures each have a cause.
pub(super) fn failures<'a>(open: &[&'a Observation]) -> Vec<Vec<&'a Observation>> {
    let mut groups: Vec<Vec<&Observation>> = Vec::new();
    for observation in open {
        let is_of_group = |group: &&mut Vec<&Observation>| {
            group.iter().any(|other| {
                let is_own = !observation.is_reported() || !other.is_reported();
                other.is_beside(observation) && (is_own || other.shares_failure(observation))
            })
        };
        match groups.iter_mut().find(is_of_group) {
            Some(group) => group.push(observation),
            None => groups.push(vec![observation]),
        }
    }
    groups
}

/// Returns `cipher-mismatch or sni-missing at targetservers/be`: what fits a failure.
pub(super) fn alternatives(group: &[&Observation]) -> String {
    format!("{}{}", causes(group).join(" or "), place(group))
}

/// Returns the names of the causes that fit a failure.
pub(super) fn causes<'a>(group: &[&'a Observation]) -> Vec<&'a str> {
    group.iter().map(|observation| observation.cause.name()).collect()
}

/// Returns ` at targetservers/be`, or nothing if the place is not known.
pub(super) fn place(group: &[&Observation]) -> String {
    let subject = group.first().map(|observation| observation.subject()).filter(|subject| !subject.is_empty());
    subject.map(|subject| format!(" at {subject}")).unwrap_or_default()
}

/// Returns what decides each of these failures; absent if there are none.
pub(super) fn of_each(edge: &Edge, open: &[&Observation]) -> Option<Measurement> {
    let mut all: Vec<(String, Measurement)> = Vec::new();
    let groups = failures(open);
    for group in groups.iter().take(MAX_FAILURES) {
        let measurement = between(edge, group);
        if !all.iter().any(|(_, known)| *known == measurement) {
            all.push((alternatives(group), measurement));
        }
    }
    if all.len() < 2 {
        return all.pop().map(|(_, measurement)| measurement);
    }
    let more = groups.len().saturating_sub(MAX_FAILURES);
    let more = if more == 0 { String::new() } else { format!("; {more} more failures are open") };
    let why: Vec<String> = all.iter().map(|(failure, measurement)| format!("{failure}: {}", measurement.why)).collect();
    let commands: Vec<String> = all.into_iter().map(|(_, measurement)| measurement.command).collect();
    let why = format!("one measurement for each failure. {}{more}", why.join("; "));
    Some(Measurement { why, command: commands.join("\n") })
}

/// Returns what decides between these causes.
fn between(edge: &Edge, open: &[&Observation]) -> Measurement {
    let has = |cause: EdgeCause| open.iter().any(|observation| observation.cause == cause);
    let differs = open.iter().all(|observation| observation.origin == Origin::Handshake);
    let south = open.iter().any(|observation| observation.leg == Leg::Southbound);
    let is_ending = |observation: &&Observation| {
        matches!(observation.cause, EdgeCause::ResetInHello | EdgeCause::ClosedInHello | EdgeCause::HandshakeTimeout)
    };
    let is_of_header = has(EdgeCause::RouterNotReloaded);
    if differs && (is_of_header || open.iter().all(is_ending)) {
        let place = open.first().and_then(|first| endpoint(edge, first));
        let (host, port) = place.unwrap_or_else(|| ("ADDRESS".to_owned(), 443));
        let why = if is_of_header {
            "a capture at a Router shows whether what is in front of it sends a PROXY header"
        } else {
            "a capture shows which connections end so, and who ends them; give it with --pcap"
        };
        let of = if is_of_header { format!("port {port}") } else { format!("host {}", shell_word(&host)) };
        return Measurement { why: why.into(), command: format!("tcpdump -i any -s 0 {of} -w edge.pcap") };
    }
    // What is known needs no look.
    let is_open = edge.sends_sni().len() > 1;
    if differs && south && has(EdgeCause::SniMissing) && is_open && !edge.is_cloud() {
        return Measurement {
            why: "whether the Message Processor sends server_name decides; its file says so".into(),
            command: "grep enableSNIExtension /opt/apigee/edge-message-processor/conf/system.properties".into(),
        };
    }
    let is_of_offer = has(EdgeCause::ProtocolMismatch) || has(EdgeCause::CipherMismatch);
    if differs && south && is_of_offer && edge.question.java.len() > 1 {
        return Measurement {
            why: "the Java of the Message Processor decides; run again with --java after it is known".into(),
            command: "java -version".into(),
        };
    }
    let first = open.first().copied();
    let Some((host, port)) = first.and_then(|first| endpoint(edge, first)) else {
        return probe(edge, first.map(|first| first.leg));
    };
    let name = first.and_then(|first| first.objects.iter().find(|object| is_hostname(object)));
    at(&open.iter().map(|observation| observation.cause).collect::<Vec<_>>(), &host, port, name.map(String::as_str))
}

/// Returns whether an object is a hostname: no path, no socket and no address.
fn is_hostname(object: &str) -> bool {
    !object.contains(['/', ':', ' ']) && object.parse::<IpAddr>().is_err()
}

/// Returns what decides between these causes at a server. `name` is its name where `host` is an address.
fn at(causes: &[EdgeCause], host: &str, port: u16, name: Option<&str>) -> Measurement {
    let has = |cause: EdgeCause| causes.contains(&cause);
    let any = |wanted: &[EdgeCause]| causes.iter().any(|cause| wanted.contains(cause));
    // Java sends no SNI for an address, and the hostname of the server may not be known.
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let word = match name {
        _ if !is_address => shell_word(host),
        Some(name) => shell_word(name),
        None => "HOSTNAME".to_owned(),
    };
    let hint = if word == "HOSTNAME" { "; HOSTNAME is a name of the server" } else { "" };
    let socket = format!("{host}:{port}");
    let connect = shell_word(&socket);
    let client = || format!("openssl s_client -connect {connect} -servername {word}");
    let names = any(&[EdgeCause::SniMissing, EdgeCause::SniNotSentForName, EdgeCause::SniUnknown]);
    let (why, command) = match () {
        () if has(EdgeCause::NameNotResolved) => {
            ("whether the name can be resolved where the handshake fails decides", format!("getent ahosts {word}"))
        }
        () if has(EdgeCause::Unreachable) => {
            let host = shell_word(host.trim_matches(['[', ']']));
            (
                "whether a connection can be made from where the handshake fails decides",
                format!("nc -vz -w 10 {host} {port}"),
            )
        }
        () if has(EdgeCause::HandshakeTimeout) => (
            "run where the handshake fails, silence after CONNECTED is a ClientHello without an answer; without \
             CONNECTED, the port cannot be reached",
            format!("timeout 60 {} < /dev/null", client()),
        ),
        () if has(EdgeCause::CipherMismatch) && any(CLIENT_CERTIFICATES)
            || any(&[EdgeCause::ProtocolMismatch, EdgeCause::PlainTextPort])
            || has(EdgeCause::CipherMismatch) && !names =>
        {
            let sni = if is_address { format!(" --sni {word}") } else { String::new() };
            (
                "which versions and cipher suites the server accepts, whether it needs SNI and whether it requests a \
                 client certificate decide",
                format!("kubectl apigee-tls probe {connect}{sni} --full"),
            )
        }
        () if names => {
            let why = if has(EdgeCause::CipherMismatch) {
                "a server that needs SNI accepts the first and refuses the second; one without a common cipher suite \
                 refuses both"
            } else {
                "a server that needs SNI accepts the first and refuses the second; one that ends every ClientHello \
                 ends both"
            };
            (why, format!("{0} < /dev/null; openssl s_client -connect {connect} -noservername < /dev/null", client()))
        }
        () if any(CLIENT_CERTIFICATES) => {
            let host = shell_word(host.trim_matches(['[', ']']));
            let why = "a capture of the handshake, at the client or at the server, shows the certificate that is \
                       presented and the CAs that the server lists, unless TLS 1.3 encrypts both; judge it with --pcap";
            return Measurement {
                why: why.into(),
                command: format!("tcpdump -i any -s 0 -w handshake.pcap host {host} and port {port}"),
            };
        }
        () => ("the certificates that the server presents decide", format!("{} -showcerts < /dev/null", client())),
    };
    let hint = if command.contains(&word) { hint } else { "" };
    Measurement { why: format!("{why}{hint}"), command }
}

/// Returns what shows the messages of a handshake whose failure nothing explains.
pub(super) fn messages(made: &LegHandshake) -> Measurement {
    let address = made.address.map_or_else(|| made.host.clone(), |address| address.to_string());
    let place = crate::evidence::handshake::socket(&address, made.connected_port.unwrap_or(made.port));
    let name = match &made.handshake.server_name {
        Some(name) => format!("-servername {}", shell_word(name)),
        None => "-noservername".to_owned(),
    };
    Measurement {
        why: "the log of the server says why it ends the handshake; this shows the messages until then".into(),
        command: format!("openssl s_client -connect {} {name} -msg < /dev/null", shell_word(&place)),
    }
}

/// Where the first of them is.
pub(super) fn endpoint(edge: &Edge, observation: &Observation) -> Option<(String, u16)> {
    match observation.leg {
        Leg::Southbound => {
            let target = edge.targets.iter().find(|target| target.object == observation.subject());
            if let Some(target) = target {
                return Some((target.host.clone()?, target.port));
            }
            let (host, port) = observation.objects.iter().find_map(|object| object.rsplit_once(':'))?;
            Some((host.to_owned(), port.parse().ok()?))
        }
        Leg::Northbound => {
            let name = observation.subject().strip_prefix("virtualhosts/")?;
            let host = edge.virtual_hosts.get(name)?;
            Some((host.aliases.first()?.replacen('*', "www", 1), host.port?))
        }
    }
}

/// Returns the run that makes the handshakes which this one did not.
pub(super) fn probe(edge: &Edge, leg: Option<Leg>) -> Measurement {
    let question = &edge.question;
    let mut more: Vec<String> =
        leg.filter(|_| question.only_leg().is_none()).map(|leg| format!("--leg {leg}")).into_iter().collect();
    let mut why = "handshakes of this program show what the server accepts and presents".to_owned();
    // Without the URL that the user has in mind, credentials would go to that of the public cloud.
    if question.offline && !question.flags.iter().any(|flag| flag == "--management-url") {
        more.push("--management-url \"$MANAGEMENT_URL\"".into());
        why += " (set MANAGEMENT_URL to the URL of your Management API, and add its credentials)";
    }
    let flags = question.flags.iter().filter(|flag| *flag != "--offline");
    Measurement { why, command: command(edge, flags, &more) }
}

/// Returns the same run with more flags, which are words of a shell.
pub(super) fn again(edge: &Edge, more: &[String]) -> String {
    command(edge, edge.question.flags.iter(), more)
}

/// Returns a symptom as a word of a shell, on one line: what it means does not depend on spaces. Absent if no
/// quotes keep it.
fn pasted(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = shell_quoted(&line)?;
    Some(if line.starts_with('-') { quoted } else { shell_word(&line) })
}

fn command<'a>(edge: &'a Edge, mut flags: impl Iterator<Item = &'a String>, more: &[String]) -> String {
    let question = &edge.question;
    let mut command = format!(
        "kubectl apigee-tls edge diagnose --org {} --env {}",
        shell_word(&question.organization),
        shell_word(&question.environment)
    );
    while let Some(flag) = flags.next() {
        let value = if flag == "--offline" { None } else { flags.next() };
        let word = match value {
            Some(text) if flag == "--symptom" => match pasted(text) {
                Some(word) => Some(word),
                None => continue,
            },
            // What follows a flag was not written by this program.
            value => value.map(|value| if value == "-" { value.clone() } else { shell_word(value) }),
        };
        command.push(' ');
        command.push_str(flag);
        if let Some(word) = word {
            command.push(' ');
            command.push_str(&word);
        }
    }
    for word in more {
        command.push(' ');
        command.push_str(word);
    }
    command
}
