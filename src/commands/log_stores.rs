//! `--log-store`: which stores to ask, with which credentials, and for which records.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::credentials::{basic, bytes, user, word};
use super::{Error, contexts, sources};
use crate::checks::facts;
use crate::cli::{EvidenceArgs, LogStoreArgs};
use crate::evidence::{Evidence, LogOrigin, Seen};
use crate::gather::http::client::Credentials;
use crate::gather::stores::{self, Access, Address, Store, Wanted};
use crate::gather::{self, BundleSink};
use crate::run::{Progress, Stop};
use crate::wire::access_log::Ledger;
use crate::wire::certificate;

/// Start of the window where no flag names one: Cloud Logging keeps entries for 30 days by default.
const DEFAULT_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
const CLOUD_LOGGING: &str = "cloud-logging";
const ENDPOINT: &str = "https://logging.googleapis.com";

const FORMS: &str = "write cloud-logging, cloud-logging:PROJECT, cloud-logging:PROJECT/LOCATION/CLUSTER, or \
    https://HOST:9200/INDEX";

/// Adds the logs of all stores to `evidence`.
///
/// # Errors
/// A flag has another form, or a file that it names cannot be read. What goes wrong with a store is evidence.
pub(super) async fn add(
    args: &EvidenceArgs,
    evidence: &mut Evidence,
    stop: &Stop,
    progress: &Arc<dyn Progress>,
    bundle: Option<&dyn BundleSink>,
    ledger: &Arc<Ledger>,
) -> Result<(), Error> {
    if args.stores.log_stores.is_empty() {
        return Ok(());
    }
    let env = |name: &str| std::env::var(name).ok();
    let context = context(args, evidence);
    let mut addresses = Vec::new();
    for text in &args.stores.log_stores {
        let address = address(text, context.as_deref(), args.stores.log_store_endpoint.as_deref())?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let access = access(&args.stores, env)?;
    for address in &addresses {
        check_encryption(address, &access.credentials)?;
    }
    let mut wanted = wanted(args, evidence);
    wanted.may_repeat = addresses.len() > 1 || !args.access_logs.is_empty();
    wanted.is_earlier = ledger.is_empty();
    for address in addresses {
        let origin = address.origin();
        let source = (!wanted.is_earlier || wanted.may_repeat).then(|| ledger.source(&origin));
        let retained = bundle.map(|bundle| bundle.log(&origin, false));
        let store = Store { address: &address, access: &access, wanted: &wanted, ledger: source };
        let stream = Box::pin(stores::read(store, &env, stop, progress.as_ref(), retained)).await;
        evidence.access_logs.push(stream);
    }
    Ok(())
}

/// Returns the files with secrets, one of which may be standard input.
pub(super) fn inputs(args: &EvidenceArgs) -> impl Iterator<Item = &String> {
    let LogStoreArgs { log_store_token_file, log_store_user_file, log_store_api_key_file, .. } = &args.stores;
    [log_store_token_file, log_store_user_file, log_store_api_key_file].into_iter().flatten()
}

/// Validates the arguments that can be rejected without contacting a store.
///
/// # Errors
/// A store or a flag has another form.
pub(super) fn validate(args: &EvidenceArgs) -> Result<(), Error> {
    let known = Some("gke_project_location_cluster");
    for text in &args.stores.log_stores {
        address(text, known, args.stores.log_store_endpoint.as_deref())?;
    }
    let of_one_cluster = args.stores.log_stores.iter().find(|text| *text != CLOUD_LOGGING);
    if let (Some(text), true) = (of_one_cluster, contexts::are_several(&args.cluster)) {
        return Err(Error::Usage {
            what: format!("--log-store {text} with --contexts or --all-contexts: it belongs to one cluster"),
            hint: "write cloud-logging, which takes the project of each context, or run it for its own cluster".into(),
        });
    }
    let limits = (args.logs.since_time, args.logs.until);
    if let (Some(since), Some(crate::cli::Until::At(until))) = limits
        && until <= since
    {
        let hint = "give --until a later time than --since-time".to_owned();
        return Err(Error::Argument { what: format!("--until {until}: it is not after --since-time"), hint });
    }
    Ok(())
}

/// Returns the context that the run used, or that of the bundle.
fn context(args: &EvidenceArgs, evidence: &Evidence) -> Option<String> {
    if let Seen::Seen(connection) = &evidence.connection
        && let Some(context) = &connection.context
    {
        return Some(context.clone());
    }
    let needs_context = args.stores.log_stores.iter().any(|text| text == CLOUD_LOGGING);
    if !needs_context {
        return None;
    }
    // Without a kubeconfig the flag has another form, which the error names.
    gather::context_name(&sources::connection_options(&args.cluster)).unwrap_or_default()
}

fn argument(what: String, hint: &str) -> Error {
    Error::Argument { what, hint: hint.to_owned() }
}

fn address(text: &str, context: Option<&str>, endpoint: Option<&str>) -> Result<Address, Error> {
    if let Some(rest) = text.strip_prefix(CLOUD_LOGGING) {
        let endpoint = server(endpoint.unwrap_or(ENDPOINT), "--log-store-endpoint")?;
        let (project, location, cluster) = match rest.strip_prefix(':') {
            None if rest.is_empty() => of_context(context)?,
            Some(place) => of_place(place).ok_or_else(|| argument(format!("--log-store {text}"), FORMS))?,
            None => return Err(argument(format!("--log-store {text}"), FORMS)),
        };
        return Ok(Address::CloudLogging { project, location, cluster, endpoint });
    }
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err(argument(format!("--log-store {text}: it is no store that is known here"), FORMS));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        let hint = "give user and password with --log-store-user-file or in APIGEE_TLS_LOG_STORE_USER and …_PASSWORD";
        return Err(argument("--log-store with a user in its URL".into(), hint));
    }
    let (below, index) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path.trim_end_matches('/')));
    let index = percent_decode_str(index).decode_utf8_lossy().into_owned();
    if index.is_empty() || index.contains(['?', '#']) || index.contains(char::is_whitespace) {
        let hint = "name the index or a pattern in the path: https://HOST:9200/INDEX";
        return Err(argument(format!("--log-store {text}: it names no index"), hint));
    }
    let server = server(&format!("{scheme}://{authority}/{below}"), "--log-store")?;
    Ok(Address::Search { server, index })
}

fn server(text: &str, flag: &str) -> Result<Uri, Error> {
    let wrong = || argument(format!("{flag} {text}: it is no URL of HTTP"), "write https://HOST:PORT");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if !is_http || has_user || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err(wrong());
    }
    Ok(uri)
}

type Place = (String, Option<String>, Option<String>);

/// Reads `gke_PROJECT_LOCATION_CLUSTER`, the name that gcloud gives to a context.
fn of_context(context: Option<&str>) -> Result<Place, Error> {
    let parts: Vec<&str> = context.unwrap_or_default().split('_').collect();
    if let ["gke", project, location, cluster] = parts.as_slice()
        && ![project, location, cluster].iter().any(|part| part.is_empty())
    {
        return Ok(((*project).to_owned(), Some((*location).to_owned()), Some((*cluster).to_owned())));
    }
    let what = match context {
        Some(context) => format!("--log-store cloud-logging: the context {context} is not named by gcloud"),
        None => "--log-store cloud-logging: there is no context".to_owned(),
    };
    Err(argument(what, "write cloud-logging:PROJECT/LOCATION/CLUSTER"))
}

fn of_place(place: &str) -> Option<Place> {
    let parts: Vec<&str> = place.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || part.contains(char::is_whitespace)) {
        return None;
    }
    match parts.as_slice() {
        [project] => Some(((*project).to_owned(), None, None)),
        [project, location, cluster] => {
            Some(((*project).to_owned(), Some((*location).to_owned()), Some((*cluster).to_owned())))
        }
        _ => None,
    }
}

fn access(args: &LogStoreArgs, env: impl Fn(&str) -> Option<String>) -> Result<Access, Error> {
    let file = |name: &Option<String>| name.as_deref().map(bytes).transpose();
    let authorities = file(&args.log_store_ca_file)?;
    if let (Some(name), Some(pem)) = (&args.log_store_ca_file, &authorities)
        && certificate::from_pem(pem).0.is_empty()
    {
        let what = format!("--log-store-ca-file {name}: there is no certificate in it");
        return Err(argument(what, "expected PEM"));
    }
    let identity = match (file(&args.log_store_client_cert)?, file(&args.log_store_client_key)?) {
        (Some(certificate), Some(key)) => Some((certificate.to_vec(), key.to_vec())),
        _ => None,
    };
    Ok(Access {
        credentials: credentials(args, env)?,
        authorities: authorities.map(|pem| pem.to_vec()),
        identity,
        timeout: args.log_store_timeout.max(Duration::from_millis(1)),
    })
}

/// Chooses the credentials: flags win over the environment.
fn credentials(args: &LogStoreArgs, env: impl Fn(&str) -> Option<String>) -> Result<Credentials, Error> {
    let given = |name: &str| env(&format!("APIGEE_TLS_LOG_STORE_{name}")).filter(|value| !value.is_empty());
    if let Some(name) = &args.log_store_token_file {
        return Ok(Credentials::Token(word(name, "--log-store-token-file", "one token")?));
    }
    if let Some(name) = &args.log_store_api_key_file {
        return Ok(Credentials::ApiKey(word(name, "--log-store-api-key-file", "one encoded API key")?));
    }
    if let Some(name) = &args.log_store_user_file {
        return user(name, "--log-store-user-file");
    }
    if let Some(token) = given("TOKEN") {
        return Ok(Credentials::Token(SecretString::from(token.trim().to_owned())));
    }
    if let Some(key) = given("API_KEY") {
        return Ok(Credentials::ApiKey(SecretString::from(key.trim().to_owned())));
    }
    Ok(match (given("USER"), given("PASSWORD")) {
        (Some(user), Some(password)) => basic(&user, &password),
        _ => Credentials::None,
    })
}

/// Rejects credentials that would cross a network unencrypted.
fn check_encryption(address: &Address, credentials: &Credentials) -> Result<(), Error> {
    let (Address::Search { server, .. } | Address::CloudLogging { endpoint: server, .. }) = address;
    let host = server.host().unwrap_or_default();
    let is_local = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    let is_secret = !matches!(credentials, Credentials::None) || matches!(address, Address::CloudLogging { .. });
    if server.scheme_str() == Some("https") || is_local || !is_secret {
        return Ok(());
    }
    let what = format!("credentials with http://{host}: they would be sent unencrypted");
    Err(argument(what, "write https://, or forward a local port to the store"))
}

/// Returns the selection of records: the gateways of the evidence, in the window of the flags.
fn wanted(args: &EvidenceArgs, evidence: &Evidence) -> Wanted {
    let (given, recorded) = (sources::log_limits(&args.logs, sources::now()), evidence.question.log_limits());
    let limits = (given.since.or(recorded.since), given.until.or(recorded.until));
    let now = evidence.collected_at;
    let until = limits.1.unwrap_or(now);
    let since = limits.0.unwrap_or_else(|| until.checked_sub(DEFAULT_WINDOW).unwrap_or(Timestamp::MIN));
    let pods = facts::pods(evidence).unwrap_or_default();
    let mut containers: Vec<String> = match evidence.question.container() {
        Some(container) => vec![container.to_owned()],
        None => pods.iter().flat_map(|pod| pod.containers.iter().map(|container| container.name.clone())).collect(),
    };
    containers.sort();
    containers.dedup();
    if containers.is_empty() {
        containers.push(facts::GATEWAY_CONTAINER.to_owned());
    }
    let all = evidence.pods.seen().cloned().unwrap_or_default();
    let is_internal = |name: &str| !pods.iter().any(|pod| pod.name == name);
    let pods_read = evidence.access_logs.iter().filter_map(|stream| {
        let (LogOrigin::Container { .. }, Seen::Seen(log)) = (&stream.origin, &stream.log) else { return None };
        Some((stream.origin.clone(), log.first?, log.last?))
    });
    Wanted {
        namespace: evidence.question.namespace().to_owned(),
        containers,
        without_pods: all.iter().map(|pod| pod.name.clone()).filter(|name| is_internal(name)).collect(),
        since,
        until,
        is_default_window: limits.0.is_none(),
        format: Arc::new(sources::log_format(evidence)),
        pods_read: pods_read.collect(),
        may_repeat: false,
        is_earlier: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_context_place_or_url() {
        let of = |text: &str| address(text, Some("gke_my-project_europe-west1_prod"), None).ok();
        let cloud = |project: &str, location: Option<&str>, cluster: Option<&str>| {
            Some(Address::CloudLogging {
                project: project.into(),
                location: location.map(str::to_owned),
                cluster: cluster.map(str::to_owned),
                endpoint: Uri::from_static(ENDPOINT),
            })
        };
        assert_eq!(of("cloud-logging"), cloud("my-project", Some("europe-west1"), Some("prod")));
        assert_eq!(of("cloud-logging:p"), cloud("p", None, None));
        assert_eq!(of("cloud-logging:p/l/c"), cloud("p", Some("l"), Some("c")));
        let search =
            |server: &str, index: &str| Some(Address::Search { server: server.parse().unwrap(), index: index.into() });
        assert_eq!(of("https://h:9200/logs-*"), search("https://h:9200/", "logs-*"));
        assert_eq!(of("https://h/es/logs-*,x/"), search("https://h/es", "logs-*,x"));
        assert_eq!(of("https://h/%3Clogs-%7Bnow%2Fd%7D%3E"), search("https://h/", "<logs-{now/d}>"));
        for wrong in [
            "cloud-logging:",
            "cloud-logging:p/l",
            "cloud-loggings",
            "loki",
            "https://h:9200",
            "https://h:9200/",
            "https://u:p@h:9200/logs",
            "https://h:9200/logs?x",
            "https:///logs",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert!(address("cloud-logging", Some("kind-x"), None).is_err_and(|error| error.hint().is_some()));
    }

    #[test]
    fn secrets_are_not_sent_unencrypted() {
        let token = Credentials::Token("t".to_owned().into());
        let address = |text: &str| address(text, None, None).unwrap();
        assert!(check_encryption(&address("http://h:9200/x"), &token).is_err());
        assert!(check_encryption(&address("http://h:9200/x"), &Credentials::None).is_ok());
        assert!(check_encryption(&address("http://[::1]:9200/x"), &token).is_ok());
        assert!(check_encryption(&address("https://h:9200/x"), &token).is_ok());
    }
}
