//! Reads the state of a pod's Envoy from its admin interface, which listens only on the pod's loopback.
//!
//! Only GETs, and only the necessary ones: of `config_dump` the listeners, never the section with secrets; of
//! the counters those about handshakes. Observed with Envoy 1.40; the formats are those of `envoy/admin/v3`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::evidence::gateway::{Counters, FilterChain, Listener, LoadedCertificate};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::innermost;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::port_forward::{self, Ended, forward};
use crate::run::stop::timed_out;

/// `proxyAdminPort` of Apigee's mesh configuration.
const PORT: u16 = 15000;
/// Maximum number of bytes of a response. A listener of a large organisation holds hundreds of filter chains
/// of some ten KiB each.
const MAX_ANSWER: usize = 32 << 20;
/// Maximum number of counters kept: a listener has some dozens, and a gateway few listeners.
const MAX_COUNTERS: usize = 4096;
/// Time limit of one response; Envoy's main thread writes it beside its other work.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// Filter for the requested counters; Envoy matches it with RE2.
const COUNTERS: &str = r"^(listener\..+\.)?(no_filter_chain_match|downstream_cx_total|tls_inspector\.[a-z_]+|server_ssl_socket_factory\.downstream_context_secrets_not_ready|ssl\.(connection_error|handshake|no_certificate|fail_verify_[a-z_]+|versions\..+|ciphers\..+))$";

/// Reads the listeners and the certificates in use.
pub(in crate::gather) async fn account(
    api: &Api,
    namespace: &str,
    pod: &str,
) -> (Seen<Vec<Listener>>, Seen<Vec<LoadedCertificate>>) {
    let paths = ["/config_dump?resource=dynamic_listeners", "/config_dump?resource=static_listeners", "/certs"];
    let [dynamic, fixed, certificates] = answers(api, namespace, pod, paths).await;
    let listeners = async {
        let mut found = listeners(&dynamic?)?;
        found.extend(listeners(&fixed?)?);
        // Istio gives each gateway static listeners for health checks and metrics, regardless of the routes.
        if found.is_empty() { Err(Reason::Broken("Envoy's answer holds no listener at all".into())) } else { Ok(found) }
    };
    let what = |part: &str| format!("the {part} of Envoy in pod {pod}");
    (
        listeners.await.map_err(|reason| Unavailable::new(what("listeners"), reason)).into(),
        certificates
            .and_then(|answer| loaded(&answer))
            .map_err(|reason| Unavailable::new(what("certificates"), reason))
            .into(),
    )
}

/// Reads the counters about handshakes, without those of each worker and of the admin interface itself.
pub(in crate::gather) async fn counters(api: &Api, namespace: &str, pod: &str) -> Seen<Counters> {
    let path = format!("/stats?format=json&type=Counters&filter={}", encode(COUNTERS));
    let [answer] = answers(api, namespace, pod, [&path]).await;
    #[expect(clippy::disallowed_methods, reason = "counters are compared with handshakes by time")]
    let at = Timestamp::now();
    answer
        .and_then(|answer| Ok(Counters { at, values: values(&answer)? }))
        .map_err(|reason| Unavailable::new(format!("the counters of Envoy in pod {pod}"), reason))
        .into()
}

/// Sends the requests one after the other on one connection. If the connection fails, the remaining requests
/// get the same reason.
async fn answers<const N: usize>(
    api: &Api,
    namespace: &str,
    pod: &str,
    paths: [&str; N],
) -> [Result<Vec<u8>, Reason>; N] {
    let all = |reason: Reason| std::array::from_fn(|_| Err(reason.clone()));
    let mut stream = match forward(api, namespace, pod, PORT).await {
        Ok(stream) => stream,
        Err(fault) => return all(port_forward::reason(fault, namespace)),
    };
    let time = api.request_timeout().map_or(ANSWER_TIME, |given| given.min(ANSWER_TIME));
    let found = match api.stop().bound(ask_all(&mut stream, paths, time)).await {
        Ok(found) => found,
        Err(reason) => return all(reason),
    };
    found.map(|answer| {
        answer.map_err(|trouble| match trouble {
            Trouble::Broken(text) => Reason::Broken(text),
            Trouble::Lost(text) => lost(stream.ended(None), text),
            Trouble::Status(status) => Reason::Unreachable(format!("Envoy answered {status}")),
            Trouble::TimedOut => timed_out(time),
        })
    })
}

/// Why a response is missing.
#[derive(Clone, Debug, PartialEq)]
enum Trouble {
    Broken(String),
    Lost(String),
    Status(StatusCode),
    TimedOut,
}

impl From<hyper::Error> for Trouble {
    fn from(error: hyper::Error) -> Self {
        Self::Lost(format!("Envoy's admin interface did not answer: {}", innermost(&error)))
    }
}

async fn ask_all<const N: usize>(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    paths: [&str; N],
    time: Duration,
) -> [Result<Vec<u8>, Trouble>; N] {
    let none = |trouble: Trouble| std::array::from_fn(|_| Err(trouble.clone()));
    let (mut sender, connection) = match http1::handshake::<_, String>(TokioIo::new(stream)).await {
        Ok(parts) => parts,
        Err(error) => return none(error.into()),
    };
    let mut asking = std::pin::pin!(async {
        let mut found: [Result<Vec<u8>, Trouble>; N] = none(Trouble::TimedOut);
        let mut useless = None;
        for (path, place) in paths.into_iter().zip(&mut found) {
            *place = match useless.clone() {
                Some(trouble) => Err(trouble),
                None => tokio::time::timeout(time, ask(&mut sender, path)).await.unwrap_or(Err(Trouble::TimedOut)),
            };
            if let Err(trouble @ (Trouble::Lost(_) | Trouble::TimedOut | Trouble::Broken(_))) = place {
                useless = Some(trouble.clone());
            }
        }
        found
    });
    tokio::select! {
        found = &mut asking => found,
        // Wakes those who wait for a response that will not come.
        _ = connection => asking.await,
    }
}

async fn ask(sender: &mut SendRequest<String>, path: &str) -> Result<Vec<u8>, Trouble> {
    sender.ready().await?;
    let request = Request::get(path).header(HOST, "localhost").body(String::new());
    let response = sender.send_request(request.map_err(|error| Trouble::Broken(error.to_string()))?).await?;
    let status = response.status();
    if let Some(encoding) = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
        return Err(Trouble::Broken(format!("Envoy's answer is compressed ({encoding}), which was not requested")));
    }
    match Limited::new(response.into_body(), MAX_ANSWER).collect().await {
        Ok(_) if status != StatusCode::OK => Err(Trouble::Status(status)),
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Trouble::Broken(format!("Envoy's answer is larger than {} MiB", MAX_ANSWER >> 20)))
        }
        Err(error) => Err(Trouble::Lost(format!("Envoy's answer broke off: {}", innermost(error.as_ref())))),
    }
}

/// Returns why no response came; `text` is HTTP's error text. A closed port is not a fault of the transport.
fn lost(ended: Ended, text: String) -> Reason {
    let at_port = |what: &str| format!("{what} at port {PORT} of the pod, where Envoy's admin interface listens");
    match ended {
        Ended::Refused => Reason::Missing(at_port("connection refused")),
        Ended::Reset => Reason::Unreachable(at_port("connection reset by peer")),
        Ended::Lost(words) => Reason::Unreachable(words),
        Ended::Closed => Reason::Unreachable(text),
    }
}

/// Envoy responds with an object; serde would also accept an array for a struct.
fn parse<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Reason> {
    if answer.trim_ascii_start().first() != Some(&b'{') {
        return Err(no_sense("it is no object"));
    }
    serde_json::from_slice(answer).map_err(|error| no_sense(&error.to_string()))
}

fn no_sense(why: &str) -> Reason {
    Reason::Broken(format!("Envoy's answer makes no sense: {why}"))
}

/// Returns the list that a response must have under this key.
fn listed<'a>(answer: &'a Value, key: &str) -> Result<&'a [Value], Reason> {
    let list = answer.get(key).and_then(Value::as_array);
    list.map(Vec::as_slice).ok_or_else(|| no_sense(&format!("it has no list \"{key}\"")))
}

#[derive(Deserialize)]
struct Dump {
    configs: Option<Vec<DumpedListener>>,
}

/// Both kinds of listener. A listener that is still warming up (`warming_state`) serves no clients
/// yet.
#[derive(Deserialize)]
struct DumpedListener {
    active_state: Option<ActiveState>,
    draining_state: Option<IgnoredAny>,
    error_state: Option<IgnoredAny>,
    listener: Option<ListenerForm>,
    warming_state: Option<IgnoredAny>,
}

impl DumpedListener {
    /// Envoy writes each listener with at least one state: without any, the response is not Envoy's.
    fn has_state(&self) -> bool {
        self.active_state.is_some()
            || self.listener.is_some()
            || [&self.draining_state, &self.error_state, &self.warming_state].into_iter().any(Option::is_some)
    }
}

#[derive(Deserialize)]
struct ActiveState {
    listener: Option<ListenerForm>,
}

/// Contains only the necessary fields: filters, by far the largest part, are skipped while reading.
#[derive(Deserialize)]
struct ListenerForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    address: Value,
    #[serde(default)]
    filter_chains: Vec<ChainForm>,
    default_filter_chain: Option<ChainForm>,
}

#[derive(Deserialize)]
struct ChainForm {
    name: Option<String>,
    #[serde(default)]
    filter_chain_match: Value,
    #[serde(default)]
    transport_socket: Value,
}

fn listeners(answer: &[u8]) -> Result<Vec<Listener>, Reason> {
    let dump: Dump = parse(answer)?;
    // Envoy omits an empty list, and then the object is empty.
    let is_empty = || answer.iter().filter(|byte| !byte.is_ascii_whitespace()).eq(b"{}");
    let configs = match dump.configs {
        Some(configs) => configs,
        None if is_empty() => Vec::new(),
        None => return Err(no_sense("it has no list \"configs\"")),
    };
    if configs.iter().any(|dumped| !dumped.has_state()) {
        return Err(no_sense("a listener has no state"));
    }
    let active = |dumped: DumpedListener| dumped.listener.or_else(|| dumped.active_state?.listener);
    Ok(configs.into_iter().filter_map(active).filter_map(listener).collect())
}

/// A listener without a TCP port cannot serve clients.
fn listener(form: ListenerForm) -> Option<Listener> {
    let socket = json::at(&form.address, &["socket_address"])?;
    if json::text(socket, &["protocol"]).is_some_and(|protocol| protocol != "TCP") {
        return None;
    }
    let port = json::number(socket, &["port_value"])?;
    let host = json::text(socket, &["address"])?;
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let chains = form.filter_chains.iter().chain(&form.default_filter_chain).map(chain).collect();
    Some(Listener { name: form.name, address: format!("{host}:{port}"), port, chains })
}

fn chain(form: &ChainForm) -> FilterChain {
    let context = json::at(&form.transport_socket, &["typed_config"])
        .filter(|context| json::text(context, &["@type"]).is_some_and(|kind| kind.ends_with(".DownstreamTlsContext")));
    let tls = context.is_some();
    let context = context.unwrap_or(&Value::Null);
    let common = |path: &[&str]| json::at(&context["common_tls_context"], path).unwrap_or(&Value::Null);
    let parameters = common(&["tls_params"]);
    let version = |key: &str| json::text(parameters, &[key]).filter(|version| version != "TLS_AUTO");
    FilterChain {
        name: form.name.clone().filter(|name| !name.is_empty()),
        server_names: json::texts(&form.filter_chain_match, &["server_names"]),
        conditional: is_conditional(&form.filter_chain_match),
        tls,
        secrets: json::items(common(&[]), &["tls_certificate_sds_secret_configs"])
            .iter()
            .filter_map(|secret| json::text(secret, &["name"]))
            .collect(),
        requires_client_certificate: json::truth(context, &["require_client_certificate"]).unwrap_or(false),
        min_version: version("tls_minimum_protocol_version"),
        max_version: version("tls_maximum_protocol_version"),
        cipher_suites: json::texts(parameters, &["cipher_suites"]),
    }
}

/// Whether some clients are excluded for another reason than their SNI or not speaking TLS.
fn is_conditional(matching: &Value) -> bool {
    matching.as_object().into_iter().flatten().any(|(key, value)| match (key.as_str(), value) {
        ("server_names", _) | (_, Value::Null) => false,
        ("transport_protocol", value) => !matches!(value.as_str(), Some("" | "tls")),
        (_, Value::Array(items)) => !items.is_empty(),
        _ => true,
    })
}

fn loaded(answer: &[u8]) -> Result<Vec<LoadedCertificate>, Reason> {
    let answer: Value = parse(answer)?;
    let mut found = Vec::new();
    for entry in listed(&answer, "certificates")? {
        for certificate in listed(entry, "cert_chain")? {
            let serial = json::text(certificate, &["serial_number"]);
            let serial = serial.ok_or_else(|| no_sense("a certificate has no serial number"))?.to_ascii_lowercase();
            let serial = match serial.trim_start_matches('0') {
                "" if !serial.is_empty() => "0",
                digits => digits,
            };
            let names = json::items(certificate, &["subject_alt_names"]);
            let one = LoadedCertificate {
                serial: serial.to_owned(),
                dns_names: names.iter().filter_map(|name| json::text(name, &["dns"])).collect(),
                not_before: json::time(certificate, &["valid_from"]),
                not_after: json::time(certificate, &["expiration_time"]),
            };
            // Each filter chain that uses a certificate has an entry of its own.
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    Ok(found)
}

fn values(answer: &[u8]) -> Result<BTreeMap<String, u64>, Reason> {
    let answer: Value = parse(answer)?;
    let known = listed(&answer, "stats")?.iter().filter_map(|counter| {
        let name = json::text(counter, &["name"])?;
        let of_interest = !name.starts_with("listener.admin.") && !name.contains(".worker_");
        Some((name, json::at(counter, &["value"])?.as_u64()?)).filter(|_| of_interest)
    });
    Ok(known.take(MAX_COUNTERS).collect())
}

#[cfg(test)]
#[path = "envoy_tests.rs"]
mod tests;
