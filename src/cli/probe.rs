//! The arguments of `probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{FailOn, positive_duration};
use crate::report::Format;

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  # Three handshakes and a verdict: with the server name, without one, with a wrong one
  kubectl apigee-tls probe api.example.com

  # As a client without SNI: exit code 1 if it is refused
  kubectl apigee-tls probe api.example.com --no-sni

  # The gateway behind an address, with the name that clients use
  kubectl apigee-tls probe api.example.com --connect-to 203.0.113.7

  # Every version and cipher suite
  kubectl apigee-tls probe api.example.com:8443 --full

  # Many hosts, one per line
  kubectl apigee-tls probe -f hosts.txt -o json"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct ProbeArgs {
    /// Endpoints: a name or an address, with a port where it is not 443
    #[arg(value_name = "HOST[:PORT]", required_unless_present = "files")]
    pub hosts: Vec<String>,

    /// A file with endpoints, one per line, - for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "FILE", help_heading = "Endpoints")]
    pub files: Vec<String>,

    /// Server name to send and to expect, instead of the host
    #[arg(long, value_name = "NAME", help_heading = "Endpoints", conflicts_with = "no_sni")]
    pub sni: Option<String>,

    /// Send no server name, as a client without SNI
    #[arg(long, help_heading = "Endpoints")]
    pub no_sni: bool,

    /// Connect to this address instead of those that the host has
    #[arg(long, value_name = "IP[:PORT]", help_heading = "Endpoints")]
    pub connect_to: Option<String>,

    /// Use IPv4 addresses only
    #[arg(short = '4', long, help_heading = "Endpoints", conflicts_with = "ipv6")]
    pub ipv4: bool,

    /// Use IPv6 addresses only
    #[arg(short = '6', long, help_heading = "Endpoints")]
    pub ipv6: bool,

    /// Connect through an HTTP proxy; without a URL the one that the environment names
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Endpoints")]
    pub via_proxy: Option<String>,

    /// Begin each connection with a PROXY header, as a load balancer would
    #[arg(long, help_heading = "Endpoints", conflicts_with = "via_proxy")]
    pub proxy_protocol: bool,

    /// Find out every version and cipher suite too
    #[arg(long, help_heading = "Handshake")]
    pub full: bool,

    /// Lowest version to offer: 1.0, 1.1, 1.2 or 1.3
    #[arg(long, value_name = "VERSION", value_enum, help_heading = "Handshake")]
    pub tls_min: Option<TlsVersion>,

    /// Highest version to offer
    #[arg(long, value_name = "VERSION", value_enum, help_heading = "Handshake")]
    pub tls_max: Option<TlsVersion>,

    /// Cipher suites to offer, as OpenSSL names them, separated by colons
    #[arg(long, value_name = "LIST", help_heading = "Handshake")]
    pub ciphers: Option<String>,

    /// Protocols to offer by ALPN, separated by commas; empty offers none
    #[arg(long, value_name = "LIST", default_value = "h2,http/1.1", help_heading = "Handshake")]
    pub alpn: String,

    /// Authorities to verify with (PEM), instead of those of this machine
    #[arg(long, value_name = "FILE", help_heading = "Handshake")]
    pub ca_file: Option<PathBuf>,

    /// Client certificate to offer (PEM), with what leads to its authority
    #[arg(long, value_name = "FILE", help_heading = "Handshake")]
    pub cert: Option<PathBuf>,

    /// Its key (PEM, not encrypted); without, the file of the certificate holds it
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Handshake")]
    pub key: Option<PathBuf>,

    /// Time for one handshake
    #[arg(long, value_parser = positive_duration, default_value = "10s", value_name = "DURATION", help_heading = "Handshake")]
    pub timeout: Duration,

    /// Endpoints to probe at the same time
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), default_value_t = 32, value_name = "NUMBER", help_heading = "Handshake")]
    pub parallel: u16,

    /// From which level on a finding makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement")]
    pub fail_on: FailOn,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
}

/// A version of TLS, as Apigee's overrides write it, or as OpenSSL or Istio does.
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
