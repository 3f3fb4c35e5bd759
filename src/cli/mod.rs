//! The command line: arguments only. It does no work and reads no environment; `commands` turns it into what
//! is needed.

mod evidence;
mod format;
mod pcap;
mod probe;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, ArgAction, Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::checks;
use crate::report::Format;

pub use self::evidence::{ClusterArgs, EvidenceArgs, Expectation, LogArgs, ProbePlace};
pub use self::pcap::{PcapArgs, PcapOutput};
pub use self::probe::{ProbeArgs, TlsVersion};

/// Help with the examples (`after_help`) before the flags, so that `-h` shows them first.
const EXAMPLES_FIRST: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";

/// Diagnose TLS handshake failures at Apigee ingress gateways
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-apigee-tls",
    bin_name = "kubectl apigee-tls",
    version,
    disable_version_flag = true,
    propagate_version = false,
    max_term_width = 110,
    after_help = "Put flags after the name of the plugin: kubectl apigee-tls diagnose -n apigee\n\n\
                  Exit codes: 0 no findings, 1 findings, 2 error, 3 no findings but something is unknown, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub color: ColorChoice,

    /// Print progress to standard error
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all checks against a cluster or files, and report what is wrong
    Diagnose(Box<DiagnoseArgs>),
    /// Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name
    Probe(Box<ProbeArgs>),
    /// Analyse packet captures: which TLS handshakes fail, how, and for whom
    Pcap(Box<PcapArgs>),
    /// Run diagnose and write a support bundle
    Collect(Box<CollectArgs>),
    /// Compare two runs: findings resolved, new and unchanged
    Diff(DiffArgs),
    /// Print the minimal Role and binding for a run, as YAML
    Rbac(RbacArgs),
    /// Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks
    Explain(ExplainArgs),
    /// Print a shell completion script
    Completion(CompletionArgs),
    /// Print the version
    Version,
    /// Print completion candidates for kubectl
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Diagnose the current context, namespace apigee
  kubectl apigee-tls diagnose

  # Compare the overrides file with the cluster, and get the fix as a diff
  kubectl apigee-tls diagnose -f overrides.yaml

  # Judge files only, without a cluster
  kubectl apigee-tls diagnose --offline -f overrides.yaml --access-log gateway.log

  # Diagnose several clusters: an overview, then each report
  kubectl apigee-tls diagnose --contexts east,west
  kubectl apigee-tls diagnose --all-contexts -o json

  # Save the evidence, and judge it again elsewhere
  kubectl apigee-tls diagnose --write-evidence evidence.json
  kubectl apigee-tls diagnose --from evidence.json -o json"
)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Judge only the given files; contact no cluster
    #[arg(
        long,
        help_heading = "Evidence",
        conflicts_with_all = [
            "from", "kubeconfig", "context", "contexts", "all_contexts", "cluster", "user", "server", "as_user", "as_groups", "as_uid",
            "request_timeout", "selector", "container", "tail", "limit_bytes", "probe", "probe_host", "ca_file"
        ]
    )]
    pub offline: bool,

    /// Judge saved evidence or a bundle; contact no cluster. - for standard input
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Evidence",
        conflicts_with_all = [
            "kubeconfig", "context", "contexts", "all_contexts", "cluster", "user", "server", "as_user", "as_groups",
            "as_uid", "request_timeout", "namespace", "selector", "container", "since", "since_time", "tail", "limit_bytes", "probe", "probe_host",
            "ca_file"
        ]
    )]
    pub from: Option<String>,

    /// Write the evidence to a file, for use with --from
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub write_evidence: Option<PathBuf>,

    /// Run only these checks: codes, names or families, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = CheckName { families: true }, hide_possible_values = true, value_name = "CODE|FAMILY", help_heading = "Judgement", hide_short_help = true)]
    pub only: Vec<String>,

    /// Skip these checks: codes, names or families, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = CheckName { families: true }, hide_possible_values = true, value_name = "CODE|FAMILY", help_heading = "Judgement", hide_short_help = true)]
    pub skip: Vec<String>,

    /// Lowest level of a finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement")]
    pub fail_on: FailOn,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,
}

#[derive(Args, Clone, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Write a support bundle to the current folder; the last line of output is its path
  kubectl apigee-tls collect -f overrides.yaml --case 12345678

  # List what would be collected, why and with which right, without contacting a cluster
  kubectl apigee-tls collect --list

  # Write one bundle per cluster
  kubectl apigee-tls collect --contexts east,west --to bundles/

  # Replace hostnames and client addresses by pseudonyms; their list is the .names.json file beside the bundle
  kubectl apigee-tls collect --redact hosts,addresses

  # Include a packet capture
  kubectl apigee-tls collect --pcap node.pcap

  # Write the bundle to a pipe
  kubectl apigee-tls collect --to - | ssh support 'cat > bundle.tar.gz'

Exit codes: 0 bundle written, 2 error (no bundle, or one of several is missing), 130 interrupted (the bundle is partial \
and says so)."
)]
pub struct CollectArgs {
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Output: a new file, a folder, or - for standard output
    #[arg(long, default_value = "./", value_name = "FILE|FOLDER|-", help_heading = "Bundle")]
    pub to: String,

    /// Number of the support case
    #[arg(long, value_name = "NUMBER", help_heading = "Bundle")]
    pub case: Option<String>,

    /// Note for support
    #[arg(long, value_name = "TEXT", help_heading = "Bundle")]
    pub note: Option<String>,

    /// Environment group with the problem; may be repeated. Without it, all groups found are listed
    #[arg(long = "env-group", value_name = "NAME", help_heading = "Bundle")]
    pub env_groups: Vec<String>,

    /// Replace these kinds by pseudonyms in the whole bundle; the list of pseudonyms is written beside it
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS", help_heading = "Bundle")]
    pub redact: Vec<Redacted>,

    /// New file for the list of pseudonyms [default: beside the bundle]
    #[arg(long, requires = "redact", value_name = "FILE", help_heading = "Bundle", hide_short_help = true)]
    pub redact_map: Option<PathBuf>,

    /// Reuse the pseudonyms of an earlier run, from its list
    #[arg(long, requires = "redact", value_name = "FILE", help_heading = "Bundle", hide_short_help = true)]
    pub redact_as: Option<PathBuf>,

    /// Packet capture (pcap, pcapng) to include, with secrets masked; may be repeated
    #[arg(long = "pcap", value_name = "FILE", help_heading = "Bundle")]
    pub captures: Vec<String>,

    /// How much of each log to include
    #[arg(long = "logs", value_enum, default_value_t, value_name = "PART", help_heading = "Bundle")]
    pub kept_logs: KeptLogs,

    /// Maximum number of bytes of resets, warnings and errors to include per container log
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), default_value_t = 5 << 20, value_name = "BYTES", help_heading = "Bundle", hide_short_help = true)]
    pub log_limit: u64,

    /// List what would be collected, why and with which right; contact no cluster
    #[arg(long, help_heading = "Bundle")]
    pub list: bool,

    /// Test the redaction with planted secrets, hostnames and addresses of every kind; contact no cluster
    #[arg(long, help_heading = "Bundle", hide_short_help = true)]
    pub self_test: bool,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Grant a user what diagnose needs
  kubectl apigee-tls rbac --user engineer@example.com | kubectl apply -f -

  # Grant a pipeline's service account what collect needs
  kubectl apigee-tls rbac collect --serviceaccount ci:gate"
)]
pub struct RbacArgs {
    /// Command to grant rights for
    #[arg(value_enum, default_value_t, value_name = "COMMAND")]
    pub command: RbacFor,

    /// Namespace of Apigee hybrid
    #[arg(short, long, default_value = "apigee", value_name = "NAMESPACE")]
    pub namespace: String,

    /// Places to probe, as for diagnose; without pods, no port-forward is needed
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pods,services,dns", value_name = "PLACES")]
    pub probe: Vec<ProbePlace>,

    /// Name of the Role and its binding
    #[arg(long, default_value = "apigee-tls", value_name = "NAME")]
    pub name: String,

    /// User to bind the Role to; may be repeated. Without any subject, no binding is printed
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,

    /// Group to bind the Role to; may be repeated
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,

    /// Service account to bind the Role to; may be repeated
    #[arg(long = "serviceaccount", value_name = "NAMESPACE:NAME")]
    pub service_accounts: Vec<String>,
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// Code or name of a check, such as AT201 or wildcard-route-missing
    #[arg(value_parser = CheckName { families: false }, hide_possible_values = true)]
    pub code: Option<String>,
}

#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// Shell to generate the script for
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub struct CompleteArgs {
    /// Words typed so far; the last one may be empty
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ColorChoice {
    Always,
    #[default]
    Auto,
    Never,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Example:
  kubectl apigee-tls diagnose --write-evidence before.json
  # … apply the fix …
  kubectl apigee-tls diagnose --write-evidence after.json
  kubectl apigee-tls diff before.json after.json

Exit codes: 0 nothing got worse, 1 new finding, 2 error, 3 something became unknown."
)]
pub struct DiffArgs {
    /// Bundle or evidence of the earlier run; - for standard input
    #[arg(value_name = "BEFORE")]
    pub before: String,

    /// Bundle or evidence of the later run; - for standard input
    #[arg(value_name = "AFTER")]
    pub after: String,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they are
    #[arg(long, hide_short_help = true)]
    pub keep_random_tokens: bool,

    /// Lowest level of a new finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub fail_on: FailOn,

    /// Format of the result
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
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

/// Values of `--redact`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Redacted {
    /// Addresses of clients and servers
    Addresses,
    /// Hostnames, and the certificates that contain them
    Hosts,
}

/// Commands that query a cluster.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum RbacFor {
    Collect,
    #[default]
    Diagnose,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum FailOn {
    Error,
    #[default]
    Warning,
    Never,
}

/// Parses a code or name of the catalogue, or a family where allowed, and offers the codes for completion.
#[derive(Clone, Copy)]
struct CheckName {
    families: bool,
}

impl CheckName {
    fn resolve(self, text: &str) -> Result<String, String> {
        let family = checks::CATALOGUE.iter().find(|family| family.name.eq_ignore_ascii_case(text));
        if let (true, Some(family)) = (self.families, family) {
            return Ok(family.name.to_owned());
        }
        if let Some((_, check)) = checks::find(text) {
            return Ok(check.code.to_string());
        }
        let families: Vec<&str> = checks::CATALOGUE.iter().map(|family| family.name).collect();
        let families =
            if self.families { format!(", nor is it a family ({})", families.join(", ")) } else { String::new() };
        Err(format!("no check has this code or name{families}; `kubectl apigee-tls explain` lists them"))
    }
}

impl TypedValueParser for CheckName {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let checker = *self;
        let parser = move |text: &str| checker.resolve(text);
        TypedValueParser::parse_ref(&parser, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let families = checks::CATALOGUE.iter().filter(|_| self.families);
        let families =
            families.map(|family| PossibleValue::new(family.name).help(format!("family {}xx", family.block)));
        let codes = checks::all().map(|(_, check)| PossibleValue::new(check.code.as_str()).help(check.name));
        Some(Box::new(families.chain(codes)))
    }
}

/// Parses a duration like kubectl: `90s`, `10m`, `1h30m`, or a bare number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| "expected a duration such as 30s, 10m or 1h30m".into())
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected a duration above zero, such as 5s or 500ms".into()),
        length => Ok(length),
    }
}
