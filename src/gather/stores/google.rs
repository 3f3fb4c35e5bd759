//! A token for Google's APIs, found where Google's own tools find it.
//!
//! In this order: the file of `GOOGLE_APPLICATION_CREDENTIALS`, application-default credentials, the metadata
//! server (of a machine, or of workload identity in GKE), and `gcloud`. The token and what it is made of are
//! in no value that is printed. The requests are our own: tame-oauth, which makes them without a transport,
//! signs with ring, which this program does not link.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use http::Uri;
use http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::gather::files;
use crate::gather::http::client::{Client, Credentials, Fault, Peer};
use crate::gather::probe::Proxy;
use crate::wire::log_store;

/// The right that is requested: to read logs, and no more.
const SCOPE: &str = "https://www.googleapis.com/auth/logging.read";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const METADATA_HOST: &str = "metadata.google.internal";
const METADATA_PATH: &str = "computeMetadata/v1/instance/service-accounts/default/token";
/// Outside of Google's machines nobody answers there.
const METADATA_TIME: Duration = Duration::from_secs(2);
const TOKEN_TIME: Duration = Duration::from_secs(30);
/// gcloud is a Python program, and may have to refresh a token.
const GCLOUD_TIME: Duration = Duration::from_secs(30);
/// Maximum number of bytes of a file of credentials, and of an answer with a token.
const MAX_BYTES: usize = 256 << 10;
/// How long a signed request for a token is valid; the server allows at most an hour.
const VALID: i64 = 600;

const FORM: &str = "application/x-www-form-urlencoded";

const PEER: Peer = Peer {
    name: "Google's token server",
    ca_flag: "SSL_CERT_FILE",
    explain: log_store::message,
    repetitions: 2,
    first_wait: Duration::from_millis(500),
};

/// How the environment is read.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Returns a token that may read logs.
///
/// # Errors
/// Where no credentials were found, or why those that were found gave no token.
pub(super) async fn token(env: Environment<'_>) -> Result<SecretString, String> {
    let given = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(file) = given("GOOGLE_APPLICATION_CREDENTIALS") {
        let text = read(&file).map_err(|error| format!("GOOGLE_APPLICATION_CREDENTIALS {file}: {error}"))?;
        return of_file(&text, env).await.map_err(|why| format!("GOOGLE_APPLICATION_CREDENTIALS {file}: {why}"));
    }
    if let Some(path) = default_file(env)
        && let Ok(text) = read(&path.to_string_lossy())
    {
        let why = |why| format!("application-default credentials {}: {why}", path.display());
        return of_file(&text, env).await.map_err(why);
    }
    if let Some(token) = of_metadata(given("GCE_METADATA_HOST").as_deref()).await {
        return Ok(token);
    }
    gcloud(&["auth", "print-access-token"]).await.map_err(|why| {
        format!(
            "GOOGLE_APPLICATION_CREDENTIALS is not set, there are no application-default credentials of Google and no \
             metadata server, and {why}; run `gcloud auth application-default login`, or give \
             --log-store-token-file"
        )
    })
}

fn read(file: &str) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    files::open(file)?.take(MAX_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns where `gcloud auth application-default login` writes.
fn default_file(env: Environment<'_>) -> Option<PathBuf> {
    let given = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = given("CLOUDSDK_CONFIG").or_else(|| {
        if cfg!(windows) {
            given("APPDATA").map(|data| data.join("gcloud"))
        } else {
            given("HOME").map(|home| home.join(".config").join("gcloud"))
        }
    })?;
    Some(folder.join("application_default_credentials.json"))
}

async fn of_file(bytes: &[u8], env: Environment<'_>) -> Result<SecretString, String> {
    let file: Value = serde_json::from_slice(bytes).map_err(|_| "it is not JSON".to_owned())?;
    let text = |key: &str| file[key].as_str().ok_or_else(|| format!("it has no {key}"));
    let url = file["token_uri"].as_str().unwrap_or(TOKEN_URL);
    match text("type")? {
        "authorized_user" => {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", text("client_id")?),
                ("client_secret", text("client_secret")?),
                ("refresh_token", text("refresh_token")?),
            ];
            exchange(url, &form, env).await
        }
        "service_account" => {
            let assertion =
                assertion(text("client_email")?, text("private_key")?, file["private_key_id"].as_str(), url)?;
            let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)];
            exchange(url, &form, env).await
        }
        // Federation has many forms, which gcloud knows.
        kind @ ("external_account" | "external_account_authorized_user" | "impersonated_service_account") => {
            gcloud(&["auth", "application-default", "print-access-token"]).await.map_err(|why| {
                format!("credentials of type {kind} are left to gcloud, and {why}; or give --log-store-token-file")
            })
        }
        kind => Err(format!("credentials of type {kind:?} are not known here; give --log-store-token-file")),
    }
}

/// Returns the request for a token that a service account signs (RFC 7523).
fn assertion(email: &str, key: &str, key_id: Option<&str>, audience: &str) -> Result<Zeroizing<String>, String> {
    #[expect(clippy::disallowed_methods, reason = "the server compares it with its own clock")]
    let now = Timestamp::now().as_second();
    let mut header = serde_json::json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(id), Some(object)) = (key_id, header.as_object_mut()) {
        object.insert("kid".into(), id.into());
    }
    let claims = serde_json::json!({"iss": email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + VALID});
    let encoded = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    let content = format!("{}.{}", encoded(&header), encoded(&claims));
    let sign = || {
        let key = PKey::private_key_from_pem_callback(key.as_bytes(), |_| Ok(0))?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        signer.sign_oneshot_to_vec(content.as_bytes())
    };
    let signature = sign().map_err(|_| "its private_key cannot be read".to_owned())?;
    Ok(Zeroizing::new(format!("{content}.{}", BASE64URL_NOPAD.encode(&signature))))
}

async fn exchange(url: &str, form: &[(&str, &str)], env: Environment<'_>) -> Result<SecretString, String> {
    let uri: Uri = url.parse().map_err(|_| "its token_uri is no URL".to_owned())?;
    let host = uri.host().unwrap_or_default().to_owned();
    let is_loopback = matches!(host.as_str(), "127.0.0.1" | "[::1]" | "localhost");
    let is_https = uri.scheme_str() == Some("https");
    if !is_https && !is_loopback {
        return Err("its token_uri is not https".into());
    }
    let proxy = if is_https {
        Proxy::of_environment(&host, uri.port_u16().unwrap_or(443), env).map_err(|why| format!("HTTPS_PROXY: {why}"))?
    } else {
        None
    };
    let path = uri.path().trim_start_matches('/').to_owned();
    let client = Client::new(base(&uri)?, PEER, Credentials::None, proxy, (None, None), TOKEN_TIME)
        .map_err(|error| format!("the TLS library: {error}"))?;
    let mut body = Zeroizing::new(String::new());
    for (name, value) in form {
        let separator = if body.is_empty() { "" } else { "&" };
        body.push_str(&format!("{separator}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    }
    let answer = client.post(&path, FORM, body.as_bytes(), MAX_BYTES).await.map_err(|fault| of_fault(&fault))?;
    in_answer(answer)
}

fn of_fault(fault: &Fault) -> String {
    format!("{} gave no token: {}", PEER.name, fault.reason)
}

fn in_answer(answer: Vec<u8>) -> Result<SecretString, String> {
    let answer = Zeroizing::new(answer);
    let value: Value =
        serde_json::from_slice(&answer).map_err(|_| "the answer with the token is not JSON".to_owned())?;
    let token = value["access_token"].as_str().filter(|token| !token.is_empty());
    token.map(|token| SecretString::from(token.to_owned())).ok_or_else(|| "the answer has no access_token".into())
}

fn base(uri: &Uri) -> Result<Uri, String> {
    let (scheme, authority) = (uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |host| host.as_str()));
    format!("{scheme}://{authority}/").parse().map_err(|_| "the URL has no host".to_owned())
}

/// Returns the token of the machine's service account; `None` where there is no metadata server.
async fn of_metadata(host: Option<&str>) -> Option<SecretString> {
    let base: Uri = format!("http://{}/", host.unwrap_or(METADATA_HOST)).parse().ok()?;
    let peer = Peer { name: "the metadata server", repetitions: 0, ..PEER };
    let client = Client::new(base, peer, Credentials::None, None, (None, None), METADATA_TIME).ok()?;
    let client = client.with_header(HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));
    let path = format!("{METADATA_PATH}?scopes={}", utf8_percent_encode(SCOPE, NON_ALPHANUMERIC));
    in_answer(client.get(&path, MAX_BYTES).await.ok()?).ok()
}

/// Runs gcloud, which prints a token.
async fn gcloud(arguments: &'static [&'static str]) -> Result<SecretString, String> {
    let ended = tokio::task::spawn_blocking(move || run_gcloud(arguments)).await;
    ended.map_err(|_| "gcloud could not be run".to_owned())?
}

fn run_gcloud(arguments: &[&str]) -> Result<SecretString, String> {
    let program = if cfg!(windows) { "gcloud.cmd" } else { "gcloud" };
    let spawned =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "gcloud is not installed".to_owned(),
        _ => format!("gcloud could not be run: {error}"),
    })?;
    let begun = Instant::now();
    // A token fits into the buffer of a pipe, so that gcloud does not wait for its output to be read.
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => return Err(format!("`gcloud {}` ended with {status}", arguments.join(" "))),
            Ok(None) if begun.elapsed() < GCLOUD_TIME => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`gcloud {}` did not end in time", arguments.join(" ")));
            }
        }
    }
    let output = child.wait_with_output().map_err(|error| format!("gcloud: {error}"))?;
    let text = Zeroizing::new(output.stdout);
    let token = std::str::from_utf8(&text).unwrap_or_default().trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(format!("`gcloud {}` printed no token", arguments.join(" ")));
    }
    Ok(SecretString::from(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use openssl::rsa::Rsa;

    use super::*;

    #[test]
    fn a_service_account_signs_its_request() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let assertion = assertion("a@p.iam.gserviceaccount.com", &pem, Some("k"), TOKEN_URL).unwrap();
        let parts: Vec<&str> = assertion.split('.').collect();
        let decoded = |part: &str| -> Value {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        assert_eq!(decoded(parts[0])["kid"], "k");
        assert_eq!((&decoded(parts[1])["scope"], &decoded(parts[1])["aud"]), (&SCOPE.into(), &TOKEN_URL.into()));
        let mut verifier = openssl::sign::Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.update(format!("{}.{}", parts[0], parts[1]).as_bytes()).unwrap();
        assert!(verifier.verify(&BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap()).unwrap());
        assert!(super::assertion("a", "no key", None, TOKEN_URL).is_err());
    }
}
