//! The arguments of `pcap`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use jiff::Timestamp;

use super::values::{address, moment, port};
use super::{EXAMPLES_FIRST, FailOn};

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # What fails in a capture, how often, and a Wireshark filter to look at it
  kubectl apigee-tls pcap gateway.pcap

  # While it is recorded
  tcpdump -i any -w - port 8443 | kubectl apigee-tls pcap -

  # A line for each failing connection of one client
  kubectl apigee-tls pcap gateway.pcap --client 10.1.2.3 --failed -o wide

  # Only the failing handshakes, without application data, to send to support
  kubectl apigee-tls pcap *.pcap.gz --write failing.pcapng

Exit codes: 0 no handshake fails, 1 one fails, 2 error,
3 none fails and something could not be read."
)]
pub struct PcapArgs {
    /// Captures (pcap, pcapng, also compressed with gzip), - for standard input; several are merged by time
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    pub files: Vec<String>,

    /// Secrets of TLS 1.3 handshakes (SSLKEYLOGFILE), to read the certificates and alerts that it encrypts;
    /// those in pcapng files are used too
    #[arg(long = "keylog", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key_log: Option<String>,

    /// Only connections with this address at either end; may be repeated
    #[arg(long = "host", value_parser = address, value_name = "IP", value_hint = ValueHint::Other, help_heading = "Filters")]
    pub hosts: Vec<IpAddr>,

    /// Only connections to this port of the server; may be repeated
    #[arg(long = "port", value_parser = port, value_name = "PORT", value_hint = ValueHint::Other, help_heading = "Filters")]
    pub ports: Vec<u16>,

    /// Only connections with this SNI, an empty name for those without; *.example.com takes all names below
    #[arg(long = "sni", value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Filters")]
    pub names: Vec<String>,

    /// Only connections of this client; may be repeated
    #[arg(long = "client", value_parser = address, value_name = "IP", value_hint = ValueHint::Other, help_heading = "Filters")]
    pub clients: Vec<IpAddr>,

    /// Only connections that began at this time or later (RFC 3339)
    #[arg(long, value_parser = moment, value_name = "TIME", value_hint = ValueHint::Other, help_heading = "Filters")]
    pub since: Option<Timestamp>,

    /// Only connections that began before this time (RFC 3339)
    #[arg(long, value_parser = moment, value_name = "TIME", value_hint = ValueHint::Other, help_heading = "Filters")]
    pub until: Option<Timestamp>,

    /// Only connections whose handshake failed
    #[arg(long, help_heading = "Filters")]
    pub failed: bool,

    /// Write the packets of failing handshakes to this new file (pcapng)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
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

/// The formats of `pcap`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum PcapOutput {
    #[default]
    Text,
    /// Text, with a line for each connection
    Wide,
    Json,
    Yaml,
    /// HTML page in one file, for a browser
    Html,
    /// One connection per line, as JSON
    Jsonl,
}
