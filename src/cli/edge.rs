//! The arguments of `edge diagnose` and `edge collect`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::values::{address, positive_duration};
use super::{EXAMPLES_FIRST, Expectation, FailOn, PseudonymArgs};
use crate::report::Format;

#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct EdgeArgs {
    #[command(subcommand)]
    pub command: EdgeCommand,
}

#[derive(Debug, Subcommand)]
pub enum EdgeCommand {
    /// Find out on which leg of Apigee Edge TLS handshakes fail, why, and who has to act
    Diagnose(Box<EdgeDiagnoseArgs>),
    /// Collect a support bundle of an Apigee Edge environment: the report and everything behind it
    Collect(Box<EdgeCollectArgs>),
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Both legs of an environment of the public cloud
  kubectl apigee-tls edge diagnose --org acme --env prod --token-file token.txt

  # A private cloud, with the files of its Router and Message Processor
  kubectl apigee-tls edge diagnose --org acme --env prod \\
    --management-url http://ms:8080 --user-file user.txt --router 10.0.0.5 \\
    --router-conf 0-default.conf --system-properties system.properties

  # What a client app saw, and a capture of a Message Processor
  kubectl apigee-tls edge diagnose --org acme --env prod \\
    --symptom @answer.txt --pcap mp.pcap --mp-address 10.0.0.7

  # Only files: nothing is requested, no handshake is made
  kubectl apigee-tls edge diagnose --org acme --env prod --offline \\
    --api-dump api/ --mp-log system.log

Exit codes: 0 no findings, 1 findings, 2 error,
3 no findings but something is unknown, 130 interrupted."
)]
pub struct EdgeDiagnoseArgs {
    #[command(flatten)]
    pub edge: EdgeOptions,

    /// Judge a bundle again, in place of an environment
    #[arg(long, value_name = "BUNDLE", value_hint = ValueHint::AnyPath, help_heading = "Environment")]
    pub from: Option<String>,

    /// Lowest level of a finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement")]
    pub fail_on: FailOn,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Write a support bundle to the current folder; its path is the last line
  kubectl apigee-tls edge collect --org acme --env prod --token-file token.txt

  # Replace hostnames and addresses by pseudonyms;
  # their list is the .names.json file beside the bundle
  kubectl apigee-tls edge collect --org acme --env prod --redact hosts,addresses

  # Judge it again later
  kubectl apigee-tls edge diagnose --from apigee-tls-acme-prod.tar.gz

Exit codes: 0 bundle written, 2 error, 130 interrupted (partial bundle)."
)]
pub struct EdgeCollectArgs {
    #[command(flatten)]
    pub edge: EdgeOptions,

    /// Output: a new file, a folder, or - for standard output
    #[arg(long, default_value = "./", value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath, help_heading = "Bundle")]
    pub to: String,

    #[command(flatten)]
    pub pseudonyms: PseudonymArgs,
}

/// What to look at, and with which means.
#[derive(Args, Clone, Debug)]
pub struct EdgeOptions {
    /// Organization
    #[arg(long, value_name = "ORGANIZATION", value_hint = ValueHint::Other, help_heading = "Environment")]
    pub org: Option<String>,

    /// Environment
    #[arg(long, value_name = "ENVIRONMENT", value_hint = ValueHint::Other, help_heading = "Environment")]
    pub env: Option<String>,

    /// Virtual host to look at; may be repeated [default: all]
    #[arg(long = "virtual-host", value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Environment")]
    pub virtual_hosts: Vec<String>,

    /// Target server to look at; may be repeated [default: all]
    #[arg(long = "target-server", value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Environment")]
    pub target_servers: Vec<String>,

    /// API proxy whose targets to look at; may be repeated [default revision: the deployed one]
    #[arg(long = "proxy", value_name = "API[:REVISION]", value_hint = ValueHint::Other, help_heading = "Environment")]
    pub proxies: Vec<String>,

    /// Only this leg
    #[arg(long, value_enum, value_name = "LEG", help_heading = "Environment")]
    pub leg: Option<LegChoice>,

    /// What a client or a trace showed: an HTTP answer, a line of curl, a faultstring; @FILE reads it from a
    /// file; may be repeated
    #[arg(long = "symptom", value_name = "TEXT|@FILE", allow_hyphen_values = true, value_hint = ValueHint::Other, help_heading = "Environment")]
    pub symptoms: Vec<String>,

    /// Client apps without SNI exist, whether or not they were seen
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Environment")]
    pub expect: Option<Expectation>,

    /// Dialect of the Management API
    #[arg(long, value_enum, default_value_t, value_name = "DIALECT", help_heading = "Management API")]
    pub api: ApiChoice,

    /// URL of the Management API [default: that of the public cloud, or of Google with --api google]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Management API")]
    pub management_url: Option<String>,

    /// File with an OAuth token, or - for standard input [env: `APIGEE_TLS_TOKEN`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Management API", conflicts_with = "user_file")]
    pub token_file: Option<String>,

    /// File with one line USER:PASSWORD, or - for standard input [env: `APIGEE_TLS_USER`,
    /// `APIGEE_TLS_PASSWORD`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Management API")]
    pub user_file: Option<String>,

    /// File in the format of netrc with user and password of the host
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Management API", hide_short_help = true)]
    pub netrc_file: Option<String>,

    /// PEM file of the CAs of the Management API, instead of those of this machine
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Management API", hide_short_help = true)]
    pub management_ca_file: Option<String>,

    /// HTTP proxy to the Management API [default: that of `HTTPS_PROXY`, unless `NO_PROXY` excludes the host]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Management API", hide_short_help = true)]
    pub management_proxy: Option<String>,

    /// Time limit of one request, and, at most 10 s of it, of one connection and of one handshake
    #[arg(long, value_parser = positive_duration, default_value = "30s", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Management API", hide_short_help = true)]
    pub request_timeout: Duration,

    /// Time limit of the whole run
    #[arg(long, value_parser = positive_duration, default_value = "120s", value_name = "DURATION", value_hint = ValueHint::Other, help_heading = "Management API", hide_short_help = true)]
    pub timeout: Duration,

    /// Configuration of a Router (0-default.conf); may be repeated
    #[arg(long = "router-conf", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    pub router_confs: Vec<String>,

    /// router.properties of a Router; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    pub router_properties: Vec<String>,

    /// message-processor.properties of a Message Processor; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    pub mp_properties: Vec<String>,

    /// system.properties of a Message Processor; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    pub system_properties: Vec<String>,

    /// system.log of a Message Processor, plain or gzip, - for standard input; may be repeated
    #[arg(long = "mp-log", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    pub mp_logs: Vec<String>,

    /// Zip archive or folder of an API proxy; may be repeated
    #[arg(long = "proxy-bundle", value_name = "FILE|DIR", value_hint = ValueHint::AnyPath, help_heading = "Files")]
    pub proxy_bundles: Vec<String>,

    /// Packet capture (pcap, pcapng); may be repeated
    #[arg(long = "pcap", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    pub captures: Vec<String>,

    /// Secrets of TLS 1.3 handshakes (SSLKEYLOGFILE), to read the certificates and alerts that it encrypts in
    /// the captures; they are not put into a bundle
    #[arg(long = "keylog", requires = "captures", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files", hide_short_help = true)]
    pub key_log: Option<String>,

    /// Certificates of a keystore or truststore: PEM, DER or PKCS #12; may be repeated
    #[arg(long = "keystore-file", value_name = "NAME[/ALIAS]=FILE", value_hint = ValueHint::Other, help_heading = "Files")]
    pub keystore_files: Vec<String>,

    /// File with the password of the PKCS #12 files
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files", hide_short_help = true)]
    pub keystore_password_file: Option<String>,

    /// Folder of saved answers of the Management API, as `api/` in a bundle
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Files")]
    pub api_dump: Option<PathBuf>,

    /// Judge only the given files: request nothing, make no handshake
    #[arg(long, help_heading = "Files")]
    pub offline: bool,

    /// Legs on which to make handshakes [default: both; none with --offline]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LEGS", help_heading = "Handshakes")]
    pub probe: Vec<LegProbe>,

    /// Router to connect to; may be repeated [default: where DNS leads; port of the virtual host]
    #[arg(long = "router", value_name = "ADDRESS[:PORT]", value_hint = ValueHint::Other, help_heading = "Handshakes")]
    pub routers: Vec<String>,

    /// Connect to another address for this host and port, as in curl; may be repeated
    #[arg(long = "connect-to", value_name = "HOST:PORT:ADDRESS:PORT", value_hint = ValueHint::Other, help_heading = "Handshakes")]
    pub connect_to: Vec<String>,

    /// PEM file of the CAs that client apps trust; may be repeated [default: those of this machine]
    #[arg(long = "ca-file", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Handshakes")]
    pub ca_files: Vec<PathBuf>,

    /// ClientHello of the client app: modern, or that of a Java release
    #[arg(long, default_value = "modern", value_name = "PROFILE", value_parser = client_profile, value_hint = ValueHint::Other, help_heading = "Handshakes")]
    pub client: ClientProfile,

    /// Java of the Message Processors: 7, 8-limited, 8-classic, 8-modern, 11, 17 or 21
    #[arg(long, value_enum, value_name = "JAVA", help_heading = "Handshakes")]
    pub java: Option<JavaChoice>,

    /// Version of Edge, such as 4.53.01, or cloud; it says which Java the Message Processors have
    #[arg(long, value_name = "VERSION", value_hint = ValueHint::Other, help_heading = "Handshakes")]
    pub edge_version: Option<String>,

    /// Whether the Message Processors send server_name; auto looks into --system-properties
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Handshakes")]
    pub sni: SniArgument,

    /// PEM file of the certificate that a client app presents, with its intermediates
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Handshakes")]
    pub client_cert: Option<PathBuf>,

    /// PEM file of its key [default: the file of --client-cert]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "client_cert", help_heading = "Handshakes")]
    pub client_key: Option<PathBuf>,

    /// PEM file of the certificate that a Message Processor presents, with its intermediates
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Handshakes")]
    pub mp_cert: Option<PathBuf>,

    /// PEM file of its key [default: the file of --mp-cert]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "mp_cert", help_heading = "Handshakes")]
    pub mp_key: Option<PathBuf>,

    /// Address of a Message Processor in captures; may be repeated
    #[arg(long = "mp-address", value_parser = address, value_name = "IP", value_hint = ValueHint::Other, help_heading = "Handshakes", hide_short_help = true)]
    pub mp_addresses: Vec<IpAddr>,

    /// Address of a Router in captures; may be repeated
    #[arg(long = "router-address", value_parser = address, value_name = "IP", value_hint = ValueHint::Other, help_heading = "Handshakes", hide_short_help = true)]
    pub router_addresses: Vec<IpAddr>,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they
    /// are
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub keep_random_tokens: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LegChoice {
    Northbound,
    Southbound,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LegProbe {
    Northbound,
    Southbound,
    None,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ApiChoice {
    /// Apigee Edge, public and private cloud
    #[default]
    Edge,
    /// Apigee X and hybrid, southbound alone
    Google,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum SniArgument {
    On,
    Off,
    #[default]
    Auto,
}

/// A release of Java whose clients send the same ClientHello.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum JavaChoice {
    #[value(name = "7", alias = "java7")]
    Java7,
    #[value(name = "8-limited", alias = "java8-limited")]
    Java8Limited,
    #[value(name = "8-classic", alias = "java8-classic")]
    Java8Classic,
    #[value(name = "8-modern", alias = "java8-modern")]
    Java8Modern,
    #[value(name = "11", alias = "java11")]
    Java11,
    #[value(name = "17", alias = "java17")]
    Java17,
    #[value(name = "21", alias = "java21")]
    Java21,
}

/// The ClientHello of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientProfile {
    Modern,
    Java(JavaChoice),
}

pub(super) fn client_profile(text: &str) -> Result<ClientProfile, String> {
    if text.eq_ignore_ascii_case("modern") {
        return Ok(ClientProfile::Modern);
    }
    JavaChoice::from_str(text, true).map(ClientProfile::Java).map_err(|_| {
        "expected modern, java7, java8-limited, java8-classic, java8-modern, java11, java17 or java21".to_owned()
    })
}
