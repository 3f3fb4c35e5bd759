//! Judges a kind of connection in a capture: whether it failed, for which clients, and the possible causes.
//!
//! A pure function of [`Signature`]. A kind that is a fault names its check of the family `capture`; several
//! kinds may share one. The same fault has different alerts in different TLS libraries, so a kind is
//! identified by sender, stage and number together, and offers a set of causes. Which library sends which
//! alert was measured: OpenSSL 3, and the JSSE of JDK 17.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capture::{
    captured_alert_hidden as alert_hidden, captured_alpn_refused as alpn_refused,
    captured_cipher_suite_refused as suite_refused, captured_client_certificate_missing as client_certificate_missing,
    captured_client_certificate_rejected as client_certificate_rejected, captured_client_gives_up as client_gives_up,
    captured_client_not_tls as client_not_tls, captured_client_without_sni_refused as without_sni_refused,
    captured_connection_refused as connection_refused, captured_handshake_broken as handshake_broken,
    captured_protocol_version_refused as version_refused, captured_proxy_header_refused as proxy_header_refused,
    captured_server_certificate_rejected as server_certificate_rejected,
    captured_server_name_is_address as name_is_address, captured_server_name_refused as name_refused,
    captured_server_not_tls as server_not_tls, captured_server_silent as server_silent,
};
use crate::checks::facts::versions::TooOld;
use crate::checks::{Check, Code, Level};
use crate::evidence::capture::{ClientChainKind, Flow, NameKind, Outcome, Preface, Signature};
use crate::evidence::handshake::{Party, Stage, alert_name};

/// The judgement of a kind of connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kind {
    /// The name of the kind in kebab case.
    pub name: String,
    /// The check that judges it; absent for connections that are no fault.
    pub code: Option<Code>,
    pub standing: Standing,
    /// One sentence without a full stop: subject, verb, object.
    pub sentence: String,
    /// Possible causes, the most likely first.
    pub causes: Vec<String>,
    /// It rests on a guess, which the sentence states.
    pub is_guess: bool,
}

/// How a kind is judged.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// The handshake failed.
    Failed(Level),
    /// The capture does not show it.
    Unknown,
    /// It is not a handshake, or the capture has only a part of it: no failure is visible.
    Beside,
    Good,
}

impl Standing {
    /// The handshake failed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// Maximum number of signatures of which the judgement is remembered.
const MAX_KNOWN: usize = 256;

/// Names of the kinds of refused versions, by the client.
const VERSION_TOO_NEW: &str = "version-too-new";
const VERSION_TOO_OLD: &str = "version-too-old";

const NO_ROUTE: &str = "the gateway has no route for clients without SNI (Apigee hybrid: no wildcard route, or `enableNonSniClient` is off)";
const NAME_IS_ADDRESS: &str = "no route has an IP address as its name; the client has to send a hostname";
const NEEDS_NAME: &str = "the server needs SNI, and the ClientHello has none";
const UNKNOWN_NAME: &str = "no route or virtual host has this server name";
const NO_SUITE: &str = "the server shares no cipher suite, group or signature algorithm with the client";
const FIREWALL: &str = "a firewall or proxy between the two ends the connection";
const NOT_TLS_PORT: &str = "the port does not speak TLS";
const LARGE_HELLO: &str = "a device on the way cannot handle a ClientHello of more than one segment";
const INTERMEDIATE: &str = "the server does not send the intermediate certificate";
const UNTRUSTED: &str = "the client does not trust the CA of the server's certificate";
const NAME_MISMATCH: &str = "the certificate does not cover the name that the client asks for";
const EXPIRED: &str = "a certificate of the chain has expired or is not yet valid";
const CLIENT_HAS_NONE: &str = "the client has no certificate of the CAs that the server lists";
const CLIENT_UNTRUSTED: &str = "the server's truststore lacks the CA of the client's certificate";

/// Judges the flows with this signature.
#[must_use]
pub fn judge(signature: &Signature) -> Kind {
    let mut kind = of_outcome(signature);
    if let Some(side) = signature.uncaptured
        && kind.standing.is_failure()
    {
        kind.sentence = format!("{}; the {}'s part is not in the capture", kind.sentence, side_name(side));
    }
    kind
}

/// Judges flow by flow, each signature once: a capture has many flows of few signatures.
#[derive(Debug, Default)]
pub struct FlowJudge {
    known: Vec<(Signature, Kind)>,
}

impl FlowJudge {
    /// Judges a flow like [`judge`].
    pub fn judge(&mut self, flow: &Flow) -> &Kind {
        let known = self.known.iter().position(|(signature, _)| signature.is_of(flow));
        let position = known.unwrap_or_else(|| {
            if self.known.len() >= MAX_KNOWN {
                self.known.clear();
            }
            let signature = Signature::of(flow);
            let kind = judge(&signature);
            self.known.push((signature, kind));
            self.known.len() - 1
        });
        &self.known[position].1
    }
}

/// Returns how a sentence names a side.
pub(crate) fn side_name(side: Party) -> &'static str {
    if side == Party::Client { "client" } else { "server" }
}

fn of_outcome(signature: &Signature) -> Kind {
    match signature.outcome {
        Outcome::Completed => kind("completed", Standing::Good, "handshake completed", &[]),
        Outcome::Unanswered => failed(
            &connection_refused::CHECK,
            "unanswered",
            "server does not answer the SYN",
            &[
                "nothing listens there, or a firewall drops the packets",
                "the answer takes another way than the capture point",
            ],
        ),
        Outcome::Refused => failed(
            &connection_refused::CHECK,
            "refused",
            "server refuses the connection",
            &["nothing listens on the port", "a firewall in front rejects the connection"],
        ),
        // What the client sent may have been lost.
        Outcome::Idle if signature.uncaptured == Some(Party::Client) => {
            kind("idle", Standing::Beside, "server receives no data and closes, as after health checks", &[])
        }
        Outcome::Idle => kind("idle", Standing::Beside, "connection without data, as health checks make them", &[]),
        Outcome::Joined => kind("joined", Standing::Beside, "connection began before the capture", &[]),
        Outcome::ClientNotTls => not_tls(signature),
        Outcome::ServerFirst => {
            kind("server-first", Standing::Beside, "server speaks first, and no ClientHello follows", &[])
        }
        Outcome::ClientNotCaptured => {
            kind("client-not-captured", Standing::Unknown, "client's packets are not in the capture", &[])
        }
        Outcome::ClientBeginningNotCaptured => kind(
            "client-beginning-not-captured",
            Standing::Unknown,
            "beginning of the client's bytes is not in the capture",
            &[],
        ),
        Outcome::ClientCut => {
            kind("client-cut", Standing::Unknown, "snap length of the capture cuts the client's first bytes", &[])
        }
        Outcome::ClientHelloUnreadable => {
            kind("client-unreadable", Standing::Beside, "client sends TLS without a readable ClientHello", &[])
        }
        Outcome::NotCaptured if signature.uncaptured == Some(Party::Server) => response_not_captured(),
        Outcome::NotCaptured => kind(
            "answer-not-captured",
            Standing::Unknown,
            "server's part of the handshake is not whole in the capture",
            &[],
        ),
        Outcome::Unfinished { .. } => {
            kind("unfinished", Standing::Beside, "capture ends before the handshake does", &[])
        }
        Outcome::Silent { acknowledged } => silent(signature, acknowledged),
        Outcome::Undelivered { by } => undelivered(signature, by),
        Outcome::ServerNotTls { speaks } => failed(
            &server_not_tls::CHECK,
            "answer-not-tls",
            &format!("server answers the ClientHello with {}", speaks.description()),
            &[NOT_TLS_PORT, "a proxy answers in place of the server"],
        ),
        Outcome::Malformed => failed(
            &server_not_tls::CHECK,
            "answer-malformed",
            "server's answer breaks the rules of TLS",
            &[NOT_TLS_PORT, FIREWALL],
        ),
        Outcome::Alert { by: Party::Client, stage, number, .. } => client_alert(signature, stage, number),
        Outcome::Alert { stage, number, .. } => server_alert(signature, stage, number),
        Outcome::HiddenAlert { by, length, .. } => hidden(by, length),
        Outcome::Undecided => kind("hidden", Standing::Unknown, "TLS 1.3 hides whether the handshake completed", &[]),
        Outcome::Reset { by, stage } => ended(signature, by, stage, "resets"),
        Outcome::Closed { by, stage } => ended(signature, by, stage, "closes"),
    }
}

/// The server ends ClientHellos with SNI and without alike, or takes some of those without: the name, or
/// that there is none, is not the cause.
#[must_use]
pub(crate) fn ended_whatever_name(what: &str) -> Kind {
    let sentence = format!(
        "{what}, so that missing SNI is not the cause: another server has the address, it expects the PROXY protocol, or \
         a device in between ends the connections"
    );
    failed(&handshake_broken::CHECK, "ended-whatever-name", &sentence, &[])
}

/// A SYN without a response, in a capture that lacks what this server sends.
#[must_use]
pub(crate) fn response_not_captured() -> Kind {
    kind("server-not-captured", Standing::Unknown, "server's part is not in the capture", &[])
}

fn kind(name: &str, standing: Standing, sentence: &str, causes: &[&str]) -> Kind {
    Kind {
        name: name.to_owned(),
        code: None,
        standing,
        sentence: sentence.to_owned(),
        causes: causes.iter().map(ToString::to_string).collect(),
        is_guess: false,
    }
}

/// A kind of failure. Its level is that of the check.
fn failed(check: &Check, name: &str, sentence: &str, causes: &[&str]) -> Kind {
    Kind { code: Some(check.code), ..kind(name, Standing::Failed(check.level), sentence, causes) }
}

fn not_tls(signature: &Signature) -> Kind {
    let name = match signature.preface {
        Some(_) => "preface-without-hello",
        None => "client-not-tls",
    };
    let sentence = match (signature.preface, signature.speaks) {
        (Some(preface), _) => format!("client sends {} and no ClientHello", preface.name()),
        (None, Some(speaks)) => format!("client does not speak TLS: {}", speaks.description()),
        (None, None) => "client does not speak TLS".to_owned(),
    };
    Kind { code: Some(client_not_tls::CHECK.code), ..kind(name, Standing::Beside, &sentence, &[]) }
}

fn silent(signature: &Signature, acknowledged: bool) -> Kind {
    if acknowledged {
        return failed(
            &server_silent::CHECK,
            "silent",
            &format!("server takes the ClientHello{} and does not answer", name(signature)),
            &["the server is overloaded, or waits for something before TLS", FIREWALL, LARGE_HELLO],
        );
    }
    failed(
        &server_silent::CHECK,
        "silent",
        &format!("nothing comes back after the ClientHello{}", name(signature)),
        &[FIREWALL, LARGE_HELLO],
    )
}

/// The server never had the whole ClientHello, so that nothing in it is the reason.
fn undelivered(signature: &Signature, by: Party) -> Kind {
    let with = name(signature);
    if by == Party::Client {
        return failed(
            &client_gives_up::CHECK,
            "hello-undelivered",
            &format!("client gives up, and a part of its ClientHello{with} never reached the server"),
            &[LARGE_HELLO, FIREWALL],
        );
    }
    failed(
        &server_silent::CHECK,
        "hello-undelivered",
        &format!("server ends the connection, and a part of the ClientHello{with} never reached it"),
        &[LARGE_HELLO, FIREWALL, "the server closes connections without reading them, as when it is overloaded"],
    )
}

/// Returns how a sentence describes the ClientHello.
fn name(signature: &Signature) -> &'static str {
    match signature.name {
        NameKind::None => " without SNI",
        NameKind::Sent => " with SNI",
        NameKind::Address => " with an IP address as SNI",
        NameKind::Encrypted => " with an encrypted SNI",
        NameKind::NoHello | NameKind::Unknown => "",
    }
}

/// Returns what is wrong with the server_name of a ClientHello that a server refuses by an alert.
fn name_cause(signature: &Signature) -> &'static str {
    match signature.name {
        NameKind::None => NEEDS_NAME,
        NameKind::Address => NAME_IS_ADDRESS,
        NameKind::Sent | NameKind::Encrypted | NameKind::NoHello | NameKind::Unknown => UNKNOWN_NAME,
    }
}

/// Returns the check of a server that refuses a ClientHello because of its server_name.
fn name_check(name: NameKind) -> &'static Check {
    match name {
        NameKind::None => &without_sni_refused::CHECK,
        NameKind::Sent => &name_refused::CHECK,
        NameKind::Address => &name_is_address::CHECK,
        NameKind::Encrypted | NameKind::NoHello | NameKind::Unknown => &handshake_broken::CHECK,
    }
}

/// Judges an end without an alert.
fn ended(signature: &Signature, by: Party, stage: Stage, verb: &str) -> Kind {
    let with = name(signature);
    match (by, stage) {
        (Party::Client, Stage::ServerFlight) => {
            let mut found = failed(
                &alert_hidden::CHECK,
                "client-ends-after-answer",
                &format!("client {verb} after the server's answer, without an alert"),
                &[
                    "the client rejects the server's certificate and does not say so",
                    "the client gives up for a reason of its own",
                ],
            );
            found.is_guess = true;
            found
        }
        (Party::Client, Stage::ClientHello) => failed(
            &client_gives_up::CHECK,
            "client-gives-up",
            &format!("client {verb} before the server answers its ClientHello{with}"),
            &["the server answers too late for the client", FIREWALL],
        ),
        (Party::Client, _) => failed(
            &client_gives_up::CHECK,
            "client-ends-early",
            &format!("client {verb} before the handshake is finished"),
            &["the server answers too late for the client"],
        ),
        (_, Stage::ClientHello) if matches!(signature.preface, Some(Preface::ProxyV1 | Preface::ProxyV2)) => failed(
            &proxy_header_refused::CHECK,
            "proxy-header-refused",
            &format!("server {verb} after a PROXY header and a ClientHello{with}"),
            &["the server does not expect the PROXY protocol"],
        ),
        (_, Stage::ClientHello) => {
            let causes: &[&str] = match signature.name {
                NameKind::None => &[NO_ROUTE, NOT_TLS_PORT, FIREWALL],
                NameKind::Address => &[NAME_IS_ADDRESS, NO_ROUTE],
                NameKind::Sent => &[UNKNOWN_NAME, FIREWALL, NOT_TLS_PORT],
                NameKind::Encrypted | NameKind::NoHello | NameKind::Unknown => &[UNKNOWN_NAME, NO_ROUTE, FIREWALL],
            };
            let kind = match signature.name {
                NameKind::None => "hello-without-sni-ended",
                _ => "hello-ended",
            };
            failed(name_check(signature.name), kind, &format!("server {verb} after a ClientHello{with}"), causes)
        }
        (_, Stage::ServerFlight) => failed(
            &handshake_broken::CHECK,
            "server-ends-early",
            &format!("server {verb} in the middle of its first answer"),
            &[FIREWALL],
        ),
        _ => {
            let (check, causes): (&Check, &[&str]) = match signature.client_certificate {
                ClientChainKind::Empty => (&client_certificate_missing::CHECK, &[CLIENT_HAS_NONE]),
                ClientChainKind::Sent => {
                    (&client_certificate_rejected::CHECK, &[CLIENT_UNTRUSTED, "the client's certificate has expired"])
                }
                ClientChainKind::NotSeen => (
                    &handshake_broken::CHECK,
                    &["the server rejects the client's certificate, which TLS 1.3 encrypts", FIREWALL],
                ),
            };
            failed(
                check,
                "server-ends-after-client-flight",
                &format!("server {verb} after the client's second flight"),
                causes,
            )
        }
    }
}

/// Judges an alert of the server.
fn server_alert(signature: &Signature, stage: Stage, number: u8) -> Kind {
    let alert = format!("{} ({number})", alert_name(number));
    let with = name(signature);
    if stage > Stage::ServerFlight {
        return client_certificate(signature, &alert);
    }
    match number {
        70 => version(signature, &alert),
        0 => failed(
            &handshake_broken::CHECK,
            "close-notify",
            &format!("server sends close_notify after a ClientHello{with}"),
            &[
                "the server does not allow the versions that the client offers",
                "the server or what is behind it cannot be used now",
            ],
        ),
        40 | 71 => failed(
            &suite_refused::CHECK,
            "suites-refused",
            &format!("server refuses a ClientHello{with}, alert {alert}"),
            &match signature.name {
                NameKind::None => [NEEDS_NAME, NO_SUITE],
                _ => [NO_SUITE, name_cause(signature)],
            },
        ),
        112 => failed(
            name_check(signature.name),
            "name-refused",
            &match signature.name {
                NameKind::None => format!("server refuses a ClientHello{with}, alert {alert}"),
                _ => format!("server does not know the name of a ClientHello{with}, alert {alert}"),
            },
            &[name_cause(signature)],
        ),
        120 => failed(
            &alpn_refused::CHECK,
            "alpn-refused",
            &format!("server shares no protocol of ALPN with the client, alert {alert}"),
            &["the server does not allow the protocols that the client offers by ALPN"],
        ),
        80 => failed(
            &handshake_broken::CHECK,
            "server-internal-error",
            &format!("server fails, alert {alert}"),
            &["the server's TLS settings are broken, for example a certificate that does not fit its key"],
        ),
        10 | 47 | 50 | 109 | 110 => failed(
            &handshake_broken::CHECK,
            "hello-not-understood",
            &format!("server does not accept the form of the ClientHello, alert {alert}"),
            &["the server or a device before it does not tolerate something that the client offers"],
        ),
        86 => failed(
            &handshake_broken::CHECK,
            "fallback-refused",
            &format!("server refuses a fallback to an older version, alert {alert}"),
            &["the client tries an older version after a failure of a newer one; look for the first failure"],
        ),
        _ => failed(
            &handshake_broken::CHECK,
            "server-alert",
            &format!("server ends the handshake with alert {alert}"),
            &[],
        ),
    }
}

/// Judges a refusal of the versions. A client whose highest is TLS 1.3 is not too old for any server.
fn version(signature: &Signature, alert: &str) -> Kind {
    let Some(offered) = signature.offered.as_deref() else {
        return failed(
            &version_refused::CHECK,
            "version-refused",
            &format!("server accepts none of the versions that the client offers, alert {alert}"),
            &["the server allows only older or only newer versions"],
        );
    };
    let too_old = TooOld::by_highest(offered);
    let offers = match signature.lowest.as_deref() {
        Some(lowest) if lowest == offered => format!("only {offered}"),
        Some(lowest) => format!("{lowest} to {offered}"),
        None => format!("{offered} as its highest version"),
    };
    let cause =
        format!("the server allows {} (Apigee hybrid: {} of the virtual host)", too_old.accepted(), too_old.property());
    let name = match too_old {
        TooOld::Client => VERSION_TOO_OLD,
        TooOld::Server => VERSION_TOO_NEW,
    };
    failed(
        &version_refused::CHECK,
        name,
        &format!("client offers {offers}, and the server does not accept it, alert {alert}"),
        &[&cause],
    )
}

/// Judges a refusal by the server after the client's second flight.
fn client_certificate(signature: &Signature, alert: &str) -> Kind {
    match (signature.client_certificate, signature.certificate_requested) {
        (ClientChainKind::Empty, _) => failed(
            &client_certificate_missing::CHECK,
            "client-certificate-missing",
            &format!("server requires a client certificate and the client sends none, alert {alert}"),
            &[CLIENT_HAS_NONE, "the client is not configured for mutual TLS"],
        ),
        (ClientChainKind::Sent, _) => failed(
            &client_certificate_rejected::CHECK,
            "client-certificate-rejected",
            &format!("server rejects the client's certificate, alert {alert}"),
            &[CLIENT_UNTRUSTED, "the client's certificate has expired", "the certificate is not meant for clients"],
        ),
        (ClientChainKind::NotSeen, true) => failed(
            &client_certificate_rejected::CHECK,
            "client-certificate-rejected",
            &format!("server asks for a client certificate and refuses, alert {alert}"),
            &[CLIENT_HAS_NONE, CLIENT_UNTRUSTED],
        ),
        (ClientChainKind::NotSeen, false) => failed(
            &handshake_broken::CHECK,
            "client-flight-refused",
            &format!("server refuses the client's second flight, alert {alert}"),
            &["the two disagree on keys, as when a device on the way changes the handshake"],
        ),
    }
}

/// Judges an alert of the client.
fn client_alert(signature: &Signature, stage: Stage, number: u8) -> Kind {
    let alert = format!("{} ({number})", alert_name(number));
    if signature.warned == Some(112) {
        return failed(
            &name_refused::CHECK,
            "name-warning-fatal",
            &format!("server warns unrecognized_name (112), and the client ends the handshake, alert {alert}"),
            &[UNKNOWN_NAME, "the client (JSSE) takes the warning as fatal"],
        );
    }
    if stage < Stage::ServerFlight && signature.uncaptured.is_none() {
        return failed(
            &client_gives_up::CHECK,
            "client-gives-up",
            &format!("client ends before the server answers, alert {alert}"),
            &["the server answers too late for the client"],
        );
    }
    let causes: &[&str] = match number {
        42 => &[NAME_MISMATCH, "the certificate's signature is wrong, or it is not yet valid (JSSE of JDK 8)"],
        43 => &[
            "the certificate's key or signature algorithm is forbidden at the client",
            "the certificate is not meant for servers",
        ],
        44 => &["the certificate is revoked"],
        45 => &[EXPIRED],
        // JSSE sends the same alert for all of these.
        46 => &[UNTRUSTED, INTERMEDIATE, NAME_MISMATCH, EXPIRED],
        48 => &[UNTRUSTED, INTERMEDIATE],
        0 | 90 => {
            return failed(
                &client_gives_up::CHECK,
                "client-gives-up",
                &format!("client ends the handshake, alert {alert}"),
                &["the client gives up for a reason of its own"],
            );
        }
        _ => {
            return failed(
                &handshake_broken::CHECK,
                "client-alert",
                &format!("client ends the handshake with alert {alert}"),
                &["the client does not accept what the server chose"],
            );
        }
    };
    failed(
        &server_certificate_rejected::CHECK,
        "server-certificate-rejected",
        &format!("client rejects the server's certificate, alert {alert}"),
        causes,
    )
}

/// TLS 1.3 encrypts the alert; only its length is known.
fn hidden(by: Party, length: u16) -> Kind {
    let mut found = if by == Party::Client {
        failed(
            &alert_hidden::CHECK,
            "hidden-client-alert",
            &format!(
                "client ends a TLS 1.3 handshake with an encrypted record of {length} bytes, which may be an alert (a guess)"
            ),
            &[UNTRUSTED, INTERMEDIATE, NAME_MISMATCH, EXPIRED],
        )
    } else {
        failed(
            &alert_hidden::CHECK,
            "hidden-server-alert",
            &format!(
                "server ends a TLS 1.3 connection after the client's flight with an encrypted record of {length} bytes, which may be an alert (a guess)"
            ),
            &["the server requires a client certificate and got none", CLIENT_UNTRUSTED],
        )
    };
    found.is_guess = true;
    found
}
