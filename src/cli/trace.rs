//! Arguments of `trace`.

use clap::Args;

use super::format::of_chains;
use super::{EXAMPLES_FIRST, EvidenceArgs};
use crate::report::Format;

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Follow a hostname from the client to the overrides file
  kubectl apigee-tls trace api.example.com -f overrides.yaml

  # Follow clients without SNI
  kubectl apigee-tls trace --no-sni

  # Follow a hostname in a bundle or in saved evidence
  kubectl apigee-tls trace api.example.com --from bundle.tar.gz

Exit codes: 0 no link is broken, 1 a link is broken, 2 error,
3 a link is unknown, 130 interrupted."
)]
pub struct TraceArgs {
    /// Server name that the client sends
    #[arg(value_name = "HOST", required_unless_present = "no_sni", conflicts_with = "no_sni")]
    pub host: Option<String>,

    /// Follow clients that send no SNI
    #[arg(long)]
    pub no_sni: bool,

    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Follow the name in saved evidence or a bundle; contact no cluster. - for standard input
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Evidence",
        conflicts_with_all = [
            "kubeconfig", "context", "contexts", "all_contexts", "cluster", "user", "server", "as_user", "as_groups",
            "as_uid", "request_timeout", "namespace", "selector", "container", "since", "since_time", "tail",
            "limit_bytes", "probe", "probe_host", "ca_file"
        ]
    )]
    pub from: Option<String>,

    /// Format of the result
    #[arg(short, long, value_parser = of_chains(), default_value = "text", value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
}
