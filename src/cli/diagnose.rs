//! The arguments of `diagnose`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::values::check_name;
use super::{EXAMPLES_FIRST, EvidenceArgs, FailOn};
use crate::report::Format;

/// The examples of `diagnose` that `-h` and `--help` share, as a literal.
macro_rules! diagnose_examples {
    () => {
        "\
Examples:
  # Diagnose the current context, namespace apigee
  kubectl apigee-tls diagnose

  # Compare the overrides file with the cluster, and get the fix as a diff
  kubectl apigee-tls diagnose -f overrides.yaml

  # Only the last ten minutes of the logs, in another namespace
  kubectl apigee-tls diagnose -n my-apigee --since 10m

  # One line for each finding, for grep and tickets
  kubectl apigee-tls diagnose -o short"
    };
}

#[derive(Args, Clone, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = diagnose_examples!(),
    after_long_help = concat!(
        diagnose_examples!(),
        "

  # Judge files only, without a cluster
  kubectl apigee-tls diagnose --offline -f overrides.yaml --access-log gw.log

  # Add a packet capture: who sends no SNI, and failures without a log line
  kubectl apigee-tls diagnose --pcap node.pcap

  # Judge routes that somebody saved with kubectl get apigeeroutes -o yaml
  kubectl apigee-tls diagnose --offline -f routes.yaml -f overrides.yaml

  # Diagnose several clusters: an overview sorted by harm, then each report
  kubectl apigee-tls diagnose --contexts east,west
  kubectl apigee-tls diagnose --all-contexts -o json

  # Save the evidence, and judge it again elsewhere
  kubectl apigee-tls diagnose --write-evidence evidence.json
  kubectl apigee-tls diagnose --from evidence.json -o json"
    )
)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Packet capture (pcap, pcapng, also .gz) at an ingress pod or its node; several are merged by time
    #[arg(long = "pcap", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Evidence", hide_short_help = true)]
    pub captures: Vec<String>,

    /// Secrets of TLS 1.3 handshakes (SSLKEYLOGFILE), to read the certificates and alerts that it encrypts in
    /// the captures; those in pcapng files are used too
    #[arg(long = "keylog", requires = "captures", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Evidence", hide_short_help = true)]
    pub key_log: Option<String>,

    /// Judge only the given files; contact no cluster
    #[arg(
        long,
        help_heading = "Evidence",
        hide_short_help = true,
        conflicts_with_all = [
            "from", "kubeconfig", "context", "contexts", "all_contexts", "cluster", "user", "server", "as_user", "as_groups", "as_uid",
            "token", "certificate_authority", "client_certificate", "client_key", "request_timeout", "selector", "container", "tail", "limit_bytes", "probe", "probe_host", "ca_file"
        ]
    )]
    pub offline: bool,

    /// Judge saved evidence or a bundle; contact no cluster. - for standard input
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::AnyPath,
        help_heading = "Evidence",
        conflicts_with_all = [
            "kubeconfig", "context", "contexts", "all_contexts", "cluster", "user", "server", "as_user", "as_groups",
            "as_uid", "token", "certificate_authority", "client_certificate", "client_key", "request_timeout", "namespace", "selector", "container", "tail", "limit_bytes", "probe", "probe_host",
            "ca_file"
        ]
    )]
    pub from: Option<String>,

    /// Write the evidence to a new file, for use with --from
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Evidence", hide_short_help = true)]
    pub write_evidence: Option<PathBuf>,

    /// Run only these checks: codes, names or families, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = check_name, value_hint = ValueHint::Other, value_name = "CODE|FAMILY", help_heading = "Judgement", hide_short_help = true)]
    pub only: Vec<String>,

    /// Skip these checks: codes, names or families, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = check_name, value_hint = ValueHint::Other, value_name = "CODE|FAMILY", help_heading = "Judgement", hide_short_help = true)]
    pub skip: Vec<String>,

    /// Lowest level of a finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement", hide_short_help = true)]
    pub fail_on: FailOn,

    /// Report of an earlier run, of one context or of several, as JSON: only findings that it lacks set exit
    /// code 1
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Judgement", hide_short_help = true)]
    pub baseline: Option<PathBuf>,

    /// Also report what the fix would cure, leave and bring
    #[arg(long, help_heading = "Judgement")]
    pub what_if: bool,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
}
