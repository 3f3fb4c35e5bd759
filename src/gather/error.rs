//! Errors before there is evidence to judge: unusable configuration, or a cluster that cannot be reached.
//! Failures after the first response are evidence, not errors.
//!
//! The texts follow "could not "; the text of a source is left to the error chain. No text contains a token,
//! a password or a value of a kubeconfig other than its names, addresses and paths.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::text::{some_of, time_limit};

/// Why the cluster cannot be reached or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server limits requests, and rejected each attempt.
    #[error("get an answer from {address}: it takes no more requests now ({what})")]
    Busy { address: String, what: String },
    /// A credential plugin of the kubeconfig provided no credential.
    #[error("get a credential from `{command}`: {what}")]
    CredentialPlugin { command: String, what: String, install_hint: Option<String> },
    /// The id-token of an OIDC provider in the kubeconfig is unusable.
    #[error("use the id-token of user {user} in the kubeconfig: {what}")]
    EndedIdToken { user: String, what: String },
    /// The server rejected the client certificate of the kubeconfig.
    #[error("authenticate to the API server at {address}: the client certificate expired on {not_after}")]
    ExpiredClientCertificate { address: String, not_after: Timestamp },
    /// Impersonated groups or user id, but no user.
    #[error("act as a group or user id alone: no user was given")]
    ImpersonationWithoutUser,
    /// Ctrl-C before there was anything to report.
    #[error("finish: interrupted")]
    Interrupted,
    /// An API server that answers the first request with an internal error.
    #[error("get an answer from {address}: the API server has an internal error ({what})")]
    Failing { address: String, what: String },
    /// The kubeconfig is readable, but a part of it is invalid.
    #[error("use the {part}: {what}")]
    InvalidConfiguration { part: String, what: String },
    #[error("understand the label selector \"{selector}\": {what}")]
    InvalidSelector { selector: String, what: String },
    #[error("parse the kubeconfig {}: {what}", path.display())]
    MalformedKubeconfig { path: PathBuf, what: String },
    #[error("find the namespace \"{namespace}\" in the cluster at {address}")]
    MissingNamespace { namespace: String, address: String, found: Vec<String> },
    /// A load balancer answered in place of the API servers behind it.
    #[error("reach an API server behind {address}: none answers now ({what})")]
    NoApiServerBehind { address: String, what: String },
    #[error("choose a context: the kubeconfig names no current-context")]
    NoContext { known: Vec<String> },
    /// There is no kubeconfig, and this process is not in a pod.
    #[error("find a kubeconfig; looked for {}", list_paths(looked))]
    NoKubeconfig { looked: Vec<PathBuf> },
    #[error("read the answer of {address}: it does not speak as a Kubernetes API server ({what})")]
    NotAnApiServer { address: String, what: String },
    #[error("authenticate to the API server at {address}: {message}")]
    Unauthorized { address: String, message: String, plugin: Option<String> },
    #[error("find the {kind} \"{name}\" in the kubeconfig")]
    UnknownEntry { kind: Entry, name: String, known: Vec<String> },
    /// A file that the kubeconfig or a flag names.
    #[error("read {}, which {} {key}", path.display(), if key.starts_with('-') { "is given as" } else { "the kubeconfig names as" })]
    UnreadableFile { key: &'static str, path: PathBuf, source: io::Error },
    #[error("reach the API server at {address}")]
    Unreachable { address: String, source: ConnectFailure },
    #[error("read the kubeconfig {}", path.display())]
    UnreadableKubeconfig { path: PathBuf, source: io::Error },
    /// The namespace has no ingress pod and no route, and others have routes.
    #[error("find Apigee in namespace \"{namespace}\": Apigee is in namespace {} here", some_of(found))]
    WrongNamespace { namespace: String, found: Vec<String> },
}

/// A list of a kubeconfig.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    Cluster,
    Context,
    User,
}

/// Why no HTTP response came.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectFailure {
    #[error("the connection was closed before an answer came")]
    Closed,
    #[error("{0}")]
    Other(String),
    /// No server accepted the connection in time.
    #[error("no connection within {}", time_limit(*.0))]
    NotAccepted(Duration),
    #[error("connection refused")]
    Refused,
    /// The connection was accepted, and the response to a request did not come in time.
    #[error("it accepts connections, but gave no answer within {}", time_limit(*.0))]
    Slow(Duration),
    /// The time limit of the run passed before a response came.
    #[error("no answer within {}", time_limit(*.0))]
    TimedOut(Duration),
    /// The handshake failed for another reason than the server's certificate.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    #[error("the host name does not resolve")]
    UnknownHost,
    /// OpenSSL's reason, such as `certificate has expired`.
    #[error("its certificate is not accepted: {0}")]
    UntrustedCertificate(String),
}

impl Error {
    /// Returns the reason alone, without addresses and names of the cluster, so that clusters that fail alike
    /// have the same; `None` if the whole message is the reason.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::ExpiredClientCertificate { .. } => Some("the client certificate expired".into()),
            Self::Failing { .. } => Some("the API server has an internal error".into()),
            Self::MissingNamespace { namespace, .. } => Some(format!("there is no namespace \"{namespace}\"")),
            Self::NoApiServerBehind { .. } => Some("no API server behind the load balancer answers".into()),
            Self::NotAnApiServer { .. } => Some("what answers is no API server".into()),
            Self::Unauthorized { message, .. } => Some(format!("the API server does not accept the user: {message}")),
            Self::Unreachable { source, .. } => Some(source.to_string()),
            Self::WrongNamespace { namespace, .. } => Some(format!("Apigee is not in namespace \"{namespace}\"")),
            _ => None,
        }
    }

    /// Returns a hint for the user.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { .. } => {
                Some("try again later: the API server, or a proxy before it, limits the number of requests".into())
            }
            Self::CredentialPlugin { install_hint, command, .. } => {
                Some(install_hint.clone().unwrap_or_else(|| format!("run `{command}` by hand to see what it says")))
            }
            Self::EndedIdToken { .. } => Some(
                "this program does not renew it: run any kubectl command once, which does; and check this machine's clock"
                    .into(),
            ),
            Self::ExpiredClientCertificate { .. } => {
                Some("renew the user's client certificate, or log in again, and check this machine's clock".into())
            }
            Self::Failing { .. } => {
                Some("the cause is in the API server's own log; `kubectl get --raw /readyz?verbose` shows what fails there".into())
            }
            Self::ImpersonationWithoutUser => Some("add --as USER".into()),
            Self::Interrupted => None,
            Self::InvalidConfiguration { .. } | Self::MalformedKubeconfig { .. } => {
                Some("`kubectl config view` shows what kubectl understands of it".into())
            }
            Self::InvalidSelector { .. } => {
                Some("selectors are written as in kubectl: app=apigee-ingressgateway,org=myorg".into())
            }
            Self::MissingNamespace { found, .. } => Some(match found.as_slice() {
                [] => {
                    "Apigee may be installed in another namespace: name it with -n, or choose the cluster with --context"
                        .into()
                }
                [one] => format!("Apigee is in namespace {one} here: -n {one}"),
                several => format!("Apigee is in these namespaces here: {}; name one with -n", some_of(several)),
            }),
            Self::NoApiServerBehind { .. } => Some(
                "try again: the load balancer or proxy at this address answers, and the API servers behind it do not".into(),
            ),
            Self::NoContext { known } => Some(format!("name one with --context{}", known_names(known))),
            Self::NoKubeconfig { .. } => {
                Some("name one with --kubeconfig or $KUBECONFIG; `diagnose --offline` judges files alone".into())
            }
            Self::NotAnApiServer { .. } => Some(
                "check the address of the cluster in the kubeconfig, and whether a proxy or login page answers instead"
                    .into(),
            ),
            Self::Unauthorized { plugin: Some(plugin), .. } => {
                Some(format!("log in again (the credential comes from `{plugin}`; on GKE: gcloud auth login)"))
            }
            Self::Unauthorized { plugin: None, .. } => {
                Some("log in again, or renew the user's token or client certificate in the kubeconfig".into())
            }
            Self::UnknownEntry { known, kind, .. } => Some(if known.is_empty() {
                format!("the kubeconfig has no {kind} at all")
            } else {
                format!("choose another with --{kind}{}", known_names(known))
            }),
            Self::Unreachable { source, .. } => Some(source.hint().into()),
            Self::UnreadableFile { path, .. } if cfg!(unix) && is_of_windows(path) => {
                Some("it is a path of Windows: write it as this system does, or embed the file (kubectl config view --flatten)".into())
            }
            Self::UnreadableFile { .. } => {
                Some("check the path and your right to read it; a relative path is one beside the kubeconfig".into())
            }
            Self::UnreadableKubeconfig { .. } => Some("check the path and your right to read it".into()),
            Self::WrongNamespace { found, .. } => Some(match found.as_slice() {
                [one] => format!("-n {one}"),
                _ => "name one with -n".to_owned(),
            }),
        }
    }
}

impl ConnectFailure {
    fn hint(&self) -> &'static str {
        match self {
            Self::Refused => "is the cluster up, and the address in the kubeconfig the right one?",
            Self::UntrustedCertificate(why) if why.contains("expired") => {
                "the API server's own certificate has to be renewed; also check this machine's clock"
            }
            Self::UntrustedCertificate(why) if why.contains("not yet valid") => {
                "check this machine's clock: it may be behind"
            }
            Self::UntrustedCertificate(why) if why.contains("mismatch") => {
                "the certificate is for another name: set tls-server-name for this cluster in the kubeconfig"
            }
            Self::UntrustedCertificate(_) => {
                "the cluster's certificate-authority in the kubeconfig (without one, this machine's own) did not sign it; \
                 or a proxy intercepts the connection"
            }
            Self::Tls(_) | Self::Closed | Self::Other(_) => {
                "does the address lead to an API server, and through a proxy?"
            }
            Self::Slow(_) => {
                "the server is there and slow to answer: look at its load, or allow more with --request-timeout"
            }
            Self::TimedOut(_) => "allow the run more time with --timeout",
            Self::NotAccepted(_) | Self::UnknownHost => {
                "is a VPN or proxy (HTTPS_PROXY) needed to reach the cluster from here?"
            }
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cluster => "cluster",
            Self::Context => "context",
            Self::User => "user",
        })
    }
}

fn list_paths(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

fn known_names(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) }
}

/// Returns whether a path begins with a drive letter.
pub(in crate::gather) fn is_of_windows(path: &Path) -> bool {
    matches!(path.as_os_str().as_encoded_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}
