//! Classifies why one request failed, and gives the reason for the evidence.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use crate::evidence::{Reason, Unavailable};
use crate::gather::error::{ConnectFailure, Error};
use crate::run::stop::timed_out;

/// Time limit of the connection alone; a reachable server accepts within milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit of connecting, as a part of the time for a whole request: shorter, to distinguish an
/// unreachable server from a slow one.
pub(in crate::gather) fn connect_timeout(request_timeout: Option<Duration>) -> Duration {
    request_timeout.map_or(CONNECT_TIMEOUT, |given| given.mul_f64(0.9).min(CONNECT_TIMEOUT))
}

/// Why one request failed.
#[derive(Debug)]
pub(in crate::gather) enum Fault {
    /// The response broke off or was malformed.
    Broken(String),
    /// No response came.
    Connect(ConnectFailure),
    /// The credential plugin failed.
    Plugin(Box<Error>),
    /// The server responded with an error.
    Refused {
        code: u16,
        message: String,
        /// Whether the response was a Kubernetes Status, not one of an intermediary.
        by_kubernetes: bool,
        retry_after: Option<Duration>,
    },
    /// The run has to end.
    Stopped(Reason),
    /// The request's own time limit passed.
    TimedOut(Duration),
    /// The response has more bytes than the limit.
    TooLarge(usize),
}

/// The permission that a request needs.
#[derive(Clone, Copy, Debug)]
pub(in crate::gather) struct Access<'a> {
    pub verb: &'a str,
    pub resource: &'a str,
    pub group: &'a str,
    /// Empty for the whole cluster.
    pub namespace: &'a str,
}

impl From<ConnectFailure> for Fault {
    fn from(failure: ConnectFailure) -> Self {
        Self::Connect(failure)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted => Self::Stopped(Reason::Interrupted),
            error => Self::Plugin(Box::new(error)),
        }
    }
}

/// The API server's response text for an unknown path. Source: `http.NotFound` of Go, which
/// `k8s.io/apiserver` calls after all its handlers.
const NO_SUCH_PATH: &str = "404 page not found";

/// How the API server's plain texts of internal errors begin. Source: `InternalError` of
/// `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters` and `WithPanicRecovery` of its `server/filters`.
const INTERNAL_ERRORS: [&str; 2] = ["Internal Server Error: ", "This request caused apiserver to panic."];

impl Fault {
    /// Whether the API server itself reports that there is no such thing; a 404 of an intermediary does not
    /// count.
    pub(in crate::gather) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, message, by_kubernetes, .. } if *by_kubernetes || message == NO_SUCH_PATH)
    }

    /// Returns the fault of a request for what discovery lists. A 404 then contradicts discovery, and shows
    /// nothing.
    pub(in crate::gather) fn of_listed(self) -> Self {
        if self.is_not_found() {
            return Self::Broken("discovery lists it, but the server answered 404 for it".into());
        }
        self
    }

    /// Whether the API server itself reports an internal error; a 500 of an intermediary does not count.
    pub(in crate::gather) fn is_internal_error(&self) -> bool {
        let is_own = |message: &str| INTERNAL_ERRORS.iter().any(|text| message.starts_with(text));
        matches!(self, Self::Refused { code: 500, message, by_kubernetes, .. } if *by_kubernetes || is_own(message))
    }

    /// Returns the reason that the evidence keeps.
    pub(in crate::gather) fn reason(self, access: Access<'_>) -> Reason {
        let is_not_found = self.is_not_found();
        match self {
            Self::Broken(text) => Reason::Broken(text),
            Self::TimedOut(allowed) => timed_out(allowed),
            Self::Connect(failure) => Reason::Unreachable(failure.to_string()),
            Self::Plugin(error) => Reason::Unreachable(format!("could not {error}")),
            // The API server refuses with a Status; the text of a proxy names no missing rule.
            Self::Refused { code: 403, by_kubernetes: true, .. } => Reason::Forbidden {
                verb: access.verb.to_owned(),
                resource: access.resource.to_owned(),
                group: access.group.to_owned(),
                namespace: access.namespace.to_owned(),
            },
            Self::Refused { message, .. } if is_not_found => Reason::Missing(message),
            Self::Refused { code: code @ 502..=504, message, by_kubernetes: false, .. } => {
                Reason::Unreachable(format!("no API server behind the load balancer answered ({code} {message})"))
            }
            Self::Refused { code: 403, message, by_kubernetes: false, .. } => {
                Reason::Unreachable(format!("a proxy may have refused the request: 403 without a Status ({message})"))
            }
            Self::Refused { code, message, .. } => {
                Reason::Unreachable(format!("the server answered {code}: {message}"))
            }
            Self::Stopped(reason) => reason,
            Self::TooLarge(limit) => Reason::Broken(too_large(limit)),
        }
    }

    /// Returns the same with what was requested.
    pub(in crate::gather) fn unavailable(self, what: &str, access: Access<'_>) -> Unavailable {
        Unavailable::new(what, self.reason(access))
    }
}

/// Returns the text for a response with more bytes than the limit.
pub(in crate::gather) fn too_large(limit: usize) -> String {
    format!("the answer is larger than {} MiB", limit >> 20)
}

/// Classifies why kube got no response.
///
/// Its errors are nested boxes, and most have no kind; the innermost sources do. `allowed` was the time limit
/// of connecting.
pub(in crate::gather) fn connect_failure(error: &(dyn StdError + 'static), allowed: Duration) -> ConnectFailure {
    let mut text = String::new();
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return ConnectFailure::Refused,
                io::ErrorKind::TimedOut => return ConnectFailure::NotAccepted(allowed),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return ConnectFailure::Closed,
                _ => {}
            }
        }
        text = error.to_string();
        if text.contains("dns error") {
            return ConnectFailure::UnknownHost;
        }
        // hyper-openssl puts OpenSSL's verdict on the certificate after the stack of errors.
        if let Some((_, verdict)) = text.split_once("certificate verify failed:") {
            let verdict = verdict.rsplit_once(": ").map_or("unknown reason", |(_, verdict)| verdict);
            return ConnectFailure::UntrustedCertificate(verdict.trim().to_owned());
        }
        if text.contains("SSL routines") {
            return ConnectFailure::Tls(openssl_reason(&text));
        }
        if text.contains("connection closed before message completed") || text.contains("unexpected EOF") {
            return ConnectFailure::Closed;
        }
        at = error.source();
    }
    ConnectFailure::Other(text)
}

/// Returns the last text of a chain of errors.
pub(in crate::gather) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Returns `wrong version number` of `error:0A00010B:SSL routines:tls_get_more_records:wrong version
/// number:ssl/…`.
fn openssl_reason(text: &str) -> String {
    let reason = text.split("SSL routines:").nth(1).and_then(|rest| rest.split(':').nth(1));
    match reason {
        Some("wrong version number" | "http request" | "packet length too long") => {
            "the server does not speak TLS on this port".to_owned()
        }
        Some(reason) => reason.to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: Access<'_> =
        Access { verb: "list", resource: "apigeeroutes", group: "apigee.cloud.google.com", namespace: "apigee" };

    #[test]
    fn a_refusal_names_the_missing_rule() {
        let fault = Fault::Refused { code: 403, message: "no".into(), by_kubernetes: true, retry_after: None };
        assert_eq!(
            fault.unavailable("ApigeeRoutes", ACCESS).to_string(),
            "ApigeeRoutes: forbidden: the rule \"list apigeeroutes.apigee.cloud.google.com\" in namespace apigee is missing"
        );
    }

    #[test]
    fn a_refusal_by_an_intermediary_names_no_rule() {
        let fault = Fault::Refused { code: 403, message: "blocked".into(), by_kubernetes: false, retry_after: None };
        let expected =
            Reason::Unreachable("a proxy may have refused the request: 403 without a Status (blocked)".into());
        assert_eq!(fault.reason(ACCESS), expected);
    }

    #[test]
    fn an_error_keeps_the_servers_message() {
        let fault =
            Fault::Refused { code: 500, message: "etcd is down".into(), by_kubernetes: true, retry_after: None };
        assert_eq!(fault.reason(ACCESS), Reason::Unreachable("the server answered 500: etcd is down".into()));
    }

    #[test]
    fn the_verdict_on_a_certificate_is_found() {
        let text = "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:\
            ssl/statem/statem_clnt.c:2123:: self-signed certificate in certificate chain";
        let error = io::Error::other(text);
        let expected = ConnectFailure::UntrustedCertificate("self-signed certificate in certificate chain".into());
        assert_eq!(connect_failure(&error, CONNECT_TIMEOUT), expected);
        let error =
            io::Error::other("error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:x.c:1:");
        let expected = ConnectFailure::Tls("the server does not speak TLS on this port".into());
        assert_eq!(connect_failure(&error, CONNECT_TIMEOUT), expected);
    }
}
