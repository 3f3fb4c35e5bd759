//! The command line: arguments only. It does no work and reads no environment; `commands` turns it into what
//! is needed.

mod capture;
mod collect;
mod diagnose;
mod edge;
mod evidence;
mod format;
mod log_store;
mod mistakes;
mod order;
mod pcap;
mod probe;
mod trace;
mod values;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

use crate::report::Format;

pub use self::capture::CaptureArgs;
pub use self::collect::{CollectArgs, KeptLogs, PseudonymArgs, Redacted};
pub use self::diagnose::DiagnoseArgs;
pub use self::edge::{
    ApiChoice, ClientProfile, EdgeArgs, EdgeCollectArgs, EdgeCommand, EdgeDiagnoseArgs, EdgeOptions, JavaChoice,
    LegChoice, LegProbe, SniArgument,
};
pub use self::evidence::{ClusterArgs, EvidenceArgs, Expectation, LogArgs, ProbePlace, ProbingArgs};
pub use self::log_store::LogStoreArgs;
pub use self::pcap::{PcapArgs, PcapOutput};
pub use self::probe::{ProbeArgs, TlsVersion};
pub use self::trace::TraceArgs;
pub use self::values::Until;
pub use self::watch::{WatchArgs, WatchOutput};

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
    /// Record packets at ingress pods, and analyse them while they come
    Capture(Box<CaptureArgs>),
    /// Follow the logs of the ingress pods: which clients fail now and why, until you end it
    Watch(Box<WatchArgs>),
    /// Collect a support bundle: the report and everything behind it
    Collect(Box<CollectArgs>),
    /// Diagnose Apigee Edge: client app to Router, and Message Processor to backend
    Edge(EdgeArgs),
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
    /// Print a shell completion script, or make kubectl's own completion know this plugin
    Completion(CompletionArgs),
    /// Print the version
    Version(VersionArgs),
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
  # Grant a user what diagnose needs
  kubectl apigee-tls rbac --user engineer@example.com | kubectl apply -f -

  # Grant a pipeline's service account what collect needs
  kubectl apigee-tls rbac collect --serviceaccount ci:gate

  # Grant a user what capture needs: the right to change pods
  kubectl apigee-tls rbac capture --user engineer@example.com"
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

    /// Name of the Role [default: apigee-tls-COMMAND]
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub name: Option<String>,

    /// User to bind the Role to, each by a binding of its own; may be repeated. Without any subject, no
    /// binding is printed
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
    #[arg(value_enum, required_unless_present = "install")]
    pub shell: Option<clap_complete::Shell>,

    /// Make `kubectl apigee-tls` complete in every shell in which kubectl does: install the program that
    /// kubectl asks, beside the plugin or in FOLDER
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "FOLDER", value_hint = ValueHint::DirPath, conflicts_with = "shell")]
    pub install: Option<Option<PathBuf>>,
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

  # Compare two runs over several clusters
  kubectl apigee-tls diagnose --all-contexts -o json > monday.json
  kubectl apigee-tls diagnose --all-contexts -o json > friday.json
  kubectl apigee-tls diff monday.json friday.json

Exit codes: 0 nothing got worse, 1 new finding, 2 error,
3 something became unknown."
)]
pub struct DiffArgs {
    /// Bundle or evidence of the earlier run, - for standard input; of several clusters their JSON report, or
    /// the folder of their bundles
    #[arg(value_name = "BEFORE", value_hint = ValueHint::AnyPath)]
    pub before: String,

    /// The same of the later run
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

/// Commands that query a cluster.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum RbacFor {
    Capture,
    Collect,
    #[default]
    Diagnose,
    Watch,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum FailOn {
    Error,
    #[default]
    Warning,
    Notice,
    Never,
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
