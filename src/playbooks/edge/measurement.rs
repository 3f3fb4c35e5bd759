//! The one measurement that tells the remaining causes apart.

use crate::checks::EdgeCause;
use crate::checks::facts::edge::{Observation, Origin};
use crate::evidence::edge::{Edge, Leg};
use crate::verdict::{Measurement, shell_word};

/// Returns what decides between these causes.
pub(super) fn between(edge: &Edge, open: &[&Observation]) -> Measurement {
    let has = |cause: EdgeCause| open.iter().any(|observation| observation.cause == cause);
    let differs = open.iter().all(|observation| observation.origin == Origin::Handshake);
    let south = open.iter().any(|observation| observation.leg == Leg::Southbound);
    if differs && south && has(EdgeCause::SniMissing) {
        return Measurement {
            why: "whether the Message Processor sends server_name decides; its file says so".into(),
            command: "grep enableSNIExtension /opt/apigee/edge-message-processor/conf/system.properties".into(),
        };
    }
    if differs && south && (has(EdgeCause::ProtocolMismatch) || has(EdgeCause::CipherMismatch)) {
        return Measurement {
            why: "the Java of the Message Processor decides; run again with --java after it is known".into(),
            command: "java -version".into(),
        };
    }
    let first = open.first().copied();
    let Some((host, port)) = first.and_then(|first| endpoint(edge, first)) else {
        return probe(edge, first.map(|first| first.leg));
    };
    let host_word = shell_word(&host);
    let connect = shell_word(&format!("{host}:{port}"));
    let is_about_name = has(EdgeCause::SniMissing) || has(EdgeCause::SniUnknown);
    let (why, command) = if is_about_name {
        (
            "a server that needs SNI accepts the first and refuses the second; one without a common cipher suite refuses both",
            format!(
                "openssl s_client -connect {connect} -servername {host_word} < /dev/null; openssl s_client -connect {connect} -noservername < /dev/null"
            ),
        )
    } else {
        (
            "the certificates that the server presents decide",
            format!("openssl s_client -connect {connect} -servername {host_word} -showcerts < /dev/null"),
        )
    };
    Measurement { why: why.into(), command }
}

/// Where the first of them is.
fn endpoint(edge: &Edge, observation: &Observation) -> Option<(String, u16)> {
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

fn command<'a>(edge: &'a Edge, flags: impl Iterator<Item = &'a String>, more: &[String]) -> String {
    let question = &edge.question;
    let mut command = format!(
        "kubectl apigee-tls edge diagnose --org {} --env {}",
        shell_word(&question.organization),
        shell_word(&question.environment)
    );
    let mut is_value = false;
    for word in flags {
        command.push(' ');
        // A flag is written by this program, what follows it is not.
        let is_flag = !is_value && word.starts_with("--");
        command.push_str(&if is_flag || word == "-" { word.clone() } else { shell_word(word) });
        is_value = is_flag && word != "--offline";
    }
    for word in more {
        command.push(' ');
        command.push_str(word);
    }
    command
}
