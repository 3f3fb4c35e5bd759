//! Asks the cluster and reads files, and returns what they said or why they did not.
//!
//! ```text
//! flags ─ kubeconfig ─ connection ─ Api ─┬ contact: namespace, version, discovery      ─ Error (exit 2)
//!                                        ├ one LIST per kind, all at once              ─ Seen<…>
//!                                        ├ the Secrets that routes name                ─ StoredCertificate
//!                                        └ the logs of the pods, as soon as they are known ─ LogStream
//! ```
//!
//! Until the first answer a failure is an [`error::Error`], because there is nothing to judge. From then on it is evidence, and
//! costs only itself. Only this module uses kube; it prints nothing and judges nothing.

pub mod api;
pub mod captures;
pub mod cluster;
pub mod connection;
mod credential;
mod discovery;
mod envoy;
pub mod error;
mod fault;
mod issues;
mod json;
pub mod kept;
pub mod kubeconfig;
mod list;
pub mod local_certificates;
pub mod log_file;
mod mesh;
mod no_proxy;
pub mod overrides;
pub mod plan;
pub mod pod_logs;
mod pods;
mod port_forward;
pub mod probe;
pub mod progress;
pub mod random;
mod routes;
mod secrets;
mod selector;
mod services;
pub mod stop;
mod stored;
#[cfg(test)]
mod test_certificates;
#[cfg(test)]
mod test_server;
mod tls_secrets;
mod trust;

pub use self::cluster::{ClusterEvidence, GatherOptions, cluster};
pub use self::error::Error;
pub use self::kept::Keeper;
pub use self::kubeconfig::{ConnectionOptions, context_name, context_names};
pub use self::local_certificates::{local_certificates, unread as unread_certificates};
pub use self::pod_logs::LogSink;
pub use self::progress::{Progress, Silent};
pub use self::selector::check as check_selector;
pub use self::stop::Stop;
