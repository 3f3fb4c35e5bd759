//! The arguments of `collect`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum, ValueHint};

use super::values::bytes;
use super::{EXAMPLES_FIRST, EvidenceArgs};

#[derive(Args, Clone, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Write a support bundle to the current folder; its path is the last line
  kubectl apigee-tls collect -f overrides.yaml --case 12345678

  # Name the environment groups with the problem
  kubectl apigee-tls collect -f overrides.yaml --env-group shop,partners

  # Replace hostnames and client addresses by pseudonyms
  kubectl apigee-tls collect -f overrides.yaml --redact hosts,addresses

  # List what would be collected, why and with which right
  kubectl apigee-tls collect --list

Exit codes: 0 bundle written, 2 error, 130 interrupted (partial bundle).",
    after_long_help = "\
Examples:
  # Write a support bundle to the current folder; its path is the last line
  kubectl apigee-tls collect -f overrides.yaml --case 12345678

  # Name the environment groups with the problem
  kubectl apigee-tls collect -f overrides.yaml --env-group shop,partners

  # Replace hostnames and client addresses by pseudonyms;
  # their list is the .names.json file beside the bundle
  kubectl apigee-tls collect -f overrides.yaml --redact hosts,addresses

  # List what would be collected, why and with which right
  kubectl apigee-tls collect --list

  # Write one bundle per cluster
  kubectl apigee-tls collect --contexts east,west --to bundles/

  # Include a packet capture
  kubectl apigee-tls collect --pcap node.pcap

  # Write the bundle to a pipe
  kubectl apigee-tls collect --to - | ssh support 'cat > bundle.tar.gz'

Exit codes: 0 bundle written, 2 error (no bundle, or one of several is missing),
130 interrupted (the bundle is partial and says so)."
)]
pub struct CollectArgs {
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Output: a new file, a folder, or - for standard output
    #[arg(long, default_value = "./", value_name = "FILE|FOLDER|-", value_hint = ValueHint::AnyPath, help_heading = "Bundle")]
    pub to: String,

    /// Number of the support case
    #[arg(long, value_name = "NUMBER", value_hint = ValueHint::Other, help_heading = "Bundle")]
    pub case: Option<String>,

    /// Note for support
    #[arg(long, value_name = "TEXT", value_hint = ValueHint::Other, help_heading = "Bundle", hide_short_help = true)]
    pub note: Option<String>,

    /// Environment groups with the problem. Without it, all groups found are listed
    #[arg(
        long = "env-group",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        value_name = "NAME,…",
        value_hint = ValueHint::Other,
        help_heading = "Bundle"
    )]
    pub env_groups: Vec<String>,

    #[command(flatten)]
    pub pseudonyms: PseudonymArgs,

    /// Packet capture (pcap, pcapng) to judge and include, with secrets masked; may be repeated
    #[arg(long = "pcap", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub captures: Vec<String>,

    /// Secrets of TLS 1.3 handshakes (SSLKEYLOGFILE), to judge what it encrypts in the captures; they are not
    /// included
    #[arg(long = "keylog", requires = "captures", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub key_log: Option<String>,

    /// How much of each log to include
    #[arg(
        long = "logs",
        value_enum,
        default_value_t,
        value_name = "PART",
        help_heading = "Bundle",
        hide_short_help = true
    )]
    pub kept_logs: KeptLogs,

    /// Maximum number of bytes of resets, warnings and errors to include per container log
    #[arg(long, value_parser = bytes, default_value = "5Mi", value_name = "BYTES", value_hint = ValueHint::Other, help_heading = "Bundle", hide_short_help = true)]
    pub log_limit: u64,

    /// List what would be collected, why and with which right; contact no cluster
    #[arg(long, help_heading = "Bundle")]
    pub list: bool,

    /// Test the redaction with planted secrets, hostnames and addresses of every kind; contact no cluster
    #[arg(long, help_heading = "Bundle", hide_short_help = true)]
    pub self_test: bool,
}

/// Values of `--logs`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum KeptLogs {
    /// The whole log
    Full,
    /// Beginning, end, and all resets, warnings and errors with the lines around them
    #[default]
    Window,
    /// Only counts
    None,
}

/// Which names are replaced by pseudonyms, and where their list is.
#[derive(Args, Clone, Debug, Default)]
pub struct PseudonymArgs {
    /// Replace these kinds by pseudonyms in the whole bundle; the list of pseudonyms is written beside it
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS", help_heading = "Bundle")]
    pub redact: Vec<Redacted>,

    /// New file for the list of pseudonyms [default: beside the bundle]
    #[arg(long, requires = "redact", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub redact_map: Option<PathBuf>,

    /// Reuse the pseudonyms of an earlier run, from its list
    #[arg(long, requires = "redact", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub redact_as: Option<PathBuf>,
}

/// Values of `--redact`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Redacted {
    /// Addresses of clients and servers
    Addresses,
    /// Hostnames, and the certificates that contain them
    Hosts,
}
