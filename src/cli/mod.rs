//! The command line: arguments only. It does no work and reads no environment; `commands` turns it into what
//! is needed.

mod evidence;
mod format;
mod mistakes;
mod order;
mod pcap;
mod probe;
mod trace;
mod values;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

use crate::checks;
use crate::report::Format;

pub use self::evidence::{ClusterArgs, EvidenceArgs, Expectation, LogArgs, ProbePlace};
pub use self::pcap::{PcapArgs, PcapOutput};
pub use self::probe::{ProbeArgs, TlsVersion};
pub use self::trace::TraceArgs;

/// Help with the examples (`after_help`) before the flags, so that `-h` shows them first.
const EXAMPLES_FIRST: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";

/// Diagnose TLS handshake failures at Apigee ingress gateways
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-apigee-tls",
    bin_name = "kubectl apigee-tls",
    display_name = "kubectl apigee-tls",
    version,
    propagate_version = false,
    max_term_width = 110,
    after_help = "Put flags after the name of the plugin: kubectl apigee-tls diagnose -n apigee\n\n\
                  Exit codes: 0 no findings, 1 findings, 2 error, 3 no findings but something is unknown, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Output",
        hide_short_help = true
    )]
    pub color: ColorChoice,

    /// Print progress to standard error; also -v=LEVEL, as in kubectl
    #[arg(
        short,
        long,
        alias = "v",
        global = true,
        action = ArgAction::Append,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = values::verbosity,
        value_name = "LEVEL",
        help_heading = "Output",
        hide_short_help = true
    )]
    pub verbose: Vec<u8>,
}

impl Cli {
    /// Parses the arguments of the process.
    ///
    /// # Errors
    /// What is wrong with them, or the help or version that they request, for `clap::Error::print`.
    pub fn parse_arguments(args: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let command = Self::command();
        let args = order::flags_after_command(args.collect(), &command);
        Self::try_parse_from(&args).map_err(|error| mistakes::explained(error, &args, &command))
    }

    /// Returns the words typed so far with flags behind the command, for completion.
    #[must_use]
    pub fn ordered(args: Vec<OsString>) -> Vec<OsString> {
        order::flags_after_command(args, &Self::command())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all checks against a cluster or files, and report what is wrong
    Diagnose(Box<DiagnoseArgs>),
    /// Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name
    Probe(Box<ProbeArgs>),
    /// Analyse packet captures: which TLS handshakes fail, how, and for whom
    Pcap(Box<PcapArgs>),
    /// Collect a support bundle: the report and everything behind it
    Collect(Box<CollectArgs>),
    /// Follow one server name from the client to overrides.yaml: each link, and which one is broken
    Trace(Box<TraceArgs>),
    /// Compare two runs: findings resolved, new and unchanged
    Diff(DiffArgs),
    /// Print the minimal Role and binding for a run, as YAML
    Rbac(RbacArgs),
    /// Explain checks: what they detect, why it matters and how to fix it; without a code, list all checks
    Explain(ExplainArgs),
    /// Give the names back in an answer to a redacted bundle
    Reveal(RevealArgs),
    /// Print a shell completion script
    Completion(CompletionArgs),
    /// Print the version
    Version(VersionArgs),
    /// Print completion candidates for kubectl
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

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

#[derive(Args, Debug)]
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

  # Diagnose several clusters: an overview, then each report
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
            "as_uid", "token", "certificate_authority", "client_certificate", "client_key", "request_timeout", "namespace", "selector", "container", "since", "since_time", "tail", "limit_bytes", "probe", "probe_host",
            "ca_file"
        ]
    )]
    pub from: Option<String>,

    /// Write the evidence to a file, for use with --from
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Evidence", hide_short_help = true)]
    pub write_evidence: Option<PathBuf>,

    /// Run only these checks: codes, names or families, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = CheckName, value_hint = ValueHint::Other, value_name = "CODE|FAMILY", help_heading = "Judgement", hide_short_help = true)]
    pub only: Vec<String>,

    /// Skip these checks: codes, names or families, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = CheckName, value_hint = ValueHint::Other, value_name = "CODE|FAMILY", help_heading = "Judgement", hide_short_help = true)]
    pub skip: Vec<String>,

    /// Lowest level of a finding that sets exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement", hide_short_help = true)]
    pub fail_on: FailOn,

    /// Report of an earlier run, as JSON: only findings that it lacks set exit code 1
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Judgement", hide_short_help = true, conflicts_with_all = ["contexts", "all_contexts"])]
    pub baseline: Option<PathBuf>,

    /// Also report what the fix would cure, leave and bring
    #[arg(long, help_heading = "Judgement")]
    pub what_if: bool,

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

    /// Replace these kinds by pseudonyms in the whole bundle; the list of pseudonyms is written beside it
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS", help_heading = "Bundle")]
    pub redact: Vec<Redacted>,

    /// New file for the list of pseudonyms [default: beside the bundle]
    #[arg(long, requires = "redact", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub redact_map: Option<PathBuf>,

    /// Reuse the pseudonyms of an earlier run, from its list
    #[arg(long, requires = "redact", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub redact_as: Option<PathBuf>,

    /// Packet capture (pcap, pcapng) to judge and include, with secrets masked; may be repeated
    #[arg(long = "pcap", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Bundle", hide_short_help = true)]
    pub captures: Vec<String>,

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
    #[arg(long, value_parser = values::bytes, default_value = "5Mi", value_name = "BYTES", value_hint = ValueHint::Other, help_heading = "Bundle", hide_short_help = true)]
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
    #[arg(short, long, default_value = "apigee", value_name = "NAMESPACE", value_hint = ValueHint::Other)]
    pub namespace: String,

    /// Places to probe, as for diagnose; without pods, no port-forward is needed
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pods,services,dns", value_name = "PLACES")]
    pub probe: Vec<ProbePlace>,

    /// Name of the Role and its binding
    #[arg(long, default_value = "apigee-tls", value_name = "NAME", value_hint = ValueHint::Other)]
    pub name: String,

    /// User to bind the Role to; may be repeated. Without any subject, no binding is printed
    #[arg(long = "user", value_name = "NAME", value_hint = ValueHint::Other)]
    pub users: Vec<String>,

    /// Group to bind the Role to; may be repeated
    #[arg(long = "group", value_name = "NAME", value_hint = ValueHint::Other)]
    pub groups: Vec<String>,

    /// Service account to bind the Role to; may be repeated
    #[arg(long = "serviceaccount", value_name = "NAMESPACE:NAME", value_hint = ValueHint::Other)]
    pub service_accounts: Vec<String>,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # A check, by code or by name
  kubectl apigee-tls explain AT201
  kubectl apigee-tls explain wildcard-route-missing

  # All checks of a family, or whose code begins so
  kubectl apigee-tls explain route
  kubectl apigee-tls explain AT2

  # All checks whose text has a word
  kubectl apigee-tls explain filter_chain_not_found

  # The whole catalogue for programs
  kubectl apigee-tls explain -o json"
)]
pub struct ExplainArgs {
    /// Codes, names, families, beginnings of codes, or words of the text
    #[arg(value_name = "CODE|NAME|FAMILY|WORD", value_hint = ValueHint::Other)]
    pub topics: Vec<String>,

    /// Format of the pages
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: PlainFormat,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    help_template = EXAMPLES_FIRST,
    after_help = "\
Examples:
  # Replace the pseudonyms in an answer by the names that they stand for
  kubectl apigee-tls reveal apigee-tls-prod-apigee.names.json < answer.txt"
)]
pub struct RevealArgs {
    /// List of pseudonyms that `collect --redact` wrote beside the bundle
    #[arg(value_name = "NAMES.json", value_hint = ValueHint::FilePath)]
    pub names: PathBuf,
}

#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Format of the version
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: PlainFormat,
}

/// Formats of values that are no report.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum PlainFormat {
    #[default]
    Text,
    Json,
    Yaml,
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

Exit codes: 0 nothing got worse, 1 new finding, 2 error,
3 something became unknown."
)]
pub struct DiffArgs {
    /// Bundle or evidence of the earlier run; - for standard input
    #[arg(value_name = "BEFORE", value_hint = ValueHint::AnyPath)]
    pub before: String,

    /// Bundle or evidence of the later run; - for standard input
    #[arg(value_name = "AFTER", value_hint = ValueHint::AnyPath)]
    pub after: String,

    /// Keep tokens that look random: by default they are redacted unless their form or name shows what they
    /// are
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
    Notice,
    Never,
}

/// Parses a code or name of the catalogue, or a family.
#[derive(Clone, Copy)]
struct CheckName;

impl CheckName {
    fn resolve(text: &str) -> Result<String, String> {
        if let Some(family) = checks::CATALOGUE.iter().find(|family| family.name.eq_ignore_ascii_case(text)) {
            return Ok(family.name.to_owned());
        }
        if let Some((_, check)) = checks::find(text) {
            return Ok(check.code.to_string());
        }
        let families: Vec<&str> = checks::CATALOGUE.iter().map(|family| family.name).collect();
        Err(format!(
            "no check has this code or name, nor is it a family ({}); `kubectl apigee-tls explain` lists them",
            families.join(", ")
        ))
    }
}

impl TypedValueParser for CheckName {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        TypedValueParser::parse_ref(&Self::resolve, command, arg, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// clap breaks longer lines, and the rest of a comment would be a command.
    #[test]
    fn examples_fit_eighty_columns() {
        for command in Cli::command().get_subcommands() {
            let examples = [command.get_after_help(), command.get_after_long_help()];
            for line in examples
                .into_iter()
                .flatten()
                .flat_map(|help| help.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
            {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
        }
    }
}
