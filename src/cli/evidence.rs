//! What every command takes that asks a cluster: which one, how much of its logs, which files, where to shake hands.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::duration;

/// What is looked at; the same for every command that asks a cluster.
#[derive(Args, Clone, Debug)]
pub struct EvidenceArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,

    #[command(flatten)]
    pub logs: LogArgs,

    /// An overrides.yaml, - for standard input; may be repeated
    #[arg(short = 'f', long = "overrides", value_name = "FILE", help_heading = "Evidence")]
    pub overrides: Vec<String>,

    /// An access log or an export of Cloud Logging, also .gz, - for standard input; may be repeated
    #[arg(long = "access-log", value_name = "FILE", help_heading = "Evidence")]
    pub access_logs: Vec<String>,

    /// Where to shake hands, with each hostname, without one and with a wrong one
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "pods,services,dns",
        value_name = "PLACES",
        help_heading = "Probes"
    )]
    pub probe: Vec<ProbePlace>,

    /// A hostname to probe beside those of the routes; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Probes")]
    pub probe_host: Vec<String>,

    /// Authorities that the clients trust (PEM); without, it is not judged who issued a certificate
    #[arg(long, value_name = "FILE", help_heading = "Probes")]
    pub ca_file: Option<PathBuf>,

    /// Clients that exist whether or not they were seen
    #[arg(long, value_enum, value_name = "CLIENTS", help_heading = "Judgement")]
    pub expect: Option<Expectation>,

    /// Time for the whole run, of several contexts for each; what was seen until then is reported. 0 is no limit
    #[arg(long, value_parser = duration, default_value = "2m", value_name = "DURATION", help_heading = "Cluster")]
    pub timeout: Duration,
}

/// Which cluster, as whom, and where in it; with kubectl's meaning.
#[derive(Args, Clone, Debug)]
pub struct ClusterArgs {
    /// Namespace of Apigee hybrid; the context's own namespace is not used
    #[arg(short, long, default_value = "apigee", value_name = "NAMESPACE", help_heading = "Cluster")]
    pub namespace: String,

    /// Label selector of the ingress pods
    #[arg(
        short = 'l',
        long,
        default_value = "app=apigee-ingressgateway",
        value_name = "SELECTOR",
        help_heading = "Cluster"
    )]
    pub selector: String,

    /// Path of the kubeconfig
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub context: Option<String>,

    /// Contexts of the kubeconfig, each asked as if it were given alone; may be repeated
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        value_name = "NAME,…",
        help_heading = "Cluster",
        conflicts_with_all = ["context", "cluster", "server", "all_contexts"]
    )]
    pub contexts: Vec<String>,

    /// Every context of the kubeconfig, in its order
    #[arg(long, help_heading = "Cluster", conflicts_with_all = ["context", "cluster", "server"])]
    pub all_contexts: bool,

    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub cluster: Option<String>,

    /// User of the kubeconfig
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub user: Option<String>,

    /// Address of the API server
    #[arg(short, long, value_name = "URL", help_heading = "Cluster")]
    pub server: Option<String>,

    /// User to act as
    #[arg(long = "as", value_name = "USER", help_heading = "Cluster")]
    pub as_user: Option<String>,

    /// Group to act as; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", help_heading = "Cluster")]
    pub as_groups: Vec<String>,

    /// User id to act as
    #[arg(long = "as-uid", value_name = "UID", help_heading = "Cluster")]
    pub as_uid: Option<String>,

    /// Time for one request to the API server, 0 for no limit; 30s where not given
    #[arg(long, value_parser = duration, value_name = "DURATION", help_heading = "Cluster")]
    pub request_timeout: Option<Duration>,

    /// Do not verify the certificate of the API server
    #[arg(long, help_heading = "Cluster")]
    pub insecure_skip_tls_verify: bool,

    /// Name to expect in the certificate of the API server
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub tls_server_name: Option<String>,
}

/// How much of each log is read; with the meaning of kubectl logs.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Read the log of this container only
    #[arg(short, long, value_name = "NAME", help_heading = "Access logs")]
    pub container: Option<String>,

    /// Only records younger than this, as 10m or 2h
    #[arg(long, value_parser = duration, value_name = "DURATION", help_heading = "Access logs", conflicts_with = "since_time")]
    pub since: Option<Duration>,

    /// Only records from this moment on (RFC 3339)
    #[arg(long, value_name = "TIME", help_heading = "Access logs")]
    pub since_time: Option<Timestamp>,

    /// Only so many lines from the end of each log; -1 for all
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..), value_name = "LINES", help_heading = "Access logs")]
    pub tail: Option<i64>,

    /// Only so many bytes of each log
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "BYTES", help_heading = "Access logs")]
    pub limit_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Expectation {
    /// Clients that send no server name
    NonSni,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ProbePlace {
    /// Every ingress pod, through the API server's port-forward
    Pods,
    /// The addresses of the Services that lead to them
    Services,
    /// Where DNS leads, as seen from here
    Dns,
    /// No handshake at all
    None,
}
