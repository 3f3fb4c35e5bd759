//! What the user may type. No work is done here, and no environment is read: `commands` turns this into what is needed.

mod evidence;
mod probe;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, ArgAction, Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::checks;

pub use self::evidence::{ClusterArgs, EvidenceArgs, Expectation, LogArgs, ProbePlace};
pub use self::probe::{ProbeArgs, TlsVersion};

/// Finds out why a TLS handshake with an Apigee ingress fails
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-apigee-tls",
    bin_name = "kubectl apigee-tls",
    version,
    disable_version_flag = true,
    propagate_version = false,
    max_term_width = 110,
    after_help = "Flags stand after the plugin's name: kubectl apigee-tls diagnose -n apigee.\n\
                  Exit codes: 0 nothing found, 1 found, 2 the tool could not do its work, 3 nothing found but something is \
                  unknown, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub color: ColorChoice,

    /// Tell on standard error what is done; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the checklist against the cluster, or against files, and say what is wrong
    Diagnose(Box<DiagnoseArgs>),
    /// Shake hands with endpoints: with the right server name, with none and with a wrong one
    Probe(Box<ProbeArgs>),
    /// Do the same, and write the support bundle
    Collect(Box<CollectArgs>),
    /// Hold two runs side by side: what is gone, what is new, what is still there
    Diff(DiffArgs),
    /// Print the least Role that a run needs, and its binding, as YAML
    Rbac(RbacArgs),
    /// Show what a check looks for, why it matters and how it is fixed; without a code the catalogue
    Explain(ExplainArgs),
    /// Print the completion script of a shell
    Completion(CompletionArgs),
    /// Print the version
    Version,
    /// Candidates for the words typed so far, as kubectl's completion asks for them
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  # The cluster of the current context, namespace apigee
  kubectl apigee-tls diagnose

  # With the overrides file, to compare it with the cluster and get the change as a diff
  kubectl apigee-tls diagnose -f overrides.yaml

  # Files alone, no cluster needed
  kubectl apigee-tls diagnose --offline -f overrides.yaml --access-log gateway.log

  # Several clusters: a table of them all, then the report of each
  kubectl apigee-tls diagnose --contexts east,west
  kubectl apigee-tls diagnose --all-contexts -o json

  # Keep what was seen, and judge it again elsewhere
  kubectl apigee-tls diagnose --write-evidence evidence.json
  kubectl apigee-tls diagnose --from evidence.json -o json"
)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Judge the files given, ask no cluster
    #[arg(
        long,
        help_heading = "Evidence",
        conflicts_with_all = [
            "from", "kubeconfig", "context", "contexts", "all_contexts", "cluster", "user", "server", "as_user", "as_groups", "as_uid",
            "request_timeout", "selector", "container", "tail", "limit_bytes", "probe", "probe_host", "ca_file"
        ]
    )]
    pub offline: bool,

    /// Judge evidence that was written before, ask no cluster; - for standard input
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

    /// Write the evidence to a file, for --from
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub write_evidence: Option<PathBuf>,

    /// Judge only these checks: codes, names or families
    #[arg(long, value_delimiter = ',', value_parser = CheckName { families: true }, hide_possible_values = true, value_name = "CODE|FAMILY", help_heading = "Judgement")]
    pub only: Vec<String>,

    /// Leave these checks out: codes, names or families
    #[arg(long, value_delimiter = ',', value_parser = CheckName { families: true }, hide_possible_values = true, value_name = "CODE|FAMILY", help_heading = "Judgement")]
    pub skip: Vec<String>,

    /// From which level on a finding makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Judgement")]
    pub fail_on: FailOn,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Output,
}

#[derive(Args, Clone, Debug)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  # What support needs, in one file beside you; its name is the last line
  kubectl apigee-tls collect -f overrides.yaml --case 12345678

  # What would be collected, why, and with which right; no cluster is asked
  kubectl apigee-tls collect --list

  # One file for each of several clusters
  kubectl apigee-tls collect --contexts east,west --to bundles/

  # Without the names of hosts and the addresses of clients; what stands for them is in the .names.json beside it
  kubectl apigee-tls collect --redact hosts,addresses

  # With packets that were recorded meanwhile
  kubectl apigee-tls collect --pcap node.pcap

  # To a pipe
  kubectl apigee-tls collect --to - | ssh support 'cat > bundle.tar.gz'

Exit codes: 0 the bundle is written, 2 there is none (of several: one is missing), 130 interrupted: what was there is in it, and \
it says so."
)]
pub struct CollectArgs {
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Where the bundle goes: a new file, a folder, or - for standard output
    #[arg(long, default_value = "./", value_name = "FILE|FOLDER|-", help_heading = "Bundle")]
    pub to: String,

    /// Number of the support case
    #[arg(long, value_name = "NUMBER", help_heading = "Bundle")]
    pub case: Option<String>,

    /// A word to support
    #[arg(long, value_name = "TEXT", help_heading = "Bundle")]
    pub note: Option<String>,

    /// An environment group with the problem; may be repeated. Without, all that are found are listed
    #[arg(long = "env-group", value_name = "NAME", help_heading = "Bundle")]
    pub env_groups: Vec<String>,

    /// Replace these by pseudonyms in all of the bundle; what they stand for is written beside it
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS", help_heading = "Bundle")]
    pub redact: Vec<Redacted>,

    /// Where the list of pseudonyms goes, a new file; without, beside the bundle
    #[arg(long, requires = "redact", value_name = "FILE", help_heading = "Bundle")]
    pub redact_map: Option<PathBuf>,

    /// Give the same pseudonyms as an earlier run, whose list this is
    #[arg(long, requires = "redact", value_name = "FILE", help_heading = "Bundle")]
    pub redact_as: Option<PathBuf>,

    /// A packet capture (pcap, pcapng) to keep, with secrets masked; may be repeated
    #[arg(long = "pcap", value_name = "FILE", help_heading = "Bundle")]
    pub captures: Vec<String>,

    /// How much of each log goes into the bundle
    #[arg(long = "logs", value_enum, default_value_t, value_name = "PART", help_heading = "Bundle")]
    pub kept_logs: KeptLogs,

    /// Bytes of resets and complaints that are kept of one container's log
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), default_value_t = 5 << 20, value_name = "BYTES", help_heading = "Bundle")]
    pub log_limit: u64,

    /// Show what would be collected, why, and by which right; ask nothing
    #[arg(long, help_heading = "Bundle")]
    pub list: bool,

    /// Plant a secret, a hostname and an address of every kind, redact, and show that none comes out; ask nothing
    #[arg(long, help_heading = "Bundle")]
    pub self_test: bool,
}

#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  # For a user of the cluster
  kubectl apigee-tls rbac --user engineer@example.com | kubectl apply -f -

  # For what collect reads, and a pipeline's service account
  kubectl apigee-tls rbac collect --serviceaccount ci:gate"
)]
pub struct RbacArgs {
    /// The command that is to be run
    #[arg(value_enum, default_value_t, value_name = "COMMAND")]
    pub command: RbacFor,

    /// Namespace of Apigee hybrid
    #[arg(short, long, default_value = "apigee", value_name = "NAMESPACE")]
    pub namespace: String,

    /// Where handshakes are to be made, as diagnose takes it; without pods no port-forward is needed
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pods,services,dns", value_name = "PLACES")]
    pub probe: Vec<ProbePlace>,

    /// Name of the Role and its binding
    #[arg(long, default_value = "apigee-tls", value_name = "NAME")]
    pub name: String,

    /// User to bind the Role to; may be repeated. Without any subject no binding is printed
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,

    /// Group to bind it to; may be repeated
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,

    /// Service account to bind it to; may be repeated
    #[arg(long = "serviceaccount", value_name = "NAMESPACE:NAME")]
    pub service_accounts: Vec<String>,
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// Code or name of a check, as AT201 or wildcard-route-missing
    #[arg(value_parser = CheckName { families: false }, hide_possible_values = true)]
    pub code: Option<String>,
}

#[derive(Args, Debug)]
pub struct CompletionArgs {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub struct CompleteArgs {
    /// The words typed so far, the last one possibly empty
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
    after_help = "\
Example:
  kubectl apigee-tls diagnose --write-evidence before.json
  # … the fix …
  kubectl apigee-tls diagnose --write-evidence after.json
  kubectl apigee-tls diff before.json after.json

Exit codes: 0 nothing got worse, 1 a finding is new, 2 the tool could not do its work, 3 something can no longer be told."
)]
pub struct DiffArgs {
    /// A bundle or evidence of the run before, - for standard input
    #[arg(value_name = "BEFORE")]
    pub before: String,

    /// A bundle or evidence of the run after, - for standard input
    #[arg(value_name = "AFTER")]
    pub after: String,

    /// From which level on a new finding makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub fail_on: FailOn,

    /// Format of the result
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Output,
}

/// How much of a log is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum KeptLogs {
    /// All of it
    Full,
    /// Beginning and end, and every reset and complaint with the lines around it
    #[default]
    Window,
    /// Nothing but the counts
    None,
}

/// What is replaced by pseudonyms.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Redacted {
    /// Addresses of clients and servers
    Addresses,
    /// Hostnames; certificates go with them
    Hosts,
}

/// The commands that ask a cluster.
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

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Output {
    #[default]
    Text,
    /// Text, with every pod, stream and check
    Wide,
    Json,
    Yaml,
}

/// Takes a code or name of the catalogue, or a family where that is allowed, and offers the codes for completion.
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
            if self.families { format!(", and it is no family ({})", families.join(", ")) } else { String::new() };
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

/// Durations as kubectl takes them: `90s`, `10m`, `1h30m`, or seconds as a bare number.
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
        Duration::ZERO => Err("a handshake needs some time; expected a duration such as 5s or 500ms".into()),
        length => Ok(length),
    }
}
