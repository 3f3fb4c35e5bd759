//! The arguments of `probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::edge::{ClientProfile, client_profile};
use super::values::{parallel, positive_duration};
use super::{EXAMPLES_FIRST, FailOn};
use crate::report::Format;

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Test three handshakes: with the right SNI, without SNI, with an unknown name
  kubectl apigee-tls probe api.example.com

  # Act as a client without SNI: exit code 1 if the handshake fails
  kubectl apigee-tls probe api.example.com --no-sni

  # Test the gateway at an address, with the name that clients use
  kubectl apigee-tls probe api.example.com --connect-to 203.0.113.7

  # Would a client app on Java 7 reach this gateway?
  kubectl apigee-tls probe api.example.com --client java7

  # Find all accepted TLS versions and cipher suites
  kubectl apigee-tls probe api.example.com:8443 --full

  # Test many endpoints, one per line
  kubectl apigee-tls probe -f hosts.txt -o json"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct ProbeArgs {
    /// Endpoints: hostname or address, with an optional port [default port: 443]
    #[arg(value_name = "HOST[:PORT]", value_hint = ValueHint::Other, required_unless_present = "files")]
    pub hosts: Vec<String>,

    /// File with endpoints, one per line, or - for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Endpoints")]
    pub files: Vec<String>,

    /// SNI to send, and name to expect in the certificate, instead of the host
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Endpoints", conflicts_with = "no_sni")]
    pub sni: Option<String>,

    /// Send no SNI
    #[arg(long, help_heading = "Endpoints")]
    pub no_sni: bool,

    /// Connect to this address instead of resolving the host
    #[arg(long, value_name = "IP[:PORT]", value_hint = ValueHint::Other, help_heading = "Endpoints")]
    pub connect_to: Option<String>,

    /// Use only IPv4 addresses
    #[arg(short = '4', long, help_heading = "Endpoints", conflicts_with = "ipv6", hide_short_help = true)]
    pub ipv4: bool,

    /// Use only IPv6 addresses
    #[arg(short = '6', long, help_heading = "Endpoints", hide_short_help = true)]
    pub ipv6: bool,

    /// Connect through an HTTP proxy; without a URL, the proxy of the environment
    #[arg(long, value_name = "URL", value_hint = ValueHint::Other, num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Endpoints")]
    pub via_proxy: Option<String>,

    /// Begin each connection with a PROXY protocol header, as a load balancer does
    #[arg(long, help_heading = "Endpoints", conflicts_with = "via_proxy", hide_short_help = true)]
    pub proxy_protocol: bool,

    /// Also find all accepted TLS versions and cipher suites
    #[arg(long, help_heading = "Handshake")]
    pub full: bool,

    /// Lowest TLS version to offer: 1.0, 1.1, 1.2 or 1.3
    #[arg(long, value_name = "VERSION", value_enum, help_heading = "Handshake", hide_short_help = true)]
    pub tls_min: Option<TlsVersion>,

    /// Highest TLS version to offer: 1.0, 1.1, 1.2 or 1.3
    #[arg(long, value_name = "VERSION", value_enum, help_heading = "Handshake", hide_short_help = true)]
    pub tls_max: Option<TlsVersion>,

    /// Offer what a client offers: modern, or the versions and cipher suites of a Java release (java7,
    /// java8-limited, java8-classic, java8-modern, java11, java17, java21)
    #[arg(long, value_name = "PROFILE", value_parser = client_profile, value_hint = ValueHint::Other, help_heading = "Handshake", conflicts_with_all = ["tls_min", "tls_max", "ciphers"])]
    pub client: Option<ClientProfile>,

    /// Cipher suites to offer, by their OpenSSL names, separated by colons
    #[arg(long, value_name = "LIST", value_hint = ValueHint::Other, help_heading = "Handshake", hide_short_help = true)]
    pub ciphers: Option<String>,

    /// ALPN protocols to offer, separated by commas; empty offers none
    #[arg(
        long,
        value_name = "LIST", value_hint = ValueHint::Other,
        default_value = "h2,http/1.1",
        help_heading = "Handshake",
        hide_short_help = true
    )]
    pub alpn: String,

    /// PEM file of CAs to verify with, instead of those of this machine
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Handshake")]
    pub ca_file: Option<PathBuf>,

    /// PEM file of the client certificate to offer, with its intermediate CAs
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Handshake")]
    pub cert: Option<PathBuf>,

    /// PEM file of the unencrypted key of --cert [default: the file of --cert]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "cert", help_heading = "Handshake")]
    pub key: Option<PathBuf>,

    /// Time limit of one handshake
    #[arg(long, value_parser = positive_duration, default_value = "10s", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Handshake", hide_short_help = true)]
    pub timeout: Duration,

    /// Number of endpoints to probe at the same time
    #[arg(long, value_parser = parallel, default_value_t = 32, value_name = "NUMBER", value_hint = ValueHint::Other, help_heading = "Handshake", hide_short_help = true)]
    pub parallel: u16,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they
    /// are
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub keep_random_tokens: bool,

    /// Lowest level of a finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement")]
    pub fail_on: FailOn,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
}

/// A TLS version, as Apigee's overrides, OpenSSL or Istio write it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum TlsVersion {
    #[value(name = "1.0", aliases = ["TLSv1.0", "TLSv1", "TLSV1_0"])]
    V1_0,
    #[value(name = "1.1", aliases = ["TLSv1.1", "TLSV1_1"])]
    V1_1,
    #[value(name = "1.2", aliases = ["TLSv1.2", "TLSV1_2"])]
    V1_2,
    #[value(name = "1.3", aliases = ["TLSv1.3", "TLSV1_3"])]
    V1_3,
}
