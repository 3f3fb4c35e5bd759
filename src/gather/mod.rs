//! Reads from the cluster and from files, and returns the content or the reason why it is missing.
//!
//! ```text
//! flags ─ kubeconfig ─ connection ─ Api ─┬ contact: namespace, version, discovery      ─ Error (exit 2)
//!                                        ├ one LIST per kind, all at once              ─ Seen<…>
//!                                        ├ the Secrets that routes name                ─ StoredCertificate
//!                                        └ the logs of the pods, as soon as they are known ─ LogStream
//! ```
//!
//! Before the first response a failure is an [`error::Error`], because there is nothing to judge. After that
//! it is evidence, and does not affect other sources. Only this module uses kube. It prints nothing and
//! judges nothing.

pub mod edge;
pub mod error;
pub mod files;
pub mod http;
pub mod hybrid;
mod kubernetes;
mod open_files;
pub mod probe;
pub mod random;
mod stored;
pub mod stores;
#[cfg(test)]
pub(crate) mod test_certificates;
#[cfg(test)]
mod test_server;
mod trust;

pub use self::error::Error;
pub use self::files::local_certificates::{local_certificates, unread as unread_certificates};
pub use self::hybrid::cluster::{GatherOptions, cluster, reach};
pub use self::hybrid::names::{environment_groups, namespaces};
pub use self::hybrid::pod_logs::LogSink;
pub use self::hybrid::retained::BundleSink;
pub use self::kubernetes::kubeconfig::{ConnectionOptions, EntryNames, KubeconfigFiles, context_name, entry_names};
pub use self::kubernetes::selector::check as check_selector;
pub use self::open_files::allow_open_files;
