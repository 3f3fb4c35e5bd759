//! Arguments of commands that query a cluster: which cluster, how much of its logs, which files, which
//! probes.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum, ValueHint};
use jiff::Timestamp;
use secrecy::SecretString;

use super::log_store::LogStoreArgs;
use super::values::{Until, bytes, duration, lines, moment, until, window};

/// Arguments that select the evidence, shared by `diagnose` and `collect`.
#[derive(Args, Clone, Debug)]
pub struct EvidenceArgs {
    /// Overrides file, or objects as kubectl get -o yaml prints them; - for standard input; may be repeated
    #[arg(
        short = 'f',
        long = "overrides",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Evidence"
    )]
    pub overrides: Vec<String>,

    /// Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated
    #[arg(
        long = "access-log",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Evidence",
        hide_short_help = true
    )]
    pub access_logs: Vec<String>,

    #[command(flatten)]
    pub stores: LogStoreArgs,

    #[command(flatten)]
    pub logs: LogArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,

    #[command(flatten)]
    pub probing: ProbingArgs,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they
    /// are
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub keep_random_tokens: bool,

    /// Clients that are known to exist, even if they were not seen
    #[arg(long, value_enum, value_name = "CLIENTS", help_heading = "Judgement")]
    pub expect: Option<Expectation>,

    /// Time limit of the run, per context; what was seen by then is reported. 0 means no limit
    #[arg(
        long,
        value_parser = duration,
        default_value = "2m",
        value_name = "DURATION",
        value_hint = ValueHint::Other,
        help_heading = "Cluster",
        hide_short_help = true
    )]
    pub timeout: Duration,
}

/// Arguments that select the handshakes.
#[derive(Args, Clone, Debug)]
pub struct ProbingArgs {
    /// Where to test TLS handshakes: with each hostname, without SNI and with an unknown name
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "pods,services,dns",
        value_name = "PLACES",
        help_heading = "Probes",
        hide_short_help = true
    )]
    pub probe: Vec<ProbePlace>,

    /// Additional hostname to probe, besides those of the routes; may be repeated
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Probes", hide_short_help = true)]
    pub probe_host: Vec<String>,

    /// PEM file of the CAs that clients trust; without it, certificate trust is not checked
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Probes", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,
}

/// Arguments that select the cluster and the identity, with kubectl's meaning.
#[derive(Args, Clone, Debug)]
pub struct ClusterArgs {
    /// Namespace of Apigee hybrid; the namespace of the context is ignored
    #[arg(
        short,
        long,
        default_value = "apigee",
        value_name = "NAMESPACE",
        value_hint = ValueHint::Other,
        help_heading = "Cluster"
    )]
    pub namespace: String,

    /// Label selector of the ingress pods
    #[arg(
        short = 'l',
        long,
        default_value = "app=apigee-ingressgateway",
        value_name = "SELECTOR",
        value_hint = ValueHint::Other,
        help_heading = "Cluster",
        hide_short_help = true
    )]
    pub selector: String,

    /// Path of the kubeconfig file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Cluster", hide_short_help = true)]
    pub kubeconfig: Option<PathBuf>,

    /// Kubeconfig context to use
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Cluster")]
    pub context: Option<String>,

    /// Kubeconfig contexts to run for, each on its own; may be repeated
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        value_name = "NAME,…",
        value_hint = ValueHint::Other,
        help_heading = "Cluster",
        hide_short_help = true,
        conflicts_with_all = ["context", "cluster", "server", "all_contexts"]
    )]
    pub contexts: Vec<String>,

    /// Run for every context of the kubeconfig, in its order
    #[arg(
        long,
        help_heading = "Cluster",
        hide_short_help = true,
        conflicts_with_all = ["context", "cluster", "server"]
    )]
    pub all_contexts: bool,

    /// Kubeconfig cluster to use
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub cluster: Option<String>,

    /// Kubeconfig user to use
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub user: Option<String>,

    /// URL of the API server
    #[arg(short, long, value_name = "URL", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub server: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub as_user: Option<String>,

    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub as_groups: Vec<String>,

    /// UID to impersonate
    #[arg(long = "as-uid", value_name = "UID", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub as_uid: Option<String>,

    /// Time limit of a single API request; 0 means no limit [default: 30s]
    #[arg(long, value_parser = duration, value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub request_timeout: Option<Duration>,

    /// Bearer token to authenticate with
    #[arg(
        long,
        value_parser = token,
        value_name = "TOKEN",
        value_hint = ValueHint::Other,
        help_heading = "Cluster",
        hide_short_help = true
    )]
    pub token: Option<SecretString>,

    /// File of the CAs that signed the certificate of the API server
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Cluster",
        hide_short_help = true,
        conflicts_with = "insecure_skip_tls_verify"
    )]
    pub certificate_authority: Option<PathBuf>,

    /// File of the client certificate to authenticate with
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Cluster", hide_short_help = true)]
    pub client_certificate: Option<PathBuf>,

    /// File of the key of the client certificate
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Cluster", hide_short_help = true)]
    pub client_key: Option<PathBuf>,

    /// Do not verify the certificate of the API server
    #[arg(long, help_heading = "Cluster", hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,

    /// Server name to verify in the certificate of the API server
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Cluster", hide_short_help = true)]
    pub tls_server_name: Option<String>,
}

/// Arguments that limit the logs, with the meaning of `kubectl logs`.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Read only the log of this container
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Access logs", hide_short_help = true)]
    pub container: Option<String>,

    /// Read only records newer than this duration, such as 10m or 2h
    #[arg(long, value_parser = window, value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Access logs", conflicts_with = "since_time")]
    pub since: Option<Duration>,

    /// Read only records since this time (RFC 3339)
    #[arg(long, value_parser = moment, value_name = "TIME", value_hint = ValueHint::Other, help_heading = "Access logs", hide_short_help = true)]
    pub since_time: Option<Timestamp>,

    /// Read only records until this time (RFC 3339), or until this long ago, such as 2h
    #[arg(long, value_parser = until, value_name = "TIME", value_hint = ValueHint::Other, help_heading = "Access logs", hide_short_help = true)]
    pub until: Option<Until>,

    /// Maximum number of lines from the end of each log; -1 means all
    #[arg(long, allow_negative_numbers = true, value_parser = lines, value_name = "LINES", value_hint = ValueHint::Other, help_heading = "Access logs", hide_short_help = true)]
    pub tail: Option<i64>,

    /// Maximum number of bytes of each log, such as 10MB or 10Mi
    #[arg(long, value_parser = bytes, value_name = "BYTES", value_hint = ValueHint::Other, help_heading = "Access logs", hide_short_help = true)]
    pub limit_bytes: Option<u64>,
}

/// Parses a token. Its type keeps it out of every output.
#[expect(clippy::unnecessary_wraps, reason = "parsers of values have one shape")]
fn token(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
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
