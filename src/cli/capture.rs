//! The arguments of `capture`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum, ValueHint};

use super::values::{address, packets, port, positive_duration};
use super::{ClusterArgs, EXAMPLES_FIRST, FailOn, PcapOutput};

/// The default image; it has a shell and tcpdump.
const IMAGE: &str = "docker.io/nicolaka/netshoot:v0.13";

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Record a minute at all ingress pods, and judge while it is recorded
  kubectl apigee-tls capture

  # Show what would be created, and do nothing
  kubectl apigee-tls capture --print

  # Wait up to ten minutes for one client; keep only its failing handshakes
  kubectl apigee-tls capture --duration 10m --client 203.0.113.7 \\
    --failed-only -w failing.pcapng

  # With an image of your own that has sh and tcpdump
  kubectl apigee-tls capture --image registry.example.com/tcpdump:1

This is the only command that changes the cluster: it adds an ephemeral
container to each pod, which ends with the recording but stays listed until
the pod is deleted. Ctrl-C ends the recording, and the report follows.

Exit codes: 0 no handshake fails, 1 one fails, 2 error,
3 none fails and something could not be read, 130 nothing was recorded."
)]
pub struct CaptureArgs {
    /// Pods to record at [default: all running ingress pods]
    #[arg(value_name = "POD", value_hint = ValueHint::Other)]
    pub pods: Vec<String>,

    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Time to record, such as 90s or 10m
    #[arg(long, value_parser = positive_duration, default_value = "60s", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Recording")]
    pub duration: Duration,

    /// Number of packets at each pod after which recording ends
    #[arg(long, value_parser = packets, value_name = "PACKETS", value_hint = ValueHint::Other, help_heading = "Recording")]
    pub count: Option<u64>,

    /// Only packets of this client; may be repeated
    #[arg(long = "client", value_parser = address, value_name = "IP", value_hint = ValueHint::Other, help_heading = "Recording")]
    pub clients: Vec<IpAddr>,

    /// Port of the pod to record; may be repeated
    #[arg(long = "port", value_parser = port, default_values = ["443", "8443"], value_name = "PORT", value_hint = ValueHint::Other, help_heading = "Recording", hide_short_help = true)]
    pub ports: Vec<u16>,

    /// Image of the container, with sh and tcpdump. It is pulled with the pull secrets of the pod
    #[arg(long, default_value = IMAGE, value_parser = NonEmptyStringValueParser::new(), value_name = "IMAGE", value_hint = ValueHint::Other, help_heading = "Recording")]
    pub image: String,

    /// When to pull the image
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "POLICY",
        help_heading = "Recording",
        hide_short_help = true
    )]
    pub image_pull_policy: PullPolicy,

    /// Print what would be created, as YAML; create nothing
    #[arg(long, help_heading = "Recording", conflicts_with_all = ["write", "failed_only"])]
    pub print: bool,

    /// Report only connections whose handshake failed; with -w, keep only their handshakes
    #[arg(long, help_heading = "Output")]
    pub failed_only: bool,

    /// Write the packets to this new file (pcapng)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub write: Option<PathBuf>,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they
    /// are
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub keep_random_tokens: bool,

    /// Lowest level of a failure that makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement")]
    pub fail_on: FailOn,

    /// Format of the report; wide adds a line for each connection, jsonl prints each connection as JSON when
    /// it is over
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: PcapOutput,
}

/// Values of `--image-pull-policy`, as in Kubernetes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum PullPolicy {
    #[value(name = "Always")]
    Always,
    #[default]
    #[value(name = "IfNotPresent")]
    IfNotPresent,
    #[value(name = "Never")]
    Never,
}

impl PullPolicy {
    /// Returns the value in Kubernetes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
