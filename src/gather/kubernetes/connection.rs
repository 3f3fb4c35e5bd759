//! Prepares an [`Api`] from a chosen cluster and user.
//!
//! Fills in [`kube::Config`] field by field, because its own loader takes decisions that differ from
//! kubectl's (see `no_proxy`, `credential` and `trust` beside this file). Nothing is sent yet.

use std::net::Ipv6Addr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use k8s_openapi::ByteString;
use kube::Config;
use kube::client::ClientBuilder;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::gather::error::Error;
use crate::gather::kubernetes::api::{Api, Inner};
use crate::gather::kubernetes::clock::ServerClock;
use crate::gather::kubernetes::credential::{Identity, Plugin};
use crate::gather::kubernetes::fault::{connect_timeout, innermost};
use crate::gather::kubernetes::id_token;
use crate::gather::kubernetes::kubeconfig::{ConnectionOptions, Target, invalid};
use crate::gather::kubernetes::local_files;
use crate::gather::kubernetes::no_proxy;
use crate::gather::trust;
use crate::run::stop::Stop;
use crate::wire::x509;

/// Default without `--request-timeout`. kubectl waits without a limit, which would exceed every deadline.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit of one request with all its tries: a source that answers "later" again and again is given up
/// long before the run ends. A list is requested page by page, so that a long one is not cut off while it
/// makes progress.
const PATIENCE: Duration = Duration::from_mins(1);

/// Prepares requests to the API server of `target`. Runs the credential plugin, if there is one.
///
/// # Errors
/// The content of the kubeconfig is unusable, or its credential plugin fails.
pub(in crate::gather) async fn connect(target: Target, options: &ConnectionOptions, stop: Stop) -> Result<Api, Error> {
    let Target { cluster, mut user, user_name, .. } = target;
    local_files::check(&cluster, &user)?;
    id_token::check(user_name.as_deref().unwrap_or_default(), &user)?;
    // kube prefers a token or a password, if there is one.
    let has_other = user.token.is_some() || user.token_file.is_some() || user.username.is_some();
    let plugin = user.exec.take().filter(|_| !has_other && user.auth_provider.is_none()).map(Plugin::new);
    if let Some(plugin) = &plugin
        && let Some(identity) = &plugin.credential(None, &stop).await?.identity
    {
        adopt(&mut user, identity)?;
    }

    // kube puts the token into a header without checking, and panics if that is impossible.
    let token = user.token.as_ref().map(|token| HeaderValue::try_from(token.expose_secret()));
    if matches!(token, Some(Err(_))) {
        let what = "its token holds characters that no header can carry, such as a line end".to_owned();
        return Err(Error::InvalidConfiguration { part: "kubeconfig's user".to_owned(), what });
    }

    let server = server(&cluster, &user)?;
    // A limit that the user sets is not reduced.
    let (request_timeout, patience) = match options.request_timeout {
        None => (Some(REQUEST_TIMEOUT), Some(PATIENCE)),
        Some(Duration::ZERO) => (None, None),
        Some(given) => (Some(given), Some(given.max(PATIENCE))),
    };
    let mut config = Config::new(server.clone());
    config.connect_timeout = Some(connect_timeout(request_timeout));
    config.default_retry = false;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name =
        cluster.tls_server_name.clone().filter(|name| !name.is_empty()).or_else(|| bare_ipv6(&server));
    config.proxy_url = proxy(&server, &cluster)?;
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(concat!("kubectl-apigee-tls/", env!("CARGO_PKG_VERSION")))));
    if server.scheme_str() == Some("https") && !config.accept_invalid_certs {
        config.root_cert = authorities(&cluster)?;
    }
    check_embedded(&user)?;
    let certificate_ends = client_certificate(&user).and_then(|pem| x509::not_after(&pem));
    let compress = !cluster.disable_compression.unwrap_or(false);
    let provider = user.auth_provider.as_ref().map(|provider| provider.name.clone());
    config.auth_info = user;

    let proxy = config.proxy_url.as_ref().map(address);
    let builder = ClientBuilder::try_from(config).map_err(|error| unusable(&error, provider.as_deref()))?;
    let inner = Inner {
        client: builder.build(),
        plugin,
        request_timeout,
        patience,
        address: address(&server),
        proxy,
        compress,
        certificate_ends,
        requests: AtomicU64::new(0),
        clock: ServerClock::default(),
    };
    Ok(Api::new(inner, stop))
}

/// Returns kube's reason, without the URL of a proxy, which may hold a password.
fn unusable(error: &kube::Error, provider: Option<&str>) -> Error {
    let replaced = provider.and_then(|name| Some((name, successor(name)?)));
    let (part, what) = match error {
        kube::Error::Auth(_) if let Some((name, successor)) = replaced => (
            format!("auth-provider {name} of the kubeconfig's user"),
            format!("kubectl has not supported it since 1.26; its successor is the credential plugin {successor}"),
        ),
        kube::Error::ProxyProtocolUnsupported { proxy_url } => {
            let scheme = proxy_url.scheme_str().unwrap_or_default();
            ("proxy".into(), format!("its scheme is \"{scheme}\", and not http, https or socks5"))
        }
        error => ("kubeconfig's cluster and user".into(), innermost(error)),
    };
    Error::InvalidConfiguration { part, what }
}

/// Returns the plugin that replaces an auth provider. Source: "Kubernetes Removals, Deprecations, and Major
/// Changes in 1.26" (in-tree credential code), and the pages of the two plugins.
fn successor(provider: &str) -> Option<&'static str> {
    match provider {
        "azure" => Some("kubelogin (kubelogin convert-kubeconfig)"),
        "gcp" => Some("gke-gcloud-auth-plugin (gcloud container clusters get-credentials writes the kubeconfig anew)"),
        _ => None,
    }
}

/// Checks the encoding of an embedded certificate and key: kube's error names neither.
fn check_embedded(user: &AuthInfo) -> Result<(), Error> {
    let key = user.client_key_data.as_ref().map(ExposeSecret::expose_secret);
    let entries = [("client-certificate-data", user.client_certificate_data.as_deref()), ("client-key-data", key)];
    for (name, data) in entries {
        if data.is_some_and(|data| data_encoding::BASE64.decode(data.as_bytes()).is_err()) {
            let part = format!("kubeconfig's {name}");
            return Err(Error::InvalidConfiguration { part, what: "it is not base64".into() });
        }
    }
    Ok(())
}

/// Puts the certificate and key of a plugin where kube looks for those of a kubeconfig.
fn adopt(user: &mut AuthInfo, identity: &Identity) -> Result<(), Error> {
    let encode = |text: &str| match serde_json::to_value(ByteString(text.as_bytes().to_vec())) {
        Ok(Value::String(encoded)) => Ok(encoded),
        _ => Err(Error::InvalidConfiguration {
            part: "plugin's client certificate".into(),
            what: "it is no text".into(),
        }),
    };
    user.client_certificate_data = Some(encode(&identity.certificate)?);
    user.client_key_data = Some(encode(&identity.key)?.into());
    Ok(())
}

/// Returns the address of the cluster. As in client-go, an address without a scheme is `https` if any TLS
/// setting is present.
fn server(cluster: &Cluster, user: &AuthInfo) -> Result<Uri, Error> {
    let fail = |what: String| Error::InvalidConfiguration { part: "kubeconfig's cluster".into(), what };
    let given = cluster.server.as_deref().filter(|server| !server.is_empty());
    let given = given.ok_or_else(|| fail("it has no server".into()))?;
    let speaks_of_tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let whole = match given.contains("://") {
        true => given.to_owned(),
        false if speaks_of_tls => format!("https://{given}"),
        false => format!("http://{given}"),
    };
    let uri: Uri = whole.parse().map_err(|error| fail(format!("its server is no URL: {error}")))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(fail("its server is no http or https URL".into())),
    }
}

/// Removes user, password and path.
fn address(server: &Uri) -> String {
    let port = server.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", server.scheme_str().unwrap_or_default(), server.host().unwrap_or_default())
}

/// hyper-openssl 0.10.3 verifies the host of an address like `https://[fd00::1]` with its brackets, which
/// match no certificate.
fn bare_ipv6(server: &Uri) -> Option<String> {
    let bare = server.host()?.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse::<Ipv6Addr>().ok().map(|address| address.to_string())
}

fn proxy(server: &Uri, cluster: &Cluster) -> Result<Option<Uri>, Error> {
    let env = |name: &str| std::env::var(name).ok();
    let Some(proxy) = no_proxy::proxy_for(server, cluster.proxy_url.as_deref(), env) else { return Ok(None) };
    // The URL is not shown: it may hold a password.
    let parsed = proxy.parse().map_err(|error| Error::InvalidConfiguration {
        part: "proxy (proxy-url of the kubeconfig, or HTTPS_PROXY)".into(),
        what: format!("it is no URL: {error}"),
    })?;
    Ok(Some(parsed))
}

fn authorities(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Error> {
    // This conversion is kube's only public function that reads and decodes the CA of a cluster.
    let loaded: ExecAuthCluster = cluster.try_into().map_err(|error| invalid("certificate authority", &error))?;
    let Some(pem) = loaded.certificate_authority_data.filter(|pem| !pem.is_empty()) else {
        return Ok(trust::system_authorities());
    };
    let found = x509::certificates(&pem);
    if found.is_empty() {
        let part = "kubeconfig's certificate authority".into();
        return Err(Error::InvalidConfiguration { part, what: "there is no certificate in it".into() });
    }
    Ok(Some(found))
}

/// Returns the client certificate as PEM, if it can be read; kube reports what is wrong with it.
fn client_certificate(user: &AuthInfo) -> Option<Vec<u8>> {
    if let Some(data) = &user.client_certificate_data {
        let decoded: ByteString = serde_json::from_value(Value::String(data.clone())).ok()?;
        return Some(decoded.0);
    }
    std::fs::read(user.client_certificate.as_ref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(server: &str) -> Cluster {
        Cluster { server: Some(server.into()), ..Cluster::default() }
    }

    #[test]
    fn a_server_without_a_scheme_is_read_as_client_go_does() {
        let user = AuthInfo::default();
        assert_eq!(server(&cluster("localhost:8080"), &user).unwrap(), "http://localhost:8080/");
        let mut with_ca = cluster("10.0.0.1:6443");
        with_ca.certificate_authority = Some("ca.pem".into());
        assert_eq!(server(&with_ca, &user).unwrap(), "https://10.0.0.1:6443/");
        for bad in ["", "ftp://x", "https://", "https://a b", "unix:///x"] {
            assert!(matches!(server(&cluster(bad), &user), Err(Error::InvalidConfiguration { .. })), "{bad}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_user() {
        let uri = "https://me:sesame@api.example.com:6443/k8s/clusters/c-1".parse().unwrap();
        assert_eq!(address(&uri), "https://api.example.com:6443");
    }

    #[test]
    fn ipv6_is_verified_without_brackets() {
        assert_eq!(bare_ipv6(&"https://[fd00::1]:6443".parse().unwrap()).as_deref(), Some("fd00::1"));
        assert_eq!(bare_ipv6(&"https://10.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn a_removed_auth_provider_is_named_with_its_successor() {
        let error = || kube::Error::Auth(kube::client::AuthError::AuthExec("no".into()));
        let text = |provider| unusable(&error(), provider).to_string();
        assert!(text(Some("gcp")).contains("auth-provider gcp of the kubeconfig's user"), "{}", text(Some("gcp")));
        assert!(text(Some("gcp")).contains("gke-gcloud-auth-plugin"));
        assert!(text(Some("azure")).contains("kubelogin"));
        assert!(text(Some("oidc")).contains("kubeconfig's cluster and user"), "{}", text(Some("oidc")));
    }

    #[test]
    fn an_embedded_certificate_or_key_that_is_not_base64_is_named() {
        let with = |certificate: &str, key: &str| AuthInfo {
            client_certificate_data: Some(certificate.into()),
            client_key_data: Some(key.to_owned().into()),
            ..AuthInfo::default()
        };
        assert!(check_embedded(&with("eA==", "eA==")).is_ok());
        for (user, name) in [(with("!!", "eA=="), "client-certificate-data"), (with("eA==", "%%"), "client-key-data")] {
            let error = check_embedded(&user).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("%%"), "{error}");
        }
    }

    #[test]
    fn a_certificate_authority_without_a_certificate_is_an_error() {
        let mut empty = cluster("https://a");
        empty.certificate_authority_data = Some("aGVsbG8K".into());
        assert!(matches!(authorities(&empty), Err(Error::InvalidConfiguration { .. })));
        empty.certificate_authority_data = Some("%%%".into());
        assert!(matches!(authorities(&empty), Err(Error::InvalidConfiguration { .. })));
    }
}
