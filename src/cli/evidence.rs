//! Arguments of commands that query a cluster: which cluster, how much of its logs, which files, which
//! probes.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::duration;

/// Arguments that select the evidence, shared by `diagnose` and `collect`.
#[derive(Args, Clone, Debug)]
pub struct EvidenceArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,

    #[command(flatten)]
    pub logs: LogArgs,

    /// Overrides file (overrides.yaml), or - for standard input; may be repeated
    #[arg(short = 'f', long = "overrides", value_name = "FILE", help_heading = "Evidence")]
    pub overrides: Vec<String>,

    /// Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated
    #[arg(long = "access-log", value_name = "FILE", help_heading = "Evidence")]
    pub access_logs: Vec<String>,

    /// Where to test TLS handshakes: with each hostname, without SNI and with an unknown name
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "pods,services,dns",
        value_name = "PLACES",
        help_heading = "Probes"
    )]
    pub probe: Vec<ProbePlace>,

    /// Additional hostname to probe, besides those of the routes; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Probes", hide_short_help = true)]
    pub probe_host: Vec<String>,

    /// PEM file of the CAs that clients trust; without it, certificate trust is not checked
    #[arg(long, value_name = "FILE", help_heading = "Probes")]
    pub ca_file: Option<PathBuf>,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they are
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub keep_random_tokens: bool,

    /// Clients that are known to exist, even if they were not seen
    #[arg(long, value_enum, value_name = "CLIENTS", help_heading = "Judgement")]
    pub expect: Option<Expectation>,

    /// Time limit of the run, per context; what was seen by then is reported. 0 means no limit
    #[arg(long, value_parser = duration, default_value = "2m", value_name = "DURATION", help_heading = "Cluster")]
    pub timeout: Duration,
}

/// Arguments that select the cluster and the identity, with kubectl's meaning.
#[derive(Args, Clone, Debug)]
pub struct ClusterArgs {
    /// Namespace of Apigee hybrid; the namespace of the context is ignored
    #[arg(short, long, default_value = "apigee", value_name = "NAMESPACE", help_heading = "Cluster")]
    pub namespace: String,

    /// Label selector of the ingress pods
    #[arg(
        short = 'l',
        long,
        default_value = "app=apigee-ingressgateway",
        value_name = "SELECTOR",
        help_heading = "Cluster",
        hide_short_help = true
    )]
    pub selector: String,

    /// Path of the kubeconfig file
    #[arg(long, value_name = "FILE", help_heading = "Cluster", hide_short_help = true)]
    pub kubeconfig: Option<PathBuf>,

    /// Kubeconfig context to use
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub context: Option<String>,

    /// Kubeconfig contexts to run for, each on its own; may be repeated
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        value_name = "NAME,…",
        help_heading = "Cluster",
        conflicts_with_all = ["context", "cluster", "server", "all_contexts"]
    )]
    pub contexts: Vec<String>,

    /// Run for every context of the kubeconfig, in its order
    #[arg(long, help_heading = "Cluster", conflicts_with_all = ["context", "cluster", "server"])]
    pub all_contexts: bool,

    /// Kubeconfig cluster to use
    #[arg(long, value_name = "NAME", help_heading = "Cluster", hide_short_help = true)]
    pub cluster: Option<String>,

    /// Kubeconfig user to use
    #[arg(long, value_name = "NAME", help_heading = "Cluster", hide_short_help = true)]
    pub user: Option<String>,

    /// URL of the API server
    #[arg(short, long, value_name = "URL", help_heading = "Cluster", hide_short_help = true)]
    pub server: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER", help_heading = "Cluster", hide_short_help = true)]
    pub as_user: Option<String>,

    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", help_heading = "Cluster", hide_short_help = true)]
    pub as_groups: Vec<String>,

    /// UID to impersonate
    #[arg(long = "as-uid", value_name = "UID", help_heading = "Cluster", hide_short_help = true)]
    pub as_uid: Option<String>,

    /// Time limit of a single API request; 0 means no limit [default: 30s]
    #[arg(long, value_parser = duration, value_name = "DURATION", help_heading = "Cluster", hide_short_help = true)]
    pub request_timeout: Option<Duration>,

    /// Do not verify the certificate of the API server
    #[arg(long, help_heading = "Cluster", hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,

    /// Server name to verify in the certificate of the API server
    #[arg(long, value_name = "NAME", help_heading = "Cluster", hide_short_help = true)]
    pub tls_server_name: Option<String>,
}

/// Arguments that limit the logs, with the meaning of `kubectl logs`.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Read only the log of this container
    #[arg(short, long, value_name = "NAME", help_heading = "Access logs", hide_short_help = true)]
    pub container: Option<String>,

    /// Read only records newer than this duration, such as 10m or 2h
    #[arg(long, value_parser = duration, value_name = "DURATION", help_heading = "Access logs", conflicts_with = "since_time")]
    pub since: Option<Duration>,

    /// Read only records since this time (RFC 3339)
    #[arg(long, value_name = "TIME", help_heading = "Access logs", hide_short_help = true)]
    pub since_time: Option<Timestamp>,

    /// Maximum number of lines from the end of each log; -1 means all
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..), value_name = "LINES", help_heading = "Access logs", hide_short_help = true)]
    pub tail: Option<i64>,

    /// Maximum number of bytes of each log
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "BYTES", help_heading = "Access logs", hide_short_help = true)]
    pub limit_bytes: Option<u64>,
}

/// Values of `--expect`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Expectation {
    /// Clients that send no SNI
    NonSni,
}

/// Values of `--probe`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ProbePlace {
    /// Every ingress pod, through port-forwards of the API server
    Pods,
    /// The addresses of the Services of the ingress pods
    Services,
    /// The addresses that DNS returns on this machine
    Dns,
    /// No handshakes
    None,
}
